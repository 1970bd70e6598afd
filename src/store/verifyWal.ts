/**
 * A walk through the WAL from a base backup on that replays every record and holds the pages against what the WAL itself says they were:
 * the images of wal_consistency_checking, and hint-bit images against the page before them.
 * Follows verifyBackupPageConsistency(), access/transam/xlogrecovery.c, PG 13–18.
 */
import { restoreBlockImage } from '../pg/blockImage.js';
import { Page } from '../pg/page.js';
import { ForkNumber, formatRelFork, type RelFileLocator, type RelFork } from '../pg/relFileLocator.js';
import type { PgMajor } from '../pg/version.js';
import type { XLogReader } from '../pg/xlogReader.js';
import { XLogRecord, type BlockRef } from '../pg/xlogRecord.js';
import { maskPageLsnAndChecksum } from '../redo/bufmask.js';
import { PageComparer } from '../redo/compareImage.js';
import { gistRmgr } from '../redo/gist/index.js';
import { managerOfPage } from '../redo/pageManager.js';
import { replayRecord, type ReplayOptions, type ReplayOutcome } from '../redo/replay.js';
import type { Rmgr } from '../redo/rmgr.js';
import { RMGRS, RmgrId, rmgrName } from '../redo/rmgrlist.js';
import { XLOG_FPI_FOR_HINT } from '../redo/xlog/xlog.js';
import { WalscopeError } from '../util/errors.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import { ForwardPages, type ForwardPage } from './forwardPages.js';
import { EventKind } from './layerEvents.js';
import type { PageStore } from './pageStore.js';
import type { RecordEffects } from './recordEffects.js';
import { RECORD_HANDLERS } from './recordHandlers.js';
import type { WalStore } from './sources.js';
import { undoUnlogged } from './unloggedChanges.js';
import { countApart, LEFT_OUT, type ManagerCounts, type VerifyFindings } from './verifyReport.js';
import { countsOnce, isOfShard, type Shard } from './verifyShards.js';

export interface WalCheck {
  consistencyImages: boolean;
  hintImages: boolean;
}

export interface WalkOptions {
  reader: XLogReader;
  major: PgMajor;
  /** Answers from the base backup on that the walk starts from. */
  pages: PageStore;
  wal: WalStore;
  findings: VerifyFindings;
  check: WalCheck;
  /** XLogHintBitIsNeeded() at a position. */
  hintBitsLogged: (lsn: Lsn) => boolean;
  /** From here on a page that is missing is a fault, unless its relation goes later. */
  consistentLsn: Lsn;
  memoryBytes: number;
  /** The pages that this walk is to replay. */
  shard: Shard;
}

/** Walks [start, end); call `run` once. */
export class VerifyWalk implements RecordEffects {
  private readonly cache: ForwardPages;
  private readonly comparer: PageComparer;
  private readonly image = new Page();
  private readonly before = new Page();
  private readonly record = new XLogRecord();
  private readonly replayOptions: { hintBitsLogged: boolean } & ReplayOptions = { hintBitsLogged: false };
  /** By manager id: where the findings count it. */
  private readonly counts: ManagerCounts[] = [];
  /** Pages that records expect and that nobody has, by fork and block: the first such record. PostgreSQL's invalid-page table. */
  private readonly missing = new Map<string, Map<number, Lsn>>();
  private images = 0;
  private hints = 0;

  constructor(private readonly options: WalkOptions) {
    this.cache = new ForwardPages(options.pages, options.memoryBytes);
    this.comparer = new PageComparer(options.major);
  }

  /** Replays all records that begin in [start, end). `turn` is awaited every so many records, for progress and for stopping. */
  async run(start: Lsn, end: Lsn, everyRecords: number, turn: (position: Lsn) => Promise<void>): Promise<void> {
    const { reader, findings, shard } = this.options;
    const { counts } = findings.report;
    const { record } = this;
    reader.begin(start);
    let n = 0;
    while (reader.position < end && reader.next(record)) {
      this.apply(record);
      if (++n % everyRecords === 0) await turn(reader.position);
    }
    if (countsOnce(shard)) {
      counts.records += n;
      counts.walBytes += reader.position - start;
    }
    if (reader.position < end) findings.unchecked(`WAL from ${formatLsn(reader.position)} to ${formatLsn(end)}: it is indexed, but cannot be read any more (${reader.end?.error.message ?? 'it ends'})`);
    this.reportMissing();
    if (this.options.check.consistencyImages && this.images === 0) {
      findings.unchecked(`consistency images: none in the WAL from ${formatLsn(start)} to ${formatLsn(end)} (it was written without wal_consistency_checking)`);
    }
    if (this.options.check.hintImages && this.hints === 0) findings.unchecked(`hint-bit images: none in the WAL from ${formatLsn(start)} to ${formatLsn(end)}`);
  }

