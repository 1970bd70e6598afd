/** Creation and truncation of relation files. Layout: catalog/storage_xlog.h, the same in PG 13–18. */
import type { RelFork } from '../../pg/relFileLocator.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { readRelFileLocator } from '../mainDataCursor.js';
import { mainData } from '../recordData.js';

export const XLOG_SMGR_CREATE = 0x10;
export const XLOG_SMGR_TRUNCATE = 0x20;

export const SMGR_TRUNCATE_HEAP = 0x0001;
export const SMGR_TRUNCATE_VM = 0x0002;
export const SMGR_TRUNCATE_FSM = 0x0004;

/** xl_smgr_create: the fork that comes into being. */
export function readXlSmgrCreate(record: XLogRecord): RelFork {
  const at = mainData(record, 16, 'xl_smgr_create');
  return { ...readRelFileLocator(record.view, at), fork: record.view.getInt32(at + 12, true) };
}

/** xl_smgr_truncate. */
export interface XlSmgrTruncate {
  /** The main fork's new length in blocks; the other forks shrink to what covers it. */
  blkno: number;
  /** The relation, as its main fork. */
  rel: RelFork;
  /** SMGR_TRUNCATE_*: which forks. */
  flags: number;
}

export function readXlSmgrTruncate(record: XLogRecord): XlSmgrTruncate {
  const at = mainData(record, 20, 'xl_smgr_truncate');
  return {
    blkno: record.view.getUint32(at, true),
    rel: { ...readRelFileLocator(record.view, at + 4), fork: 0 },
    flags: record.view.getInt32(at + 16, true),
  };
}
