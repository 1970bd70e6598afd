/**
 * Walks a run of WAL for the index: every record checked, its block references gathered in flat arrays, and only those records
 * handed over one by one that say more than their block references do.
 */
import type { RelFork } from './relFileLocator.js';
import type { PgMajor } from './version.js';
import { XLogReader, type WalBytes, type WalEnd } from './xlogReader.js';
import { XLogRecord } from './xlogRecord.js';
import { INVALID_LSN, type Lsn } from '../util/lsn.js';

/** A block reference begins a chain: an image to restore, or a page that redo initialises. */
export const REF_STARTS_CHAIN = 0x01;
/** It carries an image, be it only for wal_consistency_checking. */
export const REF_HAS_IMAGE = 0x02;
/** Redo initialises the page. */
export const REF_WILL_INIT = 0x04;

/** What a scan hands over at a time. All arrays are views that hold until the callback returns. */
export interface WalScanBatch {
  /** The LSNs in `lsn` count from here. */
  readonly baseLsn: Lsn;
  /** Block references, in LSN order; the first `refCount` of each array are filled. */
  readonly refCount: number;
  /** Index into `relations`. */
  readonly relation: Uint32Array;
  readonly block: Uint32Array;
  /** The record's LSN − baseLsn. */
  readonly lsn: Uint32Array;
  /** REF_* bits. */
  readonly flags: Uint32Array;
  /** Every relation fork that the scan has met so far; grows from batch to batch, numbers stay. */
  readonly relations: readonly RelFork[];
  /**
   * The records that need more than their block references, in LSN order (see `needsRecord`). The object and its bytes
   * are reused for the next one.
   */
  forEachRecord(visit: (record: XLogRecord) => void): void;
}

export interface WalScanOptions {
  major: PgMajor;
  /** From pg_control: WAL of another cluster is refused. */
  systemIdentifier?: bigint;
  /** Records that begin before it are not read; the first one at or after it is sought. */
  from: Lsn;
  /** Records that begin at or after it are not read; the last one before it is read to its end. Undefined: all there is. */
  until?: Lsn;
  onBatch: (batch: WalScanBatch) => void;
}

export interface WalScanResult {
  records: number;
  /** Bytes of records, headers and paddings of pages not counted. */
  bytes: number;
  /** First and last record read, the first one's prev-link and the last one's end: for joining runs. All 0 where there was no record. */
  firstLsn: Lsn;
  firstPrevLsn: Lsn;
  lastLsn: Lsn;
  endLsn: Lsn;
  /** Records that were never completed (XLOG_OVERWRITE_CONTRECORD). */
  abortedLsns: Lsn[];
  /** Why the scan stopped before `until`; undefined where it reached it. */
  end?: WalEnd;
}

const RM_XLOG_ID = 0;
const RM_STANDBY_ID = 8;
const RM_HEAP2_ID = 9;
const RM_HEAP_ID = 10;
const RM_COMMIT_TS_ID = 18;
const RM_REPLORIGIN_ID = 19;
const RM_MIN_CUSTOM_ID = 128;

/**
 * True for records that change more than the blocks they refer to: those of XLOG (but images), Transaction, Storage, CLOG, Database,
 * Tablespace, MultiXact, RelMap, Standby, CommitTs, ReplicationOrigin and custom managers, and heap records that clear visibility
 * map bits (XLH_*_ALL_VISIBLE_CLEARED, XLH_LOCK_ALL_FROZEN_CLEARED, access/heapam_xlog.h, the same in PG 13–18).
 */
export function needsRecord(record: XLogRecord): boolean {
  const { rmid } = record;
  const main = (offset: number): number => (offset < record.mainLength ? record.view.getUint8(record.mainAt + offset) : 0);
  if (rmid === RM_HEAP_ID) {
    switch (record.info & 0x70) {
      case 0x00: return (main(2) & 0x01) !== 0; // insert
      case 0x10: return (main(7) & 0x01) !== 0; // delete
      case 0x20: case 0x40: return (main(7) & 0x03) !== 0; // update, hot update
      case 0x60: return (main(7) & 0x01) !== 0; // lock
      default: return false;
    }
  }
  if (rmid === RM_HEAP2_ID) {
    switch (record.info & 0x70) {
      case 0x50: return (main(0) & 0x01) !== 0; // multi-insert
      case 0x60: return (main(7) & 0x01) !== 0; // lock updated
      default: return false;
    }
  }
  if (rmid === RM_XLOG_ID) return record.rmgrInfo !== 0xa0 && record.rmgrInfo !== 0xb0;
  return rmid <= RM_STANDBY_ID || rmid === RM_COMMIT_TS_ID || rmid === RM_REPLORIGIN_ID || rmid >= RM_MIN_CUSTOM_ID;
}

