/** Writes sorted keys as blocks of runs (AssemblyScript, a part of walScan.as.ts): the bytes that KeyBlockWriter of layerfile/keyRuns.ts writes. */
import { allocate, grown } from './memory.as';
import { varint } from './varint.as';
import { endsAt, entriesAt, getGroupCount, groupAt, GROUP_PAGES } from './keyStore.as';

const BLOCK_BYTES: u32 = 8192;
// keyRuns.ts explains the tokens
const REPEAT_LAST: u32 = 0xf0;
const REPEAT_TWO: u32 = 0xf1;
const WIDE: u32 = 0xf2;
const FLAGS: u32 = 0xf4;
const REPEAT_LAST_SHORT: u32 = 0xf8;
const REPEAT_TWO_SHORT: u32 = 0xfc;
const SHORT_REPEATS: u32 = 4;
/** More than the longest head of a run. */
const HEAD_BYTES: u32 = 16;
const NONE: u32 = u32.MAX_VALUE;

/** Of a block: where it ends, ordinal and block of its first run. */
const TABLE_BYTES: usize = 12;

let out: usize = 0;
let length: u32 = 0;
let capacity: u32 = 0;
let blocks: usize = 0;
let blockCount: u32 = 0;
let blockCapacity: u32 = 0;
let blockStart: u32 = 0;
let fenceOrdinal: u32 = 0;
let fenceBlock: u32 = 0;
let lastOrdinal: u32 = 0;
let lastBlock: u32 = 0;

export function keyBytesAt(): usize { return out; }
export function keyBlocksAt(): usize { return blocks; }
export function getKeyBlockCount(): u32 { return blockCount; }

/** Encodes all sorted keys; `ranks`: the ordinal of each relation. */
export function encodeKeys(ranks: usize): void {
  capacity = 1 << 20;
  out = allocate(capacity);
  length = 0;
  blockCapacity = 256;
  blocks = allocate(<usize>blockCapacity * TABLE_BYTES);
  blockCount = 0;
  blockStart = 0;
  const entries = entriesAt();
  let from = entries;
  const groupCount = getGroupCount();
  for (let place: u32 = 0; place < groupCount; place++) {
    const group = groupAt(place);
    const ordinal = load<u32>(ranks + (<usize>load<u32>(group) << 2));
    const ends = endsAt(place);
    for (let i: u32 = 0; i < GROUP_PAGES; i++) {
      const end = entries + (<usize>load<u32>(ends + (<usize>i << 2)) << 2);
      if (end != from) encodePage(ordinal, load<u32>(group, 4) * GROUP_PAGES + i, from, end);
      from = end;
    }
  }
  endBlock();
}

function encodePage(ordinal: u32, block: u32, from: usize, end: usize): void {
  let at = from;
  while (at < end) {
    if (length + 3 * BLOCK_BYTES > capacity) {
      out = grown(out, length, capacity * 2, 1);
      capacity *= 2;
    }
    const used = length - blockStart;
    const tokens = out + length + HEAD_BYTES;
    const next = encodeRun(at, end, tokens, used < BLOCK_BYTES ? BLOCK_BYTES - used : 1);
    const head = writeHead(ordinal, block, <u32>((next - at) >> 2));
    memory.copy(out + head, tokens, tokensEnd - tokens);
    length = head + <u32>(tokensEnd - tokens);
    at = next;
    if (length - blockStart >= BLOCK_BYTES) endBlock();
  }
}

/** Gives the length with it. */
function writeHead(ordinal: u32, block: u32, count: u32): u32 {
  let at = out + length;
  if (length == blockStart) {
    fenceOrdinal = ordinal;
    fenceBlock = block;
    lastOrdinal = 0;
    lastBlock = 0;
  }
  if (length != blockStart && ordinal == lastOrdinal) {
    at = varint(at, <u64>(block - lastBlock) * 2);
  } else {
    at = varint(at, <u64>(ordinal - lastOrdinal) * 2 + 1);
    at = varint(at, block);
  }
  at = varint(at, count);
  lastOrdinal = ordinal;
  lastBlock = block;
  return <u32>(at - out);
}

function endBlock(): void {
  if (length == blockStart) return;
  if (blockCount == blockCapacity) {
    blocks = grown(blocks, blockCount, blockCapacity * 2, TABLE_BYTES);
    blockCapacity *= 2;
  }
  const at = blocks + <usize>blockCount * TABLE_BYTES;
  store<u32>(at, length);
  store<u32>(at, fenceOrdinal, 4);
  store<u32>(at, fenceBlock, 8);
  blockCount++;
  blockStart = length;
}

let tokensEnd: usize = 0;

/** Entries from `from`, until there are `room` bytes of tokens at `to`; gives the entry that comes next. */
function encodeRun(from: usize, end: usize, to: usize, room: u32): usize {
  const limit = to + room;
  let at = from;
  let previous: u32 = 0;
  let last = NONE;
  let beforeLast = NONE;
  while (at < end) {
    if (to >= limit) break;
    const entry = load<u32>(at);
    const distance = (entry >> 2) - previous;
    const bits = entry & 3;
    if (bits == 0 && (distance == last || distance == beforeLast)) {
      const ones = distance == last ? repeats(at, end, previous, last, last) : 0;
      const twos = distance == beforeLast ? repeats(at, end, previous, last, beforeLast) : 0;
      if (ones > 1 || twos > 1 || distance >= 128) {
        let count = ones;
        if (ones >= twos) {
          to = repeat(to, REPEAT_LAST, REPEAT_LAST_SHORT, ones);
          beforeLast = last;
        } else {
          count = twos;
          to = repeat(to, REPEAT_TWO, REPEAT_TWO_SHORT, twos);
          if ((twos & 1) != 0) {
            const swap = last;
            last = beforeLast;
            beforeLast = swap;
          }
        }
        at += <usize>count << 2;
        previous = load<u32>(at - 4) >> 2;
        continue;
      }
    }
    if (bits != 0) store<u8>(to++, FLAGS | bits);
    to = writeDistance(to, distance);
    beforeLast = last;
    last = distance;
    previous = entry >> 2;
    at += 4;
  }
  tokensEnd = to;
  return at;
}

/** How many entries without bits follow at the distances `even`, `odd`, `even`, … */
function repeats(from: usize, end: usize, previous: u32, odd: u32, even: u32): u32 {
  let at = from;
  let expected = previous;
  while (true) {
    expected += even;
    if (at >= end || load<u32>(at) != expected << 2) break;
    at += 4;
    expected += odd;
    if (at >= end || load<u32>(at) != expected << 2) break;
    at += 4;
  }
  return <u32>((at - from) >> 2);
}

@inline
function repeat(to: usize, long: u32, short: u32, count: u32): usize {
  if (count <= SHORT_REPEATS) {
    store<u8>(to, short + count - 1);
    return to + 1;
  }
  store<u8>(to, long);
  return varint(to + 1, count - SHORT_REPEATS - 1);
}

@inline
function writeDistance(to: usize, value: u32): usize {
  if (value < 0x80) {
    store<u8>(to, value);
    return to + 1;
  }
  if (value < 0x4000) {
    store<u16>(to, bswap<u16>(<u16>(0x8000 | value)));
    return to + 2;
  }
  if (value < 0x200000) {
    store<u32>(to, bswap<u32>((0xc00000 | value) << 8));
    return to + 3;
  }
  if (value < 0x10000000) {
    store<u32>(to, bswap<u32>(0xe0000000 | value));
    return to + 4;
  }
  store<u8>(to, WIDE);
  return varint(to + 1, value);
}
