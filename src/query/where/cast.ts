/**
 * Casts between types. Follows pg_cast and the functions it names, PG 14–18.
 */
import type { ArrayValue } from './array.js';
import { dateToTimestamp, isInfiniteTimestamp, localToUtc, timeOfDay, timestampToDate, utcToLocal, type TimeTz } from './datetime.js';
import { decimal, decimalToBigint, decimalToNumber, formatDecimal, numberToDecimal, parseDecimal, roundDecimal, type Decimal } from './decimal.js';
import { map1, constant, type Expr, type Scope } from './expr.js';
import { MICROS_PER_DAY, type Interval } from './interval.js';
import type { JsonNode } from './json.js';
import { ValueError } from './source.js';
import { isFloat, isInteger, isNumber, isString, sameType, typeText, type SqlType } from './sqlType.js';
import { characterLength, trimBlanks } from './text.js';
import { checkInteger, formatValue, parseValue, type Value, type ValueContext } from './value.js';

type Convert = (value: Value) => Value | null;

/** Gives a literal its type. Throws a located error where the text is no such value. */
export function typeLiteral(expr: Expr, type: SqlType, scope: Scope): Expr {
  const text = expr.literal ?? null;
  if (text === null) return constant(type, null, expr.at);
  try {
    return { ...constant(type, parseValue(type, text, scope), expr.at), collation: expr.collation };
  } catch (error) {
    throw locate(error, scope, expr.at);
  }
}

/** Turns a ValueError into a located usage error; anything else is passed on. */
export function locate(error: unknown, scope: Scope, at: number): unknown {
  return error instanceof ValueError ? scope.source.fail('where.value', error.message, at) : error;
}

/** The expression as `type`, for an operator or a function that has chosen it. Throws where there is no cast. */
export function coerce(expr: Expr, type: SqlType, scope: Scope): Expr {
  if (expr.type.name === 'unknown') return typeLiteral(expr, type, scope);
  if (sameType(expr.type, type)) return expr;
  return castTo(expr, type, scope, expr.at);
}

/** An explicit cast, `expr::type`. */
export function castTo(expr: Expr, type: SqlType, scope: Scope, at: number): Expr {
  if (expr.type.name === 'unknown') return typeLiteral(expr, type, scope);
  if (sameType(expr.type, type)) return { ...expr, column: undefined, bound: undefined };
  const convert = converter(expr.type, type, scope);
  if (!convert) throw scope.source.fail('where.type', `cannot cast type ${typeText(expr.type)} to ${typeText(type)}`, at);
  // the output of most types is what a cast to text gives: a column's text can stand as it is
  if (isString(type) && expr.column !== undefined && !isString(expr.type) && expr.type.name !== 'bool' && expr.type.name !== 'jsonb') {
    const column = expr.column;
    return { type, at, isConstant: false, eval: (row) => row[column]! };
  }
  return map1(type, expr, at, convert);
}

function converter(from: SqlType, to: SqlType, context: ValueContext): Convert | undefined {
  if (isString(to)) return toString(from, to, context);
  if (isString(from)) return (value) => parseValue(to, from.name === 'bpchar' ? trimBlanks(value as string) : (value as string), context);
  if (isNumber(from) && isNumber(to)) return convertNumber(from, to);
  if (from.element && to.element) {
    const convert = sameType(from.element, to.element) ? (value: Value) => value : converter(from.element, to.element, context);
    return convert && ((value) => {
      const array = value as ArrayValue;
      return { ...array, items: array.items.map((item) => (item === null ? null : convert(item))) };
    });
  }
  if (to.enumLabels || from.enumLabels) return undefined;
  return convertSpecial(from, to, context);
}

function toString(from: SqlType, to: SqlType, context: ValueContext): Convert {
  const print: (value: Value) => string = from.name === 'bpchar' ? (value) => (to.name === 'bpchar' ? (value as string) : trimBlanks(value as string))
    : from.name === 'bool' && to.name !== 'name' && to.name !== 'char' ? (value) => (value ? 'true' : 'false')
    : isString(from) ? (value) => value as string
    : (value) => formatValue(from, value, context);
  return to.name === 'name' || to.name === 'char' ? (value) => parseValue(to, print(value), context) : print;
}

function convertNumber(from: SqlType, to: SqlType): Convert {
  if (isInteger(to)) {
    if (isInteger(from)) return (value) => checkInteger(to.name, value as bigint);
    if (isFloat(from)) return (value) => checkInteger(to.name, roundHalfEven(value as number, to));
    return (value) => {
      const whole = decimalToBigint(value as Decimal);
      if (whole === undefined) throw new ValueError(`cannot convert ${formatDecimal(value as Decimal)} to ${typeText(to)}`);
      return checkInteger(to.name, whole);
    };
  }
  if (to.name === 'numeric') {
    if (isInteger(from)) return (value) => decimal(value as bigint);
    const digits = from.name === 'float4' ? 6 : 15;
    return (value) => numberToDecimal(value as number, digits);
  }
  const toFloat = isInteger(from) ? (value: Value) => Number(value as bigint) : isFloat(from) ? (value: Value) => value as number : (value: Value) => decimalToNumber(value as Decimal);
  if (to.name === 'float8') return toFloat;
  return (value) => {
    const exact = toFloat(value), narrow = Math.fround(exact);
    if (Number.isFinite(exact) && !Number.isFinite(narrow)) throw new ValueError('value out of range: overflow');
    if (exact !== 0 && narrow === 0) throw new ValueError('value out of range: underflow');
    return narrow;
  };
}

/** rint() */
function roundHalfEven(value: number, to: SqlType): bigint {
  if (!Number.isFinite(value)) throw new ValueError(`${typeText(to)} out of range`);
  const floor = Math.floor(value), rest = value - floor;
  return BigInt(rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1);
}

