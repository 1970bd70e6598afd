/** What truncation does to the visibility map: visibilitymap_prepare_truncate(), access/heap/visibilitymap.c, PG 13–18. */
import { BLCKSZ, SIZE_OF_PAGE_HEADER, type Page } from '../../pg/page.js';

const HEAPBLOCKS_PER_BYTE = 4;
const BITS_PER_HEAPBLOCK = 2;
const HEAPBLOCKS_PER_PAGE = (BLCKSZ - SIZE_OF_PAGE_HEADER) * HEAPBLOCKS_PER_BYTE;

/** The number of blocks that the visibility map of a heap of `heapBlocks` blocks keeps. */
export function visibilityMapBlocks(heapBlocks: number): number {
  return Math.ceil(heapBlocks / HEAPBLOCKS_PER_PAGE);
}

/** The map's last block where it covers blocks on both sides of the cut, so that its tail must be cleared; undefined: cut at a page's end. */
export function visibilityMapBlockToClear(heapBlocks: number): number | undefined {
  return heapBlocks % HEAPBLOCKS_PER_PAGE === 0 ? undefined : Math.floor(heapBlocks / HEAPBLOCKS_PER_PAGE);
}

/** Clears the bits of all heap blocks from `heapBlocks` on, on that block; as in PostgreSQL, the page's LSN stays. */
export function clearVisibilityMapTail(page: Page, heapBlocks: number): void {
  const block = heapBlocks % HEAPBLOCKS_PER_PAGE;
  const at = SIZE_OF_PAGE_HEADER + Math.floor(block / HEAPBLOCKS_PER_BYTE);
  page.bytes.fill(0, at + 1);
  page.bytes[at]! &= (1 << ((block % HEAPBLOCKS_PER_BYTE) * BITS_PER_HEAPBLOCK)) - 1;
}
