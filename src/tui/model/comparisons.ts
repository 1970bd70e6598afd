/** What differs between two moments, for the screen. */
import { hasHeapStorage } from '../../catalog/relation.js';
import { ForkNumber, sameRelation } from '../../pg/relFileLocator.js';
import { countDiffs } from '../../query/diffCounts.js';
import { diffTable, type Change } from '../../query/diff.js';
import { heldPairs } from '../../query/tablePairs.js';
import { Findings } from '../../query/session.js';
import type { Lsn } from '../../util/lsn.js';
import { qualifiedName } from '../../util/quote.js';
import type { ChangedRow, ChangedTable, TableChanges } from '../protocol.js';
import type { Model } from './model.js';

const CHANGES_KEPT = 5_000;
/** Rows of a table that came or went with its file are counted up to this size; the counts of other changes are in the index. */
const COUNTED_BLOCKS = 256;

export class Comparisons {
  constructor(private readonly model: Model) {}

  private sides(database: string, from: Lsn, to: Lsn) {
    return { before: this.model.databaseAt(from, database), after: this.model.databaseAt(to, database) };
  }

  /** What changed in a table, with the first of the rows. */
  table(database: string, oid: number, from: Lsn, to: Lsn): TableChanges {
    const sides = this.sides(database, from, to);
    const counts: Record<Change, number> = { added: 0, removed: 0, changed: 0 };
    const changes: ChangedRow[] = [];
    const findings = new Findings();
    const [pair] = heldPairs(sides, findings, oid);
    if (!pair) return { name: '', columns: [], changes, counts, findings: findings.list.map((each) => each.message) };
    const diff = diffTable(sides, pair, findings);
    diff.rows((change) => {
      counts[change.change]++;
      if (changes.length < CHANGES_KEPT) changes.push(change);
      this.model.work.check();
    });
    const name = qualifiedName(diff.schema, diff.name);
    return { name, columns: diff.columns.map((column) => ({ ...column, isKey: diff.key.includes(column.name) })), changes, counts, findings: findings.list.map((each) => each.message) };
  }

  /** Every table that changed, with its counts. */
  tables(database: string, from: Lsn, to: Lsn): { tables: ChangedTable[]; findings: string[] } {
    const sides = this.sides(database, from, to);
    const findings = new Findings();
    const pairs = heldPairs(sides, findings);
    const tables: ChangedTable[] = [];
    pairs.forEach((pair, i) => {
      this.model.work.progress('comparing table', i, pairs.length);
      const diff = diffTable(sides, pair, findings);
      const counts = countDiffs([diff])[0]!;
      if (counts.added + counts.removed + counts.changed > 0) tables.push({ oid: (pair.after ?? pair.before)!.oid, name: qualifiedName(diff.schema, diff.name), counts });
    });
    return { tables, findings: findings.list.map((each) => each.message) };
  }

  /** How many rows of a table a transaction changed, in words; empty where there are none, or too many to count. */
  stepCounts(database: string, oid: number, xid: number): string {
    const { session } = this.model;
    const row = this.model.transactionOf(xid);
    const sides = this.sides(database, row.lsn, row.endLsn);
    const pair = { before: sides.before.catalog.relations.get(oid), after: sides.after.catalog.relations.get(oid) };
    const relations = [pair.before, pair.after].filter((relation) => relation !== undefined);
    if (!relations.some(hasHeapStorage) || relations.some((relation) => relation.persistence !== 'p')) return '';
    let counts: Record<Change, number>;
    if (pair.before && pair.after && sameRelation(pair.before.locator, pair.after.locator)) {
      const done = session.store.changes.of(row).find(({ relation }) => sameRelation(relation, pair.after!.locator));
      counts = { added: done?.inserted ?? 0, changed: done?.updated ?? 0, removed: done?.deleted ?? 0 };
    } else {
      // made, dropped, emptied or rewritten: all rows of one side or both
      if (relations.some((relation) => session.store.pages.relation({ ...relation.locator, fork: ForkNumber.main }, row.lsn).blocks > COUNTED_BLOCKS)) return '';
      ({ counts } = this.table(database, oid, row.lsn, row.endLsn));
    }
    return counts.added + counts.removed + counts.changed === 0 ? '' : `+${counts.added} ~${counts.changed} -${counts.removed}`;
  }
}
