import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recoverTo, type RecoveryTarget } from '../../fixtures/postgres/recovery.js';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import { PG_MAJORS } from '../../src/pg/version.js';
import { compareRecovered } from '../support/recoveredPages.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';

/** Quiet ones and ones with transactions open; before and after rewrites, drops, databases and the crash. */
const BY_LSN = ['multixact_with_updater_open', 'writers_after_crash', 'last'];
const BY_TIME = 'truncated_and_loaded';

describe.each(PG_MAJORS)('lines 13, 16 and 34: every page against a real recovery to the same moment, PostgreSQL %i', (major) => {
  let archive: Archive;
  let indexed: IndexedArchive;

  beforeAll(async () => {
    archive = await cachedArchive({ major, workload: 'everything' });
    indexed = await indexArchive(archive);
  });
  afterAll(() => indexed?.remove());

  async function compareAt(target: RecoveryTarget, at: string[]) {
    const server = await recoverTo({ major, backup: archive.backup, wal: archive.wal, target });
    try {
      await server.stop();
      return at.map((text) => compareRecovered(indexed.session.store, indexed.session.moment(text).lsn, server.dataDir));
    } finally {
      await server.destroy();
    }
  }
  const momentOf = (name: string) => archive.truth.moments.find((moment) => moment.name === name)!;

  it.each(BY_LSN)('recovery_target_lsn, %s', async (name) => {
    const { lsn } = momentOf(name);
    // the second is another moment: were it found equal, the comparison would see nothing
    const [same, other] = await compareAt({ lsn }, [lsn, momentOf('table_and_database_dropped').lsn]);
    expect(same!.differences).toEqual([]);
    expect(same!.pages).toMatchObject({ main: expect.toSatisfy((n: number) => n > 4000), vm: expect.toSatisfy((n: number) => n > 100) });
    expect(same!.relMaps).toBeGreaterThan(8);
    expect(other!.differences.length).toBeGreaterThan(50);
  });

  it(`recovery_target_time, ${BY_TIME}`, async () => {
    const { time } = momentOf(BY_TIME);
    const [{ differences, pages }] = (await compareAt({ time }, [time])) as [ReturnType<typeof compareRecovered>];
    expect(differences).toEqual([]);
    expect(pages.main).toBeGreaterThan(4000);
  });
});
