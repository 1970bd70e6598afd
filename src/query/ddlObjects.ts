/** What depends on what in a database, for writing its definitions in an order that can be run: pg_depend, seen from the statements. */
import { PG_TYPE, PG_PROC, PG_CLASS, PG_AM, PG_ATTRDEF, PG_CAST, PG_CONSTRAINT, PG_NAMESPACE, PG_REWRITE, PG_EXTENSION, PG_TRANSFORM } from '../catalog/catalogOids.js';
import type { CatalogRow } from '../catalog/catalogRow.js';
import { FIRST_NORMAL_OID } from '../catalog/relation.js';
import { qualifyName, quoteIdentifier } from '../util/quote.js';
import { extensionMembers } from './schemaObjects.js';
import { isSystemSchema, type DatabaseAt } from './session.js';

/** OIDs of catalogs: pg_depend.classid. */
/** `shell`: of base types, which pg_depend does not tell from the types. */
export const Classes = { shell: 0, cast: PG_CAST, transform: PG_TRANSFORM, type: PG_TYPE, proc: PG_PROC, relation: PG_CLASS, attrdef: PG_ATTRDEF, accessMethod: PG_AM, constraint: PG_CONSTRAINT, namespace: PG_NAMESPACE, rewrite: PG_REWRITE, extension: PG_EXTENSION } as const;

export type ObjectKey = `${number} ${number}`;

export function objectKey(classOid: number, oid: number): ObjectKey {
  return `${classOid} ${oid}`;
}

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
  { catalog: 'pg_trigger', kind: 'trigger', name: 'tgname', listed: (row) => !row.bool('tgisinternal') },
  { catalog: 'pg_rewrite', kind: 'rule', name: 'rulename', listed: (row) => row.name('rulename') !== '_RETURN' },
  { catalog: 'pg_policy', kind: 'policy', name: 'polname' },
  { catalog: 'pg_statistic_ext', kind: 'statistics object', name: 'stxname', namespace: 'stxnamespace' },
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
      if (relation?.kind === 'c') set(Classes.relation, relation.oid, objectKey(Classes.type, row.oid('oid')));
      else if (relation) set(Classes.type, row.oid('oid'), objectKey(Classes.relation, relation.oid));
      else if (row.oid('typelem') !== 0 && row.char('typcategory') === 'A') set(Classes.type, row.oid('oid'), objectKey(Classes.type, row.oid('typelem')));
    });
    catalog.scan('pg_range', (row) => {
      if (row.has('rngmultitypid')) set(Classes.type, row.oid('rngmultitypid'), objectKey(Classes.type, row.oid('rngtypid')));
    });
    catalog.scan('pg_attrdef', (row) => set(Classes.attrdef, row.oid('oid'), objectKey(Classes.relation, row.oid('adrelid'))));
    catalog.scan('pg_rewrite', (row) => set(Classes.rewrite, row.oid('oid'), objectKey(Classes.relation, row.oid('ev_class'))));
    catalog.scan('pg_constraint', (row) => {
      if (row.oid('contypid') !== 0) set(Classes.constraint, row.oid('oid'), objectKey(Classes.type, row.oid('contypid')));
      else if (row.char('contype') === 'c') this.checks.push({ key: objectKey(Classes.constraint, row.oid('oid')), table: objectKey(Classes.relation, row.oid('conrelid')) });
    });
    catalog.scan('pg_rewrite', (row) => {
      if (row.name('rulename') !== '_RETURN') this.holders.delete(objectKey(Classes.rewrite, row.oid('oid')));
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
