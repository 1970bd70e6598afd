/** Multixacts: sets of transactions that hold one row. Layout: access/multixact.h, PG 13–18. */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { MainDataCursor } from '../mainDataCursor.js';
import { mainData } from '../recordData.js';
import { readSlruPageNumber } from '../slruPageNumber.js';

export const XLOG_MULTIXACT_ZERO_OFF_PAGE = 0x00;
export const XLOG_MULTIXACT_ZERO_MEM_PAGE = 0x10;
export const XLOG_MULTIXACT_CREATE_ID = 0x20;
export const XLOG_MULTIXACT_TRUNCATE_ID = 0x30;

/** MultiXactStatus */
export const MultiXactStatus = { forKeyShare: 0, forShare: 1, forNoKeyUpdate: 2, forUpdate: 3, noKeyUpdate: 4, update: 5 } as const;

export interface MultiXactMember {
  xid: number;
  /** MultiXactStatus */
  status: number;
}

/** ZERO_OFF_PAGE and ZERO_MEM_PAGE: the page that begins, all zeros. */
export function readMultixactZeroPage(record: XLogRecord): { pageno: number } {
  return { pageno: readSlruPageNumber(record, 'XLOG_MULTIXACT_ZERO_PAGE') };
}

/** xl_multixact_create */
export interface XlMultixactCreate {
  mid: number;
  /** Where its members begin. */
  moff: number;
  members: MultiXactMember[];
}

export function readXlMultixactCreate(record: XLogRecord): XlMultixactCreate {
  const data = new MainDataCursor(record, record.mainAt, 'xl_multixact_create');
  return {
    mid: data.uint32(),
    moff: data.uint32(),
    members: data.array(data.int32(), 8, (view, at) => ({ xid: view.getUint32(at, true), status: view.getInt32(at + 4, true) })),
  };
}

/** xl_multixact_truncate: half-open ranges of offsets and members that go, in whole segments. */
export interface XlMultixactTruncate {
  oldestMultiDb: number;
  startTruncOff: number;
  endTruncOff: number;
  startTruncMemb: number;
  endTruncMemb: number;
}

export function readXlMultixactTruncate(record: XLogRecord): XlMultixactTruncate {
  const at = mainData(record, 20, 'xl_multixact_truncate');
  const { view } = record;
  return {
    oldestMultiDb: view.getUint32(at, true),
    startTruncOff: view.getUint32(at + 4, true),
    endTruncOff: view.getUint32(at + 8, true),
    startTruncMemb: view.getUint32(at + 12, true),
    endTruncMemb: view.getUint32(at + 16, true),
  };
}
