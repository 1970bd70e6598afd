/**
 * interval: reading every IntervalStyle's output and the usual input forms, comparing, and the arithmetic of dates and times.
 * Follows DecodeInterval(), DecodeISO8601Interval() (utils/adt/datetime.c) and interval_cmp_value() (utils/adt/timestamp.c), PG 13–18.
 */
import { formatFraction, TWO_DIGITS } from '../../util/pgTime.js';
import { ValueError } from './source.js';
import { own } from '../../util/own.js';

export interface Interval {
  /** ±Infinity for an infinite interval (17 and later). */
  readonly months: number;
  readonly days: number;
  readonly micros: bigint;
}

export const MICROS_PER_SECOND = 1_000_000n;
export const MICROS_PER_DAY = 86_400_000_000n;
const DAYS_PER_MONTH = 30;

/** Months, days or microseconds in one of a unit. */
const UNITS: Record<string, { months?: number; days?: number; micros?: bigint }> = {
  microsecond: { micros: 1n }, millisecond: { micros: 1000n }, second: { micros: MICROS_PER_SECOND }, minute: { micros: 60n * MICROS_PER_SECOND },
  hour: { micros: 3600n * MICROS_PER_SECOND }, day: { days: 1 }, week: { days: 7 }, month: { months: 1 }, quarter: { months: 3 },
  year: { months: 12 }, decade: { months: 120 }, century: { months: 1200 }, millennium: { months: 12_000 },
};
const UNIT_NAMES: Record<string, string> = {
  us: 'microsecond', usec: 'microsecond', usecs: 'microsecond', ms: 'millisecond', msec: 'millisecond', msecs: 'millisecond',
  s: 'second', sec: 'second', secs: 'second', m: 'minute', min: 'minute', mins: 'minute', h: 'hour', hr: 'hour', hrs: 'hour',
  d: 'day', w: 'week', mon: 'month', mons: 'month', y: 'year', yr: 'year', yrs: 'year', c: 'century', cent: 'century',
  centuries: 'century', dec: 'decade', decs: 'decade', mil: 'millennium', mils: 'millennium', millennia: 'millennium',
};

class Sum {
  months = 0;
  days = 0;
  micros = 0n;

  /** Adds `count` units, given as decimal text; a fraction of a month goes to days, of a day to the time, as in PostgreSQL. */
  add(count: string, unitName: string, sign: number): boolean {
    const key = unitName.toLowerCase();
    const unit = own(UNITS, own(UNIT_NAMES, key) ?? key) ?? own(UNITS, key.replace(/s$/, ''));
    if (!unit) return false;
    const value = Number(count) * sign;
    const whole = Math.trunc(value), fraction = value - whole;
    if (unit.micros !== undefined) {
      this.micros += BigInt(whole) * unit.micros + BigInt(Math.round(fraction * Number(unit.micros)));
    } else if (unit.days !== undefined) {
      this.addDays(value * unit.days);
    } else {
      const months = value * unit.months!;
      // a fraction of a year is rounded to months; a fraction of a month becomes days of a 30-day month
      if (unit.months! >= 12) {
        this.months += Math.round(months);
      } else {
        this.months += Math.trunc(months);
        this.addDays((months - Math.trunc(months)) * DAYS_PER_MONTH);
      }
    }
    return true;
  }

  private addDays(days: number): void {
    this.days += Math.trunc(days);
    this.micros += BigInt(Math.round((days - Math.trunc(days)) * Number(MICROS_PER_DAY)));
  }

  get value(): Interval {
    return { months: this.months, days: this.days, micros: this.micros };
  }
}

const CLOCK = /^([+-]?)(\d+):(\d\d?)(?::(\d\d?(?:\.\d*)?))?$/;
/** A clock, years and months, or a number, each up to a blank or the end (a number also up to its unit); a word. */
const TOKEN = /\s*([+-]?\d+:\d\d?(?::\d\d?(?:\.\d*)?)?(?!\S)|[+-]?\d+-\d+(?!\S)|[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?![^\sA-Za-z])|[A-Za-z]+|@)/y;

