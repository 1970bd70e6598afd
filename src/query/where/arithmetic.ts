/**
 * `+ - * / % ^` and unary minus on numbers, dates and intervals. Follows utils/adt/{int,int8,numeric,float,date,timestamp}.c, PG 13–18.
 */
import { coerce } from './cast.js';
import { noOperator } from './comparison.js';
import {
  addToTime, addToTimestamp, addToTimestamptz, checkDate, dateToTimestamp, subtractTimestamps,
} from './datetime.js';
import {
  absDecimal, addDecimals, divideDecimals, moduloDecimals, multiplyDecimals, negateDecimal, type Decimal,
} from './decimal.js';
import { map1, map2, type Expr, type Scope } from './expr.js';
import { addIntervals, divideInterval, multiplyInterval, negateInterval, type Interval } from './interval.js';
import { ValueError } from './source.js';
import { commonNumber, FLOAT8, isFloat, isInteger, isNumber, sqlType, type SqlType } from './sqlType.js';
import { checkInteger, type Value } from './value.js';

const INTERVAL = sqlType('interval');
const DATE = sqlType('date');
const TIMESTAMP = sqlType('timestamp');

const INTEGER_OPERATORS: Record<string, (a: bigint, b: bigint) => bigint> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => {
    if (b === 0n) throw new ValueError('division by zero');
    return a / b;
  },
  '%': (a, b) => {
    if (b === 0n) throw new ValueError('division by zero');
    return a % b;
  },
  '&': (a, b) => a & b,
  '|': (a, b) => a | b,
  '#': (a, b) => a ^ b,
};

const DECIMAL_OPERATORS: Record<string, (a: Decimal, b: Decimal) => Decimal> = {
  '+': addDecimals, '-': (a, b) => addDecimals(a, negateDecimal(b)), '*': multiplyDecimals, '/': divideDecimals, '%': moduloDecimals,
};

const FLOAT_OPERATORS: Record<string, (a: number, b: number) => number> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => {
    if (b === 0 && !Number.isNaN(a)) throw new ValueError('division by zero');
    return a / b;
  },
};

/** CHECKFLOATVAL(): a result beyond the type's range, or too small for it, is an error unless an operand was infinite or zero already. */
function checkFloat(op: string, type: string, result: number, a: number, b: number): number {
  const narrow = type === 'float4' ? Math.fround(result) : result;
  const isFiniteInput = Number.isFinite(a) && Number.isFinite(b);
  if (isFiniteInput && !Number.isFinite(narrow) && !Number.isNaN(narrow)) throw new ValueError('value out of range: overflow');
  const canUnderflow = op === '*' ? b !== 0 : op === '/' || op === '^';
  if (isFiniteInput && narrow === 0 && a !== 0 && canUnderflow) throw new ValueError('value out of range: underflow');
  return narrow;
}

function numberArithmetic(op: string, l: Expr, r: Expr, scope: Scope, at: number): Expr | undefined {
  if (op === '^') return power(l, r, scope, at);
  const type = commonNumber(l.type, r.type);
  const left = coerce(l, type, scope), right = coerce(r, type, scope);
  if (isInteger(type)) {
    const compute = INTEGER_OPERATORS[op];
    return compute && map2(type, left, right, at, (a, b) => checkInteger(type.name, compute(a as bigint, b as bigint)));
  }
  if (isFloat(type)) {
    const compute = FLOAT_OPERATORS[op];
    return compute && map2(type, left, right, at, (a, b) => checkFloat(op, type.name, compute(a as number, b as number), a as number, b as number));
  }
  const compute = DECIMAL_OPERATORS[op];
  return compute && map2(type, left, right, at, (a, b) => compute(a as Decimal, b as Decimal));
}

