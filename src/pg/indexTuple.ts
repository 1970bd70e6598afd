/**
 * IndexTupleData: t_tid (6 bytes) and t_info, then an optional null bitmap and the key (access/itup.h, PG 13–18).
 */
import { PageError } from './page.js';

export const SIZE_OF_INDEX_TUPLE = 8;
export const INDEX_SIZE_MASK = 0x1fff;
/** Reserved for the access method (btree: t_tid's offset holds a count of attributes or a posting list). */
export const INDEX_AM_RESERVED_BIT = 0x2000;
export const INDEX_VAR_MASK = 0x4000;
export const INDEX_NULL_MASK = 0x8000;

/** IndexTupleSize(): bytes, header included. */
export function indexTupleSize(view: DataView, at: number): number {
  return view.getUint16(at + 6, true) & INDEX_SIZE_MASK;
}

/** IndexInfoFindDataOffset(): where the key begins, from the tuple's start; the null bitmap holds INDEX_MAX_KEYS (32) bits. */
export function indexTupleDataOffset(view: DataView, at: number): number {
  return (view.getUint16(at + 6, true) & INDEX_NULL_MASK) === 0 ? SIZE_OF_INDEX_TUPLE : 16;
}

/**
 * IndexTupleSize() of a tuple that stands in a record's data, checked to fit before `end`.
 * Throws PageError where it does not fit or is shorter than its header.
 */
export function checkedIndexTupleSize(view: DataView, at: number, end: number): number {
  if (end - at < SIZE_OF_INDEX_TUPLE) throw new PageError('an index tuple in the record is cut short');
  const size = indexTupleSize(view, at);
  if (size < SIZE_OF_INDEX_TUPLE || size > end - at) throw new PageError(`invalid index tuple size ${size} in the record`);
  return size;
}
