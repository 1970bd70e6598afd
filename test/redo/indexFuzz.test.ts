/** Mutated Btree, Hash and Generic records over arbitrary pages: a page, a finding or a typed error, never a fault of ours. Seeded. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Page, PageError } from '../../src/pg/page.js';
import { PG_MAJORS } from '../../src/pg/version.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { replayRecord } from '../../src/redo/replay.js';
import { RMGRS } from '../../src/redo/rmgrlist.js';
import { WalscopeError } from '../../src/util/errors.js';
import type { Lsn } from '../../src/util/lsn.js';

const ROUNDS = 1500;

let seed = 20261121;
/** A number from 0 to n - 1. */
function random(n: number): number {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
  return Math.floor((seed / 2 ** 32) * n);
}

/** An index page of plain, pivot and posting tuples, some of its bytes wrong. */
function arbitraryPage(): Page {
  const page = new Page().init(16);
  for (let i = random(60); i > 0; i--) {
    const item = new Uint8Array(8 + 8 * random(6));
    const view = new DataView(item.buffer);
    const isPosting = random(3) === 0;
    view.setUint16(6, item.length | (isPosting || random(4) === 0 ? 0x2000 : 0), true);
    view.setUint16(2, isPosting ? 8 : random(9), true);
    view.setUint16(4, isPosting ? 0x2000 | random(5) : 1 + random(5), true);
    page.addItem(item, page.maxOffset + 1);
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
  const rows = JSON.parse(readFileSync(new URL(`golden/index-records-${major}.json`, import.meta.url), 'utf8')) as { hex: string }[];
  let redone = 0, refused = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = new Uint8Array(Buffer.from(rows[random(rows.length)]!.hex, 'hex'));
    for (let i = random(6); i > 0; i--) bytes[24 + random(bytes.length - 24)] = random(3) === 0 ? random(256) : [0, 1, 127, 128, 255][random(5)]!;
    const record = tolerated(() => new XLogRecord().decode(new DataView(bytes.buffer), bytes, 0, 0x100 as Lsn, 0x200 as Lsn, major));
    if (!record) continue;
    const rmgr = RMGRS[record.rmid]!;
    tolerated(() => rmgr.desc(record));
    for (const ref of record.blocks) {
      const page = arbitraryPage();
      if (tolerated(() => replayRecord(record, ref, ref.block, page)) === undefined) refused++;
      else redone++;
      expect(page.bytes.length).toBe(8192);
      tolerated(() => rmgr.mask!(page, ref.block, major));
    }
  }
  expect(redone).toBeGreaterThan(ROUNDS / 4);
  expect(refused).toBeGreaterThan(ROUNDS / 20);
});
