/** Tables of two moments, each with what it was or became. */
import { hasHeapStorage, type Relation } from '../catalog/relation.js';
import { WalscopeError } from '../util/errors.js';
import { qualifiedName } from '../util/quote.js';
import { tablesNamed } from './children.js';
import type { DiffSides } from './diffSpan.js';
import { isSystemSchema, type DatabaseAt, type Findings } from './session.js';
import { findRelation, parseTableName } from './tableName.js';

export interface RelationPair {
  before: Relation | undefined;
  after: Relation | undefined;
}

/** The tables that exist at either moment, paired by OID; a table that was dropped and made anew under its name is paired by name. */
export function pairTables(sides: DiffSides): RelationPair[] {
  const list = (database: DatabaseAt): Relation[] => [...database.catalog.relations.values()]
    .filter((r) => (r.kind === 'r' || r.kind === 'm') && r.persistence === 'p' && !isSystemSchema(database.catalog.schemaOf(r)));
  const before = list(sides.before);
  const after = list(sides.after);
  const nameOf = (database: DatabaseAt, relation: Relation): string => qualifiedName(database.catalog.schemaOf(relation), relation.name);
  const pairs: RelationPair[] = [];
  const taken = new Set<number>();
  for (const relation of before) {
    const same = after.find((r) => r.oid === relation.oid) ?? after.find((r) => !before.some((b) => b.oid === r.oid) && nameOf(sides.after, r) === nameOf(sides.before, relation));
    if (same) taken.add(same.oid);
    pairs.push({ before: relation, after: same });
  }
  for (const relation of after) if (!taken.has(relation.oid)) pairs.push({ before: undefined, after: relation });
  const sortName = (pair: RelationPair): string => (pair.after ? nameOf(sides.after, pair.after) : nameOf(sides.before, pair.before!));
  return pairs.sort((a, b) => (sortName(a) < sortName(b) ? -1 : 1));
}

/** The pairs whose rows are known at both moments; the others are named in findings. */
export function heldPairs(sides: DiffSides, findings: Findings): RelationPair[] {
  return pairTables(sides).filter(({ before, after }) => {
    const [other, moment] = before ? [sides.after, 'second'] : [sides.before, 'first'];
    const unlogged = before && after ? undefined : other.catalog.relations.get((before ?? after)!.oid);
    if (unlogged) {
      findings.add({ code: 'table.unlogged', message: `${qualifiedName(other.catalog.schemaOf(unlogged), unlogged.name)} is unlogged at the ${moment} moment: its rows cannot be compared` });
      return false;
    }
    const [database, relation] = before && sides.before.isLeftOut(before) ? [sides.before, before] : [sides.after, after];
    return !relation || database.held([relation], findings).length > 0;
  });
}

/** What was or became of a relation by name; one that was renamed in between is found by its OID. Says why there is none. */
export function pairByName(sides: DiffSides, name: string): RelationPair {
  const parsed = parseTableName(sides.after.typed(name));
  let before = findRelation(sides.before.catalog, parsed);
  let after = findRelation(sides.after.catalog, parsed);
  if (!before && !after) sides.after.relation(name);
  before ??= sides.before.catalog.relations.get(after!.oid);
  after ??= sides.after.catalog.relations.get(before!.oid);
  return { before, after };
}

/** The tables with rows that names stand for at either moment, each with its children as FROM reads it; those of children that cannot be told are named in findings. */
export function namedPairs(sides: DiffSides, names: readonly string[], findings: Findings, only = false): RelationPair[] {
  const found = new Map<number, RelationPair>();
  for (const name of names) {
    const named = pairByName(sides, name);
    const lists = (['before', 'after'] as const).map((side) => (named[side] ? tablesNamed(sides[side], named[side], only) : []));
    const [before, after] = lists as [Relation[], Relation[]];
    if (named.before?.oid !== named.after?.oid && before.length <= 1 && after.length <= 1) {
      found.set((named.after ?? named.before)!.oid, { before: openable(sides.before, named.before), after: openable(sides.after, named.after) });
      continue;
    }
    const oids = new Set([...after, ...before].map((relation) => relation.oid));
    for (const oid of oids) {
      const pair = { before: before.find((r) => r.oid === oid), after: after.find((r) => r.oid === oid) };
      try {
        found.set(oid, { before: openable(sides.before, pair.before), after: openable(sides.after, pair.after) });
      } catch (error) {
        // a child that has no rows to give leaves the others
        if (!(error instanceof WalscopeError) || oids.size === 1) throw error;
        findings.add(error);
      }
    }
  }
  return [...found.values()];
}

/** Opening says what a relation without rows is. */
function openable(database: DatabaseAt, relation: Relation | undefined): Relation | undefined {
  if (relation && !hasHeapStorage(relation)) database.open(relation);
  if (relation) database.refuseUnlogged(relation);
  if (relation && database.isLeftOut(relation)) throw database.untracked(relation);
  return relation;
}
