/**
 * Collects keys while WAL is read (AssemblyScript, a part of walScan.as.ts): (relation, block) → entries, in LSN order as they come. Neighbouring
 * blocks are interned together, in a table that stays in the processor's cache and numbers their pages, so that what is sorted in the end is groups of pages, not
 * entries: a counting sort then puts every page's entries together, still in LSN order.
 */
import { allocate, grown } from './memory.as';

/** A group of eight blocks: relation, first block / 8. Its pages are numbered eight times its own number and up. */
const GROUP_BYTES: usize = 8;
const GROUP_SHIFT: u32 = 3;
export const GROUP_PAGES: u32 = 1 << GROUP_SHIFT;
/** An entry: page, (LSN − layer start) / 8 × 4 + bits. */
const ENTRY_BYTES: usize = 8;
/** What is kept of a relation: blocks known to exist, the last entry's first block / 8 and group. */
const RELATION_BYTES: usize = 12;
/** A size event: relation, (LSN − layer start) / 8, kind, blocks. */
const SIZE_BYTES: usize = 16;
const NO_GROUP: u32 = u32.MAX_VALUE;
const EXTEND: u32 = 0;

let groups: usize = 0;
let groupCount: u32 = 0;
let groupCapacity: u32 = 0;
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

// The sorted state: group numbers in key order, each page's entries one after the other, and by page where they end in it.
let order: usize = 0;
let sorted: usize = 0;
let ends: usize = 0;

export function getGroupCount(): u32 { return groupCount; }
/** Relation and first block / 8 of the group at that place in key order. */
export function groupAt(place: u32): usize { return groups + <usize>groupNumber(place) * GROUP_BYTES; }
/** Where the entries of its eight pages end, counted from entriesAt(); each page's begin where the one's before end. */
export function endsAt(place: u32): usize { return ends + (<usize>groupNumber(place) << (GROUP_SHIFT + 2)); }
export function entriesAt(): usize { return sorted; }
export function getKeyCount(): u32 { return entryCount; }
export function sizesAt(): usize { return sizes; }
export function getSizeCount(): u32 { return sizeCount; }

@inline
function groupNumber(place: u32): u32 { return load<u32>(order + (<usize>place << 2)); }

/** Forgets everything. */
export function clearKeys(): void {
  if (groupCapacity == 0) {
    growGroups(1 << 12);
    growEntries(1 << 21); // address space until it is touched
    sizes = grown(sizes, 0, 1 << 10, SIZE_BYTES);
    sizeCapacity = 1 << 10;
  }
  groupCount = 0;
  entryCount = 0;
  sizeCount = 0;
  memory.fill(slots, 0, (<usize>slotMask + 1) << 2);
  for (let i: u32 = 0; i < relationCapacity; i++) clearRelation(i);
}

function clearRelation(relation: u32): void {
  const at = relations + <usize>relation * RELATION_BYTES;
  store<u32>(at, 0);
  store<u32>(at, NO_GROUP, 8);
}

