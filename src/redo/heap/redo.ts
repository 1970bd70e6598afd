/**
 * Replay of the Heap manager's records.
 * Follows heap_redo(), access/heap/heapam_xlog.c (heapam.c before 18), PG 13–18, without locks, buffers and the free space map.
 */
import {
  HEAP_COMBOCID, HEAP_HOT_UPDATED, HEAP_KEYS_UPDATED, HEAP_MOVED, HEAP_XMAX_BITS, HEAP_XMAX_EXCL_LOCK, HEAP_XMAX_IS_MULTI,
  HEAP_XMAX_KEYSHR_LOCK, HEAP_XMAX_LOCK_ONLY, heapTupleAt, heapXmaxIsLockedOnly, MOVED_PARTITIONS_BLOCK_NUMBER,
  MOVED_PARTITIONS_OFFSET_NUMBER, setCtid, SIZE_OF_HEAP_TUPLE_HEADER, T_CID, T_HOFF, T_INFOMASK, T_INFOMASK2, T_XMAX, T_XMIN,
} from '../../pg/heapTuple.js';
import { PageError, PD_ALL_VISIBLE, type Page } from '../../pg/page.js';
import { VISIBILITYMAP_ALL_FROZEN, VISIBILITYMAP_VALID_BITS } from '../../pg/visibilityMap.js';
import type { BlockRef } from '../../pg/xlogRecord.js';
import { copyBytes } from '../copyBytes.js';
import { blockTag } from '../recordData.js';
import type { RedoContext } from '../rmgr.js';
import { heapXlogUpdateVmClear, heapXlogVmClear } from './vm.js';
import {
  HEAP_BLKREF_HEAP, HEAP_BLKREF_VM, HEAP_UPDATE_BLKREF_HEAP_NEW, HEAP_UPDATE_BLKREF_HEAP_OLD, readXlHeapConfirm, readXlHeapDelete,
  readXlHeapInplace, readXlHeapInsert, readXlHeapLock, readXlHeapUpdate, SIZE_OF_HEAP_HEADER, XLH_DELETE_ALL_VISIBLE_CLEARED,
  XLH_DELETE_IS_PARTITION_MOVE, XLH_DELETE_IS_SUPER, XLH_INSERT_ALL_FROZEN_SET, XLH_INSERT_ALL_VISIBLE_CLEARED, XLH_LOCK_ALL_FROZEN_CLEARED,
  XLH_UPDATE_NEW_ALL_VISIBLE_CLEARED, XLH_UPDATE_OLD_ALL_VISIBLE_CLEARED, XLH_UPDATE_PREFIX_FROM_OLD, XLH_UPDATE_SUFFIX_FROM_OLD,
  XLHL_KEYS_UPDATED, XLHL_XMAX_EXCL_LOCK, XLHL_XMAX_IS_MULTI, XLHL_XMAX_KEYSHR_LOCK, XLHL_XMAX_LOCK_ONLY, XLOG_HEAP_CONFIRM, XLOG_HEAP_DELETE,
  XLOG_HEAP_HOT_UPDATE, XLOG_HEAP_INIT_PAGE, XLOG_HEAP_INPLACE, XLOG_HEAP_INSERT, XLOG_HEAP_LOCK, XLOG_HEAP_OPMASK, XLOG_HEAP_TRUNCATE,
  XLOG_HEAP_UPDATE, type XlHeapUpdate,
} from './xlog.js';

/** PageSetPrunable(): keeps the older of two xids. */
function pageSetPrunable(page: Page, xid: number): void {
  const old = page.pdPruneXid;
  // xids compare modulo 2^32; permanent ones (below 3) are older than all
  const precedes = old < 3 || xid < 3 ? xid < old : ((xid - old) | 0) < 0;
  if (old === 0 || precedes) page.pdPruneXid = xid;
}

/** The xmax-changing half of delete, update and lock: fix_infomask_from_infobits() after all bits about xmax were cleared. */
export function setInfobits(view: DataView, at: number, infobits: number): void {
  let infomask = view.getUint16(at + T_INFOMASK, true) & ~(HEAP_XMAX_BITS | HEAP_MOVED);
  let infomask2 = view.getUint16(at + T_INFOMASK2, true) & ~HEAP_KEYS_UPDATED;
  if ((infobits & XLHL_XMAX_IS_MULTI) !== 0) infomask |= HEAP_XMAX_IS_MULTI;
  if ((infobits & XLHL_XMAX_LOCK_ONLY) !== 0) infomask |= HEAP_XMAX_LOCK_ONLY;
  if ((infobits & XLHL_XMAX_EXCL_LOCK) !== 0) infomask |= HEAP_XMAX_EXCL_LOCK;
  if ((infobits & XLHL_XMAX_KEYSHR_LOCK) !== 0) infomask |= HEAP_XMAX_KEYSHR_LOCK;
  if ((infobits & XLHL_KEYS_UPDATED) !== 0) infomask2 |= HEAP_KEYS_UPDATED;
  view.setUint16(at + T_INFOMASK, infomask, true);
  view.setUint16(at + T_INFOMASK2, infomask2, true);
}

