/** Page numbers in CLOG, multixact and commit-timestamp records: 4 bytes before 17, 8 from then on. */
import type { XLogRecord } from '../pg/xlogRecord.js';
import { mainData } from './recordData.js';

/** The number of bytes that a page number takes in this record's major. */
export function slruPageNumberSize(record: XLogRecord): number {
  return record.major >= 17 ? 8 : 4;
}

/** The page number that a record begins with, as ZEROPAGE records do. Exact: pages number at most 2^32 divided by a page's entries. */
export function readSlruPageNumber(record: XLogRecord, struct: string): number {
  const at = mainData(record, slruPageNumberSize(record), struct);
  return record.major >= 17 ? Number(record.view.getBigInt64(at, true)) : record.view.getInt32(at, true);
}
