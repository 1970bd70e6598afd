/** AND, OR, NOT and IN in three-valued logic. */
import { coerce } from './cast.js';
import { compileComparison } from './comparison.js';
import { map1, Slot, type Expr, type Row, type Scope } from './expr.js';
import { BOOL, commonForComparison } from './sqlType.js';
import { keyOf, type Value } from './value.js';

/** False as soon as one is false; else NULL if one is NULL. */
export function compileAnd(operands: readonly Expr[], at: number): Expr {
  return {
    type: BOOL, at, isConstant: false,
    conjuncts: operands.flatMap((operand) => operand.conjuncts ?? [operand]),
    eval: (row) => evalUntil(operands, row, false),
  };
}

/** True as soon as one is true; else NULL if one is NULL. */
export function compileOr(operands: readonly Expr[], at: number): Expr {
  if (operands.length === 1) return operands[0]!;
  return { type: BOOL, at, isConstant: false, eval: (row) => evalUntil(operands, row, true) };
}

function evalUntil(operands: readonly Expr[], row: Row, decisive: boolean): boolean | null {
  let isUnknown = false;
  for (const operand of operands) {
    const value = operand.eval(row);
    if (value === decisive) return decisive;
    if (value === null) isUnknown = true;
  }
  return isUnknown ? null : !decisive;
}

export function compileNot(operand: Expr, at: number): Expr {
  return map1(BOOL, operand, at, (value) => !(value as boolean));
}

/** From this many constants on, a set is asked instead of each in turn. */
const SET_SIZE = 8;

/** `x IN (…)` and `x NOT IN (…)`. */
export function compileIn(x: Expr, items: readonly Expr[], isNot: boolean, scope: Scope, at: number): Expr {
  const asSet = items.length >= SET_SIZE ? compileSet(x, items, scope, at) : undefined;
  const isIn = asSet ?? compileOr(items.map((item) => compileComparison('=', x, item, scope, at)), at);
  return isNot ? compileNot(isIn, at) : isIn;
}

function compileSet(x: Expr, items: readonly Expr[], scope: Scope, at: number): Expr | undefined {
  const first = commonForComparison(x.type, items[0]!.type);
  if (!first || !items.every((item) => item.isConstant && commonForComparison(x.type, item.type)?.name === first.name)) return undefined;
  const slot = new Slot(x.type, x.at, x.collation);
  // resolved as any comparison is, so that a type without equality is refused alike
  for (const item of items) compileComparison('=', slot.expr, item, scope, at);
  const keys = new Set<string>();
  let hasNull = false;
  for (const item of items) {
    const value = coerce(item, first, scope).eval([]);
    const key = value === null ? null : keyOf(first, value);
    if (key === undefined) return undefined;
    if (key === null) hasNull = true;
    else keys.add(key);
  }
  const typed = coerce(x, first, scope);
  return map1(BOOL, typed, at, (value: Value) => keys.has(keyOf(first, value)!) || (hasNull ? null : false));
}
