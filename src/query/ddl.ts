/** Catalog changes of one transaction in words: the catalogs as they were just before it and just after it, compared. */
import { PG_CLASS } from '../catalog/catalogOids.js';
import type { CatalogRow } from '../catalog/catalogRow.js';
import { RELKIND_NAMES, type Column, type Relation } from '../catalog/relation.js';
import { SIZE_OF_HEAP_TUPLE_HEADER, T_XMIN } from '../pg/heapTuple.js';
import { LP_NORMAL } from '../pg/page.js';
import { ForkNumber, sameRelation, type RelFork } from '../pg/relFileLocator.js';
import type { Lsn } from '../util/lsn.js';
import { qualifiedName, quoteIdentifier } from '../util/quote.js';
import { parentsOf } from './schema.js';
import type { DatabaseAt } from './session.js';

export type DdlAction = 'created' | 'dropped' | 'truncated' | 'rewritten' | 'refreshed' | 'reindexed' | 'moved' | 'renamed' | 'altered' | 'attached' | 'detached' | 'granted';

export interface DdlChange {
  action: DdlAction;
  /** `table`, `index`, `function`, …; `column` for what happened to one. */
  objectKind: string;
  /** Qualified and quoted; a renamed object's former name. */
  name: string;
  /** What else there is to say, after the name: `to "new name"`. */
  detail: string;
  /** The relation before (after, where it was created). */
  relation?: Relation;
  /** Of what is no relation. */
  oid?: number;
}

/** `dropped table shop.orders`, `renamed table a to b`. */
export function ddlText(change: DdlChange): string {
  return `${change.action} ${change.objectKind} ${change.name}${change.detail === '' ? '' : ` ${change.detail}`}`;
}

/** Catalogs whose rows change with statistics and counters alone are no schema change. */
export const DDL_CATALOGS: ReadonlySet<string> = new Set([
  'pg_class', 'pg_attribute', 'pg_database', 'pg_namespace', 'pg_authid', 'pg_tablespace', 'pg_extension', 'pg_proc', 'pg_type', 'pg_constraint', 'pg_trigger',
  'pg_policy', 'pg_rewrite', 'pg_publication', 'pg_event_trigger', 'pg_collation', 'pg_index', 'pg_enum',
]);

const TRANSIENT_NAME = /^pg_temp_(\d+)$/;

/** Both sides of a transaction in one database. */
export interface DdlSides {
  before: DatabaseAt;
  after: DatabaseAt;
  /** The transaction and its committed subtransactions; before this position they wrote nothing. */
  xids: ReadonlySet<number>;
  since: Lsn;
  /** Names of the catalogs that its records touched. */
  catalogs: ReadonlySet<string>;
}

/** What the transaction did to the catalogs. */
export function ddlChanges(sides: DdlSides): DdlChange[] {
  const changes: DdlChange[] = [];
  const { catalogs } = sides;
  if (catalogs.has('pg_class')) relationChanges(sides, changes);
  if (catalogs.has('pg_attribute')) columnChanges(sides, changes);
  for (const object of NAMED_OBJECTS) if (catalogs.has(object.catalog)) namedChanges(sides, object, changes);
  return changes;
}

/**
 * Calls `emit` with the rows of a catalog that one side sees and the other does not, or sees with other values, and with some more that both see: those
 * of the blocks that changed in between. Where that cannot be told, with all rows of the side.
 */
function touchedRows(sides: DdlSides, side: 'before' | 'after', catalogName: string, emit: (row: CatalogRow) => void): void {
  const { catalog } = sides[side];
  const blocks = touchedBlocks(sides, catalogName);
  if (blocks) catalog.scanBlocks(catalogName, blocks, emit);
  else catalog.scan(catalogName, emit);
}

/** Undefined: the catalog has another file, or another size. */
function touchedBlocks({ before, after, since }: DdlSides, catalogName: string): number[] | undefined {
  const [was, is] = [before, after].map(({ catalog }) => catalog.fileOf(catalogName)) as [RelFork, RelFork];
  const { pages } = before.session.store;
  const [old, now] = [pages.relation(was, before.moment.lsn), pages.relation(is, after.moment.lsn)];
  if (!sameRelation(was, is) || old.floorLsn !== now.floorLsn || old.blocks !== now.blocks) return undefined;
  const blocks = new Set<number>();
  pages.changes(was, 0, now.blocks, since, after.moment.lsn, (block) => void blocks.add(block));
  return [...blocks].sort((a, b) => a - b);
}

