/**
 * Two versions of a page held against each other after masking both: verifyBackupPageConsistency(), access/transam/xlogrecovery.c
 * (checkXLogConsistency(), xlog.c, in 13 and 14), PG 13–18.
 */
import { BLCKSZ, Page, PageError } from '../pg/page.js';
import type { PgMajor } from '../pg/version.js';
import type { MaskFunction } from './rmgr.js';

/** A run of bytes that differ. */
export interface ByteDifference {
  offset: number;
  ours: Uint8Array;
  theirs: Uint8Array;
}

/** Runs this many equal bytes apart are shown as one. */
const MERGE_WITHIN_BYTES = 4;

/** Compares pages through one pair of scratch pages: make one and keep it. */
export class PageComparer {
  private readonly ours = new Page();
  private readonly theirs = new Page();
  private readonly oursBuffer = Buffer.from(this.ours.bytes.buffer);
  private readonly theirsBuffer = Buffer.from(this.theirs.bytes.buffer);

  constructor(private readonly major: PgMajor) {}

  /** Undefined where both are equal under the mask; else what differs, or why a page cannot be masked. Neither page is changed. */
  compare(ours: Page, theirs: Page, mask: MaskFunction | null, block: number): ByteDifference[] | string | undefined {
    this.ours.bytes.set(ours.bytes);
    this.theirs.bytes.set(theirs.bytes);
    try {
      mask?.(this.ours, block, this.major);
      mask?.(this.theirs, block, this.major);
    } catch (error) {
      if (!(error instanceof PageError) && !(error instanceof RangeError)) throw error;
      return `cannot be masked: ${error.message}`;
    }
    return this.oursBuffer.equals(this.theirsBuffer) ? undefined : byteDifferences(this.ours.bytes, this.theirs.bytes);
  }
}

/** The runs in which two pages differ. */
export function byteDifferences(ours: Uint8Array, theirs: Uint8Array): ByteDifference[] {
  const found: ByteDifference[] = [];
  let start = -1, last = -1;
  const close = (): void => {
    if (start >= 0) found.push({ offset: start, ours: ours.slice(start, last + 1), theirs: theirs.slice(start, last + 1) });
  };
  for (let i = 0; i < BLCKSZ; i++) {
    if (ours[i] === theirs[i]) continue;
    if (start < 0 || i - last > MERGE_WITHIN_BYTES) {
      close();
      start = i;
    }
    last = i;
  }
  close();
  return found;
}
