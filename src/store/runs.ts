/** The runs of WAL that a manifest names, when what was indexed no longer holds. */
import type { TimelineSpan } from '../pg/historyFile.js';
import type { Manifest, ManifestPack } from '../layerfile/manifest.js';
import type { Lsn } from '../util/lsn.js';

/** Sets the manifest's sums. */
export function recount(manifest: Manifest): void {
  manifest.records = manifest.layers.reduce((sum, layer) => sum + layer.records, 0);
  manifest.walBytes = manifest.runs.reduce((sum, run) => sum + run.endLsn - run.startLsn, 0);
}

function dropLayers(manifest: Manifest, behind: number): void {
  manifest.layers = manifest.layers.filter((layer) => layer.endLsn <= behind);
  if (manifest.images) manifest.images = manifest.images.filter((images) => images.endLsn <= behind);
}

/** Forgets the runs after the first `keep`, and their layers; the packs stay: they may be all that is left of the WAL. */
export function dropRuns(manifest: Manifest, keep: number): void {
  const endLsn = keep === 0 ? 0 : manifest.runs[keep - 1]!.endLsn;
  manifest.runs.length = keep;
  dropLayers(manifest, endLsn);
  recount(manifest);
}

/** The first position that two histories lead to by different timelines; undefined where they are the same. */
export function divergence(before: readonly TimelineSpan[], now: readonly TimelineSpan[]): Lsn | undefined {
  for (let i = 0; i < Math.max(before.length, now.length); i++) {
    const [a, b] = [before[i], now[i]];
    if (!a || !b || a.timeline !== b.timeline) return (a ?? b)!.start;
    if (a.end !== b.end) return Math.min(a.end, b.end) as Lsn;
  }
  return undefined;
}

/** Forgets what was indexed and packed behind `lsn`, where the WAL goes on along another timeline. */
export function dropBehind(manifest: Manifest, lsn: Lsn): void {
  dropLayers(manifest, lsn);
  manifest.packs = manifest.packs.filter((pack) => pack.startLsn < lsn).map((pack) => ({ ...pack, endLsn: Math.min(pack.endLsn, lsn) as Lsn }));
  manifest.runs = manifest.runs.filter((run) => run.startLsn < lsn);
  for (const [i, run] of manifest.runs.entries()) {
    const nextStart = manifest.runs[i + 1]?.startLsn ?? Infinity;
    const reached = manifest.layers.filter((layer) => layer.startLsn >= run.startLsn && layer.startLsn < nextStart).reduce((end, layer) => Math.max(end, layer.endLsn), run.startLsn as number);
    run.endLsn = Math.min(run.endLsn, reached) as Lsn;
  }
  recount(manifest);
}

/** Names a pack, instead of one of the same stripe that ended earlier. */
export function namePack(manifest: Manifest, pack: ManifestPack): void {
  manifest.packs = [...manifest.packs.filter((other) => other.startLsn !== pack.startLsn), pack].sort((a, b) => a.startLsn - b.startLsn);
}
