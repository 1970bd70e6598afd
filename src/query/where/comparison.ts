/** `=`, `<>`, `<`, `<=`, `>`, `>=` and IS DISTINCT FROM between two expressions. */
import { coerce } from './cast.js';
import { commonCollation, map2, mapNullable, type ColumnBound, type Expr, type Scope } from './expr.js';
import { BOOL, commonForComparison, isCollated, sameType, typeText, type SqlType } from './sqlType.js';
import { comparerOf, equalityOf, formatValue, hasCanonicalText, type Value } from './value.js';

export const COMPARISONS = new Set(['=', '<>', '<', '<=', '>', '>=']);
const FLIPPED: Record<string, ColumnBound['op']> = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };
const BYTEWISE_COLLATIONS = new Set(['C', 'POSIX', 'ucs_basic', 'C.utf8', 'C.UTF-8', 'pg_c_utf8', 'pg_unicode_fast', 'PG_UNICODE_FAST']);

/** True where ordering by bytes is what the collation means. */
export function isBytewise(collation: string | undefined): boolean {
  return collation !== undefined && BYTEWISE_COLLATIONS.has(collation);
}

/** True where the collation's classes and cases know ASCII alone. */
export function isAsciiOnly(collation: string | undefined): boolean {
  return collation === 'C' || collation === 'POSIX';
}

/** PostgreSQL's own words where no operator takes these types. */
export function noOperator(scope: Scope, op: string, left: SqlType | undefined, right: SqlType, at: number): Error {
  return scope.source.fail('where.type', `operator does not exist: ${left ? `${typeText(left)} ` : ''}${op} ${typeText(right)}`, at,
    'add an explicit cast, as in column::text');
}

/** The type both sides are compared in; throws where PostgreSQL has no such operator, or where this evaluator does not know the type. */
function comparisonType(op: string, l: Expr, r: Expr, scope: Scope, at: number): SqlType {
  const type = commonForComparison(l.type, r.type);
  if (!type) throw noOperator(scope, op, l.type, r.type, at);
  const needsOrder = op !== '=' && op !== '<>';
  if (needsOrder ? !comparerOf(type) : !equalityOf(type)) {
    throw scope.source.fail('where.unsupported', `comparing type ${typeText(type)} with ${op} is not supported in --where`, at, 'compare its text: column::text');
  }
  return type;
}

/** Says where an order of texts is not the collation's. */
export function noteTextOrder(type: SqlType, collation: string | undefined, scope: Scope): void {
  if (isCollated(type) && !isBytewise(collation)) scope.notice('text is ordered by its bytes (collation "C") in --where; the database may order it otherwise');
}

/** `l op r` for one of the six comparisons. */
export function compileComparison(op: string, l: Expr, r: Expr, scope: Scope, at: number): Expr {
  const type = comparisonType(op, l, r, scope, at);
  const left = coerce(l, type, scope), right = coerce(r, type, scope);
  if (op !== '=' && op !== '<>') noteTextOrder(type, commonCollation(left, right), scope);
  const bound = boundOf(op, l, left, r, right, type);
  const fast = op === '=' || op === '<>' ? canonicalEquality(op, l, left, r, right, type, scope, at) : undefined;
  return { ...(fast ?? map2(BOOL, left, right, at, comparison(op, type))), bound };
}

function comparison(op: string, type: SqlType): (a: Value, b: Value) => boolean {
  if (op === '=') return equalityOf(type)!;
  if (op === '<>') {
    const equal = equalityOf(type)!;
    return (a, b) => !equal(a, b);
  }
  const compare = comparerOf(type)!;
  switch (op) {
    case '<': return (a, b) => compare(a, b) < 0;
    case '<=': return (a, b) => compare(a, b) <= 0;
    case '>': return (a, b) => compare(a, b) > 0;
    default: return (a, b) => compare(a, b) >= 0;
  }
}

/** True where comparing in `type` is comparing the column's own values. */
function isOwnType(column: SqlType, type: SqlType): boolean {
  if (sameType(column, type)) return true;
  // varchar is compared as text, and wider integers hold the narrower ones
  return (column.name === 'varchar' && type.name === 'text') || (/^int[248]$/.test(column.name) && /^int[248]$/.test(type.name));
}

/** A column against a constant of a type with canonical text: the row's text decides, and nothing is parsed. */
function canonicalEquality(op: string, l: Expr, left: Expr, r: Expr, right: Expr, type: SqlType, scope: Scope, at: number): Expr | undefined {
  const columnSide = l.column !== undefined ? l : r;
  const other = columnSide === l ? right : left;
  if (columnSide.column === undefined || !other.isConstant || !isOwnType(columnSide.type, type) || !hasCanonicalText(columnSide.type)) return undefined;
  const column = columnSide.column;
  const isEqual = op === '=';
  let wanted: string | null | undefined;
  return {
    type: BOOL, at, isConstant: false,
    eval: (row) => {
      const text = row[column]!;
      if (wanted === undefined) {
        const value = other.eval(row);
        wanted = value === null ? null : formatValue(type, value, scope);
      }
      return text === null || wanted === null ? null : (text === wanted) === isEqual;
    },
  };
}

function boundOf(op: string, l: Expr, left: Expr, r: Expr, right: Expr, type: SqlType): ColumnBound | undefined {
  if (op === '<>') return undefined;
  const [columnSide, other, columnOp] = l.column !== undefined ? [l, right, op as ColumnBound['op']] : [r, left, FLIPPED[op]!];
  if (columnSide.column === undefined || !other.isConstant || !isOwnType(columnSide.type, type)) return undefined;
  if (isCollated(type) && columnOp !== '=' && !isBytewise(columnSide.collation)) return undefined;
  return { column: columnSide.column, op: columnOp, constant: other };
}

/** IS [NOT] DISTINCT FROM: a comparison in which NULL is a value like others. */
export function compileDistinct(l: Expr, r: Expr, isNot: boolean, scope: Scope, at: number): Expr {
  const type = comparisonType('=', l, r, scope, at);
  const equal = equalityOf(type)!;
  return mapNullable(BOOL, [coerce(l, type, scope), coerce(r, type, scope)], at, ([a, b]) => {
    const isSame = a === null || b === null ? a === b : equal(a!, b!);
    return isSame === isNot;
  });
}
