/**
 * The WAL scan's inner loop (AssemblyScript, compiled to WebAssembly by `npm run build:wasm`). It walks whole WAL pages in linear memory,
 * makes every check of xlogreader.c and gathers block references. It never explains: where anything is wrong or out of the
 * ordinary it stops at the record, and the caller lets XLogReader say what it is.
 */
import { countRows, forgetNotes, getNoteCount, initChanges, newestXid, nextNote, noteXid, takeBack } from './changes.as';
import { beginBatch, collectBatch } from './collect.as';
import { beginStream, crcSlice, initCrc, shortRecordCrc, streamEnd, streamIsGood, streamPiece, streamRecord } from './crc32c.as';
import {
  allocate, CRC_TABLES, HEADERS, HEADERS_MAX, MODES, PAGE, RECORD_END, RECORD_MAIN, RECORD_POS, RECORDS, REF_RELATION, REFS,
} from './memory.as';
import { gatherBytes, headerSize, recordByte } from './recordBytes.as';
import { readHeaders, refCount, setMajor, setRefCount } from './recordHeaders.as';
import { forgetRelations, getRelationCount, growRelations } from './relationTable.as';

export { anyOpen, countRows, gather, getNewestXid, getNoteCount, getShapeCount, noteRecord, notesAt, shapeWordsAt, takeShape } from './changes.as';
export { beginLayer } from './collect.as';
export { crcSpan } from './crc32c.as';
export { getKeyBlockCount, keyBlocksAt, keyBytesAt } from './keyRuns.as';
export { addKey, addSize, getKeyCount, getSizeCount, knownBlocks, sizesAt } from './keyStore.as';
export { setRefCount } from './recordHeaders.as';
export { finishLayer, layerRoom, tailRoom } from './layer.as';
export { modesAt, refRelationAt, refBlockAt, refLsnAt, refFlagsAt, recordPosAt, recordEndAt } from './memory.as';
export { getRelationCount, intern, relationsAt } from './relationTable.as';
export { addXact, getFirstTime, getLastTime, getMaxTime, getXactBlockCount, getXactCount, xactBlocksAt, xactBytesAt } from './xactRows.as';

// What scan() answers.
const NEED_DATA: i32 = 0;
const FULL: i32 = 1;
const DONE: i32 = 2;
/** Not a good record, or one whose continuation was overwritten: XLogReader's to read. */
const ODD: i32 = 3;

const RECORD_HEADER: u32 = 24;
const XLP_FIRST_IS_CONTRECORD: u32 = 0x01;
const XLP_LONG_HEADER: u32 = 0x02;
const XLP_FIRST_IS_OVERWRITE_CONTRECORD: u32 = 0x08;

const MAX_REFS_OF_RECORD: u32 = 33;
/** A record that leaves its page goes into the stream where its first piece of data has the four bytes that are inverted. */
const STREAMED_MIN: u32 = RECORD_HEADER + 4;

let buffer: usize = 0;
let bufferLsn: u64 = 0;

let major: u32 = 0;
let magic: u32 = 0;
let segmentSize: u64 = 0;
let systemIdentifier: u64 = 0;
let untilLsn: u64 = 0;
let pos: u32 = 0;
let previousLsn: u64 = 0;
let previousKnown: bool = false;
let latestTimeline: u32 = 0;
let checkedPage: u64 = u64.MAX_VALUE;
let recordCount: u32 = 0;
let scannedRecords: u32 = 0;
let scannedBytes: f64 = 0;
/** Every checksum by itself: to find the wrong one. */
let oneByOne: bool = false;
let counting: bool = false; // of changes

/** Begins a scan; `modes` (256 bytes at modesAt()) says which records are handed over: 0 none, 1 all, 2 XLOG, 3 Heap, 4 Heap2. */
export function init(theMajor: u32, theMagic: u32, theSegmentSize: f64, theSystemIdentifier: u64, until: f64): void {
  if (__heap_base > CRC_TABLES) unreachable();
  if (magic == 0) {
    allocate(0); // the fixed part
    initCrc();
    growRelations(1 << 12);
  } else {
    forgetRelations(0);
  }
  major = theMajor;
  setMajor(theMajor);
  magic = theMagic;
  segmentSize = <u64>theSegmentSize;
  systemIdentifier = theSystemIdentifier;
  untilLsn = <u64>until;
  counting = false;
  previousKnown = false;
  latestTimeline = 0;
  checkedPage = u64.MAX_VALUE;
  clearBatch();
}

