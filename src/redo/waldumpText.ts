/** A record as pg_waldump prints it: XLogDumpDisplayRecord(), bin/pg_waldump/pg_waldump.c, and XLogRecGetBlockRefInfo(), PG 13–18. */
import { FORK_NAMES } from '../pg/relFileLocator.js';
import type { BlockRef, XLogRecord } from '../pg/xlogRecord.js';
import { upperHex } from '../util/hex.js';
import { RMGRS, rmgrName } from './rmgrlist.js';
import type { Lsn } from '../util/lsn.js';

function paddedLsn(lsn: Lsn): string {
  return `${upperHex(Math.floor(lsn / 0x1_0000_0000), 1)}/${upperHex(lsn % 0x1_0000_0000, 8)}`;
}

/** XLogRecGetLen(): the bytes of a record's images. */
export function imageBytes(record: XLogRecord): number {
  return record.blocks.reduce((sum, ref) => sum + (ref.hasImage ? ref.imageLength : 0), 0);
}

function head(record: XLogRecord): string {
  const rmgr = RMGRS[record.rmid];
  const name = rmgr?.identify(record.info, record.major) ?? `UNKNOWN (${(record.info & 0xf0).toString(16)})`;
  return `rmgr: ${rmgrName(record.rmid).padEnd(11)} len (rec/tot): ${String(record.totLen - imageBytes(record)).padStart(6)}/${String(record.totLen).padStart(6)}, `
    + `tx: ${String(record.xid).padStart(10)}, lsn: ${paddedLsn(record.lsn)}, prev ${paddedLsn(record.prevLsn)}, desc: ${name} ${rmgr?.desc(record) ?? ''}`;
}

/** One line, block references in short form. */
export function waldumpLine(record: XLogRecord): string {
  return head(record) + record.blocks.map((ref) => {
    const fork = ref.fork === 0 ? '' : ` fork ${FORK_NAMES[ref.fork]}`;
    const image = ref.hasImage ? (ref.applyImage ? ' FPW' : ' FPW for WAL verification') : '';
    return `, blkref #${ref.id}: rel ${ref.spcOid}/${ref.dbOid}/${ref.relNumber}${fork} blk ${ref.block}${image}`;
  }).join('');
}

/** As with --bkp-details: a line for the record and one for each block reference. */
export function waldumpDetails(record: XLogRecord): string[] {
  return [head(record), ...record.blocks.map((ref) => `\tblkref #${ref.id}: rel ${ref.spcOid}/${ref.dbOid}/${ref.relNumber} fork ${FORK_NAMES[ref.fork]} blk ${ref.block}${imageDetails(record, ref)}`)];
}

function imageDetails(record: XLogRecord, ref: BlockRef): string {
  if (!ref.hasImage) return '';
  const hole = ` (FPW${ref.applyImage ? '' : ' for WAL verification'}); hole: offset: ${ref.holeOffset}, length: ${ref.holeLength}`;
  if (ref.compression === 'none') return hole;
  const saved = `${hole}, compression saved: ${8192 - ref.holeLength - ref.imageLength}`;
  return record.major >= 15 ? `${saved}, method: ${ref.compression}` : saved;
}
