/**
 * Builds or extends a case's index. Stripe by stripe: read, write the layer, name it in the manifest. A killed run therefore resumes at
 * the first stripe that the manifest does not name, and ends byte-identical to an unbroken one.
 */
import path from 'node:path';
import type { BaseBackup } from '../archive/baseBackup.js';
import { expectWal, type WalArchive } from '../archive/walArchive.js';
import { asWriter } from '../layerfile/caseLock.js';
import { BackgroundSync, makeFolder, removeStrays } from '../layerfile/durable.js';
import { readManifest, writeManifest, type Manifest, type ManifestLayer, type ManifestRun } from '../layerfile/manifest.js';
import type { ShardStripe } from '../layerfile/shardFile.js';
import { XLogReader, type WalEnd } from '../pg/xlogReader.js';
import { XLogRecord } from '../pg/xlogRecord.js';
import { ExitCode, inputError, WalscopeError } from '../util/errors.js';
import type { Finding } from '../util/finding.js';
import { INVALID_LSN, type Lsn } from '../util/lsn.js';
import { compactCase } from './compactor.js';
import { consistencyPoint, openCaseBackup, walOfBackup } from './backups.js';
import type { StripeSource } from './buildLayer.js';
import { openCaseArchive } from './caseArchive.js';
import { LAYERS_FOLDER } from './caseStore.js';
import { CaseWal, WAL_FOLDER } from './caseWal.js';
import { breakFindings, unusableParts } from './indexFindings.js';
import { interruptedToResume } from './interrupted.js';
import { namesOf } from './layerFiles.js';
import { LayerMap } from './layerMap.js';
import { otherCluster, unjoined, walIsGone } from './indexErrors.js';
import { mergedLayerSource, openLayerSource, type LayerSourceOptions } from './layerSource.js';
import { isPacked, packStart } from './stripePack.js';
import { divergence, dropBehind, dropRuns, namePack, recount } from './runs.js';
import { rebuildDamagedLayers, rebuildPacks, takeDamagedPacks } from './repair.js';
import type { IndexOptions, IndexSummary } from './indexOptions.js';
import { selectKeys } from './selection.js';
import { SAVE_EVERY_MS, ShardBuild, Shards } from './shards.js';
import { stripesBetween, stripeEnd, stripeStart } from './stripes.js';

/** Builds or extends the index. Throws an input error where nothing can be indexed at all. */
export async function indexCase(options: IndexOptions): Promise<IndexSummary> {
  return asWriter(options.caseDir, options.packOnly ? 'compact' : 'index', () => new Indexer(options).run());
}

class Indexer {
  private readonly findings: Finding[] = [];
  private readonly layersDir: string;
  private readonly packsDir: string;
  private backups: BaseBackup[] = [];
  /** Of layers that the manifest in hand names, not yet the one on disk. */
  private readonly syncing: BackgroundSync;
  private savedAt = -Infinity; // the first layer is named on disk at once: a disk that fills up later leaves it to be asked
  private shards: Shards | undefined;
  private namedOnDisk: string[] = [];
  private walBytes = 0;
  private records = 0;

  constructor(private readonly options: IndexOptions) {
    this.layersDir = path.join(options.caseDir, LAYERS_FOLDER);
    this.packsDir = path.join(options.caseDir, WAL_FOLDER);
    this.syncing = new BackgroundSync(this.layersDir);
  }

