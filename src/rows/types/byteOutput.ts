/**
 * The commonest types printed as bytes, for scans of whole tables: what TypeOutput prints as a string goes straight into a buffer. The functions
 * give exactly what their namesakes in OUTPUT_FUNCTIONS give, in UTF-8, or byte for byte where the server's encoding is kept.
 */
import { civilFromDays, PG_EPOCH_UNIX_SECONDS, USECS_PER_DAY, USECS_PER_SEC } from '../../util/pgTime.js';
import type { ByteSink } from '../../util/byteSink.js';
import { int16At, int32At, safeInt64At, uint16At, uint32At } from '../bytes.js';
import type { TypeOutput } from './typeInfo.js';

/** Prints a value without a varlena header; false where it is none of the plain cases and the string form must serve. */
export type ByteOutputFunction = (bytes: Uint8Array, at: number, length: number, sink: ByteSink, output: TypeOutput) => boolean;

/** Prints a value as it is stored, a varlena's header included. */
export type StoredByteOutput = (bytes: Uint8Array, at: number, length: number, sink: ByteSink) => void;

const MINUS = 0x2d, COLON = 0x3a, SPACE = 0x20, POINT = 0x2e, PLUS = 0x2b, ZERO = 0x30;
const INT32_MAX = 0x7fff_ffff, INT32_MIN = -0x8000_0000;
const LAST_FOUR_DIGIT_YEAR = 9999;

const boolOut: ByteOutputFunction = (bytes, at, _length, sink) => {
  sink.byte(bytes[at] !== 0 ? 0x74 : 0x66);
  return true;
};

const int2Out: ByteOutputFunction = (bytes, at, _length, sink) => {
  sink.integer(int16At(bytes, at));
  return true;
};

const int4Out: ByteOutputFunction = (bytes, at, _length, sink) => {
  sink.integer(int32At(bytes, at));
  return true;
};

const oidOut: ByteOutputFunction = (bytes, at, _length, sink) => {
  sink.digits(uint32At(bytes, at));
  return true;
};

const int8Out: ByteOutputFunction = (bytes, at, _length, sink) => {
  const value = safeInt64At(bytes, at);
  if (value === undefined) return false;
  sink.integer(value);
  return true;
};

let lastDays = NaN;
const lastDate = new Uint8Array(10);

/** `2026-04-06`; false for years before 1 or of more than four digits. Keeps the last day, which neighbouring rows often share. */
function writeDate(days: number, sink: ByteSink): boolean {
  if (days !== lastDays) {
    const { year, month, day } = civilFromDays(days);
    if (year < 1 || year > LAST_FOUR_DIGIT_YEAR) return false;
    lastDays = days;
    lastDate[0] = ZERO + Math.floor(year / 1000);
    lastDate[1] = ZERO + (Math.floor(year / 100) % 10);
    lastDate[2] = ZERO + (Math.floor(year / 10) % 10);
    lastDate[3] = ZERO + (year % 10);
    lastDate[4] = lastDate[7] = MINUS;
    lastDate[5] = ZERO + Math.floor(month / 10);
    lastDate[6] = ZERO + (month % 10);
    lastDate[8] = ZERO + Math.floor(day / 10);
    lastDate[9] = ZERO + (day % 10);
  }
  sink.copy(lastDate, 0, 10);
  return true;
}

/** Room for any time of day, zone included. */
const TIME_ROOM = 32;

function writeTimeRaw(micros: number, sink: ByteSink): void {
  const seconds = Math.floor(micros / USECS_PER_SEC);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  sink.twoDigitsRaw(hours);
  sink.byteRaw(COLON);
  sink.twoDigitsRaw(minutes - hours * 60);
  sink.byteRaw(COLON);
  sink.twoDigitsRaw(seconds - minutes * 60);
  let fraction = micros - seconds * USECS_PER_SEC;
  if (fraction === 0) return;
  sink.byteRaw(POINT);
  let width = 6;
  while (fraction % 10 === 0) {
    fraction /= 10;
    width--;
  }
  sink.digits(fraction, width);
}

