/**
 * SP-GiST replay. Follows access/spgist/spgxlog.c, PG 13–18.
 */
import { INVALID_BLOCK_NUMBER } from '../../pg/itemPointer.js';
import { PageError, type Page } from '../../pg/page.js';
import {
  addToNPlaceholder, addToNRedirection, readSpGistInnerTuple, readSpGistLeafTuple, readSpGistPageOpaque, readTupstate,
  redirectToPlaceholder, setNextOffset, SPGIST_DEAD, SPGIST_LEAF, SPGIST_NULLS, SPGIST_PLACEHOLDER, SPGIST_REDIRECT, spgFormDeadTuple,
  spGistInitPage, spgPageIndexMultiDelete, spgUpdateNodeLink,
} from '../../pg/spgist.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { blockTag } from '../recordData.js';
import type { RedoContext } from '../rmgr.js';
import {
  readSpgxlogAddLeaf, readSpgxlogAddNode, readSpgxlogMoveLeafs, readSpgxlogPickSplit, readSpgxlogSplitTuple, readSpgxlogVacuumLeaf,
  readSpgxlogVacuumRedirect, readSpgxlogVacuumRoot, XLOG_SPGIST_ADD_LEAF, XLOG_SPGIST_ADD_NODE, XLOG_SPGIST_MOVE_LEAFS,
  XLOG_SPGIST_PICKSPLIT, XLOG_SPGIST_SPLIT_TUPLE, XLOG_SPGIST_VACUUM_LEAF, XLOG_SPGIST_VACUUM_REDIRECT, XLOG_SPGIST_VACUUM_ROOT,
  type SpgxlogPickSplit,
} from './xlog.js';

/** The leaf tuple at `at` of the record's main data. */
function leafTupleAt(record: XLogRecord, at: number): Uint8Array {
  return tupleBytes(record, at, readSpGistLeafTuple(record.view, at).size);
}

/** The inner tuple at `at` of the record's main data. */
function innerTupleAt(record: XLogRecord, at: number): Uint8Array {
  return tupleBytes(record, at, readSpGistInnerTuple(record.view, at).size);
}

function tupleBytes(record: XLogRecord, at: number, size: number): Uint8Array {
  if (size === 0 || at + size > record.mainAt + record.mainLength) throw new PageError(`an SP-GiST tuple of ${size} bytes reaches past its record`);
  return record.bytes.subarray(at, at + size);
}

/** The page of a block that is initialised (where `init`) or read, or null where it is not ours to change. */
function initOrRead(ctx: RedoContext, blockId: number, init: boolean, flags: number): Page | null {
  if (!init) return ctx.pageForRedo(blockId);
  const page = ctx.initPage(blockId);
  if (page) spGistInitPage(page, flags);
  return page;
}

const leafFlags = (storesNulls: boolean): number => SPGIST_LEAF | (storesNulls ? SPGIST_NULLS : 0);

/** addOrReplaceTuple(): what SpGistPageAddNewItem() did: a new item, or one in a placeholder's stead. */
function addOrReplaceTuple(page: Page, tuple: Uint8Array, offset: number): void {
  if (offset <= page.maxOffset) {
    if (readTupstate(page.view, page.itemAt(offset)) !== SPGIST_PLACEHOLDER) throw new PageError('SPGiST tuple to be replaced is not a placeholder');
    addToNPlaceholder(page, -1);
    page.indexTupleDelete(offset);
  }
  page.addItem(tuple, offset);
}

/** Deletes the item and puts the tuple in its place. */
function replaceTuple(page: Page, tuple: Uint8Array, offset: number): void {
  page.indexTupleDelete(offset);
  page.addItem(tuple, offset);
}

