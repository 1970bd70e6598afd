/**
 * Replays plain records of the Heap manager on pages in this memory (AssemblyScript): those of one block, the page that is wanted, without an image, that
 * lie on one page of WAL. heap/redo.ts is the rule, and replays whatever is not plain: what is odd in any way, nothing of it done yet.
 */
import { crcSlice, crcSpan, initCrc, shortRecordCrc } from '../../pg/wasm/crc32c.as';
import { allocate } from '../../pg/wasm/memory.as';

const PAGE: u32 = 8192;
const PAGE_HEADER: u32 = 24;
const TUPLE_HEADER: u32 = 23;
const HEAP_HEADER: u32 = 5;
const MAX_HEAP_TUPLES: u32 = 291;
const RMGR_HEAP2: u32 = 9;
const RMGR_HEAP: u32 = 10;
const LONG_PAGE_HEADER: u32 = 40;
/** From here on crcSpan() folds. */
const SHORT: u32 = 640;

// What a page and a line pointer hold
const PD_LOWER: usize = 12;
const PD_UPPER: usize = 14;
const PD_SPECIAL: usize = 16;
const PD_FLAGS: usize = 10;
const PD_PRUNE_XID: usize = 20;
const PD_HAS_FREE_LINES: u16 = 0x0001;
const PD_ALL_VISIBLE: u16 = 0x0004;
const LP_UNUSED: u32 = 0;
const LP_NORMAL: u32 = 1;
const LP_REDIRECT: u32 = 2;
const LP_DEAD: u32 = 3;

// HeapTupleHeaderData
const T_XMAX: usize = 4;
const T_CID: usize = 8;
const T_CTID: usize = 12;
const T_INFOMASK2: usize = 18;
const T_INFOMASK: usize = 20;
const T_HOFF: usize = 22;
const HEAP_XMAX_BITS_AND_MOVED: u32 = 0xdcd0;
const HEAP_COMBOCID: u32 = 0x0020;
const HEAP_XMAX_EXCL_LOCK: u32 = 0x0040;
const HEAP_XMAX_LOCK_ONLY: u32 = 0x0080;
const HEAP_XMAX_KEYSHR_LOCK: u32 = 0x0010;
const HEAP_XMAX_IS_MULTI: u32 = 0x1000;
const HEAP_KEYS_UPDATED: u32 = 0x2000;
const HEAP_HOT_UPDATED: u32 = 0x4000;

// Opcodes, and flags of their records
const INSERT: u32 = 0x00;
const DELETE: u32 = 0x10;
const UPDATE: u32 = 0x20;
const HOT_UPDATE: u32 = 0x40;
const LOCK: u32 = 0x60;
/** Of Heap2: PRUNE in 14 to 16, PRUNE_ON_ACCESS from 17 on. */
const PRUNE: u32 = 0x10;
const PRUNE_CLEANUP_LOCK: u32 = 0x04;
const PRUNE_FREEZE_PLANS: u32 = 0x10;
const PRUNE_REDIRECTIONS: u32 = 0x20;
const PRUNE_DEAD: u32 = 0x40;
const PRUNE_UNUSED: u32 = 0x80;
const INSERT_ALL_VISIBLE_CLEARED: u32 = 0x01;
const INSERT_ALL_FROZEN_SET: u32 = 0x20;
const DELETE_ALL_VISIBLE_CLEARED: u32 = 0x01;
const DELETE_IS_SUPER_OR_MOVE: u32 = 0x18;
const UPDATE_ALL_VISIBLE_CLEARED: u32 = 0x03;
const UPDATE_PREFIX_FROM_OLD: u32 = 0x20;
const UPDATE_SUFFIX_FROM_OLD: u32 = 0x40;

let pages: usize = 0;
let windowAt: usize = 0;
let lsns: usize = 0;
let places: usize = 0;
let blocks: usize = 0;
let isUnknown: usize = 0;
let whole: usize = 0;
let scratch: usize = 0;
let major: u32 = 0;
let segmentMask: u64 = 0;
let spcOid: u32 = 0;
let dbOid: u32 = 0;
let relNumber: u32 = 0;

