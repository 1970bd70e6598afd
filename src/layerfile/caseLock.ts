/**
 * One writer a case. A writer makes a file of its own in the case directory, named by its process, and gives way where a live one has another. Names
 * are never used again, so the file of a dead process can be removed by anybody at any time; of two that begin at once each sees the other.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { explainFsError, makeFolder } from './durable.js';

const NAME = /^writer\.([a-z]+)\.(\d+)\.(\d+)\.(.+)$/;
/** Two that began at the same moment try again after different waits. */
const ATTEMPTS = 5;
const WAIT_MS = 100;

interface Writer {
  file: string;
  command: string;
  pid: number;
  /** When the process began, in the system's ticks: tells it from a later one of the same number; 0 where it is not known. */
  started: number;
  host: string;
}

/** /proc/PID/stat: state, and starttime (proc(5)); undefined where there is no such process or no such file. */
function processOf(pid: number): { state: string; started: number } | undefined {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0]!, started: Number(fields[19]) };
  } catch (error) {
    if (['ENOENT', 'EACCES', 'EPERM', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function isAlive({ pid, started, host }: Writer): boolean {
  if (host !== hostName()) return true; // nobody here can tell
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const known = processOf(pid);
  return !known || started === 0 || (known.started === started && known.state !== 'Z');
}

function hostName(): string {
  return encodeURIComponent(os.hostname());
}

function writersOf(caseDir: string): Writer[] {
  return fs.readdirSync(caseDir).flatMap((file) => {
    const [, command, pid, started, host] = NAME.exec(file) ?? [];
    return host === undefined ? [] : [{ file, command: command!, pid: Number(pid), started: Number(started), host }];
  });
}

/** The first live writer but `own`; files of dead ones are removed. */
function otherWriter(caseDir: string, own?: string): Writer | undefined {
  let other: Writer | undefined;
  for (const writer of writersOf(caseDir)) {
    if (writer.file === own) continue;
    if (isAlive(writer)) other ??= writer;
    else fs.rmSync(path.join(caseDir, writer.file), { force: true });
  }
  return other;
}

function busy(caseDir: string, { file, command, pid, host }: Writer): WalscopeError {
  const elsewhere = host !== hostName();
  return new WalscopeError('case.busy', `walscope ${command} is writing to ${caseDir} (process ${pid}${elsewhere ? ` on ${decodeURIComponent(host)}` : ''})`, {
    exitCode: ExitCode.input, hint: elsewhere ? `wait for it to end; if it is gone, remove ${path.join(caseDir, file)}` : 'wait for it to end, then run the same command again',
  });
}

async function lock(caseDir: string, command: string): Promise<string> {
  const own = `writer.${command}.${process.pid}.${processOf(process.pid)?.started ?? 0}.${hostName()}`;
  for (let attempt = 1; ; attempt++) {
    const before = otherWriter(caseDir);
    if (before) throw busy(caseDir, before);
    fs.writeFileSync(path.join(caseDir, own), '');
    const other = otherWriter(caseDir, own);
    if (!other) return own;
    fs.rmSync(path.join(caseDir, own), { force: true });
    if (attempt === ATTEMPTS) throw busy(caseDir, other);
    await sleep(Math.random() * WAIT_MS);
  }
}

/** Runs `work` as the only writer of a case, which it may begin. Throws `case.busy` at once where another process is. */
export async function asWriter<T>(caseDir: string, command: string, work: () => Promise<T> | T): Promise<T> {
  const isNew = !fs.existsSync(caseDir);
  makeFolder(caseDir);
  let own: string;
  try {
    own = await lock(caseDir, command);
  } catch (error) {
    throw explainFsError(error, caseDir);
  }
  try {
    return await work();
  } finally {
    fs.rmSync(path.join(caseDir, own), { force: true });
    if (isNew && fs.readdirSync(caseDir).length === 0) fs.rmdirSync(caseDir);
  }
}
