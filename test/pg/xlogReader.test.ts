import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { XLOG_BLCKSZ } from '../../src/pg/xlogPage.js';
import { XLogReader, type WalEnd } from '../../src/pg/xlogReader.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { PG_MAJORS, type PgMajor } from '../../src/pg/version.js';
import { WalscopeError } from '../../src/util/errors.js';
import { formatLsn, type Lsn } from '../../src/util/lsn.js';
import { encodeRecord, seal, WalBuilder } from '../support/walBuilder.js';

const REL = { spcOid: 1663, dbOid: 5, relNumber: 16384, fork: 0 };
const bytes = (length: number, seed = 1): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 7) & 0xff);
const small = (n = 20) => ({ rmid: 10, info: 0x00, xid: 700, main: bytes(n) });
const plus = (lsn: Lsn, n: number): Lsn => (lsn + n) as Lsn;

function reader(wal: WalBuilder, overrides: { major?: PgMajor; systemIdentifier?: bigint } = {}): XLogReader {
  return new XLogReader(wal, { major: wal.major, systemIdentifier: wal.systemIdentifier, ...overrides });
}

/** Reads all from the beginning; gives the LSNs and why it ended. */
function readAll(wal: WalBuilder, r = reader(wal)): { lsns: Lsn[]; end: WalEnd } {
  const record = new XLogRecord();
  const lsns: Lsn[] = [];
  if (r.seek(wal.startLsn, record) !== undefined) while (r.next(record)) lsns.push(record.lsn);
  return { lsns, end: r.end! };
}

describe('lines 1 and 2: records in order', () => {
  it.each(PG_MAJORS)('reads records within, across and over many pages and segments, PostgreSQL %i', (major) => {
    const wal = new WalBuilder({ major });
    const expected: { lsn: Lsn; endLsn: Lsn }[] = [];
    // lengths that put record headers on every offset before a page's end, and one record over two segments
    for (let i = 0; i < 600; i++) expected.push(wal.add({ ...small(i % 97), xid: i }));
    expected.push(wal.add({ rmid: 10, info: 0, main: bytes(70_000) }));
    expected.push(wal.add({ rmid: 10, info: 0, main: bytes(1_100_000) }));
    expected.push(wal.add(small()));
    expected.push(wal.switchSegment());
    expected.push(wal.add(small()));
    const r = reader(wal);
    const record = new XLogRecord();
    expect(r.seek(wal.startLsn, record)).toBe(expected[0]!.lsn);
    for (const { lsn, endLsn } of expected) {
      expect(r.next(record)?.lsn).toBe(lsn);
      expect(record.endLsn).toBe(endLsn);
      expect(Buffer.compare(record.bytes.subarray(record.mainAt, record.mainAt + record.mainLength), bytes(record.mainLength))).toBe(0);
    }
    expect(r.next(record)).toBeNull();
    expect(r.end).toMatchObject({ kind: 'end', lsn: expected.at(-1)!.endLsn });
    expect(r.end!.error.code).toBe('wal.record_too_short');
  });

  it('reads a record whose header alone crosses the page', () => {
    const wal = new WalBuilder();
    wal.add(small(30));
    const rest = XLOG_BLCKSZ - (wal.lsn % XLOG_BLCKSZ);
    wal.add(small(rest - 24 - 5 - 16)); // leaves 16 bytes on the page
    const crossing = wal.add(small(50));
    expect(XLOG_BLCKSZ - (crossing.lsn % XLOG_BLCKSZ)).toBe(16);
    const { lsns } = readAll(wal);
    expect(lsns.at(-1)).toBe(crossing.lsn);
  });

  it('finds the first record at or after any position', () => {
    const wal = new WalBuilder();
    const lsns: Lsn[] = [];
    for (let i = 0; i < 40; i++) lsns.push(wal.add(small(i % 3 === 0 ? 20_000 : 300)).lsn);
    const record = new XLogRecord();
    const r = reader(wal);
    for (let at = wal.startLsn; at < wal.lsn; at = plus(at, 1111)) {
      expect(r.seek(at, record)).toBe(lsns.find((lsn) => lsn >= at));
    }
    for (const lsn of lsns) expect(r.seek(lsn, record)).toBe(lsn);
  });

  it('reads single records at random without disturbing the sequence', () => {
    const wal = new WalBuilder();
    const first = wal.add(small()), second = wal.add(small(30_000)), third = wal.add(small());
    wal.timeline = 2;
    for (let i = 0; i < 30; i++) wal.add(small(1000));
    const last = wal.add(small(9000));
    const r = reader(wal);
    const record = new XLogRecord(), other = new XLogRecord();
    r.begin(first.lsn);
    expect(r.next(record)?.lsn).toBe(first.lsn);
    expect(r.readRecordAt(last.lsn, other).lsn).toBe(last.lsn);
    expect(r.next(record)?.lsn).toBe(second.lsn);
    expect(r.readRecordAt(first.lsn, other).mainLength).toBe(20);
    expect(r.next(record)?.lsn).toBe(third.lsn);
    expect(() => r.readRecordAt(plus(first.lsn, 8), other)).toThrow(WalscopeError);
  });
});

