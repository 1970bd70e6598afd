/** From an index entry to the row version that a moment sees: heap_hot_search_buffer(), access/heap/heapam.c, PG 13–18. */
import { LP_NORMAL, LP_REDIRECT, type Page } from '../pg/page.js';
import type { Visibility } from './visibility.js';

const T_CTID_OFFNUM = 16;
const T_INFOMASK2 = 18;
const HEAP_HOT_UPDATED = 0x4000;
const HEAP_ONLY_TUPLE = 0x8000;

/** The line pointer of the visible version of the HOT chain that begins at `offset`; 0 where there is none. */
export function visibleVersion(page: Page, offset: number, visibility: Visibility): number {
  let offnum = offset;
  let isFirst = true;
  for (let steps = 0; offnum >= 1 && offnum <= page.maxOffset && steps <= page.maxOffset; steps++) {
    const flags = page.lpFlags(offnum);
    if (flags === LP_REDIRECT && isFirst) {
      offnum = page.lpOff(offnum);
      isFirst = false;
      // what a redirect leads to is heap-only, and still begins the chain
      continue;
    }
    if (flags !== LP_NORMAL) return 0;
    const at = page.itemAt(offnum);
    const infomask2 = page.view.getUint16(at + T_INFOMASK2, true);
    if (isFirst && (infomask2 & HEAP_ONLY_TUPLE) !== 0) return 0;
    if (visibility.isVisible(page.view, at)) return offnum;
    if ((infomask2 & HEAP_HOT_UPDATED) === 0) return 0;
    offnum = page.view.getUint16(at + T_CTID_OFFNUM, true);
    isFirst = false;
  }
  return 0;
}