/** interval_in(). Throws ValueError. */
export function parseInterval(text: string): Interval {
  const trimmed = text.trim();
  if (/^[+-]?infinity$/i.test(trimmed)) return { months: trimmed.startsWith('-') ? -Infinity : Infinity, days: 0, micros: 0n };
  const value = /^P/i.test(trimmed) ? parseIso(trimmed) : parseWords(trimmed);
  if (!value) throw new ValueError(`invalid input syntax for type interval: "${text}"`);
  if (!fits(value)) throw new ValueError(`interval field value out of range: "${text}"`);
  return value;
}

function parseWords(text: string): Interval | undefined {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  let match: RegExpExecArray | null;
  let end = 0;
  while ((match = TOKEN.exec(text))) {
    tokens.push(match[1]!);
    end = TOKEN.lastIndex;
  }
  if (tokens.length === 0 || text.slice(end).trim() !== '') return undefined;
  const isAgo = tokens[tokens.length - 1]!.toLowerCase() === 'ago';
  if (isAgo) tokens.pop();
  if (tokens[0] === '@') tokens.shift();
  const sum = new Sum();
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const clock = CLOCK.exec(token);
    const yearMonth = /^([+-]?)(\d+)-(\d+)$/.exec(token);
    if (clock) {
      const sign = clock[1] === '-' ? -1 : 1;
      sum.add(clock[2]!, 'hour', sign);
      sum.add(clock[3]!, 'minute', sign);
      sum.add(clock[4] ?? '0', 'second', sign);
    } else if (yearMonth) {
      const sign = yearMonth[1] === '-' ? -1 : 1;
      sum.add(yearMonth[2]!, 'year', sign);
      sum.add(yearMonth[3]!, 'month', sign);
    } else {
      const unit = /^[A-Za-z]/.test(tokens[i + 1] ?? '') ? tokens[++i]! : undefined;
      if (!/\d/.test(token)) return undefined;
      // A lone number is seconds; before a clock, as in '3 04:05:06', it is days.
      if (!sum.add(token, unit ?? (CLOCK.test(tokens[i + 1] ?? '') ? 'day' : 'second'), 1)) return undefined;
    }
  }
  return isAgo ? negateInterval(sum.value) : sum.value;
}

function parseIso(text: string): Interval | undefined {
  const match = /^P((?:[+-]?[\d.]+[YMWD])*)(?:T((?:[+-]?[\d.]+[HMS])+))?$/i.exec(text);
  if (!match || text.length < 3) return undefined;
  const sum = new Sum();
  const names: [string, Record<string, string>][] = [
    [match[1]!, { Y: 'year', M: 'month', W: 'week', D: 'day' }], [match[2] ?? '', { H: 'hour', M: 'minute', S: 'second' }],
  ];
  for (const [part, units] of names) {
    for (const [, count, unit] of part.matchAll(/([+-]?[\d.]+)([A-Z])/gi)) {
      if (!sum.add(count!, units[unit!.toUpperCase()]!, 1)) return undefined;
    }
  }
  return sum.value;
}

export function isInfiniteInterval(a: Interval): boolean {
  return !Number.isFinite(a.months);
}

