/** Brings a compressed base backup into a form that can be read at any position, once, when it is indexed. */
import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseBackupManifest, type ManifestFile } from '../pg/backupManifest.js';
import { RELSEG_SIZE } from '../pg/relFilePath.js';
import { BLCKSZ } from '../pg/page.js';
import { parseWalFileName } from '../pg/walFileName.js';
import { inputError, WalscopeError } from '../util/errors.js';
import { isNeededPath } from './backupFiles.js';
import { BackupPackWriter, syncDirectory } from './backupPack.js';
import { openInput, readInput, statInput } from './inputFile.js';
import { ManifestChecksum } from './manifestChecksum.js';
import { BackupEntryPaths, tablespaceLink } from './tarEntryPaths.js';
import { findTars, type TarFile, type TarSet } from './tarFiles.js';
import type { TarEntry } from './tarHeader.js';
import { readTar, type TarSink } from './tarStream.js';

export const PACK_NAME = 'backup.pack';
/** Links of pg_tblspc, as JSON `{"16400": "/srv/ts"}`, in the pack. */
export const PACK_LINKS = '.walscope/tablespace_links';
/** No file that PostgreSQL reads at replay is larger than a relation's segment file. */
const MAX_FILE_BYTES = RELSEG_SIZE * BLCKSZ;

/** Compressed bytes done, of all there are. */
export type MaterialiseProgress = (done: number, total: number) => void;

/**
 * Streams the tars of a backup (any compression, or none) into `into/backup.pack`, and the WAL that came with them into
 * `into/pg_wal/`. Constant memory. A run that is broken off leaves nothing that openPackedBackup() would take. Throws `backup.not_one`,
 * what readTar() throws, `tar.link`, `tar.entry_size`, `backup.checksum` (a file is not what the manifest says).
 */
export async function materialiseBackup(path: string, into: string, onProgress?: MaterialiseProgress): Promise<void> {
  const set = findTars(path);
  if (!set) throw inputError('backup.not_one', `${path}: no base.tar here`, { file: path }, 'give the directory that pg_basebackup -Ft filled');
  mkdirSync(into, { recursive: true });
  if (set.wal) await readWal(set.wal, into, '');
  const writer = new BackupPackWriter(join(into, PACK_NAME));
  try {
    const total = set.tars.reduce((sum, tar) => sum + tar.bytes, 0);
    const links: Record<string, string> = {};
    const declared = declaredFiles(set);
    let done = 0;
    for (const tar of set.tars) {
      const wal = !set.wal && tar === set.tars[0] ? new WalSink(tar, into, 'pg_wal/') : undefined;
      try {
        const sink = new PackSink(tar, writer, wal, links, declared, (bytes) => onProgress?.(done + bytes, total));
        await readTar(tar, sink);
        sink.finish();
        wal?.finish();
      } catch (error) {
        wal?.abort();
        throw error;
      }
      done += tar.bytes;
    }
    if (set.manifest !== undefined) addFile(writer, 'backup_manifest', readWhole(set.manifest));
    addFile(writer, PACK_LINKS, Buffer.from(JSON.stringify(links)));
    writer.finish();
  } catch (error) {
    writer.abort();
    throw error;
  }
}

/** Whether a folder holds a whole pack: one that was broken off has another name. */
export function hasBackupPack(folder: string): boolean {
  return statInput(join(folder, PACK_NAME)) !== undefined;
}

