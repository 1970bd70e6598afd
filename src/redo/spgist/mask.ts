/** What may differ on an SP-GiST page between primary and replay. */
import { SIZE_OF_PAGE_HEADER, type Page } from '../../pg/page.js';
import { maskPageHintBits, maskPageLsnAndChecksum, maskUnusedSpace } from '../bufmask.js';

/** spg_mask(), access/spgist/spgxlog.c, PG 13–18. */
export function spgMask(page: Page): void {
  maskPageLsnAndChecksum(page);
  maskPageHintBits(page);
  // only where pd_lower appears to have been set
  if (page.pdLower >= SIZE_OF_PAGE_HEADER) maskUnusedSpace(page);
}
