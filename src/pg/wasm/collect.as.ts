/**
 * Takes a scanned batch into the layer in hand (AssemblyScript, a part of walScan.as.ts): references become keys, plain commits and aborts rows,
 * cleared visibility map bits implicit keys. Any other record is left to the caller, one by one, in LSN order.
 */
import { gather, takeShape } from './changes.as';
import { addKey, addReference, clearKeys } from './keyStore.as';
import { HEADERS, HEADERS_MAX, mark, PAGE, RECORD_END, RECORD_MAIN, RECORD_POS, REF_BLOCK, REF_FLAGS, REF_ID, REF_LSN, REF_RELATION, release } from './memory.as';
import { gatherBytes, recordByte } from './recordBytes.as';
import { intern, relationAt } from './relationTable.as';
import { addXact, clearXacts } from './xactRows.as';

const RM_XACT: u32 = 1;
const RM_HEAP: u32 = 10;
// The numbers are those of redo/xact/xlog.ts and redo/heap/xlog.ts.
const XACT_ABORT: u32 = 0x20;
const XACT_HAS_INFO: u32 = 0x80;
const XINFO_HAS_DBINFO: u32 = 0x01;
const XINFO_HAS_INVALS: u32 = 0x08;
const XINFO_HAS_AE_LOCKS: u32 = 0x40;
/** APPLY_FEEDBACK, UPDATE_RELCACHE_FILE, FORCE_SYNC_COMMIT */
const XINFO_COMPLETION: u32 = 0xe0000000;
const INVALIDATION_BYTES: u32 = 16;
const HEAP_UPDATE: u32 = 0x20;
const HEAP_HOT_UPDATE: u32 = 0x40;
const UPDATE_OLD_CLEARED: u32 = 1;
const UPDATE_NEW_CLEARED: u32 = 2;
const UPDATE_FLAGS_AT: u32 = 7;
const VM_FORK: u32 = 2;
const HEAP_BLOCKS_PER_VM_PAGE: u32 = (8192 - 24) * 4;
const IMPLICIT: u32 = 2;
const NONE: i32 = -1;
/** 2^50 µs on either side of 2000, to 2035: what lies beyond goes the slow way, which tells a time from nonsense. */
const TIME_LIMIT: i64 = 1 << 50;

let layerLsn: u64 = 0;
let nextRef: u32 = 0;
let nextRecord: u32 = 0;
let layerMark: usize = 0;

/** Begins a layer that counts from `lsn`; forgets the one before. */
export function beginLayer(lsn: f64): void {
  if (layerMark != 0) release(layerMark);
  layerMark = 0;
  layerLsn = <u64>lsn;
  clearKeys();
  clearXacts();
}

/** From here on memory is taken for the layer's own bytes, which beginLayer() gives back. */
export function markLayer(): void { layerMark = mark(); }

export function beginBatch(): void {
  nextRef = 0;
  nextRecord = 0;
}

/** Goes on with the batch; gives the number of the record that is the caller's, its references taken in, or -1 at the batch's end. */
export function collectBatch(buffer: usize, baseLsn: u64, refCount: u32, recordCount: u32): i32 {
  const base8 = <u32>((<i64>baseLsn - <i64>layerLsn) >> 3);
  while (nextRecord < recordCount) {
    const pos = load<u32>(RECORD_POS + (<usize>nextRecord << 2));
    const firstRef = addReferences(pos, base8, refCount);
    const number = nextRecord++;
    if (!collectRecord(buffer, baseLsn, base8, pos, number, firstRef)) return number;
  }
  addReferences(u32.MAX_VALUE, base8, refCount);
  return -1;
}

/** The references of records up to `pos`; gives the first of the record at `pos`. */
function addReferences(pos: u32, base8: u32, refCount: u32): u32 {
  let first = nextRef;
  let ref = nextRef;
  for (; ref < refCount; ref++) {
    const at = <usize>ref << 2;
    const lsn = load<u32>(REF_LSN + at);
    if (lsn > pos) break;
    if (lsn < pos) first = ref + 1;
    addReference(load<u32>(REF_RELATION + at), load<u32>(REF_BLOCK + at), ((base8 + (lsn >> 3)) << 2) | (load<u32>(REF_FLAGS + at) & 1));
  }
  nextRef = ref;
  return first;
}

