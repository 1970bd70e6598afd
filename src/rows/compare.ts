/**
 * The order of values in btree operator classes, by the C symbol of the class's first support function (pg_amproc 1, pg_proc.prosrc).
 * Follows access/nbtree/nbtcompare.c and the *_cmp functions of utils/adt, PG 13–18.
 *
 * Values are plain: a varlena without header, decompressed; a C string without terminator; anything else as stored.
 */
import { bigInt64At, bigUint64At, float32At, float64At, int16At, int32At, uint16At, uint32At } from './bytes.js';
import { own } from '../util/own.js';

/** Below zero, zero or above, as `a` sorts before, with or after `b`. */
export type CompareValues = (a: Uint8Array, b: Uint8Array) => number;

/** What the order of some types depends on beside the bytes. */
export interface CompareContext {
  /**
   * The column's collation orders by bytes: C, POSIX, or a builtin one that does (C, C.UTF-8, PG_UNICODE_FAST). Any other order is the
   * platform's or ICU's, and not known here.
   */
  cCollation: boolean;
  /** pg_enum.enumsortorder of a label's OID. */
  enumSortOrder?: (labelOid: number) => number | undefined;
}

const order = <T extends number | bigint>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** memcmp() over the shorter length, then the length: varstr_cmp() in C collation, byteacmp(). */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

/** strncmp(): a name ends at its first zero byte, wherever it is stored. */
function compareNames(a: Uint8Array, b: Uint8Array): number {
  const length = Math.max(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a[i] ?? 0, y = b[i] ?? 0;
    if (x !== y) return x - y;
    if (x === 0) return 0;
  }
  return 0;
}

/** bcTruelen(): without trailing blanks. */
export function withoutBlanks(value: Uint8Array): Uint8Array {
  let length = value.length;
  while (length > 0 && value[length - 1] === 0x20) length--;
  return value.subarray(0, length);
}

/** float8_cmp_internal(): NaN equals NaN and is above everything; zeros are equal. */
function compareFloats(a: number, b: number): number {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1;
  return Number.isNaN(b) ? -1 : order(a, b);
}

const USECS_PER_DAY = 86_400_000_000n;

/** interval_cmp_value(): a month is 30 days, a day 24 hours. */
function intervalSpan(value: Uint8Array): bigint {
  return bigInt64At(value, 0) + BigInt(int32At(value, 8) + int32At(value, 12) * 30) * USECS_PER_DAY;
}

/** timetz_cmp_internal(): by the instant, then by the zone. */
function compareTimetz(a: Uint8Array, b: Uint8Array): number {
  const instant = (value: Uint8Array): bigint => bigInt64At(value, 0) + BigInt(int32At(value, 8)) * 1_000_000n;
  return order(instant(a), instant(b)) || order(int32At(a, 8), int32At(b, 8));
}

interface Numeric {
  /** -Infinity, finite, Infinity, NaN: 0 to 3. */
  rank: number;
  isNegative: boolean;
  weight: number;
  /** Where the base-10,000 digits begin, without leading zeros (weight says how many there were). */
  digitsAt: number;
  ndigits: number;
}

/** Follows init_var_from_num(), utils/adt/numeric.c. */
function readNumeric(value: Uint8Array): Numeric {
  const header = uint16At(value, 0);
  if ((header & 0xc000) === 0xc000) {
    const rank = (header & 0xf000) === 0xd000 ? 2 : (header & 0xf000) === 0xf000 ? 0 : 3;
    return { rank, isNegative: false, weight: 0, digitsAt: 2, ndigits: 0 };
  }
  const isShort = (header & 0x8000) !== 0;
  const digitsAt = isShort ? 2 : 4;
  return {
    rank: 1,
    isNegative: isShort ? (header & 0x2000) !== 0 : (header & 0xc000) === 0x4000,
    weight: isShort ? ((header & 0x40) !== 0 ? -0x40 : 0) | (header & 0x3f) : int16At(value, 2),
    digitsAt,
    ndigits: (value.length - digitsAt) >> 1,
  };
}

/** cmp_numerics() and cmp_var_common(), utils/adt/numeric.c. Stored digits have no leading or trailing zeros. */
export function compareNumerics(a: Uint8Array, b: Uint8Array): number {
  const x = readNumeric(a), y = readNumeric(b);
  if (x.rank !== 1 || y.rank !== 1) return order(x.rank, y.rank);
  if (x.ndigits === 0 || y.ndigits === 0) {
    const sign = (n: Numeric): number => (n.ndigits === 0 ? 0 : n.isNegative ? -1 : 1);
    return order(sign(x), sign(y));
  }
  if (x.isNegative !== y.isNegative) return x.isNegative ? -1 : 1;
  let result = order(x.weight, y.weight);
  for (let i = 0; result === 0 && i < Math.max(x.ndigits, y.ndigits); i++) {
    const digit = (value: Uint8Array, n: Numeric): number => (i < n.ndigits ? uint16At(value, n.digitsAt + i * 2) : 0);
    result = order(digit(a, x), digit(b, y));
  }
  return x.isNegative ? -result : result;
}

