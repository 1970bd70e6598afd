/**
 * `npm run bench:curves`: what grows with the archive and what does not. Archives of one load (kind B) and growing length are indexed and
 * asked; the table goes into docs/benchmarks.md. Options: --mb 100,1000 (sizes of the archives), --rounds N (default 3).
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ACCOUNT_KEY, BENCH_DATABASE, benchArchive, type BenchArchive } from './archive.js';
import { intoDocs, median, run } from './measured.js';

interface Curve {
  walMb: number;
  index: { cpuMs: number; peakMb: number };
  caseMb: number;
  answers: { name: string; cpuMs: number; peakMb: number }[];
}

function megabytes(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0) / 1e6;
}

async function measure(archive: BenchArchive, rounds: number): Promise<Curve> {
  const scratch = mkdtempSync(join(tmpdir(), 'walscope-bench-curves-'));
  const inCase = ['-C', join(scratch, 'case')];
  const moment = archive.moments.find((m) => m.share >= 0.5)!;
  const at = ['-d', BENCH_DATABASE, '--at', moment.lsn, '--csv'];
  const questions: { name: string; args: string[]; expected?: string }[] = [
    { name: '`status`', args: ['status'] },
    { name: '`tables`', args: ['tables', '-d', BENCH_DATABASE, '--at', moment.lsn] },
    { name: 'a row by its key', args: ['asof', 'pgbench_accounts', ...at, '--key', String(ACCOUNT_KEY)], expected: moment.account },
    { name: 'a table of twenty rows, updated all the time', args: ['asof', 'pgbench_branches', ...at], expected: moment.branches },
  ];
  try {
    const index = await run(['index', '--backup', archive.backup.path, '--wal', archive.wal, ...inCase, '--jobs', '2']);
    const answers: Curve['answers'] = [];
    for (const { name, args, expected } of questions) {
      const runs = [];
      for (let round = 0; round < rounds; round++) runs.push(await run([...args, ...inCase]));
      if (expected !== undefined && runs[0]!.stdout !== expected) throw new Error(`${args.join(' ')} differs from what the server showed`);
      answers.push({ name, cpuMs: median(runs.map((each) => each.cpuMs)), peakMb: Math.max(...runs.map((each) => each.peakMb)) });
    }
    return { walMb: archive.walBytes / 1e6, index, caseMb: megabytes(join(scratch, 'case')), answers };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function table(curves: Curve[]): string {
  const rows: [string, (curve: Curve) => string][] = [
    ['`index --jobs 2`, processor time a GB of WAL', (c) => `${(c.index.cpuMs / c.walMb).toFixed(2)} s`],
    ['`index --jobs 2`, peak memory', (c) => `${c.index.peakMb.toFixed(0)} MB`],
    ['the case, of the WAL', (c) => `${(c.caseMb / c.walMb * 100).toFixed(2)} %`],
    ...curves[0]!.answers.map(({ name }, i): [string, (curve: Curve) => string] => [name, (c) => `${c.answers[i]!.cpuMs.toFixed(0)} ms, peak ${c.answers[i]!.peakMb.toFixed(0)} MB`]),
  ];
  const head = `| | ${curves.map((c) => `${c.walMb.toFixed(0)} MB of WAL`).join(' | ')} |\n|---|${curves.map(() => '---|').join('')}\n`;
  return head + rows.map(([name, value]) => `| ${name} | ${curves.map(value).join(' | ')} |\n`).join('');
}

const { values } = parseArgs({ options: { mb: { type: 'string', default: '100,1000' }, rounds: { type: 'string', default: '3' } } });
const curves: Curve[] = [];
for (const mb of values.mb.split(',')) curves.push(await measure(await benchArchive({ kind: 'B', walBytes: Number(mb) * 1e6 }), Number(values.rounds)));
const text = table(curves);
process.stdout.write(text);
intoDocs('bench:curves', text);
