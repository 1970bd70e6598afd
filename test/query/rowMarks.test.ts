/** What a transaction did to rows, told from their versions. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findTransaction } from '../../src/query/show.js';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import { RowMarks } from '../../src/query/rowMarks.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';

let archive: Archive;
let indexed: IndexedArchive;
beforeAll(async () => {
  archive = await cachedArchive({ major: 18, workload: 'audited', seed: 1 });
  indexed = await indexArchive(archive);
}, 180_000);
afterAll(() => indexed?.remove());

/** Keys of a table's rows by what a lone transaction made them. */
function marks(solo: number, name: string): { added: string[]; changed: string[] } {
  const { session } = indexed;
  const { xid } = archive.truth.transactions![solo - 1]!;
  const database = session.database(session.moment(`xid:${xid}`), 'shop');
  const found = { added: [] as string[], changed: [] as string[] };
  const table = database.table(name);
  const rowMarks = new RowMarks(database, table.relation, findTransaction(session, xid).row, 'after');
  table.scan((row) => {
    const change = rowMarks.of(row);
    if (change !== undefined) expect(rowMarks.mayMark(row.block, row.block + 1)).toBe(true);
    if (change === 'added' || change === 'changed') found[change].push(row.value(0)!);
  }, (finding) => { throw new Error(finding.message); });
  return found;
}

it('rows that the transaction inserted are added, also where it updated them afterwards, on their page or onto another', () => {
  expect(marks(4, 'toasty').added.sort()).toEqual(['9001', '9002', '9003', '9004', '9005']);
});

it('rows that were there are changed', () => {
  const { added, changed } = marks(1, 'plain');
  expect(added).toEqual([]);
  expect(changed.length).toBeGreaterThan(30);
});
