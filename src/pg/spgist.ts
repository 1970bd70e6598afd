/**
 * SP-GiST pages and tuples. Layout: access/spgist_private.h, PG 13–18 (14 turned a leaf tuple's nextOffset into 14 bits of t_info);
 * operations: SpGistInitPage(), spgFormDeadTuple() (access/spgist/spgutils.c), spgUpdateNodeLink(), spgPageIndexMultiDelete()
 * (access/spgist/spgdoinsert.c).
 */
import { INVALID_BLOCK_NUMBER, readBlockId, readItemPointerOffset, writeItemPointer } from './itemPointer.js';
import { BLCKSZ, PageError, type Page } from './page.js';

export const SPGIST_METAPAGE_BLKNO = 0;
export const SPGIST_ROOT_BLKNO = 1;
export const SPGIST_NULL_BLKNO = 2;

export const SPGIST_META = 1 << 0;
export const SPGIST_DELETED = 1 << 1;
export const SPGIST_LEAF = 1 << 2;
export const SPGIST_NULLS = 1 << 3;
export const SPGIST_PAGE_ID = 0xff82;
export const SPGIST_MAGIC_NUMBER = 0xba0babee;

/** Values of tupstate. */
export const SPGIST_LIVE = 0;
export const SPGIST_REDIRECT = 1;
export const SPGIST_DEAD = 2;
export const SPGIST_PLACEHOLDER = 3;

/** sizeof(SpGistPageOpaqueData): flags, nRedirection, nPlaceholder, spgist_page_id. */
const SIZE_OF_SPGIST_PAGE_OPAQUE = 8;
const OPAQUE_AT = BLCKSZ - SIZE_OF_SPGIST_PAGE_OPAQUE;
/** SGDTSIZE: MAXALIGN(sizeof(SpGistDeadTupleData)). */
export const SGDTSIZE = 16;
/** SGITHDRSZ: MAXALIGN(sizeof(SpGistInnerTupleData)). */
const SGITHDRSZ = 8;

/** SpGistPageOpaqueData */
export interface SpGistPageOpaque {
  flags: number;
  nRedirection: number;
  nPlaceholder: number;
  spgistPageId: number;
}

/** SpGistPageOpaqueData, access/spgist_private.h. */
export function readSpGistPageOpaque(page: Page): SpGistPageOpaque {
  const view = page.view;
  return {
    flags: view.getUint16(OPAQUE_AT, true),
    nRedirection: view.getUint16(OPAQUE_AT + 2, true),
    nPlaceholder: view.getUint16(OPAQUE_AT + 4, true),
    spgistPageId: view.getUint16(OPAQUE_AT + 6, true),
  };
}

export function addToNRedirection(page: Page, n: number): void {
  page.view.setUint16(OPAQUE_AT + 2, page.view.getUint16(OPAQUE_AT + 2, true) + n, true);
}

export function addToNPlaceholder(page: Page, n: number): void {
  page.view.setUint16(OPAQUE_AT + 4, page.view.getUint16(OPAQUE_AT + 4, true) + n, true);
}

/** SpGistInitPage() */
export function spGistInitPage(page: Page, flags: number): void {
  page.init(SIZE_OF_SPGIST_PAGE_OPAQUE);
  page.view.setUint16(OPAQUE_AT, flags, true);
  page.view.setUint16(OPAQUE_AT + 6, SPGIST_PAGE_ID, true);
}

/** The state of any tuple: the same two bits in inner, leaf and dead ones. */
export function readTupstate(view: DataView, at: number): number {
  return view.getUint32(at, true) & 3;
}

/** SpGistInnerTupleData */
export interface SpGistInnerTuple {
  tupstate: number;
  allTheSame: boolean;
  nNodes: number;
  prefixSize: number;
  /** Of the whole tuple, in bytes. */
  size: number;
}

/** SpGistInnerTupleData, access/spgist_private.h. */
export function readSpGistInnerTuple(view: DataView, at: number): SpGistInnerTuple {
  const bits = view.getUint32(at, true);
  return {
    tupstate: bits & 3,
    allTheSame: (bits & 4) !== 0,
    nNodes: (bits >>> 3) & 0x1fff,
    prefixSize: bits >>> 16,
    size: view.getUint16(at + 4, true),
  };
}

/** SpGistLeafTupleData */
export interface SpGistLeafTuple {
  tupstate: number;
  /** Of the whole tuple, in bytes. */
  size: number;
  nextOffset: number;
  hasNullMask: boolean;
  heapBlock: number;
  heapOffset: number;
}

