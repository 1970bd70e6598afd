/**
 * Values by type: reading them from the text that output functions print (and users write), comparing and printing.
 */
import { float4Text, float8Text } from '../../rows/types/float.js';
import { formatPgLsn, parsePgLsn } from '../../util/lsn.js';
import type { TimeZone } from '../../util/timeZone.js';
import { compareArrays, formatArray } from '../../util/arrayValue.js';
import { arraysEqual, parseArray, type ArrayValue } from './array.js';
import {
  compareTimeTz, formatDateValue, formatTimestamp, formatTimestamptz, formatTimeTz, parseDate, parseTime, parseTimestamp, parseTimestamptz, parseTimeTz,
  type TimeTz,
} from './datetime.js';
import { formatTimeOfDay } from '../../util/pgTime.js';
import { compareDecimals, decimalKey, formatDecimal, parseDecimal, type Decimal } from './decimal.js';
import { compareIntervals, formatInterval, intervalSize, isInfiniteInterval, parseInterval, type Interval } from './interval.js';
import { formatJsonb, jsonEquals, parseJson, type JsonNode } from './json.js';
import { ValueError } from './source.js';
import { typeText, type SqlType, type ValueOrder } from './sqlType.js';
import { compareUtf8, trimBlanks } from './text.js';
import { own } from '../../util/own.js';

/**
 * A value that is not NULL: bool → boolean; integers, oid, xid, pg_lsn, timestamps (µs), time → bigint; floats and date (days) → number;
 * text, uuid, enum labels, bytea (lower-case hex) → string; types that are known by their order alone → OrderedValue; the rest as their modules say.
 */
export type Value = boolean | bigint | number | string | Decimal | Interval | TimeTz | ArrayValue | JsonNode | OrderedValue;

/** A value of a type with SqlType.order: its text as it was written, and what it was read as. */
export interface OrderedValue {
  readonly text: string;
  readonly read: unknown;
}

/** What reading and printing depend on beside the type. */
export interface ValueContext {
  /** For a timestamptz without a zone, and for printing one. */
  readonly zone: TimeZone;
}

const INTEGER_RANGE: Record<string, readonly [bigint, bigint]> = {
  int2: [-0x8000n, 0x7fffn], int4: [-0x8000_0000n, 0x7fff_ffffn], int8: [-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn],
  oid: [0n, 0xffff_ffffn], xid: [0n, 0xffff_ffffn], xid8: [0n, 0xffff_ffff_ffff_ffffn],
};

/** The integer, or a ValueError where the type cannot hold it. */
export function checkInteger(type: string, value: bigint): bigint {
  const [min, max] = INTEGER_RANGE[type]!;
  if (value < min || value > max) throw new ValueError(`${type === 'oid' ? 'OID' : typeText({ name: type })} out of range`);
  return value;
}

/** The value of plain digits, perhaps after a minus, that a double holds exactly: what output functions print, nearly always. */
function plainInteger(text: string): number | undefined {
  const isNegative = text.charCodeAt(0) === 0x2d;
  if (text.length > 15 || text.length === Number(isNegative)) return undefined;
  let value = 0;
  for (let i = Number(isNegative); i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return isNegative ? -value : value;
}

/** Up to here, either sign fits the type; beyond, the range is checked the long way. */
const SMALL_INTEGER: Record<string, number> = { int2: 0x7fff, int4: 0x7fff_ffff, int8: Number.MAX_SAFE_INTEGER };

function parseInteger(type: string, text: string): bigint {
  const plain = plainInteger(text);
  if (plain !== undefined && Math.abs(plain) <= (SMALL_INTEGER[type] ?? -1)) return BigInt(plain);
  const match = /^\s*([+-]?)(\d+(?:_\d+)*|0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+)\s*$/.exec(text);
  if (!match) throw new ValueError(`invalid input syntax for type ${typeText({ name: type })}: "${text}"`);
  const size = BigInt(match[2]!.replaceAll('_', ''));
  const value = match[1] === '-' ? -size : size;
  const [min, max] = INTEGER_RANGE[type]!;
  // oid's input takes negative numbers, as 32-bit patterns
  if (type === 'oid' && value >= -0x8000_0000n && value < 0n) return BigInt.asUintN(32, value);
  if (value < min || value > max) throw new ValueError(`value "${text}" is out of range for type ${typeText({ name: type })}`);
  return value;
}

function parseFloat8(type: string, text: string): number {
  const trimmed = text.trim();
  if (/^[+-]?inf(inity)?$/i.test(trimmed)) return trimmed.startsWith('-') ? -Infinity : Infinity;
  if (/^[+-]?nan$/i.test(trimmed)) return NaN;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(trimmed)) throw new ValueError(`invalid input syntax for type ${typeText({ name: type })}: "${text}"`);
  const exact = Number(trimmed);
  const value = type === 'float4' ? Math.fround(exact) : exact;
  if (!Number.isFinite(value) || (value === 0 && /[1-9]/.test(trimmed.replace(/e.*/i, '')))) {
    throw new ValueError(`"${text}" is out of range for type ${typeText({ name: type })}`);
  }
  return value;
}

