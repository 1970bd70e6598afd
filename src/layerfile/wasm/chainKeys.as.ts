/** Decodes runs of a block of keys (AssemblyScript): those of some pages of one relation. keyRuns.ts is the rule. */
import { allocate, grown } from '../../pg/wasm/memory.as';

const REPEAT_LAST: u32 = 0xf0;
const WIDE: u32 = 0xf2;
const FLAGS: u32 = 0xf4;
const REPEAT_LAST_SHORT: u32 = 0xf8;
const REPEAT_TWO_SHORT: u32 = 0xfc;
const SHORT_REPEATS: u64 = 4;
const STARTS_CHAIN: u32 = 1;
/** Of `starts`: the run has no entry that starts a chain. */
const NONE: u32 = u32.MAX_VALUE;

let bytes: usize = 0;
let room: u32 = 0;
let keys: usize = 0;
let capacity: u32 = 0;
let runs: usize = 0;
let runRoom: u32 = 0;
let at: usize = 0;
let end: usize = 0;
let key: u64 = 0;
let count: u32 = 0;

/** Room for a block; gives where it goes. */
export function block(length: u32): usize {
  if (length + 8 > room) {
    room = (length + 8) * 2;
    bytes = allocate(room);
  }
  return bytes;
}

/** LSN × 4 + bits of each entry, a double. */
export function keysAt(): usize { return keys; }
/** Of each run: its page's block number, its first entry and the number of them, and the last one that starts a chain, or the greatest number; 32 bits each. */
export function runsAt(): usize { return runs; }

function varint(): u64 {
  let value: u64 = 0, shift: u64 = 0;
  while (at < end && shift < 63) {
    const byte = <u64>load<u8>(at++);
    value |= (byte & 127) << shift;
    if (byte < 128) return value;
    shift += 7;
  }
  at = end + 1;
  return 0;
}

/** Decodes the runs of pages [from, to) of the relation, up to the first entry at `stop` (an LSN); gives how many runs, or the greatest number where the block is damaged. */
export function chains(length: u32, relation: u32, from: f64, to: f64, startLsn: f64, stop: f64): u32 {
  at = bytes;
  end = bytes + length;
  count = 0;
  let found: u32 = 0, ordinal: u64 = 0, page: u64 = 0;
  const first = <u64>from, behind = <u64>to, stopKey = <u64>stop << 2;
  while (at < end) {
    const head = varint();
    if ((head & 1) == 0) page += head >> 1;
    else {
      ordinal += head >> 1;
      page = varint();
    }
    const left = varint();
    if (at > end || left > u32.MAX_VALUE) return NONE;
    if (ordinal > relation || (ordinal == relation && page >= behind)) break;
    const isWanted = ordinal == relation && page >= first;
    const run = count;
    key = (<u64>startLsn) << 2;
    if (isWanted && count + <u32>left > capacity) {
      const more = max(count + <u32>left, capacity * 2);
      keys = grown(keys, count, more, 8);
      capacity = more;
    }
    const starts = decode(left, isWanted ? stopKey : 0);
    if (at > end) return NONE;
    if (!isWanted) continue;
    if (found == runRoom) {
      runs = grown(runs, found, max(runRoom * 2, 64), 16);
      runRoom = max(runRoom * 2, 64);
    }
    const place = runs + (<usize>found << 4);
    store<u32>(place, <u32>page);
    store<u32>(place, run, 4);
    store<u32>(place, count - run, 8);
    store<u32>(place, starts, 12);
    found++;
  }
  return found;
}

/** Decodes a run of so many entries, and keeps those before `stop`; gives the last of these that starts a chain. */
function decode(left: u64, stop: u64): u32 {
  let last: u64 = 0, beforeLast: u64 = 0, starts = NONE, bits: u32 = 0;
  while (left != 0) {
    if (at >= end) {
      at = end + 1;
      return NONE;
    }
    const token = <u32>load<u8>(at++);
    let distance: u64 = 0;
    if (token < 0x80) distance = token;
    else if (token < 0xc0) distance = ((token & 0x3f) << 8) | next();
    else if (token < 0xe0) distance = ((token & 0x1f) << 16) | (next() << 8) | next();
    else if (token < REPEAT_LAST) distance = ((token & 0x0f) << 24) | (next() << 16) | (next() << 8) | next();
    else if (token == WIDE) distance = varint();
    else if (token >= FLAGS && token < REPEAT_LAST_SHORT) {
      bits = token & 3;
      continue;
    } else {
      const isShort = token >= REPEAT_LAST_SHORT;
      const times = isShort ? <u64>(token & 3) + 1 : varint() + SHORT_REPEATS + 1;
      if (times > left) {
        at = end + 1;
        return NONE;
      }
      if (isShort ? token < REPEAT_TWO_SHORT : token == REPEAT_LAST) beforeLast = last;
      left -= times;
      for (let n = times; n != 0; n--) {
        const step = beforeLast;
        key += step;
        if (key < stop) keep(key);
        beforeLast = last;
        last = step;
      }
      continue;
    }
    distance <<= 5; // in units of eight bytes, and two bits below them
    key += distance;
    if (key < stop) {
      if ((bits & STARTS_CHAIN) != 0) starts = count;
      keep(key | bits);
    }
    bits = 0;
    beforeLast = last;
    last = distance;
    left--;
  }
  return starts;
}

@inline
function keep(entry: u64): void {
  store<f64>(keys + (<usize>count << 3), <f64><i64>entry);
  count++;
}

@inline
function next(): u32 { return <u32>load<u8>(at++); }
