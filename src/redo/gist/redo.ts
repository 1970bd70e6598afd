/** gist_redo() and its parts, access/gist/gistxlog.c, PG 13–18. */
import {
  F_FOLLOW_RIGHT, F_HAS_GARBAGE, F_LEAF, F_TUPLES_DELETED, GIST_ROOT_BLKNO,
  gistInitPage, gistPageFlags, gistPageSetDeleted, gistPageSetFlags, gistPageSetNsn, gistPageSetRightlink,
} from '../../pg/gist.js';
import { checkedIndexTupleSize } from '../../pg/indexTuple.js';
import { INVALID_BLOCK_NUMBER } from '../../pg/itemPointer.js';
import { PageError, type Page } from '../../pg/page.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { blockDataAt, blockTag } from '../recordData.js';
import type { RedoContext, RedoFunction } from '../rmgr.js';
import {
  XLOG_GIST_ASSIGN_LSN, XLOG_GIST_DELETE, XLOG_GIST_PAGE_DELETE, XLOG_GIST_PAGE_REUSE, XLOG_GIST_PAGE_SPLIT, XLOG_GIST_PAGE_UPDATE,
  readGistxlogDelete, readGistxlogPageDelete, readGistxlogPageSplit, readGistxlogPageUpdate,
} from './xlog.js';

/** gistRedoClearFollowRight(): the split that left this page to the right half's downlink is complete. */
function gistRedoClearFollowRight(ctx: RedoContext, blockId: number): void {
  const page = ctx.pageForRedo(blockId);
  if (!page) return;
  gistPageSetNsn(page, ctx.lsn);
  gistPageSetFlags(page, gistPageFlags(page) & ~F_FOLLOW_RIGHT);
  page.lsn = ctx.lsn;
}

/** Adds the index tuples that fill `at…end` of the record, from offset number `off` on. Gives how many there were. */
function addTuples(page: Page, record: XLogRecord, at: number, end: number, off: number): number {
  let count = 0;
  while (at < end) {
    const size = checkedIndexTupleSize(record.view, at, end);
    page.addItem(record.bytes.subarray(at, at + size), off + count);
    at += size;
    count++;
  }
  return count;
}

function readOffsets(record: XLogRecord, at: number, count: number): number[] {
  const offsets: number[] = [];
  for (let i = 0; i < count; i++) offsets.push(record.view.getUint16(at + i * 2, true));
  return offsets;
}

/** gistRedoPageUpdateRecord() */
function gistRedoPageUpdateRecord(ctx: RedoContext): void {
  const { record } = ctx;
  const page = ctx.pageForRedo(0);
  if (page) {
    const xldata = readGistxlogPageUpdate(record);
    let data = blockDataAt(record, 0, xldata.ntodelete * 2);
    const end = data + record.block(0)!.dataLength;
    let ninserted = 0;
    if (xldata.ntodelete === 1 && xldata.ntoinsert === 1) {
      // one for one: overwritten in place, as gistplacetopage() does
      const offnum = record.view.getUint16(data, true);
      data += 2;
      if (data + checkedIndexTupleSize(record.view, data, end) !== end) throw new PageError('a GiST replacement holds other than one tuple');
      page.indexTupleOverwrite(offnum, record.bytes.subarray(data, end));
      data = end;
      ninserted++;
    } else if (xldata.ntodelete > 0) {
      page.indexMultiDelete(readOffsets(record, data, xldata.ntodelete));
      data += xldata.ntodelete * 2;
      const flags = gistPageFlags(page);
      if ((flags & F_LEAF) !== 0) gistPageSetFlags(page, flags | F_TUPLES_DELETED);
    }
    if (data < end) ninserted += addTuples(page, record, data, end, page.maxOffset + 1);
    if (ninserted !== xldata.ntoinsert) throw new PageError(`a GiST update holds ${ninserted} tuples, not ${xldata.ntoinsert}`);
    page.lsn = ctx.lsn;
  }
  if (record.block(1)) gistRedoClearFollowRight(ctx, 1);
}

