/** The order of a column's values, as ORDER BY has it. */
import type { DatabaseAt } from './session.js';
import { baseTypeName } from './baseType.js';
import { sqlType } from './where/sqlType.js';
import { comparerOf, parseValue, type Value } from './where/value.js';
import { ValueError } from './where/source.js';

/** Values that an order remembers. */
const REMEMBERED = 150_000;

/** Compares two values in output form. */
export type CompareTexts = (a: string | null, b: string | null) => number;

/**
 * The type's btree order, NULLs last; types that have none here, and text whatever its collation, are ordered by their text's code units. Values are read once each and
 * remembered: make one order for one sort.
 */
export function valueOrder(database: DatabaseAt, typeOid: number): CompareTexts {
  const found = database.types.type(typeOid);
  const type = sqlType(baseTypeName(database, typeOid), found?.typtype === 'e' ? database.types.enumLabels(found.oid) : undefined);
  const compare = comparerOf(type);
  const known = new Map<string, Value | undefined>();
  const read = (text: string): Value | undefined => {
    if (known.has(text)) return known.get(text);
    if (known.size >= REMEMBERED) known.clear();
    const value = readValue(text);
    known.set(text, value);
    return value;
  };
  const readValue = (text: string): Value | undefined => {
    try {
      return parseValue(type, text, { zone: database.session.zone });
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      return undefined; // printed by a type's own rules: its text decides
    }
  };
  const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return (a, b) => {
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    if (!compare) return byText(a, b);
    const x = read(a), y = read(b);
    return x === undefined || y === undefined ? byText(a, b) : compare(x, y);
  };
}