function collectRecord(buffer: usize, baseLsn: u64, base8: u32, pos: u32, number: u32, firstRef: u32): bool {
  let record = buffer + pos;
  const totLen = load<u32>(record);
  const isWhole = totLen <= PAGE - (pos & (PAGE - 1));
  if (!isWhole) {
    gatherBytes(buffer, pos, min(totLen, HEADERS_MAX));
    record = HEADERS;
  }
  const rmid = <u32>load<u8>(record, 17);
  const info = <u32>load<u8>(record, 16);
  const mainLength = load<u32>(RECORD_MAIN + (<usize>number << 2));
  const mainAt = totLen - mainLength;
  if (rmid == RM_XACT) {
    if (!isWhole && totLen > HEADERS_MAX) return false;
    return collectXact(baseLsn + pos, load<u32>(RECORD_END + (<usize>number << 2)) - pos, info, load<u32>(record, 4), record + mainAt, mainLength);
  }
  const isHeap = rmid == RM_HEAP;
  if (!isHeap && rmid != RM_HEAP - 1) return false;
  const opcode = info & 0x70;
  const isUpdate = isHeap && (opcode == HEAP_UPDATE || opcode == HEAP_HOT_UPDATE);
  return collectVmEdits(isUpdate, isUpdate ? recordByte(buffer, pos, mainAt + UPDATE_FLAGS_AT) : 0, ((base8 + (pos >> 3)) << 2) | IMPLICIT, firstRef);
}

/** ParseCommitRecord(), ParseAbortRecord() for what nearly all of them are: no children, no files, not prepared. */
function collectXact(lsn: u64, length: u32, info: u32, xid: u32, main: usize, mainLength: u32): bool {
  const opcode = info & 0x70;
  if ((opcode != 0 && opcode != XACT_ABORT) || mainLength < 8) return false;
  const time = load<i64>(main);
  if (time > TIME_LIMIT || time < -TIME_LIMIT) return false;
  let database: u32 = 0;
  if ((info & XACT_HAS_INFO) != 0) {
    if (mainLength < 12) return false;
    const xinfo = load<u32>(main, 8);
    if ((xinfo & ~(XINFO_HAS_DBINFO | XINFO_HAS_INVALS | XINFO_HAS_AE_LOCKS | XINFO_COMPLETION)) != 0) return false;
    let used: u32 = 12;
    if ((xinfo & XINFO_HAS_DBINFO) != 0) {
      used += 8;
      if (mainLength < used) return false;
      database = load<u32>(main, 12);
    }
    if ((xinfo & XINFO_HAS_INVALS) != 0) {
      if (opcode == XACT_ABORT || mainLength < used + 4) return false;
      if (<u64>mainLength < <u64>used + 4 + <u64>load<u32>(main + used) * INVALIDATION_BYTES) return false;
    }
  }
  gather(xid);
  addXact(lsn, length, opcode == XACT_ABORT ? 1 : 0, time, xid, database, takeShape(), 0, 0, 1, 0);
  return true;
}

/** heapImplicitEdits(), heap2ImplicitEdits() of redo/heap/vm.ts, for a record whose flags (given of an update) say that it clears bits. */
function collectVmEdits(isUpdate: bool, flags: u32, value: u32, firstRef: u32): bool {
  const heap = findRef(firstRef, 0);
  if (heap == NONE) return false;
  if (!isUpdate) {
    if (findRef(firstRef, 1) == NONE) addVmKey(heap, value);
    return true;
  }
  if (findRef(firstRef, 2) != NONE || findRef(firstRef, 3) != NONE) return true;
  const second = findRef(firstRef, 1);
  const old = second == NONE ? heap : second;
  const newCleared = (flags & UPDATE_NEW_CLEARED) != 0;
  if (newCleared) addVmKey(heap, value);
  // one entry where both versions share a map page
  if ((flags & UPDATE_OLD_CLEARED) != 0 && (!newCleared || mapBlock(old) != mapBlock(heap))) addVmKey(old, value);
  return true;
}

/** The reference with that number of the record whose first is `firstRef`; it is the last that was taken in. */
function findRef(firstRef: u32, id: u32): i32 {
  for (let ref = firstRef; ref < nextRef; ref++) if (<u32>load<u8>(REF_ID + ref) == id) return <i32>ref;
  return NONE;
}

@inline
function mapBlock(ref: i32): u32 { return load<u32>(REF_BLOCK + (<usize>ref << 2)) / HEAP_BLOCKS_PER_VM_PAGE; }

function addVmKey(ref: i32, value: u32): void {
  const relation = relationAt(load<u32>(REF_RELATION + (<usize>ref << 2)));
  addKey(intern(load<u32>(relation), load<u32>(relation, 4), load<u32>(relation, 8), VM_FORK), mapBlock(ref), value);
}