/** From now on the rows that transactions change are counted. */
export function countChanges(): void {
  counting = true;
  initChanges();
}

export function getRefCount(): u32 { return refCount; }
export function getRecordCount(): u32 { return recordCount; }
export function getPos(): u32 { return pos; }
export function getPreviousLsn(): f64 { return <f64>previousLsn; }
export function getPreviousKnown(): bool { return previousKnown; }
export function getScannedRecords(): u32 { return scannedRecords; }
export function getScannedBytes(): f64 { return scannedBytes; }

/** Room for `bytes` of WAL and the few that vectors may read past their end. */
export function allocateBuffer(bytes: u32): usize {
  return allocate(<usize>bytes + 64);
}

/** The buffer at `at` holds WAL from `lsn`, a page's start; the next record begins `at + thePos`. */
export function place(at: usize, lsn: f64, thePos: u32): void {
  buffer = at;
  bufferLsn = <u64>lsn;
  pos = thePos;
}

/** The record before the next one; negative: unknown. */
export function setPrevious(lsn: f64): void {
  previousKnown = lsn >= 0;
  previousLsn = previousKnown ? <u64>lsn : 0;
}

export function clearBatch(): void {
  setRefCount(0);
  recordCount = 0;
  scannedRecords = 0;
  scannedBytes = 0;
  beginBatch();
}

/** Takes the batch into the layer in hand, its LSNs counted from `baseLsn`: collectBatch(). */
export function collect(baseLsn: f64): i32 {
  return collectBatch(buffer, <u64>baseLsn, refCount, recordCount);
}

/** Checksum of a record on several pages: over its data, then over the first 20 bytes of its header, which is at `header` in one piece. */
function crcAcrossPages(start: u32, totLen: u32, header: usize): u32 {
  let crc: u32 = u32.MAX_VALUE;
  let p = start;
  let rest = totLen;
  let skip = RECORD_HEADER; // of the first fragments, before the data
  while (rest != 0) {
    const fragment = min(PAGE - (p & (PAGE - 1)), rest);
    const skipped = min(skip, fragment);
    skip -= skipped;
    crc = crcSlice(crc, buffer + p + skipped, fragment - skipped);
    rest -= fragment;
    p += fragment;
    if (rest != 0) p += headerSize(buffer + p);
  }
  return ~crcSlice(crc, header, 20);
}

/** The same record as part of the stream. */
function streamAcrossPages(start: u32, totLen: u32, header: usize): void {
  let p = start;
  let rest = totLen;
  let skip = RECORD_HEADER;
  let first = true;
  while (rest != 0) {
    const fragment = min(PAGE - (p & (PAGE - 1)), rest);
    const skipped = min(skip, fragment);
    skip -= skipped;
    if (fragment != skipped) {
      streamPiece(buffer + p + skipped, fragment - skipped, first);
      first = false;
    }
    rest -= fragment;
    p += fragment;
    if (rest != 0) p += headerSize(buffer + p);
  }
  streamEnd(header);
}

// ---- pages

/** XLogReaderValidatePageHeader() */
function checkPage(page: u32): bool {
  const lsn = bufferLsn + page;
  const at = buffer + page;
  const info = <u32>load<u16>(at, 2);
  if (<u32>load<u16>(at) != magic || (info & ~0x0f) != 0) return false;
  if ((info & XLP_LONG_HEADER) != 0) {
    if (systemIdentifier != 0 && load<u64>(at, 24) != systemIdentifier) return false;
    if (<u64>load<u32>(at, 32) != segmentSize || load<u32>(at, 36) != PAGE) return false;
  } else if ((lsn & (segmentSize - 1)) == 0) {
    return false;
  }
  const timeline = load<u32>(at, 4);
  if (load<u64>(at, 8) != lsn || timeline < latestTimeline) return false;
  latestTimeline = timeline;
  checkedPage = lsn;
  return true;
}

