/** What depends on what in a database, for writing its definitions in an order that can be run: pg_depend, seen from the statements. */
import { PG_ATTRDEF, PG_CLASS, PG_CONSTRAINT, PG_REWRITE, PG_TYPE } from '../catalog/catalogOids.js';
import type { CatalogRow } from '../catalog/catalogRow.js';
import { FIRST_NORMAL_OID } from '../catalog/relation.js';
import { qualifyName, quoteIdentifier } from '../util/quote.js';
import { objectKey, type ObjectKey } from './objectKey.js';
import { extensionMembers } from './schemaObjects.js';
import { isSystemSchema, type DatabaseAt } from './session.js';

interface UnwrittenKind {
  catalog: string;
  kind: string;
  name: string;
  namespace?: string;
  listed?: (row: CatalogRow) => boolean;
}

/** Kinds of objects that `schema --ddl` has no statement for. */
const UNWRITTEN: readonly UnwrittenKind[] = [
  { catalog: 'pg_type', kind: 'shell type', name: 'typname', namespace: 'typnamespace', listed: (row) => row.char('typtype') === 'p' },
  { catalog: 'pg_operator', kind: 'operator', name: 'oprname', namespace: 'oprnamespace' },
  { catalog: 'pg_collation', kind: 'collation', name: 'collname', namespace: 'collnamespace' },
  { catalog: 'pg_opclass', kind: 'operator class', name: 'opcname', namespace: 'opcnamespace' },
  { catalog: 'pg_conversion', kind: 'conversion', name: 'conname', namespace: 'connamespace' },
  { catalog: 'pg_foreign_data_wrapper', kind: 'foreign-data wrapper', name: 'fdwname' },
  { catalog: 'pg_foreign_server', kind: 'server', name: 'srvname' },
  { catalog: 'pg_language', kind: 'language', name: 'lanname' },
  { catalog: 'pg_event_trigger', kind: 'event trigger', name: 'evtname' },
  { catalog: 'pg_publication', kind: 'publication', name: 'pubname' },
  { catalog: 'pg_ts_config', kind: 'text search configuration', name: 'cfgname', namespace: 'cfgnamespace' },
  { catalog: 'pg_ts_dict', kind: 'text search dictionary', name: 'dictname', namespace: 'dictnamespace' },
];

/** Objects of users that have no statement, by key: `operator public.===`. Those of extensions come with the extension. */
export function unwrittenObjects(database: DatabaseAt): Map<ObjectKey, string> {
  const found = new Map<ObjectKey, string>();
  const { catalog } = database;
  const classOids = new Map([...catalog.relations.values()].filter((relation) => catalog.schemaOf(relation) === 'pg_catalog').map((relation) => [relation.name, relation.oid]));
  for (const { catalog: table, kind, name, namespace, listed } of UNWRITTEN) {
    const classOid = classOids.get(table)!;
    const members = extensionMembers(database, classOid);
    catalog.scan(table, (row) => {
      const schema = namespace === undefined ? undefined : (catalog.namespaces.get(row.oid(namespace)) ?? '');
      const oid = row.oid('oid');
      if (oid < FIRST_NORMAL_OID || members.has(oid) || (schema !== undefined && isSystemSchema(schema)) || (listed && !listed(row))) return;
      const own = row.name(name);
      found.set(objectKey(classOid, oid), `${kind} ${kind.startsWith('operator') && schema !== undefined ? `${quoteIdentifier(schema)}.${own}` : schema === undefined ? quoteIdentifier(own) : qualifyName(schema, own)}`);
    });
  }
  return found;
}

/** pg_depend with parts of an object taken as the object: a default is its table's. */
export class Dependencies {
  private readonly holders = new Map<ObjectKey, ObjectKey>();
  private readonly needs = new Map<ObjectKey, Set<ObjectKey>>();

  constructor(private readonly database: DatabaseAt) {
    this.readHolders();
    database.catalog.scan('pg_depend', (row) => {
      if (row.oid('objid') < FIRST_NORMAL_OID || row.oid('refobjid') < FIRST_NORMAL_OID) return;
      const [from, to] = [objectKey(row.oid('classid'), row.oid('objid')), objectKey(row.oid('refclassid'), row.oid('refobjid'))];
      // an owned sequence depends on its table, which names it in a default
      if (row.char('deptype') === 'a' && this.database.catalog.relations.get(row.oid('objid'))?.kind === 'S') return;
      const list = this.needs.get(from);
      if (list) list.add(to);
      else this.needs.set(from, new Set([to]));
    });
  }

