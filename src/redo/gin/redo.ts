/** gin_redo() and its parts, access/gin/ginxlog.c, PG 13–18. */
import {
  GIN_COMPRESSED, GIN_DATA, GIN_DATA_AT, GIN_DELETED, GIN_INCOMPLETE_SPLIT, GIN_LEAF, GIN_LIST, GIN_LIST_FULLROW, SIZE_OF_GIN_META,
  SIZE_OF_POSTING_ITEM, ginDataPageAddPostingItem, ginDataPageSetDataSize, ginInitMetaPage, ginInitPage, ginPageDeletePostingItem,
  ginPageFlags, ginPageMaxoff, ginPageSetFlags, ginPageSetMaxoff, ginPageSetRightlink, ginPostingItemAt,
} from '../../pg/gin.js';
import { checkedIndexTupleSize } from '../../pg/indexTuple.js';
import { INVALID_BLOCK_NUMBER, writeBlockId } from '../../pg/itemPointer.js';
import { PageError, type Page } from '../../pg/page.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { blockTag } from '../recordData.js';
import type { RedoContext, RedoFunction } from '../rmgr.js';
import { ginRedoRecompress } from './recompress.js';
import {
  GIN_INSERT_ISDATA, GIN_INSERT_ISLEAF, GIN_SPLIT_ROOT,
  XLOG_GIN_CREATE_PTREE, XLOG_GIN_DELETE_LISTPAGE, XLOG_GIN_DELETE_PAGE, XLOG_GIN_INSERT, XLOG_GIN_INSERT_LISTPAGE, XLOG_GIN_SPLIT,
  XLOG_GIN_UPDATE_META_PAGE, XLOG_GIN_VACUUM_DATA_LEAF_PAGE, XLOG_GIN_VACUUM_PAGE,
  readGinxlogCreatePostingTree, readGinxlogDeleteListPages, readGinxlogDeletePage, readGinxlogInsert, readGinxlogInsertDataInternal,
  readGinxlogInsertEntry, readGinxlogInsertListPage, readGinxlogSplit, readGinxlogUpdateMeta,
} from './xlog.js';

/** The page must carry all of `set` and none of `clear`: PostgreSQL asserts it, and a page that does not would be spoilt. */
function requireFlags(page: Page, set: number, clear: number): void {
  const flags = ginPageFlags(page);
  if ((flags & set) !== set || (flags & clear) !== 0) throw new PageError(`unexpected GIN page flags 0x${flags.toString(16)}`);
}

/** ginRedoClearIncompleteSplit() */
function ginRedoClearIncompleteSplit(ctx: RedoContext, blockId: number): void {
  const page = ctx.pageForRedo(blockId);
  if (!page) return;
  ginPageSetFlags(page, ginPageFlags(page) & ~GIN_INCOMPLETE_SPLIT);
  page.lsn = ctx.lsn;
}

/** ginRedoCreatePTree() */
function ginRedoCreatePTree(ctx: RedoContext): void {
  const page = ctx.initPage(0);
  if (!page) return;
  const { size, dataAt } = readGinxlogCreatePostingTree(ctx.record);
  ginInitPage(page, GIN_DATA | GIN_LEAF | GIN_COMPRESSED);
  ginDataPageSetDataSize(page, size);
  page.bytes.set(ctx.record.bytes.subarray(dataAt, dataAt + size), GIN_DATA_AT);
  page.lsn = ctx.lsn;
}

/** ginRedoInsertEntry() */
function ginRedoInsertEntry(page: Page, record: XLogRecord, rightblkno: number): void {
  const data = readGinxlogInsertEntry(record);
  if (rightblkno !== INVALID_BLOCK_NUMBER) {
    // the old downlink now leads to the right half; GinSetDownlink() clears the offset
    requireFlags(page, 0, GIN_LEAF);
    const itup = page.itemAt(data.offset);
    writeBlockId(page.view, itup, rightblkno);
    page.view.setUint16(itup + 4, 0, true);
  }
  if (data.isDelete) {
    requireFlags(page, GIN_LEAF, 0);
    page.indexTupleDelete(data.offset);
  }
  const end = record.block(0)!.dataAt + record.block(0)!.dataLength;
  const size = checkedIndexTupleSize(record.view, data.tupleAt, end);
  page.addItem(record.bytes.subarray(data.tupleAt, data.tupleAt + size), data.offset);
}

