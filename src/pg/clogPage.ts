/** Where a transaction's status lies in the commit log: two bits each, no page header (access/transam/clog.c, PG 13–18). */
import { BLCKSZ } from './page.js';

export const CLOG_XACTS_PER_BYTE = 4;
export const CLOG_XACTS_PER_PAGE = BLCKSZ * CLOG_XACTS_PER_BYTE;

/** TransactionIdToPage() */
export function clogPageOf(xid: number): number {
  return Math.floor(xid / CLOG_XACTS_PER_PAGE);
}
