/**
 * `npm run bench`: walscope against its peers on the same bytes, interleaved in one run; prints ratios and writes them into
 * docs/benchmarks.md. Options: --mb N of WAL an archive (default 1000), --rounds N (default 3), --kinds A,B.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openWalArchive } from '../src/archive/walArchive.js';
import { scanWal } from '../src/pg/walScan.js';
import { walSegmentStart } from '../src/pg/walFileName.js';
import { ACCOUNT_KEY, BENCH_DATABASE, benchArchive, type BenchArchive, type BenchKind } from './archive.js';
import { gzippedWal, timeGzipped, type GzipTimes } from './gzipped.js';
import { intoDocs, median, root, run } from './measured.js';
import { scanText, timeTableScan } from './scan.js';
import { timeRecovery, timeWaldump } from './recovery.js';

const BRANCHES = 'SELECT * FROM pgbench_branches ORDER BY ctid';

/** The record scan alone, CRC verified, in one thread of this process. */
function timeScan(archive: BenchArchive): number {
  const began = performance.now();
  const wal = openWalArchive([archive.wal]);
  const first = wal.segments[0]!;
  const result = scanWal(wal.timelineWal(wal.timelines.at(-1)!), { major: wal.major, systemIdentifier: wal.systemIdentifier, from: walSegmentStart(first.segno, wal.segmentSize), onBatch: () => undefined });
  if (result.records === 0) throw new Error('the scan read no record');
  wal.close();
  return performance.now() - began;
}

interface Figures {
  kind: BenchKind;
  walMb: number;
  waldumpMs: number;
  scanMs: number;
  index1Ms: number;
  index2Ms: number;
  indexShare: number;
  indexPeakMb: number;
  firstAnswerMs: number;
  nextAnswerMs: number;
  compactedAnswerMs: number;
  keyMs: number;
  generousMs: number;
  defaultMs: number;
  gzip: GzipTimes;
}

async function measure(kind: BenchKind, walBytes: number, rounds: number): Promise<Figures> {
  const archive = await benchArchive({ kind, walBytes });
  const moment = archive.moments.find((m) => m.share >= 0.5)!;
  const other = archive.moments.at(-1)!;
  const scratch = mkdtempSync(join(tmpdir(), 'walscope-bench-case-'));
  const caseDir = join(scratch, 'case');
  const source = ['--backup', archive.backup.path, '--wal', archive.wal];
  const at = (lsn: string): string[] => ['asof', 'pgbench_branches', '-C', caseDir, '-d', BENCH_DATABASE, '--at', lsn, '--csv'];
  const samples: Record<'waldump' | 'scan' | 'index1' | 'index2' | 'first' | 'next' | 'key', number[]> = { waldump: [], scan: [], index1: [], index2: [], first: [], next: [], key: [] };
  const gzipped = await gzippedWal(archive), gzip: GzipTimes[] = [];
  let peak = 0, share = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      samples.waldump.push(await timeWaldump(archive));
      samples.scan.push(timeScan(archive));
      for (const jobs of [1, 2] as const) {
        rmSync(caseDir, { recursive: true, force: true });
        const index = await run(['index', ...source, '-C', caseDir, '--jobs', String(jobs)]);
        samples[jobs === 1 ? 'index1' : 'index2'].push(index.ms);
        peak = Math.max(peak, index.peakMb);
        share = Number(/([\d.]+) % of/.exec(index.stdout)![1]);
      }
      const first = await run(at(moment.lsn));
      if (first.stdout !== moment.branches) throw new Error(`the answer at ${moment.lsn} differs from the server's`);
      samples.first.push(samples.index2.at(-1)! + first.ms);
      const next = await run(at(other.lsn));
      if (next.stdout !== other.branches) throw new Error(`the answer at ${other.lsn} differs from the server's`);
      samples.next.push(next.ms);
      const key = await run(['asof', 'pgbench_accounts', '-C', caseDir, '-d', BENCH_DATABASE, '--at', moment.lsn, '--csv', '--key', String(ACCOUNT_KEY)]);
      if (key.stdout !== moment.account) throw new Error('the row by key differs from the server\'s');
      samples.key.push(key.ms);
      gzip.push(await timeGzipped(archive, gzipped, join(scratch, 'gzipped')));
      peak = Math.max(peak, first.peakMb, next.peakMb, key.peakMb);
    }
    await run(['compact', '-C', caseDir]);
    const compacted: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const answer = await run(at(other.lsn));
      if (answer.stdout !== other.branches) throw new Error('the answer after compact differs from the server\'s');
      compacted.push(answer.ms);
    }
    const recovery = async (mode: 'generous' | 'default'): Promise<number> => {
      const timing = await timeRecovery(archive, { lsn: moment.lsn }, mode, BRANCHES);
      if (timing.csv !== moment.branches) throw new Error('the recovered server shows something else');
      // the base copy is not counted in the generous mode
      return timing.recoverMs + timing.queryMs + (mode === 'default' ? timing.restoreMs : 0);
    };
    return {
      kind, walMb: archive.walBytes / 1e6, waldumpMs: median(samples.waldump), scanMs: median(samples.scan), index1Ms: median(samples.index1), index2Ms: median(samples.index2),
      indexShare: share, indexPeakMb: peak, firstAnswerMs: median(samples.first), nextAnswerMs: median(samples.next), compactedAnswerMs: median(compacted), keyMs: median(samples.key),
      generousMs: await recovery('generous'), defaultMs: await recovery('default'),
      gzip: { gunzipMs: median(gzip.map((g) => g.gunzipMs)), packedMs: median(gzip.map((g) => g.packedMs)), referenceMs: median(gzip.map((g) => g.referenceMs)), packShare: gzip[0]!.packShare },
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function startUp(): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 7; i++) times.push((await run(['--version'])).ms);
  return median(times);
}

