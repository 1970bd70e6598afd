/** SP-GiST pages (access/spgist_private.h, PG 13–18). */
import { checkedIndexTupleSize, indexTupleDataOffset } from '../indexTuple.js';
import { formatItemPointer } from '../itemPointer.js';
import { PageError, SIZE_OF_PAGE_HEADER, type Page } from '../page.js';
import {
  SPGIST_LEAF, SPGIST_LIVE, SPGIST_META, SPGIST_PAGE_ID, SPGIST_REDIRECT,
  readSpGistDeadTuple, readSpGistInnerTuple, readSpGistLeafTuple, readSpGistPageOpaque, readTupstate,
} from '../spgist.js';
import { blockOrNull, flagNames, hex, type Fields, type KindDescriber } from './types.js';

const FLAG_NAMES = ['SPGIST_META', 'SPGIST_DELETED', 'SPGIST_LEAF', 'SPGIST_NULLS'];
const STATE_NAMES = ['live', 'redirect', 'dead', 'placeholder'];
const CACHED_PAGES = 8;
/** SGITHDRSZ */
const SIZE_OF_INNER_HEADER = 8;
/** SGLTHDRSZ, the same with and without a null mask. */
const SIZE_OF_LEAF_HEADER = 16;

/** An inner tuple: prefix, and its nodes as `label (block,offset)`, the label in hex, empty where it is null. */
function describeInner(page: Page, at: number, len: number): Fields {
  const { view } = page;
  const { allTheSame, nNodes, prefixSize, size } = readSpGistInnerTuple(view, at);
  if (size > len || SIZE_OF_INNER_HEADER + prefixSize > size) throw new PageError(`an inner tuple of ${size} bytes in an item of ${len}`);
  const nodes: string[] = [];
  let node = at + SIZE_OF_INNER_HEADER + prefixSize;
  for (let i = 0; i < nNodes; i++) {
    const nodeSize = checkedIndexTupleSize(view, node, at + size);
    const label = hex(page, node + indexTupleDataOffset(view, node), node + nodeSize);
    nodes.push(`${label} ${formatItemPointer(view, node)}`.trimStart());
    node += nodeSize;
  }
  return { tupstate: 'live', allTheSame, nNodes, prefix: hex(page, at + SIZE_OF_INNER_HEADER, at + SIZE_OF_INNER_HEADER + prefixSize), nodes };
}

function describeLeaf(page: Page, at: number, len: number): Fields {
  const { size, nextOffset, hasNullMask, heapBlock, heapOffset } = readSpGistLeafTuple(page.view, at);
  if (size > len || size < SIZE_OF_LEAF_HEADER) throw new PageError(`a leaf tuple of ${size} bytes in an item of ${len}`);
  return { tupstate: 'live', htid: `(${heapBlock},${heapOffset})`, nextOffset, has_null_mask: hasNullMask, key: hex(page, at + SIZE_OF_LEAF_HEADER, at + size) };
}

function describeMeta(page: Page): { contents: Fields; entries: Fields[] } {
  const { view } = page;
  const entries = Array.from({ length: CACHED_PAGES }, (_, i) => {
    const at = SIZE_OF_PAGE_HEADER + 4 + i * 8;
    return { last_used: i, blkno: blockOrNull(view.getUint32(at, true)), freeSpace: view.getInt32(at + 4, true) };
  });
  return { contents: { magicNumber: view.getUint32(SIZE_OF_PAGE_HEADER, true) }, entries };
}

export const describeSpGist: KindDescriber = (page) => {
  const { flags, nRedirection, nPlaceholder, spgistPageId } = readSpGistPageOpaque(page);
  if (spgistPageId !== SPGIST_PAGE_ID) throw new PageError(`not an SP-GiST page: page id 0x${spgistPageId.toString(16)}`);
  const special: Fields = { flags: flagNames(flags, FLAG_NAMES), nRedirection, nPlaceholder };
  if ((flags & SPGIST_META) !== 0) return { type: 'meta', special, ...describeMeta(page) };
  const isLeaf = (flags & SPGIST_LEAF) !== 0;
  return {
    type: isLeaf ? 'leaf' : 'inner',
    special,
    item: (at, len) => {
      if (len < SIZE_OF_LEAF_HEADER) throw new PageError(`an SP-GiST tuple of ${len} bytes`);
      const state = readTupstate(page.view, at);
      if (state === SPGIST_LIVE) return isLeaf ? describeLeaf(page, at, len) : describeInner(page, at, len);
      const fields: Fields = { tupstate: STATE_NAMES[state]! };
      if (state === SPGIST_REDIRECT) {
        const { block, offnum, xid } = readSpGistDeadTuple(page.view, at);
        fields['pointer'] = `(${block},${offnum})`;
        fields['xid'] = xid;
      }
      return fields;
    },
  };
};
