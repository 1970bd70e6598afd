/**
 * What changed in the definitions of a database between two moments: tables, their columns, constraints and indexes, types, sequences,
 * views and functions. The work depends on the relations whose catalog rows differ, not on their number.
 */
import { PG_CLASS } from '../catalog/catalogOids.js';
import { RELKIND_NAMES, type Relation } from '../catalog/relation.js';
import type { TypeInfo } from '../rows/types/typeInfo.js';
import { qualifyName, quoteIdentifier } from '../util/quote.js';
import type { DiffSides } from './diff.js';
import { pairByName } from './tablePairs.js';
import { tableSchema, type SchemaColumn, type TableSchema } from './schema.js';
import { columnSql, tableDdl } from './schemaDdl.js';
import { changedRelations } from './schemaFingerprint.js';
import { functionsOf, schemasOf, type NamedDefinition } from './schemaObjects.js';
import { isSystemSchema, type DatabaseAt } from './session.js';
import { TypeDdl, userTypes } from './typeDdl.js';

export type SchemaChangeKind = 'added' | 'dropped' | 'changed' | 'renamed';

export interface SchemaChange {
  change: SchemaChangeKind;
  /** `table`, `column`, `constraint`, `index`, `type`, `function`, … */
  object: string;
  /** What a column, constraint or index belongs to, qualified; null where the object stands alone. */
  table: string | null;
  /** Quoted; qualified where it stands alone. The former one of what was renamed. */
  name: string;
  /** What of it changed: `type`, `default`, …; null where it was added, dropped or renamed. */
  property: string | null;
  before: string | null;
  after: string | null;
  /** Statements that lead from the earlier state to the later; empty where none are known. */
  sql: string[];
}

/** Every difference, types first, then tables by name. With names only these tables, and nothing that stands alone. */
export function schemaDiff(sides: DiffSides, names: string[] = []): SchemaChange[] {
  const changes: SchemaChange[] = [];
  if (names.length > 0) {
    for (const name of names) new RelationDiff(sides, pairByName(sides, name), changes).compare();
    return changes;
  }
  standAlone(schemasOf, 'schema', sides, changes);
  typeChanges(sides, changes);
  for (const pair of changedPairs(sides)) new RelationDiff(sides, pair, changes).compare();
  standAlone(functionsOf, 'function', sides, changes);
  return changes;
}

type Pair = { before: Relation | undefined; after: Relation | undefined };
const LISTED_KINDS = 'rpvmfS';

/** Sequences that belong to a column: they come and go with it. */
function ownedSequences(database: DatabaseAt): Set<number> {
  const owned = new Set<number>();
  database.catalog.scan('pg_depend', (row) => {
    if (row.oid('classid') === PG_CLASS && row.oid('refclassid') === PG_CLASS && row.int4('refobjsubid') > 0 && 'ai'.includes(row.char('deptype'))) owned.add(row.oid('objid'));
  });
  return owned;
}

function changedPairs(sides: DiffSides): Pair[] {
  const changed = changedRelations(sides.before, sides.after);
  const owned = [sides.before, sides.after].map(ownedSequences);
  const isListed = (database: DatabaseAt, relation: Relation | undefined): boolean =>
    relation !== undefined && LISTED_KINDS.includes(relation.kind) && !(relation.kind === 'S' && owned.some((oids) => oids.has(relation.oid))) && relation.persistence !== 't' && !isSystemSchema(database.catalog.schemaOf(relation));
  const pairs = [...changed].map((oid) => ({ before: sides.before.catalog.relations.get(oid), after: sides.after.catalog.relations.get(oid) }))
    .map(({ before, after }) => ({ before: isListed(sides.before, before) ? before : undefined, after: isListed(sides.after, after) ? after : undefined }))
    .filter((pair) => pair.before !== undefined || pair.after !== undefined);
  const sortName = ({ before, after }: Pair): string => (after ? nameIn(sides.after, after) : nameIn(sides.before, before!));
  // views go before what they read, and come after it: those made later may read those made earlier
  const rank = ({ before, after }: Pair): number => (!'vm'.includes((after ?? before)!.kind) ? 1 : after ? 2 : 0);
  const age = ({ before, after }: Pair): number => (after ? after.oid : -before!.oid);
  return pairs.sort((a, b) => rank(a) - rank(b) || (rank(a) === 1 ? (sortName(a) < sortName(b) ? -1 : 1) : age(a) - age(b)));
}

