/** `walscope verify`: replay held against what the archive itself says pages were. Writes nothing but the copy of a compressed
 * backup to compare, which goes into the case. */
import type { BaseBackup } from '../archive/baseBackup.js';
import { asWriter } from '../layerfile/caseLock.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';
import { consistencyPoint, openCaseBackup, openReadableBackup, type OpenCaseBackupOptions } from './backups.js';
import type { CaseStore } from './caseStore.js';
import { interrupted } from './interrupted.js';
import { verifyInThreads } from './verifyPool.js';
import { mergeShards, type ShardReport, type VerifyReport } from './verifyReport.js';
import { backupBefore, verifyShard, type BackupToCompare, type VerifyPlan } from './verifyShard.js';

export interface VerifyOptions {
  /** Compare the images of wal_consistency_checking, and hint-bit images. */
  consistencyImages: boolean;
  hintImages: boolean;
  /** Compare the case's own later backups. */
  laterBackups: boolean;
  /** Another backup to compare. */
  against?: string;
  /** Threads; default 1: this thread alone. The report is the same for any number. */
  jobs?: number;
  /** For pages in hand, of all threads. */
  memoryBytes: number;
  /** Differences to keep with all that is known of them. */
  maxDifferences: number;
  onProgress?: (share: number, what: string) => void;
  /** Aborted on ^C. */
  signal?: AbortSignal;
}

/** Checks all that is asked for. Throws an input error where `against` cannot be read or is of another cluster. */
export async function verifyCase(store: CaseStore, options: VerifyOptions): Promise<VerifyReport> {
  const jobs = options.jobs ?? 1;
  const { consistencyImages, hintImages, maxDifferences } = options;
  const { backups, unchecked } = await backupsToCompare(store, options);
  const plan: VerifyPlan = { check: { consistencyImages, hintImages }, backups, memoryBytes: Math.floor(options.memoryBytes / jobs), maxDifferences };
  const report = mergeShards(jobs === 1 ? [await verifyHere(store, plan, options)] : await verifyInThreads(store.caseDir, plan, jobs, options), maxDifferences);
  if (store.coverage.length === 0) unchecked.unshift('anything: no base backup became consistent in the WAL that is indexed');
  return { ...report, unchecked: [...report.unchecked, ...unchecked] };
}

function verifyHere(store: CaseStore, plan: VerifyPlan, options: VerifyOptions): Promise<ShardReport> {
  return verifyShard(store, plan, { index: 0, count: 1 }, async (share, what) => {
    options.onProgress?.(share, what);
    await new Promise((resolve) => setImmediate(resolve));
    if (options.signal?.aborted) throw interrupted();
  });
}

async function backupsToCompare(store: CaseStore, options: VerifyOptions): Promise<{ backups: BackupToCompare[]; unchecked: string[] }> {
  if (options.against !== undefined) return { backups: [await otherBackup(store, options.against, options)], unchecked: [] };
  const backups = options.laterBackups ? ownBackups(store) : [];
  return { backups, unchecked: options.laterBackups && backups.length === 0 ? ['a later base backup: the case has none (name one with --against)'] : [] };
}

/** Each backup of the case but the first of its run, to hold against the one before it. */
function ownBackups(store: CaseStore): BackupToCompare[] {
  return store.manifest.backups
    .flatMap(({ path, local, startLsn, consistentLsn }) => (consistentLsn === null ? [] : [{ path, local, startLsn, endLsn: consistentLsn }]))
    .filter((later) => backupBefore(store, later) !== undefined);
}

async function otherBackup(store: CaseStore, source: string, options: VerifyOptions): Promise<BackupToCompare> {
  const opening: OpenCaseBackupOptions = {
    onProgress: (share) => {
      if (options.signal?.aborted) throw interrupted();
      options.onProgress?.(share, `copying ${source}`);
    },
    accept: (backup) => checkCluster(store, source, backup),
  };
  const { caseDir, manifest } = store;
  const { backup, local } = openReadableBackup(caseDir, source, opening)
    ?? await asWriter(caseDir, 'verify', () => openCaseBackup(caseDir, source, manifest.backups.map((each) => each.path), opening));
  try {
    const endLsn = consistencyPoint(backup, store.layers.events);
    const later = endLsn === undefined ? undefined : { path: source, local, startLsn: backup.startLsn, endLsn };
    if (later && backupBefore(store, later)) return later;
    throw new WalscopeError('verify.backup', `${source} cannot be checked: it was begun at ${formatLsn(backup.startLsn)}, and the case does not have an earlier base backup with all the WAL up to its end`, {
      exitCode: ExitCode.outsideCoverage, hint: 'index the WAL up to its end, and a base backup from before it',
    });
  } finally {
    backup.close();
  }
}

function checkCluster(store: CaseStore, source: string, backup: BaseBackup): void {
  if (String(backup.systemIdentifier) === store.manifest.systemIdentifier) return;
  throw new WalscopeError('cluster.mismatch', `${source} is of another cluster: system identifier ${backup.systemIdentifier}, not ${store.manifest.systemIdentifier}`, { hint: 'name a backup of the cluster that the case is of' });
}
