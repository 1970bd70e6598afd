/** A relation's definition as of a moment: what psql's \d+ shows, from the catalogs of then. */
import { PG_CLASS } from '../catalog/catalogOids.js';
import { Definitions, foreignOptions, type ConstraintDefinition, type IndexDefinition } from '../catalog/definitions.js';
import type { CatalogRow } from '../catalog/catalogRow.js';
import { deparseText, deparseView } from '../catalog/deparse.js';
import { NodeTreeError } from '../catalog/ruleutils/nodeTree.js';
import { RELKIND_NAMES, type Column, type Relation } from '../catalog/relation.js';
import { tableObjects, type TableObject } from '../catalog/tableObjects.js';
import { quoteIdentifier } from '../util/quote.js';
import { commentsOf } from './comments.js';
import type { DatabaseAt } from './session.js';
import { tableSettings } from './tableSettings.js';

export interface SchemaColumn {
  name: string;
  attnum: number;
  /** As format_type() writes it. */
  type: string;
  typeOid: number;
  /** Null: the type's own. */
  collation: string | null;
  notNull: boolean;
  /** The default's or the generated column's expression; null: none. */
  default: string | null;
  /** What of the expression could not be deparsed; empty: all of it is there. */
  unknown: string;
  /** '' none, a always, d by default. */
  identity: string;
  /** '' none, s stored, v virtual. */
  generated: string;
  /** plain, main, external or extended. */
  storage: string;
  /** The storage is not the type's own. */
  setStorage: boolean;
  comment: string | null;
  /** False for a column that only comes from a parent table. */
  isLocal: boolean;
}

export interface TableSchema {
  relation: Relation;
  schema: string;
  name: string;
  kind: string;
  columns: SchemaColumn[];
  indexes: IndexDefinition[];
  constraints: ConstraintDefinition[];
  /** Triggers, rules, policies and extended statistics. */
  objects: TableObject[];
  /** What ALTER TABLE alone says. */
  settings: string[];
  /** Foreign keys of other tables that refer to this one. */
  referencedBy: (ConstraintDefinition & { table: string })[];
  partitionKey: string | null;
  partitionBound: string | null;
  /** Parents by inheritance, or the partitioned table; qualified where needed. */
  parents: string[];
  children: string[];
  options: string;
  /** Where a foreign table's rows are, a sequence's options; null for other kinds. */
  definition: string | null;
  /** A view's query, with its semicolon; null for other kinds, and where it could not be deparsed. */
  query: string | null;
  /** A view's query as pg_rewrite holds it: only good for telling one from another. */
  queryTree: string | null;
  /** False for a materialised view without data. */
  isPopulated: boolean;
  tablespaceOid: number;
  comment: string | null;
  owner: string | null;
  /** Everything that could not be deparsed, by what it belongs to. */
  unknown: string[];
}

const STORAGE: Record<string, string> = { p: 'plain', m: 'main', e: 'external', x: 'extended' };

/** Reads the definition of a relation. */
export function tableSchema(database: DatabaseAt, relation: Relation): TableSchema {
  const definitions = new Definitions(database);
  const unknown: string[] = [];
  const comments = commentsOf(database, PG_CLASS, relation.oid);
  const note = <T extends { name: string; unknown: string; kind?: string }>(what: string, list: T[]): T[] => {
    for (const each of list) if (each.unknown) unknown.push(`${each.kind ?? what} ${each.name}: ${each.unknown}`);
    return list;
  };
  const queryTree = 'vm'.includes(relation.kind) ? queryTreeOf(database, relation.oid) : null;
  const query = queryTree === null ? undefined : deparseView(database, queryTree, database.catalog.columns(relation.oid).map((column) => column.name));
  if (query && query.sql === undefined) unknown.push(`query: ${query.unknown}`);
  const key = definitions.partitionKey(relation.oid);
  if (key?.unknown) unknown.push(`partition key: ${key.unknown}`);
  const indexes = definitions.indexes(relation.oid);
  const names = (oids: number[]): string[] => oids.map((oid) => definitions.relationName(oid));
  return {
    relation, schema: database.catalog.schemaOf(relation), name: relation.name, kind: RELKIND_NAMES[relation.kind] ?? relation.kind,
    columns: note('column', columnsOf(database, relation, comments)),
    indexes: note('index', indexes),
    constraints: note('constraint', definitions.constraints(relation.oid)),
    objects: note('object', database.once(tableObjects).get(relation.oid) ?? []),
    settings: tableSettings(database, relation, indexes),
    referencedBy: definitions.constraints(relation.oid, true).map((each) => ({ ...each, table: definitions.relationName(each.relOid) })),
    partitionKey: key?.sql ?? null, partitionBound: boundOf(definitions, relation, unknown), parents: names(parentsOf(database, relation.oid)), children: names([...(database.once(readInheritance).children.get(relation.oid) ?? [])].sort((a, b) => a - b)),
    options: definitions.storageOptions(relation.oid), definition: definitionOf(database, relation), query: query?.sql ?? null, queryTree, isPopulated: relation.isPopulated, tablespaceOid: relation.tablespaceOid, comment: comments.get(0) ?? null,
    owner: database.types.roleName(relation.ownerOid) ?? null, unknown,
  };
}

function boundOf(definitions: Definitions, relation: Relation, unknown: string[]): string | null {
  try {
    return definitions.partitionBound(relation.oid) ?? null;
  } catch (error) {
    if (!(error instanceof NodeTreeError)) throw error;
    unknown.push(`partition bound: ${error.message}`);
    return null;
  }
}

