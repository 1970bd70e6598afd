/** Opens a case from its directory: the manifest, and the inputs that it names. */
import path from 'node:path';
import { reopenWalArchive, type SavedWalArchive } from '../archive/walArchive.js';
import { HeldFiles } from '../layerfile/heldFiles.js';
import { readManifest, type Manifest } from '../layerfile/manifest.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { backupImages, reopenCaseBackup } from './backups.js';
import { CaseStore, LAYERS_FOLDER, type CaseSources } from './caseStore.js';
import { CaseWal, WAL_FOLDER } from './caseWal.js';
import { layerFiles } from './layerFiles.js';
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
export function openSources(caseDir: string, manifest: Manifest, files?: HeldFiles): CaseSources {
  const archive = reopenWalArchive(manifest.walArchive as SavedWalArchive);
  const wal = new CaseWal(caseDir, manifest.packs, archive.timelineWal(manifest.timelines.at(-1)!.timeline), 'packs', files);
  const backups = manifest.backups.map((backup) => backupImages(reopenCaseBackup(caseDir, backup.path, backup.local)));
  return { wal, backups, files };
}

/**
 * Opens a case for questions, as it is at this moment: a writer may go on, its files are held. Throws `case.none` where the directory is none, and
 * what opening its inputs throws.
 */
export function openCase(caseDir: string, { onRead }: OpenCaseOptions = {}): CaseStore {
  for (;;) {
    const manifest = manifestOf(caseDir);
    const files = new HeldFiles(filesOf(caseDir, manifest));
    const wasReplaced = (): boolean => JSON.stringify(manifestOf(caseDir)) !== JSON.stringify(manifest);
    try {
      if (!files.isIncomplete || !wasReplaced()) {
        const sources = openSources(caseDir, manifest, files);
        return new CaseStore(caseDir, manifest, onRead ? watchedSources(sources, onRead) : sources);
      }
    } catch (error) {
      files.close();
      if (!wasReplaced()) throw error;
    }
    files.close();
  }
}

function filesOf(caseDir: string, manifest: Manifest): string[] {
  return [...layerFiles(manifest).map(({ name }) => path.join(caseDir, LAYERS_FOLDER, name)), ...manifest.packs.map(({ name }) => path.join(caseDir, WAL_FOLDER, name))];
}
