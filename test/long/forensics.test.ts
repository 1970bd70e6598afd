/** What the short tests show for two majors, for all of them; 200 pairs of moments a major; planted disasters of twenty workloads. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import { PG_MAJORS } from '../../src/pg/version.js';
import { diffTruth } from '../support/diffTruth.js';
import { goneTruth } from '../support/goneTruth.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';
import { expectPlantedFirst, transactionTruth } from '../support/transactionTruth.js';
import { undoTruth } from '../support/undoTruth.js';

for (const major of PG_MAJORS) {
  transactionTruth(major, major);
  undoTruth(major, major, [0, 1, 2, 3, 4, 5, 6]);
  diffTruth(major, 200);
  goneTruth(major);
}

describe.each(Array.from({ length: 20 }, (_, seed) => [PG_MAJORS[seed % PG_MAJORS.length]!, 100 + seed] as const))('a disaster in a generated workload, PostgreSQL %i, seed %i', (major, seed) => {
  let archive: Archive;
  let indexed: IndexedArchive;
  beforeAll(async () => {
    archive = await cachedArchive({ major, workload: 'audited', seed });
    indexed = await indexArchive(archive);
  }, 300_000);
  afterAll(() => indexed?.remove());

  it('comes first among the incidents', () => expectPlantedFirst(indexed.session, archive.truth.planted!));
});
