/**
 * Reads WAL records one after the other, or one at a given position, from any source of WAL bytes.
 * Follows XLogDecodeNextRecord(), ReadPageInternal(), ValidXLogRecordHeader(), ValidXLogRecord() and XLogFindNextRecord(),
 * access/transam/xlogreader.c, PG 13–18: every check of theirs is here, each with a code of its own.
 */
import { inputError, WalscopeError } from '../util/errors.js';
import { formatLsn, INVALID_LSN, lsnWithin, MAX_LSN, maxAlign, readLsn, type Lsn } from '../util/lsn.js';
import { xlogRecordCrc } from './crc32c.js';
import type { PgMajor } from './version.js';
import { walSegmentStart, walSegmentNumber } from './walFileName.js';
import {
  checkXLogPageHeader, readXLogPageHeader, SIZE_OF_XLOG_LONG_PHD, SIZE_OF_XLOG_SHORT_PHD, XLOG_BLCKSZ,
  XLP_FIRST_IS_CONTRECORD, XLP_FIRST_IS_OVERWRITE_CONTRECORD, xlogPageHeaderSize, type XLogPageHeader,
} from './xlogPage.js';
import { SIZE_OF_XLOG_RECORD, XLogRecord, XLR_RMGR_INFO_MASK } from './xlogRecord.js';

/** RM_MAX_BUILTIN_ID and RM_MIN_CUSTOM_ID (access/rmgr.h). */
const RM_MAX_BUILTIN_ID = 21;
const RM_MIN_CUSTOM_ID = 128;
const RM_XLOG_ID = 0;
const XLOG_SWITCH = 0x40;
const XLOG_OVERWRITE_CONTRECORD = 0xd0;

const SEQUENTIAL_WINDOW_BYTES = 128 * 1024;

/** WAL as an array of bytes addressed by LSN, page headers included: a run of segments of one history. */
export interface WalBytes {
  readonly segmentSize: number;
  /**
   * Up to `length` bytes from `lsn` on: fewer where the bytes end (a source may always stop at a segment's end), none in a gap.
   * The array must keep its contents until the next call.
   */
  read(lsn: Lsn, length: number): Uint8Array;
  /** A source that several readers share must have it: the same into a buffer of the caller's. Gives the number of bytes. */
  readInto?(lsn: Lsn, into: Uint8Array): number;
  /** The name of the file that holds this position, for messages. */
  fileAt?(lsn: Lsn): string | undefined;
}

/** Bytes of a source from `lsn` on into a buffer, as readInto() gives them, whether it has that or not. */
export function readWalInto(source: WalBytes, lsn: Lsn, into: Uint8Array): number {
  if (source.readInto) return source.readInto(lsn, into);
  const bytes = source.read(lsn, into.length);
  into.set(bytes);
  return bytes.length;
}

/** Why and where reading stopped. */
export interface WalEnd {
  /** The first byte that belongs to no good record. */
  lsn: Lsn;
  /**
   * `end`: nothing follows: zeros, a recycled page, a record that was being written. `missing`: the source has no bytes there.
   * `damage`: WAL of the right place follows, so what lies here should have been readable.
   */
  kind: 'end' | 'missing' | 'damage';
  error: WalscopeError;
  /** Where good WAL begins again in this or the next segment, if it does: resume() goes there. */
  resumeLsn?: Lsn;
}

export interface XLogReaderOptions {
  major: PgMajor;
  /** From pg_control: pages of another cluster are refused. */
  systemIdentifier?: bigint;
  /** Bytes asked of the source at a time while reading in sequence; at least a page. */
  windowBytes?: number;
}

/** A reader over one source; records that it fills point into its buffers and hold until its next call. */
export class XLogReader {
  /** Set when next() or seek() found no record. */
  end: WalEnd | undefined;
  /** The record whose continuation was lost, where the record just read replaced it (XLP_FIRST_IS_OVERWRITE_CONTRECORD); else 0. */
  overwrittenLsn: Lsn = INVALID_LSN;

