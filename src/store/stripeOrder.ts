/** Which stripe a thread takes next. */
import { XLOG_BLCKSZ, XLP_FIRST_IS_CONTRECORD, xlogPageHeaderSize } from '../pg/xlogPage.js';
import { SIZE_OF_XLOG_RECORD } from '../pg/xlogRecord.js';
import { WalscopeError } from '../util/errors.js';
import type { Lsn } from '../util/lsn.js';
import type { CaseWal } from './caseWal.js';
import { stripeEnd } from './stripes.js';

/** So many stripes at the end are taken by falling cost, so that no thread begins a long one when the others are done. */
const LAST_STRIPES = 8;
const SAMPLE_EVERY = 8 * 1024 * 1024;
/** Records cost as much as reading a page and its checksum. */
const RECORDS_AS_A_PAGE = 30;
/** Compressed bytes that cost as much as a sample's page and what it stands for. */
const COMPRESSED_AS_A_SAMPLE = 256 * 1024;

/** The stripes in the order in which threads take them: that of the WAL, but for the end. */
export function takingOrder(wal: CaseWal, starts: readonly Lsn[]): Lsn[] {
  // the first comes first: it is named as soon as it is there
  const first = Math.max(1, starts.length - LAST_STRIPES);
  const last = starts.slice(first).map((from) => ({ from, cost: estimatedCost(wal, from) }));
  return [...starts.slice(0, first), ...last.sort((a, b) => b.cost - a.cost || a.from - b.from).map(({ from }) => from)];
}

/** By a page now and then: how many records begin on it; of compressed WAL by its length. What cannot be read costs nothing here: whoever indexes it tells. */
function estimatedCost(wal: CaseWal, from: Lsn): number {
  const end = stripeEnd(from);
  if (wal.archive.hasCompressed(from, end)) return wal.archive.storedBytes(from, end) / COMPRESSED_AS_A_SAMPLE;
  let cost = 0;
  try {
    for (let lsn = from - (from % XLOG_BLCKSZ); lsn < end; lsn += SAMPLE_EVERY) {
      const page = wal.read(lsn as Lsn, XLOG_BLCKSZ);
      if (page.length === XLOG_BLCKSZ) cost += 1 + recordsOn(new DataView(page.buffer, page.byteOffset, XLOG_BLCKSZ)) / RECORDS_AS_A_PAGE;
    }
  } catch (error) {
    if (!(error instanceof WalscopeError)) throw error;
  }
  return cost;
}

function recordsOn(page: DataView): number {
  const info = page.getUint16(2, true);
  let at = xlogPageHeaderSize(info);
  if ((info & XLP_FIRST_IS_CONTRECORD) !== 0) at += page.getUint32(16, true);
  let records = 0;
  for (at = aligned(at); at < XLOG_BLCKSZ; records++) {
    const length = page.getUint32(at, true);
    if (length < SIZE_OF_XLOG_RECORD) break;
    at = aligned(at + length);
  }
  return records;
}

function aligned(at: number): number {
  return Math.ceil(at / 8) * 8;
}
