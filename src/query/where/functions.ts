/**
 * The functions that an expression may call: those whose result depends on their arguments alone. PG 13–18.
 */
import { createHash } from 'node:crypto';
import type { ArrayValue } from './array.js';
import { coerce, castTo } from './cast.js';
import { isAsciiOnly } from './comparison.js';
import { localToUtc, utcToLocal, zoneNamed } from './datetime.js';
import { extractFromDate, extractFromInterval, extractFromTime, extractFromTimestamp, truncateTimestamp } from './datetimeFields.js';
import {
  absDecimal, ceilDecimal, decimalToNumber, floorDecimal, moduloDecimals, roundDecimal, signDecimal, truncateDecimal, type Decimal,
} from './decimal.js';
import { mapAll, mapNullable, type Expr, type Scope } from './expr.js';
import type { Interval } from './interval.js';
import { jsonPath, jsonText, jsonTypeof, formatJsonb, type JsonNode } from './json.js';
import { ValueError } from './source.js';
import { INT4, isImplicitCast, isString, NUMERIC, sameType, sqlType, TEXT, typeText, type SqlType } from './sqlType.js';
import { changeCase, characterLength, checkEscape, trimBlanks } from './text.js';
import { similarToRegex } from './regex.js';
import { checkInteger, equalityOf, formatValue, type Value } from './value.js';
import { own } from '../../util/own.js';

interface Call {
  readonly scope: Scope;
  /** The collation of the arguments, for what depends on it. */
  readonly collation: string | undefined;
}

interface FunctionRow {
  readonly name: string;
  readonly args: readonly string[];
  readonly result: string;
  readonly compute: (args: Value[], call: Call) => Value | null;
}

const row = (name: string, args: string, result: string, compute: FunctionRow['compute']): FunctionRow => ({
  name, args: args === '' ? [] : args.split(' '), result, compute,
});

const str = (v: Value | undefined): string => v as string;
const int = (v: Value | undefined): number => Number(v as bigint);
const dec = (v: Value | undefined): Decimal => v as Decimal;
const chars = (v: Value | undefined): string[] => [...(v as string)];

/** text_substring(): positions count from 1, and may lie before the text. */
function substring(text: string, start: number, length?: number): string {
  if (length !== undefined && length < 0) throw new ValueError('negative substring length not allowed');
  const from = Math.max(start, 1);
  const end = length === undefined ? Infinity : Math.max(start + length, from);
  return [...text].slice(from - 1, end === Infinity ? undefined : end - 1).join('');
}

function trim(text: string, set: string, atStart: boolean, atEnd: boolean): string {
  const c = [...text];
  const drop = new Set(set);
  let from = 0, to = c.length;
  while (atStart && from < to && drop.has(c[from]!)) from++;
  while (atEnd && to > from && drop.has(c[to - 1]!)) to--;
  return c.slice(from, to).join('');
}

function position(text: string, part: string): bigint {
  const at = text.indexOf(part);
  return BigInt(at === -1 ? 0 : characterLength(text.slice(0, at)) + 1);
}

function splitPart(text: string, separator: string, n: number): string {
  if (n === 0) throw new ValueError('field position must not be zero');
  const parts = separator === '' ? [text] : text.split(separator);
  return parts[n > 0 ? n - 1 : parts.length + n] ?? '';
}

/** lpad() and rpad() */
function pad(text: string, length: number, fill: string, atStart: boolean): string {
  const c = [...text];
  if (c.length >= length) return c.slice(0, Math.max(length, 0)).join('');
  const filling = [...fill];
  if (filling.length === 0) return text;
  const padding = Array.from({ length: length - c.length }, (_, i) => filling[i % filling.length]!).join('');
  return atStart ? padding + text : text + padding;
}

function repeat(text: string, count: number): string {
  if (text.length * count > 0x1000_0000) throw new ValueError('requested length too large');
  return text.repeat(Math.max(count, 0));
}

