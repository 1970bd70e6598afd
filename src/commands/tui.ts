/** walscope tui: the same questions on screen. Data is read in worker threads, so that the screen never waits for it. */
import { Worker } from 'node:worker_threads';
import { colourWanted } from '../output/colour.js';
import { END } from '../tui/model/serve.js';
import type { StopFlag } from '../tui/model/work.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { findCase, zoneOf, type CommonOptions } from './context.js';
import type { TuiWorkerData } from './tuiWorker.js';

interface Thread {
  worker: Worker;
  stop: StopFlag;
  exit: Promise<void>;
}

/** A thread that has not come to its end by itself after this time is terminated. */
const PATIENCE_MS = 2000;
const EVERY_QUESTION = 0x7fffffff;

/** Lets a thread come to its end: one that is terminated while the zstd addon calls back into it takes the process with it. */
async function end({ worker, stop, exit }: Thread): Promise<void> {
  Atomics.store(stop, 0, EVERY_QUESTION);
  worker.postMessage(END);
  const impatient = setTimeout(() => void worker.terminate(), PATIENCE_MS);
  await exit;
  clearTimeout(impatient);
}

export async function tuiCommand(options: CommonOptions): Promise<ExitCode> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new WalscopeError('tui.no_terminal', 'tui needs a terminal', { exitCode: ExitCode.usage, hint: 'use walscope tables, asof and diff in scripts' });
  }
  const caseDir = findCase(options.case);
  zoneOf(options); // refused here, before the screen changes
  // React's development build is several times slower
  process.env['NODE_ENV'] ??= 'production';
  const threads: Thread[] = [];
  const failed: ((error: unknown) => void)[] = [];
  const start = (isBackground: boolean): Thread => {
    const workerData: TuiWorkerData = { caseDir, zone: options.tz, stop: new SharedArrayBuffer(4), isBackground };
    // from wherever the build has put this module: see scripts/bundle.mjs
    const worker = new Worker(new URL('../commands/tuiWorker.js', import.meta.url), { workerData });
    worker.on('error', (error) => failed.forEach((tell) => tell(error)));
    const thread = { worker, stop: new Int32Array(workerData.stop), exit: new Promise<void>((resolve) => worker.once('exit', () => resolve())) };
    threads.push(thread);
    return thread;
  };
  const front = start(false); // opens the case while the screen's own modules load
  try {
    const [{ Client }, { painter }, { runTui }] = await Promise.all([import('../tui/client.js'), import('../tui/paint.js'), import('../tui/run.js')]);
    const background = (): InstanceType<typeof Client> => {
      const { worker, stop } = start(true);
      return new Client(worker, stop);
    };
    await runTui({ client: new Client(front.worker, front.stop), background, at: options.at ?? 'latest', database: options.dbname }, painter(colourWanted(options.color ?? 'auto', true)), (screen) => failed.push((error) => screen.quit(error)));
  } finally {
    await Promise.all(threads.map(end));
  }
  return ExitCode.done;
}
