/** What may differ on a BRIN page between primary and replay. */
import {
  BRIN_EVACUATE_PAGE, BRIN_PAGETYPE_META, BRIN_PAGETYPE_REGULAR, brinPageFlags, brinPageType, setBrinPageFlags,
} from '../../pg/brin.js';
import { SIZE_OF_PAGE_HEADER, type Page } from '../../pg/page.js';
import { maskPageHintBits, maskPageLsnAndChecksum, maskUnusedSpace } from '../bufmask.js';

/** brin_mask(), access/brin/brin_xlog.c, PG 13–18. */
export function brinMask(page: Page): void {
  maskPageLsnAndChecksum(page);
  maskPageHintBits(page);
  // A metapage from before 11 may have no usable pd_lower.
  const type = brinPageType(page);
  if (type === BRIN_PAGETYPE_REGULAR || (type === BRIN_PAGETYPE_META && page.pdLower > SIZE_OF_PAGE_HEADER)) maskUnusedSpace(page);
  // Evacuation is not WAL-logged: recovery has no use for it.
  setBrinPageFlags(page, brinPageFlags(page) & ~BRIN_EVACUATE_PAGE);
}
