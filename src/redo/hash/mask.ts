/**
 * What of a hash page may differ between the primary and replay.
 * Follows hash_mask(), access/hash/hash_xlog.c, PG 13–18.
 */
import { LH_BUCKET_PAGE, LH_OVERFLOW_PAGE, LH_PAGE_HAS_DEAD_TUPLES, LH_PAGE_TYPE, LH_UNUSED_PAGE, hashoFlag, setHashoFlag } from '../../pg/hash.js';
import type { Page } from '../../pg/page.js';
import { maskLpFlags, maskPageContent, maskPageHintBits, maskPageLsnAndChecksum, maskUnusedSpace } from '../bufmask.js';

export function hashMask(page: Page): void {
  maskPageLsnAndChecksum(page);
  maskPageHintBits(page);
  maskUnusedSpace(page);
  const pagetype = hashoFlag(page) & LH_PAGE_TYPE;
  if (pagetype === LH_UNUSED_PAGE) {
    maskPageContent(page);
  } else if (pagetype === LH_BUCKET_PAGE || pagetype === LH_OVERFLOW_PAGE) {
    // _hash_kill_items() marks items dead without WAL
    maskLpFlags(page);
  }
  setHashoFlag(page, hashoFlag(page) & ~LH_PAGE_HAS_DEAD_TUPLES);
}
