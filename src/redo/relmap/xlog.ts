/** Relation maps, which are logged whole. Layout: utils/relmapper.h, the same in PG 13–18. */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { MainDataCursor } from '../mainDataCursor.js';

export const XLOG_RELMAP_UPDATE = 0x00;

/** xl_relmap_update: the new contents of a database's map file (`data`, a view); database 0 and pg_global: the shared one. */
export function readXlRelmapUpdate(record: XLogRecord): { dbId: number; tsId: number; data: Uint8Array } {
  const cursor = new MainDataCursor(record, record.mainAt, 'xl_relmap_update');
  const dbId = cursor.uint32();
  const tsId = cursor.uint32();
  const length = cursor.int32();
  const at = cursor.take(length);
  return { dbId, tsId, data: record.bytes.subarray(at, at + length) };
}
