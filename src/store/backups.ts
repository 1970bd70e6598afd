/** A case's base backups: opened in place, or re-encoded once into the case where they are compressed or incremental. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { backupForm, openBaseBackup, openPackedBackup, type BaseBackup } from '../archive/baseBackup.js';
import { combineBackups } from '../archive/combineBackups.js';
import { extractBackupWal, hasBackupPack, materialiseBackup, removeBackupCopy } from '../archive/materialise.js';
import { walFolderOfDataDirectory } from '../archive/walLayout.js';
import type { LayerEvent } from '../layerfile/deltaLayer.js';
import { explainFsError, removeStrays } from '../layerfile/durable.js';
import type { Manifest } from '../layerfile/manifest.js';
import type { RelFork } from '../pg/relFileLocator.js';
import { parseRelFilePath } from '../pg/relFilePath.js';
import { DEFAULTTABLESPACE_OID } from '../pg/relFileLocator.js';
import { inputError } from '../util/errors.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import { EventKind } from './layerEvents.js';
import type { BaseImages } from './sources.js';

const BACKUPS_FOLDER = 'backups';

/** Where the case keeps its own copy of a backup: by the path it came from. */
function localFolder(source: string): string {
  return path.join(BACKUPS_FOLDER, createHash('sha256').update(source).digest('hex').slice(0, 16));
}

export interface OpenCaseBackupOptions {
  /** Called while a compressed backup is copied, with the share done. What it throws ends the copying. */
  onProgress?: (share: number) => void;
  /** Looks at the opened backup; where it throws, a copy made for it is removed. */
  accept?: (backup: BaseBackup) => void;
}

export interface CaseBackup {
  backup: BaseBackup;
  /** The folder under the case that holds its copy, empty where it is read in place. */
  local: string;
}

/**
 * Opens a backup for the case, which must be the caller's to write to. An incremental backup is combined with the one before it, which is looked
 * for among `priors` (paths), into a copy of its own.
 * Throws what openBaseBackup(), materialiseBackup() and combineBackups() throw, and `backup.incremental` where the backup before is not given.
 */
export async function openCaseBackup(caseDir: string, source: string, priors: readonly string[], options: OpenCaseBackupOptions = {}): Promise<CaseBackup> {
  const readable = openReadableBackup(caseDir, source, options);
  if (readable) return readable;
  const local = localFolder(source);
  const folder = path.join(caseDir, local);
  const onProgress = (done: number, total: number): void => options.onProgress?.(done / Math.max(1, total));
  removeBackupCopy(folder); // what was unpacked, but not combined
  const isCompressed = backupForm(source) === 'compressed';
  if (isCompressed) await inCase(folder, () => materialiseBackup(source, folder, onProgress));
  try {
    const backup = accepted(isCompressed ? openPackedBackup(folder) : openBaseBackup(source), options);
    if (backup.incrementalFromLsn === undefined) return { backup, local };
    try {
      const prior = await openPrior(caseDir, backup, priors.filter((each) => each !== source), options);
      await inCase(folder, () => combineBackups(backup, prior, folder, onProgress));
      prior.close();
    } finally {
      backup.close();
    }
    return { backup: openPackedBackup(folder), local };
  } catch (error) {
    removeBackupCopy(folder);
    throw error;
  }
}

/** Opens a backup that needs no copy, or has it: undefined where openCaseBackup() would write to the case. Throws what that throws. */
export function openReadableBackup(caseDir: string, source: string, options: OpenCaseBackupOptions = {}): CaseBackup | undefined {
  const local = localFolder(source);
  const folder = path.join(caseDir, local);
  const hasCopy = hasBackupPack(folder);
  if (!hasCopy && backupForm(source) === 'compressed') return undefined;
  const backup = accepted(hasCopy ? openPackedBackup(folder) : openBaseBackup(source), options);
  if (backup.incrementalFromLsn === undefined) return { backup, local: hasCopy ? local : '' };
  backup.close();
  return undefined;
}