function nameIn(database: DatabaseAt, relation: Relation): string {
  return qualifyName(database.catalog.schemaOf(relation), relation.name);
}

function standAlone(list: (database: DatabaseAt) => Map<number, NamedDefinition>, object: string, sides: DiffSides, changes: SchemaChange[]): void {
  const was = list(sides.before), is = list(sides.after);
  const add = (change: SchemaChangeKind, name: string, before: string | null, after: string | null, sql: string[], property: string | null = null): void =>
    void changes.push({ change, object, table: null, name, property, before, after, sql });
  for (const [oid, old] of was) {
    const now = is.get(oid);
    if (!now) add('dropped', old.name, old.sql, null, [`DROP ${object.toUpperCase()} ${old.dropName};`]);
    else {
      if (now.name !== old.name) add('renamed', old.name, old.name, now.name, []);
      if (now.sql !== old.sql && object !== 'schema') add('changed', now.name, old.sql, now.sql, now.sql === null ? [] : [now.sql], 'definition');
    }
  }
  for (const [oid, now] of is) if (!was.has(oid)) add('added', now.name, null, now.sql, now.sql === null ? [] : [now.sql]);
}

function typeChanges(sides: DiffSides, changes: SchemaChange[]): void {
  const was = userTypes(sides.before), is = userTypes(sides.after);
  const nameOf = (type: TypeInfo): string => qualifyName(type.schema, type.name);
  const statement = (database: DatabaseAt, oid: number): string | null => new TypeDdl(database).neededBy([oid]).find((each) => each.oid === oid)?.sql ?? null;
  const add = (change: SchemaChangeKind, name: string, property: string | null, before: string | null, after: string | null, sql: string[]): void =>
    void changes.push({ change, object: 'type', table: null, name, property, before, after, sql });
  for (const [oid, old] of was) {
    const now = is.get(oid);
    if (!now) {
      add('dropped', nameOf(old), null, statement(sides.before, oid), null, [`DROP ${old.typtype === 'd' ? 'DOMAIN' : 'TYPE'} ${nameOf(old)};`]);
      continue;
    }
    if (nameOf(now) !== nameOf(old)) add('renamed', nameOf(old), null, nameOf(old), nameOf(now), now.schema === old.schema ? [`ALTER TYPE ${nameOf(old)} RENAME TO ${quoteIdentifier(now.name)};`] : []);
    if (now.typtype === 'e') enumChanges(sides, now, nameOf(now), add);
    else {
      // a renamed type alone is no other definition
      const [before, after] = [statement(sides.before, oid)?.replace(nameOf(old), nameOf(now)) ?? null, statement(sides.after, oid)];
      if (before !== after) add('changed', nameOf(now), 'definition', before, after, []);
    }
  }
  const order = new TypeDdl(sides.after).neededBy([...is.keys()].filter((oid) => !was.has(oid)));
  for (const { oid, name, sql } of order) if (!was.has(oid)) add('added', name, null, null, sql, [sql]);
}

/** Labels keep their OIDs when they are renamed. */
function enumChanges(sides: DiffSides, type: TypeInfo, name: string, add: (change: SchemaChangeKind, name: string, property: string, before: string | null, after: string | null, sql: string[]) => void): void {
  const literal = (label: string): string => `'${label.replaceAll("'", "''")}'`;
  const was = sides.before.types.enumLabelsByOid(type.oid), is = sides.after.types.enumLabelsByOid(type.oid);
  const labels = [...is.values()];
  for (const [oid, label] of is) {
    const old = was.get(oid);
    if (old === undefined) {
      const next = labels[labels.indexOf(label) + 1];
      add('changed', name, 'label', null, label, [`ALTER TYPE ${name} ADD VALUE ${literal(label)}${next === undefined ? '' : ` BEFORE ${literal(next)}`};`]);
    } else if (old !== label) add('changed', name, 'label', old, label, [`ALTER TYPE ${name} RENAME VALUE ${literal(old)} TO ${literal(label)};`]);
  }
  for (const [oid, label] of was) if (!is.has(oid)) add('changed', name, 'label', label, null, []);
}