function growGroups(capacity: u32): void {
  groups = grown(groups, groupCount, capacity, GROUP_BYTES);
  groupCapacity = capacity;
  slotMask = capacity * 2 - 1;
  slots = allocate(<usize>capacity * 8);
  memory.fill(slots, 0, <usize>capacity * 8);
  for (let group: u32 = 0; group < groupCount; group++) {
    const at = groups + <usize>group * GROUP_BYTES;
    store<u32>(freeSlot(load<u32>(at), load<u32>(at, 4)), group + 1);
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
function firstSlot(relation: u32, base: u32): u32 {
  const h = (relation + 1) * 0x9e3779b1 ^ (base + 1) * 0x85ebca6b;
  return (h ^ (h >> 15)) & slotMask;
}

function freeSlot(relation: u32, base: u32): usize {
  let slot = firstSlot(relation, base);
  while (load<u32>(slots + (<usize>slot << 2)) != 0) slot = (slot + 1) & slotMask;
  return slots + (<usize>slot << 2);
}

function findGroup(relation: u32, base: u32): u32 {
  let slot = firstSlot(relation, base);
  while (true) {
    const found = load<u32>(slots + (<usize>slot << 2));
    if (found == 0) break;
    const at = groups + <usize>(found - 1) * GROUP_BYTES;
    if (load<u32>(at, 4) == base && load<u32>(at) == relation) return found - 1;
    slot = (slot + 1) & slotMask;
  }
  if (groupCount == groupCapacity) growGroups(groupCapacity * 2);
  const group = groupCount++;
  const at = groups + <usize>group * GROUP_BYTES;
  store<u32>(at, relation);
  store<u32>(at, base, 4);
  store<u32>(freeSlot(relation, base), group + 1);
  return group;
}

/** Adds an entry: `value` is (LSN − layer start) / 8 × 4 + bits. A repeated entry of the same record only adds its bits. */
export function addKey(relation: u32, block: u32, value: u32): void {
  if (relation >= relationCapacity) growKeyRelations(relation);
  const state = relations + <usize>relation * RELATION_BYTES;
  const base = block >> GROUP_SHIFT;
  let group = load<u32>(state, 8);
  if (group == NO_GROUP || load<u32>(state, 4) != base) {
    group = findGroup(relation, base);
    store<u32>(state, base, 4);
    store<u32>(state, group, 8);
  }
  const page = (group << GROUP_SHIFT) | (block & (GROUP_PAGES - 1));
  const end = entries + <usize>entryCount * ENTRY_BYTES;
  for (let at = end; at != entries; ) {
    at -= ENTRY_BYTES;
    const before = load<u32>(at, 4);
    if (((before ^ value) & ~3) != 0) break;
    if (load<u32>(at) != page) continue;
    // a chain starts only if a reference does; implicit only if no reference is explicit
    store<u32>(at, (before & ~3) | ((before | value) & 1) | (before & value & 2), 4);
    return;
  }
  if (entryCount == entryCapacity) growEntries(entryCapacity * 2);
  const entry = entries + <usize>entryCount * ENTRY_BYTES;
  store<u32>(entry, page);
  store<u32>(entry, value, 4);
  entryCount++;
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

/** Sorts groups by (rank of their relation, block) and entries by page: `ranks` are numbers by relation, the greatest `rankCount` − 1. */
export function sortKeys(ranks: usize, rankCount: u32): void {
  order = allocate(<usize>groupCount * 4);
  let other = allocate(<usize>groupCount * 4);
  let maxBase: u32 = 0;
  for (let group: u32 = 0; group < groupCount; group++) {
    store<u32>(order + (<usize>group << 2), group);
    maxBase = max(maxBase, load<u32>(groups + <usize>group * GROUP_BYTES, 4));
  }
  const counts = allocate(2048 * 4);
  for (let shift: u32 = 0; shift < 32 && maxBase >> shift != 0; shift += 11) {
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
  // entries by page, then where each page's begin, then, as they are put there, where they end
  const pageBytes = <usize>groupCount << (GROUP_SHIFT + 2);
  ends = allocate(pageBytes);
  memory.fill(ends, 0, pageBytes);
  const entriesEnd = entries + <usize>entryCount * ENTRY_BYTES;
  for (let entry = entries; entry != entriesEnd; entry += ENTRY_BYTES) {
    const at = ends + (<usize>load<u32>(entry) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  let next: u32 = 0;
  for (let place: u32 = 0; place < groupCount; place++) {
    const first = endsAt(place);
    for (let at = first; at != first + (GROUP_PAGES << 2); at += 4) {
      const count = load<u32>(at);
      store<u32>(at, next);
      next += count;
    }
  }
  sorted = allocate(<usize>entryCount * 4);
  for (let entry = entries; entry != entriesEnd; entry += ENTRY_BYTES) {
    const at = ends + (<usize>load<u32>(entry) << 2);
    const to = load<u32>(at);
    store<u32>(sorted + (<usize>to << 2), load<u32>(entry, 4));
    store<u32>(at, to + 1);
  }
}

/** A stable pass over eleven bits of the block, or of the relation's rank where `ranks` is given, from `order` to `to`. */
function radixPass(counts: usize, to: usize, shift: u32, ranks: usize): void {
  memory.fill(counts, 0, 2048 * 4);
  for (let i: u32 = 0; i < groupCount; i++) {
    const slot = counts + (<usize>digit(groupAt(i), shift, ranks) << 2);
    store<u32>(slot, load<u32>(slot) + 1);
  }
  let sum: u32 = 0;
  for (let d: usize = 0; d < 2048 * 4; d += 4) {
    const n = load<u32>(counts + d);
    store<u32>(counts + d, sum);
    sum += n;
  }
  for (let i: u32 = 0; i < groupCount; i++) {
    const slot = counts + (<usize>digit(groupAt(i), shift, ranks) << 2);
    const place = load<u32>(slot);
    store<u32>(slot, place + 1);
    store<u32>(to + (<usize>place << 2), load<u32>(order + (<usize>i << 2)));
  }
}

@inline
function digit(group: usize, shift: u32, ranks: usize): u32 {
  const value = ranks == 0 ? load<u32>(group, 4) : load<u32>(ranks + (<usize>load<u32>(group) << 2));
  return (value >> shift) & 2047;
}
