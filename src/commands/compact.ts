/** walscope compact: merges layers, so that questions open few of them. */
import { formatBytes } from '../output/units.js';
import { compactCase } from '../store/compactor.js';
import { manifestOf } from '../store/openCase.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { findCase, type CommonOptions } from './context.js';
import { longRunning } from './longRunning.js';

export interface CompactCommandOptions extends CommonOptions {
  fanout?: string;
  progress?: boolean;
}

function parseFanout(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const fanout = Number(text);
  if (Number.isInteger(fanout) && fanout >= 2 && fanout <= 64) return fanout;
  throw new WalscopeError('usage.fanout', `--fanout needs a number from 2 to 64, not "${text}"`, { exitCode: ExitCode.usage, hint: 'write --fanout 16' });
}

export async function compactCommand(options: CompactCommandOptions): Promise<ExitCode> {
  const fanout = parseFanout(options.fanout);
  const caseDir = findCase(options.case);
  const manifest = manifestOf(caseDir);
  if (fanout !== undefined) manifest.fanout = fanout;
  const summary = await longRunning('compacting', options, (progress, signal) => compactCase({ caseDir, manifest, signal, onProgress: (share, what) => progress.show(share, what) }));
  process.stdout.write(`${summary.layersBefore} layers before, ${summary.layersAfter} now; ${formatBytes(summary.bytesWritten)} written\n`);
  return ExitCode.done;
}
