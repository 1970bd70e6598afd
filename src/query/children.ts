/** The children of a partitioned or inherited table as of a moment, in the order in which a server reads them. */
import type { Relation } from '../catalog/relation.js';
import { PartitionOrder } from './partitionOrder.js';
import type { DatabaseAt } from './session.js';

/**
 * The relations whose rows `SELECT * FROM parent` gives, the parent first where it has rows of its own. Inherited tables come level by
 * level, the children of each by OID (find_all_inheritors(), catalog/pg_inherits.c, PG 13–18); partitions in depth, by their bounds
 * (expand_partitioned_rtentry(), optimizer/util/inherit.c).
 */
export function withDescendants(database: DatabaseAt, parent: Relation): Relation[] {
  if (parent.kind !== 'p' && !parent.hasSubclass) return [parent];
  const children = childrenByParent(database);
  const relationsOf = (oid: number): Relation[] => (children.get(oid) ?? []).map((child) => database.catalog.relations.get(child)).filter((r) => r !== undefined);
  if (parent.kind !== 'p') {
    const found = [parent];
    // a child of two parents is read once
    for (const relation of found) for (const child of relationsOf(relation.oid)) if (!found.includes(child)) found.push(child);
    return found;
  }
  const order = new PartitionOrder(database);
  const leaves: Relation[] = [];
  const visit = (relation: Relation): void => {
    if (relation.kind !== 'p') {
      leaves.push(relation);
      return;
    }
    for (const oid of order.sort(relation.oid, children.get(relation.oid) ?? [])) {
      const partition = database.catalog.relations.get(oid);
      if (partition) visit(partition);
    }
  };
  visit(parent);
  return leaves;
}

/** The tables with rows that a name stands for, as FROM reads it: the relation with its children, or, with `only`, it alone where it has rows of its own. */
export function tablesNamed(database: DatabaseAt, relation: Relation, only = false): Relation[] {
  return only && relation.kind !== 'p' ? [relation] : withDescendants(database, relation);
}

/** pg_inherits: the children of each parent by OID; partitions that DETACH CONCURRENTLY is taking away are no children any more. */
function childrenByParent(database: DatabaseAt): Map<number, number[]> {
  const children = new Map<number, number[]>();
  database.catalog.scan('pg_inherits', (row) => {
    if (row.has('inhdetachpending') && row.bool('inhdetachpending')) return;
    const parent = row.oid('inhparent');
    const list = children.get(parent);
    if (list) list.push(row.oid('inhrelid'));
    else children.set(parent, [row.oid('inhrelid')]);
  });
  for (const list of children.values()) list.sort((a, b) => a - b);
  return children;
}
