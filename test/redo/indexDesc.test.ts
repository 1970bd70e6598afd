import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PG_MAJORS } from '../../src/pg/version.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { RMGRS } from '../../src/redo/rmgrlist.js';
import type { Lsn } from '../../src/util/lsn.js';

interface Golden {
  rmgr: string;
  opcode: string;
  /** The record as it stood in a real server's WAL. */
  hex: string;
  /** What that major's pg_waldump printed after the opcode's name. */
  text: string;
}

describe.each(PG_MAJORS)('descriptions of real Btree, Hash and Generic records of %i', (major) => {
  const rows = JSON.parse(readFileSync(new URL(`golden/index-records-${major}.json`, import.meta.url), 'utf8')) as Golden[];

  it('covers every opcode of the three managers', () => {
    const names = new Set(rows.map(({ rmgr, opcode }) => `${rmgr} ${opcode}`));
    expect(names.size).toBe(15 + 13 + 1);
  });

  it.each(rows.map((row) => [`${row.rmgr} ${row.opcode} ${row.text.slice(0, 40)}`, row] as const))('%s', (_name, row) => {
    const bytes = new Uint8Array(Buffer.from(row.hex, 'hex'));
    const record = new XLogRecord().decode(new DataView(bytes.buffer), bytes, 0, 0x100 as Lsn, 0x200 as Lsn, major);
    const rmgr = RMGRS[record.rmid]!;
    expect(rmgr.name).toBe(row.rmgr);
    expect(rmgr.identify(record.rmgrInfo, major)).toBe(row.opcode);
    expect(rmgr.desc(record)).toBe(row.text);
  });
});
