/**
 * From the syntax tree to a typed expression. Follows transformExprRecurse() and its helpers, parser/parse_expr.c, PG 18.
 */
import type { A_Const, A_Expr, CaseExpr, FuncCall, Node, TypeName } from 'libpg-query';
import { arrayValue, type ArrayValue } from './array.js';
import { applyModifiers, castTo, coerce } from './cast.js';
import { compileComparison, compileDistinct, noteTextOrder } from './comparison.js';
import { compileUnary } from './arithmetic.js';
import { constant, map1, mapNullable, Slot, type Expr, type Scope } from './expr.js';
import { compileFunction } from './functions.js';
import { jsonPath, type JsonNode } from './json.js';
import { compileBinary } from './operators.js';
import { compileAnd, compileIn, compileNot, compileOr } from './logic.js';
import { parseDecimal } from './decimal.js';
import {
  arrayOf, BOOL, commonNumber, INT4, INT8, isKnownType, isNumber, isString, NUMERIC, sameType, sqlType, TEXT, typeText, UNKNOWN, type SqlType,
} from './sqlType.js';
import { comparerOf, type Value } from './value.js';

/** How names become expressions. */
export interface Names extends Scope {
  /** The column of a name, as an expression; throws where there is none. */
  column(name: string, qualifier: readonly string[], at: number): Expr;
  /** A type that the scalars do not know: an enum of a column's. */
  namedType(name: string): SqlType | undefined;
  offsetOf(location: number | undefined): number;
  /** How deep the node being compiled lies. */
  depth: number;
}

/** Evaluation follows the tree, so that its depth is bounded by the stack; PostgreSQL has such a limit too. */
const MAX_DEPTH = 800;

type Compiler = (node: Node) => Expr;

/** Compiles one node, whatever its type. Throws a located usage error where it cannot stand in an expression over a row. */
export function compileNode(node: Node, names: Names): Expr {
  if (++names.depth > MAX_DEPTH) throw names.source.fail('where.unsupported', `an expression of more than ${MAX_DEPTH} levels is not supported in --where`);
  const expr = compileKind(node, names);
  names.depth--;
  return expr;
}

function compileKind(node: Node, names: Names): Expr {
  const compile: Compiler = (child) => compileNode(child, names);
  if ('A_Const' in node) return compileConstant(node.A_Const, names);
  if ('ColumnRef' in node) return compileColumn(node.ColumnRef.fields ?? [], names.offsetOf(node.ColumnRef.location), names);
  if ('A_Expr' in node) return compileOperator(node.A_Expr, names, compile);
  if ('BoolExpr' in node) {
    const { boolop, args = [], location } = node.BoolExpr;
    const at = names.offsetOf(location);
    const word = boolop === 'NOT_EXPR' ? 'NOT' : boolop === 'AND_EXPR' ? 'AND' : 'OR';
    const operands = args.map((arg) => asBoolean(compile(arg), word, names));
    return word === 'NOT' ? compileNot(operands[0]!, at) : word === 'AND' ? compileAnd(operands, at) : compileOr(operands, at);
  }
  if ('NullTest' in node) {
    const { arg, nulltesttype, location } = node.NullTest;
    const wantsNull = nulltesttype === 'IS_NULL';
    return compileNullTest(compile(arg!), wantsNull, names.offsetOf(location));
  }
  if ('BooleanTest' in node) {
    const { arg, booltesttype, location } = node.BooleanTest;
    const test = BOOLEAN_TESTS[booltesttype!]!;
    const operand = asBoolean(compile(arg!), booltesttype!.replaceAll('_', ' '), names);
    return mapNullable(BOOL, [operand], names.offsetOf(location), ([value]) => test(value as boolean | null));
  }
  if ('TypeCast' in node) return compileCast(compile(node.TypeCast.arg!), node.TypeCast.typeName!, names, names.offsetOf(node.TypeCast.location));
  if ('FuncCall' in node) return compileCall(node.FuncCall, names, compile);
  if ('CoalesceExpr' in node) return compileCoalesce((node.CoalesceExpr.args ?? []).map(compile), names, names.offsetOf(node.CoalesceExpr.location));
  if ('MinMaxExpr' in node) {
    const { args = [], op, location } = node.MinMaxExpr;
    return compileMinMax(args.map(compile), op === 'IS_GREATEST', names, names.offsetOf(location));
  }
  if ('CaseExpr' in node) return compileCase(node.CaseExpr, names, compile);
  if ('A_ArrayExpr' in node) return compileArray((node.A_ArrayExpr.elements ?? []).map(compile), names, names.offsetOf(node.A_ArrayExpr.location));
  if ('A_Indirection' in node) return compileSubscripts(compile(node.A_Indirection.arg!), node.A_Indirection.indirection ?? [], names, compile);
  if ('CollateClause' in node) return compileCollate(compile(node.CollateClause.arg!), stringsOf(node.CollateClause.collname ?? []), names, names.offsetOf(node.CollateClause.location));
  throw refuseNode(node, names);
}

