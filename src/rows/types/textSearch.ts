/** tsvector and tsquery: tsvectorout(), utils/adt/tsvector.c; tsqueryout(), utils/adt/tsquery.c; tsearch/ts_type.h, PG 13–18. */
import { int32At, uint16At, uint32At } from '../bytes.js';
import { valueError } from './valueError.js';
import type { TextDecoding } from './encoding.js';
import type { OutputFunction } from './typeInfo.js';

const WEIGHTS = ['', 'C', 'B', 'A'] as const;

function quotedLexeme(text: string): string {
  return `'${text.replace(/['\\]/g, '$&$&')}'`;
}

/** A position and its weight: 14 and 2 bits. */
function positionText(position: number): string {
  return `${position & 0x3fff}${WEIGHTS[position >> 14]!}`;
}

/** Each word's entry: 1 bit whether positions follow it, 11 bits of length, 20 of offset. */
export const tsvectorOut: OutputFunction = (bytes, at, length, _type, output) => {
  const count = int32At(bytes, at);
  const wordsAt = at + 4 + count * 4;
  if (count < 0 || wordsAt > at + length) throw valueError('tsvector', `${count} words do not fit its bytes`);
  const words: string[] = [];
  for (let i = 0; i < count; i++) {
    const entry = uint32At(bytes, at + 4 + i * 4);
    const size = (entry >>> 1) & 0x7ff, offset = entry >>> 12;
    if (wordsAt + offset + size > at + length) throw valueError('tsvector', "a word reaches past the value's end");
    let word = quotedLexeme(output.context.encoding.decode(bytes, wordsAt + offset, size));
    if ((entry & 1) !== 0) {
      const positionsAt = wordsAt + ((offset + size + 1) & ~1);
      const positions = uint16At(bytes, positionsAt);
      for (let p = 1; p <= positions; p++) word += `${p === 1 ? ':' : ','}${positionText(uint16At(bytes, positionsAt + p * 2))}`;
    }
    words.push(word);
  }
  return words.join(' ');
};

const QI_VAL = 1;
const SIZE_OF_QUERY_ITEM = 12;
const OP_NOT = 1;
const OP_AND = 2;
const OP_OR = 3;
const OP_PHRASE = 4;
/** tsearch_op_priority by operator. */
const PRIORITY: Record<number, number> = { [OP_NOT]: 4, [OP_AND]: 2, [OP_OR]: 1, [OP_PHRASE]: 3 };

/** A query in Polish notation: an operator, its right operand, its left operand. */
class QueryPrinter {
  private item = 0;

  constructor(private readonly bytes: Uint8Array, private readonly itemsAt: number, private readonly count: number, private readonly end: number, private readonly decode: TextDecoding['decode']) {}

  /** infix(), utils/adt/tsquery.c */
  print(parentPriority: number, rightPhraseOp: boolean): string {
    if (this.item >= this.count) throw valueError('tsquery', 'an operator lacks an operand');
    const at = this.itemsAt + this.item++ * SIZE_OF_QUERY_ITEM;
    if (this.bytes[at] === QI_VAL) return this.operand(at);
    const op = this.bytes[at + 1]!;
    const priority = PRIORITY[op];
    if (priority === undefined) throw valueError('tsquery', `unrecognized operator type: ${op}`);
    if (op === OP_NOT) {
      const inner = `!${this.print(priority, false)}`;
      return priority < parentPriority ? `( ${inner} )` : inner;
    }
    const right = this.print(priority, op === OP_PHRASE);
    const left = this.print(priority, false);
    const distance = uint16At(this.bytes, at + 2);
    const sign = op === OP_OR ? '|' : op === OP_AND ? '&' : distance === 1 ? '<->' : `<${distance}>`;
    const text = `${left} ${sign} ${right}`;
    return priority < parentPriority || (op === OP_PHRASE && rightPhraseOp) ? `( ${text} )` : text;
  }

  private operand(at: number): string {
    const weight = this.bytes[at + 1]!, isPrefix = this.bytes[at + 2] !== 0;
    const place = uint32At(this.bytes, at + 8);
    const textAt = this.itemsAt + this.count * SIZE_OF_QUERY_ITEM + (place >>> 12), size = place & 0xfff;
    if (textAt + size > this.end) throw valueError('tsquery', "an operand reaches past the value's end");
    let text = quotedLexeme(this.decode(this.bytes, textAt, size));
    if (weight !== 0 || isPrefix) text += `:${isPrefix ? '*' : ''}${weight & 8 ? 'A' : ''}${weight & 4 ? 'B' : ''}${weight & 2 ? 'C' : ''}${weight & 1 ? 'D' : ''}`;
    return text;
  }
}

export const tsqueryOut: OutputFunction = (bytes, at, length, _type, output) => {
  const count = int32At(bytes, at);
  if (count < 0 || 4 + count * SIZE_OF_QUERY_ITEM > length) throw valueError('tsquery', `${count} items do not fit its bytes`);
  return count === 0 ? '' : new QueryPrinter(bytes, at + 4, count, at + length, output.context.encoding.decode).print(-1, false);
};
