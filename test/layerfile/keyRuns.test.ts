/** Keys and transaction rows come back as they were written, whatever they are, and take the bytes that the format promises. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chainKeys, collectChains, keyBlocksOf, type ChainPart } from '../../src/layerfile/chainKeys.js';
import { KEY_BLOCK_BYTES, KeyBlockReader, KeyBlockWriter, type KeyBlock } from '../../src/layerfile/keyRuns.js';
import { readXactRows, writeXactRows } from '../../src/layerfile/xactRows.js';
import { xactRows } from '../support/xactRows.js';

const START = 0x5_0000_0028;

interface PageKeys {
  ordinal: number;
  block: number;
  lsns: number[];
  bits: number[];
}

function write(pages: PageKeys[]): KeyBlock[] {
  const blocks: KeyBlock[] = [];
  const writer = new KeyBlockWriter(START, (block) => blocks.push(block));
  for (const page of pages) writer.page(page.ordinal, page.block, page.lsns.length, page.lsns, page.bits);
  writer.finish();
  return blocks;
}

function read(blocks: KeyBlock[]): PageKeys[] {
  const pages: PageKeys[] = [];
  for (const { payload, fence } of blocks) {
    const run = new KeyBlockReader(payload);
    for (let i = 0; run.next(); i++) {
      if (i === 0) expect([run.ordinal, run.block]).toEqual(fence);
      let page = pages.at(-1);
      if (page?.ordinal !== run.ordinal || page.block !== run.block) pages.push((page = { ordinal: run.ordinal, block: run.block, lsns: [], bits: [] }));
      run.entries(START, (lsn, bits) => {
        page.lsns.push(lsn);
        page.bits.push(bits);
      });
    }
  }
  return pages;
}

/** Which pages the runs are of, without looking at an entry. */
function heads(blocks: KeyBlock[]): string[] {
  const pages = new Set<string>();
  for (const { payload } of blocks) for (const run = new KeyBlockReader(payload); run.next();) pages.add(`${run.ordinal} ${run.block}`);
  return [...pages];
}

/** The chain of one page as the compiled decoder gathers it, the newest block first. */
function chain(blocks: KeyBlock[], { ordinal, block }: PageKeys, since: number, upTo: number): number[] {
  const part: ChainPart = { since, isStarted: false, runs: [] };
  const section = { id: 2, blocks: blocks.length, width: 2, offsets: new Float64Array(0), lengths: new Uint32Array(0), fences: Float64Array.from(blocks.flatMap(({ fence }) => fence)) };
  for (const { index, only } of keyBlocksOf(section, ordinal, block, block + 1).reverse()) {
    if (only !== undefined) expect(only).toBe(block);
    collectChains(blocks[index]!.payload, ordinal, block, block + 1, START, upTo, () => part);
  }
  return chainKeys(part);
}

/** What it should be: the entries from the last that starts a chain on. */
function expectedChain({ lsns, bits }: PageKeys, since: number, upTo: number): number[] {
  const keys = lsns.flatMap((lsn, i) => (lsn >= since && lsn < upTo ? [lsn * 4 + bits[i]!] : []));
  return keys.slice(Math.max(0, keys.findLastIndex((key) => key % 2 === 1)));
}

/** Distances as WAL has them: few values, often in turn, now and then far apart. */
const distance = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(5, 17, 17, 130, 700) }, fc.integer({ min: 1, max: 40_000 }), fc.integer({ min: 1, max: 2 ** 40 }));
const stretch = fc.record({ distances: fc.array(distance, { minLength: 1, maxLength: 3 }), times: fc.integer({ min: 1, max: 40 }), bits: fc.constantFrom(0, 0, 0, 1, 2, 3) });
const pageKeys = fc.record({ ordinalStep: fc.integer({ min: 0, max: 2 }), blockStep: fc.integer({ min: 1, max: 300 }), stretches: fc.array(stretch, { minLength: 1, maxLength: 8 }) });

