/** The random runs of test/truth/randomTypes.test.ts at length: at least a thousand tables at random moments for each major, in every encoding. */
import { expect, it } from 'vitest';
import { PG_MAJORS } from '../../src/pg/version.js';
import { randomRun, type RandomRunOptions } from '../support/random/run.js';

const ENCODINGS = [
  ['UTF8', 'EUC_JP', 'SQL_ASCII'], ['LATIN1', 'EUC_KR', 'KOI8R'], ['WIN1252', 'EUC_CN', 'WIN1251'], ['LATIN2', 'WIN1256', 'UTF8'], ['LATIN9', 'ISO_8859_7', 'WIN866'], ['WIN1250', 'LATIN5', 'KOI8U'],
] as const;
const TABLE_MOMENTS = 1000;
const FIRST_SEED = 150_000;
/** Debian's installation, which was built with lz4. */
const WITH_LZ4 = '/usr/lib/postgresql/15';

async function runs(major: RandomRunOptions['major'], more: Partial<RandomRunOptions>): Promise<void> {
  let tableMoments = 0, rows = 0, definitions = 0;
  for (let i = 0; tableMoments < TABLE_MOMENTS || i < ENCODINGS.length; i++) {
    const seed = FIRST_SEED + major * 100 + i;
    const result = await randomRun({ major, seed, encodings: ENCODINGS[i % ENCODINGS.length]!, moments: 5, ...more });
    tableMoments += result.tableMoments;
    rows += result.rows;
    definitions += result.definitions;
    expect({ seed, differences: result.differences.slice(0, 10) }).toEqual({ seed, differences: [] });
  }
  console.info(`PostgreSQL ${major}: ${tableMoments} tables at random moments equal, ${rows} rows; ${definitions} definitions loaded again`);
}

it.each(PG_MAJORS)('PostgreSQL %i: tables of all types equal COPY', (major) => runs(major, {}));

it('PostgreSQL 15 with lz4: tables of all types equal COPY', () => runs(15, { home: WITH_LZ4, lz4: true }));
