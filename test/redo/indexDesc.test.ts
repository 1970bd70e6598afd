import { describe, expect, it } from 'vitest';
import { PG_MAJORS } from '../../src/pg/version.js';
import { expectDescription, goldenRecords } from '../support/goldenRecords.js';

describe.each(PG_MAJORS)('descriptions of real Btree, Hash and Generic records of %i', (major) => {
  const rows = goldenRecords('index', major);

  it('covers every opcode of the three managers', () => {
    const names = new Set(rows.map(({ rmgr, opcode }) => `${rmgr} ${opcode}`));
    expect(names.size).toBe(15 + 13 + 1);
  });

  it.each(rows.map((row) => [`${row.rmgr} ${row.opcode} ${row.text.slice(0, 40)}`, row] as const))('%s', (_name, row) => expectDescription(row, major));
});
