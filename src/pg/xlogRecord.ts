/**
 * One WAL record: its header, its block references and its data, as lazy views over the record's bytes.
 * Layout: access/xlogrecord.h; checks: DecodeXLogRecord(), access/transam/xlogreader.c, PG 13–18.
 */
import { inputError, type WalscopeError } from '../util/errors.js';
import { formatLsn, readLsn, type Lsn } from '../util/lsn.js';
import type { RelFork } from './relFileLocator.js';
import type { PgMajor } from './version.js';

export const SIZE_OF_XLOG_RECORD = 24;
export const XLR_MAX_BLOCK_ID = 32;
const XLR_BLOCK_ID_DATA_SHORT = 255;
const XLR_BLOCK_ID_DATA_LONG = 254;
const XLR_BLOCK_ID_ORIGIN = 253;
const XLR_BLOCK_ID_TOPLEVEL_XID = 252;

const BKPBLOCK_FORK_MASK = 0x0f;
const BKPBLOCK_HAS_IMAGE = 0x10;
const BKPBLOCK_HAS_DATA = 0x20;
const BKPBLOCK_WILL_INIT = 0x40;
const BKPBLOCK_SAME_REL = 0x80;

const BKPIMAGE_HAS_HOLE = 0x01;
const BLCKSZ = 8192;

/** The bits of xl_info that belong to the resource manager. */
export const XLR_RMGR_INFO_MASK = 0xf0;
/** xl_info: the record changes a relation's files without block references. */
export const XLR_SPECIAL_REL_UPDATE = 0x01;
/** xl_info: this record carries images for wal_consistency_checking. */
export const XLR_CHECK_CONSISTENCY = 0x02;

export type ImageCompression = 'none' | 'pglz' | 'lz4' | 'zstd';

/** A block reference. `dataAt` and `imageAt` are offsets into the record's `view`. */
export interface BlockRef extends RelFork {
  id: number;
  block: number;
  willInit: boolean;
  hasData: boolean;
  dataAt: number;
  dataLength: number;
  hasImage: boolean;
  /** False: the image serves wal_consistency_checking alone and must not be restored. */
  applyImage: boolean;
  imageAt: number;
  imageLength: number;
  compression: ImageCompression;
  holeOffset: number;
  holeLength: number;
}

function emptyBlockRef(): BlockRef {
  return {
    id: 0, spcOid: 0, dbOid: 0, relNumber: 0, fork: 0, block: 0, willInit: false, hasData: false, dataAt: 0, dataLength: 0,
    hasImage: false, applyImage: false, imageAt: 0, imageLength: 0, compression: 'none', holeOffset: 0, holeLength: 0,
  };
}

/** A decoded record. One object may be refilled for each record: keep a copy of what must outlive the next one. */
export class XLogRecord {
  /** The buffer that holds the record contiguously; all `…At` offsets are into it. */
  view!: DataView;
  bytes!: Uint8Array;
  /** Where the record begins in `view`. */
  start = 0;
  lsn = 0 as Lsn;
  /** XLogReaderState.EndRecPtr: what a page's LSN is set to. */
  endLsn = 0 as Lsn;
  major!: PgMajor;
  totLen = 0;
  xid = 0;
  prevLsn = 0 as Lsn;
  info = 0;
  rmid = 0;
  crc = 0;
  /** Replication origin, 0: none. */
  origin = 0;
  /** The top-level transaction where the record names it (wal_level = logical), else 0. */
  toplevelXid = 0;
  mainAt = 0;
  mainLength = 0;
  /** The references in use, ids ascending; ids may have gaps. */
  blocks: BlockRef[] = [];
  private readonly pool: BlockRef[] = [];

  /** XLogRecGetInfo() without the bits that belong to the WAL machinery. */
  get rmgrInfo(): number {
    return this.info & XLR_RMGR_INFO_MASK;
  }

  /** The reference with this id, or undefined. */
  block(id: number): BlockRef | undefined {
    for (const ref of this.blocks) if (ref.id === id) return ref;
    return undefined;
  }

