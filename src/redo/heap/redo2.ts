/**
 * Replay of the Heap2 manager's records.
 * Follows heap2_redo(), access/heap/heapam_xlog.c (heapam.c before 18), and heap_page_prune_execute(), access/heap/pruneheap.c, PG 13–18.
 */
import { heapTupleAt, SIZE_OF_HEAP_TUPLE_HEADER, T_CID, T_INFOMASK, T_INFOMASK2, T_XMAX } from '../../pg/heapTuple.js';
import { LP_DEAD, LP_REDIRECT, LP_UNUSED, PageError, PD_ALL_VISIBLE, type Page } from '../../pg/page.js';
import { VISIBILITYMAP_ALL_FROZEN, VISIBILITYMAP_VALID_BITS, visibilitymapSet } from '../../pg/visibilityMap.js';
import { copyBytes } from '../copyBytes.js';
import { blockTag } from '../recordData.js';
import type { RedoContext } from '../rmgr.js';
import { initOrReadPage, setInfobits, writeTupleHeader } from './redo.js';
import { heapXlogVmClear } from './vm.js';
import {
  HEAP_BLKREF_HEAP, HEAP_BLKREF_VM, readXlHeapLock, XLH_INSERT_ALL_FROZEN_SET, XLH_INSERT_ALL_VISIBLE_CLEARED,
  XLH_LOCK_ALL_FROZEN_CLEARED, XLOG_HEAP_INIT_PAGE, XLOG_HEAP_OPMASK,
} from './xlog.js';
import {
  readXlHeapMultiInsert, readXlHeapPrune, readXlHeapVisible, XLH_FREEZE_XVAC, XLH_INVALID_XVAC, XLHP_CLEANUP_LOCK, SIZE_OF_MULTI_INSERT_TUPLE, XLOG_HEAP2_LOCK_UPDATED,
  XLOG_HEAP2_MULTI_INSERT, XLOG_HEAP2_NEW_CID, XLOG_HEAP2_REWRITE, XLOG_HEAP2_VISIBLE, type FreezePlan, type XlHeapPrune,
} from './xlog2.js';

const FROZEN_TRANSACTION_ID = 2;

function setLinePointer(page: Page, offnum: number, lpOff: number, lpFlags: number): void {
  if (offnum > page.maxOffset) throw new PageError(`invalid lp ${offnum}`);
  page.setItemId(offnum, lpOff, lpFlags, 0);
}

/** heap_page_prune_execute() */
function heapPagePruneExecute(view: DataView, page: Page, prune: XlHeapPrune): void {
  for (let i = 0, p = prune.redirectedAt; i < prune.nredirected; i++, p += 4) {
    setLinePointer(page, view.getUint16(p, true), view.getUint16(p + 2, true), LP_REDIRECT);
  }
  for (let i = 0, p = prune.nowdeadAt; i < prune.ndead; i++, p += 2) setLinePointer(page, view.getUint16(p, true), 0, LP_DEAD);
  for (let i = 0, p = prune.nowunusedAt; i < prune.nunused; i++, p += 2) setLinePointer(page, view.getUint16(p, true), 0, LP_UNUSED);
  // without the cleanup lock (lp_truncate_only) no tuple may move
  if ((prune.flags & XLHP_CLEANUP_LOCK) === 0) page.truncateLinePointerArray();
  else page.repairFragmentation();
}

/** heap_execute_freeze_tuple() for each tuple of a plan. */
function executeFreezePlan(view: DataView, page: Page, plan: FreezePlan): void {
  for (let i = 0; i < plan.ntuples; i++) {
    const at = heapTupleAt(page, view.getUint16(plan.offsetsAt + i * 2, true));
    page.view.setUint32(at + T_XMAX, plan.xmax, true);
    if ((plan.frzflags & XLH_FREEZE_XVAC) !== 0) page.view.setUint32(at + T_CID, FROZEN_TRANSACTION_ID, true);
    if ((plan.frzflags & XLH_INVALID_XVAC) !== 0) page.view.setUint32(at + T_CID, 0, true);
    page.view.setUint16(at + T_INFOMASK, plan.t_infomask, true);
    page.view.setUint16(at + T_INFOMASK2, plan.t_infomask2, true);
  }
}

/** heap_xlog_prune_freeze() of 17, and what it replaced: heap_xlog_clean(), heap_xlog_prune(), heap_xlog_vacuum(), heap_xlog_freeze_page(). */
function heapXlogPruneFreeze(ctx: RedoContext): void {
  const page = ctx.pageForRedo(0);
  if (page === null) return;
  const view = ctx.record.view;
  const prune = readXlHeapPrune(ctx.record);
  if (prune.nredirected > 0 || prune.ndead > 0 || prune.nunused > 0) heapPagePruneExecute(view, page, prune);
  for (const plan of prune.plans) executeFreezePlan(view, page, plan);
  page.lsn = ctx.lsn;
}

