/** GIN pages (access/ginblock.h; contrib/pageinspect/ginfuncs.c, PG 13–18). */
import {
  GIN_COMPRESSED, GIN_DATA, GIN_DATA_AT, GIN_DELETED, GIN_LEAF, GIN_LIST, GIN_META,
  ginPageFlags, ginPageMaxoff, ginPageRightlink, ginPostingItemAt, readGinMeta,
} from '../gin.js';
import { decodeGinPostingLists, itemBlock, itemOffset, sizeOfGinPostingList } from '../ginPostingList.js';
import { checkedIndexTupleSize, indexTupleDataOffset } from '../indexTuple.js';
import { formatItemPointer, readBlockId, readItemPointerOffset } from '../itemPointer.js';
import { PageError, SIZE_OF_PAGE_HEADER, type Page } from '../page.js';
import { blockOrNull, flagNames, hex, type Fields, type KindDescriber, type KindDescription } from './types.js';

const FLAG_NAMES = ['GIN_DATA', 'GIN_LEAF', 'GIN_DELETED', 'GIN_META', 'GIN_LIST', 'GIN_LIST_FULLROW', 'GIN_INCOMPLETE_SPLIT', 'GIN_COMPRESSED'];
/** t_tid's offset number in a leaf entry whose items are in a posting tree. */
const GIN_TREE_POSTING = 0xffff;
const GIN_ITUP_COMPRESSED = 0x80000000;

function pageType(flags: number): string {
  if ((flags & GIN_META) !== 0) return 'meta';
  if ((flags & GIN_DELETED) !== 0) return 'deleted';
  if ((flags & GIN_LIST) !== 0) return 'list';
  const isLeaf = (flags & GIN_LEAF) !== 0;
  if ((flags & GIN_DATA) !== 0) return isLeaf ? 'data leaf' : 'data inner';
  return isLeaf ? 'entry leaf' : 'entry inner';
}

const tidText = (item: number): string => `(${itemBlock(item)},${itemOffset(item)})`;

/** One posting list of a data leaf a line, as gin_leafpage_items(). */
function describePostingLists(page: Page): Fields[] {
  const { view } = page;
  const entries: Fields[] = [];
  for (let at = GIN_DATA_AT; at < page.pdLower;) {
    const end = at + sizeOfGinPostingList(view, at, page.pdLower);
    const tids = decodeGinPostingLists(view, at, end).map(tidText);
    entries.push({ segno: entries.length, first_tid: formatItemPointer(view, at), nbytes: view.getUint16(at + 6, true), nitems: tids.length, tids });
    at = end;
  }
  return entries;
}

function describePostingItems(page: Page): Fields[] {
  return Array.from({ length: ginPageMaxoff(page) }, (_, i) => {
    const at = ginPostingItemAt(page, i + 1);
    return { offset: i + 1, child: readBlockId(page.view, at), key: formatItemPointer(page.view, at + 4) };
  });
}

/** A leaf entry: its key, and its items or the posting tree that holds them. A list from before 9.4 is plain item pointers. */
function describeLeafEntry(page: Page, at: number, itemlen: number): Fields {
  const { view } = page;
  const nposting = readItemPointerOffset(view, at);
  const block = readBlockId(view, at);
  const keyAt = at + indexTupleDataOffset(view, at);
  if (nposting === GIN_TREE_POSTING) return { itemlen, key: hex(page, keyAt, at + itemlen), posting_tree: block };
  const postingAt = at + (block & ~GIN_ITUP_COMPRESSED);
  if (postingAt < keyAt || postingAt > at + itemlen) throw new PageError(`a posting list at ${postingAt - at} of an entry of ${itemlen} bytes`);
  let tids: string[] = [];
  if (nposting > 0 && (block & GIN_ITUP_COMPRESSED) !== 0) {
    tids = decodeGinPostingLists(view, postingAt, postingAt + sizeOfGinPostingList(view, postingAt, at + itemlen)).map(tidText);
  } else if (nposting > 0) {
    if (postingAt + nposting * 6 > at + itemlen) throw new PageError(`${nposting} items do not fit an entry of ${itemlen} bytes`);
    tids = Array.from({ length: nposting }, (_, i) => formatItemPointer(view, postingAt + i * 6));
  }
  return { itemlen, key: hex(page, keyAt, postingAt), nposting, tids };
}

export const describeGin: KindDescriber = (page): KindDescription => {
  const flags = ginPageFlags(page);
  const special: Fields = { rightlink: blockOrNull(ginPageRightlink(page)), maxoff: ginPageMaxoff(page), flags: flagNames(flags, FLAG_NAMES) };
  const type = pageType(flags);
  const { view } = page;
  const rightBound = (): Fields => ({ right_bound: formatItemPointer(view, SIZE_OF_PAGE_HEADER) });
  switch (type) {
    case 'meta': {
      const { head, tail, nPendingHeapTuples, nEntries, ...meta } = readGinMeta(view, SIZE_OF_PAGE_HEADER);
      return {
        type, special,
        contents: { head: blockOrNull(head), tail: blockOrNull(tail), nPendingHeapTuples: String(nPendingHeapTuples), nEntries: String(nEntries), ...meta },
      };
    }
    case 'deleted':
      return { type, special, contents: { deleteXid: page.pdPruneXid } };
    case 'data leaf':
      // before 9.4: maxoff plain item pointers
      if ((flags & GIN_COMPRESSED) === 0) return { type, special, contents: { ...rightBound(), nitems: ginPageMaxoff(page) } };
      return { type, special, contents: rightBound(), entries: describePostingLists(page) };
    case 'data inner':
      return { type, special, contents: rightBound(), entries: describePostingItems(page) };
  }
  return {
    type,
    special,
    item: (at, len) => {
      const itemlen = checkedIndexTupleSize(view, at, at + len);
      if (type === 'entry leaf') return describeLeafEntry(page, at, itemlen);
      const key = hex(page, at + indexTupleDataOffset(view, at), at + itemlen);
      return type === 'list' ? { ctid: formatItemPointer(view, at), itemlen, key } : { itemlen, downlink: readBlockId(view, at), key };
    },
  };
};
