/** Descriptions of XLOG records: rmgrdesc/xlogdesc.c, PG 13–18. */
import { WAL_LEVELS } from '../../pg/checkPoint.js';
import type { PgMajor } from '../../pg/version.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { formatLsn } from '../../util/lsn.js';
import { timestamptzToStr } from '../descText.js';
import {
  readBackupEnd, readCheckPoint, readCheckpointRedo, readFpwChange, readNextOid, readXlEndOfRecovery, readXlOverwriteContrecord,
  readXlParameterChange, readXlRestorePoint, XLOG_BACKUP_END, XLOG_CHECKPOINT_ONLINE, XLOG_CHECKPOINT_REDO,
  XLOG_CHECKPOINT_SHUTDOWN, XLOG_END_OF_RECOVERY, XLOG_FPI, XLOG_FPI_FOR_HINT, XLOG_FPW_CHANGE, XLOG_NEXTOID, XLOG_NOOP,
  XLOG_OVERWRITE_CONTRECORD, XLOG_PARAMETER_CHANGE, XLOG_RESTORE_POINT, XLOG_SWITCH,
} from './xlog.js';

const NAMES: Record<number, string> = {
  [XLOG_CHECKPOINT_SHUTDOWN]: 'CHECKPOINT_SHUTDOWN',
  [XLOG_CHECKPOINT_ONLINE]: 'CHECKPOINT_ONLINE',
  [XLOG_NOOP]: 'NOOP',
  [XLOG_NEXTOID]: 'NEXTOID',
  [XLOG_SWITCH]: 'SWITCH',
  [XLOG_BACKUP_END]: 'BACKUP_END',
  [XLOG_PARAMETER_CHANGE]: 'PARAMETER_CHANGE',
  [XLOG_RESTORE_POINT]: 'RESTORE_POINT',
  [XLOG_FPW_CHANGE]: 'FPW_CHANGE',
  [XLOG_END_OF_RECOVERY]: 'END_OF_RECOVERY',
  [XLOG_OVERWRITE_CONTRECORD]: 'OVERWRITE_CONTRECORD',
  [XLOG_FPI]: 'FPI',
  [XLOG_FPI_FOR_HINT]: 'FPI_FOR_HINT',
  [XLOG_CHECKPOINT_REDO]: 'CHECKPOINT_REDO',
};

/** xlog_identify() */
export function xlogIdentify(info: number, major: PgMajor): string | undefined {
  const opcode = info & 0xf0;
  return opcode === XLOG_CHECKPOINT_REDO && major < 17 ? undefined : NAMES[opcode];
}

/** xlog_desc() */
export function xlogDesc(record: XLogRecord): string {
  switch (record.rmgrInfo) {
    case XLOG_CHECKPOINT_SHUTDOWN:
    case XLOG_CHECKPOINT_ONLINE:
      return describeCheckPoint(record);
    case XLOG_NEXTOID:
      return String(readNextOid(record).nextOid);
    case XLOG_RESTORE_POINT:
      return readXlRestorePoint(record).rpName;
    case XLOG_BACKUP_END:
      return formatLsn(readBackupEnd(record).startPoint);
    case XLOG_PARAMETER_CHANGE:
      return describeParameterChange(record);
    case XLOG_FPW_CHANGE:
      return String(readFpwChange(record).fullPageWrites);
    case XLOG_END_OF_RECOVERY: {
      const { thisTimeline, prevTimeline, endTime, walLevel } = readXlEndOfRecovery(record);
      return `tli ${thisTimeline}; prev tli ${prevTimeline}; time ${timestamptzToStr(endTime)}${walLevel === undefined ? '' : `; wal_level ${walLevelName(walLevel)}`}`;
    }
    case XLOG_OVERWRITE_CONTRECORD: {
      const { overwrittenLsn, overwriteTime } = readXlOverwriteContrecord(record);
      return `lsn ${formatLsn(overwrittenLsn)}; time ${timestamptzToStr(overwriteTime)}`;
    }
    case XLOG_CHECKPOINT_REDO:
      return record.major >= 17 ? `wal_level ${walLevelName(readCheckpointRedo(record).walLevel)}` : '';
    default:
      return '';
  }
}

function describeCheckPoint(record: XLogRecord): string {
  const c = readCheckPoint(record);
  return `redo ${formatLsn(c.redo)}; tli ${c.timeline}; prev tli ${c.prevTimeline}; fpw ${c.fullPageWrites}; `
    + (c.walLevel === undefined ? '' : `wal_level ${walLevelName(c.walLevel)}; `)
    + `xid ${Math.floor(c.nextFullXid / 0x1_0000_0000)}:${c.nextFullXid % 0x1_0000_0000}; oid ${c.nextOid}; multi ${c.nextMulti}; offset ${c.nextMultiOffset}; `
    + `oldest xid ${c.oldestXid} in DB ${c.oldestXidDb}; oldest multi ${c.oldestMulti} in DB ${c.oldestMultiDb}; `
    + `oldest/newest commit timestamp xid: ${c.oldestCommitTsXid}/${c.newestCommitTsXid}; `
    + `oldest running xid ${c.oldestActiveXid}; ${record.rmgrInfo === XLOG_CHECKPOINT_SHUTDOWN ? 'shutdown' : 'online'}`;
}

function describeParameterChange(record: XLogRecord): string {
  const p = readXlParameterChange(record);
  return `max_connections=${p.maxConnections} max_worker_processes=${p.maxWorkerProcesses} max_wal_senders=${p.maxWalSenders} `
    + `max_prepared_xacts=${p.maxPreparedXacts} max_locks_per_xact=${p.maxLocksPerXact} wal_level=${walLevelName(p.walLevel)} `
    + `wal_log_hints=${onOff(p.walLogHints)} track_commit_timestamp=${onOff(p.trackCommitTimestamp)}`;
}

function walLevelName(level: number): string {
  return WAL_LEVELS[level] ?? '?';
}

function onOff(value: boolean): string {
  return value ? 'on' : 'off';
}
