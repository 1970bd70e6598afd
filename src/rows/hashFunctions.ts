/**
 * Hash codes of values in hash operator classes, by the C symbol of the class's first support function (pg_amproc 1, pg_proc.prosrc).
 * Follows hash_bytes(), common/hashfn.c, and the functions of access/hash/hashfunc.c and utils/adt, PG 13–18 (little endian, signed char).
 * Values are plain, as in compare.ts.
 */
import { bigInt64At, float32At, float64At, int16At, int32At, uint16At, uint32At } from './bytes.js';
import { withoutBlanks } from './compare.js';
import { own } from '../util/own.js';

/** An unsigned 32-bit hash code. */
export type HashValue = (value: Uint8Array) => number;

const rot = (x: number, k: number): number => (x << k) | (x >>> (32 - k));

/** final(), on three words that have been added up; gives the third. */
function finalMix(a: number, b: number, c: number): number {
  c ^= b; c = (c - rot(b, 14)) | 0;
  a ^= c; a = (a - rot(c, 11)) | 0;
  b ^= a; b = (b - rot(a, 25)) | 0;
  c ^= b; c = (c - rot(b, 16)) | 0;
  a ^= c; a = (a - rot(c, 4)) | 0;
  b ^= a; b = (b - rot(a, 14)) | 0;
  c ^= b; c = (c - rot(b, 24)) | 0;
  return c >>> 0;
}

/** hash_bytes() */
export function hashBytes(bytes: Uint8Array): number {
  const length = bytes.length;
  let a = (0x9e3779b9 + length + 3923095) | 0, b = a, c = a;
  let at = 0;
  for (; length - at >= 12; at += 12) {
    a = (a + int32At(bytes, at)) | 0;
    b = (b + int32At(bytes, at + 4)) | 0;
    c = (c + int32At(bytes, at + 8)) | 0;
    a = (a - c) | 0; a ^= rot(c, 4); c = (c + b) | 0;
    b = (b - a) | 0; b ^= rot(a, 6); a = (a + c) | 0;
    c = (c - b) | 0; c ^= rot(b, 8); b = (b + a) | 0;
    a = (a - c) | 0; a ^= rot(c, 16); c = (c + b) | 0;
    b = (b - a) | 0; b ^= rot(a, 19); a = (a + c) | 0;
    c = (c - b) | 0; c ^= rot(b, 4); b = (b + a) | 0;
  }
  // the last 11 bytes: the lowest byte of c is the length's
  for (let i = 0; at + i < length; i++) {
    const byte = bytes[at + i]!;
    if (i < 4) a = (a + (byte << (i * 8))) | 0;
    else if (i < 8) b = (b + (byte << ((i - 4) * 8))) | 0;
    else c = (c + (byte << ((i - 7) * 8))) | 0;
  }
  return finalMix(a, b, c);
}

/** hash_bytes_uint32() */
export function hashUint32(value: number): number {
  const initial = (0x9e3779b9 + 4 + 3923095) | 0;
  return finalMix((initial + value) | 0, initial, initial);
}

/** hashint8(): as the narrower integers hash where the value fits them. */
function hashInt64(value: bigint): number {
  const low = Number(BigInt.asIntN(32, value)), high = Number(BigInt.asIntN(32, value >> 32n));
  return hashUint32(low ^ (value >= 0n ? high : ~high));
}

const STANDARD_NAN = new Uint8Array(Float64Array.of(NaN).buffer);

/** hashfloat8(): zeros hash alike, and NaNs do. */
function hashFloat(value: number): number {
  if (value === 0) return 0;
  return hashBytes(Number.isNaN(value) ? STANDARD_NAN : new Uint8Array(Float64Array.of(value).buffer));
}

/** hash_numeric(): the digits without outer zeros, and the weight; neither the sign nor the scale. */
export function hashNumeric(value: Uint8Array): number {
  const header = uint16At(value, 0);
  if ((header & 0xc000) === 0xc000) return 0;
  const isShort = (header & 0x8000) !== 0;
  let weight = isShort ? ((header & 0x40) !== 0 ? -0x40 : 0) | (header & 0x3f) : int16At(value, 2);
  let start = isShort ? 2 : 4, end = value.length;
  while (start < end && uint16At(value, start) === 0) {
    start += 2;
    weight--;
  }
  while (end > start && uint16At(value, end - 2) === 0) end -= 2;
  return start === end ? 0xffff_ffff : (hashBytes(value.subarray(start, end)) ^ weight) >>> 0;
}

/** interval_hash(): the lower 64 bits of the span. */
function hashInterval(value: Uint8Array): number {
  const days = BigInt(int32At(value, 8) + int32At(value, 12) * 30);
  return hashInt64(BigInt.asIntN(64, bigInt64At(value, 0) + days * 86_400_000_000n));
}

function untilZero(value: Uint8Array): Uint8Array {
  const end = value.indexOf(0);
  return end < 0 ? value : value.subarray(0, end);
}

const hashSigned32: HashValue = (value) => hashUint32(int32At(value, 0));
const hashSigned64: HashValue = (value) => hashInt64(bigInt64At(value, 0));
const hashSignedByte: HashValue = (value) => hashUint32((value[0]! << 24) >> 24);

/** Some types had the function of another before 18: both names are here. */
const FUNCTIONS: Readonly<Record<string, HashValue>> = {
  hashchar: hashSignedByte,
  hashbool: hashSignedByte,
  hashint2: (value) => hashUint32(int16At(value, 0)),
  hashint4: hashSigned32,
  hashdate: hashSigned32,
  hashoid: hashSigned32,
  hashxid: hashSigned32,
  hashcid: hashSigned32,
  hashenum: hashSigned32,
  hashint8: hashSigned64,
  hashxid8: hashSigned64,
  pg_lsn_hash: hashSigned64,
  time_hash: hashSigned64,
  timestamp_hash: hashSigned64,
  timestamptz_hash: hashSigned64,
  timetz_hash: (value) => (hashInt64(bigInt64At(value, 0)) ^ hashUint32(int32At(value, 8))) >>> 0,
  interval_hash: hashInterval,
  hashfloat4: (value) => hashFloat(float32At(value, 0)),
  hashfloat8: (value) => hashFloat(float64At(value, 0)),
  hash_numeric: hashNumeric,
  hashname: (value) => hashBytes(untilZero(value)),
  hashvarlena: hashBytes,
  hashbytea: hashBytes,
  uuid_hash: hashBytes,
  hashinet: hashBytes,
  hashmacaddr: hashBytes,
  hashmacaddr8: hashBytes,
  hashtid: hashBytes,
  hashoidvector: (value) => hashBytes(value.subarray(20, 20 + uint32At(value, 12) * 4)),
};

/** Functions that hash the bytes in a deterministic collation, and its sort keys in another. */
const COLLATED: Readonly<Record<string, HashValue>> = {
  hashtext: hashBytes,
  hashbpchar: (value) => hashBytes(withoutBlanks(value)),
};

/**
 * The hash function of an operator class's support function 1 (its C symbol). Undefined where it is not known here, or where the column's
 * collation is not deterministic (pg_collation.collisdeterministic): the caller has to scan.
 */
export function hashFunction(symbol: string, deterministicCollation: boolean): HashValue | undefined {
  if (Object.hasOwn(COLLATED, symbol)) return deterministicCollation ? COLLATED[symbol] : undefined;
  return own(FUNCTIONS, symbol);
}
