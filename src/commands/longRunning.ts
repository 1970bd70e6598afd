/** Work that takes a while: it shows how far it is, and ^C ends it at a safe place. */
import { Progress } from './progress.js';

/** Runs `work` with a progress display called `what` and a signal that SIGINT and SIGTERM abort. */
export async function longRunning<T>(what: string, options: { progress?: boolean }, work: (progress: Progress, signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const interrupt = (): void => abort.abort();
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const progress = new Progress(what, { lines: options.progress === true });
  try {
    return await work(progress, abort.signal);
  } finally {
    progress.end();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}
