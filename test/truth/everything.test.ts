import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import { PG_MAJORS } from '../../src/pg/version.js';
import { compareMoment, indexArchive, type IndexedArchive } from '../support/truthCase.js';

/** As many as the workload records: fewer would mean that the corpus shrank. */
const MOMENTS = 33;
const TABLE_MOMENTS = 855;

/** What the checklist's lines that whole tables show best are about, and the moments that show it. */
const LINES: [string, string[]][] = [
  ['line 16: blocks from before a truncation do not come back', ['after_vacuum', 'after_rewrites']],
  ['line 17: a whole relation is truncated', ['truncate_open', 'truncated_and_loaded']],
  ['line 18: drops in commit and abort records', ['drop_open', 'table_and_database_dropped', 'rewrite_open']],
  ['line 19: databases made both ways, from a template that changes afterwards, and moved', ['databases_created_both_ways', 'template_changed_afterwards', 'late_tablespace_and_moved_database']],
  ['line 20: tablespaces', ['renamed_and_moved', 'late_tablespace_and_moved_database']],
  ['line 24: subtransactions span CLOG pages', ['eighty_subtransactions_open', 'eighty_subtransactions_committed', 'subtransactions_span_clog_pages']],
  ['line 25: a crash leaves transactions in progress', ['before_crash_transactions_open', 'after_crash', 'writers_after_crash']],
  ['line 26: prepared transactions', ['three_prepared_open', 'one_prepared_committed', 'one_prepared_aborted']],
  ['lines 28 and 31: multixacts', ['locks_shared_by_three_open', 'multixact_with_updater_open', 'multixact_updater_committed_locker_open', 'multixacts_by_the_thousand']],
  ['lines 30, 34 and 36: the first moment after a backup that was taken while others wrote', ['first', 'writers_open_1']],
];

describe.each(PG_MAJORS)('every table at every recorded moment, PostgreSQL %i', (major) => {
  let archive: Archive;
  let indexed: IndexedArchive;
  /** By moment: what differs, and how many tables are equal. */
  const byLsn = new Map<string, { differences: string[]; equal: number }>();

  beforeAll(async () => {
    archive = await cachedArchive({ major, workload: 'everything' });
    indexed = await indexArchive(archive);
  });
  afterAll(() => indexed?.remove());

  it('indexes the whole archive without a finding', () => {
    expect(indexed.findings).toEqual([]);
    expect(archive.truth.moments.length).toBeGreaterThanOrEqual(MOMENTS);
  });

  it("prints by LSN what the server's COPY showed, byte for byte", async () => {
    for (const moment of archive.truth.moments) byLsn.set(moment.name, await compareMoment(indexed.session, archive, moment, moment.lsn));
    expect([...byLsn.values()].flatMap(({ differences }) => differences)).toEqual([]);
    expect([...byLsn.values()].reduce((sum, { equal }) => sum + equal, 0)).toBeGreaterThanOrEqual(TABLE_MOMENTS);
  });

  it.each(LINES)('%s', (_, moments) => {
    const results = moments.map((name) => byLsn.get(name)!);
    expect(results.flatMap(({ differences }) => differences)).toEqual([]);
    for (const { equal } of results) expect(equal).toBeGreaterThan(10);
  });

  it('prints the same by restore point, by time and by transaction', async () => {
    const differences: string[] = [];
    for (const [i, moment] of archive.truth.moments.entries()) {
      const at = [`point:${moment.name}`, moment.time, `xid:${moment.xid}`][i % 3]!;
      differences.push(...(await compareMoment(indexed.session, archive, moment, at)).differences);
    }
    expect(differences).toEqual([]);
  });
});