  /**
   * Decodes the record at `start` of `view`, in place. The header's total length must already lie in `view` and the CRC be checked.
   * Throws a located input error with PostgreSQL's own wording where the record is not well formed.
   */
  decode(view: DataView, bytes: Uint8Array, start: number, lsn: Lsn, endLsn: Lsn, major: PgMajor): this {
    this.view = view;
    this.bytes = bytes;
    this.start = start;
    this.lsn = lsn;
    this.endLsn = endLsn;
    this.major = major;
    this.totLen = view.getUint32(start, true);
    this.xid = view.getUint32(start + 4, true);
    this.prevLsn = readLsn(view, start + 8);
    this.info = view.getUint8(start + 16);
    this.rmid = view.getUint8(start + 17);
    this.crc = view.getUint32(start + 20, true);
    this.origin = 0;
    this.toplevelXid = 0;
    this.mainLength = 0;
    this.mainAt = start + this.totLen;
    this.blocks.length = 0;
    this.decodeHeaders();
    return this;
  }

  private decodeHeaders(): void {
    const view = this.view;
    const end = this.start + this.totLen;
    let at = this.start + SIZE_OF_XLOG_RECORD;
    let dataTotal = 0;
    let previous: BlockRef | undefined;
    while (end - at > dataTotal) {
      if (end - at < 1) throw this.shortHeader();
      const id = view.getUint8(at);
      at += 1;
      if (id === XLR_BLOCK_ID_DATA_SHORT) {
        if (end - at < 1) throw this.shortHeader();
        this.mainLength = view.getUint8(at);
        at += 1;
        dataTotal += this.mainLength;
        break; // by convention, the main data fragment is always last
      } else if (id === XLR_BLOCK_ID_DATA_LONG) {
        if (end - at < 4) throw this.shortHeader();
        this.mainLength = view.getUint32(at, true);
        at += 4;
        dataTotal += this.mainLength;
        break;
      } else if (id === XLR_BLOCK_ID_ORIGIN) {
        if (end - at < 2) throw this.shortHeader();
        this.origin = view.getUint16(at, true);
        at += 2;
      } else if (id === XLR_BLOCK_ID_TOPLEVEL_XID) {
        if (end - at < 4) throw this.shortHeader();
        this.toplevelXid = view.getUint32(at, true);
        at += 4;
      } else if (id <= XLR_MAX_BLOCK_ID) {
        if (previous && id <= previous.id) throw this.invalid('wal.block_id', `out-of-order block_id ${id}`);
        const ref = (this.pool[this.blocks.length] ??= emptyBlockRef());
        at = this.decodeBlockHeader(ref, id, at, end, previous);
        dataTotal += ref.dataLength + ref.imageLength;
        this.blocks.push(ref);
        previous = ref;
      } else {
        throw this.invalid('wal.block_id', `invalid block_id ${id}`);
      }
    }
    if (end - at !== dataTotal) throw this.shortHeader();
    for (const ref of this.blocks) {
      ref.imageAt = at;
      at += ref.imageLength;
      ref.dataAt = at;
      at += ref.dataLength;
    }
    this.mainAt = at;
  }

