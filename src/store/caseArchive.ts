/** The WAL archive of a case that is indexed again: what of it is still there. */
import { existsWalPath } from '../archive/walLayout.js';
import { openWalArchive, reopenWalArchive, type SavedWalArchive, type WalArchive } from '../archive/walArchive.js';
import type { Manifest } from '../layerfile/manifest.js';
import { WalscopeError } from '../util/errors.js';

/**
 * Opens the archive at `paths`. Where the case holds packed WAL, paths that it knew before may be gone or empty: then the archive has no segments.
 * Throws what openWalArchive() throws otherwise.
 */
export function openCaseArchive(paths: readonly string[], systemIdentifier: bigint, known: Manifest | undefined): WalArchive {
  const saved = known?.walArchive as SavedWalArchive | undefined;
  const histories = new Map(saved?.histories);
  if (!known || !saved || known.packs.length === 0) return openWalArchive(paths, { systemIdentifier, histories });
  const there = paths.filter((path) => !known.wal.includes(path) || existsWalPath(path));
  if (there.length === 0) return reopenWalArchive({ ...saved, segments: [] });
  try {
    return openWalArchive(there, { systemIdentifier, histories });
  } catch (error) {
    if (error instanceof WalscopeError && error.code === 'wal.none' && there.every((path) => known.wal.includes(path))) return reopenWalArchive({ ...saved, segments: [] });
    throw error;
  }
}
