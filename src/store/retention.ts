/**
 * Retention: moves the first moment that can be answered, and drops what lies before. First the cutoff is written (the pages, sizes and files
 * that later moments build on), then the manifest names it instead of what is dropped, then the files go: killed anywhere, the case is as before or as after.
 */
import path from 'node:path';
import { removeStrays } from '../layerfile/durable.js';
import { imageFiles, writeManifest, type Manifest, type ManifestCutoff } from '../layerfile/manifest.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import { removeUnnamedCopies } from './backups.js';
import { type CaseStore, LAYERS_FOLDER } from './caseStore.js';
import { WAL_FOLDER } from './caseWal.js';
import { removeUnnamed } from './compactor.js';
import { CutoffImages } from './cutoffImages.js';
import { countCutoffPages, writeCutoff } from './cutoffWriter.js';
import { recount } from './runs.js';

/** What a cut at a moment drops. */
export interface CutPlan {
  lsn: Lsn;
  /** Files of layers, images and packed WAL that go, and their bytes. */
  files: number;
  bytes: number;
  /** Base backups that nothing needs any more. */
  backups: string[];
  /** Bytes of such files that stay; the cutoff comes on top. */
  keptBytes: number;
}

/** What dropping all before `lsn` would do. Throws `gc.pinned` where a pin needs it. */
export function planCut(store: CaseStore, lsn: Lsn): CutPlan {
  const { manifest } = store;
  const pin = manifest.pins?.find((each) => each.lsn < lsn);
  if (pin) {
    throw new WalscopeError('gc.pinned', `pin "${pin.name}" needs ${formatLsn(pin.lsn)}, which would be dropped (all before ${formatLsn(lsn)})`, {
      exitCode: ExitCode.usage, hint: `keep more, or walscope unpin ${pin.name}`,
    });
  }
  const after = cutManifest(manifest, lsn, bottomBackup(store, lsn), undefined);
  const filesOf = (of: Manifest): { name: string; bytes: number }[] => [...of.layers, ...imageFiles(of), ...of.packs];
  const stays = new Set(filesOf(after).map(({ name }) => name));
  const all = filesOf(manifest);
  const gone = all.filter(({ name }) => !stays.has(name));
  const sum = (files: readonly { bytes: number }[]): number => files.reduce((total, { bytes }) => total + bytes, 0);
  return {
    lsn, files: gone.length, bytes: sum(gone), keptBytes: sum(all) - sum(gone),
    backups: manifest.backups.filter(({ path: source }) => !after.backups.some((kept) => kept.path === source)).map(({ path: source }) => source),
  };
}

/** Cuts a case off at `lsn`, a moment that it answers; the store is closed. Gives the manifest that it has then. */
export function cutCase(store: CaseStore, lsn: Lsn): Manifest {
  const { caseDir, manifest } = store;
  const folder = path.join(caseDir, LAYERS_FOLDER);
  let after: Manifest;
  try {
    planCut(store, lsn);
    const bottom = bottomBackup(store, lsn);
    after = cutManifest(manifest, lsn, bottom, writeCutoff(store, lsn, folder, bottom));
  } finally {
    store.close();
  }
  writeManifest(caseDir, after);
  sweepCase(caseDir, after);
  return after;
}

/** Removes what the manifest does not name: what a cut dropped, and what a run that was killed left. */
export function sweepCase(caseDir: string, manifest: Manifest): void {
  removeUnnamed(path.join(caseDir, LAYERS_FOLDER), manifest);
  removeStrays(path.join(caseDir, WAL_FOLDER), new Set(manifest.packs.map(({ name }) => name)));
  removeUnnamedCopies(caseDir, manifest);
}

/** The path of the base backup under the cutoff: the nearest, or the one under the cutoff that is there. */
function bottomBackup(store: CaseStore, lsn: Lsn): string {
  const below = store.backupFor(lsn);
  if (below.images instanceof CutoffImages) return below.images.cutoff.backup;
  return store.manifest.backups.find(({ startLsn, consistentLsn }) => startLsn === below.redoLsn && consistentLsn === below.consistentLsn)!.path;
}

/** The manifest after a cut; without `cutoff` as a plan. */
function cutManifest(manifest: Manifest, lsn: Lsn, bottom: string, cutoff: ManifestCutoff | undefined): Manifest {
  // a backup that becomes consistent behind the cut replays what comes before it
  const waiting = manifest.backups.filter(({ consistentLsn }) => consistentLsn === null || consistentLsn > lsn);
  const from = waiting.reduce<number>((min, { startLsn }) => Math.min(min, startLsn), lsn) as Lsn;
  const layers = manifest.layers.filter(({ endLsn }) => endLsn > from);
  const runs = manifest.runs.filter(({ endLsn }) => endLsn > from || endLsn >= lsn).map((run) => {
    const first = layers.find(({ startLsn, endLsn }) => endLsn > run.startLsn && startLsn < run.endLsn);
    return { ...run, startLsn: Math.max(run.startLsn, Math.min(first?.startLsn ?? lsn, lsn)) as Lsn };
  });
  const images = manifest.images?.filter(({ endLsn }) => endLsn > lsn);
  const after: Manifest = {
    ...manifest, layers, runs, packs: manifest.packs.filter(({ endLsn }) => endLsn > from), backups: manifest.backups.filter((backup) => waiting.includes(backup) || backup.path === bottom),
  };
  recount(after);
  if (images && images.length > 0) after.images = images;
  else delete after.images;
  if (cutoff) after.cutoff = cutoff;
  else delete after.cutoff;
  return after;
}

/** The least cut that brings layers, images and packed WAL to at most `bytes`; undefined where they are no larger. Throws `gc.size` where no cut does. */
export function cutForSize(store: CaseStore, bytes: number): Lsn | undefined {
  const { manifest } = store;
  const total = [...manifest.layers, ...imageFiles(manifest), ...manifest.packs].reduce((sum, file) => sum + file.bytes, 0);
  if (total <= bytes) return undefined;
  const ends = [...new Set(manifest.layers.map(({ endLsn }) => endLsn))].filter((lsn) => store.coverage.some((range) => lsn >= range.firstLsn && lsn <= range.lastLsn)).sort((a, b) => a - b);
  for (const lsn of ends) if (planCut(store, lsn).keptBytes + cutoffBytes(store, lsn) <= bytes) return lsn;
  throw new WalscopeError('gc.size', `no cut brings the index from ${total} to ${bytes} bytes`, { exitCode: ExitCode.usage, hint: 'allow more' });
}

/** What a cutoff would take, about: a page of PostgreSQL's deflates to a quarter. */
function cutoffBytes(store: CaseStore, lsn: Lsn): number {
  return countCutoffPages(store, lsn) * 2048;
}
