/** Pages that were rebuilt for one moment serve for others: what is replayed between moments is counted. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cachedArchive } from '../../fixtures/workloads/build.js';
import { ENTRY_STARTS_CHAIN } from '../../src/layerfile/deltaLayer.js';
import type { CaseStore } from '../../src/store/caseStore.js';
import { openCase } from '../../src/store/openCase.js';
import { SLRU_SPC_OID } from '../../src/store/slruKeys.js';
import { crc32c } from '../../src/pg/crc32c.js';
import { formatRelFork, type RelFork } from '../../src/pg/relFileLocator.js';
import { parseLsn, type Lsn } from '../../src/util/lsn.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';
import { changedBlocks } from '../support/storePages.js';

let indexed: IndexedArchive;
let moments: Lsn[];
let rels: RelFork[];

beforeAll(async () => {
  const archive = await cachedArchive({ major: 18, workload: 'everything' });
  indexed = await indexArchive(archive, { compact: false });
  moments = archive.truth.moments.map(({ lsn }) => parseLsn(lsn)!);
  const seen = new Map(changedBlocks(indexed.session.store).filter(({ rel }) => rel.spcOid !== SLRU_SPC_OID).map(({ rel }) => [formatRelFork(rel), rel]));
  rels = [...seen.values()];
});
afterAll(() => indexed?.remove());

/** All pages of all relations as of a moment. */
function pages(store: CaseStore, upTo: Lsn): string[] {
  const found: string[] = [];
  for (const rel of rels) {
    if (!store.pages.relation(rel, upTo).exists) continue;
    store.pages.scan(rel, upTo, 0, 0x1_0000_0000, (block, { page }) => void found.push(`${formatRelFork(rel)} ${block} ${crc32c(page.bytes)}`));
  }
  return found;
}

/** What lies between two moments, from the last record that starts a block anew in between. */
function recordsBetween(store: CaseStore, since: Lsn, upTo: Lsn): number {
  let count = 0;
  for (const rel of rels) {
    const state = store.pages.relation(rel, upTo);
    if (!state.exists) continue;
    const chains = new Map<number, number>();
    store.pages.changes(rel, 0, state.blocks, since, upTo, (block, _, bits) => chains.set(block, (bits & ENTRY_STARTS_CHAIN) !== 0 ? 1 : (chains.get(block) ?? 0) + 1));
    for (const length of chains.values()) count += length;
  }
  return count;
}

describe('pages between moments', () => {
  it('are gone on from when moments go forward, and found again when they go back', () => {
    const store = openCase(indexed.caseDir);
    const fresh = (upTo: Lsn): string[] => {
      const other = openCase(indexed.caseDir);
      const answer = pages(other, upTo);
      other.close();
      return answer;
    };
    const replayed = (upTo: Lsn): number => {
      const before = store.pages.counters.recordsReplayed;
      expect(pages(store, upTo)).toEqual(fresh(upTo));
      return store.pages.counters.recordsReplayed - before;
    };
    const [first, second, third] = [4, 10, 11].map((i) => moments[i]!) as [Lsn, Lsn, Lsn];
    expect(replayed(first)).toBeGreaterThan(1000);
    for (const [since, upTo] of [[first, second], [second, third]] as const) {
      const between = recordsBetween(store, since, upTo);
      expect(between).toBeGreaterThan(10);
      // fewer where a page's image of the backup is as new
      expect(replayed(upTo)).toBeLessThanOrEqual(between);
    }
    expect([replayed(second), replayed(first), replayed(third)]).toEqual([0, 0, 0]);
    store.close();
  });
});
