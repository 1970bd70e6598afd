/** jsonb as a key: compareJsonbContainers(), JsonbHashScalarValue(), utils/adt/jsonb_util.c; jsonb_hash(), utils/adt/jsonb_op.c, PG 13–18. */
import { parseJsonText, type JsonTree } from '../../util/jsonText.js';
import { compareBytes, compareNumerics } from '../compare.js';
import { hashBytes, hashNumeric } from '../hashFunctions.js';
import { JsonbWalker, type JsonbContainer } from '../types/jsonb.js';
import { rotateLeft, type KeyType } from './keyType.js';

/** enum jbvType: the order of values of different kinds. */
const Rank = { null: 0, text: 1, numeric: 2, bool: 3, array: 0x10, object: 0x11, end: 0x12 } as const;
const JB_FOBJECT = 0x2000_0000;
const JB_FARRAY = 0x4000_0000;
const HASH_OF_NULL = 1, HASH_OF_TRUE = 2, HASH_OF_FALSE = 4;

/** A step of JsonbIteratorNext(): a key or a value, a container's beginning, or its end. */
type Token =
  | { rank: typeof Rank.null | typeof Rank.end }
  | { rank: typeof Rank.text | typeof Rank.numeric; bytes: Uint8Array }
  | { rank: typeof Rank.bool; value: boolean }
  | { rank: typeof Rank.array | typeof Rank.object; count: number; isScalar: boolean };

const END: Token = { rank: Rank.end };
const wordToken = (word: string): Token => (word === 'null' ? { rank: Rank.null } : { rank: Rank.bool, value: word === 'true' });

class StoredTokens extends JsonbWalker {
  private readonly tokens: Token[] = [];

  read(): Token[] {
    this.walk(0, this.bytes.length);
    return this.tokens;
  }

  protected beginContainer({ count, isObject, isScalar }: JsonbContainer): void {
    this.tokens.push({ rank: isObject ? Rank.object : Rank.array, count, isScalar });
  }

  protected endContainer(): void {
    this.tokens.push(END);
  }

  protected beginItem(): void {
    // an element says all itself
  }

  protected afterKey(): void {
    // so does a key
  }

  protected text(at: number, length: number): void {
    this.tokens.push({ rank: Rank.text, bytes: this.bytes.subarray(at, at + length) });
  }

  protected numeric(at: number, length: number): void {
    this.tokens.push({ rank: Rank.numeric, bytes: this.bytes.subarray(at, at + length) });
  }

  protected word(word: string): void {
    this.tokens.push(wordToken(word));
  }
}

type Encode = (text: string) => Uint8Array;

/** The steps of a document as jsonb_in() would store it: keys by length, then by bytes; a lone scalar in an array of its own. */
function tokensOf(node: JsonTree<Uint8Array>, encode: Encode): Token[] {
  const tokens: Token[] = [];
  const add = (child: JsonTree<Uint8Array>): void => {
    if (child.kind === 'array') {
      tokens.push({ rank: Rank.array, count: child.items.length, isScalar: false });
      child.items.forEach(add);
      tokens.push(END);
    } else if (child.kind === 'object') {
      const pairs = [...child.members].map(([key, value]) => ({ key: encode(key), value })).sort((a, b) => a.key.length - b.key.length || compareBytes(a.key, b.key));
      tokens.push({ rank: Rank.object, count: pairs.length, isScalar: false });
      for (const { key, value } of pairs) {
        tokens.push({ rank: Rank.text, bytes: key });
        add(value);
      }
      tokens.push(END);
    } else if (child.kind === 'string') tokens.push({ rank: Rank.text, bytes: encode(child.value as string) });
    else if (child.kind === 'number') tokens.push({ rank: Rank.numeric, bytes: child.value as Uint8Array });
    else tokens.push(wordToken(child.raw));
  };
  add(node);
  return node.kind === 'array' || node.kind === 'object' ? tokens : [{ rank: Rank.array, count: 1, isScalar: true }, ...tokens, END];
}

type CompareText = (a: Uint8Array, b: Uint8Array) => number;

function compareTokens(a: Token, b: Token, compareText: CompareText): number {
  if (a.rank !== b.rank) return a.rank - b.rank;
  switch (a.rank) {
    case Rank.text: return compareText(a.bytes, (b as typeof a).bytes);
    case Rank.numeric: return compareNumerics(a.bytes, (b as typeof a).bytes);
    case Rank.bool: return Number(a.value) - Number((b as typeof a).value);
    case Rank.array: case Rank.object: {
      const other = b as typeof a;
      // the number of elements overrules that one is a lone scalar: an empty array sorts before null
      return a.count - other.count || (a.isScalar === other.isScalar ? 0 : a.isScalar ? -1 : 1);
    }
    default: return 0;
  }
}

function hashOf(tokens: readonly Token[]): number {
  if (tokens.length === 2) return 0;
  let hash = 0;
  for (const token of tokens) {
    switch (token.rank) {
      case Rank.array: hash = (hash ^ JB_FARRAY) >>> 0; break;
      case Rank.object: hash = (hash ^ JB_FOBJECT) >>> 0; break;
      case Rank.text: hash = (rotateLeft(hash) ^ hashBytes(token.bytes)) >>> 0; break;
      case Rank.numeric: hash = (rotateLeft(hash) ^ hashNumeric(token.bytes)) >>> 0; break;
      case Rank.bool: hash = (rotateLeft(hash) ^ (token.value ? HASH_OF_TRUE : HASH_OF_FALSE)) >>> 0; break;
      case Rank.null: hash = (rotateLeft(hash) ^ HASH_OF_NULL) >>> 0; break;
    }
  }
  return hash;
}

class NoJsonb extends Error {}

/** `compareText`: the order of the database's own collation. `parseNumeric` and `encode`: as numeric's input function and the database's encoding have it. */
export function jsonbKey(compareText: CompareText, parseNumeric: (text: string) => Uint8Array | undefined, encode: Encode): KeyType<readonly Token[]> {
  const number = (text: string): Uint8Array => {
    const value = parseNumeric(text);
    if (!value) throw new NoJsonb();
    return value;
  };
  return {
    isOrdered: true,
    decode: (stored) => new StoredTokens(stored).read(),
    parse: (text) => {
      try {
        return tokensOf(parseJsonText(text, number, () => new NoJsonb()), encode);
      } catch (error) {
        if (error instanceof NoJsonb) return undefined;
        throw error;
      }
    },
    compare: (a, b) => {
      for (let i = 0; i < Math.min(a.length, b.length); i++) {
        const result = compareTokens(a[i]!, b[i]!, compareText);
        if (result !== 0) return result;
      }
      return a.length - b.length;
    },
    hash: hashOf,
  };
}
