/**
 * date, time, timetz, timestamp and timestamptz as values: reading, printing, comparing, and their arithmetic.
 * Timestamps are microseconds since 2000-01-01 as bigint, dates are days since then. Follows utils/adt/{datetime,date,timestamp}.c, PG 13–18.
 */
import {
  civilFromDays, daysFromCivil, formatDate, formatTimeOfDay, formatTimestamp, formatTimestamptz, formatZoneOffset, PG_EPOCH_UNIX_SECONDS,
  TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY,
} from '../../util/pgTime.js';
import { timeZone, type TimeZone } from '../../util/timeZone.js';
import { intervalOfMicros, isInfiniteInterval, MICROS_PER_DAY, MICROS_PER_SECOND, type Interval } from './interval.js';
import { ValueError } from './source.js';

/** timetz: microseconds of the local day, and seconds east of UTC. */
export interface TimeTz {
  readonly micros: bigint;
  readonly offset: number;
}

interface ParsedDatetime {
  /** Days since 2000-01-01; ±Infinity for the infinities. */
  days: number;
  micros: bigint;
  /** How to get from local time to UTC where the text says it. */
  zone: TimeZone | undefined;
  hasTime: boolean;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH = '(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*';
const DATE_FORMS: readonly { form: RegExp; order: readonly ['y' | 'm' | 'd', 'y' | 'm' | 'd', 'y' | 'm' | 'd'] }[] = [
  { form: /^(\d{4,7})-(\d{1,2})-(\d{1,2})(?!\d)/, order: ['y', 'm', 'd'] },
  { form: /^(\d{4})\/(\d{1,2})\/(\d{1,2})(?!\d)/, order: ['y', 'm', 'd'] },
  { form: /^(\d{4})(\d\d)(\d\d)(?!\d)/, order: ['y', 'm', 'd'] },
  { form: new RegExp(`^${MONTH}[ -]+(\\d{1,2})(?:,? +|-)(\\d{4})(?!\\d)`, 'i'), order: ['m', 'd', 'y'] },
  { form: new RegExp(`^(\\d{1,2})[ -]+${MONTH}[ -]+(\\d{4})(?!\\d)`, 'i'), order: ['d', 'm', 'y'] },
  { form: new RegExp(`^(\\d{4})-${MONTH}-(\\d{1,2})(?!\\d)`, 'i'), order: ['y', 'm', 'd'] },
];
const TIME_FORM = /^(?:T|\s+|^)(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d*))?)?(?:\s*(am|pm)\b)?/i;
const ZONE_FORM = /^\s*([+-]\d{1,2}(?::?\d\d(?::?\d\d)?)?|[A-Za-z][A-Za-z0-9_/+-]*)/;

/** Words that PostgreSQL resolves against the clock: they have no meaning in a question about the past. */
const CLOCK_WORDS = /^\s*(now|today|tomorrow|yesterday|allballs)\b/i;

function invalid(type: string, text: string): ValueError {
  return new ValueError(`invalid input syntax for type ${type}: "${text}"`);
}

function outOfRange(text: string): ValueError {
  return new ValueError(`date/time field value out of range: "${text}"`);
}

/** DecodeDateTime() for ISO and month-name forms; the order of DateStyle is not guessed. */
function parseDatetime(text: string, type: string): ParsedDatetime {
  let rest = text.trim();
  if (/^[+]?infinity$/i.test(rest)) return { days: Infinity, micros: 0n, zone: undefined, hasTime: false };
  if (/^-infinity$/i.test(rest)) return { days: -Infinity, micros: 0n, zone: undefined, hasTime: false };
  if (/^epoch$/i.test(rest)) return { days: daysFromCivil(1970, 1, 1), micros: 0n, zone: timeZone('UTC'), hasTime: false };
  if (CLOCK_WORDS.test(rest)) throw new ValueError(`"${text}" depends on the clock; write the moment itself`);
  const isBc = /\s+bc$/i.test(rest);
  rest = rest.replace(/\s+(bc|ad)$/i, '').replace(/^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+/i, '');
  const date = matchDate(rest);
  if (!date) throw invalid(type, text);
  rest = rest.slice(date.length);
  const days = civilDays(isBc ? 1 - date.year : date.year, date.month, date.day);
  if (days === undefined || (isBc && date.year < 1)) throw outOfRange(text);
  const time = TIME_FORM.exec(rest);
  let micros = 0n;
  if (time) {
    micros = clockMicros(time, text);
    rest = rest.slice(time[0].length);
  }
  return { days, micros, zone: takeZone(rest, text, type), hasTime: time !== null };
}