  async run(): Promise<IndexSummary> {
    const { options } = this;
    const known = readManifest(options.caseDir);
    if (known) this.namedOnDisk = namesOf(known);
    if (known && options.shard) throw new WalscopeError('shard.case', `${options.caseDir} is a case already`, { exitCode: ExitCode.usage, hint: 'give each part a directory of its own with -C' });
    const backupPaths = union(known?.backups.map((b) => b.path), options.backups);
    if (backupPaths.length === 0) throw new WalscopeError('usage.backup', 'no base backup given', { exitCode: ExitCode.usage, hint: 'name one with --backup PATH' });
    if (!known && options.wal.length > 0) expectWal(options.wal);
    const opened = await this.openBackups(backupPaths, known);
    const walPaths = union(known?.wal, options.wal);
    if (walPaths.length === 0) walPaths.push(...(await this.walOfBackups(backupPaths)));
    if (walPaths.length === 0) throw new WalscopeError('usage.wal', 'no WAL archive given', { exitCode: ExitCode.usage, hint: 'name its folder with --wal PATH' });
    const backups = opened.map(({ backup }) => backup);
    const archive = openCaseArchive(walPaths, backups[0]!.systemIdentifier, known);
    this.checkSameCluster(backups, archive, known);
    this.takeFindings(archive);
    makeFolder(this.layersDir);
    makeFolder(this.packsDir);
    const manifest = known ?? this.newManifest(archive);
    const timelineWal = archive.timelineWal(this.chooseTimeline(archive, backups, known));
    const diverged = known && divergence(known.timelines, timelineWal.spans);
    if (diverged !== undefined) dropBehind(manifest, diverged);
    manifest.wal = walPaths;
    manifest.walStore = options.walStore ?? manifest.walStore;
    if (archive.segments.length > 0) manifest.walArchive = archive.save();
    manifest.timelines = timelineWal.spans.map(({ timeline, start, end }) => ({ timeline, start, end }));
    const damagedPacks = takeDamagedPacks(manifest, options.caseDir, options.repair === true);
    const wal = new CaseWal(options.caseDir, manifest.packs, timelineWal, 'archive');
    manifest.backups = opened.map(({ backup, local }, i) => ({
      path: backupPaths[i]!, local, label: backup.label?.label ?? '', startLsn: backup.startLsn, timeline: backup.timeline,
      consistentLsn: known?.backups.find((b) => b.path === backupPaths[i])?.consistentLsn ?? null,
    }));
    this.backups = backups;
    if (options.shard) {
      const start = Math.min(...manifest.backups.map(({ startLsn }) => startLsn)) as Lsn;
      return this.buildShard(manifest, new ShardBuild(options.caseDir, options.shard, manifest, start, wal.coverage()), wal, archive);
    }
    if (options.merge) this.shards = new Shards(options.merge, manifest, wal.coverage());
    this.removeUnnamed(manifest);
    rebuildPacks(manifest, damagedPacks, { wal, major: archive.major, systemIdentifier: archive.systemIdentifier, packing: this.sourceOptions(manifest, wal, archive).packing });
    if (!options.packOnly) await this.indexRuns(manifest, wal, archive);
    await this.packRest(manifest, wal, archive);
    this.findConsistency(manifest, manifest.layers);
    await this.save(manifest);
    if (!options.packOnly) await this.select(manifest, { wal, major: archive.major, systemIdentifier: archive.systemIdentifier });
    this.removeUnnamed(manifest);
    if (options.compact !== false) this.findings.push(...(await compactCase({ caseDir: options.caseDir, manifest, signal: options.signal })).findings);
    this.takeFindings(archive);
    this.findings.push(...unusableParts(manifest, this.layersDir, wal));
    archive.close();
    wal.close();
    for (const backup of backups) backup.close();
    const indexBytes = manifest.layers.reduce((sum, layer) => sum + layer.bytes, 0);
    const packBytes = manifest.packs.reduce((sum, pack) => sum + pack.bytes, 0);
    return { manifest, walBytes: this.walBytes, records: this.records, indexBytes, packBytes, findings: this.findings };
  }

  private checkSameCluster(backups: BaseBackup[], archive: WalArchive, known: Manifest | undefined): void {
    const wanted = known ? BigInt(known.systemIdentifier) : archive.systemIdentifier;
    const check = (what: string, id: bigint): void => {
      if (id !== wanted) throw otherCluster(what, id, wanted);
    };
    check('the WAL archive', archive.systemIdentifier);
    backups.forEach((backup) => {
      check(`the base backup ${backup.root}`, backup.systemIdentifier);
      if (backup.major !== archive.major) {
        throw inputError('cluster.version', `the base backup ${backup.root} is of PostgreSQL ${backup.major}, the WAL of ${archive.major}`, {}, 'give the WAL that belongs to the backup');
      }
    });
  }

  /** The newest timeline that descends from every backup's, as recovery_target_timeline = latest takes it. */
  private chooseTimeline(archive: WalArchive, backups: BaseBackup[], known: Manifest | undefined): number {
    const candidates = new Set([...archive.timelines, ...(known?.timelines.slice(-1) ?? []).map(({ timeline }) => timeline)]);
    for (const timeline of [...candidates].sort((a, b) => b - a)) {
      const spans = archive.spans(timeline);
      if (backups.every((backup) => spans.some((span) => span.timeline === backup.timeline))) return timeline;
    }
    throw inputError('timeline.none', `the WAL archive holds no timeline that the base backup (timeline ${backups[0]!.timeline}) belongs to`, {}, 'add the .history files and the WAL of its timeline');
  }

