/** Opens a case from its directory: the manifest, and the inputs that it names. */
import { reopenWalArchive, type SavedWalArchive } from '../archive/walArchive.js';
import { readManifest, type Manifest } from '../layerfile/manifest.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { backupImages, reopenCaseBackup } from './backups.js';
import { CaseStore, type CaseSources } from './caseStore.js';
import { CaseWal } from './caseWal.js';
import { watchedSources } from './watchedSources.js';

export interface OpenCaseOptions {
  /** Called before each read of WAL or of a backup's page; what it throws ends the question that reads. */
  onRead?: () => void;
}

/** The manifest of a case that must be there. Throws `case.none` where the directory is none. */
export function manifestOf(caseDir: string): Manifest {
  const manifest = readManifest(caseDir);
  if (manifest) return manifest;
  throw new WalscopeError('case.none', `${caseDir} is not a case directory`, { exitCode: ExitCode.input, hint: 'build one with walscope index --backup PATH --wal PATH -C DIR' });
}

/** Opens the inputs that a manifest names. Throws what opening them throws. */
export function openSources(caseDir: string, manifest: Manifest): CaseSources {
  const archive = reopenWalArchive(manifest.walArchive as SavedWalArchive);
  const wal = new CaseWal(caseDir, manifest.packs, archive.timelineWal(manifest.timelines.at(-1)!.timeline), 'packs');
  const backups = manifest.backups.map((backup) => backupImages(reopenCaseBackup(caseDir, backup.path, backup.local)));
  return { wal, backups };
}

/** Opens a case for questions. Throws `case.none` where the directory is none, and what opening its inputs throws. */
export function openCase(caseDir: string, { onRead }: OpenCaseOptions = {}): CaseStore {
  const manifest = manifestOf(caseDir);
  const sources = openSources(caseDir, manifest);
  return new CaseStore(caseDir, manifest, onRead ? watchedSources(sources, onRead) : sources);
}
