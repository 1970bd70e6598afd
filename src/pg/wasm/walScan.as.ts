/**
 * The WAL scan's inner loop (AssemblyScript, compiled to WebAssembly by `npm run build:wasm`). It walks whole WAL pages in linear memory,
 * makes every check of xlogreader.c and gathers block references. It never explains: where anything is wrong or out of the
 * ordinary it stops at the record, and the caller lets XLogReader say what it is.
 */

// What scan() answers.
const NEED_DATA: i32 = 0;
const FULL: i32 = 1;
const DONE: i32 = 2;
/** Not a good record, or one whose continuation was overwritten: XLogReader's to read. */
const ODD: i32 = 3;

const PAGE: u32 = 8192;
const RECORD_HEADER: u32 = 24;
const XLP_FIRST_IS_CONTRECORD: u32 = 0x01;
const XLP_LONG_HEADER: u32 = 0x02;
const XLP_FIRST_IS_OVERWRITE_CONTRECORD: u32 = 0x08;

const MAX_REFS_OF_RECORD: u32 = 33;
const REFS: u32 = 1 << 16;
const RECORDS: u32 = 1 << 14;
/** Bytes that all headers of a record can take: 33 block references with everything, origin, top-level xid, main data. */
const HEADERS_MAX: u32 = 1024;

// CRC-32C: slicing by sixteen for short spans; long ones are first folded by a sparse multiple of the polynomial, x^2320 + x^1088 + x^904 +
// x^856 + x^256 + 1 in bits, whose byte distances are these; none is below a vector's length, so sixteen bytes go at a time.
const POLYNOMIAL: u32 = 0x82f63b78;
const D1: usize = 154;
const D2: usize = 177;
const D3: usize = 183;
const D4: usize = 258;
const D5: usize = 290;
const FOLD_MIN: u32 = 640;
const FOLD_MAX: u32 = 512 * 1024;
const FOLD_LEAD: usize = 304;

/** The fixed part of memory begins here, above what the compiler itself may place (init() checks). */
const T: usize = 4096;
const HEADERS: usize = T + 16 * 1024;
const TAIL: usize = HEADERS + HEADERS_MAX + 64;
const MODES: usize = TAIL + 2 * 512;
const FOLDED: usize = MODES + 256;
const REF_RELATION: usize = FOLDED + FOLD_LEAD + FOLD_MAX + 512;
const REF_BLOCK: usize = REF_RELATION + REFS * 4;
const REF_LSN: usize = REF_BLOCK + REFS * 4;
const REF_FLAGS: usize = REF_LSN + REFS * 4;
const RECORD_POS: usize = REF_FLAGS + REFS * 4;
const RECORD_END: usize = RECORD_POS + RECORDS * 4;
const DYNAMIC: usize = RECORD_END + RECORDS * 4;

let top: usize = DYNAMIC;
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
let refCount: u32 = 0;
let recordCount: u32 = 0;
let scannedRecords: u32 = 0;
let scannedBytes: f64 = 0;

// A relation: 16 bytes. The hash table holds ordinals + 1.
let relations: usize = 0;
let relationCount: u32 = 0;
let relationCapacity: u32 = 0;
let slots: usize = 0;
let slotMask: u32 = 0;

function allocate(bytes: usize): usize {
  const at = top;
  top = (top + bytes + 63) & ~63;
  const missing = <isize>top - <isize>(<usize>memory.size() << 16);
  if (missing > 0 && memory.grow(<i32>((missing + 0xffff) >> 16)) < 0) unreachable();
  return at;
}

/** Builds the tables; `modes` (256 bytes at modesAt()) says which records are handed over: 0 none, 1 all, 2 XLOG, 3 Heap, 4 Heap2. */
export function init(theMajor: u32, theMagic: u32, theSegmentSize: f64, theSystemIdentifier: u64, until: f64): void {
  if (__heap_base > T) unreachable();
  allocate(0); // the fixed part
  for (let n: u32 = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = (c & 1) != 0 ? (c >> 1) ^ POLYNOMIAL : c >> 1;
    store<u32>(T + (n << 2), c);
  }
  for (let n: u32 = 256; n < 4096; n++) {
    const c = load<u32>(T + ((n - 256) << 2));
    store<u32>(T + (n << 2), (c >> 8) ^ load<u32>(T + ((c & 255) << 2)));
  }
  major = theMajor;
  magic = theMagic;
  segmentSize = <u64>theSegmentSize;
  systemIdentifier = theSystemIdentifier;
  untilLsn = <u64>until;
  growRelations(1 << 12);
}