  private decodeBlockHeader(ref: BlockRef, id: number, at: number, end: number, previous: BlockRef | undefined): number {
    const view = this.view;
    if (end - at < 3) throw this.shortHeader();
    const forkFlags = view.getUint8(at);
    ref.id = id;
    ref.fork = forkFlags & BKPBLOCK_FORK_MASK;
    ref.hasImage = (forkFlags & BKPBLOCK_HAS_IMAGE) !== 0;
    ref.hasData = (forkFlags & BKPBLOCK_HAS_DATA) !== 0;
    ref.willInit = (forkFlags & BKPBLOCK_WILL_INIT) !== 0;
    ref.dataLength = view.getUint16(at + 1, true);
    at += 3;
    if (ref.hasData && ref.dataLength === 0) throw this.invalid('wal.block_data', 'BKPBLOCK_HAS_DATA set, but no data included');
    if (!ref.hasData && ref.dataLength !== 0) {
      throw this.invalid('wal.block_data', `BKPBLOCK_HAS_DATA not set, but data length is ${ref.dataLength}`);
    }
    ref.applyImage = false;
    ref.imageLength = 0;
    ref.holeOffset = 0;
    ref.holeLength = 0;
    ref.compression = 'none';
    if (ref.hasImage) at = this.decodeImageHeader(ref, at, end);
    if ((forkFlags & BKPBLOCK_SAME_REL) !== 0) {
      if (!previous) throw this.invalid('wal.same_rel', 'BKPBLOCK_SAME_REL set but no previous rel');
      ref.spcOid = previous.spcOid;
      ref.dbOid = previous.dbOid;
      ref.relNumber = previous.relNumber;
    } else {
      if (end - at < 12) throw this.shortHeader();
      ref.spcOid = view.getUint32(at, true);
      ref.dbOid = view.getUint32(at + 4, true);
      ref.relNumber = view.getUint32(at + 8, true);
      at += 12;
    }
    if (end - at < 4) throw this.shortHeader();
    ref.block = view.getUint32(at, true);
    return at + 4;
  }

  private decodeImageHeader(ref: BlockRef, at: number, end: number): number {
    const view = this.view;
    if (end - at < 5) throw this.shortHeader();
    ref.imageLength = view.getUint16(at, true);
    ref.holeOffset = view.getUint16(at + 2, true);
    const bimgInfo = view.getUint8(at + 4);
    at += 5;
    const hasHole = (bimgInfo & BKPIMAGE_HAS_HOLE) !== 0;
    ref.compression = imageCompression(bimgInfo, this.major);
    ref.applyImage = (bimgInfo & (this.major >= 15 ? 0x02 : 0x04)) !== 0;
    if (ref.compression !== 'none') {
      if (hasHole) {
        if (end - at < 2) throw this.shortHeader();
        ref.holeLength = view.getUint16(at, true);
        at += 2;
      }
    } else {
      ref.holeLength = BLCKSZ - ref.imageLength;
    }
    if (hasHole && (ref.holeOffset === 0 || ref.holeLength === 0 || ref.imageLength === BLCKSZ)) {
      throw this.invalid('wal.image_hole', `BKPIMAGE_HAS_HOLE set, but hole offset ${ref.holeOffset} length ${ref.holeLength} block image length ${ref.imageLength}`);
    }
    if (!hasHole && (ref.holeOffset !== 0 || ref.holeLength !== 0)) {
      throw this.invalid('wal.image_hole', `BKPIMAGE_HAS_HOLE not set, but hole offset ${ref.holeOffset} length ${ref.holeLength}`);
    }
    if (ref.compression !== 'none' && ref.imageLength === BLCKSZ) {
      throw this.invalid('wal.image_compressed', `BKPIMAGE_COMPRESSED set, but block image length ${ref.imageLength}`);
    }
    if (!hasHole && ref.compression === 'none' && ref.imageLength !== BLCKSZ) {
      throw this.invalid('wal.image_length', `neither BKPIMAGE_HAS_HOLE nor BKPIMAGE_COMPRESSED set, but block image length is ${ref.imageLength}`);
    }
    return at;
  }

  private shortHeader(): WalscopeError {
    return this.invalid('wal.record_length', 'record with invalid length');
  }

  private invalid(code: string, what: string): WalscopeError {
    return inputError(code, `${what} at ${formatLsn(this.lsn)}`, { lsn: formatLsn(this.lsn) });
  }
}

/** The compression bits of bimg_info, whose values moved between 14 and 15 (access/xlogrecord.h). */
function imageCompression(bimgInfo: number, major: PgMajor): ImageCompression {
  if (major < 15) return (bimgInfo & 0x02) !== 0 ? 'pglz' : 'none';
  if ((bimgInfo & 0x04) !== 0) return 'pglz';
  if ((bimgInfo & 0x08) !== 0) return 'lz4';
  if ((bimgInfo & 0x10) !== 0) return 'zstd';
  return 'none';
}
