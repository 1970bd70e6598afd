/**
 * The tables that turn the bits of Huffman codes (RFC 1951, 3.2) into what they stand for. A code's first bits lead to an entry that says how many bits to
 * take and what they stand for; longer codes lead on to a table of their own.
 */

/** Bits that the first table of each code looks at; those of the lengths of codes have no longer ones. */
export const LITERAL_BITS: u32 = 10;
export const DISTANCE_BITS: u32 = 8;
export const PRECODE_BITS: u32 = 7;

// Tables, each with room for all that a complete code can need.
export const LITERALS: usize = 4096;
export const DISTANCES: usize = LITERALS + 8192 * 4;
export const PRECODE: usize = DISTANCES + 2048 * 4;
/** The lengths of a block's codes, a byte each, zeros behind them; some may be written at once that are too many. */
export const LENGTHS: usize = PRECODE + 128 * 4;
export const DISTANCE_LENGTHS: usize = LENGTHS + 512;
/** What the symbols of a code stand for, by length and symbol; those without a code are the last. */
const SORTED: usize = DISTANCE_LENGTHS + 64;
const COUNTS: usize = SORTED + 288 * 4;
const STARTS: usize = COUNTS + 64;
/** Ten bits from the last to the first. */
const REVERSED_BITS: u32 = 10;
const REVERSED: usize = STARTS + 64;
/** What symbols stand for, but for their codes' bits. */
export const LITERAL_SYMBOLS: usize = REVERSED + (2 << REVERSED_BITS);
export const DISTANCE_SYMBOLS: usize = LITERAL_SYMBOLS + 288 * 4;
export const PRECODE_SYMBOLS: usize = DISTANCE_SYMBOLS + 32 * 4;
/** The first byte behind the tables. */
export const TABLES_END: usize = PRECODE_SYMBOLS + 32 * 4;

// An entry: value << 16 | flags | bits of the code and two << 8 | those of the code and the extra bits. A link: first entry << 16 | flags |
// bits of the table << 8 | bits of the first table.
export const LITERAL: u32 = 0x80000000;
/** No value: a link, the end of the block, or no code at all. */
export const ODD: u32 = 0x8000;
export const LINK: u32 = 0x4000;
export const END: u32 = 0x2000;
/** In the code of lengths: the length before is repeated. */
export const AGAIN: u32 = 0x2000;

/** To be called once. */
export function initTables(): void {
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
  for (let i: u32 = 0; i < 16; i++) store<u32>(PRECODE_SYMBOLS + (i << 2), LITERAL | (i << 16));
  store<u32>(PRECODE_SYMBOLS + (16 << 2), (3 << 16) | AGAIN | 2);
  store<u32>(PRECODE_SYMBOLS + (17 << 2), (3 << 16) | 3);
  store<u32>(PRECODE_SYMBOLS + (18 << 2), (11 << 16) | 7);
  for (let i: u32 = 0; i < 1 << REVERSED_BITS; i++) {
    let reversed: u32 = 0;
    for (let bit: u32 = 0; bit < REVERSED_BITS; bit++) reversed |= ((i >> bit) & 1) << (REVERSED_BITS - 1 - bit);
    store<u16>(REVERSED + (i << 1), <u16>reversed);
  }
}

/** How many of the lengths are that one. */
@inline
function countOf(lengths: usize, count: u32, length: u32): u32 {
  const wanted = i8x16.splat(<i8>length);
  let codes: u32 = 0;
  for (let at = lengths, end = lengths + count; at < end; at += 16) codes += popcnt(i8x16.bitmask(i8x16.eq(v128.load(at), wanted)));
  return codes;
}

/** The first `bits` bits in the other direction, as codes are read from the lowest bit on. */
@inline
function reversed(code: u32, bits: u32): u32 {
  return <u32>load<u16>(REVERSED + (<usize>code << (REVERSED_BITS + 1 - bits)));
}

/**
 * The table of the code whose lengths lie at `lengths`, zeros behind them. False where the lengths are no code: more than there is room for, or less,
 * unless it is one code of one bit, or none at all.
 */