/** PostgreSQL's own names for what cannot stand here. */
function refuseNode(node: Node, names: Names): Error {
  const [kind, body] = Object.entries(node)[0] as [string, { location?: number }];
  const at = names.offsetOf(body.location);
  const what: Record<string, string> = {
    SubLink: 'a subquery', SQLValueFunction: 'a function of the clock or the session', ParamRef: 'a parameter', RowExpr: 'a row here', GroupingFunc: 'GROUPING',
    CurrentOfExpr: 'CURRENT OF', SetToDefault: 'DEFAULT', XmlExpr: 'XML', JsonFuncExpr: 'an SQL/JSON function', JsonIsPredicate: 'IS JSON',
  };
  return names.source.fail('where.unsupported', `${what[kind] ?? kind} is not supported in --where`, at);
}

/** The expression as a boolean, as coerce_to_boolean() has it. Throws `where.type`. */
export function asBoolean(expr: Expr, context: string, scope: Scope): Expr {
  if (expr.type.name === 'bool' || expr.type.name === 'unknown') return coerce(expr, BOOL, scope);
  throw scope.source.fail('where.type', `argument of ${context} must be type boolean, not type ${typeText(expr.type)}`, expr.at);
}

function compileConstant(node: A_Const, names: Names): Expr {
  const at = names.offsetOf(node.location);
  if (node.ival) return constant(INT4, BigInt(node.ival.ival ?? 0), at);
  if (node.boolval) return constant(BOOL, node.boolval.boolval ?? false, at);
  if (node.fval) {
    const text = node.fval.fval!;
    // the smallest type that holds an integer, of its sign too: make_const()
    const integer = /^(-?)(\d[\d_]*|0[xob][\da-f_]+)$/i.exec(text);
    if (!integer) return constant(NUMERIC, parseDecimal(text), at);
    const value = BigInt(integer[2]!.replaceAll('_', '')) * (integer[1] === '-' ? -1n : 1n);
    if (BigInt.asIntN(64, value) !== value) return constant(NUMERIC, parseDecimal(String(value)), at);
    return constant(BigInt.asIntN(32, value) === value ? INT4 : INT8, value, at);
  }
  if (node.bsval) throw names.source.fail('where.unsupported', 'a bit string is not supported in --where', at);
  const literal = node.isnull ? null : (node.sval?.sval ?? '');
  return { ...constant(UNKNOWN, literal, at), literal };
}

function stringsOf(nodes: readonly Node[]): string[] {
  return nodes.map((node) => ('String' in node ? (node.String.sval ?? '') : '*'));
}

function compileColumn(fields: readonly Node[], at: number, names: Names): Expr {
  const parts = stringsOf(fields);
  const name = parts.pop()!;
  if (name === '*') throw names.source.fail('where.syntax', 'a whole row (*) is not supported in --where', at);
  return names.column(name, parts, at);
}

function compileOperator(node: A_Expr, names: Names, compile: Compiler): Expr {
  const at = names.offsetOf(node.location);
  const op = stringsOf(node.name ?? []).pop() ?? '';
  if (node.kind === 'AEXPR_IN' || node.kind?.includes('BETWEEN')) {
    const items = node.rexpr && 'List' in node.rexpr ? (node.rexpr.List.items ?? []) : [];
    if (node.kind === 'AEXPR_IN') return compileMembership(node.lexpr!, items, op === '<>', names, compile, at);
    return compileBetween(compile(node.lexpr!), items.map(compile), node.kind!, names, at);
  }
  if (node.lexpr && node.rexpr && 'RowExpr' in node.lexpr) return compileRows(op, node.lexpr, node.rexpr, names, compile, at);
  const right = compile(node.rexpr!);
  if (!node.lexpr) return compileUnary(op, right.type.name === 'unknown' ? coerce(right, sqlType('float8'), names) : right, names, at);
  const left = compile(node.lexpr);
  switch (node.kind) {
    case 'AEXPR_DISTINCT': return compileDistinct(left, right, false, names, at);
    case 'AEXPR_NOT_DISTINCT': return compileDistinct(left, right, true, names, at);
    case 'AEXPR_NULLIF': return compileNullif(left, right, names, at);
    case 'AEXPR_OP_ANY': return compileQuantified(op, left, right, true, names, at);
    case 'AEXPR_OP_ALL': return compileQuantified(op, left, right, false, names, at);
    default: return compileBinary(op, left, right, names, at);
  }
}

