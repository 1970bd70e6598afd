/** How many rows of tables differ between two moments: from the case's sums where these tell, else from the records in between, else by comparing rows. */
import type { Table } from '../catalog/table.js';
import type { AsofColumn } from './asof.js';
import type { TableDiff } from './diff.js';
import { committedBetween, loggedChanges, span, type DiffSides } from './diffSpan.js';
import { indexesOf } from './primaryKey.js';
import { countByRecords, type CountedTable } from './recordCount.js';
import { MOST_CHAINS } from './rowChains.js';
import type { Change } from './rowMatcher.js';
import type { DatabaseAt } from './session.js';

export type Counts = Record<Change, number>;

/** What tells how many rows of a table differ without comparing them. */
export interface Counting {
  sides: DiffSides;
  sums?: Counts;
  table?: CountedTable;
}

/** What there is for a table of the same columns at both moments. */
export function countingOf(sides: DiffSides, before: Table, after: Table, columns: AsofColumn[], key: string[]): Counting {
  const logged = loggedChanges(sides, before, after);
  if (!logged) return { sides };
  if (logged.updated === 0 && (logged.inserted === 0 || logged.deleted === 0)) return { sides, sums: { added: logged.inserted, removed: logged.deleted, changed: 0 } };
  if (logged.inserted > MOST_CHAINS) return { sides };
  const [earlier, later] = isForward(sides) ? [before, after] : [after, before];
  const primaryOid = (database: DatabaseAt): number | undefined => indexesOf(database, before.relation.oid).find(({ isPrimary }) => isPrimary)?.indexOid;
  const keyPlaces = key.map((name) => columns.findIndex((c) => c.name === name));
  const isWhole = columns.length === after.columns.length && primaryOid(sides.before) === primaryOid(sides.after);
  return { sides, table: { earlier, later, columns, keyPlaces, isWhole } };
}

function isForward({ before, after }: DiffSides): boolean {
  return before.moment.lsn <= after.moment.lsn;
}

/** How many rows rows() of each, all of the same two moments, would give: the WAL in between is read once for all of them. */
export function countDiffs(diffs: readonly TableDiff[]): Counts[] {
  const countings = diffs.map((diff) => diff.counting());
  const told = new Map<CountedTable, Counts>();
  const tables = countings.flatMap(({ table }) => table ?? []);
  if (tables.length > 0) {
    const { sides } = countings[0]!;
    countByRecords({ store: sides.after.session.store, ...span(sides), committed: committedBetween(sides) }, tables, (table, counts) => {
      if (counts) told.set(table, isForward(sides) ? counts : { added: counts.removed, removed: counts.added, changed: counts.changed });
    });
  }
  return countings.map(({ sums, table }, i) => sums ?? (table && told.get(table)) ?? diffs[i]!.count());
}
