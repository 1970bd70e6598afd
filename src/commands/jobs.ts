/** --jobs: how many worker threads. */
import { availableParallelism } from 'node:os';
import { wholeNumber } from './numbers.js';

/** More threads than this wait for the disk, not for the processor; each takes memory. */
const DEFAULT_JOBS_AT_MOST = 4;

/** The number asked for; by default one a processor, four at most. Throws `usage.number`. */
export function parseJobs(text: string | undefined): number {
  if (text === undefined) return Math.min(availableParallelism(), DEFAULT_JOBS_AT_MOST);
  return wholeNumber(text, '--jobs', { from: 1, to: 64, example: 2 });
}
