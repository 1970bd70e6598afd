/** The files of one base backup, wherever they lie: a directory, tars, or a pack. One file a form. */
import type { Finding } from '../util/finding.js';

export interface BackupFile {
  /** Relative to the data directory; tablespaces as `pg_tblspc/OID/PG_…/…`. */
  path: string;
  bytes: number;
}

export interface BackupFiles {
  readonly form: 'directory' | 'tar' | 'pack';
  /** The path that was given, for messages. */
  readonly root: string;
  /** Where each tablespace was on the server, by the links of the backup; without entry where there is no link. */
  readonly links: ReadonlyMap<number, string>;
  readonly findings: Finding[];
  /** Bytes of a file; undefined where the backup has no such file. */
  size(path: string): number | undefined;
  /** Copies up to `length` bytes of an existing file from `position` into `into` at `at`; gives how many there were. */
  read(path: string, position: number, length: number, into: Uint8Array, at?: number): number;
  /** Every file that is relevant to replay, pg_wal left out. May take a walk over the whole backup. */
  list(): Iterable<BackupFile>;
  /** Tablespaces that the backup has the files of. */
  tablespaceOids(): number[];
  /** Database directories below a directory (`base`, `pg_tblspc/16400/PG_18_202506291`). */
  databaseOids(directory: string): number[];
  close(): void;
}

/** Directories of a data directory whose contents replay needs. */
const NEEDED_DIRECTORIES = new Set(['base', 'global', 'pg_tblspc', 'pg_xact', 'pg_multixact', 'pg_commit_ts', 'pg_twophase']);
const NEEDED_FILES = new Set(['PG_VERSION', 'backup_label', 'tablespace_map', 'backup_manifest']);

/** Whether replay may ask for a file: server logs, configuration, slots and the like are not read, nor is pg_wal here. */
export function isNeededPath(path: string): boolean {
  const slash = path.indexOf('/');
  return slash < 0 ? NEEDED_FILES.has(path) : NEEDED_DIRECTORIES.has(path.slice(0, slash));
}

/** `pg_tblspc/16400/rest` in its parts; undefined for other paths. */
export function tablespacePath(path: string): { oid: number; rest: string } | undefined {
  const match = /^pg_tblspc\/([1-9]\d{0,9})(?:\/(.*))?$/.exec(path);
  return match ? { oid: Number(match[1]), rest: match[2] ?? '' } : undefined;
}
