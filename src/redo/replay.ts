/**
 * Applies one record to one page: restore its image or run its manager's redo.
 * Follows XLogReadBufferForRedoExtended() and XLogReadBufferExtended(), access/transam/xlogutils.c, PG 13–18, for one target block.
 */
import { PageError, type Page } from '../pg/page.js';
import { restoreBlockImage } from '../pg/blockImage.js';
import { ForkNumber, formatRelFork, sameRelation, type RelFileLocator, type RelFork } from '../pg/relFileLocator.js';
import { heapBlockToMapBlock } from '../pg/visibilityMap.js';
import type { BlockRef, XLogRecord } from '../pg/xlogRecord.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import { inputError } from '../util/errors.js';
import { RMGRS, rmgrName } from './rmgrlist.js';
import type { RedoContext, RedoFunction } from './rmgr.js';

/** What became of the page. */
export type ReplayOutcome =
  /** An image in the record replaced the page. */
  | 'restored'
  /** The manager's redo ran on it. */
  | 'redone'
  /** The page was already newer than the record (a fuzzy backup): left alone. */
  | 'newer'
  /**
   * The record expects a page and there is none (all zeros): left alone. PostgreSQL notes an invalid page here, which is normal before
   * the backup's consistency point and where the relation is dropped or truncated later, and a fault otherwise.
   */
  | 'missing'
  /** No redo for this manager: the page is unknown from here to its next image. */
  | 'unknown';

/** What replay must know about the cluster, beside the record. */
export interface ReplayOptions {
  /**
   * XLogHintBitIsNeeded(): data checksums, or wal_log_hints, as pg_control says. It only decides whether HEAP2_VISIBLE moves the heap
   * page's LSN. Default false.
   */
  hintBitsLogged?: boolean;
}

class TargetContext implements RedoContext {
  record!: XLogRecord;
  page!: Page;
  /** The reference to the target block; undefined for an implicit edit. */
  ref: BlockRef | undefined;
  rel!: RelFork;
  block = 0;
  initialised = false;
  missing = false;
  hintBitsLogged = false;

  get major() { return this.record.major; }
  get lsn(): Lsn { return this.record.endLsn; }

  pageForRedo(blockId: number, zeroOnError = false): Page | null {
    const ref = this.ref;
    if (ref === undefined || ref.id !== blockId) return null;
    if (ref.willInit && !this.initialised) throw new PageError('block with WILL_INIT flag in WAL record must be zeroed by redo routine');
    if (!zeroOnError && this.page.isNew) {
      this.missing = true;
      return null;
    }
    return this.page;
  }

  initPage(blockId: number): Page | null {
    const ref = this.ref;
    if (ref === undefined || ref.id !== blockId) return null;
    if (!ref.willInit) throw new PageError('block to be initialized in redo routine must be marked with WILL_INIT flag in the WAL record');
    this.initialised = true;
    this.page.bytes.fill(0);
    return this.page;
  }

  visibilityMapPage(rel: RelFileLocator, heapBlock: number): Page | null {
    if (this.ref !== undefined || this.rel.fork !== ForkNumber.vm || !sameRelation(rel, this.rel)) return null;
    return heapBlockToMapBlock(heapBlock) === this.block ? this.page : null;
  }
}

const context = new TargetContext();

function targetRef(record: XLogRecord, rel: RelFork, block: number): BlockRef | undefined {
  const blocks = record.blocks;
  for (let i = 0; i < blocks.length; i++) {
    const ref = blocks[i]!;
    if (ref.block === block && ref.fork === rel.fork && ref.relNumber === rel.relNumber && ref.dbOid === rel.dbOid && ref.spcOid === rel.spcOid) return ref;
  }
  return undefined;
}

/**
 * Replays `record` for block `block` of `rel` on `page`, in place. A page of all zeros stands for one that does not exist yet.
 * The block is one that the record references, or one that its manager's implicitEdits names; those apply whatever the page's LSN.
 * Throws a located input error where PostgreSQL would PANIC (the page is not what the record expects).
 */
export function replayRecord(record: XLogRecord, rel: RelFork, block: number, page: Page, options?: ReplayOptions): ReplayOutcome {
  const ref = targetRef(record, rel, block);
  if (ref !== undefined && ref.hasImage && ref.applyImage) {
    restoreBlockImage(record, ref, page.bytes);
    // PostgreSQL leaves an all-zero page without an LSN
    if (!page.isNew) page.lsn = record.endLsn;
    const redoRestored = RMGRS[record.rmid]?.redoRestored;
    if (redoRestored) runRedo(redoRestored, record, ref, rel, block, page, options);
    return 'restored';
  }
  const redo = RMGRS[record.rmid]?.redo;
  if (!redo) return 'unknown';
  if (ref !== undefined && !ref.willInit && record.endLsn <= page.lsn) return 'newer';
  runRedo(redo, record, ref, rel, block, page, options);
  return context.missing ? 'missing' : 'redone';
}

function runRedo(
  redo: RedoFunction, record: XLogRecord, ref: BlockRef | undefined, rel: RelFork, block: number, page: Page, options: ReplayOptions | undefined,
): void {
  page.major = record.major;
  context.record = record;
  context.page = page;
  context.ref = ref;
  context.rel = rel;
  context.block = block;
  context.initialised = false;
  context.missing = false;
  context.hintBitsLogged = options?.hintBitsLogged === true;
  try {
    redo(context);
  } catch (error) {
    throw redoFailed(error, record, rel, block);
  }
}

/** A page that does not fit its record becomes a located input error; anything else is ours. */
function redoFailed(error: unknown, record: XLogRecord, rel: RelFork, block: number): unknown {
  if (!(error instanceof PageError) && !(error instanceof RangeError)) return error;
  const lsn = formatLsn(record.lsn), rmgr = rmgrName(record.rmid), where = `${formatRelFork(rel)} block ${block}`;
  return inputError('redo.failed', `cannot replay ${rmgr} at ${lsn} on ${where}: ${error.message}`, { lsn, rmgr, block: where });
}
