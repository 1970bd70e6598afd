/**
 * Collects keys while WAL is read (AssemblyScript, a part of walScan.as.ts): (relation, block) → entries, in LSN order as they come. Pages are
 * interned in an open-addressing table, so that what is sorted in the end is pages, not entries: a counting sort then puts every page's
 * entries together, still in LSN order.
 */
import { allocate, grown } from './memory.as';

/** A page: relation, block, last entry + 1 (0: none yet), entries. */
const PAGE_BYTES: usize = 16;
/** An entry: page, (LSN − layer start) / 8 × 4 + bits. */
const ENTRY_BYTES: usize = 8;
/** What is kept of a relation: blocks known to exist, block and page of its last entry. */
const RELATION_BYTES: usize = 12;
/** A size event: relation, (LSN − layer start) / 8, kind, blocks. */
const SIZE_BYTES: usize = 16;
const NO_PAGE: u32 = u32.MAX_VALUE;
const EXTEND: u32 = 0;

let pages: usize = 0;
let pageCount: u32 = 0;
let pageCapacity: u32 = 0;
let slots: usize = 0;
let slotMask: u32 = 0;
let entries: usize = 0;
let entryCount: u32 = 0;
let entryCapacity: u32 = 0;
let relations: usize = 0;
let relationCapacity: u32 = 0;
let sizes: usize = 0;
let sizeCount: u32 = 0;
let sizeCapacity: u32 = 0;

// The sorted state: page numbers in key order, and each page's entries one after the other.
let order: usize = 0;
let sorted: usize = 0;

export function pageAt(place: u32): usize { return pages + <usize>load<u32>(order + (<usize>place << 2)) * PAGE_BYTES; }
export function getPageCount(): u32 { return pageCount; }
export function getKeyCount(): u32 { return entryCount; }
export function sizesAt(): usize { return sizes; }
export function getSizeCount(): u32 { return sizeCount; }

/** Forgets everything. */
export function clearKeys(): void {
  if (pageCapacity == 0) {
    growPages(1 << 14);
    growEntries(1 << 16);
    sizes = grown(sizes, 0, 1 << 10, SIZE_BYTES);
    sizeCapacity = 1 << 10;
  }
  pageCount = 0;
  entryCount = 0;
  sizeCount = 0;
  memory.fill(slots, 0, (<usize>slotMask + 1) << 2);
  for (let i: u32 = 0; i < relationCapacity; i++) clearRelation(i);
}

function clearRelation(relation: u32): void {
  const at = relations + <usize>relation * RELATION_BYTES;
  store<u32>(at, 0);
  store<u32>(at, NO_PAGE, 8);
}

function growPages(capacity: u32): void {
  pages = grown(pages, pageCount, capacity, PAGE_BYTES);
  pageCapacity = capacity;
  slotMask = capacity * 2 - 1;
  slots = allocate(<usize>capacity * 8);
  memory.fill(slots, 0, <usize>capacity * 8);
  for (let page: u32 = 0; page < pageCount; page++) {
    const at = pages + <usize>page * PAGE_BYTES;
    store<u32>(freeSlot(load<u32>(at), load<u32>(at, 4)), page + 1);
  }
}

function growEntries(capacity: u32): void {
  entries = grown(entries, entryCount, capacity, ENTRY_BYTES);
  entryCapacity = capacity;
}

function growKeyRelations(relation: u32): void {
  const before = relationCapacity;
  relationCapacity = max(relationCapacity * 2, max(relation + 1, 1 << 10));
  relations = grown(relations, before, relationCapacity, RELATION_BYTES);
  for (let i = before; i < relationCapacity; i++) clearRelation(i);
}

@inline
function firstSlot(relation: u32, block: u32): u32 {
  const h = (relation + 1) * 0x9e3779b1 ^ (block + 1) * 0x85ebca6b;
  return (h ^ (h >> 15)) & slotMask;
}

function freeSlot(relation: u32, block: u32): usize {
  let slot = firstSlot(relation, block);
  while (load<u32>(slots + (<usize>slot << 2)) != 0) slot = (slot + 1) & slotMask;
  return slots + (<usize>slot << 2);
}

function findPage(relation: u32, block: u32): u32 {
  let slot = firstSlot(relation, block);
  while (true) {
    const found = load<u32>(slots + (<usize>slot << 2));
    if (found == 0) break;
    const at = pages + <usize>(found - 1) * PAGE_BYTES;
    if (load<u32>(at, 4) == block && load<u32>(at) == relation) return found - 1;
    slot = (slot + 1) & slotMask;
  }
  if (pageCount == pageCapacity) growPages(pageCapacity * 2);
  const page = pageCount++;
  const at = pages + <usize>page * PAGE_BYTES;
  store<u32>(at, relation);
  store<u32>(at, block, 4);
  store<u64>(at, 0, 8);
  store<u32>(freeSlot(relation, block), page + 1);
  return page;
}

