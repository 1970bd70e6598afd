/**
 * A later base backup against replay from an earlier one: every page that it holds must be ours at that page's own LSN, masked, or, where
 * it was written while the backup copied it, after the backup's own WAL.
 */
import { ENTRY_STARTS_CHAIN } from '../layerfile/deltaLayer.js';
import { checksumOfPage } from '../pg/checksum.js';
import { Page, PD_ALL_VISIBLE, SIZE_OF_PAGE_HEADER } from '../pg/page.js';
import { ForkNumber, formatRelFork, type RelFork } from '../pg/relFileLocator.js';
import type { PgMajor } from '../pg/version.js';
import type { XLogReader } from '../pg/xlogReader.js';
import { HEAPBLOCKS_PER_VM_PAGE, VISIBILITYMAP_ALL_VISIBLE, visibilitymapGetStatus } from '../pg/visibilityMap.js';
import { RmgrId } from '../redo/rmgrlist.js';
import { XLOG_FPI } from '../redo/xlog/xlog.js';
import { maskPageLsnAndChecksum } from '../redo/bufmask.js';
import { PageComparer, type ByteDifference } from '../redo/compareImage.js';
import { managerOfPage } from '../redo/pageManager.js';
import { replayRecord } from '../redo/replay.js';
import { WalscopeError } from '../util/errors.js';
import type { Lsn } from '../util/lsn.js';
import type { PageAsOf, PageStore } from './pageStore.js';
import { endsRecord } from './recordEnd.js';
import type { BaseImages, WalStore } from './sources.js';
import { undoUnlogged } from './unloggedChanges.js';
import { countApart, LEFT_OUT, type ApartReason, type BackupCounts, type VerifyFindings } from './verifyReport.js';
import { countsOnce, type Shard } from './verifyShards.js';

/** A backup to check against. */
export interface LaterBackup {
  path: string;
  images: BaseImages;
  /** Every relation fork that it has files of. */
  forks: RelFork[];
  startLsn: Lsn;
  /** From here on it is consistent: nothing in it is newer. */
  endLsn: Lsn;
}

export interface BackupCheck {
  /** Answers from the earlier backup on. */
  pages: PageStore;
  /** The earlier backup's redo point. */
  floorLsn: Lsn;
  later: LaterBackup;
  findings: VerifyFindings;
  wal: WalStore;
  major: PgMajor;
  /** XLogHintBitIsNeeded() at a position. */
  hintBitsLogged: (lsn: Lsn) => boolean;
  /** Of its own, over the same WAL. */
  reader: XLogReader;
  shard: Shard;
}

type Found = { equal: true; apart?: ApartReason } | { equal: false; difference: ByteDifference[] | string };

/** Pages between two looks at the clock, and the piece that a thread takes. */
const BLOCKS_PER_TURN = 2048;

export class VerifyBackup {
  private readonly comparer: PageComparer;
  private readonly counts: BackupCounts;
  private readonly theirs = new Page();
  private readonly scratch = new Page();
  private pieces = 0;

  constructor(private readonly options: BackupCheck) {
    this.comparer = new PageComparer(options.major);
    this.counts = { path: options.later.path, compared: 0, different: 0, apart: {} };
    options.findings.report.counts.backups.push(this.counts);
  }

  /** Compares the shard's share of everything; `turn` is awaited now and then with the share that is done. */
  async run(turn: (share: number) => Promise<void>): Promise<void> {
    const { forks, images } = this.options.later;
    const unlogged = new Set(forks.filter((rel) => rel.fork === ForkNumber.init).map(mainForkName));
    const total = forks.reduce((sum, rel) => sum + (images.forkBlocks(rel) ?? 0), 0);
    let done = 0;
    for (const rel of forks) {
      const blocks = images.forkBlocks(rel) ?? 0;
      if (rel.fork === ForkNumber.fsm) this.notCompared('freeSpaceMap', blocks);
      else if (rel.fork !== ForkNumber.init && unlogged.has(mainForkName(rel))) this.notCompared('unloggedPages', blocks);
      else if (this.options.pages.isLeftOut(rel)) this.options.findings.unchecked(LEFT_OUT);
      else await this.compareFork(rel, blocks, (within) => turn((done + within) / Math.max(1, total)));
      done += blocks;
    }
  }

