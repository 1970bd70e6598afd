/** Masks of heap pages. Follows heap_mask(), access/heap/heapam_xlog.c (heapam.c before 18), PG 13–18. */
import {
  ctidOffset, HEAP_XACT_MASK, HEAP_XMAX_COMMITTED, HEAP_XMAX_INVALID, heapXminFrozen, setCtid, SIZE_OF_HEAP_TUPLE_HEADER,
  SPEC_TOKEN_OFFSET_NUMBER, T_CID, T_INFOMASK,
} from '../../pg/heapTuple.js';
import { BLCKSZ, LP_NORMAL, PageError, type Page } from '../../pg/page.js';
import { MASK_MARKER, maskPageHintBits, maskPageLsnAndChecksum, maskUnusedSpace } from '../bufmask.js';
import type { MaskFunction } from '../rmgr.js';

function maskTuple(page: Page, at: number, block: number, offnum: number): void {
  const view = page.view;
  const infomask = view.getUint16(at + T_INFOMASK, true);
  // hint bits change without WAL, but a frozen xmin is logged
  const hints = heapXminFrozen(infomask) ? HEAP_XMAX_INVALID | HEAP_XMAX_COMMITTED : HEAP_XACT_MASK;
  view.setUint16(at + T_INFOMASK, infomask & ~hints, true);
  // replay sets FirstCommandId
  view.setUint32(at + T_CID, MASK_MARKER, true);
  // the token of a speculative insertion is not logged: replay sets the tuple's own place
  if (ctidOffset(view, at) === SPEC_TOKEN_OFFSET_NUMBER) setCtid(view, at, block, offnum);
}

/**
 * heap_mask(). On a page of the visibility map it leaves little: the map lies between pd_lower and pd_upper, which is masked as unused
 * space.
 */
export const heapMask: MaskFunction = (page, block) => {
  maskPageLsnAndChecksum(page);
  maskPageHintBits(page);
  maskUnusedSpace(page);
  for (let offnum = page.maxOffset; offnum >= 1; offnum--) {
    const id = page.itemId(offnum);
    const at = id & 0x7fff, length = id >>> 17;
    const isNormal = ((id >>> 15) & 3) === LP_NORMAL;
    if (at + Math.max(length, isNormal ? SIZE_OF_HEAP_TUPLE_HEADER : 0) > BLCKSZ) throw new PageError(`line pointer ${offnum} is outside the page`);
    if (isNormal) maskTuple(page, at, block, offnum);
    // padding behind the tuple
    if (length !== 0) page.bytes.fill(MASK_MARKER, at + length, Math.min((at + length + 7) & ~7, BLCKSZ));
  }
};
