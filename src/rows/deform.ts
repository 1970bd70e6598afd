/**
 * From a tuple's bytes to the places of its attributes.
 * Follows heap_deform_tuple(), nocachegetattr() and index_deform_tuple(), access/common/{heaptuple,indextuple}.c, PG 13–18 (64-bit, little endian).
 */
import { HEAP_HASNULL, HEAP_NATTS_MASK, SIZE_OF_HEAP_TUPLE_HEADER, T_HOFF, T_INFOMASK, T_INFOMASK2 } from '../pg/heapTuple.js';
import { inputError, type WalscopeError } from '../util/errors.js';
import { int32At, uint16At } from './bytes.js';
import { varsizeAny } from './varlena.js';

export type TypeAlign = 'c' | 's' | 'i' | 'd';

/** What deforming needs of an attribute: attlen and attalign of pg_attribute (a dropped column keeps its own). */
export interface AttributeLayout {
  /** Bytes; -1: varlena, -2: C string. */
  attlen: number;
  attalign: TypeAlign;
  /** attmissingval is set: attributes that a tuple is too short for take it instead of NULL. */
  hasMissing?: boolean;
}

/** In DeformedTuple.length: the attribute is NULL. */
export const ATTRIBUTE_NULL = -1;
/** In DeformedTuple.length: the tuple predates the column, whose attmissingval holds instead. */
export const ATTRIBUTE_MISSING = -2;

const SIZE_OF_INDEX_TUPLE = 8;
const INDEX_NULL_MASK = 0x8000;
const INDEX_SIZE_MASK = 0x1fff;
/** The null bitmap of an index tuple has this size whatever its number of attributes (IndexAttributeBitMapData). */
const INDEX_BITMAP_BYTES = 4;

/**
 * Where each attribute lies: `at[i]` is its first byte (a varlena's header included), `length[i]` its bytes (header included; a C string's
 * terminator not), or ATTRIBUTE_NULL or ATTRIBUTE_MISSING. Made to be filled again for every tuple.
 */
export interface DeformedTuple {
  at: Int32Array;
  length: Int32Array;
}

/** What to add and to clear for an alignment. */
export const ALIGN_MASK: Record<TypeAlign, number> = { c: 0, s: 1, i: 3, d: 7 };

/** A row descriptor, compiled: offsets of the leading fixed-width attributes are known once for all tuples without NULLs. */
export class TupleDeformer {
  readonly natts: number;
  private readonly attlen: Int32Array;
  private readonly alignMask: Int32Array;
  private readonly absent: Int32Array;
  /** Offsets of the attributes before the first variable one, from the start of the data. */
  private readonly cachedOffset: Int32Array;
  private readonly cachedCount: number;
  private readonly cachedEnd: number;

  constructor(attributes: readonly AttributeLayout[]) {
    this.natts = attributes.length;
    this.attlen = Int32Array.from(attributes, (a) => a.attlen);
    this.alignMask = Int32Array.from(attributes, (a) => ALIGN_MASK[a.attalign]);
    this.absent = Int32Array.from(attributes, (a) => (a.hasMissing ? ATTRIBUTE_MISSING : ATTRIBUTE_NULL));
    this.cachedOffset = new Int32Array(this.natts);
    let off = 0, count = 0;
    while (count < this.natts && this.attlen[count]! > 0) {
      const mask = this.alignMask[count]!;
      off = (off + mask) & ~mask;
      this.cachedOffset[count] = off;
      off += this.attlen[count]!;
      count++;
    }
    this.cachedCount = count;
    this.cachedEnd = off;
  }

  /** An empty result of the right size, to be filled by the deform methods. */
  newResult(): DeformedTuple {
    return { at: new Int32Array(this.natts), length: new Int32Array(this.natts) };
  }