/** Parents by inheritance in their order, or the partitioned table or index. */
export function parentsOf(database: DatabaseAt, oid: number): number[] {
  return database.once(readInheritance).parents.get(oid) ?? [];
}

function readInheritance(database: DatabaseAt): { parents: Map<number, number[]>; children: Map<number, number[]> } {
  const rows: { seq: number; child: number; parent: number }[] = [];
  database.catalog.scan('pg_inherits', (row) => void rows.push({ seq: row.int4('inhseqno'), child: row.oid('inhrelid'), parent: row.oid('inhparent') }));
  const parents = new Map<number, number[]>(), children = new Map<number, number[]>();
  for (const { child, parent } of rows.sort((a, b) => a.seq - b.seq || a.child - b.child)) {
    parents.set(child, [...(parents.get(child) ?? []), parent]);
    children.set(parent, [...(children.get(parent) ?? []), child]);
  }
  return { parents, children };
}

/** The default expressions of a relation as pg_attrdef stores them, by attnum. */
export function defaultTrees(database: DatabaseAt, relOid: number): ReadonlyMap<number, string> {
  return database.once(readDefaults).get(relOid) ?? new Map();
}

function readDefaults(database: DatabaseAt): Map<number, Map<number, string>> {
  const found = new Map<number, Map<number, string>>();
  database.catalog.scan('pg_attrdef', (row) => {
    const relOid = row.oid('adrelid');
    const trees = found.get(relOid);
    if (trees) trees.set(row.int2('adnum'), row.text('adbin') ?? '');
    else found.set(relOid, new Map([[row.int2('adnum'), row.text('adbin') ?? '']]));
  });
  return found;
}

function columnsOf(database: DatabaseAt, relation: Relation, comments: ReadonlyMap<number, string>): SchemaColumn[] {
  const trees = defaultTrees(database, relation.oid);
  return database.catalog.columns(relation.oid).filter((column) => !column.dropped).map((column) => {
    const tree = trees.get(column.attnum);
    const deparsed = tree === undefined ? undefined : deparseText(database, tree, { relOid: relation.oid });
    return {
      name: column.name, attnum: column.attnum, type: database.types.formatType(column.typeOid, column.typmod), typeOid: column.typeOid,
      collation: collationOf(database, column), notNull: column.notNull, default: deparsed?.sql ?? null,
      unknown: deparsed && deparsed.sql === undefined ? deparsed.unknown : '', identity: column.identity, generated: column.generated,
      storage: STORAGE[column.storage] ?? column.storage, setStorage: column.storage !== database.types.type(column.typeOid)?.typstorage, comment: comments.get(column.attnum) ?? null, isLocal: column.isLocal,
    };
  });
}

/** The collation that must be said beside a type; null: the type's own. */
export function collationOf(database: DatabaseAt, { typeOid, collationOid }: Pick<Column, 'typeOid' | 'collationOid'>): string | null {
  if (collationOid === 0 || collationOid === database.types.typeCollation(typeOid)) return null;
  return database.types.regName('regcollation', collationOid) ?? null;
}

/** ` AS integer START WITH 1 …`: the options of a sequence. */
export function sequenceOptions(database: DatabaseAt, row: CatalogRow, isIdentity = false): string {
  const type = database.types.formatType(row.oid('seqtypid'), -1);
  return `${type === 'bigint' || isIdentity ? '' : ` AS ${type}`} START WITH ${row.int8('seqstart')} INCREMENT BY ${row.int8('seqincrement')} MINVALUE ${row.int8('seqmin')}`
    + ` MAXVALUE ${row.int8('seqmax')} CACHE ${row.int8('seqcache')}${row.bool('seqcycle') ? ' CYCLE' : ''}`;
}

/** `SERVER s OPTIONS (a 'x')` of a foreign table, the options of a sequence. */
function definitionOf(database: DatabaseAt, relation: Relation): string | null {
  if (relation.kind === 'S') {
    let options: string | null = null;
    database.catalog.scan('pg_sequence', (row) => {
      if (row.oid('seqrelid') === relation.oid) options = sequenceOptions(database, row).trim();
    });
    return options;
  }
  if (relation.kind !== 'f') return null;
  const servers = new Map<number, string>();
  database.catalog.scan('pg_foreign_server', (row) => servers.set(row.oid('oid'), row.name('srvname')));
  let text: string | null = null;
  database.catalog.scan('pg_foreign_table', (row) => {
    if (row.oid('ftrelid') !== relation.oid) return;
    const options = foreignOptions(row.texts('ftoptions'));
    text = `SERVER ${quoteIdentifier(servers.get(row.oid('ftserver')) ?? '')}${options === '' ? '' : ` OPTIONS (${options})`}`;
  });
  return text;
}

/** pg_rewrite.ev_action of the _RETURN rule; null where there is none. */
function queryTreeOf(database: DatabaseAt, relOid: number): string | null {
  return database.once(readViewTrees).get(relOid) ?? null;
}

function readViewTrees(database: DatabaseAt): Map<number, string> {
  const trees = new Map<number, string>();
  database.catalog.scan('pg_rewrite', (row) => {
    if (row.name('rulename') === '_RETURN') trees.set(row.oid('ev_class'), row.text('ev_action') ?? '');
  });
  return trees;
}
