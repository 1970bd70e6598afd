import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scanWal, REF_HAS_IMAGE, REF_STARTS_CHAIN, REF_WILL_INIT, type WalScanOptions, type WalScanResult } from '../../src/pg/walScan.js';
import { crc32c } from '../../src/pg/crc32c.js';
import { PG_MAJORS } from '../../src/pg/version.js';
import { RecordMode, WalScanKernel } from '../../src/pg/walScanKernel.js';
import { XLogReader } from '../../src/pg/xlogReader.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { formatRelFork, type RelFork } from '../../src/pg/relFileLocator.js';
import type { Lsn } from '../../src/util/lsn.js';
import { encodeRecord, WalBuilder, type BlockSpec, type RecordSpec } from '../support/walBuilder.js';

/** What a scan hands over, as text a line: references `lsn rel block flags`, records `lsn-end rmid info main`. */
interface Gathered {
  refs: string[];
  records: string[];
  result: Omit<WalScanResult, 'end' | 'changes'>;
  end?: string;
  /** `xid rel inserted updated deleted`, and `newest LSN xid`. */
  changes: string[];
}

function gather(wal: WalBuilder, options: Partial<WalScanOptions> = {}): Gathered {
  const refs: string[] = [], records: string[] = [];
  const { end, changes, ...result } = scanWal(wal, {
    changes: true,
    major: wal.major, systemIdentifier: wal.systemIdentifier, from: wal.startLsn, ...options,
    onBatch(batch) {
      for (let i = 0; i < batch.refCount; i++) refs.push(`${batch.baseLsn + batch.lsn[i]!} ${formatRelFork(batch.relations[batch.relation[i]!]!)} ${batch.block[i]} ${batch.flags[i]}`);
      batch.forEachRecord((record) => records.push(describeRecord(record)));
    },
  });
  const lines = changes!.open.flatMap(({ xid, changes: number }) => changes!.shapes[number - 1]!.map((c) => `${xid} ${formatRelFork(c.relation as RelFork)} ${c.inserted} ${c.updated} ${c.deleted}`));
  return { refs, records, result, end: end && `${end.lsn} ${end.kind} ${end.error.code}`, changes: [...lines.sort(), ...changes!.newestXids.map((note) => `newest ${note.lsn} ${note.xid}`)] };
}

function describeRecord(record: XLogRecord): string {
  return `${record.lsn}-${record.endLsn} ${record.rmid} ${record.info} ${crc32c(record.bytes, record.mainAt, record.mainAt + record.mainLength)}`;
}

/** The same from XLogReader, a record at a time. */
function reference(wal: WalBuilder, from: Lsn = wal.startLsn, until = Infinity): Gathered {
  const reader = new XLogReader(wal, { major: wal.major, systemIdentifier: wal.systemIdentifier });
  const record = new XLogRecord();
  const out: Gathered = { refs: [], records: [], result: { records: 0, bytes: 0, firstLsn: 0 as Lsn, firstPrevLsn: 0 as Lsn, lastLsn: 0 as Lsn, endLsn: 0 as Lsn, abortedLsns: [] }, changes: [] };
  const counts = new ReferenceCounts();
  if (reader.seek(from, record) !== undefined) {
    while (reader.position < until && reader.next(record) && record.lsn < until) {
      if (reader.overwrittenLsn !== 0) out.result.abortedLsns.push(reader.overwrittenLsn);
      if (out.result.records++ === 0) Object.assign(out.result, { firstLsn: record.lsn, firstPrevLsn: record.prevLsn });
      Object.assign(out.result, { bytes: out.result.bytes + record.totLen, lastLsn: record.lsn, endLsn: record.endLsn });
      for (const ref of record.blocks) {
        const flags = (ref.willInit || ref.applyImage ? REF_STARTS_CHAIN : 0) | (ref.hasImage ? REF_HAS_IMAGE : 0) | (ref.willInit ? REF_WILL_INIT : 0);
        out.refs.push(`${record.lsn} ${formatRelFork(ref)} ${ref.block} ${flags}`);
      }
      if (isNeeded(record)) out.records.push(describeRecord(record));
      counts.add(record);
    }
  }
  out.changes = counts.lines(out.result.endLsn);
  if (reader.end) out.end = `${reader.end.lsn} ${reader.end.kind} ${reader.end.error.code}`;
  return out;
}

