/**
 * Replay of Btree records.
 * Follows btree_redo(), access/nbtree/nbtxlog.c, PG 13–18: same branches, without locks and conflicts.
 */
import {
  BT_MAX_ITEM_SIZE, BTP_HALF_DEAD, BTP_HAS_FULLXID, BTP_HAS_GARBAGE, BTP_INCOMPLETE_SPLIT, BTP_LEAF, BTP_ROOT, BTREE_MAGIC, P_HIKEY,
  P_NONE, SIZE_OF_BT_PAGE_OPAQUE, btpoFlags, firstDataKey, formPosting, heapTidRange, setBtpoCycleid, setBtpoFlags, setBtpoLevel,
  setBtpoNext, setBtpoPrev, setTupleDownLink, swapPosting, tupleDownLink, updatePosting, writeBTMetaPage,
} from '../../pg/nbtree.js';
import { INDEX_AM_RESERVED_BIT, SIZE_OF_INDEX_TUPLE, checkedIndexTupleSize } from '../../pg/indexTuple.js';
import { SIZE_OF_ITEM_POINTER } from '../../pg/itemPointer.js';
import { Page, PageError, SIZE_OF_PAGE_HEADER } from '../../pg/page.js';
import type { BlockRef } from '../../pg/xlogRecord.js';
import { blockTag } from '../recordData.js';
import type { RedoContext } from '../rmgr.js';
import * as xlog from './xlog.js';

const align8 = (n: number): number => (n + 7) & ~7;

/** _bt_pageinit() */
function btPageinit(page: Page): void {
  page.init(SIZE_OF_BT_PAGE_OPAQUE);
}

/** A copy of the index tuple at `at` of the record, its length MAXALIGNed as the writer padded it. */
function recordTuple(ctx: RedoContext, at: number, end: number): Uint8Array {
  const size = align8(checkedIndexTupleSize(ctx.record.view, at, end));
  if (size > end - at) throw new PageError('an index tuple in the record is cut short');
  return ctx.record.bytes.slice(at, at + size);
}

/**
 * _bt_restore_page(): adds the tuples of the record's data, which stand in the order of their storage, last item first.
 */
function btRestorePage(ctx: RedoContext, page: Page, ref: BlockRef): void {
  const { view, bytes } = ctx.record;
  const end = ref.dataAt + ref.dataLength;
  const starts: number[] = [];
  for (let at = ref.dataAt; at < end; at += align8(checkedIndexTupleSize(view, at, end))) starts.push(at);
  let next = end;
  for (let i = starts.length - 1; i >= 0; i--) {
    page.addItem(bytes.subarray(starts[i]!, next), starts.length - i);
    next = starts[i]!;
  }
}

/** _bt_restore_meta() */
function btRestoreMeta(ctx: RedoContext, blockId: number): void {
  const page = ctx.initPage(blockId);
  if (!page) return;
  const md = xlog.readXlBtreeMetadata(ctx.record, blockTag(ctx.record, blockId));
  btPageinit(page);
  writeBTMetaPage(page, {
    btm_magic: BTREE_MAGIC,
    btm_version: md.version,
    btm_root: md.root,
    btm_level: md.level,
    btm_fastroot: md.fastroot,
    btm_fastlevel: md.fastlevel,
    btm_last_cleanup_num_delpages: md.last_cleanup_num_delpages,
    btm_last_cleanup_num_heap_tuples: md.last_cleanup_num_heap_tuples,
    btm_allequalimage: md.allequalimage,
  });
  page.lsn = ctx.lsn;
}

/** _bt_clear_incomplete_split(): the downlink that a split of this page lacked is being inserted. */
function btClearIncompleteSplit(ctx: RedoContext, blockId: number): void {
  const page = ctx.pageForRedo(blockId);
  if (!page) return;
  setBtpoFlags(page, btpoFlags(page) & ~BTP_INCOMPLETE_SPLIT);
  page.lsn = ctx.lsn;
}