function matchDate(text: string): { year: number; month: number; day: number; length: number } | undefined {
  for (const { form, order } of DATE_FORMS) {
    const match = form.exec(text);
    if (!match) continue;
    const part = (name: 'y' | 'm' | 'd'): string => match[order.indexOf(name) + 1]!;
    const month = /^\d/.test(part('m')) ? Number(part('m')) : MONTHS.indexOf(part('m').slice(0, 3).toLowerCase()) + 1;
    return { year: Number(part('y')), month, day: Number(part('d')), length: match[0].length };
  }
  return undefined;
}

function civilDays(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > 31) return undefined;
  const days = daysFromCivil(year, month, day);
  return civilFromDays(days).day === day ? days : undefined;
}

function clockMicros(match: RegExpExecArray, text: string): bigint {
  const [, hourText, minute, second = '0', fraction = '', half] = match;
  let hour = Number(hourText);
  if (half) {
    if (hour > 12) throw outOfRange(text);
    hour = (hour % 12) + (half.toLowerCase() === 'pm' ? 12 : 0);
  }
  if (hour > 24 || Number(minute) > 59 || Number(second) > 60) throw outOfRange(text);
  const micros = BigInt((hour * 60 + Number(minute)) * 60 + Number(second)) * MICROS_PER_SECOND + BigInt(Math.round(Number(`0.${fraction || '0'}`) * 1_000_000));
  if (micros > MICROS_PER_DAY) throw outOfRange(text);
  return micros;
}

function takeZone(rest: string, text: string, type: string): TimeZone | undefined {
  if (rest.trim() === '') return undefined;
  const match = ZONE_FORM.exec(rest);
  if (!match || rest.slice(match[0].length).trim() !== '') throw invalid(type, text);
  return zoneNamed(match[1]!, text);
}

/** The zone of a name or an ISO offset. Throws ValueError. */
export function zoneNamed(name: string, text = name): TimeZone {
  const zone = timeZone(name);
  if (!zone) throw new ValueError(`time zone "${name}" not recognized${text === name ? '' : ` in "${text}"`}`);
  return zone;
}

