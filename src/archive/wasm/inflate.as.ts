/**
 * Inflate (RFC 1951) for whole files that lie in memory. It stops where it is told to and goes on from there, so that what reads the output finds it
 * in the processor's cache. Accepts what zlib accepts. A code's first bits lead to an entry that says how many bits to take and what they stand for;
 * longer codes lead on to a table of their own. Bits come from a buffer of 64, which a load of eight bytes fills whenever a symbol is done.
 */

/** Bits that the first table of each code looks at; those of the lengths of codes have no longer ones. */
const LITERAL_BITS: u32 = 10;
const DISTANCE_BITS: u32 = 8;
const PRECODE_BITS: u32 = 7;

// Tables, each with room for all that a complete code can need.
const LITERALS: usize = 4096;
const DISTANCES: usize = LITERALS + 8192 * 4;
const PRECODE: usize = DISTANCES + 2048 * 4;
/** The lengths of a block's codes, a byte each; 16 more, as a repetition may be filled in whole vectors. */
const LENGTHS: usize = PRECODE + 128 * 4;
const SORTED: usize = LENGTHS + 512;
const COUNTS: usize = SORTED + 1024;
const STARTS: usize = COUNTS + 64;
/** What symbols stand for, but for their codes' bits. */
const LITERAL_SYMBOLS: usize = STARTS + 64;
const DISTANCE_SYMBOLS: usize = LITERAL_SYMBOLS + 288 * 4;
/** For distances below 16: which byte of the distance's period each byte of a vector is, and the whole periods of a vector. */
const PATTERNS: usize = DISTANCE_SYMBOLS + 32 * 4;
const PERIODS: usize = PATTERNS + 256;
const TOP: usize = (PERIODS + 64 + 63) & ~63;

// An entry: value << 16 | flags | bits of the code << 8 | those and the extra bits. A link: first entry << 16 | flags | bits of the table << 8.
const LITERAL: u32 = 0x80000000;
/** No value: a link, the end of the block, or no code at all. */
const ODD: u32 = 0x8000;
const LINK: u32 = 0x4000;
const END: u32 = 0x2000;

/** Bytes that may be written past the end of the output, and read past the end of the input. */
const SLACK: usize = 320;

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
let outputBegin: usize = 0;
let outputEnd: usize = 0;
let buffer: u64 = 0;
/** Bits of the buffer that count. */
let held: u32 = 0;
let state: i32 = IN_HEADER;
let isLast: bool = false;
let storedLeft: u32 = 0;

/** To be called once. Gives where the output goes: room for `limit` bytes and some. */
export function init(limit: u32): usize {
  room(TOP + limit + SLACK);
  for (let i: u32 = 0; i < 256; i++) store<u32>(LITERAL_SYMBOLS + (i << 2), LITERAL | (i << 16));
  store<u32>(LITERAL_SYMBOLS + (256 << 2), ODD | END);
  let base: u32 = 3;
  for (let i: u32 = 0; i < 28; i++) {
    const extra: u32 = i < 8 ? 0 : (i - 4) >> 2;
    store<u32>(LITERAL_SYMBOLS + ((257 + i) << 2), (base << 16) | extra);
    base += 1 << extra;
  }
  store<u32>(LITERAL_SYMBOLS + (285 << 2), 258 << 16);
  store<u32>(LITERAL_SYMBOLS + (286 << 2), ODD);
  store<u32>(LITERAL_SYMBOLS + (287 << 2), ODD);
  base = 1;
  for (let i: u32 = 0; i < 30; i++) {
    const extra: u32 = i < 4 ? 0 : (i - 2) >> 1;
    store<u32>(DISTANCE_SYMBOLS + (i << 2), (base << 16) | extra);
    base += 1 << extra;
  }
  store<u32>(DISTANCE_SYMBOLS + (30 << 2), ODD);
  store<u32>(DISTANCE_SYMBOLS + (31 << 2), ODD);
  for (let distance: u32 = 1; distance < 16; distance++) {
    for (let i: u32 = 0; i < 16; i++) store<u8>(PATTERNS + (distance << 4) + i, <u8>(i % distance));
    store<u32>(PERIODS + (distance << 2), 16 - 16 % distance);
  }
  outputBegin = TOP;
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
  output = outputBegin;
  buffer = 0;
  held = 0;
  state = IN_HEADER;
  isLast = false;
}

export function produced(): u32 { return <u32>(output - outputBegin); }
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

@inline
function entryOf(symbols: usize, symbol: u32, length: u32): u32 {
  return (symbols == 0 ? symbol << 16 : load<u32>(symbols + (symbol << 2))) + (length << 8) + length;
}

