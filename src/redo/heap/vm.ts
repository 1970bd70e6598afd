/**
 * What heap records do to the visibility map: bits are cleared through flags alone, without a block reference (all WAL before 17.11 and
 * 18.6), or through a registered map page. Follows heap_xlog_vm_clear() and heap_xlog_update(), access/heap/heapam_xlog.c, PG 13–18.
 */
import { ForkNumber } from '../../pg/relFileLocator.js';
import {
  heapBlockToMapBlock, VISIBILITYMAP_VALID_BITS, visibilitymapClear,
} from '../../pg/visibilityMap.js';
import type { BlockRef, XLogRecord } from '../../pg/xlogRecord.js';
import { blockTag, mainData } from '../recordData.js';
import type { ImplicitEditsFunction, RedoContext } from '../rmgr.js';
import {
  HEAP_BLKREF_HEAP, HEAP_BLKREF_VM, HEAP_UPDATE_BLKREF_HEAP_NEW, HEAP_UPDATE_BLKREF_HEAP_OLD, HEAP_UPDATE_BLKREF_VM_NEW,
  HEAP_UPDATE_BLKREF_VM_OLD, XLH_DELETE_ALL_VISIBLE_CLEARED, XLH_INSERT_ALL_VISIBLE_CLEARED, XLH_LOCK_ALL_FROZEN_CLEARED,
  XLH_UPDATE_NEW_ALL_VISIBLE_CLEARED, XLH_UPDATE_OLD_ALL_VISIBLE_CLEARED, XLOG_HEAP_DELETE, XLOG_HEAP_HOT_UPDATE, XLOG_HEAP_INSERT,
  XLOG_HEAP_LOCK, XLOG_HEAP_OPMASK, XLOG_HEAP_UPDATE,
} from './xlog.js';
import { XLOG_HEAP2_LOCK_UPDATED, XLOG_HEAP2_MULTI_INSERT } from './xlog2.js';

/**
 * visibilitymap_pin() and visibilitymap_clear() without a block reference. The map's LSN does not move: the page may be newer than the
 * record, and is cleared all the same.
 */
function clearImplicitly(ctx: RedoContext, heap: BlockRef, flags: number): void {
  const page = ctx.visibilityMapPage(heap, heap.block);
  if (page === null) return;
  // vm_extend(): PostgreSQL makes the map's page where there is none
  if (page.isNew) page.init();
  visibilitymapClear(page, heap.block, flags);
}

/** heap_xlog_vm_clear(): for records that change one heap block. */
export function heapXlogVmClear(ctx: RedoContext, heap: BlockRef, vmBlockId: number, flags: number): void {
  if (ctx.record.block(vmBlockId) === undefined) {
    clearImplicitly(ctx, heap, flags);
    return;
  }
  const page = ctx.pageForRedo(vmBlockId);
  if (page !== null && visibilitymapClear(page, heap.block, flags)) page.lsn = ctx.lsn;
}

/** heap_xlog_update()'s part on the visibility map. `oldRef` is `newRef` where one block holds both versions. */
export function heapXlogUpdateVmClear(ctx: RedoContext, flags: number, newRef: BlockRef, oldRef: BlockRef): void {
  const oldCleared = (flags & XLH_UPDATE_OLD_ALL_VISIBLE_CLEARED) !== 0, newCleared = (flags & XLH_UPDATE_NEW_ALL_VISIBLE_CLEARED) !== 0;
  const vmNew = ctx.record.block(HEAP_UPDATE_BLKREF_VM_NEW), vmOld = ctx.record.block(HEAP_UPDATE_BLKREF_VM_OLD);
  if (vmNew === undefined && vmOld === undefined) {
    if (oldCleared) clearImplicitly(ctx, oldRef, VISIBILITYMAP_VALID_BITS);
    if (newCleared) clearImplicitly(ctx, newRef, VISIBILITYMAP_VALID_BITS);
    return;
  }
  if (vmNew !== undefined) {
    const page = ctx.pageForRedo(HEAP_UPDATE_BLKREF_VM_NEW);
    if (page !== null) {
      // the one registered map page may stand for both heap blocks
      if (oldCleared && heapBlockToMapBlock(oldRef.block) === vmNew.block && visibilitymapClear(page, oldRef.block, VISIBILITYMAP_VALID_BITS)) {
        page.lsn = ctx.lsn;
      }
      if (visibilitymapClear(page, newRef.block, VISIBILITYMAP_VALID_BITS)) page.lsn = ctx.lsn;
    }
  }
  if (vmOld !== undefined) {
    const page = ctx.pageForRedo(HEAP_UPDATE_BLKREF_VM_OLD);
    if (page !== null && visibilitymapClear(page, oldRef.block, VISIBILITYMAP_VALID_BITS)) page.lsn = ctx.lsn;
  }
}