/** The number that `length` digits from `at` on spell, or NaN. */
function digitsAt(text: string, at: number, length: number): number {
  let value = 0;
  for (let i = at; i < at + length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** `2026-04-06` at the text's start, as output functions print it: days since 2000-01-01, or undefined for any other form. */
function plainDate(text: string): number | undefined {
  if (text[4] !== '-' || text[7] !== '-') return undefined;
  const year = digitsAt(text, 0, 4), month = digitsAt(text, 5, 2), day = digitsAt(text, 8, 2);
  return year > 0 && month > 0 && day > 0 ? civilDays(year, month, day) : undefined;
}

/** `2026-04-06 10:00:00.123456`, then `zone` alone: the local microseconds; undefined for any other form. */
function plainTimestamp(text: string, zone: string): bigint | undefined {
  const end = text.length - zone.length;
  if (end < 19 || end > 26 || text[10] !== ' ' || text[13] !== ':' || text[16] !== ':' || !text.endsWith(zone)) return undefined;
  const days = plainDate(text);
  const hour = digitsAt(text, 11, 2), minute = digitsAt(text, 14, 2), second = digitsAt(text, 17, 2);
  const fraction = end === 19 ? 0 : text[19] === '.' ? digitsAt(text, 20, end - 20) * 10 ** (26 - end) : NaN;
  if (days === undefined || !(hour < 24 && minute < 60 && second < 60 && fraction < 1_000_000)) return undefined;
  const seconds = days * 86_400 + (hour * 60 + minute) * 60 + second;
  return BigInt(seconds) * MICROS_PER_SECOND + BigInt(fraction);
}

/** date_in(): days since 2000-01-01, ±Infinity for the infinities. */
export function parseDate(text: string): number {
  const plain = text.length === 10 ? plainDate(text) : undefined;
  if (plain !== undefined) return plain;
  const { days } = parseDatetime(text, 'date');
  return Number.isFinite(days) ? checkDate(days) : days;
}

/** timestamp_in(): a zone in the text is ignored, as PostgreSQL does. */
export function parseTimestamp(text: string): bigint {
  const plain = plainTimestamp(text, '');
  if (plain !== undefined) return plain;
  const { days, micros } = parseDatetime(text, 'timestamp');
  return timestampOf(days, micros);
}

/** timestamptz_in(): without a zone in the text, `defaultZone` holds. */
export function parseTimestamptz(text: string, defaultZone: TimeZone): bigint {
  const plain = plainTimestamp(text, '+00');
  if (plain !== undefined) return plain;
  const { days, micros, zone } = parseDatetime(text, 'timestamp with time zone');
  return localToUtc(timestampOf(days, micros), zone ?? defaultZone);
}

function timestampOf(days: number, micros: bigint): bigint {
  if (!Number.isFinite(days)) return days > 0 ? TIMESTAMP_INFINITY : TIMESTAMP_MINUS_INFINITY;
  return checkTimestamp(BigInt(days) * MICROS_PER_DAY + micros);
}

/** IS_VALID_TIMESTAMP(): 4714-11-24 BC to 294276 AD. */
function checkTimestamp(micros: bigint): bigint {
  if (micros < -211_813_488_000_000_000n || micros >= 9_223_371_331_200_000_000n) throw new ValueError('timestamp out of range');
  return micros;
}

/** IS_VALID_DATE(), for a finite date. */
export function checkDate(days: number): number {
  if (days < -2_451_545 || days >= 2_145_031_949) throw new ValueError('date out of range');
  return days;
}

export function isInfiniteTimestamp(micros: bigint): boolean {
  return micros === TIMESTAMP_INFINITY || micros === TIMESTAMP_MINUS_INFINITY;
}

/** time_in(): a date before it is read and left out. */
export function parseTime(text: string): bigint {
  const match = TIME_FORM.exec(text.trim());
  if (!match) {
    const whole = parseDatetime(text, 'time');
    if (!whole.hasTime) throw invalid('time', text);
    return whole.micros;
  }
  takeZone(text.trim().slice(match[0].length), text, 'time');
  return clockMicros(match, text);
}

/** timetz_in(): named zones need a date, so only those with a fixed offset are taken; without one, `defaultZone` holds as of 2000. */
export function parseTimeTz(text: string, defaultZone: TimeZone): TimeTz {
  const match = TIME_FORM.exec(text.trim());
  if (!match) throw invalid('time with time zone', text);
  const zone = takeZone(text.trim().slice(match[0].length), text, 'time with time zone') ?? defaultZone;
  return { micros: clockMicros(match, text), offset: zone.offsetAt(PG_EPOCH_UNIX_SECONDS) };
}

/** timetz_cmp_internal(): by the instant, then by the zone. */
export function compareTimeTz(a: TimeTz, b: TimeTz): number {
  const x = a.micros - BigInt(a.offset) * MICROS_PER_SECOND, y = b.micros - BigInt(b.offset) * MICROS_PER_SECOND;
  return x < y ? -1 : x > y ? 1 : b.offset - a.offset;
}

export function formatTimeTz(a: TimeTz): string {
  return formatTimeOfDay(Number(a.micros)) + formatZoneOffset(a.offset);
}

export function formatDateValue(days: number): string {
  return Number.isFinite(days) ? formatDate(days) : days > 0 ? 'infinity' : '-infinity';
}

export { formatTimestamp, formatTimestamptz };

function floorDivide(a: bigint, b: bigint): bigint {
  const q = a / b;
  return a < 0n && q * b !== a ? q - 1n : q;
}

/** timestamp2timestamptz() */
export function localToUtc(local: bigint, zone: TimeZone): bigint {
  if (isInfiniteTimestamp(local)) return local;
  const seconds = Number(floorDivide(local, MICROS_PER_SECOND)) + PG_EPOCH_UNIX_SECONDS;
  return local - BigInt(zone.offsetOfLocal(seconds)) * MICROS_PER_SECOND;
}

/** timestamptz2timestamp() */
export function utcToLocal(micros: bigint, zone: TimeZone): bigint {
  if (isInfiniteTimestamp(micros)) return micros;
  const seconds = Number(floorDivide(micros, MICROS_PER_SECOND)) + PG_EPOCH_UNIX_SECONDS;
  return micros + BigInt(zone.offsetAt(seconds)) * MICROS_PER_SECOND;
}

export function dateToTimestamp(days: number): bigint {
  return timestampOf(days, 0n);
}

/** The day of a timestamp, days since 2000, infinities kept: timestamp2date_opt_overflow(), utils/adt/date.c. */
export function timestampToDate(micros: bigint): number {
  if (isInfiniteTimestamp(micros)) return micros > 0n ? Infinity : -Infinity;
  return Number(floorDivide(micros, MICROS_PER_DAY));
}

/** The time of day of a finite timestamp. */
export function timeOfDay(micros: bigint): bigint {
  return micros - floorDivide(micros, MICROS_PER_DAY) * MICROS_PER_DAY;
}

/** timestamp_pl_interval(): months first, held to the month's last day, then days, then the time. */
export function addToTimestamp(micros: bigint, span: Interval): bigint {
  if (isInfiniteTimestamp(micros) || isInfiniteInterval(span)) return addInfinite(micros, span);
  let days = timestampToDate(micros);
  const ofDay = timeOfDay(micros);
  if (span.months !== 0) {
    const { year, month, day } = civilFromDays(days);
    const total = year * 12 + month - 1 + span.months;
    const newYear = Math.floor(total / 12), newMonth = total - newYear * 12 + 1;
    const lastDay = civilFromDays(daysFromCivil(newMonth === 12 ? newYear + 1 : newYear, newMonth === 12 ? 1 : newMonth + 1, 1) - 1).day;
    days = daysFromCivil(newYear, newMonth, Math.min(day, lastDay));
  }
  return checkTimestamp(BigInt(days + span.days) * MICROS_PER_DAY + ofDay + span.micros);
}

function addInfinite(micros: bigint, span: Interval): bigint {
  if (!isInfiniteInterval(span)) return micros;
  const sum = span.months > 0 ? TIMESTAMP_INFINITY : TIMESTAMP_MINUS_INFINITY;
  if (isInfiniteTimestamp(micros) && micros !== sum) throw new ValueError('timestamp out of range');
  return sum;
}

/** timestamptz_pl_interval(): months and days are counted in local time, the time in real time. */
export function addToTimestamptz(micros: bigint, span: Interval, zone: TimeZone): bigint {
  if (isInfiniteTimestamp(micros) || isInfiniteInterval(span)) return addInfinite(micros, span);
  if (span.months === 0 && span.days === 0) return checkTimestamp(micros + span.micros);
  const moved = localToUtc(addToTimestamp(utcToLocal(micros, zone), { ...span, micros: 0n }), zone);
  return checkTimestamp(moved + span.micros);
}

/** timestamp_mi() */
export function subtractTimestamps(a: bigint, b: bigint): Interval {
  if (!isInfiniteTimestamp(a) && !isInfiniteTimestamp(b)) return intervalOfMicros(a - b);
  if (a === b) throw new ValueError('interval out of range');
  const sign = isInfiniteTimestamp(a) ? (a > 0n ? 1 : -1) : b > 0n ? -1 : 1;
  return { months: sign * Infinity, days: 0, micros: 0n };
}

/** time_pl_interval(): only the time part counts, modulo a day. */
export function addToTime(micros: bigint, span: Interval): bigint {
  if (isInfiniteInterval(span)) throw new ValueError('cannot add infinite interval to time');
  const sum = (micros + span.micros) % MICROS_PER_DAY;
  return sum < 0n ? sum + MICROS_PER_DAY : sum;
}