/** OIDs of tables whose rows the transaction copied into a new file: make_new_heap() named it pg_temp_OID for a while. */
export function rewrittenRelations(database: DatabaseAt, xids: ReadonlySet<number>): Set<number> {
  const found = new Set<number>();
  const file = { ...database.catalog.relations.get(PG_CLASS)!.locator, fork: ForkNumber.main };
  const NAME_OFFSET = 4;
  database.snapshot.scan(file, (_, { page }) => {
    for (let offnum = 1; offnum <= page.maxOffset; offnum++) {
      if (page.lpFlags(offnum) !== LP_NORMAL || page.lpLen(offnum) < SIZE_OF_HEAP_TUPLE_HEADER + 64) continue;
      const at = page.itemAt(offnum);
      if (!xids.has(page.view.getUint32(at + T_XMIN, true))) continue;
      // pg_class begins with oid and relname, which are never NULL
      const nameAt = at + page.bytes[at + 22]! + NAME_OFFSET;
      const name = Buffer.from(page.bytes.subarray(nameAt, nameAt + 32)).toString('latin1').replace(/\0.*$/s, '');
      const match = TRANSIENT_NAME.exec(name);
      if (match) found.add(Number(match[1]));
    }
  });
  return found;
}

export function relationName(database: DatabaseAt, relation: Relation): string {
  return qualifiedName(database.catalog.schemaOf(relation), relation.name);
}

function kindName(relation: Relation): string {
  return RELKIND_NAMES[relation.kind] ?? `relation of kind ${relation.kind}`;
}

function isListed(relation: Relation): boolean {
  return relation.kind !== 't' && !TRANSIENT_NAME.test(relation.name) && !(relation.kind === 'i' && /^pg_toast_/.test(relation.name));
}

function relationChanges(sides: DdlSides, changes: DdlChange[]): void {
  const { before, after } = sides;
  const was = before.catalog.relations, is = after.catalog.relations;
  const created = [...is.values()].filter((r) => !was.has(r.oid) && isListed(r));
  const dropped = [...was.values()].filter((r) => !is.has(r.oid) && isListed(r));
  // an index that comes or goes with its table is no news
  const newTables = new Set(created.map((r) => r.oid)), goneTables = new Set(dropped.map((r) => r.oid));
  const createdOn = created.some(isIndex) ? indexedTables(after) : undefined;
  const droppedOn = dropped.some(isIndex) ? indexedTables(before) : undefined;
  for (const r of dropped) {
    if (isIndex(r) && goneTables.has(droppedOn!.get(r.oid) ?? 0)) continue;
    changes.push({ action: 'dropped', objectKind: kindName(r), name: relationName(before, r), detail: '', relation: r });
  }
  for (const r of created) {
    if (isIndex(r) && newTables.has(createdOn!.get(r.oid) ?? 0)) continue;
    changes.push({ action: 'created', objectKind: kindName(r), name: relationName(after, r), detail: '', relation: r });
  }
  let rewritten: Set<number> | undefined;
  const oldAcl = acls(sides, 'before'), newAcl = acls(sides, 'after');
  for (const r of was.values()) {
    const now = is.get(r.oid);
    if (!now || !isListed(r)) continue;
    const add = (action: DdlAction, detail: string): void => void changes.push({ action, objectKind: kindName(r), name: relationName(before, r), detail, relation: r });
    if (now.name !== r.name || after.catalog.schemaOf(now) !== before.catalog.schemaOf(r)) add('renamed', `to ${relationName(after, now)}`);
    const [oldParents, newParents] = isIndex(r) || !sides.catalogs.has('pg_inherits') ? [[], []] : [parentsOf(before, r.oid), parentsOf(after, r.oid)];
    for (const oid of oldParents) if (!newParents.includes(oid) && is.has(oid)) add('detached', `from ${relationName(after, is.get(oid)!)}`);
    for (const oid of newParents) if (!oldParents.includes(oid)) add('attached', `to ${relationName(after, is.get(oid)!)}`);
    if (now.ownerOid !== r.ownerOid) add('altered', `owner from ${before.types.roleName(r.ownerOid) ?? r.ownerOid} to ${after.types.roleName(now.ownerOid) ?? now.ownerOid}`);
    if (now.persistence !== r.persistence) add('altered', now.persistence === 'u' ? 'set unlogged' : 'set logged');
    if ((oldAcl.get(r.oid) ?? '') !== (newAcl.get(r.oid) ?? '')) add('granted', 'other privileges');
    if (now.locator.relNumber !== 0 && !sameRelation(now.locator, r.locator)) {
      rewritten ??= rewrittenRelations(before, sides.xids);
      add(fileAction(r, now, rewritten.has(r.oid)), '');
    }
  }
}

