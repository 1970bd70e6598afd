/** What the conjuncts of an expression say about single columns: for a look-up in an index, before the rows are tested. */
import type { Expr, Scope } from './expr.js';
import { comparerOf, formatValue, type Value } from './value.js';
import type { SqlType } from './sqlType.js';

/** An end of a range, as the column's output text. */
export interface RangeEnd {
  readonly value: string;
  readonly inclusive: boolean;
}

export interface ColumnRange {
  readonly lower?: RangeEnd;
  readonly upper?: RangeEnd;
}

export interface ColumnBounds {
  /** Column index → the text it must equal. */
  readonly equalities: ReadonlyMap<number, string>;
  /** Column index → the range it must lie in, by the order of its type's btree. */
  readonly ranges: ReadonlyMap<number, ColumnRange>;
}

interface End {
  type: SqlType;
  value: Value;
  inclusive: boolean;
}

/** Reads the top-level AND. A conjunct that compares with NULL is left out here: no row passes it anyway. */
export function boundsOf(expr: Expr, scope: Scope): ColumnBounds {
  const equalities = new Map<number, string>();
  const lower = new Map<number, End>(), upper = new Map<number, End>();
  for (const conjunct of expr.conjuncts ?? [expr]) {
    if (conjunct.column !== undefined) equalities.set(conjunct.column, 't');
    if (!conjunct.bound) continue;
    const { column, op, constant } = conjunct.bound;
    const value = constant.eval([]);
    if (value === null) continue;
    const type = constant.type;
    if (op === '=') equalities.set(column, formatValue(type, value, scope));
    else if (op === '>' || op === '>=') tighten(lower, column, { type, value, inclusive: op === '>=' }, 1);
    else tighten(upper, column, { type, value, inclusive: op === '<=' }, -1);
  }
  const ranges = new Map<number, ColumnRange>();
  const printed = (end: End | undefined): RangeEnd | undefined => end && { value: formatValue(end.type, end.value, scope), inclusive: end.inclusive };
  for (const column of new Set([...lower.keys(), ...upper.keys()])) {
    ranges.set(column, { lower: printed(lower.get(column)), upper: printed(upper.get(column)) });
  }
  return { equalities, ranges };
}

/** Keeps the narrower of two ends; `direction` 1 where the greater is narrower. */
function tighten(ends: Map<number, End>, column: number, end: End, direction: 1 | -1): void {
  const known = ends.get(column);
  // int4 and int8 constants share their values, so one order serves both
  const order = known ? comparerOf(end.type)!(end.value, known.value) * direction : 1;
  if (order > 0 || (order === 0 && !end.inclusive)) ends.set(column, end);
}
