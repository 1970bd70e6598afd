/**
 * Pages of a hash index: special space, metapage, bitmap.
 * Layout: access/hash.h; bucket arithmetic: access/hash/hashutil.c; initialisation: access/hash/hashpage.c and hashovfl.c; PG 13–18.
 */
import { BLCKSZ, PageError, SIZE_OF_PAGE_HEADER, type Page } from './page.js';
import { INDEX_AM_RESERVED_BIT } from './indexTuple.js';
import { INVALID_BLOCK_NUMBER } from './itemPointer.js';

export const SIZE_OF_HASH_PAGE_OPAQUE = 16;
export const HASH_METAPAGE = 0;
export const HASH_MAGIC = 0x6440640;
export const HASH_VERSION = 4;
export const HASHO_PAGE_ID = 0xff80;
export const INVALID_BUCKET = 0xffffffff;
/** A tuple that a split in progress has moved to its new bucket. */
export const INDEX_MOVED_BY_SPLIT_MASK = INDEX_AM_RESERVED_BIT;

export const LH_UNUSED_PAGE = 0;
export const LH_OVERFLOW_PAGE = 1 << 0;
export const LH_BUCKET_PAGE = 1 << 1;
export const LH_BITMAP_PAGE = 1 << 2;
export const LH_META_PAGE = 1 << 3;
export const LH_BUCKET_BEING_POPULATED = 1 << 4;
export const LH_BUCKET_BEING_SPLIT = 1 << 5;
export const LH_BUCKET_NEEDS_SPLIT_CLEANUP = 1 << 6;
export const LH_PAGE_HAS_DEAD_TUPLES = 1 << 7;
export const LH_PAGE_TYPE = LH_OVERFLOW_PAGE | LH_BUCKET_PAGE | LH_BITMAP_PAGE | LH_META_PAGE;

export const HASH_MAX_BITMAPS = 1024;
const HASH_SPLITPOINT_PHASE_BITS = 2;
const HASH_SPLITPOINT_PHASE_MASK = (1 << HASH_SPLITPOINT_PHASE_BITS) - 1;
const HASH_SPLITPOINT_GROUPS_WITH_ONE_PHASE = 10;
const HASH_MAX_SPLITPOINT_GROUP = 32;
export const HASH_MAX_SPLITPOINTS =
  (HASH_MAX_SPLITPOINT_GROUP - HASH_SPLITPOINT_GROUPS_WITH_ONE_PHASE) * (1 << HASH_SPLITPOINT_PHASE_BITS) + HASH_SPLITPOINT_GROUPS_WITH_ONE_PHASE;

/** Where a page's HashPageOpaqueData begins; throws where the special space is not a hash index's. */
export function hashOpaqueAt(page: Page): number {
  const special = page.pdSpecial;
  if (special !== BLCKSZ - SIZE_OF_HASH_PAGE_OPAQUE) throw new PageError(`a hash page's special space begins at ${special}`);
  return special;
}

/** On a primary bucket page: hashm_maxbucket when the bucket was last split or created. */
export const hashoPrevblkno = (page: Page): number => page.view.getUint32(hashOpaqueAt(page), true);
export const hashoNextblkno = (page: Page): number => page.view.getUint32(hashOpaqueAt(page) + 4, true);
export const hashoBucket = (page: Page): number => page.view.getUint32(hashOpaqueAt(page) + 8, true);
export const hashoFlag = (page: Page): number => page.view.getUint16(hashOpaqueAt(page) + 12, true);

export const setHashoPrevblkno = (page: Page, block: number): void => page.view.setUint32(hashOpaqueAt(page), block, true);
export const setHashoNextblkno = (page: Page, block: number): void => page.view.setUint32(hashOpaqueAt(page) + 4, block, true);
export const setHashoFlag = (page: Page, flag: number): void => page.view.setUint16(hashOpaqueAt(page) + 12, flag, true);

/** _hash_pageinit() and a special space that says what the page is. */
export function initHashPage(page: Page, prevblkno: number, bucket: number, flag: number): void {
  page.init(SIZE_OF_HASH_PAGE_OPAQUE);
  const at = hashOpaqueAt(page);
  page.view.setUint32(at, prevblkno, true);
  page.view.setUint32(at + 4, INVALID_BLOCK_NUMBER, true);
  page.view.setUint32(at + 8, bucket, true);
  page.view.setUint16(at + 12, flag, true);
  page.view.setUint16(at + 14, HASHO_PAGE_ID, true);
}

const META_AT = SIZE_OF_PAGE_HEADER;
/** Offsets of HashMetaPageData's fields on the page. */
export const HashMeta = {
  magic: META_AT,
  version: META_AT + 4,
  ntuples: META_AT + 8,
  ffactor: META_AT + 16,
  bsize: META_AT + 18,
  bmsize: META_AT + 20,
  bmshift: META_AT + 22,
  maxbucket: META_AT + 24,
  highmask: META_AT + 28,
  lowmask: META_AT + 32,
  ovflpoint: META_AT + 36,
  firstfree: META_AT + 40,
  nmaps: META_AT + 44,
  procid: META_AT + 48,
  spares: META_AT + 52,
  mapp: META_AT + 52 + HASH_MAX_SPLITPOINTS * 4,
} as const;
/** The struct's end, its padding to 8 bytes included. */
const HASH_META_END = META_AT + ((52 + (HASH_MAX_SPLITPOINTS + HASH_MAX_BITMAPS) * 4 + 7) & ~7);

