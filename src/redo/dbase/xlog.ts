/**
 * Creation and removal of databases. Layout: commands/dbcommands_xlog.h, PG 13–18.
 * Creation through the WAL came with 15 and took the opcode that meant "drop" before.
 */
import type { PgMajor } from '../../pg/version.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { MainDataCursor } from '../mainDataCursor.js';
import { mainData } from '../recordData.js';

export const XLOG_DBASE_CREATE_FILE_COPY = 0x00;
export const XLOG_DBASE_CREATE_WAL_LOG = 0x10;
export const XLOG_DBASE_DROP = 0x20;

const XLOG_DBASE_DROP_14 = 0x10;

/** The opcode by the numbers of 15 and later, whatever the major; undefined: no such record in this major. */
export function dbaseOpcode(info: number, major: PgMajor): number | undefined {
  const opcode = info & 0xf0;
  if (major >= 15) return opcode <= XLOG_DBASE_DROP ? opcode : undefined;
  if (opcode === XLOG_DBASE_DROP_14) return XLOG_DBASE_DROP;
  return opcode === XLOG_DBASE_CREATE_FILE_COPY ? opcode : undefined;
}

/** xl_dbase_create_file_copy_rec: one directory copied as it was at this record, from one tablespace to another. */
export interface XlDbaseCreateFileCopy {
  dbId: number;
  tablespaceId: number;
  srcDbId: number;
  srcTablespaceId: number;
}

export function readXlDbaseCreateFileCopy(record: XLogRecord): XlDbaseCreateFileCopy {
  const at = mainData(record, 16, 'xl_dbase_create_file_copy_rec');
  const { view } = record;
  return {
    dbId: view.getUint32(at, true), tablespaceId: view.getUint32(at + 4, true),
    srcDbId: view.getUint32(at + 8, true), srcTablespaceId: view.getUint32(at + 12, true),
  };
}

/** xl_dbase_create_wal_log_rec: an empty database directory; its blocks follow in records of their own. */
export function readXlDbaseCreateWalLog(record: XLogRecord): { dbId: number; tablespaceId: number } {
  const at = mainData(record, 8, 'xl_dbase_create_wal_log_rec');
  return { dbId: record.view.getUint32(at, true), tablespaceId: record.view.getUint32(at + 4, true) };
}

/** xl_dbase_drop_rec: the database's directory goes in each of these tablespaces. */
export function readXlDbaseDrop(record: XLogRecord): { dbId: number; tablespaceIds: number[] } {
  const data = new MainDataCursor(record, record.mainAt, 'xl_dbase_drop_rec');
  return { dbId: data.uint32(), tablespaceIds: data.array(data.int32(), 4, (view, at) => view.getUint32(at, true)) };
}
