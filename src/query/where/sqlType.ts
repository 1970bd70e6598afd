/** The types that an expression knows, by their names in pg_type, and how PostgreSQL resolves two of them to one. */
import type { AnyKeyType } from '../../rows/keys/keyType.js';
import { own } from '../../util/own.js';

export interface SqlType {
  /** pg_type.typname: `int4`, `_text`; `unknown` for a literal that has taken no type yet. */
  readonly name: string;
  /** Of an array. */
  readonly element?: SqlType;
  /** Of an enum, in sort order. */
  readonly enumLabels?: readonly string[];
  /** Of a type that is known by how its index would read and order it, and by nothing else. */
  readonly order?: ValueOrder;
}

/** How a type's values are read and compared (KeyType of src/rows). */
export type ValueOrder = Pick<AnyKeyType, 'parse' | 'compare' | 'isOrdered'>;

const SCALARS = [
  'unknown', 'bool', 'int2', 'int4', 'int8', 'oid', 'numeric', 'float4', 'float8', 'text', 'varchar', 'bpchar', 'name', 'char',
  'date', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval', 'uuid', 'bytea', 'json', 'jsonb', 'xid', 'xid8', 'tid', 'pg_lsn',
] as const;

const known = new Map<string, SqlType>(SCALARS.map((name) => [name, { name }]));
for (const name of SCALARS) known.set(`_${name}`, { name: `_${name}`, element: known.get(name) });

/**
 * The type of a pg_type name; one that this evaluator knows nothing about keeps its name, and can be compared by `order` (the element's, for an array),
 * else only be cast to text.
 */
export function sqlType(name: string, enumLabels?: readonly string[], order?: () => ValueOrder | undefined): SqlType {
  if (enumLabels) {
    const element = { name: name.replace(/^_/, ''), enumLabels };
    return name.startsWith('_') ? { name, element } : element;
  }
  const found = known.get(name);
  if (found) return found;
  return name.startsWith('_') ? { name, element: { name: name.slice(1), order: order?.() } } : { name, order: order?.() };
}

export const UNKNOWN = sqlType('unknown');
export const BOOL = sqlType('bool');
export const INT4 = sqlType('int4');
export const INT8 = sqlType('int8');
export const NUMERIC = sqlType('numeric');
export const FLOAT8 = sqlType('float8');
export const TEXT = sqlType('text');

export function arrayOf(element: SqlType): SqlType {
  return known.get(`_${element.name}`) ?? { name: `_${element.name}`, element };
}

export function sameType(a: SqlType, b: SqlType): boolean {
  return a.name === b.name;
}

/** True where values of this type can be compared and computed with here. */
export function isKnownType(type: SqlType): boolean {
  return type.element ? isKnownType(type.element) : known.has(type.name) || type.enumLabels !== undefined || type.order !== undefined;
}

const PRINTED: Record<string, string> = {
  int2: 'smallint', int4: 'integer', int8: 'bigint', float4: 'real', float8: 'double precision', bool: 'boolean', char: '"char"',
  varchar: 'character varying', bpchar: 'character', time: 'time without time zone', timetz: 'time with time zone',
  timestamp: 'timestamp without time zone', timestamptz: 'timestamp with time zone', varbit: 'bit varying',
};

/** format_type(): the name that PostgreSQL's messages use. */
export function typeText(type: SqlType): string {
  return type.element ? `${typeText(type.element)}[]` : (own(PRINTED, type.name) ?? type.name);
}

const INTEGER_RANK: Record<string, number> = { int2: 0, int4: 1, int8: 2 };
const NUMBER_RANK: Record<string, number> = { ...INTEGER_RANK, numeric: 3, float4: 4, float8: 5 };
const STRINGS = new Set(['text', 'varchar', 'bpchar', 'name', 'char']);
const DATETIME_RANK: Record<string, number> = { date: 0, timestamp: 1, timestamptz: 2 };

