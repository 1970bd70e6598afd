/**
 * Counts the rows that each transaction changed in each relation while the scan walks by. A count lives until its transaction is
 * closed; what closed transactions changed is kept once for all that changed the same (a shape).
 */
import { allocate, CRC_TABLES } from './memory.as';

/** relation, inserted, updated, deleted. */
const ITEM_BYTES: u32 = 16;
const INSERTED: usize = 4;
const UPDATED: usize = 8;
const DELETED: usize = 12;
/** A transaction: xid, first pair, next in its bucket (places + 1), number of items; then the items of its first relations, by relation. */
const NODE_ITEMS: u32 = 7;
const NODE_HEAD: usize = 16;
const NODE_BYTES: u32 = 128;
/** An item of a further relation; xid, next in its bucket, next of its transaction (places + 1). */
const PAIR_BYTES: u32 = 28;
const PAIR_BUCKETS: u32 = 1 << 16;
const NODE_BUCKETS: u32 = 1 << 14;
/** One note of the newest xid every so many bytes of WAL: LSN (f64), xid, 4 bytes of nothing. */
const NOTE_BYTES: u32 = 16;
const NOTE_DISTANCE: u64 = 256 * 1024;

/** A growing array of equal elements; those given back are used again first. */
class Pool {
  at: usize = 0;
  capacity: u32 = 0;
  used: u32 = 0;
  /** First free element, place + 1; each holds the next one's in its first bytes. */
  free: u32 = 0;
  constructor(public size: u32) {}

  clear(): void {
    this.used = 0;
    this.free = 0;
  }

  /** The place of a fresh element. */
  take(): u32 {
    if (this.free != 0) {
      const place = this.free - 1;
      this.free = load<u32>(this.at + <usize>place * this.size);
      return place;
    }
    this.reserve(1);
    return this.used++;
  }

  reserve(count: u32): void {
    if (this.used + count <= this.capacity) return;
    const capacity = max(this.capacity * 2, max(1024, this.used + count));
    const at = allocate(<usize>capacity * this.size);
    memory.copy(at, this.at, <usize>this.used * this.size);
    this.at = at;
    this.capacity = capacity;
  }

  give(place: u32): void {
    store<u32>(this.at + <usize>place * this.size, this.free);
    this.free = place + 1;
  }

  @inline
  element(place: u32): usize {
    return this.at + <usize>place * this.size;
  }
}

const pairs = new Pool(PAIR_BYTES);
const nodes = new Pool(NODE_BYTES);
/** What gather() has joined, by relation. */
const gathered = new Pool(ITEM_BYTES);
/** Shapes one after the other: number of items, items. */
const shapeWords = new Pool(4);
/** Per shape: its first word. */
const shapes = new Pool(4);
const notes = new Pool(NOTE_BYTES);
let pairBuckets: usize = 0;
let nodeBuckets: usize = 0;
let shapeSlots: usize = 0;
let shapeSlotMask: u32 = 0;

let lastXid: u32 = 0;
let lastRelation: u32 = 0;
/** Where the item of both is: right until the next one is made or taken out. */
let lastItem: usize = 0;
/** Of all records noted. */
export let newestXid: u32 = 0;
export let nextNote: u64 = 0;
/** −1 while counts are taken back. */
let sign: i32 = 1;
let openBucket: u32 = 0;
/** What takeShape() answered last. */
let lastShape: u32 = 0;

/** Begins to count anew. */
export function initChanges(): void {
  // the pools themselves lie where the compiler puts objects, below the tables
  if (changetype<usize>(notes) + 64 > CRC_TABLES) unreachable();
  if (pairBuckets == 0) {
    pairBuckets = allocate(<usize>PAIR_BUCKETS << 2);
    nodeBuckets = allocate(<usize>NODE_BUCKETS << 2);
    growShapeSlots(1 << 10);
  }
  memory.fill(pairBuckets, 0, <usize>PAIR_BUCKETS << 2);
  memory.fill(nodeBuckets, 0, <usize>NODE_BUCKETS << 2);
  memory.fill(shapeSlots, 0, (<usize>shapeSlotMask + 1) << 2);
  pairs.clear();
  nodes.clear();
  gathered.clear();
  shapeWords.clear();
  shapes.clear();
  notes.clear();
  lastXid = 0;
  newestXid = 0;
  nextNote = 0;
  openBucket = 0;
  lastShape = 0;
}

function zeroed(words: u32): usize {
  const at = allocate(<usize>words << 2);
  memory.fill(at, 0, <usize>words << 2);
  return at;
}

/** A record of the transaction was read; the newest xid of all records before is noted down at intervals. */
@inline
export function noteXid(lsn: u64, xid: u32): void {
  if (lsn >= nextNote) addNote(lsn);
  if (xid != 0 && (newestXid == 0 || <i32>(xid - newestXid) > 0)) newestXid = xid;
}

export function forgetNotes(count: u32, xid: u32, next: u64): void {
  notes.used = count;
  newestXid = xid;
  nextNote = next;
}

