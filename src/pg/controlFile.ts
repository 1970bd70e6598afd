/**
 * global/pg_control: the cluster's identity, its build-time sizes, and its last checkpoint.
 * Layout: ControlFileData (catalog/pg_control.h), 64-bit little-endian; checks: ReadControlFile(),
 * access/transam/xlog.c, PG 13–18. From 13 to 18 three things changed: 17 put wal_level into the checkpoint's padding, 18
 * added default_char_signedness before the nonce, so that the CRC moved, and the version number itself (1300 to 16, 1700, 1800).
 */
import { inputError, type WalscopeError } from '../util/errors.js';
import { readLsn, type Lsn } from '../util/lsn.js';
import { readCheckPointAt, WAL_LEVELS, type CheckPoint, type WalLevel } from './checkPoint.js';
import { BLCKSZ } from './page.js';
import { crc32c } from './crc32c.js';
import { CATALOG_VERSION_NO } from './relPath.js';
import { PG_MAJORS, type PgMajor } from './version.js';
import { isValidWalSegSize } from './walFileName.js';
import { XLOG_BLCKSZ } from './xlogPage.js';

/** DBState, in the order of its numbers. */
export const DB_STATES = [
  'starting up', 'shut down', 'shut down in recovery', 'shutting down', 'in crash recovery', 'in archive recovery', 'in production',
] as const;
export type DbState = (typeof DB_STATES)[number];

export interface ControlFile {
  major: PgMajor;
  systemIdentifier: bigint;
  pgControlVersion: number;
  catalogVersion: number;
  state: DbState;
  /** Of the last update; seconds since 1970. */
  time: number;
  checkPointLsn: Lsn;
  checkPoint: CheckPoint;
  minRecoveryPoint: Lsn;
  minRecoveryPointTimeline: number;
  backupStartPoint: Lsn;
  backupEndPoint: Lsn;
  backupEndRequired: boolean;
  walLevel: WalLevel;
  walLogHints: boolean;
  maxPreparedXacts: number;
  trackCommitTimestamp: boolean;
  blockSize: number;
  relationSegmentBlocks: number;
  walBlockSize: number;
  walSegmentSize: number;
  toastMaxChunkSize: number;
  largeObjectBlockSize: number;
  /** 0: data pages carry no checksums. */
  dataChecksumVersion: number;
  /** From 18 on; what `char` compares like in GIN trigrams and the like. */
  defaultCharSigned?: boolean;
}

const CHECKPOINT_AT = 40;
const FLOATFORMAT_VALUE = 1234567.0;
const HINT = 'give the global/pg_control of a PostgreSQL 13 to 18 data directory, unchanged';

type Invalid = (code: string, what: string, hint?: string) => WalscopeError;

/**
 * Reads and checks a control file. Throws: `control.length` (cut off), `control.byte_order`, `control.version`
 * (none of 13–18), `control.crc`, `control.block_size`, `control.wal_block_size`, `control.relation_segment_size`, `control.wal_segment_size`, `control.layout` (alignment, float format),
 * `control.value` (an enum out of range).
 */
