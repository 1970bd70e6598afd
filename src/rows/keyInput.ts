/**
 * From text to the plain bytes of a value (see compare.ts), for searching an index: what the input functions of utils/adt make of
 * the forms that output functions print (and people type), PG 13–18.
 */
import { parsePgLsn } from '../util/lsn.js';
import { civilFromDays, daysFromCivil, PG_EPOCH_UNIX_SECONDS, TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY, USECS_PER_DAY } from '../util/pgTime.js';
import { readBits, readInet, readMac } from './keyInputNetwork.js';
import { timeZone, type TimeZone } from '../util/timeZone.js';
import type { RegKind } from './types/typeInfo.js';

/** What reading depends on beside the text. */
export interface KeyContext {
  /** For a timestamptz without a zone of its own. */
  zone: TimeZone;
  /** Text in the database's encoding; default UTF-8. */
  encodeText?: (text: string) => Uint8Array;
  /** pg_enum: the OID of a label of the column's type. */
  enumLabelOid?: (label: string) => number | undefined;
  /** The OID of an object that a reg* type's output function prints so. */
  regOid?: (kind: RegKind, text: string) => number | undefined;
}

type Reader = (text: string, context: KeyContext) => Uint8Array | undefined;

function bytesOf(size: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size);
  write(new DataView(bytes.buffer));
  return bytes;
}

/** An integer of `size` bytes between two bounds. */
function integerReader(size: 2 | 4 | 8, min: bigint, max: bigint): Reader {
  return (text) => {
    if (!/^\s*[+-]?\d+\s*$/.test(text)) return undefined;
    const value = BigInt(text.trim().replace('+', ''));
    if (value < min || value > max) return undefined;
    return bytesOf(8, (view) => view.setBigInt64(0, BigInt.asIntN(64, value), true)).subarray(0, size);
  };
}

function readFloat(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^[+-]?inf(inity)?$/i.test(trimmed)) return trimmed.startsWith('-') ? -Infinity : Infinity;
  if (/^nan$/i.test(trimmed)) return NaN;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : undefined;
}

/** numeric in its long form; its scale does not count when values are compared. */
function readNumeric(text: string): Uint8Array | undefined {
  const trimmed = text.trim();
  const special = /^([+-]?)inf(?:inity)?$/i.exec(trimmed);
  if (special) return bytesOf(2, (view) => view.setUint16(0, special[1] === '-' ? 0xf000 : 0xd000, true));
  if (/^nan$/i.test(trimmed)) return bytesOf(2, (view) => view.setUint16(0, 0xc000, true));
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d{1,6}))?$/i.exec(trimmed);
  if (!match || (match[2] === '' && (match[3] ?? '') === '')) return undefined;
  let digits = match[2]! + (match[3] ?? '');
  let point = match[2]!.length + Number(match[4] ?? 0);
  if (Math.abs(point) > 140_000) return undefined;
  // align the decimal point to groups of four digits
  const lead = ((-point % 4) + 4) % 4;
  digits = '0'.repeat(lead) + digits;
  point += lead;
  digits = digits.padEnd(Math.ceil(digits.length / 4) * 4, '0');
  const groups = (digits.match(/.{4}/g) ?? []).map(Number);
  let weight = point / 4 - 1;
  while (groups[0] === 0) {
    groups.shift();
    weight--;
  }
  while (groups.at(-1) === 0) groups.pop();
  const isNegative = match[1] === '-' && groups.length > 0;
  return bytesOf(4 + groups.length * 2, (view) => {
    view.setUint16(0, isNegative ? 0x4000 : 0, true);
    view.setInt16(2, groups.length === 0 ? 0 : weight, true);
    groups.forEach((group, i) => view.setUint16(4 + i * 2, group, true));
  });
}

const DATE = String.raw`(\d{4,7})-(\d{1,2})-(\d{1,2})`;
const TIME = String.raw`(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?`;
const ZONE = String.raw`(?:\s*([+-]\d\d(?::?\d\d(?::?\d\d)?)?|Z)|\s+([A-Za-z_]+/[A-Za-z_/+-]+|UTC|GMT))?`;
const TIMESTAMP = new RegExp(`^\\s*${DATE}(?:[T ]\\s*${TIME})?${ZONE}(\\s+BC)?\\s*$`, 'i');
const TIME_ALONE = new RegExp(`^\\s*${TIME}\\s*$`);