export function modesAt(): usize { return MODES; }
export function refRelationAt(): usize { return REF_RELATION; }
export function refBlockAt(): usize { return REF_BLOCK; }
export function refLsnAt(): usize { return REF_LSN; }
export function refFlagsAt(): usize { return REF_FLAGS; }
export function recordPosAt(): usize { return RECORD_POS; }
export function recordEndAt(): usize { return RECORD_END; }
export function relationsAt(): usize { return relations; }
export function getRefCount(): u32 { return refCount; }
export function getRecordCount(): u32 { return recordCount; }
export function getRelationCount(): u32 { return relationCount; }
export function getPos(): u32 { return pos; }
export function getPreviousLsn(): f64 { return <f64>previousLsn; }
export function getPreviousKnown(): bool { return previousKnown; }
export function getScannedRecords(): u32 { return scannedRecords; }
export function getScannedBytes(): f64 { return scannedBytes; }
export function getTimeline(): u32 { return latestTimeline; }

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
  refCount = 0;
  recordCount = 0;
  scannedRecords = 0;
  scannedBytes = 0;
}

// ---- relations

function growRelations(capacity: u32): void {
  const table = allocate(<usize>capacity * 16);
  memory.copy(table, relations, <usize>relationCount * 16);
  relations = table;
  relationCapacity = capacity;
  slotMask = capacity * 2 - 1;
  slots = allocate(<usize>capacity * 8);
  memory.fill(slots, 0, <usize>capacity * 8);
  for (let i: u32 = 0; i < relationCount; i++) {
    const at = relations + (<usize>i << 4);
    let slot = hash(load<u32>(at), load<u32>(at, 4), load<u32>(at, 8), load<u32>(at, 12)) & slotMask;
    while (load<u32>(slots + (<usize>slot << 2)) != 0) slot = (slot + 1) & slotMask;
    store<u32>(slots + (<usize>slot << 2), i + 1);
  }
}

@inline
function hash(spc: u32, db: u32, rel: u32, fork: u32): u32 {
  let h = rel * 0x9e3779b1 ^ db * 0x85ebca6b ^ (spc + fork) * 0xc2b2ae35;
  return h ^ (h >> 15);
}

/** The ordinal of a relation fork, a new one at its first mention. */
export function intern(spc: u32, db: u32, rel: u32, fork: u32): u32 {
  let slot = hash(spc, db, rel, fork) & slotMask;
  while (true) {
    const found = load<u32>(slots + (<usize>slot << 2));
    if (found == 0) break;
    const at = relations + (<usize>(found - 1) << 4);
    if (load<u32>(at, 8) == rel && load<u32>(at, 4) == db && load<u32>(at) == spc && load<u32>(at, 12) == fork) return found - 1;
    slot = (slot + 1) & slotMask;
  }
  const ordinal = relationCount++;
  const at = relations + (<usize>ordinal << 4);
  store<u32>(at, spc);
  store<u32>(at, db, 4);
  store<u32>(at, rel, 8);
  store<u32>(at, fork, 12);
  store<u32>(slots + (<usize>slot << 2), ordinal + 1);
  if (relationCount == relationCapacity) growRelations(relationCapacity * 2);
  return ordinal;
}

// ---- CRC-32C