/** spgRedoAddLeaf() */
function spgRedoAddLeaf(ctx: RedoContext): void {
  const record = ctx.record;
  const xldata = readSpgxlogAddLeaf(record);
  const page = initOrRead(ctx, 0, xldata.newPage, leafFlags(xldata.storesNulls));
  if (page) {
    const leafTuple = leafTupleAt(record, xldata.leafTupleAt);
    if (xldata.offnumLeaf !== xldata.offnumHeadLeaf) {
      addOrReplaceTuple(page, leafTuple, xldata.offnumLeaf);
      // the head of the chain now points to the new tuple, which took over its link
      if (xldata.offnumHeadLeaf !== 0) setNextOffset(page, xldata.offnumHeadLeaf, xldata.offnumLeaf);
    } else {
      // a DEAD tuple is replaced
      replaceTuple(page, leafTuple, xldata.offnumLeaf);
    }
    page.lsn = ctx.lsn;
  }

  if (xldata.offnumParent !== 0) updateParent(ctx, 1, xldata.offnumParent, xldata.nodeI, blockTag(record, 0).block, xldata.offnumLeaf);
}

/** Points the parent's node to a tuple's new place. */
function updateParent(ctx: RedoContext, blockId: number, offnumParent: number, nodeI: number, block: number, offnum: number): void {
  const page = ctx.pageForRedo(blockId);
  if (page) {
    spgUpdateNodeLink(page, offnumParent, nodeI, block, offnum);
    page.lsn = ctx.lsn;
  }
}

/** spgRedoMoveLeafs() */
function spgRedoMoveLeafs(ctx: RedoContext): void {
  const record = ctx.record;
  const xldata = readSpgxlogMoveLeafs(record);
  const blknoDst = blockTag(record, 1).block;
  const { toInsert, stateSrc } = xldata;

  const dest = initOrRead(ctx, 1, xldata.newPage, leafFlags(xldata.storesNulls));
  if (dest) {
    let at = xldata.leafTuplesAt;
    for (const offset of toInsert) {
      const leafTuple = leafTupleAt(record, at);
      addOrReplaceTuple(dest, leafTuple, offset);
      at += leafTuple.length;
    }
    dest.lsn = ctx.lsn;
  }

  // The source keeps a redirect to the chain's new head.
  const newHead = toInsert[toInsert.length - 1]!;
  const source = ctx.pageForRedo(0);
  if (source) {
    spgPageIndexMultiDelete(
      source, stateSrc, xldata.toDelete, stateSrc.isBuild ? SPGIST_PLACEHOLDER : SPGIST_REDIRECT, SPGIST_PLACEHOLDER, blknoDst, newHead,
    );
    source.lsn = ctx.lsn;
  }

  updateParent(ctx, 2, xldata.offnumParent, xldata.nodeI, blknoDst, newHead);
}

/** spgRedoAddNode() */
function spgRedoAddNode(ctx: RedoContext): void {
  const record = ctx.record;
  const xldata = readSpgxlogAddNode(record);
  const innerTuple = innerTupleAt(record, xldata.innerTupleAt);

  if (!record.block(1)) {
    // update in place
    const page = ctx.pageForRedo(0);
    if (page) {
      replaceTuple(page, innerTuple, xldata.offnum);
      page.lsn = ctx.lsn;
    }
    return;
  }

  const blknoNew = blockTag(record, 1).block;
  const { offnumNew, offnumParent, nodeI, parentBlk, stateSrc } = xldata;
  // AddNode is not used for nulls pages
  const newPage = initOrRead(ctx, 1, xldata.newPage, 0);
  if (newPage) {
    addOrReplaceTuple(newPage, innerTuple, offnumNew);
    if (parentBlk === 1) spgUpdateNodeLink(newPage, offnumParent, nodeI, blknoNew, offnumNew);
    newPage.lsn = ctx.lsn;
  }

  // The old tuple becomes a redirect, or a placeholder while the index is being built.
  const oldPage = ctx.pageForRedo(0);
  if (oldPage) {
    const tupstate = stateSrc.isBuild ? SPGIST_PLACEHOLDER : SPGIST_REDIRECT;
    replaceTuple(oldPage, spgFormDeadTuple(tupstate, stateSrc.redirectXid, blknoNew, offnumNew), xldata.offnum);
    if (stateSrc.isBuild) addToNPlaceholder(oldPage, 1);
    else addToNRedirection(oldPage, 1);
    if (parentBlk === 0) spgUpdateNodeLink(oldPage, offnumParent, nodeI, blknoNew, offnumNew);
    oldPage.lsn = ctx.lsn;
  }

  if (parentBlk === 2) updateParent(ctx, 2, offnumParent, nodeI, blknoNew, offnumNew);
}

