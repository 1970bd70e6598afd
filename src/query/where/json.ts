/**
 * json and jsonb as values: parsing with exact numbers, printing as jsonb does, paths, containment and equality.
 * Follows utils/adt/{jsonb,jsonb_op,jsonb_util,jsonfuncs}.c, PG 13–18.
 */
import { compareUtf8 } from './text.js';
import { compareDecimals, formatDecimal, parseDecimal, type Decimal } from './decimal.js';
import { ValueError } from './source.js';

export type JsonNode =
  | { readonly kind: 'null' | 'bool' | 'string' | 'number'; readonly value: null | boolean | string | Decimal; readonly raw: string }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[]; readonly raw: string }
  | { readonly kind: 'object'; readonly members: ReadonlyMap<string, JsonNode>; readonly raw: string };

/** Deeper documents are refused, as PostgreSQL refuses them for its stack's sake. */
const MAX_DEPTH = 2000;

/** json_in(), jsonb_in(): each node keeps the text it was read from (`raw`), which is what json gives back. Throws ValueError. */
export function parseJson(text: string, type = 'json'): JsonNode {
  const parser = new Parser(text, type);
  const node = parser.value(0);
  parser.end();
  return node;
}

/** Control characters must be escaped; JSON.parse looks after those in strings with escapes. */
const STRING = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\.)*"/uy;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;
const WORDS: readonly [string, JsonNode][] = [
  ['null', { kind: 'null', value: null, raw: 'null' }], ['true', { kind: 'bool', value: true, raw: 'true' }], ['false', { kind: 'bool', value: false, raw: 'false' }],
];

class Parser {
  private at = 0;
  constructor(private readonly text: string, private readonly type: string) {}

  value(depth: number): JsonNode {
    if (depth > MAX_DEPTH) throw new ValueError('JSON value is nested too deeply');
    this.space();
    const start = this.at;
    const c = this.text[start];
    if (c === '{') return this.object(start, depth);
    if (c === '[') return this.array(start, depth);
    if (c === '"') {
      const value = this.string();
      return { kind: 'string', value, raw: this.text.slice(start, this.at) };
    }
    for (const [word, node] of WORDS) {
      if (this.text.startsWith(word, start)) {
        this.at += word.length;
        return node;
      }
    }
    const number = this.match(NUMBER);
    if (number === undefined) throw this.invalid();
    return { kind: 'number', value: parseDecimal(number), raw: number };
  }

  end(): void {
    this.space();
    if (this.at < this.text.length) throw this.invalid();
  }

  private object(start: number, depth: number): JsonNode {
    const members = new Map<string, JsonNode>();
    this.at++;
    this.space();
    if (!this.take('}')) {
      do {
        this.space();
        const key = this.string();
        this.space();
        if (!this.take(':')) throw this.invalid();
        // the last of equal keys counts
        members.delete(key);
        members.set(key, this.value(depth + 1));
        this.space();
      } while (this.take(','));
      if (!this.take('}')) throw this.invalid();
    }
    return { kind: 'object', members, raw: this.text.slice(start, this.at) };
  }

  private array(start: number, depth: number): JsonNode {
    const items: JsonNode[] = [];
    this.at++;
    this.space();
    if (!this.take(']')) {
      do {
        items.push(this.value(depth + 1));
        this.space();
      } while (this.take(','));
      if (!this.take(']')) throw this.invalid();
    }
    return { kind: 'array', items, raw: this.text.slice(start, this.at) };
  }

  private string(): string {
    const quoted = this.match(STRING);
    if (quoted === undefined) throw this.invalid();
    if (!quoted.includes('\\')) return quoted.slice(1, -1);
    try {
      return JSON.parse(quoted) as string;
    } catch (error) {
      if (error instanceof SyntaxError) throw this.invalid();
      throw error;
    }
  }

  private space(): void {
    SPACE.lastIndex = this.at;
    SPACE.test(this.text);
    this.at = SPACE.lastIndex;
  }

  private take(c: string): boolean {
    if (this.text[this.at] !== c) return false;
    this.at++;
    return true;
  }

  private match(form: RegExp): string | undefined {
    form.lastIndex = this.at;
    const match = form.exec(this.text);
    if (!match) return undefined;
    this.at = form.lastIndex;
    return match[0];
  }

  private invalid(): ValueError {
    return new ValueError(`invalid input syntax for type ${this.type}: "${this.text}"`);
  }
}

