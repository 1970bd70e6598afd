import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { COVERAGE_FILE, rmgrCoverage } from '../../scripts/rmgrCoverage.js';

it('docs/rmgr-coverage.md says what rmgrlist.ts holds (npm run docs:rmgr writes it)', () => {
  const text = rmgrCoverage();
  expect(readFileSync(COVERAGE_FILE, 'utf8')).toBe(text);
  // fewer would mean that a table lost rows
  expect(text.split('\n').filter((line) => line.startsWith('| ')).length).toBeGreaterThanOrEqual(131);
});
