/** Worker threads for `index --jobs`, begun before it is known what they will do: one takes as long to start as to index some segments. */
import { createRequire } from 'node:module';
import type { Worker } from 'node:worker_threads';

/** A thread, and how it ended. */
export interface IndexThread {
  readonly worker: Worker;
  /** What it failed of. */
  readonly failure: Promise<Error>;
  readonly exit: Promise<void>;
}

// where the launcher finds it, too, which starts the first one before anything else is loaded
const { startThread } = createRequire(import.meta.url)('../../bin/startThread.js') as { startThread(): IndexThread };

export class IndexThreads {
  /** Threads that nobody has taken. */
  private readonly spare: IndexThread[];

  /** Begins threads until there are `count` with those that are `started`. */
  constructor(count: number, started: readonly IndexThread[] = []) {
    this.spare = [...started];
    while (this.spare.length < count) this.spare.push(startThread());
  }

  /** A thread that waits for its work, which it is sent as a message. It ends with it. */
  take(): IndexThread {
    const thread = this.spare.shift() ?? startThread();
    thread.worker.ref();
    return thread;
  }
}
