/** walscope index: builds or extends a case. */
import fs from 'node:fs';
import path from 'node:path';
import { readManifest, type WalStoreForm } from '../layerfile/manifest.js';
import { chooseFiles, selectionNames } from '../query/selection.js';
import { followArchive } from '../store/follow.js';
import { indexCase } from '../store/indexer.js';
import { IndexThreads, type IndexThread } from '../store/indexThreads.js';
import type { IndexOptions } from '../store/indexOptions.js';
import type { ShardPart } from '../store/shards.js';
import { STRIPE_BYTES } from '../store/stripes.js';
import { formatBytes, parseBytes, formatCount } from '../output/units.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';
import { formatTimestamptz } from '../util/pgTime.js';
import { UTC } from '../util/timeZone.js';
import { newCase, reportFindings, type CommonOptions } from './context.js';
import { parseJobs } from './jobs.js';
import { longRunning } from './longRunning.js';
import type { Progress } from './progress.js';

export interface IndexCommandOptions extends CommonOptions {
  backup?: string[];
  wal?: string[];
  only?: string[];
  jobs?: string;
  walStore?: string;
  repair?: boolean;
  memory?: string;
  follow?: boolean;
  shard?: string;
  merge?: string[];
  interval?: string;
  progress?: boolean;
}

const DEFAULT_SEGMENT_BYTES = 16 * 1024 * 1024;

/** What one thread takes at most: a stripe's keys, the scan's buffers and the engine itself. */
const THREAD_BYTES = 160 * 1024 * 1024;

/** Worker threads that the memory budget carries. */
function jobsWithin(jobs: number, memory: string | undefined): number {
  const budget = parseBytes(memory ?? '512MB', '--memory');
  return Math.max(1, Math.min(jobs, Math.floor(budget / THREAD_BYTES)));
}

function parseWalStore(store: string | undefined): WalStoreForm | undefined {
  if (store === undefined || store === 'auto' || store === 'reference' || store === 'pack') return store;
  throw new WalscopeError('usage.wal_store', `unknown WAL store "${store}"`, {
    exitCode: ExitCode.usage, hint: 'write auto, reference (the WAL is read in place) or pack (the case holds it, the archive may go)',
  });
}

/** Whether one of the folders has so many files that threads will share the work, as far as one can tell before looking into it. */
function isLong(folders: readonly string[]): boolean {
  try {
    return folders.some((folder) => fs.readdirSync(folder).length * DEFAULT_SEGMENT_BYTES > STRIPE_BYTES);
  } catch {
    return false; // what is wrong with it is told by who opens it
  }
}

/** The archive is only read, so the index cannot go into a folder of it that is an input itself. */
function refuseCaseInArchive(caseDir: string, inputs: readonly string[]): void {
  const real = (folder: string): string => (fs.existsSync(folder) ? fs.realpathSync(folder) : path.resolve(folder));
  const input = inputs.find((each) => real(each) === real(caseDir));
  if (input === undefined) return;
  throw new WalscopeError('usage.case', `${input} is part of the archive, which is never written to`, { exitCode: ExitCode.usage, hint: 'name another directory for the case with -C' });
}

export async function indexCommand(options: IndexCommandOptions, started: readonly IndexThread[] = []): Promise<ExitCode> {
  const jobs = jobsWithin(parseJobs(options.jobs), options.memory);
  const threads = new IndexThreads(isLong(options.wal ?? []) ? jobs - 1 : 0, started); // they start while the archive is looked through
  const work: IndexOptions = {
    caseDir: newCase(options.case), repair: options.repair === true, backups: options.backup ?? [], wal: options.wal ?? [], walStore: parseWalStore(options.walStore), jobs, threads,
    shard: parseShard(options.shard), merge: options.merge, only: parseOnly(options), choose: chooseFiles,
  };
  if ([options.follow, options.shard, options.merge].filter((option) => option !== undefined).length > 1) {
    throw new WalscopeError('usage.index', '--follow, --shard and --merge exclude each other', { exitCode: ExitCode.usage, hint: 'merge first, then follow the case' });
  }
  if (options.interval !== undefined && !options.follow) throw new WalscopeError('usage.index', '--interval belongs to --follow', { exitCode: ExitCode.usage, hint: 'add --follow, or leave it out' });
  if (work.only && work.shard) throw new WalscopeError('usage.index', '--only belongs to the merge: parts hold every table', { exitCode: ExitCode.usage, hint: 'leave it out here' });
  refuseCaseInArchive(work.caseDir, [...work.backups, ...work.wal]);
  return longRunning('indexing', options, async (progress, signal) => {
    work.signal = signal;
    work.onCopy = (source, share) => progress.show(share, `copying ${source}`);
    work.onProgress = (position, start, end) => progress.show((position - start) / Math.max(1, end - start), formatBytes(position - start));
    if (options.follow) return follow(work, options, progress);
    if (work.shard) return buildPart(work, work.shard, progress);
    return indexOnce(work, progress);
  });
}

