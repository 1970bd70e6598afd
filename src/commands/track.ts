/** walscope track and untrack: what an index of some tables only holds. */
import { formatBytes } from '../output/units.js';
import { chooseFiles, selectionNames } from '../query/selection.js';
import { indexCase } from '../store/indexer.js';
import { manifestOf } from '../store/openCase.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { findCase, reportFindings, type CommonOptions } from './context.js';
import { parseJobs } from './jobs.js';
import { longRunning } from './longRunning.js';

export interface TrackCommandOptions extends CommonOptions {
  all?: boolean;
  jobs?: string;
  progress?: boolean;
}

/** The names that the case's index is restricted to. Throws `usage.track` where it holds everything. */
function namesOf(caseDir: string): string[] {
  const { only } = manifestOf(caseDir);
  if (only) return only;
  throw new WalscopeError('usage.track', 'the index holds every table', { exitCode: ExitCode.usage, hint: 'an index of some only is begun with walscope index --only, in a case directory of its own' });
}

async function reselect(caseDir: string, only: string[] | null, options: TrackCommandOptions): Promise<ExitCode> {
  const jobs = parseJobs(options.jobs);
  const { indexBytes, findings } = await longRunning('indexing', options, (progress, signal) => indexCase({
    caseDir, backups: [], wal: [], only, choose: chooseFiles, jobs, signal,
    onProgress: (position, start, end) => progress.show((position - start) / Math.max(1, end - start), formatBytes(position - start)),
  }));
  process.stdout.write(`the index holds ${only?.join(', ') ?? 'every table'}; ${formatBytes(indexBytes)}\n`);
  return reportFindings(findings);
}

export async function trackCommand(names: string[], options: TrackCommandOptions): Promise<ExitCode> {
  const caseDir = findCase(options.case);
  const known = namesOf(caseDir);
  if ((options.all === true) === names.length > 0) throw new WalscopeError('usage.track', 'track needs names, or --all', { exitCode: ExitCode.usage, hint: 'write DB, DB.SCHEMA or DB.SCHEMA.TABLE' });
  return reselect(caseDir, options.all ? null : selectionNames([...known, ...names]), options);
}

export async function untrackCommand(names: string[], options: TrackCommandOptions): Promise<ExitCode> {
  const caseDir = findCase(options.case);
  const known = namesOf(caseDir);
  const gone = selectionNames(names);
  const unknown = gone.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new WalscopeError('usage.track', `${unknown} is none of the names that the index is restricted to`, { exitCode: ExitCode.usage, hint: `there are: ${known.join(', ')}` });
  const left = known.filter((name) => !gone.includes(name));
  if (left.length === 0) throw new WalscopeError('usage.track', 'nothing would be left', { exitCode: ExitCode.usage, hint: 'track something else first' });
  return reselect(caseDir, left, options);
}