/** Why a relation has another file now. */
function fileAction(was: Relation, is: Relation, rewritten: boolean): DdlAction {
  if (isIndex(was)) return 'reindexed';
  if (was.kind === 'm' && rewritten) return 'refreshed';
  if (rewritten) return 'rewritten';
  if (was.tablespaceOid !== is.tablespaceOid) return 'moved';
  return was.kind === 'S' ? 'altered' : 'truncated';
}

function isIndex(relation: Relation): boolean {
  return relation.kind === 'i' || relation.kind === 'I';
}

function indexedTables(database: DatabaseAt): Map<number, number> {
  const tables = new Map<number, number>();
  database.catalog.scan('pg_index', (row) => tables.set(row.oid('indexrelid'), row.oid('indrelid')));
  return tables;
}

function acls(sides: DdlSides, side: 'before' | 'after'): Map<number, string> {
  const found = new Map<number, string>();
  touchedRows(sides, side, 'pg_class', (row) => {
    if (!row.isNull('relacl')) found.set(row.oid('oid'), Buffer.from(row.varlena('relacl')!).toString('latin1'));
  });
  return found;
}

/** By relation, then by attnum, of the rows that changed and some more. */
function touchedColumns(sides: DdlSides, side: 'before' | 'after'): Map<number, Map<number, Column>> {
  const { catalog } = sides[side];
  const found = new Map<number, Map<number, Column>>();
  touchedRows(sides, side, 'pg_attribute', (row) => {
    const oid = row.oid('attrelid'), column = catalog.readColumn(row);
    const kind = catalog.relations.get(oid)?.kind;
    if (!column || kind === undefined || !'rpfcm'.includes(kind)) return;
    let columns = found.get(oid);
    if (!columns) found.set(oid, (columns = new Map<number, Column>()));
    columns.set(column.attnum, column);
  });
  return found;
}

function columnChanges(sides: DdlSides, changes: DdlChange[]): void {
  const { before, after } = sides;
  const was = touchedColumns(sides, 'before'), is = touchedColumns(sides, 'after');
  for (const relation of before.catalog.relations.values()) {
    const columns = is.get(relation.oid);
    if (!columns) continue;
    const table = relationName(after, after.catalog.relations.get(relation.oid)!);
    const add = (action: DdlAction, column: string, detail: string): void =>
      void changes.push({ action, objectKind: 'column', name: quoteIdentifier(column), detail: `of ${table}${detail}`, relation });
    for (const column of [...columns.values()].sort((a, b) => a.attnum - b.attnum)) {
      const old = was.get(relation.oid)?.get(column.attnum);
      if (!old) add('created', column.name, ` (${after.types.formatType(column.typeOid, column.typmod)})`);
      else if (column.dropped) {
        if (!old.dropped) add('dropped', old.name, ` (${before.types.formatType(old.typeOid, old.typmod)})`);
      } else compareColumn(before, after, old, column, add);
    }
  }
}

function compareColumn(before: DatabaseAt, after: DatabaseAt, old: Column, column: Column, add: (action: DdlAction, column: string, detail: string) => void): void {
  if (old.name !== column.name) add('renamed', old.name, ` to ${quoteIdentifier(column.name)}`);
  if (old.typeOid !== column.typeOid || old.typmod !== column.typmod) {
    const [from, to] = [before.types.formatType(old.typeOid, old.typmod), after.types.formatType(column.typeOid, column.typmod)];
    if (from !== to) add('altered', column.name, `: type from ${from} to ${to}`);
  }
  if (old.notNull !== column.notNull) add('altered', column.name, column.notNull ? ': set not null' : ': drop not null');
  if (old.hasDefault !== column.hasDefault) add('altered', column.name, column.hasDefault ? ': set default' : ': drop default');
  if (old.storage !== column.storage) add('altered', column.name, `: storage from ${old.storage} to ${column.storage}`);
}

