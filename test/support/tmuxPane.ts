/** A program in a real terminal: a tmux session of its own server, keys in, the pane out. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const SOCKET = `walscope-test-${process.pid}`;
// nothing of the caller's environment decides about colour or the case
const TERMINAL_ENV = { PATH: process.env.PATH, HOME: process.env.HOME, LC_ALL: 'C.UTF-8', SHELL: '/bin/sh' };

function tmux(...args: string[]): string {
  return execFileSync('tmux', ['-L', SOCKET, '-f', '/dev/null', ...args], { encoding: 'utf8', env: TERMINAL_ENV });
}

/** Ends all panes of this process. */
export function endPanes(): void {
  tmux('kill-server');
}

export class TmuxPane {
  /** Runs a shell command line between the lines BEFORE and EXIT with its exit code. */
  constructor(private readonly name: string, command: string, columns = 80, rows = 24) {
    tmux('new-session', '-d', '-s', name, '-x', String(columns), '-y', String(rows), `echo BEFORE; ${command}; echo EXIT $?; exec sleep 600`);
  }

  /** Presses keys by tmux's names; a text of several characters with a colon is typed. */
  keys(...keys: string[]): void {
    for (const key of keys) tmux('send-keys', '-t', this.name, ...(key.length > 1 && key.includes(':') ? ['-l', key] : [key]));
  }

  text(...options: string[]): string {
    return tmux('capture-pane', '-p', '-t', this.name, ...options);
  }

  format(format: string): string {
    return tmux('display-message', '-p', '-t', this.name, format).trim();
  }

  resize(columns: number, rows: number): void {
    tmux('resize-window', '-t', this.name, '-x', String(columns), '-y', String(rows));
  }

  /** The process that the pane's shell runs. */
  get child(): number {
    const shell = this.format('#{pane_pid}');
    return Number(readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8'));
  }

  /** The pane once it shows what is wanted, and nothing is being drawn: two looks saw the same. */
  async until(wanted: RegExp): Promise<string> {
    let seen: string | undefined;
    for (const giveUp = Date.now() + 60_000; ;) {
      const text = this.text();
      if (text === seen && wanted.test(text)) return text;
      seen = text;
      if (Date.now() > giveUp) throw new Error(`the pane does not show ${wanted}:\n${text}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