/**
 * The table of the code whose lengths lie at `lengths`; `symbols` is 0 for the code of lengths itself. False where the lengths are no code: more than
 * there is room for, or less, unless it is one code of one bit, or none at all.
 */
function build(lengths: usize, count: u32, table: usize, tableBits: u32, symbols: usize): bool {
  memory.fill(COUNTS, 0, 64);
  for (let i: u32 = 0; i < count; i++) {
    const at = COUNTS + (<u32>load<u8>(lengths + i) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  let space: u32 = 0;
  let used: u32 = 0;
  let longest: u32 = 0;
  for (let length: u32 = 1; length < 16; length++) {
    const codes = load<u32>(COUNTS + (length << 2));
    store<u32>(STARTS + (length << 2), used);
    used += codes;
    space += codes << (15 - length);
    if (codes != 0) longest = length;
  }
  if (space > 0x8000) return false;
  const size: u32 = 1 << tableBits;
  if (space < 0x8000) {
    if (longest != 0 && (symbols == 0 || longest != 1)) return false;
    for (let i: u32 = 0; i < size; i++) store<u32>(table + (i << 2), ODD);
  }
  for (let i: u32 = 0; i < count; i++) {
    const length = <u32>load<u8>(lengths + i);
    if (length == 0) continue;
    const at = STARTS + (length << 2);
    const to = load<u32>(at);
    store<u32>(at, to + 1);
    store<u16>(SORTED + (to << 1), <u16>i);
  }
  fillTable(table, tableBits, symbols, used);
  return true;
}

/** Enters the codes of the sorted symbols, shortest first; they are read from the lowest bit on, so each counts up from its highest. */
function fillTable(table: usize, tableBits: u32, symbols: usize, used: u32): void {
  const size: u32 = 1 << tableBits;
  let code: u32 = 0;
  let length: u32 = 0;
  let codes: u32 = 0;
  let next = size;
  let prefix = u32.MAX_VALUE;
  let start: u32 = 0;
  let linkBits: u32 = 0;
  for (let i: u32 = 0; i < used; i++) {
    while (codes == 0) codes = load<u32>(COUNTS + (++length << 2));
    const symbol = <u32>load<u16>(SORTED + (i << 1));
    if (length <= tableBits) {
      const entry = entryOf(symbols, symbol, length);
      for (let at = code; at < size; at += 1 << length) store<u32>(table + (at << 2), entry);
    } else {
      if ((code & (size - 1)) != prefix) {
        prefix = code & (size - 1);
        start = next;
        linkBits = length - tableBits;
        for (let filled = codes; filled < <u32>1 << linkBits;) {
          linkBits++;
          filled = (filled << 1) + load<u32>(COUNTS + ((tableBits + linkBits) << 2));
        }
        next += 1 << linkBits;
        store<u32>(table + (prefix << 2), (start << 16) | ODD | LINK | (linkBits << 8) | tableBits);
      }
      const entry = entryOf(symbols, symbol, length - tableBits);
      for (let at = code >> tableBits; at < <u32>1 << linkBits; at += 1 << (length - tableBits)) store<u32>(table + ((start + at) << 2), entry);
    }
    codes--;
    const ones: u32 = (1 << length) - 1;
    if (code == ones) return;
    const bit: u32 = 1 << (31 - clz(code ^ ones));
    code = (code & (bit - 1)) | bit;
  }
}

/** A block's header; false where it is none, or ends with the input. */
function readHeader(): bool {
  fill();
  isLast = take(1) != 0;
  const type = take(2);
  if (type == 0) return readStoredHeader();
  if (type == 1) {
    memory.fill(LENGTHS, 8, 144);
    memory.fill(LENGTHS + 144, 9, 112);
    memory.fill(LENGTHS + 256, 7, 24);
    memory.fill(LENGTHS + 280, 8, 8);
    memory.fill(LENGTHS + 288, 5, 32);
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
  return build(LENGTHS + literals, distances, DISTANCES, DISTANCE_BITS, DISTANCE_SYMBOLS) && build(LENGTHS, literals, LITERALS, LITERAL_BITS, LITERAL_SYMBOLS);
}

function readLengths(): bool {
  const literals = take(5) + 257;
  const distances = take(5) + 1;
  const count = take(4) + 4;
  if (literals > 286 || distances > 30) return false;
  memory.fill(LENGTHS, 0, 19);
  for (let i: u32 = 0; i < count; i++) {
    // 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1 15
    const symbol: u32 = i < 3 ? 16 + i : i == 3 ? 0 : (i & 1) != 0 ? 7 - ((i - 5) >> 1) : 8 + ((i - 4) >> 1);
    fill();
    store<u8>(LENGTHS + symbol, <u8>take(3));
  }
  if (!build(LENGTHS, 19, PRECODE, PRECODE_BITS, 0)) return false;
  const all = literals + distances;
  for (let i: u32 = 0; i < all;) {
    fill();
    if (taken() > inputEnd) return false;
    const entry = load<u32>(<usize>(<u32>buffer & ((1 << PRECODE_BITS) - 1)) << 2, PRECODE);
    if ((entry & ODD) != 0) return false;
    const symbol = entry >> 16;
    take(entry & 255);
    if (symbol < 16) {
      store<u8>(LENGTHS + i++, <u8>symbol);
      continue;
    }
    if (symbol == 16 && i == 0) return false;
    const value: u8 = symbol == 16 ? load<u8>(LENGTHS + i - 1) : 0;
    const repeat = symbol == 16 ? 3 + take(2) : symbol == 17 ? 3 + take(3) : 11 + take(7);
    if (i + repeat > all) return false;
    memory.fill(LENGTHS + i, value, repeat);
    i += repeat;
  }
  return load<u8>(LENGTHS, 256) != 0 && buildBoth(literals, distances);
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
  do {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    to += 32;
    from += 32;
  } while (to < end);
}

/** Symbols until the output has reached `until` or the buffer was filled from beyond `inputLimit`. MORE, DONE (of the block) or CORRUPT. */
function readSymbols(until: usize, inputLimit: usize): i32 {
  let bits = buffer;
  let left = held;
  let at = input;
  let out = output;
  let result: i32 = MORE;
  bits |= load<u64>(at) << left; at += (63 - left) >> 3; left |= 56;
  while (out < until && at <= inputLimit) {
    let entry = load<u32>(<usize>(<u32>bits & ((1 << LITERAL_BITS) - 1)) << 2, LITERALS);
    if ((entry & LINK) != 0) {
      bits >>= LITERAL_BITS; left -= LITERAL_BITS;
      entry = load<u32>(<usize>((entry >> 16) + (<u32>bits & ((1 << ((entry >> 8) & 15)) - 1))) << 2, LITERALS);
    }
    let before = bits;
    bits >>= entry; left -= entry & 255;
    if ((entry & LITERAL) != 0) {
      store<u8>(out++, <u8>(entry >> 16));
      bits |= load<u64>(at) << left; at += (63 - left) >> 3; left |= 56;
      continue;
    }
    if ((entry & ODD) != 0) {
      result = (entry & END) != 0 ? DONE : CORRUPT;
      break;
    }
    const length = (entry >> 16) + <u32>((before & ((<u64>1 << entry) - 1)) >> ((entry >> 8) & 15));
    entry = load<u32>(<usize>(<u32>bits & ((1 << DISTANCE_BITS) - 1)) << 2, DISTANCES);
    if ((entry & LINK) != 0) {
      bits >>= DISTANCE_BITS; left -= DISTANCE_BITS;
      entry = load<u32>(<usize>((entry >> 16) + (<u32>bits & ((1 << ((entry >> 8) & 15)) - 1))) << 2, DISTANCES);
    }
    before = bits;
    bits >>= entry; left -= entry & 255;
    const distance = (entry >> 16) + <u32>((before & ((<u64>1 << entry) - 1)) >> ((entry >> 8) & 15));
    if ((entry & ODD) != 0 || distance > <u32>(out - outputBegin)) {
      result = CORRUPT;
      break;
    }
    bits |= load<u64>(at) << left; at += (63 - left) >> 3; left |= 56;
    copyMatch(out, distance, length);
    out += length;
  }
  buffer = bits;
  held = left;
  input = at;
  output = out;
  return result;
}

/** Near the end of the input: one symbol, which counts only where all its bits are the input's. */
function readLastSymbol(): i32 {
  const before = output;
  const result = readSymbols(output + 1, usize.MAX_VALUE);
  if (taken() <= inputEnd) return result;
  output = before;
  return CUT;
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
  const until = outputBegin + bytes;
  while (output <= outputEnd) {
    if (state == IN_HEADER) {
      if (isLast) return DONE;
      const isHeader = readHeader();
      if (taken() > inputEnd) return CUT;
      if (!isHeader) return CORRUPT;
    }
    if (output >= until) return MORE;
    const result = state == IN_STORED ? readStored(min(until, outputEnd + 1)) : input <= inputEnd ? readSymbols(min(until, outputEnd + 1), inputEnd) : readLastSymbol();
    if (result == DONE) state = IN_HEADER;
    else if (result != MORE) return result;
  }
  output = outputEnd;
  return TOO_LONG;
}
