/** From an index entry to the row version that a moment sees: heap_hot_search_buffer(), access/heap/heapam.c, PG 13–18. */
import { HEAP_ONLY_TUPLE, T_INFOMASK, T_INFOMASK2, T_XMIN, ctidOffset, heapXminFrozen } from '../pg/heapTuple.js';
import { LP_NORMAL, LP_REDIRECT, type Page } from '../pg/page.js';
import type { Visibility } from './visibility.js';

/** The line pointer of the visible version of the HOT chain that begins at `offset`; 0 where there is none. */
export function visibleVersion(page: Page, offset: number, visibility: Visibility): number {
  const { view } = page;
  let offnum = offset;
  let isFirst = true;
  let previousXmax = 0;
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
    if (isFirst && (view.getUint16(at + T_INFOMASK2, true) & HEAP_ONLY_TUPLE) !== 0) return 0;
    // the newer version of an aborted update may have been pruned away, and its line pointer hold another row by now
    if (previousXmax !== 0 && (heapXminFrozen(view.getUint16(at + T_INFOMASK, true)) || view.getUint32(at + T_XMIN, true) !== previousXmax)) return 0;
    if (visibility.isVisible(view, at)) return offnum;
    previousXmax = visibility.hotSuccessorXid(view, at);
    if (previousXmax === 0) return 0;
    offnum = ctidOffset(view, at);
    isFirst = false;
  }
  return 0;
}
