/**
 * Applies one record to one page: restore its image or run its manager's redo.
 * Follows XLogReadBufferForRedoExtended(), access/transam/xlogutils.c, PG 13–18, for one target block.
 */
import { Page, PageError } from '../pg/page.js';
import { restoreBlockImage } from '../pg/blockImage.js';
import { ForkNumber, type RelFileLocator, type RelFork } from '../pg/relFileLocator.js';
import type { BlockRef, XLogRecord } from '../pg/xlogRecord.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import { inputError } from '../util/errors.js';
import { RMGRS, rmgrName } from './rmgrlist.js';
import type { RedoContext, RedoFunction } from './rmgr.js';

/** Heap blocks that one visibility map page covers: MAPSIZE × HEAPBLOCKS_PER_BYTE (visibilitymap.c). */
export const HEAPBLOCKS_PER_VM_PAGE = (8192 - 24) * 4;

/** What became of the page. */
export type ReplayOutcome =
  /** An image in the record replaced the page. */
  | 'restored'
  /** The manager's redo ran on it. */
  | 'redone'
  /** The page was already newer than the record (a fuzzy backup): left alone. */
  | 'newer'
  /** No redo for this manager: the page is unknown from here to its next image. */
  | 'unknown';

class TargetContext implements RedoContext {
  record!: XLogRecord;
  page!: Page;
  /** The id of the target block, or -1 for an implicit edit. */
  blockId = -1;
  rel!: RelFork;
  block = 0;
  initialised = false;

  get major() { return this.record.major; }
  get lsn(): Lsn { return this.record.endLsn; }

  pageForRedo(blockId: number): Page | null {
    if (blockId !== this.blockId) return null;
    const ref = this.record.block(blockId)!;
    if (ref.willInit && !this.initialised) throw new PageError(`block ${blockId} should have been initialised by redo, but was read`);
    return this.page;
  }

  initPage(blockId: number): Page | null {
    if (blockId !== this.blockId) return null;
    const ref = this.record.block(blockId)!;
    if (!ref.willInit) throw new PageError(`redo initialises block ${blockId}, but the record does not say WILL_INIT`);
    this.initialised = true;
    this.page.bytes.fill(0);
    return this.page;
  }

  visibilityMapPage(rel: RelFileLocator, heapBlock: number): Page | null {
    const t = this.rel;
    if (this.blockId !== -1 || t.fork !== ForkNumber.vm) return null;
    if (rel.relNumber !== t.relNumber || rel.dbOid !== t.dbOid || rel.spcOid !== t.spcOid) return null;
    return Math.floor(heapBlock / HEAPBLOCKS_PER_VM_PAGE) === this.block ? this.page : null;
  }
}

const context = new TargetContext();

function targetRef(record: XLogRecord, rel: RelFork, block: number): BlockRef | undefined {
  for (const ref of record.blocks) {
    if (ref.block === block && ref.fork === rel.fork && ref.relNumber === rel.relNumber && ref.dbOid === rel.dbOid && ref.spcOid === rel.spcOid) return ref;
  }
  return undefined;
}

/**
 * Replays `record` for block `block` of `rel` on `page`, in place. A page of all zeros stands for one that does not exist yet.
 * Throws a located input error where PostgreSQL would PANIC (the page is not what the record expects).
 */
export function replayRecord(record: XLogRecord, rel: RelFork, block: number, page: Page): ReplayOutcome {
  const ref = targetRef(record, rel, block);
  if (ref?.hasImage && ref.applyImage) {
    restoreBlockImage(record, ref, page.bytes);
    // PostgreSQL leaves an all-zero page without an LSN
    if (!page.isNew) page.lsn = record.endLsn;
    const redoRestored = RMGRS[record.rmid]?.redoRestored;
    if (redoRestored) runRedo(redoRestored, record, ref.id, rel, block, page);
    return 'restored';
  }
  const rmgr = RMGRS[record.rmid];
  if (!rmgr?.redo) return 'unknown';
  // An implicit edit (visibility map) does not look at the page's LSN, and PostgreSQL does not set it either.
  if (ref && !ref.willInit && record.endLsn <= page.lsn) return 'newer';
  runRedo(rmgr.redo, record, ref ? ref.id : -1, rel, block, page);
  return 'redone';
}

function runRedo(redo: RedoFunction, record: XLogRecord, blockId: number, rel: RelFork, block: number, page: Page): void {
  context.record = record;
  context.page = page;
  context.blockId = blockId;
  context.rel = rel;
  context.block = block;
  context.initialised = false;
  try {
    redo(context);
  } catch (error) {
    if (!(error instanceof PageError) && !(error instanceof RangeError)) throw error;
    throw inputError('redo.failed', `cannot replay ${rmgrName(record.rmid)} at ${formatLsn(record.lsn)}: ${error.message}`, {
      lsn: formatLsn(record.lsn), rmgr: rmgrName(record.rmid), block: `${rel.spcOid}/${rel.dbOid}/${rel.relNumber} fork ${rel.fork} block ${block}`,
    });
  }
}
