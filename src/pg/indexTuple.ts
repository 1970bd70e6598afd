/**
 * The index tuple header that btree, hash, GiST and GIN share: a TID, then t_info.
 * Layout: access/itup.h, PG 13–18. An index tuple is a view and the offset where it begins in it.
 */
import { PageError } from './page.js';

export const SIZE_OF_INDEX_TUPLE_DATA = 8;
export const SIZE_OF_ITEM_POINTER = 6;

export const INDEX_SIZE_MASK = 0x1fff;
/** What this bit means is the access method's choice. */
export const INDEX_AM_RESERVED_BIT = 0x2000;
export const INDEX_VAR_MASK = 0x4000;
export const INDEX_NULL_MASK = 0x8000;

const T_INFO = 6;

/** t_info */
export function indexTupleInfo(view: DataView, at: number): number {
  return view.getUint16(at + T_INFO, true);
}

/** IndexTupleSize() */
export function indexTupleSize(view: DataView, at: number): number {
  return view.getUint16(at + T_INFO, true) & INDEX_SIZE_MASK;
}

/** IndexInfoFindDataOffset(): where the attributes begin, from the tuple's beginning. */
export function indexTupleDataOffset(tInfo: number): number {
  // the null bitmap always takes room for INDEX_MAX_KEYS = 32 attributes
  return (tInfo & INDEX_NULL_MASK) !== 0 ? 16 : SIZE_OF_INDEX_TUPLE_DATA;
}

/** ItemPointerGetBlockNumberNoCheck(): two 16-bit halves, high half first. */
export function itemPointerBlock(view: DataView, at: number): number {
  return view.getUint16(at, true) * 0x10000 + view.getUint16(at + 2, true);
}

/** ItemPointerGetOffsetNumberNoCheck() */
export function itemPointerOffset(view: DataView, at: number): number {
  return view.getUint16(at + 4, true);
}

/** ItemPointerSetBlockNumber() */
export function setItemPointerBlock(view: DataView, at: number, block: number): void {
  view.setUint16(at, block >>> 16, true);
  view.setUint16(at + 2, block & 0xffff, true);
}

/** ItemPointerSetOffsetNumber() */
export function setItemPointerOffset(view: DataView, at: number, offset: number): void {
  view.setUint16(at + 4, offset, true);
}

/**
 * The size of the index tuple at `at`, checked to fit before `end`: for tuples that stand in a record's data.
 * Throws PageError where it does not fit or is shorter than its header.
 */
export function checkedIndexTupleSize(view: DataView, at: number, end: number): number {
  if (end - at < SIZE_OF_INDEX_TUPLE_DATA) throw new PageError('an index tuple in the record is cut short');
  const size = indexTupleSize(view, at);
  if (size < SIZE_OF_INDEX_TUPLE_DATA || size > end - at) throw new PageError(`invalid index tuple size ${size} in the record`);
  return size;
}
