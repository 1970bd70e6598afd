/**
 * PostgreSQL's timestamps: microseconds since 2000-01-01 00:00:00 UTC (proleptic Gregorian), printed with DateStyle ISO and read in ISO forms.
 * Follows j2date(), date2j(), EncodeDateTime() and EncodeTimezone(), utils/adt/datetime.c, PG 13–18.
 */
import { timeZone, type TimeZone } from './timeZone.js';

export const USECS_PER_SEC = 1_000_000;
export const SECS_PER_DAY = 86_400;
export const USECS_PER_DAY = 86_400_000_000;
/** Days from 1970-01-01 to 2000-01-01. */
export const EPOCH_DAYS = 10_957;
/** Unix seconds of PostgreSQL's epoch. */
export const PG_EPOCH_UNIX_SECONDS = EPOCH_DAYS * SECS_PER_DAY;

/** timestamp 'infinity' and '-infinity' (DT_NOEND, DT_NOBEGIN). */
export const TIMESTAMP_INFINITY = 0x7fff_ffff_ffff_ffffn;
export const TIMESTAMP_MINUS_INFINITY = -0x8000_0000_0000_0000n;

/** '00' … '99': two digits without padding work per value. */
export const TWO_DIGITS: readonly string[] = Array.from({ length: 100 }, (_, n) => (n < 10 ? `0${n}` : `${n}`));

export interface CivilDate {
  /** Astronomical: 0 is 1 BC. */
  year: number;
  month: number;
  day: number;
}

/** The calendar day `days` after 2000-01-01. Exact for PostgreSQL's whole range of dates. */
export function civilFromDays(days: number): CivilDate {
  // Counted from 1 March of year 0 in 400-year eras, so that the leap day comes last in a year.
  const z = days + 730_425;
  const era = Math.floor(z / 146_097);
  const doe = z - era * 146_097;
  const yoe = Math.floor((doe - Math.floor(doe / 1460) + Math.floor(doe / 36_524) - Math.floor(doe / 146_096)) / 365);
  const doy = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100));
  const mp = Math.floor((5 * doy + 2) / 153);
  const month = mp < 10 ? mp + 3 : mp - 9;
  return { year: yoe + era * 400 + (month <= 2 ? 1 : 0), month, day: doy - Math.floor((153 * mp + 2) / 5) + 1 };
}

/** Days from 2000-01-01 to a calendar day; `month` 1–12, `year` astronomical. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yoe = y - era * 400;
  const doy = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return era * 146_097 + yoe * 365 + Math.floor(yoe / 4) - Math.floor(yoe / 100) + doy - 730_425;
}

let lastDays = NaN;
let lastDate = '';
let lastIsBc = false;

/** Keeps the last day's text, since neighbouring rows often share a day. */
function dateText(days: number): string {
  if (days !== lastDays) {
    const { year, month, day } = civilFromDays(days);
    lastIsBc = year <= 0;
    const shown = lastIsBc ? 1 - year : year;
    lastDate = `${shown < 1000 ? String(shown).padStart(4, '0') : shown}-${TWO_DIGITS[month]!}-${TWO_DIGITS[day]!}`;
    lastDays = days;
  }
  return lastDate;
}

/** EncodeDateOnly() in ISO style: `2026-04-06`, `0044-03-15 BC`. `days` since 2000-01-01, finite. */
export function formatDate(days: number): string {
  const text = dateText(days);
  return lastIsBc ? `${text} BC` : text;
}

/** The time of day, `10:00:00[.123456]` without trailing zeros; `micros` from 0 to 86,400,000,000 (24:00:00). */
export function formatTimeOfDay(micros: number): string {
  const seconds = Math.floor(micros / USECS_PER_SEC);
  const fraction = micros - seconds * USECS_PER_SEC;
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const text = `${TWO_DIGITS[hours]!}:${TWO_DIGITS[minutes - hours * 60]!}:${TWO_DIGITS[seconds - minutes * 60]!}`;
  return fraction === 0 ? text : text + formatFraction(fraction);
}

/** `.123456` without trailing zeros, of 1 … 999,999 microseconds. */
export function formatFraction(micros: number): string {
  let digits = micros;
  let width = 6;
  while (digits % 10 === 0) {
    digits /= 10;
    width--;
  }
  return `.${String(digits).padStart(width, '0')}`;
}

/** EncodeTimezone() in ISO style: `+02`, `-03:30`, `+00:53:28`; `offset` in seconds east of UTC. */
export function formatZoneOffset(offset: number): string {
  const sign = offset < 0 ? '-' : '+';
  const total = Math.abs(offset);
  const seconds = total % 60;
  const minutes = Math.floor(total / 60) % 60;
  const hours = TWO_DIGITS[Math.floor(total / 3600)]!;
  if (seconds !== 0) return `${sign}${hours}:${TWO_DIGITS[minutes]!}:${TWO_DIGITS[seconds]!}`;
  return minutes !== 0 ? `${sign}${hours}:${TWO_DIGITS[minutes]!}` : sign + hours;
}

