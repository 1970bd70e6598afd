/** Descriptions of Tablespace records: rmgrdesc/tblspcdesc.c, PG 13–18. */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { readXlTblspcCreate, readXlTblspcDrop, XLOG_TBLSPC_CREATE, XLOG_TBLSPC_DROP } from './xlog.js';

/** tblspc_identify() */
export function tblspcIdentify(info: number): string | undefined {
  switch (info & 0xf0) {
    case XLOG_TBLSPC_CREATE: return 'CREATE';
    case XLOG_TBLSPC_DROP: return 'DROP';
    default: return undefined;
  }
}

/** tblspc_desc() */
export function tblspcDesc(record: XLogRecord): string {
  switch (record.rmgrInfo) {
    case XLOG_TBLSPC_CREATE: {
      const { tsId, tsPath } = readXlTblspcCreate(record);
      return `${tsId} "${tsPath}"`;
    }
    case XLOG_TBLSPC_DROP:
      return String(readXlTblspcDrop(record).tsId);
    default:
      return '';
  }
}