/** btree_xlog_insert() */
function btreeXlogInsert(ctx: RedoContext, isleaf: boolean, ismeta: boolean, posting: boolean): void {
  // an insertion on an inner page finishes the split of the child
  if (!isleaf) btClearIncompleteSplit(ctx, 1);
  const page = ctx.pageForRedo(0);
  if (page) {
    const offnum = xlog.readXlBtreeInsertOffnum(ctx.record);
    const ref = blockTag(ctx.record, 0);
    const end = ref.dataAt + ref.dataLength;
    if (!posting) {
      page.addItem(ctx.record.bytes.subarray(ref.dataAt, end), offnum);
    } else {
      // the data begins with the place in the posting list before the new item at which that list is split
      if (ref.dataLength < 2 + SIZE_OF_INDEX_TUPLE) throw new PageError('the record lacks its new item');
      const postingoff = ctx.record.view.getUint16(ref.dataAt, true);
      const newitem = ctx.record.bytes.slice(ref.dataAt + 2, end);
      const oposting = page.item(offnum - 1);
      oposting.set(swapPosting(newitem, oposting, postingoff));
      page.addItem(newitem, offnum);
    }
    page.lsn = ctx.lsn;
  }
  if (ismeta) btRestoreMeta(ctx, 2);
}

/** PageGetTempPageCopySpecial() */
function tempPageCopySpecial(page: Page): Page {
  const temp = new Page();
  btPageinit(temp);
  temp.bytes.set(page.bytes.subarray(temp.pdSpecial), temp.pdSpecial);
  return temp;
}

/** btree_xlog_split() */
function btreeXlogSplit(ctx: RedoContext, newitemonleft: boolean): void {
  const record = ctx.record;
  const xlrec = xlog.readXlBtreeSplit(record);
  const isleaf = xlrec.level === 0;
  const orig = blockTag(record, 0), right = blockTag(record, 1);
  const spagenumber = record.block(2)?.block ?? P_NONE;

  if (!isleaf) btClearIncompleteSplit(ctx, 3);

  // the right half comes from the record alone
  const rpage = ctx.initPage(1);
  if (rpage) {
    btPageinit(rpage);
    setBtpoPrev(rpage, orig.block);
    setBtpoNext(rpage, spagenumber);
    setBtpoLevel(rpage, xlrec.level);
    setBtpoFlags(rpage, isleaf ? BTP_LEAF : 0);
    setBtpoCycleid(rpage, 0);
    btRestorePage(ctx, rpage, right);
    rpage.lsn = ctx.lsn;
  }

  const origpage = ctx.pageForRedo(0);
  if (origpage) {
    splitLeftHalf(ctx, origpage, xlrec, newitemonleft);
    setBtpoFlags(origpage, BTP_INCOMPLETE_SPLIT | (isleaf ? BTP_LEAF : 0));
    setBtpoNext(origpage, right.block);
    setBtpoCycleid(origpage, 0);
    origpage.lsn = ctx.lsn;
  }

  // the left link of the page to the right of the new page
  if (spagenumber !== P_NONE) {
    const spage = ctx.pageForRedo(2);
    if (spage) {
      setBtpoPrev(spage, right.block);
      spage.lsn = ctx.lsn;
    }
  }
}

