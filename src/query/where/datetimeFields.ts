/**
 * extract() and date_trunc(). Follow timestamp_part_common(), interval_part_common(), time_part_common() and timestamp_trunc(),
 * utils/adt/{timestamp,date}.c, PG 14–18 (where extract gives numeric).
 */
import { civilFromDays, daysFromCivil } from '../../util/pgTime.js';
import { dateToTimestamp, isInfiniteTimestamp, timeOfDay, timestampToDate } from './datetime.js';
import { addDecimals, decimal, divideDecimals, truncateDecimal, INFINITY, MINUS_INFINITY, type Decimal } from './decimal.js';
import { MICROS_PER_DAY, MICROS_PER_SECOND, type Interval } from './interval.js';
import { ValueError } from './source.js';

/** Days from 2000-01-01, a Saturday, to the preceding Sunday. */
const SUNDAY_SHIFT = 6;
/** The Julian day of 2000-01-01. */
const J2000 = 2_451_545;
const UNIX_EPOCH_DAYS = daysFromCivil(1970, 1, 1);

function dayOfWeek(days: number): number {
  return (((days + SUNDAY_SHIFT) % 7) + 7) % 7;
}

/** The ISO week and the year it belongs to. */
function isoWeek(days: number): { week: number; year: number } {
  const thursday = days + 3 - ((dayOfWeek(days) + 6) % 7);
  const year = civilFromDays(thursday).year;
  return { week: Math.floor((thursday - daysFromCivil(year, 1, 1)) / 7) + 1, year };
}

/** Years before 1 AD count from -1, as PostgreSQL prints them. */
function shownYear(year: number): number {
  return year > 0 ? year : year - 1;
}

/** The canonical name of a field: `years`, `y` and `Year` are `year`. */
function fieldName(field: string): string {
  const name = field.toLowerCase();
  const aliases: Record<string, string> = {
    microsecond: 'microseconds', usec: 'microseconds', usecs: 'microseconds', us: 'microseconds', millisecond: 'milliseconds', msec: 'milliseconds',
    msecs: 'milliseconds', ms: 'milliseconds', seconds: 'second', sec: 'second', secs: 'second', s: 'second', minutes: 'minute', min: 'minute',
    mins: 'minute', hours: 'hour', hr: 'hour', hrs: 'hour', h: 'hour', days: 'day', d: 'day', weeks: 'week', w: 'week', months: 'month',
    mon: 'month', mons: 'month', quarters: 'quarter', years: 'year', yr: 'year', yrs: 'year', y: 'year', decades: 'decade', centuries: 'century',
    millennia: 'millennium', millenniums: 'millennium', mil: 'millennium', mils: 'millennium', c: 'century', cent: 'century', dec: 'decade', decs: 'decade',
  };
  return aliases[name] ?? name;
}

function unsupported(field: string, type: string): ValueError {
  return new ValueError(`unit "${field}" is not supported here for type ${type}`);
}

function clockField(name: string, micros: bigint): Decimal | undefined {
  const inMinute = micros % (60n * MICROS_PER_SECOND);
  switch (name) {
    case 'microseconds': return decimal(inMinute);
    case 'milliseconds': return decimal(inMinute, 3);
    case 'second': return decimal(inMinute, 6);
    case 'minute': return decimal((micros / (60n * MICROS_PER_SECOND)) % 60n);
    case 'hour': return decimal(micros / (3600n * MICROS_PER_SECOND));
    default: return undefined;
  }
}

function dateField(name: string, days: number): number | undefined {
  const { year, month, day } = civilFromDays(days);
  switch (name) {
    case 'day': return day;
    case 'month': return month;
    case 'quarter': return Math.floor((month - 1) / 3) + 1;
    case 'week': return isoWeek(days).week;
    case 'year': return shownYear(year);
    case 'isoyear': return shownYear(isoWeek(days).year);
    case 'decade': return Math.floor(year / 10);
    case 'century': return year > 0 ? Math.floor((year + 99) / 100) : -Math.floor((99 - (year - 1)) / 100);
    case 'millennium': return year > 0 ? Math.floor((year + 999) / 1000) : -Math.floor((999 - (year - 1)) / 1000);
    case 'dow': return dayOfWeek(days);
    case 'isodow': return dayOfWeek(days) || 7;
    case 'doy': return days - daysFromCivil(year, 1, 1) + 1;
    default: return undefined;
  }
}

/** Fields that grow without bound, and so are infinite for an infinite timestamp; the others are then NULL. */
const MONOTONIC = new Set(['year', 'decade', 'century', 'millennium', 'julian', 'isoyear', 'epoch']);

