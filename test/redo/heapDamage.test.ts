/** Damaged pages and damaged records: replay throws located input errors, nothing else, and never writes outside the page. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLCKSZ, Page } from '../../src/pg/page.js';
import { PG_MAJORS } from '../../src/pg/version.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { replayRecord } from '../../src/redo/replay.js';
import { RMGRS } from '../../src/redo/rmgrlist.js';
import { WalscopeError } from '../../src/util/errors.js';
import type { Lsn } from '../../src/util/lsn.js';

const GUARD = 0xa5;

function orInputError<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof WalscopeError) return undefined;
    throw error;
  }
}

/** A page in the middle of guard bytes, with tuples under its first line pointers. */
function guardedPage(): { page: Page; guards: Uint8Array } {
  const guards = new Uint8Array(3 * BLCKSZ).fill(GUARD);
  const page = new Page(guards.subarray(BLCKSZ, 2 * BLCKSZ)).init();
  for (let n = 1; n <= 60; n++) page.addItem(new Uint8Array(24 + n).fill(24), n);
  return { page, guards };
}

describe.each(PG_MAJORS)('real records of %i with bytes changed', (major) => {
  const rows = JSON.parse(readFileSync(new URL(`golden/heap-records-${major}.json`, import.meta.url), 'utf8')) as { hex: string }[];

  it('replay to a result or a located input error', () => {
    const change = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(fc.property(fc.constantFrom(...rows), fc.array(change, { maxLength: 4 }), fc.array(change, { maxLength: 4 }), ({ hex }, inRecord, inPage) => {
      const bytes = new Uint8Array(Buffer.from(hex, 'hex'));
      // the header's length and manager stay: what is read from a file has a good CRC
      for (const [at, value] of inRecord) bytes[24 + (at % (bytes.length - 24))] = value;
      const record = orInputError(() => new XLogRecord().decode(new DataView(bytes.buffer), bytes, 0, 0x1000000 as Lsn, 0x1000100 as Lsn, major));
      if (record === undefined) return;
      const targets = record.blocks.map(({ spcOid, dbOid, relNumber, fork, block }) => ({ rel: { spcOid, dbOid, relNumber, fork }, block }));
      orInputError(() => RMGRS[record.rmid]!.implicitEdits?.(record, (rel, block) => targets.push({ rel, block })));
      orInputError(() => RMGRS[record.rmid]!.desc(record));
      for (const { rel, block } of targets) {
        const { page, guards } = guardedPage();
        // mostly where it hurts: the header and the line pointers
        for (const [at, value] of inPage) page.bytes[8 + (at % 300)] = value;
        orInputError(() => replayRecord(record, rel, block, page));
        expect(guards.subarray(0, BLCKSZ).every((byte) => byte === GUARD) && guards.subarray(2 * BLCKSZ).every((byte) => byte === GUARD)).toBe(true);
      }
    }), { numRuns: 1500 });
  });
});