export function build(lengths: usize, count: u32, table: usize, tableBits: u32, symbols: usize): bool {
  let space: u32 = 0;
  let used: u32 = 0;
  let longest: u32 = 0;
  for (let length: u32 = 1; length < 16; length++) {
    const codes = countOf(lengths, count, length);
    store<u32>(COUNTS + (length << 2), codes);
    store<u32>(STARTS + (length << 2), used << 2);
    used += codes;
    space += codes << (15 - length);
    if (codes != 0) longest = length;
  }
  if (space > 0x8000) return false;
  store<u32>(STARTS, used << 2);
  for (let i: u32 = 0; i < count; i++) {
    const at = STARTS + (<u32>load<u8>(lengths + i) << 2);
    const to = load<u32>(at);
    store<u32>(at, to + 4);
    store<u32>(SORTED + to, load<u32>(symbols + (i << 2)));
  }
  if (space == 0x8000) {
    fillTable(table, tableBits, longest);
    return true;
  }
  if (longest != 0 && (symbols == PRECODE_SYMBOLS || longest != 1)) return false;
  const only = longest == 0 ? ODD : load<u32>(SORTED) + entryBits(1);
  for (let at = table, end = table + (4 << tableBits); at < end; at += 8) {
    store<u32>(at, only);
    store<u32>(at, ODD, 4);
  }
  return true;
}

/** What an entry has from its code's length. */
@inline
function entryBits(length: u32): u32 {
  return ((length + 2) << 8) + length;
}

/** Enters the codes of the sorted symbols of a complete code, shortest first: a table that is filled to one length is there twice for the next one. */
function fillTable(table: usize, tableBits: u32, longest: u32): void {
  let code: u32 = 0;
  let from = SORTED;
  for (let length: u32 = 1; length <= tableBits; length++) {
    code <<= 1;
    const bits = entryBits(length);
    for (const end = code + load<u32>(COUNTS + (length << 2)); code < end; code++, from += 4) {
      store<u32>(table + (<usize>reversed(code, length) << 2), load<u32>(from) + bits);
    }
    if (length == tableBits) break;
    const size: usize = 4 << length;
    for (let at = table, end = table + size; at < end; at += 16) v128.store(at + size, v128.load(at));
  }
  let next: u32 = 1 << tableBits;
  let prefix = u32.MAX_VALUE;
  let start: u32 = 0;
  let linkBits: u32 = 0;
  for (let length = tableBits + 1; length <= longest; length++) {
    code <<= 1;
    const rest = length - tableBits;
    const bits = entryBits(rest);
    const count = load<u32>(COUNTS + (length << 2));
    for (const end = code + count; code < end; code++, from += 4) {
      if (code >> rest != prefix) {
        prefix = code >> rest;
        start = next;
        linkBits = rest;
        for (let filled = end - code; filled < <u32>1 << linkBits;) {
          linkBits++;
          filled = (filled << 1) + load<u32>(COUNTS + ((tableBits + linkBits) << 2));
        }
        next += 1 << linkBits;
        store<u32>(table + (<usize>reversed(prefix, tableBits) << 2), (start << 16) | ODD | LINK | (linkBits << 8) | tableBits);
      }
      const entry = load<u32>(from) + bits;
      for (let at = reversed(code & ((1 << rest) - 1), rest); at < <u32>1 << linkBits; at += 1 << rest) store<u32>(table + ((start + at) << 2), entry);
    }
  }
}

/** What the bits that an entry takes say: `bits` begin at its code, two bits above the lowest. */
@inline
export function valueOf(entry: u32, bits: u64): u32 {
  return (entry >> 16) + ((<u32>bits & ((4 << entry) - 1)) >> (entry >> 8));
}

/** Where in the table a link leads with these bits. */
@inline
export function linked(link: u32, bits: u64): usize {
  return ((link >> 16) << 2) + (<u32>bits & (((1 << ((link >> 8) & 15)) - 1) << 2));
}
