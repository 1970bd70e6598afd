/**
 * Names of files in a WAL archive and the positions they stand for.
 * Follows the macros of access/xlog_internal.h (XLogFileName, IsPartialXLogFileName, …), PG 13–18.
 */
import { upperHex } from '../util/hex.js';
import type { Lsn } from '../util/lsn.js';

export const WAL_SEG_MIN_SIZE = 1024 * 1024;
export const WAL_SEG_MAX_SIZE = 1024 * 1024 * 1024;
export const DEFAULT_XLOG_SEG_SIZE = 16 * 1024 * 1024;

const LSNS_PER_XLOG_ID = 0x1_0000_0000;

/** A file name of a WAL archive, taken apart. `log` and `seg` are the middle and last eight digits. */
export type WalFileName =
  | { kind: 'segment' | 'partial'; timeline: number; log: number; seg: number }
  /** `startOffset`: the backup's start inside its segment. */
  | { kind: 'backup'; timeline: number; log: number; seg: number; startOffset: number }
  | { kind: 'history'; timeline: number };

/** IsValidWalSegSize(): a power of two from 1 MB to 1 GB. */
export function isValidWalSegSize(size: number): boolean {
  return Number.isInteger(size) && size >= WAL_SEG_MIN_SIZE && size <= WAL_SEG_MAX_SIZE && (size & (size - 1)) === 0;
}

/** XLByteToSeg(): the number of the segment that holds this position. */
export function walSegmentNumber(lsn: Lsn, segmentSize: number): number {
  return Math.floor(lsn / segmentSize);
}

/** Where a segment begins. */
export function walSegmentStart(segmentNumber: number, segmentSize: number): Lsn {
  return (segmentNumber * segmentSize) as Lsn;
}

/** XLogSegmentOffset() */
export function walSegmentOffset(lsn: Lsn, segmentSize: number): number {
  return lsn % segmentSize;
}

const hex8 = (n: number): string => upperHex(n, 8);

/** XLogFileName(): `000000010000000000000003`. */
export function formatWalFileName(timeline: number, segmentNumber: number, segmentSize: number): string {
  const perId = LSNS_PER_XLOG_ID / segmentSize;
  return hex8(timeline) + hex8(Math.floor(segmentNumber / perId)) + hex8(segmentNumber % perId);
}

/** TLHistoryFileName(): `00000002.history`. */
export function formatHistoryFileName(timeline: number): string {
  return `${hex8(timeline)}.history`;
}

/**
 * Takes a name apart; undefined where it is none of PostgreSQL's. Compression suffixes (`.gz`) and the checksums that backup tools
 * append are the archive's business and must be cut off before.
 */
export function parseWalFileName(name: string): WalFileName | undefined {
  const match = /^([0-9A-F]{8})(?:\.history|([0-9A-F]{8})([0-9A-F]{8})(?:(\.partial)|\.([0-9A-F]{8})\.backup)?)$/.exec(name);
  if (!match) return undefined;
  const timeline = parseInt(match[1]!, 16);
  if (match[2] === undefined) return { kind: 'history', timeline };
  const log = parseInt(match[2], 16);
  const seg = parseInt(match[3]!, 16);
  if (match[5] !== undefined) return { kind: 'backup', timeline, log, seg, startOffset: parseInt(match[5], 16) };
  return { kind: match[4] === undefined ? 'segment' : 'partial', timeline, log, seg };
}

/** XLogFromFileName(): the segment's number; undefined where the last part is impossible for this segment size. */
export function segmentNumberOfName(name: { log: number; seg: number }, segmentSize: number): number | undefined {
  const perId = LSNS_PER_XLOG_ID / segmentSize;
  return name.seg < perId ? name.log * perId + name.seg : undefined;
}
