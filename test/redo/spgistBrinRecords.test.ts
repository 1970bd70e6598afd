/** Real SP-GiST and BRIN records: described as that major's pg_waldump does. What damaged ones do: test/fuzz. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PG_MAJORS, type PgMajor } from '../../src/pg/version.js';
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

function goldenRecords(major: PgMajor): Golden[] {
  return JSON.parse(readFileSync(new URL(`golden/spgist-brin-records-${major}.json`, import.meta.url), 'utf8')) as Golden[];
}

function decode(bytes: Uint8Array, major: PgMajor): XLogRecord {
  return new XLogRecord().decode(new DataView(bytes.buffer), bytes, 0, 0x100 as Lsn, 0x200 as Lsn, major);
}

const bytesOf = (row: Golden): Uint8Array => new Uint8Array(Buffer.from(row.hex, 'hex'));

describe.each(PG_MAJORS)('real records of %i', (major) => {
  const rows = goldenRecords(major);

  it('covers every opcode of both managers', () => {
    expect(new Set(rows.map(({ rmgr, opcode }) => `${rmgr} ${opcode}`)).size).toBe(8 + 8);
  });

  it.each(rows.map((row) => [`${row.rmgr} ${row.opcode} ${row.text}`, row] as const))('%s', (_name, row) => {
    const record = decode(bytesOf(row), major);
    const rmgr = RMGRS[record.rmid]!;
    expect(rmgr.name).toBe(row.rmgr);
    expect(rmgr.identify(record.rmgrInfo, major)).toBe(row.opcode);
    expect(rmgr.desc(record)).toBe(row.text);
  });

  it('refuses each of them when its main data is cut short', () => {
    // 13 says nothing of two opcodes, and so does not read them
    for (const row of rows.filter(({ text }) => text !== '')) {
      const record = decode(bytesOf(row), major);
      record.mainLength = 1;
      expect(() => RMGRS[record.rmid]!.desc(record), row.opcode).toThrow(expect.objectContaining({ code: 'wal.record_data' }));
    }
  });
});
