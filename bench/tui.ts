/**
 * `npm run bench:tui`: how soon `walscope tui` answers, in a real terminal (tmux in control mode tells every write to the pane when it comes):
 * the first screen of the 1 GB case, keys while a table of two million rows is scrolled, steps from commit to commit. Writes the figures into
 * docs/benchmarks.md. Options: --mb N of WAL (default 1000), --keys N a measure (default 200).
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchArchive, BENCH_DATABASE } from './archive.js';
import { intoDocs, root } from './measured.js';

const walscope = join(root, 'bin', 'walscope.js');
const SOCKET = `walscope-bench-${process.pid}`;
/** A key's effect is over when the pane was not written to for so long. */
const SILENCE_MS = 60;
const LONGEST_MS = 20_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** A pane whose every write is seen at the time it comes. */
class ControlledPane {
  private readonly client: ChildProcess;
  private text = '';
  private lastWrite = 0;
  private writes = 0;

  constructor(command: string, columns: number, rows: number) {
    this.client = spawn('tmux', ['-L', SOCKET, '-f', '/dev/null', '-C', 'new-session', '-x', String(columns), '-y', String(rows), command], {
      stdio: ['pipe', 'pipe', 'inherit'], env: { PATH: process.env.PATH, HOME: process.env.HOME, LC_ALL: 'C.UTF-8', SHELL: '/bin/sh' },
    });
    let line = '';
    this.client.stdout!.on('data', (piece: Buffer) => {
      line += piece.toString('latin1');
      const lines = line.split('\n');
      line = lines.pop()!;
      for (const each of lines) if (each.startsWith('%output')) this.written(each);
    });
    // control mode takes the client's size for the window's
    this.tell(`refresh-client -C ${columns}x${rows}`);
  }

  private written(line: string): void {
    this.lastWrite = performance.now();
    this.writes++;
    this.text += Buffer.from(line.replace(/^%output %\d+ /, '').replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))), 'latin1').toString('utf8');
  }

  private tell(command: string): void {
    this.client.stdin!.write(`${command}\n`);
  }

  /** Types keys; gives the time from then to the last write of what followed. */
  async press(...keys: string[]): Promise<number> {
    const { writes } = this;
    const began = performance.now();
    this.tell(`send-keys ${keys.map((key) => (key.length > 1 && /[^\w-]/.test(key) ? `-l ${quoted(key)}` : quoted(key))).join(' ')}`);
    for (;;) {
      await pause(2);
      const now = performance.now();
      if (this.writes > writes && now - this.lastWrite > SILENCE_MS) return this.lastWrite - began;
      if (now - began > LONGEST_MS) throw new Error(`nothing changed after ${keys.join(' ')}`);
    }
  }

  /** The time from `began` to the write that brought the text. */
  async until(wanted: RegExp, began = performance.now()): Promise<number> {
    for (;;) {
      if (wanted.test(this.text)) return this.lastWrite - began;
      if (performance.now() - began > 60_000) throw new Error(`the pane never showed ${wanted}`);
      await pause(1);
    }
  }

  forget(): void {
    this.text = '';
  }

  end(): void {
    execFileSync('tmux', ['-L', SOCKET, 'kill-server']);
  }
}

const quantile = (values: readonly number[], share: number): number => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!;
const ms = (value: number): string => `${Math.round(value)} ms`;

async function many(pane: ControlledPane, key: string, times: number): Promise<number[]> {
  const taken: number[] = [];
  for (let i = 0; i < times; i++) taken.push(await pane.press(key));
  return taken;
}

/** Starts in a pane that waits for a key, so that the terminal's own start is not counted. */
async function firstScreen(caseDir: string): Promise<{ pane: ControlledPane; ms: number }> {
  const command = `read ready; exec ${quoted(process.execPath)} ${quoted(walscope)} tui -C ${quoted(caseDir)} -d ${BENCH_DATABASE}`;
  const pane = new ControlledPane(command, 120, 40);
  await pause(500);
  const began = performance.now();
  void pane.press('Enter').catch(() => undefined);
  return { pane, ms: await pane.until(/looking for incidents…/, began) };
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { mb: { type: 'string', default: '1000' }, keys: { type: 'string', default: '200' } } });
  const keys = Number(values.keys);
  const archive = await benchArchive({ kind: 'A', walBytes: Number(values.mb) * 1e6 });
  const caseDir = mkdtempSync(join(tmpdir(), 'walscope-bench-tui-'));
  try {
    execFileSync(process.execPath, [walscope, 'index', '--backup', archive.backup.path, '--wal', archive.wal, '-C', caseDir], { stdio: 'ignore' });
    const starts: number[] = [];
    for (let i = 0; i < 5; i++) {
      const { pane, ms: taken } = await firstScreen(caseDir);
      starts.push(taken);
      pane.end();
      await pause(200);
    }
    const { pane } = await firstScreen(caseDir);
    await pane.until(/incidents? found/);
    await pane.press(':pgbench_accounts');
    await pane.press('Enter');
    const rows: [string, number[], number][] = [['a row down (`j`)', await many(pane, 'j', keys), 50], ['a page down (`PgDn`)', await many(pane, 'PageDown', keys), 50]];
    await pane.press('G');
    rows.push(['a row up from the end (`k`)', await many(pane, 'k', keys), 50], ['a page up from the end (`PgUp`)', await many(pane, 'PageUp', keys), 50]);
    const back = await many(pane, '[', Math.ceil(keys / 4)), on = await many(pane, ']', Math.ceil(keys / 4));
    rows.push(['previous commit of the table (`[`)', back, 150], ['next commit of the table (`]`)', on, 150]);
    pane.end();
    const lines = [
      '| | median | p95 | to beat |', '|---|---|---|---|',
      `| first screen with rows, whole process (${starts.length} starts) | ${ms(quantile(starts, 0.5))} | ${ms(quantile(starts, 0.95))} | 400 ms |`,
      ...rows.map(([name, taken, wanted]) => `| ${name} | ${ms(quantile(taken, 0.5))} | ${ms(quantile(taken, 0.95))} | ${wanted} ms |`), '',
      `${Math.round(archive.walBytes / 2 ** 20)} MB of WAL, \`pgbench_accounts\` with 2,000,000 rows; 120×40; from the key to the last write to the terminal that it caused. Node ${process.version}, ${cpus().length} cores; ${keys} keys a measure.`,
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
    intoDocs('bench:tui', `${lines.join('\n')}\n`);
  } finally {
    rmSync(caseDir, { recursive: true, force: true });
  }
}

await main();