export function parseControlFile(bytes: Uint8Array, file = 'global/pg_control'): ControlFile {
  const invalid: Invalid = (code, what, hint = HINT) => inputError(`control.${code}`, `${file}: ${what}`, { file }, hint);
  if (bytes.length < 296) throw invalid('length', `the control file has ${bytes.length} bytes: it is cut off`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pgControlVersion = view.getUint32(8, true);
  const catalogVersion = view.getUint32(12, true);
  if (pgControlVersion % 65536 === 0 && pgControlVersion / 65536 !== 0) {
    throw invalid('byte_order', 'the control file was written on a big-endian machine, which is not supported', 'use an archive of a little-endian machine');
  }
  const major = majorOf(pgControlVersion, catalogVersion);
  if (major === undefined) {
    throw invalid('version', `control version ${pgControlVersion}, catalog version ${catalogVersion}: this is no PostgreSQL 13 to 18`);
  }
  const crcAt = major >= 18 ? 292 : 288;
  if (crc32c(bytes, 0, crcAt) !== view.getUint32(crcAt, true)) throw invalid('crc', 'the control file does not match its checksum');
  checkSizes(view, invalid);
  const checkPoint = readCheckPointAt(view, CHECKPOINT_AT, major);
  if (checkPoint.walLevel !== undefined) named(WAL_LEVELS, checkPoint.walLevel, 'the checkpoint\'s wal_level', invalid);
  return {
    major,
    systemIdentifier: view.getBigUint64(0, true),
    pgControlVersion,
    catalogVersion,
    state: named(DB_STATES, view.getUint32(16, true), 'cluster state', invalid),
    time: Number(view.getBigInt64(24, true)),
    checkPointLsn: readLsn(view, 32),
    checkPoint,
    minRecoveryPoint: readLsn(view, 136),
    minRecoveryPointTimeline: view.getUint32(144, true),
    backupStartPoint: readLsn(view, 152),
    backupEndPoint: readLsn(view, 160),
    backupEndRequired: view.getUint8(168) !== 0,
    walLevel: named(WAL_LEVELS, view.getUint32(172, true), 'wal_level', invalid),
    walLogHints: view.getUint8(176) !== 0,
    maxPreparedXacts: view.getUint32(192, true),
    trackCommitTimestamp: view.getUint8(200) !== 0,
    blockSize: view.getUint32(216, true),
    relationSegmentBlocks: view.getUint32(220, true),
    walBlockSize: view.getUint32(224, true),
    walSegmentSize: view.getUint32(228, true),
    toastMaxChunkSize: view.getUint32(240, true),
    largeObjectBlockSize: view.getUint32(244, true),
    dataChecksumVersion: view.getUint32(252, true),
    defaultCharSigned: major >= 18 ? view.getUint8(256) !== 0 : undefined,
  };
}

/** 13 to 16 share a control version; the catalog version tells them apart. */
function majorOf(pgControlVersion: number, catalogVersion: number): PgMajor | undefined {
  const expected = (major: PgMajor): number => (major >= 18 ? 1800 : major === 17 ? 1700 : 1300);
  return PG_MAJORS.find((major) => CATALOG_VERSION_NO[major] === catalogVersion && expected(major) === pgControlVersion);
}

function checkSizes(view: DataView, invalid: Invalid): void {
  if (view.getUint32(204, true) !== 8 || view.getFloat64(208, true) !== FLOATFORMAT_VALUE) {
    throw invalid('layout', 'the cluster was built for another kind of machine (MAXALIGN is not 8)', 'use an archive of a 64-bit little-endian machine');
  }
  const rebuilt = 'only clusters built with the default sizes can be read';
  const blockSize = view.getUint32(216, true);
  if (blockSize !== BLCKSZ) throw invalid('block_size', `the cluster has blocks of ${blockSize} bytes (BLCKSZ), not ${BLCKSZ}`, rebuilt);
  const segmentBlocks = view.getUint32(220, true);
  if (segmentBlocks === 0) throw invalid('relation_segment_size', 'the cluster\'s relation segments have no blocks', HINT);
  const walBlockSize = view.getUint32(224, true);
  if (walBlockSize !== XLOG_BLCKSZ) throw invalid('wal_block_size', `the cluster has WAL pages of ${walBlockSize} bytes (XLOG_BLCKSZ), not ${XLOG_BLCKSZ}`, rebuilt);
  const walSegmentSize = view.getUint32(228, true);
  if (!isValidWalSegSize(walSegmentSize)) throw invalid('wal_segment_size', `a WAL segment size of ${walSegmentSize} bytes is not valid`);
}

function named<T extends string>(names: readonly T[], value: number, what: string, invalid: Invalid): T {
  const name = names[value];
  if (name === undefined) throw invalid('value', `${what} ${value} is not known`);
  return name;
}