/** interval_cmp_value(): a month counts 30 days, a day 24 hours. */
export function compareIntervals(a: Interval, b: Interval): number {
  if (isInfiniteInterval(a) || isInfiniteInterval(b)) return a.months === b.months ? 0 : a.months - b.months;
  const x = intervalSize(a), y = intervalSize(b);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Microseconds, with months of 30 days. */
export function intervalSize(a: Interval): bigint {
  return BigInt(a.months * DAYS_PER_MONTH + a.days) * MICROS_PER_DAY + a.micros;
}

/** Whether the fields fit their widths on disk. */
function fits(a: Interval): boolean {
  return (a.months | 0) === a.months && (a.days | 0) === a.days && BigInt.asIntN(64, a.micros) === a.micros;
}

function checked(a: Interval): Interval {
  if (isInfiniteInterval(a) || fits(a)) return a;
  throw new ValueError('interval out of range');
}

export function negateInterval(a: Interval): Interval {
  return { months: -a.months, days: -a.days, micros: -a.micros };
}

export function addIntervals(a: Interval, b: Interval): Interval {
  return checked({ months: a.months + b.months, days: a.days + b.days, micros: a.micros + b.micros });
}

/** interval_mul() */
export function multiplyInterval(a: Interval, factor: number): Interval {
  return scaled(a, (n) => n * factor);
}

/** interval_div(): not by way of the reciprocal, which is seldom exact. */
export function divideInterval(a: Interval, divisor: number): Interval {
  if (divisor === 0) throw new ValueError('division by zero');
  return scaled(a, (n) => n / divisor);
}

/** Fractions of months flow into days, those of days into the time. */
function scaled(a: Interval, scale: (n: number) => number): Interval {
  const monthsExact = scale(a.months), daysExact = scale(a.days);
  // NaN is no number to be within
  if (!(Math.abs(monthsExact) <= 0x7fff_ffff && Math.abs(daysExact) <= 0x7fff_ffff)) throw new ValueError('interval out of range');
  const months = Math.trunc(monthsExact), days = Math.trunc(daysExact);
  const monthRest = roundMicros((monthsExact - months) * DAYS_PER_MONTH);
  let dayRest = roundMicros((daysExact - days + monthRest - Math.trunc(monthRest)) * 86_400);
  let carry = Math.trunc(monthRest);
  if (Math.abs(dayRest) >= 86_400) {
    carry += Math.trunc(dayRest / 86_400);
    dayRest %= 86_400;
  }
  return checked({ months, days: days + carry, micros: BigInt(Math.round(scale(Number(a.micros)) + dayRest * 1_000_000)) });
}

/** TSROUND() */
function roundMicros(value: number): number {
  return Math.round(value * 1_000_000) / 1_000_000;
}

/** interval_justify_hours(): what the difference of two timestamps looks like. */
export function intervalOfMicros(micros: bigint): Interval {
  return { months: 0, days: Number(micros / MICROS_PER_DAY), micros: micros % MICROS_PER_DAY };
}

/** interval_out() in IntervalStyle postgres. */
export function formatInterval(a: Interval): string {
  if (isInfiniteInterval(a)) return a.months > 0 ? 'infinity' : '-infinity';
  const parts: string[] = [];
  let isBefore = false;
  const unit = (value: number, name: string): void => {
    if (value === 0) return;
    // a positive field after a negative one is marked
    parts.push(`${isBefore && value > 0 ? '+' : ''}${value} ${name}${value === 1 ? '' : 's'}`);
    isBefore = value < 0;
  };
  unit(Math.trunc(a.months / 12), 'year');
  unit(a.months % 12, 'mon');
  unit(a.days, 'day');
  if (a.micros !== 0n || parts.length === 0) parts.push(formatClock(a.micros, isBefore));
  return parts.join(' ');
}

function formatClock(micros: bigint, isBefore: boolean): string {
  const size = micros < 0n ? -micros : micros;
  const sign = micros < 0n ? '-' : isBefore ? '+' : '';
  const seconds = size / MICROS_PER_SECOND;
  const fraction = Number(size % MICROS_PER_SECOND);
  const hours = (seconds / 3600n).toString().padStart(2, '0');
  const text = `${sign}${hours}:${TWO_DIGITS[Number((seconds / 60n) % 60n)]!}:${TWO_DIGITS[Number(seconds % 60n)]!}`;
  return fraction === 0 ? text : text + formatFraction(fraction);
}