/** jsonb_out(): keys by length, then by bytes. */
export function formatJsonb(node: JsonNode): string {
  switch (node.kind) {
    case 'array': return `[${node.items.map(formatJsonb).join(', ')}]`;
    case 'object': {
      const keys = [...node.members.keys()].sort(compareKeys);
      return `{${keys.map((key) => `${escapeJson(key)}: ${formatJsonb(node.members.get(key)!)}`).join(', ')}}`;
    }
    case 'string': return escapeJson(node.value as string);
    case 'number': return formatDecimal(node.value as Decimal);
    default: return String(node.value);
  }
}

function compareKeys(a: string, b: string): number {
  return Buffer.byteLength(a) - Buffer.byteLength(b) || compareUtf8(a, b);
}

/** escape_json(): control characters but the common ones as \u00XX; everything above stays. */
function escapeJson(text: string): string {
  return JSON.stringify(text).replace(/\\u([dD][89a-fA-F][0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

/** `->` of jsonb: there a lone scalar is stored as an array of one, and answers to its index. */
export function jsonbMember(node: JsonNode, key: string | bigint): JsonNode | undefined {
  if (typeof key === 'bigint' && node.kind !== 'array' && node.kind !== 'object') return key === 0n || key === -1n ? node : undefined;
  return jsonMember(node, key);
}

/** `->`: an object's member or an array's item (negative from the end); undefined where there is none. */
export function jsonMember(node: JsonNode, key: string | bigint): JsonNode | undefined {
  if (typeof key === 'string') return node.kind === 'object' ? node.members.get(key) : undefined;
  if (node.kind !== 'array') return undefined;
  return node.items[Number(key < 0n ? BigInt(node.items.length) + key : key)];
}

/** `#>`: follows a path; a step into an array is read as its index. */
export function jsonPath(node: JsonNode, path: readonly (string | null)[]): JsonNode | null {
  let here: JsonNode | undefined = node;
  for (const step of path) {
    if (step === null || here === undefined) return null;
    if (here.kind === 'array') here = /^\s*[+-]?\d+\s*$/.test(step) ? jsonMember(here, BigInt(step)) : undefined;
    else here = jsonMember(here, step);
  }
  return here ?? null;
}

/** What `->>` gives: a string's own text, NULL for JSON's null, else `print`'s text. */
export function jsonText(node: JsonNode, print: (node: JsonNode) => string): string | null {
  if (node.kind === 'null') return null;
  return node.kind === 'string' ? (node.value as string) : print(node);
}

/** jsonb_eq() */
export function jsonEquals(a: JsonNode, b: JsonNode): boolean {
  if (a.kind === 'array') {
    return b.kind === 'array' && a.items.length === b.items.length && a.items.every((item, i) => jsonEquals(item, b.items[i]!));
  }
  if (a.kind === 'object') {
    if (b.kind !== 'object' || a.members.size !== b.members.size) return false;
    for (const [key, value] of a.members) {
      const other = b.members.get(key);
      if (!other || !jsonEquals(value, other)) return false;
    }
    return true;
  }
  if (b.kind !== a.kind) return false;
  return a.kind === 'number' ? compareDecimals(a.value as Decimal, b.value as Decimal) === 0 : a.value === b.value;
}

/** `@>`: JsonbDeepContains(); an array also contains a lone scalar, at the top alone. */
export function jsonContains(a: JsonNode, b: JsonNode): boolean {
  if (a.kind === 'array' && b.kind !== 'array' && b.kind !== 'object') return a.items.some((item) => jsonEquals(item, b));
  return deepContains(a, b);
}

function deepContains(a: JsonNode, b: JsonNode): boolean {
  if (b.kind === 'object') {
    if (a.kind !== 'object') return false;
    for (const [key, value] of b.members) {
      const own = a.members.get(key);
      if (!own || !deepContains(own, value)) return false;
    }
    return true;
  }
  if (b.kind === 'array') return a.kind === 'array' && b.items.every((wanted) => a.items.some((item) => deepContains(item, wanted)));
  return jsonEquals(a, b);
}

/** `?`: a key of an object, a string in an array, or the string itself. */
export function jsonExists(node: JsonNode, key: string): boolean {
  if (node.kind === 'object') return node.members.has(key);
  if (node.kind === 'array') return node.items.some((item) => item.kind === 'string' && item.value === key);
  return node.kind === 'string' && node.value === key;
}

/** jsonb_typeof() */
export function jsonTypeof(node: JsonNode): string {
  return node.kind === 'bool' ? 'boolean' : node.kind;
}
