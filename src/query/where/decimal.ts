/**
 * Exact decimals: numeric's values with their display scale. Follows utils/adt/numeric.c, PG 14–18.
 */
import { ValueError } from './source.js';

/** A numeric: `digits` × 10^-`scale`, or one of the specials, which order after their kind. */
export interface Decimal {
  readonly kind: 'finite' | 'infinity' | '-infinity' | 'nan';
  readonly digits: bigint;
  /** Digits after the point that are shown, 0 or more. */
  readonly scale: number;
}

const MIN_SIG_DIGITS = 16;
const MAX_SCALE = 1000;

const special = (kind: Decimal['kind']): Decimal => ({ kind, digits: 0n, scale: 0 });
export const NAN = special('nan');
export const INFINITY = special('infinity');
export const MINUS_INFINITY = special('-infinity');

export function decimal(digits: bigint, scale = 0): Decimal {
  return { kind: 'finite', digits, scale };
}

const powers: bigint[] = [1n];
function pow10(n: number): bigint {
  while (powers.length <= n) powers.push(powers[powers.length - 1]! * 10n);
  return powers[n]!;
}

const DECIMAL = /^\s*([+-]?)(?:(\d[\d_]*)\.?(\d[\d_]*)?|\.(\d[\d_]*))(?:[eE]([+-]?\d+))?\s*$/;

/** numeric_in(). Throws ValueError. */
export function parseDecimal(text: string): Decimal {
  const match = DECIMAL.exec(text);
  if (!match) return parseSpecial(text);
  const fraction = (match[3] ?? match[4] ?? '').replaceAll('_', '');
  const exponent = Number(match[5] ?? 0);
  if (Math.abs(exponent) > 131_072) throw new ValueError('value overflows numeric format');
  const unsigned = BigInt((match[2] ?? '').replaceAll('_', '') + fraction);
  const digits = match[1] === '-' ? -unsigned : unsigned;
  const scale = fraction.length - exponent;
  return scale >= 0 ? decimal(digits, scale) : decimal(digits * pow10(-scale));
}

function parseSpecial(text: string): Decimal {
  switch (text.trim().toLowerCase()) {
    case 'nan': return NAN;
    case 'inf': case '+inf': case 'infinity': case '+infinity': return INFINITY;
    case '-inf': case '-infinity': return MINUS_INFINITY;
    default: throw new ValueError(`invalid input syntax for type numeric: "${text}"`);
  }
}

/** numeric_out() */
export function formatDecimal(value: Decimal): string {
  if (value.kind !== 'finite') return value.kind === 'nan' ? 'NaN' : value.kind === 'infinity' ? 'Infinity' : '-Infinity';
  const sign = value.digits < 0n ? '-' : '';
  const digits = (value.digits < 0n ? -value.digits : value.digits).toString().padStart(value.scale + 1, '0');
  const point = digits.length - value.scale;
  return value.scale === 0 ? sign + digits : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

const ORDER = { '-infinity': 0, finite: 1, infinity: 2, nan: 3 } as const;

/** cmp_numerics(): NaN is greater than all, and equal to itself. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  if (a.kind !== 'finite' || b.kind !== 'finite') return ORDER[a.kind] - ORDER[b.kind];
  const [x, y] = align(a, b);
  return x < y ? -1 : x > y ? 1 : 0;
}

function align(a: Decimal, b: Decimal): [bigint, bigint, number] {
  if (a.scale === b.scale) return [a.digits, b.digits, a.scale];
  const scale = Math.max(a.scale, b.scale);
  return [a.digits * pow10(scale - a.scale), b.digits * pow10(scale - b.scale), scale];
}

function signOf(a: Decimal): number {
  return a.kind === 'infinity' ? 1 : a.kind === '-infinity' ? -1 : a.digits > 0n ? 1 : a.digits < 0n ? -1 : 0;
}
const infinite = (sign: number): Decimal => (sign > 0 ? INFINITY : sign < 0 ? MINUS_INFINITY : NAN);

/** -a; NaN stays NaN. */
export function negateDecimal(a: Decimal): Decimal {
  if (a.kind === 'finite') return decimal(-a.digits, a.scale);
  return a.kind === 'nan' ? a : infinite(-signOf(a));
}

export function absDecimal(a: Decimal): Decimal {
  return signOf(a) < 0 ? negateDecimal(a) : a;
}

export function signDecimal(a: Decimal): Decimal {
  return a.kind === 'nan' ? a : decimal(BigInt(signOf(a)));
}

/** numeric_add_opt_error() */
export function addDecimals(a: Decimal, b: Decimal): Decimal {
  if (a.kind === 'nan' || b.kind === 'nan') return NAN;
  if (a.kind !== 'finite') return b.kind === 'finite' || b.kind === a.kind ? a : NAN;
  if (b.kind !== 'finite') return b;
  const [x, y, scale] = align(a, b);
  return decimal(x + y, scale);
}

/** numeric_mul_opt_error() */
export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  if (a.kind === 'nan' || b.kind === 'nan') return NAN;
  if (a.kind !== 'finite' || b.kind !== 'finite') return infinite(signOf(a) * signOf(b));
  return decimal(a.digits * b.digits, a.scale + b.scale);
}