/** dpow(). numeric's own power chooses its digits in a way that is not rebuilt here. */
function power(l: Expr, r: Expr, scope: Scope, at: number): Expr {
  if (commonNumber(l.type, r.type).name === 'numeric') {
    throw scope.source.fail('where.unsupported', 'the operator ^ on numeric is not supported in --where', at, 'cast to float8');
  }
  return map2(FLOAT8, coerce(l, FLOAT8, scope), coerce(r, FLOAT8, scope), at, (a, b) => {
    const x = a as number, y = b as number;
    if (x === 0 && y < 0) throw new ValueError('zero raised to a negative power is undefined');
    if (x < 0 && Number.isFinite(y) && !Number.isInteger(y)) throw new ValueError('a negative number raised to a non-integer power yields a complex result');
    // both are 1 in POSIX, NaN in JavaScript
    if (x === 1 || y === 0) return 1;
    if (x === -1 && !Number.isFinite(y) && !Number.isNaN(y)) return 1;
    return checkFloat('^', 'float8', x ** y, x, y);
  });
}

interface Rule {
  readonly left: string;
  readonly op: string;
  readonly right: string;
  readonly result: SqlType;
  readonly compute: (a: Value, b: Value, scope: Scope) => Value;
}

const rule = (left: string, op: string, right: string, result: SqlType, compute: Rule['compute']): Rule => ({ left, op, right, result, compute });
const TIMESTAMPTZ = sqlType('timestamptz');
const TIME = sqlType('time');
const addDays = (date: number, days: number): number => (Number.isFinite(date) ? checkDate(date + days) : date);
const minus = (b: Value): Interval => negateInterval(b as Interval);

/** The operators of dates and times by their operand types; those that commute stand once. */
const RULES: readonly Rule[] = [
  rule('date', '+', 'int4', DATE, (a, b) => addDays(a as number, Number(b))),
  rule('date', '-', 'int4', DATE, (a, b) => addDays(a as number, -Number(b))),
  rule('date', '-', 'date', sqlType('int4'), (a, b) => {
    if (!Number.isFinite(a) || !Number.isFinite(b)) throw new ValueError('cannot subtract infinite dates');
    return BigInt((a as number) - (b as number));
  }),
  rule('date', '+', 'interval', TIMESTAMP, (a, b) => addToTimestamp(dateToTimestamp(a as number), b as Interval)),
  rule('date', '-', 'interval', TIMESTAMP, (a, b) => addToTimestamp(dateToTimestamp(a as number), minus(b))),
  rule('date', '+', 'time', TIMESTAMP, (a, b) => addToTimestamp(dateToTimestamp(a as number), { months: 0, days: 0, micros: b as bigint })),
  rule('timestamp', '+', 'interval', TIMESTAMP, (a, b) => addToTimestamp(a as bigint, b as Interval)),
  rule('timestamp', '-', 'interval', TIMESTAMP, (a, b) => addToTimestamp(a as bigint, minus(b))),
  rule('timestamp', '-', 'timestamp', INTERVAL, (a, b) => subtractTimestamps(a as bigint, b as bigint)),
  rule('timestamptz', '+', 'interval', TIMESTAMPTZ, (a, b, scope) => addToTimestamptz(a as bigint, b as Interval, scope.zone)),
  rule('timestamptz', '-', 'interval', TIMESTAMPTZ, (a, b, scope) => addToTimestamptz(a as bigint, minus(b), scope.zone)),
  rule('timestamptz', '-', 'timestamptz', INTERVAL, (a, b) => subtractTimestamps(a as bigint, b as bigint)),
  rule('time', '+', 'interval', TIME, (a, b) => addToTime(a as bigint, b as Interval)),
  rule('time', '-', 'interval', TIME, (a, b) => addToTime(a as bigint, minus(b))),
  rule('time', '-', 'time', INTERVAL, (a, b) => ({ months: 0, days: 0, micros: (a as bigint) - (b as bigint) })),
  rule('interval', '+', 'interval', INTERVAL, (a, b) => addIntervals(a as Interval, b as Interval)),
  rule('interval', '-', 'interval', INTERVAL, (a, b) => addIntervals(a as Interval, minus(b))),
  rule('interval', '*', 'float8', INTERVAL, (a, b) => multiplyInterval(a as Interval, b as number)),
  rule('interval', '/', 'float8', INTERVAL, (a, b) => divideInterval(a as Interval, b as number)),
];