/** Scans, and closes each transaction that ends, with the next xid as its subtransaction: `numbers` of what they changed, by xid. */
function scanClosing(wal: WalBuilder): { changes: WalScanResult['changes']; numbers: Map<number, number> } {
  const numbers = new Map<number, number>();
  const { changes } = scanWal(wal, {
    major: wal.major, from: wal.startLsn, changes: true,
    onBatch(batch) {
      const ended: number[] = [];
      batch.forEachRecord((record) => { if (record.rmid === 1) ended.push(record.xid); });
      for (const xid of ended) numbers.set(xid, batch.closeTransaction(xid, [xid + 1]));
    },
  });
  return { changes, numbers };
}

/** Rows by transaction and relation, and the newest xid at every 256 kB. */
class ReferenceCounts {
  private readonly counts = new Map<string, number[]>();
  private readonly notes: string[] = [];
  private newest = 0;
  private chunk = -1;

  add(record: XLogRecord): void {
    const chunk = Math.floor(record.lsn / (256 * 1024));
    if (chunk > this.chunk && this.newest !== 0) this.notes.push(`newest ${record.lsn} ${this.newest}`);
    this.chunk = chunk;
    if (record.xid === 0) return;
    if (this.newest === 0 || ((record.xid - this.newest) | 0) > 0) this.newest = record.xid;
    const ref = record.blocks[0];
    const change = this.changeOf(record);
    if (!ref || !change) return;
    const key = `${record.xid} ${formatRelFork(ref)}`;
    const sum = this.counts.get(key) ?? [0, 0, 0];
    this.counts.set(key, sum.map((n, i) => n + change[i]!));
  }

  private changeOf({ rmid, info, mainLength, mainAt, view }: XLogRecord): number[] | undefined {
    const opcode = info & 0x70;
    if (rmid === 9) return opcode === 0x50 && mainLength >= 4 ? [view.getUint16(mainAt + 2, true), 0, 0] : undefined;
    if (rmid !== 10) return undefined;
    if (opcode === 0x00) return [1, 0, 0];
    if (opcode === 0x10) return mainLength >= 8 && (view.getUint8(mainAt + 7) & 8) !== 0 ? [-1, 0, 0] : [0, 0, 1];
    return opcode === 0x20 || opcode === 0x40 ? [0, 1, 0] : undefined;
  }

  lines(endLsn: Lsn): string[] {
    if (this.newest !== 0) this.notes.push(`newest ${endLsn} ${this.newest}`);
    const lines = [...this.counts].filter(([, sum]) => sum.some((n) => n !== 0)).map(([key, sum]) => `${key} ${sum.join(' ')}`);
    return [...lines.sort(), ...this.notes];
  }
}

/** The heap flags of access/heapam_xlog.h that clear visibility map bits, by opcode: where they lie in the main data, and the bits. */
const HEAP_FLAGS: Record<number, [number, number]> = { 0x00: [2, 1], 0x10: [7, 1], 0x20: [7, 3], 0x40: [7, 3], 0x60: [7, 1] };
const HEAP2_FLAGS: Record<number, [number, number]> = { 0x50: [0, 1], 0x60: [7, 1] };

function isNeeded(record: XLogRecord): boolean {
  if (record.rmid === 9 || record.rmid === 10) {
    const flag = (record.rmid === 10 ? HEAP_FLAGS : HEAP2_FLAGS)[record.info & 0x70];
    return flag !== undefined && flag[0] < record.mainLength && (record.view.getUint8(record.mainAt + flag[0]) & flag[1]) !== 0;
  }
  if (record.rmid === 0) return record.rmgrInfo !== 0xa0 && record.rmgrInfo !== 0xb0;
  return record.rmid <= 8 || record.rmid === 18 || record.rmid === 19 || record.rmid === 21 || record.rmid >= 128;
}

