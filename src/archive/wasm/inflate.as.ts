/**
 * Inflate (RFC 1951) for whole files that lie in memory. It stops where it is told to and goes on from there, so that what reads the output finds it
 * in the processor's cache. Accepts what zlib accepts. Bits come from a buffer of 64, which a load of eight bytes fills.
 */

import {
  AGAIN, build, DISTANCE_BITS, DISTANCE_LENGTHS, DISTANCE_SYMBOLS, DISTANCES, END, initTables, LENGTHS, LINK, linked, LITERAL, LITERAL_BITS, LITERAL_SYMBOLS, LITERALS, ODD, PRECODE,
  PRECODE_BITS, PRECODE_SYMBOLS, TABLES_END, valueOf,
} from './huffman.as';

// Masks of what a table takes of a buffer that is held two bits higher: an offset in bytes.
const LITERAL_MASK: u32 = ((1 << LITERAL_BITS) - 1) << 2;
const DISTANCE_MASK: u32 = ((1 << DISTANCE_BITS) - 1) << 2;
const PRECODE_MASK: u32 = ((1 << PRECODE_BITS) - 1) << 2;

/** For distances below 16: which byte of the distance's period each byte of a vector is, and the whole periods of a vector. */
const PATTERNS: usize = TABLES_END;
const PERIODS: usize = PATTERNS + 256;
/** Where the output begins: further than any distance from the beginning of the memory. */
const TOP: usize = (PERIODS + 64 + 63) & ~63;

/** Bytes that may be written past the end of the output, and read past the end of the input: by lengths of codes that are cut off. */
const SLACK: usize = 640;

// What run() answers; inflateKernel.ts has the same numbers.
const MORE: i32 = 0;
const DONE: i32 = 1;
const CORRUPT: i32 = 2;
const CUT: i32 = 3;
const TOO_LONG: i32 = 4;

const IN_HEADER: i32 = 0;
const IN_BLOCK: i32 = 1;
const IN_STORED: i32 = 2;

let input: usize = 0;
let inputEnd: usize = 0;
let output: usize = 0;
let outputEnd: usize = 0;
let buffer: u64 = 0;
/** Bits of the buffer that count. */
let held: u32 = 0;
let state: i32 = IN_HEADER;
let isLast: bool = false;
let storedLeft: u32 = 0;

/** To be called once. Gives where the output goes: room for `limit` bytes and some, and for half as many of input, as memory that grows has garbage collected. */
export function init(limit: u32): usize {
  room(TOP + limit + limit / 2 + 3 * SLACK);
  initTables();
  for (let distance: u32 = 1; distance < 16; distance++) {
    for (let i: u32 = 0; i < 16; i++) store<u8>(PATTERNS + (distance << 4) + i, <u8>(i % distance));
    store<u32>(PERIODS + (distance << 2), 16 - 16 % distance);
  }
  outputEnd = TOP + limit;
  return TOP;
}

function room(bytes: usize): void {
  const missing = <isize>bytes - <isize>(<usize>memory.size() << 16);
  if (missing > 0 && memory.grow(<i32>((missing + 0xffff) >> 16)) < 0) unreachable();
}

/** Where the next input goes, of that length. The memory may grow. */
export function place(length: u32): usize {
  input = (outputEnd + SLACK + 63) & ~63;
  inputEnd = input + length;
  room(inputEnd + SLACK);
  memory.fill(inputEnd, 0, 64);
  return input;
}

/** Begins with the input as it lies there now, `skipped` bytes of it left out. */
export function begin(skipped: u32): void {
  input += skipped;
  output = TOP;
  buffer = 0;
  held = 0;
  state = IN_HEADER;
  isLast = false;
}

export function produced(): u32 { return <u32>(output - TOP); }
/** Whole bytes of input that were not taken. */
export function leftOver(): u32 { return <u32>(inputEnd - taken()); }

@inline
function taken(): usize { return input - (held >> 3); }

@inline
function fill(): void {
  buffer |= load<u64>(input) << held;
  input += (63 - held) >> 3;
  held |= 56;
}

@inline
function take(count: u32): u32 {
  const bits = <u32>buffer & ((1 << count) - 1);
  buffer >>= count;
  held -= count;
  return bits;
}

/** A block's header; false where it is none, or ends with the input. */
function readHeader(): bool {
  fill();
  isLast = take(1) != 0;
  const type = take(2);
  if (type == 0) return readStoredHeader();
  if (type == 1) {
    fillLengths(LENGTHS, 8, 288);
    fillLengths(LENGTHS + 144, 9, 112);
    fillLengths(LENGTHS + 256, 7, 16);
    store<u64>(LENGTHS + 272, 0x0707070707070707);
    fillLengths(DISTANCE_LENGTHS, 5, 32);
    return buildBoth(288, 32);
  }
  return type == 2 && readLengths();
}

