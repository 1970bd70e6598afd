/**
 * `npm run bench`: walscope against its peers on the same bytes, interleaved in one run; prints ratios and writes them into
 * docs/benchmarks.md. Options: --mb N,N… of WAL an archive, a column each (default 1000), --rounds N (default 3), --kinds A,B.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openWalArchive } from '../src/archive/walArchive.js';
import { scanWal } from '../src/pg/walScan.js';
import { walSegmentStart } from '../src/pg/walFileName.js';
import { ACCOUNT_KEY, BENCH_DATABASE, benchArchive, type BenchArchive, type BenchKind, type BenchMoment } from './archive.js';
import { gzippedWal, timeGzipped, type GzipTimes } from './gzipped.js';
import { intoDocs, median, root, run, settle } from './measured.js';
import { scanText, timeTableScan } from './scan.js';
import { timeRecovery, timeWaldump } from './recovery.js';
import { lateOf, middleOf, timeSession, type SessionTimes } from './session.js';

/** They are short, and a session that has answered a few questions is meant, not one whose code was never run. */
const SESSIONS_A_ROUND = 3;
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
  middle: MomentFigures;
  late: MomentFigures;
  session: SessionTimes;
  compactedSession: SessionTimes;
  keyMs: number;
  gzip: GzipTimes;
}

/** Of the whole table as of one moment. */
interface MomentFigures {
  /** `index` and the answer. */
  firstMs: number;
  nextMs: number;
  compactedMs: number;
  generousMs: number;
  defaultMs: number;
}

