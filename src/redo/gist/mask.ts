import { F_FOLLOW_RIGHT, F_HAS_GARBAGE, F_LEAF, gistPageFlags, gistPageSetFlags, gistPageSetNsn } from '../../pg/gist.js';
import { INVALID_LSN } from '../../util/lsn.js';
import { maskLpFlags, maskPageHintBits, maskPageLsnAndChecksum, maskUnusedSpace } from '../bufmask.js';
import type { MaskFunction } from '../rmgr.js';

/** gist_mask(), access/gist/gistxlog.c, PG 13–18. */
export const gistMask: MaskFunction = (page) => {
  maskPageLsnAndChecksum(page);
  maskPageHintBits(page);
  maskUnusedSpace(page);
  // a node sequence number is an LSN
  gistPageSetNsn(page, INVALID_LSN);
  // the primary changes F_FOLLOW_RIGHT of the left child after the record was written, and replay never sets F_HAS_GARBAGE
  const flags = gistPageFlags(page);
  // gistkillitems() marks line pointers of leaves without WAL
  if ((flags & F_LEAF) !== 0) maskLpFlags(page);
  gistPageSetFlags(page, (flags | F_FOLLOW_RIGHT) & ~F_HAS_GARBAGE);
};
