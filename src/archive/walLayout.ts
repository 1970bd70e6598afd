/**
 * How the files of a WAL archive lie on disk, as archive_command, pg_receivewal, pg_wal and Barman's `wals` leave it: any nesting, file names
 * that PostgreSQL gives, perhaps with a compression's suffix. What each file is, is said by its name; walArchive.ts looks at what is in it.
 */
import { basename, dirname, join } from 'node:path';
import { parseWalFileName, type WalFileName } from '../pg/walFileName.js';
import { inputError } from '../util/errors.js';
import { withoutCompressionSuffix } from './decompress.js';
import { listInput, realInput, statInput } from './inputFile.js';

/** A file that is one of the archive's by its name. */
export interface WalFileEntry {
  path: string;
  name: WalFileName;
  /** On disk. */
  bytes: number;
  /** In a server's pg_wal, where segments are preallocated, recycled and still being written. */
  live: boolean;
}

export interface WalListing {
  files: WalFileEntry[];
  /** Files that are nobody's. */
  ignored: string[];
}

/** Directories of pg_wal whose files are not WAL. */
const NOT_WAL = new Set(['archive_status', 'summaries']);

function entryOf(path: string, bytes: number, live: boolean): WalFileEntry | undefined {
  const plain = withoutCompressionSuffix(basename(path));
  // pg_receivewal puts `.partial` last: 000000010000000000000003.gz.partial
  const name = parseWalFileName(plain.endsWith('.partial') ? `${withoutCompressionSuffix(plain.slice(0, -8))}.partial` : plain);
  return name && { path, name, bytes, live };
}

function walk(directory: string, listing: WalListing, seen: Set<string>): void {
  const real = realInput(directory);
  if (seen.has(real)) return; // a link that leads back up
  seen.add(real);
  const entries = listInput(directory);
  const live = entries.some((entry) => entry.name === 'archive_status') || basename(real) === 'pg_wal';
  for (const entry of entries) {
    const path = join(directory, entry.name);
    const stat = statInput(path);
    if (stat?.isDirectory()) {
      if (!NOT_WAL.has(entry.name)) walk(path, listing, seen);
    } else {
      const found = stat?.isFile() ? entryOf(path, stat.size, live) : undefined;
      if (found) listing.files.push(found);
      else listing.ignored.push(path);
    }
  }
}

/** Lists one path that the user gave: a directory, a data directory (its pg_wal is meant) or a single file. Throws `wal.path`. */
export function listWalPath(path: string): WalListing {
  const hint = 'give the directory that archive_command fills, or a pg_wal directory';
  const stat = statInput(path);
  if (!stat) throw inputError('wal.path', `${path}: no such file or directory`, { file: path }, hint);
  if (stat.isFile()) {
    const entry = entryOf(path, stat.size, basename(dirname(path)) === 'pg_wal');
    if (!entry) throw inputError('wal.path', `${path} is not named as a WAL segment is`, { file: path }, hint);
    return { files: [entry], ignored: [] };
  }
  if (!stat.isDirectory()) throw inputError('wal.path', `${path} is no directory`, { file: path }, hint);
  const isDataDirectory = statInput(join(path, 'PG_VERSION')) && statInput(join(path, 'pg_wal'));
  const listing: WalListing = { files: [], ignored: [] };
  walk(isDataDirectory ? join(path, 'pg_wal') : path, listing, new Set());
  return listing;
}

/** The pg_wal of a data directory where it holds segments (`pg_basebackup -X` put them there); undefined otherwise. */
export function walFolderOfDataDirectory(directory: string): string | undefined {
  const folder = join(directory, 'pg_wal');
  const holdsWal = statInput(folder)?.isDirectory() === true && listInput(folder).some((entry) => parseWalFileName(entry.name)?.kind === 'segment');
  return holdsWal ? folder : undefined;
}

/** Whether anything is at a path that was given for a WAL archive. */
export function existsWalPath(path: string): boolean {
  return statInput(path) !== undefined;
}
