/**
 * Arrays as values. Follows array_in(), array_out(), array_eq(), array_cmp(), array_contain_compare(), utils/adt/arrayfuncs.c, PG 13–18.
 */
import { ValueError } from './source.js';
import type { Value } from './value.js';

export interface ArrayValue {
  /** Of each dimension; empty for an empty array. */
  readonly lengths: readonly number[];
  readonly lowerBounds: readonly number[];
  /** In row-major order. */
  readonly items: readonly (Value | null)[];
}

export function arrayValue(items: readonly (Value | null)[]): ArrayValue {
  return items.length === 0 ? { lengths: [], lowerBounds: [], items } : { lengths: [items.length], lowerBounds: [1], items };
}

const MAX_DIMENSIONS = 6;

/** array_in(): `parse` reads one element. Throws ValueError. */
export function parseArray(text: string, parse: (text: string) => Value): ArrayValue {
  return new ArrayParser(text, parse).run();
}

class ArrayParser {
  private at = 0;
  private readonly items: (Value | null)[] = [];
  private readonly lengths: number[] = [];

  constructor(private readonly text: string, private readonly parse: (text: string) => Value) {}

  run(): ArrayValue {
    const bounds = /^\s*((?:\[[+-]?\d+(?::[+-]?\d+)?\])+)\s*=/.exec(this.text);
    if (bounds) this.at = bounds[0].length;
    this.space();
    if (this.text[this.at] !== '{') throw this.malformed();
    this.dimension(0);
    this.space();
    if (this.at !== this.text.length) throw this.malformed();
    if (this.items.length === 0) return { lengths: [], lowerBounds: [], items: [] };
    const lowerBounds = this.lengths.map(() => 1);
    if (bounds) {
      const given = [...bounds[1]!.matchAll(/\[([+-]?\d+)(?::([+-]?\d+))?\]/g)].map(([, low, high]) => (high === undefined ? [1, Number(low)] : [Number(low), Number(high)]));
      if (given.length !== this.lengths.length || given.some(([low, high], i) => high! - low! + 1 !== this.lengths[i])) throw this.malformed();
      given.forEach(([low], i) => { lowerBounds[i] = low!; });
    }
    return { lengths: this.lengths, lowerBounds, items: this.items };
  }

  private dimension(depth: number): void {
    if (depth === MAX_DIMENSIONS) throw this.malformed();
    this.at++;
    let count = 0;
    this.space();
    if (this.text[this.at] !== '}') {
      for (;;) {
        this.space();
        const nested = this.text[this.at] === '{';
        // every element of one level is of one kind
        if (nested !== (this.lengths.length > depth + 1 || (count === 0 && nested && this.items.length === 0))) throw this.malformed();
        if (nested) {
          if (this.lengths.length === depth) this.lengths.push(-1);
          this.dimension(depth + 1);
        } else {
          if (this.lengths.length === depth) this.lengths.push(-1);
          this.items.push(this.element());
        }
        count++;
        this.space();
        if (this.text[this.at] !== ',') break;
        this.at++;
      }
    }
    if (this.text[this.at] !== '}') throw this.malformed();
    this.at++;
    if (count === 0 && (depth > 0 || this.items.length > 0)) throw this.malformed();
    if (count > 0) {
      if (this.lengths[depth] === -1) this.lengths[depth] = count;
      else if (this.lengths[depth] !== count) throw this.malformed();
    }
  }

  private element(): Value | null {
    const quoted = /"((?:[^"\\]|\\[^])*)"/y;
    quoted.lastIndex = this.at;
    const match = quoted.exec(this.text);
    if (match) {
      this.at = quoted.lastIndex;
      return this.parse(match[1]!.replace(/\\([^])/g, '$1'));
    }
    const plain = /(?:[^"\\{},]|\\[^])+/y;
    plain.lastIndex = this.at;
    const word = plain.exec(this.text);
    if (!word || word[0].trim() === '') throw this.malformed();
    this.at = plain.lastIndex;
    const trimmed = word[0].trim();
    return /^null$/i.test(trimmed) ? null : this.parse(trimmed.replace(/\\([^])/g, '$1'));
  }

  private space(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++;
  }

  private malformed(): ValueError {
    return new ValueError(`malformed array literal: "${this.text}"`);
  }
}

/** array_out() */
export function formatArray(array: ArrayValue, format: (value: Value) => string): string {
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

function quoteElement(value: Value | null, format: (value: Value) => string): string {
  if (value === null) return 'NULL';
  const text = format(value);
  if (text !== '' && !/[\s"\\{},]/.test(text) && !/^null$/i.test(text)) return text;
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** array_eq(): same shape, and elements equal; two NULL elements are equal here. */
export function arraysEqual(a: ArrayValue, b: ArrayValue, equal: (x: Value, y: Value) => boolean): boolean {
  if (a.items.length !== b.items.length || !sameNumbers(a.lengths, b.lengths) || !sameNumbers(a.lowerBounds, b.lowerBounds)) return false;
  return a.items.every((item, i) => {
    const other = b.items[i]!;
    return item === null || other === null ? item === other : equal(item, other);
  });
}

/** array_cmp(): element by element (NULL last), then by number of elements, dimensions, their lengths and lower bounds. */
export function compareArrays(a: ArrayValue, b: ArrayValue, compare: (x: Value, y: Value) => number): number {
  for (let i = 0; i < Math.min(a.items.length, b.items.length); i++) {
    const x = a.items[i]!, y = b.items[i]!;
    const order = x === null || y === null ? Number(x === null) - Number(y === null) : compare(x, y);
    if (order !== 0) return order;
  }
  if (a.items.length !== b.items.length) return a.items.length - b.items.length;
  if (a.lengths.length !== b.lengths.length) return a.lengths.length - b.lengths.length;
  for (let i = 0; i < a.lengths.length; i++) {
    const order = a.lengths[i]! - b.lengths[i]! || a.lowerBounds[i]! - b.lowerBounds[i]!;
    if (order !== 0) return order;
  }
  return 0;
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** array_contain_compare(): `all` for `@>`, else `&&`. A NULL element equals nothing. */
export function arrayContains(a: ArrayValue, b: ArrayValue, all: boolean, equal: (x: Value, y: Value) => boolean): boolean {
  const has = (wanted: Value | null): boolean => wanted !== null && a.items.some((item) => item !== null && equal(item, wanted));
  return all ? b.items.every(has) : b.items.some(has);
}

/** array_cat() for arrays of one dimension, and elements as arrays of one. */
export function concatArrays(a: ArrayValue, b: ArrayValue): ArrayValue {
  if (a.items.length === 0) return b;
  if (b.items.length === 0) return a;
  if (a.lengths.length > 1 || b.lengths.length > 1) throw new ValueError('concatenating arrays of several dimensions is not supported here');
  return { lengths: [a.items.length + b.items.length], lowerBounds: a.lowerBounds, items: [...a.items, ...b.items] };
}
