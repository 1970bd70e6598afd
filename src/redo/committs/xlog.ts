/** Commit timestamps. Layout: access/commit_ts.h, PG 13–18. The timestamps themselves stand in commit records. */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { MainDataCursor } from '../mainDataCursor.js';
import { mainData } from '../recordData.js';
import { readSlruPageNumber, slruPageNumberSize } from '../slruPageNumber.js';

export const COMMIT_TS_ZEROPAGE = 0x00;
export const COMMIT_TS_TRUNCATE = 0x10;
/** Only in 13. */
export const COMMIT_TS_SETTS = 0x20;

/** COMMIT_TS_ZEROPAGE: the page that begins, all zeros. */
export function readCommitTsZeropage(record: XLogRecord): { pageno: number } {
  return { pageno: readSlruPageNumber(record, 'COMMIT_TS_ZEROPAGE') };
}

/** xl_commit_ts_truncate: pages before `pageno` go. */
export function readXlCommitTsTruncate(record: XLogRecord): { pageno: number; oldestXid: number } {
  const width = slruPageNumberSize(record);
  const at = mainData(record, width + 4, 'xl_commit_ts_truncate') + width;
  return { pageno: readSlruPageNumber(record, 'xl_commit_ts_truncate'), oldestXid: record.view.getUint32(at, true) };
}

/** xl_commit_ts_set (13): one time for a transaction and its subtransactions. */
export interface XlCommitTsSet {
  /** Microseconds since 2000-01-01 UTC. */
  timestamp: bigint;
  nodeId: number;
  mainXid: number;
  subxids: number[];
}

export function readXlCommitTsSet(record: XLogRecord): XlCommitTsSet {
  const { view } = record;
  const at = mainData(record, 16, 'xl_commit_ts_set');
  const data = new MainDataCursor(record, at + 16, 'xl_commit_ts_set');
  return {
    timestamp: view.getBigInt64(at, true),
    nodeId: view.getUint16(at + 8, true),
    mainXid: view.getUint32(at + 12, true),
    subxids: data.array((record.mainLength - 16) >> 2, 4, (v, i) => v.getUint32(i, true)),
  };
}