function build(specs: { ordinalStep: number; blockStep: number; stretches: { distances: number[]; times: number; bits: number }[] }[]): PageKeys[] {
  let ordinal = 0;
  let block = 0;
  return specs.map((spec) => {
    if (spec.ordinalStep > 0) block = 0;
    ordinal += spec.ordinalStep;
    block += spec.blockStep;
    const page: PageKeys = { ordinal, block, lsns: [], bits: [] };
    let lsn = START;
    for (const { distances, times, bits } of spec.stretches) {
      for (let n = 0; n < times; n++) {
        page.lsns.push((lsn += distances[n % distances.length]! * 8));
        page.bits.push(n === 0 ? bits : 0);
      }
    }
    return page;
  });
}

describe('keys', () => {
  it('come back, whatever they are', () => {
    fc.assert(fc.property(fc.array(pageKeys, { maxLength: 60 }), (specs) => {
      const pages = build(specs);
      const blocks = write(pages);
      expect(read(blocks)).toEqual(pages);
      expect(heads(blocks)).toEqual([...new Set(pages.map((page) => `${page.ordinal} ${page.block}`))]);
      for (const { payload } of blocks) expect(payload.length).toBeLessThan(KEY_BLOCK_BYTES + 40);
    }), { numRuns: 60 });
  });

  it('of one page fill as many blocks as they need', () => {
    const lsns = Array.from({ length: 40_000 }, (_, i) => START + 8 * (i * 400 + ((i * 7919) % 300)));
    const page = { ordinal: 3, block: 12, lsns, bits: lsns.map(() => 0) };
    const blocks = write([page]);
    expect(blocks.length).toBeGreaterThan(4);
    expect(read(blocks)).toEqual([page]);
  });

  it('are gathered as chains', () => {
    const wide = pageKeys.map((spec) => ({ ...spec, stretches: spec.stretches.map((each) => ({ ...each, distances: each.distances.map((one) => Math.min(one, 2 ** 34)), times: each.times * 30 })) }));
    fc.assert(fc.property(fc.array(wide, { minLength: 1, maxLength: 12 }), fc.nat(), fc.nat(), (specs, a, b) => {
      const pages = build(specs), blocks = write(pages);
      for (const page of pages) {
        const [since, upTo] = [a, b].map((n) => page.lsns[n % page.lsns.length]!).sort((x, y) => x - y) as [number, number];
        expect(chain(blocks, page, since, upTo)).toEqual(expectedChain(page, since, upTo));
        expect(chain(blocks, page, 0, Number.MAX_SAFE_INTEGER)).toEqual(expectedChain(page, 0, Number.MAX_SAFE_INTEGER));
      }
    }), { numRuns: 25 });
  });

  it('that repeat take no room, and are passed over as quickly', () => {
    const lsns = Array.from({ length: 100_000 }, (_, i) => START + 8 * (i * 10 + (i % 2) * 3));
    const blocks = write([{ ordinal: 0, block: 1, lsns, bits: lsns.map(() => 0) }, { ordinal: 0, block: 2, lsns: [START], bits: [1] }]);
    expect(blocks).toHaveLength(1);
    expect(blocks[0]!.payload.length).toBeLessThan(24);
    const run = new KeyBlockReader(blocks[0]!.payload);
    expect([run.next(), run.count, run.next(), run.block, run.count, run.next()]).toEqual([true, 100_000, true, 2, 1, false]);
  });
});

describe('transaction rows', () => {
  it('come back, whatever they are, and a block says which CLOG pages they touch', () => {
    fc.assert(fc.property(xactRows(START), (rows) => {
      const blocks = [...writeXactRows(rows)];
      expect(blocks.flatMap(({ payload, fence }) => {
        const some = readXactRows(payload, fence[0] * 8);
        const pages = some.filter((one) => one.kind < 4).flatMap((one) => [one.xid, ...one.subxids]).map((one) => Math.floor(one / 32768));
        expect(fence.slice(1)).toEqual(pages.length === 0 ? [1, 0] : [Math.min(...pages), Math.max(...pages)]);
        return some;
      })).toEqual(rows);
    }), { numRuns: 20 });
  });
});