  private newManifest(archive: WalArchive): Manifest {
    return {
      systemIdentifier: String(archive.systemIdentifier), major: archive.major, segmentSize: archive.segmentSize, timelines: [], wal: [], walArchive: null, walStore: 'auto', packs: [], backups: [],
      runs: [], layers: [], walBytes: 0, records: 0, ...(this.options.only ? { only: this.options.only } : {}),
    };
  }

  private async openBackups(paths: string[], known: Manifest | undefined): Promise<{ backup: BaseBackup; local: string }[]> {
    const opened: { backup: BaseBackup; local: string }[] = [];
    for (const source of paths) {
      const one = await openCaseBackup(this.options.caseDir, source, paths, {
        onProgress: (share) => {
          this.throwIfInterrupted();
          this.options.onCopy?.(source, share);
        },
        accept: (backup) => {
          const wanted = known ? BigInt(known.systemIdentifier) : opened[0]?.backup.systemIdentifier;
          if (wanted !== undefined && backup.systemIdentifier !== wanted) throw otherCluster(`the base backup ${source}`, backup.systemIdentifier, wanted);
        },
      });
      this.findings.push(...one.backup.findings);
      opened.push(one);
    }
    return opened;
  }

  private async walOfBackups(paths: string[]): Promise<string[]> {
    const folders: string[] = [];
    for (const source of paths) {
      const folder = await walOfBackup(this.options.caseDir, source);
      if (folder !== undefined) folders.push(folder);
    }
    return folders;
  }

  /** Removes layers, packs and temporary files that neither the manifest in hand names nor the one on disk, which a killed run leaves. */
  private removeUnnamed(manifest: Manifest): void {
    const named = new Set([...namesOf(manifest), ...this.namedOnDisk]);
    for (const folder of [this.layersDir, this.packsDir]) removeStrays(folder, named);
  }

  /** Reads every run of WAL that a backup can start from. */
  private async indexRuns(manifest: Manifest, wal: CaseWal, archive: WalArchive): Promise<void> {
    const starts = manifest.backups.map((backup) => backup.startLsn).sort((a, b) => a - b);
    const reached = (): Lsn => (manifest.runs.at(-1)?.endLsn ?? -1) as Lsn;
    this.dropRunsAfterMendedGap(manifest, wal, archive);
    // the last stripe may have been cut short by the end of the WAL that was there: it is read again
    this.reopenLastStripe(manifest, wal);
    rebuildDamagedLayers(manifest, this.options.caseDir, { wal, major: archive.major, systemIdentifier: archive.systemIdentifier }, this.options.repair === true);
    if (manifest.runs.length > 0) await this.indexRun(manifest, manifest.runs.at(-1)!, wal, archive);
    for (const start of starts) {
      if (start < reached()) continue;
      const run: ManifestRun = { startLsn: start, endLsn: start, endReason: '' };
      manifest.runs.push(run);
      await this.indexRun(manifest, run, wal, archive);
    }
  }

  /** A run that ended at a gap goes on where the missing WAL has come since; what was indexed behind the gap is then read again. */
  private dropRunsAfterMendedGap(manifest: Manifest, wal: CaseWal, archive: WalArchive): void {
    const mended = manifest.runs.slice(0, -1).findIndex((run) => {
      const reader = new XLogReader(wal, { major: archive.major, systemIdentifier: archive.systemIdentifier });
      reader.begin(run.endLsn);
      return reader.next(new XLogRecord()) !== null;
    });
    if (mended >= 0) dropRuns(manifest, mended + 1);
  }

  private reopenLastStripe(manifest: Manifest, wal: CaseWal): void {
    const layer = manifest.layers.at(-1);
    const run = manifest.runs.at(-1);
    if (!layer || !run || layer.endLsn >= stripeEnd(layer.startLsn)) return;
    if (!wal.coverage().some(({ start, end }) => start <= layer.startLsn && end >= run.endLsn)) throw walIsGone(layer.startLsn);
    manifest.layers.pop();
    run.endLsn = layer.startLsn;
    recount(manifest);
  }

