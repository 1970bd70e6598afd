/** The partitioned table that stands above a partition. */
import type { DatabaseAt } from './session.js';

const ROOTS = new WeakMap<DatabaseAt, Map<number, number>>();

/** By partition, at every level: the OID of the topmost table. */
export function partitionRoots(database: DatabaseAt): ReadonlyMap<number, number> {
  let roots = ROOTS.get(database);
  if (roots) return roots;
  roots = new Map();
  const { relations } = database.catalog;
  if ([...relations.values()].some((relation) => relation.isPartition)) {
    const parents = new Map<number, number>();
    database.catalog.scan('pg_inherits', (row) => {
      if (relations.get(row.oid('inhrelid'))?.isPartition) parents.set(row.oid('inhrelid'), row.oid('inhparent'));
    });
    for (const oid of parents.keys()) {
      let root = oid;
      while (parents.has(root)) root = parents.get(root)!;
      roots.set(oid, root);
    }
  }
  ROOTS.set(database, roots);
  return roots;
}
