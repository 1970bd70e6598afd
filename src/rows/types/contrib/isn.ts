/** ISBN, ISMN, ISSN, UPC and EAN13: ean2string(), hyphenate(), contrib/isn/isn.c, PG 13–18. */
import { bigUint64At } from '../../bytes.js';
import { valueError } from '../valueError.js';
import { EAN13, ISBN, ISBN_NEW, ISMN, ISSN, type HyphenationTable } from './isnRanges.js';
import type { OutputFunction } from '../typeInfo.js';

const MAX_EAN13 = 9_999_999_999_999n;

/** Where `digits` lies against a range's bounds, compared digit by digit without their hyphens: inside, or in which direction to search on. */
function compareToRange(digits: string, low: string, high: string): 'inside' | 'below' | 'above' {
  let aboveLow = false, belowHigh = false;
  let d = 0, b = 0;
  for (;;) {
    const digit = digits[d]!;
    if ((!aboveLow && digit < low[b]!) || (!belowHigh && digit > high[b]!)) return digit < low[b]! && !aboveLow ? 'below' : 'above';
    if (digit > low[b]!) aboveLow = true;
    if (digit < high[b]!) belowHigh = true;
    if (aboveLow && belowHigh) return 'inside';
    d++;
    b++;
    if (b >= low.length || b >= high.length || d >= digits.length) return 'inside';
    if (low[b] === '-') b++;
  }
}

/** The hyphenated head of `digits` by the table's range that holds it, and how many digits it takes; undefined where no range does. */
function hyphenate(digits: string, table: HyphenationTable): { head: string; taken: number } | undefined {
  const [start, count] = table.index[Number(digits[0])]!;
  let low = start - 1, high = start + count;
  for (let step = Math.floor((high - low) / 2); step > 0; step = Math.floor((high - low) / 2)) {
    const search = low + step;
    const [from, to] = table.ranges[search]!;
    const order = compareToRange(digits, from, to);
    if (order === 'inside') {
      let head = '', taken = 0;
      for (const c of from) head += c === '-' ? '-' : digits[taken++] ?? '';
      return { head: `${head}-`, taken };
    }
    if (order === 'below') high = search;
    else low = search;
  }
  return undefined;
}

type IsnKind = 'ISBN' | 'ISSN' | 'ISMN' | 'UPC' | 'EAN13';

function kindOf(prefix: string, rest: string): [IsnKind, HyphenationTable | undefined] {
  if (prefix === '978-') return ['ISBN', ISBN];
  if (prefix === '977-') return ['ISSN', ISSN];
  if (prefix === '979-') return rest[0] === '0' ? ['ISMN', ISMN] : ['ISBN', ISBN_NEW];
  return prefix[0] === '0' ? ['UPC', undefined] : ['EAN13', undefined];
}

/** weight_checkdig(): modulo 11 over the first `size` − 1 digits. */
function checkDigit11(text: string, size: number): string {
  let weight = 0, left = size;
  for (const c of text) {
    if (left <= 1) break;
    if (c >= '0' && c <= '9') weight += left-- * Number(c);
  }
  const check = (11 - (weight % 11)) % 11;
  return check === 10 ? 'X' : String(check);
}

/** The form from before 13-digit numbers. */
function shortForm(kind: IsnKind, text: string): string {
  switch (kind) {
    case 'ISBN': {
      if (!text.startsWith('978-')) return text;
      const isbn = text.slice(4);
      return isbn.replace(/\d(\D*)$/, (_, tail: string) => checkDigit11(isbn, 10) + tail);
    }
    case 'ISMN': return `M${text.slice(5)}`;
    case 'ISSN': return text.slice(4, 12) + checkDigit11(text.slice(4), 8);
    case 'UPC': return text.slice(1).replace(/\D/g, '').slice(0, 12);
    case 'EAN13': return text;
  }
}

/** ean2string(): the lowest bit says that the number was given with a wrong check digit, which prints as `!`. */
function eanText(bytes: Uint8Array, at: number, isShort: boolean): string {
  const value = bigUint64At(bytes, at);
  const ean = value >> 1n;
  if (ean > MAX_EAN13) throw valueError('ean13', `${ean} is out of range`);
  const digits = ean.toString().padStart(13, '0');
  const rest = `${digits.slice(0, 12)}-${digits[12]!}${value & 1n ? '!' : ''}`;
  const prefix = hyphenate(rest, EAN13);
  if (!prefix) return rest;
  const afterPrefix = rest.slice(prefix.taken);
  const [kind, table] = kindOf(prefix.head, afterPrefix);
  const middle = table && hyphenate(afterPrefix, table);
  const text = prefix.head + (middle ? middle.head + afterPrefix.slice(middle.taken) : afterPrefix);
  return isShort ? shortForm(kind, text) : text;
}

export const isnOut: OutputFunction = (bytes, at) => eanText(bytes, at, true);

export const ean13Out: OutputFunction = (bytes, at) => eanText(bytes, at, false);
