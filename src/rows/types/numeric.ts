/** numeric: digits in base 10,000 with a display scale. numeric_out(), get_str_from_var(), utils/adt/numeric.c, PG 13–18. */
import { int16At, uint16At } from '../bytes.js';
import type { OutputFunction } from './typeInfo.js';

const NUMERIC_SIGN_MASK = 0xc000;
const NUMERIC_NEG = 0x4000;
const NUMERIC_SPECIAL = 0xc000;
const NUMERIC_PINF = 0xd000;
const NUMERIC_NINF = 0xf000;
const NUMERIC_EXT_SIGN_MASK = 0xf000;
const DEC_DIGITS = 4;

/** Four digits of each base-10,000 digit. */
const FOUR_DIGITS = Array.from({ length: 10_000 }, (_, n) => String(n).padStart(4, '0'));

/** Prints the numeric whose payload (no varlena header) is `length` bytes at `at`. */
export function numericText(bytes: Uint8Array, at: number, length: number): string {
  const header = uint16At(bytes, at);
  let weight: number, dscale: number, isNegative: boolean, digitsAt: number;
  if ((header & 0x8000) === 0) {
    isNegative = (header & NUMERIC_SIGN_MASK) === NUMERIC_NEG;
    dscale = header & 0x3fff;
    weight = int16At(bytes, at + 2);
    digitsAt = at + 4;
  } else if ((header & NUMERIC_SIGN_MASK) === NUMERIC_SPECIAL) {
    const kind = header & NUMERIC_EXT_SIGN_MASK;
    return kind === NUMERIC_PINF ? 'Infinity' : kind === NUMERIC_NINF ? '-Infinity' : 'NaN';
  } else {
    isNegative = (header & 0x2000) !== 0;
    dscale = (header & 0x1f80) >> 7;
    weight = (header & 0x40 ? -0x40 : 0) | (header & 0x3f);
    digitsAt = at + 2;
  }
  const ndigits = (at + length - digitsAt) >> 1;
  const digit = (i: number): number => (i >= 0 && i < ndigits ? uint16At(bytes, digitsAt + i * 2) : 0);
  let text = isNegative ? '-' : '';
  text += weight < 0 ? '0' : String(digit(0));
  for (let i = 1; i <= weight; i++) text += FOUR_DIGITS[digit(i)] ?? '';
  if (dscale > 0) text += `.${fractionText(digit, weight, dscale)}`;
  return text;
}

function fractionText(digit: (i: number) => number, weight: number, dscale: number): string {
  let text = '';
  for (let i = 0; i < dscale; i += DEC_DIGITS) text += FOUR_DIGITS[digit(weight + 1 + i / DEC_DIGITS)] ?? '';
  return text.length > dscale ? text.slice(0, dscale) : text;
}

export const numericOut: OutputFunction = (bytes, at, length) => numericText(bytes, at, length);