/** The backup that an incremental one builds upon: the one that starts where its label says. */
async function openPrior(caseDir: string, incremental: BaseBackup, sources: readonly string[], options: OpenCaseBackupOptions): Promise<BaseBackup> {
  const from = incremental.incrementalFromLsn!;
  for (const source of sources) {
    const { backup } = await openCaseBackup(caseDir, source, sources, { onProgress: options.onProgress });
    if (backup.startLsn === from && backup.systemIdentifier === incremental.systemIdentifier) return backup;
    backup.close();
  }
  throw inputError('backup.incremental', `${incremental.root}: this is an incremental backup, and the one before it, which starts at ${formatLsn(from)}, is not given`, { file: incremental.root },
    'name the whole chain with --backup, from the full backup on, or index what pg_combinebackup makes of it');
}

/** What fails while the case is written to, a full disk say, is told as such. */
async function inCase<T>(folder: string, work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainFsError(error, folder);
  }
}

function accepted(backup: BaseBackup, options: OpenCaseBackupOptions): BaseBackup {
  try {
    options.accept?.(backup);
    return backup;
  } catch (error) {
    backup.close();
    throw error;
  }
}

/** Removes the case's own copies of backups but those that the manifest names, or reads WAL from. */
export function removeUnnamedCopies(caseDir: string, { backups, wal }: Manifest): void {
  const folder = path.join(caseDir, BACKUPS_FOLDER);
  const used = [...backups.map(({ local }) => path.join(caseDir, local)), ...wal].map((each) => path.relative(folder, each).split(path.sep)[0]!);
  removeStrays(folder, new Set(used));
}

/** Opens a backup again that the manifest names. */
export function reopenCaseBackup(caseDir: string, source: string, local: string): BaseBackup {
  return local === '' ? openBaseBackup(source) : openPackedBackup(path.join(caseDir, local));
}

/** The WAL that came with a backup (pg_basebackup -X): its folder; undefined where it brought none. */
export async function walOfBackup(caseDir: string, source: string): Promise<string | undefined> {
  if (backupForm(source) === 'directory') return walFolderOfDataDirectory(source);
  const folder = path.join(caseDir, localFolder(source));
  return inCase(folder, () => extractBackupWal(source, folder));
}

/** A backup as the store reads it. */
export function backupImages(backup: BaseBackup): BaseImages {
  return {
    hintBitsLogged: backup.control.dataChecksumVersion > 0 || backup.control.walLogHints,
    dataChecksums: backup.control.dataChecksumVersion > 0,
    forkBlocks: (rel: RelFork) => backup.forkBlocks(rel),
    readBlock: (rel: RelFork, block: number, into: Uint8Array) => backup.readBlock(rel, block, into) === 'ok',
    readFile: (file: string) => backup.readFile(file),
    databaseOids: () => backup.listDatabases().filter((d) => d.spcOid === DEFAULTTABLESPACE_OID).map((d) => d.dbOid),
    forks: () => backupForks(backup),
  };
}

/** Every relation fork that a backup has files of, sorted by path. */
export function backupForks(backup: BaseBackup): RelFork[] {
  const forks: RelFork[] = [];
  for (const { path: file } of backup.listFiles()) {
    const parsed = parseRelFilePath(file);
    if (parsed?.segment === 0) forks.push(parsed.rel);
  }
  return forks;
}

/**
 * Where a backup becomes consistent: behind the XLOG_BACKUP_END record among `events` that names its start, else where it says itself. A standby
 * writes no such record, and its backups begin at the redo point of a checkpoint of the primary, at which one of the primary's may begin too.
 * Undefined where nothing tells. xlogrecovery_redo() and InitWalRecovery(), access/transam/xlogrecovery.c.
 */
export function consistencyPoint(backup: Pick<BaseBackup, 'startLsn' | 'consistentLsn' | 'label'>, events: readonly LayerEvent[]): Lsn | undefined {
  if (backup.label?.backupFrom === 'standby') return backup.consistentLsn;
  const end = events.find((event) => event.kind === EventKind.backupEnd && event.args[0] === backup.startLsn);
  return end ? (end.args[1] as Lsn) : backup.consistentLsn;
}