type Emit = Parameters<ImplicitEditsFunction>[1];

function emitVmPage(heap: BlockRef, emit: Emit): void {
  emit({ spcOid: heap.spcOid, dbOid: heap.dbOid, relNumber: heap.relNumber, fork: ForkNumber.vm }, heapBlockToMapBlock(heap.block));
}

/** One map page, where the byte at `flagsAt` of the main data has `flag` and the record does not register the page. */
function emitOne(record: XLogRecord, flagsAt: number, flag: number, emit: Emit): void {
  if ((record.view.getUint8(mainData(record, flagsAt + 1, 'the record') + flagsAt) & flag) === 0) return;
  if (record.block(HEAP_BLKREF_VM) === undefined) emitVmPage(blockTag(record, HEAP_BLKREF_HEAP), emit);
}

function emitUpdate(record: XLogRecord, emit: Emit): void {
  const flags = record.view.getUint8(mainData(record, 8, 'xl_heap_update') + 7);
  if ((flags & (XLH_UPDATE_OLD_ALL_VISIBLE_CLEARED | XLH_UPDATE_NEW_ALL_VISIBLE_CLEARED)) === 0) return;
  if (record.block(HEAP_UPDATE_BLKREF_VM_NEW) !== undefined || record.block(HEAP_UPDATE_BLKREF_VM_OLD) !== undefined) return;
  const newRef = blockTag(record, HEAP_UPDATE_BLKREF_HEAP_NEW);
  const oldRef = record.block(HEAP_UPDATE_BLKREF_HEAP_OLD) ?? newRef;
  const newCleared = (flags & XLH_UPDATE_NEW_ALL_VISIBLE_CLEARED) !== 0;
  if (newCleared) emitVmPage(newRef, emit);
  if ((flags & XLH_UPDATE_OLD_ALL_VISIBLE_CLEARED) === 0) return;
  // one entry where both versions share a map page
  if (!newCleared || heapBlockToMapBlock(oldRef.block) !== heapBlockToMapBlock(newRef.block)) emitVmPage(oldRef, emit);
}

/** The visibility map's pages that a Heap record clears without a block reference. */
export const heapImplicitEdits: ImplicitEditsFunction = (record, emit) => {
  switch (record.info & XLOG_HEAP_OPMASK) {
    case XLOG_HEAP_INSERT: emitOne(record, 2, XLH_INSERT_ALL_VISIBLE_CLEARED, emit); break;
    case XLOG_HEAP_DELETE: emitOne(record, 7, XLH_DELETE_ALL_VISIBLE_CLEARED, emit); break;
    case XLOG_HEAP_LOCK: emitOne(record, 7, XLH_LOCK_ALL_FROZEN_CLEARED, emit); break;
    case XLOG_HEAP_UPDATE:
    case XLOG_HEAP_HOT_UPDATE: emitUpdate(record, emit); break;
  }
};

/** The visibility map's pages that a Heap2 record clears without a block reference. */
export const heap2ImplicitEdits: ImplicitEditsFunction = (record, emit) => {
  switch (record.info & XLOG_HEAP_OPMASK) {
    case XLOG_HEAP2_MULTI_INSERT: emitOne(record, 0, XLH_INSERT_ALL_VISIBLE_CLEARED, emit); break;
    case XLOG_HEAP2_LOCK_UPDATED: emitOne(record, 7, XLH_LOCK_ALL_FROZEN_CLEARED, emit); break;
  }
};
