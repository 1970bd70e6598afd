/**
 * Walks a run of WAL for the index: every record checked, its block references gathered in flat arrays, and only those records
 * handed over one by one that say more than their block references do.
 */
import { INVALID_LSN, type Lsn } from '../util/lsn.js';
import type { RelFork } from './relFileLocator.js';
import type { PgMajor } from './version.js';
import { closeTransaction, gatheredChanges, noteRecord, type ScanChanges } from './walScanChanges.js';
import { RecordMode, ScanStatus, WalScanKernel } from './walScanKernel.js';
import { XLOG_BLCKSZ, xlogPageHeaderSize } from './xlogPage.js';
import { readWalInto, XLogReader, type WalBytes, type WalEnd } from './xlogReader.js';
import { XLogRecord } from './xlogRecord.js';

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
   * The records that say more than their block references, in LSN order: all of XLOG (but images), Transaction, Storage, CLOG, Database,
   * Tablespace, MultiXact, RelMap, Standby, CommitTs, ReplicationOrigin, LogicalMessage and custom managers, and heap records that clear visibility
   * map bits. The object and its bytes are reused for the next one.
   */
  forEachRecord(visit: (record: XLogRecord) => void): void;
  /**
   * Where changes are counted, once the batch was visited: ends a transaction, with its subtransactions; gives the number (from 1) of what they changed among the
   * shapes of the result, 0 where that is nothing.
   */
  closeTransaction(xid: number, subxids: readonly number[]): number;
  /**
   * Takes the batch into the layer that `kernel` collects (WalScanOptions): all references, and of the records those that the kernel
   * understands; `visit` is called with the others, each after all that comes before it in LSN order.
   */
  collect(visit: (record: XLogRecord) => void): void;
}

export interface WalScanOptions {
  major: PgMajor;
  /** From pg_control: WAL of another cluster is refused. */
  systemIdentifier?: bigint;
  /** Records that begin before it are not read; the first one at or after it is sought. */
  from: Lsn;
  /** A record is known to begin at `from`: what lies before it on its page is not looked at. */
  fromRecord?: boolean;
  /** Records that begin at or after it are not read; the last one before it is read to its end. Undefined: all there is. */
  until?: Lsn;
  /** Count the rows that transactions change; those that end must be closed. */
  changes?: boolean;
  /** To scan with: whoever collects layers keeps it from scan to scan. */
  kernel?: WalScanKernel;
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
  /** Where they were asked for. */
  changes?: ScanChanges;
}

/** Which records are handed over. The rules for XLOG, Heap and Heap2 are in the kernel (isNeeded()). */
const MODES = new Uint8Array(256);
MODES[0] = RecordMode.xlog;
MODES.fill(RecordMode.all, 1, 9); // Transaction … Standby
MODES[9] = RecordMode.heap2;
MODES[10] = RecordMode.heap;
MODES.fill(RecordMode.all, 18, 20); // CommitTs, ReplicationOrigin
MODES[21] = RecordMode.all; // LogicalMessage
MODES.fill(RecordMode.all, 128);

/**
 * Scans `source` from `from` to `until`. A broken record ends the scan with `end` set: the caller decides whether to go on behind it.
 */
export function scanWal(source: WalBytes, options: WalScanOptions): WalScanResult {
  return new WalScan(source, options).run();
}

class WalScan {
  private readonly reader: XLogReader;
  private readonly kernel: WalScanKernel;
  private readonly record = new XLogRecord();
  private readonly result: WalScanResult = {
    records: 0, bytes: 0, firstLsn: INVALID_LSN, firstPrevLsn: INVALID_LSN, lastLsn: INVALID_LSN, endLsn: INVALID_LSN, abortedLsns: [],
  };
  /** The LSN of the buffer's first byte, and the bytes that are in it. */
  private bufferLsn = INVALID_LSN;
  private have = 0;
  private assembly = new Uint8Array(XLOG_BLCKSZ * 4);