/** Where hashm_spares[splitpoint] stands; throws outside the array. */
export function hashSparesAt(splitpoint: number): number {
  if (splitpoint >= HASH_MAX_SPLITPOINTS) throw new PageError(`splitpoint ${splitpoint} exceeds the metapage's array`);
  return HashMeta.spares + splitpoint * 4;
}

/** Where hashm_mapp[map] stands; throws outside the array. */
export function hashMappAt(map: number): number {
  if (map >= HASH_MAX_BITMAPS) throw new PageError(`bitmap page ${map} exceeds the metapage's array`);
  return HashMeta.mapp + map * 4;
}

/** pg_ceil_log2_32() */
const ceilLog2 = (n: number): number => (n <= 1 ? 0 : 32 - Math.clz32(n - 1));

/** _hash_spareindex(): the splitpoint phase in which the index has this many buckets. */
export function hashSpareindex(numBucket: number): number {
  const group = ceilLog2(numBucket);
  if (group < HASH_SPLITPOINT_GROUPS_WITH_ONE_PHASE) return group;
  return HASH_SPLITPOINT_GROUPS_WITH_ONE_PHASE
    + ((group - HASH_SPLITPOINT_GROUPS_WITH_ONE_PHASE) << HASH_SPLITPOINT_PHASE_BITS)
    + (((numBucket - 1) >>> (group - (HASH_SPLITPOINT_PHASE_BITS + 1))) & HASH_SPLITPOINT_PHASE_MASK);
}

/** _hash_get_totalbuckets(): how many buckets there are at a splitpoint phase's end. */
export function hashGetTotalbuckets(phase: number): number {
  if (phase < HASH_SPLITPOINT_GROUPS_WITH_ONE_PHASE) return 2 ** phase;
  const group = HASH_SPLITPOINT_GROUPS_WITH_ONE_PHASE + ((phase - HASH_SPLITPOINT_GROUPS_WITH_ONE_PHASE) >> HASH_SPLITPOINT_PHASE_BITS);
  const phases = ((phase - HASH_SPLITPOINT_GROUPS_WITH_ONE_PHASE) & HASH_SPLITPOINT_PHASE_MASK) + 1;
  return 2 ** (group - 1) + (2 ** (group - 1) / 2 ** HASH_SPLITPOINT_PHASE_BITS) * phases;
}

/** _hash_init_metabuffer() on a fresh page. */
export function initHashMetapage(page: Page, numTuples: number, procid: number, ffactor: number): void {
  const wanted = numTuples / ffactor;
  let buckets: number;
  if (wanted <= 2) buckets = 2;
  else if (wanted >= 0x40000000) buckets = 0x40000000;
  else buckets = hashGetTotalbuckets(hashSpareindex(Math.trunc(wanted)));
  const spareIndex = hashSpareindex(buckets);

  initHashPage(page, INVALID_BLOCK_NUMBER, INVALID_BUCKET, LH_META_PAGE);
  const view = page.view;
  const bsize = BLCKSZ - SIZE_OF_PAGE_HEADER - SIZE_OF_HASH_PAGE_OPAQUE;
  const lshift = 31 - Math.clz32(bsize);
  view.setUint32(HashMeta.magic, HASH_MAGIC, true);
  view.setUint32(HashMeta.version, HASH_VERSION, true);
  view.setUint16(HashMeta.ffactor, ffactor, true);
  view.setUint16(HashMeta.bsize, bsize, true);
  view.setUint16(HashMeta.bmsize, 1 << lshift, true);
  view.setUint16(HashMeta.bmshift, lshift + 3, true);
  view.setUint32(HashMeta.procid, procid, true);
  view.setUint32(HashMeta.maxbucket, buckets - 1, true);
  const highmask = 2 ** ceilLog2(buckets + 1) - 1;
  view.setUint32(HashMeta.highmask, highmask, true);
  view.setUint32(HashMeta.lowmask, highmask >>> 1, true);
  // one spare page after the initial splitpoint, for the first bitmap
  view.setUint32(hashSparesAt(spareIndex), 1, true);
  view.setUint32(HashMeta.ovflpoint, spareIndex, true);
  page.pdLower = HASH_META_END;
}

/** _hash_initbitmapbuffer() on a fresh page: every overflow page counts as in use until it is there. */
export function initHashBitmapPage(page: Page, bmsize: number): void {
  initHashPage(page, INVALID_BLOCK_NUMBER, INVALID_BUCKET, LH_BITMAP_PAGE);
  const end = SIZE_OF_PAGE_HEADER + bmsize;
  if (end > page.pdSpecial) throw new PageError(`a bitmap of ${bmsize} bytes exceeds the page`);
  page.bytes.fill(0xff, SIZE_OF_PAGE_HEADER, end);
  page.pdLower = end;
}

/** SETBIT() and CLRBIT() on a bitmap page. */
export function setHashBitmapBit(page: Page, bit: number, value: boolean): void {
  const at = SIZE_OF_PAGE_HEADER + Math.floor(bit / 32) * 4;
  if (at + 4 > hashOpaqueAt(page)) throw new PageError(`bit ${bit} exceeds the bitmap page`);
  const mask = 1 << (bit % 32);
  const word = page.view.getUint32(at, true);
  page.view.setUint32(at, value ? word | mask : word & ~mask, true);
}