/** To be called first: room for so many pages, bytes of WAL, and records of a batch. */
export function begin(pageCount: u32, windowBytes: u32, records: u32): void {
  allocate(0); // the fixed part
  initCrc();
  pages = allocate(<usize>pageCount * PAGE);
  blocks = allocate(<usize>pageCount * 4);
  isUnknown = allocate(pageCount);
  windowAt = allocate(windowBytes + 64);
  whole = allocate(PAGE + 64);
  scratch = allocate(PAGE);
  lsns = allocate(<usize>records * 8);
  places = allocate(<usize>records * 4);
}

export function pagesAt(): usize { return pages; }
/** The block number of each page, 32 bits. */
export function blocksAt(): usize { return blocks; }
/** Whether each page's contents are not known, a byte. */
export function unknownAt(): usize { return isUnknown; }
export function bytesAt(): usize { return windowAt; }
/** Room for a record of a page's length. */
export function wholeAt(): usize { return whole; }
/** Where each record begins, a double. */
export function lsnsAt(): usize { return lsns; }
/** The page of each record, times four, 32 bits. */
export function placesAt(): usize { return places; }

/** Whose pages they are. */
export function relation(spc: u32, db: u32, number: u32, ofMajor: u32, segmentSize: u32): void {
  major = ofMajor;
  spcOid = spc;
  dbOid = db;
  relNumber = number;
  segmentMask = ~(<u64>segmentSize - 1);
}

/** Replays the records [from, to), as long as they are plain; `length` bytes of WAL from `start` on are there. Gives the first that is not replayed. */
export function replay(from: u32, to: u32, start: f64, length: u32): u32 {
  const first = <u64>start;
  for (let i = from; i < to; i++) {
    const lsn = <u64>load<f64>(lsns + (<usize>i << 3));
    const page = load<u32>(places + (<usize>i << 2)) >> 2;
    if (!replayOne(<u32>(lsn - first), length, lsn, page)) return i;
  }
  return to;
}

/** Replays a record that was read and checked elsewhere, and lies at wholeAt() in one piece, where it is plain; `after`: where it ends in the WAL. */
export function replayWhole(i: u32, totLen: u32, after: f64): bool {
  return isPlain(whole, totLen, <u64>after, load<u32>(places + (<usize>i << 2)) >> 2);
}

function replayOne(offset: u32, length: u32, lsn: u64, place: u32): bool {
  const record = windowAt + offset, inPage = <u32>lsn & (PAGE - 1);
  if (offset + 24 > length || inPage < LONG_PAGE_HEADER || inPage + 24 > PAGE) return false;
  const totLen = load<u32>(record);
  if (totLen < 24 || totLen > PAGE - inPage || offset + totLen > length) return false;
  if (load<u8>(record, 17) != RMGR_HEAP && load<u8>(record, 17) != RMGR_HEAP2) return false;
  // the page's header is not looked at: that the record before it is in this segment proves that the bytes belong here
  const previous = load<u64>(record, 8);
  if (previous >= lsn || previous < (lsn & segmentMask)) return false;
  const crc = totLen < SHORT ? shortRecordCrc(record, totLen) : ~crcSlice(crcSpan(record + 24, totLen - 24), record, 20);
  if (crc != load<u32>(record, 20)) return false;
  return isPlain(record, totLen, lsn + ((totLen + 7) & ~7), place);
}