/** extract(field from timestamp); `local` is the local time, `utc` the instant for epoch (the same for a timestamp without zone). */
export function extractFromTimestamp(field: string, local: bigint, utc = local): Decimal | null {
  const name = fieldName(field);
  if (isInfiniteTimestamp(local)) return MONOTONIC.has(name) ? (local > 0n ? INFINITY : MINUS_INFINITY) : null;
  if (name === 'epoch') return decimal(utc - BigInt(UNIX_EPOCH_DAYS) * MICROS_PER_DAY, 6);
  const clock = clockField(name, timeOfDay(local));
  if (clock) return clock;
  if (name === 'julian') return addDecimals(decimal(BigInt(timestampToDate(local) + J2000)), divideDecimals(decimal(timeOfDay(local)), decimal(MICROS_PER_DAY)));
  const value = dateField(name, timestampToDate(local));
  if (value === undefined) throw unsupported(field, 'timestamp');
  return decimal(BigInt(value));
}

/** extract(field from date): fields of the clock are none of a date's. */
export function extractFromDate(field: string, days: number): Decimal | null {
  if (clockField(fieldName(field), 0n)) throw unsupported(field, 'date');
  const value = extractFromTimestamp(field, dateToTimestamp(days));
  return value && fieldName(field) === 'julian' ? truncateDecimal(value, 0) : value;
}

/** extract(field from time) */
export function extractFromTime(field: string, micros: bigint): Decimal {
  const name = fieldName(field);
  const value = name === 'epoch' ? decimal(micros, 6) : clockField(name, micros);
  if (!value) throw unsupported(field, 'time');
  return value;
}

/** extract(field from interval) */
export function extractFromInterval(field: string, span: Interval): Decimal {
  const name = fieldName(field);
  if (!Number.isFinite(span.months)) throw unsupported(field, 'an infinite interval');
  const years = Math.trunc(span.months / 12);
  switch (name) {
    case 'epoch': {
      // a year counts 365.25 days here, a month 30
      const seconds4 = BigInt(years) * 1461n * 86_400n + BigInt(((span.months % 12) * 30 + span.days) * 4) * 86_400n;
      return decimal((seconds4 * MICROS_PER_SECOND) / 4n + span.micros, 6);
    }
    case 'day': return decimal(BigInt(span.days));
    case 'month': return decimal(BigInt(span.months % 12));
    case 'quarter': {
      // as 18 counts them backwards for negative months; before, the first quarter began at minus two months
      const month = span.months % 12;
      return decimal(BigInt(month >= 0 ? Math.floor(month / 3) + 1 : -(Math.floor(-month / 3) + 1)));
    }
    case 'year': return decimal(BigInt(years));
    case 'decade': return decimal(BigInt(Math.trunc(years / 10)));
    case 'century': return decimal(BigInt(Math.trunc(years / 100)));
    case 'millennium': return decimal(BigInt(Math.trunc(years / 1000)));
  }
  const clock = clockField(name, span.micros);
  if (!clock) throw unsupported(field, 'interval');
  return clock;
}

const CLOCK_UNITS: Record<string, bigint> = {
  microseconds: 1n, milliseconds: 1000n, second: MICROS_PER_SECOND, minute: 60n * MICROS_PER_SECOND, hour: 3600n * MICROS_PER_SECOND, day: MICROS_PER_DAY,
};

/** date_trunc() of a local timestamp. */
export function truncateTimestamp(field: string, local: bigint): bigint {
  const name = fieldName(field);
  const days = isInfiniteTimestamp(local) ? 0 : timestampToDate(local);
  const unit = CLOCK_UNITS[name];
  const first = unit === undefined ? firstDay(name, days) : days;
  if (first === undefined) throw unsupported(field, 'timestamp');
  if (isInfiniteTimestamp(local)) return local;
  if (unit === undefined) return BigInt(first) * MICROS_PER_DAY;
  const ofDay = timeOfDay(local);
  return local - (ofDay % unit);
}

function firstDay(name: string, days: number): number | undefined {
  const { year, month } = civilFromDays(days);
  // Decades begin with 0; centuries and millennia with 1. Before 1 AD the series goes on without a year 0.
  const block = (size: number): number => (year > 0 ? Math.floor((year + size - 1) / size) * size - (size - 1) : -Math.floor((size - 1 - (year - 1)) / size) * size + 1);
  switch (name) {
    case 'week': return days - ((dayOfWeek(days) + 6) % 7);
    case 'month': return daysFromCivil(year, month, 1);
    case 'quarter': return daysFromCivil(year, month - ((month - 1) % 3), 1);
    case 'year': return daysFromCivil(year, 1, 1);
    case 'decade': return daysFromCivil(Math.floor(year / 10) * 10, 1, 1);
    case 'century': return daysFromCivil(block(100), 1, 1);
    case 'millennium': return daysFromCivil(block(1000), 1, 1);
    default: return undefined;
  }
}