  /**
   * Deforms the heap tuple of `length` bytes at `at` (a composite value's tuple has the same form). Alignment counts from the tuple's data.
   * Throws `row.tuple` where the tuple contradicts itself or its descriptor; the caller adds the place.
   */
  deformHeapTuple(bytes: Uint8Array, at: number, length: number, out: DeformedTuple): void {
    if (length < SIZE_OF_HEAP_TUPLE_HEADER) throw tupleError(`a heap tuple of ${length} bytes is shorter than its header`);
    const natts = uint16At(bytes, at + T_INFOMASK2) & HEAP_NATTS_MASK;
    const hasNull = (bytes[at + T_INFOMASK]! & HEAP_HASNULL) !== 0;
    const hoff = bytes[at + T_HOFF]!;
    if (hoff > length || hoff < SIZE_OF_HEAP_TUPLE_HEADER + (hasNull ? (natts + 7) >> 3 : 0)) {
      throw tupleError(`data offset ${hoff} of a heap tuple does not fit its length ${length} and ${natts} attributes`);
    }
    this.deformData(bytes, at + hoff, at + length, natts < this.natts ? natts : this.natts, hasNull ? at + SIZE_OF_HEAP_TUPLE_HEADER : -1, out);
  }

  /** Deforms the index tuple at `at`; `attributeCount` where it holds fewer key columns than the index (a btree pivot tuple). Throws `row.tuple`. */
  deformIndexTuple(bytes: Uint8Array, at: number, out: DeformedTuple, attributeCount = this.natts): void {
    const info = uint16At(bytes, at + 6);
    const hasNull = (info & INDEX_NULL_MASK) !== 0;
    const dataAt = at + (hasNull ? (SIZE_OF_INDEX_TUPLE + INDEX_BITMAP_BYTES + 7) & ~7 : SIZE_OF_INDEX_TUPLE);
    const end = at + (info & INDEX_SIZE_MASK);
    if (end > bytes.length) throw tupleError(`an index tuple of ${info & INDEX_SIZE_MASK} bytes reaches past its page`);
    this.deformData(bytes, dataAt, end, attributeCount, hasNull ? at + SIZE_OF_INDEX_TUPLE : -1, out);
  }

  private deformData(bytes: Uint8Array, dataAt: number, end: number, natts: number, nullBitsAt: number, out: DeformedTuple): void {
    const { attlen, alignMask } = this;
    const outAt = out.at, outLength = out.length;
    let i = 0, off = dataAt;
    if (nullBitsAt < 0) {
      const cached = this.cachedCount < natts ? this.cachedCount : natts;
      for (; i < cached; i++) {
        outAt[i] = dataAt + this.cachedOffset[i]!;
        outLength[i] = attlen[i]!;
      }
      if (cached > 0) off = cached === this.cachedCount ? dataAt + this.cachedEnd : outAt[cached - 1]! + attlen[cached - 1]!;
    }
    for (; i < natts; i++) {
      if (nullBitsAt >= 0 && (bytes[nullBitsAt + (i >> 3)]! & (1 << (i & 7))) === 0) {
        outLength[i] = ATTRIBUTE_NULL;
        continue;
      }
      const len = attlen[i]!;
      // A short varlena is never aligned; where the next byte is not zero it is no padding, so the value begins there.
      if (len !== -1 || bytes[off] === 0) {
        const mask = alignMask[i]!;
        off = dataAt + ((off - dataAt + mask) & ~mask);
      }
      const size = len > 0 ? len : len === -1 ? varlenaSize(bytes, off, end) : cstringSize(bytes, off, end);
      outAt[i] = off;
      outLength[i] = size;
      off += len === -2 ? size + 1 : size;
    }
    if (off > end) throw tupleError(`the attributes of a tuple reach ${off - end} bytes past its end`);
    for (; i < this.natts; i++) outLength[i] = this.absent[i]!;
  }
}

function varlenaSize(bytes: Uint8Array, at: number, end: number): number {
  const size = at < end ? varsizeAny(bytes, at) : 0;
  if (size === 0 || at + size > end) throw tupleError('a variable-length attribute has no valid length or reaches past its tuple');
  return size;
}

function cstringSize(bytes: Uint8Array, at: number, end: number): number {
  const terminator = bytes.indexOf(0, at);
  if (terminator < 0 || terminator >= end) throw tupleError('a C string attribute has no end within its tuple');
  return terminator - at;
}

/** The row type's OID in a composite value's header (HeapTupleHeaderGetTypeId()). */
export function compositeTypeOid(bytes: Uint8Array, at: number): number {
  return int32At(bytes, at + 8) >>> 0;
}

function tupleError(message: string): WalscopeError {
  return inputError('row.tuple', message);
}