/** The left half of a split: built on a temporary page in item order, so that the tuples lie as on the primary. */
function splitLeftHalf(ctx: RedoContext, origpage: Page, xlrec: xlog.XlBtreeSplit, newitemonleft: boolean): void {
  const ref = blockTag(ctx.record, 0);
  const end = ref.dataAt + ref.dataLength;
  let at = ref.dataAt;
  let newitem: Uint8Array | null = null, nposting: Uint8Array | null = null;
  let replacepostingoff = 0;
  if (newitemonleft || xlrec.postingoff !== 0) {
    newitem = recordTuple(ctx, at, end);
    at += newitem.length;
    if (xlrec.postingoff !== 0) {
      // the posting list that is split stands before the new item
      replacepostingoff = xlrec.newitemoff - 1;
      nposting = swapPosting(newitem, origpage.item(replacepostingoff), xlrec.postingoff);
    }
  }
  const leftHikey = recordTuple(ctx, at, end);
  if (at + leftHikey.length !== end) throw new PageError('the record holds more than a new item and a high key');

  const leftpage = tempPageCopySpecial(origpage);
  const append = (item: Uint8Array): number => leftpage.addItem(item, leftpage.maxOffset + 1);
  append(leftHikey);
  let off = firstDataKey(origpage);
  for (; off < xlrec.firstrightoff; off++) {
    if (off === replacepostingoff && nposting) {
      append(nposting);
      continue;
    }
    if (newitemonleft && off === xlrec.newitemoff) append(newitem!);
    append(origpage.item(off));
  }
  // the new item may go at the end
  if (newitemonleft && off === xlrec.newitemoff) append(newitem!);
  origpage.bytes.set(leftpage.bytes);
}

/** btree_xlog_dedup() */
function btreeXlogDedup(ctx: RedoContext): void {
  const page = ctx.pageForRedo(0);
  if (!page) return;
  const nintervals = xlog.readXlBtreeDedupNintervals(ctx.record);
  const ref = blockTag(ctx.record, 0);
  if (ref.dataLength < nintervals * 4) throw new PageError(`${nintervals} deduplication intervals exceed the block's data`);
  const newpage = tempPageCopySpecial(page);
  const minoff = firstDataKey(page), maxoff = page.maxOffset;
  if (minoff > P_HIKEY) newpage.addItem(page.item(P_HIKEY), P_HIKEY);
  let interval = 0;
  let off = minoff;
  while (off <= maxoff) {
    const intervalAt = ref.dataAt + interval * 4;
    const isBase = interval < nintervals && ctx.record.view.getUint16(intervalAt, true) === off;
    const nitems = isBase ? ctx.record.view.getUint16(intervalAt + 2, true) : 1;
    if (isBase) interval++;
    if (off + nitems - 1 > maxoff) throw new PageError(`a deduplication interval of ${nitems} items at ${off} exceeds the page's ${maxoff} items`);
    newpage.addItem(nitems > 1 ? mergedPosting(page, off, nitems) : page.item(off), newpage.maxOffset + 1);
    off += Math.max(nitems, 1);
  }
  if (interval !== nintervals) throw new PageError(`only ${interval} of ${nintervals} deduplication intervals begin at an item`);
  setBtpoFlags(newpage, btpoFlags(newpage) & ~BTP_HAS_GARBAGE);
  page.bytes.set(newpage.bytes);
  page.lsn = ctx.lsn;
}

/** _bt_dedup_start_pending(), _bt_dedup_save_htid() and _bt_dedup_finish_pending(): `nitems` items from `baseoff` on as one posting list. */
function mergedPosting(page: Page, baseoff: number, nitems: number): Uint8Array {
  const ranges: Uint8Array[] = [];
  let base: Uint8Array | null = null;
  let length = 0;
  for (let off = baseoff; off < baseoff + nitems; off++) {
    const at = page.itemAt(off);
    const { tidsAt, count, baseSize } = heapTidRange(page.view, at);
    base ??= page.bytes.subarray(at, at + baseSize);
    ranges.push(page.bytes.subarray(tidsAt, tidsAt + count * SIZE_OF_ITEM_POINTER));
    length += count * SIZE_OF_ITEM_POINTER;
    if (align8(base.length + length) > BT_MAX_ITEM_SIZE) throw new PageError('deduplication failed to add heap tid to pending posting list');
  }
  const tids = new Uint8Array(length);
  let at = 0;
  for (const range of ranges) {
    tids.set(range, at);
    at += range.length;
  }
  return formPosting(base!, tids);
}