/** spgRedoSplitTuple() */
function spgRedoSplitTuple(ctx: RedoContext): void {
  const record = ctx.record;
  const xldata = readSpgxlogSplitTuple(record);
  const prefixTuple = innerTupleAt(record, xldata.prefixTupleAt);
  const postfixTuple = innerTupleAt(record, xldata.prefixTupleAt + prefixTuple.length);

  if (!xldata.postfixBlkSame) {
    // SplitTuple is not used for nulls pages
    const page = initOrRead(ctx, 1, xldata.newPage, 0);
    if (page) {
      addOrReplaceTuple(page, postfixTuple, xldata.offnumPostfix);
      page.lsn = ctx.lsn;
    }
  }

  const page = ctx.pageForRedo(0);
  if (page) {
    replaceTuple(page, prefixTuple, xldata.offnumPrefix);
    if (xldata.postfixBlkSame) addOrReplaceTuple(page, postfixTuple, xldata.offnumPostfix);
    page.lsn = ctx.lsn;
  }
}

/** spgRedoPickSplit() */
function spgRedoPickSplit(ctx: RedoContext): void {
  const record = ctx.record;
  const xldata = readSpgxlogPickSplit(record);
  const innerTuple = innerTupleAt(record, xldata.innerTupleAt);
  const blknoInner = blockTag(record, 2).block;

  const source = pickSplitSource(ctx, xldata, blknoInner);
  const dest = record.block(1) ? initOrRead(ctx, 1, xldata.initDest, leafFlags(xldata.storesNulls)) : null;
  let at = xldata.innerTupleAt + innerTuple.length;
  for (let i = 0; i < xldata.nInsert; i++) {
    const leafTuple = leafTupleAt(record, at);
    at += leafTuple.length;
    const page = record.view.getUint8(xldata.leafPageSelectAt + i) !== 0 ? dest : source;
    if (page) addOrReplaceTuple(page, leafTuple, xldata.toInsert[i]!);
  }
  if (source) source.lsn = ctx.lsn;
  if (dest) dest.lsn = ctx.lsn;

  const inner = initOrRead(ctx, 2, xldata.initInner, xldata.storesNulls ? SPGIST_NULLS : 0);
  if (inner) {
    addOrReplaceTuple(inner, innerTuple, xldata.offnumInner);
    if (xldata.innerIsParent) spgUpdateNodeLink(inner, xldata.offnumParent, xldata.nodeI, blknoInner, xldata.offnumInner);
    inner.lsn = ctx.lsn;
  }

  if (record.block(3)) updateParent(ctx, 3, xldata.offnumParent, xldata.nodeI, blknoInner, xldata.offnumInner);
}

/** The source page of a pick-split with its old leaves gone. A root is touched only as the new inner page. */
function pickSplitSource(ctx: RedoContext, xldata: SpgxlogPickSplit, blknoInner: number): Page | null {
  if (xldata.isRootSplit) return null;
  const page = initOrRead(ctx, 0, xldata.initSrc, leafFlags(xldata.storesNulls));
  if (page && !xldata.initSrc) {
    const state = xldata.stateSrc;
    if (!state.isBuild) {
      // the place of the inner tuple is known, so the redirect can be right at once
      spgPageIndexMultiDelete(page, state, xldata.toDelete, SPGIST_REDIRECT, SPGIST_PLACEHOLDER, blknoInner, xldata.offnumInner);
    } else {
      spgPageIndexMultiDelete(page, state, xldata.toDelete, SPGIST_PLACEHOLDER, SPGIST_PLACEHOLDER, INVALID_BLOCK_NUMBER, 0);
    }
  }
  return page;
}

