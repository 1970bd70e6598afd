/** A thread of `verify --jobs`: opens the case and does its share. */
import { parentPort, workerData } from 'node:worker_threads';
import { interrupted } from './interrupted.js';
import { openCase } from './openCase.js';
import { plainError } from './plainError.js';
import type { VerifyWorkerInput, VerifyWorkerOutput } from './verifyPool.js';
import { verifyShard } from './verifyShard.js';

const { caseDir, plan, shard, stop } = workerData as VerifyWorkerInput;
const post = (output: VerifyWorkerOutput): void => parentPort!.postMessage(output);

async function main(): Promise<void> {
  try {
    const store = openCase(caseDir);
    const report = await verifyShard(store, plan, shard, (share, what) => {
      if (Atomics.load(stop, 0) !== 0) throw interrupted();
      post({ kind: 'progress', share, what });
      return Promise.resolve();
    });
    store.close();
    post({ kind: 'report', report });
  } catch (error) {
    post({ kind: 'failure', error: plainError(error) });
  }
}

await main();
