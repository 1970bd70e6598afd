/** ltree, lquery, ltxtquery: contrib/ltree/{ltree_io,ltxtquery_io}.c, ltree.h, PG 13–18. Lengths are padded to 8 bytes (MAXALIGN). */
import { int32At, uint16At } from '../../bytes.js';
import { valueError } from '../valueError.js';
import { BooleanQueryPrinter } from './booleanQuery.js';
import type { TextDecoding } from '../encoding.js';
import type { OutputFunction } from '../typeInfo.js';

const LTREE_MAX_LEVELS = 0xffff;
const LVAR_ANYEND = 0x01;
const LVAR_INCASE = 0x02;
const LVAR_SUBLEXEME = 0x04;
const LQL_NOT = 0x10;
const LQL_COUNT = 0x20;
/** MAXALIGN'd sizes of ltree's and lquery's headers, of lquery_level and of lquery_variant; a variant's name begins one byte before its own end. */
const LTREE_HDRSIZE = 8;
const LQUERY_HDRSIZE = 16;
const LQL_HDRSIZE = 16;
const LVAR_HDRSIZE = 8;
const LVAR_NAME = 7;

const align8 = (n: number): number => (n + 7) & ~7;

function label(bytes: Uint8Array, at: number, length: number, end: number, decode: TextDecoding['decode']): string {
  if (at + length > end) throw valueError('ltree', "a label reaches past the value's end");
  return decode(bytes, at, length);
}

/** deparse_ltree() */
export const ltreeOut: OutputFunction = (bytes, at, length, _type, output) => {
  const labels: string[] = [];
  let level = at - 4 + LTREE_HDRSIZE;
  for (let left = uint16At(bytes, at); left > 0; left--) {
    const size = uint16At(bytes, level);
    labels.push(label(bytes, level + 2, size, at + length, output.context.encoding.decode));
    level += align8(size + 2);
  }
  return labels.join('.');
};

function repeatText(low: number, high: number, isStar: boolean): string {
  if (low === high) return `{${low}}`;
  if (low === 0) return high === LTREE_MAX_LEVELS ? (isStar ? '' : '{,}') : `{,${high}}`;
  return high === LTREE_MAX_LEVELS ? `{${low},}` : `{${low},${high}}`;
}

function variantFlags(flags: number): string {
  return `${flags & LVAR_SUBLEXEME ? '%' : ''}${flags & LVAR_INCASE ? '@' : ''}${flags & LVAR_ANYEND ? '*' : ''}`;
}

/** deparse_lquery() */
export const lqueryOut: OutputFunction = (bytes, at, length, _type, output) => {
  const levels: string[] = [];
  let level = at - 4 + LQUERY_HDRSIZE;
  for (let left = uint16At(bytes, at); left > 0; left--) {
    if (level + LQL_HDRSIZE > at + length) throw valueError('lquery', "a level reaches past the value's end");
    const flags = uint16At(bytes, level + 2), variants = uint16At(bytes, level + 4);
    let text = variants === 0 ? '*' : flags & LQL_NOT ? '!' : '';
    let variant = level + LQL_HDRSIZE;
    for (let j = 0; j < variants; j++) {
      const size = uint16At(bytes, variant + 4);
      text += (j === 0 ? '' : '|') + label(bytes, variant + LVAR_NAME, size, at + length, output.context.encoding.decode) + variantFlags(bytes[variant + 6]!);
      variant += align8(size) + LVAR_HDRSIZE;
    }
    if ((flags & LQL_COUNT) !== 0 || variants === 0) text += repeatText(uint16At(bytes, level + 6), uint16At(bytes, level + 8), variants === 0);
    levels.push(text);
    level += align8(uint16At(bytes, level));
  }
  return levels.join('.');
};

const SIZE_OF_LTREE_ITEM = 12;

/** ltxtq_out(): items of type, left, value, flags, length and the place of the operand's text. */
export const ltxtqueryOut: OutputFunction = (bytes, at, length, _type, output) => {
  const count = int32At(bytes, at), itemsAt = at + 4;
  const textAt = itemsAt + count * SIZE_OF_LTREE_ITEM;
  if (count <= 0 || textAt > at + length) throw valueError('ltxtquery', `${count} items do not fit its bytes`);
  const operand = (item: number): string =>
    label(bytes, textAt + uint16At(bytes, item + 10), bytes[item + 9]!, at + length, output.context.encoding.decode) + variantFlags(bytes[item + 8]!);
  return new BooleanQueryPrinter(bytes, 'ltxtquery', itemsAt, SIZE_OF_LTREE_ITEM, 1, count, operand).print(true);
};