/** A timestamp given as days since 2000-01-01 and microseconds of that day, as local time without a zone. */
export function formatDayAndTime(days: number, micros: number, zoneSuffix = ''): string {
  const date = dateText(days);
  return lastIsBc ? `${date} ${formatTimeOfDay(micros)}${zoneSuffix} BC` : `${date} ${formatTimeOfDay(micros)}${zoneSuffix}`;
}

/** As formatDayAndTime(), moved from UTC into `zone` and with its offset appended. */
export function formatDayAndTimeInZone(days: number, micros: number, zone: TimeZone): string {
  if (zone.isUtc) return formatDayAndTime(days, micros, '+00');
  const offset = zone.offsetAt((days + EPOCH_DAYS) * SECS_PER_DAY + Math.floor(micros / USECS_PER_SEC));
  let local = micros + offset * USECS_PER_SEC;
  let localDays = days;
  while (local < 0) {
    local += USECS_PER_DAY;
    localDays--;
  }
  while (local >= USECS_PER_DAY) {
    local -= USECS_PER_DAY;
    localDays++;
  }
  return formatDayAndTime(localDays, local, formatZoneOffset(offset));
}

/** timestamp_out(): microseconds since 2000-01-01; exact for a bigint, or a number below 2^53. */
export function formatTimestamp(micros: number | bigint): string {
  const [days, rest] = splitDays(micros);
  return days === undefined ? infinityText(micros) : formatDayAndTime(days, rest);
}

/** timestamptz_out() in the given zone. */
export function formatTimestamptz(micros: number | bigint, zone: TimeZone): string {
  const [days, rest] = splitDays(micros);
  return days === undefined ? infinityText(micros) : formatDayAndTimeInZone(days, rest, zone);
}

function infinityText(micros: number | bigint): string {
  return micros > 0 ? 'infinity' : '-infinity';
}

function splitDays(micros: number | bigint): [days: number, micros: number] | [undefined, number] {
  if (typeof micros === 'number') {
    const days = Math.floor(micros / USECS_PER_DAY);
    return [days, micros - days * USECS_PER_DAY];
  }
  if (micros === TIMESTAMP_INFINITY || micros === TIMESTAMP_MINUS_INFINITY) return [undefined, 0];
  const day = BigInt(USECS_PER_DAY);
  let days = micros / day;
  if (micros < 0n && days * day !== micros) days -= 1n;
  return [Number(days), Number(micros - days * day)];
}

/** A moment that was read from text: microseconds since 2000-01-01 UTC (exact from 1714 to 2285), and the zone it was given in. */
export interface ParsedMoment {
  micros: number;
  zone: TimeZone;
}

/** The last year of a timestamp. */
const MAX_YEAR = 294_276;

const MOMENT = new RegExp(
  String.raw`^\s*(\d{4,6})-?(\d\d)-?(\d\d)(?:[Tt\s]+(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)?\s*([A-Za-z_][A-Za-z0-9_/+-]*|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?\s*$`,
);

/** `-10m`: a number and its unit, so long before the latest moment. */
export const RELATIVE_MOMENT = /^-\s*(\d+(?:\.\d+)?)\s*(us|ms|s|min|m|h|d|w)$/;

/**
 * Reads `2026-04-06 10:00:00.5+02`, ISO 8601 with T and Z, a date alone (its midnight), offsets and zone names (`Europe/Berlin`).
 * Without a zone, `defaultZone` holds. Undefined where the text is no such moment or the zone is unknown.
 * A local time that a clock change skips or repeats is taken as DetermineTimeZoneOffset() takes it, utils/adt/datetime.c.
 */
export function parseMoment(text: string, defaultZone: TimeZone): ParsedMoment | undefined {
  const match = MOMENT.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zoneText] = match;
  const y = Number(year), m = Number(month), d = Number(day), h = Number(hour), mi = Number(minute), s = Number(second);
  const days = daysFromCivil(y, m, d);
  const back = civilFromDays(days);
  if (back.month !== m || back.day !== d || y > MAX_YEAR || m > 12 || h > 24 || mi > 59 || s > 60) return undefined;
  const fractionMicros = Math.round(Number(`0.${fraction || '0'}`) * USECS_PER_SEC);
  const ofDay = ((h * 60 + mi) * 60 + s) * USECS_PER_SEC + fractionMicros;
  if (ofDay > USECS_PER_DAY) return undefined;
  const zone = zoneText === undefined ? defaultZone : timeZone(zoneText);
  if (!zone) return undefined;
  const localMicros = days * USECS_PER_DAY + ofDay;
  const offset = zone.offsetOfLocal(Math.floor(localMicros / USECS_PER_SEC) + PG_EPOCH_UNIX_SECONDS);
  return { micros: localMicros - offset * USECS_PER_SEC, zone };
}

/** Microseconds since 2000-01-01 of a JavaScript time in milliseconds since 1970. */
export function microsFromUnixMillis(millis: number): number {
  return (millis - PG_EPOCH_UNIX_SECONDS * 1000) * 1000;
}