@inline
function t(slice: usize, scaled: u32): u32 { return load<u32>(T + (slice << 10) + scaled); }

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
function shortRecordCrc(record: usize, totLen: u32): u32 {
  let at = record + RECORD_HEADER;
  const length = totLen - RECORD_HEADER;
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
function fold(at: usize, length: u32, out: usize): void {
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
function foldedTail(at: usize, length: u32, done: u32): u32 {
  let out = FOLDED + FOLD_LEAD + done;
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
  const done = (length - <u32>D5) & ~15;
  const first = load<u32>(at);
  store<u32>(at, ~first); // the initial value is folded in like data
  fold(at, done, FOLDED + FOLD_LEAD);
  store<u32>(at, first);
  return foldedTail(at + done, length - done, done);
}

/** CRC of a record's data that lies on several pages, from -1, not inverted. `skip`: bytes of the first fragment before the data. */
function crcAcrossPages(start: u32, totLen: u32): u32 {
  const length = totLen - RECORD_HEADER;
  const folds = length >= FOLD_MIN && length <= FOLD_MAX;
  const done: u32 = folds ? (length - <u32>D5) & ~15 : 0;
  let crc: u32 = u32.MAX_VALUE;
  let p = start;
  let rest = totLen;
  let skip = RECORD_HEADER;
  let s: u32 = 0;
  while (rest != 0) {
    let fragment = min(PAGE - (p & (PAGE - 1)), rest);
    rest -= fragment;
    let at = buffer + p;
    p += fragment;
    const skipped = min(skip, fragment);
    skip -= skipped;
    at += skipped;
    fragment -= skipped;
    if (fragment != 0) {
      if (folds) {
        let n: u32 = s < done ? min(fragment, done - s) : 0;
        if (n != 0) {
          const first = load<u32>(at);
          if (s == 0) store<u32>(at, ~first);
          fold(at, n, FOLDED + FOLD_LEAD + s);
          store<u32>(at, first);
        }
        if (fragment > n) memory.copy(TAIL + (s + n - done), at + n, fragment - n);
        s += fragment;
      } else {
        crc = crcSlice(crc, at, fragment);
      }
    }
    if (rest != 0) p += headerSize(p);
  }
  return folds ? foldedTail(TAIL, length - done, done) : crc;
}

// ---- pages

@inline
function headerSize(page: u32): u32 {
  return (load<u16>(buffer + page, 2) & XLP_LONG_HEADER) != 0 ? 40 : 24;
}

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
    const header = headerSize(page);
    if (rest <= PAGE - header) return page + header + ((rest + 7) & ~7);
    rest -= PAGE - header;
    page += PAGE;
  }
}

/** Copies the first bytes of a record that leaves its page to HEADERS. */
function gatherHeaders(start: u32, totLen: u32): void {
  let p = start;
  let rest = min(totLen, HEADERS_MAX);
  let out = HEADERS;
  while (rest != 0) {
    const fragment = min(PAGE - (p & (PAGE - 1)), rest);
    memory.copy(out, buffer + p, fragment);
    out += fragment;
    p += fragment;
    rest -= fragment;
    if (rest != 0) p += headerSize(p);
  }
}