/** What btree_xlog_vacuum() and btree_xlog_delete() share: shrink posting lists (btree_xlog_updates()), then delete items. */
function applyDelvacuum(ctx: RedoContext, page: Page, counts: xlog.XlBtreeDelvacuum): void {
  const { deleted, updates } = xlog.readDelvacuumArrays(ctx.record, blockTag(ctx.record, 0), counts);
  for (const { offnum, deletedTids } of updates) page.indexTupleOverwrite(offnum, updatePosting(page.item(offnum), deletedTids));
  if (deleted.length > 0) page.indexMultiDelete(deleted);
}

/** btree_xlog_vacuum() */
function btreeXlogVacuum(ctx: RedoContext): void {
  const page = ctx.pageForRedo(0);
  if (!page) return;
  applyDelvacuum(ctx, page, xlog.readXlBtreeVacuum(ctx.record));
  setBtpoCycleid(page, 0);
  setBtpoFlags(page, btpoFlags(page) & ~BTP_HAS_GARBAGE);
  page.lsn = ctx.lsn;
}

/** btree_xlog_delete(): the vacuum cycle id stays. */
function btreeXlogDelete(ctx: RedoContext): void {
  const page = ctx.pageForRedo(0);
  if (!page) return;
  applyDelvacuum(ctx, page, xlog.readXlBtreeDelete(ctx.record));
  setBtpoFlags(page, btpoFlags(page) & ~BTP_HAS_GARBAGE);
  page.lsn = ctx.lsn;
}

/** A half-dead leaf page: empty but for a dummy high key that points to the subtree's top parent. */
function initHalfDeadLeaf(page: Page, leftblk: number, rightblk: number, topparent: number): void {
  btPageinit(page);
  setBtpoPrev(page, leftblk);
  setBtpoNext(page, rightblk);
  setBtpoLevel(page, 0);
  setBtpoFlags(page, BTP_HALF_DEAD | BTP_LEAF);
  setBtpoCycleid(page, 0);
  const trunctuple = new Uint8Array(SIZE_OF_INDEX_TUPLE);
  const view = new DataView(trunctuple.buffer);
  view.setUint16(6, SIZE_OF_INDEX_TUPLE | INDEX_AM_RESERVED_BIT, true);
  setTupleDownLink(view, 0, topparent);
  page.addItem(trunctuple, P_HIKEY);
}

/** btree_xlog_mark_page_halfdead() */
function btreeXlogMarkPageHalfdead(ctx: RedoContext): void {
  const xlrec = xlog.readXlBtreeMarkPageHalfdead(ctx.record);
  // the parent of the subtree to be deleted: its downlink takes the right sibling's place, whose own item goes
  const parent = ctx.pageForRedo(1);
  if (parent) {
    const rightsib = tupleDownLink(parent.view, parent.itemAt(xlrec.poffset + 1));
    setTupleDownLink(parent.view, parent.itemAt(xlrec.poffset), rightsib);
    parent.indexTupleDelete(xlrec.poffset + 1);
    parent.lsn = ctx.lsn;
  }
  const leaf = ctx.initPage(0);
  if (leaf) {
    initHalfDeadLeaf(leaf, xlrec.leftblk, xlrec.rightblk, xlrec.topparent);
    leaf.lsn = ctx.lsn;
  }
}