function roundFloat(value: number): number {
  if (!Number.isFinite(value)) return value;
  const floor = Math.floor(value), rest = value - floor;
  return rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
}

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
const asLower = (call: Call): boolean => isAsciiOnly(call.collation);

/** A text's bytes in the database's encoding. */
function stored(text: string, { scope }: Call): Uint8Array {
  const found = scope.encoding.encode(text);
  if (!found) throw new ValueError(`a character has no equivalent in encoding "${scope.encoding.name}"`);
  return found;
}

/** ascii(): the code point in UTF-8, the byte in encodings of one byte a character. */
function ascii(text: string, call: Call): number {
  const first = text.codePointAt(0) ?? 0;
  if (first < 0x80 || call.scope.encoding.name === 'UTF8') return first;
  const found = stored(String.fromCodePoint(first), call);
  if (found.length > 1) throw new ValueError('requested character too large');
  return found[0]!;
}

/** Overloads of one name in the order of preference where an argument's type leaves several. */
const FUNCTIONS: readonly FunctionRow[] = [
  row('lower', 'text', 'text', ([a], call) => changeCase(str(a), 'lower', asLower(call))),
  row('upper', 'text', 'text', ([a], call) => changeCase(str(a), 'upper', asLower(call))),
  row('length', 'text', 'int4', ([a]) => BigInt(characterLength(str(a)))),
  row('length', 'bpchar', 'int4', ([a]) => BigInt(characterLength(trimBlanks(str(a))))),
  row('length', 'bytea', 'int4', ([a]) => BigInt(str(a).length / 2)),
  ...['char_length', 'character_length'].flatMap((name) => [
    row(name, 'text', 'int4', ([a]) => BigInt(characterLength(str(a)))),
    row(name, 'bpchar', 'int4', ([a]) => BigInt(characterLength(trimBlanks(str(a))))),
  ]),
  row('octet_length', 'text', 'int4', ([a], call) => BigInt(stored(str(a), call).length)),
  row('octet_length', 'bpchar', 'int4', ([a], call) => BigInt(stored(str(a), call).length)),
  row('octet_length', 'bytea', 'int4', ([a]) => BigInt(str(a).length / 2)),
  row('bit_length', 'text', 'int4', ([a], call) => BigInt(stored(str(a), call).length * 8)),
  ...['substring', 'substr'].flatMap((name) => [
    row(name, 'text int4', 'text', ([a, b]) => substring(str(a), int(b))),
    row(name, 'text int4 int4', 'text', ([a, b, c]) => substring(str(a), int(b), int(c))),
  ]),
  row('left', 'text int4', 'text', ([a, n]) => (int(n) >= 0 ? chars(a).slice(0, int(n)) : chars(a).slice(0, int(n))).join('')),
  row('right', 'text int4', 'text', ([a, n]) => {
    const c = chars(a);
    return c.slice(int(n) >= 0 ? Math.max(c.length - int(n), 0) : -int(n)).join('');
  }),
  row('btrim', 'text', 'text', ([a]) => trim(str(a), ' ', true, true)),
  row('btrim', 'text text', 'text', ([a, set]) => trim(str(a), str(set), true, true)),
  row('ltrim', 'text', 'text', ([a]) => trim(str(a), ' ', true, false)),
  row('ltrim', 'text text', 'text', ([a, set]) => trim(str(a), str(set), true, false)),
  row('rtrim', 'text', 'text', ([a]) => trim(str(a), ' ', false, true)),
  row('rtrim', 'text text', 'text', ([a, set]) => trim(str(a), str(set), false, true)),
  row('replace', 'text text text', 'text', ([a, from, to]) => (from === '' ? str(a) : str(a).replaceAll(str(from), () => str(to)))),
  row('position', 'text text', 'int4', ([a, part]) => position(str(a), str(part))),
  row('strpos', 'text text', 'int4', ([a, part]) => position(str(a), str(part))),
  row('starts_with', 'text text', 'bool', ([a, part]) => str(a).startsWith(str(part))),
  row('reverse', 'text', 'text', ([a]) => chars(a).reverse().join('')),
  row('repeat', 'text int4', 'text', ([a, n]) => repeat(str(a), int(n))),
  row('split_part', 'text text int4', 'text', ([a, separator, n]) => splitPart(str(a), str(separator), int(n))),
  row('lpad', 'text int4', 'text', ([a, n]) => pad(str(a), int(n), ' ', true)),
  row('lpad', 'text int4 text', 'text', ([a, n, fill]) => pad(str(a), int(n), str(fill), true)),
  row('rpad', 'text int4', 'text', ([a, n]) => pad(str(a), int(n), ' ', false)),
  row('rpad', 'text int4 text', 'text', ([a, n, fill]) => pad(str(a), int(n), str(fill), false)),
  row('ascii', 'text', 'int4', ([a], call) => BigInt(ascii(str(a), call))),
  row('md5', 'text', 'text', ([a], call) => createHash('md5').update(stored(str(a), call)).digest('hex')),
  row('md5', 'bytea', 'text', ([a]) => createHash('md5').update(bytes(str(a))).digest('hex')),
  ...['sha224', 'sha256', 'sha384', 'sha512'].map((name) => row(name, 'bytea', 'bytea', ([a]) => createHash(name).update(bytes(str(a))).digest('hex'))),
  row('like_escape', 'text text', 'text', ([pattern, escape]) => standardEscape(str(pattern), checkEscape(str(escape)))),
  row('similar_to_escape', 'text', 'text', ([pattern]) => similarToRegex(str(pattern))),
  row('similar_to_escape', 'text text', 'text', ([pattern, escape]) => similarToRegex(str(pattern), checkEscape(str(escape)))),

  row('abs', 'float8', 'float8', ([a]) => Math.abs(a as number)),
  row('abs', 'float4', 'float4', ([a]) => Math.abs(a as number)),
  row('abs', 'numeric', 'numeric', ([a]) => absDecimal(dec(a))),
  ...['int8', 'int4', 'int2'].flatMap((type) => [
    row('abs', type, type, ([a]) => checkInteger(type, (a as bigint) < 0n ? -(a as bigint) : a as bigint)),
    row('mod', `${type} ${type}`, type, ([a, b]) => {
      if (b === 0n) throw new ValueError('division by zero');
      return (a as bigint) % (b as bigint);
    }),
  ]),
  row('mod', 'numeric numeric', 'numeric', ([a, b]) => moduloDecimals(dec(a), dec(b))),
  ...['ceil', 'ceiling'].flatMap((name) => [
    row(name, 'float8', 'float8', ([a]) => Math.ceil(a as number)), row(name, 'numeric', 'numeric', ([a]) => ceilDecimal(dec(a))),
  ]),
  row('floor', 'float8', 'float8', ([a]) => Math.floor(a as number)),
  row('floor', 'numeric', 'numeric', ([a]) => floorDecimal(dec(a))),
  row('round', 'float8', 'float8', ([a]) => roundFloat(a as number)),
  row('round', 'numeric', 'numeric', ([a]) => roundDecimal(dec(a), 0)),
  row('round', 'numeric int4', 'numeric', ([a, n]) => roundDecimal(dec(a), int(n))),
  row('trunc', 'float8', 'float8', ([a]) => Math.trunc(a as number)),
  row('trunc', 'numeric', 'numeric', ([a]) => truncateDecimal(dec(a), 0)),
  row('trunc', 'numeric int4', 'numeric', ([a, n]) => truncateDecimal(dec(a), int(n))),
  row('sign', 'float8', 'float8', ([a]) => ((a as number) > 0 ? 1 : (a as number) < 0 ? -1 : 0)),
  row('sign', 'numeric', 'numeric', ([a]) => signDecimal(dec(a))),
  row('sqrt', 'float8', 'float8', ([a]) => {
    if ((a as number) < 0) throw new ValueError('cannot take square root of a negative number');
    return Math.sqrt(a as number);
  }),

  row('extract', 'text timestamp', 'numeric', ([f, a]) => extractFromTimestamp(str(f), a as bigint)),
  row('extract', 'text timestamptz', 'numeric', ([f, a], { scope }) => extractFromTimestamp(str(f), utcToLocal(a as bigint, scope.zone), a as bigint)),
  row('extract', 'text date', 'numeric', ([f, a]) => extractFromDate(str(f), a as number)),
  row('extract', 'text time', 'numeric', ([f, a]) => extractFromTime(str(f), a as bigint)),
  row('extract', 'text interval', 'numeric', ([f, a]) => extractFromInterval(str(f), a as Interval)),
  row('date_trunc', 'text timestamptz', 'timestamptz', ([f, a], { scope }) => localToUtc(truncateTimestamp(str(f), utcToLocal(a as bigint, scope.zone)), scope.zone)),
  row('date_trunc', 'text timestamp', 'timestamp', ([f, a]) => truncateTimestamp(str(f), a as bigint)),
  row('timezone', 'text timestamptz', 'timestamp', ([zone, a]) => utcToLocal(a as bigint, zoneNamed(str(zone)))),
  row('timezone', 'text timestamp', 'timestamptz', ([zone, a]) => localToUtc(a as bigint, zoneNamed(str(zone)))),
  ...['timestamptz', 'timestamp', 'date', 'interval'].map((type) => row('isfinite', type, 'bool', ([a]) => isFinite1(a!))),

  row('jsonb_typeof', 'jsonb', 'text', ([a]) => jsonTypeof(a as JsonNode)),
  row('json_typeof', 'json', 'text', ([a]) => jsonTypeof(a as JsonNode)),
  row('jsonb_array_length', 'jsonb', 'int4', ([a]) => jsonLength(a as JsonNode)),
  row('json_array_length', 'json', 'int4', ([a]) => jsonLength(a as JsonNode)),
];