/** The byte at `offset` of the record that begins at `start`. */
function recordByte(start: u32, offset: u32): u32 {
  let p = start;
  while (true) {
    const here = PAGE - (p & (PAGE - 1));
    if (offset < here) return load<u8>(buffer + p + offset);
    offset -= here;
    p += here;
    p += headerSize(p);
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
 * that was not taken.
 */
export function scan(length: u32): i32 {
  while (true) {
    if (pos >= length) return bufferLsn + pos >= untilLsn ? DONE : NEED_DATA;
    if (bufferLsn + pos >= untilLsn) return DONE;
    if (refCount + MAX_REFS_OF_RECORD > REFS || recordCount == RECORDS) return FULL;
    const page = pos & ~(PAGE - 1);
    if (bufferLsn + page != checkedPage && !checkPage(page)) return ODD;
    const header = headerSize(page);
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
  let end: u32;
  let crc: u32;
  if (totLen <= available) {
    end = start + ((totLen + 7) & ~7);
    crc = totLen < FOLD_MIN ? shortRecordCrc(at, totLen) : ~crcSlice(crcSpan(at + RECORD_HEADER, totLen - RECORD_HEADER), at, 20);
  } else {
    end = endAcrossPages(start, totLen, length);
    if (end <= 1) return end == 0 ? NEED_DATA : ODD;
    const data = crcAcrossPages(start, totLen);
    if (available < HEADERS_MAX) {
      gatherHeaders(start, totLen);
      at = HEADERS;
      if (available < RECORD_HEADER && !headerIsGood(at, lsn)) return ODD;
    }
    crc = ~crcSlice(data, at, 20);
  }
  if (crc != load<u32>(at, 20)) return ODD;
  const rmid = <u32>load<u8>(at, 17);
  const info = <u32>load<u8>(at, 16);
  if (rmid == 0 && (info & 0xf0) == 0x40) {
    // XLOG_SWITCH extends to its segment's end
    const last = bufferLsn + end + segmentSize - 1;
    end = <u32>(last - (last & (segmentSize - 1)) - bufferLsn);
  }
  const mainLength = readHeaders(at, totLen, start);
  if (mainLength < 0) return ODD;
  const mode = load<u8>(MODES + rmid);
  if (mode != 0 && isNeeded(mode, info, start, totLen - mainLength, mainLength)) {
    store<u32>(RECORD_POS + (<usize>recordCount << 2), start);
    store<u32>(RECORD_END + (<usize>recordCount << 2), end);
    recordCount++;
  }
  scannedRecords++;
  scannedBytes += totLen;
  previousLsn = lsn;
  previousKnown = true;
  pos = end;
  return -1;
}

/** needsRecord() of walScan.ts */
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
  return offset < mainLength && (recordByte(start, mainAt + offset) & mask) != 0;
}

/** DecodeXLogRecord() as far as the headers: appends the block references and gives the main data's length, -1 where they are not well formed. */
function readHeaders(record: usize, totLen: u32, pos: u32): i32 {
  const stop = record + min(totLen, HEADERS_MAX);
  let at = record + RECORD_HEADER;
  let rest = totLen - RECORD_HEADER;
  let total: u32 = 0;
  let mainLength: u32 = 0;
  let previousId: i32 = -1;
  let spc: u32 = 0;
  let db: u32 = 0;
  let rel: u32 = 0;
  let n = refCount;
  while (rest > total) {
    if (at >= stop) return -1;
    const id = <u32>load<u8>(at);
    if (id <= 32) {
      if (<i32>id <= previousId) return -1;
      const forkFlags = <u32>load<u8>(at, 1);
      const dataLength = <u32>load<u16>(at, 2);
      let size: u32 = 4;
      let imageLength: u32 = 0;
      let flags: u32 = (forkFlags & 0x40) != 0 ? 5 : 0;
      if (((forkFlags & 0x20) != 0) != (dataLength != 0)) return -1;
      if ((forkFlags & 0x10) != 0) {
        imageLength = load<u16>(at, 4);
        const holeOffset = <u32>load<u16>(at, 6);
        const bimg = <u32>load<u8>(at, 8);
        size = 9;
        const hasHole = (bimg & 1) != 0;
        const compressed = (bimg & (major >= 15 ? 0x1c : 0x02)) != 0;
        let holeLength: u32 = 0;
        if (!compressed) {
          holeLength = PAGE - imageLength;
        } else if (hasHole) {
          holeLength = load<u16>(at, 9);
          size = 11;
        }
        if (hasHole ? (holeOffset == 0 || holeLength == 0 || imageLength == PAGE) : (holeOffset != 0 || holeLength != 0)) return -1;
        if (compressed && imageLength == PAGE) return -1;
        if (!hasHole && !compressed && imageLength != PAGE) return -1;
        flags |= (bimg & (major >= 15 ? 0x02 : 0x04)) != 0 ? 3 : 2;
      }
      if ((forkFlags & 0x80) != 0) {
        if (previousId < 0) return -1;
      } else {
        spc = load<u32>(at + size);
        db = load<u32>(at + size, 4);
        rel = load<u32>(at + size, 8);
        size += 12;
      }
      const block = load<u32>(at + size);
      size += 4;
      if (size > rest) return -1;
      at += size;
      rest -= size;
      total += dataLength + imageLength;
      previousId = <i32>id;
      const slot = <usize>n << 2;
      store<u32>(REF_RELATION + slot, intern(spc, db, rel, forkFlags & 0x0f));
      store<u32>(REF_BLOCK + slot, block);
      store<u32>(REF_LSN + slot, pos);
      store<u32>(REF_FLAGS + slot, flags);
      n++;
    } else if (id == 255) {
      if (rest < 2) return -1;
      mainLength = load<u8>(at, 1);
      rest -= 2;
      total += mainLength;
      break;
    } else if (id == 254) {
      if (rest < 5) return -1;
      mainLength = load<u32>(at, 1);
      rest -= 5;
      total += mainLength;
      break;
    } else if (id == 253) {
      if (rest < 3) return -1;
      at += 3;
      rest -= 3;
    } else if (id == 252) {
      if (rest < 5) return -1;
      at += 5;
      rest -= 5;
    } else {
      return -1;
    }
  }
  if (rest != total) return -1;
  refCount = n;
  return <i32>mainLength;
}
