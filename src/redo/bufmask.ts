/**
 * Masks that all resource managers share: what legitimately differs between a primary's page and the same page replayed.
 * Follows access/common/bufmask.c, PG 13–18. All of them work in place.
 */
import {
  BLCKSZ, LP_UNUSED, PageError, PD_ALL_VISIBLE, PD_HAS_FREE_LINES, PD_PAGE_FULL, SIZE_OF_PAGE_HEADER, type Page,
} from '../pg/page.js';

/** Written over everything that is masked. */
export const MASK_MARKER = 0;

/** mask_page_lsn_and_checksum() */
export function maskPageLsnAndChecksum(page: Page): void {
  page.bytes.fill(MASK_MARKER, 0, 10);
}

/** mask_page_hint_bits(): pd_prune_xid and the flags that change without WAL, PD_ALL_VISIBLE among them. */
export function maskPageHintBits(page: Page): void {
  page.pdPruneXid = MASK_MARKER;
  page.pdFlags &= ~(PD_PAGE_FULL | PD_HAS_FREE_LINES | PD_ALL_VISIBLE);
}

/** mask_unused_space(): the bytes between pd_lower and pd_upper. Throws PageError where the pointers are out of order. */
export function maskUnusedSpace(page: Page): void {
  const lower = page.pdLower, upper = page.pdUpper, special = page.pdSpecial;
  if (lower > upper || special < upper || lower < SIZE_OF_PAGE_HEADER || special > BLCKSZ) {
    throw new PageError(`invalid page pd_lower ${lower} pd_upper ${upper} pd_special ${special}`);
  }
  page.bytes.fill(MASK_MARKER, lower, upper);
}

/** mask_lp_flags(): index managers set LP_DEAD without WAL. */
export function maskLpFlags(page: Page): void {
  for (let n = page.maxOffset; n >= 1; n--) {
    if (page.lpFlags(n) !== LP_UNUSED) page.setItemId(n, page.lpOff(n), LP_UNUSED, page.lpLen(n));
  }
}

/** mask_page_content(): all of a deleted page but pd_flags, pd_special, the page size and pd_prune_xid. */
export function maskPageContent(page: Page): void {
  page.bytes.fill(MASK_MARKER, SIZE_OF_PAGE_HEADER, BLCKSZ);
  page.pdLower = MASK_MARKER;
  page.pdUpper = MASK_MARKER;
}
