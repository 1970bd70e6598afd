/**
 * The header of a heap tuple on a page: where its fields lie and what its flag bits mean.
 * Layout: HeapTupleHeaderData, access/htup_details.h, PG 13–18. All functions take the DataView of a page (or of any tuple) and
 * the byte at which the tuple begins.
 */
import { readBlockId, readItemPointerOffset, writeBlockId } from './itemPointer.js';
import { LP_NORMAL, PageError, type Page } from './page.js';

/** Byte offsets in HeapTupleHeaderData. */
export const T_XMIN = 0;
export const T_XMAX = 4;
/** t_field3: t_cid, or t_xvac where HEAP_MOVED. */
export const T_CID = 8;
export const T_CTID = 12;
export const T_INFOMASK2 = 18;
export const T_INFOMASK = 20;
export const T_HOFF = 22;
/** SizeofHeapTupleHeader: also where the null bitmap begins. */
export const SIZE_OF_HEAP_TUPLE_HEADER = 23;

// t_infomask
export const HEAP_HASNULL = 0x0001;
export const HEAP_HASVARWIDTH = 0x0002;
export const HEAP_HASEXTERNAL = 0x0004;
export const HEAP_HASOID_OLD = 0x0008;
export const HEAP_XMAX_KEYSHR_LOCK = 0x0010;
export const HEAP_COMBOCID = 0x0020;
export const HEAP_XMAX_EXCL_LOCK = 0x0040;
export const HEAP_XMAX_LOCK_ONLY = 0x0080;
export const HEAP_XMAX_SHR_LOCK = HEAP_XMAX_EXCL_LOCK | HEAP_XMAX_KEYSHR_LOCK;
export const HEAP_LOCK_MASK = HEAP_XMAX_SHR_LOCK;
export const HEAP_XMIN_COMMITTED = 0x0100;
export const HEAP_XMIN_INVALID = 0x0200;
export const HEAP_XMIN_FROZEN = HEAP_XMIN_COMMITTED | HEAP_XMIN_INVALID;
export const HEAP_XMAX_COMMITTED = 0x0400;
export const HEAP_XMAX_INVALID = 0x0800;
export const HEAP_XMAX_IS_MULTI = 0x1000;
export const HEAP_UPDATED = 0x2000;
export const HEAP_MOVED_OFF = 0x4000;
export const HEAP_MOVED_IN = 0x8000;
export const HEAP_MOVED = HEAP_MOVED_OFF | HEAP_MOVED_IN;
export const HEAP_XACT_MASK = 0xfff0;
/** All bits that must go when xmax changes. */
export const HEAP_XMAX_BITS = HEAP_XMAX_COMMITTED | HEAP_XMAX_INVALID | HEAP_XMAX_IS_MULTI | HEAP_LOCK_MASK | HEAP_XMAX_LOCK_ONLY;

// t_infomask2
export const HEAP_NATTS_MASK = 0x07ff;
export const HEAP_KEYS_UPDATED = 0x2000;
export const HEAP_HOT_UPDATED = 0x4000;
export const HEAP_ONLY_TUPLE = 0x8000;
export const HEAP2_XACT_MASK = 0xe000;

/** t_ctid's offset number while a speculative insertion is not confirmed: the block number is then a token. */
export const SPEC_TOKEN_OFFSET_NUMBER = 0xfffe;
/** t_ctid of a row that an update moved to another partition. */
export const MOVED_PARTITIONS_BLOCK_NUMBER = 0xffffffff;
export const MOVED_PARTITIONS_OFFSET_NUMBER = 0xfffd;

/** HEAP_XMAX_IS_LOCKED_ONLY(): xmax, if valid, only locks. */
export function heapXmaxIsLockedOnly(infomask: number): boolean {
  return (infomask & HEAP_XMAX_LOCK_ONLY) !== 0 || (infomask & (HEAP_XMAX_IS_MULTI | HEAP_LOCK_MASK)) === HEAP_XMAX_EXCL_LOCK;
}

/** HEAP_LOCKED_UPGRADED(): a multixact of 9.2 or earlier, which must not be looked up and locks nothing. */
export function heapLockedUpgraded(infomask: number): boolean {
  return (infomask & (HEAP_XMAX_IS_MULTI | HEAP_XMAX_LOCK_ONLY | HEAP_XMAX_EXCL_LOCK | HEAP_XMAX_KEYSHR_LOCK))
    === (HEAP_XMAX_IS_MULTI | HEAP_XMAX_LOCK_ONLY);
}

/** HeapTupleHeaderXminFrozen() */
export function heapXminFrozen(infomask: number): boolean {
  return (infomask & HEAP_XMIN_FROZEN) === HEAP_XMIN_FROZEN;
}

/** The block number in t_ctid. */
export function ctidBlock(view: DataView, at: number): number {
  return readBlockId(view, at + T_CTID);
}

/** The offset number in t_ctid. */
export function ctidOffset(view: DataView, at: number): number {
  return readItemPointerOffset(view, at + T_CTID);
}

/** ItemPointerSet() on t_ctid. */
export function setCtid(view: DataView, at: number, block: number, offnum: number): void {
  writeBlockId(view, at + T_CTID, block);
  view.setUint16(at + T_CTID + 4, offnum, true);
}

/** Where the tuple under a normal line pointer begins. Throws PageError where there is no such tuple or not a whole header. */
export function heapTupleAt(page: Page, offnum: number): number {
  if (offnum > page.maxOffset) throw new PageError(`invalid lp ${offnum}`);
  const id = page.itemId(offnum);
  if (((id >>> 15) & 3) !== LP_NORMAL) throw new PageError(`invalid lp ${offnum}`);
  const at = page.itemAt(offnum);
  if (id >>> 17 < SIZE_OF_HEAP_TUPLE_HEADER) throw new PageError(`tuple ${offnum} is shorter than its header`);
  return at;
}
