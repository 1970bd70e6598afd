/** Writes the transaction log's rows while WAL is read (AssemblyScript, a part of walScan.as.ts): the bytes that writeXactRows() of layerfile/xactRows.ts writes. */
import { grown } from './memory.as';
import { varint, zigzag } from './varint.as';

const BLOCK_BYTES: u32 = 8192;
/** More than a row takes without its tail. */
const ROW_BYTES: u32 = 64;
/** Of a block: first LSN / 8 (eight bytes), end, first and last CLOG page. */
const TABLE_BYTES: usize = 24;
const XIDS_PER_CLOG_PAGE: u32 = 32768;
const LAST_END_KIND: u32 = 3;
const KIND_MASK: u32 = 0x07;
const SAME_DATABASE: u32 = 0x08;
const SAME_LENGTH: u32 = 0x10;
const SAME_CHANGES: u32 = 0x80;
const USUAL_HEAD: u32 = SAME_DATABASE | SAME_LENGTH | SAME_CHANGES;
const OTHER_STEP: u64 = 15;
const OTHER_HAS_HEAD: u64 = 1;
const OTHER_IS_EARLIER: u64 = 2;
const OTHER_IS_FAR: u64 = 4;
const FAR: u64 = 1 << 48;
const NO_TIME: i64 = i64.MIN_VALUE;

let out: usize = 0;
let length: u32 = 0;
let capacity: u32 = 0;
let blocks: usize = 0;
let blockCount: u32 = 0;
let blockCapacity: u32 = 0;
let blockStart: u32 = 0;

let rowCount: u32 = 0;
let firstTime: i64 = NO_TIME;
let maxTime: i64 = NO_TIME;

// The row before.
let lastLsn: u64 = 0;
let lastTime: i64 = NO_TIME;
let lastXid: u32 = 0;
let lastDatabase: u32 = 0;
let lastLength: u32 = 0;
let lastChanges: u32 = 0;

export function xactBytesAt(): usize { return out; }
export function xactBlocksAt(): usize { return blocks; }
export function getXactBlockCount(): u32 { return blockCount; }
export function getXactCount(): u32 { return rowCount; }
/** Microseconds since 2000 of the first and last row and the latest end of a transaction; not a number where there is none. */
export function getFirstTime(): f64 { return asNumber(firstTime); }
export function getLastTime(): f64 { return rowCount == 0 ? NaN : asNumber(lastTime); }
export function getMaxTime(): f64 { return asNumber(maxTime); }

function asNumber(time: i64): f64 { return time == NO_TIME ? NaN : <f64>time; }

export function clearXacts(): void {
  length = 0;
  blockStart = 0;
  blockCount = 0;
  rowCount = 0;
  firstTime = NO_TIME;
  maxTime = NO_TIME;
}

/**
 * A row in LSN order: `kind` with the bits of what the tail holds, which is `tailLength` bytes at `tail`. Subtransactions touch the CLOG pages from
 * `firstPage` to `lastPage` (the first above the last: there are none).
 */
export function addXact(lsn: u64, recordLength: u32, kind: u32, time: i64, xid: u32, database: u32, changes: u32, tail: usize, tailLength: u32, firstPage: u32, lastPage: u32): void {
  makeRoom(ROW_BYTES + tailLength);
  const isFirst = length == blockStart;
  if (isFirst) beginBlock(lsn);
  const head = kind | (database == lastDatabase ? SAME_DATABASE : 0) | (recordLength == lastLength ? SAME_LENGTH : 0) | (changes == lastChanges ? SAME_CHANGES : 0);
  let at = out + length;
  if (isFirst) {
    store<u8>(at++, <u8>head);
    at = varint(at, zigzag(time));
    at = varint(at, xid);
  } else {
    const step = zigzag(<i64>xid - <i64>lastXid - 1);
    const later = time - lastTime;
    const distance = <u64>(later < 0 ? -later : later);
    const isFar = distance >= FAR;
    const other = (head == USUAL_HEAD ? 0 : OTHER_HAS_HEAD) | (later < 0 ? OTHER_IS_EARLIER : 0) | (isFar ? OTHER_IS_FAR : 0);
    const isShort = other == 0 && step < OTHER_STEP;
    at = varint(at, (lsn - lastLsn) >> 3);
    at = varint(at, (isFar ? 0 : distance * 16) + (isShort ? step : OTHER_STEP));
    if (!isShort) at = varint(at, step * 8 + other);
    if (isFar) at = varint(at, distance);
    if (head != USUAL_HEAD) store<u8>(at++, <u8>head);
  }
  if ((head & SAME_DATABASE) == 0) at = varint(at, database);
  if ((head & SAME_LENGTH) == 0) at = varint(at, recordLength);
  if ((head & SAME_CHANGES) == 0) at = varint(at, changes);
  if (tailLength != 0) memory.copy(at, tail, tailLength);
  length = <u32>(at - out) + tailLength;
  lastLsn = lsn;
  lastTime = time;
  lastXid = xid;
  lastDatabase = database;
  lastLength = recordLength;
  lastChanges = changes;
  count(kind & KIND_MASK, time, xid, firstPage, lastPage);
  if (length - blockStart >= BLOCK_BYTES) endXactBlock();
}

function makeRoom(bytes: u32): void {
  if (length + bytes <= capacity) return;
  capacity = max(capacity * 2, max(length + bytes, 1 << 16));
  out = grown(out, length, capacity, 1);
}

function beginBlock(lsn: u64): void {
  if (blockCount == blockCapacity) {
    blockCapacity = max(blockCapacity * 2, 64);
    blocks = grown(blocks, blockCount, blockCapacity, TABLE_BYTES);
  }
  const at = blocks + <usize>blockCount * TABLE_BYTES;
  store<u64>(at, lsn >> 3);
  store<u32>(at, 1, 12);
  store<u32>(at, 0, 16);
  lastLsn = lsn;
  lastTime = 0;
  lastXid = 0;
  lastDatabase = 0;
  lastLength = 0;
  lastChanges = 0;
}

function count(kind: u32, time: i64, xid: u32, firstPage: u32, lastPage: u32): void {
  if (rowCount++ == 0) firstTime = time;
  if (kind > LAST_END_KIND) return;
  maxTime = max(maxTime, time);
  if (xid != 0) touch(xid / XIDS_PER_CLOG_PAGE);
  if (firstPage <= lastPage) {
    touch(firstPage);
    touch(lastPage);
  }
}

function touch(page: u32): void {
  const at = blocks + <usize>blockCount * TABLE_BYTES;
  const first = load<u32>(at, 12), last = load<u32>(at, 16);
  const none = first > last;
  store<u32>(at, none ? page : min(first, page), 12);
  store<u32>(at, none ? page : max(last, page), 16);
}

/** Ends the block in hand, if there is one. */
export function endXactBlock(): void {
  if (length == blockStart) return;
  store<u32>(blocks + <usize>blockCount * TABLE_BYTES, length, 8);
  blockCount++;
  blockStart = length;
}
