/**
 * A later base backup against replay from an earlier one: every page that it holds must be ours at that page's own LSN, masked.
 * Pages that were written while the backup copied them may be torn or between two states; such a page counts apart where it differs.
 */
import { ENTRY_STARTS_CHAIN } from '../layerfile/deltaLayer.js';
import { T_HOFF } from '../pg/heapTuple.js';
import { Page, SIZE_OF_PAGE_HEADER } from '../pg/page.js';
import { ForkNumber, formatRelFork, type RelFork } from '../pg/relFileLocator.js';
import type { PgMajor } from '../pg/version.js';
import { RmgrId } from '../redo/rmgrlist.js';
import { XLOG_FPI } from '../redo/xlog/xlog.js';
import { maskPageLsnAndChecksum } from '../redo/bufmask.js';
import { PageComparer, type ByteDifference } from '../redo/compareImage.js';
import { managerOfPage } from '../redo/pageManager.js';
import type { MaskFunction } from '../redo/rmgr.js';
import { seqRmgr } from '../redo/seq/index.js';
import { spgistRmgr } from '../redo/spgist/index.js';
import type { Lsn } from '../util/lsn.js';
import type { PageAsOf, PageStore } from './pageStore.js';
import type { BaseImages, WalStore } from './sources.js';
import type { BackupCounts, VerifyFindings } from './verifyReport.js';

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

/** Pages between two looks at the clock. */
const BLOCKS_PER_TURN = 2048;

export class VerifyBackup {
  private readonly comparer: PageComparer;
  private readonly counts: BackupCounts;
  private readonly theirs = new Page();

  /** `pages` answers from the earlier backup on, whose redo point is `floorLsn`. */
  constructor(
    private readonly pages: PageStore, private readonly floorLsn: Lsn, private readonly later: LaterBackup,
    private readonly findings: VerifyFindings, private readonly wal: WalStore, major: PgMajor,
  ) {
    this.comparer = new PageComparer(major);
    this.counts = { path: later.path, compared: 0, different: 0, inFlux: 0, notLogged: 0, unlogged: 0 };
    findings.report.backups.push(this.counts);
  }

  /** Compares everything; `turn` is awaited now and then with the share that is done. */
  async run(turn: (share: number) => Promise<void>): Promise<void> {
    const { forks, images } = this.later;
    const unlogged = new Set(forks.filter((rel) => rel.fork === ForkNumber.init).map((rel) => formatRelFork({ ...rel, fork: ForkNumber.main })));
    const todo = forks.filter((rel) => rel.fork !== ForkNumber.fsm);
    const total = todo.reduce((sum, rel) => sum + (images.forkBlocks(rel) ?? 0), 0);
    let done = 0;
    for (const rel of todo) {
      const blocks = images.forkBlocks(rel) ?? 0;
      if (rel.fork !== ForkNumber.init && unlogged.has(formatRelFork({ ...rel, fork: ForkNumber.main }))) {
        if (rel.fork === ForkNumber.main) this.counts.unlogged++;
      } else {
        for (let from = 0; from < blocks || from === 0; from += BLOCKS_PER_TURN) {
          this.compareBlocks(rel, from, Math.min(blocks, from + BLOCKS_PER_TURN));
          await turn((done + from) / Math.max(1, total));
        }
        this.compareTail(rel, blocks);
      }
      done += blocks;
    }
  }

  private compareBlocks(rel: RelFork, from: number, to: number): void {
    const { endLsn, images } = this.later;
    let next = from;
    this.pages.scan(rel, endLsn, from, to, (block, ours) => {
      next = block + 1;
      if (images.readBlock(rel, block, this.theirs.bytes)) this.compare(rel, block, ours);
    });
    // what is not there at the backup's end was dropped or cut off while it was taken, or should not be there at all
    for (let block = next; block < to; block++) {
      if (images.readBlock(rel, block, this.theirs.bytes)) this.compareGone(rel, block);
    }
  }

  private compare(rel: RelFork, block: number, ours: PageAsOf): void {
    if (ours.unknown) {
      this.findings.unchecked(`pages that ${ours.unknown.rmgr} changed: walscope cannot replay that manager's records`);
      return;
    }
    const mask = this.maskOf(rel, block);
    const difference = this.comparer.compare(ours.page, this.theirs, mask, block);
    if (difference === undefined) {
      this.counts.compared++;
      return;
    }
    this.compareEarlier(rel, block, mask, difference);
  }