/** `(a, b) = (1, 2)`: equality of rows; an order of rows is refused. */
function compileRows(op: string, l: Node, r: Node, names: Names, compile: Compiler, at: number): Expr {
  const left = 'RowExpr' in l ? (l.RowExpr.args ?? []) : [], right = 'RowExpr' in r ? (r.RowExpr.args ?? []) : undefined;
  if (!right || (op !== '=' && op !== '<>')) throw names.source.fail('where.unsupported', `rows with ${op} are not supported in --where`, at);
  if (left.length !== right.length) throw names.source.fail('where.type', 'unequal number of entries in row expressions', at);
  const pairs = left.map((item, i) => compileComparison(op, compile(item), compile(right[i]!), names, at));
  return op === '=' ? compileAnd(pairs, at) : compileOr(pairs, at);
}

function compileMembership(l: Node, items: readonly Node[], isNot: boolean, names: Names, compile: Compiler, at: number): Expr {
  if ('RowExpr' in l) {
    const alternatives = items.map((item) => compileRows('=', l, item, names, compile, at));
    const any = compileOr(alternatives, at);
    return isNot ? compileNot(any, at) : any;
  }
  return compileIn(compile(l), items.map(compile), isNot, names, at);
}

function compileBetween(x: Expr, [low, high]: readonly Expr[], kind: string, names: Names, at: number): Expr {
  const pair = (a: Expr, b: Expr): Expr => compileAnd([compileComparison('>=', x, a, names, at), compileComparison('<=', x, b, names, at)], at);
  const inside = kind.endsWith('_SYM') ? compileOr([pair(low!, high!), pair(high!, low!)], at) : pair(low!, high!);
  return kind.startsWith('AEXPR_NOT') ? compileNot(inside, at) : inside;
}

function compileNullif(l: Expr, r: Expr, names: Names, at: number): Expr {
  const left = l.type.name === 'unknown' ? coerce(l, r.type.name === 'unknown' ? TEXT : r.type, names) : l;
  const slot = new Slot(left.type, left.at, left.collation);
  const isEqual = compileComparison('=', slot.expr, r, names, at);
  return { type: left.type, at, isConstant: false, collation: left.collation, eval: (row) => {
    const value = left.eval(row);
    slot.value = value;
    return isEqual.eval(row) === true ? null : value;
  } };
}

/** `x op ANY (array)` and `x op ALL (array)`, three-valued. */
function compileQuantified(op: string, l: Expr, r: Expr, isAny: boolean, names: Names, at: number): Expr {
  if (!r.type.element && r.type.name !== 'unknown') throw names.source.fail('where.type', 'op ANY/ALL (array) requires array on right side', at);
  const left = l.type.name === 'unknown' ? coerce(l, r.type.element ?? TEXT, names) : l;
  const array = coerce(r, r.type.element ? r.type : arrayOf(left.type.name === 'varchar' ? TEXT : left.type), names);
  const item = new Slot(array.type.element!, at);
  const x = new Slot(left.type, left.at, left.collation);
  const test = asBoolean(compileBinary(op, x.expr, item.expr, names, at), isAny ? 'ANY' : 'ALL', names);
  return { type: BOOL, at, isConstant: false, eval: (row) => {
    const values = array.eval(row) as ArrayValue | null;
    if (values === null) return null;
    x.value = left.eval(row);
    let isUnknown = false;
    for (const value of values.items) {
      item.value = value;
      const result = test.eval(row);
      if (result === isAny) return isAny;
      if (result === null) isUnknown = true;
    }
    return isUnknown ? null : !isAny;
  } };
}

function compileNullTest(operand: Expr, wantsNull: boolean, at: number): Expr {
  if (operand.column !== undefined) {
    const column = operand.column;
    return { type: BOOL, at, isConstant: false, eval: (row) => (row[column] === null) === wantsNull };
  }
  return mapNullable(BOOL, [operand], at, ([value]) => (value === null) === wantsNull);
}

const BOOLEAN_TESTS: Record<string, (value: boolean | null) => boolean> = {
  IS_TRUE: (v) => v === true, IS_NOT_TRUE: (v) => v !== true, IS_FALSE: (v) => v === false, IS_NOT_FALSE: (v) => v !== false,
  IS_UNKNOWN: (v) => v === null, IS_NOT_UNKNOWN: (v) => v !== null,
};

