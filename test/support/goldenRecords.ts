/** Records of real servers, kept with what that major's own pg_waldump printed for them. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { PgMajor } from '../../src/pg/version.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { RMGRS } from '../../src/redo/rmgrlist.js';
import type { Lsn } from '../../src/util/lsn.js';

export interface GoldenRecord {
  rmgr: string;
  opcode: string;
  /** The record as it stood in a real server's WAL. */
  hex: string;
  /** What pg_waldump printed after the opcode's name. */
  text: string;
}

/** `test/redo/golden/FAMILY-records-MAJOR.json`. */
export function goldenRecords(family: string, major: PgMajor): GoldenRecord[] {
  return JSON.parse(readFileSync(new URL(`../redo/golden/${family}-records-${major}.json`, import.meta.url), 'utf8')) as GoldenRecord[];
}

/** Decodes a record and expects its manager, opcode and description to be those of pg_waldump. */
export function expectDescription(golden: GoldenRecord, major: PgMajor): void {
  const bytes = new Uint8Array(Buffer.from(golden.hex, 'hex'));
  const record = new XLogRecord().decode(new DataView(bytes.buffer), bytes, 0, 0x100 as Lsn, 0x200 as Lsn, major);
  const rmgr = RMGRS[record.rmid]!;
  expect(rmgr.name).toBe(golden.rmgr);
  expect(rmgr.identify(record.rmgrInfo, major)).toBe(golden.opcode);
  expect(rmgr.desc(record)).toBe(golden.text);
}
