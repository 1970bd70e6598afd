/** cube, seg and query_int: contrib/cube/cube.c, contrib/seg/seg.c, contrib/intarray/_int_bool.c, PG 13–18. */
import { float32At, float64At, int32At, uint32At } from '../../bytes.js';
import { float8Text } from '../float.js';
import { valueError } from '../valueError.js';
import { BooleanQueryPrinter } from './booleanQuery.js';
import type { OutputFunction } from '../typeInfo.js';

const POINT_BIT = 0x8000_0000;
const DIM_MASK = 0x7fff_ffff;

/** cube_out(): one corner where both are the same. */
export const cubeOut: OutputFunction = (bytes, at, length) => {
  const header = uint32At(bytes, at);
  const dimensions = header & DIM_MASK, isPoint = header >= POINT_BIT;
  if (4 + dimensions * (isPoint ? 8 : 16) > length) throw valueError('cube', `${dimensions} dimensions do not fit its bytes`);
  const corner = (from: number): number[] => Array.from({ length: dimensions }, (_, i) => float64At(bytes, at + 4 + (from + i) * 8));
  const text = (numbers: readonly number[]): string => `(${numbers.map(float8Text).join(', ')})`;
  const low = corner(0);
  if (isPoint) return text(low);
  const high = corner(dimensions);
  return low.every((value, i) => value === high[i]) ? text(low) : `${text(low)},${text(high)}`;
};

const FLT_DIG = 6;

/** C's %.{digits}e: where JavaScript rounds a tie up, C takes the even digit; the exponent has at least two digits. */
function exponentialOfC(value: number, digits: number): { mantissa: string; exponent: number } {
  let text = value.toExponential(digits);
  const exact = value.toExponential(100);
  const cut = exact.indexOf('.') + 1 + digits;
  if (/^50*e/.test(exact.slice(cut)) && Number(exact.slice(0, cut).at(digits === 0 ? -2 : -1)) % 2 === 0) {
    text = `${digits === 0 ? exact.slice(0, cut - 1) : exact.slice(0, cut)}${exact.slice(exact.indexOf('e'))}`;
  }
  const e = text.indexOf('e');
  return { mantissa: text.slice(0, e), exponent: Number(text.slice(e + 1)) };
}

/** restore(), contrib/seg/seg.c: a float4 with the number of significant digits that it was given with. */
function restoredText(value: number, significantDigits: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
  const count = significantDigits <= 0 ? FLT_DIG : Math.min(significantDigits, FLT_DIG);
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const { mantissa, exponent } = exponentialOfC(Math.abs(value), count - 1);
  if (exponent === 0) return sign + mantissa;
  const size = Math.abs(exponent);
  if (size > 4) return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${size < 10 ? '0' : ''}${size}`;
  const digits = mantissa.replace('.', '');
  if (exponent < 0) return `${sign}0.${'0'.repeat(size - 1)}${digits}`;
  // The decimal point would lie behind the last significant digit: the exponent stays, in its shortest form.
  if (exponent + 1 >= count) return `${sign}${mantissa}e${exponent}`;
  return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

const isMark = (c: number): boolean => c === 0x3c || c === 0x3e || c === 0x7e;
const NO_BOUND = 0x2d;

/** seg_out(): lower and upper bound, the digits each was given with, and a mark `<`, `>`, `~`, or `-` for an open end. */
export const segOut: OutputFunction = (bytes, at) => {
  const lower = float32At(bytes, at), upper = float32At(bytes, at + 4);
  const signed = (i: number): number => (bytes[at + i]! << 24) >> 24;
  const lowerMark = bytes[at + 10]!, upperMark = bytes[at + 11]!;
  let text = isMark(lowerMark) ? String.fromCharCode(lowerMark) : '';
  if (lower === upper && lowerMark === upperMark) return text + restoredText(lower, signed(8));
  if (lowerMark !== NO_BOUND) text += `${restoredText(lower, signed(8))} `;
  text += '..';
  if (upperMark !== NO_BOUND) text += ` ${isMark(upperMark) ? String.fromCharCode(upperMark) : ''}${restoredText(upper, signed(9))}`;
  return text;
};

const SIZE_OF_INT_ITEM = 8;

/** bqarr_out(): items of type, left and value, the last one being the query's root. */
export const queryIntOut: OutputFunction = (bytes, at, length) => {
  const count = int32At(bytes, at);
  if (count <= 0 || 4 + count * SIZE_OF_INT_ITEM > length) throw valueError('query_int', `${count} items do not fit its bytes`);
  const rootAt = at + 4 + (count - 1) * SIZE_OF_INT_ITEM;
  return new BooleanQueryPrinter(bytes, 'query_int', rootAt, SIZE_OF_INT_ITEM, -1, count, (item) => String(int32At(bytes, item + 4))).print(true);
};
