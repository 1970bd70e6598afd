/**
 * What changed in the definitions of a database between two moments: tables, their columns, constraints and indexes, types, sequences,
 * views and functions. The work depends on the relations whose catalog rows differ, not on their number.
 */
import { PG_CLASS, PG_NAMESPACE, PG_PROC, PG_TYPE } from '../catalog/catalogOids.js';
import { RELKIND_NAMES, type Relation } from '../catalog/relation.js';
import { TABLE_OBJECTS } from '../catalog/tableObjects.js';
import type { TypeInfo } from '../rows/types/typeInfo.js';
import { qualifyName, quoteIdentifier, quoteLiteral } from '../util/quote.js';
import type { DiffSides } from './diffSpan.js';
import { objectKey, type ObjectKey } from './objectKey.js';
import { pairByName } from './tablePairs.js';
import { tableSchema, type SchemaColumn, type TableSchema } from './schema.js';
import { alterOnly, columnSql, neededFirst, scriptOf, tableDdl, tableDdlParts } from './schemaDdl.js';
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
  /** Statements that lead from the earlier state to the later; empty where none are known, and where another change brings this one along. */
  sql: string[];
  /** Those that are run before all others, and after them: foreign keys. */
  first: string[];
  last: string[];
  /** What it is, or belongs to. */
  key: ObjectKey | undefined;
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
  const add = (change: SchemaChangeKind, oid: number, name: string, before: string | null, after: string | null, sql: string[], property: string | null = null): void =>
    void changes.push({ change, object, table: null, name, property, before, after, sql, first: [], last: [], key: objectKey(object === 'schema' ? PG_NAMESPACE : PG_PROC, oid) });
  for (const [oid, old] of was) {
    const now = is.get(oid);
    if (!now) add('dropped', oid, old.name, old.sql, null, [`DROP ${object === 'schema' ? 'SCHEMA' : 'ROUTINE'} ${old.dropName};`]);
    else {
      if (now.name !== old.name) add('renamed', oid, old.name, old.name, now.name, object === 'schema' ? [`ALTER SCHEMA ${old.name} RENAME TO ${now.name};`] : []);
      if (now.sql !== old.sql && object !== 'schema') add('changed', oid, now.name, old.sql, now.sql, now.sql === null ? [] : [now.sql], 'definition');
    }
  }
  for (const [oid, now] of is) if (!was.has(oid)) add('added', oid, now.name, null, now.sql, now.sql === null ? [] : [now.sql]);
}

function typeChanges(sides: DiffSides, changes: SchemaChange[]): void {
  const was = userTypes(sides.before), is = userTypes(sides.after);
  const nameOf = (type: TypeInfo): string => qualifyName(type.schema, type.name);
  const statement = (database: DatabaseAt, oid: number): string | null => new TypeDdl(database).neededBy([oid]).find((each) => each.oid === oid)?.sql ?? null;
  const add = (change: SchemaChangeKind, oid: number, name: string, property: string | null, before: string | null, after: string | null, sql: string[]): void =>
    void changes.push({ change, object: 'type', table: null, name, property, before, after, sql, first: [], last: [], key: objectKey(PG_TYPE, oid) });
  for (const [oid, old] of was) {
    const now = is.get(oid);
    if (!now) {
      add('dropped', oid, nameOf(old), null, statement(sides.before, oid), null, [`DROP ${old.typtype === 'd' ? 'DOMAIN' : 'TYPE'} ${nameOf(old)};`]);
      continue;
    }
    if (nameOf(now) !== nameOf(old)) add('renamed', oid, nameOf(old), null, nameOf(old), nameOf(now), now.schema === old.schema ? [`ALTER TYPE ${nameOf(old)} RENAME TO ${quoteIdentifier(now.name)};`] : []);
    if (now.typtype === 'e') enumChanges(sides, now, nameOf(now), (label, before, after, sql) => add('changed', oid, nameOf(now), label, before, after, sql));
    else {
      // a renamed type alone is no other definition
      const [before, after] = [statement(sides.before, oid)?.replace(nameOf(old), nameOf(now)) ?? null, statement(sides.after, oid)];
      if (before !== after) add('changed', oid, nameOf(now), 'definition', before, after, []);
    }
  }
  const order = new TypeDdl(sides.after).neededBy([...is.keys()].filter((oid) => !was.has(oid)));
  for (const { oid, name, sql } of order) if (!was.has(oid)) add('added', oid, name, null, null, sql, [sql]);
}

