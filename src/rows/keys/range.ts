/** Ranges and multiranges as keys: range_cmp(), hash_range(), range_parse(), make_range(), utils/adt/rangetypes.c; multirangetypes.c, PG 13–18. */
import { readField } from '../../util/recordText.js';
import { int32At, bigInt64At } from '../bytes.js';
import { hashUint32 } from '../hashFunctions.js';
import { RANGE_EMPTY, RANGE_LB_INC, RANGE_LB_INF, RANGE_UB_INC, RANGE_UB_INF, readMultirange, readRange, type StoredRange } from '../types/range.js';
import type { TypeInfo } from '../types/typeInfo.js';
import { combineHash, rotateLeft, type AnyKeyType, type KeyType } from './keyType.js';
import { plainValue } from './plainValue.js';

interface RangeBound {
  isLower: boolean;
  isInclusive: boolean;
  /** Undefined: unbounded. */
  value: unknown;
}

/** Undefined: the empty range. */
type Range = { lower: RangeBound; upper: RangeBound } | undefined;

/** The value after another, of a discrete subtype; undefined where there is none. Itself, where it has no successor (an infinite date). */
type Successor = (value: Uint8Array) => Uint8Array | undefined;

const INT32_MAX = 0x7fff_ffff, INT32_MIN = -0x8000_0000;
const INT64_MAX = 0x7fff_ffff_ffff_ffffn;
/** IS_VALID_DATE(): days before the end of the calendar, from 2000-01-01. */
const DATE_END = 2_145_031_949;
const nextInt32 = (value: Uint8Array, end: number): Uint8Array | undefined => (int32At(value, 0) >= end ? undefined : new Uint8Array(Int32Array.of(int32At(value, 0) + 1).buffer));

/** By the C symbol of pg_range.rngcanonical: int4range_canonical() and its kin make bounds `[,)`. */
const CANONICAL: Readonly<Record<string, Successor>> = {
  int4range_canonical: (value) => nextInt32(value, INT32_MAX),
  int8range_canonical: (value) => (bigInt64At(value, 0) === INT64_MAX ? undefined : new Uint8Array(BigInt64Array.of(bigInt64At(value, 0) + 1n).buffer)),
  daterange_canonical: (value) => (int32At(value, 0) === INT32_MAX || int32At(value, 0) === INT32_MIN ? value : nextInt32(value, DATE_END - 1)),
};

/** True where the bounds of a text can be brought into the form that the server stores. */
export function isKnownCanonical(symbol: string): boolean {
  return Object.hasOwn(CANONICAL, symbol);
}

class RangeOrder {
  private readonly successor: Successor | undefined;

  constructor(private readonly subtype: TypeInfo, private readonly element: AnyKeyType, canonical: string | undefined) {
    this.successor = canonical === undefined ? undefined : CANONICAL[canonical];
  }

  get canHash(): boolean {
    return this.element.hash !== undefined;
  }

  fromStored(bytes: Uint8Array, { flags, lower, upper }: StoredRange): Range {
    if ((flags & RANGE_EMPTY) !== 0) return undefined;
    const value = (place: StoredRange['lower']): unknown => place && this.element.decode(plainValue(bytes, place.at, place.length, this.subtype));
    return {
      lower: { isLower: true, isInclusive: (flags & RANGE_LB_INC) !== 0, value: value(lower) },
      upper: { isLower: false, isInclusive: (flags & RANGE_UB_INC) !== 0, value: value(upper) },
    };
  }

  /** range_in(): null where the text is no range. */
  parse(text: string): Range | null {
    if (/^\s*empty\s*$/i.test(text)) return undefined;
    const [, open, body, close] = /^\s*([[(])([^]*)([\])])\s*$/.exec(text) ?? [];
    if (body === undefined) return null;
    const inner = `${body}${close}`;
    const low = readField(inner, 0, ',])');
    const high = low && inner[low.at] === ',' ? readField(inner, low.at + 1, ',])') : undefined;
    if (!low || !high || high.at !== inner.length - 1) return null;
    const values = [low.value, high.value].map((bound) => (bound === null ? null : this.element.parse(bound)));
    if (values.includes(undefined)) return null;
    const bound = (isLower: boolean, value: unknown, inclusive: boolean): RangeBound => ({ isLower, isInclusive: inclusive && value !== null, value: value ?? undefined });
    return this.make(bound(true, values[0], open === '['), bound(false, values[1], close === ']'));
  }

  /** make_range(): null where the bounds are the wrong way round, or the canonical form is out of the subtype's range. */
  private make(lower: RangeBound, upper: RangeBound): Range | null {
    const way = this.wayOf(lower, upper);
    if (way !== 'range') return way === 'empty' ? undefined : null;
    const [low, high] = [this.canonical(lower, !lower.isInclusive), this.canonical(upper, upper.isInclusive)];
    if (!low || !high) return null;
    const after = this.wayOf(low, high);
    return after === 'range' ? { lower: low, upper: high } : after === 'empty' ? undefined : null;
  }

  /** range_serialize()'s look at the bounds. */
  private wayOf(lower: RangeBound, upper: RangeBound): 'range' | 'empty' | 'wrong' {
    if (lower.value === undefined || upper.value === undefined) return 'range';
    const order = this.element.compare(lower.value, upper.value);
    if (order > 0) return 'wrong';
    return order === 0 && !(lower.isInclusive && upper.isInclusive) ? 'empty' : 'range';
  }

