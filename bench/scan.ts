/**
 * A table of a million rows as of a moment, against the real server's `COPY … TO STDOUT` of the same table: rows a second of each, the
 * runs interleaved. The table lies in the base backup; afterwards the newest fiftieth of its rows was updated, so that the scan replays
 * WAL too. `npm run bench:scan` alone, or as a part of `npm run bench`.
 */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { takePlainBackup } from '../fixtures/postgres/backup.js';
import { PostgresServer } from '../fixtures/postgres/server.js';
import { DEBIAN_POSTGRES } from './archive.js';

const walscope = join(dirname(fileURLToPath(import.meta.url)), '..', 'bin', 'walscope.js');

const TABLE = `
CREATE TABLE orders (id bigint PRIMARY KEY, customer int, placed timestamptz, amount numeric(10,2), paid boolean, status text, note varchar(100));
INSERT INTO orders
  SELECT i, i % 50000, '2026-01-01'::timestamptz + i * interval '7.25 seconds', (i * 37 % 1000000) / 100.0, i % 3 = 0,
         (ARRAY['new', 'packed', 'sent', 'returned'])[1 + i % 4], CASE WHEN i % 5 > 0 THEN 'order ' || i || ' of customer ' || i % 50000 END
    FROM generate_series(1, $1) i;
`;

export interface ScanFigures {
  rows: number;
  serverMs: number;
  walscopeMs: number;
}

/** Runs a program to its end; gives its time and how many bytes it wrote. */
function timed(command: string, args: string[], env: NodeJS.ProcessEnv = process.env): Promise<{ ms: number; bytes: number }> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    let bytes = 0, stderr = '';
    child.stdout.on('data', (piece: Buffer) => (bytes += piece.length));
    child.stderr.on('data', (piece: Buffer) => (stderr += piece.toString()));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve({ ms: performance.now() - began, bytes }) : reject(new Error(`${command} ${args.join(' ')} ended with ${code}: ${stderr}`))));
  });
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** Medians of `rounds` interleaved runs; both sides are whole processes that write to a pipe, and must write as many bytes. */
export async function timeTableScan(rows: number, rounds: number): Promise<ScanFigures> {
  const scratch = mkdtempSync(join(tmpdir(), 'walscope-bench-scan-'));
  chmodSync(scratch, 0o755);
  const server = await PostgresServer.create({ major: 15, walDir: join(scratch, 'wal'), home: DEBIAN_POSTGRES, settings: { shared_buffers: '512MB', max_wal_size: '8GB', checkpoint_timeout: '1h', autovacuum: false } });
  try {
    await server.sql(TABLE.replace('$1', String(rows)));
    await server.sql('VACUUM FREEZE orders');
    const backup = await takePlainBackup(server, join(scratch, 'backup'));
    await server.sql(`UPDATE orders SET status = 'changed' WHERE id > ${rows - rows / 50}`);
    await server.archiveAll();
    const caseDir = join(scratch, 'case');
    await timed(process.execPath, [walscope, 'index', '--backup', backup.path, '--wal', server.walDir, '-C', caseDir]);
    const serverMs: number[] = [], walscopeMs: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const copy = await timed('psql', ['-X', '-h', server.root, '-U', 'postgres', '-c', 'COPY orders TO STDOUT (FORMAT csv, HEADER)']);
      const scan = await timed(process.execPath, [walscope, 'asof', 'orders', '-C', caseDir, '--csv', '--tz', 'UTC']);
      if (copy.bytes !== scan.bytes) throw new Error(`walscope wrote ${scan.bytes} bytes for the server's ${copy.bytes}`);
      if (round === 0) continue; // warms the caches of both
      serverMs.push(copy.ms);
      walscopeMs.push(scan.ms);
    }
    return { rows, serverMs: median(serverMs), walscopeMs: median(walscopeMs) };
  } finally {
    await server.destroy();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The figures in a sentence. */
export function scanText({ rows, serverMs, walscopeMs }: ScanFigures): string {
  const rate = (ms: number): string => `${(Math.round(rows / ms) * 1000).toLocaleString('en')} rows/s`;
  return `A table of ${rows.toLocaleString('en')} rows: \`COPY … TO STDOUT\` ${rate(serverMs)}, \`asof --csv\` ${rate(walscopeMs)}, whole processes: ${(serverMs / walscopeMs).toFixed(2)} of the server's rate.`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${scanText(await timeTableScan(1_000_000, 5))}\n`);
