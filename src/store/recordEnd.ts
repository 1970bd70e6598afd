import { SIZE_OF_XLOG_LONG_PHD, XLOG_BLCKSZ } from '../pg/xlogPage.js';
import type { XLogReader } from '../pg/xlogReader.js';
import { XLogRecord } from '../pg/xlogRecord.js';
import type { Lsn } from '../util/lsn.js';

/**
 * Whether a record of the WAL ends at `lsn`, which must lie before the WAL's end: the next record begins there, or behind the page header
 * that stands there. Repositions the reader.
 */
export function endsRecord(reader: XLogReader, lsn: Lsn): boolean {
  const next = reader.seek(lsn, new XLogRecord());
  return next !== undefined && (next === lsn || (lsn % XLOG_BLCKSZ === 0 && next - lsn <= SIZE_OF_XLOG_LONG_PHD));
}