/** Labels keep their OIDs when they are renamed. */
function enumChanges(sides: DiffSides, type: TypeInfo, name: string, add: (property: string, before: string | null, after: string | null, sql: string[]) => void): void {
  const was = sides.before.types.enumLabelsByOid(type.oid), is = sides.after.types.enumLabelsByOid(type.oid);
  const labels = [...is.values()];
  for (const [oid, label] of is) {
    const old = was.get(oid);
    if (old === undefined) {
      const next = labels[labels.indexOf(label) + 1];
      add('label', null, label, [`ALTER TYPE ${name} ADD VALUE ${quoteLiteral(label)}${next === undefined ? '' : ` BEFORE ${quoteLiteral(next)}`};`]);
    } else if (old !== label) add('label', old, label, [`ALTER TYPE ${name} RENAME VALUE ${quoteLiteral(old)} TO ${quoteLiteral(label)};`]);
  }
  for (const [oid, label] of was) if (!is.has(oid)) add('label', label, null, []);
}

/** One relation at both moments. */
class RelationDiff {
  private table = '';
  /** The table or a column has another name: definitions that name it read otherwise, and are the same. */
  private isRenamed = false;
  private readonly key: ObjectKey;

  constructor(private readonly sides: DiffSides, private readonly pair: Pair, private readonly changes: SchemaChange[]) {
    this.key = objectKey(PG_CLASS, (pair.after ?? pair.before)!.oid);
  }

  private add(change: SchemaChangeKind, object: string, name: string, values: Partial<Pick<SchemaChange, 'property' | 'before' | 'after' | 'sql' | 'first' | 'last'>>, standsAlone = false): void {
    // columns of a view come with its query
    const ownSql = object === 'column' && 'vm'.includes((this.pair.after ?? this.pair.before)!.kind) && values.property !== 'comment' ? [] : (values.sql ?? []);
    this.changes.push({ change, object, table: standsAlone ? null : this.table, name, property: null, before: null, after: null, first: [], last: [], key: this.key, ...values, sql: ownSql });
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
    const isKey = (each: { sql: string }): boolean => each.sql.startsWith('FOREIGN KEY ');
    const constraints = (schema: TableSchema): Definition[] => schema.constraints.map((each) => ({ ...each, comesAlong: each.parentOid !== 0 || !each.isLocal, isLast: isKey(each) }));
    this.definitions('constraint', constraints(was), constraints(is), {
      drop: (name, each) => [`ALTER TABLE ${isKey(each) ? from : to} DROP CONSTRAINT IF EXISTS ${name};`], create: (name, { sql }) => [`ALTER TABLE ${to} ADD CONSTRAINT ${name} ${sql};`],
      rename: (name, now) => [`ALTER TABLE ${to} RENAME CONSTRAINT ${name} TO ${now};`],
    });
    const indexes = (database: DatabaseAt, schema: TableSchema): Definition[] => schema.indexes.filter((index) => !schema.constraints.some((c) => c.indexOid === index.oid && 'pux'.includes(c.type)))
      .map((index) => ({ ...index, comesAlong: database.catalog.relations.get(index.oid)?.isPartition === true }));
    const indexName = (name: string): string => `${quoteIdentifier(is.schema)}.${name}`;
    this.definitions('index', indexes(sides.before, was), indexes(sides.after, is), {
      drop: (name) => [`DROP INDEX IF EXISTS ${indexName(name)};`], create: (_, { sql }) => [`${is.partitionKey === null ? sql : sql.replace(' ON ONLY ', ' ON ')};`], rename: (name, now) => [`ALTER INDEX ${indexName(name)} RENAME TO ${now};`],
    });
    for (const kind of TABLE_OBJECTS) {
      const ofKind = ({ objects }: TableSchema): Definition[] => objects.filter((each) => each.kind === kind).map((each) => ({ ...each, isLast: true }));
      this.definitions(kind, ofKind(was), ofKind(is), {
        drop: (_, { target }) => [`DROP ${target!};`], create: (_, { sql }) => [sql],
        rename: (_, now) => [`ALTER ${was.objects.find((each) => each.kind === kind && is.objects.some((other) => other.oid === each.oid && quoteIdentifier(other.name) === now))!.target} RENAME TO ${now};`],
      });
    }
    this.settings(was, is);
  }