/** What is counted while this is on is subtracted. */
export function takeBack(on: bool): void {
  sign = on ? -1 : 1;
}

/** The same for a record that XLogReader read instead of us. */
export function noteRecord(lsn: f64, xid: u32): void {
  noteXid(<u64>lsn, xid);
}

function addNote(lsn: u64): void {
  nextNote = (lsn & ~(NOTE_DISTANCE - 1)) + NOTE_DISTANCE;
  if (newestXid == 0) return;
  const at = notes.element(notes.take());
  store<f64>(at, <f64>lsn);
  store<u32>(at, newestXid, 8);
}

@inline
function pairBucket(xid: u32, relation: u32): usize {
  return pairBuckets + (<usize>(((xid << 2) + relation) & (PAIR_BUCKETS - 1)) << 2);
}

@inline
function nodeBucket(xid: u32): usize {
  return nodeBuckets + (<usize>(xid & (NODE_BUCKETS - 1)) << 2);
}

/** heapChanges() of query/heapChanges.ts, as far as it counts. `detail`: see rowDetail(). */
@inline
export function countRows(xid: u32, relation: u32, rmid: u32, opcode: u32, detail: u32): void {
  let field: usize = INSERTED;
  let rows: i32 = 1;
  if (rmid == 9) {
    if (detail == 0) return;
    rows = detail;
  } else if (opcode == 0x20 || opcode == 0x40) {
    field = UPDATED;
  } else if (opcode == 0x10) {
    // one that is super takes back a speculative insertion
    if ((detail & 0x08) != 0) rows = -1;
    else field = DELETED;
  } else if (opcode != 0x00) {
    return;
  }
  if (xid != lastXid || relation != lastRelation) {
    lastItem = findItem(xid, relation);
    lastXid = xid;
    lastRelation = relation;
  }
  store<i32>(lastItem + field, load<i32>(lastItem + field) + rows * sign);
}

function findItem(xid: u32, relation: u32): usize {
  const node = nodes.element(findNode(xid));
  const count = load<u32>(node, 12);
  const items = node + NODE_HEAD;
  let end = items + <usize>count * ITEM_BYTES;
  for (let item = items; item != end; item += ITEM_BYTES) if (load<u32>(item) == relation) return item;
  if (count == NODE_ITEMS) return findPair(node, xid, relation);
  store<u32>(node, count + 1, 12);
  for (; end != items && load<u32>(end - ITEM_BYTES) > relation; end -= ITEM_BYTES) v128.store(end, v128.load(end - ITEM_BYTES));
  v128.store(end, i32x4.replace_lane(i32x4(0, 0, 0, 0), 0, relation));
  return end;
}

function findPair(node: usize, xid: u32, relation: u32): usize {
  const bucket = pairBucket(xid, relation);
  for (let next = load<u32>(bucket); next != 0; ) {
    const at = pairs.element(next - 1);
    if (load<u32>(at, 16) == xid && load<u32>(at) == relation) return at;
    next = load<u32>(at, 20);
  }
  const place = pairs.take();
  const at = pairs.element(place);
  v128.store(at, i32x4.replace_lane(i32x4(0, 0, 0, 0), 0, relation));
  store<u32>(at, xid, 16);
  store<u32>(at, load<u32>(bucket), 20);
  store<u32>(bucket, place + 1);
  store<u32>(at, load<u32>(node, 4), 24);
  store<u32>(node, place + 1, 4);
  return at;
}

function findNode(xid: u32): u32 {
  const bucket = nodeBucket(xid);
  for (let next = load<u32>(bucket); next != 0; ) {
    const at = nodes.element(next - 1);
    if (load<u32>(at) == xid) return next - 1;
    next = load<u32>(at, 8);
  }
  const place = nodes.take();
  const at = nodes.element(place);
  store<u32>(at, xid);
  store<u32>(at, 0, 4);
  store<u32>(at, load<u32>(bucket), 8);
  store<u32>(at, 0, 12);
  store<u32>(bucket, place + 1);
  return place;
}

/** Takes a transaction's counts out and adds them to those gathered so far. */
export function gather(xid: u32): void {
  if (nodeBuckets == 0) return; // nothing is counted
  let link = nodeBucket(xid);
  let place = load<u32>(link);
  while (place != 0 && load<u32>(nodes.element(place - 1)) != xid) {
    link = nodes.element(place - 1) + 8;
    place = load<u32>(link);
  }
  if (place == 0) return;
  const node = nodes.element(place - 1);
  store<u32>(link, load<u32>(node, 8));
  if (xid == lastXid) lastXid = 0;
  const items = node + NODE_HEAD;
  const count = load<u32>(node, 12);
  if (gathered.used == 0) {
    gathered.reserve(count);
    gathered.used = count;
    for (let i: usize = 0; i < count; i++) v128.store(gathered.at + i * ITEM_BYTES, v128.load(items + i * ITEM_BYTES));
  } else {
    for (let i: usize = 0; i < count; i++) join(items + i * ITEM_BYTES);
  }
  for (let next = load<u32>(node, 4); next != 0; ) {
    const pair = next - 1;
    const at = pairs.element(pair);
    next = load<u32>(at, 24);
    join(at);
    unlinkPair(pair);
    pairs.give(pair);
  }
  nodes.give(place - 1);
}

