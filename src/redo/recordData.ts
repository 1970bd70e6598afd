/** What redo routines take from a record beside its structs: checked main data, block tags and block data. */
import { PageError } from '../pg/page.js';
import type { BlockRef, XLogRecord } from '../pg/xlogRecord.js';
import { inputError } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';

/**
 * XLogRecGetData(): where the main data begins in `record.view`, after checking that it holds `size` bytes for `struct`.
 * Throws `wal.record_data` (exit 3) where it does not.
 */
export function mainData(record: XLogRecord, size: number, struct: string): number {
  if (record.mainLength < size) {
    throw inputError('wal.record_data', `${struct} needs ${size} bytes of main data, the record at ${formatLsn(record.lsn)} has ${record.mainLength}`, {
      lsn: formatLsn(record.lsn),
    });
  }
  return record.mainAt;
}

/** XLogRecGetBlockTag(). Throws `wal.block_ref` (exit 3) where the record has no such block reference. */
export function blockTag(record: XLogRecord, blockId: number): BlockRef {
  const ref = record.block(blockId);
  if (!ref) throw inputError('wal.block_ref', `the record at ${formatLsn(record.lsn)} has no block reference ${blockId}`, { lsn: formatLsn(record.lsn) });
  return ref;
}

/** XLogRecGetBlockData(): a view over the data that came with a block. */
export function blockData(record: XLogRecord, blockId: number): Uint8Array {
  const ref = blockTag(record, blockId);
  return record.bytes.subarray(ref.dataAt, ref.dataAt + ref.dataLength);
}

/** XLogRecGetBlockData(): where the data that came with a block begins in `record.view`; throws PageError where it is shorter than `size`. */
export function blockDataAt(record: XLogRecord, blockId: number, size: number): number {
  const ref = blockTag(record, blockId);
  if (ref.dataLength < size) throw new PageError(`block reference ${blockId} has ${ref.dataLength} bytes of data, ${size} are needed`);
  return ref.dataAt;
}