/** Days since 2000-01-01 of a calendar day that exists. */
function readDays(year: string, month: string, day: string, isBc: boolean): number | undefined {
  const y = isBc ? 1 - Number(year) : Number(year);
  const days = daysFromCivil(y, Number(month), Number(day));
  const back = civilFromDays(days);
  return back.month === Number(month) && back.day === Number(day) ? days : undefined;
}

/** Microseconds of a day, 24:00:00 included. */
function readTimeOfDay(hour = '0', minute = '0', second = '0', fraction = ''): number | undefined {
  const micros = ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1_000_000 + Number(fraction.padEnd(6, '0'));
  return Number(minute) > 59 || Number(second) > 60 || micros > USECS_PER_DAY ? undefined : micros;
}

function infinity(text: string): 1 | -1 | undefined {
  const match = /^\s*([+-]?)infinity\s*$/i.exec(text);
  return match ? (match[1] === '-' ? -1 : 1) : undefined;
}

/** Local microseconds since 2000-01-01, and the zone that the text names. */
function readTimestamp(text: string): { micros: bigint; zone: string | undefined } | undefined {
  const match = TIMESTAMP.exec(text);
  if (!match) return undefined;
  const days = readDays(match[1]!, match[2]!, match[3]!, match[10] !== undefined);
  const time = readTimeOfDay(match[4], match[5], match[6], match[7]);
  if (days === undefined || time === undefined) return undefined;
  return { micros: BigInt(days) * BigInt(USECS_PER_DAY) + BigInt(time), zone: match[8] ?? match[9] };
}

const int64 = (value: bigint): Uint8Array => bytesOf(8, (view) => view.setBigInt64(0, value, true));

function readTimestamptz(text: string, context: KeyContext): Uint8Array | undefined {
  const sign = infinity(text);
  if (sign) return int64(sign > 0 ? TIMESTAMP_INFINITY : TIMESTAMP_MINUS_INFINITY);
  const local = readTimestamp(text);
  const zone = local?.zone === undefined ? context.zone : timeZone(local.zone);
  if (!local || !zone) return undefined;
  const offset = zone.offsetOfLocal(Number(local.micros / 1_000_000n) + PG_EPOCH_UNIX_SECONDS);
  return int64(local.micros - BigInt(offset) * 1_000_000n);
}

function readLocalTimestamp(text: string): Uint8Array | undefined {
  const sign = infinity(text);
  if (sign) return int64(sign > 0 ? TIMESTAMP_INFINITY : TIMESTAMP_MINUS_INFINITY);
  const local = readTimestamp(text);
  return local && int64(local.micros);
}

function readDate(text: string): Uint8Array | undefined {
  const sign = infinity(text);
  const match = TIMESTAMP.exec(text);
  const days = sign ? (sign > 0 ? 0x7fff_ffff : -0x8000_0000) : match ? readDays(match[1]!, match[2]!, match[3]!, match[10] !== undefined) : undefined;
  return days === undefined ? undefined : bytesOf(4, (view) => view.setInt32(0, days, true));
}

function readTime(text: string): Uint8Array | undefined {
  const match = TIME_ALONE.exec(text);
  const micros = match ? readTimeOfDay(match[1], match[2], match[3], match[4]) : undefined;
  return micros === undefined ? undefined : int64(BigInt(micros));
}

/** The time of day, then the zone in seconds west of UTC. */
function readTimetz(text: string): Uint8Array | undefined {
  const match = new RegExp(`^\\s*${TIME}\\s*([+-])(\\d\\d)(?::?(\\d\\d))?(?::?(\\d\\d))?\\s*$`).exec(text);
  const micros = match ? readTimeOfDay(match[1], match[2], match[3], match[4]) : undefined;
  if (!match || micros === undefined) return undefined;
  const seconds = (Number(match[6]) * 60 + Number(match[7] ?? 0)) * 60 + Number(match[8] ?? 0);
  return bytesOf(12, (view) => {
    view.setBigInt64(0, BigInt(micros), true);
    view.setInt32(8, match[5] === '+' ? -seconds : seconds, true);
  });
}

