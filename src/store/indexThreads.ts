/** Worker threads for `index --jobs`, begun before it is known what they will do: one takes as long to start as to index some segments. */
import { Worker } from 'node:worker_threads';

/** A thread, and how it ended, even if that was before anybody asked. */
export class IndexThread {
  readonly worker = new Worker(new URL('../../bin/indexWorker.js', import.meta.url));
  /** What it failed of. */
  readonly failure = new Promise<Error>((resolve) => this.worker.once('error', resolve));
  readonly exit = new Promise<void>((resolve) => this.worker.once('exit', () => resolve()));
}

export class IndexThreads {
  private readonly spare: IndexThread[];

  /** Begins `count` threads. They keep nothing waiting: what is never taken goes with the process. */
  constructor(count: number) {
    this.spare = Array.from({ length: count }, () => new IndexThread());
    for (const { worker } of this.spare) worker.unref();
  }

  /** A thread that waits for its work, which it is sent as a message. It ends with it. */
  take(): IndexThread {
    const thread = this.spare.pop() ?? new IndexThread();
    thread.worker.ref();
    return thread;
  }
}
