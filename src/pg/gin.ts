/**
 * GIN pages: the special space, the metapage and the data pages of posting trees (access/ginblock.h, PG 13–18).
 *
 * GinPageOpaqueData, the page's last 8 bytes: rightlink (4), maxoff (2), flags (2).
 * A data page holds its right bound (an item pointer, padded to 8 bytes) after the header; then a leaf holds compressed posting
 * lists up to pd_lower, and an inner page `maxoff` posting items of 10 bytes: child block (4) and key (6).
 */
import { INVALID_BLOCK_NUMBER } from './itemPointer.js';
import { BLCKSZ, PageError, SIZE_OF_PAGE_HEADER, type Page } from './page.js';

export const SIZE_OF_GIN_OPAQUE = 8;
export const SIZE_OF_GIN_META = 56;
export const SIZE_OF_POSTING_ITEM = 10;

export const GIN_DATA = 1 << 0;
export const GIN_LEAF = 1 << 1;
export const GIN_DELETED = 1 << 2;
export const GIN_META = 1 << 3;
export const GIN_LIST = 1 << 4;
/** On a list page alone: its tuples begin with a whole heap row. */
export const GIN_LIST_FULLROW = 1 << 5;
export const GIN_INCOMPLETE_SPLIT = 1 << 6;
export const GIN_COMPRESSED = 1 << 7;

/** GinDataPageGetData(), GinDataLeafPageGetPostingList(): where a data page's contents begin. */
export const GIN_DATA_AT = SIZE_OF_PAGE_HEADER + 8;
/** Where the special space begins: GIN pages end their contents there. */
export const GIN_OPAQUE_AT = BLCKSZ - SIZE_OF_GIN_OPAQUE;

/** GinPageGetOpaque(): where the special space begins. Throws PageError where the page is no GIN page. */
export function ginOpaqueAt(page: Page): number {
  const at = page.pdSpecial;
  if (at !== GIN_OPAQUE_AT) throw new PageError(`not a GIN page: its special space begins at ${at}`);
  return at;
}

export function ginPageRightlink(page: Page): number {
  return page.view.getUint32(ginOpaqueAt(page), true);
}

export function ginPageSetRightlink(page: Page, block: number): void {
  page.view.setUint32(ginOpaqueAt(page), block, true);
}

/** The number of posting items on an inner data page, of heap tuples on a list page. */
export function ginPageMaxoff(page: Page): number {
  return page.view.getUint16(ginOpaqueAt(page) + 4, true);
}

export function ginPageSetMaxoff(page: Page, maxoff: number): void {
  page.view.setUint16(ginOpaqueAt(page) + 4, maxoff, true);
}

export function ginPageFlags(page: Page): number {
  return page.view.getUint16(ginOpaqueAt(page) + 6, true);
}

export function ginPageSetFlags(page: Page, flags: number): void {
  page.view.setUint16(ginOpaqueAt(page) + 6, flags, true);
}

/** GinInitPage(), access/gin/ginutil.c */
export function ginInitPage(page: Page, flags: number): void {
  page.init(SIZE_OF_GIN_OPAQUE);
  ginPageSetFlags(page, flags);
  ginPageSetRightlink(page, INVALID_BLOCK_NUMBER);
}

/** GinInitMetabuffer() and the copy of `meta` (GinMetaPageData) that always follows it. */
export function ginInitMetaPage(page: Page, meta: Uint8Array): void {
  ginInitPage(page, GIN_META);
  page.bytes.set(meta, SIZE_OF_PAGE_HEADER);
  page.pdLower = SIZE_OF_PAGE_HEADER + SIZE_OF_GIN_META;
}

/** GinMetaPageData */
export interface GinMetaPageData {
  head: number;
  tail: number;
  tailFreeSize: number;
  nPendingPages: number;
  nPendingHeapTuples: bigint;
  nTotalPages: number;
  nEntryPages: number;
  nDataPages: number;
  nEntries: bigint;
  ginVersion: number;
}

/** GinMetaPageData, access/ginblock.h. */
export function readGinMeta(view: DataView, at: number): GinMetaPageData {
  return {
    head: view.getUint32(at, true),
    tail: view.getUint32(at + 4, true),
    tailFreeSize: view.getUint32(at + 8, true),
    nPendingPages: view.getUint32(at + 12, true),
    nPendingHeapTuples: view.getBigInt64(at + 16, true),
    nTotalPages: view.getUint32(at + 24, true),
    nEntryPages: view.getUint32(at + 28, true),
    nDataPages: view.getUint32(at + 32, true),
    nEntries: view.getBigInt64(at + 40, true),
    ginVersion: view.getInt32(at + 48, true),
  };
}

/** GinDataPageSetDataSize() */
export function ginDataPageSetDataSize(page: Page, size: number): void {
  if (size > GIN_OPAQUE_AT - GIN_DATA_AT) throw new PageError(`${size} bytes do not fit a GIN data page`);
  page.pdLower = GIN_DATA_AT + size;
}

/** GinDataPageGetPostingItem(): where posting item `offset` (1-based) begins. */
export function ginPostingItemAt(page: Page, offset: number): number {
  const at = GIN_DATA_AT + (offset - 1) * SIZE_OF_POSTING_ITEM;
  if (offset < 1 || at + SIZE_OF_POSTING_ITEM > ginOpaqueAt(page)) throw new PageError(`invalid GIN posting item ${offset}`);
  return at;
}

/** GinDataPageAddPostingItem(), access/gin/gindatapage.c: the new item takes number `offset`. */
export function ginDataPageAddPostingItem(page: Page, item: Uint8Array, offset: number): void {
  const maxoff = ginPageMaxoff(page);
  if (offset < 1 || offset > maxoff + 1) throw new PageError(`GIN posting item ${offset} on a page of ${maxoff}`);
  const at = ginPostingItemAt(page, offset);
  const end = ginPostingItemAt(page, maxoff + 1);
  page.bytes.copyWithin(at + SIZE_OF_POSTING_ITEM, at, end);
  page.bytes.set(item, at);
  ginPageSetMaxoff(page, maxoff + 1);
  ginDataPageSetDataSize(page, (maxoff + 1) * SIZE_OF_POSTING_ITEM);
}

/** GinPageDeletePostingItem(), access/gin/gindatapage.c */
export function ginPageDeletePostingItem(page: Page, offset: number): void {
  const maxoff = ginPageMaxoff(page);
  if (offset < 1 || offset > maxoff) throw new PageError(`GIN posting item ${offset} on a page of ${maxoff}`);
  const at = ginPostingItemAt(page, offset);
  page.bytes.copyWithin(at, at + SIZE_OF_POSTING_ITEM, ginPostingItemAt(page, maxoff) + SIZE_OF_POSTING_ITEM);
  ginPageSetMaxoff(page, maxoff - 1);
  ginDataPageSetDataSize(page, (maxoff - 1) * SIZE_OF_POSTING_ITEM);
}
