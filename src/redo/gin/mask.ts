import { GIN_DELETED, ginPageFlags } from '../../pg/gin.js';
import { SIZE_OF_PAGE_HEADER } from '../../pg/page.js';
import { maskPageContent, maskPageHintBits, maskPageLsnAndChecksum, maskUnusedSpace } from '../bufmask.js';
import type { MaskFunction } from '../rmgr.js';

/** gin_mask(), access/gin/ginxlog.c, PG 13–18. */
export const ginMask: MaskFunction = (page) => {
  maskPageLsnAndChecksum(page);
  const flags = ginPageFlags(page);
  maskPageHintBits(page);
  // a deleted page is initialised anew at replay; pd_lower may be unset on data pages from before 9.4
  if ((flags & GIN_DELETED) !== 0) maskPageContent(page);
  else if (page.pdLower > SIZE_OF_PAGE_HEADER) maskUnusedSpace(page);
};
