/** A base backup as a directory: pg_basebackup -Fp, a copied data directory, or that of a stopped server. Read in place. */
import { closeSync, readlinkSync } from 'node:fs';
import { isAbsolute, join, resolve, sep } from 'node:path';
import type { Finding } from '../util/finding.js';
import { inputError } from '../util/errors.js';
import { isNeededPath, tablespacePath, type BackupFile, type BackupFiles } from './backupFiles.js';
import { listInput, openInput, readInput, statInput } from './inputFile.js';

const OPEN_FILES = 64;

export class DirectoryBackup implements BackupFiles {
  readonly form = 'directory';
  readonly links = new Map<number, string>();
  readonly findings: Finding[] = [];
  /** Where each tablespace's files are read. */
  private readonly tablespaces = new Map<number, string>();
  private readonly open = new Map<string, number>();

  /** `mapping` says where tablespaces were copied to, by OID; else pg_tblspc leads to them. */
  constructor(readonly root: string, mapping: ReadonlyMap<number, string> = new Map()) {
    const links = join(root, 'pg_tblspc');
    for (const entry of statInput(links)?.isDirectory() ? listInput(links) : []) {
      if (/^[1-9]\d{0,9}$/.test(entry.name)) this.addTablespace(Number(entry.name), join(links, entry.name), entry.isSymbolicLink(), mapping);
    }
    for (const [oid, directory] of mapping) {
      if (!statInput(directory)?.isDirectory()) {
        throw inputError('backup.tablespace_missing', `${directory}: no such directory, given for tablespace ${oid}`, { file: directory }, 'give the directory that holds the copy of the tablespace');
      }
      this.tablespaces.set(oid, directory);
    }
  }

  private addTablespace(oid: number, path: string, isLink: boolean, mapping: ReadonlyMap<number, string>): void {
    if (isLink) this.links.set(oid, readlinkSync(path));
    if (mapping.has(oid)) return;
    if (!statInput(path)?.isDirectory()) return;
    this.tablespaces.set(oid, path);
    const target = isLink ? resolve(join(this.root, 'pg_tblspc'), this.links.get(oid)!) : path;
    const parent = resolve(this.root, '..') + sep;
    if (isLink && isAbsolute(this.links.get(oid)!) && !target.startsWith(parent)) {
      this.findings.push({
        code: 'backup.tablespace_outside',
        message: `tablespace ${oid} is read at ${target}, where the backup's link leads: if a server works there, that is not the backup's copy`,
        place: { file: path },
      });
    }
  }

  /** The place of a file on disk; undefined in a tablespace that is not there. */
  private locate(path: string): string | undefined {
    const inTablespace = tablespacePath(path);
    if (!inTablespace) return join(this.root, path);
    const directory = this.tablespaces.get(inTablespace.oid);
    return directory === undefined ? undefined : join(directory, inTablespace.rest);
  }

  size(path: string): number | undefined {
    const place = this.locate(path);
    const stat = place === undefined ? undefined : statInput(place);
    return stat?.isFile() ? stat.size : undefined;
  }

  read(path: string, position: number, length: number, into: Uint8Array, at = 0): number {
    return readInput(this.descriptor(path), path, position, length, into, at);
  }

  private descriptor(path: string): number {
    let fd = this.open.get(path);
    if (fd !== undefined) {
      this.open.delete(path);
    } else {
      if (this.open.size >= OPEN_FILES) {
        const [oldest, oldestFd] = this.open.entries().next().value!;
        closeSync(oldestFd);
        this.open.delete(oldest);
      }
      fd = openInput(this.locate(path)!);
    }
    this.open.set(path, fd);
    return fd;
  }

  *list(): Iterable<BackupFile> {
    for (const entry of listInput(this.root)) {
      const place = join(this.root, entry.name);
      if (entry.name === 'pg_tblspc') continue;
      if (entry.isFile() && isNeededPath(entry.name)) yield { path: entry.name, bytes: statInput(place)!.size };
      else if (entry.isDirectory() && isNeededPath(`${entry.name}/`)) yield* this.walk(place, entry.name);
    }
    for (const [oid, directory] of this.tablespaces) yield* this.walk(directory, `pg_tblspc/${oid}`);
  }

  /** Links below the top are not followed: a backup has none but those of pg_tblspc. */
  private *walk(directory: string, prefix: string): Iterable<BackupFile> {
    for (const entry of listInput(directory)) {
      const path = `${prefix}/${entry.name}`;
      if (entry.isDirectory()) yield* this.walk(join(directory, entry.name), path);
      else if (entry.isFile()) yield { path, bytes: statInput(join(directory, entry.name))!.size };
    }
  }

  tablespaceOids(): number[] {
    return [...this.tablespaces.keys()].sort((a, b) => a - b);
  }

  databaseOids(directory: string): number[] {
    const place = this.locate(directory);
    if (place === undefined || !statInput(place)?.isDirectory()) return [];
    return listInput(place).map((entry) => entry.name).filter((name) => /^[1-9]\d{0,9}$/.test(name)).map(Number).sort((a, b) => a - b);
  }

  close(): void {
    for (const fd of this.open.values()) closeSync(fd);
    this.open.clear();
  }
}
