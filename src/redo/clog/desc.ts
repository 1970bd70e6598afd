/** Descriptions of CLOG records: rmgrdesc/clogdesc.c, PG 13–18. */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { CLOG_TRUNCATE, CLOG_ZEROPAGE, readClogZeropage, readXlClogTruncate } from './xlog.js';

/** clog_identify() */
export function clogIdentify(info: number): string | undefined {
  switch (info & 0xf0) {
    case CLOG_ZEROPAGE: return 'ZEROPAGE';
    case CLOG_TRUNCATE: return 'TRUNCATE';
    default: return undefined;
  }
}

/** clog_desc() */
export function clogDesc(record: XLogRecord): string {
  switch (record.rmgrInfo) {
    case CLOG_ZEROPAGE:
      return `page ${readClogZeropage(record).pageno}`;
    case CLOG_TRUNCATE: {
      const { pageno, oldestXact } = readXlClogTruncate(record);
      return `page ${pageno}; oldestXact ${oldestXact}`;
    }
    default:
      return '';
  }
}