/** ginRedoInsertData() */
function ginRedoInsertData(page: Page, record: XLogRecord, isLeaf: boolean, rightblkno: number): void {
  if (isLeaf) {
    requireFlags(page, GIN_LEAF, 0);
    ginRedoRecompress(page, record);
    return;
  }
  requireFlags(page, 0, GIN_LEAF);
  const data = readGinxlogInsertDataInternal(record);
  // the old downlink now leads to the right half
  writeBlockId(page.view, ginPostingItemAt(page, data.offset), rightblkno);
  ginDataPageAddPostingItem(page, record.bytes.subarray(data.newitemAt, data.newitemAt + SIZE_OF_POSTING_ITEM), data.offset);
}

/** ginRedoInsert() */
function ginRedoInsert(ctx: RedoContext): void {
  const { record } = ctx;
  const data = readGinxlogInsert(record);
  const isLeaf = (data.flags & GIN_INSERT_ISLEAF) !== 0;
  if (!isLeaf) ginRedoClearIncompleteSplit(ctx, 1);
  const page = ctx.pageForRedo(0);
  if (!page) return;
  if ((data.flags & GIN_INSERT_ISDATA) !== 0) {
    requireFlags(page, GIN_DATA, 0);
    ginRedoInsertData(page, record, isLeaf, data.rightChildBlkno);
  } else {
    requireFlags(page, 0, GIN_DATA);
    ginRedoInsertEntry(page, record, data.rightChildBlkno);
  }
  page.lsn = ctx.lsn;
}

/** ginRedoSplit(): the halves, and the root of a root split, always come as images. */
function ginRedoSplit(ctx: RedoContext): void {
  const { flags } = readGinxlogSplit(ctx.record);
  if ((flags & GIN_INSERT_ISLEAF) === 0) ginRedoClearIncompleteSplit(ctx, 3);
  if (ctx.pageForRedo(0)) throw new PageError('GIN split record did not contain a full-page image of left page');
  if (ctx.pageForRedo(1)) throw new PageError('GIN split record did not contain a full-page image of right page');
  if ((flags & GIN_SPLIT_ROOT) !== 0 && ctx.pageForRedo(2)) {
    throw new PageError('GIN split record did not contain a full-page image of root page');
  }
}

/** ginRedoVacuumPage(): the page always comes as an image. */
function ginRedoVacuumPage(ctx: RedoContext): void {
  if (ctx.pageForRedo(0)) throw new PageError('replay of gin entry tree page vacuum did not restore the page');
}

/** ginRedoVacuumDataLeafPage() */
function ginRedoVacuumDataLeafPage(ctx: RedoContext): void {
  const page = ctx.pageForRedo(0);
  if (!page) return;
  requireFlags(page, GIN_LEAF | GIN_DATA, 0);
  ginRedoRecompress(page, ctx.record);
  page.lsn = ctx.lsn;
}

/** ginRedoDeletePage() */
function ginRedoDeletePage(ctx: RedoContext): void {
  const data = readGinxlogDeletePage(ctx.record);
  const left = ctx.pageForRedo(2);
  if (left) {
    requireFlags(left, GIN_DATA, 0);
    ginPageSetRightlink(left, data.rightLink);
    left.lsn = ctx.lsn;
  }
  const deleted = ctx.pageForRedo(0);
  if (deleted) {
    requireFlags(deleted, GIN_DATA, 0);
    ginPageSetFlags(deleted, ginPageFlags(deleted) | GIN_DELETED);
    deleted.pdPruneXid = data.deleteXid; // GinPageSetDeleteXid()
    deleted.lsn = ctx.lsn;
  }
  const parent = ctx.pageForRedo(1);
  if (parent) {
    requireFlags(parent, GIN_DATA, GIN_LEAF);
    ginPageDeletePostingItem(parent, data.parentOffset);
    parent.lsn = ctx.lsn;
  }
}