function isFinite1(value: Value): boolean {
  if (typeof value === 'bigint') return value !== 0x7fff_ffff_ffff_ffffn && value !== -0x8000_0000_0000_0000n;
  return Number.isFinite(typeof value === 'number' ? value : (value as Interval).months);
}

function jsonLength(node: JsonNode): bigint {
  if (node.kind === 'array') return BigInt(node.items.length);
  throw new ValueError(`cannot get array length of ${node.kind === 'object' ? 'a non-array' : 'a scalar'}`);
}

/** like_escape(): the pattern with `\` as its escape character. */
function standardEscape(pattern: string, escape: string): string {
  if (escape === '\\') return pattern;
  let out = '';
  const c = [...pattern];
  for (let i = 0; i < c.length; i++) {
    if (c[i] === escape && escape !== '') out += `\\${c[++i] ?? ''}`;
    else out += c[i] === '\\' ? '\\\\' : c[i]!;
  }
  return out;
}

/** Functions of the clock, the session or chance: they have no meaning in a question about the past. */
const VOLATILE = new Set([
  'now', 'clock_timestamp', 'statement_timestamp', 'transaction_timestamp', 'timeofday', 'random', 'gen_random_uuid', 'nextval', 'currval', 'lastval',
  'current_setting', 'txid_current', 'pg_current_xact_id', 'age', 'setseed', 'pg_sleep',
]);

