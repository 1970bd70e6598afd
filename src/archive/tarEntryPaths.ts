/** What the entries of a backup's tar are in the data directory. */
import { inputError } from '../util/errors.js';
import { tablespacePath } from './backupFiles.js';
import type { TarFile } from './tarFiles.js';
import type { TarEntry } from './tarHeader.js';

/** A path that has a data directory's own names in it, and what stands before them. */
const DATA_DIRECTORY = /^((?:[^/]+\/)*?)(?:(?:PG_VERSION|backup_label|tablespace_map|[a-z_]+\.conf)$|(?:base|global|pg_[a-z]+)(?:\/|$))/;

/**
 * Maps entries to paths below the data directory. pg_basebackup's tars begin there; a tar that somebody made of a data directory has a
 * folder before it, which the first entry with a known name tells.
 */
export class BackupEntryPaths {
  private prefix: string | undefined;

  constructor(private readonly tar: TarFile) {}

  of(entry: TarEntry): string {
    if (this.tar.tablespaceOid !== undefined) return `pg_tblspc/${this.tar.tablespaceOid}/${entry.path}`;
    this.prefix ??= DATA_DIRECTORY.exec(entry.path)?.[1];
    return this.prefix !== undefined && entry.path.startsWith(this.prefix) ? entry.path.slice(this.prefix.length) : entry.path;
  }
}

/**
 * The tablespace whose link an entry is; undefined for pg_wal's, which is left alone. Every other link is refused: `tar.link`.
 */
export function tablespaceLink(tar: TarFile, entry: TarEntry, path: string): number | undefined {
  const inTablespace = tablespacePath(path);
  if (inTablespace && inTablespace.rest === '') return inTablespace.oid;
  if (path === 'pg_wal') return undefined;
  throw inputError('tar.link', `${tar.path}: ${JSON.stringify(entry.path)} is a link to ${JSON.stringify(entry.target)}; links are not followed`, { file: tar.path },
    'a base backup has links in pg_tblspc only: unpack the tar yourself if you trust it, and index the directory');
}
