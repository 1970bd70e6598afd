/** Descriptions of RelMap records: rmgrdesc/relmapdesc.c, PG 13–18. */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { readXlRelmapUpdate, XLOG_RELMAP_UPDATE } from './xlog.js';

/** relmap_identify() */
export function relmapIdentify(info: number): string | undefined {
  return (info & 0xf0) === XLOG_RELMAP_UPDATE ? 'UPDATE' : undefined;
}

/** relmap_desc() */
export function relmapDesc(record: XLogRecord): string {
  if (record.rmgrInfo !== XLOG_RELMAP_UPDATE) return '';
  const { dbId, tsId, data } = readXlRelmapUpdate(record);
  return `database ${dbId} tablespace ${tsId} size ${data.length}`;
}
