/**
 * `index --follow`: indexes again whenever the archive has changed. Each round is an index run like any other, so whatever may end it, what was
 * taken in stays, and a restart goes on there.
 */
import { WalWatch } from '../archive/watchWal.js';
import { readManifest } from '../layerfile/manifest.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import type { Finding } from '../util/finding.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import { indexCase } from './indexer.js';
import type { IndexOptions, IndexSummary } from './indexOptions.js';

export interface FollowOptions extends IndexOptions {
  /** Between two looks at the archive where the file system does not tell; default 5000 ms. */
  intervalMs?: number;
  /** Told after each round that took something in: where the WAL was known up to before and is now. */
  onTaken: (summary: IndexSummary, before: Lsn, reached: Lsn, ms: number) => void;
  /** Told once of what could not be used, when it still cannot after a while: a segment may be on its way. */
  onFinding: (finding: Finding) => void;
}

const INTERVAL_MS = 5000;
const BUSY = 'case.busy';
/** The archive changed while it was read, or has nothing yet, or another writer is at work: the next round will tell. */
const PASSING = new Set([BUSY, 'input.unreadable', 'wal.none', 'wal.segment_short', 'wal.segment_empty', 'wal.segment_zero']);

const reachedOf = (runs: readonly { endLsn: Lsn }[] | undefined): Lsn => (runs?.at(-1)?.endLsn ?? 0) as Lsn;

/** Follows until ^C, which it throws as an `interrupted` error; throws what indexCase() throws where waiting cannot help. */
export async function followArchive(options: FollowOptions): Promise<never> {
  const { caseDir, signal } = options;
  const watch = new WalWatch([...new Set([...(readManifest(caseDir)?.wal ?? []), ...options.wal])], options.intervalMs ?? INTERVAL_MS);
  const told = new Set<string>();
  let pending: Finding[] = [];
  try {
    let isBusy = false;
    for (let isChanged = true; ; isChanged = (await watch.changed(signal)) || isBusy) {
      if (signal?.aborted) throw stopped(reachedOf(readManifest(caseDir)?.runs));
      if (!isChanged) {
        for (const finding of pending.filter(({ message }) => !told.has(message))) {
          told.add(finding.message);
          options.onFinding(finding);
        }
        continue;
      }
      watch.note();
      pending = await round(options);
      isBusy = pending.some(({ code }) => code === BUSY);
    }
  } finally {
    watch.close();
  }
}

async function round(options: FollowOptions): Promise<Finding[]> {
  const before = reachedOf(readManifest(options.caseDir)?.runs);
  const started = performance.now();
  try {
    const summary = await indexCase(options);
    const reached = reachedOf(summary.manifest.runs);
    if (reached !== before) options.onTaken(summary, before, reached, performance.now() - started);
    return summary.findings;
  } catch (error) {
    if (error instanceof WalscopeError && PASSING.has(error.code)) return [{ code: error.code, message: error.message, place: error.options.place }];
    if (error instanceof WalscopeError && error.code === 'interrupted') throw stopped(reachedOf(readManifest(options.caseDir)?.runs));
    throw error;
  }
}

function stopped(reached: Lsn): WalscopeError {
  return new WalscopeError('interrupted', `stopped following; the WAL up to ${formatLsn(reached)} is indexed`, { exitCode: ExitCode.interrupted, hint: 'run the same command again: it goes on there' });
}
