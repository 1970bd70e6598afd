/** Every way to write a moment: what it resolves to, against a plain walk over all records; and the refusals. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import type { Session } from '../../src/query/session.js';
import { ExitCode, WalscopeError } from '../../src/util/errors.js';
import { formatLsn, parseLsn, type Lsn } from '../../src/util/lsn.js';
import { formatTimestamptz } from '../../src/util/pgTime.js';
import { UTC } from '../../src/util/timeZone.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';

let archive: Archive;
let indexed: IndexedArchive;
let session: Session;
let records: { lsn: Lsn; endLsn: Lsn }[];

beforeAll(async () => {
  archive = await cachedArchive({ major: 18, workload: 'everything' });
  indexed = await indexArchive(archive);
  session = indexed.session;
  const { firstLsn, lastLsn } = session.store.coverage[0]!;
  const reader = session.store.newReader();
  const record = new XLogRecord();
  reader.begin(firstLsn);
  records = [];
  while (reader.position < lastLsn && reader.next(record)) records.push({ lsn: record.lsn, endLsn: record.endLsn });
});
afterAll(() => indexed?.remove());

function refusal(text: string): WalscopeError {
  try {
    session.moment(text);
  } catch (error) {
    if (error instanceof WalscopeError) return error;
    throw error;
  }
  throw new Error(`${text} was answered`);
}

const time = (micros: number): string => formatTimestamptz(micros, UTC);

describe('an LSN', () => {
  it('takes a record in once it has ended: inside one stands for its start, at a boundary for the boundary', () => {
    expect(records.length).toBeGreaterThan(10_000);
    const step = Math.floor(records.length / 400);
    for (let i = 1; i < records.length; i += step) {
      const { lsn, endLsn } = records[i]!;
      for (const at of [lsn, lsn + 1, lsn + 8, endLsn - 1]) expect(`${at} ${session.moment(formatLsn(at as Lsn)).lsn}`).toBe(`${at} ${lsn}`);
      expect(session.moment(formatLsn(endLsn)).lsn).toBe(endLsn);
    }
  });

  it('inside the last record of the archive stands for its start as well', () => {
    const last = records.at(-1)!;
    expect(session.moment(formatLsn((last.endLsn - 1) as Lsn)).lsn).toBe(last.lsn);
    expect(session.moment(formatLsn((last.lsn + 1) as Lsn)).lsn).toBe(last.lsn);
  });
});

describe('names', () => {
  it('earliest and latest are the ends of the coverage', () => {
    const { firstLsn, lastLsn } = session.store.coverage[0]!;
    expect(session.moment('earliest').lsn).toBe(firstLsn);
    expect(session.moment('latest').lsn).toBe(lastLsn);
    expect(session.moment('latest').lsn).toBe(records.at(-1)!.endLsn);
  });

  it('lines 29 and 39: a restore point is the end of its record, a transaction the end of its commit, before-xid the start', () => {
    for (const moment of archive.truth.moments) {
      expect(session.moment(`point:${moment.name}`).lsn).toBe(parseLsn(moment.lsn));
      const after = session.moment(`xid:${moment.xid}`).lsn;
      const before = session.moment(`before-xid:${moment.xid}`).lsn;
      expect(records.find((record) => record.lsn === before)?.endLsn).toBe(after);
      expect(after).toBeLessThanOrEqual(parseLsn(moment.lsn)!);
      // with an epoch, as pg_current_xact_id() shows it once transaction ids have wrapped
      expect(session.moment(`xid:${(5n << 32n) + BigInt(moment.xid)}`).lsn).toBe(after);
    }
  });

  it('a relative time counts back from the last time that is covered', () => {
    const newest = session.store.lastKnownTime(session.store.coverage[0]!)!;
    for (const [text, back] of [['-1s', 1e6], ['-1500ms', 1.5e6], ['-0.5s', 0.5e6]] as const) {
      const moment = session.moment(text);
      expect(moment.time).toBe(newest - back);
      expect(moment.lsn).toBe(session.moment(time(newest - back)).lsn);
    }
  });
});

describe('line 39: a refusal names the range that is covered', () => {
  const covered = /^covered: [0-9A-F]+\/[0-9A-F]+ \(.*\) to [0-9A-F]+\/[0-9A-F]+ \(.*\)$/;

  it.each([
    ['an LSN before the backup was consistent', () => formatLsn((records[0]!.lsn - 8) as Lsn), 'moment.past'],
    ['LSN 0/0', () => '0/0', 'moment.past'],
    ['an LSN behind the end', () => formatLsn((records.at(-1)!.endLsn + 1) as Lsn), 'moment.future'],
    ['a time long ago', () => '1999-12-31 00:00:00+00', 'moment.past'],
    ['a time to come', () => '2100-01-01 00:00:00+00', 'moment.future'],
    ['a relative time before the start', () => '-30d', 'moment.past'],
    ['a restore point that is not there', () => 'point:nowhere', 'moment.not_found'],
    ['a transaction that is not there', () => 'xid:4000000000', 'moment.not_found'],
  ])('%s', (_, text, code) => {
    const error = refusal(text());
    expect([error.code, error.exitCode]).toEqual([code, ExitCode.outsideCoverage]);
    expect(error.options.hint).toMatch(covered);
  });

  it.each(['', 'yesterday-ish', '0/', '2026-13-01', 'xid:', 'xid:-1', 'xid:99999999999999999999', '-10 parsecs', '2026-02-30 00:00:00'])('%j is a usage error', (text) => {
    expect(refusal(text).exitCode).toBe(ExitCode.usage);
  });
});
