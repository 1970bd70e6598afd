/**
 * Pages and tuples of a btree index.
 * Layout: access/nbtree.h; posting lists: access/nbtree/nbtdedup.c; PG 13–18.
 * In 13 a deleted page keeps its 32-bit deletion xid where the level stands; from 14 on a BTDeletedPageData stands in its contents.
 */
import { INDEX_AM_RESERVED_BIT, INDEX_SIZE_MASK, indexTupleSize } from './indexTuple.js';
import { SIZE_OF_ITEM_POINTER, readBlockId, readItemPointerOffset, writeBlockId } from './itemPointer.js';
import { BLCKSZ, PageError, SIZE_OF_PAGE_HEADER, type Page } from './page.js';

export const SIZE_OF_BT_PAGE_OPAQUE = 16;
export const P_NONE = 0;
/** The high key's offset number on a page that is not the rightmost of its level. */
export const P_HIKEY = 1;
export const BTREE_METAPAGE = 0;
export const BTREE_MAGIC = 0x053162;
/** Heap TIDs are part of the key space from this metapage version on. */
export const BTREE_VERSION = 4;
export const BTREE_MIN_VERSION = 2;

export const BTP_LEAF = 1 << 0;
export const BTP_ROOT = 1 << 1;
export const BTP_DELETED = 1 << 2;
export const BTP_META = 1 << 3;
export const BTP_HALF_DEAD = 1 << 4;
export const BTP_SPLIT_END = 1 << 5;
export const BTP_HAS_GARBAGE = 1 << 6;
export const BTP_INCOMPLETE_SPLIT = 1 << 7;
export const BTP_HAS_FULLXID = 1 << 8;

/** BTMaxItemSize: a third of a page, less room for a heap TID. */
export const BT_MAX_ITEM_SIZE = Math.floor((BLCKSZ - 40 - SIZE_OF_BT_PAGE_OPAQUE) / 3 / 8) * 8 - 8;

const T_INFO = 6;
const BT_OFFSET_MASK = 0x0fff;
const BT_PIVOT_HEAP_TID_ATTR = 0x1000;
const BT_IS_POSTING = 0x2000;

/** Where a page's BTPageOpaqueData begins; throws where the special space is not a btree's. */
export function btOpaqueAt(page: Page): number {
  const special = page.pdSpecial;
  if (special !== BLCKSZ - SIZE_OF_BT_PAGE_OPAQUE) throw new PageError(`a btree page's special space begins at ${special}`);
  return special;
}

export const btpoPrev = (page: Page): number => page.view.getUint32(btOpaqueAt(page), true);
export const btpoNext = (page: Page): number => page.view.getUint32(btOpaqueAt(page) + 4, true);
/** On a page that 13 deleted this is its deletion xid. */
export const btpoLevel = (page: Page): number => page.view.getUint32(btOpaqueAt(page) + 8, true);
export const btpoFlags = (page: Page): number => page.view.getUint16(btOpaqueAt(page) + 12, true);
export const btpoCycleid = (page: Page): number => page.view.getUint16(btOpaqueAt(page) + 14, true);

export const setBtpoPrev = (page: Page, block: number): void => page.view.setUint32(btOpaqueAt(page), block, true);
export const setBtpoNext = (page: Page, block: number): void => page.view.setUint32(btOpaqueAt(page) + 4, block, true);
export const setBtpoLevel = (page: Page, level: number): void => page.view.setUint32(btOpaqueAt(page) + 8, level, true);
export const setBtpoFlags = (page: Page, flags: number): void => page.view.setUint16(btOpaqueAt(page) + 12, flags, true);
export const setBtpoCycleid = (page: Page, cycleid: number): void => page.view.setUint16(btOpaqueAt(page) + 14, cycleid, true);

/** P_FIRSTDATAKEY(): a rightmost page has no high key. */
export const firstDataKey = (page: Page): number => (btpoNext(page) === P_NONE ? P_HIKEY : P_HIKEY + 1);

/** BTMetaPageData, where the newest major has it; 13 keeps the oldest deletion xid in place of the page count. */
export interface BTMetaPageData {
  btm_magic: number;
  btm_version: number;
  btm_root: number;
  btm_level: number;
  btm_fastroot: number;
  btm_fastlevel: number;
  /** In 13: btm_oldest_btpo_xact. */
  btm_last_cleanup_num_delpages: number;
  /** Deprecated in 14 and always -1 there. */
  btm_last_cleanup_num_heap_tuples: number;
  btm_allequalimage: boolean;
}

