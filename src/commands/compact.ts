/** walscope compact: merges layers, so that questions open few of them, and makes images of pages that many records changed. */
import { asWriter } from '../layerfile/caseLock.js';
import { formatBytes, formatCount } from '../output/units.js';
import { compactCase } from '../store/compactor.js';
import { indexCase } from '../store/indexer.js';
import { DEFAULT_KEYFRAME_EVERY } from '../store/keyframes.js';
import { manifestOf } from '../store/openCase.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { findCase, reportFindings, type CommonOptions } from './context.js';
import { parseJobs } from './jobs.js';
import { longRunning } from './longRunning.js';
import { wholeNumber } from './numbers.js';

export interface CompactCommandOptions extends CommonOptions {
  fanout?: string;
  keyframeEvery?: string;
  pack?: boolean;
  jobs?: string;
  progress?: boolean;
}

/** Takes the WAL that is indexed into the case. */
async function pack(caseDir: string, options: CompactCommandOptions): Promise<void> {
  manifestOf(caseDir);
  const jobs = parseJobs(options.jobs);
  const { manifest, packBytes } = await longRunning('packing', options, (progress, signal) => indexCase({
    caseDir, backups: [], wal: [], walStore: 'pack', packOnly: true, jobs, signal,
    onProgress: (position, start, end) => progress.show((position - start) / Math.max(1, end - start), formatBytes(position - start)),
  }));
  process.stdout.write(`packed ${formatBytes(manifest.walBytes)} of WAL into ${formatBytes(packBytes)}: the WAL archive may go\n`);
}

export async function compactCommand(options: CompactCommandOptions): Promise<ExitCode> {
  const fanout = options.fanout === undefined ? undefined : wholeNumber(options.fanout, '--fanout', { from: 2, to: 256, example: 64 });
  const keyframeEvery = options.keyframeEvery === undefined ? undefined : wholeNumber(options.keyframeEvery, '--keyframe-every', { from: 0, to: 1_000_000, example: DEFAULT_KEYFRAME_EVERY });
  if (options.jobs !== undefined && !options.pack) throw new WalscopeError('usage.compact', '--jobs belongs to --pack', { exitCode: ExitCode.usage, hint: 'add --pack, or leave it out' });
  const caseDir = findCase(options.case);
  if (options.pack) await pack(caseDir, options);
  return asWriter(caseDir, 'compact', () => compact(caseDir, options, fanout, keyframeEvery));
}

async function compact(caseDir: string, options: CompactCommandOptions, fanout: number | undefined, keyframeEvery: number | undefined): Promise<ExitCode> {
  const manifest = manifestOf(caseDir);
  if (fanout !== undefined) manifest.fanout = fanout;
  if (keyframeEvery !== undefined && keyframeEvery !== (manifest.keyframeEvery ?? DEFAULT_KEYFRAME_EVERY)) {
    manifest.keyframeEvery = keyframeEvery;
    delete manifest.images; // all are made anew
  }
  const summary = await longRunning('compacting', options, (progress, signal) => compactCase({ caseDir, manifest, tail: true, signal, onProgress: (share, what) => progress.show(share, what) }));
  process.stdout.write(`${summary.layersBefore} layer${summary.layersBefore === 1 ? '' : 's'} before, ${summary.layersAfter} now; ${formatCount(summary.images)} page images made; ${formatBytes(summary.bytesWritten)} written\n`);
  return reportFindings(summary.findings);
}
