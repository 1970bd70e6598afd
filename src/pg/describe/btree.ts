/** B-tree pages (access/nbtree.h; contrib/pageinspect/btreefuncs.c, PG 13–18). */
import { INDEX_NULL_MASK, INDEX_VAR_MASK, checkedIndexTupleSize, indexTupleDataOffset } from '../indexTuple.js';
import { formatItemPointer } from '../itemPointer.js';
import {
  BTP_DELETED, BTP_HALF_DEAD, BTP_HAS_FULLXID, BTP_LEAF, BTP_META, BTP_ROOT, P_HIKEY, P_NONE,
  btpoCycleid, btpoFlags, btpoLevel, btpoNext, btpoPrev, heapTidAt, heapTidRange, isPivotTuple, isPostingTuple, readBTMetaPageData, tupleDownLink,
} from '../nbtree.js';
import { SIZE_OF_PAGE_HEADER, type Page } from '../page.js';
import { flagNames, hex, type Fields, type KindDescriber } from './types.js';

const FLAG_NAMES = [
  'BTP_LEAF', 'BTP_ROOT', 'BTP_DELETED', 'BTP_META', 'BTP_HALF_DEAD', 'BTP_SPLIT_END', 'BTP_HAS_GARBAGE', 'BTP_INCOMPLETE_SPLIT', 'BTP_HAS_FULLXID',
];

function pageType(flags: number): string {
  if ((flags & BTP_META) !== 0) return 'meta';
  if ((flags & BTP_DELETED) !== 0) return 'deleted';
  if ((flags & BTP_HALF_DEAD) !== 0) return 'half-dead';
  if ((flags & BTP_LEAF) !== 0) return 'leaf';
  return (flags & BTP_ROOT) !== 0 ? 'root' : 'inner';
}

/** A tuple as bt_page_items() gives it, with a pivot's downlink beside. `data` leaves out posting list and a pivot's heap TID. */
function describeTuple(page: Page, at: number, len: number, isPivotPlace: boolean, isHighKey: boolean): Fields {
  const { view } = page;
  const itemlen = checkedIndexTupleSize(view, at, at + len);
  const tInfo = view.getUint16(at + 6, true);
  const posting = isPostingTuple(view, at);
  const tidAt = isPivotPlace && !isPivotTuple(view, at) ? -1 : heapTidAt(view, at);
  const { tidsAt, count, baseSize } = heapTidRange(view, at);
  const keyEnd = at + (posting ? baseSize : isPivotTuple(view, at) && tidAt !== -1 ? itemlen - 8 : itemlen);
  const fields: Fields = {
    ctid: formatItemPointer(view, at),
    itemlen,
    nulls: (tInfo & INDEX_NULL_MASK) !== 0,
    vars: (tInfo & INDEX_VAR_MASK) !== 0,
    data: hex(page, at + indexTupleDataOffset(view, at), keyEnd),
    htid: tidAt === -1 ? null : formatItemPointer(view, tidAt),
  };
  if (isHighKey) fields['high_key'] = true;
  else if (isPivotPlace) fields['downlink'] = tupleDownLink(view, at);
  if (posting) fields['tids'] = Array.from({ length: count }, (_, i) => formatItemPointer(view, tidsAt + i * 6));
  return fields;
}

export const describeBtree: KindDescriber = (page, _block, major) => {
  const flags = btpoFlags(page);
  const special: Fields = {
    btpo_prev: btpoPrev(page),
    btpo_next: btpoNext(page),
    [major < 14 && (flags & BTP_DELETED) !== 0 ? 'btpo_xact' : 'btpo_level']: btpoLevel(page),
    btpo_flags: flagNames(flags, FLAG_NAMES),
    btpo_cycleid: btpoCycleid(page),
  };
  const type = pageType(flags);
  if (type === 'meta') {
    const { btm_last_cleanup_num_delpages: cleanup, ...meta } = readBTMetaPageData(page);
    return { type, special, contents: { ...meta, [major < 14 ? 'btm_oldest_btpo_xact' : 'btm_last_cleanup_num_delpages']: cleanup } };
  }
  if (type === 'deleted') {
    const contents: Fields = (flags & BTP_HAS_FULLXID) === 0 ? {} : { safexid: String(page.view.getBigUint64(SIZE_OF_PAGE_HEADER, true)) };
    return { type, special, contents };
  }
  const isLeaf = (flags & BTP_LEAF) !== 0;
  const isRightmost = btpoNext(page) === P_NONE;
  return {
    type,
    special,
    item: (at, len, offnum) => {
      const isHighKey = !isRightmost && offnum === P_HIKEY;
      return describeTuple(page, at, len, !isLeaf || isHighKey, isHighKey);
    },
  };
};
