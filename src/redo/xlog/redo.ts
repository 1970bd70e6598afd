/** Replay of XLOG records that carry pages: xlog_redo(), access/transam/xlog.c, PG 13–18. */
import { PageError } from '../../pg/page.js';
import type { RedoContext } from '../rmgr.js';
import { XLOG_FPI } from './xlog.js';

/**
 * FPI and FPI_FOR_HINT are nothing but images, which the engine restores before redo is asked. An FPI_FOR_HINT may come without one
 * (full_page_writes off) and then changes nothing; an FPI may not.
 */
export function xlogRedo(ctx: RedoContext): void {
  if (ctx.record.rmgrInfo !== XLOG_FPI) return;
  for (const ref of ctx.record.blocks) {
    if (!ref.hasImage && ctx.pageForRedo(ref.id)) throw new PageError('XLOG_FPI record did not contain a full-page image');
  }
}