/** spgRedoVacuumLeaf() */
function spgRedoVacuumLeaf(ctx: RedoContext): void {
  const xldata = readSpgxlogVacuumLeaf(ctx.record);
  const { stateSrc, moveSrc, moveDest, chainSrc, chainDest } = xldata;
  const page = ctx.pageForRedo(0);
  if (!page) return;
  spgPageIndexMultiDelete(page, stateSrc, xldata.toDead, SPGIST_DEAD, SPGIST_DEAD, INVALID_BLOCK_NUMBER, 0);
  spgPageIndexMultiDelete(page, stateSrc, xldata.toPlaceholder, SPGIST_PLACEHOLDER, SPGIST_PLACEHOLDER, INVALID_BLOCK_NUMBER, 0);
  // Swapping line pointers moves the tuples; what then lies at the source is deleted.
  for (let i = 0; i < moveSrc.length; i++) swapItemIds(page, moveSrc[i]!, moveDest[i]!);
  spgPageIndexMultiDelete(page, stateSrc, moveSrc, SPGIST_PLACEHOLDER, SPGIST_PLACEHOLDER, INVALID_BLOCK_NUMBER, 0);
  for (let i = 0; i < chainSrc.length; i++) setNextOffset(page, chainSrc[i]!, chainDest[i]!);
  page.lsn = ctx.lsn;
}

function swapItemIds(page: Page, a: number, b: number): void {
  const off = page.lpOff(a), flags = page.lpFlags(a), len = page.lpLen(a);
  page.setItemId(a, page.lpOff(b), page.lpFlags(b), page.lpLen(b));
  page.setItemId(b, off, flags, len);
}

/** spgRedoVacuumRoot() */
function spgRedoVacuumRoot(ctx: RedoContext): void {
  const xldata = readSpgxlogVacuumRoot(ctx.record);
  const page = ctx.pageForRedo(0);
  if (page) {
    page.indexMultiDelete(xldata.toDelete);
    page.lsn = ctx.lsn;
  }
}

/** spgRedoVacuumRedirect() */
function spgRedoVacuumRedirect(ctx: RedoContext): void {
  const xldata = readSpgxlogVacuumRedirect(ctx.record);
  const { itemToPlaceholder, firstPlaceholder } = xldata;
  const page = ctx.pageForRedo(0);
  if (!page) return;
  if (readSpGistPageOpaque(page).nRedirection < itemToPlaceholder.length) throw new PageError('more SP-GiST redirects are removed than the page has');
  for (const offnum of itemToPlaceholder) redirectToPlaceholder(page, offnum);
  addToNRedirection(page, -itemToPlaceholder.length);
  addToNPlaceholder(page, itemToPlaceholder.length);

  if (firstPlaceholder !== 0) {
    // placeholders at the page's end serve no one
    const toDelete: number[] = [];
    for (let offnum = firstPlaceholder; offnum <= page.maxOffset; offnum++) toDelete.push(offnum);
    addToNPlaceholder(page, -toDelete.length);
    page.indexMultiDelete(toDelete);
  }
  page.lsn = ctx.lsn;
}

/** spg_redo() */
export function spgRedo(ctx: RedoContext): void {
  const info = ctx.record.rmgrInfo;
  switch (info) {
    case XLOG_SPGIST_ADD_LEAF: return spgRedoAddLeaf(ctx);
    case XLOG_SPGIST_MOVE_LEAFS: return spgRedoMoveLeafs(ctx);
    case XLOG_SPGIST_ADD_NODE: return spgRedoAddNode(ctx);
    case XLOG_SPGIST_SPLIT_TUPLE: return spgRedoSplitTuple(ctx);
    case XLOG_SPGIST_PICKSPLIT: return spgRedoPickSplit(ctx);
    case XLOG_SPGIST_VACUUM_LEAF: return spgRedoVacuumLeaf(ctx);
    case XLOG_SPGIST_VACUUM_ROOT: return spgRedoVacuumRoot(ctx);
    case XLOG_SPGIST_VACUUM_REDIRECT: return spgRedoVacuumRedirect(ctx);
    default: throw new PageError(`spg_redo: unknown op code ${info}`);
  }
}
