/** The screens that the README shows are those that the program shows. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../support/cli.js';

it.each(['before-delete', 'page-record-before'])('the README shows the pane %s', (name) => {
  const pane = readFileSync(join(ROOT, 'test', 'tui', 'golden', `${name}.txt`), 'utf8').trimEnd();
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  expect(readme).toContain(pane.split('\n').map((line) => `    ${line}`.trimEnd()).join('\n'));
});
