/**
 * Reads records at ascending positions for who has hundreds of thousands to read, most of them of the Heap manager: of a plain one, on one page and
 * without images, without an object for each and without what nobody asks for. Of what cannot be read here, and where a check fails, the caller's
 * readRecord() says what it is.
 */
import { xlogRecordCrc } from '../pg/crc32c.js';
import { ForkNumber, type RelFileLocator } from '../pg/relFileLocator.js';
import { checkXLogPageHeader, readXLogPageHeader, SIZE_OF_XLOG_LONG_PHD, XLOG_BLCKSZ, XLP_FIRST_IS_CONTRECORD, xlogPageHeaderSize, type PageExpectation } from '../pg/xlogPage.js';
import type { WalBytes } from '../pg/xlogReader.js';
import { SIZE_OF_XLOG_RECORD, XLogRecord } from '../pg/xlogRecord.js';
import { XLH_DELETE_IS_SUPER, XLOG_HEAP_DELETE, XLOG_HEAP_HOT_UPDATE, XLOG_HEAP_INPLACE, XLOG_HEAP_INSERT, XLOG_HEAP_OPMASK, XLOG_HEAP_UPDATE } from '../redo/heap/xlog.js';
import { XLOG_HEAP2_MULTI_INSERT } from '../redo/heap/xlog2.js';
import { RmgrId } from '../redo/rmgrlist.js';
import { lsnWithin, maxAlign, type Lsn } from '../util/lsn.js';

/** Bytes that are read at a time; less where the next record is farther away than makes what lies between worth it. */
const WINDOW_BYTES = 256 * 1024;
const NEAR_BYTES = 16 * 1024;
const FAR_WINDOW_BYTES = 2 * XLOG_BLCKSZ;
/** Longer records are not put together here. */
const LONGEST = 1024 * 1024;

// xlogrecord.h
const XLR_BLOCK_ID_DATA_SHORT = 255;
const XLR_BLOCK_ID_ORIGIN = 253;
const XLR_BLOCK_ID_TOPLEVEL_XID = 252;
const BKPBLOCK_HAS_DATA = 0x20;
const BKPBLOCK_WILL_INIT = 0x40;
const BKPBLOCK_SAME_REL = 0x80;

/** What a record did to rows. */
export const PlainOperation = { none: 0, insert: 1, delete: 2, update: 3 } as const;

/** Its fields are those of the plain record that was read last; the bytes hold until the next one. */
export class PlainHeapReader implements RelFileLocator {
  lsn = 0 as Lsn;
  xid = 0;
  operation: number = PlainOperation.none;
  spcOid = 0;
  dbOid = 0;
  relNumber = 0;
  /** Where the row version that began stands, or that ended by a deletion. */
  block = 0;
  offnum = 0;
  /** Of an update: where the version that ended stands. */
  oldBlock = 0;
  oldOffnum = 0;
  /** xl_heap_…'s flags, and the infobits of the version that ended. */
  flags = 0;
  infobits = 0;
  isSuperDelete = false;
  /** The data of the block that the record changed, in `from`. */
  dataAt = 0;
  dataLength = 0;
  /** Where the record's bytes are. */
  from: Bytes;

  private readonly window = bytesOf(WINDOW_BYTES);
  private assembly = bytesOf(4 * XLOG_BLCKSZ);
  private readonly whole = new XLogRecord();
  private start = 0;
  private length = 0;
  private windowLsn = 0;
  private windowLength = 0;
  private checkedPage = -1;
  private readonly expectation: PageExpectation;

  constructor(private readonly source: WalBytes, expectation: Omit<PageExpectation, 'segmentSize'>) {
    this.expectation = { ...expectation, segmentSize: source.segmentSize };
    this.from = this.window;
  }

  /** Reads the record at `lsn`: a plain one; another one, which record() gives; or none, for readRecord(). */
  read(lsn: Lsn): 'plain' | 'other' | 'none' {
    const offset = lsnWithin(lsn, XLOG_BLCKSZ);
    if (offset <= SIZE_OF_XLOG_LONG_PHD || offset + SIZE_OF_XLOG_RECORD > XLOG_BLCKSZ || !this.open(lsn - offset)) return 'none';
    this.lsn = lsn;
    this.from = this.window;
    this.start = lsn - this.windowLsn;
    this.length = this.window.view.getUint32(this.start, true);
    if (this.length < SIZE_OF_XLOG_RECORD || (offset + this.length > XLOG_BLCKSZ && !this.assemble(lsn - offset, offset))) return 'none';
    const { bytes, view } = this.from, { start, length } = this;
    if (xlogRecordCrc(bytes, start, length) !== view.getUint32(start + 20, true)) return 'none';
    const rmid = bytes[start + 17]!, opcode = bytes[start + 16]! & XLOG_HEAP_OPMASK;
    if (rmid === RmgrId.heap ? opcode === XLOG_HEAP_INPLACE : rmid !== RmgrId.heap2 || opcode === XLOG_HEAP2_MULTI_INSERT) return 'other';
    this.xid = view.getUint32(start + 4, true);
    this.operation = rmid === RmgrId.heap2 ? PlainOperation.none : opcode === XLOG_HEAP_INSERT ? PlainOperation.insert : opcode === XLOG_HEAP_DELETE ? PlainOperation.delete
      : opcode === XLOG_HEAP_UPDATE || opcode === XLOG_HEAP_HOT_UPDATE ? PlainOperation.update : PlainOperation.none;
    return this.decode(start + SIZE_OF_XLOG_RECORD, start + length) ? 'plain' : 'other';
  }