const relFork = fc.record({ spcOid: fc.constantFrom(1663, 1664), dbOid: fc.constantFrom(0, 5), relNumber: fc.integer({ min: 1, max: 60 }), fork: fc.integer({ min: 0, max: 3 }) });
const block = fc.record({
  rel: relFork, block: fc.integer({ min: 0, max: 0xffff_ffff }), sameRel: fc.boolean(), willInit: fc.boolean(),
  data: fc.option(fc.integer({ min: 1, max: 600 }), { nil: undefined }),
  image: fc.option(fc.record({ length: fc.constantFrom(8192, 8191, 4000, 700, 30), apply: fc.boolean() }), { nil: undefined }),
});
const record = fc.record({
  rmid: fc.constantFrom(0, 1, 2, 9, 9, 10, 10, 10, 11, 15, 18, 21), info: fc.integer({ min: 0, max: 15 }).map((n) => n << 4),
  main: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 20_000 })), blocks: fc.array(block, { maxLength: 4 }),
  xid: fc.constantFrom(0, 3, 4, 4, 5, 16388, 0x7fff_ffff, 0xffff_fff0), origin: fc.option(fc.integer({ min: 1, max: 65535 }), { nil: undefined }), toplevelXid: fc.option(fc.constant(900), { nil: undefined }),
});

function toSpec(r: ReturnType<typeof record.generate>['value'], i: number): RecordSpec {
  const noise = (length: number): Uint8Array => Uint8Array.from({ length }, (_, k) => ((k + i) * 2654435761) >>> 13);
  const blocks = r.blocks.map((b, id): BlockSpec => ({
    ...b.rel, id, block: b.block, sameRel: b.sameRel && id > 0, willInit: b.willInit, data: b.data === undefined ? undefined : noise(b.data),
    image: b.image && { bytes: noise(b.image.length), holeOffset: 24, apply: b.image.apply },
  }));
  // OVERWRITE_CONTRECORD and SWITCH have meanings of their own
  const info = r.rmid === 0 && (r.info === 0xd0 || r.info === 0x40) ? 0x10 : r.info;
  return { rmid: r.rmid, info, xid: r.xid, main: noise(r.main), blocks, origin: r.origin, toplevelXid: r.toplevelXid };
}

