/** What the benchmarks share: running the built command line, medians, and the place of each table in docs/benchmarks.md. */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const walscope = join(root, 'bin', 'walscope.js');

// Node reads these certificates whenever it starts, whatever it is to run, which takes it 40 ms: a setting of the machine, and nothing here asks a network
delete process.env.NODE_EXTRA_CA_CERTS;

export interface ProcessRun {
  ms: number;
  /** Processor time, of all threads. */
  cpuMs: number;
  peakMb: number;
  stdout: string;
}

/** Runs the built command line as a user would; times and peak memory are of the whole process. */
export function run(args: string[]): Promise<ProcessRun> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn('/usr/bin/time', ['-f', 'used %U %S %M', process.execPath, walscope, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '', stderr = '';
    child.stdout.on('data', (piece: Buffer) => (stdout += piece.toString()));
    child.stderr.on('data', (piece: Buffer) => (stderr += piece.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0) {
        reject(new Error(`walscope ${args.join(' ')} ended with ${code}: ${stderr}`));
        return;
      }
      const [, user, system, peak] = /used ([\d.]+) ([\d.]+) (\d+)/.exec(stderr)!.map(Number);
      resolve({ ms: performance.now() - began, cpuMs: (user! + system!) * 1000, peakMb: peak! / 1024, stdout });
    });
  });
}

/** Nothing waits to be written, and a folder's files are in the page cache: else whoever comes first pays for it. */
export function settle(folder: string): void {
  execFileSync('sync');
  const buffer = Buffer.alloc(1024 * 1024);
  for (const name of readdirSync(folder)) {
    const fd = openSync(join(folder, name), 'r');
    while (readSync(fd, buffer) > 0);
    closeSync(fd);
  }
}

export const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** Puts the text where the page has the marks of a benchmark's npm script. */
export function intoDocs(script: string, text: string): void {
  const file = join(root, 'docs', 'benchmarks.md');
  const begin = `<!-- ${script}: written by npm run ${script} -->`;
  const old = readFileSync(file, 'utf8');
  const from = old.indexOf(begin), to = old.indexOf(`<!-- ${script} end -->`);
  if (from < 0 || to < from) throw new Error(`${file} has no place for the table of ${script}`);
  writeFileSync(file, `${old.slice(0, from + begin.length)}\n${text}${old.slice(to)}`);
}