/** Adds the `ntuples` tuples in the block's data after the page's last. */
function addListTuples(page: Page, record: XLogRecord, blockId: number, ntuples: number): void {
  const ref = record.block(blockId)!;
  const end = ref.dataAt + ref.dataLength;
  let at = ref.dataAt;
  for (let i = 0; i < ntuples; i++) {
    const size = checkedIndexTupleSize(record.view, at, end);
    page.addItem(record.bytes.subarray(at, at + size), page.maxOffset + 1);
    at += size;
  }
  if (at !== end) throw new PageError(`${end - at} bytes are left after ${ntuples} tuples`);
}

function redoMetapage(ctx: RedoContext, metadataAt: number): void {
  const metapage = ctx.initPage(0);
  if (!metapage) return;
  ginInitMetaPage(metapage, ctx.record.bytes.subarray(metadataAt, metadataAt + SIZE_OF_GIN_META));
  metapage.lsn = ctx.lsn;
}

/** ginRedoUpdateMetapage() */
function ginRedoUpdateMetapage(ctx: RedoContext): void {
  const data = readGinxlogUpdateMeta(ctx.record);
  redoMetapage(ctx, data.metadataAt);
  if (data.ntuples > 0) {
    const page = ctx.pageForRedo(1);
    if (!page) return;
    addListTuples(page, ctx.record, 1, data.ntuples);
    ginPageSetMaxoff(page, ginPageMaxoff(page) + 1); // heap tuples
    page.lsn = ctx.lsn;
  } else if (data.prevTail !== INVALID_BLOCK_NUMBER) {
    const page = ctx.pageForRedo(1);
    if (!page) return;
    ginPageSetRightlink(page, data.newRightlink);
    page.lsn = ctx.lsn;
  }
}

/** ginRedoInsertListPage() */
function ginRedoInsertListPage(ctx: RedoContext): void {
  const page = ctx.initPage(0);
  if (!page) return;
  const data = readGinxlogInsertListPage(ctx.record);
  ginInitPage(page, GIN_LIST);
  ginPageSetRightlink(page, data.rightlink);
  if (data.rightlink === INVALID_BLOCK_NUMBER) {
    // the tail of its sublist
    ginPageSetFlags(page, GIN_LIST | GIN_LIST_FULLROW);
    ginPageSetMaxoff(page, 1);
  }
  addListTuples(page, ctx.record, 0, data.ntuples);
  page.lsn = ctx.lsn;
}

/** ginRedoDeleteListPages() */
function ginRedoDeleteListPages(ctx: RedoContext): void {
  const data = readGinxlogDeleteListPages(ctx.record);
  redoMetapage(ctx, data.metadataAt);
  for (let i = 0; i < data.ndeleted; i++) {
    blockTag(ctx.record, i + 1);
    const page = ctx.initPage(i + 1);
    if (!page) continue;
    ginInitPage(page, GIN_DELETED);
    page.lsn = ctx.lsn;
  }
}

export const ginRedo: RedoFunction = (ctx) => {
  switch (ctx.record.rmgrInfo) {
    case XLOG_GIN_CREATE_PTREE: ginRedoCreatePTree(ctx); break;
    case XLOG_GIN_INSERT: ginRedoInsert(ctx); break;
    case XLOG_GIN_SPLIT: ginRedoSplit(ctx); break;
    case XLOG_GIN_VACUUM_PAGE: ginRedoVacuumPage(ctx); break;
    case XLOG_GIN_VACUUM_DATA_LEAF_PAGE: ginRedoVacuumDataLeafPage(ctx); break;
    case XLOG_GIN_DELETE_PAGE: ginRedoDeletePage(ctx); break;
    case XLOG_GIN_UPDATE_META_PAGE: ginRedoUpdateMetapage(ctx); break;
    case XLOG_GIN_INSERT_LISTPAGE: ginRedoInsertListPage(ctx); break;
    case XLOG_GIN_DELETE_LISTPAGE: ginRedoDeleteListPages(ctx); break;
    default: throw new PageError(`gin_redo: unknown op code ${ctx.record.rmgrInfo}`);
  }
};
