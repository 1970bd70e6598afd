/**
 * The header of a WAL page, short or long, and its checks.
 * Layout: XLogPageHeaderData, XLogLongPageHeaderData (access/xlog_internal.h);
 * checks: XLogReaderValidatePageHeader(), access/transam/xlogreader.c, PG 13–18.
 */
import { inputError, type WalscopeError } from '../util/errors.js';
import { upperHex } from '../util/hex.js';
import { formatLsn, readLsn, type Lsn } from '../util/lsn.js';
import { majorOfMagic, XLOG_PAGE_MAGIC, type PgMajor } from './version.js';

export const XLOG_BLCKSZ = 8192;
export const SIZE_OF_XLOG_SHORT_PHD = 24;
export const SIZE_OF_XLOG_LONG_PHD = 40;

export const XLP_FIRST_IS_CONTRECORD = 0x0001;
export const XLP_LONG_HEADER = 0x0002;
export const XLP_BKP_REMOVABLE = 0x0004;
export const XLP_FIRST_IS_OVERWRITE_CONTRECORD = 0x0008;
export const XLP_ALL_FLAGS = 0x000f;

export interface XLogPageHeader {
  magic: number;
  info: number;
  timeline: number;
  pageAddr: Lsn;
  /** Bytes of a record from the page before that are still to come, this page's included. */
  remLen: number;
}

/** What only the first page of a segment carries. */
export interface XLogLongPageHeader extends XLogPageHeader {
  systemIdentifier: bigint;
  segmentSize: number;
  xlogBlockSize: number;
}

/** The 24 bytes that every page has. */
export function readXLogPageHeader(view: DataView, at: number): XLogPageHeader {
  return {
    magic: view.getUint16(at, true),
    info: view.getUint16(at + 2, true),
    timeline: view.getUint32(at + 4, true),
    pageAddr: readLsn(view, at + 8),
    remLen: view.getUint32(at + 16, true),
  };
}

/** The 40 bytes of a long header; the caller has seen XLP_LONG_HEADER. */
export function readXLogLongPageHeader(view: DataView, at: number): XLogLongPageHeader {
  return {
    ...readXLogPageHeader(view, at),
    systemIdentifier: view.getBigUint64(at + 24, true),
    segmentSize: view.getUint32(at + 32, true),
    xlogBlockSize: view.getUint32(at + 36, true),
  };
}

/** Writes a header, a long one where xlp_info says so; the padding behind it is zeros already. */
export function writeXLogPageHeader(view: DataView, at: number, header: XLogLongPageHeader): void {
  view.setUint16(at, header.magic, true);
  view.setUint16(at + 2, header.info, true);
  view.setUint32(at + 4, header.timeline, true);
  view.setBigUint64(at + 8, BigInt(header.pageAddr), true);
  view.setUint32(at + 16, header.remLen, true);
  if ((header.info & XLP_LONG_HEADER) === 0) return;
  view.setBigUint64(at + 24, header.systemIdentifier, true);
  view.setUint32(at + 32, header.segmentSize, true);
  view.setUint32(at + 36, header.xlogBlockSize, true);
}

/** XLogPageHeaderSize() */
export function xlogPageHeaderSize(info: number): number {
  return (info & XLP_LONG_HEADER) !== 0 ? SIZE_OF_XLOG_LONG_PHD : SIZE_OF_XLOG_SHORT_PHD;
}

/** What a page header is held against. */
export interface PageExpectation {
  major: PgMajor;
  segmentSize: number;
  /** From pg_control; undefined: not checked. */
  systemIdentifier?: bigint;
  /** The name of the file that holds a position, for messages. */
  fileAt?(lsn: Lsn): string | undefined;
}

/**
 * Checks the header of the page that should be at `lsn`. `at` must have the whole header behind it.
 * Gives a located error with PostgreSQL's sentence, a code for each check, or undefined where all is well. The timeline's order
 * is the reader's to check: it spans pages.
 */
export function checkXLogPageHeader(view: DataView, at: number, lsn: Lsn, expected: PageExpectation): WalscopeError | undefined {
  const offset = lsn % expected.segmentSize;
  const isLong = (view.getUint16(at + 2, true) & XLP_LONG_HEADER) !== 0;
  if (!isLong && offset !== 0 && isGoodShortHeader(view, at, lsn, expected.major)) return undefined;
  const header = readXLogPageHeader(view, at);
  const file = expected.fileAt?.(lsn);
  const place = { lsn: formatLsn(lsn), file, offset };
  const where = `in WAL segment ${file ?? `of timeline ${header.timeline}`}, LSN ${formatLsn(lsn)}, offset ${offset}`;
  if (header.magic !== XLOG_PAGE_MAGIC[expected.major]) {
    const other = majorOfMagic(header.magic);
    return inputError('wal.page_magic', `invalid magic number ${upperHex(header.magic, 4)} ${where}`, place,
      other === undefined ? undefined : `the page was written by PostgreSQL ${other}, not ${expected.major}`);
  }
  if ((header.info & ~XLP_ALL_FLAGS) !== 0) {
    return inputError('wal.page_info', `invalid info bits ${upperHex(header.info, 4)} ${where}`, place);
  }
  if (isLong) {
    const long = readXLogLongPageHeader(view, at);
    const foreign = 'WAL file is from different database system:';
    if (expected.systemIdentifier !== undefined && long.systemIdentifier !== expected.systemIdentifier) {
      return inputError('wal.page_sysid', `${foreign} WAL file database system identifier is ${long.systemIdentifier}, `
        + `pg_control database system identifier is ${expected.systemIdentifier}`, place);
    }
    if (long.segmentSize !== expected.segmentSize) {
      return inputError('wal.page_segment_size', `${foreign} incorrect segment size in page header: ${long.segmentSize}, not ${expected.segmentSize}`, place);
    }
    if (long.xlogBlockSize !== XLOG_BLCKSZ) {
      return inputError('wal.page_block_size', `${foreign} incorrect XLOG_BLCKSZ in page header: ${long.xlogBlockSize}, not ${XLOG_BLCKSZ}`, place);
    }
  } else if (offset === 0) {
    return inputError('wal.page_long_header', `invalid info bits ${upperHex(header.info, 4)} ${where}: a segment's first page needs a long header`, place);
  }
  if (header.pageAddr !== lsn) {
    return inputError('wal.page_addr', `unexpected pageaddr ${formatLsn(header.pageAddr)} ${where}`, place);
  }
  return undefined;
}

/** Nearly all pages: nothing of them needs to be said. */
function isGoodShortHeader(view: DataView, at: number, lsn: Lsn, major: PgMajor): boolean {
  return view.getUint16(at, true) === XLOG_PAGE_MAGIC[major] && (view.getUint16(at + 2, true) & ~XLP_ALL_FLAGS) === 0 && readLsn(view, at + 8) === lsn;
}
