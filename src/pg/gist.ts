/**
 * GiST pages: the special space and the deleted page (access/gist.h, PG 13–18).
 *
 * GISTPageOpaqueData, the page's last 16 bytes: nsn (8, high half first), rightlink (4), flags (2), gist_page_id (2).
 */
import { writePageLsn, readPageLsn, type Lsn } from '../util/lsn.js';
import { INVALID_BLOCK_NUMBER } from './itemPointer.js';
import { BLCKSZ, PageError, SIZE_OF_PAGE_HEADER, type Page } from './page.js';

export const GIST_ROOT_BLKNO = 0;
export const GIST_PAGE_ID = 0xff81;
export const SIZE_OF_GIST_OPAQUE = 16;

export const F_LEAF = 1 << 0;
export const F_DELETED = 1 << 1;
export const F_TUPLES_DELETED = 1 << 2;
/** The page to the right has no downlink yet. */
export const F_FOLLOW_RIGHT = 1 << 3;
export const F_HAS_GARBAGE = 1 << 4;

/** GistPageGetOpaque(): where the special space begins. Throws PageError where the page is no GiST page. */
export function gistOpaqueAt(page: Page): number {
  const at = page.pdSpecial;
  if (at !== BLCKSZ - SIZE_OF_GIST_OPAQUE) throw new PageError(`not a GiST page: its special space begins at ${at}`);
  return at;
}

export function gistPageNsn(page: Page): Lsn {
  return readPageLsn(page.view, gistOpaqueAt(page));
}

/** GistPageSetNSN() */
export function gistPageSetNsn(page: Page, nsn: Lsn): void {
  writePageLsn(page.view, gistOpaqueAt(page), nsn);
}

export function gistPageRightlink(page: Page): number {
  return page.view.getUint32(gistOpaqueAt(page) + 8, true);
}

export function gistPageSetRightlink(page: Page, block: number): void {
  page.view.setUint32(gistOpaqueAt(page) + 8, block, true);
}

export function gistPageFlags(page: Page): number {
  return page.view.getUint16(gistOpaqueAt(page) + 12, true);
}

export function gistPageSetFlags(page: Page, flags: number): void {
  page.view.setUint16(gistOpaqueAt(page) + 12, flags, true);
}

/** gistinitpage(): an empty page. */
export function gistInitPage(page: Page, flags: number): void {
  page.init(SIZE_OF_GIST_OPAQUE);
  gistPageSetRightlink(page, INVALID_BLOCK_NUMBER);
  gistPageSetFlags(page, flags);
  page.view.setUint16(BLCKSZ - 2, GIST_PAGE_ID, true);
}

/** GistPageSetDeleted(): the page holds nothing but the 64-bit xid that deleted it, right after the header. */
export function gistPageSetDeleted(page: Page, deleteXid: bigint): void {
  gistPageSetFlags(page, gistPageFlags(page) | F_DELETED);
  page.pdLower = SIZE_OF_PAGE_HEADER + 8;
  page.view.setBigUint64(SIZE_OF_PAGE_HEADER, deleteXid, true);
}

/** GistPageGetDeleteXid(): 3 (the first normal xid) where a page was deleted before the field existed. */
export function gistPageDeleteXid(page: Page): bigint {
  return page.pdLower >= SIZE_OF_PAGE_HEADER + 8 ? page.view.getBigUint64(SIZE_OF_PAGE_HEADER, true) : 3n;
}
