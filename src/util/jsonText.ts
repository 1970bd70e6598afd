/** JSON texts read exactly: numbers as they are written, each node with its own text. Follows utils/adt/jsonapi.c (common/jsonapi.c), PG 13–18. */

/** `N`: what a number is read as. */
export type JsonTree<N> =
  | { readonly kind: 'null' | 'bool' | 'string' | 'number'; readonly value: null | boolean | string | N; readonly raw: string }
  | { readonly kind: 'array'; readonly items: readonly JsonTree<N>[]; readonly raw: string }
  | { readonly kind: 'object'; readonly members: ReadonlyMap<string, JsonTree<N>>; readonly raw: string };

/** Deeper documents are refused, as PostgreSQL refuses them for its stack's sake. */
const MAX_DEPTH = 2000;

/** The text is no JSON; `message` says so only where that is not all. */
class NotJson extends Error {}

/** json_in(), jsonb_in(): each node keeps the text it was read from (`raw`), which is what json gives back. `refuse` makes the error of a text that is no JSON. */
export function parseJsonText<N>(text: string, number: (text: string) => N, refuse: (reason: string) => Error): JsonTree<N> {
  try {
    const parser = new Parser(text, number);
    const node = parser.value(0);
    parser.end();
    return node;
  } catch (error) {
    throw error instanceof NotJson ? refuse(error.message) : error;
  }
}

/** Control characters must be escaped; JSON.parse looks after those in strings with escapes. */
const STRING = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\.)*"/uy;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;
const WORDS: readonly [string, JsonTree<never>][] = [
  ['null', { kind: 'null', value: null, raw: 'null' }], ['true', { kind: 'bool', value: true, raw: 'true' }], ['false', { kind: 'bool', value: false, raw: 'false' }],
];

class Parser<N> {
  private at = 0;
  constructor(private readonly text: string, private readonly number: (text: string) => N) {}

  value(depth: number): JsonTree<N> {
    if (depth > MAX_DEPTH) throw new NotJson('JSON value is nested too deeply');
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
    return { kind: 'number', value: this.number(number), raw: number };
  }

  end(): void {
    this.space();
    if (this.at < this.text.length) throw this.invalid();
  }

  private object(start: number, depth: number): JsonTree<N> {
    const members = new Map<string, JsonTree<N>>();
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

  private array(start: number, depth: number): JsonTree<N> {
    const items: JsonTree<N>[] = [];
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

  private invalid(): NotJson {
    return new NotJson('');
  }
}