/** What a new case is restricted to; a case that is there already must have the same names. */
function parseOnly(options: IndexCommandOptions): string[] | undefined {
  if (!options.only) return undefined;
  const only = selectionNames(options.only);
  const known = readManifest(newCase(options.case));
  if (!known || known.only?.join() === only.join()) return only;
  throw new WalscopeError('usage.only', `the index holds ${known.only?.join(', ') ?? 'every table'} already`, {
    exitCode: ExitCode.usage, hint: known.only ? 'change that with walscope track and untrack' : 'begin another case with -C DIR',
  });
}

/** I/N, from 1/N to N/N. */
function parseShard(text: string | undefined): ShardPart | undefined {
  if (text === undefined) return undefined;
  const [part = 0, of = 0] = /^\d{1,6}\/\d{1,6}$/.test(text) ? text.split('/').map(Number) : [];
  if (part >= 1 && part <= of) return { part, of };
  throw new WalscopeError('usage.shard', `--shard needs I/N with I from 1 to N, not "${text}"`, { exitCode: ExitCode.usage, hint: 'write --shard 3/8' });
}

async function buildPart(work: IndexOptions, { part, of }: ShardPart, progress: Progress): Promise<ExitCode> {
  const summary = await indexCase(work);
  progress.end();
  process.stdout.write(`part ${part} of ${of}: ${formatBytes(summary.walBytes)} of WAL, ${formatCount(summary.records)} records read; layers ${formatBytes(summary.indexBytes)}` +
    `${summary.packBytes === 0 ? '' : `; packed WAL ${formatBytes(summary.packBytes)}`}\n`);
  return reportFindings(summary.findings);
}

async function indexOnce(work: IndexOptions, progress: Progress): Promise<ExitCode> {
  const started = process.hrtime.bigint();
  const summary = await indexCase(work);
  progress.end();
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const total = summary.manifest.walBytes;
  const share = total > 0 ? (summary.indexBytes / total) * 100 : 0;
  const packed = summary.packBytes === 0 ? '' : `; packed WAL ${formatBytes(summary.packBytes)}`;
  process.stdout.write(`indexed ${formatBytes(summary.walBytes)} of WAL, ${formatCount(summary.records)} records in ${seconds.toFixed(1)} s; ` +
    `index ${formatBytes(summary.indexBytes)}, ${share.toFixed(2)} % of ${formatBytes(total)} of WAL${packed}\n`);
  return reportFindings(summary.findings);
}

/** A line for each time that WAL was taken in; ^C ends it. */
function follow(work: IndexOptions, options: IndexCommandOptions, progress: Progress): Promise<never> {
  return followArchive({
    ...work, intervalMs: parseInterval(options.interval),
    onTaken(summary, before, reached, ms) {
      progress.end();
      const { timelines, layers } = summary.manifest;
      const lastTime = layers.reduce((max: number | null, { maxTime }) => (maxTime !== null && (max === null || maxTime > max) ? maxTime : max), null);
      const taken = before === 0 || reached < before ? formatBytes(summary.walBytes) : formatBytes(reached - before);
      process.stdout.write(`${formatLsn(reached)} · timeline ${timelines.at(-1)!.timeline} · ${taken} taken in, ${(ms / 1000).toFixed(1)} s · last commit ${lastTime === null ? 'unknown' : formatTimestamptz(lastTime, UTC)}\n`);
    },
    onFinding: (finding) => void reportFindings([finding]),
  });
}

function parseInterval(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 0.1 && seconds <= 86_400) return seconds * 1000;
  throw new WalscopeError('usage.interval', `--interval needs seconds from 0.1 to 86400, not "${text}"`, { exitCode: ExitCode.usage, hint: 'write --interval 5' });
}