/** Types as the rules name them: any number that float8 takes, small integers as int4. */
function ruleFits(wanted: string, type: SqlType): boolean {
  if (wanted === type.name) return true;
  if (wanted === 'int4') return type.name === 'int2';
  return wanted === 'float8' && isNumber(type);
}

/** An unknown literal takes the other side's type where the operator has such a form, else the only form there is. */
function findRule(op: string, l: SqlType, r: SqlType): Rule | undefined {
  const fits = (own: string, type: SqlType): boolean => type.name === 'unknown' || ruleFits(own, type);
  const candidates = RULES.filter((row) => row.op === op && fits(row.left, l) && fits(row.right, r));
  if (candidates.length <= 1) return candidates[0];
  const known = l.name === 'unknown' ? r.name : l.name;
  const same = candidates.filter((row) => row.left === known && row.right === known);
  if (l.name === 'unknown' || r.name === 'unknown') return same[0];
  // date - timestamp and the like meet in the wider type
  return candidates.find((row) => row.left === l.name && row.right === r.name);
}

/** `l op r` of arithmetic; throws where PostgreSQL has no such operator. */
export function compileArithmetic(op: string, l: Expr, r: Expr, scope: Scope, at: number): Expr {
  const leftNumber = isNumber(l.type), rightNumber = isNumber(r.type);
  if (leftNumber && (rightNumber || r.type.name === 'unknown')) {
    const result = numberArithmetic(op, l, rightNumber ? r : coerce(r, l.type, scope), scope, at);
    if (result) return result;
  } else if (rightNumber && l.type.name === 'unknown') {
    const result = numberArithmetic(op, coerce(l, r.type, scope), r, scope, at);
    if (result) return result;
  } else {
    const result = temporal(op, l, r, scope, at) ?? (op === '+' || op === '*' ? temporal(op, r, l, scope, at) : undefined);
    if (result) return result;
  }
  throw noOperator(scope, op, l.type, r.type, at);
}

function temporal(op: string, l: Expr, r: Expr, scope: Scope, at: number): Expr | undefined {
  let found = findRule(op, l.type, r.type);
  if (!found && op === '-' && /^(date|timestamp|timestamptz)$/.test(l.type.name) && /^(date|timestamp|timestamptz)$/.test(r.type.name)) {
    found = findRule(op, wider(l.type, r.type), wider(l.type, r.type));
  }
  if (!found) return undefined;
  const left = coerce(l, found.left === 'float8' ? FLOAT8 : sqlType(found.left), scope);
  const right = coerce(r, sqlType(found.right), scope);
  const compute = found.compute;
  return map2(found.result, left, right, at, (a, b) => compute(a, b, scope));
}

function wider(a: SqlType, b: SqlType): SqlType {
  const order = ['date', 'timestamp', 'timestamptz'];
  return order.indexOf(a.name) >= order.indexOf(b.name) ? a : b;
}

/** Unary `-`, `+` and `@` (absolute value). */
export function compileUnary(op: string, operand: Expr, scope: Scope, at: number): Expr {
  const type = operand.type;
  if (op === '+' && isNumber(type)) return operand;
  if (isInteger(type) && op === '-') return map1(type, operand, at, (a) => checkInteger(type.name, -(a as bigint)));
  if (isInteger(type) && op === '@') return map1(type, operand, at, (a) => checkInteger(type.name, (a as bigint) < 0n ? -(a as bigint) : a as bigint));
  if (isInteger(type) && op === '~') return map1(type, operand, at, (a) => ~(a as bigint));
  if (isFloat(type) && op === '-') return map1(type, operand, at, (a) => -(a as number));
  if (isFloat(type) && op === '@') return map1(type, operand, at, (a) => Math.abs(a as number));
  if (type.name === 'numeric' && op === '-') return map1(type, operand, at, (a) => negateDecimal(a as Decimal));
  if (type.name === 'numeric' && op === '@') return map1(type, operand, at, (a) => absDecimal(a as Decimal));
  if (type.name === 'interval' && op === '-') return map1(type, operand, at, (a) => negateInterval(a as Interval));
  throw noOperator(scope, op, undefined, type, at);
}