/** One relation at both moments. */
class RelationDiff {
  private table = '';
  /** The table or a column has another name: definitions that name it read otherwise, and are the same. */
  private isRenamed = false;

  constructor(private readonly sides: DiffSides, private readonly pair: Pair, private readonly changes: SchemaChange[]) {}

  private add(change: SchemaChangeKind, object: string, name: string, values: Partial<Pick<SchemaChange, 'property' | 'before' | 'after' | 'sql'>>, standsAlone = false): void {
    // columns of a view come with its query
    const ownSql = object === 'column' && 'vm'.includes((this.pair.after ?? this.pair.before)!.kind) && values.property !== 'comment' ? [] : (values.sql ?? []);
    this.changes.push({ change, object, table: standsAlone ? null : this.table, name, property: null, before: null, after: null, ...values, sql: ownSql });
  }

  compare(): void {
    const { sides, pair } = this;
    if (!pair.before || !pair.after) {
      this.comeOrGone(pair.after ? sides.after : sides.before, (pair.after ?? pair.before)!, pair.after ? 'added' : 'dropped');
      return;
    }
    const was = tableSchema(sides.before, pair.before), is = tableSchema(sides.after, pair.after);
    const [from, to] = [qualifyName(was.schema, was.name), qualifyName(is.schema, is.name)];
    this.table = to;
    const alter = `ALTER ${kindSql(is)} `;
    this.isRenamed = from !== to || is.columns.some((column) => was.columns.some((old) => old.attnum === column.attnum && old.name !== column.name));
    if (from !== to) {
      const steps = [...(was.schema === is.schema ? [] : [`${alter}${from} SET SCHEMA ${quoteIdentifier(is.schema)};`]), ...(was.name === is.name ? [] : [`${alter}${qualifyName(is.schema, was.name)} RENAME TO ${quoteIdentifier(is.name)};`])];
      this.add('renamed', is.kind, from, { before: from, after: to, sql: steps }, true);
    }
    this.ownProperties(was, is, alter);
    this.columns(was, is);
    this.definitions('constraint', was.constraints, is.constraints, {
      drop: (name) => [`ALTER TABLE ${to} DROP CONSTRAINT IF EXISTS ${name};`], create: (name, sql) => [`ALTER TABLE ${to} ADD CONSTRAINT ${name} ${sql};`],
      rename: (name, now) => [`ALTER TABLE ${to} RENAME CONSTRAINT ${name} TO ${now};`],
    });
    const ofConstraint = (schema: TableSchema) => (index: { oid: number }): boolean => !schema.constraints.some((c) => c.indexOid === index.oid && 'pux'.includes(c.type));
    const indexName = (name: string): string => `${quoteIdentifier(is.schema)}.${name}`;
    this.definitions('index', was.indexes.filter(ofConstraint(was)), is.indexes.filter(ofConstraint(is)), {
      drop: (name) => [`DROP INDEX IF EXISTS ${indexName(name)};`], create: (_, sql) => [`${sql};`], rename: (name, now) => [`ALTER INDEX ${indexName(name)} RENAME TO ${now};`],
    });
  }

  private comeOrGone(database: DatabaseAt, relation: Relation, change: 'added' | 'dropped'): void {
    const schema = tableSchema(database, relation);
    const name = qualifyName(schema.schema, schema.name);
    const ddl = relation.kind === 'S' ? `CREATE SEQUENCE ${name} ${schema.definition};` : 'rpfvm'.includes(relation.kind) ? tableDdl(database, schema, { alone: true }) : schema.definition;
    this.add(change, schema.kind, name, change === 'added' ? { after: ddl?.trimEnd() ?? null, sql: ddl === null ? [] : [ddl.trimEnd()] } : { before: ddl?.trimEnd() ?? null, sql: [`DROP ${kindSql(schema)} ${name};`] }, true);
  }

