import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mergeAscending } from '../../src/util/mergeAscending.js';

it('gives the numbers of all lists in order, each with its list', () => {
  fc.assert(fc.property(fc.array(fc.array(fc.nat({ max: 50 }).map((n) => n * 2 ** 40))), (unsorted) => {
    const lists = unsorted.map((list) => list.sort((a, b) => a - b));
    const merged: number[] = [];
    const parts: number[][] = lists.map(() => []);
    mergeAscending(lists, (value, list) => {
      merged.push(value);
      parts[list]!.push(value);
    });
    expect(merged).toEqual(lists.flat().sort((a, b) => a - b));
    expect(parts).toEqual(lists);
  }));
});