function setHotUpdated(view: DataView, at: number, on: boolean): void {
  const infomask2 = view.getUint16(at + T_INFOMASK2, true);
  view.setUint16(at + T_INFOMASK2, on ? infomask2 | HEAP_HOT_UPDATED : infomask2 & ~HEAP_HOT_UPDATED, true);
}

/** HeapTupleHeaderSetCmax(FirstCommandId, false) */
function resetCmax(view: DataView, at: number): void {
  view.setUint32(at + T_CID, 0, true);
  view.setUint16(at + T_INFOMASK, view.getUint16(at + T_INFOMASK, true) & ~HEAP_COMBOCID, true);
}

/** The header of a tuple that replay puts on a page: cmin is FirstCommandId and t_ctid the tuple itself. */
export function writeTupleHeader(
  view: DataView, at: number, xmin: number, xmax: number, block: number, offnum: number, infomask2: number, infomask: number, hoff: number,
): void {
  view.setUint32(at + T_XMIN, xmin, true);
  view.setUint32(at + T_XMAX, xmax, true);
  view.setUint32(at + T_CID, 0, true);
  setCtid(view, at, block, offnum);
  view.setUint16(at + T_INFOMASK2, infomask2, true);
  view.setUint16(at + T_INFOMASK, infomask & ~HEAP_COMBOCID, true);
  view.setUint8(at + T_HOFF, hoff);
}

/** XLogInitBufferForRedo() and PageInit(), or XLogReadBufferForRedo(), as the record's opcode says. */
export function initOrReadPage(ctx: RedoContext, blockId: number): Page | null {
  if ((ctx.record.info & XLOG_HEAP_INIT_PAGE) === 0) return ctx.pageForRedo(blockId);
  const page = ctx.initPage(blockId);
  return page === null ? null : page.init();
}

/** heap_xlog_insert() */
function heapXlogInsert(ctx: RedoContext): void {
  const record = ctx.record;
  const { offnum, flags } = readXlHeapInsert(record);
  const ref = blockTag(record, HEAP_BLKREF_HEAP);
  if ((flags & XLH_INSERT_ALL_VISIBLE_CLEARED) !== 0) heapXlogVmClear(ctx, ref, HEAP_BLKREF_VM, VISIBILITYMAP_VALID_BITS);
  const page = initOrReadPage(ctx, HEAP_BLKREF_HEAP);
  if (page === null) return;
  if (page.maxOffset + 1 < offnum) throw new PageError('invalid max offset number');
  const newlen = ref.dataLength - SIZE_OF_HEAP_HEADER;
  if (newlen <= 0) throw new PageError('the record holds no tuple');
  const from = record.view, data = ref.dataAt;
  const at = page.allocateItem(SIZE_OF_HEAP_TUPLE_HEADER + newlen, offnum, true, true);
  writeTupleHeader(page.view, at, record.xid, 0, ref.block, offnum,
    from.getUint16(data, true), from.getUint16(data + 2, true), from.getUint8(data + 4));
  copyBytes(page, at + SIZE_OF_HEAP_TUPLE_HEADER, record, data + SIZE_OF_HEAP_HEADER, newlen);
  page.lsn = ctx.lsn;
  if ((flags & XLH_INSERT_ALL_VISIBLE_CLEARED) !== 0) page.pdFlags &= ~PD_ALL_VISIBLE;
  if ((flags & XLH_INSERT_ALL_FROZEN_SET) !== 0) page.pdFlags |= PD_ALL_VISIBLE;
}

/** heap_xlog_delete() */
function heapXlogDelete(ctx: RedoContext): void {
  const record = ctx.record;
  const xlrec = readXlHeapDelete(record);
  const ref = blockTag(record, HEAP_BLKREF_HEAP);
  if ((xlrec.flags & XLH_DELETE_ALL_VISIBLE_CLEARED) !== 0) heapXlogVmClear(ctx, ref, HEAP_BLKREF_VM, VISIBILITYMAP_VALID_BITS);
  const page = ctx.pageForRedo(HEAP_BLKREF_HEAP);
  if (page === null) return;
  const view = page.view, at = heapTupleAt(page, xlrec.offnum);
  setInfobits(view, at, xlrec.infobits_set);
  setHotUpdated(view, at, false);
  // a speculative insertion that gave way: the tuple becomes dead for everyone
  if ((xlrec.flags & XLH_DELETE_IS_SUPER) === 0) view.setUint32(at + T_XMAX, xlrec.xmax, true);
  else view.setUint32(at + T_XMIN, 0, true);
  resetCmax(view, at);
  pageSetPrunable(page, record.xid);
  if ((xlrec.flags & XLH_DELETE_ALL_VISIBLE_CLEARED) !== 0) page.pdFlags &= ~PD_ALL_VISIBLE;
  if ((xlrec.flags & XLH_DELETE_IS_PARTITION_MOVE) !== 0) setCtid(view, at, MOVED_PARTITIONS_BLOCK_NUMBER, MOVED_PARTITIONS_OFFSET_NUMBER);
  else setCtid(view, at, ref.block, xlrec.offnum);
  page.lsn = ctx.lsn;
}