/** heap_xlog_visible(): block 0 is the visibility map's page, block 1 the heap's. */
function heapXlogVisible(ctx: RedoContext): void {
  const { flags } = readXlHeapVisible(ctx.record);
  const heap = ctx.pageForRedo(1);
  if (heap !== null) {
    heap.pdFlags |= PD_ALL_VISIBLE;
    // otherwise the heap page was not protected against torn writes, and its LSN must not claim it
    if (ctx.hintBitsLogged) heap.lsn = ctx.lsn;
  }
  const vm = ctx.pageForRedo(0, true);
  if (vm === null) return;
  if (vm.isNew) vm.init();
  if (visibilitymapSet(vm, blockTag(ctx.record, 1).block, flags & VISIBILITYMAP_VALID_BITS)) vm.lsn = ctx.lsn;
}

/** heap_xlog_multi_insert() */
function heapXlogMultiInsert(ctx: RedoContext): void {
  const record = ctx.record, from = record.view;
  const xlrec = readXlHeapMultiInsert(record);
  const ref = blockTag(record, HEAP_BLKREF_HEAP);
  if ((xlrec.flags & XLH_INSERT_ALL_VISIBLE_CLEARED) !== 0) heapXlogVmClear(ctx, ref, HEAP_BLKREF_VM, VISIBILITYMAP_VALID_BITS);
  const page = initOrReadPage(ctx, HEAP_BLKREF_HEAP);
  if (page === null) return;
  const isinit = (record.info & XLOG_HEAP_INIT_PAGE) !== 0;
  let data = ref.dataAt;
  const end = data + ref.dataLength;
  for (let i = 0; i < xlrec.ntuples; i++) {
    // where the page is new, tuples stand in order from the first offset number on
    const offnum = isinit ? 1 + i : from.getUint16(xlrec.offsetsAt + i * 2, true);
    if (page.maxOffset + 1 < offnum) throw new PageError('invalid max offset number');
    // SHORTALIGN, counted from where the block data begins
    data += (data - ref.dataAt) & 1;
    const newlen = from.getUint16(data, true);
    if (data + SIZE_OF_MULTI_INSERT_TUPLE + newlen > end) throw new PageError('total tuple length mismatch');
    const at = page.allocateItem(SIZE_OF_HEAP_TUPLE_HEADER + newlen, offnum, true, true);
    writeTupleHeader(page.view, at, record.xid, 0, ref.block, offnum,
      from.getUint16(data + 2, true), from.getUint16(data + 4, true), from.getUint8(data + 6));
    copyBytes(page, at + SIZE_OF_HEAP_TUPLE_HEADER, record, data + SIZE_OF_MULTI_INSERT_TUPLE, newlen);
    data += SIZE_OF_MULTI_INSERT_TUPLE + newlen;
  }
  if (data !== end) throw new PageError('total tuple length mismatch');
  page.lsn = ctx.lsn;
  if ((xlrec.flags & XLH_INSERT_ALL_VISIBLE_CLEARED) !== 0) page.pdFlags &= ~PD_ALL_VISIBLE;
  if ((xlrec.flags & XLH_INSERT_ALL_FROZEN_SET) !== 0) page.pdFlags |= PD_ALL_VISIBLE;
}

/** heap_xlog_lock_updated() */
function heapXlogLockUpdated(ctx: RedoContext): void {
  const record = ctx.record;
  const xlrec = readXlHeapLock(record);
  if ((xlrec.flags & XLH_LOCK_ALL_FROZEN_CLEARED) !== 0) {
    heapXlogVmClear(ctx, blockTag(record, HEAP_BLKREF_HEAP), HEAP_BLKREF_VM, VISIBILITYMAP_ALL_FROZEN);
  }
  const page = ctx.pageForRedo(HEAP_BLKREF_HEAP);
  if (page === null) return;
  const at = heapTupleAt(page, xlrec.offnum);
  setInfobits(page.view, at, xlrec.infobits_set);
  page.view.setUint32(at + T_XMAX, xlrec.xmax, true);
  page.lsn = ctx.lsn;
}

/** heap2_redo() */
export function heap2Redo(ctx: RedoContext): void {
  switch (ctx.record.info & XLOG_HEAP_OPMASK) {
    case XLOG_HEAP2_VISIBLE: heapXlogVisible(ctx); break;
    case XLOG_HEAP2_MULTI_INSERT: heapXlogMultiInsert(ctx); break;
    case XLOG_HEAP2_LOCK_UPDATED: heapXlogLockUpdated(ctx); break;
    case XLOG_HEAP2_NEW_CID: break; // for logical decoding alone
    case XLOG_HEAP2_REWRITE: break; // writes mapping files of logical decoding, no relation page
    default: heapXlogPruneFreeze(ctx);
  }
}
