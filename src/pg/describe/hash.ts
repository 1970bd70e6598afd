/** Hash index pages (access/hash.h; contrib/pageinspect/hashfuncs.c, PG 13–18). */
import {
  HASH_MAX_SPLITPOINTS, HashMeta, INDEX_MOVED_BY_SPLIT_MASK, INVALID_BUCKET, LH_BITMAP_PAGE, LH_BUCKET_PAGE, LH_META_PAGE, LH_OVERFLOW_PAGE,
  hashMappAt, hashoBucket, hashoFlag, hashoNextblkno, hashoPrevblkno, hashSparesAt,
} from '../hash.js';
import { checkedIndexTupleSize, indexTupleDataOffset } from '../indexTuple.js';
import { formatItemPointer } from '../itemPointer.js';
import { SIZE_OF_PAGE_HEADER, type Page } from '../page.js';
import { blockOrNull, flagNames, hex, type Fields, type KindDescriber } from './types.js';

const FLAG_NAMES = [
  'LH_OVERFLOW_PAGE', 'LH_BUCKET_PAGE', 'LH_BITMAP_PAGE', 'LH_META_PAGE', 'LH_BUCKET_BEING_POPULATED', 'LH_BUCKET_BEING_SPLIT',
  'LH_BUCKET_NEEDS_SPLIT_CLEANUP', 'LH_PAGE_HAS_DEAD_TUPLES',
];

function pageType(flag: number): string {
  if ((flag & LH_META_PAGE) !== 0) return 'meta';
  if ((flag & LH_OVERFLOW_PAGE) !== 0) return 'overflow';
  if ((flag & LH_BUCKET_PAGE) !== 0) return 'bucket';
  return (flag & LH_BITMAP_PAGE) !== 0 ? 'bitmap' : 'unused';
}

function describeMeta(page: Page): Fields {
  const { view } = page;
  const nmaps = view.getUint32(HashMeta.nmaps, true);
  return {
    magic: view.getUint32(HashMeta.magic, true),
    version: view.getUint32(HashMeta.version, true),
    ntuples: view.getFloat64(HashMeta.ntuples, true),
    ffactor: view.getUint16(HashMeta.ffactor, true),
    bsize: view.getUint16(HashMeta.bsize, true),
    bmsize: view.getUint16(HashMeta.bmsize, true),
    bmshift: view.getUint16(HashMeta.bmshift, true),
    maxbucket: view.getUint32(HashMeta.maxbucket, true),
    highmask: view.getUint32(HashMeta.highmask, true),
    lowmask: view.getUint32(HashMeta.lowmask, true),
    ovflpoint: view.getUint32(HashMeta.ovflpoint, true),
    firstfree: view.getUint32(HashMeta.firstfree, true),
    nmaps,
    procid: view.getUint32(HashMeta.procid, true),
    spares: Array.from({ length: HASH_MAX_SPLITPOINTS }, (_, i) => String(view.getUint32(hashSparesAt(i), true))),
    mapp: Array.from({ length: nmaps }, (_, i) => String(view.getUint32(hashMappAt(i), true))),
  };
}

/** The overflow pages in use, as numbers of bits that are set in this bitmap page. */
function describeBitmap(page: Page): Fields {
  const bits: string[] = [];
  for (let bit = 0; bit < (page.pdLower - SIZE_OF_PAGE_HEADER) * 8; bit++) {
    if (((page.bytes[SIZE_OF_PAGE_HEADER + (bit >> 3)]! >> (bit & 7)) & 1) !== 0) bits.push(String(bit));
  }
  return { bits_set: bits };
}

function describeTuple(page: Page, at: number, len: number): Fields {
  const { view } = page;
  const itemlen = checkedIndexTupleSize(view, at, at + len);
  const data = at + indexTupleDataOffset(view, at);
  return {
    ctid: formatItemPointer(view, at),
    itemlen,
    hash: view.getUint32(data, true),
    data: hex(page, data, at + itemlen),
    moved_by_split: (view.getUint16(at + 6, true) & INDEX_MOVED_BY_SPLIT_MASK) !== 0,
  };
}

export const describeHash: KindDescriber = (page) => {
  const flag = hashoFlag(page);
  const bucket = hashoBucket(page);
  const special: Fields = {
    hasho_prevblkno: blockOrNull(hashoPrevblkno(page)),
    hasho_nextblkno: blockOrNull(hashoNextblkno(page)),
    hasho_bucket: bucket === INVALID_BUCKET ? null : bucket,
    hasho_flag: flagNames(flag, FLAG_NAMES),
  };
  const type = pageType(flag);
  if (type === 'meta') return { type, special, contents: describeMeta(page) };
  if (type === 'bitmap') return { type, special, contents: describeBitmap(page) };
  return { type, special, item: (at, len) => describeTuple(page, at, len) };
};
