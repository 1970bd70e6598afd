/**
 * What truncation does to the visibility map's last page: visibilitymap_prepare_truncate() as smgr_redo() calls it, catalog/storage.c,
 * PG 13–18. The files' lengths are not a page's business: relation sizes follow from the records themselves.
 */
import { ForkNumber } from '../../pg/relFileLocator.js';
import { visibilitymapPrepareTruncate, visibilitymapTruncatedPage } from '../../pg/visibilityMap.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';
import type { ImplicitEditsFunction, RedoContext } from '../rmgr.js';
import { readXlSmgrTruncate, SMGR_TRUNCATE_VM, XLOG_SMGR_TRUNCATE, type XlSmgrTruncate } from './xlog.js';

/** The record, where it is a truncation that touches the visibility map. */
function vmTruncation(record: XLogRecord): XlSmgrTruncate | undefined {
  if (record.rmgrInfo !== XLOG_SMGR_TRUNCATE) return undefined;
  const xlrec = readXlSmgrTruncate(record);
  return (xlrec.flags & SMGR_TRUNCATE_VM) === 0 ? undefined : xlrec;
}

/** smgr_redo()'s part on pages: the LSN of the map's page stays. */
export function smgrRedo(ctx: RedoContext): void {
  const xlrec = vmTruncation(ctx.record);
  if (xlrec === undefined) return;
  const page = ctx.visibilityMapPage(xlrec.rel, xlrec.blkno);
  // where the map was shorter already there is nothing to do
  if (page !== null && !page.isNew) visibilitymapPrepareTruncate(page, xlrec.blkno);
}

/** The visibility map's page that a truncation cuts in the middle. */
export const smgrImplicitEdits: ImplicitEditsFunction = (record, emit) => {
  const xlrec = vmTruncation(record);
  if (xlrec === undefined) return;
  const block = visibilitymapTruncatedPage(xlrec.blkno);
  if (block === undefined) return;
  const { spcOid, dbOid, relNumber } = xlrec.rel;
  emit({ spcOid, dbOid, relNumber, fork: ForkNumber.vm }, block);
};