/** heap_xlog_update(), the old version's half. Gives where the old tuple lies. */
function updateOldTuple(ctx: RedoContext, page: Page, xlrec: XlHeapUpdate, newblk: number, hotUpdate: boolean): number {
  const view = page.view, at = heapTupleAt(page, xlrec.old_offnum);
  setInfobits(view, at, xlrec.old_infobits_set);
  setHotUpdated(view, at, hotUpdate);
  view.setUint32(at + T_XMAX, xlrec.old_xmax, true);
  resetCmax(view, at);
  setCtid(view, at, newblk, xlrec.new_offnum);
  pageSetPrunable(page, ctx.record.xid);
  if ((xlrec.flags & XLH_UPDATE_OLD_ALL_VISIBLE_CLEARED) !== 0) page.pdFlags &= ~PD_ALL_VISIBLE;
  page.lsn = ctx.lsn;
  return at;
}

/**
 * heap_xlog_update(), the new version's half: header and bitmap from the record, then the old tuple's prefix, the record's data and
 * the old tuple's suffix. `oldAt`: the old tuple on the same page, or -1.
 */
function updateNewTuple(ctx: RedoContext, page: Page, xlrec: XlHeapUpdate, ref: BlockRef, oldAt: number): void {
  const record = ctx.record, from = record.view;
  const offnum = xlrec.new_offnum;
  if (page.maxOffset + 1 < offnum) throw new PageError('invalid max offset number');
  let data = ref.dataAt, prefixlen = 0, suffixlen = 0;
  const end = data + ref.dataLength;
  if ((xlrec.flags & XLH_UPDATE_PREFIX_FROM_OLD) !== 0) {
    prefixlen = from.getUint16(data, true);
    data += 2;
  }
  if ((xlrec.flags & XLH_UPDATE_SUFFIX_FROM_OLD) !== 0) {
    suffixlen = from.getUint16(data, true);
    data += 2;
  }
  const infomask2 = from.getUint16(data, true), infomask = from.getUint16(data + 2, true), hoff = from.getUint8(data + 4);
  data += SIZE_OF_HEAP_HEADER;
  const tuplen = end - data;
  // the bitmap and its padding precede the prefix
  const bitmapLength = prefixlen > 0 ? hoff - SIZE_OF_HEAP_TUPLE_HEADER : 0;
  if (tuplen < 0 || bitmapLength < 0 || bitmapLength > tuplen) throw new PageError('the record holds no whole tuple');
  let oldEnd = 0, oldUserData = 0;
  if (prefixlen > 0 || suffixlen > 0) {
    if (oldAt < 0) throw new PageError('prefix or suffix of an old tuple that is not on the page');
    oldUserData = oldAt + page.view.getUint8(oldAt + T_HOFF);
    oldEnd = oldAt + page.lpLen(xlrec.old_offnum);
    if (prefixlen > oldEnd - oldUserData || suffixlen > oldEnd - oldAt) throw new PageError('the old tuple is shorter than its prefix or suffix');
  }
  const at = page.allocateItem(SIZE_OF_HEAP_TUPLE_HEADER + tuplen + prefixlen + suffixlen, offnum, true, true);
  writeTupleHeader(page.view, at, record.xid, xlrec.new_xmax, ref.block, offnum, infomask2, infomask, hoff);
  let newp = at + SIZE_OF_HEAP_TUPLE_HEADER;
  if (prefixlen > 0) {
    copyBytes(page, newp, record, data, bitmapLength);
    newp += bitmapLength;
    copyBytes(page, newp, page, oldUserData, prefixlen);
    newp += prefixlen;
  }
  copyBytes(page, newp, record, data + bitmapLength, tuplen - bitmapLength);
  if (suffixlen > 0) copyBytes(page, newp + tuplen - bitmapLength, page, oldEnd - suffixlen, suffixlen);
  if ((xlrec.flags & XLH_UPDATE_NEW_ALL_VISIBLE_CLEARED) !== 0) page.pdFlags &= ~PD_ALL_VISIBLE;
  page.lsn = ctx.lsn;
}

