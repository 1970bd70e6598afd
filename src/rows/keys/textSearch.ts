/**
 * tsvector and tsquery as keys: silly_cmp_tsvector(), utils/adt/tsvector_op.c; CompareTSQ(), utils/adt/tsquery_op.c; QTNodeCompare(),
 * utils/adt/tsquery_util.c; and their input: gettoken_tsvector(), utils/adt/tsvector_parser.c, uniqueentry(), utils/adt/tsvector.c, makepol(),
 * utils/adt/tsquery.c, PG 13–18.
 */
import { isSpace } from '../../util/arrayValue.js';
import { int32At, uint16At, uint32At } from '../bytes.js';
import { compareBytes } from '../compare.js';
import type { KeyType } from './keyType.js';

type Encode = (text: string) => Uint8Array;

const VARHDRSZ = 4;
const MAX_POSITIONS = 256;
const LAST_POSITION = 0x3fff;
/** WEP_GETPOS() */
const positionOf = (entry: number): number => entry & 0x3fff;
const weightOf = (entry: number): number => entry >> 14;

interface Word {
  text: Uint8Array;
  /** 14 bits of position, 2 of weight; undefined: none were given. */
  positions: readonly number[] | undefined;
}

interface TsVector {
  /** VARSIZE() */
  size: number;
  words: readonly Word[];
}

function decodeVector(stored: Uint8Array): TsVector {
  const count = int32At(stored, 0);
  const wordsAt = 4 + count * 4;
  const words = Array.from({ length: count }, (_, i): Word => {
    const entry = uint32At(stored, 4 + i * 4);
    const length = (entry >>> 1) & 0x7ff, at = wordsAt + (entry >>> 12);
    const positionsAt = wordsAt + (((entry >>> 12) + length + 1) & ~1);
    return {
      text: stored.subarray(at, at + length),
      positions: (entry & 1) === 0 ? undefined : Array.from({ length: uint16At(stored, positionsAt) }, (_, p) => uint16At(stored, positionsAt + 2 + p * 2)),
    };
  });
  return { size: VARHDRSZ + stored.length, words };
}

/** gettoken_tsvector(): the word at `at`, quoted or not, and what stands behind it. Undefined where there is none. */
function readWord(text: string, at: number, ends: RegExp): { word: string; at: number } | undefined {
  const quoted = /'((?:[^'\\]|''|\\[^])*)'/y;
  quoted.lastIndex = at;
  const match = quoted.exec(text);
  if (match) {
    const word = match[1]!.replace(/\\([^])|''/g, (_, escaped: string | undefined) => escaped ?? "'");
    return word === '' ? undefined : { word, at: quoted.lastIndex };
  }
  if (text[at] === "'") return undefined;
  let word = '', i = at;
  for (; i < text.length && !ends.test(text[i]!); i++) {
    if (text[i] === '\\' && ++i === text.length) return undefined;
    word += text[i]!;
  }
  return word === '' ? undefined : { word, at: i };
}

const WEIGHTS: Record<string, number> = { '': 0, D: 0, C: 1, B: 2, A: 3, '*': 3 };

/** The positions behind a word: a weight is the first letter that is none of D. */
function readPositions(text: string): number[] | undefined {
  const entries: number[] = [];
  for (const each of text.split(',')) {
    const [, number, letter] = /^(\d+)([ABCD*]?)$/i.exec(each) ?? [];
    const position = Math.min(Number(number ?? 0), LAST_POSITION);
    if (position === 0) return undefined;
    entries.push(position | (WEIGHTS[letter!.toUpperCase()]! << 14));
  }
  return entries;
}

/** uniquePos(): by position, each with its greatest weight. */
function uniquePositions(entries: readonly number[]): number[] {
  const found = new Map<number, number>();
  for (const entry of entries) found.set(positionOf(entry), Math.max(weightOf(entry), found.get(positionOf(entry)) ?? 0));
  return [...found].sort(([a], [b]) => a - b).slice(0, MAX_POSITIONS).map(([position, weight]) => position | (weight << 14));
}

