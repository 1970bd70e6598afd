/**
 * CRC-32C of spans and records. Slicing by sixteen for short spans; long ones are first folded by a sparse multiple of the polynomial,
 * x^2320 + x^1088 + x^904 + x^856 + x^256 + 1, so that each byte is the exclusive or of itself and five bytes before it. None of the
 * distances is below a vector's length: sixteen bytes go at a time, and only the last 290 are left to slice.
 */
import { CRC_TABLES, FOLD_LEAD, FOLD_MAX, FOLDED, STREAM, STREAM_BYTES, TAIL } from './memory.as';

const POLYNOMIAL: u32 = 0x82f63b78;
const D1: usize = 154;
const D2: usize = 177;
const D3: usize = 183;
const D4: usize = 258;
const D5: usize = 290;
/** Below it slicing alone is faster. */
export const FOLD_MIN: u32 = 640;

/** Of a span that is to be folded: how many of its bytes are, before the tail. */
export function foldLength(length: u32): u32 { return (length - <u32>D5) & ~15; }

export function initCrc(): void {
  for (let n: u32 = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = (c & 1) != 0 ? (c >> 1) ^ POLYNOMIAL : c >> 1;
    store<u32>(CRC_TABLES + (n << 2), c);
  }
  for (let n: u32 = 256; n < 4096; n++) {
    const c = load<u32>(CRC_TABLES + ((n - 256) << 2));
    store<u32>(CRC_TABLES + (n << 2), (c >> 8) ^ load<u32>(CRC_TABLES + ((c & 255) << 2)));
  }
}

@inline
function t(slice: usize, scaled: u32): u32 { return load<u32>(CRC_TABLES + (slice << 10) + scaled); }

/** Four bytes through four neighbouring tables; table offsets are bytes times four. */
@inline
function four(slice: usize, w: u32): u32 {
  return (t(slice + 3, (w << 2) & 0x3fc) ^ t(slice + 2, (w >> 6) & 0x3fc)) ^ (t(slice + 1, (w >> 14) & 0x3fc) ^ t(slice, (w >> 22) & 0x3fc));
}

/** Sixteen bytes, the state so far already in the first four. */
@inline
function step16(a: u64, b: u64): u32 {
  return four(12, <u32>a) ^ (four(8, <u32>(a >> 32)) ^ (four(4, <u32>b) ^ four(0, <u32>(b >> 32))));
}

@inline
function step4(a: u32): u32 { return four(0, a); }

export function crcSlice(crc: u32, at: usize, length: u32): u32 {
  const end = at + length;
  while (at + 16 <= end) {
    crc = step16(load<u64>(at) ^ crc, load<u64>(at, 8));
    at += 16;
  }
  while (at + 4 <= end) {
    crc = step4(load<u32>(at) ^ crc);
    at += 4;
  }
  while (at < end) {
    crc = t(0, ((crc ^ load<u8>(at)) & 255) << 2) ^ (crc >> 8);
    at++;
  }
  return crc;
}

/**
 * The whole checksum, inverted, of a short record that lies in one piece: its data, then the first 20 bytes of its header. The odd bytes go
 * first, as the end of a step whose beginning is zeros, so that all others are whole steps and the two parts meet inside one.
 */
export function shortRecordCrc(record: usize, totLen: u32): u32 {
  let at = record + 24;
  const length = totLen - 24;
  if (length < 12) return ~crcSlice(crcSlice(u32.MAX_VALUE, at, length), record, 20);
  const last = record + totLen - 12;
  const odd = (length - 12) & 15;
  let crc = u32.MAX_VALUE;
  if (odd != 0) {
    const a = load<u64>(at) ^ 0xffffffff;
    const shift = <u64>(128 - odd * 8);
    if (odd <= 8) crc = step16(0, a << (shift - 64));
    else crc = step16(a << shift, (load<u64>(at, 8) << shift) | (a >> (64 - shift)));
    if (odd < 4) crc ^= u32.MAX_VALUE >> (odd * 8);
    at += odd;
  }
  while (at < last) {
    crc = step16(load<u64>(at) ^ crc, load<u64>(at, 8));
    at += 16;
  }
  crc = step16(load<u64>(at) ^ crc, <u64>load<u32>(at, 8) | (<u64>load<u32>(record) << 32));
  return ~step16(load<u64>(record, 4) ^ crc, load<u64>(record, 12));
}

/** Folds `length` bytes (a multiple of 8) from `at` into the stream at `out`. */
export function fold(at: usize, length: u32, out: usize): void {
  let n = length;
  while (n >= 16) {
    v128.store(out, v128.xor(
      v128.xor(v128.xor(v128.load(at), v128.load(out - D1)), v128.xor(v128.load(out - D2), v128.load(out - D3))),
      v128.xor(v128.load(out - D4), v128.load(out - D5))));
    at += 16;
    out += 16;
    n -= 16;
  }
  if (n != 0) {
    store<u64>(out, load<u64>(at) ^ load<u64>(out - D1) ^ load<u64>(out - D2) ^ load<u64>(out - D3) ^ load<u64>(out - D4) ^ load<u64>(out - D5));
  }
}

