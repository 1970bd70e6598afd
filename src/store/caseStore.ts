/** An opened case: its layers, backups and WAL behind one reader of pages, transactions and snapshots. */
import path from 'node:path';
import type { HeldFiles } from '../layerfile/heldFiles.js';
import { imageFiles, type Manifest, type ManifestRun } from '../layerfile/manifest.js';
import type { RelFork } from '../pg/relFileLocator.js';
import type { PgMajor } from '../pg/version.js';
import { XLOG_BLCKSZ } from '../pg/xlogPage.js';
import { XLogRecord } from '../pg/xlogRecord.js';
import { readWalInto, XLogReader, type WalBytes } from '../pg/xlogReader.js';
import type { Lsn } from '../util/lsn.js';
import { inputError } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';
import { Directories, EventKind } from './layerEvents.js';
import { loggedRuns } from './loggedRuns.js';
import { CutoffImages } from './cutoffImages.js';
import { ImageMap } from './imageMap.js';
import { LayerMap } from './layerMap.js';
import { PageStore } from './pageStore.js';
import { PlainHeapReader } from './plainHeapReader.js';
import { Snapshot } from './snapshot.js';
import type { BaseImages, UsableBackup, WalStore } from './sources.js';
import { PG_EPOCH_UNIX_SECONDS } from '../util/pgTime.js';
import { TransactionChanges } from './transactionChanges.js';
import { TransactionLog } from './transactionLog.js';

export const LAYERS_FOLDER = 'layers';
const DEFAULT_CACHE_BYTES = 64 * 1024 * 1024;

/** A stretch of moments that can be answered: both ends included. */
export interface Coverage {
  run: ManifestRun;
  /** The first consistent point in the run. */
  firstLsn: Lsn;
  lastLsn: Lsn;
}

export interface CaseSources {
  wal: WalBytes;
  /** In the order of the manifest's backups. */
  backups: BaseImages[];
  /** The case's own files, as they were when its manifest was read. */
  files?: HeldFiles;
}

/** A record so close behind the last one is taken for one of many that are read in LSN order: what follows is read along, as much as costs five pages read one by one. */
const NEAR_BYTES = 16 * 1024;
const ALONG_BYTES = 64 * 1024;
/** Of one that stands alone the page is read up to there: most are shorter. */
const ALONE_BYTES = 1024;

/** Reads records at given positions; the record last read is kept, because several keys point to it. */
class RecordReader implements WalStore {
  private readonly reader: XLogReader;
  private readonly record = new XLogRecord();
  private lastLsn = -1 as Lsn;

  constructor(private readonly wal: WalBytes, readonly major: PgMajor) {
    this.reader = new XLogReader(wal, { major });
  }

  get segmentSize(): number { return this.wal.segmentSize; }

  readBytes(lsn: Lsn, into: Uint8Array): number {
    return readWalInto(this.wal, lsn, into);
  }

  readRecord(lsn: Lsn): XLogRecord {
    if (lsn === this.lastLsn) return this.record;
    const ahead = lsn - this.lastLsn;
    this.lastLsn = -1 as Lsn;
    this.reader.readRecordAt(lsn, this.record, ahead > 0 && ahead < NEAR_BYTES ? ALONG_BYTES : Math.min((lsn % XLOG_BLCKSZ) + ALONE_BYTES, XLOG_BLCKSZ));
    this.lastLsn = lsn;
    return this.record;
  }
}

export class CaseStore {
  readonly layers: LayerMap;
  readonly images: ImageMap;
  readonly transactions: TransactionLog;
  readonly changes: TransactionChanges;
  readonly pages: PageStore;
  readonly wal: WalStore;
  readonly coverage: Coverage[];
  private readonly usable: UsableBackup[];
  readonly directories: Directories;
  private readonly snapshots = new Map<Lsn, Snapshot>();