/** Follows a record that leaves its page: gives its end, 0 where more data is needed, 1 where something is odd. */
function endAcrossPages(start: u32, totLen: u32, length: u32): u32 {
  let rest = totLen - (PAGE - (start & (PAGE - 1)));
  let page = (start & ~(PAGE - 1)) + PAGE;
  while (true) {
    if (page + PAGE > length) return 0;
    if (bufferLsn + page != checkedPage && !checkPage(page)) return 1;
    const info = <u32>load<u16>(buffer + page, 2);
    if ((info & XLP_FIRST_IS_OVERWRITE_CONTRECORD) != 0 || (info & XLP_FIRST_IS_CONTRECORD) == 0) return 1;
    if (load<u32>(buffer + page, 16) != rest) return 1;
    const header = headerSize(buffer + page);
    if (rest <= PAGE - header) return page + header + ((rest + 7) & ~7);
    rest -= PAGE - header;
    page += PAGE;
  }
}

// ---- records

@inline
function headerIsGood(at: usize, lsn: u64): bool {
  const rmid = <u32>load<u8>(at, 17);
  if (rmid > 21 && (major < 15 || rmid < 128)) return false;
  const prev = load<u64>(at, 8);
  return previousKnown ? prev == previousLsn : prev < lsn;
}

/**
 * Until `until`, or the end of `length` bytes (whole pages) in the buffer, or full arrays. The position stands at the first record
 * that was not taken. The records' checksums are verified all at once; only where one is wrong the records are gone through again, one by one.
 */
export function scan(length: u32): i32 {
  remember();
  oneByOne = false;
  beginStream();
  const status = scanRecords(length);
  if (streamIsGood()) return status;
  rewind();
  if (counting) {
    // the same way again takes back what was counted on it
    takeBack(true);
    scanRecords(length);
    takeBack(false);
    rewind();
  }
  oneByOne = true;
  return scanRecords(length);
}

let thePos: u32 = 0;
let thePreviousLsn: u64 = 0;
let wasPreviousKnown: bool = false;
let theLatestTimeline: u32 = 0;
let theCheckedPage: u64 = 0;
let theRefCount: u32 = 0;
let theRecordCount: u32 = 0;
let theScannedRecords: u32 = 0;
let theScannedBytes: f64 = 0;
let theRelationCount: u32 = 0;
let theNewestXid: u32 = 0;
let theNextNote: u64 = 0;
let theNoteCount: u32 = 0;

function remember(): void {
  thePos = pos;
  thePreviousLsn = previousLsn;
  wasPreviousKnown = previousKnown;
  theLatestTimeline = latestTimeline;
  theCheckedPage = checkedPage;
  theRefCount = refCount;
  theRecordCount = recordCount;
  theScannedRecords = scannedRecords;
  theScannedBytes = scannedBytes;
  theRelationCount = getRelationCount();
  theNewestXid = newestXid;
  theNextNote = nextNote;
  theNoteCount = getNoteCount();
}

/** Back to where remember() was, but for what was counted. */
function rewind(): void {
  pos = thePos;
  previousLsn = thePreviousLsn;
  previousKnown = wasPreviousKnown;
  latestTimeline = theLatestTimeline;
  checkedPage = theCheckedPage;
  setRefCount(theRefCount);
  recordCount = theRecordCount;
  scannedRecords = theScannedRecords;
  scannedBytes = theScannedBytes;
  forgetRelations(theRelationCount);
  forgetNotes(theNoteCount, theNewestXid, theNextNote);
}

function scanRecords(length: u32): i32 {
  while (true) {
    if (pos >= length) return bufferLsn + pos >= untilLsn ? DONE : NEED_DATA;
    if (bufferLsn + pos >= untilLsn) return DONE;
    if (refCount + MAX_REFS_OF_RECORD > REFS || recordCount == RECORDS) return FULL;
    const page = pos & ~(PAGE - 1);
    if (bufferLsn + page != checkedPage && !checkPage(page)) return ODD;
    const header = headerSize(buffer + page);
    let start = pos;
    if (start == page) {
      start += header;
      if (bufferLsn + start >= untilLsn) return DONE;
    } else if (start - page < header) {
      return ODD;
    }
    if (start - page == header && (load<u16>(buffer + page, 2) & XLP_FIRST_IS_CONTRECORD) != 0) return ODD;
    const status = scanRecord(start, length);
    if (status >= 0) return status;
  }
}

