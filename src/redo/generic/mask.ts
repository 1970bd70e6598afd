/** Follows generic_mask(), access/transam/generic_xlog.c, PG 13–18. */
import type { Page } from '../../pg/page.js';
import { maskPageLsnAndChecksum, maskUnusedSpace } from '../bufmask.js';

export function genericMask(page: Page): void {
  maskPageLsnAndChecksum(page);
  maskUnusedSpace(page);
}