function unlinkPair(pair: u32): void {
  const at = pairs.element(pair);
  let link = pairBucket(load<u32>(at, 16), load<u32>(at));
  while (load<u32>(link) != pair + 1) link = pairs.element(load<u32>(link) - 1) + 20;
  store<u32>(link, load<u32>(at, 20));
}

function join(item: usize): void {
  const relation = load<u32>(item);
  let low: u32 = 0;
  let high = gathered.used;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u32>(gathered.element(middle)) < relation) low = middle + 1;
    else high = middle;
  }
  if (low == gathered.used || load<u32>(gathered.element(low)) != relation) {
    gathered.reserve(1);
    const place = gathered.element(low);
    // few items: a loop is done before memory.copy() has begun
    for (let end = gathered.element(gathered.used); end != place; end -= ITEM_BYTES) v128.store(end, v128.load(end - ITEM_BYTES));
    gathered.used++;
    v128.store(place, v128.load(item));
    return;
  }
  const at = gathered.element(low);
  v128.store(at, i32x4.replace_lane(i32x4.add(v128.load(at), v128.load(item)), 0, relation));
}

/** The number of the shape that was gathered, from 1; 0 where nothing was. Gathers anew afterwards. */
export function takeShape(): u32 {
  dropEmptyItems();
  const count = gathered.used;
  gathered.used = 0;
  if (count == 0) return 0;
  if (lastShape != 0 && isShape(lastShape, count)) return lastShape;
  const bytes = <usize>count * ITEM_BYTES;
  let slot = hashOf(gathered.at, bytes) & shapeSlotMask;
  for (; ; slot = (slot + 1) & shapeSlotMask) {
    const found = load<u32>(shapeSlots + (<usize>slot << 2));
    if (found == 0) break;
    if (isShape(found, count)) return (lastShape = found);
  }
  const first = shapeWords.used;
  shapeWords.reserve(1 + count * 4);
  shapeWords.used += 1 + count * 4;
  store<u32>(shapeWords.element(first), count);
  memory.copy(shapeWords.element(first + 1), gathered.at, bytes);
  const place = shapes.take();
  store<u32>(shapes.element(place), first);
  store<u32>(shapeSlots + (<usize>slot << 2), place + 1);
  if (shapes.used * 2 > shapeSlotMask) growShapeSlots((shapeSlotMask + 1) * 2);
  return (lastShape = place + 1);
}

/** Whether the `count` items that are gathered are the shape of that number. */
function isShape(number: u32, count: u32): bool {
  const shape = shapeWords.element(load<u32>(shapes.element(number - 1)));
  if (load<u32>(shape) != count) return false;
  for (let at: usize = 0; at < <usize>count * ITEM_BYTES; at += ITEM_BYTES) {
    if (!i32x4.all_true(i32x4.eq(v128.load(shape + 4 + at), v128.load(gathered.at + at)))) return false;
  }
  return true;
}

/** What was inserted and taken back again leaves nothing. */
function dropEmptyItems(): void {
  let kept: u32 = 0;
  for (let i: u32 = 0; i < gathered.used; i++) {
    const at = gathered.element(i);
    if ((load<u64>(at, 4) | <u64>load<u32>(at, 12)) == 0) continue;
    if (kept != i) v128.store(gathered.element(kept), v128.load(at));
    kept++;
  }
  gathered.used = kept;
}

function hashOf(at: usize, bytes: usize): u32 {
  let h: u64 = 0xcbf29ce484222325;
  for (let i: usize = 0; i < bytes; i += 8) h = (h ^ load<u64>(at + i)) * 0x9e3779b97f4a7c15 ^ (h >> 29);
  return <u32>(h >> 32);
}

function growShapeSlots(count: u32): void {
  shapeSlots = zeroed(count);
  shapeSlotMask = count - 1;
  for (let i: u32 = 0; i < shapes.used; i++) {
    const at = shapeWords.element(load<u32>(shapes.element(i)));
    let slot = hashOf(at + 4, <usize>load<u32>(at) * ITEM_BYTES) & shapeSlotMask;
    while (load<u32>(shapeSlots + (<usize>slot << 2)) != 0) slot = (slot + 1) & shapeSlotMask;
    store<u32>(shapeSlots + (<usize>slot << 2), i + 1);
  }
}

/** A transaction that is not closed; 0: none is left. */
export function anyOpen(): u32 {
  for (; openBucket < NODE_BUCKETS; openBucket++) {
    const place = load<u32>(nodeBuckets + (<usize>openBucket << 2));
    if (place != 0) return load<u32>(nodes.element(place - 1));
  }
  return 0;
}

export function shapeWordsAt(): usize { return shapeWords.at; }
export function getShapeCount(): u32 { return shapes.used; }
export function notesAt(): usize { return notes.at; }
export function getNewestXid(): u32 { return newestXid; }
export function getNoteCount(): u32 { return notes.used; }
