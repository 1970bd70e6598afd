/** One file of an archive that should be a WAL segment: what its first page says. */
import { closeSync } from 'node:fs';
import { segmentNumberOfName, isValidWalSegSize, walSegmentStart } from '../pg/walFileName.js';
import { readXLogLongPageHeader, SIZE_OF_XLOG_LONG_PHD, XLOG_BLCKSZ, XLP_LONG_HEADER, type XLogLongPageHeader } from '../pg/xlogPage.js';
import { majorOfMagic, type PgMajor } from '../pg/version.js';
import type { Finding } from '../util/finding.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import { decompressPrefix, readHead, sniffCompression, unsupportedCompression, type Compression } from './decompress.js';
import { openInput } from './inputFile.js';
import type { WalFileEntry } from './walLayout.js';

/** A segment file that can be read. */
export interface WalSegmentFile {
  timeline: number;
  segno: number;
  startLsn: Lsn;
  path: string;
  compression: Compression;
  /** An old timeline's last segment, or one that pg_receivewal has not finished: good up to some point. */
  partial: boolean;
  /** From a pg_wal directory. */
  live: boolean;
  /** On disk; 0 where it is compressed and the archive was opened again as it was saved. */
  bytes: number;
}

/** What the segments of one cluster have in common. */
export interface WalIdentity {
  systemIdentifier: bigint;
  segmentSize: number;
  major: PgMajor;
}

export type SegmentInspection =
  | { kind: 'segment'; segment: WalSegmentFile; identity: WalIdentity }
  /** Preallocated or recycled in pg_wal: holds nothing of its name. */
  | { kind: 'unused' }
  | { kind: 'finding'; finding: Finding };

/** Opens a file, reads the long page header through any compression, and holds it against the name. Throws only what the file system throws. */
export function inspectSegmentFile(entry: WalFileEntry): SegmentInspection {
  const finding = (code: string, what: string): SegmentInspection => ({ kind: 'finding', finding: { code, message: `${entry.path}: ${what}`, place: { file: entry.path } } });
  if (entry.name.kind !== 'segment' && entry.name.kind !== 'partial') throw new Error(`${entry.path} is not named as a segment`);
  const fd = openInput(entry.path);
  let head: Uint8Array;
  let compression: Compression;
  try {
    head = readHead(fd, entry.path, SIZE_OF_XLOG_LONG_PHD);
    const sniffed = sniffCompression(head);
    if (sniffed !== 'none' && sniffed !== 'gzip' && sniffed !== 'zstd' && sniffed !== 'lz4') {
      const refusal = unsupportedCompression(entry.path, sniffed);
      return { kind: 'finding', finding: { code: refusal.code, message: refusal.message, place: { file: entry.path } } };
    }
    compression = sniffed;
    if (compression !== 'none') head = decompressPrefix(fd, entry.path, compression, SIZE_OF_XLOG_LONG_PHD);
  } finally {
    closeSync(fd);
  }
  if (head.length === 0) return finding('wal.segment_empty', 'the segment is empty');
  if (head.length < SIZE_OF_XLOG_LONG_PHD) return finding('wal.segment_short', `the segment is cut off after ${head.length} bytes, within its first page header`);
  if (head.every((byte) => byte === 0)) return entry.live ? { kind: 'unused' } : finding('wal.segment_zero', 'the segment holds zeros');
  const header = readXLogLongPageHeader(new DataView(head.buffer, head.byteOffset, head.byteLength), 0);
  const problem = headerProblem(header);
  if (problem) return finding(...problem);

  const { segmentSize } = header;
  const segno = segmentNumberOfName(entry.name, segmentSize);
  if (segno === undefined) return finding('wal.segment_name', `no such segment exists at the segment size of ${segmentSize} bytes that its header tells`);
  const startLsn = walSegmentStart(segno, segmentSize);
  if (header.pageAddr !== startLsn) {
    return entry.live ? { kind: 'unused' } : finding('wal.segment_name', `the segment's first page is that of ${formatLsn(header.pageAddr)}, not ${formatLsn(startLsn)} as its name says`);
  }
  if (header.timeline > entry.name.timeline) return finding('wal.segment_name', `the segment's first page is of timeline ${header.timeline}, later than its name says`);
  return {
    kind: 'segment',
    segment: { timeline: entry.name.timeline, segno, startLsn, path: entry.path, compression, partial: entry.name.kind === 'partial', live: entry.live, bytes: entry.bytes },
    identity: { systemIdentifier: header.systemIdentifier, segmentSize, major: majorOfMagic(header.magic)! },
  };
}

function headerProblem(header: XLogLongPageHeader): [code: string, what: string] | undefined {
  const magic = header.magic.toString(16).toUpperCase().padStart(4, '0');
  if (majorOfMagic(header.magic) === undefined) {
    return (header.magic & 0xff00) === 0xd000 || (header.magic & 0xff00) === 0xd100
      ? ['wal.version', `the segment is of a PostgreSQL version other than 13 to 18 (page magic ${magic})`]
      : ['wal.page_magic', `not a WAL segment (page magic ${magic})`];
  }
  if ((header.info & XLP_LONG_HEADER) === 0) return ['wal.page_long_header', 'not the beginning of a WAL segment'];
  if (!isValidWalSegSize(header.segmentSize)) return ['wal.page_segment_size', `the page header tells an invalid segment size of ${header.segmentSize} bytes`];
  if (header.xlogBlockSize !== XLOG_BLCKSZ) {
    return ['wal.page_block_size', `the cluster has WAL pages of ${header.xlogBlockSize} bytes (XLOG_BLCKSZ); only ${XLOG_BLCKSZ} can be read`];
  }
  return undefined;
}