  constructor(readonly caseDir: string, readonly manifest: Manifest, private readonly sources: CaseSources, options: { cacheBytes?: number } = {}) {
    this.layers = new LayerMap(path.join(caseDir, LAYERS_FOLDER), manifest.layers, sources.files);
    this.images = new ImageMap(this.layers.folder, imageFiles(manifest), sources.files);
    this.transactions = new TransactionLog(this.layers);
    this.changes = new TransactionChanges(this.layers, manifest.runs.map((run) => run.startLsn));
    this.wal = new RecordReader(sources.wal, manifest.major);
    this.directories = new Directories(this.layers.events);
    this.usable = this.usableBackups();
    this.coverage = loggedRuns(manifest.runs, this.layers.events).flatMap((run) => {
      const inRun = this.backupsIn(run);
      if (inRun.length === 0) return [];
      return [{ run, firstLsn: Math.min(...inRun.map((b) => b.consistentLsn)) as Lsn, lastLsn: run.endLsn }];
    });
    this.pages = new PageStore(this.layers, this.directories, this.wal, (upTo) => this.backupFor(upTo), {
      cacheBytes: options.cacheBytes ?? DEFAULT_CACHE_BYTES, hintBitsLogged: this.hintBitsLogged(), images: this.images, leftOut: this.leftOut(),
    });
  }

  get major(): PgMajor { return this.manifest.major; }

  /** The cutoff, where there is one, and the backups that became consistent behind it. */
  private usableBackups(): UsableBackup[] {
    const { backups, cutoff } = this.manifest;
    const usable = backups.flatMap(({ startLsn, consistentLsn }, i) =>
      consistentLsn === null || (cutoff && consistentLsn <= cutoff.lsn) ? [] : [{ images: this.sources.backups[i]!, redoLsn: startLsn, consistentLsn }]);
    if (!cutoff) return usable;
    const backup = this.sources.backups[backups.findIndex(({ path: source }) => source === cutoff.backup)]!;
    return [{ images: new CutoffImages(cutoff, this.images.named(cutoff.name), backup), redoLsn: cutoff.lsn, consistentLsn: cutoff.lsn }, ...usable];
  }

  /** XLogHintBitIsNeeded() by position: checksums for good, wal_log_hints as the last parameter change says. */
  hintBitsLogged(): (lsn: Lsn) => boolean {
    const changes = this.layers.events.filter((event) => event.kind === EventKind.parameterChange);
    const first = this.usable[0]?.images ?? this.sources.backups[0];
    return (lsn) => {
      if (!first || first.dataChecksums) return first !== undefined;
      const change = changes.findLast((event) => event.lsn < lsn);
      return change ? change.args[1] === 1 : first.hintBitsLogged;
    };
  }

  /** The timeline of the last record before a position. */
  timelineAt(lsn: Lsn): number {
    for (const span of this.manifest.timelines) if (lsn <= span.end) return span.timeline;
    return this.manifest.timelines.at(-1)!.timeline;
  }

  /** The nearest backup that is consistent before the moment and lies in the same run of WAL. */
  backupFor(upTo: Lsn): UsableBackup {
    const range = this.coverage.find((c) => upTo >= c.firstLsn && upTo <= c.lastLsn);
    let nearest: UsableBackup | undefined;
    for (const backup of this.usable) {
      if (!range || backup.redoLsn < range.run.startLsn || backup.consistentLsn > upTo) continue;
      if (!nearest || backup.redoLsn > nearest.redoLsn) nearest = backup;
    }
    if (!nearest) throw inputError('moment.no_backup', `no base backup covers ${formatLsn(upTo)}`);
    return nearest;
  }

  /** The cluster for all records that begin before `upTo`, which must lie in the coverage. The last few are kept. */
  snapshot(upTo: Lsn): Snapshot {
    let snapshot = this.snapshots.get(upTo);
    if (!snapshot) {
      snapshot = new Snapshot({ pages: this.pages, directories: this.directories, wal: this.wal, major: this.major }, this.backupFor(upTo), upTo);
      if (this.snapshots.size >= 8) this.snapshots.delete(this.snapshots.keys().next().value!);
      this.snapshots.set(upTo, snapshot);
    }
    return snapshot;
  }