  private notCompared(reason: ApartReason, blocks: number): void {
    if (blocks > 0 && countsOnce(this.options.shard)) countApart(this.counts.apart, reason, blocks);
  }

  private async compareFork(rel: RelFork, blocks: number, turn: (within: number) => Promise<void>): Promise<void> {
    for (let from = 0; from < blocks; from += BLOCKS_PER_TURN) {
      if (!this.takesNext()) continue;
      this.compareBlocks(rel, from, Math.min(blocks, from + BLOCKS_PER_TURN));
      await turn(from);
    }
    if (this.takesNext()) this.compareTail(rel, blocks);
  }

  /** Whether the next piece is of this shard; differences are told in the order of the pieces. */
  private takesNext(): boolean {
    const { findings, shard } = this.options;
    findings.position = this.pieces++;
    return findings.position % shard.count === shard.index;
  }

  private compareBlocks(rel: RelFork, from: number, to: number): void {
    const { pages, later } = this.options;
    let next = from;
    pages.scan(rel, later.endLsn, from, to, (block, ours) => {
      next = block + 1;
      if (later.images.readBlock(rel, block, this.theirs.bytes)) this.compare(rel, block, ours);
    });
    // what is not there at the backup's end was dropped or cut off while it was taken, or should not be there at all
    for (let block = next; block < to; block++) {
      if (later.images.readBlock(rel, block, this.theirs.bytes)) this.compareGone(rel, block);
    }
  }

  private compare(rel: RelFork, block: number, ours: PageAsOf): void {
    if (ours.unknown) {
      this.options.findings.unchecked(`pages that ${ours.unknown.rmgr} changed: walscope cannot replay that manager's records`);
      return;
    }
    let found = this.match(rel, block, ours.page, this.theirs);
    if (!found.equal) {
      const atEnd = new Page(ours.page.bytes.slice());
      found = this.matchEarlier(rel, block, found);
      const apart = found.equal ? undefined : this.explain(rel, block, atEnd);
      if (apart !== undefined) found = { equal: true, apart };
    }
    if (!found.equal) this.differs(rel, block, found.difference);
    else if (found.apart === undefined) this.counts.compared++;
    else countApart(this.counts.apart, found.apart);
  }

  /** Whether a page of theirs is ours, but for what a server changes without WAL. */
  private match(rel: RelFork, block: number, ours: Page, theirs: Page): Found {
    // of a visibility map's page nothing but the header is masked
    const manager = rel.fork === ForkNumber.vm || theirs.isNew ? undefined : managerOfPage(theirs, block);
    const mask = manager ? manager.mask : maskPageLsnAndChecksum;
    const difference = this.comparer.compare(ours, theirs, mask, block);
    if (difference === undefined) return { equal: true };
    if (manager === undefined || managerOfPage(ours, block) !== manager) return { equal: false, difference };
    this.scratch.bytes.set(theirs.bytes);
    const apart = undoUnlogged(manager, ours, this.scratch, block, this.options.later.images.forkBlocks(rel) ?? 0);
    if (apart === undefined || this.comparer.compare(ours, this.scratch, mask, block) !== undefined) return { equal: false, difference };
    return { equal: true, apart };
  }

  /** The backup's page may be of any moment while it was taken: at its own LSN, or, edited without moving that, somewhat later. */
  private matchEarlier(rel: RelFork, block: number, atEnd: Found): Found {
    const { pages, floorLsn, later } = this.options;
    const pageLsn = this.theirs.lsn;
    const moments = [Math.max(pageLsn, floorLsn) as Lsn];
    if (rel.fork === ForkNumber.vm) {
      for (const { lsn } of pages.chain(rel, block, later.endLsn).entries) if (lsn >= pageLsn) moments.push((lsn + 1) as Lsn);
    }
    let first = atEnd;
    for (const upTo of moments) {
      const ours = upTo <= later.endLsn ? pages.getPage(rel, block, upTo) : undefined;
      if (!ours) continue;
      const found = this.match(rel, block, ours.page, this.theirs);
      if (found.equal) return found;
      if (upTo === moments[0]) first = found;
    }
    return first;
  }