type SpecialFunction = (args: readonly Expr[], scope: Scope, at: number) => Expr | undefined;

/** A form of a function that is not rebuilt here stands beside others that are. */
function refuseForm(what: string, scope: Scope, at: number, hint?: string): never {
  throw scope.source.fail('where.unsupported', `${what} is not supported in --where`, at, hint);
}

/** Functions whose arguments are of any type, that see NULL, or that have forms which are refused. */
const SPECIAL: Record<string, SpecialFunction> = {
  // numeric's own chooses its digits in a way that is not rebuilt here
  sqrt: (args, scope, at) => (args[0]?.type.name === 'numeric' ? refuseForm('sqrt() of numeric', scope, at, 'cast to float8') : undefined),
  // a literal there is a pattern, be it of digits
  substring: (args, scope, at) => (args[1] && (isString(args[1].type) || args[1].type.name === 'unknown') ? refuseForm('substring() by a pattern', scope, at) : undefined),
  concat: (args, scope, at) => {
    const texts = args.map((arg) => printed(arg, scope));
    return mapNullable(TEXT, texts, at, (values) => values.filter((value) => value !== null).join(''));
  },
  concat_ws: (args, scope, at) => {
    if (!args[0] || !isImplicitCast(args[0].type, TEXT)) return undefined;
    const texts = [coerce(args[0], TEXT, scope), ...args.slice(1).map((arg) => printed(arg, scope))];
    return mapNullable(TEXT, texts, at, ([separator, ...values]) => (separator === null ? null : values.filter((value) => value !== null).join(separator as string)));
  },
  cardinality: (args, _scope, at) => arrayFunction(args, 1, at, ([a]) => BigInt((a as ArrayValue).items.length)),
  array_length: (args, scope, at) => arrayFunction(withInt(args, scope), 2, at, ([a, n]) => bigintOrNull((a as ArrayValue).lengths[int(n) - 1])),
  array_lower: (args, scope, at) => arrayFunction(withInt(args, scope), 2, at, ([a, n]) => bigintOrNull((a as ArrayValue).lowerBounds[int(n) - 1])),
  array_upper: (args, scope, at) => arrayFunction(withInt(args, scope), 2, at, ([a, n]) => {
    const { lengths, lowerBounds } = a as ArrayValue;
    return bigintOrNull(lengths[int(n) - 1] === undefined ? undefined : lowerBounds[int(n) - 1]! + lengths[int(n) - 1]! - 1);
  }),
  array_ndims: (args, _scope, at) => arrayFunction(args, 1, at, ([a]) => bigintOrNull((a as ArrayValue).lengths.length || undefined)),
  array_position: (args, scope, at) => {
    const type = args[0]?.type;
    const equal = type?.element && equalityOf(type.element);
    if (!equal || args.length !== 2 || !isImplicitCast(args[1]!.type, type.element!)) return undefined;
    return mapNullable(sqlType('int4'), [args[0]!, coerce(args[1]!, type.element!, scope)], at, ([a, wanted]) => {
      if (a === null) return null;
      const { items, lengths, lowerBounds } = a as ArrayValue;
      if (lengths.length > 1) throw new ValueError('searching for elements in multidimensional arrays is not supported');
      const found = items.findIndex((item) => (item === null || wanted === null ? item === wanted : equal(item, wanted!)));
      return found === -1 ? null : BigInt(found + lowerBounds[0]!);
    });
  },
  array_to_string: (args, scope, at) => {
    const type = args[0]?.type;
    if (!type?.element || args.length < 2 || args.length > 3 || !args.slice(1).every((arg) => isImplicitCast(arg.type, TEXT))) return undefined;
    const texts = args.slice(1).map((arg) => coerce(arg, TEXT, scope));
    return mapNullable(TEXT, [args[0]!, ...texts], at, ([a, separator, forNull]) => {
      if (a === null || separator === null) return null;
      const items = (a as ArrayValue).items.map((item) => (item === null ? (forNull ?? null) : formatValue(type.element!, item, scope)));
      return items.filter((item) => item !== null).join(separator as string);
    });
  },
  date_part: (args, scope, at) => {
    if (args.length !== 2) return undefined;
    const part = compileFunction('extract', args, scope, at);
    return mapAll(sqlType('float8'), [part], at, ([value]) => decimalToNumber(dec(value)));
  },
  jsonb_extract_path: (args, scope, at) => extractPath('jsonb', args, scope, at, false),
  jsonb_extract_path_text: (args, scope, at) => extractPath('jsonb', args, scope, at, true),
  json_extract_path: (args, scope, at) => extractPath('json', args, scope, at, false),
  json_extract_path_text: (args, scope, at) => extractPath('json', args, scope, at, true),
};

