/** Messages that an application wrote into the WAL (pg_logical_emit_message()). Layout: replication/message.h, PG 13–18. */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { decodeText, MainDataCursor } from '../mainDataCursor.js';
import { mainData } from '../recordData.js';

export const XLOG_LOGICAL_MESSAGE = 0x00;

/** xl_logical_message; `message` is a view. */
export interface XlLogicalMessage {
  dbId: number;
  transactional: boolean;
  prefix: string;
  message: Uint8Array;
}

export function readXlLogicalMessage(record: XLogRecord): XlLogicalMessage {
  const { view, bytes } = record;
  const at = mainData(record, 24, 'xl_logical_message');
  const cursor = new MainDataCursor(record, at + 24, 'xl_logical_message');
  const prefixSize = Number(view.getBigUint64(at + 8, true));
  const messageSize = Number(view.getBigUint64(at + 16, true));
  const prefixAt = cursor.take(prefixSize);
  const messageAt = cursor.take(messageSize);
  return {
    dbId: view.getUint32(at, true),
    transactional: view.getUint8(at + 4) !== 0,
    prefix: decodeText(bytes.subarray(prefixAt, prefixAt + Math.max(prefixSize - 1, 0))),
    message: bytes.subarray(messageAt, messageAt + messageSize),
  };
}
