/** Descriptions of Storage records: rmgrdesc/smgrdesc.c, PG 13–18. */
import { relationPath } from '../../pg/relPath.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { readXlSmgrCreate, readXlSmgrTruncate, XLOG_SMGR_CREATE, XLOG_SMGR_TRUNCATE } from './xlog.js';

/** smgr_identify() */
export function smgrIdentify(info: number): string | undefined {
  switch (info & 0xf0) {
    case XLOG_SMGR_CREATE: return 'CREATE';
    case XLOG_SMGR_TRUNCATE: return 'TRUNCATE';
    default: return undefined;
  }
}

/** smgr_desc() */
export function smgrDesc(record: XLogRecord): string {
  switch (record.rmgrInfo) {
    case XLOG_SMGR_CREATE:
      return relationPath(readXlSmgrCreate(record), record.major);
    case XLOG_SMGR_TRUNCATE: {
      const { rel, blkno, flags } = readXlSmgrTruncate(record);
      return `${relationPath(rel, record.major)} to ${blkno} blocks flags ${flags}`;
    }
    default:
      return '';
  }
}