describe('scanWal hands over what XLogReader reads', () => {
  it.each(PG_MAJORS)('for any records, PostgreSQL %i', (major) => {
    fc.assert(fc.property(fc.array(record, { minLength: 1, maxLength: 60 }), fc.nat(100), (specs, from) => {
      const wal = new WalBuilder({ major, segmentSize: 1024 * 1024 });
      specs.forEach((spec, i) => {
        wal.add(toSpec(spec, i));
        if (i === 30) wal.switchSegment();
      });
      expect(gather(wal)).toEqual(reference(wal));
      const middle = Math.floor(wal.startLsn + ((wal.lsn - wal.startLsn) * from) / 100) as Lsn;
      expect(gather(wal, { from: middle })).toEqual(reference(wal, middle));
      const head = reference(wal, wal.startLsn, middle);
      expect(gather(wal, { until: middle })).toEqual({ ...head, end: undefined });
    }), { numRuns: 25 });
  });

  it('joins runs of segments without loss', () => {
    const wal = new WalBuilder();
    for (let i = 0; i < 9000; i++) wal.add({ rmid: 10, info: 0, main: new Uint8Array(8 + (i % 700)), blocks: [{ id: 0, spcOid: 1663, dbOid: 5, relNumber: i % 900, fork: 0, block: i }] });
    const whole = gather(wal);
    const parts = [0, 1, 2, 3].map((n) => gather(wal, { from: (wal.startLsn + n * wal.segmentSize) as Lsn, until: (wal.startLsn + (n + 1) * wal.segmentSize) as Lsn }));
    expect(parts.flatMap((part) => part.refs)).toEqual(whole.refs);
    for (const [a, b] of [[0, 1], [1, 2]] as const) {
      expect(parts[b]!.result.firstPrevLsn).toBe(parts[a]!.result.lastLsn);
      expect(parts[a]!.end).toBeUndefined();
    }
  });

  it('reads records that are larger than its buffer', () => {
    const wal = new WalBuilder();
    wal.add({ rmid: 21, info: 0, main: new Uint8Array(300_000).fill(3) }); // beyond what is folded at once, too
    wal.add({ rmid: 1, info: 0, main: Uint8Array.from({ length: 7_000_000 }, (_, i) => i * 7) });
    wal.add({ rmid: 1, info: 0, main: new Uint8Array(8) });
    expect(gather(wal)).toEqual(reference(wal));
    expect(gather(wal).records).toHaveLength(3);
  });

  it('gives the transactions that end what they and their subtransactions changed, equal changes the same number', () => {
    const wal = new WalBuilder();
    const insert = (xid: number, relNumber: number) => wal.add({ rmid: 10, info: 0, xid, main: new Uint8Array(3), blocks: [{ id: 0, spcOid: 1663, dbOid: 5, relNumber, fork: 0, block: 0, data: new Uint8Array(9) }] });
    const end = (xid: number) => wal.add({ rmid: 1, info: 0, xid, main: new Uint8Array(8) });
    // far more transactions at once than there are buckets, each with a subtransaction and a relation of its own besides a common one
    const count = 40_000;
    for (let i = 0; i < count; i++) for (const [xid, rel] of [[i * 2 + 10, 1], [i * 2 + 11, 2 + (i % 3)], [i * 2 + 11, 1], [i * 2 + 10, 1]] as const) insert(xid, rel);
    for (let i = 0; i < count; i++) if (i !== 77) end(i * 2 + 10);
    const { changes, numbers } = scanClosing(wal);
    const text = (number: number): string => changes!.shapes[number - 1]!.map((c) => `${c.relation.relNumber}+${c.inserted}`).join(' ');
    expect(numbers.size).toBe(count - 1);
    for (const [xid, number] of numbers) expect(`${xid} ${text(number)}`).toBe(`${xid} 1+3 ${2 + (((xid - 10) / 2) % 3)}+1`);
    expect(changes!.open.map(({ xid, changes: number }) => `${xid} ${text(number)}`)).toEqual(['164 1+2', '165 1+1 4+1']);
    expect(changes!.shapes.length).toBe(5);
  });

  it('counts the rows of transactions that change few relations and many, each with a subtransaction, in any order', () => {
    const wal = new WalBuilder();
    const heap = (xid: number, relNumber: number, info: number) =>
      wal.add({ rmid: 10, info, xid, main: new Uint8Array(14), blocks: [{ id: 0, spcOid: 1663, dbOid: 5, relNumber, fork: 0, block: 0, data: new Uint8Array(9) }] });
    const expected = new Map<number, Map<number, number[]>>();
    const count = 60;
    for (let step = 0; step < 40; step++) {
      for (let i = 0; i < count; i++) {
        const relNumber = 1 + ((step * (i % 2 === 0 ? 7 : 33)) % 40) % (1 + (i % 23)); // the one changes one relation, another 23
        const kind = (step + i) % 3;
        heap(100 + i * 2 + (step % 5 === 0 ? 1 : 0), relNumber, [0x00, 0x20, 0x10][kind]!);
        const counts = expected.get(100 + i * 2) ?? new Map<number, number[]>();
        const rows = counts.get(relNumber) ?? [0, 0, 0];
        rows[kind]!++;
        expected.set(100 + i * 2, counts.set(relNumber, rows));
      }
    }
    for (let i = 0; i < count; i++) wal.add({ rmid: 1, info: 0, xid: 100 + i * 2, main: new Uint8Array(8) });
    const { changes, numbers } = scanClosing(wal);
    expect(changes!.open).toEqual([]);
    const lines = (rows: Iterable<readonly [number, readonly number[]]>): string[] => [...rows].map(([relNumber, [inserted, updated, deleted]]) => `${relNumber} +${inserted} ~${updated} -${deleted}`).sort();
    for (const [xid, rows] of expected) {
      expect(lines(changes!.shapes[numbers.get(xid)! - 1]!.map((c) => [c.relation.relNumber, [c.inserted, c.updated, c.deleted]] as const))).toEqual(lines(rows));
    }
    expect(Math.max(...[...expected.values()].map((rows) => rows.size))).toBeGreaterThan(14);
  });

  it('numbers more relations than its table first holds', () => {
    const wal = new WalBuilder();
    for (let i = 0; i < 20_000; i++) wal.add({ rmid: 11, info: 0, blocks: [{ id: 0, spcOid: 1663, dbOid: i % 7, relNumber: i, fork: i % 4, block: i, data: new Uint8Array(1) }] });
    expect(gather(wal)).toEqual(reference(wal));
  });

  it('reports overwritten continuation records and goes on', () => {
    const wal = new WalBuilder();
    wal.add({ rmid: 1, info: 0, main: new Uint8Array(8) });
    const aborted = wal.abort(encodeRecord({ rmid: 10, info: 0, main: new Uint8Array(30_000) }, wal.prevLsn, 15), 12_000);
    const main = new Uint8Array(16);
    new DataView(main.buffer).setUint32(0, aborted, true);
    wal.add({ rmid: 0, info: 0xd0, main });
    wal.add({ rmid: 1, info: 0, main: new Uint8Array(8) });
    expect(gather(wal)).toEqual(reference(wal));
    expect(gather(wal).result.abortedLsns).toEqual([aborted]);
  });

  it('takes no record with a flipped bit', () => {
    const build = (): WalBuilder => {
      const wal = new WalBuilder();
      for (let i = 0; i < 60; i++) wal.add({ rmid: 10, info: 0, xid: 700 + (i % 3), main: new Uint8Array(3 + i * i * 3).fill(i), blocks: [{ id: 0, spcOid: 1663, dbOid: 5, relNumber: 9, fork: 0, block: i }] });
      return wal;
    };
    const used = build().lsn - build().startLsn;
    fc.assert(fc.property(fc.nat(used * 8 - 1), (bit) => {
      const wal = build();
      wal.bytes[bit >> 3]! ^= 1 << (bit & 7);
      expect(gather(wal)).toEqual(reference(wal));
    }), { numRuns: 150 });
  });
});

