/**
 * What of a btree page may differ between the primary and replay.
 * Follows btree_mask(), access/nbtree/nbtxlog.c, PG 13–18.
 */
import { BTP_DELETED, BTP_HAS_GARBAGE, BTP_LEAF, BTP_SPLIT_END, btpoFlags, setBtpoCycleid, setBtpoFlags } from '../../pg/nbtree.js';
import type { Page } from '../../pg/page.js';
import type { PgMajor } from '../../pg/version.js';
import { maskLpFlags, maskPageContent, maskPageHintBits, maskPageLsnAndChecksum, maskUnusedSpace } from '../bufmask.js';

export function btreeMask(page: Page, _block: number, major: PgMajor): void {
  maskPageLsnAndChecksum(page);
  maskPageHintBits(page);
  maskUnusedSpace(page);
  const flags = btpoFlags(page);
  if (major === 13 && (flags & BTP_DELETED) !== 0) {
    // 13's primary keeps what the page held, its replay starts from an empty one
    maskPageContent(page);
  } else if ((flags & BTP_LEAF) !== 0) {
    // _bt_killitems() and _bt_check_unique() mark items dead without WAL
    maskLpFlags(page);
  }
  // hints alike; and replay of a split neither sets BTP_SPLIT_END nor keeps the cycle id
  setBtpoFlags(page, btpoFlags(page) & ~(BTP_HAS_GARBAGE | BTP_SPLIT_END));
  setBtpoCycleid(page, 0);
}
