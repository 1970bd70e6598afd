/** Ranges and multiranges: range_out(), range_deserialize(), utils/adt/rangetypes.c; multirange_out(), utils/adt/multirangetypes.c, PG 13–18 (multiranges from 14). */
import { ALIGN_MASK } from '../deform.js';
import { uint32At } from '../bytes.js';
import { elementSize } from './array.js';
import { valueError } from './valueError.js';
import type { OutputFunction, StoredOutput, TypeInfo, TypeOutput } from './typeInfo.js';

const RANGE_EMPTY = 0x01;
const RANGE_LB_INC = 0x02;
const RANGE_UB_INC = 0x04;
const NO_LOWER_BOUND = RANGE_EMPTY | 0x08 | 0x20;
const NO_UPPER_BOUND = RANGE_EMPTY | 0x10 | 0x40;
const MULTIRANGE_ITEM_OFF_BIT = 0x8000_0000;
/** sizeof(MultirangeType): the varlena header, the type's OID, the number of ranges. */
const SIZE_OF_MULTIRANGE_TYPE = 12;

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

/** range_deparse(): the bounds begin at `at`; alignment counts from `base`. */
function boundsText(bytes: Uint8Array, base: number, at: number, end: number, flags: number, { type, print }: Subtype): string {
  if ((flags & RANGE_EMPTY) !== 0) return 'empty';
  let lower = '', upper = '';
  let off = at;
  if ((flags & NO_LOWER_BOUND) === 0) {
    const size = elementSize(type, bytes, off, end);
    lower = quotedBound(print(bytes, off, size));
    off += type.typlen === -2 ? size + 1 : size;
  }
  if ((flags & NO_UPPER_BOUND) === 0) {
    const mask = ALIGN_MASK[type.typalign];
    if (type.typlen !== -1 || bytes[off] === 0) off = base + ((off - base + mask) & ~mask);
    upper = quotedBound(print(bytes, off, elementSize(type, bytes, off, end)));
  }
  return `${flags & RANGE_LB_INC ? '[' : '('}${lower},${upper}${flags & RANGE_UB_INC ? ']' : ')'}`;
}

/** The range's type is the one that the value names; its flags are the last byte. */
export const rangeOut: OutputFunction = (bytes, at, length, _type, output) => {
  const end = at + length - 1;
  return boundsText(bytes, at - 4, at + 4, end, bytes[end]!, subtypeOf(uint32At(bytes, at), output));
};

/** After the header: an offset or length for each range but the first, one byte of flags for each range, then the bounds, aligned. */
export const multirangeOut: OutputFunction = (bytes, at, length, _type, output) => {
  const base = at - 4, end = at + length;
  const multirange = output.typeInfo(uint32At(bytes, at));
  if (multirange.rangeType === undefined) throw valueError(multirange.name, 'its range type is not known');
  const subtype = subtypeOf(multirange.rangeType, output);
  const count = uint32At(bytes, at + 4);
  if (count === 0) return '{}';
  const itemsAt = base + SIZE_OF_MULTIRANGE_TYPE;
  const flagsAt = itemsAt + (count - 1) * 4;
  const mask = ALIGN_MASK[subtype.type.typalign];
  const boundsAt = base + ((flagsAt + count - base + mask) & ~mask);
  if (boundsAt > end) throw valueError(multirange.name, `${count} ranges do not fit its bytes`);
  const ranges: string[] = [];
  let offset = 0;
  for (let i = 0; i < count; i++) {
    if (i > 0) {
      const item = uint32At(bytes, itemsAt + (i - 1) * 4);
      offset = item >= MULTIRANGE_ITEM_OFF_BIT ? item - MULTIRANGE_ITEM_OFF_BIT : offset + item;
    }
    ranges.push(boundsText(bytes, base, boundsAt + offset, end, bytes[flagsAt + i]!, subtype));
  }
  return `{${ranges.join(',')}}`;
};
