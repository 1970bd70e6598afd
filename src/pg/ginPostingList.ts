/**
 * GIN's compressed posting lists (access/gin/ginpostinglist.c, PG 13–18).
 *
 * GinPostingList: first (6, an item pointer), nbytes (2), then `nbytes` bytes padded to an even number: the items after the first,
 * each as the varbyte-encoded distance from the one before. An item counts as block × 2^11 + offset, a number of 43 bits.
 */
import { readBlockId, readItemPointerOffset, writeBlockId } from './itemPointer.js';
import { PageError } from './page.js';

const OFFSETS_PER_BLOCK = 1 << 11; // MaxHeapTuplesPerPageBits
const SIZE_OF_HEADER = 8;
const MAX_BYTES_PER_INTEGER = 7;

/** Reads an item pointer as a posting list's number: block × 2^11 + offset. */
export function itemptrToNumber(view: DataView, at: number): number {
  const offset = readItemPointerOffset(view, at);
  if (offset >= OFFSETS_PER_BLOCK) throw new PageError(`offset ${offset} is too large for a posting list`);
  return readBlockId(view, at) * OFFSETS_PER_BLOCK + offset;
}

/** The heap block of a posting list's number. */
export function itemBlock(item: number): number {
  return Math.floor(item / OFFSETS_PER_BLOCK);
}

/** The offset number of a posting list's number. */
export function itemOffset(item: number): number {
  return item % OFFSETS_PER_BLOCK;
}

function writeItemptr(view: DataView, at: number, item: number): void {
  writeBlockId(view, at, itemBlock(item));
  view.setUint16(at + 4, itemOffset(item), true);
}

/** SizeOfGinPostingList(): header and padding included. Throws PageError where the list does not end by `end`. */
export function sizeOfGinPostingList(view: DataView, at: number, end: number): number {
  if (at + SIZE_OF_HEADER > end) throw new PageError('a GIN posting list is cut short');
  const nbytes = view.getUint16(at + 6, true);
  const size = SIZE_OF_HEADER + nbytes + (nbytes & 1);
  if (at + size > end) throw new PageError(`a GIN posting list of ${size} bytes does not fit`);
  return size;
}

/** ginPostingListDecodeAllSegments(): the items of the lists that fill `at…end`, ascending, appended to `items`. */
export function decodeGinPostingLists(view: DataView, at: number, end: number, items: number[] = []): number[] {
  while (at < end) {
    const size = sizeOfGinPostingList(view, at, end);
    decodeSegment(view, at, items);
    at += size;
  }
  return items;
}

function decodeSegment(view: DataView, at: number, items: number[]): void {
  let item = itemptrToNumber(view, at);
  items.push(item);
  let p = at + SIZE_OF_HEADER;
  const end = p + view.getUint16(at + 6, true);
  while (p < end) {
    let delta = 0;
    let scale = 1;
    for (let i = 0; ; i++) {
      if (p >= end || i === MAX_BYTES_PER_INTEGER) throw new PageError('a GIN posting list holds an unfinished number');
      const byte = view.getUint8(p++);
      delta += (byte & 0x7f) * scale;
      if ((byte & 0x80) === 0) break;
      scale *= 128;
    }
    item += delta;
    items.push(item);
  }
}

/**
 * ginCompressPostingList() for a list without a size limit of its own: writes `items` (ascending) at `at` of `view`, gives its size.
 * Throws PageError where the list would pass `end`.
 */
export function encodeGinPostingList(items: readonly number[], view: DataView, at: number, end: number): number {
  let p = at + SIZE_OF_HEADER;
  if (items.length === 0 || p > end) throw new PageError('no room for a GIN posting list');
  writeItemptr(view, at, items[0]!);
  for (let i = 1; i < items.length; i++) {
    let delta = items[i]! - items[i - 1]!;
    if (delta <= 0) throw new PageError('the items of a GIN posting list do not ascend');
    while (delta > 0x7f) {
      if (p >= end) throw new PageError('no room for a GIN posting list');
      view.setUint8(p++, 0x80 | delta % 128);
      delta = Math.floor(delta / 128);
    }
    if (p >= end) throw new PageError('no room for a GIN posting list');
    view.setUint8(p++, delta);
  }
  const nbytes = p - at - SIZE_OF_HEADER;
  view.setUint16(at + 6, nbytes, true);
  if ((nbytes & 1) !== 0) {
    if (p >= end) throw new PageError('no room for a GIN posting list');
    view.setUint8(p++, 0);
  }
  return p - at;
}

/** ginMergeItemPointers(): two ascending lists as one, duplicates dropped. */
export function mergeItems(a: readonly number[], b: readonly number[]): number[] {
  const merged: number[] = [];
  let i = 0, j = 0;
  while (i < a.length && j < b.length) {
    const x = a[i]!, y = b[j]!;
    if (x <= y) i++;
    if (y <= x) j++;
    merged.push(Math.min(x, y));
  }
  while (i < a.length) merged.push(a[i++]!);
  while (j < b.length) merged.push(b[j++]!);
  return merged;
}
