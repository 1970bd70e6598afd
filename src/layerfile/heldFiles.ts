/** Files that a question may read, opened when it begins: what a writer removes meanwhile stays readable to it. */
import fs from 'node:fs';

/** Of the files that the process may have open, the share that is held for one question: several threads ask, and each needs others, too. */
const SHARE = 16;
/** Where the system does not tell how many that are: macOS's. */
const USUAL_LIMIT = 256;

/** RLIMIT_NOFILE, as /proc tells it (proc(5)). */
function openFilesLimit(): number {
  try {
    const [, soft] = /^Max open files +(\w+)/m.exec(fs.readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return soft === 'unlimited' ? Infinity : Number(soft ?? USUAL_LIMIT);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return USUAL_LIMIT;
    throw error;
  }
}

export class HeldFiles {
  private readonly descriptors = new Map<string, number>();
  /** Whether one of the files was not there. */
  readonly isIncomplete: boolean;

  /** Holds the first of `paths`, as many as leave room for other files; the rest is opened when it is read. */
  constructor(paths: readonly string[]) {
    let missing = 0;
    const most = paths.length <= USUAL_LIMIT / SHARE ? paths.length : openFilesLimit() / SHARE;
    for (const path of paths) {
      if (this.descriptors.size >= most) break;
      try {
        this.descriptors.set(path, fs.openSync(path, 'r'));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EMFILE' || code === 'ENFILE') break;
        if (code === 'ENOENT') missing++; // anything else is told when the file is read
      }
    }
    this.isIncomplete = missing > 0;
  }

  /** The open file; undefined where it is not held. It stays open until `close`. */
  descriptor(path: string): number | undefined {
    return this.descriptors.get(path);
  }

  close(): void {
    for (const descriptor of this.descriptors.values()) fs.closeSync(descriptor);
    this.descriptors.clear();
  }
}