function printed(arg: Expr, scope: Scope): Expr {
  // concat() uses output functions: a bool is t or f, and char(n) keeps its padding
  if (arg.type.name === 'bpchar') return { ...arg, type: TEXT };
  if (arg.type.name === 'bool') return mapAll(TEXT, [arg], arg.at, ([v]) => (v ? 't' : 'f'));
  return castTo(arg, TEXT, scope, arg.at);
}

const bigintOrNull = (n: number | undefined): bigint | null => (n === undefined ? null : BigInt(n));

function withInt(args: readonly Expr[], scope: Scope): readonly Expr[] {
  return args.map((arg, i) => (i === 1 && isImplicitCast(arg.type, INT4) ? coerce(arg, INT4, scope) : arg));
}

function arrayFunction(args: readonly Expr[], count: number, at: number, compute: (args: Value[]) => Value | null): Expr | undefined {
  if (args.length !== count || !args[0]!.type.element || (count === 2 && !sameType(args[1]!.type, INT4))) return undefined;
  return mapAll(sqlType('int4'), args, at, compute);
}

function extractPath(type: string, args: readonly Expr[], scope: Scope, at: number, asText: boolean): Expr | undefined {
  if (args[0]?.type.name !== type || !args.slice(1).every((arg) => isImplicitCast(arg.type, TEXT))) return undefined;
  const steps = args.slice(1).map((arg) => coerce(arg, TEXT, scope));
  const print = type === 'jsonb' ? formatJsonb : (node: JsonNode): string => node.raw;
  return mapAll(asText ? TEXT : args[0]!.type, [args[0]!, ...steps], at, ([node, ...path]) => {
    const found = jsonPath(node as JsonNode, path as string[]);
    return found !== null && asText ? jsonText(found, print) : found;
  });
}

