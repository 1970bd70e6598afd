/** Worker threads for `index --jobs`, begun before it is known what they will do: one takes as long to start as to index some segments. */
import { Worker } from 'node:worker_threads';

export class IndexThreads {
  private readonly spare: Worker[];

  /** Begins `count` threads. They keep nothing waiting: what is never taken goes with the process. */
  constructor(count: number) {
    this.spare = Array.from({ length: count }, startThread);
    for (const worker of this.spare) worker.unref();
  }

  /** A thread that waits for its work, which it is sent as a message. It ends with it. */
  take(): Worker {
    const worker = this.spare.pop() ?? startThread();
    worker.ref();
    return worker;
  }
}

function startThread(): Worker {
  return new Worker(new URL('../../bin/indexWorker.js', import.meta.url));
}
