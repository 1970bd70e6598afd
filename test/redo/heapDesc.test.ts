/** Descriptions of Heap, Heap2 and Sequence records, against what that major's own pg_waldump printed for them. */
import { describe, expect, it } from 'vitest';
import { PG_MAJORS } from '../../src/pg/version.js';
import { expectDescription, goldenRecords } from '../support/goldenRecords.js';

describe.each(PG_MAJORS)('descriptions of real Heap, Heap2 and Sequence records of %i', (major) => {
  const rows = goldenRecords('heap', major);

  it('covers every opcode that a server writes', () => {
    // Heap has 11 with HOT_UPDATE+INIT, which cannot be; Heap2 has 9
    expect(new Set(rows.map(({ rmgr, opcode }) => `${rmgr} ${opcode}`)).size).toBe(10 + 9 + 1);
  });

  it.each(rows.map((row) => [`${row.rmgr} ${row.opcode} ${row.text.slice(0, 60)}`, row] as const))('%s', (_name, row) => expectDescription(row, major));
});
