/** walscope tui in a real terminal (tmux) over the demo archive: from the empty table to the rows just before the DELETE, and out again. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildCli, demoCase, ROOT, walscope } from '../support/cli.js';

const SOCKET = `walscope-test-${process.pid}`;
// ink draws nothing but the last frame where it believes to be in CI
const TERMINAL_ENV = { PATH: process.env.PATH, HOME: process.env.HOME, LC_ALL: 'C.UTF-8', SHELL: '/bin/sh' };
const tmux = (...args: string[]): string => execFileSync('tmux', ['-L', SOCKET, '-f', '/dev/null', ...args], { encoding: 'utf8', env: TERMINAL_ENV });
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

let demo: ReturnType<typeof demoCase>;
beforeAll(() => {
  buildCli();
  demo = demoCase();
});
afterAll(() => {
  demo.remove();
  tmux('kill-server');
});

/** A pane that runs walscope tui and then tells the exit code. */
class Pane {
  constructor(private readonly name: string, env = '', columns = 80, rows = 24) {
    const command = `echo BEFORE; ${env} ${quoted(process.execPath)} ${quoted(join(ROOT, 'bin', 'walscope.js'))} tui -C ${quoted(demo.dir)}; echo EXIT $?; exec sleep 600`;
    tmux('new-session', '-d', '-s', name, '-x', String(columns), '-y', String(rows), command);
  }

  keys(...keys: string[]): void {
    for (const key of keys) tmux('send-keys', '-t', this.name, ...(key.length > 1 && key.includes(':') ? ['-l', key] : [key]));
  }

  text(...options: string[]): string {
    return tmux('capture-pane', '-p', '-t', this.name, ...options);
  }

  format(format: string): string {
    return tmux('display-message', '-p', '-t', this.name, format).trim();
  }

  async until(wanted: RegExp): Promise<string> {
    for (const giveUp = Date.now() + 30_000; ;) {
      const text = this.text();
      if (wanted.test(text)) return text;
      if (Date.now() > giveUp) throw new Error(`the pane does not show ${wanted}:\n${text}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

describe('walscope tui in a terminal', () => {
  it('leads from an empty table to the rows just before the DELETE, compares, and leaves the terminal as it was', async () => {
    const pane = new Pane('demo');
    const first = await pane.until(/› +customers[\s\S]*\? help/);
    expect(first.trimEnd().split('\n')).toHaveLength(23);
    expect(pane.format('#{alternate_on}')).toBe('1');
    pane.keys('t', 'point:after_delete', 'Enter');
    await pane.until(/LSN 0\/192ECE8[\s\S]*✗ coupons/);
    pane.keys('j', 'j', 'j', 'Enter');
    await pane.until(/› +orders[\s\S]*\(0 rows\)|orders · 47 pages/);
    pane.keys('[');
    const before = await pane.until(/just before xid 5052 · orders: \+0 ~0 -3761/);
    const shown = [...before.matchAll(/│[› ]- *(\d+)│/g)].map((match) => match[1]);
    const at = /LSN (\S+) · timeline 1/.exec(before)![1]!;
    const truth = walscope(['asof', 'orders', '-C', demo.dir, '--at', at, '--csv', '--columns', 'id', '--limit', String(shown.length)]);
    expect(shown).toHaveLength(15);
    expect(shown).toEqual(truth.out.trim().split('\n').slice(1));
    pane.keys('m', ']', 'd');
    await pane.until(/orders: 0 added, 0 changed, 3761 removed/);
    tmux('resize-window', '-t', 'demo', '-x', '100', '-y', '30');
    await pane.until(/^(.*\n){28} \? help.*command line\n*$/);
    pane.keys('q', 'q');
    const after = await pane.until(/EXIT 0/);
    expect(after).toMatch(/^BEFORE\nEXIT 0/);
    expect(pane.format('#{alternate_on} #{cursor_flag}')).toBe('0 1');
  });

  it('draws without colour where NO_COLOR is set, and restores the terminal when it is terminated', async () => {
    const pane = new Pane('plain', 'NO_COLOR=1');
    await pane.until(/█[\s\S]*\? help/);
    // eslint-disable-next-line no-control-regex -- colours are what is looked for
    expect(pane.text('-e')).not.toMatch(/\u001b\[[0-9;]*\b(3[0-7]|9[0-7]|38)\b/);
    const shell = pane.format('#{pane_pid}');
    process.kill(Number(readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8')), 'SIGTERM');
    expect(await pane.until(/EXIT/)).toMatch(/BEFORE[\s\S]*EXIT 143/);
    expect(pane.format('#{alternate_on} #{cursor_flag}')).toBe('0 1');
  });

  it('asks for a terminal where there is none', () => {
    const run = walscope(['tui', '-C', demo.dir]);
    expect(run.code).toBe(2);
    expect(run.err).toContain('tui needs a terminal');
  });
});
