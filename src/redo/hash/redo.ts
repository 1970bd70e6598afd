/**
 * Replay of Hash records.
 * Follows hash_redo(), access/hash/hash_xlog.c, PG 13–18: same branches, without locks and conflicts. Blocks that PostgreSQL reads
 * only for a cleanup lock are not asked for.
 */
import { checkedIndexTupleSize } from '../../pg/indexTuple.js';
import { INVALID_BLOCK_NUMBER } from '../../pg/itemPointer.js';
import {
  HashMeta, INVALID_BUCKET, LH_BUCKET_NEEDS_SPLIT_CLEANUP, LH_OVERFLOW_PAGE, LH_PAGE_HAS_DEAD_TUPLES, LH_UNUSED_PAGE, hashMappAt,
  hashSparesAt, hashoFlag, initHashBitmapPage, initHashMetapage, initHashPage, setHashBitmapBit, setHashoFlag, setHashoNextblkno,
  setHashoPrevblkno,
} from '../../pg/hash.js';
import { PageError, type Page } from '../../pg/page.js';
import { blockDataAt, blockTag } from '../recordData.js';
import type { RedoContext } from '../rmgr.js';
import * as xlog from './xlog.js';

const align8 = (n: number): number => (n + 7) & ~7;

/** A uint32 of a block's data. */
function blockUint32(ctx: RedoContext, blockId: number, offset = 0): number {
  return ctx.record.view.getUint32(blockDataAt(ctx.record, blockId, offset + 4) + offset, true);
}

/** Adds `by` to a uint32 of the metapage and gives what was there before. */
function addUint32(page: Page, at: number, by: number): number {
  const before = page.view.getUint32(at, true);
  page.view.setUint32(at, before + by, true);
  return before;
}

/** hash_xlog_init_meta_page() */
function hashXlogInitMetaPage(ctx: RedoContext): void {
  const page = ctx.initPage(0);
  if (!page) return;
  const xlrec = xlog.readXlHashInitMetaPage(ctx.record);
  initHashMetapage(page, xlrec.num_tuples, xlrec.procid, xlrec.ffactor);
  page.lsn = ctx.lsn;
}

/** hash_xlog_init_bitmap_page() */
function hashXlogInitBitmapPage(ctx: RedoContext): void {
  const bitmap = ctx.initPage(0);
  if (bitmap) {
    initHashBitmapPage(bitmap, xlog.readXlHashInitBitmapPageBmsize(ctx.record));
    bitmap.lsn = ctx.lsn;
  }
  const meta = ctx.pageForRedo(1);
  if (meta) {
    const numBuckets = meta.view.getUint32(HashMeta.maxbucket, true) + 1;
    meta.view.setUint32(hashMappAt(addUint32(meta, HashMeta.nmaps, 1)), numBuckets + 1, true);
    meta.lsn = ctx.lsn;
  }
}

/** hash_xlog_insert() */
function hashXlogInsert(ctx: RedoContext): void {
  const page = ctx.pageForRedo(0);
  if (page) {
    const ref = ctx.record.block(0)!;
    page.addItem(ctx.record.bytes.subarray(ref.dataAt, ref.dataAt + ref.dataLength), xlog.readXlHashInsertOffnum(ctx.record));
    page.lsn = ctx.lsn;
  }
  const meta = ctx.pageForRedo(1);
  if (meta) {
    meta.view.setFloat64(HashMeta.ntuples, meta.view.getFloat64(HashMeta.ntuples, true) + 1, true);
    meta.lsn = ctx.lsn;
  }
}

/** hash_xlog_add_ovfl_page() */
function hashXlogAddOvflPage(ctx: RedoContext): void {
  const record = ctx.record;
  const xlrec = xlog.readXlHashAddOvflPage(record);
  const right = blockTag(record, 0), left = blockTag(record, 1), newmap = record.block(3);

  const ovfl = ctx.initPage(0);
  if (ovfl) {
    initHashPage(ovfl, left.block, blockUint32(ctx, 0), LH_OVERFLOW_PAGE);
    ovfl.lsn = ctx.lsn;
  }
  const leftpage = ctx.pageForRedo(1);
  if (leftpage) {
    setHashoNextblkno(leftpage, right.block);
    leftpage.lsn = ctx.lsn;
  }
  if (record.block(2)) {
    const map = ctx.pageForRedo(2);
    if (map) {
      setHashBitmapBit(map, blockUint32(ctx, 2), true);
      map.lsn = ctx.lsn;
    }
  }
  if (newmap) {
    const map = ctx.initPage(3);
    if (map) {
      initHashBitmapPage(map, xlrec.bmsize);
      map.lsn = ctx.lsn;
    }
  }
  const meta = ctx.pageForRedo(4);
  if (meta) {
    meta.view.setUint32(HashMeta.firstfree, blockUint32(ctx, 4), true);
    if (!xlrec.bmpage_found) {
      const spares = hashSparesAt(meta.view.getUint32(HashMeta.ovflpoint, true));
      addUint32(meta, spares, 1);
      if (newmap) {
        meta.view.setUint32(hashMappAt(addUint32(meta, HashMeta.nmaps, 1)), newmap.block, true);
        addUint32(meta, spares, 1);
      }
    }
    meta.lsn = ctx.lsn;
  }
}