  private readonly expectation: { major: PgMajor; segmentSize: number; systemIdentifier?: bigint; fileAt(lsn: Lsn): string | undefined };
  private readonly windowBytes: number;
  private window: Uint8Array = new Uint8Array(0);
  private windowView = new DataView(this.window.buffer);
  private windowLsn = INVALID_LSN;
  private own: Uint8Array = new Uint8Array(0);

  private pageLsn = -1 as Lsn;
  private page!: XLogPageHeader;
  /** Where the page begins in the window, and how many bytes of it are there. */
  private pageAt = 0;
  private pageAvailable = 0;
  private checkedSegment = -1;
  private latestPageLsn = INVALID_LSN;
  private latestPageTimeline = 0;

  private nextLsn = INVALID_LSN;
  private previousLsn: Lsn | undefined;
  /** The record under examination, the last page looked at for it, and its end where its length is known: for WalEnd. */
  private currentLsn = INVALID_LSN;
  private examinedPageLsn = INVALID_LSN;
  private candidateEndLsn = INVALID_LSN;

  private assembly: Uint8Array = new Uint8Array(8 * XLOG_BLCKSZ);
  private assemblyView = new DataView(this.assembly.buffer);

  constructor(private readonly source: WalBytes, options: XLogReaderOptions) {
    this.expectation = { major: options.major, segmentSize: source.segmentSize, systemIdentifier: options.systemIdentifier, fileAt: (lsn) => source.fileAt?.(lsn) };
    this.windowBytes = Math.max(options.windowBytes ?? SEQUENTIAL_WINDOW_BYTES, XLOG_BLCKSZ);
  }

  /** Where the next record is expected: the end of the last one read. */
  get position(): Lsn { return this.nextLsn; }
  /** The timeline of the page last looked at. */
  get pageTimeline(): number { return this.latestPageTimeline; }

  /**
   * Positions at a place where a record is known to begin, or at a page's start (XLogBeginRead()). The first record's prev-link
   * is only checked to point backwards, unless `previousLsn` says what it must be.
   */
  begin(lsn: Lsn, previousLsn?: Lsn): void {
    this.nextLsn = lsn;
    this.previousLsn = previousLsn;
    this.overwrittenLsn = INVALID_LSN;
    this.end = undefined;
  }

  /**
   * Positions at the first record that begins at or after `lsn` and gives its LSN (XLogFindNextRecord());
   * undefined, with `end` set, where there is none.
   */
  seek(lsn: Lsn, scratch: XLogRecord): Lsn | undefined {
    this.end = undefined;
    try {
      this.begin(this.skipContinuation(lsn));
    } catch (error) {
      this.stopAt(error);
      return undefined;
    }
    while (this.next(scratch)) {
      if (scratch.lsn >= lsn) {
        this.begin(scratch.lsn);
        return scratch.lsn;
      }
    }
    return undefined;
  }