describe('line 1: damage, every check has an error of its own', () => {
  /** Three pages of records, then `damage`; gives how reading ends. */
  function endAfter(damage: (wal: WalBuilder, second: Lsn, record: Lsn) => void, overrides = {}): WalEnd {
    const wal = new WalBuilder();
    let record = wal.startLsn;
    while (wal.lsn < wal.startLsn + 5 * XLOG_BLCKSZ) {
      const { lsn } = wal.add(small(250));
      if (wal.lsn < wal.startLsn + 2 * XLOG_BLCKSZ) record = lsn;
    }
    damage(wal, plus(wal.startLsn, XLOG_BLCKSZ), record);
    return readAll(wal, reader(wal, overrides)).end;
  }
  const page: [string, string, (wal: WalBuilder, second: Lsn) => void][] = [
    ['wal.page_magic', 'invalid magic number D0FF', (wal, p) => wal.viewAt(p).setUint16(0, 0xd0ff, true)],
    ['wal.page_info', 'invalid info bits 0011', (wal, p) => wal.viewAt(p).setUint16(2, 0x11, true)],
    ['wal.page_addr', 'unexpected pageaddr 0/7000000', (wal, p) => wal.viewAt(p).setUint32(8, 0x7000000, true)],
    ['wal.page_timeline', 'out-of-sequence timeline ID 0 (after 1)', (wal, p) => wal.viewAt(p).setUint32(4, 0, true)],
    ['wal.page_long_header', "segment's first page needs a long header", (wal) => wal.viewAt(wal.startLsn).setUint16(2, 0, true)],
    ['wal.page_sysid', 'from different database system: WAL file database system identifier is 5', (wal) => wal.viewAt(wal.startLsn).setBigUint64(24, 5n, true)],
    ['wal.page_segment_size', 'incorrect segment size', (wal) => wal.viewAt(wal.startLsn).setUint32(32, 1 << 24, true)],
    ['wal.page_block_size', 'incorrect XLOG_BLCKSZ', (wal) => wal.viewAt(wal.startLsn).setUint32(36, 16384, true)],
    ['wal.no_contrecord_flag', 'there is no contrecord flag', (wal, p) => wal.viewAt(p).setUint16(2, 0, true)],
    ['wal.contrecord_length', 'invalid contrecord length 7 (expected', (wal, p) => wal.viewAt(p).setUint32(16, 7, true)],
  ];
  it.each(page)('%s', (code, message, damage) => {
    const end = endAfter(damage);
    expect(end.error.code).toBe(code);
    expect(end.error.message).toContain(message);
    expect(end.kind).toBe('damage');
    expect(end.error.options.place?.file).toBe('segment 1');
  });

  const record: [string, string, (wal: WalBuilder, lsn: Lsn) => void][] = [
    ['wal.record_too_short', 'expected at least 24, got 3', (wal, lsn) => wal.viewAt(lsn).setUint32(0, 3, true)],
    ['wal.rmid', 'invalid resource manager ID 99', (wal, lsn) => wal.viewAt(lsn).setUint8(17, 99)],
    ['wal.prev_link', 'record with incorrect prev-link 0/64', (wal, lsn) => wal.viewAt(lsn).setUint32(8, 100, true)],
    ['wal.crc', 'incorrect resource manager data checksum', (wal, lsn) => wal.viewAt(lsn).setUint8(40, 0xee)],
    ['wal.contrecord_length', 'invalid contrecord length', (wal, lsn) => wal.viewAt(lsn).setUint32(0, 30_000, true)],
    ['wal.block_id', 'invalid block_id 100', (wal, lsn) => reseal(wal, lsn, (bytes) => bytes.set([100], 24))],
    ['wal.record_length', 'record with invalid length', (wal, lsn) => reseal(wal, lsn, (bytes) => bytes.set([3], 25))],
  ];
  function reseal(wal: WalBuilder, lsn: Lsn, damage: (bytes: Uint8Array) => void): void {
    const view = wal.viewAt(lsn);
    const one = new Uint8Array(view.buffer, view.byteOffset, view.getUint32(0, true));
    damage(one);
    seal(one);
  }
  it.each(record)('%s: %s', (code, message, damage) => {
    const end = endAfter((wal, _, lsn) => damage(wal, lsn));
    expect(end.error.code).toBe(code);
    expect(end.error.message).toContain(message);
    expect(end.kind).toBe('damage');
  });

  it('names the major that wrote the page', () => {
    const end = endAfter(() => undefined, { major: 17 });
    expect(end.error.code).toBe('wal.page_magic');
    expect(end.error.options.hint).toContain('PostgreSQL 15, not 17');
  });

  it('takes custom managers from 15 on only', () => {
    for (const [major, code] of [[14, 'wal.rmid'], [15, 'wal.record_too_short']] as const) {
      const wal = new WalBuilder({ major });
      wal.add({ rmid: 130, info: 0 });
      expect(readAll(wal).end.error.code).toBe(code);
    }
  });

  it('refuses to begin inside a header or on the rest of a record', () => {
    const wal = new WalBuilder();
    wal.add(small(9000));
    const r = reader(wal);
    const one = new XLogRecord();
    r.begin(plus(wal.startLsn, 16));
    expect(r.next(one)).toBeNull();
    expect(r.end!.error.code).toBe('wal.record_offset');
    r.begin(plus(wal.startLsn, XLOG_BLCKSZ));
    expect(r.next(one)).toBeNull();
    expect(r.end!.error.code).toBe('wal.contrecord_requested');
  });

  it('catches every flipped bit of a record', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 12_000 }), fc.integer({ min: 0, max: 10_000_000 }), (length, flip) => {
      const wal = new WalBuilder();
      wal.add(small());
      const record = encodeRecord({ rmid: 10, info: 0x80, xid: 5, main: bytes(length), blocks: [{ id: 0, ...REL, block: 3, data: bytes(9) }] }, wal.prevLsn, 15);
      const bit = flip % (record.length * 8);
      record[bit >> 3]! ^= 1 << (bit & 7);
      wal.append(record);
      wal.add(small());
      return readAll(wal).lsns.length === 1;
    }), { numRuns: 300 });
  });
});