/** bit_cmp(): the bits, then how many there are. */
function compareBits(a: Uint8Array, b: Uint8Array): number {
  return compareBytes(a.subarray(4), b.subarray(4)) || order(int32At(a, 0), int32At(b, 0));
}

/** network_cmp_internal(): family, then the common bits, then the netmask's length, then the whole address. */
function compareInet(a: Uint8Array, b: Uint8Array): number {
  if (a[0] !== b[0]) return a[0]! - b[0]!;
  const x = a.subarray(2), y = b.subarray(2);
  const common = Math.min(a[1]!, b[1]!);
  return comparePrefix(x, y, common) || order(a[1]!, b[1]!) || compareBytes(x, y);
}

/** bitncmp(), utils/adt/network.c: the first `bits` bits. */
function comparePrefix(a: Uint8Array, b: Uint8Array, bits: number): number {
  const whole = bits >> 3;
  const result = compareBytes(a.subarray(0, whole), b.subarray(0, whole));
  const rest = bits & 7;
  if (result !== 0 || rest === 0) return result;
  const mask = 0xff & (0xff << (8 - rest));
  return (a[whole]! & mask) - (b[whole]! & mask);
}

/** btoidvectorcmp(): the number of elements, then the elements. The value is an array of one dimension without a header word. */
function compareOidVectors(a: Uint8Array, b: Uint8Array): number {
  const count = int32At(a, 12);
  let result = order(count, int32At(b, 12));
  for (let i = 0; result === 0 && i < count; i++) result = order(uint32At(a, 20 + i * 4), uint32At(b, 20 + i * 4));
  return result;
}

/** enum_cmp_internal(): labels of even OID sort by it; one that ALTER TYPE added has an odd OID and needs the catalog's order. */
function enumComparator(sortOrder: ((oid: number) => number | undefined) | undefined): CompareValues {
  return (a, b) => {
    const x = uint32At(a, 0), y = uint32At(b, 0);
    if (x === y || ((x | y) & 1) === 0) return order(x, y);
    const xOrder = sortOrder?.(x), yOrder = sortOrder?.(y);
    return xOrder === undefined || yOrder === undefined ? order(x, y) : order(xOrder, yOrder);
  };
}

const compareInt64: CompareValues = (a, b) => order(bigInt64At(a, 0), bigInt64At(b, 0));
const compareUint64: CompareValues = (a, b) => order(bigUint64At(a, 0), bigUint64At(b, 0));
const compareByte: CompareValues = (a, b) => a[0]! - b[0]!;
const compareInt32: CompareValues = (a, b) => order(int32At(a, 0), int32At(b, 0));

const FUNCTIONS: Readonly<Record<string, CompareValues>> = {
  btboolcmp: compareByte,
  btcharcmp: compareByte,
  btint2cmp: (a, b) => int16At(a, 0) - int16At(b, 0),
  btint4cmp: compareInt32,
  btint8cmp: compareInt64,
  btoidcmp: (a, b) => order(uint32At(a, 0), uint32At(b, 0)),
  btoidvectorcmp: compareOidVectors,
  btfloat4cmp: (a, b) => compareFloats(float32At(a, 0), float32At(b, 0)),
  btfloat8cmp: (a, b) => compareFloats(float64At(a, 0), float64At(b, 0)),
  bttext_pattern_cmp: compareBytes,
  btbpchar_pattern_cmp: (a, b) => compareBytes(withoutBlanks(a), withoutBlanks(b)),
  byteacmp: compareBytes,
  numeric_cmp: compareNumerics,
  date_cmp: compareInt32,
  time_cmp: compareInt64,
  timetz_cmp: compareTimetz,
  timestamp_cmp: compareInt64,
  interval_cmp: (a, b) => order(intervalSpan(a), intervalSpan(b)),
  uuid_cmp: compareBytes,
  bitcmp: compareBits,
  network_cmp: compareInet,
  macaddr_cmp: compareBytes,
  macaddr8_cmp: compareBytes,
  cash_cmp: compareInt64,
  pg_lsn_cmp: compareUint64,
  xid8cmp: compareUint64,
  bttidcmp: (a, b) => order(uint16At(a, 0), uint16At(b, 0)) || order(uint16At(a, 2), uint16At(b, 2)) || order(uint16At(a, 4), uint16At(b, 4)),
};

/** Functions whose order is the collation's. */
const COLLATED: Readonly<Record<string, CompareValues>> = {
  bttextcmp: compareBytes,
  btnamecmp: compareNames,
  bpcharcmp: (a, b) => compareBytes(withoutBlanks(a), withoutBlanks(b)),
};

/**
 * The order that an operator class's support function 1 (its C symbol) defines. Undefined where it is not known here (a type without one,
 * a class of the user's own, a collation other than C): the index cannot be searched then, and the caller has to scan.
 */
export function compareFunction(symbol: string, context: CompareContext): CompareValues | undefined {
  if (symbol === 'enum_cmp') return enumComparator(context.enumSortOrder);
  if (Object.hasOwn(COLLATED, symbol)) return context.cCollation ? COLLATED[symbol] : undefined;
  return own(FUNCTIONS, symbol);
}