const INTERVAL_PART = /^\s*([+-]?\d+)\s*(year|mon|month|week|day|hour|minute|second)s?(?![a-z])/i;
const INTERVAL_TIME = /^\s*([+-]?)(\d+):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?\s*$/;

/** As interval_out() prints it: whole units, then hours, minutes and seconds. */
function readInterval(text: string): Uint8Array | undefined {
  const sign = infinity(text);
  const parts = { months: 0, days: 0, micros: 0n };
  let rest = sign ? '' : text;
  for (let part = INTERVAL_PART.exec(rest); part; part = INTERVAL_PART.exec(rest)) {
    const [count, unit] = [Number(part[1]), part[2]!.toLowerCase()];
    if (unit === 'year') parts.months += count * 12;
    else if (unit.startsWith('mon')) parts.months += count;
    else if (unit === 'week' || unit === 'day') parts.days += unit === 'week' ? count * 7 : count;
    else parts.micros += BigInt(part[1]!) * { hour: 3_600_000_000n, minute: 60_000_000n, second: 1_000_000n }[unit as 'hour' | 'minute' | 'second'];
    rest = rest.slice(part[0].length);
  }
  const time = INTERVAL_TIME.exec(rest);
  if (time) {
    const micros = ((BigInt(time[2]!) * 60n + BigInt(time[3]!)) * 60n + BigInt(time[4] ?? 0)) * 1_000_000n + BigInt((time[5] ?? '').padEnd(6, '0'));
    parts.micros += time[1] === '-' ? -micros : micros;
  } else if (rest.trim() !== '' || text.trim() === '') return undefined;
  const [days, months] = sign ? (sign > 0 ? [0x7fff_ffff, 0x7fff_ffff] : [-0x8000_0000, -0x8000_0000]) : [parts.days, parts.months];
  return bytesOf(16, (view) => {
    view.setBigInt64(0, sign ? (sign > 0 ? TIMESTAMP_INFINITY : TIMESTAMP_MINUS_INFINITY) : parts.micros, true);
    view.setInt32(8, days, true);
    view.setInt32(12, months, true);
  });
}

/** A block, as two halves, and an offset. */
function readTid(text: string): Uint8Array | undefined {
  const match = /^\s*\(\s*(\d{1,10})\s*,\s*(\d{1,5})\s*\)\s*$/.exec(text);
  return match ? bytesOf(6, (view) => [Math.floor(Number(match[1]) / 0x1_0000), Number(match[1]) & 0xffff, Number(match[2])].forEach((half, i) => view.setUint16(i * 2, half, true))) : undefined;
}

/** Dollars and cents, as the C locale writes them. */
function readMoney(text: string): Uint8Array | undefined {
  const match = /^(-?)\$?([\d,]+)\.(\d\d)$/.exec(text.trim());
  if (!match) return undefined;
  const cents = BigInt(match[2]!.replaceAll(',', '') + match[3]!);
  return int64(match[1] === '-' ? -cents : cents);
}

/** An array of one dimension from 0, behind its length word. */
function readOidVector(text: string): Uint8Array | undefined {
  const OIDOID = 26;
  const oids = text.trim() === '' ? [] : text.trim().split(/\s+/);
  if (!oids.every((oid) => /^\d{1,10}$/.test(oid))) return undefined;
  return bytesOf(20 + oids.length * 4, (view) => [1, 0, OIDOID, oids.length, 0, ...oids.map(Number)].forEach((word, i) => view.setUint32(i * 4, word, true)));
}

function readHex(text: string): Uint8Array | undefined {
  return text.length % 2 === 0 && /^[0-9a-f]*$/i.test(text) ? new Uint8Array(Buffer.from(text, 'hex')) : undefined;
}

function readBool(text: string): Uint8Array | undefined {
  const word = text.trim().toLowerCase();
  const isPrefix = (name: string, least: number): boolean => word.length >= least && name.startsWith(word);
  if (word === '1' || word === 'on' || isPrefix('true', 1) || isPrefix('yes', 1)) return Uint8Array.of(1);
  return word === '0' || isPrefix('off', 2) || isPrefix('false', 1) || isPrefix('no', 1) ? Uint8Array.of(0) : undefined;
}

