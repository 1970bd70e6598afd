/** --jobs: how many worker threads. */
import { availableParallelism } from 'node:os';
import { ExitCode, WalscopeError } from '../util/errors.js';

/** More threads than this wait for the disk, not for the processor; each takes memory. */
const DEFAULT_JOBS_AT_MOST = 4;

/** The number asked for; by default one a processor, four at most. Throws `usage.jobs`. */
export function parseJobs(text: string | undefined): number {
  if (text === undefined) return Math.min(availableParallelism(), DEFAULT_JOBS_AT_MOST);
  const jobs = Number(text);
  if (Number.isInteger(jobs) && jobs >= 1 && jobs <= 64) return jobs;
  throw new WalscopeError('usage.jobs', `--jobs needs a number from 1 to 64, not "${text}"`, { exitCode: ExitCode.usage, hint: 'write --jobs 2' });
}