/** Removes what materialiseBackup() left in a folder of the case. */
export function removeBackupCopy(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

function readWhole(path: string): Uint8Array {
  const fd = openInput(path);
  try {
    const bytes = new Uint8Array(fstatSync(fd).size);
    return bytes.subarray(0, readInput(fd, path, 0, bytes.length, bytes));
  } finally {
    closeSync(fd);
  }
}

function addFile(writer: BackupPackWriter, path: string, bytes: Uint8Array): void {
  writer.begin(path);
  writer.write(bytes);
}

/** The manifest's files by path; undefined where there is no manifest, or none that can be trusted. */
function declaredFiles(set: TarSet): Map<string, ManifestFile> | undefined {
  if (set.manifest === undefined) return undefined;
  try {
    return new Map(parseBackupManifest(readWhole(set.manifest), set.manifest).files.map((file) => [file.path, file]));
  } catch (error) {
    // openBaseBackup() reports a damaged manifest
    if (error instanceof WalscopeError) return undefined;
    throw error;
  }
}

/** Refuses contents that no base backup has, before they are read: a tar that inflates without end is one of those. */
function checkSize(tar: TarFile, entry: TarEntry, declared: ManifestFile | undefined): void {
  const expected = declared?.bytes;
  const hint = 'do not trust this archive: fetch the backup again';
  if (expected !== undefined && expected !== entry.bytes) {
    throw inputError('tar.entry_size', `${tar.path}: ${JSON.stringify(entry.path)} has ${entry.bytes} bytes, ${expected} by the backup's manifest`, { file: tar.path }, hint);
  }
  if (expected === undefined && entry.bytes > MAX_FILE_BYTES) {
    throw inputError('tar.entry_size', `${tar.path}: ${JSON.stringify(entry.path)} claims ${entry.bytes} bytes; a file of a base backup has at most ${MAX_FILE_BYTES}`,
      { file: tar.path }, 'if that is right (a large log file, say), unpack the tar and index the directory');
  }
}

class PackSink implements TarSink {
  private readonly paths: BackupEntryPaths;
  private toWal = false;
  private checksum: ManifestChecksum | undefined;

  constructor(
    private readonly tar: TarFile, private readonly writer: BackupPackWriter, private readonly wal: WalSink | undefined,
    private readonly links: Record<string, string>, private readonly declared: ReadonlyMap<string, ManifestFile> | undefined,
    readonly progress: (bytes: number) => void,
  ) {
    this.paths = new BackupEntryPaths(tar);
  }

  begin(entry: TarEntry): boolean {
    this.finish();
    this.toWal = this.wal?.begin(entry) ?? false;
    if (this.toWal) return true;
    const path = this.paths.of(entry);
    if (entry.type === 'symlink') {
      const oid = tablespaceLink(this.tar, entry, path);
      if (oid !== undefined) this.links[oid] = entry.target;
      return false;
    }
    const declared = this.declared?.get(path);
    checkSize(this.tar, entry, declared);
    if (entry.type !== 'file' || !isNeededPath(path)) return false;
    this.writer.begin(path);
    this.checksum = ManifestChecksum.of(declared);
    return true;
  }

  data(bytes: Uint8Array): void {
    this.checksum?.update(bytes);
    (this.toWal ? this.wal! : this.writer).write(bytes);
  }

  /** The last file has ended. */
  finish(): void {
    this.checksum?.verify(this.tar.path);
    this.checksum = undefined;
  }
}

/**
 * Writes the WAL that lies in a tar backup (pg_wal.tar, or pg_wal/ in base.tar) as plain files into `into/pg_wal/`; gives that
 * directory, or undefined where the backup holds none. Throws what readTar() throws.
 */
export async function extractBackupWal(path: string, into: string): Promise<string | undefined> {
  const set = findTars(path);
  if (!set) return undefined;
  const tar = set.wal ?? set.tars[0]!;
  return readWal(tar, into, tar === set.wal ? '' : 'pg_wal/');
}

async function readWal(tar: TarFile, into: string, prefix: string): Promise<string | undefined> {
  const sink = new WalSink(tar, into, prefix);
  try {
    await readTar(tar, { begin: (entry) => sink.begin(entry), data: (bytes) => sink.write(bytes) });
    return sink.finish();
  } catch (error) {
    sink.abort();
    throw error;
  }
}

/** Takes files with the names of WAL files alone, so that nothing can be written anywhere else. */
class WalSink {
  private readonly paths: BackupEntryPaths;
  private readonly directory: string;
  private fd = -1;
  private target = '';

  /** `prefix`: the directory of the WAL in the tar. */
  constructor(private readonly tar: TarFile, into: string, private readonly prefix: string) {
    this.paths = new BackupEntryPaths(tar);
    this.directory = join(into, 'pg_wal');
    rmSync(this.directory, { recursive: true, force: true });
  }

  begin(entry: TarEntry): boolean {
    this.endFile();
    const path = this.prefix === '' ? entry.path : this.paths.of(entry);
    if (entry.type === 'symlink') {
      tablespaceLink(this.tar, entry, path);
      return false;
    }
    const name = basename(path);
    if (entry.type !== 'file' || path !== `${this.prefix}${name}` || !parseWalFileName(name)) return false;
    checkSize(this.tar, entry, undefined);
    mkdirSync(this.directory, { recursive: true });
    this.target = join(this.directory, name);
    this.fd = openSync(`${this.target}.tmp`, 'w');
    return true;
  }

  write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) done += writeSync(this.fd, bytes, done);
  }

  private endFile(): void {
    if (this.fd === -1) return;
    fsyncSync(this.fd);
    closeSync(this.fd);
    this.fd = -1;
    renameSync(`${this.target}.tmp`, this.target);
  }

  /** Gives the directory, or undefined where there was no WAL. */
  finish(): string | undefined {
    this.endFile();
    if (this.target === '') return undefined;
    syncDirectory(this.directory);
    return this.directory;
  }

  abort(): void {
    if (this.fd !== -1) closeSync(this.fd);
    rmSync(this.directory, { recursive: true, force: true });
  }
}
