/** Reads what stands before a record's data and gathers its block references in flat arrays (AssemblyScript, a part of walScan.as.ts). */
import { HEADERS_MAX, PAGE, REF_BLOCK, REF_FLAGS, REF_ID, REF_LSN, REF_RELATION } from './memory.as';
import { intern } from './relationTable.as';

const RECORD_HEADER: u32 = 24;

let major: u32 = 0;
/** References gathered. */
export let refCount: u32 = 0;

export function setMajor(theMajor: u32): void { major = theMajor; }
export function setRefCount(count: u32): void { refCount = count; }

// What readHeaders() and readBlockHeader() share: the bytes of the record that are not read yet, those of them that are data, and the
// relation of the block reference before, which the next one may repeat.
let rest: u32 = 0;
let dataTotal: u32 = 0;
let previousId: i32 = -1;
let spcOid: u32 = 0;
let dbOid: u32 = 0;
let relNumber: u32 = 0;

/** DecodeXLogRecord() as far as the headers: appends the block references and gives the main data's length, -1 where they are not well formed. */
export function readHeaders(record: usize, totLen: u32, pos: u32): i32 {
  const stop = record + min(totLen, HEADERS_MAX);
  let at = record + RECORD_HEADER;
  let mainLength: u32 = 0;
  let refs = refCount;
  rest = totLen - RECORD_HEADER;
  dataTotal = 0;
  previousId = -1;
  while (rest > dataTotal) {
    if (at >= stop) return -1;
    const id = <u32>load<u8>(at);
    let size: u32 = 0;
    if (id <= 32) {
      size = readBlockHeader(at, id, pos, refs);
      if (size == 0) return -1;
      refs++;
    } else if (id >= 254) {
      // main data, always last
      size = id == 255 ? 2 : 5;
      if (size > rest) return -1;
      mainLength = id == 255 ? <u32>load<u8>(at, 1) : load<u32>(at, 1);
      dataTotal += mainLength;
      rest -= size;
      break;
    } else if (id >= 252) {
      size = id == 253 ? 3 : 5; // replication origin, top-level xid
    } else {
      return -1;
    }
    if (size > rest) return -1;
    at += size;
    rest -= size;
  }
  if (rest != dataTotal) return -1;
  refCount = refs;
  return <i32>mainLength;
}

/** A block reference into the arrays at `slot`: gives its header's size, 0 where it is not well formed. */
function readBlockHeader(at: usize, id: u32, pos: u32, slot: u32): u32 {
  if (<i32>id <= previousId) return 0;
  const forkFlags = <u32>load<u8>(at, 1);
  const dataLength = <u32>load<u16>(at, 2);
  if (((forkFlags & 0x20) != 0) != (dataLength != 0)) return 0;
  let size: u32 = 4;
  let flags: u32 = (forkFlags & 0x40) != 0 ? 5 : 0;
  dataTotal += dataLength;
  if ((forkFlags & 0x10) != 0) {
    const bimg = <u32>load<u8>(at, 8);
    size = imageHeaderSize(at + 4, bimg);
    if (size == 0) return 0;
    dataTotal += load<u16>(at, 4);
    flags |= (bimg & (major >= 15 ? 0x02 : 0x04)) != 0 ? 3 : 2;
  }
  if ((forkFlags & 0x80) == 0) {
    spcOid = load<u32>(at + size);
    dbOid = load<u32>(at + size, 4);
    relNumber = load<u32>(at + size, 8);
    size += 12;
  } else if (previousId < 0) {
    return 0;
  }
  previousId = <i32>id;
  const entry = <usize>slot << 2;
  store<u32>(REF_RELATION + entry, intern(spcOid, dbOid, relNumber, forkFlags & 0x0f));
  store<u32>(REF_BLOCK + entry, load<u32>(at + size));
  store<u32>(REF_LSN + entry, pos);
  store<u32>(REF_FLAGS + entry, flags);
  store<u8>(REF_ID + slot, <u8>id);
  return size + 4;
}

/** Checks the image header at `at`; gives the size of block and image header together, 0 where it is not well formed. */
function imageHeaderSize(at: usize, bimg: u32): u32 {
  const imageLength = <u32>load<u16>(at);
  const holeOffset = <u32>load<u16>(at, 2);
  const hasHole = (bimg & 1) != 0;
  const compressed = (bimg & (major >= 15 ? 0x1c : 0x02)) != 0;
  let holeLength: u32 = 0;
  if (!compressed) holeLength = PAGE - imageLength;
  else if (hasHole) holeLength = load<u16>(at, 5);
  if (hasHole ? (holeOffset == 0 || holeLength == 0 || imageLength == PAGE) : (holeOffset != 0 || holeLength != 0)) return 0;
  if (compressed && imageLength == PAGE) return 0;
  return compressed && hasHole ? 11 : 9;
}
