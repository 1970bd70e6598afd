/** A typed expression over a row, and the small builders that keep NULL and constants in order. */
import type { TextDecoding } from '../../rows/types/encoding.js';
import type { SqlType } from './sqlType.js';
import type { Value, ValueContext } from './value.js';
import type { WhereSource } from './source.js';

/** Each column's output text, null for NULL. Columns that the expression does not use need not be there. */
export type Row = readonly (string | null)[];

/** `column OP constant`, known for a conjunct. */
export interface ColumnBound {
  readonly column: number;
  readonly op: '=' | '<' | '<=' | '>' | '>=';
  /** Of the column's own type, or one that prints alike. */
  readonly constant: Expr;
}

export interface Expr {
  readonly type: SqlType;
  /** Offset in the source, for messages. */
  readonly at: number;
  readonly isConstant: boolean;
  eval(row: Row): Value | null;
  /** Set where the expression is a bare column. */
  readonly column?: number;
  /** For type unknown: the literal's text, null for NULL. */
  readonly literal?: string | null;
  /** The name of the collation that ordering would follow; undefined: not known. For text alone. */
  readonly collation?: string;
  /** For an AND: what it joins. */
  readonly conjuncts?: readonly Expr[];
  readonly bound?: ColumnBound;
}

/** What compiling needs to know and to tell. */
export interface Scope extends ValueContext {
  readonly source: WhereSource;
  readonly encoding: TextDecoding;
  notice(text: string): void;
}

const NO_ROW: Row = [];

/** A constant is computed once, when it is first needed: so that an error in a branch never taken never shows. */
function once(expr: Expr): Expr {
  if (!expr.isConstant) return expr;
  let value: Value | null | undefined;
  const compute = expr.eval;
  return { ...expr, eval: () => (value === undefined ? (value = compute(NO_ROW)) : value) };
}

export function constant(type: SqlType, value: Value | null, at: number): Expr {
  return { type, at, isConstant: true, eval: () => value };
}

/** A strict function of one argument: NULL gives NULL. */
export function map1(type: SqlType, a: Expr, at: number, f: (a: Value) => Value | null): Expr {
  return once({
    type, at, isConstant: a.isConstant, collation: a.collation,
    eval: (row) => {
      const x = a.eval(row);
      return x === null ? null : f(x);
    },
  });
}

/** A strict function of two arguments. */
export function map2(type: SqlType, a: Expr, b: Expr, at: number, f: (a: Value, b: Value) => Value | null): Expr {
  return once({
    type, at, isConstant: a.isConstant && b.isConstant, collation: commonCollation(a, b),
    eval: (row) => {
      const x = a.eval(row);
      if (x === null) return null;
      const y = b.eval(row);
      return y === null ? null : f(x, y);
    },
  });
}

/** A strict function of any number of arguments. */
export function mapAll(type: SqlType, args: readonly Expr[], at: number, f: (args: Value[]) => Value | null): Expr {
  return mapNullable(type, args, at, (values) => (values.some((value) => value === null) ? null : f(values as Value[])));
}

/** A function that sees NULLs. */
export function mapNullable(type: SqlType, args: readonly Expr[], at: number, f: (args: (Value | null)[]) => Value | null): Expr {
  return once({
    type, at, isConstant: args.every((arg) => arg.isConstant), collation: args.find((arg) => arg.collation !== undefined)?.collation,
    eval: (row) => f(args.map((arg) => arg.eval(row))),
  });
}

/** The collation that an operation on two texts takes: that of a column before that of a constant. */
export function commonCollation(a: Expr, b: Expr): string | undefined {
  return a.isConstant ? (b.collation ?? a.collation) : (a.collation ?? b.collation);
}

/** A place for a value that is set from outside before each evaluation: how one operand serves several operators. */
export class Slot {
  value: Value | null = null;
  readonly expr: Expr;
  constructor(type: SqlType, at: number, collation?: string) {
    this.expr = { type, at, isConstant: false, collation, eval: () => this.value };
  }
}