function convertSpecial(from: SqlType, to: SqlType, context: ValueContext): Convert | undefined {
  const zone = context.zone;
  switch (`${from.name} ${to.name}`) {
    case 'date timestamp': return (v) => dateToTimestamp(v as number);
    case 'date timestamptz': return (v) => localToUtc(dateToTimestamp(v as number), zone);
    case 'timestamp date': return (v) => timestampToDate(v as bigint);
    case 'timestamp timestamptz': return (v) => localToUtc(v as bigint, zone);
    case 'timestamptz timestamp': return (v) => utcToLocal(v as bigint, zone);
    case 'timestamptz date': return (v) => timestampToDate(utcToLocal(v as bigint, zone));
    case 'timestamp time': return (v) => (isInfiniteTimestamp(v as bigint) ? null : timeOfDay(v as bigint));
    case 'timestamptz time': return (v) => (isInfiniteTimestamp(v as bigint) ? null : timeOfDay(utcToLocal(v as bigint, zone)));
    case 'timetz time': return (v) => (v as TimeTz).micros;
    case 'time interval': return (v) => ({ months: 0, days: 0, micros: v as bigint });
    case 'interval time': return (v) => {
      const rest = (v as Interval).micros % MICROS_PER_DAY;
      return rest < 0n ? rest + MICROS_PER_DAY : rest;
    };
    case 'bool int4': return (v) => (v ? 1n : 0n);
    case 'int4 bool': return (v) => v !== 0n;
    case 'int2 oid': case 'int4 oid': return (v) => BigInt.asUintN(32, v as bigint);
    case 'int8 oid': return (v) => checkInteger('oid', v as bigint);
    case 'oid int4': return (v) => BigInt.asIntN(32, v as bigint);
    case 'oid int8': return (v) => v;
    case 'json jsonb': case 'jsonb json': return (v) => v;
    case 'int4 xid': return (v) => BigInt.asUintN(32, v as bigint);
  }
  return from.name === 'jsonb' ? fromJsonb(to) : undefined;
}

/** A jsonb scalar as a number or a bool. */
function fromJsonb(to: SqlType): Convert | undefined {
  if (to.name !== 'bool' && !isNumber(to)) return undefined;
  const kind = to.name === 'bool' ? 'bool' : 'number';
  const narrow = to.name === 'bool' || to.name === 'numeric' ? undefined : convertNumber({ name: 'numeric' }, to);
  return (v) => {
    const node = v as JsonNode;
    if (node.kind === 'null') return null;
    if (node.kind !== kind) throw new ValueError(`cannot cast jsonb ${node.kind === 'bool' ? 'boolean' : node.kind} to type ${typeText(to)}`);
    const value = node.value as boolean | Decimal;
    return narrow ? narrow(value) : value;
  };
}

/** What a type modifier does: numeric(p,s), varchar(n), char(n), timestamp(p), … `modifiers` as written. */
export function applyModifiers(expr: Expr, modifiers: readonly number[], scope: Scope): Expr {
  const [first, second = 0] = modifiers;
  if (first === undefined) return expr;
  checkModifiers(expr, first, second, scope);
  switch (expr.type.name) {
    case 'numeric': return map1(expr.type, expr, expr.at, (v) => limitNumeric(v as Decimal, first, second));
    case 'varchar': return map1(expr.type, expr, expr.at, (v) => cutCharacters(v as string, first));
    case 'bpchar': return map1(expr.type, expr, expr.at, (v) => {
      const cut = cutCharacters(v as string, first);
      return cut + ' '.repeat(Math.max(0, first - characterLength(cut)));
    });
    case 'timestamp': case 'timestamptz': case 'time': return map1(expr.type, expr, expr.at, (v) => roundMicros(v as bigint, first));
    default: throw scope.source.fail('where.unsupported', `a modifier of type ${typeText(expr.type)} is not supported in --where`, expr.at);
  }
}

function checkModifiers(expr: Expr, first: number, second: number, scope: Scope): void {
  const name = expr.type.name;
  if (name === 'numeric' && (first < 1 || first > 1000)) throw scope.source.fail('where.value', `NUMERIC precision ${first} must be between 1 and 1000`, expr.at);
  if (name === 'numeric' && Math.abs(second) > 1000) throw scope.source.fail('where.value', `NUMERIC scale ${second} must be between -1000 and 1000`, expr.at);
  if (isString(expr.type) && first < 1) throw scope.source.fail('where.value', `length for type ${name === 'bpchar' ? 'char' : name} must be at least 1`, expr.at);
}

function cutCharacters(text: string, length: number): string {
  return text.length <= length ? text : [...text].slice(0, length).join('');
}

function roundMicros(micros: bigint, digits: number): bigint {
  if (isInfiniteTimestamp(micros)) return micros;
  const unit = 10n ** BigInt(6 - Math.min(digits, 6));
  const half = unit / 2n;
  return micros >= 0n ? ((micros + half) / unit) * unit : -((-micros + half) / unit) * unit;
}

function limitNumeric(value: Decimal, precision: number, scale: number): Decimal {
  if (value.kind === 'nan') return value;
  const rounded = roundDecimal(value, scale);
  const limit = parseDecimal(`1e${precision - scale}`);
  const size = rounded.digits < 0n ? -rounded.digits : rounded.digits;
  if (value.kind !== 'finite' || size >= limit.digits * 10n ** BigInt(Math.max(0, rounded.scale - limit.scale))) throw new ValueError('numeric field overflow');
  return rounded;
}

/** A text[] of JSON paths and keys from a typed array expression's value. */
export function textItems(value: Value): (string | null)[] {
  return (value as ArrayValue).items as (string | null)[];
}