describe('line 10: the end of WAL, and what follows damage', () => {
  function someWal(records = 60): { wal: WalBuilder; lsns: Lsn[] } {
    const wal = new WalBuilder();
    const lsns = Array.from({ length: records }, () => wal.add(small(1000)).lsn);
    return { wal, lsns };
  }

  it('tells zeros, a recycled page and half a record from damage', () => {
    const { wal, lsns } = someWal();
    expect(readAll(wal).end).toMatchObject({ kind: 'end', lsn: wal.lsn });

    const recycled = someWal().wal;
    for (let at = recycled.startLsn + 12 * XLOG_BLCKSZ; at < recycled.startLsn + recycled.segmentSize; at += XLOG_BLCKSZ) {
      recycled.viewAt(at as Lsn).setUint16(0, 0xd110, true);
      recycled.viewAt(at as Lsn).setUint32(8, at - 5 * recycled.segmentSize, true);
    }
    expect(readAll(recycled).end.kind).toBe('end');

    const half = someWal(20).wal;
    const start = half.lsn;
    half.add(small(30_000));
    half.bytes.fill(0, 4 * XLOG_BLCKSZ);
    const { end } = readAll(half);
    expect(end).toMatchObject({ kind: 'end', lsn: start });
    expect(end.error.code).toBe('wal.page_magic');
    expect(lsns).toHaveLength(60);
  });

  it('says what is missing, and where WAL goes on', () => {
    const { wal } = someWal(3000);
    wal.missing.add(2);
    const { end, lsns } = readAll(wal);
    expect(end.kind).toBe('missing');
    expect(end.error.message).toBe('no WAL at 0/200000');
    expect(end.resumeLsn).toBe(3 * wal.segmentSize);
    expect(lsns.length).toBeGreaterThan(900);

    wal.missing.clear();
    wal.missing.add(0).add(1);
    const r = reader(wal);
    expect(r.seek(wal.startLsn, new XLogRecord())).toBeUndefined();
    expect(r.end).toMatchObject({ kind: 'missing', resumeLsn: 2 * wal.segmentSize });
    expect(r.resume(new XLogRecord())).toBeGreaterThan(2 * wal.segmentSize);
  });

  it('goes on at the very next record where the prev-link proves the length', () => {
    const { wal, lsns } = someWal();
    wal.viewAt(lsns[10]!).setUint8(500, 1);
    const r = reader(wal);
    const record = new XLogRecord();
    r.seek(wal.startLsn, record);
    while (r.next(record));
    expect(r.end).toMatchObject({ kind: 'damage', lsn: lsns[10], resumeLsn: lsns[11] });
    expect(r.resume(record)).toBe(lsns[11]);
    expect(r.next(record)?.lsn).toBe(lsns[11]);
  });

  it('else at the first record of the next good page', () => {
    const { wal, lsns } = someWal();
    wal.bytes.fill(0xaa, 3 * XLOG_BLCKSZ - 3000, 4 * XLOG_BLCKSZ);
    const r = reader(wal);
    const record = new XLogRecord();
    r.seek(wal.startLsn, record);
    let count = 0;
    while (r.next(record)) count++;
    expect(r.end!.kind).toBe('damage');
    expect(r.resume(record)).toBe(lsns.find((lsn) => lsn > wal.startLsn + 4 * XLOG_BLCKSZ));
    expect(r.next(record)).not.toBeNull();
    expect(count).toBeGreaterThan(10);
  });
});

