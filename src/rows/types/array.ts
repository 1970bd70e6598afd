/** Arrays: array_out(), utils/adt/arrayfuncs.c; utils/array.h, PG 13–18. */
import { ALIGN_MASK } from '../deform.js';
import { int32At, uint32At } from '../bytes.js';
import { varsizeAny } from '../varlena.js';
import { valueError } from './valueError.js';
import type { OutputFunction, TypeInfo, TypeOutput } from './typeInfo.js';

const MAXDIM = 6;
/** sizeof(ArrayType): the varlena header, ndim, dataoffset, elemtype. */
const SIZE_OF_ARRAY_TYPE = 16;

export interface ArrayHeader {
  elemType: number;
  dims: number[];
  lowerBounds: number[];
  itemCount: number;
  /** -1: no element is NULL. */
  nullBitsAt: number;
  dataAt: number;
}

/** `base` is where a 4-byte varlena header stands or would stand. */
export function readArrayHeader(bytes: Uint8Array, base: number, end: number): ArrayHeader {
  const ndim = int32At(bytes, base + 4);
  if (ndim < 0 || ndim > MAXDIM || base + SIZE_OF_ARRAY_TYPE + ndim * 8 > end) throw valueError('array', `invalid number of dimensions ${ndim}`);
  const dataOffset = int32At(bytes, base + 8);
  const dims: number[] = [], lowerBounds: number[] = [];
  let itemCount = ndim === 0 ? 0 : 1;
  for (let i = 0; i < ndim; i++) {
    dims.push(int32At(bytes, base + SIZE_OF_ARRAY_TYPE + i * 4));
    lowerBounds.push(int32At(bytes, base + SIZE_OF_ARRAY_TYPE + (ndim + i) * 4));
    itemCount *= dims[i]!;
  }
  const bitsAt = SIZE_OF_ARRAY_TYPE + ndim * 8;
  const dataAt = base + (dataOffset !== 0 ? dataOffset : (bitsAt + 7) & ~7);
  // No element takes less than a bit, of the NULL bitmap or of itself.
  if (itemCount < 0 || itemCount > (end - base) * 8 || (itemCount > 0 && dataAt > end)) throw valueError('array', `${itemCount} elements do not fit its bytes`);
  return { elemType: uint32At(bytes, base + 12), dims, lowerBounds, itemCount, nullBitsAt: dataOffset !== 0 ? base + bitsAt : -1, dataAt };
}

/** The bytes that an element takes at `at`, a varlena's header included, a C string's terminator not. */
export function elementSize(type: TypeInfo, bytes: Uint8Array, at: number, end: number): number {
  if (type.typlen > 0) return type.typlen;
  if (type.typlen === -1) {
    const size = at < end ? varsizeAny(bytes, at) : 0;
    if (size > 0 && at + size <= end) return size;
  } else {
    const terminator = bytes.indexOf(0, at);
    if (terminator >= 0 && terminator < end) return terminator - at;
  }
  throw valueError(type.name, 'an element reaches past its container');
}

/** Calls `each` for every element in storage order; `at` -1 for a NULL. */
function forEachElement(bytes: Uint8Array, base: number, end: number, header: ArrayHeader, type: TypeInfo, each: (at: number, length: number) => void): void {
  const mask = ALIGN_MASK[type.typalign];
  let at = header.dataAt;
  for (let i = 0; i < header.itemCount; i++) {
    if (header.nullBitsAt >= 0 && (bytes[header.nullBitsAt + (i >> 3)]! & (1 << (i & 7))) === 0) {
      each(-1, 0);
      continue;
    }
    if (type.typlen !== -1 || bytes[at] === 0) at = base + ((at - base + mask) & ~mask);
    const size = elementSize(type, bytes, at, end);
    if (at + size > end) throw valueError('array', "an element reaches past the value's end");
    each(at, size);
    at += type.typlen === -2 ? size + 1 : size;
  }
}

/** An element's text in the quotes that array_in() needs. */
function quoted(text: string, typdelim: string): string {
  let mustQuote = text === '' || (text.length === 4 && text.toUpperCase() === 'NULL');
  let mustEscape = false;
  const delimiter = typdelim.charCodeAt(0);
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x22 || c === 0x5c) mustQuote = mustEscape = true;
    else if (c === 0x7b || c === 0x7d || c === delimiter || c === 0x20 || (c >= 0x09 && c <= 0x0d)) mustQuote = true;
  }
  if (!mustQuote) return text;
  return mustEscape ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`;
}

function nested(items: readonly string[], dims: readonly number[], typdelim: string): string {
  let level = items;
  for (let d = dims.length - 1; d >= 0; d--) {
    const size = dims[d]!;
    const groups: string[] = [];
    for (let i = 0; i < level.length; i += size) groups.push(`{${level.slice(i, i + size).join(typdelim)}}`);
    level = groups;
  }
  return level[0]!;
}

/** array_out(), also anyarray_out(): the element type is the one that the value itself names. */
export const arrayOut: OutputFunction = (bytes, at, length, _type, output) => {
  const base = at - 4, end = at + length;
  const header = readArrayHeader(bytes, base, end);
  if (header.itemCount === 0) return '{}';
  const type = output.typeInfo(header.elemType);
  const print = output.ofType(header.elemType);
  const items: string[] = [];
  forEachElement(bytes, base, end, header, type, (elementAt, size) => {
    items.push(elementAt < 0 ? 'NULL' : quoted(print(bytes, elementAt, size), type.typdelim));
  });
  const { dims, lowerBounds } = header;
  const bounds = lowerBounds.some((lower) => lower !== 1) ? `${dims.map((size, i) => `[${lowerBounds[i]!}:${lowerBounds[i]! + size - 1}]`).join('')}=` : '';
  return bounds + nested(items, dims, type.typdelim);
};

/**
 * The texts of a stored array's elements in storage order, null for NULL: for one's own reading of catalog columns (acl, options, missing values).
 * `at` and `length` are the value without its varlena header.
 */
export function arrayElements(bytes: Uint8Array, at: number, length: number, output: TypeOutput): (string | null)[] {
  const header = readArrayHeader(bytes, at - 4, at + length);
  if (header.itemCount === 0) return [];
  const print = output.ofType(header.elemType);
  const items: (string | null)[] = [];
  forEachElement(bytes, at - 4, at + length, header, output.typeInfo(header.elemType), (elementAt, size) => {
    items.push(elementAt < 0 ? null : print(bytes, elementAt, size));
  });
  return items;
}

/** Where a stored array's elements lie, a varlena's header included; `at` -1 for NULL. The array is the value without its varlena header. */
export function arrayElementPlaces(bytes: Uint8Array, at: number, length: number, elementType: TypeInfo): { at: number; length: number }[] {
  const places: { at: number; length: number }[] = [];
  forEachElement(bytes, at - 4, at + length, readArrayHeader(bytes, at - 4, at + length), elementType, (elementAt, size) => {
    places.push({ at: elementAt, length: size });
  });
  return places;
}