/** gistRedoDeleteRecord() */
function gistRedoDeleteRecord(ctx: RedoContext): void {
  const page = ctx.pageForRedo(0);
  if (!page) return;
  page.indexMultiDelete(readGistxlogDelete(ctx.record).offsets);
  gistPageSetFlags(page, (gistPageFlags(page) & ~F_HAS_GARBAGE) | F_TUPLES_DELETED);
  page.lsn = ctx.lsn;
}

/** gistRedoPageSplitRecord() */
function gistRedoPageSplitRecord(ctx: RedoContext): void {
  const { record } = ctx;
  const xldata = readGistxlogPageSplit(record);
  let isrootsplit = false;
  for (let i = 0; i < xldata.npage; i++) {
    const blkno = blockTag(record, i + 1).block;
    if (blkno === GIST_ROOT_BLKNO) isrootsplit = true;
    const page = ctx.initPage(i + 1);
    if (!page) continue;
    const data = blockDataAt(record, i + 1, 4);
    const num = record.view.getInt32(data, true);
    gistInitPage(page, xldata.origleaf && blkno !== GIST_ROOT_BLKNO ? F_LEAF : 0);
    const added = addTuples(page, record, data + 4, data + record.block(i + 1)!.dataLength, 1);
    if (added !== num) throw new PageError(`a part of a GiST split holds ${added} tuples, not ${num}`);
    const isLast = i === xldata.npage - 1;
    let rightlink = INVALID_BLOCK_NUMBER;
    if (blkno !== GIST_ROOT_BLKNO) rightlink = isLast ? xldata.origrlink : blockTag(record, i + 2).block;
    gistPageSetRightlink(page, rightlink);
    gistPageSetNsn(page, xldata.orignsn);
    if (blkno !== GIST_ROOT_BLKNO && !isLast && !isrootsplit && xldata.markfollowright) {
      gistPageSetFlags(page, gistPageFlags(page) | F_FOLLOW_RIGHT);
    }
    page.lsn = ctx.lsn;
  }
  if (record.block(0)) gistRedoClearFollowRight(ctx, 0);
}

/** gistRedoPageDelete() */
function gistRedoPageDelete(ctx: RedoContext): void {
  const xldata = readGistxlogPageDelete(ctx.record);
  const leaf = ctx.pageForRedo(0);
  if (leaf) {
    gistPageSetDeleted(leaf, xldata.deleteXid);
    leaf.lsn = ctx.lsn;
  }
  const parent = ctx.pageForRedo(1);
  if (parent) {
    parent.indexTupleDelete(xldata.downlinkOffset);
    parent.lsn = ctx.lsn;
  }
}

export const gistRedo: RedoFunction = (ctx) => {
  switch (ctx.record.rmgrInfo) {
    case XLOG_GIST_PAGE_UPDATE: gistRedoPageUpdateRecord(ctx); break;
    case XLOG_GIST_DELETE: gistRedoDeleteRecord(ctx); break;
    case XLOG_GIST_PAGE_REUSE: break; // a conflict point for standbys
    case XLOG_GIST_PAGE_SPLIT: gistRedoPageSplitRecord(ctx); break;
    case XLOG_GIST_PAGE_DELETE: gistRedoPageDelete(ctx); break;
    case XLOG_GIST_ASSIGN_LSN: break; // takes an LSN and changes nothing
    default: throw new PageError(`gist_redo: unknown op code ${ctx.record.rmgrInfo}`);
  }
};

/**
 * What replay still does to a page that its image has just restored: the image of a split's left half was taken before its
 * F_FOLLOW_RIGHT was cleared and its NSN set.
 */
export const gistRedoRestored: RedoFunction = (ctx) => {
  switch (ctx.record.rmgrInfo) {
    case XLOG_GIST_PAGE_UPDATE:
      if (ctx.record.block(1)) gistRedoClearFollowRight(ctx, 1);
      break;
    case XLOG_GIST_PAGE_SPLIT:
      if (ctx.record.block(0)) gistRedoClearFollowRight(ctx, 0);
      break;
  }
};
