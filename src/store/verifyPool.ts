/** Runs a verification in worker threads, a shard each, and gathers what they report. */
import { Worker } from 'node:worker_threads';
import { interrupted } from './interrupted.js';
import { reviveError, type PlainError } from './plainError.js';
import type { ShardReport } from './verifyReport.js';
import type { VerifyPlan } from './verifyShard.js';
import type { Shard } from './verifyShards.js';

/** What a thread needs to open the case for itself and do its share. */
export interface VerifyWorkerInput {
  caseDir: string;
  plan: VerifyPlan;
  shard: Shard;
  /** Not 0 once the threads are to end. */
  stop: Int32Array;
}

export type VerifyWorkerOutput = { kind: 'progress'; share: number; what: string } | { kind: 'report'; report: ShardReport } | { kind: 'failure'; error: PlainError };

export interface ThreadOptions {
  onProgress?: (share: number, what: string) => void;
  signal?: AbortSignal;
}

/**
 * The reports of all shards, in their order. Throws what the first thread to fail throws; `interrupted` once the signal is given. The threads
 * end by themselves: one that is terminated while the zstd addon calls back into it takes the process with it.
 */
export async function verifyInThreads(caseDir: string, plan: VerifyPlan, jobs: number, options: ThreadOptions): Promise<ShardReport[]> {
  const shares = new Array<number>(jobs).fill(0);
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const workers = Array.from({ length: jobs }, (_, index) => {
    const input: VerifyWorkerInput = { caseDir, plan, shard: { index, count: jobs }, stop };
    return new Worker(new URL('./verifyWorker.js', import.meta.url), { workerData: input });
  });
  const exits = workers.map((worker) => new Promise<void>((resolve) => worker.once('exit', () => resolve())));
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(interrupted());
    options.signal?.addEventListener('abort', abort);
  });
  const reports = workers.map((worker, index) => reportOf(worker, (share, what) => {
    shares[index] = share;
    options.onProgress?.(shares.reduce((sum, each) => sum + each, 0) / jobs, what);
  }));
  try {
    return await Promise.race([Promise.all(reports), aborted]);
  } finally {
    options.signal?.removeEventListener('abort', abort!);
    Atomics.store(stop, 0, 1);
    await Promise.all(exits);
  }
}

function reportOf(worker: Worker, onProgress: (share: number, what: string) => void): Promise<ShardReport> {
  return new Promise((resolve, reject) => {
    worker.on('message', (output: VerifyWorkerOutput) => {
      if (output.kind === 'progress') onProgress(output.share, output.what);
      else if (output.kind === 'report') resolve(output.report);
      else reject(reviveError(output.error));
    });
    worker.on('error', reject);
  });
}
