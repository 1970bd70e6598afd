/**
 * float4 and float8 with extra_float_digits 1: the shortest digits that read back as the same number, strictly inside the interval of rounding.
 * Follows double_to_shortest_decimal_bufn() and float_to_shortest_decimal_bufn(), common/{d2s,f2s}.c, PG 13–18: where JavaScript
 * accepts digits that lie exactly on the border to a neighbour, PostgreSQL wants one digit more.
 */
import { float32At, float64At } from '../bytes.js';
import type { OutputFunction } from './typeInfo.js';

/** Prints a double as float8out() does. */
export function float8Text(value: number): string {
  const size = Math.abs(value);
  // Borders can be short decimals only from 2^53 on; below 1e15 plain notation is also JavaScript's own.
  if (size < 1e15 && size >= 1e-4) return String(value);
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  if (!Number.isFinite(value)) return specialText(value);
  let exponential = size.toExponential();
  if (size >= 2 ** 53 && size < 1e41 && isOnBorder(size, exponential)) exponential = shortestInside(size, doubleInterval(size));
  return layOut(exponential, value < 0, 15);
}

/** Prints a float4, given as the double of equal value, as float4out() does. */
export function float4Text(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  if (!Number.isFinite(value)) return specialText(value);
  const size = Math.abs(value);
  if (size < 1e6 && Number.isInteger(size)) return String(value);
  return layOut(float4Digits(size), value < 0, 6);
}

function specialText(value: number): string {
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}

/** Turns `d.ddde±x` into plain notation from 1e-4 up to 10^maxFixed, else into PostgreSQL's exponent form of at least two digits. */
function layOut(exponential: string, isNegative: boolean, maxFixed: number): string {
  const e = exponential.indexOf('e');
  const exponent = Number(exponential.slice(e + 1));
  const sign = isNegative ? '-' : '';
  if (exponent < -4 || exponent >= maxFixed) {
    const size = Math.abs(exponent);
    return `${sign}${exponential.slice(0, e)}e${exponent < 0 ? '-' : '+'}${size < 10 ? '0' : ''}${size}`;
  }
  const digits = exponential[0]! + exponential.slice(2, e);
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = exponent + 1;
  if (digits.length <= whole) return sign + digits + '0'.repeat(whole - digits.length);
  return `${sign}${digits.slice(0, whole)}.${digits.slice(whole)}`;
}

/** A number times 2^shift, and the two borders of what rounds to it, as integers over one power of two. */
interface Interval {
  low: bigint;
  value: bigint;
  high: bigint;
  /** The three are to be multiplied by 2^exponent. */
  exponent: number;
}

function doubleInterval(size: number): Interval {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, size);
  const bits = view.getBigUint64(0);
  const biased = Number(bits >> 52n);
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  return interval(fraction, biased, 1n << 52n, biased === 0 ? -1074 : biased - 1075);
}

function floatInterval(size: number): Interval {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, size);
  const bits = view.getUint32(0);
  const biased = bits >>> 23;
  return interval(BigInt(bits & 0x7f_ffff), biased, 1n << 23n, biased === 0 ? -149 : biased - 150);
}

function interval(fraction: bigint, biased: number, hidden: bigint, exponent: number): Interval {
  const mantissa = biased === 0 ? fraction : fraction + hidden;
  // Below a power of two the neighbour is only half as far.
  const isNarrow = fraction === 0n && biased > 1;
  return { low: mantissa * 4n - (isNarrow ? 1n : 2n), value: mantissa * 4n, high: mantissa * 4n + 2n, exponent: exponent - 2 };
}

function isOnBorder(size: number, exponential: string): boolean {
  const { low, high, exponent } = doubleInterval(size);
  const e = exponential.indexOf('e');
  const digits = exponential[0]! + exponential.slice(2, e);
  const decimal = BigInt(digits) * 10n ** BigInt(Math.max(0, Number(exponential.slice(e + 1)) - digits.length + 1)) * 4n;
  const scale = 1n << BigInt(exponent + 2);
  return decimal === low * scale || decimal === high * scale;
}

/**
 * The shortest decimal strictly inside the interval, the nearest to the value among those of its length, as `d.ddde±x`. `size` serves to guess the
 * decimal exponent. Exact and slow: for the few numbers that need it.
 */
function shortestInside(size: number, range: Interval): string {
  const exponent10 = Number(size.toExponential(0).split('e')[1]) + 1;
  const up = range.exponent >= 0 ? 1n << BigInt(range.exponent) : 1n;
  const down = range.exponent < 0 ? 1n << BigInt(-range.exponent) : 1n;
  for (let digits = 1; digits <= 18; digits++) {
    // Units of 10^unit; the numbers below are multiplied by `down` so that all stay whole.
    const unit = exponent10 - digits;
    const grow = unit < 0 ? 10n ** BigInt(-unit) : 1n;
    const step = (unit > 0 ? 10n ** BigInt(unit) : 1n) * down;
    const low = range.low * up * grow, value = range.value * up * grow, high = range.high * up * grow;
    const floor = value / step;
    const nearFloor = (value - floor * step) * 2n;
    const order = nearFloor < step || (nearFloor === step && floor % 2n === 0n) ? [floor, floor + 1n] : [floor + 1n, floor];
    for (const candidate of order) {
      if (candidate > 0n && candidate * step > low && candidate * step < high) return exponentialOf(candidate, unit);
    }
  }
  throw new Error(`assertion failed: ${size} has no decimal of 18 digits`);
}

function exponentialOf(digits: bigint, unit: number): string {
  const text = digits.toString();
  const exponent = unit + text.length - 1;
  const rest = text.slice(1).replace(/0+$/, '');
  return `${text[0]}${rest ? '.' : ''}${rest}e${exponent < 0 ? '-' : '+'}${Math.abs(exponent)}`;
}

const float32 = new Float32Array(1);
const float32Bits = new Uint32Array(float32.buffer);
/** The smallest normal float4. */
const FLT_MIN = 2 ** -126;
/** From here on a decimal of few digits may lie on a border or half-way between two, which needs exact arithmetic. */
const FLT_EXACT_FROM = 2 ** 20;

function float4Digits(size: number): string {
  float32[0] = size;
  const bits = float32Bits[0]!;
  const isPowerOfTwo = (bits & 0x7f_ffff) === 0;
  if (size < FLT_MIN || isPowerOfTwo || size >= FLT_EXACT_FROM) return shortestInside(size, floatInterval(size));
  // Any decimal of six digits survives float4, so if one fits it is the six-digit rounding; beyond six, the nearest of each length is tried.
  for (let digits = 6; digits <= 9; digits++) {
    const text = size.toExponential(digits - 1);
    if (Math.fround(Number(text)) !== size) continue;
    // Half-way between two decimals of this length the even one counts, where JavaScript takes the larger.
    const next = size.toExponential(digits);
    return next[digits + 1] === '5' && Number(next) === size ? shortestInside(size, floatInterval(size)) : text.replace(/\.?0+e/, 'e');
  }
  return shortestInside(size, floatInterval(size));
}

export const float8out: OutputFunction = (bytes, at) => float8Text(float64At(bytes, at));

export const float4out: OutputFunction = (bytes, at) => float4Text(float32At(bytes, at));
