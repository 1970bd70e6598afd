/** Descriptions of Transaction records: rmgrdesc/xactdesc.c, PG 13–18. */
import type { PgMajor } from '../../pg/version.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { formatLsn, type Lsn } from '../../util/lsn.js';
import { describeRelations, timestamptzToStr } from '../descText.js';
import { describeInvalidations } from '../standby/desc.js';
import {
  parseAbortRecord, parseCommitRecord, parsePrepareRecord, readXlXactAssignment, readXlXactInvals, xactOpcode,
  XACT_COMPLETION_APPLY_FEEDBACK, XACT_COMPLETION_FORCE_SYNC_COMMIT, XACT_COMPLETION_UPDATE_RELCACHE_FILE, XACT_XINFO_HAS_ORIGIN,
  XLOG_XACT_ABORT, XLOG_XACT_ABORT_PREPARED, XLOG_XACT_ASSIGNMENT, XLOG_XACT_COMMIT, XLOG_XACT_COMMIT_PREPARED,
  XLOG_XACT_INVALIDATIONS, XLOG_XACT_OPMASK, XLOG_XACT_PREPARE, type XlXactStatsItem,
} from './xlog.js';

const NAMES: Record<number, string> = {
  [XLOG_XACT_COMMIT]: 'COMMIT',
  [XLOG_XACT_PREPARE]: 'PREPARE',
  [XLOG_XACT_ABORT]: 'ABORT',
  [XLOG_XACT_COMMIT_PREPARED]: 'COMMIT_PREPARED',
  [XLOG_XACT_ABORT_PREPARED]: 'ABORT_PREPARED',
  [XLOG_XACT_ASSIGNMENT]: 'ASSIGNMENT',
  [XLOG_XACT_INVALIDATIONS]: 'INVALIDATION',
};

/** xact_identify() */
export function xactIdentify(info: number, major: PgMajor): string | undefined {
  const opcode = info & XLOG_XACT_OPMASK;
  return opcode === XLOG_XACT_INVALIDATIONS && major < 14 ? undefined : NAMES[opcode];
}

/** xact_desc() */
export function xactDesc(record: XLogRecord): string {
  switch (xactOpcode(record)) {
    case XLOG_XACT_COMMIT:
    case XLOG_XACT_COMMIT_PREPARED:
      return describeCommit(record);
    case XLOG_XACT_ABORT:
    case XLOG_XACT_ABORT_PREPARED:
      return describeAbort(record);
    case XLOG_XACT_PREPARE:
      return describePrepare(record);
    case XLOG_XACT_ASSIGNMENT: {
      const { xtop, xsub } = readXlXactAssignment(record);
      return `xtop ${xtop}: subxacts:${xsub.map((xid) => ` ${xid}`).join('')}`;
    }
    case XLOG_XACT_INVALIDATIONS:
      return describeInvalidations(readXlXactInvals(record), 0, 0, false, record.major);
    default:
      return '';
  }
}

function describeCommit(record: XLogRecord): string {
  const c = parseCommitRecord(record);
  const updatesInitFile = (c.xinfo & XACT_COMPLETION_UPDATE_RELCACHE_FILE) !== 0;
  return (c.twophaseXid !== 0 ? `${c.twophaseXid}: ` : '')
    + timestamptzToStr(c.xactTime)
    + describeRelations('rels', c.xlocators, record.major)
    + describeSubxacts(c.subxacts)
    + describeStats('', c.stats)
    + describeInvalidations(c.msgs, c.dbId, c.tsId, updatesInitFile, record.major)
    // 13 and 14 do not print the first of these
    + (record.major >= 15 && (c.xinfo & XACT_COMPLETION_APPLY_FEEDBACK) !== 0 ? '; apply_feedback' : '')
    + ((c.xinfo & XACT_COMPLETION_FORCE_SYNC_COMMIT) !== 0 ? '; sync' : '')
    + ((c.xinfo & XACT_XINFO_HAS_ORIGIN) !== 0 ? describeOrigin(record.origin, c.originLsn, c.originTimestamp) : '');
}

function describeAbort(record: XLogRecord): string {
  const a = parseAbortRecord(record);
  const hasOrigin = record.major >= 15 && (a.xinfo & XACT_XINFO_HAS_ORIGIN) !== 0;
  return (a.twophaseXid !== 0 ? `${a.twophaseXid}: ` : '')
    + timestamptzToStr(a.xactTime)
    + describeRelations('rels', a.xlocators, record.major)
    + describeSubxacts(a.subxacts)
    + (hasOrigin ? describeOrigin(record.origin, a.originLsn, a.originTimestamp) : '')
    + describeStats('', a.stats);
}

function describePrepare(record: XLogRecord): string {
  const p = parsePrepareRecord(record);
  return `gid ${p.gid}: ${timestamptzToStr(p.preparedAt)}`
    + describeRelations('rels(commit)', p.commitLocators, record.major)
    + describeRelations('rels(abort)', p.abortLocators, record.major)
    + describeStats('commit ', p.commitStats)
    + describeStats('abort ', p.abortStats)
    + describeSubxacts(p.subxacts)
    // the database's tablespace is not in the record
    + describeInvalidations(p.msgs, p.database, 0, p.initfileinval, record.major)
    + (record.major >= 15 && record.origin !== 0 ? describeOrigin(record.origin, p.originLsn, p.originTimestamp) : '');
}

function describeSubxacts(subxacts: readonly number[]): string {
  return subxacts.length === 0 ? '' : `; subxacts:${subxacts.map((xid) => ` ${xid}`).join('')}`;
}

function describeStats(label: string, stats: readonly XlXactStatsItem[]): string {
  return stats.length === 0 ? '' : `; ${label}dropped stats:${stats.map((s) => ` ${s.kind}/${s.dbOid}/${s.objId}`).join('')}`;
}

function describeOrigin(node: number, lsn: Lsn, timestamp: bigint): string {
  return `; origin: node ${node}, lsn ${formatLsn(lsn)}, at ${timestamptzToStr(timestamp)}`;
}