  /** The record that was read last, whole; it holds until the next one. */
  record(): XLogRecord {
    return this.whole.decode(this.from.view, this.from.bytes, this.start, this.lsn, (this.lsn + maxAlign(this.length)) as Lsn, this.expectation.major);
  }

  private decode(at: number, end: number): boolean {
    const { bytes, view } = this.from;
    if (end - at < 22 || bytes[at] !== 0 || (bytes[at + 1]! & ~(BKPBLOCK_HAS_DATA | BKPBLOCK_WILL_INIT)) !== ForkNumber.main) return false;
    this.dataLength = view.getUint16(at + 2, true);
    this.spcOid = view.getUint32(at + 4, true);
    this.dbOid = view.getUint32(at + 8, true);
    this.relNumber = view.getUint32(at + 12, true);
    this.block = this.oldBlock = view.getUint32(at + 16, true);
    at += 20;
    if (bytes[at] === 1) {
      // the page that an update took the row from
      if (end - at < 10 || (bytes[at + 1]! & ~BKPBLOCK_SAME_REL) !== ForkNumber.main || (bytes[at + 1]! & BKPBLOCK_SAME_REL) === 0 || view.getUint16(at + 2, true) !== 0) return false;
      this.oldBlock = view.getUint32(at + 4, true);
      at += 8;
    }
    if (bytes[at] === XLR_BLOCK_ID_ORIGIN) at += 3;
    if (bytes[at] === XLR_BLOCK_ID_TOPLEVEL_XID) at += 5;
    if (end - at < 2 || bytes[at] !== XLR_BLOCK_ID_DATA_SHORT) return false;
    const mainLength = bytes[at + 1]!;
    this.dataAt = at + 2;
    return this.dataAt + this.dataLength + mainLength === end && this.decodeMain(this.dataAt + this.dataLength, mainLength);
  }

  /** xl_heap_insert, xl_heap_delete and xl_heap_update of any major: redo/heap/xlog.ts has them by name. */
  private decodeMain(at: number, length: number): boolean {
    const { operation, from: { bytes, view } } = this;
    if (operation === PlainOperation.none) return true;
    if (operation === PlainOperation.insert) {
      if (length < 3) return false;
      this.offnum = view.getUint16(at, true);
      this.flags = bytes[at + 2]!;
      return true;
    }
    if (length < (operation === PlainOperation.delete ? 8 : 14)) return false;
    this.infobits = bytes[at + 6]!;
    this.flags = bytes[at + 7]!;
    this.oldOffnum = view.getUint16(at + 4, true);
    if (operation === PlainOperation.delete) {
      this.offnum = this.oldOffnum;
      this.isSuperDelete = (this.flags & XLH_DELETE_IS_SUPER) !== 0;
    } else this.offnum = view.getUint16(at + 12, true);
    return true;
  }

  /** Puts a record that goes on on further pages together; false where that cannot be done. The record has this many bytes of its first page before it. */
  private assemble(page: number, offset: number): boolean {
    const { length, window } = this;
    if (length > this.assembly.bytes.length) {
      if (length > LONGEST) return false;
      this.assembly = bytesOf(length);
    }
    const { bytes } = this.assembly;
    let got = XLOG_BLCKSZ - offset;
    bytes.set(window.bytes.subarray(this.start, this.start + got));
    while (got < length) {
      page += XLOG_BLCKSZ;
      if (!this.open(page)) return false;
      const at = page - this.windowLsn, { info, remLen } = readXLogPageHeader(window.view, at);
      if ((info & XLP_FIRST_IS_CONTRECORD) === 0 || remLen !== length - got) return false;
      const header = xlogPageHeaderSize(info), some = Math.min(XLOG_BLCKSZ - header, remLen);
      bytes.set(window.bytes.subarray(at + header, at + header + some), got);
      got += some;
    }
    this.from = this.assembly;
    this.start = 0;
    return true;
  }

  /** Makes a page's bytes available; false where they are not all there, or its header is not good. */
  private open(page: number): boolean {
    if (page === this.checkedPage) return true;
    if (page < this.windowLsn || page + XLOG_BLCKSZ > this.windowLsn + this.windowLength) {
      const isNear = page >= this.windowLsn && page - this.checkedPage < NEAR_BYTES;
      const into = isNear ? this.window.bytes : this.window.bytes.subarray(0, FAR_WINDOW_BYTES);
      this.checkedPage = -1;
      this.windowLsn = page;
      this.windowLength = this.fill(page as Lsn, into);
      if (this.windowLength < XLOG_BLCKSZ) return false;
    }
    if (checkXLogPageHeader(this.window.view, page - this.windowLsn, page as Lsn, this.expectation)) return false;
    this.checkedPage = page;
    return true;
  }

  private fill(lsn: Lsn, into: Uint8Array): number {
    if (this.source.readInto) return this.source.readInto(lsn, into);
    const read = this.source.read(lsn, into.length);
    into.set(read);
    return read.length;
  }
}

interface Bytes {
  bytes: Uint8Array;
  view: DataView;
}

function bytesOf(length: number): Bytes {
  const bytes = new Uint8Array(length);
  return { bytes, view: new DataView(bytes.buffer) };
}
