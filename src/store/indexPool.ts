/**
 * Builds layers of stripes in worker threads and in this one. Stripes are independent of each other, so that which thread builds which, and
 * in what order they finish, leaves no trace: each thread takes the next that nobody has taken, results are used in LSN order.
 */
import type { SavedWalArchive } from '../archive/walArchive.js';
import { WalscopeError } from '../util/errors.js';
import type { Finding } from '../util/finding.js';
import type { Lsn } from '../util/lsn.js';
import type { BuiltLayer } from './buildLayer.js';
import { IndexThreads } from './indexThreads.js';
import { reviveError, type PlainError } from './plainError.js';
import type { Packing } from './stripePack.js';

/** Decompressed segments that a thread keeps: it reads them in order. */
export const SEGMENT_CACHE_BYTES = 16 * 1024 * 1024;

/** What a worker needs to open the archive for itself. */
export interface WorkerInput {
  archive: SavedWalArchive;
  timeline: number;
  layersDir: string;
  packing: Packing;
  /** The layers are there already: only packs are made. */
  packsOnly: boolean;
}

/** What all threads share: the stripes, and how many of them are taken. */
export interface SharedWork {
  starts: readonly Lsn[];
  taken: Int32Array;
}

/** A stripe's result, and what came up as its segments were opened. */
export type WorkerOutput = { from: Lsn; findings: Finding[] } & ({ built: Omit<BuiltLayer, 'end'> & { end?: { lsn: Lsn; kind: 'end' | 'missing' | 'damage'; error: PlainError } } } | { failure: PlainError });

/** The next stripe that nobody has taken; undefined behind the last. */
export function takeStripe({ starts, taken }: SharedWork): Lsn | undefined {
  return starts[Atomics.add(taken, 0, 1)];
}

export class IndexPool {
  private readonly exits: Promise<void>[];
  private readonly work: SharedWork;
  private readonly results = new Map<Lsn, BuiltLayer | WalscopeError>();
  private crash: Error | undefined;
  private closed = false;
  private wake: () => void = () => undefined;

  /** `jobs`: threads, this one among them, which builds by `build`; the others are taken from `threads`; `report` is told of what they find. */
  constructor(jobs: number, input: WorkerInput, starts: readonly Lsn[], private readonly build: (from: Lsn) => BuiltLayer, report: (findings: Finding[]) => void, threads = new IndexThreads(0)) {
    this.work = { starts, taken: new Int32Array(new SharedArrayBuffer(4)) };
    const taken = Array.from({ length: jobs - 1 }, () => threads.take());
    this.exits = taken.map(({ exit }) => exit);
    for (const { worker, failure } of taken) {
      worker.on('message', (output: WorkerOutput) => {
        report(output.findings);
        this.results.set(output.from, 'failure' in output ? reviveError(output.failure) : { ...output.built, end: output.built.end && { ...output.built.end, error: reviveError(output.built.end.error) } });
        this.wake();
      });
      void failure.then((error) => {
        this.crash = error;
        this.wake();
      });
      worker.postMessage({ ...input, ...this.work });
    }
  }

  /** The layer of the stripe that begins at `from`. While it is not there, this thread builds others. */
  async layer(from: Lsn): Promise<BuiltLayer> {
    if (!this.work.starts.includes(from)) return this.build(from);
    while (!this.results.has(from)) {
      if (this.crash) throw this.crash;
      if (this.closed) throw new Error('the pool is closed');
      const own = takeStripe(this.work);
      if (own === undefined) await new Promise<void>((resolve) => (this.wake = resolve));
      else this.results.set(own, this.buildHere(own));
      await new Promise((resolve) => setImmediate(resolve)); // lets results and ^C in
    }
    const result = this.results.get(from)!;
    this.results.delete(from);
    if (result instanceof WalscopeError) throw result;
    return result;
  }

  private buildHere(from: Lsn): BuiltLayer | WalscopeError {
    try {
      return this.build(from);
    } catch (error) {
      if (error instanceof WalscopeError) return error;
      throw error;
    }
  }

  /** Waits for the stripes in hand: a thread that is terminated while the zstd addon calls back into it takes the process with it. */
  async close(): Promise<void> {
    this.closed = true;
    this.wake();
    Atomics.store(this.work.taken, 0, this.work.starts.length);
    await Promise.all(this.exits);
  }
}
