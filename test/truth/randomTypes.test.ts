/** Random schemas, values and changes on real servers, at random moments: a few runs here, a thousand tables a major in test/long. */
import { expect, it } from 'vitest';
import { randomRun } from '../support/random/run.js';

it.each([
  { major: 13, seed: 1301, encodings: ['UTF8', 'EUC_JP'] },
  { major: 16, seed: 1601, encodings: ['WIN1252', 'UTF8'] },
  { major: 18, seed: 1801, encodings: ['LATIN1', 'SQL_ASCII'] },
] as const)('tables of all types equal COPY in csv and in text, and come back from their DDL (PostgreSQL $major, seed $seed)', async ({ major, seed, encodings }) => {
  const result = await randomRun({ major, seed, encodings, moments: 3 });
  expect(result.differences).toEqual([]);
  // a generator that the server refuses proves nothing
  expect(result.tableMoments).toBeGreaterThan(100);
  expect(result.rows).toBeGreaterThan(1000);
  expect(result.definitions).toBeGreaterThan(1000);
  expect(result.refused).toBeLessThan(result.statements / 2);
});