  /**
   * After a stop: goes on at the next good record, past damage, and gives its LSN; undefined, with `end` set anew, where none follows
   * in this segment or the next. What lies between the old `end.lsn` and the new position is lost.
   */
  resume(scratch: XLogRecord): Lsn | undefined {
    while (this.end?.resumeLsn !== undefined) {
      const { lsn, resumeLsn } = this.end;
      if (resumeLsn % XLOG_BLCKSZ !== 0) {
        this.begin(resumeLsn, lsn);
        return resumeLsn;
      }
      const found = this.seek(resumeLsn, scratch);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Reads the next record into `record`; null, with `end` set, where there is none (XLogReadRecord()). */
  next(record: XLogRecord): XLogRecord | null {
    this.overwrittenLsn = INVALID_LSN;
    try {
      let lsn = this.nextLsn;
      for (;;) {
        const restart = this.decodeAt(lsn, this.previousLsn, record);
        if (restart === undefined) break;
        // the record's tail was never written: what replaced it begins on that page
        this.overwrittenLsn = this.currentLsn;
        lsn = restart;
      }
      this.checkOverwrite(record);
    } catch (error) {
      this.stopAt(error);
      return null;
    }
    this.nextLsn = record.endLsn;
    this.previousLsn = record.lsn;
    return record;
  }

  /**
   * Reads the record that begins at `lsn`, wherever next() stands. Throws a located input error where there is no good record.
   * `windowBytes`: to ask of the source; more than a page where the records near it are read next.
   */
  readRecordAt(lsn: Lsn, record: XLogRecord, windowBytes = XLOG_BLCKSZ): XLogRecord {
    const { latestPageLsn, latestPageTimeline } = this;
    this.latestPageLsn = MAX_LSN; // no order among positions that are read at random
    const restart = this.decodeAt(lsn, undefined, record, windowBytes);
    this.latestPageLsn = latestPageLsn;
    this.latestPageTimeline = latestPageTimeline;
    if (restart !== undefined) {
      throw this.invalid('wal.aborted_contrecord', lsn, `the record at ${formatLsn(lsn)} was never completed: it is overwritten at ${formatLsn(restart)}`);
    }
    return record;
  }

  /** The head of XLogFindNextRecord(): where the first record begins on or after the page of `lsn`, past what continues an older one. */
  private skipContinuation(lsn: Lsn): Lsn {
    let pageLsn = (lsn - (lsn % XLOG_BLCKSZ)) as Lsn;
    this.latestPageLsn = INVALID_LSN;
    this.latestPageTimeline = 0;
    for (;;) {
      this.currentLsn = pageLsn;
      this.openPage(pageLsn, SIZE_OF_XLOG_SHORT_PHD, this.windowBytes);
      const headerSize = xlogPageHeaderSize(this.page.info);
      if ((this.page.info & XLP_FIRST_IS_CONTRECORD) === 0) return (pageLsn + headerSize) as Lsn;
      const rest = maxAlign(this.page.remLen);
      if (rest < XLOG_BLCKSZ - headerSize) return (pageLsn + headerSize + rest) as Lsn;
      pageLsn = (pageLsn + XLOG_BLCKSZ) as Lsn;
    }
  }

  /** Decodes the record at `lsn`; gives the page to go on from instead where its continuation was overwritten. */
  private decodeAt(lsn: Lsn, previousLsn: Lsn | undefined, record: XLogRecord, windowBytes = this.windowBytes): Lsn | undefined {
    this.currentLsn = lsn;
    this.candidateEndLsn = INVALID_LSN;
    let offset = lsnWithin(lsn, XLOG_BLCKSZ);
    const pageLsn = (lsn - offset) as Lsn;
    this.openPage(pageLsn, Math.min(offset + SIZE_OF_XLOG_RECORD, XLOG_BLCKSZ), windowBytes);
    const headerSize = xlogPageHeaderSize(this.page.info);
    if (offset === 0) {
      offset = headerSize;
      lsn = (pageLsn + headerSize) as Lsn;
      this.openPage(pageLsn, offset + SIZE_OF_XLOG_RECORD, windowBytes);
    } else if (offset < headerSize) {
      throw this.invalid('wal.record_offset', lsn, `invalid record offset at ${formatLsn(lsn)}: expected at least ${headerSize}, got ${offset}`);
    }
    this.currentLsn = lsn;
    if ((this.page.info & XLP_FIRST_IS_CONTRECORD) !== 0 && offset === headerSize) {
      throw this.invalid('wal.contrecord_requested', lsn, `contrecord is requested by ${formatLsn(lsn)}`);
    }
    const at = this.pageAt + offset;
    const totLen = this.windowView.getUint32(at, true);
    const headerIsHere = offset <= XLOG_BLCKSZ - SIZE_OF_XLOG_RECORD;
    if (headerIsHere) this.checkRecordHeader(this.windowView, at, lsn, previousLsn);
    else this.checkTotalLength(totLen, lsn);
    if (totLen > XLOG_BLCKSZ - offset) return this.assemble(lsn, pageLsn, totLen, headerIsHere, previousLsn, record, windowBytes);
    this.openPage(pageLsn, offset + totLen, windowBytes);
    this.finish(record, this.windowView, this.window, this.pageAt + offset, lsn, (lsn + maxAlign(totLen)) as Lsn);
    return undefined;
  }

  /** The branch of XLogDecodeNextRecord() for a record that continues on further pages. */
  private assemble(
    lsn: Lsn, pageLsn: Lsn, totLen: number, headerChecked: boolean, previousLsn: Lsn | undefined, record: XLogRecord, windowBytes: number,
  ): Lsn | undefined {
    const offset = lsnWithin(lsn, XLOG_BLCKSZ);
    let got = XLOG_BLCKSZ - offset;
    this.openPage(pageLsn, XLOG_BLCKSZ, windowBytes);
    this.assembly.set(this.window.subarray(this.pageAt + offset, this.pageAt + XLOG_BLCKSZ), 0);
    let endLsn = lsn;
    while (got < totLen) {
      pageLsn = (pageLsn + XLOG_BLCKSZ) as Lsn;
      this.openPage(pageLsn, SIZE_OF_XLOG_SHORT_PHD, windowBytes);
      const { info, remLen } = this.page;
      if ((info & XLP_FIRST_IS_OVERWRITE_CONTRECORD) !== 0) return pageLsn;
      if ((info & XLP_FIRST_IS_CONTRECORD) === 0) {
        throw this.invalid('wal.no_contrecord_flag', lsn, `there is no contrecord flag at ${formatLsn(lsn)}`);
      }
      if (remLen === 0 || totLen !== remLen + got) {
        throw this.invalid('wal.contrecord_length', lsn, `invalid contrecord length ${remLen} (expected ${totLen - got}) at ${formatLsn(lsn)}`);
      }
      const headerSize = xlogPageHeaderSize(info);
      const length = Math.min(XLOG_BLCKSZ - headerSize, remLen);
      this.openPage(pageLsn, headerSize + length, windowBytes);
      this.growAssembly(got + length, got);
      this.assembly.set(this.window.subarray(this.pageAt + headerSize, this.pageAt + headerSize + length), got);
      got += length;
      endLsn = (pageLsn + headerSize + maxAlign(remLen)) as Lsn;
      if (!headerChecked) {
        this.checkRecordHeader(this.assemblyView, 0, lsn, previousLsn);
        headerChecked = true;
      }
    }
    this.finish(record, this.assemblyView, this.assembly, 0, lsn, endLsn);
    return undefined;
  }

  /** Grows with what was really read, so that a garbage length allocates nothing. */
  private growAssembly(needed: number, keep: number): void {
    if (needed <= this.assembly.length) return;
    const grown = new Uint8Array(Math.max(needed, this.assembly.length * 2));
    grown.set(this.assembly.subarray(0, keep));
    this.assembly = grown;
    this.assemblyView = new DataView(grown.buffer);
  }

  /** CRC, then the decoding; XLOG_SWITCH is taken to extend to its segment's end. */
  private finish(record: XLogRecord, view: DataView, bytes: Uint8Array, start: number, lsn: Lsn, endLsn: Lsn): void {
    this.candidateEndLsn = endLsn;
    if (xlogRecordCrc(bytes, start, view.getUint32(start, true)) !== view.getUint32(start + 20, true)) {
      throw this.invalid('wal.crc', lsn, `incorrect resource manager data checksum in record at ${formatLsn(lsn)}`);
    }
    if (view.getUint8(start + 17) === RM_XLOG_ID && (view.getUint8(start + 16) & XLR_RMGR_INFO_MASK) === XLOG_SWITCH) {
      const size = this.source.segmentSize;
      const last = endLsn + size - 1;
      endLsn = (last - (last % size)) as Lsn;
    }
    record.decode(view, bytes, start, lsn, endLsn, this.expectation.major);
  }

  private checkTotalLength(totLen: number, lsn: Lsn): void {
    if (totLen < SIZE_OF_XLOG_RECORD) {
      throw this.invalid('wal.record_too_short', lsn, `invalid record length at ${formatLsn(lsn)}: expected at least ${SIZE_OF_XLOG_RECORD}, got ${totLen}`);
    }
  }

  /** ValidXLogRecordHeader() */
  private checkRecordHeader(view: DataView, at: number, lsn: Lsn, previousLsn: Lsn | undefined): void {
    this.checkTotalLength(view.getUint32(at, true), lsn);
    const rmid = view.getUint8(at + 17);
    if (rmid > RM_MAX_BUILTIN_ID && (this.expectation.major < 15 || rmid < RM_MIN_CUSTOM_ID)) {
      throw this.invalid('wal.rmid', lsn, `invalid resource manager ID ${rmid} at ${formatLsn(lsn)}`);
    }
    const prev = readLsn(view, at + 8);
    if (previousLsn === undefined ? prev >= lsn : prev !== previousLsn) {
      throw this.invalid('wal.prev_link', lsn, `record with incorrect prev-link ${formatLsn(prev)} at ${formatLsn(lsn)}`);
    }
  }

  /** VerifyOverwriteContrecord(), xlogrecovery.c: the record names the very one that it replaces. */
  private checkOverwrite(record: XLogRecord): void {
    if (this.overwrittenLsn === INVALID_LSN || record.rmid !== RM_XLOG_ID || record.rmgrInfo !== XLOG_OVERWRITE_CONTRECORD) return;
    const named = record.mainLength >= 8 ? readLsn(record.view, record.mainAt) : INVALID_LSN;
    if (named !== this.overwrittenLsn) {
      throw this.invalid('wal.overwrite_mismatch', record.lsn, `mismatching overwritten LSN ${formatLsn(named)} -> ${formatLsn(this.overwrittenLsn)} at ${formatLsn(record.lsn)}`);
    }
  }

  /** ReadPageInternal(): makes the first `needed` bytes of a page available and its header valid. */
  private openPage(pageLsn: Lsn, needed: number, windowBytes: number): void {
    this.examinedPageLsn = pageLsn;
    if (pageLsn === this.pageLsn && needed <= this.pageAvailable) return;
    const segment = walSegmentNumber(pageLsn, this.source.segmentSize);
    if (segment !== this.checkedSegment) {
      // the segment's first page says whose it is, even where that is not the page that is wanted
      const start = walSegmentStart(segment, this.source.segmentSize);
      if (start !== pageLsn) this.checkSegmentStart(start);
      this.checkedSegment = -1;
    }
    this.load(pageLsn, needed, windowBytes);
    const header = readXLogPageHeader(this.windowView, this.pageAt);
    const headerSize = xlogPageHeaderSize(header.info);
    if (this.pageAvailable < headerSize) this.load(pageLsn, headerSize, windowBytes);
    const fault = checkXLogPageHeader(this.windowView, this.pageAt, pageLsn, this.expectation) ?? this.checkTimelineOrder(header, pageLsn);
    if (fault) throw fault;
    this.checkedSegment = segment;
    this.latestPageLsn = pageLsn;
    this.latestPageTimeline = header.timeline;
    this.page = header;
    this.pageLsn = pageLsn;
  }

  private load(pageLsn: Lsn, needed: number, windowBytes: number): void {
    needed = Math.max(needed, SIZE_OF_XLOG_SHORT_PHD);
    this.pageLsn = -1 as Lsn;
    if (pageLsn < this.windowLsn || pageLsn + needed > this.windowLsn + this.window.length) {
      this.window = this.fetch(pageLsn, Math.max(needed, windowBytes));
      this.windowView = new DataView(this.window.buffer, this.window.byteOffset, this.window.length);
      this.windowLsn = pageLsn;
      if (this.window.length < needed) {
        const at = (pageLsn + this.window.length) as Lsn;
        throw this.invalid('wal.missing', at, `no WAL at ${formatLsn(at)}`);
      }
    }
    this.pageAt = pageLsn - this.windowLsn;
    this.pageAvailable = Math.min(XLOG_BLCKSZ, this.window.length - this.pageAt);
  }

  /** Into a buffer of our own where that is possible: what `read` gives holds only until somebody reads from the source again. */
  private fetch(lsn: Lsn, length: number): Uint8Array {
    if (!this.source.readInto) return this.source.read(lsn, length);
    if (this.own.length < length) this.own = new Uint8Array(length);
    const into = this.own.subarray(0, length);
    return into.subarray(0, this.source.readInto(lsn, into));
  }

  private checkSegmentStart(start: Lsn): void {
    const bytes = this.source.read(start, SIZE_OF_XLOG_LONG_PHD);
    this.forgetWindow(); // the source may have reused its buffer
    if (bytes.length < SIZE_OF_XLOG_LONG_PHD) throw this.invalid('wal.missing', start, `no WAL at ${formatLsn(start)}`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const fault = checkXLogPageHeader(view, 0, start, this.expectation);
    if (fault) throw fault;
  }

  /** A child timeline's number is always greater than its parent's. */
  private checkTimelineOrder(header: XLogPageHeader, pageLsn: Lsn): WalscopeError | undefined {
    if (pageLsn <= this.latestPageLsn || header.timeline >= this.latestPageTimeline) return undefined;
    return this.invalid('wal.page_timeline', pageLsn, `out-of-sequence timeline ID ${header.timeline} (after ${this.latestPageTimeline}) at ${formatLsn(pageLsn)}`);
  }

  private stopAt(error: unknown): void {
    if (!(error instanceof WalscopeError)) throw error;
    const lsn = this.currentLsn;
    // a page of an older timeline is WAL of its place: it is the page before it that cannot be trusted
    const resumeLsn = error.code === 'wal.page_timeline' ? this.examinedPageLsn : this.findSuccessor(lsn) ?? this.findLaterPage(this.examinedPageLsn);
    const kind = error.code === 'wal.missing' ? 'missing' : resumeLsn === undefined ? 'end' : 'damage';
    this.end = { lsn, kind, error, resumeLsn };
  }

  /** The record after a damaged one, where its prev-link proves that the damaged one's length was right. */
  private findSuccessor(lsn: Lsn): Lsn | undefined {
    const endLsn = this.candidateEndLsn;
    const examined = this.examinedPageLsn;
    if (endLsn === INVALID_LSN) return undefined;
    try {
      if (this.decodeAt(endLsn, lsn, new XLogRecord()) === undefined) return endLsn;
    } catch (error) {
      if (!(error instanceof WalscopeError)) throw error;
      // no proof: the caller looks for a later page instead
    }
    this.examinedPageLsn = examined;
    return undefined;
  }

  /** The next page after `pageLsn`, up to the next segment's first, that is WAL of its place: recycled pages and zeros are not. */
  private findLaterPage(pageLsn: Lsn): Lsn | undefined {
    const size = this.source.segmentSize;
    const nextSegment = walSegmentStart(walSegmentNumber(pageLsn, size) + 1, size);
    let found: Lsn | undefined;
    for (let at = (pageLsn + XLOG_BLCKSZ) as Lsn; at <= nextSegment && found === undefined; at = (at + XLOG_BLCKSZ) as Lsn) {
      const bytes = this.source.read(at, SIZE_OF_XLOG_LONG_PHD);
      if (bytes.length < SIZE_OF_XLOG_LONG_PHD) continue;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      const isWal = checkXLogPageHeader(view, 0, at, this.expectation) === undefined;
      if (isWal && readXLogPageHeader(view, 0).timeline >= this.latestPageTimeline) found = at;
    }
    this.forgetWindow();
    this.checkedSegment = -1;
    return found;
  }

  private forgetWindow(): void {
    this.window = new Uint8Array(0);
    this.pageLsn = -1 as Lsn;
  }

  private invalid(code: string, lsn: Lsn, message: string): WalscopeError {
    return inputError(code, message, { lsn: formatLsn(lsn), file: this.source.fileAt?.(lsn), offset: lsn % this.source.segmentSize });
  }
}
