/** GiST pages (access/gist.h; contrib/pageinspect/gistfuncs.c, PG 13–18). */
import { formatLsn } from '../../util/lsn.js';
import { F_DELETED, F_LEAF, gistPageDeleteXid, gistPageFlags, gistPageNsn, gistPageRightlink } from '../gist.js';
import { checkedIndexTupleSize, indexTupleDataOffset } from '../indexTuple.js';
import { formatItemPointer, readBlockId } from '../itemPointer.js';
import { blockOrNull, flagNames, hex, type Fields, type KindDescriber } from './types.js';

const FLAG_NAMES = ['F_LEAF', 'F_DELETED', 'F_TUPLES_DELETED', 'F_FOLLOW_RIGHT', 'F_HAS_GARBAGE'];

export const describeGist: KindDescriber = (page) => {
  const flags = gistPageFlags(page);
  const special: Fields = {
    nsn: formatLsn(gistPageNsn(page)),
    rightlink: blockOrNull(gistPageRightlink(page)),
    flags: flagNames(flags, FLAG_NAMES),
  };
  if ((flags & F_DELETED) !== 0) return { type: 'deleted', special, contents: { deleteXid: String(gistPageDeleteXid(page)) } };
  const isLeaf = (flags & F_LEAF) !== 0;
  const { view } = page;
  return {
    type: isLeaf ? 'leaf' : 'inner',
    special,
    item: (at, len) => {
      const itemlen = checkedIndexTupleSize(view, at, at + len);
      const fields: Fields = { ctid: formatItemPointer(view, at), itemlen };
      if (!isLeaf) fields['downlink'] = readBlockId(view, at);
      fields['key'] = hex(page, at + indexTupleDataOffset(view, at), at + itemlen);
      return fields;
    },
  };
};
