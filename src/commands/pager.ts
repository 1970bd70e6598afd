/** A pager for data on a terminal, as psql has it: only for what does not fit the screen. */
import { spawnSync } from 'node:child_process';

/** --no-pager turns it off; set once, before a command runs. */
export const paging = { enabled: true };

/** More than this goes straight to the terminal: nobody pages through it, and it must not fill the memory. */
export const PAGED_BYTES = 32 * 1024 * 1024;

/** The command that pages, undefined where none should: no terminal at either end, TERM=dumb, an empty $PAGER, `cat`. */
export function pagerCommand(env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (!paging.enabled || !process.stdin.isTTY || !process.stdout.isTTY || env['TERM'] === 'dumb') return undefined;
  const command = (env['PAGER'] ?? 'less').trim();
  return command === '' || command === 'cat' ? undefined : command;
}

const NEWLINE = 10;

function fitsScreen(bytes: Uint8Array): boolean {
  const { rows = 24, columns = 80 } = process.stdout;
  let lines = 0;
  let start = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== NEWLINE) continue;
    if (++lines >= rows || i - start > columns) return false;
    start = i + 1;
  }
  return true;
}

/** Shows the bytes in the pager; false where they fit the screen, or the pager cannot be run: then they have yet to be written. */
export function page(command: string, bytes: Uint8Array): boolean {
  if (fitsScreen(bytes)) return false;
  const result = spawnSync(command, { shell: true, input: bytes, stdio: ['pipe', 'inherit', 'inherit'], env: { ...process.env, LESS: process.env['LESS'] ?? 'FRSX' } });
  const NOT_FOUND = 127;
  // a reader who leaves before the end is no failure
  return result.status !== NOT_FOUND && (result.error === undefined || (result.error as NodeJS.ErrnoException).code === 'EPIPE');
}
