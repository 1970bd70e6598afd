/** The tars that make up one base backup, and what lies where in those that are not compressed. */
import { closeSync, fstatSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { inputError, type WalscopeError } from '../util/errors.js';
import { hasCompressionSuffix, readHead, sniffCompression, unsupportedCompression, withoutCompressionSuffix, type Compression } from './decompress.js';
import { listInput, openInput, readInput, statInput } from './inputFile.js';
import { paddedBytes, TAR_BLOCK, TarHeaders, type TarEntry } from './tarHeader.js';

export interface TarFile {
  path: string;
  compression: Compression;
  /** On disk. */
  bytes: number;
  /** Of the tablespace that it holds; undefined: the data directory itself. */
  tablespaceOid: number | undefined;
}

export interface TarSet {
  /** The data directory's tar first, then the tablespaces'. */
  tars: TarFile[];
  /** pg_wal.tar, in whatever compression. */
  wal: TarFile | undefined;
  manifest: string | undefined;
}

/**
 * The tars of a backup: `path` is a directory as pg_basebackup -Ft leaves it, or a tar of a data directory. Undefined where it is neither. Throws
 * `compression.unsupported` for tars that cannot be read.
 */
export function findTars(path: string): TarSet | undefined {
  const isFile = statInput(path)?.isFile() ?? false;
  const directory = isFile ? dirname(path) : path;
  const names = listInput(directory).map((entry) => entry.name);
  const named = (pattern: RegExp): string[] => names.filter((name) => pattern.test(withoutCompressionSuffix(name)));
  const base = isFile ? basename(path) : pickOne(directory, named(/^base\.tar$/));
  if (base === undefined || (isFile && !/\.(tar|tgz)$/.test(withoutCompressionSuffix(base)))) return undefined;
  const tars = [openTar(join(directory, base), undefined)];
  // another name than base.tar: somebody's tar of a data directory, which stands alone
  if (withoutCompressionSuffix(base) !== 'base.tar') return { tars, wal: undefined, manifest: undefined };
  const oids = new Set(named(/^[1-9]\d{0,9}\.tar$/).map((name) => withoutCompressionSuffix(name)));
  for (const oid of oids) tars.push(openTar(join(directory, pickOne(directory, names.filter((name) => withoutCompressionSuffix(name) === oid))!), parseInt(oid, 10)));
  const wal = pickOne(directory, named(/^pg_wal\.tar$/));
  return {
    tars,
    wal: wal === undefined ? undefined : openTar(join(directory, wal), undefined),
    manifest: names.includes('backup_manifest') ? join(directory, 'backup_manifest') : undefined,
  };
}

/** Of `base.tar` and `base.tar.gz` side by side the plain one. */
function pickOne(directory: string, names: string[]): string | undefined {
  const files = names.filter((name) => statInput(join(directory, name))?.isFile());
  return files.find((name) => !hasCompressionSuffix(name)) ?? files[0];
}

function openTar(path: string, tablespaceOid: number | undefined): TarFile {
  const fd = openInput(path);
  try {
    const kind = sniffCompression(readHead(fd, path));
    if (kind !== 'none' && kind !== 'gzip' && kind !== 'zstd' && kind !== 'lz4') throw unsupportedCompression(path, kind);
    return { path, compression: kind, bytes: fstatSync(fd).size, tablespaceOid };
  } finally {
    closeSync(fd);
  }
}

/** An entry and where its content begins. */
export interface LocatedEntry extends TarEntry {
  offset: number;
}

export function truncatedTar(file: string, what: string): WalscopeError {
  return inputError('tar.truncated', `${file}: ${what}: the tar is cut off`, { file }, 'fetch the backup again: what is missing cannot be guessed');
}

/**
 * Walks the headers of an uncompressed tar, contents skipped. Throws what TarHeaders does, and `tar.truncated` where the file ends before
 * the archive does.
 */
export function* scanTar(fd: number, file: string): Iterable<LocatedEntry> {
  const { size } = fstatSync(fd);
  const headers = new TarHeaders(file);
  const block = new Uint8Array(TAR_BLOCK);
  let where = 'before its first entry';
  for (let at = 0; ;) {
    if (readInput(fd, file, at, TAR_BLOCK, block) < TAR_BLOCK) throw truncatedTar(file, `it ends ${where}`);
    const step = headers.header(block);
    at += TAR_BLOCK;
    if (step.kind === 'end') return;
    if (step.kind === 'meta') {
      const content = new Uint8Array(step.bytes);
      if (readInput(fd, file, at, step.bytes, content) < step.bytes) throw truncatedTar(file, 'it ends within a name');
      headers.meta(content);
      at += paddedBytes(step.bytes);
      continue;
    }
    if (at + step.entry.bytes > size) throw truncatedTar(file, `it ends within ${JSON.stringify(step.entry.path)}`);
    yield { ...step.entry, offset: at };
    at += paddedBytes(step.entry.bytes);
    where = `after ${JSON.stringify(step.entry.path)}`;
  }
}