const BATCH_REFS = 64 * 1024;

/** Numbers relation forks in order of first mention. */
class RelationTable {
  readonly relations: RelFork[] = [];
  private readonly byRelNumber = new Map<number, number[]>();

  ordinal(ref: RelFork): number {
    let candidates = this.byRelNumber.get(ref.relNumber);
    if (!candidates) this.byRelNumber.set(ref.relNumber, candidates = []);
    for (const i of candidates) {
      const rel = this.relations[i]!;
      if (rel.fork === ref.fork && rel.dbOid === ref.dbOid && rel.spcOid === ref.spcOid) return i;
    }
    candidates.push(this.relations.length);
    this.relations.push({ spcOid: ref.spcOid, dbOid: ref.dbOid, relNumber: ref.relNumber, fork: ref.fork });
    return this.relations.length - 1;
  }
}

/**
 * Scans `source` from `from` to `until`. A broken record ends the scan with `end` set: the caller decides whether to go on behind it.
 */
export function scanWal(source: WalBytes, options: WalScanOptions): WalScanResult {
  const reader = new XLogReader(source, { major: options.major, systemIdentifier: options.systemIdentifier, windowBytes: 1024 * 1024 });
  const record = new XLogRecord();
  const until = options.until ?? Infinity;
  const result: WalScanResult = {
    records: 0, bytes: 0, firstLsn: INVALID_LSN, firstPrevLsn: INVALID_LSN, lastLsn: INVALID_LSN, endLsn: INVALID_LSN, abortedLsns: [],
  };
  if (reader.seek(options.from, record) === undefined) return { ...result, end: reader.end };
  const relations = new RelationTable();
  const arrays = { relation: new Uint32Array(BATCH_REFS), block: new Uint32Array(BATCH_REFS), lsn: new Uint32Array(BATCH_REFS), flags: new Uint32Array(BATCH_REFS) };
  let refCount = 0;
  let baseLsn = reader.position;
  let needed: { bytes: Uint8Array; lsn: Lsn; endLsn: Lsn }[] = [];
  const flush = (): void => {
    const records = needed;
    options.onBatch({
      baseLsn, refCount, ...arrays, relations: relations.relations,
      forEachRecord(visit) {
        const one = new XLogRecord();
        for (const { bytes, lsn, endLsn } of records) {
          visit(one.decode(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), bytes, 0, lsn, endLsn, options.major));
        }
      },
    });
    refCount = 0;
    needed = [];
  };
  while (reader.position < until && reader.next(record)) {
    if (record.lsn >= until) break;
    if (refCount + record.blocks.length > BATCH_REFS || record.lsn - baseLsn > 0x7fff_ffff) {
      flush();
      baseLsn = record.lsn;
    }
    if (result.records++ === 0) {
      result.firstLsn = record.lsn;
      result.firstPrevLsn = record.prevLsn;
    }
    if (reader.overwrittenLsn !== INVALID_LSN) result.abortedLsns.push(reader.overwrittenLsn);
    result.bytes += record.totLen;
    result.lastLsn = record.lsn;
    result.endLsn = record.endLsn;
    for (const ref of record.blocks) {
      arrays.relation[refCount] = relations.ordinal(ref);
      arrays.block[refCount] = ref.block;
      arrays.lsn[refCount] = record.lsn - baseLsn;
      arrays.flags[refCount] = (ref.willInit || ref.applyImage ? REF_STARTS_CHAIN : 0) | (ref.hasImage ? REF_HAS_IMAGE : 0) | (ref.willInit ? REF_WILL_INIT : 0);
      refCount++;
    }
    if (needsRecord(record)) needed.push({ bytes: record.bytes.slice(record.start, record.start + record.totLen), lsn: record.lsn, endLsn: record.endLsn });
  }
  if (refCount > 0 || needed.length > 0) flush();
  return { ...result, end: reader.end };
}
