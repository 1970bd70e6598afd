/** Progress of replication origins. Layout: replication/origin.h, the same in PG 13–18. */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { readLsn, type Lsn } from '../../util/lsn.js';
import { mainData } from '../recordData.js';

export const XLOG_REPLORIGIN_SET = 0x00;
export const XLOG_REPLORIGIN_DROP = 0x10;

/** xl_replorigin_set: how far a remote node's WAL has been applied. */
export function readXlReploriginSet(record: XLogRecord): { remoteLsn: Lsn; nodeId: number; force: boolean } {
  const at = mainData(record, 11, 'xl_replorigin_set');
  const { view } = record;
  return { remoteLsn: readLsn(view, at), nodeId: view.getUint16(at + 8, true), force: view.getUint8(at + 10) !== 0 };
}

/** xl_replorigin_drop */
export function readXlReploriginDrop(record: XLogRecord): { nodeId: number } {
  return { nodeId: record.view.getUint16(mainData(record, 2, 'xl_replorigin_drop'), true) };
}
