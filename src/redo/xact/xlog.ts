/**
 * The records that end and prepare transactions. Layout: access/xact.h;
 * parsing: ParseCommitRecord(), ParseAbortRecord(), ParsePrepareRecord(), rmgrdesc/xactdesc.c, PG 13–18.
 */
import type { RelFileLocator } from '../../pg/relFileLocator.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { INVALID_LSN, maxAlign, readLsn, type Lsn } from '../../util/lsn.js';
import { decodeText, MainDataCursor, readRelFileLocator } from '../mainDataCursor.js';
import { mainData } from '../recordData.js';
import { readInvalidation, SIZE_OF_INVALIDATION, type InvalidationMessage } from '../standby/xlog.js';

export const XLOG_XACT_COMMIT = 0x00;
export const XLOG_XACT_PREPARE = 0x10;
export const XLOG_XACT_ABORT = 0x20;
export const XLOG_XACT_COMMIT_PREPARED = 0x30;
export const XLOG_XACT_ABORT_PREPARED = 0x40;
export const XLOG_XACT_ASSIGNMENT = 0x50;
/** From 14 on. */
export const XLOG_XACT_INVALIDATIONS = 0x60;
export const XLOG_XACT_OPMASK = 0x70;
export const XLOG_XACT_HAS_INFO = 0x80;

export const XACT_XINFO_HAS_DBINFO = 1 << 0;
export const XACT_XINFO_HAS_SUBXACTS = 1 << 1;
export const XACT_XINFO_HAS_RELFILELOCATORS = 1 << 2;
export const XACT_XINFO_HAS_INVALS = 1 << 3;
export const XACT_XINFO_HAS_TWOPHASE = 1 << 4;
export const XACT_XINFO_HAS_ORIGIN = 1 << 5;
export const XACT_XINFO_HAS_AE_LOCKS = 1 << 6;
export const XACT_XINFO_HAS_GID = 1 << 7;
/** From 15 on. */
export const XACT_XINFO_HAS_DROPPED_STATS = 1 << 8;
export const XACT_COMPLETION_APPLY_FEEDBACK = 1 << 29;
export const XACT_COMPLETION_UPDATE_RELCACHE_FILE = 1 << 30;
export const XACT_COMPLETION_FORCE_SYNC_COMMIT = 1 << 31;

/** xl_xact_stats_item: a dropped statistics entry. The object's id has 32 bits before 18, 64 from then on. */
export interface XlXactStatsItem {
  kind: number;
  dbOid: number;
  objId: bigint;
}

/** xl_xact_parsed_commit and xl_xact_parsed_abort in one shape; an abort has no invalidations. */
export interface ParsedXactEnd {
  /** Microseconds since 2000-01-01 UTC. */
  xactTime: bigint;
  xinfo: number;
  dbId: number;
  tsId: number;
  subxacts: number[];
  /** Relations whose files go away with this end, every fork of them. */
  xlocators: RelFileLocator[];
  stats: XlXactStatsItem[];
  msgs: InvalidationMessage[];
  /** The prepared transaction that ends here; 0: none, the record's own xid ends. */
  twophaseXid: number;
  twophaseGid: string;
  originLsn: Lsn;
  originTimestamp: bigint;
}

/** The opcode of a Transaction record, without the flag that shares its bits. */
export function xactOpcode(record: XLogRecord): number {
  return record.info & XLOG_XACT_OPMASK;
}

/** The transaction that a commit or abort record ends: the prepared one where it names one. */
export function endedXid(record: XLogRecord, parsed: ParsedXactEnd): number {
  return parsed.twophaseXid !== 0 ? parsed.twophaseXid : record.xid;
}

/** ParseCommitRecord(): for COMMIT and COMMIT_PREPARED. Throws `wal.record_data` where the record is too short for its counts. */
export function parseCommitRecord(record: XLogRecord): ParsedXactEnd {
  return parseXactEnd(record, 'xl_xact_commit', true);
}

/** ParseAbortRecord(): for ABORT and ABORT_PREPARED. */
export function parseAbortRecord(record: XLogRecord): ParsedXactEnd {
  return parseXactEnd(record, 'xl_xact_abort', false);
}