describe('line 3: overwritten continuation records', () => {
  function overwriteRecord(aborted: Lsn) {
    const main = new Uint8Array(16);
    new DataView(main.buffer).setUint32(0, aborted, true);
    return { rmid: 0, info: 0xd0, main };
  }

  it('reports the record that was never finished and resumes behind it', () => {
    const wal = new WalBuilder();
    const first = wal.add(small());
    const aborted = wal.abort(encodeRecord(small(20_000), wal.prevLsn, 15), 12_000);
    const overwrite = wal.add(overwriteRecord(aborted));
    const last = wal.add(small());
    const r = reader(wal);
    const record = new XLogRecord();
    r.seek(wal.startLsn, record);
    expect(r.next(record)?.lsn).toBe(first.lsn);
    expect(r.overwrittenLsn).toBe(0);
    expect(r.next(record)?.lsn).toBe(overwrite.lsn);
    expect(r.overwrittenLsn).toBe(aborted);
    expect(r.next(record)?.lsn).toBe(last.lsn);
    expect(r.overwrittenLsn).toBe(0);
    expect(() => r.readRecordAt(aborted, record)).toThrow(`was never completed: it is overwritten at ${formatLsn(plus(wal.startLsn, 2 * XLOG_BLCKSZ))}`);
    // who begins behind it does not meet it
    expect(r.seek(overwrite.lsn, record)).toBe(overwrite.lsn);
  });

  it('refuses a replacement that names another record', () => {
    const wal = new WalBuilder();
    wal.add(small());
    wal.abort(encodeRecord(small(20_000), wal.prevLsn, 15), 12_000);
    wal.add(overwriteRecord(0x1234 as Lsn));
    expect(readAll(wal).end.error.code).toBe('wal.overwrite_mismatch');
  });
});
