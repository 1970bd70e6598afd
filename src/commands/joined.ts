/** What bin/ takes from the joined script: each is loaded when it is called. */
import type { IndexThread } from '../store/indexThreads.js';

/** The command line; gives the exit code. */
export async function main(argv: string[], threads?: readonly IndexThread[]): Promise<number> {
  return (await import('./main.js')).main(argv, threads);
}

/** What a thread of `index --jobs` does. */
export async function indexWorker(): Promise<void> {
  await import('../store/indexWorker.js');
}