  /** Pages from one base backup on, from its very redo point: before it is consistent, too. For replaying, not for answering. */
  pagesFrom(backup: UsableBackup, cacheBytes: number): PageStore {
    return new PageStore(this.layers, this.directories, this.wal, () => backup, { cacheBytes, hintBitsLogged: this.hintBitsLogged(), leftOut: this.leftOut() });
  }

  private leftOut(): { forks: RelFork[]; only: string[] } {
    const forks = this.layers.leftOut;
    for (const { images } of this.usable) if (images instanceof CutoffImages) for (const { rel, isLeftOut } of images.forkStates()) if (isLeftOut) forks.push(rel);
    return { forks, only: this.manifest.only ?? [] };
  }

  /** The usable backups of a run of WAL, by redo point. */
  backupsIn(run: ManifestRun): UsableBackup[] {
    return this.usable.filter((b) => b.redoLsn >= run.startLsn && b.consistentLsn <= run.endLsn).sort((a, b) => a.redoLsn - b.redoLsn);
  }

  /** A reader of its own over the same WAL: for walking records in order. */
  newReader(): XLogReader {
    return new XLogReader(this.sources.wal, { major: this.major, systemIdentifier: BigInt(this.manifest.systemIdentifier) });
  }

  /** A reader of its own for records at many positions. */
  newPlainHeapReader(): PlainHeapReader {
    return new PlainHeapReader(this.sources.wal, { major: this.major, systemIdentifier: BigInt(this.manifest.systemIdentifier) });
  }

  /** The time of the last transaction that ended before the position, else when the range begins; null: not known. */
  lastTimeBefore(range: Coverage, lsn: Lsn): number | null {
    return this.transactions.lastEndTime(range.run.startLsn, lsn) ?? this.firstKnownTime(range);
  }

  /** When the range begins: the last transaction's end before its first moment, else the checkpoint before it; µs since 2000, null: not known. */
  firstKnownTime(range: Coverage): number | null {
    const { cutoff } = this.manifest;
    return this.transactions.lastEndTime(range.run.startLsn, range.firstLsn) ?? this.checkpointTimes(range.run.startLsn, range.firstLsn).at(-1) ?? (cutoff?.lsn === range.firstLsn ? cutoff.time : null);
  }

  /** The newest time that the archive proves to be covered: of a transaction's end, a restore point or a checkpoint; µs since 2000. */
  lastKnownTime(range: Coverage): number | null {
    const times = this.checkpointTimes(range.run.startLsn, range.lastLsn);
    for (const entry of this.layers.entries) {
      if (entry.startLsn >= range.lastLsn || entry.endLsn <= range.run.startLsn) continue;
      if (entry.startLsn >= range.run.startLsn && entry.endLsn <= range.lastLsn) times.push(...[entry.maxTime, entry.lastTime].filter((time) => time !== null));
      // of a layer that the range cuts the rows tell
      else for (const { time } of this.transactions.rows(Math.max(entry.startLsn, range.run.startLsn) as Lsn, range.lastLsn)) times.push(time);
    }
    return times.length > 0 ? times.reduce((a, b) => Math.max(a, b)) : null;
  }

  /** Times of the checkpoint records in [from, to), in LSN order. They count in whole seconds. */
  private checkpointTimes(from: Lsn, to: Lsn): number[] {
    return this.layers.events
      .filter((event) => event.kind === EventKind.checkpoint && event.lsn >= from && event.lsn < to)
      .map((event) => (event.args[3]! - PG_EPOCH_UNIX_SECONDS) * 1_000_000);
  }

  close(): void {
    this.layers.close();
    this.images.close();
    this.sources.files?.close();
  }
}