async function measure(kind: BenchKind, walBytes: number, rounds: number): Promise<Figures> {
  const archive = await benchArchive({ kind, walBytes });
  const moments = { middle: middleOf(archive), late: lateOf(archive) };
  const scratch = mkdtempSync(join(tmpdir(), 'walscope-bench-case-'));
  const caseDir = join(scratch, 'case');
  const source = ['--backup', archive.backup.path, '--wal', archive.wal];
  let peak = 0, share = 0;
  /** The table as of a moment, by a process of its own. */
  const answer = async (moment: BenchMoment): Promise<number> => {
    const { stdout, ms, peakMb } = await run(['asof', 'pgbench_branches', '-C', caseDir, '-d', BENCH_DATABASE, '--at', moment.lsn, '--csv']);
    if (stdout !== moment.branches) throw new Error(`the answer at ${moment.lsn} differs from the server's`);
    peak = Math.max(peak, peakMb);
    return ms;
  };
  const samples: Record<'waldump' | 'scan' | 'index1' | 'index2' | 'key' | `${'next' | 'compacted'}${'Middle' | 'Late'}`, number[]> = {
    waldump: [], scan: [], index1: [], index2: [], key: [], nextMiddle: [], nextLate: [], compactedMiddle: [], compactedLate: [],
  };
  const sessions: SessionTimes[] = [], compactedSessions: SessionTimes[] = [], gzip: GzipTimes[] = [];
  const gzipped = await gzippedWal(archive);
  try {
    for (let round = 0; round < rounds; round++) {
      settle(archive.wal);
      samples.scan.push(timeScan(archive));
      // pairs: pg_waldump goes before each of the runs that it is compared with
      for (const jobs of [1, 2, 2] as const) {
        rmSync(caseDir, { recursive: true, force: true });
        samples.waldump.push(await timeWaldump(archive));
        const index = await run(['index', ...source, '-C', caseDir, '--jobs', String(jobs)]);
        samples[jobs === 1 ? 'index1' : 'index2'].push(index.ms);
        peak = Math.max(peak, index.peakMb);
        share = Number(/([\d.]+) % of/.exec(index.stdout)![1]);
      }
      samples.nextMiddle.push(await answer(moments.middle));
      samples.nextLate.push(await answer(moments.late));
      for (let n = 0; n < SESSIONS_A_ROUND; n++) sessions.push(await timeSession(caseDir, archive));
      const key = await run(['asof', 'pgbench_accounts', '-C', caseDir, '-d', BENCH_DATABASE, '--at', moments.middle.lsn, '--csv', '--key', String(ACCOUNT_KEY)]);
      if (key.stdout !== moments.middle.account) throw new Error('the row by key differs from the server\'s');
      samples.key.push(key.ms);
      gzip.push(await timeGzipped(archive, gzipped, join(scratch, 'gzipped')));
      peak = Math.max(peak, key.peakMb);
    }
    await run(['compact', '-C', caseDir]);
    for (let round = 0; round < rounds; round++) {
      samples.compactedMiddle.push(await answer(moments.middle));
      samples.compactedLate.push(await answer(moments.late));
      for (let n = 0; n < SESSIONS_A_ROUND; n++) compactedSessions.push(await timeSession(caseDir, archive));
    }
    const index2Ms = median(samples.index2);
    const figuresOf = async (moment: BenchMoment, next: number[], compacted: number[]): Promise<MomentFigures> => ({
      firstMs: index2Ms + median(next), nextMs: median(next), compactedMs: median(compacted),
      generousMs: await recovery(archive, moment, 'generous'), defaultMs: await recovery(archive, moment, 'default'),
    });
    return {
      kind, walMb: archive.walBytes / 1e6, waldumpMs: median(samples.waldump), scanMs: median(samples.scan), index1Ms: median(samples.index1), index2Ms,
      indexShare: share, indexPeakMb: peak, keyMs: median(samples.key),
      middle: await figuresOf(moments.middle, samples.nextMiddle, samples.compactedMiddle), late: await figuresOf(moments.late, samples.nextLate, samples.compactedLate),
      session: medians(sessions), compactedSession: medians(compactedSessions), gzip: medians(gzip),
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Of a real recovery to the moment and its query; in the generous mode the copy of the base backup is not counted. */
async function recovery(archive: BenchArchive, moment: BenchMoment, mode: 'generous' | 'default'): Promise<number> {
  const timing = await timeRecovery(archive, { lsn: moment.lsn }, mode, BRANCHES);
  if (timing.csv !== moment.branches) throw new Error('the recovered server shows something else');
  return timing.recoverMs + timing.queryMs + (mode === 'default' ? timing.restoreMs : 0);
}

/** The median of each figure. */
function medians<T extends { [K in keyof T]: number }>(rounds: readonly T[]): T {
  return Object.fromEntries(Object.keys(rounds[0]!).map((name) => [name, median(rounds.map((round) => round[name as keyof T]))])) as T;
}

async function startUp(): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 7; i++) times.push((await run(['--version'])).ms);
  return median(times);
}

const ratio = (a: number, b: number): string => `${(a / b).toFixed(a / b < 20 ? 2 : 0)}×`;
const ms = (time: number): string => `${time.toFixed(time < 10 ? 1 : 0)} ms`;
const GENEROUS = '… sooner than real recovery at its most generous';

function momentRows(when: string, of: (f: Figures) => MomentFigures): [string, (f: Figures) => string][] {
  return [
    [`first answer (index + a table) as of ${when}`, (f) => ms(of(f).firstMs)],
    [GENEROUS, (f) => ratio(of(f).generousMs, of(f).firstMs)],
    ['… sooner than real recovery with restore_command', (f) => ratio(of(f).defaultMs, of(f).firstMs)],
    ['next answer, a fresh process, as of it', (f) => ms(of(f).nextMs)],
    [GENEROUS, (f) => ratio(of(f).generousMs, of(f).nextMs)],
    ['… after `compact`', (f) => ms(of(f).compactedMs)],
    [GENEROUS, (f) => ratio(of(f).generousMs, of(f).compactedMs)],
  ];
}

function table(figures: Figures[]): string {
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
    ...momentRows('the middle', (f) => f.middle),
    ...momentRows(`nine tenths of the WAL: something was just lost`, (f) => f.late),
    ['in a running session, as on screen: on to the middle, the quarter was looked at', (f) => ms(f.session.middleMs)],
    [GENEROUS, (f) => ratio(f.middle.generousMs, f.session.middleMs)],
    ['… on to nine tenths from there', (f) => ms(f.session.lateMs)],
    [GENEROUS, (f) => ratio(f.late.generousMs, f.session.lateMs)],
    ['… and back to the middle', (f) => ms(f.session.backMs)],
    [GENEROUS, (f) => ratio(f.middle.generousMs, f.session.backMs)],
    ['the same steps after `compact`, which keeps images of pages with many records', (f) => [f.compactedSession.middleMs, f.compactedSession.lateMs, f.compactedSession.backMs].map(ms).join(', ')],
    [GENEROUS, (f) => [ratio(f.middle.generousMs, f.compactedSession.middleMs), ratio(f.late.generousMs, f.compactedSession.lateMs), ratio(f.middle.generousMs, f.compactedSession.backMs)].join(', ')],
    ['row by key, a fresh process', (f) => `${f.keyMs.toFixed(0)} ms`],
  ];
  const head = `| | ${figures.map((f) => `${f.kind}: ${f.kind === 'A' ? 'checkpoint-heavy' : 'small records'}`).join(' | ')} |\n|---|${figures.map(() => '---|').join('')}\n`;
  return head + rows.map(([name, value]) => `| ${name} | ${figures.map(value).join(' | ')} |\n`).join('');
}

const { values } = parseArgs({ options: { mb: { type: 'string', default: '1000' }, rounds: { type: 'string', default: '3' }, kinds: { type: 'string', default: 'A,B' } } });
execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
const figures: Figures[] = [];
for (const mb of values.mb.split(',')) {
  for (const kind of values.kinds.split(',') as BenchKind[]) figures.push(await measure(kind, Number(mb) * 1e6, Number(values.rounds)));
}
const start = await startUp();
const scan = scanText(await timeTableScan(1_000_000, Number(values.rounds)));
const text = `${table(figures)}\n${scan}\n\nStart-up (\`walscope --version\`): ${start.toFixed(0)} ms. Node ${process.version}, ${cpus().length} cores; medians of ${values.rounds} interleaved rounds; every answer was compared with what the server had shown.\n`;
process.stdout.write(text);
intoDocs('bench', text);
