/** The file system calls that read the user's archives: read-only, and what fails is a located input error. */
import { openSync, readdirSync, readSync, realpathSync, statSync, type Dirent, type Stats } from 'node:fs';
import { inputError } from '../util/errors.js';

const REASONS: Record<string, string> = {
  EACCES: 'permission denied', EPERM: 'permission denied', ENOENT: 'no such file or directory', ENOTDIR: 'not a directory', EISDIR: 'is a directory',
  ELOOP: 'too many symbolic links', EIO: 'the disk cannot read it', EMFILE: 'too many open files', ENFILE: 'too many open files', ESTALE: 'the network file system lost it',
};

const HINTS: Record<string, string> = {
  ENOENT: 'put it back, or run walscope index again with what there is', EMFILE: 'allow more with ulimit -n', ENFILE: 'close other programs',
};

/** Runs a file system call. Throws `input.unreadable` where it fails. */
function reading<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
    if (code === undefined || (error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw inputError('input.unreadable', `${path}: cannot be read: ${REASONS[code] ?? code}`, { file: path }, HINTS[code] ?? 'make it readable for this user, or leave it out');
  }
}

/** Opens a file for reading. */
export function openInput(path: string): number {
  return reading(path, () => openSync(path, 'r'));
}

/** What a path leads to, links followed; undefined where it leads nowhere. */
export function statInput(path: string): Stats | undefined {
  return reading(path, () => {
    try {
      return statSync(path, { throwIfNoEntry: false });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ELOOP' || code === 'ENOTDIR') return undefined;
      throw error;
    }
  });
}

/** A directory's entries by name. */
export function listInput(path: string): Dirent[] {
  return reading(path, () => readdirSync(path, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The path of an existing file or directory, without links. */
export function realInput(path: string): string {
  return reading(path, () => realpathSync(path));
}

/** Reads `length` bytes from `position` into `into` at `at`, fewer where the file ends; gives how many. `path` is for messages. */
export function readInput(fd: number, path: string, position: number, length: number, into: Uint8Array, at = 0): number {
  return reading(path, () => {
    let done = 0;
    while (done < length) {
      const got = readSync(fd, into, at + done, length - done, position + done);
      if (got === 0) break;
      done += got;
    }
    return done;
  });
}
