import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import { PG_MAJORS } from '../../src/pg/version.js';
import { compareMoment, indexArchive, type IndexedArchive } from '../support/truthCase.js';

/** As many as the workload records: fewer would mean that the corpus shrank. */
const MOMENTS = 33;
const TABLE_MOMENTS = 855;

describe.each(PG_MAJORS)('every table at every recorded moment, PostgreSQL %i', (major) => {
  let archive: Archive;
  let indexed: IndexedArchive;

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
    const differences: string[] = [];
    let equal = 0;
    for (const moment of archive.truth.moments) {
      const result = await compareMoment(indexed.session, archive, moment, moment.lsn);
      differences.push(...result.differences);
      equal += result.equal;
    }
    expect(differences).toEqual([]);
    expect(equal).toBeGreaterThanOrEqual(TABLE_MOMENTS);
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