  private async indexRun(manifest: Manifest, run: ManifestRun, wal: CaseWal, archive: WalArchive): Promise<void> {
    const lastWal = wal.coverage().at(-1)?.end ?? run.endLsn;
    const sourceOptions = this.sourceOptions(manifest, wal, archive);
    const next = this.shards ? mergedLayerSource(this.shards, sourceOptions) : openLayerSource(sourceOptions, stripesBetween(stripeStart(run.endLsn, run.startLsn), lastWal));
    let position = run.endLsn;
    // of a run that goes on, what it goes on from
    let previousLsn = manifest.layers.findLast(({ startLsn, lastLsn }) => lastLsn !== undefined && startLsn >= run.startLsn && startLsn < position)?.lastLsn ?? INVALID_LSN;
    try {
      try {
        for (;;) {
          await this.turn(position, run.startLsn, lastWal);
          const built = await this.orInterrupted(next.layer(stripeStart(position, run.startLsn)));
          if (previousLsn !== INVALID_LSN && built.firstPrevLsn !== INVALID_LSN && built.firstPrevLsn !== previousLsn) {
            this.endRun(manifest, run, { kind: 'damage', error: unjoined(position, built.firstPrevLsn, previousLsn) }, lastWal);
            return;
          }
          if (built.pack) namePack(manifest, built.pack);
          if (built.layer) this.nameLayer(manifest, run, built.layer);
          previousLsn = built.lastLsn === INVALID_LSN ? previousLsn : built.lastLsn;
          position = Math.max(built.position, position) as Lsn;
          if (built.end) {
            this.endRun(manifest, run, built.end, lastWal);
            return;
          }
          if (performance.now() - this.savedAt > SAVE_EVERY_MS) await this.save(manifest);
        }
      } finally {
        await next.close();
        this.removeUnnamed(manifest); // stripes that were begun ahead of the end: they may hold a full disk's last space
      }
    } catch (error) {
      await this.save(manifest); // what was indexed before
      throw error;
    }
  }

  /** Makes the layers that are named durable, then the manifest. */
  private async save(manifest: Manifest): Promise<void> {
    await this.syncing.done();
    writeManifest(this.options.caseDir, manifest);
    this.namedOnDisk = namesOf(manifest);
    this.savedAt = performance.now();
  }

  private sourceOptions(manifest: Manifest, wal: CaseWal, archive: WalArchive, packsOnly = false): LayerSourceOptions {
    const { caseDir, jobs = 1, threads } = this.options;
    return { wal, archive, jobs, threads, layersDir: this.layersDir, packing: { caseDir, form: manifest.walStore, packs: manifest.packs }, packsOnly };
  }

  /** Leaves out of the layers what the index shall not hold, and takes into them what it shall hold now. */
  private async select(manifest: Manifest, source: StripeSource): Promise<void> {
    const { caseDir, choose } = this.options;
    const only = this.options.only === undefined ? manifest.only : (this.options.only ?? undefined);
    const unmatched = await selectKeys({ caseDir, manifest, only, choose, source, save: () => this.save(manifest), turn: () => this.breathe() });
    if (only) manifest.only = only;
    else delete manifest.only;
    await this.save(manifest);
    for (const name of unmatched) this.findings.push({ code: 'only.unknown', message: `nothing in the archive is called ${name} so far` });
  }

  /** The map step: layers of a part of the stripes, and nothing else. */
  private async buildShard(manifest: Manifest, build: ShardBuild, wal: CaseWal, archive: WalArchive): Promise<IndexSummary> {
    const source = openLayerSource(this.sourceOptions(manifest, wal, archive), build.due);
    try {
      for (const from of build.due) {
        await this.turn(from, build.due[0]!, stripeEnd(build.due.at(-1)!));
        const built = await this.orInterrupted(source.layer(from));
        if (built.layer) this.syncing.begin(built.layer.name);
        await this.syncing.done();
        build.add(from, built);
        this.records += built.layer?.records ?? 0;
        this.walBytes += built.layer ? built.layer.endLsn - built.layer.startLsn : 0;
      }
    } finally {
      await source.close();
      build.save();
      this.takeFindings(archive);
      archive.close();
      wal.close();
    }
    const sum = (bytes: (stripe: ShardStripe) => number | undefined): number => build.stripes.reduce((total, stripe) => total + (bytes(stripe) ?? 0), 0);
    return { manifest, walBytes: this.walBytes, records: this.records, indexBytes: sum(({ layer }) => layer?.bytes), packBytes: sum(({ pack }) => pack?.bytes), findings: this.findings };
  }

