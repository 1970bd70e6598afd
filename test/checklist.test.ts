/** docs/checklist.md: every line of the checklist is there, and every file that it names has tests named after the line. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const LINES = 42;

const rows = readFileSync(join(ROOT, 'docs', 'checklist.md'), 'utf8').split('\n').flatMap((row) => {
  const cells = /^\| (\d+) \| .+ \| (.+) \|$/.exec(row);
  return cells ? [{ line: Number(cells[1]), files: cells[2]!.split(', ') }] : [];
});

/** The lines that a test file's titles name: `line 8: …`, `lines 6 and 7: …`, `lines 29 to 31: …`. */
function linesNamed(file: string): Set<number> {
  const named = new Set<number>();
  for (const [, list] of readFileSync(join(ROOT, file), 'utf8').matchAll(/['"]lines? ([0-9]+(?:(?:, | and | to )[0-9]+)*): /g)) {
    const [from, to] = list!.split(' to ').map(Number);
    if (to !== undefined) for (let line = from!; line <= to; line++) named.add(line);
    else for (const line of list!.split(/, | and /)) named.add(Number(line));
  }
  return named;
}

describe('docs/checklist.md', () => {
  it('has every line once, in order', () => {
    expect(rows.map(({ line }) => line)).toEqual(Array.from({ length: LINES }, (_, i) => i + 1));
  });

  it.each(rows)('line $line is named by tests in $files', ({ line, files }) => {
    for (const file of files) expect([...linesNamed(file)], file).toContain(line);
  });
});