  private apply(record: XLogRecord): void {
    const counts = (this.counts[record.rmid] ??= this.options.findings.counts(record.rmid));
    if (countsOnce(this.options.shard)) counts.records++;
    this.replayOptions.hintBitsLogged = this.options.hintBitsLogged(record.lsn);
    const isHint = record.rmid === RmgrId.xlog && record.rmgrInfo === XLOG_FPI_FOR_HINT;
    for (const ref of record.blocks) {
      if (ref.fork === ForkNumber.fsm) continue; // not logged by its own means, and never compared
      const isCheck = ref.hasImage && !ref.applyImage;
      if (isCheck) this.images++;
      else if (isHint && ref.hasImage) this.hints++;
      if (!isOfShard(this.options.shard, ref, ref.block) || this.isLeftOut(ref)) continue;
      if (isHint && ref.hasImage && ref.applyImage && this.options.check.hintImages) this.compareHint(record, ref);
      const known = this.replayOn(record, ref, ref.block, ref.willInit || (ref.hasImage && ref.applyImage), counts);
      if (!known || !isCheck || !this.options.check.consistencyImages) continue;
      if (known === 'missing') countApart(this.options.findings.report.counts.apart, 'noPage');
      else this.compareImage(record, ref, known, counts);
    }
    RMGRS[record.rmid]?.implicitEdits?.(record, this.applyImplicit);
    RECORD_HANDLERS[record.rmid]?.(record, this);
  }

  private isLeftOut(rel: RelFork): boolean {
    const isLeftOut = this.options.pages.isLeftOut(rel);
    if (isLeftOut) this.options.findings.unchecked(LEFT_OUT);
    return isLeftOut;
  }

  private readonly applyImplicit = (rel: RelFork, block: number): void => {
    const { record } = this;
    if (!isOfShard(this.options.shard, rel, block) || this.isLeftOut(rel)) return;
    this.replayOn(record, rel, block, false, this.counts[record.rmid]!);
  };

  /** Gives the page where its contents are known afterwards, and says where there is none. */
  private replayOn(record: XLogRecord, rel: RelFork, block: number, startsChain: boolean, counts: ManagerCounts): ForwardPage | 'missing' | undefined {
    const found = this.cache.get(rel, block, record.lsn, startsChain);
    if (startsChain) found.unknown = false;
    if (found.unknown) {
      counts.unhandled++;
      return undefined;
    }
    const outcome = this.replay(record, rel, block, found.page, counts);
    if (outcome === 'unknown') {
      counts.unhandled++;
      found.unknown = true;
      this.options.findings.unchecked(`pages that ${rmgrName(record.rmid)} changes: walscope cannot replay that manager's records`);
      return undefined;
    }
    if (outcome === 'missing' && record.lsn >= this.options.consistentLsn) this.noteMissing(rel, block, record.lsn);
    if (outcome !== undefined && outcome !== 'newer' && outcome !== 'missing') counts.replayed++;
    return outcome === undefined || outcome === 'missing' ? outcome : found;
  }

  private replay(record: XLogRecord, rel: RelFork, block: number, page: Page, counts: ManagerCounts): ReplayOutcome | undefined {
    try {
      return replayRecord(record, rel, block, page, this.replayOptions);
    } catch (error) {
      if (!(error instanceof WalscopeError)) throw error;
      counts.failed++;
      this.options.findings.atRecord('replay', record, rel, block, error.message, this.options.pages);
      return undefined;
    }
  }