/** SpGistLeafTupleData, access/spgist_private.h; its bits moved in 14. */
export function readSpGistLeafTuple(view: DataView, at: number): SpGistLeafTuple {
  const bits = view.getUint32(at, true);
  const tInfo = view.getUint16(at + 4, true);
  return {
    tupstate: bits & 3,
    size: bits >>> 2,
    nextOffset: tInfo & 0x3fff,
    hasNullMask: (tInfo & 0x8000) !== 0,
    heapBlock: readBlockId(view, at + 6),
    heapOffset: readItemPointerOffset(view, at + 6),
  };
}

/** SGLT_SET_NEXTOFFSET(). Before 14 the field had all 16 bits, but no offset number on a page needs more than 14. */
export function setNextOffset(page: Page, offnum: number, nextOffset: number): void {
  const at = page.itemAt(offnum) + 4;
  page.view.setUint16(at, (page.view.getUint16(at, true) & 0xc000) | (nextOffset & 0x3fff), true);
}

/** Where a tuple on the page that is no longer live pointed to; meaningful for SPGIST_REDIRECT. */
export interface SpGistDeadTuple {
  tupstate: number;
  block: number;
  offnum: number;
  xid: number;
}

/** SpGistDeadTupleData, access/spgist_private.h: redirections and placeholders. */
export function readSpGistDeadTuple(view: DataView, at: number): SpGistDeadTuple {
  return {
    tupstate: readTupstate(view, at),
    block: readBlockId(view, at + 6),
    offnum: readItemPointerOffset(view, at + 6),
    xid: view.getUint32(at + 12, true),
  };
}

/** spgFormDeadTuple(): the target counts for a redirect alone. */
export function spgFormDeadTuple(tupstate: number, redirectXid: number, block: number, offnum: number): Uint8Array {
  const tuple = new Uint8Array(SGDTSIZE);
  const view = new DataView(tuple.buffer);
  const isRedirect = tupstate === SPGIST_REDIRECT;
  view.setUint32(0, tupstate | (SGDTSIZE << 2), true);
  writeItemPointer(view, 6, isRedirect ? block : INVALID_BLOCK_NUMBER, isRedirect ? offnum : 0);
  view.setUint32(12, isRedirect ? redirectXid : 0, true);
  return tuple;
}

/** Turns the redirect at `offnum` into a placeholder, in place; its xid stays. */
export function redirectToPlaceholder(page: Page, offnum: number): void {
  const at = page.itemAt(offnum);
  const view = page.view;
  if (readTupstate(view, at) !== SPGIST_REDIRECT) throw new PageError(`SP-GiST tuple ${offnum} is no redirect`);
  view.setUint32(at, (view.getUint32(at, true) & ~3) | SPGIST_PLACEHOLDER, true);
  writeItemPointer(view, at + 6, INVALID_BLOCK_NUMBER, 0);
}

/** spgUpdateNodeLink(): points node `nodeN` of the inner tuple at `innerOffnum` to (block, offnum). */
export function spgUpdateNodeLink(page: Page, innerOffnum: number, nodeN: number, block: number, offnum: number): void {
  const start = page.itemAt(innerOffnum);
  const tuple = readSpGistInnerTuple(page.view, start);
  if (nodeN < tuple.nNodes) {
    const end = start + page.lpLen(innerOffnum);
    let at = start + SGITHDRSZ + tuple.prefixSize;
    for (let i = 0; at + 8 <= end; i++) {
      if (i === nodeN) return writeItemPointer(page.view, at, block, offnum);
      // IndexTupleSize()
      const size = page.view.getUint16(at + 6, true) & 0x1fff;
      if (size === 0) break;
      at += size;
    }
  }
  throw new PageError(`failed to find requested node ${nodeN} in SPGiST inner tuple`);
}

/** What dead tuples made by replay carry (spgxlogState). */
export interface SpGistRedoState {
  redirectXid: number;
  isBuild: boolean;
}

/**
 * spgPageIndexMultiDelete(): replaces the items by dead tuples in the same places, the first *listed* one with `firstState`,
 * the others with `restState`. Throws PageError where they do not fit.
 */
export function spgPageIndexMultiDelete(
  page: Page, state: SpGistRedoState, itemnos: readonly number[], firstState: number, restState: number, block: number, offnum: number,
): void {
  if (itemnos.length === 0) return;
  const sorted = [...itemnos].sort((a, b) => a - b);
  page.indexMultiDelete(sorted);
  for (const itemno of sorted) {
    const tupstate = itemno === itemnos[0] ? firstState : restState;
    page.addItem(spgFormDeadTuple(tupstate, state.redirectXid, block, offnum), itemno);
    if (tupstate === SPGIST_REDIRECT) addToNRedirection(page, 1);
    else if (tupstate === SPGIST_PLACEHOLDER) addToNPlaceholder(page, 1);
  }
}
