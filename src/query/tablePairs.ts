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
  const before = list(sides.before), after = list(sides.after);
  const nameOf = (database: DatabaseAt, relation: Relation): string => qualifiedName(database.catalog.schemaOf(relation), relation.name);
  const known = new Set(before.map(({ oid }) => oid));
  const byOid = new Map(after.map((relation) => [relation.oid, relation]));
  const anew = new Map(after.flatMap((relation) => (known.has(relation.oid) ? [] : [[nameOf(sides.after, relation), relation]])));
  const pairs: (RelationPair & { name: string })[] = [];
  const taken = new Set<number>();
  for (const relation of before) {
    const name = nameOf(sides.before, relation), same = byOid.get(relation.oid) ?? anew.get(name);
    if (same) taken.add(same.oid);
    pairs.push({ before: relation, after: same, name: same ? nameOf(sides.after, same) : name });
  }
  for (const relation of after) if (!taken.has(relation.oid)) pairs.push({ before: undefined, after: relation, name: nameOf(sides.after, relation) });
  return pairs.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Whether a pair's rows are known at both moments; if not, findings say why. */
function isHeld(sides: DiffSides, { before, after }: RelationPair, findings: Findings): boolean {
  const [other, moment] = before ? [sides.after, 'second'] : [sides.before, 'first'];
  const unlogged = before && after ? undefined : other.catalog.relations.get((before ?? after)!.oid);
  if (unlogged) {
    findings.add({ code: 'table.unlogged', message: `${qualifiedName(other.catalog.schemaOf(unlogged), unlogged.name)} is unlogged at the ${moment} moment: its rows cannot be compared` });
    return false;
  }
  const [database, relation] = before && sides.before.isLeftOut(before) ? [sides.before, before] : [sides.after, after];
  return !relation || database.held([relation], findings).length > 0;
}

/** All pairs that are held; with `oid`, that table's alone. */
export function heldPairs(sides: DiffSides, findings: Findings, oid?: number): RelationPair[] {
  return pairTables(sides).filter((pair) => (oid === undefined || pair.before?.oid === oid || pair.after?.oid === oid) && isHeld(sides, pair, findings));
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
    const [was, is] = [before, after].map((list) => new Map(list.map((relation) => [relation.oid, relation]))) as [Map<number, Relation>, Map<number, Relation>];
    const oids = new Set([...is.keys(), ...was.keys()]);
    for (const oid of oids) {
      const pair = { before: was.get(oid), after: is.get(oid) };
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
