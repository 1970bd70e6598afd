/** Where things lie in the kernel's linear memory: fixed tables and arrays first, then what grows. */

export const PAGE: u32 = 8192;
/** Block references and records that one batch can hold. */
export const REFS: u32 = 1 << 16;
export const RECORDS: u32 = 1 << 14;
/** Bytes that all headers of a record can take: 33 block references with everything, origin, top-level xid, main data. */
export const HEADERS_MAX: u32 = 1024;
/** The longest span whose checksum is folded. */
export const FOLD_MAX: u32 = 512 * 1024;
/** Zeros before the folded bytes, at least the longest distance that folding looks back. */
export const FOLD_LEAD: usize = 304;

/** The fixed part begins here, above what the compiler itself may place (init() checks). */
export const CRC_TABLES: usize = 4096;
export const HEADERS: usize = CRC_TABLES + 16 * 1024;
/** The last bytes of a folded span, and after 512 bytes what they fold to. */
export const TAIL: usize = HEADERS + HEADERS_MAX + 64;
export const MODES: usize = TAIL + 2 * 512;
export const FOLDED: usize = MODES + 256 + FOLD_LEAD;
/** What a stream of records folds to: small, so that it stays in the first cache. */
export const STREAM: usize = FOLDED + FOLD_MAX + 512;
export const STREAM_BYTES: usize = 24 * 1024;
export const REF_RELATION: usize = STREAM + STREAM_BYTES + 512;
export const REF_BLOCK: usize = REF_RELATION + REFS * 4;
export const REF_LSN: usize = REF_BLOCK + REFS * 4;
export const REF_FLAGS: usize = REF_LSN + REFS * 4;
/** The number that each reference has within its record, a byte each. */
export const REF_ID: usize = REF_FLAGS + REFS * 4;
export const RECORD_POS: usize = REF_ID + REFS;
export const RECORD_END: usize = RECORD_POS + RECORDS * 4;
export const RECORD_MAIN: usize = RECORD_END + RECORDS * 4;

export function modesAt(): usize { return MODES; }
export function refRelationAt(): usize { return REF_RELATION; }
export function refBlockAt(): usize { return REF_BLOCK; }
export function refLsnAt(): usize { return REF_LSN; }
export function refFlagsAt(): usize { return REF_FLAGS; }
export function recordPosAt(): usize { return RECORD_POS; }
export function recordEndAt(): usize { return RECORD_END; }

let top: usize = RECORD_MAIN + RECORDS * 4;

/** A larger array of elements of `size` bytes, with the `count` that there are. */
export function grown(array: usize, count: u32, capacity: u32, size: usize): usize {
  const at = allocate(<usize>capacity * size);
  if (count != 0) memory.copy(at, array, <usize>count * size);
  return at;
}

/** Where the next piece will lie: what is allocated from here on goes by release(). */
export function mark(): usize { return top; }
export function release(to: usize): void { top = to; }

/** In pages of 64 kB: each time memory grows, V8 makes a new buffer of it and thinks of collecting garbage. What is not touched costs nothing. */
const GROW_BY: isize = 256;

/** A piece of memory that nothing frees but release(). The first call makes the fixed part real, too. */
export function allocate(bytes: usize): usize {
  const at = top;
  top = (top + bytes + 63) & ~63;
  const missing = (<isize>top - <isize>(<usize>memory.size() << 16) + 0xffff) >> 16;
  if (missing > 0 && memory.grow(<i32>max(missing, GROW_BY)) < 0 && memory.grow(<i32>missing) < 0) unreachable();
  return at;
}
