/** A base backup as a directory: pg_basebackup -Fp, a copied data directory, or that of a stopped server. Read in place. */
import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve, sep } from 'node:path';
import type { Finding } from '../util/finding.js';
import { inputError } from '../util/errors.js';
import { isNeededPath, tablespacePath, type BackupFile, type BackupFiles } from './backupFiles.js';

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
    for (const name of statSync(links, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(links) : []) {
      if (/^[1-9]\d{0,9}$/.test(name)) this.addTablespace(Number(name), join(links, name), mapping);
    }
    for (const [oid, directory] of mapping) {
      if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
        throw inputError('backup.tablespace_missing', `${directory}: no such directory, given for tablespace ${oid}`, { file: directory }, 'give the directory that holds the copy of the tablespace');
      }
      this.tablespaces.set(oid, directory);
    }
  }

  private addTablespace(oid: number, path: string, mapping: ReadonlyMap<number, string>): void {
    const isLink = lstatSync(path).isSymbolicLink();
    if (isLink) this.links.set(oid, readlinkSync(path));
    if (mapping.has(oid)) return;
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat?.isDirectory()) return;
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
    const stat = place === undefined ? undefined : statSync(place, { throwIfNoEntry: false });
    return stat?.isFile() ? stat.size : undefined;
  }

  read(path: string, position: number, length: number, into: Uint8Array, at = 0): number {
    const fd = this.descriptor(path);
    let done = 0;
    while (done < length) {
      const got = readSync(fd, into, at + done, length - done, position + done);
      if (got === 0) break;
      done += got;
    }
    return done;
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
      fd = openSync(this.locate(path)!, 'r');
    }
    this.open.set(path, fd);
    return fd;
  }

  *list(): Iterable<BackupFile> {
    for (const name of readdirSync(this.root).sort()) {
      const stat = lstatSync(join(this.root, name));
      if (name === 'pg_tblspc') continue;
      if (stat.isFile() && isNeededPath(name)) yield { path: name, bytes: stat.size };
      else if (stat.isDirectory() && isNeededPath(`${name}/`)) yield* this.walk(join(this.root, name), name);
    }
    for (const [oid, directory] of this.tablespaces) yield* this.walk(directory, `pg_tblspc/${oid}`);
  }

  /** Links below the top are not followed: a backup has none but those of pg_tblspc. */
  private *walk(directory: string, prefix: string): Iterable<BackupFile> {
    for (const entry of readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = `${prefix}/${entry.name}`;
      if (entry.isDirectory()) yield* this.walk(join(directory, entry.name), path);
      else if (entry.isFile()) yield { path, bytes: statSync(join(directory, entry.name)).size };
    }
  }

  tablespaceOids(): number[] {
    return [...this.tablespaces.keys()].sort((a, b) => a - b);
  }

  databaseOids(directory: string): number[] {
    const place = this.locate(directory);
    if (place === undefined || !statSync(place, { throwIfNoEntry: false })?.isDirectory()) return [];
    return readdirSync(place).filter((name) => /^[1-9]\d{0,9}$/.test(name)).map(Number).sort((a, b) => a - b);
  }

  close(): void {
    for (const fd of this.open.values()) closeSync(fd);
    this.open.clear();
  }
}