/** What is left of a span of which `done` bytes were folded: `length` bytes (290 to 305) from `at`. */
export function foldedTail(at: usize, length: u32, done: u32): u32 {
  let out = FOLDED + done;
  memory.fill(out, 0, 176); // bytes of the tail itself must not fold into the tail
  let fin = TAIL + 512;
  for (let i: u32 = 0; i < length; i += 16) {
    v128.store(fin, v128.xor(
      v128.xor(v128.xor(v128.load(at), v128.load(out - D1)), v128.xor(v128.load(out - D2), v128.load(out - D3))),
      v128.xor(v128.load(out - D4), v128.load(out - D5))));
    at += 16;
    out += 16;
    fin += 16;
  }
  return crcSlice(0, TAIL + 512, length);
}

/** CRC of one span, from -1, not inverted. */
export function crcSpan(at: usize, length: u32): u32 {
  if (length < FOLD_MIN || length > FOLD_MAX) return crcSlice(u32.MAX_VALUE, at, length);
  const done = foldLength(length);
  const first = load<u32>(at);
  store<u32>(at, ~first); // the initial value is folded in like data
  fold(at, done, FOLDED);
  store<u32>(at, first);
  return foldedTail(at + done, length - done, done);
}

/** The next sixteen bytes of a stream at `out`, of which `bytes` are the input. */
@inline
function folded(bytes: v128, out: usize): v128 {
  return v128.xor(
    v128.xor(v128.xor(bytes, v128.load(out - D1)), v128.xor(v128.load(out - D2), v128.load(out - D3))),
    v128.xor(v128.load(out - D4), v128.load(out - D5)));
}

// Checksums of many records at once. A record is good where its data, its header and its stored checksum, in this order, the first and the
// last four bytes inverted, are a multiple of the polynomial. So are, then, all good records one after the other; and a stream with a
// bad record in it is none, save where several bad ones cancel out: one in 2^32, as for the bytes of one record.
let out: usize = 0;

/** Begins a stream without records. */
export function beginStream(): void {
  memory.fill(STREAM, 0, FOLD_LEAD);
  out = STREAM + FOLD_LEAD;
}

/** Room for `bytes` more, at most two pages: the bytes that folding looks back to go to the front. */
@inline
function makeRoom(bytes: u32): void {
  if (out + bytes <= STREAM + STREAM_BYTES) return;
  memory.copy(STREAM, out - FOLD_LEAD, FOLD_LEAD);
  out = STREAM + FOLD_LEAD;
}

@inline
function streamBytes(at: usize, length: u32): void {
  const end = out + length;
  let o = out;
  while (o < end) {
    v128.store(o, folded(v128.load(at), o)); // what is written past the end is written again before it is read
    at += 16;
    o += 16;
  }
  out = end;
}

/** A record's header, which ends it. */
@inline
function streamHeader(header: usize): void {
  v128.store(out, folded(v128.load(header), out));
  v128.store(out + 16, folded(v128.xor(v128.load(header, 16), i32x4(0, -1, 0, 0)), out + 16));
  out += 24;
}

/** A record that lies in one piece within a page. */
export function streamRecord(record: usize, totLen: u32): void {
  makeRoom(totLen + 32);
  const length = totLen - 24;
  if (length < 4) {
    const begin = out;
    streamBytes(record + 24, length);
    streamHeader(record);
    store<u32>(begin, ~load<u32>(begin)); // too short for folding to have looked back to it
    return;
  }
  const end = out + length;
  v128.store(out, folded(v128.xor(v128.load(record, 24), i32x4(-1, 0, 0, 0)), out));
  let o = out + 16;
  let at = record + 40;
  while (o < end) {
    v128.store(o, folded(v128.load(at), o));
    at += 16;
    o += 16;
  }
  out = end;
  streamHeader(record);
}

/** A record in pieces: its data piece by piece (at most a page each), `first` set until there was a byte, then its header. */
export function streamPiece(at: usize, length: u32, first: bool): void {
  makeRoom(length + 32);
  if (first) {
    // a piece of a record that leaves its page is at least eight bytes long, save where it is empty
    const before = load<u32>(at);
    store<u32>(at, ~before);
    streamBytes(at, length);
    store<u32>(at, before);
  } else {
    streamBytes(at, length);
  }
}

export function streamEnd(header: usize): void {
  makeRoom(64);
  streamHeader(header);
}

/** Whether all records of the stream are good. */
export function streamIsGood(): bool {
  memory.fill(out, 0, 320);
  const length: usize = D5;
  for (let i: usize = 0; i < length; i += 16) v128.store(TAIL + 512 + i, folded(i32x4(0, 0, 0, 0), out + i));
  return crcSlice(0, TAIL + 512, <u32>length) == 0;
}
