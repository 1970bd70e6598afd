/**
 * Builds layers of coming stripes in worker threads. Stripes are independent of each other, so that which worker builds which, and
 * in what order they finish, leaves no trace: results are taken in LSN order.
 */
import { Worker } from 'node:worker_threads';
import type { SavedWalArchive } from '../archive/walArchive.js';
import type { Lsn } from '../util/lsn.js';
import type { BuiltLayer } from './buildLayer.js';
import { reviveError, type PlainError } from './plainError.js';
import type { Packing } from './stripePack.js';
import { stripeEnd } from './stripes.js';

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

export type WorkerOutput = { from: Lsn; built: Omit<BuiltLayer, 'end'> & { end?: { lsn: Lsn; kind: 'end' | 'missing' | 'damage'; error: PlainError } } } | { from: Lsn; failure: PlainError };

interface Pending {
  promise: Promise<BuiltLayer>;
  settle(output: WorkerOutput): void;
  fail(error: Error): void;
}

export class IndexPool {
  private readonly workers: Worker[];
  private readonly idle: Worker[];
  private readonly pending = new Map<Lsn, Pending>();
  private readonly waiting: Lsn[] = [];

  constructor(jobs: number, input: WorkerInput) {
    const script = new URL('./indexWorker.js', import.meta.url);
    this.workers = Array.from({ length: jobs }, () => new Worker(script, { workerData: input }));
    this.idle = [...this.workers];
    for (const worker of this.workers) {
      worker.on('message', (output: WorkerOutput) => {
        this.pending.get(output.from)?.settle(output);
        this.idle.push(worker);
        this.dispatch();
      });
      worker.on('error', (error) => {
        for (const pending of this.pending.values()) pending.fail(error);
      });
    }
  }

  /** The layer of the stripe that begins at `from`; the stripes after it, up to `last`, are begun meanwhile. */
  async layer(from: Lsn, last: Lsn): Promise<BuiltLayer> {
    let ahead = from;
    for (let i = 0; i <= this.workers.length && ahead < last; i++, ahead = stripeEnd(ahead)) this.request(ahead);
    const pending = this.pending.get(from) ?? this.request(from);
    const built = await pending.promise;
    this.pending.delete(from);
    return built;
  }

  private request(from: Lsn): Pending {
    const known = this.pending.get(from);
    if (known) return known;
    let resolve!: (built: BuiltLayer) => void;
    let reject!: (error: Error) => void;
    const promise = new Promise<BuiltLayer>((res, rej) => {
      resolve = res;
      reject = rej;
    });
    promise.catch(() => undefined); // whoever awaits it is told; a stripe begun in vain need not be
    const pending: Pending = {
      promise,
      fail: reject,
      settle(output) {
        if ('failure' in output) reject(reviveError(output.failure));
        else resolve({ ...output.built, end: output.built.end && { ...output.built.end, error: reviveError(output.built.end.error) } });
      },
    };
    this.pending.set(from, pending);
    this.waiting.push(from);
    this.dispatch();
    return pending;
  }

  private dispatch(): void {
    while (this.idle.length > 0 && this.waiting.length > 0) this.idle.pop()!.postMessage(this.waiting.shift()!);
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }
}