/** A call by its unqualified name; throws where no such function takes these arguments, or none is known here. */
export function compileFunction(name: string, args: readonly Expr[], scope: Scope, at: number): Expr {
  const special = own(SPECIAL, name)?.(args, scope, at);
  if (special) return special;
  const overloads = FUNCTIONS.filter((overload) => overload.name === name);
  if (overloads.length === 0 && !own(SPECIAL, name)) throw unknownFunction(name, scope, at);
  const chosen = choose(overloads, args.map((arg) => arg.type));
  if (!chosen) {
    throw scope.source.fail('where.type', `function ${name}(${args.map((arg) => typeText(arg.type)).join(', ')}) does not exist`, at, 'add explicit casts');
  }
  const typed = args.map((arg, i) => coerce(arg, sqlType(chosen.args[i]!), scope));
  const call: Call = { scope, collation: args.find((arg) => arg.collation !== undefined)?.collation };
  return mapAll(chosen.result === 'numeric' ? NUMERIC : sqlType(chosen.result), typed, at, (values) => chosen.compute(values, call));
}

/** As func_select_candidate(): all arguments must fit, and the more that fit exactly, the better. */
function choose(overloads: readonly FunctionRow[], types: readonly SqlType[]): FunctionRow | undefined {
  let best: FunctionRow | undefined;
  let bestExact = -1;
  for (const overload of overloads) {
    if (overload.args.length !== types.length) continue;
    if (!types.every((type, i) => isImplicitCast(type, sqlType(overload.args[i]!)))) continue;
    const exact = types.filter((type, i) => sameType(type, sqlType(overload.args[i]!))).length;
    if (exact > bestExact) {
      best = overload;
      bestExact = exact;
    }
  }
  return best;
}

function unknownFunction(name: string, scope: Scope, at: number): Error {
  if (VOLATILE.has(name)) {
    return scope.source.fail('where.unsupported', `${name}() depends on the moment of asking, and is not supported in --where`, at, 'write the value itself');
  }
  return scope.source.fail('where.unsupported', `the function ${name}() is not supported in --where`, at);
}
