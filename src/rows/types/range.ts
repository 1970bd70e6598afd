/** Ranges and multiranges: range_out(), range_deserialize(), utils/adt/rangetypes.c; multirange_out(), utils/adt/multirangetypes.c, PG 13–18 (multiranges from 14). */
import { ALIGN_MASK } from '../deform.js';
import { uint32At } from '../bytes.js';
import { elementSize } from './array.js';
import { valueError } from './valueError.js';
import type { OutputFunction, StoredOutput, TypeInfo, TypeOutput } from './typeInfo.js';

export const RANGE_EMPTY = 0x01;
export const RANGE_LB_INC = 0x02;
export const RANGE_UB_INC = 0x04;
export const RANGE_LB_INF = 0x08;
export const RANGE_UB_INF = 0x10;
const NO_LOWER_BOUND = RANGE_EMPTY | RANGE_LB_INF | 0x20;
const NO_UPPER_BOUND = RANGE_EMPTY | RANGE_UB_INF | 0x40;
const MULTIRANGE_ITEM_OFF_BIT = 0x8000_0000;
/** sizeof(MultirangeType): the varlena header, the type's OID, the number of ranges. */
const SIZE_OF_MULTIRANGE_TYPE = 12;

interface Place {
  at: number;
  length: number;
}

/** A range as it is stored: its flags, and where its bounds lie, a varlena's header included. */
export interface StoredRange {
  flags: number;
  /** Undefined where there is no such bound. */
  lower: Place | undefined;
  upper: Place | undefined;
}

/** range_deserialize(): the bounds begin at `at`; alignment counts from `base`. */
function readBounds(bytes: Uint8Array, base: number, at: number, end: number, flags: number, type: TypeInfo): StoredRange {
  const range: StoredRange = { flags, lower: undefined, upper: undefined };
  let off = at;
  if ((flags & NO_LOWER_BOUND) === 0) {
    const length = elementSize(type, bytes, off, end);
    range.lower = { at: off, length };
    off += type.typlen === -2 ? length + 1 : length;
  }
  if ((flags & NO_UPPER_BOUND) === 0) {
    const mask = ALIGN_MASK[type.typalign];
    if (type.typlen !== -1 || bytes[off] === 0) off = base + ((off - base + mask) & ~mask);
    range.upper = { at: off, length: elementSize(type, bytes, off, end) };
  }
  return range;
}

/** A range without its varlena header: the type's OID, the bounds, the flags in the last byte. */
export function readRange(bytes: Uint8Array, at: number, length: number, subtype: TypeInfo): StoredRange {
  const end = at + length - 1;
  return readBounds(bytes, at - 4, at + 4, end, bytes[end]!, subtype);
}

/**
 * A multirange without its varlena header: the type's OID and the number of ranges, an offset or length for each range but the first, one byte of flags
 * for each range, then the bounds, aligned.
 */
export function readMultirange(bytes: Uint8Array, at: number, length: number, subtype: TypeInfo): StoredRange[] {
  const base = at - 4, end = at + length;
  const count = uint32At(bytes, at + 4);
  if (count === 0) return [];
  const itemsAt = base + SIZE_OF_MULTIRANGE_TYPE;
  const flagsAt = itemsAt + (count - 1) * 4;
  const mask = ALIGN_MASK[subtype.typalign];
  const boundsAt = base + ((flagsAt + count - base + mask) & ~mask);
  if (boundsAt > end) throw valueError('multirange', `${count} ranges do not fit its bytes`);
  const ranges: StoredRange[] = [];
  let offset = 0;
  for (let i = 0; i < count; i++) {
    if (i > 0) {
      const item = uint32At(bytes, itemsAt + (i - 1) * 4);
      offset = item >= MULTIRANGE_ITEM_OFF_BIT ? item - MULTIRANGE_ITEM_OFF_BIT : offset + item;
    }
    ranges.push(readBounds(bytes, base, boundsAt + offset, end, bytes[flagsAt + i]!, subtype));
  }
  return ranges;
}

interface Subtype {
  type: TypeInfo;
  print: StoredOutput;
}

function subtypeOf(rangeOid: number, output: TypeOutput): Subtype {
  const range = output.typeInfo(rangeOid);
  if (range.rangeSubtype === undefined) throw valueError(range.name, 'the subtype of its range type is not known');
  return { type: output.typeInfo(range.rangeSubtype), print: output.ofType(range.rangeSubtype) };
}

/** range_bound_escape() */
function quotedBound(text: string): string {
  if (text !== '' && !/["\\()[\],\t-\r ]/.test(text)) return text;
  return `"${text.replace(/["\\]/g, '$&$&')}"`;
}

/** range_deparse() */
function rangeText(bytes: Uint8Array, { flags, lower, upper }: StoredRange, { print }: Subtype): string {
  if ((flags & RANGE_EMPTY) !== 0) return 'empty';
  const bound = (place: Place | undefined): string => (place ? quotedBound(print(bytes, place.at, place.length)) : '');
  return `${flags & RANGE_LB_INC ? '[' : '('}${bound(lower)},${bound(upper)}${flags & RANGE_UB_INC ? ']' : ')'}`;
}

/** The range's type is the one that the value names. */
export const rangeOut: OutputFunction = (bytes, at, length, _type, output) => {
  const subtype = subtypeOf(uint32At(bytes, at), output);
  return rangeText(bytes, readRange(bytes, at, length, subtype.type), subtype);
};

export const multirangeOut: OutputFunction = (bytes, at, length, _type, output) => {
  const multirange = output.typeInfo(uint32At(bytes, at));
  if (multirange.rangeType === undefined) throw valueError(multirange.name, 'its range type is not known');
  const subtype = subtypeOf(multirange.rangeType, output);
  return `{${readMultirange(bytes, at, length, subtype.type).map((range) => rangeText(bytes, range, subtype)).join(',')}}`;
};