export function isInteger(type: SqlType): boolean { return Object.hasOwn(INTEGER_RANK, type.name); }
export function isNumber(type: SqlType): boolean { return Object.hasOwn(NUMBER_RANK, type.name); }
export function isFloat(type: SqlType): boolean { return type.name === 'float4' || type.name === 'float8'; }
/** text, varchar, char(n), name and "char". */
export function isString(type: SqlType): boolean { return STRINGS.has(type.name); }
/** Those that a collation orders: all but "char", a byte. */
export function isCollated(type: SqlType): boolean { return isString(type) && type.name !== 'char'; }
export function isDatetime(type: SqlType): boolean { return Object.hasOwn(DATETIME_RANK, type.name); }

/** The type in which two numbers meet: floats win (two float4 stay so, everything else becomes float8), then numeric, then the wider integer. */
export function commonNumber(a: SqlType, b: SqlType): SqlType {
  if (isFloat(a) || isFloat(b)) return sameType(a, b) ? a : FLOAT8;
  return NUMBER_RANK[a.name]! >= NUMBER_RANK[b.name]! ? a : b;
}

/**
 * The type in which a comparison operator of PostgreSQL would compare two types, or undefined where it has none.
 * An unknown literal takes the other side's type; two of them are text.
 */
export function commonForComparison(a: SqlType, b: SqlType): SqlType | undefined {
  if (a.name === 'unknown' && b.name === 'unknown') return TEXT;
  if (a.name === 'unknown') return comparable(b);
  if (b.name === 'unknown') return comparable(a);
  if (isNumber(a) && isNumber(b)) return commonNumber(a, b);
  if (a.name === 'oid' && isInteger(b)) return a;
  if (b.name === 'oid' && isInteger(a)) return b;
  if (a.name === 'xid' && b.name === 'int4') return a;
  if (a.name === 'int4' && b.name === 'xid') return b;
  if (isString(a) && isString(b)) return commonString(a, b);
  if (isDatetime(a) && isDatetime(b)) return DATETIME_RANK[a.name]! >= DATETIME_RANK[b.name]! ? a : b;
  return sameType(a, b) ? comparable(a) : undefined;
}

function commonString(a: SqlType, b: SqlType): SqlType {
  if (sameType(a, b)) return comparable(a)!;
  // character beats character varying, since it is the one exact match; text beats all, since it is preferred
  const names = new Set([a.name, b.name]);
  return names.has('bpchar') && names.has('varchar') ? sqlType('bpchar') : TEXT;
}

/** varchar compares as text; json and arrays of it do not compare at all. */
function comparable(type: SqlType): SqlType | undefined {
  if (type.name === 'varchar') return TEXT;
  if (type.element) return comparable(type.element) && isKnownType(type) ? type : undefined;
  return type.name === 'json' ? undefined : type;
}

const IMPLICIT: Record<string, readonly string[]> = {
  int2: ['int4', 'int8', 'numeric', 'float4', 'float8', 'oid'],
  int4: ['int8', 'numeric', 'float4', 'float8', 'oid'],
  int8: ['numeric', 'float4', 'float8', 'oid'],
  numeric: ['float4', 'float8'],
  float4: ['float8'],
  varchar: ['text'], name: ['text', 'varchar', 'bpchar'], char: ['text'], bpchar: ['text', 'varchar'], text: ['varchar', 'bpchar'],
  date: ['timestamp', 'timestamptz'], timestamp: ['timestamptz'], time: ['interval', 'timetz'],
};

/** True where PostgreSQL casts without being asked, as for a function's argument. */
export function isImplicitCast(from: SqlType, to: SqlType): boolean {
  if (sameType(from, to) || from.name === 'unknown') return true;
  if (from.element && to.element) return isImplicitCast(from.element, to.element);
  return own(IMPLICIT, from.name)?.includes(to.name) ?? false;
}
