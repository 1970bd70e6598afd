/** Descriptions of MultiXact records: rmgrdesc/mxactdesc.c, PG 13–18. */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import {
  readMultixactZeroPage, readXlMultixactCreate, readXlMultixactTruncate,
  XLOG_MULTIXACT_CREATE_ID, XLOG_MULTIXACT_TRUNCATE_ID, XLOG_MULTIXACT_ZERO_MEM_PAGE, XLOG_MULTIXACT_ZERO_OFF_PAGE,
} from './xlog.js';

/** MultiXactStatus in words, by number. */
const STATUS_NAMES = ['keysh', 'sh', 'fornokeyupd', 'forupd', 'nokeyupd', 'upd'];

/** multixact_identify() */
export function multixactIdentify(info: number): string | undefined {
  switch (info & 0xf0) {
    case XLOG_MULTIXACT_ZERO_OFF_PAGE: return 'ZERO_OFF_PAGE';
    case XLOG_MULTIXACT_ZERO_MEM_PAGE: return 'ZERO_MEM_PAGE';
    case XLOG_MULTIXACT_CREATE_ID: return 'CREATE_ID';
    case XLOG_MULTIXACT_TRUNCATE_ID: return 'TRUNCATE_ID';
    default: return undefined;
  }
}

/** multixact_desc() */
export function multixactDesc(record: XLogRecord): string {
  switch (record.rmgrInfo) {
    case XLOG_MULTIXACT_ZERO_OFF_PAGE:
    case XLOG_MULTIXACT_ZERO_MEM_PAGE:
      return String(readMultixactZeroPage(record).pageno);
    case XLOG_MULTIXACT_CREATE_ID: {
      const { mid, moff, members } = readXlMultixactCreate(record);
      return `${mid} offset ${moff} nmembers ${members.length}: ${members.map((m) => `${m.xid} (${STATUS_NAMES[m.status] ?? 'unk'}) `).join('')}`;
    }
    case XLOG_MULTIXACT_TRUNCATE_ID: {
      const t = readXlMultixactTruncate(record);
      return `offsets [${t.startTruncOff}, ${t.endTruncOff}), members [${t.startTruncMemb}, ${t.endTruncMemb})`;
    }
    default:
      return '';
  }
}
