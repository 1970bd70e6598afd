/** date, time, timetz, timestamp, timestamptz, interval: utils/adt/{date,timestamp,datetime}.c, DateStyle ISO, IntervalStyle postgres, PG 13–18. */
import {
  formatDate, formatDayAndTime, formatDayAndTimeInZone, formatFraction, formatTimeOfDay, formatTimestamp, formatTimestamptz, formatZoneOffset, TWO_DIGITS,
  USECS_PER_DAY,
} from '../../util/pgTime.js';
import { bigInt64At, int32At, safeInt64At } from '../bytes.js';
import { valueError } from './valueError.js';
import type { OutputFunction } from './typeInfo.js';

const INT32_MAX = 0x7fff_ffff;
const INT32_MIN = -0x8000_0000;
const INT64_MAX = 0x7fff_ffff_ffff_ffffn;
const INT64_MIN = -0x8000_0000_0000_0000n;

export const dateOut: OutputFunction = (bytes, at) => {
  const days = int32At(bytes, at);
  if (days === INT32_MAX) return 'infinity';
  return days === INT32_MIN ? '-infinity' : formatDate(days);
};

/** The microseconds of a day that a time holds; 24:00:00 is one. */
function timeOfDay(bytes: Uint8Array, at: number): string {
  const micros = safeInt64At(bytes, at);
  if (micros === undefined || micros < 0 || micros > USECS_PER_DAY) throw valueError('time', 'out of range');
  return formatTimeOfDay(micros);
}

export const timeOut: OutputFunction = (bytes, at) => timeOfDay(bytes, at);

/** Zones lie within 15:59:59 of UTC (MAX_TZDISP_HOUR). */
const MAX_ZONE_SECONDS = 16 * 3600;

/** The zone is stored in seconds west of UTC. */
export const timetzOut: OutputFunction = (bytes, at) => {
  const west = int32At(bytes, at + 8);
  if (Math.abs(west) >= MAX_ZONE_SECONDS) throw valueError('timetz', 'zone out of range');
  return timeOfDay(bytes, at) + formatZoneOffset(-west);
};

export const timestampOut: OutputFunction = (bytes, at) => {
  const micros = safeInt64At(bytes, at);
  if (micros === undefined) return formatTimestamp(bigInt64At(bytes, at));
  const days = Math.floor(micros / USECS_PER_DAY);
  return formatDayAndTime(days, micros - days * USECS_PER_DAY);
};

export const timestamptzOut: OutputFunction = (bytes, at, _length, _type, output) => {
  const zone = output.context.timeZone;
  const micros = safeInt64At(bytes, at);
  if (micros === undefined) return formatTimestamptz(bigInt64At(bytes, at), zone);
  const days = Math.floor(micros / USECS_PER_DAY);
  return formatDayAndTimeInZone(days, micros - days * USECS_PER_DAY, zone);
};

/** interval_out(), EncodeInterval() of INTSTYLE_POSTGRES: a sign is shown for each field that is negative, and for the one after it. */
export const intervalOut: OutputFunction = (bytes, at, _length, _type, output) => {
  const time = bigInt64At(bytes, at);
  const day = int32At(bytes, at + 8);
  const month = int32At(bytes, at + 12);
  if (output.context.major >= 17) {
    if (time === INT64_MAX && day === INT32_MAX && month === INT32_MAX) return 'infinity';
    if (time === INT64_MIN && day === INT32_MIN && month === INT32_MIN) return '-infinity';
  }
  let text = '';
  let isBefore = false;
  const part = (value: number, unit: string): void => {
    if (value === 0) return;
    text += `${text === '' ? '' : ' '}${isBefore && value > 0 ? '+' : ''}${value} ${unit}${value === 1 ? '' : 's'}`;
    isBefore = value < 0;
  };
  part(Math.trunc(month / 12), 'year');
  part(month % 12, 'mon');
  part(day, 'day');
  if (text !== '' && time === 0n) return text;
  const sign = time < 0n ? '-' : isBefore ? '+' : '';
  return `${text}${text === '' ? '' : ' '}${sign}${durationText(time < 0n ? -time : time)}`;
};

/** Hours without a bound, minutes and seconds: `00:00:00`. */
function durationText(micros: bigint): string {
  const seconds = micros / 1_000_000n;
  const fraction = Number(micros - seconds * 1_000_000n);
  const hours = Number(seconds / 3600n);
  const rest = Number(seconds % 3600n);
  const text = `${hours < 100 ? TWO_DIGITS[hours]! : hours}:${TWO_DIGITS[Math.floor(rest / 60)]!}:${TWO_DIGITS[rest % 60]!}`;
  return fraction === 0 ? text : text + formatFraction(fraction);
}