function compileCast(operand: Expr, typeName: TypeName, names: Names, castAt: number): Expr {
  const parts = stringsOf(typeName.names ?? []);
  const at = typeName.location === undefined ? castAt : names.offsetOf(typeName.location);
  const base = parts[parts.length - 1] ?? '';
  const scalar = names.namedType(base) ?? sqlType(base);
  if (!isKnownType(scalar) || base === 'unknown') throw names.source.fail('where.unsupported', `a cast to type ${base} is not supported in --where`, at);
  const type = (typeName.arrayBounds?.length ?? 0) > 0 ? arrayOf(scalar) : scalar;
  const modifiers = (typeName.typmods ?? []).map((node) => {
    if ('A_Const' in node && node.A_Const.ival) return node.A_Const.ival.ival ?? 0;
    throw names.source.fail('where.syntax', 'type modifiers must be simple constants or identifiers', at);
  });
  // interval's fields, as in interval 'hour', come as a mask
  const wanted = base === 'interval' ? [] : modifiers;
  const limited = applyModifiers(castTo(operand, type, names, operand.at), wanted, names);
  return { ...limited, at: operand.at };
}

function compileCall(call: FuncCall, names: Names, compile: Compiler): Expr {
  const at = names.offsetOf(call.location);
  const parts = stringsOf(call.funcname ?? []);
  const name = parts.pop()!;
  const refused = call.agg_star || call.agg_distinct || call.agg_filter || call.agg_order ? 'an aggregate' : call.over ? 'a window function' : call.func_variadic ? 'VARIADIC' : undefined;
  if (refused) throw names.source.fail('where.unsupported', `${refused} is not supported in --where`, at);
  if (parts.length > 1 || (parts.length === 1 && parts[0] !== 'pg_catalog')) {
    throw names.source.fail('where.unsupported', `the function ${[...parts, name].join('.')}() is not supported in --where`, at);
  }
  return compileFunction(name, (call.args ?? []).map(compile), names, at);
}

/** select_common_type(): literals take the others' type; numbers widen; anything else must agree. */
function commonType(exprs: readonly Expr[], context: string, names: Names, at: number): SqlType {
  let common: SqlType | undefined;
  for (const { type } of exprs) {
    if (type.name === 'unknown') continue;
    if (!common || sameType(common, type)) common = type;
    else if (isNumber(common) && isNumber(type)) common = commonNumber(common, type);
    else if (isString(common) && isString(type)) common = TEXT;
    else if (isDateLike(common) && isDateLike(type)) common = widerDate(common, type);
    else throw names.source.fail('where.type', `${context} types ${typeText(common)} and ${typeText(type)} cannot be matched`, at);
  }
  return common ?? TEXT;
}

const DATE_ORDER = ['date', 'timestamp', 'timestamptz'];
const isDateLike = (type: SqlType): boolean => DATE_ORDER.includes(type.name);
const widerDate = (a: SqlType, b: SqlType): SqlType => (DATE_ORDER.indexOf(a.name) >= DATE_ORDER.indexOf(b.name) ? a : b);

function compileCoalesce(args: readonly Expr[], names: Names, at: number): Expr {
  const type = commonType(args, 'COALESCE', names, at);
  const typed = args.map((arg) => coerce(arg, type, names));
  return { type, at, isConstant: false, collation: args.find((arg) => arg.collation)?.collation, eval: (row) => {
    for (const arg of typed) {
      const value = arg.eval(row);
      if (value !== null) return value;
    }
    return null;
  } };
}

function compileMinMax(args: readonly Expr[], isGreatest: boolean, names: Names, at: number): Expr {
  const context = isGreatest ? 'GREATEST' : 'LEAST';
  const type = commonType(args, context, names, at);
  const compare = comparerOf(type);
  if (!compare) throw names.source.fail('where.unsupported', `${context} of type ${typeText(type)} is not supported in --where`, at);
  const typed = args.map((arg) => coerce(arg, type, names));
  noteTextOrder(type, typed.find((arg) => arg.collation !== undefined)?.collation, names);
  return mapNullable(type, typed, at, (values) => {
    let best: Value | null = null;
    for (const value of values) {
      if (value !== null && (best === null || (isGreatest ? compare(value, best) > 0 : compare(value, best) < 0))) best = value;
    }
    return best;
  });
}