function parseVector(text: string, encode: Encode): TsVector | undefined {
  const found = new Map<string, Word>();
  for (let at = 0; ;) {
    while (isSpace(text[at])) at++;
    if (at === text.length) break;
    const read = readWord(text, at, /[ \t-\r:]/);
    if (!read) return undefined;
    at = read.at;
    let positions: number[] | undefined;
    if (text[at] === ':') {
      const [list] = /^[^ \t-\r]*/.exec(text.slice(at + 1))!;
      positions = readPositions(list);
      if (!positions) return undefined;
      at += 1 + list.length;
    }
    const known = found.get(read.word)?.positions;
    found.set(read.word, { text: encode(read.word), positions: known || positions ? [...(known ?? []), ...(positions ?? [])] : undefined });
  }
  const words = [...found.values()].map((word) => ({ ...word, positions: word.positions && uniquePositions(word.positions) })).sort((a, b) => compareBytes(a.text, b.text));
  // CALCDATASIZE(): positions are 2-byte aligned within the words
  const bytes = words.reduce((length, word) => (word.positions ? ((length + word.text.length + 1) & ~1) + 2 + word.positions.length * 2 : length + word.text.length), 0);
  return { size: VARHDRSZ + 4 + words.length * 4 + bytes, words };
}

function compareVectors(a: TsVector, b: TsVector): number {
  if (a.size !== b.size || a.words.length !== b.words.length) return a.size - b.size || a.words.length - b.words.length;
  for (const [i, word] of a.words.entries()) {
    const other = b.words[i]!;
    if (!word.positions !== !other.positions) return word.positions ? -1 : 1;
    const result = compareBytes(word.text, other.text) || comparePositions(word.positions ?? [], other.positions ?? []);
    if (result !== 0) return result;
  }
  return 0;
}

/** More of them, later ones and heavier ones sort first. */
function comparePositions(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return b.length - a.length;
  for (const [i, entry] of a.entries()) if (entry !== b[i]) return positionOf(b[i]!) - positionOf(entry) || weightOf(b[i]!) - weightOf(entry);
  return 0;
}

/** `encode`: a word in the database's encoding. */
export function tsvectorKey(encode: Encode): KeyType<TsVector> {
  return { isOrdered: true, decode: decodeVector, parse: (text) => parseVector(text, encode), compare: compareVectors };
}

const QI_VAL = 1, QI_OPR = 2;
const OP_NOT = 1, OP_AND = 2, OP_OR = 3, OP_PHRASE = 4;
/** tsearch_op_priority by operator. */
const PRIORITY: Record<number, number> = { [OP_NOT]: 4, [OP_AND]: 2, [OP_OR]: 1, [OP_PHRASE]: 3 };
const SIZE_OF_QUERY_ITEM = 12;
const HDRSIZETQ = 8;
const MAX_DISTANCE = 0x4000;

/** Weights and the prefix sign do not count where queries are compared. */
type QueryNode = { type: typeof QI_VAL; crc: number; text: Uint8Array } | { type: typeof QI_OPR; operator: number; distance: number; children: QueryNode[] };

interface TsQuery {
  items: number;
  /** VARSIZE() */
  size: number;
  root: QueryNode | undefined;
}

function decodeQuery(stored: Uint8Array): TsQuery {
  const items = int32At(stored, 0);
  const operandsAt = 4 + items * SIZE_OF_QUERY_ITEM;
  // QT2QTN(): the right operand follows its operator, the left one is `left` items on
  const node = (item: number): QueryNode => {
    const at = 4 + item * SIZE_OF_QUERY_ITEM;
    if (stored[at] === QI_VAL) {
      const place = uint32At(stored, at + 8), textAt = operandsAt + (place >>> 12);
      return { type: QI_VAL, crc: int32At(stored, at + 4), text: stored.subarray(textAt, textAt + (place & 0xfff)) };
    }
    const operator = stored[at + 1]!;
    const children = [node(item + 1), ...(operator === OP_NOT ? [] : [node(item + uint32At(stored, at + 4))])];
    return { type: QI_OPR, operator, distance: uint16At(stored, at + 2), children };
  };
  return { items, size: VARHDRSZ + stored.length, root: items === 0 ? undefined : node(0) };
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, n) => {
  let crc = n;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1;
  return crc;
});

/** COMP_LEGACY_CRC32(), utils/pg_crc.h: the table of one CRC used in the way of another. */
function legacyCrc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) crc = CRC_TABLE[((crc >>> 24) ^ byte) & 0xff]! ^ (crc << 8);
  return ~crc;
}

/** parse_tsquery() and gettoken_query_standard(): operators wait on a stack until one of lower priority comes. */
class QueryParser {
  private at = 0;
  private items = 0;
  private operandBytes = 0;
  private readonly operands: QueryNode[] = [];