function parseXactEnd(record: XLogRecord, struct: string, hasInvals: boolean): ParsedXactEnd {
  const { view } = record;
  const data = new MainDataCursor(record, record.mainAt, struct);
  const parsed: ParsedXactEnd = {
    xactTime: view.getBigInt64(data.take(8), true), xinfo: 0, dbId: 0, tsId: 0, subxacts: [], xlocators: [], stats: [], msgs: [],
    twophaseXid: 0, twophaseGid: '', originLsn: INVALID_LSN, originTimestamp: 0n,
  };
  if ((record.info & XLOG_XACT_HAS_INFO) !== 0) parsed.xinfo = data.uint32();
  const { xinfo } = parsed;
  if ((xinfo & XACT_XINFO_HAS_DBINFO) !== 0) {
    parsed.dbId = data.uint32();
    parsed.tsId = data.uint32();
  }
  if ((xinfo & XACT_XINFO_HAS_SUBXACTS) !== 0) parsed.subxacts = data.array(data.int32(), 4, readXid);
  if ((xinfo & XACT_XINFO_HAS_RELFILELOCATORS) !== 0) parsed.xlocators = data.array(data.int32(), 12, readRelFileLocator);
  if ((xinfo & XACT_XINFO_HAS_DROPPED_STATS) !== 0) parsed.stats = statsItems(record, data, data.int32());
  if (hasInvals && (xinfo & XACT_XINFO_HAS_INVALS) !== 0) parsed.msgs = data.array(data.int32(), SIZE_OF_INVALIDATION, readInvalidation);
  if ((xinfo & XACT_XINFO_HAS_TWOPHASE) !== 0) {
    parsed.twophaseXid = data.uint32();
    if ((xinfo & XACT_XINFO_HAS_GID) !== 0) parsed.twophaseGid = data.cString();
  }
  if ((xinfo & XACT_XINFO_HAS_ORIGIN) !== 0) {
    parsed.originLsn = readLsn(view, data.take(8));
    parsed.originTimestamp = view.getBigInt64(data.take(8), true);
  }
  return parsed;
}

function readXid(view: DataView, at: number): number {
  return view.getUint32(at, true);
}

const SIZE_OF_STATS_ITEM_15 = 12;
const SIZE_OF_STATS_ITEM_18 = 16;

function statsItems(record: XLogRecord, data: MainDataCursor, count: number): XlXactStatsItem[] {
  return record.major >= 18
    ? data.array(count, SIZE_OF_STATS_ITEM_18, (view, at) => ({
      kind: view.getInt32(at, true), dbOid: view.getUint32(at + 4, true), objId: view.getBigUint64(at + 8, true),
    }))
    : data.array(count, SIZE_OF_STATS_ITEM_15, (view, at) => ({
      kind: view.getInt32(at, true), dbOid: view.getUint32(at + 4, true), objId: BigInt(view.getUint32(at + 8, true)),
    }));
}

/** xl_xact_prepare and what follows it: the head of a two-phase state file. */
export interface ParsedPrepare {
  xid: number;
  database: number;
  /** Microseconds since 2000-01-01 UTC. */
  preparedAt: bigint;
  owner: number;
  gid: string;
  initfileinval: boolean;
  subxacts: number[];
  /** Relations that a commit drops, and those that an abort drops. */
  commitLocators: RelFileLocator[];
  abortLocators: RelFileLocator[];
  commitStats: XlXactStatsItem[];
  abortStats: XlXactStatsItem[];
  msgs: InvalidationMessage[];
  originLsn: Lsn;
  originTimestamp: bigint;
}

/** ParsePrepareRecord(). Statistics to drop came with 15; each array is padded to 8 bytes. */
export function parsePrepareRecord(record: XLogRecord): ParsedPrepare {
  const { view } = record;
  const withStats = record.major >= 15;
  const headSize = withStats ? 72 : 64;
  const at = mainData(record, headSize, 'xl_xact_prepare');
  const tail = at + (withStats ? 48 : 40);
  const data = new MainDataCursor(record, at + headSize, 'xl_xact_prepare');
  const gidLength = view.getUint16(tail + 6, true);
  const gidAt = data.take(maxAlign(gidLength));
  const padded = <T>(items: T[]): T[] => {
    data.at = at + maxAlign(data.at - at);
    return items;
  };
  return {
    xid: view.getUint32(at + 8, true),
    database: view.getUint32(at + 12, true),
    preparedAt: view.getBigInt64(at + 16, true),
    owner: view.getUint32(at + 24, true),
    gid: decodeText(record.bytes.subarray(gidAt, gidAt + Math.max(gidLength - 1, 0))),
    initfileinval: view.getUint8(tail + 4) !== 0,
    subxacts: padded(data.array(view.getInt32(at + 28, true), 4, readXid)),
    commitLocators: padded(data.array(view.getInt32(at + 32, true), 12, readRelFileLocator)),
    abortLocators: padded(data.array(view.getInt32(at + 36, true), 12, readRelFileLocator)),
    commitStats: withStats ? padded(statsItems(record, data, view.getInt32(at + 40, true))) : [],
    abortStats: withStats ? padded(statsItems(record, data, view.getInt32(at + 44, true))) : [],
    msgs: padded(data.array(view.getInt32(tail, true), SIZE_OF_INVALIDATION, readInvalidation)),
    originLsn: readLsn(view, tail + 8),
    originTimestamp: view.getBigInt64(tail + 16, true),
  };
}

/** xl_xact_assignment: subtransactions of a top-level transaction, told to standbys. */
export interface XlXactAssignment {
  xtop: number;
  xsub: number[];
}

export function readXlXactAssignment(record: XLogRecord): XlXactAssignment {
  const data = new MainDataCursor(record, record.mainAt, 'xl_xact_assignment');
  return { xtop: data.uint32(), xsub: data.array(data.int32(), 4, readXid) };
}

/** xl_xact_invals as a record of its own (14 on, wal_level = logical). */
export function readXlXactInvals(record: XLogRecord): InvalidationMessage[] {
  const data = new MainDataCursor(record, record.mainAt, 'xl_xact_invals');
  return data.array(data.int32(), SIZE_OF_INVALIDATION, readInvalidation);
}