describe('the kernel', () => {
  const kernel = new WalScanKernel();
  kernel.begin({ major: 15, segmentSize: 1 << 24, modes: new Uint8Array(256).fill(RecordMode.none) });

  it('folds long spans to the same checksum as slicing does, for all lengths and any flipped bit', () => {
    const noise = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 2654435761) >>> 11);
    kernel.bytes.set(noise, kernel.bufferAt);
    const span = (length: number): number => ~kernel.exports.crcSpan(kernel.bufferAt, length) >>> 0;
    for (let length = 0; length < 1500; length++) expect(span(length)).toBe(crc32c(noise, 0, length));
    for (const length of [639, 640, 4096, 8168, 9999]) {
      for (let bit = 0; bit < length * 8; bit += 251) {
        const at = bit >> 3;
        noise[at]! ^= 1 << (bit & 7);
        kernel.bytes[kernel.bufferAt + at] = noise[at]!;
        expect(span(length)).toBe(crc32c(noise, 0, length));
        noise[at]! ^= 1 << (bit & 7);
        kernel.bytes[kernel.bufferAt + at] = noise[at]!;
      }
    }
  });

  it('is what its source compiles to', async () => {
    const path = fileURLToPath(new URL('../../scripts/buildWasm.mjs', import.meta.url));
    const { KERNELS, compileKernel } = (await import(path)) as { KERNELS: { source: string; target: string }[]; compileKernel: (kernel: object) => Promise<string> };
    for (const one of KERNELS) expect(await compileKernel(one)).toBe(readFileSync(one.target, 'utf8'));
  });
});
