/** A gzipped WAL archive, against `gzip -dc` of the same files by one process. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BenchArchive } from './archive.js';
import { run, settle } from './measured.js';

const execute = promisify(execFile);
const NO_OUTPUT = { maxBuffer: 1 << 20 };

/** The archive's segments as `gzip` leaves them, made once beside it. */
export async function gzippedWal({ directory, wal, segments }: BenchArchive): Promise<string> {
  const folder = join(directory, 'gz');
  if (existsSync(folder)) return folder;
  const half = `${folder}.half`;
  rmSync(half, { recursive: true, force: true });
  mkdirSync(half);
  await execute('sh', ['-c', 'cd "$0" && out=$1 && shift && for name; do gzip -c "$name" > "$out/$name.gz" || exit 1; done', wal, half, ...segments], NO_OUTPUT);
  renameSync(half, folder);
  return folder;
}

export interface GzipTimes {
  gunzipMs: number;
  /** As it is done without asking: the WAL is packed. */
  packedMs: number;
  referenceMs: number;
  /** Packed bytes of a WAL byte. */
  packShare: number;
}

/** One round. `caseDir` is made anew. */
export async function timeGzipped(archive: BenchArchive, folder: string, caseDir: string): Promise<GzipTimes> {
  settle(folder);
  const began = performance.now();
  await execute('sh', ['-c', 'exec gzip -dc "$0"/*.gz > /dev/null', folder], NO_OUTPUT);
  const gunzipMs = performance.now() - began;
  const index = async (...options: string[]): Promise<{ ms: number; stdout: string }> => {
    rmSync(caseDir, { recursive: true, force: true });
    settle(folder);
    return run(['index', '--backup', archive.backup.path, '--wal', folder, '-C', caseDir, '--jobs', '2', ...options]);
  };
  const { ms: packedMs, stdout } = await index();
  const { ms: referenceMs } = await index('--wal-store', 'reference');
  return { gunzipMs, packedMs, referenceMs, packShare: Number(/packed WAL ([\d.]+) MB/.exec(stdout)![1]) * 1e6 / archive.walBytes };
}