function readStoredHeader(): bool {
  const lengths = load<u32>(taken());
  input = taken() + 4;
  buffer = 0;
  held = 0;
  state = IN_STORED;
  storedLeft = lengths & 0xffff;
  return storedLeft == (~lengths >> 16);
}

function buildBoth(literals: u32, distances: u32): bool {
  state = IN_BLOCK;
  return build(DISTANCE_LENGTHS, distances, DISTANCES, DISTANCE_BITS, DISTANCE_SYMBOLS) && build(LENGTHS, literals, LITERALS, LITERAL_BITS, LITERAL_SYMBOLS);
}

/** Sixteen bytes or more that are all `value`. */
@inline
function fillLengths(at: usize, value: u8, count: u32): void {
  const values = i8x16.splat(<i8>value);
  const end = at + count;
  do {
    v128.store(at, values);
    at += 16;
  } while (at < end);
}

function readLengths(): bool {
  const literals = take(5) + 257;
  const distances = take(5) + 1;
  const count = take(4) + 4;
  if (literals > 286 || distances > 30) return false;
  fillLengths(LENGTHS, 0, 32);
  for (let i: u32 = 0; i < count; i++) {
    // 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1 15
    const symbol: u32 = i < 3 ? 16 + i : i == 3 ? 0 : (i & 1) != 0 ? 7 - ((i - 5) >> 1) : 8 + ((i - 4) >> 1);
    fill();
    store<u8>(LENGTHS + symbol, <u8>take(3));
  }
  if (!build(LENGTHS, 19, PRECODE, PRECODE_BITS, PRECODE_SYMBOLS) || !readCodedLengths(literals + distances)) return false;
  if (load<u8>(LENGTHS, 256) == 0) return false;
  v128.store(DISTANCE_LENGTHS, v128.load(LENGTHS + literals));
  v128.store(DISTANCE_LENGTHS, v128.load(LENGTHS + literals, 16), 16);
  fillLengths(LENGTHS + literals, 0, 16);
  return buildBoth(literals, distances);
}

/** The lengths of a block's codes, and zeros behind them; the buffer is held as in readSymbols(). */
function readCodedLengths(all: u32): bool {
  let at = taken();
  let left = (held & 7) + 2;
  let bits = (buffer & ((1 << (held & 7)) - 1)) << 2;
  let isCode = true;
  let i: u32 = 0;
  while (i < all) {
    bits |= load<u64>(at) << left; at += (~left >> 3) & 7; left |= 56;
    const entry = load<u32>(<u32>bits & PRECODE_MASK, PRECODE);
    const repeat = valueOf(entry, bits);
    bits >>= entry; left -= entry;
    if (<i32>entry < 0) {
      store<u8>(LENGTHS + i++, <u8>(entry >> 16));
      continue;
    }
    isCode = (entry & ODD) == 0 && ((entry & AGAIN) == 0 || i != 0) && i + repeat <= all;
    if (!isCode) break;
    fillLengths(LENGTHS + i, (entry & AGAIN) != 0 ? load<u8>(LENGTHS + i - 1) : 0, repeat);
    i += repeat;
  }
  buffer = bits >> 2;
  held = (left & 63) - 2;
  input = at;
  fillLengths(LENGTHS + all, 0, 32);
  return isCode;
}

/** Writes up to 31 bytes more than `length`. */
@inline
function copyMatch(to: usize, distance: u32, length: u32): void {
  let from = to - distance;
  const end = to + length;
  if (distance < 16) {
    const pattern = v128.swizzle(v128.load(from), v128.load(<usize>distance << 4, PATTERNS));
    const period = <usize>load<u32>(<usize>distance << 2, PERIODS);
    do {
      v128.store(to, pattern);
      to += period;
    } while (to < end);
    return;
  }
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
  to += 32;
  while (to < end) {
    from += 32;
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    to += 32;
  }
}

/**
 * Symbols until the output has reached `until`, with up to two literals and a match more, or the input `inputLimit`, 16 bytes before its end. MORE, DONE (of
 * the block) or CORRUPT. The time goes into the way from one symbol's bits to the next, and into the number of instructions: so the buffer is held two bits
 * higher than it is elsewhere, which makes the bits a table's offset; of `left` the lowest six bits count, so that entries need not be masked; what is
 * rare shares one test.
 */
