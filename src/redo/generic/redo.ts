/**
 * Replay of Generic records: each block's data is a list of regions to overwrite.
 * Follows generic_redo(), access/transam/generic_xlog.c, PG 13–18. The record has no struct of its own.
 */
import { BLCKSZ, PageError, SIZE_OF_PAGE_HEADER, type Page } from '../../pg/page.js';
import type { RedoContext } from '../rmgr.js';

/** applyPageRedo(): `length` bytes at `offset`, again and again. */
function applyPageRedo(page: Page, view: DataView, bytes: Uint8Array, from: number, end: number): void {
  let at = from;
  while (at < end) {
    if (end - at < 4) throw new PageError('a region of the delta is cut short');
    const offset = view.getUint16(at, true), length = view.getUint16(at + 2, true);
    at += 4;
    if (length > end - at) throw new PageError('a region of the delta is cut short');
    if (offset + length > BLCKSZ) throw new PageError(`a region of ${length} bytes at ${offset} exceeds the page`);
    page.bytes.set(bytes.subarray(at, at + length), offset);
    at += length;
  }
}

/** generic_redo() */
export function genericRedo(ctx: RedoContext): void {
  const { view, bytes } = ctx.record;
  for (const ref of ctx.record.blocks) {
    const page = ctx.pageForRedo(ref.id);
    if (!page) continue;
    applyPageRedo(page, view, bytes, ref.dataAt, ref.dataAt + ref.dataLength);
    const lower = page.pdLower, upper = page.pdUpper;
    if (lower < SIZE_OF_PAGE_HEADER || lower > upper || upper > BLCKSZ) throw new PageError(`invalid page pd_lower ${lower} pd_upper ${upper}`);
    // the delta says nothing of the hole, and the primary zeroed it
    page.bytes.fill(0, lower, upper);
    page.lsn = ctx.lsn;
  }
}