/** btree_xlog_unlink_page() */
function btreeXlogUnlinkPage(ctx: RedoContext, ismeta: boolean): void {
  const xlrec = xlog.readXlBtreeUnlinkPage(ctx.record);
  if (xlrec.leftsib !== P_NONE) {
    const left = ctx.pageForRedo(1);
    if (left) {
      setBtpoNext(left, xlrec.rightsib);
      left.lsn = ctx.lsn;
    }
  }
  const target = ctx.initPage(0);
  if (target) {
    btPageinit(target);
    setBtpoPrev(target, xlrec.leftsib);
    setBtpoNext(target, xlrec.rightsib);
    setBtpoLevel(target, xlrec.deletedLevel);
    setBtpoFlags(target, xlrec.deletedFlags);
    if ((xlrec.deletedFlags & BTP_HAS_FULLXID) !== 0) {
      // BTPageSetDeleted(): the page's contents are the full xid from which on it may be recycled
      target.pdLower = SIZE_OF_PAGE_HEADER + 8;
      target.view.setUint32(SIZE_OF_PAGE_HEADER, xlrec.safexidXid, true);
      target.view.setUint32(SIZE_OF_PAGE_HEADER + 4, xlrec.safexidEpoch, true);
    }
    setBtpoCycleid(target, 0);
    target.lsn = ctx.lsn;
  }
  const right = ctx.pageForRedo(2);
  if (right) {
    setBtpoPrev(right, xlrec.leftsib);
    right.lsn = ctx.lsn;
  }
  // a parent of the leaf was deleted: the leaf now points to the next child in the subtree
  if (ctx.record.block(3)) {
    const leaf = ctx.initPage(3);
    if (leaf) {
      initHalfDeadLeaf(leaf, xlrec.leafleftsib, xlrec.leafrightsib, xlrec.leaftopparent);
      leaf.lsn = ctx.lsn;
    }
  }
  if (ismeta) btRestoreMeta(ctx, 4);
}

/** btree_xlog_newroot() */
function btreeXlogNewroot(ctx: RedoContext): void {
  const level = xlog.readXlBtreeNewrootLevel(ctx.record);
  const page = ctx.initPage(0);
  if (page) {
    btPageinit(page);
    setBtpoFlags(page, BTP_ROOT | (level === 0 ? BTP_LEAF : 0));
    setBtpoPrev(page, P_NONE);
    setBtpoNext(page, P_NONE);
    setBtpoLevel(page, level);
    setBtpoCycleid(page, 0);
    if (level > 0) btRestorePage(ctx, page, blockTag(ctx.record, 0));
    page.lsn = ctx.lsn;
  }
  if (level > 0) btClearIncompleteSplit(ctx, 1);
  btRestoreMeta(ctx, 2);
}

/** btree_redo() */
export function btreeRedo(ctx: RedoContext): void {
  switch (ctx.record.rmgrInfo) {
    case xlog.XLOG_BTREE_INSERT_LEAF: return btreeXlogInsert(ctx, true, false, false);
    case xlog.XLOG_BTREE_INSERT_UPPER: return btreeXlogInsert(ctx, false, false, false);
    case xlog.XLOG_BTREE_INSERT_META: return btreeXlogInsert(ctx, false, true, false);
    case xlog.XLOG_BTREE_SPLIT_L: return btreeXlogSplit(ctx, true);
    case xlog.XLOG_BTREE_SPLIT_R: return btreeXlogSplit(ctx, false);
    case xlog.XLOG_BTREE_INSERT_POST: return btreeXlogInsert(ctx, true, false, true);
    case xlog.XLOG_BTREE_DEDUP: return btreeXlogDedup(ctx);
    case xlog.XLOG_BTREE_VACUUM: return btreeXlogVacuum(ctx);
    case xlog.XLOG_BTREE_DELETE: return btreeXlogDelete(ctx);
    case xlog.XLOG_BTREE_MARK_PAGE_HALFDEAD: return btreeXlogMarkPageHalfdead(ctx);
    case xlog.XLOG_BTREE_UNLINK_PAGE: return btreeXlogUnlinkPage(ctx, false);
    case xlog.XLOG_BTREE_UNLINK_PAGE_META: return btreeXlogUnlinkPage(ctx, true);
    case xlog.XLOG_BTREE_NEWROOT: return btreeXlogNewroot(ctx);
    // only a conflict point for standbys
    case xlog.XLOG_BTREE_REUSE_PAGE: return;
    case xlog.XLOG_BTREE_META_CLEANUP: return btRestoreMeta(ctx, 0);
    default: throw new PageError(`btree_redo: unknown op code ${ctx.record.rmgrInfo}`);
  }
}