function writeZoneRaw(offset: number, sink: ByteSink): void {
  sink.byteRaw(offset < 0 ? MINUS : PLUS);
  const size = Math.abs(offset);
  const minutes = Math.floor(size / 60) % 60, seconds = size % 60;
  sink.twoDigitsRaw(Math.floor(size / 3600));
  if (minutes === 0 && seconds === 0) return;
  sink.byteRaw(COLON);
  sink.twoDigitsRaw(minutes);
  if (seconds === 0) return;
  sink.byteRaw(COLON);
  sink.twoDigitsRaw(seconds);
}

function writeTimestamp(days: number, micros: number, sink: ByteSink): boolean {
  if (!writeDate(days, sink)) return false;
  sink.reserve(TIME_ROOM);
  sink.byteRaw(SPACE);
  writeTimeRaw(micros, sink);
  return true;
}

const dateOut: ByteOutputFunction = (bytes, at, _length, sink) => {
  const days = int32At(bytes, at);
  return days !== INT32_MAX && days !== INT32_MIN && writeDate(days, sink);
};

const timestampOut: ByteOutputFunction = (bytes, at, _length, sink) => {
  const micros = safeInt64At(bytes, at);
  if (micros === undefined) return false;
  const days = Math.floor(micros / USECS_PER_DAY);
  return writeTimestamp(days, micros - days * USECS_PER_DAY, sink);
};

const timestamptzOut: ByteOutputFunction = (bytes, at, _length, sink, output) => {
  const micros = safeInt64At(bytes, at);
  if (micros === undefined) return false;
  const zone = output.context.timeZone;
  const offset = zone.isUtc ? 0 : zone.offsetAt(Math.floor(micros / USECS_PER_SEC) + PG_EPOCH_UNIX_SECONDS);
  const local = micros + offset * USECS_PER_SEC;
  const days = Math.floor(local / USECS_PER_DAY);
  if (!writeTimestamp(days, local - days * USECS_PER_DAY, sink)) return false;
  writeZoneRaw(offset, sink);
  return true;
};

const NUMERIC_SHORT = 0x8000;
const NUMERIC_SIGN_MASK = 0xc000;

/** Numerics of the short form, which all but the very long ones have. */
const numericOut: ByteOutputFunction = (bytes, at, length, sink) => {
  const header = uint16At(bytes, at);
  if ((header & NUMERIC_SIGN_MASK) !== NUMERIC_SHORT) return false;
  const weight = (header & 0x40 ? -0x40 : 0) | (header & 0x3f), dscale = (header & 0x1f80) >> 7;
  const count = (length - 2) >> 1;
  const digit = (i: number): number => (i >= 0 && i < count ? uint16At(bytes, at + 2 + i * 2) : 0);
  sink.reserve(8 + (weight < 0 ? 0 : weight * 4) + dscale);
  if (header & 0x2000) sink.byteRaw(MINUS);
  if (weight < 0) sink.byteRaw(ZERO);
  else sink.digits(digit(0));
  for (let i = 1; i <= weight; i++) sink.digits(digit(i), 4);
  if (dscale === 0) return true;
  sink.byte(POINT);
  const end = sink.length + dscale;
  for (let i = weight + 1; sink.length < end; i++) sink.digits(digit(i), 4);
  sink.length = end;
  return true;
};

/** Output functions whose text is the stored bytes of a varlena, where the server's encoding is that of the output. */
export const TEXT_OUTPUT_FUNCTIONS: ReadonlySet<string> = new Set(['textout', 'varcharout', 'bpcharout', 'json_out']);

/** By the same names as OUTPUT_FUNCTIONS. */
export const BYTE_OUTPUT_FUNCTIONS: Readonly<Record<string, ByteOutputFunction>> = {
  boolout: boolOut, int2out: int2Out, int4out: int4Out, int8out: int8Out, oidout: oidOut, xidout: oidOut, cidout: oidOut,
  numeric_out: numericOut,
  date_out: dateOut, timestamp_out: timestampOut, timestamptz_out: timestamptzOut,
};

/** Output functions whose text never holds a quote, a delimiter, a backslash or a line's end, and is never empty. */
export const PLAIN_OUTPUT_FUNCTIONS: ReadonlySet<string> = new Set([
  'boolout', 'int2out', 'int4out', 'int8out', 'oidout', 'xidout', 'cidout', 'xid8out', 'float4out', 'float8out', 'numeric_out', 'uuid_out', 'pg_lsn_out',
  'date_out', 'time_out', 'timetz_out', 'timestamp_out', 'timestamptz_out',
]);
