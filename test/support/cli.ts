/** The built command line as a process. */
import { spawn, spawnSync, type ChildProcess, type SpawnSyncReturns } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const MAIN = join(ROOT, 'dist', 'commands', 'main.js');
const LOCK = join(ROOT, 'dist.lock');

function newestSource(): number {
  let newest = 0;
  for (const name of readdirSync(join(ROOT, 'src'), { recursive: true })) {
    if (/\.tsx?$/.test(String(name))) newest = Math.max(newest, statSync(join(ROOT, 'src', String(name))).mtimeMs);
  }
  return newest;
}

/** While it is being built, its main module may be there before others. */
function isBuilt(): boolean {
  return !existsSync(LOCK) && (statSync(MAIN, { throwIfNoEntry: false })?.mtimeMs ?? 0) >= newestSource();
}

/** Builds dist/ where a source is newer; test files that run at the same time wait for one another. */
export function buildCli(): void {
  const giveUp = Date.now() + 120_000;
  while (!isBuilt()) {
    try {
      mkdirSync(LOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || Date.now() > giveUp) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250);
      continue;
    }
    try {
      const built = spawnSync(process.execPath, [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json'], { cwd: ROOT, encoding: 'utf8' });
      if (built.status !== 0) throw new Error(built.stdout + built.stderr);
      const now = new Date();
      utimesSync(MAIN, now, now);
    } finally {
      rmSync(LOCK, { recursive: true });
    }
  }
}

export interface CliRun {
  code: number;
  out: string;
  err: string;
  bytes: Buffer;
}

export interface CliOptions {
  env?: Record<string, string>;
  cwd?: string;
  input?: string;
  /** Run through another command: `['setpriv', '--reuid=65534']`. */
  wrapper?: readonly string[];
}

/** What to execute; nothing of the caller's environment decides about colour or the case. */
function commandLine(args: readonly string[], options: CliOptions): { command: string; args: string[]; cwd: string; env: NodeJS.ProcessEnv } {
  const [command, ...before] = [...(options.wrapper ?? []), process.execPath, join(ROOT, 'bin', 'walscope.js')];
  return { command: command!, args: [...before, ...args], cwd: options.cwd ?? tmpdir(), env: { ...process.env, NO_COLOR: undefined, FORCE_COLOR: undefined, WALSCOPE_CASE: undefined, ...options.env } };
}

/** Runs walscope with the arguments. */
export function walscope(args: readonly string[], options: CliOptions = {}): CliRun {
  const { command, args: all, ...rest } = commandLine(args, options);
  const result: SpawnSyncReturns<Buffer> = spawnSync(command, all, { ...rest, input: options.input ?? '', maxBuffer: 256 * 1024 * 1024 });
  return { code: result.status ?? -1, out: result.stdout.toString('utf8'), err: result.stderr.toString('utf8'), bytes: result.stdout };
}

/** Starts walscope and does not wait: for tests that interrupt it. `code` is -1 where a signal ended it. */
export function startWalscope(args: readonly string[], options: CliOptions = {}): { process: ChildProcess; run: Promise<CliRun> } {
  const { command, args: all, ...rest } = commandLine(args, options);
  const child = spawn(command, all, { ...rest, stdio: ['ignore', 'pipe', 'pipe'] });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => out.push(piece));
  child.stderr.on('data', (piece: Buffer) => err.push(piece));
  const run = new Promise<CliRun>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const bytes = Buffer.concat(out);
      resolve({ code: code ?? -1, out: bytes.toString('utf8'), err: Buffer.concat(err).toString('utf8'), bytes });
    });
  });
  return { process: child, run };
}

/** A case over the bundled demo archive. */
export function demoCase(): { dir: string; remove(): void } {
  const dir = mkdtempSync(join(tmpdir(), 'walscope-demo-case-'));
  const demo = join(ROOT, 'fixtures', 'demo');
  const run = walscope(['index', '--backup', join(demo, 'backup'), '--wal', join(demo, 'wal'), '-C', dir]);
  if (run.code !== 0) throw new Error(run.err);
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}
