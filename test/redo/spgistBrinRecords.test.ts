/** Real SP-GiST and BRIN records: described as that major's pg_waldump does, and, damaged, never worse than a typed error. Seeded. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { brinPageInit, BRIN_PAGETYPE_REGULAR, BRIN_PAGETYPE_REVMAP } from '../../src/pg/brin.js';
import { Page, PageError } from '../../src/pg/page.js';
import { addToNPlaceholder, addToNRedirection, spgFormDeadTuple, spGistInitPage, SPGIST_LEAF } from '../../src/pg/spgist.js';
import { PG_MAJORS, type PgMajor } from '../../src/pg/version.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { replayRecord } from '../../src/redo/replay.js';
import { RMGRS, RmgrId } from '../../src/redo/rmgrlist.js';
import { WalscopeError } from '../../src/util/errors.js';
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

const ROUNDS = 1500;
let seed = 20261121;
/** A number from 0 to n - 1. */
function random(n: number): number {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
  return Math.floor((seed / 2 ** 32) * n);
}

/** A page of live, redirected, dead and placeholder tuples, or of BRIN's kinds; some of its bytes wrong. */
function arbitraryPage(rmid: number): Page {
  const page = new Page();
  if (rmid === RmgrId.brin) brinPageInit(page, random(3) === 0 ? BRIN_PAGETYPE_REVMAP : BRIN_PAGETYPE_REGULAR);
  else spGistInitPage(page, random(2) === 0 ? SPGIST_LEAF : 0);
  for (let i = random(100); i > 0; i--) {
    const tupstate = random(4);
    const item = tupstate === 0 ? new Uint8Array(16 + 8 * random(10)).fill(random(4) === 0 ? 0 : 8) : spgFormDeadTuple(tupstate, random(1000), random(9), random(9));
    page.addItem(item, page.maxOffset + 1);
    if (rmid === RmgrId.spgist && tupstate === 1) addToNRedirection(page, 1);
    if (rmid === RmgrId.spgist && tupstate === 3) addToNPlaceholder(page, 1);
  }
  const wrong = random(2) === 0 ? 0 : random(20);
  for (let i = 0; i < wrong; i++) page.bytes[8 + random(random(2) === 0 ? 60 : 8184)] = random(256);
  page.lsn = 1 as Lsn;
  return page;
}

/** Undefined where `work` ended in one of the two errors that bad input may cause. */
function tolerated<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof WalscopeError || error instanceof PageError) return undefined;
    throw error;
  }
}

it.each(PG_MAJORS)('%i: no mutated record gets further than a typed error', (major) => {
  const rows = goldenRecords(major);
  let redone = 0, refused = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = bytesOf(rows[random(rows.length)]!);
    for (let i = random(6); i > 0; i--) bytes[24 + random(bytes.length - 24)] = random(3) === 0 ? random(256) : [0, 1, 127, 128, 255][random(5)]!;
    const record = tolerated(() => decode(bytes, major));
    if (!record) continue;
    const rmgr = RMGRS[record.rmid]!;
    tolerated(() => rmgr.desc(record));
    for (const ref of record.blocks) {
      const page = arbitraryPage(record.rmid);
      page.major = major;
      if (tolerated(() => replayRecord(record, ref, ref.block, page)) === undefined) refused++;
      else redone++;
      expect(page.bytes.length).toBe(8192);
      tolerated(() => rmgr.mask!(page, ref.block, major));
    }
  }
  expect(redone).toBeGreaterThan(ROUNDS / 4);
  expect(refused).toBeGreaterThan(ROUNDS / 20);
});
