/** BRIN pages (access/brin_page.h, access/brin_tuple.h; contrib/pageinspect/brinfuncs.c, PG 13–18). */
import {
  BRIN_PAGETYPE_META, BRIN_PAGETYPE_REGULAR, BRIN_PAGETYPE_REVMAP, REVMAP_PAGE_MAXITEMS,
  brinPageFlags, brinPageType, readBrinMetaPage, readBrinTuple, readRevmapItem,
} from '../brin.js';
import { PageError } from '../page.js';
import { flagNames, hex, type Fields, type KindDescriber } from './types.js';

const SIZE_OF_BRIN_TUPLE = 5;
const FLAG_NAMES = ['BRIN_EVACUATE_PAGE'];

export const describeBrin: KindDescriber = (page) => {
  const special: Fields = { type: `0x${brinPageType(page).toString(16)}`, flags: flagNames(brinPageFlags(page), FLAG_NAMES) };
  switch (brinPageType(page)) {
    case BRIN_PAGETYPE_META:
      return { type: 'meta', special, contents: { ...readBrinMetaPage(page) } };
    case BRIN_PAGETYPE_REVMAP: {
      const entries: Fields[] = [];
      for (let i = 0; i < REVMAP_PAGE_MAXITEMS; i++) {
        const item = readRevmapItem(page, i);
        if (item) entries.push({ item: i, tid: `(${item.block},${item.offnum})` });
      }
      return { type: 'revmap', special, entries };
    }
    case BRIN_PAGETYPE_REGULAR:
      return {
        type: 'regular',
        special,
        item: (at, len) => {
          if (len < SIZE_OF_BRIN_TUPLE) throw new PageError(`a BRIN tuple of ${len} bytes`);
          const { btBlkno, hasNulls, isPlaceholder, isEmptyRange, dataOffset } = readBrinTuple(page.view, at);
          return { blknum: btBlkno, nulls: hasNulls, placeholder: isPlaceholder, empty: isEmptyRange, data: hex(page, at + dataOffset, at + len) };
        },
      };
    default:
      throw new PageError(`not a BRIN page: page type 0x${brinPageType(page).toString(16)}`);
  }
};
