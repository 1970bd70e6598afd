/** Every binary operator but comparisons and arithmetic: patterns, concatenation, jsonb, arrays. */
import { arrayContains, arrayValue, concatArrays, type ArrayValue } from './array.js';
import { compileArithmetic } from './arithmetic.js';
import { castTo, coerce, textItems } from './cast.js';
import { compileComparison, COMPARISONS, isAsciiOnly, noOperator } from './comparison.js';
import { commonCollation, map2, mapNullable, type Expr, type Scope } from './expr.js';
import { formatJsonb, jsonbMember, jsonContains, jsonExists, jsonMember, jsonPath, jsonText, type JsonNode } from './json.js';
import { compileRegex } from './regex.js';
import { arrayOf, BOOL, INT8, isString, sameType, sqlType, TEXT, type SqlType } from './sqlType.js';
import { changeCase, compileLike } from './text.js';
import { equalityOf, type Value } from './value.js';

const TEXT_ARRAY = arrayOf(TEXT);
const JSONB = sqlType('jsonb');
const isUnknown = (type: SqlType): boolean => type.name === 'unknown';
const isText = (type: SqlType): boolean => isString(type) || isUnknown(type);
/** int8 does not become int4 unasked. */
const isIndex = (type: SqlType): boolean => type.name === 'int2' || type.name === 'int4';
const isJson = (type: SqlType): boolean => type.name === 'json' || type.name === 'jsonb';

/** `l op r`; throws where PostgreSQL has no such operator, or this evaluator none. */
export function compileBinary(op: string, l: Expr, r: Expr, scope: Scope, at: number): Expr {
  if (COMPARISONS.has(op)) return compileComparison(op, l, r, scope, at);
  switch (op) {
    case '+': case '*': case '/': case '%': case '^': case '&': case '|': return compileArithmetic(op, l, r, scope, at);
    case '-':
      if (l.type.name === 'jsonb') throw unsupported(op, 'jsonb', scope, at);
      return compileArithmetic(op, l, r, scope, at);
    case '#': return compileArithmetic(op, l, r, scope, at);
    case '||': return concatenate(l, r, scope, at);
    case '~~': case '!~~': case '~~*': case '!~~*': return like(op, l, r, scope, at);
    case '~': case '!~': case '~*': case '!~*': return regex(op, l, r, scope, at);
    case '^@': return textOperator(op, l, r, scope, at, (a, b) => a.startsWith(b));
    case '->': case '->>': return jsonStep(op, l, r, scope, at);
    case '#>': case '#>>': return jsonPathStep(op, l, r, scope, at);
    case '?': case '?|': case '?&': return jsonKeys(op, l, r, scope, at);
    case '@>': return contains(op, l, r, scope, at);
    case '<@': return contains(op, r, l, scope, at);
    case '&&': return overlaps(op, l, r, scope, at);
    default: throw scope.source.fail('where.unsupported', `the operator ${op} is not supported in --where`, at);
  }
}

function unsupported(op: string, type: string, scope: Scope, at: number): Error {
  return scope.source.fail('where.unsupported', `the operator ${op} of type ${type} is not supported in --where`, at);
}

/** The text that a pattern is held against: char(n) keeps its padding there. */
function matchedText(expr: Expr, scope: Scope): Expr {
  return expr.type.name === 'bpchar' ? { ...expr, type: TEXT } : coerce(expr, TEXT, scope);
}

function textOperator(op: string, l: Expr, r: Expr, scope: Scope, at: number, f: (a: string, b: string) => boolean): Expr {
  if (!isText(l.type) || !isText(r.type)) throw noOperator(scope, op, l.type, r.type, at);
  return map2(BOOL, matchedText(l, scope), coerce(r, TEXT, scope), at, (a, b) => f(a as string, b as string));
}

/** Keeps the last compiled pattern, since it is nearly always a constant. */
function remember<T>(compile: (pattern: string) => T): (pattern: string) => T {
  let last: string | undefined;
  let compiled: T;
  return (pattern) => {
    if (pattern !== last) {
      compiled = compile(pattern);
      last = pattern;
    }
    return compiled;
  };
}

/** LIKE and ILIKE; an ESCAPE clause has been folded into the pattern by like_escape(). */
function like(op: string, l: Expr, r: Expr, scope: Scope, at: number): Expr {
  const isNegated = op.startsWith('!'), ignoreCase = op.endsWith('*');
  const ascii = isAsciiOnly(commonCollation(l, r));
  const fold = (text: string): string => (ignoreCase ? changeCase(text, 'lower', ascii) : text);
  const matcher = remember((pattern) => compileLike(fold(pattern)));
  const bytes = l.type.name === 'bytea';
  if (bytes) throw unsupported(op, 'bytea', scope, at);
  return textOperator(op, l, r, scope, at, (text, pattern) => matcher(pattern)(fold(text)) !== isNegated);
}

function regex(op: string, l: Expr, r: Expr, scope: Scope, at: number): Expr {
  const isNegated = op.startsWith('!'), ignoreCase = op.endsWith('*');
  const ascii = isAsciiOnly(commonCollation(l, r));
  const compiled = remember((pattern) => compileRegex(pattern, ignoreCase, ascii));
  return textOperator(op, l, r, scope, at, (text, pattern) => compiled(pattern)(text) !== isNegated);
}

