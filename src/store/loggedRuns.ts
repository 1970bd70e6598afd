/** Stretches of WAL written under wal_level = minimal, whose history is not whole: such WAL leaves out what a relation's first transaction wrote. */
import type { LayerEvent } from '../layerfile/deltaLayer.js';
import type { ManifestRun } from '../layerfile/manifest.js';
import { WAL_LEVEL_MINIMAL } from '../pg/checkPoint.js';
import type { Lsn } from '../util/lsn.js';
import { EventKind } from './layerEvents.js';

/** A stretch [from, to) under wal_level = minimal; `to` null: it goes on. */
export interface MinimalStretch {
  from: Lsn;
  to: Lsn | null;
}

/** The stretches, as the parameter change records bound them. */
export function minimalStretches(events: readonly LayerEvent[]): MinimalStretch[] {
  const stretches: MinimalStretch[] = [];
  for (const { kind, lsn, args } of events) {
    if (kind !== EventKind.parameterChange) continue;
    const open = stretches.at(-1)?.to === null ? stretches.at(-1) : undefined;
    if (args[0] === WAL_LEVEL_MINIMAL) {
      if (!open) stretches.push({ from: lsn, to: null });
    } else if (open) {
      open.to = lsn;
    }
  }
  return stretches;
}

/**
 * The runs without those stretches. Recovery stops at the first (xlog_redo() refuses to go on, and a backup from before it cannot be
 * carried past it): what comes later needs a base backup of its own.
 */
export function loggedRuns(runs: readonly ManifestRun[], events: readonly LayerEvent[]): ManifestRun[] {
  let parts = [...runs];
  for (const { from, to } of minimalStretches(events)) {
    parts = parts.flatMap((run) => {
      const end = to === null ? run.endLsn : Math.min(to, run.endLsn) as Lsn;
      if (from >= run.endLsn || end <= run.startLsn) return [run];
      const kept: ManifestRun[] = [];
      if (from > run.startLsn) kept.push({ startLsn: run.startLsn, endLsn: from, endReason: 'from here on the WAL was written under wal_level = minimal' });
      if (end < run.endLsn) kept.push({ ...run, startLsn: end });
      return kept;
    });
  }
  return parts;
}
