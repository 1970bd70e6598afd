import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unpackBackup } from '../fixtures/postgres/backup.js';
import { copyOut } from '../fixtures/postgres/copy.js';
import { PostgresServer, giveToServer, makeServerRoot, type Settings } from '../fixtures/postgres/server.js';
import { BENCH_DATABASE, DEBIAN_POSTGRES, type BenchArchive } from './archive.js';

function run(program: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}: ${stderr.slice(-500)}`))));
  });
}

/** Milliseconds of `pg_waldump --quiet` over all segments of the archive: every record read, its CRC checked, nothing printed. */
export async function timeWaldump(archive: BenchArchive): Promise<number> {
  const args = ['--quiet', '--path', archive.wal, archive.segments[0]!, archive.segments.at(-1)!];
  const began = performance.now();
  await run(join(DEBIAN_POSTGRES, 'bin', 'pg_waldump'), args);
  return performance.now() - began;
}

/**
 * `generous`: the best that a restore can do: fsync off, large buffers, the WAL in pg_wal already.
 * `default`: PostgreSQL's defaults and a restore_command that copies each segment.
 */
export type RecoveryMode = 'generous' | 'default';

export interface RecoveryTiming {
  /** Unpacking the base backup (and in `generous` mode placing the WAL): a user waits for it, too, but it is kept apart. */
  restoreMs: number;
  /** From starting the server until it accepts connections at the target. */
  recoverMs: number;
  queryMs: number;
  /** What the query's COPY printed. */
  csv: string;
}

const MODE_SETTINGS: Record<RecoveryMode, Settings> = {
  generous: { fsync: false, shared_buffers: '1GB', checkpoint_timeout: '1h', max_wal_size: '16GB', restore_command: 'false' },
  default: { fsync: true, shared_buffers: '128MB', checkpoint_timeout: '5min', max_wal_size: '1GB' },
};

/** A point-in-time recovery by real PostgreSQL to an LSN or a time, then `COPY (query)` of the bench database. */
export async function timeRecovery(archive: BenchArchive, target: { lsn: string } | { time: string }, mode: RecoveryMode, query: string): Promise<RecoveryTiming> {
  const root = makeServerRoot();
  const server = await PostgresServer.attach(15, root, DEBIAN_POSTGRES);
  try {
    const start = performance.now();
    unpackBackup(archive.backup, server.dataDir, join(root, 'tablespaces'));
    mkdirSync(join(server.dataDir, 'pg_wal', 'archive_status'), { recursive: true });
    if (mode === 'generous') for (const name of archive.segments) copyFileSync(join(archive.wal, name), join(server.dataDir, 'pg_wal', name));
    writeFileSync(join(server.dataDir, 'recovery.signal'), '');
    giveToServer(root, true);
    chmodSync(server.dataDir, 0o700);
    const settings: Settings = {
      restore_command: `cp "${archive.wal}/%f" "%p"`,
      ...MODE_SETTINGS[mode],
      unix_socket_directories: root,
      listen_addresses: '',
      archive_mode: false,
      autovacuum: false,
      hot_standby: false,
      recovery_target_action: 'promote',
      ...('lsn' in target ? { recovery_target_lsn: target.lsn, recovery_target_inclusive: false } : { recovery_target_time: target.time }),
    };
    const restored = performance.now();
    await server.start(settings);
    const recovered = performance.now();
    const csv = await server.session(BENCH_DATABASE, (session) => copyOut(session, `COPY (${query}) TO STDOUT (FORMAT csv, HEADER)`));
    const answered = performance.now();
    return { restoreMs: restored - start, recoverMs: recovered - restored, queryMs: answered - recovered, csv: csv.toString() };
  } finally {
    await server.destroy();
  }
}
