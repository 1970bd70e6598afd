/** Crash-safe file writing: temporary name, sync, rename, sync of the folder. */
import fs from 'node:fs';
import path from 'node:path';
import { ExitCode, inputError, WalscopeError } from '../util/errors.js';

/** Turns a file system error into one line with what to do; an error of another kind is given back unchanged. */
export function explainFsError(error: unknown, file: string): unknown {
  const place = { file };
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return new WalscopeError('case.no_space', `no space left to write ${file}`, {
        exitCode: ExitCode.input, place, hint: 'free some space or put the case on another disk with -C, then run the same command again: it resumes', cause: error,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new WalscopeError('file.permission', `cannot access ${file}: permission denied`, { place, hint: 'run as a user who may, or choose another place', cause: error });
    case 'ENOENT':
      return new WalscopeError('file.missing', `${file} does not exist`, { place, hint: 'check the path', cause: error });
    case 'EMFILE':
    case 'ENFILE':
      return new WalscopeError('file.too_many', `cannot open ${file}: too many open files`, { place, hint: 'allow more with ulimit -n', cause: error });
    default:
      return error;
  }
}

/** Makes a folder's entries durable: a rename is not before that. */
export function syncFolder(folder: string): void {
  const fd = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Makes files of one folder durable while other work goes on, which costs hardly anything then. */
export class BackgroundSync {
  private running: Promise<unknown>[] = [];

  constructor(private readonly folder: string) {}

  /** Begins with a file, which must be complete. */
  begin(name: string): void {
    // what fails is thrown by done()
    this.running.push(syncFile(path.join(this.folder, name)).then(() => undefined, (error: unknown) => ({ error })));
  }

  /** Once all files that were begun are durable, and their names. */
  async done(): Promise<void> {
    if (this.running.length === 0) return;
    const failed = (await Promise.all(this.running.splice(0))).find((result) => result !== undefined) as { error: unknown } | undefined;
    if (failed) throw explainFsError(failed.error, this.folder);
    syncFolder(this.folder);
  }
}

async function syncFile(file: string): Promise<void> {
  const handle = await fs.promises.open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Creates a folder of the case, parents too. Throws `case.folder` where that fails. */
export function makeFolder(folder: string): void {
  try {
    fs.mkdirSync(folder, { recursive: true });
  } catch (error) {
    const explained = explainFsError(error, folder);
    if (explained instanceof WalscopeError) throw explained;
    throw inputError('case.folder', `cannot create ${folder}: ${(error as Error).message}`, { file: folder }, 'choose another case directory with -C');
  }
}

/** Removes everything in a folder that is not named: what an interrupted run left behind. The folder need not be there. */
export function removeStrays(folder: string, named: ReadonlySet<string>): void {
  try {
    if (!fs.existsSync(folder)) return;
    for (const file of fs.readdirSync(folder)) if (!named.has(file)) fs.rmSync(path.join(folder, file), { force: true, recursive: true });
  } catch (error) {
    throw explainFsError(error, folder);
  }
}

/** Small pieces are written together. */
const WRITE_BYTES = 64 * 1024;

/** A file under a temporary name that `commit` syncs and renames, and `abandon` removes. */
export class DurableFile {
  private readonly temporary: string;
  private fd: number;
  private readonly buffer = Buffer.allocUnsafe(WRITE_BYTES);
  private held = 0;
  /** Bytes written so far. */
  length = 0;

  constructor(readonly target: string) {
    this.temporary = `${target}.tmp`;
    try {
      this.fd = fs.openSync(this.temporary, 'w');
    } catch (error) {
      throw explainFsError(error, target);
    }
  }

  /** Takes the bytes over: they may change afterwards. */
  write(bytes: Uint8Array): void {
    this.length += bytes.length;
    if (this.held + bytes.length > this.buffer.length) this.flush();
    if (bytes.length > this.buffer.length) {
      this.writeOut(bytes);
      return;
    }
    this.buffer.set(bytes, this.held);
    this.held += bytes.length;
  }

  private flush(): void {
    this.writeOut(this.buffer.subarray(0, this.held));
    this.held = 0;
  }

  private writeOut(bytes: Uint8Array): void {
    try {
      let at = 0;
      while (at < bytes.length) at += fs.writeSync(this.fd, bytes, at, bytes.length - at);
    } catch (error) {
      throw explainFsError(error, this.target);
    }
  }

  /** With `sync` false the file gets its name, but is durable only by BackgroundSync. */
  commit(target = this.target, { sync = true }: { sync?: boolean } = {}): void {
    this.flush();
    try {
      if (sync) fs.fsyncSync(this.fd);
      fs.closeSync(this.fd);
      this.fd = -1;
      fs.renameSync(this.temporary, target);
      if (sync) syncFolder(path.dirname(target));
    } catch (error) {
      throw explainFsError(error, this.target);
    }
  }

  abandon(): void {
    if (this.fd >= 0) fs.closeSync(this.fd);
    this.fd = -1;
    fs.rmSync(this.temporary, { force: true });
  }
}

/** Takes a finished file over from elsewhere: the same file where that is possible, since nobody changes it, else a copy. */
export function adoptFile(source: string, target: string): void {
  const temporary = `${target}.tmp`;
  try {
    fs.rmSync(temporary, { force: true });
    try {
      fs.linkSync(source, temporary);
    } catch (error) {
      // another file system, or one without hard links
      if (!['EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      fs.copyFileSync(source, temporary);
      const fd = fs.openSync(temporary, 'r');
      fs.fsyncSync(fd);
      fs.closeSync(fd);
    }
    fs.renameSync(temporary, target);
    // a rename between two names of one file does nothing
    fs.rmSync(temporary, { force: true });
    syncFolder(path.dirname(target));
  } catch (error) {
    throw explainFsError(error, source);
  }
}

/** Replaces a small file as one step. */
export function replaceFile(target: string, bytes: Uint8Array): void {
  const file = new DurableFile(target);
  try {
    file.write(bytes);
    file.commit();
  } catch (error) {
    file.abandon();
    throw error;
  }
}
