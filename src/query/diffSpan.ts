/** The WAL between the two moments of a comparison: who committed in it, and what they changed as the case's own sums have it. */
import type { Table } from '../catalog/table.js';
import { sameRelation } from '../pg/relFileLocator.js';
import type { RelationChange } from '../pg/walScanChanges.js';
import type { CommittedTransactions } from '../store/transactionChanges.js';
import type { Lsn } from '../util/lsn.js';
import { isSystemSchema, type DatabaseAt } from './session.js';

/** Both sides of the question, the same database. */
export interface DiffSides {
  before: DatabaseAt;
  after: DatabaseAt;
}

/** The moments in the order of the WAL, whichever way round the question was put. */
export function span(sides: DiffSides): { from: Lsn; to: Lsn } {
  const [a, b] = [sides.before.moment.lsn, sides.after.moment.lsn];
  return a <= b ? { from: a, to: b } : { from: b, to: a };
}

/**
 * How many rows of the table the transactions between the moments changed, as the case's own sums have it; undefined where these do not tell all:
 * the file was another one, or catalogs, whose rows are also changed in place.
 */
export function loggedChanges(sides: DiffSides, before: Table, after: Table): Omit<RelationChange, 'relation'> | undefined {
  const { file } = after;
  if (isSystemSchema(after.schema) || !sameRelation(before.file, file)) return undefined;
  const { store } = sides.after.session;
  const { from, to } = span(sides);
  if (store.pages.relation(file, from).floorLsn !== store.pages.relation(file, to).floorLsn) return undefined;
  const { inserted, updated, deleted } = committedBetween(sides).changes(file) ?? { inserted: 0, updated: 0, deleted: 0 };
  return from === sides.before.moment.lsn ? { inserted, updated, deleted } : { inserted: deleted, updated, deleted: inserted };
}

const known = new WeakMap<DiffSides, CommittedTransactions>();

/** The transactions between the moments: the same for all tables of a question. */
export function committedBetween(sides: DiffSides): CommittedTransactions {
  let found = known.get(sides);
  if (!found) {
    const { store } = sides.after.session;
    const { from, to } = span(sides);
    known.set(sides, (found = store.changes.committedIn(store.transactions, from, to)));
  }
  return found;
}