function readSymbols(until: usize, inputLimit: usize): i32 {
  let at = taken();
  let left = (held & 7) + 2;
  let bits = (buffer & ((1 << (held & 7)) - 1)) << 2;
  let out = output;
  let result: i32 = MORE;
  while (out < until) {
    if (at > inputLimit) break;
    bits |= load<u64>(at) << left; at += (~left >> 3) & 7; left |= 56;
    let entry = load<u32>(<u32>bits & LITERAL_MASK, LITERALS);
    if (<i32>entry < 0) {
      store<u8>(out++, <u8>(entry >> 16));
      bits >>= entry; left -= entry;
      entry = load<u32>(<u32>bits & LITERAL_MASK, LITERALS);
      if (<i32>entry < 0) {
        store<u8>(out++, <u8>(entry >> 16));
        bits >>= entry; left -= entry;
        continue;
      }
    }
    if ((entry & ODD) != 0) {
      if ((entry & LINK) != 0) {
        bits |= load<u64>(at) << left; at += (~left >> 3) & 7; left |= 56;
        bits >>= LITERAL_BITS; left -= LITERAL_BITS;
        entry = load<u32>(linked(entry, bits), LITERALS);
        if (<i32>entry < 0) {
          store<u8>(out++, <u8>(entry >> 16));
          bits >>= entry; left -= entry;
          continue;
        }
      }
      if ((entry & ODD) != 0) {
        bits >>= entry; left -= entry;
        result = (entry & END) != 0 ? DONE : CORRUPT;
        break;
      }
    }
    const length = valueOf(entry, bits);
    bits >>= entry; left -= entry;
    entry = load<u32>(<u32>bits & DISTANCE_MASK, DISTANCES);
    if ((entry & ODD) != 0) {
      if ((entry & LINK) != 0) {
        bits >>= DISTANCE_BITS; left -= DISTANCE_BITS;
        entry = load<u32>(linked(entry, bits), DISTANCES);
      }
      if ((entry & ODD) != 0) {
        result = CORRUPT;
        break;
      }
    }
    const distance = valueOf(entry, bits);
    bits >>= entry; left -= entry;
    if (out - distance < TOP) {
      result = CORRUPT;
      break;
    }
    copyMatch(out, distance, length);
    out += length;
  }
  buffer = bits >> 2;
  held = (left & 63) - 2;
  input = at;
  output = out;
  return result;
}

/** The entry of the next code; of a link the first bits are taken. */
function nextEntry(table: usize, tableBits: u32): u32 {
  const entry = load<u32>(table + (<usize>(<u32>buffer & ((1 << tableBits) - 1)) << 2));
  if ((entry & LINK) == 0) return entry;
  take(tableBits);
  return load<u32>(table + linked(entry, buffer << 2));
}

/** Near the end of the input: one symbol, which counts only where all its bits are the input's. */
function readLastSymbol(): i32 {
  const before = output;
  fill();
  const result = readSymbol();
  if (taken() <= inputEnd) return result;
  output = before;
  return CUT;
}

function readSymbol(): i32 {
  const entry = nextEntry(LITERALS, LITERAL_BITS);
  const bits = buffer << 2;
  take(entry & 255);
  if ((entry & LITERAL) != 0) {
    store<u8>(output++, <u8>(entry >> 16));
    return MORE;
  }
  if ((entry & ODD) != 0) return (entry & END) != 0 ? DONE : CORRUPT;
  const length = valueOf(entry, bits);
  const far = nextEntry(DISTANCES, DISTANCE_BITS);
  const distance = valueOf(far, buffer << 2);
  take(far & 255);
  if ((far & ODD) != 0 || output - distance < TOP) return CORRUPT;
  copyMatch(output, distance, length);
  output += length;
  return MORE;
}

function readStored(until: usize): i32 {
  const count = min(storedLeft, <u32>min(until - output, inputEnd - input));
  memory.copy(output, input, count);
  output += count;
  input += count;
  storedLeft -= count;
  if (storedLeft == 0) return DONE;
  return output < until ? CUT : MORE;
}

/** Goes on until so many bytes in all are out, or a few more, or it ends. What is out is good, whatever it answers. */
export function run(bytes: u32): i32 {
  const until = TOP + bytes;
  while (output <= outputEnd) {
    if (state == IN_HEADER) {
      if (isLast) return DONE;
      const isHeader = readHeader();
      if (taken() > inputEnd) return CUT;
      if (!isHeader) return CORRUPT;
    }
    if (output >= until) return MORE;
    const result = state == IN_STORED ? readStored(min(until, outputEnd + 1)) : taken() + 16 <= inputEnd ? readSymbols(min(until, outputEnd + 1), inputEnd - 16) : readLastSymbol();
    if (result == DONE) state = IN_HEADER;
    else if (result != MORE) return result;
  }
  output = outputEnd;
  return TOO_LONG;
}
