/** A relation's definition as of a moment: what psql's \d+ shows, from the catalogs of then. */
import { Definitions, type ConstraintDefinition, type IndexDefinition } from '../catalog/definitions.js';
import type { CatalogRow } from '../catalog/catalogRow.js';
import { deparseText } from '../catalog/deparse.js';
import { NodeTreeError } from '../catalog/nodeTree.js';
import { RELKIND_NAMES, type Column, type Relation } from '../catalog/relation.js';
import { quoteIdentifier, quoteLiteral } from '../util/quote.js';
import type { DatabaseAt } from './session.js';

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
  /** A view's query as pg_rewrite holds it: only good for telling one from another. */
  queryTree: string | null;
  tablespaceOid: number;
  comment: string | null;
  owner: string | null;
  /** Everything that could not be deparsed, by what it belongs to. */
  unknown: string[];
}

const STORAGE: Record<string, string> = { p: 'plain', m: 'main', e: 'external', x: 'extended' };
const PG_CLASS = 1259;

/** Reads the definition of a relation. */
export function tableSchema(database: DatabaseAt, relation: Relation): TableSchema {
  const definitions = new Definitions(database);
  const unknown: string[] = [];
  const comments = commentsOf(database, relation.oid, PG_CLASS);
  const note = <T extends { name: string; unknown: string }>(what: string, list: T[]): T[] => {
    for (const each of list) if (each.unknown) unknown.push(`${what} ${each.name}: ${each.unknown}`);
    return list;
  };
  const queryTree = 'vm'.includes(relation.kind) ? queryTreeOf(database, relation.oid) : null;
  if (queryTree !== null) unknown.push(`the query of ${RELKIND_NAMES[relation.kind]!} ${relation.name}`);
  const key = definitions.partitionKey(relation.oid);
  if (key?.unknown) unknown.push(`partition key: ${key.unknown}`);
  const family = inheritance(database, relation.oid);
  const names = (oids: number[]): string[] => oids.map((oid) => definitions.relationName(oid));
  return {
    relation, schema: database.catalog.schemaOf(relation), name: relation.name, kind: RELKIND_NAMES[relation.kind] ?? relation.kind,
    columns: note('column', columnsOf(database, relation, comments)),
    indexes: note('index', definitions.indexes(relation.oid)),
    constraints: note('constraint', definitions.constraints(relation.oid)),
    referencedBy: definitions.constraints(relation.oid, true).map((each) => ({ ...each, table: definitions.relationName(each.relOid) })),
    partitionKey: key?.sql ?? null, partitionBound: boundOf(definitions, relation, unknown), parents: names(family.parents), children: names(family.children),
    options: definitions.storageOptions(relation.oid), definition: definitionOf(database, relation), queryTree, tablespaceOid: relation.tablespaceOid, comment: comments.get(0) ?? null,
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

/** pg_description of an object, by sub-object (0: the object itself). */
export function commentsOf(database: DatabaseAt, oid: number, classOid: number): Map<number, string> {
  const found = new Map<number, string>();
  database.catalog.scan('pg_description', (row) => {
    if (row.oid('objoid') === oid && row.oid('classoid') === classOid) found.set(row.int4('objsubid'), row.text('description') ?? '');
  });
  return found;
}

function inheritance(database: DatabaseAt, oid: number): { parents: number[]; children: number[] } {
  const parents: { seq: number; oid: number }[] = [];
  const children: number[] = [];
  database.catalog.scan('pg_inherits', (row) => {
    if (row.oid('inhrelid') === oid) parents.push({ seq: row.int4('inhseqno'), oid: row.oid('inhparent') });
    if (row.oid('inhparent') === oid) children.push(row.oid('inhrelid'));
  });
  return { parents: parents.sort((a, b) => a.seq - b.seq).map((p) => p.oid), children: children.sort((a, b) => a - b) };
}

/** The default expressions of a relation as pg_attrdef stores them, by attnum. */
export function defaultTrees(database: DatabaseAt, relOid: number): Map<number, string> {
  const trees = new Map<number, string>();
  database.catalog.scan('pg_attrdef', (row) => {
    if (row.oid('adrelid') === relOid) trees.set(row.int2('adnum'), row.text('adbin') ?? '');
  });
  return trees;
}

function columnsOf(database: DatabaseAt, relation: Relation, comments: Map<number, string>): SchemaColumn[] {
  const trees = defaultTrees(database, relation.oid);
  const local = localColumns(database, relation.oid);
  return database.catalog.columns(relation.oid).filter((column) => !column.dropped).map((column) => {
    const tree = trees.get(column.attnum);
    const deparsed = tree === undefined ? undefined : deparseText(database, tree, { relOid: relation.oid });
    return {
      name: column.name, attnum: column.attnum, type: database.types.formatType(column.typeOid, column.typmod), typeOid: column.typeOid,
      collation: collationOf(database, column), notNull: column.notNull, default: deparsed?.sql ?? null,
      unknown: deparsed && deparsed.sql === undefined ? deparsed.unknown : '', identity: column.identity, generated: column.generated,
      storage: STORAGE[column.storage] ?? column.storage, comment: comments.get(column.attnum) ?? null, isLocal: local.get(column.attnum) ?? true,
    };
  });
}

function localColumns(database: DatabaseAt, relOid: number): Map<number, boolean> {
  const local = new Map<number, boolean>();
  database.catalog.scan('pg_attribute', (row) => {
    if (row.oid('attrelid') === relOid) local.set(row.int2('attnum'), row.bool('attislocal'));
  });
  return local;
}

function collationOf(database: DatabaseAt, column: Column): string | null {
  if (column.collationOid === 0) return null;
  let own = 0;
  database.catalog.scan('pg_type', (row) => {
    if (row.oid('oid') === column.typeOid) own = row.oid('typcollation');
  });
  return column.collationOid === own ? null : (database.types.regName('regcollation', column.collationOid) ?? null);
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
    const options = row.texts('ftoptions').map((option) => {
      const equals = option!.indexOf('=');
      return `${quoteIdentifier(option!.slice(0, equals))} ${quoteLiteral(option!.slice(equals + 1))}`;
    });
    text = `SERVER ${quoteIdentifier(servers.get(row.oid('ftserver')) ?? '')}${options.length > 0 ? ` OPTIONS (${options.join(', ')})` : ''}`;
  });
  return text;
}

/** pg_rewrite.ev_action of the _RETURN rule; null where there is none. */
function queryTreeOf(database: DatabaseAt, relOid: number): string | null {
  let tree: string | null = null;
  database.catalog.scan('pg_rewrite', (row) => {
    if (row.oid('ev_class') === relOid && row.name('rulename') === '_RETURN') tree = row.text('ev_action');
  });
  return tree;
}
