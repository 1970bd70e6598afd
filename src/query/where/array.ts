/**
 * Arrays as values of expressions. Follows array_in(), array_eq(), array_contain_compare(), utils/adt/arrayfuncs.c, PG 13–18.
 */
import { parseArrayText, type ArrayValue as ArrayOf } from '../../util/arrayValue.js';
import { ValueError } from './source.js';
import type { Value } from './value.js';

export type ArrayValue = ArrayOf<Value>;

export function arrayValue(items: readonly (Value | null)[]): ArrayValue {
  return items.length === 0 ? { lengths: [], lowerBounds: [], items } : { lengths: [items.length], lowerBounds: [1], items };
}

/** array_in(): `parse` reads one element. Throws ValueError. */
export function parseArray(text: string, parse: (text: string) => Value): ArrayValue {
  const array = parseArrayText(text, parse);
  if (!array) throw new ValueError(`malformed array literal: "${text}"`);
  return array;
}

/** array_eq(): same shape, and elements equal; two NULL elements are equal here. */
export function arraysEqual(a: ArrayValue, b: ArrayValue, equal: (x: Value, y: Value) => boolean): boolean {
  if (a.items.length !== b.items.length || !sameNumbers(a.lengths, b.lengths) || !sameNumbers(a.lowerBounds, b.lowerBounds)) return false;
  return a.items.every((item, i) => {
    const other = b.items[i]!;
    return item === null || other === null ? item === other : equal(item, other);
  });
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