const META_AT = SIZE_OF_PAGE_HEADER;
const SIZE_OF_BT_META = 48;

/** BTPageGetMeta() */
export function readBTMetaPageData(page: Page): BTMetaPageData {
  const view = page.view;
  return {
    btm_magic: view.getUint32(META_AT, true),
    btm_version: view.getUint32(META_AT + 4, true),
    btm_root: view.getUint32(META_AT + 8, true),
    btm_level: view.getUint32(META_AT + 12, true),
    btm_fastroot: view.getUint32(META_AT + 16, true),
    btm_fastlevel: view.getUint32(META_AT + 20, true),
    btm_last_cleanup_num_delpages: view.getUint32(META_AT + 24, true),
    btm_last_cleanup_num_heap_tuples: view.getFloat64(META_AT + 32, true),
    btm_allequalimage: view.getUint8(META_AT + 40) !== 0,
  };
}

/** Writes a metapage's contents on a page that has just been initialised, with its flag and pd_lower. */
export function writeBTMetaPage(page: Page, meta: BTMetaPageData): void {
  const view = page.view;
  view.setUint32(META_AT, meta.btm_magic, true);
  view.setUint32(META_AT + 4, meta.btm_version, true);
  view.setUint32(META_AT + 8, meta.btm_root, true);
  view.setUint32(META_AT + 12, meta.btm_level, true);
  view.setUint32(META_AT + 16, meta.btm_fastroot, true);
  view.setUint32(META_AT + 20, meta.btm_fastlevel, true);
  view.setUint32(META_AT + 24, meta.btm_last_cleanup_num_delpages, true);
  view.setFloat64(META_AT + 32, meta.btm_last_cleanup_num_heap_tuples, true);
  view.setUint8(META_AT + 40, meta.btm_allequalimage ? 1 : 0);
  setBtpoFlags(page, BTP_META);
  page.pdLower = META_AT + SIZE_OF_BT_META;
}

/** BTreeTupleIsPivot(); never a false positive, but blind in indexes older than metapage version 4. */
export function isPivotTuple(view: DataView, at: number): boolean {
  return (view.getUint16(at + T_INFO, true) & INDEX_AM_RESERVED_BIT) !== 0 && (readItemPointerOffset(view, at) & BT_IS_POSTING) === 0;
}

/** BTreeTupleIsPosting() */
export function isPostingTuple(view: DataView, at: number): boolean {
  return (view.getUint16(at + T_INFO, true) & INDEX_AM_RESERVED_BIT) !== 0 && (readItemPointerOffset(view, at) & BT_IS_POSTING) !== 0;
}

/** BTreeTupleGetDownLink(), and BTreeTupleGetTopParent(). */
export const tupleDownLink = readBlockId;
export const setTupleDownLink = writeBlockId;

/** BTreeTupleGetNAtts(): how many attributes a tuple stores; `natts` is the index's own count. */
export function tupleNAtts(view: DataView, at: number, natts: number): number {
  return isPivotTuple(view, at) ? readItemPointerOffset(view, at) & BT_OFFSET_MASK : natts;
}

/** BTreeTupleGetNPosting() */
export const nPosting = (view: DataView, at: number): number => readItemPointerOffset(view, at) & BT_OFFSET_MASK;
/** BTreeTupleGetPostingOffset(): from the tuple's beginning. */
export const postingOffset = readBlockId;

/** BTreeTupleGetHeapTID(): where the (first) heap TID stands, or -1 where a pivot tuple has none. */
export function heapTidAt(view: DataView, at: number): number {
  if (isPivotTuple(view, at)) {
    if ((readItemPointerOffset(view, at) & BT_PIVOT_HEAP_TID_ATTR) === 0) return -1;
    return at + indexTupleSize(view, at) - SIZE_OF_ITEM_POINTER;
  }
  return isPostingTuple(view, at) ? at + postingOffset(view, at) : at;
}

/**
 * Where a leaf tuple's posting list lies in `bytes`, checked against the tuple's own size: the byte range of its heap TIDs
 * (one TID for a plain tuple) and how long the tuple is without a list. Throws PageError on a list that does not fit.
 */