  constructor(private readonly source: WalBytes, private readonly options: WalScanOptions) {
    const { major, systemIdentifier, until } = options;
    this.reader = new XLogReader(source, { major, systemIdentifier });
    this.kernel = options.kernel ?? new WalScanKernel();
    this.kernel.begin({ major, systemIdentifier, segmentSize: source.segmentSize, until, modes: MODES, changes: options.changes });
  }

  run(): WalScanResult {
    const result = this.walk();
    return this.options.changes ? { ...result, changes: gatheredChanges(this.kernel, result.endLsn) } : result;
  }

  private walk(): WalScanResult {
    const { kernel, result } = this;
    const { from, fromRecord } = this.options;
    if (fromRecord) this.reader.begin(from);
    const start = fromRecord ? this.reader.next(this.record)?.lsn : this.reader.seek(from, this.record);
    if (start === undefined) return { ...result, end: this.reader.end };
    if (this.options.until !== undefined && start >= this.options.until) return result;
    result.firstLsn = start;
    result.firstPrevLsn = this.record.prevLsn;
    kernel.exports.setPrevious(-1);
    this.moveTo(start);
    for (;;) {
      const status = kernel.exports.scan(this.have - (this.have % XLOG_BLCKSZ));
      this.handOver();
      if (status === ScanStatus.done) return result;
      if (status === ScanStatus.full || (status === ScanStatus.needData && this.refill())) continue;
      // at the end of the bytes, or at something odd: the reader knows what it is
      if (!this.stepByReader()) return { ...result, end: this.reader.end };
    }
  }

  /** Makes `lsn` the next position. */
  private moveTo(lsn: Lsn): void {
    if (lsn < this.bufferLsn || lsn > this.bufferLsn + this.have || this.have === 0) {
      this.bufferLsn = (lsn - (lsn % XLOG_BLCKSZ)) as Lsn;
      this.have = 0;
    }
    this.kernel.exports.place(this.kernel.bufferAt, this.bufferLsn, lsn - this.bufferLsn);
  }

  private get position(): Lsn {
    return (this.bufferLsn + this.kernel.exports.getPos()) as Lsn;
  }

  /** Drops the pages before the position and reads on; false where the source has nothing more. */
  private refill(): boolean {
    const { kernel } = this;
    const position = this.position;
    const page = position - (position % XLOG_BLCKSZ) - this.bufferLsn;
    if (page >= this.have) {
      this.have = 0;
    } else {
      if (page === 0 && this.have === kernel.bufferSize) kernel.growBuffer(kernel.bufferSize * 2, this.have);
      kernel.bytes.copyWithin(kernel.bufferAt, kernel.bufferAt + page, kernel.bufferAt + this.have);
      this.have -= page;
    }
    this.bufferLsn = (this.bufferLsn + page) as Lsn;
    const before = this.have;
    while (this.have < kernel.bufferSize) {
      const got = readWalInto(this.source, (this.bufferLsn + this.have) as Lsn, kernel.bytes.subarray(kernel.bufferAt + this.have, kernel.bufferAt + kernel.bufferSize));
      if (got === 0) break;
      this.have += got;
    }
    kernel.exports.place(kernel.bufferAt, this.bufferLsn, position - this.bufferLsn);
    return Math.floor(this.have / XLOG_BLCKSZ) > Math.floor(before / XLOG_BLCKSZ);
  }

  /** Gives what the kernel has gathered to the caller. */
  private handOver(): void {
    const { kernel, result } = this;
    const { exports } = kernel;
    const scanned = exports.getScannedRecords();
    if (scanned === 0) return;
    kernel.refresh();
    result.records += scanned;
    result.bytes += exports.getScannedBytes();
    result.lastLsn = exports.getPreviousLsn() as Lsn;
    result.endLsn = this.position;
    const refCount = exports.getRefCount();
    const recordCount = exports.getRecordCount();
    if (refCount > 0 || recordCount > 0) {
      const baseLsn = this.bufferLsn;
      this.options.onBatch({
        baseLsn, refCount, relation: kernel.refRelation, block: kernel.refBlock, lsn: kernel.refLsn, flags: kernel.refFlags,
        relations: kernel.relations(),
        forEachRecord: (visit) => {
          for (let i = 0; i < recordCount; i++) visit(this.decode(i));
        },
        collect: (visit) => {
          for (let i = exports.collect(baseLsn); i >= 0; i = exports.collect(baseLsn)) {
            kernel.refresh();
            visit(this.decode(i, true)); // what it leads to may move the kernel's memory
          }
        },
        closeTransaction: (xid, subxids) => closeTransaction(kernel, xid, subxids),
      });
    }
    kernel.refresh();
    exports.clearBatch();
  }

