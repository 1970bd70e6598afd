/** What one thread of a verification does: its share of each walk through the WAL, and of each backup to compare. */
import type { ManifestRun } from '../layerfile/manifest.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import { backupForks, backupImages, reopenCaseBackup } from './backups.js';
import type { CaseStore } from './caseStore.js';
import type { UsableBackup } from './sources.js';
import { VerifyBackup } from './verifyBackup.js';
import { VerifyFindings, type ShardReport } from './verifyReport.js';
import type { Shard } from './verifyShards.js';
import { VerifyWalk, type WalCheck } from './verifyWal.js';

/** A base backup to compare, by where it is. */
export interface BackupToCompare {
  path: string;
  /** The folder of its copy in the case; empty where it is read in place. */
  local: string;
  startLsn: Lsn;
  /** Where it is consistent. */
  endLsn: Lsn;
}

/** What is to be done, for all threads alike; plain data. */
export interface VerifyPlan {
  check: WalCheck;
  backups: BackupToCompare[];
  /** For pages in hand, of one thread. */
  memoryBytes: number;
  maxDifferences: number;
}

/** Awaited now and then with the share that is done. */
export type Turn = (share: number, what: string) => Promise<void>;

const RECORDS_PER_TURN = 20_000;
/** A walk keeps pages of its own: what the store keeps beside is small. */
const STORE_CACHE_BYTES = 4 * 1024 * 1024;

/** The usable backup before `later`, in the same run of WAL. */
export function backupBefore(store: CaseStore, later: { startLsn: Lsn; endLsn: Lsn }): UsableBackup | undefined {
  const range = store.coverage.find(({ run, firstLsn }) => later.startLsn >= run.startLsn && later.endLsn <= run.endLsn && later.endLsn > firstLsn);
  return range && store.backupsIn(range.run).filter((each) => each.redoLsn < later.startLsn && each.consistentLsn <= later.endLsn).at(-1);
}

/** Does one thread's share of the plan. */
export async function verifyShard(store: CaseStore, plan: VerifyPlan, shard: Shard, turn: Turn): Promise<ShardReport> {
  const findings = new VerifyFindings(store.wal, plan.maxDifferences);
  const runs = plan.check.consistencyImages || plan.check.hintImages ? store.coverage.map(({ run }) => run) : [];
  const phases = runs.length + plan.backups.length;
  const inPhase: Turn = (share, what) => turn((findings.phase + share) / phases, what);
  for (const run of runs) {
    await walk(store, run, plan, shard, findings, inPhase);
    findings.phase++;
  }
  for (const later of plan.backups) {
    await compareBackup(store, later, shard, findings, inPhase);
    findings.phase++;
  }
  return findings.report;
}

async function walk(store: CaseStore, run: ManifestRun, plan: VerifyPlan, shard: Shard, findings: VerifyFindings, turn: Turn): Promise<void> {
  const first = store.backupsIn(run)[0]!;
  if (first.redoLsn > run.startLsn) findings.unchecked(`WAL from ${formatLsn(run.startLsn)} to ${formatLsn(first.redoLsn)}: it lies before the first base backup that can be used`);
  const part = new VerifyWalk({
    reader: store.newReader(), major: store.major, pages: store.pagesFrom(first, STORE_CACHE_BYTES), wal: store.wal, findings, check: plan.check,
    hintBitsLogged: store.hintBitsLogged(), consistentLsn: first.consistentLsn, memoryBytes: plan.memoryBytes, shard,
  });
  const total = Math.max(1, run.endLsn - first.redoLsn);
  await part.run(first.redoLsn, run.endLsn, RECORDS_PER_TURN, (position) => turn((position - first.redoLsn) / total, `replaying WAL at ${formatLsn(position)}`));
}

async function compareBackup(store: CaseStore, later: BackupToCompare, shard: Shard, findings: VerifyFindings, turn: Turn): Promise<void> {
  const earlier = backupBefore(store, later)!;
  const opened = reopenCaseBackup(store.caseDir, later.path, later.local);
  try {
    const compare = new VerifyBackup({
      pages: store.pagesFrom(earlier, STORE_CACHE_BYTES), floorLsn: earlier.redoLsn, findings, wal: store.wal, major: store.major, hintBitsLogged: store.hintBitsLogged(), reader: store.newReader(), shard,
      later: { ...later, images: backupImages(opened), forks: backupForks(opened) },
    });
    await compare.run((share) => turn(share, `comparing ${later.path}`));
  } finally {
    opened.close();
  }
}
