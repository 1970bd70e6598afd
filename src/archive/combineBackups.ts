/** An incremental backup put together with the backup before it: pg_combinebackup's work, done once, when it is indexed. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { INCREMENTAL_PREFIX, MAX_INCREMENTAL_HEADER, parseIncrementalFile, type IncrementalFile } from '../pg/incrementalFile.js';
import { BLCKSZ } from '../pg/page.js';
import { inputError } from '../util/errors.js';
import { BackupPackWriter } from './backupPack.js';
import type { BaseBackup } from './baseBackup.js';
import { PACK_LINKS, PACK_NAME, type MaterialiseProgress } from './materialise.js';

/** Copied at a time. */
const PIECE_BYTES = 64 * BLCKSZ;

/**
 * Writes `into/backup.pack`: the files of `incremental`, the unchanged blocks of its `INCREMENTAL.` files taken from `prior`, which is whole
 * (a full backup, or one that was combined before). reconstruct_from_incremental_file(), bin/pg_combinebackup/reconstruct.c. Constant memory.
 * Throws `backup.increment` (a damaged file, or one that the backup before does not have).
 */
export function combineBackups(incremental: BaseBackup, prior: BaseBackup, into: string, onProgress?: MaterialiseProgress): void {
  mkdirSync(into, { recursive: true });
  const writer = new BackupPackWriter(join(into, PACK_NAME));
  try {
    const files = [...incremental.listFiles()];
    const total = files.reduce((sum, file) => sum + file.bytes, 0);
    let done = 0;
    for (const { path, bytes } of files) {
      const slash = path.lastIndexOf('/') + 1;
      if (path.startsWith(INCREMENTAL_PREFIX, slash)) {
        const target = path.slice(0, slash) + path.slice(slash + INCREMENTAL_PREFIX.length);
        writer.begin(target);
        writeReconstructed(incremental, prior, path, bytes, target, writer);
      } else {
        writer.begin(path);
        if (path === 'backup_label') writer.write(fullLabel(incremental));
        else copyFile(incremental, path, bytes, writer);
      }
      onProgress?.(done += bytes, total);
    }
    writer.begin(PACK_LINKS);
    writer.write(Buffer.from(JSON.stringify(Object.fromEntries(incremental.tablespaces.map(({ oid, location }) => [oid, location ?? '']).filter(([, location]) => location !== '')))));
    writer.finish();
  } catch (error) {
    writer.abort();
    throw error;
  }
}

/** The label as pg_combinebackup writes it: without the lines that make it an incremental backup's. */
function fullLabel(incremental: BaseBackup): Uint8Array {
  const text = Buffer.from(incremental.readFile('backup_label')!).toString('latin1');
  return Buffer.from(text.replace(/^INCREMENTAL FROM (LSN|TLI): .*\n/gm, ''), 'latin1');
}

function copyFile(from: BaseBackup, path: string, bytes: number, writer: BackupPackWriter): void {
  const piece = new Uint8Array(Math.min(bytes, PIECE_BYTES));
  for (let at = 0; at < bytes; at += piece.length) writer.write(piece.subarray(0, from.read(path, at, Math.min(piece.length, bytes - at), piece)));
}

function writeReconstructed(incremental: BaseBackup, prior: BaseBackup, path: string, bytes: number, target: string, writer: BackupPackWriter): void {
  const file = readIncrementalFile(incremental, path, bytes);
  const priorBytes = prior.fileSize(target);
  if (priorBytes === undefined && file.truncationBlocks > 0) {
    throw inputError('backup.increment', `${incremental.root}/${path}: the backup before it, ${prior.root}, has no ${target}`, { file: path }, 'fetch both backups again: pg_verifybackup names what is missing');
  }
  const priorBlocks = Math.min(file.truncationBlocks, Math.floor((priorBytes ?? 0) / BLCKSZ));
  const page = new Uint8Array(BLCKSZ);
  for (let block = 0; block < file.blocks; block++) {
    const at = file.pages.get(block);
    if (at !== undefined) incremental.read(path, at, BLCKSZ, page);
    else if (block < priorBlocks) prior.read(target, block * BLCKSZ, BLCKSZ, page);
    else page.fill(0);
    writer.write(page);
  }
}

function readIncrementalFile(incremental: BaseBackup, path: string, bytes: number): IncrementalFile {
  const head = new Uint8Array(Math.min(bytes, MAX_INCREMENTAL_HEADER));
  return parseIncrementalFile(head.subarray(0, incremental.read(path, 0, head.length, head)), bytes, `${incremental.root}/${path}`);
}