  /** The record with that number in the batch, which the kernel has checked; a copy, or in the kernel's memory where it lies there in one piece. */
  private decode(number: number, copy = false): XLogRecord {
    const { view, bytes, bufferAt, recordPos, recordEnd } = this.kernel;
    const { major } = this.options;
    let pos = recordPos[number]!;
    const end = recordEnd[number]!;
    const lsn = (this.bufferLsn + pos) as Lsn;
    const endLsn = (this.bufferLsn + end) as Lsn;
    const totLen = view.getUint32(bufferAt + pos, true);
    if (!copy && totLen <= XLOG_BLCKSZ - (pos % XLOG_BLCKSZ)) return this.record.decode(view, bytes, bufferAt + pos, lsn, endLsn, major);
    if (totLen > this.assembly.length) this.assembly = new Uint8Array(totLen * 2);
    let got = 0;
    while (got < totLen) {
      const length = Math.min(XLOG_BLCKSZ - (pos % XLOG_BLCKSZ), totLen - got);
      this.assembly.set(bytes.subarray(bufferAt + pos, bufferAt + pos + length), got);
      got += length;
      pos += length;
      if (got < totLen) pos += xlogPageHeaderSize(view.getUint16(bufferAt + pos + 2, true));
    }
    return this.record.decode(new DataView(this.assembly.buffer), this.assembly, 0, lsn, endLsn, major);
  }

  /** Reads one record with XLogReader; false where it finds none, or one past the end of the range. */
  private stepByReader(): boolean {
    const { kernel, reader, record, result } = this;
    const { exports } = kernel;
    reader.begin(this.position, exports.getPreviousKnown() !== 0 ? (exports.getPreviousLsn() as Lsn) : undefined);
    if (!reader.next(record) || (this.options.until !== undefined && record.lsn >= this.options.until)) return false;
    result.records++;
    result.bytes += record.totLen;
    result.lastLsn = record.lsn;
    result.endLsn = record.endLsn;
    if (reader.overwrittenLsn !== INVALID_LSN) result.abortedLsns.push(reader.overwrittenLsn);
    const relation = record.blocks.map((ref) => exports.intern(ref.spcOid, ref.dbOid, ref.relNumber, ref.fork));
    if (this.options.changes) noteRecord(kernel, record, relation[0]);
    kernel.refresh();
    record.blocks.forEach((ref, i) => {
      kernel.refRelation[i] = relation[i]!;
      kernel.refBlock[i] = ref.block;
      kernel.refLsn[i] = 0;
      kernel.refFlags[i] = refFlags(ref);
    });
    const forEachRecord = (visit: (record: XLogRecord) => void): void => {
      if (MODES[record.rmid] !== RecordMode.none) visit(record);
    };
    exports.setRefCount(record.blocks.length);
    this.options.onBatch({
      baseLsn: record.lsn, refCount: record.blocks.length, relation: kernel.refRelation, block: kernel.refBlock, lsn: kernel.refLsn, flags: kernel.refFlags,
      relations: kernel.relations(),
      forEachRecord,
      collect: (visit) => {
        exports.collect(record.lsn);
        forEachRecord(visit);
      },
      closeTransaction: (xid, subxids) => closeTransaction(kernel, xid, subxids),
    });
    exports.clearBatch();
    exports.setPrevious(record.lsn);
    this.moveTo(record.endLsn);
    return true;
  }
}

function refFlags(ref: { willInit: boolean; hasImage: boolean; applyImage: boolean }): number {
  return (ref.willInit || ref.applyImage ? REF_STARTS_CHAIN : 0) | (ref.hasImage ? REF_HAS_IMAGE : 0) | (ref.willInit ? REF_WILL_INIT : 0);
}