/** A catalog whose rows have an OID and a name. */
interface NamedObject {
  catalog: string;
  objectKind: string;
  nameColumn: string;
  namespaceColumn?: string;
  /** The table that the object hangs on: it comes and goes with it. */
  relationColumn?: string;
  listed?: (row: CatalogRow) => boolean;
}

const NAMED_OBJECTS: readonly NamedObject[] = [
  { catalog: 'pg_database', objectKind: 'database', nameColumn: 'datname' },
  { catalog: 'pg_namespace', objectKind: 'schema', nameColumn: 'nspname', listed: (row) => !/^pg_(toast_)?temp_/.test(row.name('nspname')) },
  { catalog: 'pg_authid', objectKind: 'role', nameColumn: 'rolname' },
  { catalog: 'pg_tablespace', objectKind: 'tablespace', nameColumn: 'spcname' },
  { catalog: 'pg_extension', objectKind: 'extension', nameColumn: 'extname' },
  { catalog: 'pg_proc', objectKind: 'function', nameColumn: 'proname', namespaceColumn: 'pronamespace' },
  { catalog: 'pg_type', objectKind: 'type', nameColumn: 'typname', namespaceColumn: 'typnamespace', listed: (row) => 'edr'.includes(row.char('typtype')) },
  { catalog: 'pg_constraint', objectKind: 'constraint', nameColumn: 'conname', relationColumn: 'conrelid', listed: (row) => row.oid('conrelid') !== 0 && row.char('contype') !== 'n' },
  { catalog: 'pg_trigger', objectKind: 'trigger', nameColumn: 'tgname', relationColumn: 'tgrelid', listed: (row) => !row.bool('tgisinternal') },
  { catalog: 'pg_policy', objectKind: 'policy', nameColumn: 'polname', relationColumn: 'polrelid' },
  { catalog: 'pg_rewrite', objectKind: 'rule', nameColumn: 'rulename', relationColumn: 'ev_class', listed: (row) => row.name('rulename') !== '_RETURN' },
  { catalog: 'pg_publication', objectKind: 'publication', nameColumn: 'pubname' },
  { catalog: 'pg_event_trigger', objectKind: 'event trigger', nameColumn: 'evtname' },
  { catalog: 'pg_collation', objectKind: 'collation', nameColumn: 'collname', namespaceColumn: 'collnamespace' },
];

interface NamedRow { name: string; relOid: number }

/** Of the rows that changed, and some more. */
function namedRows(sides: DdlSides, side: 'before' | 'after', object: NamedObject): Map<number, NamedRow> {
  const database = sides[side];
  const rows = new Map<number, NamedRow>();
  touchedRows(sides, side, object.catalog, (row) => {
    if (object.listed && !object.listed(row)) return;
    const name = row.name(object.nameColumn);
    const schema = object.namespaceColumn ? database.catalog.namespaces.get(row.oid(object.namespaceColumn)) : undefined;
    rows.set(row.oid('oid'), { name: schema === undefined ? quoteIdentifier(name) : qualifiedName(schema, name), relOid: object.relationColumn ? row.oid(object.relationColumn) : 0 });
  });
  return rows;
}

function namedChanges(sides: DdlSides, object: NamedObject, changes: DdlChange[]): void {
  const { before, after } = sides;
  const was = namedRows(sides, 'before', object), is = namedRows(sides, 'after', object);
  const on = (database: DatabaseAt, row: NamedRow): string => {
    const relation = row.relOid === 0 ? undefined : database.catalog.relations.get(row.relOid);
    return relation ? `on ${relationName(database, relation)}` : '';
  };
  // what hangs on a table that comes or goes is no news
  const follows = (row: NamedRow): boolean => row.relOid !== 0 && (!before.catalog.relations.has(row.relOid) || !after.catalog.relations.has(row.relOid));
  const { objectKind } = object;
  for (const [oid, row] of was) {
    const now = is.get(oid);
    if (!now) {
      if (!follows(row)) changes.push({ action: 'dropped', objectKind, name: row.name, detail: on(before, row), oid });
    } else if (now.name !== row.name) changes.push({ action: 'renamed', objectKind, name: row.name, detail: `to ${now.name}` });
  }
  for (const [oid, row] of is) if (!was.has(oid) && !follows(row)) changes.push({ action: 'created', objectKind, name: row.name, detail: on(after, row) });
}
