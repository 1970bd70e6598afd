/**
 * Which resource manager's mask a page needs, told from the page alone, for pages that come with no record of their own manager.
 * Access methods mark the last two bytes of their special space so that tools can tell them apart (access/gist.h, GIST_PAGE_ID).
 */
import { BLCKSZ, type Page } from '../pg/page.js';
import { brinRmgr } from './brin/index.js';
import { btreeRmgr } from './btree/index.js';
import { genericRmgr } from './generic/index.js';
import { ginRmgr } from './gin/index.js';
import { gistRmgr } from './gist/index.js';
import { hashRmgr } from './hash/index.js';
import { heapRmgr } from './heap/index.js';
import type { Rmgr } from './rmgr.js';
import { seqRmgr } from './seq/index.js';
import { spgistRmgr } from './spgist/index.js';

const HASHO_PAGE_ID = 0xff80;
const GIST_PAGE_ID = 0xff81;
const SPGIST_PAGE_ID = 0xff82;
const MAX_BT_CYCLE_ID = 0xff7f;
const BRIN_PAGETYPE_META = 0xf091;
const BRIN_PAGETYPE_REGULAR = 0xf093;
const SEQ_MAGIC = 0x1717;
/** The flags of a GIN page (access/ginblock.h): all that are defined. */
const GIN_FLAGS = 0xff;

/** The manager of a page of a main fork that is not new; the Generic manager, which masks least, for one that bears no known mark. */
export function managerOfPage(page: Page, block: number): Rmgr {
  const special = page.pdSpecial;
  const mark = page.view.getUint16(BLCKSZ - 2, true);
  switch (BLCKSZ - special) {
    case 0:
      return heapRmgr;
    case 16:
      if (mark === HASHO_PAGE_ID) return hashRmgr;
      if (mark === GIST_PAGE_ID) return gistRmgr;
      return mark <= MAX_BT_CYCLE_ID ? btreeRmgr : genericRmgr;
    case 8:
      if (mark === SPGIST_PAGE_ID) return spgistRmgr;
      if (mark >= BRIN_PAGETYPE_META && mark <= BRIN_PAGETYPE_REGULAR) return brinRmgr;
      // a sequence has one block; GIN's block 0 is its metapage, whose right link is not in use
      if (block === 0 && page.view.getUint32(special, true) === SEQ_MAGIC) return seqRmgr;
      return mark <= GIN_FLAGS ? ginRmgr : genericRmgr;
    default:
      return genericRmgr;
  }
}