/** One record: -1 where it was taken. */
function scanRecord(start: u32, length: u32): i32 {
  const lsn = bufferLsn + start;
  const available = PAGE - (start & (PAGE - 1));
  let at = buffer + start;
  const totLen = load<u32>(at);
  if (totLen < RECORD_HEADER) return ODD;
  if (available >= RECORD_HEADER && !headerIsGood(at, lsn)) return ODD;
  const isWhole = totLen <= available;
  let end = start + ((totLen + 7) & ~7);
  if (!isWhole) {
    end = endAcrossPages(start, totLen, length);
    if (end <= 1) return end == 0 ? NEED_DATA : ODD;
    if (available < HEADERS_MAX) {
      gatherBytes(buffer, start, min(totLen, HEADERS_MAX));
      at = HEADERS;
      if (available < RECORD_HEADER && !headerIsGood(at, lsn)) return ODD;
    }
  }
  const rmid = <u32>load<u8>(at, 17);
  const info = <u32>load<u8>(at, 16);
  if (oneByOne || (!isWhole && totLen < STREAMED_MIN)) {
    const crc = isWhole ? shortRecordCrc(at, totLen) : crcAcrossPages(start, totLen, at);
    if (crc != load<u32>(at, 20)) return ODD;
  }
  const firstRef = refCount;
  const mainLength = readHeaders(at, totLen, start);
  if (mainLength < 0) return ODD;
  if (!oneByOne) {
    if (isWhole) streamRecord(at, totLen);
    else if (totLen >= STREAMED_MIN) streamAcrossPages(start, totLen, at);
  }
  if (counting) {
    const xid = load<u32>(at, 4);
    noteXid(lsn, xid);
    if (rmid - 9 < 2 && xid != 0 && refCount != firstRef) {
      const detail = rowDetail(rmid, info & 0x70, start, totLen - mainLength, mainLength);
      countRows(xid, load<u32>(REF_RELATION + (<usize>firstRef << 2)), rmid, info & 0x70, detail);
    }
  }
  if (rmid == 0 && (info & 0xf0) == 0x40) {
    // XLOG_SWITCH extends to its segment's end
    const last = bufferLsn + end + segmentSize - 1;
    end = <u32>(last - (last & (segmentSize - 1)) - bufferLsn);
  }
  const mode = load<u8>(MODES + rmid);
  if (mode != 0 && isNeeded(mode, info, start, totLen - mainLength, mainLength)) {
    store<u32>(RECORD_POS + (<usize>recordCount << 2), start);
    store<u32>(RECORD_END + (<usize>recordCount << 2), end);
    store<u32>(RECORD_MAIN + (<usize>recordCount << 2), mainLength);
    recordCount++;
  }
  scannedRecords++;
  scannedBytes += totLen;
  previousLsn = lsn;
  previousKnown = true;
  pos = end;
  return -1;
}

/** What countRows() wants from the main data: ntuples of xl_heap_multi_insert, flags of xl_heap_delete. */
function rowDetail(rmid: u32, opcode: u32, start: u32, mainAt: u32, mainLength: u32): u32 {
  if (rmid == 9) return opcode == 0x50 && mainLength >= 4 ? recordByte(buffer, start, mainAt + 2) | (recordByte(buffer, start, mainAt + 3) << 8) : 0;
  return opcode == 0x10 && mainLength >= 8 ? recordByte(buffer, start, mainAt + 7) : 0;
}

/** Whether a record is handed over, by the mode of its manager (RecordMode of walScanKernel.ts). */
function isNeeded(mode: u32, info: u32, start: u32, mainAt: u32, mainLength: u32): bool {
  if (mode == 1) return true;
  if (mode == 2) return (info & 0xf0) != 0xa0 && (info & 0xf0) != 0xb0;
  let offset: u32 = 7;
  let mask: u32 = 1;
  const opcode = info & 0x70;
  if (mode == 3) {
    if (opcode == 0x00) offset = 2;
    else if (opcode == 0x20 || opcode == 0x40) mask = 3;
    else if (opcode != 0x10 && opcode != 0x60) return false;
  } else {
    if (opcode == 0x50) offset = 0;
    else if (opcode != 0x60) return false;
  }
  return offset < mainLength && (recordByte(buffer, start, mainAt + offset) & mask) != 0;
}