/** Adds an entry: `value` is (LSN − layer start) / 8 × 4 + bits. A repeated entry of the same record only adds its bits. */
export function addKey(relation: u32, block: u32, value: u32): void {
  if (relation >= relationCapacity) growKeyRelations(relation);
  const state = relations + <usize>relation * RELATION_BYTES;
  let page = load<u32>(state, 8);
  if (page == NO_PAGE || load<u32>(state, 4) != block) {
    page = findPage(relation, block);
    store<u32>(state, block, 4);
    store<u32>(state, page, 8);
  }
  const at = pages + <usize>page * PAGE_BYTES;
  const last = load<u32>(at, 8);
  if (last != 0) {
    const lastAt = entries + <usize>(last - 1) * ENTRY_BYTES;
    const before = load<u32>(lastAt, 4);
    if (((before ^ value) & ~3) == 0) {
      // a chain starts only if a reference does; implicit only if no reference is explicit
      store<u32>(lastAt, (before & ~3) | ((before | value) & 1) | (before & value & 2), 4);
      return;
    }
  }
  if (entryCount == entryCapacity) growEntries(entryCapacity * 2);
  const entry = entries + <usize>entryCount * ENTRY_BYTES;
  store<u32>(entry, page);
  store<u32>(entry, value, 4);
  entryCount++;
  store<u32>(at, entryCount, 8);
  store<u32>(at, load<u32>(at, 12) + 1, 12);
}

/** A reference to a block: an entry, and proof that the fork reaches that far. */
export function addReference(relation: u32, block: u32, value: u32): void {
  addKey(relation, block, value);
  const state = relations + <usize>relation * RELATION_BYTES;
  if (block >= load<u32>(state)) addSize(relation, value >> 2, EXTEND, block + 1, block + 1);
}

/** A size event; from then on `known` blocks are known to exist. */
export function addSize(relation: u32, lsn8: u32, kind: u32, blocks: u32, known: u32): void {
  if (relation >= relationCapacity) growKeyRelations(relation);
  if (sizeCount == sizeCapacity) {
    sizes = grown(sizes, sizeCount, sizeCapacity * 2, SIZE_BYTES);
    sizeCapacity *= 2;
  }
  store<u32>(relations + <usize>relation * RELATION_BYTES, known);
  const at = sizes + <usize>sizeCount * SIZE_BYTES;
  store<u32>(at, relation);
  store<u32>(at, lsn8, 4);
  store<u32>(at, kind, 8);
  store<u32>(at, blocks, 12);
  sizeCount++;
}

export function knownBlocks(relation: u32): u32 {
  return relation < relationCapacity ? load<u32>(relations + <usize>relation * RELATION_BYTES) : 0;
}

/** Sorts pages by (rank of their relation, block) and entries by page: `ranks` are numbers by relation, the greatest `rankCount` − 1. */
export function sortKeys(ranks: usize, rankCount: u32): void {
  order = allocate(<usize>pageCount * 4);
  let other = allocate(<usize>pageCount * 4);
  let maxBlock: u32 = 0;
  for (let page: u32 = 0; page < pageCount; page++) {
    store<u32>(order + (<usize>page << 2), page);
    maxBlock = max(maxBlock, load<u32>(pages + <usize>page * PAGE_BYTES, 4));
  }
  const counts = allocate(2048 * 4);
  for (let shift: u32 = 0; shift < 32 && maxBlock >> shift != 0; shift += 11) {
    radixPass(counts, other, shift, 0);
    const swap = order;
    order = other;
    other = swap;
  }
  for (let shift: u32 = 0; shift < 32 && (rankCount - 1) >> shift != 0; shift += 11) {
    radixPass(counts, other, shift, ranks);
    const swap = order;
    order = other;
    other = swap;
  }
  // where each page's entries go, in its place of the last entry
  sorted = allocate(<usize>entryCount * 4);
  let next: u32 = 0;
  for (let place: u32 = 0; place < pageCount; place++) {
    const at = pageAt(place);
    store<u32>(at, next, 8);
    next += load<u32>(at, 12);
  }
  for (let i: u32 = 0; i < entryCount; i++) {
    const entry = entries + <usize>i * ENTRY_BYTES;
    const at = pages + <usize>load<u32>(entry) * PAGE_BYTES;
    const to = load<u32>(at, 8);
    store<u32>(sorted + (<usize>to << 2), load<u32>(entry, 4));
    store<u32>(at, to + 1, 8);
  }
}

/** Where the sorted entries of a page end; there are as many as its count. */
export function entriesEnd(page: usize): usize {
  return sorted + (<usize>load<u32>(page, 8) << 2);
}

/** A stable pass over eleven bits of the block, or of the relation's rank where `ranks` is given, from `order` to `to`. */
function radixPass(counts: usize, to: usize, shift: u32, ranks: usize): void {
  memory.fill(counts, 0, 2048 * 4);
  for (let i: u32 = 0; i < pageCount; i++) {
    const slot = counts + (<usize>digit(pageAt(i), shift, ranks) << 2);
    store<u32>(slot, load<u32>(slot) + 1);
  }
  let sum: u32 = 0;
  for (let d: usize = 0; d < 2048 * 4; d += 4) {
    const n = load<u32>(counts + d);
    store<u32>(counts + d, sum);
    sum += n;
  }
  for (let i: u32 = 0; i < pageCount; i++) {
    const slot = counts + (<usize>digit(pageAt(i), shift, ranks) << 2);
    const place = load<u32>(slot);
    store<u32>(slot, place + 1);
    store<u32>(to + (<usize>place << 2), load<u32>(order + (<usize>i << 2)));
  }
}

@inline
function digit(page: usize, shift: u32, ranks: usize): u32 {
  const value = ranks == 0 ? load<u32>(page, 4) : load<u32>(ranks + (<usize>load<u32>(page) << 2));
  return (value >> shift) & 2047;
}