function concatenate(l: Expr, r: Expr, scope: Scope, at: number): Expr {
  if (l.type.element || r.type.element) return concatenateArrays(l, r, scope, at);
  if (l.type.name === 'jsonb' || r.type.name === 'jsonb') throw unsupported('||', 'jsonb', scope, at);
  if (l.type.name === 'bytea' && (r.type.name === 'bytea' || isUnknown(r.type))) {
    return map2(l.type, l, coerce(r, l.type, scope), at, (a, b) => (a as string) + (b as string));
  }
  // one side must be a text; the other is printed
  if (!isText(l.type) && !isText(r.type)) throw noOperator(scope, '||', l.type, r.type, at);
  return map2(TEXT, castTo(l, TEXT, scope, l.at), castTo(r, TEXT, scope, r.at), at, (a, b) => (a as string) + (b as string));
}

function concatenateArrays(l: Expr, r: Expr, scope: Scope, at: number): Expr {
  const type = l.type.element ? l.type : r.type;
  const asArray = (side: Expr): Expr => {
    if (side.type.element || isUnknown(side.type)) return coerce(side, type, scope);
    if (!sameType(side.type, type.element!)) throw noOperator(scope, '||', l.type, r.type, at);
    return mapNullable(type, [side], at, ([item]) => arrayValue([item!]));
  };
  if (l.type.element && r.type.element && !sameType(l.type, r.type)) throw noOperator(scope, '||', l.type, r.type, at);
  // array_cat(), array_append() and array_prepend() are not strict: a NULL array is as good as none
  return mapNullable(type, [asArray(l), asArray(r)], at, ([a, b]) => {
    if (a === null || b === null) return a ?? b!;
    return concatArrays(a as ArrayValue, b as ArrayValue);
  });
}

function printer(type: SqlType): (node: JsonNode) => string {
  return type.name === 'jsonb' ? formatJsonb : (node) => node.raw;
}

function jsonStep(op: string, l: Expr, r: Expr, scope: Scope, at: number): Expr {
  if (!isJson(l.type) || !(isText(r.type) || isIndex(r.type))) throw noOperator(scope, op, l.type, r.type, at);
  const key = coerce(r, isIndex(r.type) ? INT8 : TEXT, scope);
  const print = printer(l.type);
  const asText = op === '->>';
  const member = l.type.name === 'jsonb' ? jsonbMember : jsonMember;
  return map2(asText ? TEXT : l.type, l, key, at, (node, step) => {
    const found = member(node as JsonNode, step as string | bigint);
    if (found === undefined) return null;
    return asText ? jsonText(found, print) : found;
  });
}

function jsonPathStep(op: string, l: Expr, r: Expr, scope: Scope, at: number): Expr {
  if (!isJson(l.type) || !(isUnknown(r.type) || sameType(r.type, TEXT_ARRAY))) throw noOperator(scope, op, l.type, r.type, at);
  const print = printer(l.type);
  const asText = op === '#>>';
  return map2(asText ? TEXT : l.type, l, coerce(r, TEXT_ARRAY, scope), at, (node, path) => {
    const found = jsonPath(node as JsonNode, textItems(path));
    return found !== null && asText ? jsonText(found, print) : found;
  });
}

function jsonKeys(op: string, l: Expr, r: Expr, scope: Scope, at: number): Expr {
  const wanted = op === '?' ? TEXT : TEXT_ARRAY;
  if (l.type.name !== 'jsonb' || !(isUnknown(r.type) || sameType(r.type, wanted))) throw noOperator(scope, op, l.type, r.type, at);
  return map2(BOOL, l, coerce(r, wanted, scope), at, (value, keys) => {
    const node = value as JsonNode;
    if (op === '?') return jsonExists(node, keys as string);
    const names = textItems(keys).filter((name) => name !== null);
    return op === '?|' ? names.some((name) => jsonExists(node, name)) : names.every((name) => jsonExists(node, name));
  });
}

/** `l @> r` of jsonb or of arrays. */
function contains(op: string, l: Expr, r: Expr, scope: Scope, at: number): Expr {
  if (l.type.name === 'jsonb' || r.type.name === 'jsonb') {
    if (!(l.type.name === 'jsonb' || isUnknown(l.type)) || !(r.type.name === 'jsonb' || isUnknown(r.type))) throw noOperator(scope, op, l.type, r.type, at);
    return map2(BOOL, coerce(l, JSONB, scope), coerce(r, JSONB, scope), at, (a, b) => jsonContains(a as JsonNode, b as JsonNode));
  }
  return arrayOperator(op, l, r, scope, at, true);
}

function overlaps(op: string, l: Expr, r: Expr, scope: Scope, at: number): Expr {
  return arrayOperator(op, l, r, scope, at, false);
}

function arrayOperator(op: string, l: Expr, r: Expr, scope: Scope, at: number, all: boolean): Expr {
  const type = l.type.element ? l.type : r.type;
  const fits = (side: SqlType): boolean => sameType(side, type) || isUnknown(side);
  if (!type.element || !fits(l.type) || !fits(r.type)) throw noOperator(scope, op, l.type, r.type, at);
  const equal: ((a: Value, b: Value) => boolean) | undefined = equalityOf(type.element);
  if (!equal) throw unsupported(op, type.name, scope, at);
  return map2(BOOL, coerce(l, type, scope), coerce(r, type, scope), at, (a, b) => arrayContains(a as ArrayValue, b as ArrayValue, all, equal));
}
