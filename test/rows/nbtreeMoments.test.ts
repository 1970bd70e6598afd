/**
 * Btree searches as of every moment inside splits and page deletions: after each record of an index's history the search finds, through
 * the root, what the leaf pages hold.
 */
import { expect, it } from 'vitest';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { BTP_DELETED, BTP_HALF_DEAD, BTP_INCOMPLETE_SPLIT, BTP_LEAF, BTP_META, btpoFlags, firstDataKey, heapTidRange } from '../../src/pg/nbtree.js';
import { Page } from '../../src/pg/page.js';
import type { PgMajor } from '../../src/pg/version.js';
import { XLogReader } from '../../src/pg/xlogReader.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { replayRecord } from '../../src/redo/replay.js';
import { RmgrId } from '../../src/redo/rmgrlist.js';
import { compareFunction } from '../../src/rows/compare.js';
import { NbtreeSearch } from '../../src/rows/nbtreeSearch.js';
import { WalDirectory } from '../support/walDirectory.js';

/** Wide keys make a tree of four levels; whole subtrees go at once, and recycled pages come back elsewhere. */
const WORKLOAD = [
  'CREATE TABLE wide (k text NOT NULL, pad text)',
  'ALTER TABLE wide ALTER COLUMN k SET STORAGE PLAIN',
  'CREATE INDEX wide_k ON wide (k)',
  "INSERT INTO wide SELECT repeat('k', 1200) || lpad(i::text, 6, '0') FROM generate_series(1, 300, 2) i",
  "INSERT INTO wide SELECT repeat('k', 1200) || lpad(i::text, 6, '0') FROM generate_series(300, 2, -2) i",
  "DELETE FROM wide WHERE k < repeat('k', 1200) || '000150'",
  'VACUUM wide',
  "DELETE FROM wide WHERE k < repeat('k', 1200) || '000298'",
  'VACUUM wide',
  'SELECT pg_current_xact_id()',
  'VACUUM wide',
  "INSERT INTO wide SELECT repeat('k', 1200) || lpad(i::text, 6, '0') FROM generate_series(297, 240, -1) i",
];

const compare = compareFunction('bttextcmp', { cCollation: true })!;

class IndexHistory {
  readonly pages = new Map<number, Page>();

  newSearch(): NbtreeSearch {
    return new NbtreeSearch((block) => this.pages.get(block)!, [{ attlen: -1, attalign: 'i', compare }], 1);
  }

  /** How many heap TIDs all live leaf pages hold. */
  get leafTids(): number {
    let count = 0;
    for (const page of this.pages.values()) {
      const flags = btpoFlags(page);
      if ((flags & BTP_LEAF) === 0 || (flags & (BTP_DELETED | BTP_HALF_DEAD | BTP_META)) !== 0) continue;
      for (let off = firstDataKey(page); off <= page.maxOffset; off++) count += heapTidRange(page.view, page.itemAt(off)).count;
    }
    return count;
  }

  has(flag: number): boolean {
    for (const page of this.pages.values()) if ((btpoFlags(page) & (flag | BTP_DELETED)) === flag) return true;
    return false;
  }
}

it.each([13, 18] as PgMajor[])('finds every key after every record of PostgreSQL %i', async (major) => {
  const server = await PostgresServer.create({ major, settings: { autovacuum: false } });
  try {
    let filenode = 0;
    await server.session('postgres', async (client) => {
      for (const statement of WORKLOAD) await client.query(statement);
      filenode = Number((await client.query<{ n: string }>("SELECT pg_relation_filenode('wide_k') AS n")).rows[0]!.n);
    });
    await server.archiveAll();

    const wal = new WalDirectory(server.walDir);
    const reader = new XLogReader(wal, { major, systemIdentifier: wal.systemIdentifier });
    const record = new XLogRecord();
    const history = new IndexHistory();
    const seen = { incompleteSplit: 0, halfDead: 0, moments: 0 };
    reader.seek(wal.firstLsn, record);
    while (reader.next(record)) {
      const refs = record.blocks.filter((ref) => ref.relNumber === filenode && ref.fork === 0);
      for (const ref of refs) {
        const page = history.pages.get(ref.block) ?? new Page();
        history.pages.set(ref.block, page);
        replayRecord(record, ref, ref.block, page);
      }
      if (refs.length === 0 || record.rmid !== RmgrId.btree) continue;
      seen.moments++;
      if (history.has(BTP_INCOMPLETE_SPLIT)) seen.incompleteSplit++;
      if (history.has(BTP_HALF_DEAD)) seen.halfDead++;
      const entries = [...history.newSearch().search()];
      expect(entries.reduce((sum, entry) => sum + entry.tids.length, 0)).toBe(history.leafTids);
      for (let i = 1; i < entries.length; i++) expect(compare(entries[i - 1]!.values[0]!, entries[i]!.values[0]!)).toBeLessThan(1);
      for (let i = seen.moments % 7; i < entries.length; i += 7) {
        const { values, tids } = entries[i]!;
        expect([...history.newSearch().tids({ equal: values })]).toEqual(expect.arrayContaining(tids));
      }
    }
    wal.close();
    expect(seen.moments).toBeGreaterThan(500);
    expect(seen.incompleteSplit).toBeGreaterThan(20);
    expect(seen.halfDead).toBeGreaterThan(20);
  } finally {
    await server.destroy();
  }
});
