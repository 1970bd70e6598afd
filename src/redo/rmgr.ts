/**
 * What a resource manager is to walscope, and what its replay sees.
 * The counterpart of RmgrData (access/xlog_internal.h) with bufmask.c's mask and rmgrdesc's printing beside it.
 */
import type { RelFileLocator, RelFork } from '../pg/relFileLocator.js';
import type { Page } from '../pg/page.js';
import type { XLogRecord } from '../pg/xlogRecord.js';
import type { Lsn } from '../util/lsn.js';
import type { PgMajor } from '../pg/version.js';

/**
 * A record being replayed **for one target block**. A redo routine reads like its C source and asks for every block that it changes;
 * only the target's page is handed out, every other request answers null, as XLogReadBufferForRedo answers BLK_DONE or BLK_NOTFOUND.
 */
export interface RedoContext {
  readonly record: XLogRecord;
  readonly major: PgMajor;
  /** The record's end: what PageSetLSN is called with. */
  readonly lsn: Lsn;
  /** XLogHintBitIsNeeded(): the cluster has data checksums or wal_log_hints. */
  readonly hintBitsLogged: boolean;
  /**
   * XLogReadBufferForRedo(): the page where this block is the target, carries no image to restore and is older than the record
   * (BLK_NEEDS_REDO); else null. Throws PageError where the record says WILL_INIT (the routine should have initialised).
   * An all-zero page is handed out only where `zeroOnError` (RBM_ZERO_ON_ERROR); otherwise it counts as missing (RBM_NORMAL).
   */
  pageForRedo(blockId: number, zeroOnError?: boolean): Page | null;
  /** XLogInitBufferForRedo(): a zeroed page to initialise where this block is the target, else null. */
  initPage(blockId: number): Page | null;
  /**
   * visibilitymap_pin() for a heap block: the visibility map's page where it is the target of an implicit edit, else null.
   * Its LSN was not looked at and must not be set: such edits apply to pages that are newer too.
   * The page may be all zeros where the map does not reach that far.
   */
  visibilityMapPage(rel: RelFileLocator, heapBlock: number): Page | null;
}

export type RedoFunction = (ctx: RedoContext) => void;
/** rm_mask: hides what legitimately differs between the primary and replay, in place, and nothing more. */
export type MaskFunction = (page: Page, block: number, major: PgMajor) => void;
/** rm_desc: the text pg_waldump prints after `desc: NAME `. */
export type DescFunction = (record: XLogRecord) => string;
/** rm_identify: the opcode's name (`INSERT+INIT`), or undefined for one this major does not have. */
export type IdentifyFunction = (info: number, major: PgMajor) => string | undefined;
/** Blocks that the record edits without a block reference (the visibility map), as keys. */
export type ImplicitEditsFunction = (record: XLogRecord, emit: (rel: RelFork, block: number) => void) => void;

export interface Rmgr {
  readonly id: number;
  /** As in rmgrlist.h: `Heap2`, `Btree`. */
  readonly name: string;
  readonly identify: IdentifyFunction;
  readonly desc: DescFunction;
  /** Null: this manager's records change no relation page (XACT, CLOG, …). */
  readonly redo: RedoFunction | null;
  /**
   * What the redo routine still does to a block whose image has just been restored (BLK_RESTORED): GiST's follow-right flag alone.
   * In it, `pageForRedo` hands out the restored page.
   */
  readonly redoRestored?: RedoFunction;
  readonly mask: MaskFunction | null;
  readonly implicitEdits?: ImplicitEditsFunction;
}
