/**
 * Replays the records of several pages of a fork in LSN order, so that the WAL is walked once. Where there are many and most are plain heap records, as of a table
 * whose few rows are updated all the time, the kernel takes them, from windows that are read for records that are near each other.
 */
import { BLCKSZ, type Page } from '../pg/page.js';
import { ForkNumber, type RelFork } from '../pg/relFileLocator.js';
import { HeapReplayKernel, KERNEL_PAGES, KERNEL_RECORDS, KERNEL_WINDOW_BYTES } from '../redo/heap/replayKernel.js';
import type { Lsn } from '../util/lsn.js';
import { mergeAscending } from '../util/mergeAscending.js';
import type { WalStore } from './sources.js';

/** A page as it is before its chain. */
export interface ChainPage {
  readonly block: number;
  page: Page;
  /** LSN × 4 + bits, ascending. */
  readonly chain: readonly number[];
  readonly unknown?: unknown;
}

/** Fewer records are not worth starting the kernel for. */
const KERNEL_MIN = 128;
/** What lies between two records is read along up to here: it costs less than another read. */
const NEAR_BYTES = 8 * 1024;
/** Read from a record's beginning: most are shorter. */
const RECORD_BYTES = 512;
/** After so many records it shows whether most are plain. */
const TRIAL = 256;

/** One a thread: its memory is 3 MB. */
let shared: HeapReplayKernel | undefined;

/** Replays the chains; `apply` replays one record on `page.page`, and sets `unknown` where it cannot. Gives how many records were replayed without it. */
export function replayChains<P extends ChainPage>(rel: RelFork, pages: readonly P[], wal: WalStore, apply: (page: P, lsn: Lsn, bits: number) => void): number {
  const changed = pages.filter(({ chain }) => chain.length > 0);
  const records = changed.reduce((sum, { chain }) => sum + chain.length, 0);
  if (rel.fork === ForkNumber.main && records >= KERNEL_MIN && changed.length <= KERNEL_PAGES) return new KernelReplay(rel, changed, wal, apply).run();
  mergeAscending(changed.map(({ chain }) => chain), (key, i) => apply(changed[i]!, Math.floor(key / 4) as Lsn, key & 3));
  return 0;
}

class KernelReplay<P extends ChainPage> {
  private readonly kernel = (shared ??= new HeapReplayKernel());
  private readonly segmentSize: number;
  /** The segment whose beginning was checked. */
  private segment = -1;
  private plain = 0;
  private others = 0;

  constructor(rel: RelFork, private readonly pages: readonly P[], private readonly wal: WalStore, private readonly apply: (page: P, lsn: Lsn, bits: number) => void) {
    this.segmentSize = wal.segmentSize;
    this.kernel.begin(rel, wal.major, wal.segmentSize);
  }

  run(): number {
    const { kernel, pages } = this;
    const own = pages.map(({ page }) => page);
    pages.forEach((page, i) => {
      kernel.pages[i]!.bytes.set(page.page.bytes);
      kernel.blocks[i] = page.block;
      kernel.isUnknown[i] = page.unknown ? 1 : 0;
      page.page = kernel.pages[i]!;
    });
    let count = 0;
    mergeAscending(pages.map(({ chain }) => chain), (key, i) => {
      const bits = key & 3;
      kernel.lsns[count] = (key - bits) / 4;
      kernel.places[count] = i * 4 + bits;
      if (++count < KERNEL_RECORDS) return;
      this.replay(count);
      count = 0;
    });
    this.replay(count);
    pages.forEach((page, i) => {
      own[i]!.bytes.set(page.page.bytes.subarray(0, BLCKSZ));
      page.page = own[i]!;
    });
    return this.plain;
  }

  /** Replays the records that the kernel holds. */
  private replay(count: number): void {
    const { kernel, segmentSize } = this;
    for (let i = 0; i < count;) {
      const first = kernel.lsns[i]!, segment = Math.floor(first / segmentSize);
      // reading the first one of a segment checks whose it is
      if (segment !== this.segment || !this.isWorth) {
        this.one(i++);
        this.segment = segment;
        continue;
      }
      const end = this.nearTo(i, count, (segment + 1) * segmentSize);
      const length = this.wal.readBytes(first as Lsn, kernel.window.subarray(0, kernel.lsns[end - 1]! + RECORD_BYTES - first));
      while (i < end) {
        const next = kernel.replay(i, end, first, length);
        this.plain += next - i;
        i = next;
        if (i < end) this.one(i++);
      }
    }
  }

  /** The end of the records that are read together with one. */
  private nearTo(from: number, count: number, segmentEnd: number): number {
    const { lsns } = this.kernel;
    const last = Math.min(lsns[from]! + KERNEL_WINDOW_BYTES - RECORD_BYTES, segmentEnd - 1);
    let end = from + 1;
    while (end < count && lsns[end]! <= last && lsns[end]! - lsns[end - 1]! < NEAR_BYTES) end++;
    return end;
  }

  /** Most records are plain, as far as was seen. */
  private get isWorth(): boolean {
    return this.others <= TRIAL || this.others <= this.plain;
  }

  /** A record that is not plain, or does not lie on one page of WAL. */
  private one(i: number): void {
    const { kernel } = this;
    const place = kernel.places[i]!, page = this.pages[place >>> 2]!, lsn = kernel.lsns[i]! as Lsn;
    if (this.isWorth && kernel.replayWhole(i, this.wal.readRecord(lsn))) {
      this.plain++;
      return;
    }
    this.others++;
    this.apply(page, lsn, place & 3);
    kernel.isUnknown[place >>> 2] = page.unknown ? 1 : 0;
  }
}
