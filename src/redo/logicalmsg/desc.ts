/** Descriptions of LogicalMessage records: rmgrdesc/logicalmsgdesc.c, PG 13–18. */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { upperHex } from '../../util/hex.js';
import { readXlLogicalMessage, XLOG_LOGICAL_MESSAGE } from './xlog.js';

/** logicalmsg_identify() */
export function logicalmsgIdentify(info: number): string | undefined {
  return (info & 0xf0) === XLOG_LOGICAL_MESSAGE ? 'MESSAGE' : undefined;
}

/** logicalmsg_desc(): 13 tells the size alone. */
export function logicalmsgDesc(record: XLogRecord): string {
  if (record.rmgrInfo !== XLOG_LOGICAL_MESSAGE) return '';
  const { transactional, prefix, message } = readXlLogicalMessage(record);
  if (record.major === 13) return `${transactional ? 'transactional' : 'nontransactional'} message size ${message.length} bytes`;
  const payload = Array.from(message, (byte) => upperHex(byte, 2)).join(' ');
  return `${transactional ? 'transactional' : 'non-transactional'}, prefix "${prefix}"; payload (${message.length} bytes): ${payload}`;
}
