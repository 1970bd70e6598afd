/** Times, where commit timestamps are out of order in the WAL: a moment must be where real recovery with recovery_target_time ended. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import { formatLsn, parseLsn, type Lsn } from '../../src/util/lsn.js';
import { compareMoment, indexArchive, type IndexedArchive } from '../support/truthCase.js';

const XLOG_BLCKSZ = 8192;
const SHORT_HEADER = 24;
const LONG_HEADER = 40;

/** Recovery reports where its last record ended; where that is a page's start, the next record begins behind the page header. */
function nextRecordAt(end: Lsn, segmentSize: number): Lsn {
  if (end % XLOG_BLCKSZ !== 0) return end;
  return (end + (end % segmentSize === 0 ? LONG_HEADER : SHORT_HEADER)) as Lsn;
}

describe.each([13, 15, 18] as const)('line 38: recovery_target_time with commit times out of order, PostgreSQL %i', (major) => {
  let archive: Archive;
  let indexed: IndexedArchive;

  beforeAll(async () => {
    archive = await cachedArchive({ major, workload: 'timeOrder' });
    indexed = await indexArchive(archive);
  });
  afterAll(() => indexed?.remove());

  it('stops where real recovery stopped', () => {
    const { session } = indexed;
    const segmentSize = session.store.manifest.segmentSize;
    const got = archive.truth.moments.map((m) => `${m.name} ${formatLsn(session.moment(m.time).lsn)}`);
    const wanted = archive.truth.moments.map((m) => `${m.name} ${formatLsn(nextRecordAt(parseLsn(m.lsn)!, segmentSize))}`);
    expect(wanted.length).toBeGreaterThanOrEqual(2);
    expect(got).toEqual(wanted);
  });

  it('leaves out a commit at its own time where a later time stands before it, and has it at that later time', () => {
    const { session } = indexed;
    for (const { name, time, xid } of archive.truth.moments) {
      const commit = session.moment(`before-xid:${xid}`).lsn;
      const isApplied = session.moment(time).lsn > commit;
      expect(`${name} ${isApplied}`).toBe(`${name} ${name.startsWith('passed_')}`);
    }
  });

  it('gives the rows that the recovered server showed', async () => {
    const differences: string[] = [];
    let equal = 0;
    for (const moment of archive.truth.moments) {
      const result = await compareMoment(indexed.session, archive, moment, moment.time);
      differences.push(...result.differences);
      equal += result.equal;
    }
    expect(differences).toEqual([]);
    expect(equal).toBe(archive.truth.moments.length);
  });
});
