/** Files that a question may read, opened when it begins: what a writer removes meanwhile stays readable to it. */
import fs from 'node:fs';

export class HeldFiles {
  private readonly descriptors = new Map<string, number>();
  /** Whether one of the files was not there. */
  readonly isIncomplete: boolean;

  /** Holds as many of `paths` as the process may have open; the rest is opened when it is read. */
  constructor(paths: Iterable<string>) {
    let missing = 0;
    for (const path of paths) {
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
