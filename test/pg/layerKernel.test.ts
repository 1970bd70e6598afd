/** The kernel's keys and rows are the bytes that the writers in TypeScript make of the same records. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyBlockWriter, type KeyBlock } from '../../src/layerfile/keyRuns.js';
import { writeXactRows, type XactBlock } from '../../src/layerfile/xactRows.js';
import { LayerBuilder } from '../../src/store/ingest.js';
import type { Lsn } from '../../src/util/lsn.js';
import { xactRows } from '../support/xactRows.js';

const START = 0x2800_0000;

/** Keys as WAL has them: a few relations and pages, distances that repeat, now and then a far page. */
const touch = fc.record({
  relation: fc.integer({ min: 1, max: 4 }), block: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 0xffff_fffe })), step: fc.constantFrom(5, 17, 17, 17, 700, 40_000), bits: fc.constantFrom(0, 0, 0, 1, 2),
});

describe('keys', () => {
  it('are sorted and encoded as KeyBlockWriter encodes them', () => {
    const builder = new LayerBuilder();
    fc.assert(fc.property(fc.array(touch, { minLength: 1, maxLength: 3000 }), (touches) => {
      builder.begin(START as Lsn);
      const { kernel } = builder;
      kernel.begin({ major: 15, segmentSize: 1 << 24, modes: new Uint8Array(256) });
      const pages = new Map<string, { relation: number; block: number; lsns: number[]; bits: number[] }>();
      let lsn8 = 0;
      for (const { relation, block, step, bits } of touches) {
        lsn8 += step;
        kernel.exports.addKey(kernel.exports.intern(1663, 5, relation, 0), block, lsn8 * 4 + bits);
        const key = `${relation} ${block}`;
        const page = pages.get(key) ?? { relation, block, lsns: [], bits: [] };
        pages.set(key, page);
        page.lsns.push(START + lsn8 * 8);
        page.bits.push(bits);
      }
      builder.finish(touches.length, (START + lsn8 * 8) as Lsn, { shapes: [], open: [], newestXids: [] });
      const contents = builder.contents();
      const expected: KeyBlock[] = [];
      const writer = new KeyBlockWriter(START, (one) => expected.push(one));
      for (const page of [...pages.values()].sort((a, b) => a.relation - b.relation || a.block - b.block)) {
        writer.page(contents.relations.findIndex((rel) => rel.relNumber === page.relation), page.block, page.lsns.length, page.lsns, page.bits);
      }
      writer.finish();
      const plain = (block: KeyBlock): [string, readonly number[]] => [Buffer.from(block.payload).toString('hex'), block.fence];
      expect([...contents.keys].map(plain)).toEqual(expected.map(plain));
    }), { numRuns: 40 });
  });
});

describe('transaction rows', () => {
  it('are encoded as writeXactRows() encodes them', () => {
    const builder = new LayerBuilder();
    fc.assert(fc.property(xactRows(START), (rows) => {
      builder.begin(START as Lsn);
      builder.kernel.begin({ major: 15, segmentSize: 1 << 24, modes: new Uint8Array(256) });
      for (const row of rows) builder.transactionNote(row);
      builder.finish(rows.length, rows.at(-1)!.endLsn, { shapes: [], open: [], newestXids: [] });
      const plain = ({ payload, fence }: XactBlock): [string, readonly number[]] => [Buffer.from(payload).toString('hex'), fence];
      expect([...builder.contents().xacts].map(plain)).toEqual([...writeXactRows(rows)].map(plain));
    }), { numRuns: 20 });
  });
});