function compileCase(node: CaseExpr, names: Names, compile: Compiler): Expr {
  const at = names.offsetOf(node.location);
  const operand = node.arg ? compile(node.arg) : undefined;
  const typedOperand = operand?.type.name === 'unknown' ? coerce(operand, TEXT, names) : operand;
  const slot = typedOperand && new Slot(typedOperand.type, typedOperand.at, typedOperand.collation);
  const whens = (node.args ?? []).map((item) => {
    if (!('CaseWhen' in item)) throw refuseNode(item, names);
    const test = compile(item.CaseWhen.expr!);
    return {
      test: slot ? compileComparison('=', slot.expr, test, names, test.at) : asBoolean(test, 'CASE/WHEN', names),
      result: compile(item.CaseWhen.result!),
    };
  });
  const otherwise = node.defresult ? compile(node.defresult) : undefined;
  const type = commonType([...whens.map((when) => when.result), ...(otherwise ? [otherwise] : [])], 'CASE', names, at);
  const results = whens.map((when) => coerce(when.result, type, names));
  const last = otherwise && coerce(otherwise, type, names);
  return { type, at, isConstant: false, collation: [...results, ...(last ? [last] : [])].find((result) => result.collation !== undefined)?.collation, eval: (row) => {
    if (slot) slot.value = typedOperand!.eval(row);
    const hit = whens.findIndex((when) => when.test.eval(row) === true);
    return hit === -1 ? (last?.eval(row) ?? null) : results[hit]!.eval(row);
  } };
}

function compileArray(elements: readonly Expr[], names: Names, at: number): Expr {
  if (elements.length === 0) throw names.source.fail('where.type', 'cannot determine type of empty array', at, "cast to the type wanted, as in '{}'::int[]");
  const type = commonType(elements, 'ARRAY', names, at);
  if (type.element) throw names.source.fail('where.unsupported', 'an array of arrays is not supported in --where', at, "write it as a literal, as in '{{1,2},{3,4}}'");
  return mapNullable(arrayOf(type), elements.map((element) => coerce(element, type, names)), at, (values) => arrayValue(values));
}

/** `array[i]` and `jsonb['key']`. */
function compileSubscripts(base: Expr, indirection: readonly Node[], names: Names, compile: Compiler): Expr {
  const indexes = indirection.map((step) => {
    if (!('A_Indices' in step)) throw names.source.fail('where.unsupported', 'a field of a composite value is not supported in --where', base.at);
    if (step.A_Indices.is_slice) throw names.source.fail('where.unsupported', 'an array slice is not supported in --where', base.at);
    return compile(step.A_Indices.uidx!);
  });
  if (base.type.name === 'jsonb') {
    return indexes.reduce((value, index) => {
      const key = coerce(index, isNumber(index.type) ? INT8 : TEXT, names);
      return mapNullable(base.type, [value, key], base.at, ([node, step]) => (node === null || step === null ? null : jsonPath(node as JsonNode, [String(step as string | bigint)])));
    }, base);
  }
  if (!base.type.element) throw names.source.fail('where.type', `cannot subscript type ${typeText(base.type)} because it does not support subscripting`, base.at);
  const positions = indexes.map((index) => coerce(index, INT4, names));
  return mapNullable(base.type.element, [base, ...positions], base.at, ([array, ...at]) => (array === null ? null : arrayItem(array as ArrayValue, at)));
}

/** array_get_element(): NULL outside the array, or with another number of subscripts. */
function arrayItem(array: ArrayValue, subscripts: readonly (Value | null)[]): Value | null {
  if (subscripts.length !== array.lengths.length) return null;
  let offset = 0;
  for (const [i, subscript] of subscripts.entries()) {
    if (subscript === null) return null;
    const index = Number(subscript as bigint) - array.lowerBounds[i]!;
    if (index < 0 || index >= array.lengths[i]!) return null;
    offset = offset * array.lengths[i]! + index;
  }
  return array.items[offset]!;
}

/** COLLATE: only byte order is at hand. */
function compileCollate(operand: Expr, collation: readonly string[], names: Names, at: number): Expr {
  const name = collation[collation.length - 1]!;
  if (operand.type.name !== 'unknown' && !isString(operand.type)) {
    throw names.source.fail('where.type', `collations are not supported by type ${typeText(operand.type)}`, at);
  }
  if (name !== 'C' && name !== 'POSIX' && name !== 'ucs_basic') {
    throw names.source.fail('where.unsupported', `collation "${name}" is not supported in --where`, at, 'text can be ordered by COLLATE "C"');
  }
  return operand.type.name === 'unknown' ? { ...operand, collation: 'C' } : { ...map1(operand.type, operand, operand.at, (v) => v), collation: 'C' };
}
