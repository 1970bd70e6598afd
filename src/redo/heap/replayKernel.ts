/** The compiled replay of plain heap records (wasm/heapReplay.as.ts) and the memory that it shares with us: pages, bytes of WAL, and what is to be replayed. */
import { BLCKSZ, Page } from '../../pg/page.js';
import type { RelFileLocator } from '../../pg/relFileLocator.js';
import type { PgMajor } from '../../pg/version.js';
import { instantiate } from '../../pg/webAssembly.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { HEAP_REPLAY_WASM } from '../wasm/heapReplayBytes.js';

export const KERNEL_PAGES = 256;
export const KERNEL_WINDOW_BYTES = 64 * 1024;
export const KERNEL_RECORDS = 4096;

interface KernelExports {
  memory: { readonly buffer: ArrayBuffer };
  begin(pages: number, windowBytes: number, records: number): void;
  pagesAt(): number;
  blocksAt(): number;
  unknownAt(): number;
  bytesAt(): number;
  wholeAt(): number;
  lsnsAt(): number;
  placesAt(): number;
  relation(spcOid: number, dbOid: number, relNumber: number, major: number, segmentSize: number): void;
  replay(from: number, to: number, start: number, length: number): number;
  replayWhole(i: number, totLen: number, after: number): number;
}

export class HeapReplayKernel {
  readonly pages: readonly Page[];
  /** Of each page. */
  readonly blocks: Uint32Array;
  /** Set where a page's contents are not known: then none of its records is replayed. */
  readonly isUnknown: Uint8Array;
  /** The bytes of WAL. */
  readonly window: Uint8Array;
  /** Where each record begins. */
  readonly lsns: Float64Array;
  /** The page of each record, by its place among the pages, times four; the two low bits are the caller's. */
  readonly places: Uint32Array;
  private readonly whole: Uint8Array;
  private readonly exports: KernelExports;

  constructor() {
    const kernel = (this.exports = instantiate<KernelExports>(HEAP_REPLAY_WASM));
    kernel.begin(KERNEL_PAGES, KERNEL_WINDOW_BYTES, KERNEL_RECORDS);
    const { buffer } = kernel.memory;
    this.pages = Array.from({ length: KERNEL_PAGES }, (_, i) => new Page(new Uint8Array(buffer, kernel.pagesAt() + i * BLCKSZ, BLCKSZ)));
    this.blocks = new Uint32Array(buffer, kernel.blocksAt(), KERNEL_PAGES);
    this.isUnknown = new Uint8Array(buffer, kernel.unknownAt(), KERNEL_PAGES);
    this.window = new Uint8Array(buffer, kernel.bytesAt(), KERNEL_WINDOW_BYTES);
    this.whole = new Uint8Array(buffer, kernel.wholeAt(), BLCKSZ);
    this.lsns = new Float64Array(buffer, kernel.lsnsAt(), KERNEL_RECORDS);
    this.places = new Uint32Array(buffer, kernel.placesAt(), KERNEL_RECORDS);
  }

  /** Whose pages they are: of its main fork. */
  begin(rel: RelFileLocator, major: PgMajor, segmentSize: number): void {
    this.exports.relation(rel.spcOid, rel.dbOid, rel.relNumber, major, segmentSize);
  }

  /**
   * Replays the records [from, to), as long as they are plain; the window holds `length` bytes from the LSN `start` on. Gives the first that is not
   * replayed: nothing of it was done. The first page of the segment must have been checked: of a record's own page the header is not looked at.
   */
  replay(from: number, to: number, start: number, length: number): number {
    return this.exports.replay(from, to, start, length);
  }

  /** Replays one of the records, which was read and checked elsewhere, where it is plain; it may leave its page of WAL. False: nothing was done. */
  replayWhole(i: number, { bytes, start, totLen, endLsn }: XLogRecord): boolean {
    if (totLen > BLCKSZ) return false;
    this.whole.set(bytes.subarray(start, start + totLen));
    return this.exports.replayWhole(i, totLen, endLsn) !== 0;
  }
}