  /** What ALTER TABLE alone says; SQL for what is new, and for what has an opposite. */
  private settings(was: TableSchema, is: TableSchema): void {
    const gone = was.settings.filter((each) => !is.settings.includes(each)), fresh = is.settings.filter((each) => !was.settings.includes(each));
    if (gone.length + fresh.length === 0) return;
    const isIdentity = (setting: string): boolean => setting.startsWith('REPLICA IDENTITY ');
    const back = gone.flatMap((setting) => {
      if (setting.endsWith('ROW LEVEL SECURITY')) return [setting.replace(/^ENABLE/, 'DISABLE').replace(/^FORCE/, 'NO FORCE')];
      return isIdentity(setting) && !fresh.some(isIdentity) ? ['REPLICA IDENTITY DEFAULT'] : [];
    });
    this.add('changed', is.kind, this.table, { property: 'settings', before: was.settings.join(', ') || null, after: is.settings.join(', ') || null, last: [...back, ...fresh].map((setting) => `${alterOnly(is)} ${setting};`) }, true);
  }

  private comeOrGone(database: DatabaseAt, relation: Relation, change: 'added' | 'dropped'): void {
    const schema = tableSchema(database, relation);
    const name = qualifyName(schema.schema, schema.name);
    const parts = 'rpfvm'.includes(relation.kind) ? tableDdlParts(database, schema, { alone: true }) : undefined;
    const ddl = relation.kind === 'S' ? `CREATE SEQUENCE ${name} ${schema.definition};` : parts ? scriptOf(parts).trimEnd() : schema.definition;
    if (change === 'added') {
      const sql = parts ? [...neededFirst(parts), ...parts.before, ...parts.after, ...parts.comments.filter((line) => !schema.objects.some(({ target }) => line.startsWith(`COMMENT ON ${target} IS `)))] : [ddl!];
      this.add(change, schema.kind, name, { after: ddl, sql, last: parts ? [...parts.foreignKeys.map((key) => key.sql), ...parts.objects] : [] }, true);
      return;
    }
    // tables that refer to each other
    const keys = schema.constraints.filter((each) => each.type === 'f' && each.parentOid === 0 && each.referencedOid !== relation.oid && !this.sides.after.catalog.relations.has(each.referencedOid));
    this.add(change, schema.kind, name, { before: ddl, first: keys.map((each) => `ALTER TABLE ${name} DROP CONSTRAINT ${quoteIdentifier(each.name)};`), sql: [`DROP ${kindSql(schema)} ${name};`] }, true);
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
    property('comment', was.comment, is.comment, [`COMMENT ON ${kindSql(is)} ${table} IS ${is.comment === null ? 'NULL' : quoteLiteral(is.comment)};`]);
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
      if (!is.columns.some((c) => c.attnum === old.attnum)) this.add('dropped', 'column', name, { before: columnSql(old), sql: own(old, [`${alter}DROP COLUMN ${name};`]) });
    }
    for (const column of is.columns) {
      const old = was.columns.find((c) => c.attnum === column.attnum);
      if (old) this.column(old, column, alter);
      else this.add('added', 'column', quoteIdentifier(column.name), { after: columnSql(column), sql: own(column, [`${alter}ADD COLUMN ${columnSql(column)};`]) });
    }
  }

  private column(old: SchemaColumn, column: SchemaColumn, alter: string): void {
    const name = quoteIdentifier(column.name);
    if (old.name !== column.name) {
      this.add('renamed', 'column', quoteIdentifier(old.name), { before: quoteIdentifier(old.name), after: name, sql: own(old, [`${alter}RENAME COLUMN ${quoteIdentifier(old.name)} TO ${name};`]) });
    }
    const property = (what: string, before: string | null, after: string | null, clause: string): void => {
      if (before !== after) this.add('changed', 'column', name, { property: what, before, after, sql: clause === '' || (!column.isLocal && OF_PARENT.test(clause)) ? [] : [`${alter}ALTER COLUMN ${name} ${clause};`] });
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
      this.add('changed', 'column', name, { property: 'comment', before: old.comment, after: column.comment, sql: [`COMMENT ON COLUMN ${this.table}.${name} IS ${column.comment === null ? 'NULL' : quoteLiteral(column.comment)};`] });
    }
  }

  /** Constraints, indexes, triggers and the like: the same by OID, else one made anew under the old name. */
  private definitions(object: string, was: readonly Definition[], is: readonly Definition[], sql: DefinitionSql): void {
    const left = new Set(is);
    const dropped = (name: string, old: Definition): Partial<SchemaChange> => (old.comesAlong ? {} : { [old.isLast ? 'first' : 'sql']: sql.drop(name, old) });
    const created = (name: string, now: Definition): Partial<SchemaChange> => (now.comesAlong ? {} : { [now.isLast ? 'last' : 'sql']: sql.create(name, now) });
    for (const old of was) {
      const name = quoteIdentifier(old.name);
      const now = is.find((each) => each.oid === old.oid) ?? is.find((each) => each.name === old.name && !was.some((w) => w.oid === each.oid));
      if (!now) {
        this.add('dropped', object, name, { before: old.sql, ...dropped(name, old) });
        continue;
      }
      left.delete(now);
      const newName = quoteIdentifier(now.name);
      const isOther = now.sql !== (now.name === old.name ? old.sql : old.sql.replaceAll(name, newName)) && (now.oid !== old.oid || !this.isRenamed);
      if (now.name !== old.name) this.add('renamed', object, name, { before: name, after: newName, sql: now.comesAlong || (isOther && now.isLast) ? [] : sql.rename(name, newName) });
      if (!isOther) continue;
      // what is dropped first still has its former name
      const [gone, made] = [dropped(now.isLast ? name : newName, old), created(newName, now)];
      this.add('changed', object, newName, { property: 'definition', before: old.sql, after: now.sql, first: gone.first ?? [], sql: [...(gone.sql ?? []), ...(made.sql ?? [])], last: made.last ?? [] });
    }
    for (const now of left) this.add('added', object, quoteIdentifier(now.name), { after: now.sql, ...created(quoteIdentifier(now.name), now) });
  }
}

/** SQL of a column; of one that comes from a parent, the parent's statement is enough. */
function own(column: SchemaColumn, sql: string[]): string[] {
  return column.isLocal ? sql : [];
}

/** Clauses of ALTER COLUMN that a parent's statement brings to its children. */
const OF_PARENT = /^(TYPE|DROP NOT NULL|DROP EXPRESSION|SET EXPRESSION|DROP IDENTITY|ADD GENERATED|SET GENERATED)/;

interface Definition {
  oid: number;
  name: string;
  sql: string;
  /** As DROP takes it. */
  target?: string;
  /** It comes and goes with that of a parent. */
  comesAlong?: boolean;
  /** Made after all else, and dropped before. */
  isLast?: boolean;
}

interface DefinitionSql {
  drop(name: string, definition: Definition): string[];
  create(name: string, definition: Definition): string[];
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