  private canonical(bound: RangeBound, moves: boolean): RangeBound | undefined {
    if (!this.successor || !moves || bound.value === undefined) return bound;
    const value = this.successor(bound.value as Uint8Array);
    if (value === bound.value) return bound;
    return value && { isLower: bound.isLower, isInclusive: bound.isLower, value };
  }

  /** range_cmp_bounds() */
  private compareBounds(a: RangeBound, b: RangeBound): number {
    const outward = (bound: RangeBound): number => (bound.isLower ? -1 : 1);
    if (a.value === undefined || b.value === undefined) {
      if (a.value === undefined && b.value === undefined) return a.isLower === b.isLower ? 0 : outward(a);
      return a.value === undefined ? outward(a) : -outward(b);
    }
    const order = this.element.compare(a.value, b.value);
    if (order !== 0 || (a.isInclusive && b.isInclusive)) return order;
    if (!a.isInclusive && !b.isInclusive) return a.isLower === b.isLower ? 0 : -outward(a);
    return a.isInclusive ? outward(b) : -outward(a);
  }

  compare(a: Range, b: Range): number {
    if (!a || !b) return Number(a !== undefined) - Number(b !== undefined);
    return this.compareBounds(a.lower, b.lower) || this.compareBounds(a.upper, b.upper);
  }

  /** multirange_canonicalize(): sorted, those that overlap or touch made one. Of a discrete subtype, ranges that touch share a bound. */
  merge(ranges: readonly Range[]): NonNullable<Range>[] {
    const sorted = ranges.filter((range) => range !== undefined).sort((a, b) => this.compare(a, b));
    const merged: NonNullable<Range>[] = [];
    for (const range of sorted) {
      const last = merged.at(-1);
      const order = last ? this.compareBounds(last.upper, range.lower) : -1;
      const touches = last?.upper.value !== undefined && range.lower.value !== undefined && this.element.compare(last.upper.value, range.lower.value) === 0
        && last.upper.isInclusive !== range.lower.isInclusive;
      if (!last || (order < 0 && !touches)) merged.push(range);
      else if (this.compareBounds(range.upper, last.upper) > 0) merged[merged.length - 1] = { lower: last.lower, upper: range.upper };
    }
    return merged;
  }

  /** hash_range() */
  hash(range: Range): number {
    if (!range) return rotateLeft(hashUint32(RANGE_EMPTY));
    const { lower, upper } = range;
    const flags = (lower.value === undefined ? RANGE_LB_INF : lower.isInclusive ? RANGE_LB_INC : 0) | (upper.value === undefined ? RANGE_UB_INF : upper.isInclusive ? RANGE_UB_INC : 0);
    const code = (bound: RangeBound): number => (bound.value === undefined ? 0 : this.element.hash!(bound.value));
    return (rotateLeft((hashUint32(flags) ^ code(lower)) >>> 0) ^ code(upper)) >>> 0;
  }

  ranges(stored: Uint8Array): Range[] {
    return readMultirange(stored, 0, stored.length, this.subtype).map((range) => this.fromStored(stored, range));
  }

  range(stored: Uint8Array): Range {
    return this.fromStored(stored, readRange(stored, 0, stored.length, this.subtype));
  }
}

/** A range, or undefined for the empty one, in a box: so that a text that is none is told from it. */
type Boxed = readonly [Range];

/** `element`: how the subtype's values are compared, by pg_range.rngsubopc and rngcollation. `canonical`: the C symbol of rngcanonical, where it has one. */
export function rangeKey(subtype: TypeInfo, element: AnyKeyType, canonical: string | undefined): KeyType<Boxed> {
  const order = new RangeOrder(subtype, element, canonical);
  return {
    isOrdered: true,
    decode: (stored) => [order.range(stored)],
    parse: (text) => {
      const range = order.parse(text);
      return range === null ? undefined : [range];
    },
    compare: ([a], [b]) => order.compare(a, b),
    ...(order.canHash ? { hash: ([range]) => order.hash(range) } : {}),
  };
}

/** multirange_in(): the literals of its ranges. Undefined where the text is none. */
function rangeTexts(text: string): string[] | undefined {
  const [, body] = /^\s*\{([^]*)\}\s*$/.exec(text) ?? [];
  if (body === undefined) return undefined;
  if (body.trim() === '') return [];
  const one = /\s*(empty|[[(](?:"(?:[^"\\]|\\[^]|"")*"|\\[^]|[^"\\\])])*[\])])\s*(,|$)/iy;
  const texts: string[] = [];
  for (;;) {
    const match = one.exec(body);
    if (!match) return undefined;
    texts.push(match[1]!);
    if (match[2] === '') return texts;
  }
}

/** As rangeKey(): the ranges of a multirange. multirange_cmp(), hash_multirange() */
export function multirangeKey(subtype: TypeInfo, element: AnyKeyType, canonical: string | undefined): KeyType<readonly Range[]> {
  const order = new RangeOrder(subtype, element, canonical);
  return {
    isOrdered: true,
    decode: (stored) => order.ranges(stored),
    parse: (text) => {
      const ranges = rangeTexts(text)?.map((range) => order.parse(range));
      return !ranges || ranges.includes(null) ? undefined : order.merge(ranges as Range[]);
    },
    compare: (a, b) => {
      for (let i = 0; i < Math.min(a.length, b.length); i++) {
        const result = order.compare(a[i], b[i]);
        if (result !== 0) return result;
      }
      return a.length - b.length;
    },
    ...(order.canHash ? { hash: (ranges) => ranges.reduce((before, range) => combineHash(before, order.hash(range)), 1) } : {}),
  };
}
