/**
 * BRIN replay. Follows access/brin/brin_xlog.c, PG 13–18.
 */
import {
  BRIN_PAGETYPE_REGULAR, BRIN_PAGETYPE_REVMAP, brinMetapageInit, brinPageInit, brinSetHeapBlockItemptr, setLastRevmapPage,
} from '../../pg/brin.js';
import { PageError } from '../../pg/page.js';
import { blockData, blockTag } from '../recordData.js';
import type { RedoContext } from '../rmgr.js';
import {
  readXlBrinCreateidx, readXlBrinDesummarize, readXlBrinInsert, readXlBrinRevmapExtend, readXlBrinSamepageUpdate, readXlBrinUpdate,
  XLOG_BRIN_CREATE_INDEX, XLOG_BRIN_DESUMMARIZE, XLOG_BRIN_INIT_PAGE, XLOG_BRIN_INSERT, XLOG_BRIN_OPMASK, XLOG_BRIN_REVMAP_EXTEND,
  XLOG_BRIN_SAMEPAGE_UPDATE, XLOG_BRIN_UPDATE, type XlBrinInsert,
} from './xlog.js';

/** brin_xlog_createidx() */
function brinXlogCreateidx(ctx: RedoContext): void {
  const xlrec = readXlBrinCreateidx(ctx.record);
  const page = ctx.initPage(0);
  if (page) {
    brinMetapageInit(page, xlrec.pagesPerRange, xlrec.version);
    page.lsn = ctx.lsn;
  }
}

/** brin_xlog_insert_update(): the common part of an insert and an update: the new tuple, and the revmap's pointer to it. */
function brinXlogInsertUpdate(ctx: RedoContext, xlrec: XlBrinInsert): void {
  const record = ctx.record;
  const initialises = (record.info & XLOG_BRIN_INIT_PAGE) !== 0;
  const regular = initialises ? ctx.initPage(0) : ctx.pageForRedo(0);
  if (regular) {
    if (initialises) brinPageInit(regular, BRIN_PAGETYPE_REGULAR);
    if (regular.maxOffset + 1 < xlrec.offnum) throw new PageError(`brin_xlog_insert_update: invalid max offset number, ${xlrec.offnum} is to be inserted`);
    regular.addItem(blockData(record, 0), xlrec.offnum, true);
    regular.lsn = ctx.lsn;
  }

  const revmap = ctx.pageForRedo(1);
  if (revmap) {
    brinSetHeapBlockItemptr(revmap, xlrec.pagesPerRange, xlrec.heapBlk, { block: blockTag(record, 0).block, offnum: xlrec.offnum });
    revmap.lsn = ctx.lsn;
  }
}

/** brin_xlog_update(): the old tuple goes, then as for an insert. */
function brinXlogUpdate(ctx: RedoContext): void {
  const xlrec = readXlBrinUpdate(ctx.record);
  const old = ctx.pageForRedo(2);
  if (old) {
    old.indexTupleDeleteNoCompact(xlrec.oldOffnum);
    old.lsn = ctx.lsn;
  }
  brinXlogInsertUpdate(ctx, xlrec.insert);
}

/** brin_xlog_samepage_update() */
function brinXlogSamepageUpdate(ctx: RedoContext): void {
  const xlrec = readXlBrinSamepageUpdate(ctx.record);
  const page = ctx.pageForRedo(0);
  if (page) {
    page.indexTupleOverwrite(xlrec.offnum, blockData(ctx.record, 0));
    page.lsn = ctx.lsn;
  }
}

/** brin_xlog_revmap_extend() */
function brinXlogRevmapExtend(ctx: RedoContext): void {
  const xlrec = readXlBrinRevmapExtend(ctx.record);
  const metapage = ctx.pageForRedo(0);
  if (metapage) {
    setLastRevmapPage(metapage, xlrec.targetBlk);
    metapage.lsn = ctx.lsn;
  }

  // The target becomes a revmap page whatever it was before: its tuples have been moved away.
  const revmap = ctx.initPage(1);
  if (revmap) {
    brinPageInit(revmap, BRIN_PAGETYPE_REVMAP);
    revmap.lsn = ctx.lsn;
  }
}

/** brin_xlog_desummarize_page() */
function brinXlogDesummarizePage(ctx: RedoContext): void {
  const xlrec = readXlBrinDesummarize(ctx.record);
  const revmap = ctx.pageForRedo(0);
  if (revmap) {
    brinSetHeapBlockItemptr(revmap, xlrec.pagesPerRange, xlrec.heapBlk, null);
    revmap.lsn = ctx.lsn;
  }

  const regular = ctx.pageForRedo(1);
  if (regular) {
    regular.indexTupleDeleteNoCompact(xlrec.regOffset);
    regular.lsn = ctx.lsn;
  }
}

/** brin_redo() */
export function brinRedo(ctx: RedoContext): void {
  const info = ctx.record.rmgrInfo;
  switch (info & XLOG_BRIN_OPMASK) {
    case XLOG_BRIN_CREATE_INDEX: return brinXlogCreateidx(ctx);
    case XLOG_BRIN_INSERT: return brinXlogInsertUpdate(ctx, readXlBrinInsert(ctx.record));
    case XLOG_BRIN_UPDATE: return brinXlogUpdate(ctx);
    case XLOG_BRIN_SAMEPAGE_UPDATE: return brinXlogSamepageUpdate(ctx);
    case XLOG_BRIN_REVMAP_EXTEND: return brinXlogRevmapExtend(ctx);
    case XLOG_BRIN_DESUMMARIZE: return brinXlogDesummarizePage(ctx);
    default: throw new PageError(`brin_redo: unknown op code ${info}`);
  }
}
