/**
 * Pages of the visibility map: two bits a heap block behind a plain page header.
 * Follows access/heap/visibilitymap.c, PG 13–18.
 */
import { BLCKSZ, SIZE_OF_PAGE_HEADER, type Page } from './page.js';

export const VISIBILITYMAP_ALL_VISIBLE = 0x01;
export const VISIBILITYMAP_ALL_FROZEN = 0x02;
export const VISIBILITYMAP_VALID_BITS = 0x03;

const HEAPBLOCKS_PER_BYTE = 4;
/** Heap blocks that one page of the map covers: MAPSIZE × HEAPBLOCKS_PER_BYTE. */
export const HEAPBLOCKS_PER_VM_PAGE = (BLCKSZ - SIZE_OF_PAGE_HEADER) * HEAPBLOCKS_PER_BYTE;

/** HEAPBLK_TO_MAPBLOCK() */
export function heapBlockToMapBlock(heapBlock: number): number {
  return Math.floor(heapBlock / HEAPBLOCKS_PER_VM_PAGE);
}

/** HEAPBLK_TO_MAPBYTE(), counted from the beginning of the page. */
function mapByteAt(heapBlock: number): number {
  return SIZE_OF_PAGE_HEADER + Math.floor((heapBlock % HEAPBLOCKS_PER_VM_PAGE) / HEAPBLOCKS_PER_BYTE);
}

/** HEAPBLK_TO_OFFSET() */
function mapShift(heapBlock: number): number {
  return (heapBlock % HEAPBLOCKS_PER_BYTE) * 2;
}

/** visibilitymap_get_status(): the bits of `heapBlock`, which `page` must cover. */
export function visibilitymapGetStatus(page: Page, heapBlock: number): number {
  return (page.bytes[mapByteAt(heapBlock)]! >> mapShift(heapBlock)) & VISIBILITYMAP_VALID_BITS;
}

/** visibilitymap_clear(): true where a bit was set. It never touches the page's LSN. */
export function visibilitymapClear(page: Page, heapBlock: number, flags: number): boolean {
  const at = mapByteAt(heapBlock), mask = flags << mapShift(heapBlock);
  const byte = page.bytes[at]!;
  if ((byte & mask) === 0) return false;
  page.bytes[at] = byte & ~mask;
  return true;
}

/** visibilitymap_set(): true where the bits changed, and only then is the page's LSN to move. Bits that are set stay set. */
export function visibilitymapSet(page: Page, heapBlock: number, flags: number): boolean {
  if (visibilitymapGetStatus(page, heapBlock) === flags) return false;
  const at = mapByteAt(heapBlock);
  page.bytes[at] = page.bytes[at]! | (flags << mapShift(heapBlock));
  return true;
}

/** The map's page that a truncation of the heap to `nheapblocks` clears in part, or undefined where it ends on a page boundary. */
export function visibilitymapTruncatedPage(nheapblocks: number): number | undefined {
  return nheapblocks % HEAPBLOCKS_PER_VM_PAGE === 0 ? undefined : heapBlockToMapBlock(nheapblocks);
}

/** The map's own length after a truncation of the heap: visibilitymap_prepare_truncate()'s result. */
export function visibilitymapTruncationLength(nheapblocks: number): number {
  return Math.ceil(nheapblocks / HEAPBLOCKS_PER_VM_PAGE);
}

/** visibilitymap_prepare_truncate() on that page: clears the bits of `nheapblocks` and above. The LSN stays. */
export function visibilitymapPrepareTruncate(page: Page, nheapblocks: number): void {
  const at = mapByteAt(nheapblocks);
  page.bytes.fill(0, at + 1, BLCKSZ);
  page.bytes[at] = page.bytes[at]! & ((1 << mapShift(nheapblocks)) - 1);
}