function parseBool(text: string): boolean {
  const word = text.trim().toLowerCase();
  if (word !== '') {
    if ('true'.startsWith(word) || 'yes'.startsWith(word) || word === 'on' || word === '1') return true;
    if ('false'.startsWith(word) || 'no'.startsWith(word) || word === 'off' || word === 'of' || word === '0') return false;
  }
  throw new ValueError(`invalid input syntax for type boolean: "${text}"`);
}

function parseUuid(text: string): string {
  const bare = text.trim().replace(/^\{(.*)\}$/, '$1');
  const hex = bare.replaceAll('-', '').toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(hex) || !/^(?:[0-9a-fA-F]{4}-?){8}$/.test(`${bare}`)) throw new ValueError(`invalid input syntax for type uuid: "${text}"`);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** bytea_in(): the hex form, or the escape form of octal numbers. */
function parseBytea(text: string): string {
  if (text.startsWith('\\x')) {
    const hex = text.slice(2).replace(/\s+/g, '').toLowerCase();
    if (!/^(?:[0-9a-f]{2})*$/.test(hex)) throw new ValueError(`invalid hexadecimal data: "${text}"`);
    return hex;
  }
  const bytes: number[] = [];
  for (const [, octal, backslash, plain] of text.matchAll(/\\([0-3][0-7]{2})|(\\\\)|([^])/gu)) {
    if (plain === '\\') throw new ValueError('invalid input syntax for type bytea');
    if (octal !== undefined) bytes.push(parseInt(octal, 8));
    else bytes.push(...Buffer.from(backslash ? '\\' : plain!, 'utf8'));
  }
  return Buffer.from(bytes).toString('hex');
}

function parseLsnValue(text: string): bigint {
  const lsn = parsePgLsn(text);
  if (lsn === undefined) throw new ValueError(`invalid input syntax for type pg_lsn: "${text}"`);
  return lsn;
}

/** charin(): a byte; as charout() prints it, beyond ASCII as octal digits, zero as nothing. */
function parseChar(text: string): string {
  const byte = /^\\[0-7]{3}$/.test(text) ? parseInt(text.slice(1), 8) & 0xff : (Buffer.from(text)[0] ?? 0);
  return byte === 0 ? '' : byte < 0x80 ? String.fromCharCode(byte) : `\\${byte.toString(8)}`;
}

/** The byte of a printed "char". */
const byteOf = (value: Value): number => (/^\\[0-7]{3}$/.test(value as string) ? parseInt((value as string).slice(1), 8) : (value as string).charCodeAt(0) || 0);

function parseEnum(type: SqlType, text: string): string {
  if (!type.enumLabels!.includes(text)) throw new ValueError(`invalid input value for enum ${type.name}: "${text}"`);
  return text;
}

function parseOrdered(type: SqlType, order: ValueOrder, text: string): OrderedValue {
  const read = order.parse(text);
  if (read === undefined) throw new ValueError(`invalid input syntax for type ${typeText(type)}: "${text}"`);
  return { text, read };
}

/** The type's input function. Throws ValueError with PostgreSQL's words. */
export function parseValue(type: SqlType, text: string, context: ValueContext): Value {
  if (type.element) return parseArray(text, (item) => parseValue(type.element!, item, context));
  if (type.enumLabels) return parseEnum(type, text);
  if (type.order) return parseOrdered(type, type.order, text);
  switch (type.name) {
    case 'bool': return text === 't' ? true : text === 'f' ? false : parseBool(text);
    case 'int2': case 'int4': case 'int8': case 'oid': case 'xid': case 'xid8': return parseInteger(type.name, text);
    case 'numeric': return parseDecimal(text);
    case 'float4': case 'float8': return parseFloat8(type.name, text);
    case 'date': return parseDate(text);
    case 'time': return parseTime(text);
    case 'timetz': return parseTimeTz(text, context.zone);
    case 'timestamp': return parseTimestamp(text);
    case 'timestamptz': return parseTimestamptz(text, context.zone);
    case 'interval': return parseInterval(text);
    case 'uuid': return parseUuid(text);
    case 'bytea': return parseBytea(text);
    case 'json': case 'jsonb': return parseJson(text, type.name);
    case 'pg_lsn': return parseLsnValue(text);
    case 'char': return parseChar(text);
    case 'name': return Buffer.byteLength(text) > 63 ? Buffer.from(text).subarray(0, 63).toString().replace(/\ufffd+$/, '') : text;
    default: return text;
  }
}

