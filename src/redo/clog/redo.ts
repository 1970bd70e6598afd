/**
 * The commit log's pages: two bits a transaction, no page header.
 * Follows TransactionIdSetStatusBit() and clog_redo(), access/transam/clog.c, PG 13–18.
 */
import { CLOG_XACTS_PER_BYTE, CLOG_XACTS_PER_PAGE, clogPageOf } from '../../pg/clogPage.js';

/** XidStatus */
export const XidStatus = { inProgress: 0, committed: 1, aborted: 2, subCommitted: 3 } as const;
export type XidStatus = (typeof XidStatus)[keyof typeof XidStatus];

/** The pages that hold these transactions, each once, in order of first mention: what a commit or abort record touches. */
export function clogPagesOf(xid: number, subxacts: readonly number[]): number[] {
  return [...new Set([xid, ...subxacts].map(clogPageOf))];
}

/** The status of `xid` on its page (8192 bytes). */
export function readClogStatus(page: Uint8Array, xid: number): XidStatus {
  return ((page[byteOf(xid)]! >> shiftOf(xid)) & 3) as XidStatus;
}

/** Sets the status of `xid` on its page, in place. The phase in which subtransactions are "subcommitted" is over by the record's end. */
export function setClogStatus(page: Uint8Array, xid: number, status: XidStatus): void {
  const at = byteOf(xid);
  const shift = shiftOf(xid);
  page[at] = (page[at]! & ~(3 << shift)) | (status << shift);
}

/** TransactionIdSetTreeStatus() as far as it concerns page `pageno`: sets those of the transactions that lie on it. */
export function setClogTreeStatus(page: Uint8Array, pageno: number, xid: number, subxacts: readonly number[], status: XidStatus): void {
  if (clogPageOf(xid) === pageno) setClogStatus(page, xid, status);
  for (const sub of subxacts) if (clogPageOf(sub) === pageno) setClogStatus(page, sub, status);
}

function byteOf(xid: number): number {
  return Math.floor((xid % CLOG_XACTS_PER_PAGE) / CLOG_XACTS_PER_BYTE);
}

function shiftOf(xid: number): number {
  return (xid % CLOG_XACTS_PER_BYTE) * 2;
}