export function heapTidRange(view: DataView, at: number): { tidsAt: number; count: number; baseSize: number } {
  if (!isPostingTuple(view, at)) return { tidsAt: at, count: 1, baseSize: indexTupleSize(view, at) };
  const offset = postingOffset(view, at);
  const count = nPosting(view, at);
  if (offset < 8 || offset + count * SIZE_OF_ITEM_POINTER > indexTupleSize(view, at)) throw new PageError('a posting list exceeds its tuple');
  return { tidsAt: at + offset, count, baseSize: offset };
}

const align8 = (n: number): number => (n + 7) & ~7;

/**
 * _bt_form_posting(): a tuple with the base tuple's key (`base` without its posting list, if it had one) and these heap TIDs.
 * `tids` is an array of 6-byte item pointers, ascending.
 */
export function formPosting(base: Uint8Array, tids: Uint8Array): Uint8Array {
  const count = tids.length / SIZE_OF_ITEM_POINTER;
  const keySize = base.length;
  const size = count > 1 ? align8(keySize + tids.length) : keySize;
  if (size > INDEX_SIZE_MASK) throw new PageError(`a posting list tuple of ${size} bytes is too long`);
  const tuple = new Uint8Array(size);
  const view = new DataView(tuple.buffer);
  tuple.set(base);
  const info = (view.getUint16(T_INFO, true) & ~INDEX_SIZE_MASK) | size;
  if (count > 1) {
    view.setUint16(T_INFO, info | INDEX_AM_RESERVED_BIT, true);
    view.setUint16(4, count | BT_IS_POSTING, true);
    writeBlockId(view, 0, keySize);
    tuple.set(tids, keySize);
  } else {
    view.setUint16(T_INFO, info & ~INDEX_AM_RESERVED_BIT, true);
    tuple.set(tids, 0);
  }
  return tuple;
}

/**
 * _bt_update_posting(): the posting list tuple without the TIDs whose positions in the list are given, ascending.
 * Throws PageError where `tuple` is no posting list, or where no TID would remain.
 */
export function updatePosting(tuple: Uint8Array, deletedPositions: readonly number[]): Uint8Array {
  const view = new DataView(tuple.buffer, tuple.byteOffset, tuple.byteLength);
  if (!isPostingTuple(view, 0)) throw new PageError('the tuple to be updated has no posting list');
  const { tidsAt, count, baseSize } = heapTidRange(view, 0);
  const kept = count - deletedPositions.length;
  if (kept <= 0) throw new PageError(`cannot delete ${deletedPositions.length} of ${count} heap TIDs of a posting list`);
  const tids = new Uint8Array(kept * SIZE_OF_ITEM_POINTER);
  let d = 0, out = 0;
  for (let i = 0; i < count; i++) {
    if (d < deletedPositions.length && deletedPositions[d] === i) { d++; continue; }
    const from = tidsAt + i * SIZE_OF_ITEM_POINTER;
    if (out < tids.length) tids.set(tuple.subarray(from, from + SIZE_OF_ITEM_POINTER), out);
    out += SIZE_OF_ITEM_POINTER;
  }
  if (d !== deletedPositions.length) throw new PageError('deleted positions of a posting list are out of order');
  return formPosting(tuple.subarray(0, baseSize), tids);
}

/**
 * _bt_swap_posting(): splits the posting list `oposting` at `postingoff` to make room for `newitem`'s TID.
 * Gives the replaced list (same size); `newitem` gets the list's former last TID, in place.
 */
export function swapPosting(newitem: Uint8Array, oposting: Uint8Array, postingoff: number): Uint8Array {
  const view = new DataView(oposting.buffer, oposting.byteOffset, oposting.byteLength);
  if (!isPostingTuple(view, 0)) throw new PageError('the tuple to be split has no posting list');
  const { tidsAt, count } = heapTidRange(view, 0);
  if (!(postingoff > 0 && postingoff < count)) {
    throw new PageError(`posting list tuple with ${count} items cannot be split at offset ${postingoff}`);
  }
  const nposting = oposting.slice();
  const replaceAt = tidsAt + postingoff * SIZE_OF_ITEM_POINTER;
  const lastAt = tidsAt + (count - 1) * SIZE_OF_ITEM_POINTER;
  nposting.copyWithin(replaceAt + SIZE_OF_ITEM_POINTER, replaceAt, lastAt);
  nposting.set(newitem.subarray(0, SIZE_OF_ITEM_POINTER), replaceAt);
  newitem.set(oposting.subarray(lastAt, lastAt + SIZE_OF_ITEM_POINTER), 0);
  return nposting;
}
