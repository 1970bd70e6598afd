/** `walscope verify`: replay held against what the archive itself says pages were. Writes nothing but the copy of a compressed
 * backup to compare, which goes into the case. */
import type { ManifestRun } from '../layerfile/manifest.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import { backupForks, backupImages, openCaseBackup, reopenCaseBackup } from './backups.js';
import type { BaseBackup } from '../archive/baseBackup.js';
import type { CaseStore } from './caseStore.js';
import { EventKind } from './layerEvents.js';
import type { UsableBackup } from './sources.js';
import { VerifyBackup, type LaterBackup } from './verifyBackup.js';
import { VerifyFindings, type VerifyReport } from './verifyReport.js';
import { VerifyWalk } from './verifyWal.js';

export interface VerifyOptions {
  /** Compare the images of wal_consistency_checking, and hint-bit images. */
  consistencyImages: boolean;
  hintImages: boolean;
  /** Compare the case's own later backups. */
  laterBackups: boolean;
  /** Another backup to compare. */
  against?: string;
  /** For pages in hand. */
  memoryBytes: number;
  /** Differences to keep with all that is known of them. */
  maxDifferences: number;
  onProgress?: (share: number, what: string) => void;
  /** Aborted on ^C. */
  signal?: AbortSignal;
}

const RECORDS_PER_TURN = 20_000;
/** A walk keeps pages of its own: what the store keeps beside is small. */
const STORE_CACHE_BYTES = 4 * 1024 * 1024;

/** Checks all that is asked for. Throws an input error where `against` cannot be read or is of another cluster. */
export async function verifyCase(store: CaseStore, options: VerifyOptions): Promise<VerifyReport> {
  return new Verification(store, options).run();
}

class Verification {
  private readonly findings: VerifyFindings;

  constructor(private readonly store: CaseStore, private readonly options: VerifyOptions) {
    this.findings = new VerifyFindings(store.wal, options.maxDifferences);
  }

  async run(): Promise<VerifyReport> {
    const { store, options, findings } = this;
    if (store.coverage.length === 0) findings.unchecked('anything: no base backup became consistent in the WAL that is indexed');
    if (options.consistencyImages || options.hintImages) for (const { run } of store.coverage) await this.walk(run);
    if (options.laterBackups) await this.ownBackups();
    if (options.against !== undefined) await this.otherBackup(options.against);
    return findings.report;
  }

  private async walk(run: ManifestRun): Promise<void> {
    const { store, options, findings } = this;
    const first = store.backupsIn(run)[0]!;
    if (first.redoLsn > run.startLsn) findings.unchecked(`WAL from ${formatLsn(run.startLsn)} to ${formatLsn(first.redoLsn)}: it lies before the first base backup that can be used`);
    const walk = new VerifyWalk({
      reader: store.newReader(), major: store.major, pages: store.pagesFrom(first, STORE_CACHE_BYTES), findings,
      check: { consistencyImages: options.consistencyImages, hintImages: options.hintImages },
      hintBitsLogged: store.hintBitsLogged(), consistentLsn: first.consistentLsn, memoryBytes: options.memoryBytes,
    });
    await walk.run(first.redoLsn, run.endLsn, RECORDS_PER_TURN, (position) => {
      return this.turn((position - first.redoLsn) / Math.max(1, run.endLsn - first.redoLsn), `replaying WAL at ${formatLsn(position)}`);
    });
  }

  private async turn(share: number, what: string): Promise<void> {
    this.options.onProgress?.(share, what);
    await new Promise((resolve) => setImmediate(resolve));
    if (this.options.signal?.aborted) throw new WalscopeError('interrupted', 'interrupted', { exitCode: ExitCode.interrupted, hint: 'nothing was changed; run it again' });
  }

  /** Each backup of the case but the first of its run, against the one before it. */
  private async ownBackups(): Promise<void> {
    const { store, findings } = this;
    let compared = 0;
    for (const backup of store.manifest.backups) {
      if (backup.consistentLsn === null) continue;
      const later = { path: backup.path, startLsn: backup.startLsn, endLsn: backup.consistentLsn };
      const earlier = this.backupBefore(later);
      if (!earlier) continue;
      compared++;
      const opened = reopenCaseBackup(store.caseDir, backup.path, backup.local);
      await this.compareBackup(earlier, { ...later, images: backupImages(opened), forks: backupForks(opened) });
      opened.close();
    }
    if (compared === 0) findings.unchecked('a later base backup: the case has none (name one with --against)');
  }

  /** The usable backup before `later`, in the same run of WAL. */
  private backupBefore(later: { startLsn: Lsn; endLsn: Lsn }): UsableBackup | undefined {
    const range = this.store.coverage.find(({ run, firstLsn }) => later.startLsn >= run.startLsn && later.endLsn <= run.endLsn && later.endLsn > firstLsn);
    return range && this.store.backupsIn(range.run).filter((each) => each.redoLsn < later.startLsn && each.consistentLsn <= later.endLsn).at(-1);
  }

  private async otherBackup(source: string): Promise<void> {
    const { store } = this;
    const { backup } = await openCaseBackup(store.caseDir, source, { onProgress: (share) => this.options.onProgress?.(share, `copying ${source}`) });
    try {
      this.checkCluster(source, backup);
      const endLsn = this.consistentLsnOf(backup);
      const later = endLsn === undefined ? undefined : { path: source, startLsn: backup.startLsn, endLsn };
      const earlier = later && this.backupBefore(later);
      if (!later || !earlier) {
        throw new WalscopeError('verify.backup', `${source} cannot be checked: it was begun at ${formatLsn(backup.startLsn)}, and the case does not have an earlier base backup with all the WAL up to its end`, {
          exitCode: ExitCode.outsideCoverage, hint: 'index the WAL up to its end, and a base backup from before it',
        });
      }
      await this.compareBackup(earlier, { ...later, images: backupImages(backup), forks: backupForks(backup) });
    } finally {
      backup.close();
    }
  }

  private checkCluster(source: string, backup: BaseBackup): void {
    if (String(backup.systemIdentifier) === this.store.manifest.systemIdentifier) return;
    throw new WalscopeError('cluster.mismatch', `${source} is of another cluster: system identifier ${backup.systemIdentifier}, not ${this.store.manifest.systemIdentifier}`, { hint: 'name a backup of the cluster that the case is of' });
  }

  /** Where a backup is consistent: at its BACKUP_END record, else where it says itself. */
  private consistentLsnOf(backup: BaseBackup): Lsn | undefined {
    const end = this.store.layers.events.find((event) => event.kind === EventKind.backupEnd && event.args[0] === backup.startLsn);
    return end ? (end.args[1] as Lsn) : backup.consistentLsn;
  }

  private async compareBackup(earlier: UsableBackup, later: LaterBackup): Promise<void> {
    const { store } = this;
    const compare = new VerifyBackup(store.pagesFrom(earlier, STORE_CACHE_BYTES), earlier.redoLsn, later, this.findings, store.wal, store.major);
    await compare.run((share) => this.turn(share, `comparing ${later.path}`));
  }
}