/**
 * hash_xlog_split_allocate_page(). PostgreSQL sets the old bucket's fields on a restored image too; they are in the image,
 * which was taken after the change.
 */
function hashXlogSplitAllocatePage(ctx: RedoContext): void {
  const xlrec = xlog.readXlHashSplitAllocatePage(ctx.record);
  const oldpage = ctx.pageForRedo(0);
  if (oldpage) {
    setHashoFlag(oldpage, xlrec.old_bucket_flag);
    setHashoPrevblkno(oldpage, xlrec.new_bucket);
    oldpage.lsn = ctx.lsn;
  }
  const newpage = ctx.initPage(1);
  if (newpage) {
    initHashPage(newpage, xlrec.new_bucket, xlrec.new_bucket, xlrec.new_bucket_flag);
    newpage.lsn = ctx.lsn;
  }
  const meta = ctx.pageForRedo(2);
  if (meta) {
    meta.view.setUint32(HashMeta.maxbucket, xlrec.new_bucket, true);
    let offset = 0;
    if ((xlrec.flags & xlog.XLH_SPLIT_META_UPDATE_MASKS) !== 0) {
      meta.view.setUint32(HashMeta.lowmask, blockUint32(ctx, 2, 0), true);
      meta.view.setUint32(HashMeta.highmask, blockUint32(ctx, 2, 4), true);
      offset = 8;
    }
    if ((xlrec.flags & xlog.XLH_SPLIT_META_UPDATE_SPLITPOINT) !== 0) {
      const ovflpoint = blockUint32(ctx, 2, offset);
      meta.view.setUint32(hashSparesAt(ovflpoint), blockUint32(ctx, 2, offset + 4), true);
      meta.view.setUint32(HashMeta.ovflpoint, ovflpoint, true);
    }
    meta.lsn = ctx.lsn;
  }
}

/** hash_xlog_split_page(): the record is nothing but an image. */
function hashXlogSplitPage(ctx: RedoContext): void {
  if (ctx.pageForRedo(0)) throw new PageError('Hash split record did not contain a full-page image');
}

/** hash_xlog_split_complete(); of restored images the same holds as in hash_xlog_split_allocate_page(). */
function hashXlogSplitComplete(ctx: RedoContext): void {
  const xlrec = xlog.readXlHashSplitComplete(ctx.record);
  const oldpage = ctx.pageForRedo(0);
  if (oldpage) {
    setHashoFlag(oldpage, xlrec.old_bucket_flag);
    oldpage.lsn = ctx.lsn;
  }
  const newpage = ctx.pageForRedo(1);
  if (newpage) {
    setHashoFlag(newpage, xlrec.new_bucket_flag);
    newpage.lsn = ctx.lsn;
  }
}

/** What a move and a squeeze add to the write page: block 1's data is `ntups` offset numbers, then the tuples. */
function addMovedTuples(ctx: RedoContext, page: Page, ntups: number): void {
  const { view, bytes } = ctx.record;
  const ref = ctx.record.block(1)!;
  const towrite = blockDataAt(ctx.record, 1, ntups * 2);
  const end = ref.dataAt + ref.dataLength;
  let ninserted = 0;
  for (let at = towrite + ntups * 2; at < end; ninserted++) {
    const size = align8(checkedIndexTupleSize(view, at, end));
    if (ninserted === ntups) throw new PageError(`more than the ${ntups} tuples that the record announces`);
    page.addItem(bytes.subarray(at, at + size), view.getUint16(towrite + ninserted * 2, true));
    at += size;
  }
  if (ninserted !== ntups) throw new PageError(`${ninserted} of the ${ntups} tuples that the record announces`);
}

/** Deletes the items whose offset numbers are a block's data. */
function deleteListed(ctx: RedoContext, page: Page, blockId: number): void {
  const ref = ctx.record.block(blockId)!;
  const offsets = xlog.readOffsets(ctx.record.view, ref.dataAt, ref.dataLength >> 1);
  if (offsets.length > 0) page.indexMultiDelete(offsets);
}

/** hash_xlog_move_page_contents() */
function hashXlogMovePageContents(ctx: RedoContext): void {
  const { ntups } = xlog.readXlHashMovePageContents(ctx.record);
  const writepage = ctx.pageForRedo(1);
  if (writepage) {
    if (ntups > 0) addMovedTuples(ctx, writepage, ntups);
    writepage.lsn = ctx.lsn;
  }
  const deletepage = ctx.pageForRedo(2);
  if (deletepage) {
    deleteListed(ctx, deletepage, 2);
    deletepage.lsn = ctx.lsn;
  }
}