const utf8 = new TextEncoder();
const readText: Reader = (text, context) => (context.encodeText ? context.encodeText(text) : utf8.encode(text));

const oidReader = integerReader(4, 0n, 0xffff_ffffn);

/** A reg* type: digits, its sign for 0, or a name. */
function regReader(kind: RegKind): Reader {
  return (text, context) => {
    if (text === '-') return oidReader('0', context);
    const oid = /^\d+$/.test(text) ? undefined : context.regOid?.(kind, text);
    return oidReader(oid === undefined ? text : String(oid), context);
  };
}

/** By the C symbol of the type's output function, as TypeInfo.typoutput has it. */
const READERS: Readonly<Record<string, Reader>> = {
  boolout: readBool,
  int2out: integerReader(2, -0x8000n, 0x7fffn),
  int4out: integerReader(4, -0x8000_0000n, 0x7fff_ffffn),
  int8out: integerReader(8, -0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn),
  oidout: oidReader,
  xidout: oidReader,
  cidout: oidReader,
  regclassout: regReader('regclass'), regprocout: regReader('regproc'), regprocedureout: regReader('regprocedure'), regoperout: regReader('regoper'),
  regoperatorout: regReader('regoperator'), regtypeout: regReader('regtype'), regroleout: regReader('regrole'), regnamespaceout: regReader('regnamespace'),
  regcollationout: regReader('regcollation'), regconfigout: regReader('regconfig'), regdictionaryout: regReader('regdictionary'),
  xid8out: integerReader(8, 0n, 0xffff_ffff_ffff_ffffn),
  float4out: (text) => {
    const value = readFloat(text);
    return value === undefined ? undefined : bytesOf(4, (view) => view.setFloat32(0, value, true));
  },
  float8out: (text) => {
    const value = readFloat(text);
    return value === undefined ? undefined : bytesOf(8, (view) => view.setFloat64(0, value, true));
  },
  numeric_out: readNumeric,
  textout: readText,
  varcharout: readText,
  bpcharout: readText,
  nameout: readText,
  charout: (text, context) => (text === '' ? Uint8Array.of(0) : /^\\[0-7]{3}$/.test(text) ? Uint8Array.of(parseInt(text.slice(1), 8)) : readText(text, context)!.subarray(0, 1)),
  byteaout: (text) => (/^\\x/i.test(text) ? readHex(text.slice(2)) : undefined),
  uuid_out: (text) => {
    const hex = text.trim().replace(/^\{(.*)\}$/, '$1').replaceAll('-', '');
    return hex.length === 32 ? readHex(hex) : undefined;
  },
  date_out: readDate,
  time_out: readTime,
  timestamp_out: readLocalTimestamp,
  timestamptz_out: readTimestamptz,
  pg_lsn_out: (text) => {
    const lsn = parsePgLsn(text);
    return lsn === undefined ? undefined : int64(BigInt.asIntN(64, lsn));
  },
  timetz_out: readTimetz,
  interval_out: readInterval,
  tidout: readTid,
  cash_out: readMoney,
  oidvectorout: readOidVector,
  inet_out: readInet,
  cidr_out: readInet,
  macaddr_out: readMac(6),
  macaddr8_out: readMac(8),
  bit_out: readBits,
  varbit_out: readBits,
  enum_out: (text, context) => {
    const oid = context.enumLabelOid?.(text);
    return oid === undefined ? undefined : bytesOf(4, (view) => view.setUint32(0, oid, true));
  },
};

/** True where keys of the type can be read from text; otherwise the caller has to scan. */
export function canReadKey(typoutput: string): boolean {
  return Object.hasOwn(READERS, typoutput);
}

/** The plain bytes of a value given as text, for a type that canReadKey() says yes to; undefined where the text is no value of the type. */
export function readKey(typoutput: string, text: string, context: KeyContext): Uint8Array | undefined {
  return READERS[typoutput]!(text, context);
}
