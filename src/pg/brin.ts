/**
 * BRIN pages: the metapage, revmap pages and regular pages of summary tuples.
 * Layout: access/brin_page.h, access/brin_tuple.h; operations: brin_page_init(), brin_metapage_init() (access/brin/brin_pageops.c),
 * brinSetHeapBlockItemptr() (access/brin/brin_revmap.c). Unchanged from PG 13 to 18.
 */
import { INVALID_BLOCK_NUMBER, readBlockId, readItemPointerOffset, SIZE_OF_ITEM_POINTER, writeItemPointer } from './itemPointer.js';
import { BLCKSZ, PageError, SIZE_OF_PAGE_HEADER, type Page } from './page.js';

/** sizeof(BrinSpecialSpace): four half-words, of which the last is the page's type and the one before it its flags. */
export const SIZE_OF_BRIN_SPECIAL_SPACE = 8;
export const BRIN_PAGETYPE_META = 0xf091;
export const BRIN_PAGETYPE_REVMAP = 0xf092;
export const BRIN_PAGETYPE_REGULAR = 0xf093;
export const BRIN_EVACUATE_PAGE = 1 << 0;
export const BRIN_META_MAGIC = 0xa8109cfa;
export const BRIN_METAPAGE_BLKNO = 0;

/** Where the special space of every BRIN page begins: `PageInit` with its size always puts it at the very end. */
const SPECIAL_AT = BLCKSZ - SIZE_OF_BRIN_SPECIAL_SPACE;
const SIZE_OF_BRIN_META_PAGE_DATA = 16;
export const REVMAP_PAGE_MAXITEMS = Math.floor((SPECIAL_AT - SIZE_OF_PAGE_HEADER) / SIZE_OF_ITEM_POINTER);

/** BrinPageType() */
export function brinPageType(page: Page): number {
  return page.view.getUint16(SPECIAL_AT + 6, true);
}

/** BrinPageFlags() */
export function brinPageFlags(page: Page): number {
  return page.view.getUint16(SPECIAL_AT + 4, true);
}
export function setBrinPageFlags(page: Page, flags: number): void {
  page.view.setUint16(SPECIAL_AT + 4, flags, true);
}

/** brin_page_init() */
export function brinPageInit(page: Page, type: number): void {
  page.init(SIZE_OF_BRIN_SPECIAL_SPACE);
  page.view.setUint16(SPECIAL_AT + 6, type, true);
}

/** BrinMetaPageData */
export interface BrinMetaPage {
  brinMagic: number;
  brinVersion: number;
  pagesPerRange: number;
  lastRevmapPage: number;
}

/** BrinMetaPageData, access/brin_page.h. */
export function readBrinMetaPage(page: Page): BrinMetaPage {
  const at = SIZE_OF_PAGE_HEADER;
  return {
    brinMagic: page.view.getUint32(at, true),
    brinVersion: page.view.getUint32(at + 4, true),
    pagesPerRange: page.view.getUint32(at + 8, true),
    lastRevmapPage: page.view.getUint32(at + 12, true),
  };
}

/** brin_metapage_init(): `lastRevmapPage` is 0, so that the first revmap page can be made with the index. */
export function brinMetapageInit(page: Page, pagesPerRange: number, version: number): void {
  brinPageInit(page, BRIN_PAGETYPE_META);
  const at = SIZE_OF_PAGE_HEADER;
  page.view.setUint32(at, BRIN_META_MAGIC, true);
  page.view.setUint32(at + 4, version, true);
  page.view.setUint32(at + 8, pagesPerRange, true);
  setLastRevmapPage(page, 0);
}

/** Sets `lastRevmapPage`, and pd_lower just past the metadata (indexes from before 11 may lack it). */
export function setLastRevmapPage(page: Page, lastRevmapPage: number): void {
  page.view.setUint32(SIZE_OF_PAGE_HEADER + 12, lastRevmapPage, true);
  page.pdLower = SIZE_OF_PAGE_HEADER + SIZE_OF_BRIN_META_PAGE_DATA;
}

/** HEAPBLK_TO_REVMAP_INDEX(): which item of its revmap page describes a heap block. */
export function heapBlkToRevmapIndex(pagesPerRange: number, heapBlk: number): number {
  if (pagesPerRange < 1) throw new PageError(`a BRIN index with ${pagesPerRange} pages per range`);
  return Math.floor(heapBlk / pagesPerRange) % REVMAP_PAGE_MAXITEMS;
}

/** brinSetHeapBlockItemptr(): points the heap block's revmap item to (block, offnum); `null` writes the invalid pointer. */
export function brinSetHeapBlockItemptr(page: Page, pagesPerRange: number, heapBlk: number, tid: { block: number; offnum: number } | null): void {
  const at = SIZE_OF_PAGE_HEADER + heapBlkToRevmapIndex(pagesPerRange, heapBlk) * SIZE_OF_ITEM_POINTER;
  writeItemPointer(page.view, at, tid?.block ?? INVALID_BLOCK_NUMBER, tid?.offnum ?? 0);
}

/** One item of a revmap page; null: the range is not summarised. */
export function readRevmapItem(page: Page, index: number): { block: number; offnum: number } | null {
  const at = SIZE_OF_PAGE_HEADER + index * SIZE_OF_ITEM_POINTER;
  const offnum = readItemPointerOffset(page.view, at);
  return offnum === 0 ? null : { block: readBlockId(page.view, at), offnum };
}

/** BrinTuple: the header of a summary tuple (the bits of bt_info unfolded). */
export interface BrinTuple {
  btBlkno: number;
  hasNulls: boolean;
  isPlaceholder: boolean;
  /** BRIN_EMPTY_RANGE_MASK: known since 13.11, 14.8, 15.3 and 16. */
  isEmptyRange: boolean;
  dataOffset: number;
}

/** BrinTuple's header, access/brin_tuple.h. */
export function readBrinTuple(view: DataView, at: number): BrinTuple {
  const btInfo = view.getUint8(at + 4);
  return {
    btBlkno: view.getUint32(at, true),
    hasNulls: (btInfo & 0x80) !== 0,
    isPlaceholder: (btInfo & 0x40) !== 0,
    isEmptyRange: (btInfo & 0x20) !== 0,
    dataOffset: btInfo & 0x1f,
  };
}
