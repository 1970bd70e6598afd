/** Creation and removal of tablespaces. Layout: commands/tablespace.h, the same in PG 13–18. */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { MainDataCursor } from '../mainDataCursor.js';
import { mainData } from '../recordData.js';

export const XLOG_TBLSPC_CREATE = 0x00;
export const XLOG_TBLSPC_DROP = 0x10;

/** xl_tblspc_create_rec: `tsPath` is empty for a tablespace inside the data directory (allow_in_place_tablespaces, 15 on). */
export function readXlTblspcCreate(record: XLogRecord): { tsId: number; tsPath: string } {
  const data = new MainDataCursor(record, record.mainAt, 'xl_tblspc_create_rec');
  return { tsId: data.uint32(), tsPath: data.cString() };
}

/** xl_tblspc_drop_rec */
export function readXlTblspcDrop(record: XLogRecord): { tsId: number } {
  return { tsId: record.view.getUint32(mainData(record, 4, 'xl_tblspc_drop_rec'), true) };
}
