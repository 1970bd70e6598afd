/** What one transaction did to the row versions of a page, told from the versions themselves: no other page is read. */
import type { RowView } from '../catalog/table.js';
import { ctidBlock, ctidOffset, HEAP_UPDATED, HEAP_XMAX_INVALID, HEAP_XMAX_IS_MULTI, heapXmaxIsLockedOnly, MOVED_PARTITIONS_BLOCK_NUMBER, T_INFOMASK, T_XMIN } from '../pg/heapTuple.js';
import { LP_NORMAL, type Page } from '../pg/page.js';
import type { Snapshot } from '../store/snapshot.js';
import type { Change } from './diff.js';

/** The transaction's own xid and those of its subtransactions. */
export type TransactionXids = ReadonlySet<number>;

/**
 * How a version came to be by the transaction: `changed` for the newer version of an update, but `added` where the transaction had inserted the row
 * itself and the versions in between lie on the same page; undefined: it did not make it.
 */
export function madeBy(row: RowView, xids: TransactionXids): Change | undefined {
  if (!xids.has(row.xmin)) return undefined;
  return (row.infomask & HEAP_UPDATED) !== 0 && !isOwnInsert(row.page, row.block, row.offnum, xids) ? 'changed' : 'added';
}

/** True where the chain of versions that leads to the tuple begins, on this page, with one that the transaction inserted. */
function isOwnInsert(page: Page, block: number, offnum: number, xids: TransactionXids): boolean {
  for (let older = 1; older <= page.maxOffset; older++) {
    if (older === offnum || page.lpFlags(older) !== LP_NORMAL) continue;
    const at = page.itemAt(older);
    if (ctidBlock(page.view, at) !== block || ctidOffset(page.view, at) !== offnum || !xids.has(page.view.getUint32(at + T_XMIN, true))) continue;
    const infomask = page.view.getUint16(at + T_INFOMASK, true);
    return (infomask & HEAP_UPDATED) === 0 || isOwnInsert(page, block, older, xids);
  }
  return false;
}

/**
 * How a version ended, or is about to end, by the transaction: `changed` where a newer one replaced it, `removed` where none did; undefined: it did not
 * end it, or had made it itself.
 */
export function endedBy(row: RowView, xids: TransactionXids, snapshot: Snapshot): Change | undefined {
  const { infomask } = row;
  if (xids.has(row.xmin) || (infomask & HEAP_XMAX_INVALID) !== 0 || heapXmaxIsLockedOnly(infomask)) return undefined;
  const xid = (infomask & HEAP_XMAX_IS_MULTI) !== 0 ? snapshot.multixactUpdater(row.xmax) : row.xmax;
  if (!xids.has(xid)) return undefined;
  // a deletion leaves t_ctid pointing to the tuple itself; a row that moved to another partition is gone from this one
  const { block, offnum } = row.next;
  return (block === row.block && offnum === row.offnum) || block === MOVED_PARTITIONS_BLOCK_NUMBER ? 'removed' : 'changed';
}