  private ownProperties(was: TableSchema, is: TableSchema, alter: string): void {
    const table = this.table;
    const property = (name: string, before: string | null, after: string | null, sql: string[]): void => {
      if (before !== after) this.add('changed', is.kind, table, { property: name, before, after, sql }, true);
    };
    const persistence = (schema: TableSchema): string => (schema.relation.persistence === 'u' ? 'unlogged' : 'logged');
    property('owner', was.owner, is.owner, [`${alter}${table} OWNER TO ${quoteIdentifier(is.owner ?? '')};`]);
    property('persistence', persistence(was), persistence(is), [`${alter}${table} SET ${persistence(is).toUpperCase()};`]);
    property('options', was.options || null, is.options || null, is.options ? [`${alter}${table} SET (${is.options});`] : []);
    property('comment', was.comment, is.comment, [`COMMENT ON ${kindSql(is)} ${table} IS ${is.comment === null ? 'NULL' : `'${is.comment.replaceAll("'", "''")}'`};`]);
    property('partition key', was.partitionKey, is.partitionKey, []);
    property('partition bound', was.partitionBound, is.partitionBound, is.partitionBound === null ? [`ALTER TABLE ${was.parents[0] ?? ''} DETACH PARTITION ${table};`] : [`ALTER TABLE ${is.parents[0] ?? ''} ATTACH PARTITION ${table} ${is.partitionBound};`]);
    if (was.partitionBound === null && is.partitionBound === null) property('parents', was.parents.join(', ') || null, is.parents.join(', ') || null, []);
    property('definition', was.definition, is.definition, is.relation.kind === 'S' ? [`ALTER SEQUENCE ${table} ${is.definition};`] : []);
    if (was.queryTree !== is.queryTree) this.add('changed', is.kind, table, { property: 'query', before: was.query, after: is.query, sql: this.newQuery(was, is) }, true);
  }

  /** A view keeps its columns when it is replaced, and may get more; else, and where it is materialised, it is made anew. */
  private newQuery(was: TableSchema, is: TableSchema): string[] {
    if (is.query === null) return [];
    const create = tableDdl(this.sides.after, is, { alone: true }).trimEnd();
    const isReplaced = is.relation.kind === 'v' && was.columns.every((old, i) => old.name === is.columns[i]?.name && old.type === is.columns[i].type && old.collation === is.columns[i].collation);
    return isReplaced ? [create.replace(/^CREATE VIEW/, 'CREATE OR REPLACE VIEW')] : [`DROP ${kindSql(is)} ${this.table};`, create];
  }

  private columns(was: TableSchema, is: TableSchema): void {
    const alter = `ALTER TABLE ${this.table} `;
    for (const old of was.columns) {
      const name = quoteIdentifier(old.name);
      if (!is.columns.some((c) => c.attnum === old.attnum)) this.add('dropped', 'column', name, { before: columnSql(old), sql: [`${alter}DROP COLUMN ${name};`] });
    }
    for (const column of is.columns) {
      const old = was.columns.find((c) => c.attnum === column.attnum);
      if (old) this.column(old, column, alter);
      else this.add('added', 'column', quoteIdentifier(column.name), { after: columnSql(column), sql: [`${alter}ADD COLUMN ${columnSql(column)};`] });
    }
  }

  private column(old: SchemaColumn, column: SchemaColumn, alter: string): void {
    const name = quoteIdentifier(column.name);
    if (old.name !== column.name) {
      this.add('renamed', 'column', quoteIdentifier(old.name), { before: quoteIdentifier(old.name), after: name, sql: [`${alter}RENAME COLUMN ${quoteIdentifier(old.name)} TO ${name};`] });
    }
    const property = (what: string, before: string | null, after: string | null, clause: string): void => {
      if (before !== after) this.add('changed', 'column', name, { property: what, before, after, sql: clause === '' ? [] : [`${alter}ALTER COLUMN ${name} ${clause};`] });
    };
    const ofDefault = (c: SchemaColumn): string | null => (c.generated ? null : (c.default ?? (c.unknown ? `(${c.unknown})` : null)));
    const ofExpression = (c: SchemaColumn): string | null => (c.generated ? (c.default ?? `(${c.unknown})`) : null);
    const collate = column.collation === null ? '' : ` COLLATE ${column.collation}`;
    // the same type under a new name is the type's change
    if (old.typeOid !== column.typeOid || modifier(old) !== modifier(column)) property('type', old.type, column.type, `TYPE ${column.type}${collate} USING ${name}::${column.type}`);
    else property('collation', old.collation, column.collation, `TYPE ${column.type}${collate}`);
    property('default', ofDefault(old), ofDefault(column), ofDefault(column) === null ? 'DROP DEFAULT' : `SET DEFAULT ${ofDefault(column)}`);
    property('generation expression', ofExpression(old), ofExpression(column), ofExpression(column) === null ? 'DROP EXPRESSION' : `SET EXPRESSION AS (${ofExpression(column)})`);
    property('identity', IDENTITY[old.identity]!, IDENTITY[column.identity]!, column.identity === '' ? 'DROP IDENTITY' : old.identity === '' ? `ADD GENERATED ${IDENTITY[column.identity]} AS IDENTITY` : `SET GENERATED ${IDENTITY[column.identity]}`);
    property('not null', old.notNull ? 'yes' : 'no', column.notNull ? 'yes' : 'no', `${column.notNull ? 'SET' : 'DROP'} NOT NULL`);
    property('storage', old.storage, column.storage, `SET STORAGE ${column.storage.toUpperCase()}`);
    if (old.comment !== column.comment) {
      this.add('changed', 'column', name, { property: 'comment', before: old.comment, after: column.comment, sql: [`COMMENT ON COLUMN ${this.table}.${name} IS ${column.comment === null ? 'NULL' : `'${column.comment.replaceAll("'", "''")}'`};`] });
    }
  }

  /** Constraints or indexes: the same by OID, else one made anew under the old name. */
  private definitions(object: string, was: readonly Definition[], is: readonly Definition[], sql: DefinitionSql): void {
    const left = new Set(is);
    for (const old of was) {
      const name = quoteIdentifier(old.name);
      const now = is.find((each) => each.oid === old.oid) ?? is.find((each) => each.name === old.name && !was.some((w) => w.oid === each.oid));
      if (!now) {
        this.add('dropped', object, name, { before: old.sql, sql: sql.drop(name) });
        continue;
      }
      left.delete(now);
      const newName = quoteIdentifier(now.name);
      if (now.name !== old.name) this.add('renamed', object, name, { before: name, after: newName, sql: sql.rename(name, newName) });
      if (now.sql !== old.sql && (now.oid !== old.oid || !this.isRenamed)) this.add('changed', object, newName, { property: 'definition', before: old.sql, after: now.sql, sql: [...sql.drop(newName), ...sql.create(newName, now.sql)] });
    }
    for (const now of left) this.add('added', object, quoteIdentifier(now.name), { after: now.sql, sql: sql.create(quoteIdentifier(now.name), now.sql) });
  }
}

interface Definition {
  oid: number;
  name: string;
  sql: string;
}

interface DefinitionSql {
  drop(name: string): string[];
  create(name: string, sql: string): string[];
  rename(name: string, now: string): string[];
}

const IDENTITY: Record<string, string | null> = { '': null, a: 'ALWAYS', d: 'BY DEFAULT' };

/** What stands in parentheses behind the type's name. */
function modifier(column: SchemaColumn): string {
  return /\(.*\)/.exec(column.type)?.[0] ?? '';
}

function kindSql(schema: TableSchema): string {
  return (schema.relation.kind === 'p' ? 'table' : (RELKIND_NAMES[schema.relation.kind] ?? 'table')).toUpperCase();
}