  /** verifyBackupPageConsistency() for one block. A page that differs goes on as the primary had it, so that each fault is told once. */
  private compareImage(record: XLogRecord, ref: BlockRef, found: ForwardPage, counts: ManagerCounts): void {
    if (found.page.lsn > record.endLsn) {
      countApart(this.options.findings.report.counts.apart, 'newerThanRecord');
      return;
    }
    restoreBlockImage(record, ref, this.image.bytes);
    counts.compared++;
    const manager = RMGRS[record.rmid];
    const difference = this.comparer.compare(found.page, this.image, manager?.mask ?? null, ref.block);
    if (difference === undefined) return;
    if (this.isDiscrepancy(found.page, manager, ref)) {
      counts.compared--;
      return;
    }
    counts.different++;
    this.options.findings.atRecord('consistency image', record, ref, ref.block, difference, this.options.pages);
    found.page.bytes.set(this.image.bytes);
    if (!found.page.isNew) found.page.lsn = record.endLsn;
  }

  /** Whether PostgreSQL's replay differs from its primary in the same way as ours; counted apart, for it is not equal. Changes `image`. */
  private isDiscrepancy(ours: Page, manager: Rmgr | undefined, ref: BlockRef): boolean {
    if (manager !== gistRmgr || undoUnlogged(manager, ours, this.image, ref.block, 0) === undefined) return false;
    if (this.comparer.compare(ours, this.image, manager.mask, ref.block) !== undefined) return false;
    countApart(this.options.findings.report.counts.apart, 'gistTuplesDeleted');
    return true;
  }

  /** A hint-bit image is the page as it was, with hint bits set. */
  private compareHint(record: XLogRecord, ref: BlockRef): void {
    const { hintImages } = this.options.findings.report.counts;
    const found = this.cache.get(ref, ref.block, record.lsn, false);
    // a page in a fuzzy backup may be newer than the record
    if (found.unknown || found.page.lsn > record.endLsn) return;
    restoreBlockImage(record, ref, this.image.bytes);
    this.before.bytes.set(found.page.bytes);
    // of a visibility map's page only the LSN and the checksum may differ
    const manager = ref.fork === ForkNumber.vm || this.image.isNew ? undefined : managerOfPage(this.image, ref.block);
    hintImages.compared++;
    const difference = this.comparer.compare(this.before, this.image, manager ? manager.mask : maskPageLsnAndChecksum, ref.block);
    if (difference === undefined) return;
    if (this.isDiscrepancy(this.before, manager, ref)) {
      hintImages.compared--;
      return;
    }
    hintImages.different++;
    this.options.findings.atRecord('hint-bit image', record, ref, ref.block, difference, this.options.pages);
  }

  private noteMissing(rel: RelFork, block: number, lsn: Lsn): void {
    const name = formatRelFork(rel);
    let blocks = this.missing.get(name);
    if (!blocks) this.missing.set(name, (blocks = new Map()));
    if (!blocks.has(block)) blocks.set(block, lsn);
  }

  private reportMissing(): void {
    for (const [rel, blocks] of this.missing) for (const [block, lsn] of blocks) this.options.findings.report.missing.push({ rel, block, lsn });
  }

  forkTruncated(rel: RelFork, blocks: number): void {
    this.cache.forget(rel, blocks);
    const missing = this.missing.get(formatRelFork(rel));
    if (!missing) return;
    for (const block of missing.keys()) if (block >= blocks) missing.delete(block);
    if (missing.size === 0) this.missing.delete(formatRelFork(rel));
  }

  relationDropped(rel: RelFileLocator): void {
    for (const fork of Object.values(ForkNumber)) this.forkTruncated({ ...rel, fork }, 0);
  }

  event(kind: number, args: number[]): void {
    if (kind === EventKind.databaseCopy || kind === EventKind.databaseCreate) this.databaseGone(args[0]!, args[1]!);
    else if (kind === EventKind.databaseDrop) for (const spcOid of args.slice(1)) this.databaseGone(spcOid, args[0]!);
  }

  private databaseGone(spcOid: number, dbOid: number): void {
    this.cache.forgetDatabase(spcOid, dbOid);
    for (const name of this.missing.keys()) if (name.startsWith(`${spcOid}/${dbOid}/`)) this.missing.delete(name);
  }

  // pages without a header and times carry no image that could be checked
  slruPage(): void {}
  clogPageZeroed(): void {}
  forkCreated(): void {}
  transactionEnd(): void {}
  transactionNote(): void {}
  logicalMessage(): void {}
}