  /** Why a page of theirs is ours at no moment, where that is no fault; undefined where nothing tells. */
  private explain(rel: RelFork, block: number, ours: Page): ApartReason | undefined {
    if (this.isClonedMap(rel, block)) return 'clonedMap';
    const before = this.options.pages.getPage(rel, block, this.options.later.startLsn);
    const isNewHere = before === undefined || before.page.isNew;
    if (this.theirs.isNew && isNewHere) return 'extendedAhead';
    return this.mayBeTorn(rel, block, isNewHere) && this.isMended(rel, block, ours) ? 'mended' : undefined;
  }

  /**
   * A page that was written while it was copied may be torn; its checksum tells. Besides, a map's bits are cleared before the record is
   * written, by several at a time, and an index is built without WAL until it is logged whole.
   */
  private mayBeTorn(rel: RelFork, block: number, isNewHere: boolean): boolean {
    if (isNewHere || rel.fork === ForkNumber.vm || !this.options.later.images.dataChecksums) return true;
    return this.theirs.isNew || checksumOfPage(this.theirs, block) !== this.theirs.pdChecksum;
  }

  /** Recovery from the backup mends such a page, and so it is with us: the backup's own WAL over it must make ours. */
  private isMended(rel: RelFork, block: number, ours: Page): boolean {
    const { pages, later, wal } = this.options;
    const { entries } = pages.chain(rel, block, later.endLsn);
    const during = entries.filter(({ lsn }) => lsn >= later.startLsn);
    if (during.length === 0) return false;
    const mended = new Page(this.theirs.bytes.slice());
    try {
      for (const { lsn } of during) {
        if (replayRecord(wal.readRecord(lsn), rel, block, mended, { hintBitsLogged: this.options.hintBitsLogged(lsn) }) === 'unknown') return false;
      }
    } catch (error) {
      // what was torn does not fit its records
      if (error instanceof WalscopeError) return false;
      throw error;
    }
    return this.match(rel, block, ours, mended).equal;
  }

  /**
   * CREATE DATABASE by WAL logs a map's page as one of standard layout, whose map then counts as its hole: RelationCopyStorageUsingBuffer(),
   * storage/buffer/bufmgr.c, 15–18. Recovery has such a map without its bits, the server it was copied on has them. At some moment while it was
   * copied each bit that we lack must stand for a heap page that says itself that all on it is visible.
   */
  private isClonedMap(rel: RelFork, block: number): boolean {
    if (rel.fork !== ForkNumber.vm || !this.beganWithoutBits(rel, block)) return false;
    const { pages, later } = this.options;
    const during = pages.chain(rel, block, later.endLsn).entries.filter(({ lsn }) => lsn >= later.startLsn).map(({ lsn }) => (lsn + 1) as Lsn);
    return [later.startLsn, ...during, later.endLsn].some((moment) => this.fitsHeap(rel, block, moment));
  }

  private fitsHeap(rel: RelFork, block: number, moment: Lsn): boolean {
    const { pages } = this.options;
    const ours = pages.getPage(rel, block, moment)?.page.bytes.slice();
    if (!ours) return false;
    const map = new Page(ours);
    for (let i = 0; i < HEAPBLOCKS_PER_VM_PAGE; i++) {
      const bits = visibilitymapGetStatus(this.theirs, i), known = visibilitymapGetStatus(map, i);
      if (bits === known) continue;
      if ((known & ~bits) !== 0 || (bits & VISIBILITYMAP_ALL_VISIBLE) === 0) return false;
      const heap = pages.getPage({ ...rel, fork: ForkNumber.main }, block * HEAPBLOCKS_PER_VM_PAGE + i, moment);
      if (!heap || heap.unknown || (heap.page.pdFlags & PD_ALL_VISIBLE) === 0) return false;
    }
    return true;
  }