/** The type's output function, in the styles that walscope prints (DateStyle ISO, IntervalStyle postgres, hex bytea). */
export function formatValue(type: SqlType, value: Value, context: ValueContext): string {
  if (type.element) return formatArray(value as ArrayValue, (item) => formatValue(type.element!, item, context));
  if (type.order) return (value as OrderedValue).text;
  switch (type.name) {
    case 'bool': return value ? 't' : 'f';
    case 'numeric': return formatDecimal(value as Decimal);
    case 'float4': return float4Text(value as number);
    case 'float8': return float8Text(value as number);
    case 'date': return formatDateValue(value as number);
    case 'time': return formatTimeOfDay(Number(value as bigint));
    case 'timetz': return formatTimeTz(value as TimeTz);
    case 'timestamp': return formatTimestamp(value as bigint);
    case 'timestamptz': return formatTimestamptz(value as bigint, context.zone);
    case 'interval': return formatInterval(value as Interval);
    case 'bytea': return `\\x${value as string}`;
    case 'pg_lsn': return formatPgLsn(value as bigint);
    case 'json': return (value as JsonNode).raw;
    case 'jsonb': return formatJsonb(value as JsonNode);
    default: return String(value);
  }
}

const compareBigints = (a: Value, b: Value): number => ((a as bigint) < (b as bigint) ? -1 : (a as bigint) > (b as bigint) ? 1 : 0);
/** float8_cmp_internal(): NaN equals itself and is greater than all. */
const compareFloats = (a: Value, b: Value): number => {
  const x = a as number, y = b as number;
  if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
  return x < y ? -1 : x > y ? 1 : 0;
};
const compareText = (a: Value, b: Value): number => compareUtf8(a as string, b as string);

const COMPARERS: Record<string, (a: Value, b: Value) => number> = {
  bool: (a, b) => Number(a) - Number(b),
  int2: compareBigints, int4: compareBigints, int8: compareBigints, oid: compareBigints, xid8: compareBigints, time: compareBigints,
  timestamp: compareBigints, timestamptz: compareBigints, pg_lsn: compareBigints,
  float4: compareFloats, float8: compareFloats, date: compareFloats,
  numeric: (a, b) => compareDecimals(a as Decimal, b as Decimal),
  text: compareText, varchar: compareText, name: compareText, uuid: compareText, bytea: compareText,
  char: (a, b) => byteOf(a) - byteOf(b),
  bpchar: (a, b) => compareUtf8(trimBlanks(a as string), trimBlanks(b as string)),
  interval: (a, b) => compareIntervals(a as Interval, b as Interval),
  timetz: (a, b) => compareTimeTz(a as TimeTz, b as TimeTz),
};

/** The btree order of a type, or undefined where it has none here. */
export function comparerOf(type: SqlType): ((a: Value, b: Value) => number) | undefined {
  if (type.element) {
    const compare = comparerOf(type.element);
    return compare && ((a, b) => compareArrays(a as ArrayValue, b as ArrayValue, compare));
  }
  if (type.enumLabels) {
    const order = new Map(type.enumLabels.map((label, i) => [label, i]));
    return (a, b) => order.get(a as string)! - order.get(b as string)!;
  }
  return type.order?.isOrdered ? byOrder(type.order) : own(COMPARERS, type.name);
}

function byOrder({ compare }: ValueOrder): (a: Value, b: Value) => number {
  return (a, b) => compare((a as OrderedValue).read, (b as OrderedValue).read);
}

/** The type's `=`, or undefined where it has none here. */
export function equalityOf(type: SqlType): ((a: Value, b: Value) => boolean) | undefined {
  if (type.element) {
    const equal = equalityOf(type.element);
    return equal && ((a, b) => arraysEqual(a as ArrayValue, b as ArrayValue, equal));
  }
  if (type.name === 'jsonb') return (a, b) => jsonEquals(a as JsonNode, b as JsonNode);
  if (type.name === 'xid' || type.name === 'tid') return (a, b) => a === b;
  const compare = type.order ? byOrder(type.order) : comparerOf(type);
  return compare && ((a, b) => compare(a, b) === 0);
}

/** A text that is equal for equal values: a key for sets of constants; undefined for types that have no such text here. */
export function keyOf(type: SqlType, value: Value): string | undefined {
  if (type.element || type.order || type.name === 'jsonb' || type.name === 'json') return undefined;
  switch (type.name) {
    case 'numeric': return decimalKey(value as Decimal);
    case 'bpchar': return trimBlanks(value as string);
    case 'interval': return isInfiniteInterval(value as Interval) ? String((value as Interval).months) : intervalSize(value as Interval).toString();
    case 'timetz': return undefined;
    case 'float4': case 'float8': return String((value as number) + 0 === 0 ? 0 : value);
    default: return String(value);
  }
}

/** Types whose output text is equal exactly where their values are: `=` can compare the row's text as it stands. */
const CANONICAL = new Set(['bool', 'int2', 'int4', 'int8', 'oid', 'xid', 'xid8', 'text', 'varchar', 'name', 'char', 'uuid', 'bytea', 'date', 'timestamp', 'time']);

export function hasCanonicalText(type: SqlType): boolean {
  return CANONICAL.has(type.name) || type.enumLabels !== undefined;
}
