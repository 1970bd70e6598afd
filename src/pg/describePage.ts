/**
 * A page in words: its header, its special space and what its line pointers lead to, decoded for its access method without any catalog.
 * The counterpart of contrib/pageinspect, PG 13–18, whose names the fields bear.
 */
import { formatLsn } from '../util/lsn.js';
import { describeBrin } from './describe/brin.js';
import { describeBtree } from './describe/btree.js';
import { describeGin } from './describe/gin.js';
import { describeGist } from './describe/gist.js';
import { describeHash } from './describe/hash.js';
import { describeHeap, describeSequence } from './describe/heap.js';
import { describeFreeSpaceMap, describeVisibilityMap } from './describe/maps.js';
import { describeSpGist } from './describe/spgist.js';
import { flagNames, type Fields, type KindDescriber, type KindDescription, type LinePointerDescription, type PageDescription, type PageKind } from './describe/types.js';
import { BLCKSZ, LP_REDIRECT, PageError, SIZE_OF_PAGE_HEADER, type Page } from './page.js';
import type { PgMajor } from './version.js';

export type { FieldValue, Fields, LinePointerDescription, PageDescription, PageKind } from './describe/types.js';

const DESCRIBERS: Record<PageKind, KindDescriber> = {
  heap: describeHeap, btree: describeBtree, hash: describeHash, gin: describeGin, gist: describeGist, spgist: describeSpGist, brin: describeBrin,
  sequence: describeSequence, vm: describeVisibilityMap, fsm: describeFreeSpaceMap,
};
const PD_FLAG_NAMES = ['PD_HAS_FREE_LINES', 'PD_PAGE_FULL', 'PD_ALL_VISIBLE'];
const LP_NAMES = ['unused', 'normal', 'redirect', 'dead'] as const;

/**
 * Describes a page of `block` (the fork's own numbering). Never throws for what the page holds: whatever does not decode is named in
 * `problems`, and all else is given.
 */
export function describePage(page: Page, kind: PageKind, block: number, major: PgMajor): PageDescription {
  const description: PageDescription = { kind, type: 'new', header: describeHeader(page), special: {}, contents: {}, linePointers: [], entries: [], problems: [] };
  if (page.isNew) return description;
  const found = attempt(description.problems, 'page', () => DESCRIBERS[kind](page, block, major));
  if (!found) return { ...description, type: 'unknown' };
  description.type = found.type;
  description.special = found.special;
  description.contents = found.contents ?? {};
  description.entries = found.entries ?? [];
  if (found.item) description.linePointers = describeLinePointers(page, found.item, description.problems);
  return description;
}

/** page_header() */
function describeHeader(page: Page): Fields {
  return {
    lsn: formatLsn(page.lsn),
    checksum: page.pdChecksum,
    flags: flagNames(page.pdFlags, PD_FLAG_NAMES),
    lower: page.pdLower,
    upper: page.pdUpper,
    special: page.pdSpecial,
    pagesize: page.pdPagesizeVersion & 0xff00,
    version: page.pdPagesizeVersion & 0x00ff,
    prune_xid: page.pdPruneXid,
  };
}

function describeLinePointers(page: Page, item: NonNullable<KindDescription['item']>, problems: string[]): LinePointerDescription[] {
  const pointers: LinePointerDescription[] = [];
  if (page.pdLower > BLCKSZ) {
    problems.push(`pd_lower ${page.pdLower} is outside the page`);
    return pointers;
  }
  for (let offnum = 1; offnum <= page.maxOffset; offnum++) {
    const off = page.lpOff(offnum), len = page.lpLen(offnum), lpFlags = page.lpFlags(offnum);
    let fields: Fields = {};
    if (lpFlags === LP_REDIRECT) {
      fields = { redirect: off };
    } else if (len !== 0) {
      fields = attempt(problems, `line pointer ${offnum}`, () => {
        if (off < SIZE_OF_PAGE_HEADER || off + len > BLCKSZ) throw new PageError(`${len} bytes at ${off} are outside the page`);
        return item(off, len, offnum);
      }) ?? {};
    }
    pointers.push({ offnum, off, flags: LP_NAMES[lpFlags]!, len, fields });
  }
  return pointers;
}

function attempt<T>(problems: string[], what: string, decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof PageError) && !(error instanceof RangeError)) throw error;
    problems.push(`${what}: ${error.message}`);
    return undefined;
  }
}
