/**
 * What a server changes on a page without WAL though no rm_mask hides it. No image in the WAL shows such a change, a base backup does.
 * Each is held against what must be true of it; only where that holds does it count as explained.
 */
import { T_HOFF } from '../pg/heapTuple.js';
import { INVALID_BLOCK_NUMBER } from '../pg/itemPointer.js';
import { F_TUPLES_DELETED, gistPageFlags, gistPageSetFlags } from '../pg/gist.js';
import { BLCKSZ, LP_NORMAL, PageError, SIZE_OF_PAGE_HEADER, type Page } from '../pg/page.js';
import { gistRmgr } from '../redo/gist/index.js';
import type { Rmgr } from '../redo/rmgr.js';
import { seqRmgr } from '../redo/seq/index.js';
import { spgistRmgr } from '../redo/spgist/index.js';
import type { ApartReason } from './verifyReport.js';

/**
 * Undoes on `theirs`, the server's page, what it may have changed since the WAL that made `ours`, and says what that was; undefined, and
 * `theirs` as it was, where there is no such change or it is not as it must be. `blocks`: the size of the relation.
 */
export function undoUnlogged(manager: Rmgr, ours: Page, theirs: Page, block: number, blocks: number): ApartReason | undefined {
  if (manager === seqRmgr) return undoHandedOut(ours, theirs) ? 'sequenceAhead' : undefined;
  if (manager === spgistRmgr && block === SPGIST_METAPAGE_BLKNO) return undoLastUsed(ours, theirs, blocks) ? 'spgistLastUsed' : undefined;
  if (manager === gistRmgr) return undoTuplesDeleted(ours, theirs) ? 'gistTuplesDeleted' : undefined;
  return undefined;
}

/** FormData_pg_sequence_data: last_value (8), log_cnt (8), is_called (1). */
const SIZE_OF_SEQUENCE_DATA = 17;
const SEQ_LOG_VALS = 32n;

/**
 * nextval_internal(), commands/sequence.c, 13–18: WAL has the values as they will be after log_cnt more fetches. A batch never wraps
 * around, so that last_value + log_cnt × increment is the logged value exactly; a sequence keeps its increment as long as its file.
 */
function undoHandedOut(ours: Page, theirs: Page): boolean {
  const logged = sequenceAt(ours), actual = sequenceAt(theirs);
  if (logged === undefined || actual === undefined) return false;
  const ahead = ours.view.getBigInt64(logged, true) - theirs.view.getBigInt64(actual, true);
  const logCount = theirs.view.getBigInt64(actual + 8, true);
  if (ours.view.getBigInt64(logged + 8, true) !== 0n || ours.bytes[logged + 16] !== 1 || theirs.bytes[actual + 16] !== 1) return false;
  if (logCount < 1n || logCount > SEQ_LOG_VALS || ahead === 0n || ahead % logCount !== 0n) return false;
  theirs.bytes.set(ours.bytes.subarray(logged, logged + SIZE_OF_SEQUENCE_DATA), actual);
  return true;
}

function sequenceAt(page: Page): number | undefined {
  if (page.maxOffset !== 1 || page.lpFlags(1) !== LP_NORMAL) return undefined;
  const tuple = page.itemAt(1);
  const at = tuple + page.bytes[tuple + T_HOFF]!;
  return at + SIZE_OF_SEQUENCE_DATA <= page.pdSpecial ? at : undefined;
}

const SPGIST_METAPAGE_BLKNO = 0;
/** SpGistBlockIsFixed(): metapage and roots are never in the note. */
const SPGIST_LAST_FIXED_BLKNO = 2;
/** SpGistMetaPageData: a magic number, then SPGIST_CACHED_PAGES pairs of block and free space. */
const LAST_USED_AT = SIZE_OF_PAGE_HEADER + 4;
const SPGIST_CACHED_PAGES = 8;
const GBUF_PARITY_MASK = 0x03;
const GBUF_LEAF = 0x03;

/**
 * SpGistUpdateMetaPage(), access/spgist/spgutils.c, 13–18, writes a backend's note of the pages it last used into the metapage. An
 * entry's place says what kind of page it is of: a leaf, or an inner page whose block number has that remainder by 3.
 */
function undoLastUsed(ours: Page, theirs: Page, blocks: number): boolean {
  for (let i = 0; i < SPGIST_CACHED_PAGES; i++) {
    const at = LAST_USED_AT + i * 8;
    const blkno = theirs.view.getUint32(at, true), freeSpace = theirs.view.getInt32(at + 4, true);
    if (freeSpace < 0 || freeSpace > BLCKSZ) return false;
    if (blkno === INVALID_BLOCK_NUMBER) continue;
    const kind = i & GBUF_PARITY_MASK;
    if (blkno <= SPGIST_LAST_FIXED_BLKNO || blkno >= blocks || (kind !== GBUF_LEAF && blkno % 3 !== kind)) return false;
  }
  const end = LAST_USED_AT + SPGIST_CACHED_PAGES * 8;
  theirs.bytes.set(ours.bytes.subarray(LAST_USED_AT, end), LAST_USED_AT);
  return true;
}

/**
 * gistprunepage(), access/gist/gist.c, 13–18, leaves the flag unset, gistRedoDeleteRecord() sets it; 15.20 as Debian has it sets it neither in VACUUM nor in
 * replay. No page tells which minor release wrote it, and nothing reads the flag (GistTuplesDeleted() has no caller).
 */
function undoTuplesDeleted(ours: Page, theirs: Page): boolean {
  try {
    const flags = gistPageFlags(theirs);
    if ((gistPageFlags(ours) & F_TUPLES_DELETED) === 0 || (flags & F_TUPLES_DELETED) !== 0) return false;
    gistPageSetFlags(theirs, flags | F_TUPLES_DELETED);
    return true;
  } catch (error) {
    if (error instanceof PageError) return false;
    throw error;
  }
}
