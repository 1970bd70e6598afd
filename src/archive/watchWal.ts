/** Waits for a WAL archive to change: woken by the file system where it can, and by looking at intervals where it cannot (NFS, object mounts). */
import { watch, type FSWatcher } from 'node:fs';
import { WalscopeError } from '../util/errors.js';
import { statInput } from './inputFile.js';
import { listWalPath } from './walLayout.js';

/** A copy that is under way changes its file many times. */
const SETTLE_MS = 200;

/** The names and sizes of what is there; paths that are gone for the moment count as empty. */
function signature(paths: readonly string[]): string {
  return paths.map((path) => {
    try {
      return listWalPath(path).files.map((file) => `${file.path} ${file.bytes}`).join('\n');
    } catch (error) {
      if (!(error instanceof WalscopeError)) throw error;
      return `${path}: ${error.code}`;
    }
  }).join('\n');
}

export class WalWatch {
  private seen = '';
  private readonly watchers: FSWatcher[] = [];
  private wake: () => void = () => undefined;

  constructor(private readonly paths: readonly string[], private readonly intervalMs: number) {
    for (const path of paths) {
      if (statInput(path)) this.watch(path);
    }
  }

  /** Where the system has no watch left to give (ENOSPC, EMFILE), or ends one, looking at intervals goes on. */
  private watch(path: string): void {
    let watcher: FSWatcher;
    try {
      watcher = watch(path, { persistent: false }, () => this.wake());
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      return;
    }
    watcher.on('error', () => watcher.close());
    this.watchers.push(watcher);
  }

  /** Remembers what is there now: call it before reading. */
  note(): void {
    this.seen = signature(this.paths);
  }

  /** Resolves when something has changed since note(), with true; with false after an interval in which nothing has, or when `signal` aborts. */
  async changed(signal: AbortSignal | undefined): Promise<boolean> {
    const until = Date.now() + this.intervalMs;
    const isAborted = (): boolean => signal?.aborted === true;
    while (!isAborted()) {
      if (signature(this.paths) !== this.seen) return true;
      const left = until - Date.now();
      if (left <= 0) return false;
      await this.sleep(left, signal);
      if (!isAborted()) await this.sleep(SETTLE_MS, signal, true);
    }
    return false;
  }

  private sleep(ms: number, signal: AbortSignal | undefined, deaf = false): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        this.wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done);
      if (!deaf) this.wake = done;
    });
  }

  close(): void {
    for (const watcher of this.watchers) watcher.close();
  }
}