  constructor(private readonly text: string, private readonly encode: Encode) {}

  run(): TsQuery | undefined {
    this.space();
    if (this.at === this.text.length) return { items: 0, size: HDRSIZETQ, root: undefined };
    if (!this.expression(0) || this.at < this.text.length || this.operands.length !== 1) return undefined;
    return { items: this.items, size: HDRSIZETQ + this.items * SIZE_OF_QUERY_ITEM + this.operandBytes, root: this.operands[0] };
  }

  /** makepol(): up to the text's end, or the parenthesis that closes it. */
  private expression(depth: number): boolean {
    const waiting: { operator: number; distance: number }[] = [];
    const apply = (until: (priority: number) => boolean): boolean => {
      for (let top = waiting.at(-1); top && !until(PRIORITY[top.operator]!); top = waiting.at(-1)) if (!this.apply(waiting.pop()!)) return false;
      return true;
    };
    for (;;) {
      this.space();
      if (this.take('!')) {
        if (!apply((priority) => PRIORITY[OP_NOT]! >= priority)) return false;
        waiting.push({ operator: OP_NOT, distance: 0 });
        continue;
      }
      if (!(this.take('(') ? this.expression(depth + 1) : this.operand())) return false;
      this.space();
      const operator = this.operator();
      if (!operator) break;
      if (!apply((priority) => PRIORITY[operator.operator]! > priority)) return false;
      waiting.push(operator);
    }
    return apply(() => false) && (depth === 0 || this.take(')'));
  }

  private operand(): boolean {
    const read = /[:!&|()< \t-\r]/.test(this.text[this.at] ?? ' ') ? undefined : readWord(this.text, this.at, /[:!&|()< \t-\r]/);
    if (!read) return false;
    this.at = read.at;
    this.at += /^(?::[abcd*]*)?/i.exec(this.text.slice(this.at))![0].length;
    const text = this.encode(read.word);
    this.items++;
    this.operandBytes += text.length + 1;
    this.operands.push({ type: QI_VAL, crc: legacyCrc32(text), text });
    return true;
  }

  private operator(): { operator: number; distance: number } | undefined {
    if (this.take('&')) return { operator: OP_AND, distance: 0 };
    if (this.take('|')) return { operator: OP_OR, distance: 0 };
    const phrase = /<(-|\d+)>/y;
    phrase.lastIndex = this.at;
    const match = phrase.exec(this.text);
    const distance = match?.[1] === '-' ? 1 : Number(match?.[1]);
    if (!match || distance > MAX_DISTANCE) return undefined;
    this.at = phrase.lastIndex;
    return { operator: OP_PHRASE, distance };
  }

  private apply({ operator, distance }: { operator: number; distance: number }): boolean {
    const right = this.operands.pop(), left = operator === OP_NOT ? undefined : this.operands.pop();
    if (!right || (operator !== OP_NOT && !left)) return false;
    this.items++;
    this.operands.push({ type: QI_OPR, operator, distance, children: left ? [right, left] : [right] });
    return true;
  }

  private take(sign: string): boolean {
    if (this.text[this.at] !== sign) return false;
    this.at++;
    return true;
  }

  private space(): void {
    while (isSpace(this.text[this.at])) this.at++;
  }
}

/** QTNodeCompare(): greater ones sort first. */
function compareNodes(a: QueryNode, b: QueryNode): number {
  if (a.type === QI_VAL || b.type === QI_VAL) {
    if (a.type !== QI_VAL || b.type !== QI_VAL) return b.type - a.type;
    return a.crc !== b.crc ? (a.crc > b.crc ? -1 : 1) : compareBytes(a.text, b.text);
  }
  if (a.operator !== b.operator) return b.operator - a.operator;
  for (const [i, child] of a.children.entries()) {
    const result = compareNodes(child, b.children[i]!);
    if (result !== 0) return result;
  }
  return b.distance - a.distance;
}

/** As tsvectorKey(). */
export function tsqueryKey(encode: Encode): KeyType<TsQuery> {
  return {
    isOrdered: true,
    decode: decodeQuery,
    parse: (text) => new QueryParser(text, encode).run(),
    compare: (a, b) => a.items - b.items || a.size - b.size || (a.root && b.root ? compareNodes(a.root, b.root) : 0),
  };
}
