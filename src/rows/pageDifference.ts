/** Which row versions of a heap page one moment sees and another does not, or sees with other values. */
import { HEAP_HASNULL, HEAP_NATTS_MASK, SIZE_OF_HEAP_TUPLE_HEADER, T_HOFF, T_INFOMASK, T_INFOMASK2, T_XMIN } from '../pg/heapTuple.js';
import { BLCKSZ, LP_NORMAL, SIZE_OF_PAGE_HEADER, type Page } from '../pg/page.js';
import { isAllVisible, type Visibility } from './visibility.js';

/** One moment's page; undefined where the block is not there, or is not known. */
export interface PageSide {
  page: Page | undefined;
  visibility: Visibility;
  /** A row version that this moment sees; `at` is its first byte on the page. */
  emit(at: number, length: number): void;
  /** A line pointer that leads outside the page, or to less than a tuple header. */
  damaged(offnum: number): void;
}

/**
 * Hands each side the row versions that it sees in a block, but for those that both see with the same values: the same version in the same
 * place. What is left can still be equal: a row that was moved, or replaced by its like.
 */
export function differingTuples(a: PageSide, b: PageSide): void {
  const lastA = lastOffset(a.page), lastB = lastOffset(b.page);
  for (let offnum = 1; offnum <= lastA || offnum <= lastB; offnum++) {
    const inA = offnum <= lastA ? visibleItem(a.page!, a, offnum) : 0, inB = offnum <= lastB ? visibleItem(b.page!, b, offnum) : 0;
    if (inA !== 0 && inB !== 0 && isSameVersion(a.page!.view, inA, b.page!.view, inB)) continue;
    if (inA !== 0) a.emit(inA & 0x7fff, inA >>> 17);
    if (inB !== 0) b.emit(inB & 0x7fff, inB >>> 17);
  }
}

function lastOffset(page: Page | undefined): number {
  return page ? Math.min(page.maxOffset, (BLCKSZ - SIZE_OF_PAGE_HEADER) >> 2) : 0;
}

/** The line pointer of a row version that the moment sees; 0 where it sees none. */
function visibleItem(page: Page, side: PageSide, offnum: number): number {
  const { view } = page;
  const id = view.getUint32(SIZE_OF_PAGE_HEADER + (offnum - 1) * 4, true);
  if (((id >>> 15) & 3) !== LP_NORMAL) return 0;
  const at = id & 0x7fff, length = id >>> 17;
  if (at < SIZE_OF_PAGE_HEADER || length < SIZE_OF_HEAP_TUPLE_HEADER || at + length > BLCKSZ) {
    side.damaged(offnum);
    return 0;
  }
  return isAllVisible(page, side.visibility) || side.visibility.isVisible(view, at) ? id : 0;
}

/** True where two tuples were inserted by the same transaction and hold the same bytes: locks, hint bits and freezing aside. */
function isSameVersion(a: DataView, itemA: number, b: DataView, itemB: number): boolean {
  const length = itemA >>> 17;
  if (length !== itemB >>> 17) return false;
  const atA = itemA & 0x7fff, atB = itemB & 0x7fff;
  if (a.getUint32(atA + T_XMIN, true) !== b.getUint32(atB + T_XMIN, true)) return false;
  if (((a.getUint16(atA + T_INFOMASK2, true) ^ b.getUint16(atB + T_INFOMASK2, true)) & HEAP_NATTS_MASK) !== 0) return false;
  if (((a.getUint16(atA + T_INFOMASK, true) ^ b.getUint16(atB + T_INFOMASK, true)) & HEAP_HASNULL) !== 0) return false;
  let i = T_HOFF;
  for (; i + 4 <= length; i += 4) if (a.getUint32(atA + i, true) !== b.getUint32(atB + i, true)) return false;
  for (; i < length; i++) if (a.getUint8(atA + i) !== b.getUint8(atB + i)) return false;
  return true;
}