  private beganWithoutBits(rel: RelFork, block: number, upTo: Lsn = this.options.later.endLsn): boolean {
    const { entries: [first], usesBase } = this.options.pages.chain(rel, block, upTo);
    if (usesBase) {
      // a database that was moved to another tablespace, or copied, has its pages from where they were
      const { base } = this.options.pages.relation(rel, upTo);
      return base?.kind === 'copy' && this.beganWithoutBits(base.rel, block, base.upTo);
    }
    if (!first || (first.bits & ENTRY_STARTS_CHAIN) === 0) return false;
    const record = this.options.wal.readRecord(first.lsn);
    const ref = record.blocks.find((each) => each.block === block && formatRelFork(each) === formatRelFork(rel));
    return record.rmid === RmgrId.xlog && record.rmgrInfo === XLOG_FPI && ref !== undefined && ref.hasImage && ref.holeLength > 0;
  }

  private differs(rel: RelFork, block: number, difference: ByteDifference[] | string): void {
    const { findings, pages, later } = this.options;
    this.counts.compared++;
    this.counts.different++;
    findings.inBackup(this.theirs.lsn, this.theirs.isNew ? '' : this.managerName(rel, block), rel, block, difference, pages, later.endLsn);
  }

  private managerName(rel: RelFork, block: number): string {
    return rel.fork === ForkNumber.vm ? 'Heap2' : managerOfPage(this.theirs, block).name;
  }

  private compareGone(rel: RelFork, block: number): void {
    if (this.wasThere(rel, block)) {
      countApart(this.counts.apart, 'gone');
      return;
    }
    if (this.theirs.isNew) {
      countApart(this.counts.apart, 'extendedAhead');
      return;
    }
    // vm_extend(), access/heap/visibilitymap.c, makes an empty page without WAL: it says what a missing one says
    if (rel.fork === ForkNumber.vm && this.theirs.bytes.every((byte, at) => at < SIZE_OF_PAGE_HEADER || byte === 0)) {
      this.counts.compared++;
      return;
    }
    if (rel.fork === ForkNumber.init && this.theirs.lsn === 0 && isBloomMetapage(this.theirs)) {
      countApart(this.counts.apart, 'bloomInitFork');
      return;
    }
    if (this.isLeftByCrash(rel)) {
      countApart(this.counts.apart, 'leftByCrash');
      return;
    }
    this.differs(rel, block, 'the backup has this page, and no WAL made it');
  }

  /**
   * smgr_bulk_write() and its like put the pages of a new file on disk ahead of their WAL. A crash in between leaves a file that no WAL
   * mentions, with pages whose LSN is the end of no record.
   */
  private isLeftByCrash(rel: RelFork): boolean {
    const { pages, later, reader } = this.options;
    return this.theirs.lsn > 0 && this.theirs.lsn < later.endLsn && !pages.relation(rel, later.endLsn).exists && !endsRecord(reader, this.theirs.lsn);
  }

  /** Whether the block was there at some time while the backup was taken, though it no longer is at its end. */
  private wasThere(rel: RelFork, block: number): boolean {
    const { pages, later } = this.options;
    const before = pages.relation(rel, later.startLsn);
    if (before.exists && block < before.blocks) return true;
    let changed = false;
    pages.changes(rel, block, block + 1, later.startLsn, later.endLsn, () => (changed = true));
    return changed;
  }

  /** Blocks that we have and the backup lacks: it copied the file before they came, or they are lost. */
  private compareTail(rel: RelFork, blocks: number): void {
    const { pages, later } = this.options;
    const state = pages.relation(rel, later.endLsn);
    pages.scan(rel, later.endLsn, blocks, state.blocks, (block, { page, unknown }) => {
      if (unknown || page.isNew || page.lsn >= later.startLsn) return;
      this.theirs.bytes.fill(0);
      this.differs(rel, block, 'the backup lacks this page, which was last changed before it began');
    });
  }
}

/** BLOOM_MAGICK_NUMBER, contrib/bloom/bloom.h: what the metapage's contents begin with. */
const BLOOM_MAGIC = 0xdbac_0ded;

function isBloomMetapage(page: Page): boolean {
  return page.view.getUint32(SIZE_OF_PAGE_HEADER, true) === BLOOM_MAGIC;
}

function mainForkName(rel: RelFork): string {
  return formatRelFork({ ...rel, fork: ForkNumber.main });
}