  /** The backup's page may be of any moment while it was taken: at its own LSN, or, edited without moving that, somewhat later. */
  private compareEarlier(rel: RelFork, block: number, mask: MaskFunction | null, atEnd: ByteDifference[] | string): void {
    const { startLsn, endLsn } = this.later;
    const pageLsn = this.theirs.lsn;
    const moments = [Math.max(pageLsn, this.floorLsn) as Lsn];
    if (rel.fork === ForkNumber.vm) {
      for (const { lsn } of this.pages.chain(rel, block, endLsn).entries) if (lsn >= pageLsn) moments.push((lsn + 1) as Lsn);
    }
    let difference = atEnd;
    for (const upTo of moments) {
      const ours = upTo <= endLsn ? this.pages.getPage(rel, block, upTo) : undefined;
      const found = ours && this.comparer.compare(ours.page, this.theirs, mask, block);
      if (ours && found === undefined) {
        this.counts.compared++;
        return;
      }
      if (found !== undefined && upTo === moments[0]) difference = found;
    }
    let touched = false;
    this.pages.changes(rel, block, block + 1, startLsn, endLsn, () => (touched = true));
    if (touched) {
      this.counts.inFlux++;
      return;
    }
    if (rel.fork === ForkNumber.vm && this.beganWithoutBits(rel, block)) {
      this.counts.notLogged++;
      return;
    }
    this.differs(rel, block, difference);
  }

  /**
   * CREATE DATABASE by WAL logs a map's page as one of standard layout, whose map then counts as its hole: RelationCopyStorageUsingBuffer(),
   * storage/buffer/bufmgr.c, 15–18. Recovery has such a map without its bits, the server it was copied on has them.
   */
  private beganWithoutBits(rel: RelFork, block: number): boolean {
    const first = this.pages.chain(rel, block, this.later.endLsn).entries[0];
    if (!first || (first.bits & ENTRY_STARTS_CHAIN) === 0) return false;
    const record = this.wal.readRecord(first.lsn);
    const ref = record.blocks.find((each) => each.block === block && formatRelFork(each) === formatRelFork(rel));
    return record.rmid === RmgrId.xlog && record.rmgrInfo === XLOG_FPI && ref !== undefined && ref.hasImage && ref.holeLength > 0;
  }

  private differs(rel: RelFork, block: number, difference: ByteDifference[] | string): void {
    this.counts.compared++;
    this.counts.different++;
    const name = this.theirs.isNew ? '' : this.managerName(rel, block);
    this.findings.inBackup(this.theirs.lsn, name, rel, block, difference, this.pages, this.later.endLsn);
  }

  private managerName(rel: RelFork, block: number): string {
    return rel.fork === ForkNumber.vm ? 'Heap2' : managerOfPage(this.theirs, block).name;
  }

  private compareGone(rel: RelFork, block: number): void {
    const { startLsn } = this.later;
    const before = this.pages.relation(rel, startLsn);
    if (before.exists && block < before.blocks) {
      this.counts.inFlux++; // cut off or dropped while the backup was taken
      return;
    }
    if (this.theirs.isNew) {
      this.counts.inFlux++; // the file was made longer ahead of use, which is not logged
      return;
    }
    // vm_extend(), access/heap/visibilitymap.c, makes an empty page without WAL: it says what a missing one says
    if (rel.fork === ForkNumber.vm && this.theirs.bytes.every((byte, at) => at < SIZE_OF_PAGE_HEADER || byte === 0)) {
      this.counts.compared++;
      return;
    }
    this.differs(rel, block, 'the backup has this page, and no WAL made it');
  }

  /** Blocks that we have and the backup lacks: it copied the file before they came, or they are lost. */
  private compareTail(rel: RelFork, blocks: number): void {
    const { startLsn, endLsn } = this.later;
    const state = this.pages.relation(rel, endLsn);
    this.pages.scan(rel, endLsn, blocks, state.blocks, (block, { page, unknown }) => {
      if (unknown || page.isNew || page.lsn >= startLsn) return;
      this.theirs.bytes.fill(0);
      this.differs(rel, block, 'the backup lacks this page, which was last changed before it began');
    });
  }

  /** Of a visibility map's page nothing but the header is masked. */
  private maskOf(rel: RelFork, block: number): MaskFunction | null {
    if (rel.fork === ForkNumber.vm || this.theirs.isNew) return maskPageLsnAndChecksum;
    const manager = managerOfPage(this.theirs, block);
    if (manager === seqRmgr) return maskSequenceValues;
    return manager === spgistRmgr && block === SPGIST_METAPAGE_BLKNO ? maskLastUsedPages : manager.mask;
  }
}

/** nextval_internal(), commands/sequence.c: WAL runs up to 32 values ahead of the page, whose last_value, log_cnt and is_called it thus does not tell. */
const maskSequenceValues: MaskFunction = (page, block, major) => {
  seqRmgr.mask!(page, block, major);
  if (page.maxOffset !== 1) return;
  const at = page.itemAt(1);
  page.bytes.fill(0, at + page.bytes[at + T_HOFF]!, page.pdSpecial);
};

const SPGIST_METAPAGE_BLKNO = 0;

/** SpGistUpdateMetaPage(), access/spgist/spgutils.c: a metapage's memory of the pages last used changes without WAL. */
const maskLastUsedPages: MaskFunction = (page, block, major) => {
  page.bytes.fill(0, SIZE_OF_PAGE_HEADER + 4, page.pdSpecial);
  spgistRmgr.mask!(page, block, major);
};
