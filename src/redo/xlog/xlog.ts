/** The WAL's own records. Layout: catalog/pg_control.h, access/xlog_internal.h, PG 13–18. */
import { readCheckPointAt, type CheckPoint } from '../../pg/checkPoint.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { readLsn, type Lsn } from '../../util/lsn.js';
import { MainDataCursor } from '../mainDataCursor.js';
import { mainData } from '../recordData.js';

export const XLOG_CHECKPOINT_SHUTDOWN = 0x00;
export const XLOG_CHECKPOINT_ONLINE = 0x10;
export const XLOG_NOOP = 0x20;
export const XLOG_NEXTOID = 0x30;
export const XLOG_SWITCH = 0x40;
export const XLOG_BACKUP_END = 0x50;
export const XLOG_PARAMETER_CHANGE = 0x60;
export const XLOG_RESTORE_POINT = 0x70;
export const XLOG_FPW_CHANGE = 0x80;
export const XLOG_END_OF_RECOVERY = 0x90;
export const XLOG_FPI_FOR_HINT = 0xa0;
export const XLOG_FPI = 0xb0;
export const XLOG_OVERWRITE_CONTRECORD = 0xd0;
/** From 17 on. */
export const XLOG_CHECKPOINT_REDO = 0xe0;

/** CHECKPOINT_SHUTDOWN and CHECKPOINT_ONLINE. */
export function readCheckPoint(record: XLogRecord): CheckPoint {
  return readCheckPointAt(record.view, mainData(record, 84, 'CheckPoint'), record.major);
}

/** CHECKPOINT_REDO (17 on): where an online checkpoint's redo begins. */
export function readCheckpointRedo(record: XLogRecord): { walLevel: number } {
  return { walLevel: record.view.getInt32(mainData(record, 4, 'XLOG_CHECKPOINT_REDO'), true) };
}

/** NEXTOID: OIDs below this one may be in use. */
export function readNextOid(record: XLogRecord): { nextOid: number } {
  return { nextOid: record.view.getUint32(mainData(record, 4, 'XLOG_NEXTOID'), true) };
}

/** BACKUP_END: the start position of the backup that is complete here. */
export function readBackupEnd(record: XLogRecord): { startPoint: Lsn } {
  return { startPoint: readLsn(record.view, mainData(record, 8, 'XLOG_BACKUP_END')) };
}

/** xl_restore_point. `rpTime`: microseconds since 2000-01-01 UTC. */
export function readXlRestorePoint(record: XLogRecord): { rpTime: bigint; rpName: string } {
  const cursor = new MainDataCursor(record, record.mainAt, 'xl_restore_point');
  const rpTime = record.view.getBigInt64(cursor.take(8), true);
  return { rpTime, rpName: cursor.cString() };
}

/** FPW_CHANGE: full_page_writes from here on. */
export function readFpwChange(record: XLogRecord): { fullPageWrites: boolean } {
  return { fullPageWrites: record.view.getUint8(mainData(record, 1, 'XLOG_FPW_CHANGE')) !== 0 };
}

/** xl_end_of_recovery: a promotion without a checkpoint. */
export interface XlEndOfRecovery {
  /** Microseconds since 2000-01-01 UTC. */
  endTime: bigint;
  thisTimeline: number;
  prevTimeline: number;
  /** From 17 on. */
  walLevel: number | undefined;
}

export function readXlEndOfRecovery(record: XLogRecord): XlEndOfRecovery {
  const hasWalLevel = record.major >= 17;
  const at = mainData(record, hasWalLevel ? 20 : 16, 'xl_end_of_recovery');
  const { view } = record;
  return {
    endTime: view.getBigInt64(at, true),
    thisTimeline: view.getUint32(at + 8, true),
    prevTimeline: view.getUint32(at + 12, true),
    walLevel: hasWalLevel ? view.getInt32(at + 16, true) : undefined,
  };
}

/** xl_overwrite_contrecord: the record at `overwrittenLsn` was never finished. */
export function readXlOverwriteContrecord(record: XLogRecord): { overwrittenLsn: Lsn; overwriteTime: bigint } {
  const at = mainData(record, 16, 'xl_overwrite_contrecord');
  return { overwrittenLsn: readLsn(record.view, at), overwriteTime: record.view.getBigInt64(at + 8, true) };
}

/** xl_parameter_change: settings that standbys must match, as of here. */
export interface XlParameterChange {
  maxConnections: number;
  maxWorkerProcesses: number;
  maxWalSenders: number;
  maxPreparedXacts: number;
  maxLocksPerXact: number;
  walLevel: number;
  walLogHints: boolean;
  trackCommitTimestamp: boolean;
}

export function readXlParameterChange(record: XLogRecord): XlParameterChange {
  const at = mainData(record, 26, 'xl_parameter_change');
  const { view } = record;
  return {
    maxConnections: view.getInt32(at, true),
    maxWorkerProcesses: view.getInt32(at + 4, true),
    maxWalSenders: view.getInt32(at + 8, true),
    maxPreparedXacts: view.getInt32(at + 12, true),
    maxLocksPerXact: view.getInt32(at + 16, true),
    walLevel: view.getInt32(at + 20, true),
    walLogHints: view.getUint8(at + 24) !== 0,
    trackCommitTimestamp: view.getUint8(at + 25) !== 0,
  };
}