/** hash_xlog_squeeze_page() */
function hashXlogSqueezePage(ctx: RedoContext): void {
  const xlrec = xlog.readXlHashSqueezePage(ctx.record);
  const writepage = ctx.pageForRedo(1);
  if (writepage) {
    if (xlrec.ntups > 0) addMovedTuples(ctx, writepage, xlrec.ntups);
    // the write page may be the one before the freed page
    if (xlrec.is_prev_bucket_same_wrt) setHashoNextblkno(writepage, xlrec.nextblkno);
    if (xlrec.bumpsWritePage) writepage.lsn = ctx.lsn;
  }
  const ovflpage = ctx.pageForRedo(2);
  if (ovflpage) {
    initHashPage(ovflpage, INVALID_BLOCK_NUMBER, INVALID_BUCKET, LH_UNUSED_PAGE);
    ovflpage.lsn = ctx.lsn;
  }
  const prevpage = xlrec.is_prev_bucket_same_wrt ? null : ctx.pageForRedo(3);
  if (prevpage) {
    setHashoNextblkno(prevpage, xlrec.nextblkno);
    prevpage.lsn = ctx.lsn;
  }
  const nextpage = ctx.pageForRedo(4);
  if (nextpage) {
    setHashoPrevblkno(nextpage, xlrec.prevblkno);
    nextpage.lsn = ctx.lsn;
  }
  const mappage = ctx.pageForRedo(5);
  if (mappage) {
    setHashBitmapBit(mappage, blockUint32(ctx, 5), false);
    mappage.lsn = ctx.lsn;
  }
  const meta = ctx.pageForRedo(6);
  if (meta) {
    meta.view.setUint32(HashMeta.firstfree, blockUint32(ctx, 6), true);
    meta.lsn = ctx.lsn;
  }
}

/** hash_xlog_delete() */
function hashXlogDelete(ctx: RedoContext): void {
  const page = ctx.pageForRedo(1);
  if (!page) return;
  deleteListed(ctx, page, 1);
  if (xlog.readXlHashDelete(ctx.record).clear_dead_marking) setHashoFlag(page, hashoFlag(page) & ~LH_PAGE_HAS_DEAD_TUPLES);
  page.lsn = ctx.lsn;
}

/** hash_xlog_split_cleanup() */
function hashXlogSplitCleanup(ctx: RedoContext): void {
  const page = ctx.pageForRedo(0);
  if (!page) return;
  setHashoFlag(page, hashoFlag(page) & ~LH_BUCKET_NEEDS_SPLIT_CLEANUP);
  page.lsn = ctx.lsn;
}

/** hash_xlog_update_meta_page() */
function hashXlogUpdateMetaPage(ctx: RedoContext): void {
  const page = ctx.pageForRedo(0);
  if (!page) return;
  page.view.setFloat64(HashMeta.ntuples, xlog.readXlHashUpdateMetaPageNtuples(ctx.record), true);
  page.lsn = ctx.lsn;
}

/** hash_xlog_vacuum_one_page() */
function hashXlogVacuumOnePage(ctx: RedoContext): void {
  const { ntuples } = xlog.readXlHashVacuumOnePage(ctx.record);
  const page = ctx.pageForRedo(0);
  if (page) {
    page.indexMultiDelete(xlog.readXlHashVacuumOnePageOffsets(ctx.record, ntuples));
    setHashoFlag(page, hashoFlag(page) & ~LH_PAGE_HAS_DEAD_TUPLES);
    page.lsn = ctx.lsn;
  }
  const meta = ctx.pageForRedo(1);
  if (meta) {
    meta.view.setFloat64(HashMeta.ntuples, meta.view.getFloat64(HashMeta.ntuples, true) - ntuples, true);
    meta.lsn = ctx.lsn;
  }
}

/** hash_redo() */
export function hashRedo(ctx: RedoContext): void {
  switch (ctx.record.rmgrInfo) {
    case xlog.XLOG_HASH_INIT_META_PAGE: return hashXlogInitMetaPage(ctx);
    case xlog.XLOG_HASH_INIT_BITMAP_PAGE: return hashXlogInitBitmapPage(ctx);
    case xlog.XLOG_HASH_INSERT: return hashXlogInsert(ctx);
    case xlog.XLOG_HASH_ADD_OVFL_PAGE: return hashXlogAddOvflPage(ctx);
    case xlog.XLOG_HASH_SPLIT_ALLOCATE_PAGE: return hashXlogSplitAllocatePage(ctx);
    case xlog.XLOG_HASH_SPLIT_PAGE: return hashXlogSplitPage(ctx);
    case xlog.XLOG_HASH_SPLIT_COMPLETE: return hashXlogSplitComplete(ctx);
    case xlog.XLOG_HASH_MOVE_PAGE_CONTENTS: return hashXlogMovePageContents(ctx);
    case xlog.XLOG_HASH_SQUEEZE_PAGE: return hashXlogSqueezePage(ctx);
    case xlog.XLOG_HASH_DELETE: return hashXlogDelete(ctx);
    case xlog.XLOG_HASH_SPLIT_CLEANUP: return hashXlogSplitCleanup(ctx);
    case xlog.XLOG_HASH_UPDATE_META_PAGE: return hashXlogUpdateMetaPage(ctx);
    case xlog.XLOG_HASH_VACUUM_ONE_PAGE: return hashXlogVacuumOnePage(ctx);
    default: throw new PageError(`hash_redo: unknown op code ${ctx.record.rmgrInfo}`);
  }
}