/** DecodeXLogRecord() for one block reference of the main fork, and main data of less than 256 bytes. */
function isPlain(record: usize, totLen: u32, lsnAfter: u64, place: u32): bool {
  if (load<u8>(record, 17) != RMGR_HEAP && load<u8>(record, 17) != RMGR_HEAP2) return false;
  const end = record + totLen;
  if (totLen < 24 + 22 || load<u8>(record, 24) != 0 || (load<u8>(record, 25) & ~0x20) != 0) return false;
  if (load<u32>(record, 28) != spcOid || load<u32>(record, 32) != dbOid || load<u32>(record, 36) != relNumber) return false;
  const block = load<u32>(record, 40);
  if (block != load<u32>(blocks + (<usize>place << 2)) || load<u8>(isUnknown + place) != 0) return false;
  let at = record + 44;
  if (load<u8>(at) == 253) at += 3; // replication origin
  if (load<u8>(at) == 252) at += 5; // top-level xid
  if (at + 2 > end || load<u8>(at) != 255) return false;
  const mainLength = <u32>load<u8>(at, 1), dataLength = <u32>load<u16>(record, 26);
  at += 2;
  if (((load<u8>(record, 25) & 0x20) != 0) != (dataLength != 0) || at + dataLength + mainLength != end) return false;
  const page = pages + <usize>place * PAGE;
  if (load<u16>(page, PD_UPPER) == 0) return false; // no page yet
  if (lsnAfter <= ((<u64>load<u32>(page) << 32) | load<u32>(page, 4))) return true; // the page is newer
  const xid = load<u32>(record, 4), main = at + dataLength, info = <u32>load<u8>(record, 16);
  let isDone = false;
  if (load<u8>(record, 17) == RMGR_HEAP2) isDone = info == PRUNE && prune(page, main, mainLength, at, dataLength);
  else switch (info & 0xf0) { // with the bit of a page that the record begins
    case INSERT: isDone = mainLength >= 3 && insert(page, block, xid, main, at, dataLength); break;
    case DELETE: isDone = mainLength >= 8 && remove(page, block, xid, main); break;
    case UPDATE: isDone = mainLength >= 14 && update(page, block, xid, main, at, dataLength, 0); break;
    case HOT_UPDATE: isDone = mainLength >= 14 && update(page, block, xid, main, at, dataLength, HEAP_HOT_UPDATED); break;
    case LOCK: isDone = mainLength >= 8 && lock(page, block, main); break;
  }
  if (!isDone) return false;
  store<u32>(page, <u32>(lsnAfter >> 32));
  store<u32>(page, <u32>lsnAfter, 4);
  return true;
}

@inline
function lineAt(page: usize, offnum: u32): usize { return page + PAGE_HEADER - 4 + (<usize>offnum << 2); }

/** heapTupleAt(): where a tuple begins on the page; 0 where there is none. */
function tupleAt(page: usize, offnum: u32): u32 {
  const lower = <u32>load<u16>(page, PD_LOWER);
  if (offnum == 0 || lower > PAGE || PAGE_HEADER + offnum * 4 > lower) return 0;
  const id = load<u32>(lineAt(page, offnum)), at = id & 0x7fff, length = id >> 17;
  return ((id >> 15) & 3) == LP_NORMAL && length >= TUPLE_HEADER && at >= PAGE_HEADER && at + length <= PAGE ? at : 0;
}

/** Where PageAddItemExtended() puts an item of this length under a line pointer that is unused or the next; 0 where it does not fit. */
function roomFor(page: usize, offnum: u32, length: u32): u32 {
  const lower = <u32>load<u16>(page, PD_LOWER), upper = <u32>load<u16>(page, PD_UPPER), special = <u32>load<u16>(page, PD_SPECIAL);
  if (lower < PAGE_HEADER || lower > upper || upper > special || special > PAGE || offnum == 0 || offnum > MAX_HEAP_TUPLES) return 0;
  const limit = ((lower - PAGE_HEADER) >> 2) + 1, aligned = (length + 7) & ~7;
  if (offnum > limit) return 0;
  const isNext = offnum == limit, id = isNext ? 0 : load<u32>(lineAt(page, offnum));
  if (((id >> 15) & 3) != 0 || id >> 17 != 0) return 0;
  return (isNext ? lower + 4 : lower) + aligned <= upper ? upper - aligned : 0;
}