  /** Packs what has no pack and should: stripes that were indexed while their WAL stayed in the archive, and those in which no record begins. */
  private async packRest(manifest: Manifest, wal: CaseWal, archive: WalArchive): Promise<void> {
    const options = this.sourceOptions(manifest, wal, archive, true);
    const packed = new Set(manifest.packs.map(({ startLsn }) => startLsn));
    for (const run of manifest.runs) {
      const starts = stripesBetween(run.startLsn, run.endLsn).filter((from) => !packed.has(packStart(from)) && isPacked(wal, from, options.packing));
      if (starts.length === 0) continue;
      const source = openLayerSource(options, starts);
      try {
        for (const from of starts) {
          await this.turn(from, run.startLsn, run.endLsn);
          const { pack } = await this.orInterrupted(source.layer(from));
          if (!pack || pack.endLsn < Math.min(run.endLsn, stripeEnd(from))) throw walIsGone((pack?.endLsn ?? from) as Lsn);
          namePack(manifest, pack);
          await this.save(manifest);
        }
      } finally {
        await source.close();
        this.removeUnnamed(manifest);
      }
    }
  }

  private nameLayer(manifest: Manifest, run: ManifestRun, layer: ManifestLayer): void {
    manifest.layers.push(layer);
    this.syncing.begin(layer.name);
    run.endLsn = layer.endLsn;
    recount(manifest);
    this.records += layer.records;
    this.walBytes += layer.endLsn - layer.startLsn;
    // at once, so that a run that is interrupted answers what it has
    if (manifest.backups.some((backup) => backup.consistentLsn === null && backup.startLsn < layer.endLsn)) this.findConsistency(manifest, [layer]);
  }

  private endRun(manifest: Manifest, run: ManifestRun, end: Pick<WalEnd, 'kind' | 'error'>, lastWal: Lsn): void {
    const findings = breakFindings(end, run, lastWal, manifest);
    run.endReason = end.error.message;
    if (findings.length > 0) run.archiveEndLsn = lastWal;
    else delete run.archiveEndLsn;
    this.findings.push(...findings);
  }

  /** Between two stripes: shows where the run is, and lets ^C in. */
  private async turn(position: Lsn, start: Lsn, end: Lsn): Promise<void> {
    this.options.onProgress?.(position, start, end);
    await this.breathe();
  }

  private async breathe(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.throwIfInterrupted();
  }

  private throwIfInterrupted(): void {
    if (!this.options.signal?.aborted) return;
    throw interruptedToResume();
  }

  /** What a worker is building is given up on ^C. */
  private async orInterrupted<T>(work: T | Promise<T>): Promise<T> {
    const { signal } = this.options;
    if (!(work instanceof Promise) || !signal) return work;
    let stop!: () => void;
    const interrupted = new Promise<void>((resolve) => (stop = resolve));
    signal.addEventListener('abort', stop);
    await Promise.race([work, interrupted]);
    signal.removeEventListener('abort', stop);
    this.throwIfInterrupted();
    return work;
  }

  /** What the archive has found, when it was opened or since, in whichever thread: each file once. */
  private takeFindings({ findings }: WalArchive): void {
    const known = new Set(this.findings.map(({ message }) => message));
    const fresh = new Map(findings.map((finding) => [finding.message, finding]));
    this.findings.push(...[...fresh.values()].filter(({ message }) => !known.has(message)).sort((a, b) => (a.message < b.message ? -1 : 1)));
  }

  /** Where each backup becomes consistent, by these layers: at its BACKUP_END record, or where its control file says. */
  private findConsistency(manifest: Manifest, among: ManifestLayer[]): void {
    const layers = new LayerMap(this.layersDir, among);
    manifest.backups.forEach((backup, i) => {
      if (among !== manifest.layers && backup.consistentLsn !== null) return;
      if (backup.path === manifest.cutoff?.backup) return; // what it needed has been dropped: it is below the cutoff now
      const candidate = consistencyPoint(this.backups[i]!, layers.events);
      const covered = candidate !== undefined && manifest.runs.some((run) => backup.startLsn >= run.startLsn && candidate <= run.endLsn);
      backup.consistentLsn = covered ? candidate : null;
    });
    layers.close();
  }
}

function union(known: string[] | undefined, added: string[]): string[] {
  return [...new Set([...(known ?? []), ...added.map((p) => path.resolve(p))])];
}
