/** Arrays as keys: array_cmp(), hash_array(), utils/adt/arrayfuncs.c, PG 13–18. */
import { compareArrays, parseArrayText, type ArrayValue } from '../../util/arrayValue.js';
import { arrayElementPlaces, readArrayHeader } from '../types/array.js';
import type { TypeInfo } from '../types/typeInfo.js';
import { combineHash, type AnyKeyType, type KeyType } from './keyType.js';
import { plainValue } from './plainValue.js';

/** `element`: its type, and how values of it are compared. */
export function arrayKey(elementType: TypeInfo, element: AnyKeyType): KeyType<ArrayValue<unknown>> {
  const { hash } = element;
  return {
    isOrdered: element.isOrdered,
    decode: (stored) => {
      const { dims, lowerBounds } = readArrayHeader(stored, -4, stored.length);
      const items = arrayElementPlaces(stored, 0, stored.length, elementType).map(({ at, length }) => (at < 0 ? null : element.decode(plainValue(stored, at, length, elementType))));
      return { lengths: dims, lowerBounds, items };
    },
    parse: (text) => parseArrayText(text, (item) => element.parse(item), elementType.typdelim),
    compare: (a, b) => compareArrays(a, b, (x, y) => element.compare(x, y)),
    ...(hash ? { hash: ({ items }) => items.reduce((before: number, item) => combineHash(before, item === null ? 0 : hash(item)), 1) } : {}),
  };
}

/** int2vectorin(): an array of one dimension from 0, even where it is empty. */
export function vectorKey(elementType: TypeInfo, element: AnyKeyType): KeyType<ArrayValue<unknown>> {
  return {
    ...arrayKey(elementType, element),
    parse: (text) => {
      const items = text.split(/\s+/).filter((word) => word !== '').map((word) => element.parse(word));
      return items.includes(undefined) ? undefined : { lengths: [items.length], lowerBounds: [0], items };
    },
  };
}