/** Takes what roomFor() found, and writes the header of a tuple that replay puts on a page. */
function addTuple(page: usize, at: u32, block: u32, offnum: u32, length: u32, xmin: u32, xmax: u32, header: usize): void {
  const lower = <u32>load<u16>(page, PD_LOWER);
  store<u32>(lineAt(page, offnum), at | (LP_NORMAL << 15) | (length << 17));
  if (PAGE_HEADER + offnum * 4 > lower) store<u16>(page, <u16>(lower + 4), PD_LOWER);
  store<u16>(page, <u16>at, PD_UPPER);
  const tuple = page + at;
  store<u32>(tuple, xmin);
  store<u32>(tuple, xmax, T_XMAX);
  store<u32>(tuple, 0, T_CID);
  setCtid(tuple, block, offnum);
  store<u16>(tuple, load<u16>(header), T_INFOMASK2);
  store<u16>(tuple, <u16>(load<u16>(header, 2) & ~HEAP_COMBOCID), T_INFOMASK);
  store<u8>(tuple, load<u8>(header, 4), T_HOFF);
}

@inline
function setCtid(tuple: usize, block: u32, offnum: u32): void {
  store<u32>(tuple, (block >> 16) | (block << 16), T_CTID);
  store<u16>(tuple, <u16>offnum, T_CTID + 4);
}

/** setInfobits() with xmax, and cmax as FirstCommandId; `hot`: HEAP_HOT_UPDATED or 0. */
function setXmax(tuple: usize, infobits: u32, xmax: u32, hot: u32): void {
  let infomask = <u32>load<u16>(tuple, T_INFOMASK) & ~(HEAP_XMAX_BITS_AND_MOVED | HEAP_COMBOCID);
  let infomask2 = (<u32>load<u16>(tuple, T_INFOMASK2) & ~(HEAP_KEYS_UPDATED | HEAP_HOT_UPDATED)) | hot;
  if ((infobits & 0x01) != 0) infomask |= HEAP_XMAX_IS_MULTI;
  if ((infobits & 0x02) != 0) infomask |= HEAP_XMAX_LOCK_ONLY;
  if ((infobits & 0x04) != 0) infomask |= HEAP_XMAX_EXCL_LOCK;
  if ((infobits & 0x08) != 0) infomask |= HEAP_XMAX_KEYSHR_LOCK;
  if ((infobits & 0x10) != 0) infomask2 |= HEAP_KEYS_UPDATED;
  store<u16>(tuple, <u16>infomask, T_INFOMASK);
  store<u16>(tuple, <u16>infomask2, T_INFOMASK2);
  store<u32>(tuple, xmax, T_XMAX);
  store<u32>(tuple, 0, T_CID);
}

/** PageSetPrunable() */
function setPrunable(page: usize, xid: u32): void {
  const old = load<u32>(page, PD_PRUNE_XID);
  const precedes = old < 3 || xid < 3 ? xid < old : <i32>(xid - old) < 0;
  if (old == 0 || precedes) store<u32>(page, xid, PD_PRUNE_XID);
}

@inline
function clearAllVisible(page: usize): void { store<u16>(page, load<u16>(page, PD_FLAGS) & ~PD_ALL_VISIBLE, PD_FLAGS); }

/** heap_xlog_insert() */
function insert(page: usize, block: u32, xid: u32, main: usize, data: usize, dataLength: u32): bool {
  const offnum = <u32>load<u16>(main), flags = <u32>load<u8>(main, 2);
  if (dataLength <= HEAP_HEADER) return false;
  const length = TUPLE_HEADER + dataLength - HEAP_HEADER, at = roomFor(page, offnum, length);
  if (at == 0) return false;
  addTuple(page, at, block, offnum, length, xid, 0, data);
  memory.copy(page + at + TUPLE_HEADER, data + HEAP_HEADER, dataLength - HEAP_HEADER);
  if ((flags & INSERT_ALL_VISIBLE_CLEARED) != 0) clearAllVisible(page);
  if ((flags & INSERT_ALL_FROZEN_SET) != 0) store<u16>(page, load<u16>(page, PD_FLAGS) | PD_ALL_VISIBLE, PD_FLAGS);
  return true;
}