/** heap_xlog_update() */
function heapXlogUpdate(ctx: RedoContext, hotUpdate: boolean): void {
  const record = ctx.record;
  const xlrec = readXlHeapUpdate(record);
  const newRef = blockTag(record, HEAP_UPDATE_BLKREF_HEAP_NEW), oldRef = record.block(HEAP_UPDATE_BLKREF_HEAP_OLD);
  if ((xlrec.flags & (XLH_UPDATE_OLD_ALL_VISIBLE_CLEARED | XLH_UPDATE_NEW_ALL_VISIBLE_CLEARED)) !== 0) {
    heapXlogUpdateVmClear(ctx, xlrec.flags, newRef, oldRef ?? newRef);
  }
  if (oldRef === undefined) {
    const page = ctx.pageForRedo(HEAP_UPDATE_BLKREF_HEAP_NEW);
    if (page === null) return;
    const oldAt = updateOldTuple(ctx, page, xlrec, newRef.block, hotUpdate);
    updateNewTuple(ctx, page, xlrec, newRef, oldAt);
    return;
  }
  const oldPage = ctx.pageForRedo(HEAP_UPDATE_BLKREF_HEAP_OLD);
  if (oldPage !== null) updateOldTuple(ctx, oldPage, xlrec, newRef.block, hotUpdate);
  const newPage = initOrReadPage(ctx, HEAP_UPDATE_BLKREF_HEAP_NEW);
  if (newPage !== null) updateNewTuple(ctx, newPage, xlrec, newRef, -1);
}

/** heap_xlog_confirm(): a speculative insertion is confirmed. */
function heapXlogConfirm(ctx: RedoContext): void {
  const offnum = readXlHeapConfirm(ctx.record);
  const page = ctx.pageForRedo(HEAP_BLKREF_HEAP);
  if (page === null) return;
  setCtid(page.view, heapTupleAt(page, offnum), blockTag(ctx.record, HEAP_BLKREF_HEAP).block, offnum);
  page.lsn = ctx.lsn;
}

/** heap_xlog_lock() */
function heapXlogLock(ctx: RedoContext): void {
  const record = ctx.record;
  const xlrec = readXlHeapLock(record);
  const ref = blockTag(record, HEAP_BLKREF_HEAP);
  if ((xlrec.flags & XLH_LOCK_ALL_FROZEN_CLEARED) !== 0) heapXlogVmClear(ctx, ref, HEAP_BLKREF_VM, VISIBILITYMAP_ALL_FROZEN);
  const page = ctx.pageForRedo(HEAP_BLKREF_HEAP);
  if (page === null) return;
  const view = page.view, at = heapTupleAt(page, xlrec.offnum);
  setInfobits(view, at, xlrec.infobits_set);
  // the tuple may have been updated by a transaction that aborted
  if (heapXmaxIsLockedOnly(view.getUint16(at + T_INFOMASK, true))) {
    setHotUpdated(view, at, false);
    setCtid(view, at, ref.block, xlrec.offnum);
  }
  view.setUint32(at + T_XMAX, xlrec.xmax, true);
  resetCmax(view, at);
  page.lsn = ctx.lsn;
}

/** heap_xlog_inplace() */
function heapXlogInplace(ctx: RedoContext): void {
  const record = ctx.record;
  const { offnum } = readXlHeapInplace(record);
  const page = ctx.pageForRedo(HEAP_BLKREF_HEAP);
  if (page === null) return;
  const ref = blockTag(record, HEAP_BLKREF_HEAP);
  const at = heapTupleAt(page, offnum), hoff = page.view.getUint8(at + T_HOFF);
  if (page.lpLen(offnum) - hoff !== ref.dataLength) throw new PageError('wrong tuple length');
  copyBytes(page, at + hoff, record, ref.dataAt, ref.dataLength);
  page.lsn = ctx.lsn;
}

/** heap_redo() */
export function heapRedo(ctx: RedoContext): void {
  switch (ctx.record.info & XLOG_HEAP_OPMASK) {
    case XLOG_HEAP_INSERT: heapXlogInsert(ctx); break;
    case XLOG_HEAP_DELETE: heapXlogDelete(ctx); break;
    case XLOG_HEAP_UPDATE: heapXlogUpdate(ctx, false); break;
    case XLOG_HEAP_TRUNCATE: break; // for logical decoding alone: the files change by SMGR records
    case XLOG_HEAP_HOT_UPDATE: heapXlogUpdate(ctx, true); break;
    case XLOG_HEAP_CONFIRM: heapXlogConfirm(ctx); break;
    case XLOG_HEAP_LOCK: heapXlogLock(ctx); break;
    case XLOG_HEAP_INPLACE: heapXlogInplace(ctx); break;
  }
}