/** numeric_div_opt_error(): as many digits as select_div_scale() gives. Throws ValueError on a zero divisor. */
export function divideDecimals(a: Decimal, b: Decimal): Decimal {
  if (a.kind === 'nan' || b.kind === 'nan') return NAN;
  if (signOf(b) === 0) throw new ValueError('division by zero');
  if (a.kind !== 'finite') return b.kind === 'finite' ? infinite(signOf(a) * signOf(b)) : NAN;
  if (b.kind !== 'finite') return decimal(0n);
  const scale = divisionScale(a, b);
  const shift = scale + b.scale - a.scale;
  const numerator = shift >= 0 ? a.digits * pow10(shift) : a.digits;
  const denominator = shift >= 0 ? b.digits : b.digits * pow10(-shift);
  return decimal(divideRounding(numerator, denominator), scale);
}

/** The quotient, a half rounded away from zero. */
function divideRounding(numerator: bigint, denominator: bigint): bigint {
  const isNegative = numerator < 0n !== denominator < 0n;
  const n = numerator < 0n ? -numerator : numerator;
  const d = denominator < 0n ? -denominator : denominator;
  const quotient = (2n * n + d) / (2n * d);
  return isNegative ? -quotient : quotient;
}

/** select_div_scale(): at least 16 significant digits, judged by the first base-10000 digit of each side. */
function divisionScale(a: Decimal, b: Decimal): number {
  const [weightA, firstA] = firstBase10000Digit(a);
  const [weightB, firstB] = firstBase10000Digit(b);
  const weight = weightA - weightB - (firstA <= firstB ? 1 : 0);
  return Math.min(Math.max(MIN_SIG_DIGITS - weight * 4, a.scale, b.scale, 0), MAX_SCALE);
}

function firstBase10000Digit(a: Decimal): [weight: number, digit: number] {
  if (a.digits === 0n) return [0, 0];
  const digits = (a.digits < 0n ? -a.digits : a.digits).toString();
  const beforePoint = digits.length - a.scale;
  const weight = Math.floor((beforePoint - 1) / 4);
  const width = beforePoint - weight * 4;
  return [weight, Number(digits.slice(0, width).padEnd(width, '0'))];
}

/** numeric_mod_opt_error(): the sign of the dividend. */
export function moduloDecimals(a: Decimal, b: Decimal): Decimal {
  if (a.kind === 'nan' || b.kind === 'nan') return NAN;
  if (signOf(b) === 0) throw new ValueError('division by zero');
  if (a.kind !== 'finite') return NAN;
  if (b.kind !== 'finite') return a;
  const [x, y, scale] = align(a, b);
  return decimal(x % y, scale);
}

/** numeric_round(): `scale` may be negative; a half goes away from zero. */
export function roundDecimal(a: Decimal, scale: number): Decimal {
  if (a.kind !== 'finite' || scale === a.scale) return a;
  if (scale > a.scale) return decimal(a.digits * pow10(scale - a.scale), scale);
  const rounded = divideRounding(a.digits, pow10(a.scale - scale));
  return scale >= 0 ? decimal(rounded, scale) : decimal(rounded * pow10(-scale));
}

/** numeric_trunc() */
export function truncateDecimal(a: Decimal, scale: number): Decimal {
  if (a.kind !== 'finite' || scale === a.scale) return a;
  if (scale > a.scale) return decimal(a.digits * pow10(scale - a.scale), scale);
  const cut = a.digits / pow10(a.scale - scale);
  return scale >= 0 ? decimal(cut, scale) : decimal(cut * pow10(-scale));
}

/** The greatest integer that is not above a. */
export function floorDecimal(a: Decimal): Decimal {
  const cut = truncateDecimal(a, 0);
  return compareDecimals(cut, a) > 0 ? decimal(cut.digits - 1n) : cut;
}

export function ceilDecimal(a: Decimal): Decimal {
  return negateDecimal(floorDecimal(negateDecimal(a)));
}

/** The integer of a finite decimal, a half rounded away from zero; undefined for NaN and the infinities. */
export function decimalToBigint(a: Decimal): bigint | undefined {
  return a.kind === 'finite' ? roundDecimal(a, 0).digits : undefined;
}

export function decimalToNumber(a: Decimal): number {
  return Number(formatDecimal(a));
}

/** float8_numeric(): what %.15g prints (%.6g for a float4). */
export function numberToDecimal(value: number, significantDigits = 15): Decimal {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? NAN : value > 0 ? INFINITY : MINUS_INFINITY;
  const rounded = parseDecimal(value.toExponential(significantDigits - 1));
  return trimZeros(rounded);
}

function trimZeros(a: Decimal): Decimal {
  let { digits, scale } = a;
  while (scale > 0 && digits % 10n === 0n) {
    digits /= 10n;
    scale--;
  }
  return decimal(digits, scale);
}

/** The same text for all decimals of equal value: a key for sets. */
export function decimalKey(a: Decimal): string {
  return formatDecimal(a.kind === 'finite' ? trimZeros(a) : a);
}