/** heap_xlog_delete() */
function remove(page: usize, block: u32, xid: u32, main: usize): bool {
  const offnum = <u32>load<u16>(main, 4), flags = <u32>load<u8>(main, 7), at = tupleAt(page, offnum);
  if (at == 0 || (flags & DELETE_IS_SUPER_OR_MOVE) != 0) return false;
  setXmax(page + at, load<u8>(main, 6), load<u32>(main), 0);
  setPrunable(page, xid);
  if ((flags & DELETE_ALL_VISIBLE_CLEARED) != 0) clearAllVisible(page);
  setCtid(page + at, block, offnum);
  return true;
}

/** heap_xlog_lock() */
function lock(page: usize, block: u32, main: usize): bool {
  const offnum = <u32>load<u16>(main, 4), at = tupleAt(page, offnum);
  if (at == 0) return false;
  const tuple = page + at, infobits = <u32>load<u8>(main, 6);
  // HEAP_XMAX_IS_LOCKED_ONLY() of the bits that the record sets
  const isLockedOnly = (infobits & 0x02) != 0 || (infobits & 0x0d) == 0x04;
  setXmax(tuple, infobits, load<u32>(main), isLockedOnly ? 0 : <u32>load<u16>(tuple, T_INFOMASK2) & HEAP_HOT_UPDATED);
  if (isLockedOnly) setCtid(tuple, block, offnum);
  return true;
}

/** heap_xlog_update() where both versions are on the page. */
function update(page: usize, block: u32, xid: u32, main: usize, data: usize, dataLength: u32, hot: u32): bool {
  const oldOffnum = <u32>load<u16>(main, 4), flags = <u32>load<u8>(main, 7), offnum = <u32>load<u16>(main, 12);
  const oldAt = tupleAt(page, oldOffnum), end = data + dataLength;
  if (oldAt == 0) return false;
  let prefix: u32 = 0, suffix: u32 = 0;
  if ((flags & UPDATE_PREFIX_FROM_OLD) != 0) {
    prefix = load<u16>(data);
    data += 2;
  }
  if ((flags & UPDATE_SUFFIX_FROM_OLD) != 0) {
    suffix = load<u16>(data);
    data += 2;
  }
  if (data + HEAP_HEADER > end) return false;
  const header = data, hoff = <u32>load<u8>(header, 4);
  data += HEAP_HEADER;
  const tupleLength = <u32>(end - data);
  if (prefix != 0 && (hoff < TUPLE_HEADER || hoff - TUPLE_HEADER > tupleLength)) return false;
  // the bitmap and its padding precede the prefix
  const bitmap = prefix != 0 ? hoff - TUPLE_HEADER : 0;
  const old = page + oldAt, oldLength = load<u32>(lineAt(page, oldOffnum)) >> 17, oldHoff = <u32>load<u8>(old, T_HOFF);
  if ((prefix | suffix) != 0 && (oldHoff + prefix > oldLength || suffix > oldLength)) return false;
  const length = TUPLE_HEADER + tupleLength + prefix + suffix, at = roomFor(page, offnum, length);
  if (at == 0) return false;
  setXmax(old, load<u8>(main, 6), load<u32>(main), hot);
  setCtid(old, block, offnum);
  setPrunable(page, xid);
  addTuple(page, at, block, offnum, length, xid, load<u32>(main, 8), header);
  let to = page + at + TUPLE_HEADER;
  if (prefix != 0) {
    memory.copy(to, data, bitmap);
    memory.copy(to + bitmap, old + oldHoff, prefix);
    to += bitmap + prefix;
  }
  memory.copy(to, data + bitmap, tupleLength - bitmap);
  if (suffix != 0) memory.copy(to + tupleLength - bitmap, old + oldLength - suffix, suffix);
  if ((flags & UPDATE_ALL_VISIBLE_CLEARED) != 0) clearAllVisible(page);
  return true;
}

