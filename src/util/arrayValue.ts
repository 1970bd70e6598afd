/** Array literals, and arrays as values. Follows array_in(), array_out(), array_cmp(), utils/adt/arrayfuncs.c, PG 13–18. */

export interface ArrayValue<T> {
  /** Of each dimension; empty for an empty array. */
  readonly lengths: readonly number[];
  readonly lowerBounds: readonly number[];
  /** In row-major order. */
  readonly items: readonly (T | null)[];
}

const MAX_DIMENSIONS = 6;

/** array_isspace(), scanner_isspace(): other blanks than ASCII's are letters to input functions. */
export function isSpace(character: string | undefined): boolean {
  return character !== undefined && /^[ \t-\r]$/.test(character);
}

/** The text is no array, or one of its elements no value. */
class Malformed extends Error {}

/** array_in(): `parse` reads one element, undefined where it is none. Undefined where the text is no array of such elements. */
export function parseArrayText<T>(text: string, parse: (text: string) => T | undefined, delimiter = ','): ArrayValue<T> | undefined {
  try {
    return new ArrayParser(text, parse, delimiter).run();
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

class ArrayParser<T> {
  private at = 0;
  private readonly items: (T | null)[] = [];
  private readonly lengths: number[] = [];
  private readonly plain: RegExp;

  constructor(private readonly text: string, private readonly parse: (text: string) => T | undefined, private readonly delimiter: string) {
    this.plain = new RegExp(String.raw`(?:[^"\\{}${delimiter}]|\\[^])+`, 'y');
  }

  run(): ArrayValue<T> {
    const bounds = /^[ \t-\r]*((?:\[[+-]?\d+(?::[+-]?\d+)?\])+)[ \t-\r]*=/.exec(this.text);
    if (bounds) this.at = bounds[0].length;
    this.space();
    if (this.text[this.at] !== '{') throw new Malformed();
    this.dimension(0);
    this.space();
    if (this.at !== this.text.length) throw new Malformed();
    if (this.items.length === 0) return { lengths: [], lowerBounds: [], items: [] };
    const lowerBounds = this.lengths.map(() => 1);
    if (bounds) {
      const given = [...bounds[1]!.matchAll(/\[([+-]?\d+)(?::([+-]?\d+))?\]/g)].map(([, low, high]) => (high === undefined ? [1, Number(low)] : [Number(low), Number(high)]));
      if (given.length !== this.lengths.length || given.some(([low, high], i) => high! - low! + 1 !== this.lengths[i])) throw new Malformed();
      given.forEach(([low], i) => { lowerBounds[i] = low!; });
    }
    return { lengths: this.lengths, lowerBounds, items: this.items };
  }

  private dimension(depth: number): void {
    if (depth === MAX_DIMENSIONS) throw new Malformed();
    this.at++;
    let count = 0;
    this.space();
    if (this.text[this.at] !== '}') {
      for (;;) {
        this.space();
        const nested = this.text[this.at] === '{';
        // every element of one level is of one kind
        if (nested !== (this.lengths.length > depth + 1 || (count === 0 && nested && this.items.length === 0))) throw new Malformed();
        if (this.lengths.length === depth) this.lengths.push(-1);
        if (nested) this.dimension(depth + 1);
        else this.items.push(this.element());
        count++;
        this.space();
        if (this.text[this.at] !== this.delimiter) break;
        this.at++;
      }
    }
    if (this.text[this.at] !== '}') throw new Malformed();
    this.at++;
    if (count === 0 && (depth > 0 || this.items.length > 0)) throw new Malformed();
    if (count > 0) {
      if (this.lengths[depth] === -1) this.lengths[depth] = count;
      else if (this.lengths[depth] !== count) throw new Malformed();
    }
  }

  private element(): T | null {
    const quoted = /"((?:[^"\\]|\\[^])*)"/y;
    quoted.lastIndex = this.at;
    const match = quoted.exec(this.text);
    if (match) {
      this.at = quoted.lastIndex;
      return this.value(match[1]!);
    }
    this.plain.lastIndex = this.at;
    const word = this.plain.exec(this.text);
    const trimmed = word?.[0].replace(/[ \t-\r]+$/, '') ?? '';
    if (trimmed === '') throw new Malformed();
    this.at = this.plain.lastIndex;
    return /^null$/i.test(trimmed) ? null : this.value(trimmed);
  }

  private value(text: string): T {
    const value = this.parse(text.replace(/\\([^])/g, '$1'));
    if (value === undefined) throw new Malformed();
    return value;
  }

  private space(): void {
    while (isSpace(this.text[this.at])) this.at++;
  }
}

/** array_out() */
export function formatArray<T>(array: ArrayValue<T>, format: (value: T) => string): string {
  if (array.items.length === 0) return '{}';
  let next = 0;
  const level = (depth: number): string => {
    const parts: string[] = [];
    for (let i = 0; i < array.lengths[depth]!; i++) {
      if (depth + 1 < array.lengths.length) parts.push(level(depth + 1));
      else parts.push(quoteElement(array.items[next++]!, format));
    }
    return `{${parts.join(',')}}`;
  };
  const text = level(0);
  if (array.lowerBounds.every((low) => low === 1)) return text;
  return `${array.lowerBounds.map((low, i) => `[${low}:${low + array.lengths[i]! - 1}]`).join('')}=${text}`;
}

function quoteElement<T>(value: T | null, format: (value: T) => string): string {
  if (value === null) return 'NULL';
  const text = format(value);
  if (text !== '' && !/[ \t-\r"\\{},]/.test(text) && !/^null$/i.test(text)) return text;
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** array_cmp(): element by element (NULL last), then by number of elements, dimensions, their lengths, then lower bounds. */
export function compareArrays<T>(a: ArrayValue<T>, b: ArrayValue<T>, compare: (x: T, y: T) => number): number {
  for (let i = 0; i < Math.min(a.items.length, b.items.length); i++) {
    const x = a.items[i]!, y = b.items[i]!;
    const order = x === null || y === null ? Number(x === null) - Number(y === null) : compare(x, y);
    if (order !== 0) return order;
  }
  return a.items.length - b.items.length || a.lengths.length - b.lengths.length || compareNumbers(a.lengths, b.lengths) || compareNumbers(a.lowerBounds, b.lowerBounds);
}

/** Of two lists of one length. */
function compareNumbers(a: readonly number[], b: readonly number[]): number {
  for (const [i, n] of a.entries()) if (n !== b[i]) return n - b[i]!;
  return 0;
}
