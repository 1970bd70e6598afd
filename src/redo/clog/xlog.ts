/** Commit log pages coming and going. Layout: access/clog.h, PG 13–18. */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { mainData } from '../recordData.js';
import { readSlruPageNumber, slruPageNumberSize } from '../slruPageNumber.js';

export const CLOG_ZEROPAGE = 0x00;
export const CLOG_TRUNCATE = 0x10;

/** CLOG_ZEROPAGE: the page that begins, all zeros. */
export function readClogZeropage(record: XLogRecord): { pageno: number } {
  return { pageno: readSlruPageNumber(record, 'CLOG_ZEROPAGE') };
}

/** xl_clog_truncate: pages before `pageno` go. */
export function readXlClogTruncate(record: XLogRecord): { pageno: number; oldestXact: number; oldestXactDb: number } {
  const width = slruPageNumberSize(record);
  const at = mainData(record, width + 8, 'xl_clog_truncate') + width;
  return {
    pageno: readSlruPageNumber(record, 'xl_clog_truncate'),
    oldestXact: record.view.getUint32(at, true),
    oldestXactDb: record.view.getUint32(at + 4, true),
  };
}
