/**
 * The commit timestamps' pages: ten bytes a transaction, no page header. They are kept while track_commit_timestamp is on.
 * Follows TransactionTreeSetCommitTsData() and TransactionIdSetCommitTs(), access/transam/commit_ts.c, PG 13–18.
 */
import { BLCKSZ } from '../../pg/page.js';
import type { ParsedXactEnd } from '../xact/xlog.js';
import { XACT_XINFO_HAS_ORIGIN } from '../xact/xlog.js';

export const SIZE_OF_COMMIT_TIMESTAMP_ENTRY = 10;
export const COMMIT_TS_XACTS_PER_PAGE = Math.floor(BLCKSZ / SIZE_OF_COMMIT_TIMESTAMP_ENTRY);

/** TransactionIdToCTsPage() */
export function commitTsPageOf(xid: number): number {
  return Math.floor(xid / COMMIT_TS_XACTS_PER_PAGE);
}

/** The pages that a commit touches, each once. */
export function commitTsPagesOf(xid: number, subxacts: readonly number[]): number[] {
  return [...new Set([xid, ...subxacts].map(commitTsPageOf))];
}

/** The time that a commit record stands for: where it was replicated, the time at its origin (xact_redo_commit()). */
export function commitTimestamp(parsed: ParsedXactEnd): bigint {
  return (parsed.xinfo & XACT_XINFO_HAS_ORIGIN) !== 0 ? parsed.originTimestamp : parsed.xactTime;
}

/** Microseconds since 2000-01-01 UTC and origin of `xid` on its page; time 0: none. */
export function readCommitTs(page: DataView, xid: number): { time: bigint; nodeId: number } {
  const at = entryAt(xid);
  return { time: page.getBigInt64(at, true), nodeId: page.getUint16(at + 8, true) };
}

/** Sets those of the transactions that lie on page `pageno`, in place. */
export function setCommitTs(page: DataView, pageno: number, xid: number, subxacts: readonly number[], time: bigint, nodeId: number): void {
  for (const one of [xid, ...subxacts]) {
    if (commitTsPageOf(one) !== pageno) continue;
    const at = entryAt(one);
    page.setBigInt64(at, time, true);
    page.setUint16(at + 8, nodeId, true);
  }
}

function entryAt(xid: number): number {
  return (xid % COMMIT_TS_XACTS_PER_PAGE) * SIZE_OF_COMMIT_TIMESTAMP_ENTRY;
}