/** heap_xlog_prune_freeze() of a record of 14 on that freezes nothing and has the cleanup lock. */
function prune(page: usize, main: usize, mainLength: u32, data: usize, dataLength: u32): bool {
  const end = data + dataLength;
  if (major < 14 || dataLength == 0 || mainLength < (major < 17 ? 8 : 2)) return false;
  const flags: u32 = major < 17 ? PRUNE_CLEANUP_LOCK | PRUNE_REDIRECTIONS | PRUNE_DEAD | PRUNE_UNUSED : <u32>load<u8>(main, 1);
  if ((flags & (PRUNE_CLEANUP_LOCK | PRUNE_FREEZE_PLANS)) != PRUNE_CLEANUP_LOCK) return false;
  memory.copy(scratch, page, PAGE);
  let at = data;
  if ((flags & PRUNE_REDIRECTIONS) != 0) at = setLines(page, at, end, major < 17 ? <u32>load<u16>(main, 4) : NO_COUNT, LP_REDIRECT);
  if ((flags & PRUNE_DEAD) != 0) at = setLines(page, at, end, major < 17 ? <u32>load<u16>(main, 6) : NO_COUNT, LP_DEAD);
  // before 17 all that is left is unused items
  if ((flags & PRUNE_UNUSED) != 0) at = setLines(page, at, end, major < 17 && at != 0 ? <u32>(end - at) >> 1 : NO_COUNT, LP_UNUSED);
  if (at != 0 && repairFragmentation(page)) return true;
  memory.copy(page, scratch, PAGE);
  return false;
}

/** The count of offset numbers stands before them. */
const NO_COUNT: u32 = u32.MAX_VALUE;

/** Sets the line pointers that are told from `at` on; gives the end of that, 0 where something is wrong, as where `at` is. */
function setLines(page: usize, at: usize, end: usize, count: u32, flags: u32): usize {
  if (at == 0) return 0;
  if (count == NO_COUNT) {
    if (at + 2 > end) return 0;
    count = load<u16>(at);
    at += 2;
  }
  const step: usize = flags == LP_REDIRECT ? 4 : 2, lower = <u32>load<u16>(page, PD_LOWER);
  if (at + count * step > end || lower > PAGE) return 0;
  for (; count != 0; count--, at += step) {
    const offnum = <u32>load<u16>(at);
    if (offnum == 0 || PAGE_HEADER + offnum * 4 > lower) return 0;
    store<u32>(lineAt(page, offnum), (flags << 15) | (flags == LP_REDIRECT ? <u32>load<u16>(at, 2) & 0x7fff : 0));
  }
  return at;
}

/** PageRepairFragmentation() of 14 on; `scratch` holds the page's items. False where the page is not sound. */
function repairFragmentation(page: usize): bool {
  const lower = <u32>load<u16>(page, PD_LOWER), upper = <u32>load<u16>(page, PD_UPPER), special = <u32>load<u16>(page, PD_SPECIAL);
  if (lower < PAGE_HEADER || lower > upper || upper > special || special > PAGE || (special & 7) != 0) return false;
  const lines = (lower - PAGE_HEADER) >> 2;
  let lastUsed: u32 = 0, unused: u32 = 0, to = special;
  for (let n: u32 = 1; n <= lines; n++) {
    const line = lineAt(page, n), id = load<u32>(line), from = id & 0x7fff, length = id >> 17;
    if (((id >> 15) & 3) == LP_UNUSED) {
      store<u32>(line, 0);
      unused++;
      continue;
    }
    lastUsed = n;
    if (length == 0) continue;
    const size = (length + 7) & ~7;
    if (from < upper || from + length > special || from + size > PAGE || size + lower > to) return false;
    to -= size;
    if (from != to) memory.copy(page + to, scratch + from, size);
    store<u32>(line, (id & ~0x7fff) | to);
  }
  store<u16>(page, <u16>to, PD_UPPER);
  if (major >= 15) {
    unused -= lines - lastUsed;
    store<u16>(page, <u16>(PAGE_HEADER + lastUsed * 4), PD_LOWER);
  }
  const flags = load<u16>(page, PD_FLAGS);
  store<u16>(page, unused != 0 ? flags | PD_HAS_FREE_LINES : flags & ~PD_HAS_FREE_LINES, PD_FLAGS);
  return true;
}