  /** Row types and rules stand for their relation, arrays for their elements, checks of a domain for the domain. */
  private readHolders(): void {
    const { catalog } = this.database;
    const set = (classOid: number, oid: number, holder: ObjectKey): void => void this.holders.set(objectKey(classOid, oid), holder);
    catalog.scan('pg_type', (row) => {
      const relation = catalog.relations.get(row.oid('typrelid'));
      if (relation?.kind === 'c') set(PG_CLASS, relation.oid, objectKey(PG_TYPE, row.oid('oid')));
      else if (relation) set(PG_TYPE, row.oid('oid'), objectKey(PG_CLASS, relation.oid));
      else if (row.oid('typelem') !== 0 && row.char('typcategory') === 'A') set(PG_TYPE, row.oid('oid'), objectKey(PG_TYPE, row.oid('typelem')));
    });
    catalog.scan('pg_range', (row) => {
      if (row.has('rngmultitypid')) set(PG_TYPE, row.oid('rngmultitypid'), objectKey(PG_TYPE, row.oid('rngtypid')));
    });
    catalog.scan('pg_attrdef', (row) => set(PG_ATTRDEF, row.oid('oid'), objectKey(PG_CLASS, row.oid('adrelid'))));
    catalog.scan('pg_rewrite', (row) => set(PG_REWRITE, row.oid('oid'), objectKey(PG_CLASS, row.oid('ev_class'))));
    catalog.scan('pg_constraint', (row) => {
      if (row.oid('contypid') !== 0) set(PG_CONSTRAINT, row.oid('oid'), objectKey(PG_TYPE, row.oid('contypid')));
      else if (row.char('contype') === 'c') this.checks.push({ key: objectKey(PG_CONSTRAINT, row.oid('oid')), table: objectKey(PG_CLASS, row.oid('conrelid')) });
    });
    catalog.scan('pg_rewrite', (row) => {
      if (row.name('rulename') !== '_RETURN') this.holders.delete(objectKey(PG_REWRITE, row.oid('oid')));
    });
  }

  private readonly checks: { key: ObjectKey; table: ObjectKey }[] = [];

  /** The object whose statement an object stands in. */
  holder(key: ObjectKey): ObjectKey {
    let place = key;
    for (let next = this.holders.get(place); next !== undefined && next !== place; next = this.holders.get(place)) place = next;
    return place;
  }

  /** Holders of what an object itself needs. */
  of(key: ObjectKey): ObjectKey[] {
    return [...(this.needs.get(key) ?? [])].map((need) => this.holder(need)).filter((need) => need !== key);
  }

  /** What each statement's object needs with all that stands in it. Tables whose checks need the table itself by way of a function: without those. */
  statements(): { needs: Map<ObjectKey, Set<ObjectKey>>; checksApart: Set<ObjectKey> } {
    const needs = new Map<ObjectKey, Set<ObjectKey>>();
    const add = (from: ObjectKey, to: ObjectKey): void => {
      if (from === to) return;
      const list = needs.get(from);
      if (list) list.add(to);
      else needs.set(from, new Set([to]));
    };
    for (const [from, list] of this.needs) for (const to of list) add(this.holder(from), this.holder(to));
    const checksApart = new Set<ObjectKey>();
    for (const { key, table } of this.checks) {
      const wanted = this.of(key).filter((need) => need !== table);
      if (wanted.some((need) => reaches(needs, need, table))) checksApart.add(table);
    }
    for (const { key, table } of this.checks) if (!checksApart.has(table)) for (const need of this.of(key)) add(table, need);
    return { needs, checksApart };
  }
}

function reaches(needs: ReadonlyMap<ObjectKey, ReadonlySet<ObjectKey>>, from: ObjectKey, to: ObjectKey): boolean {
  const met = new Set<ObjectKey>();
  const visit = (key: ObjectKey): boolean => {
    if (key === to) return true;
    if (met.has(key)) return false;
    met.add(key);
    return [...(needs.get(key) ?? [])].some(visit);
  };
  return visit(from);
}