function table(figures: Figures[]): string {
  const ratio = (a: number, b: number): string => `${(a / b).toFixed(2)}×`;
  const rows: [string, (f: Figures) => string][] = [
    ['WAL', (f) => `${f.walMb.toFixed(0)} MB`],
    ['`pg_waldump -q`', (f) => `${f.waldumpMs.toFixed(0)} ms`],
    ['record scan with CRC, 1 thread, of `pg_waldump -q`', (f) => ratio(f.scanMs, f.waldumpMs)],
    ['`index --jobs 1`, whole process, of `pg_waldump -q`', (f) => ratio(f.index1Ms, f.waldumpMs)],
    ['`index --jobs 2`, whole process, of `pg_waldump -q`', (f) => ratio(f.index2Ms, f.waldumpMs)],
    ['`gzip -dc` of the gzipped segments', ({ gzip }) => `${gzip.gunzipMs.toFixed(0)} ms`],
    ['`index --jobs 2` of them, packing the WAL as it does unless told otherwise: times as fast', ({ gzip }) => ratio(gzip.gunzipMs, gzip.packedMs)],
    ['… with `--wal-store reference`', ({ gzip }) => ratio(gzip.gunzipMs, gzip.referenceMs)],
    ['packed WAL, share of the WAL', ({ gzip }) => `${(gzip.packShare * 100).toFixed(1)} %`],
    ['index size, share of the WAL', (f) => `${f.indexShare.toFixed(2)} %`],
    ['peak memory, all commands', (f) => `${f.indexPeakMb.toFixed(0)} MB`],
    ['first answer (index + a table as of the middle)', (f) => `${f.firstAnswerMs.toFixed(0)} ms`],
    ['… sooner than real recovery at its most generous', (f) => ratio(f.generousMs, f.firstAnswerMs)],
    ['… sooner than real recovery with restore_command', (f) => ratio(f.defaultMs, f.firstAnswerMs)],
    ['next answer at another moment, a fresh process', (f) => `${f.nextAnswerMs.toFixed(0)} ms`],
    ['… sooner than real recovery at its most generous', (f) => ratio(f.generousMs, f.nextAnswerMs)],
    ['the same answer after `compact`, which keeps images of pages with many records', (f) => `${f.compactedAnswerMs.toFixed(0)} ms`],
    ['row by key, a fresh process', (f) => `${f.keyMs.toFixed(0)} ms`],
  ];
  const head = `| | ${figures.map((f) => `${f.kind}: ${f.kind === 'A' ? 'checkpoint-heavy' : 'small records'}`).join(' | ')} |\n|---|${figures.map(() => '---|').join('')}\n`;
  return head + rows.map(([name, value]) => `| ${name} | ${figures.map(value).join(' | ')} |\n`).join('');
}

const { values } = parseArgs({ options: { mb: { type: 'string', default: '1000' }, rounds: { type: 'string', default: '3' }, kinds: { type: 'string', default: 'A,B' } } });
execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
const figures: Figures[] = [];
for (const kind of values.kinds.split(',') as BenchKind[]) figures.push(await measure(kind, Number(values.mb) * 1e6, Number(values.rounds)));
const start = await startUp();
const scan = scanText(await timeTableScan(1_000_000, Number(values.rounds)));
const text = `${table(figures)}\n${scan}\n\nStart-up (\`walscope --version\`): ${start.toFixed(0)} ms. Node ${process.version}, ${cpus().length} cores; medians of ${values.rounds} interleaved rounds; every answer was compared with what the server had shown.\n`;
process.stdout.write(text);
intoDocs('bench', text);
