/**
 * Runnable SQL for a table or view as of a moment, in the order in which pg_dump writes it: schemas, types, sequences, the table, its
 * constraints and indexes, comments. What could not be deparsed stands as a comment in its place.
 */
import { PG_CLASS, PG_CONSTRAINT } from '../catalog/catalogOids.js';
import { Definitions, type ConstraintDefinition } from '../catalog/definitions.js';
import { deparseText } from '../catalog/deparse.js';
import { TABLE_OBJECT_CATALOGS } from '../catalog/tableObjects.js';
import { allNodes, NodeTreeError, parseNodeTree } from '../catalog/ruleutils/nodeTree.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { qualifyName, quoteIdentifier, quoteLiteral } from '../util/quote.js';
import { commentOn } from './comments.js';
import { defaultTrees, parentsOf, sequenceOptions, type SchemaColumn, type TableSchema } from './schema.js';
import type { DatabaseAt } from './session.js';
import { isSystemSchema } from './session.js';
import { comment, commentedOut } from './sqlScript.js';
import { TypeDdl, type TypeStatement } from './typeDdl.js';

const REGCLASSOID = 2205;

export interface DdlParts {
  /** What the table needs: schemas as statements, types, sequences that no identity column makes. */
  schemas: string[];
  types: TypeStatement[];
  sequences: SequenceSql[];
  /** The table. */
  before: string[];
  /** Constraints other than foreign keys, and indexes: after the rows are in. */
  after: string[];
  /** In a database: partitions' indexes become part of those of the partitioned tables. */
  attachments: string[];
  foreignKeys: { referencedOid: number; sql: string }[];
  /** Triggers, rules, policies, extended statistics; in a database they are objects of their own. */
  objects: string[];
  comments: string[];
}

export interface TableDdlOptions {
  /** Without the schemas, types and sequences that the table needs. */
  alone?: boolean;
  /** One of a whole database, which brings sequences and partitions, too: indexes are made on each partition and attached. */
  inDatabase?: boolean;
  /** Checks are added once the functions that need the table are there. */
  checksApart?: boolean;
  /** What an object, named by catalog and OID, needs that is not written. */
  lacks?: (classOid: number, oid: number) => string | undefined;
}

/** The whole script; of a sequence, an index or a composite type its statement. */
export function tableDdl(database: DatabaseAt, schema: TableSchema, options: TableDdlOptions = {}): string {
  const { relation } = schema;
  if (relation.kind === 'S') {
    const sequence = database.once(sequencesOf).find((each) => each.oid === relation.oid)!;
    // an identity column's is made with its table
    return [sequence.identity ? comment(`the sequence of an identity column: ${createSequence(sequence)}`) : createSequence(sequence), ...ownedBy(database, sequence), ...commentOn(database, PG_CLASS, relation.oid, `SEQUENCE ${sequence.name}`)].map((line) => `${line}\n`).join('');
  }
  if ('iI'.includes(relation.kind)) {
    const definition = new Definitions(database).indexOf(relation.oid);
    return `${definition.unknown === '' ? `${definition.sql};` : commentedOut(`${definition.unknown} is not written: ${definition.sql};`)}\n`;
  }
  if (relation.kind === 'c') return new TypeDdl(database).neededBy([relation.typeOid]).map(({ sql }) => `${sql}\n`).join('\n');
  return scriptOf(tableDdlParts(database, schema, options));
}

/** The parts with no rows between them. */
export function scriptOf(parts: DdlParts): string {
  return [...neededFirst(parts), ...parts.before, ...parts.after, ...parts.foreignKeys.map(({ sql }) => sql), ...parts.objects, ...parts.comments].map((statement) => `${statement}\n`).join('\n');
}

/** The statements that make what the table needs. */
export function neededFirst({ schemas, types, sequences }: DdlParts): string[] {
  return [...schemas, ...types.map(({ sql }) => sql), ...sequences.map(createSequence)];
}

/** The script in parts, for who wants to put rows between them. Refuses what is no table or view. */
export function tableDdlParts(database: DatabaseAt, schema: TableSchema, options: TableDdlOptions = {}): DdlParts {
  if (!'rpfvm'.includes(schema.relation.kind)) {
    throw new WalscopeError('schema.kind', `${schema.name} is a ${schema.kind}: there is no SQL that creates it`, { exitCode: ExitCode.usage, hint: 'leave --ddl out to see its columns' });
  }
  const writer = new DdlWriter(database, schema, options);
  return { ...writer.before(), after: writer.after(), attachments: options.inDatabase ? writer.attachments() : [], foreignKeys: writer.foreignKeys(), objects: options.inDatabase ? [] : writer.objects(), comments: writer.comments() };
}

class DdlWriter {
  private readonly table: string;

  constructor(private readonly database: DatabaseAt, private readonly schema: TableSchema, private readonly options: TableDdlOptions) {
    this.table = qualifyName(schema.schema, schema.name);
  }

  before(): Pick<DdlParts, 'schemas' | 'types' | 'sequences' | 'before'> {
    const { database, schema, options } = this;
    const schemas = (names: Iterable<string>): string[] =>
      (options.inDatabase || options.alone ? [] : [...new Set(names)]).filter((name) => name !== 'public' && !isSystemSchema(name)).map((name) => `CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(name)};`);
    if ('vm'.includes(schema.relation.kind)) return { schemas: schema.query === null ? [] : schemas([schema.schema]), types: [], sequences: [], before: this.createView() };
    const sequences = database.once(sequencesOf).filter((s) => s.owner?.relOid === schema.relation.oid || (!options.alone && this.defaultSequences.has(s.oid)));
    if (options.inDatabase) return { schemas: [], types: [], sequences: [], before: this.createTable(sequences) };
    const types = options.alone ? [] : new TypeDdl(database).neededBy(schema.columns.map((column) => column.typeOid));
    return {
      schemas: schemas([schema.schema, ...types.map((t) => t.schema), ...sequences.map((s) => s.schema)]), types, sequences: sequences.filter((s) => !s.identity),
      before: [...this.createTable(sequences), ...sequences.flatMap((s) => ownedBy(database, s))],
    };
  }

  private createView(): string[] {
    const { schema } = this;
    const isMaterialized = schema.relation.kind === 'm';
    const method = this.usingMethod();
    const head = `CREATE ${isMaterialized ? 'MATERIALIZED ' : ''}VIEW ${this.table}${method === undefined ? '' : ` ${method}`}${schema.options ? ` WITH (${schema.options})` : ''} AS`;
    if (schema.query === null) return [commentedOut(`${head}: the query is not written`)];
    const defaults = schema.columns.filter((column) => column.default !== null).map((column) => `ALTER VIEW ${this.table} ALTER COLUMN ${quoteIdentifier(column.name)} SET DEFAULT ${column.default};`);
    return [`${head}\n${isMaterialized ? schema.query.replace(/;$/, `\n  WITH ${schema.isPopulated ? '' : 'NO '}DATA;`) : schema.query}`, ...defaults];
  }

  /** The table access method, where it is not heap. */
  private usingMethod(): string | undefined {
    const name = this.database.types.accessMethod(this.schema.relation.amOid);
    return name === undefined || name === 'heap' ? undefined : `USING ${quoteIdentifier(name)}`;
  }

  private createTable(sequences: SequenceSql[]): string[] {
    const { schema } = this;
    const isPartition = schema.partitionBound !== null;
    const parents = isPartition ? [] : parentsOf(this.database, schema.relation.oid);
    const attaches = isPartition || !followsParents(this.database, schema, parents);
    const lines = schema.columns.filter((column) => attaches || column.isLocal).map((column) => columnSql(isPartition && this.hasParentIdentity ? { ...column, identity: '' } : column, { sequences, notNull: this.notNull(column) }));
    const isInherited = attaches ? () => false : inheritedValid(this.database, parents);
    for (const check of schema.constraints.filter((c) => 'cn'.includes(c.type) && !c.sql.endsWith(NOT_VALID) && (c.isLocal || !isInherited(c)))) {
      // a column that stands here says itself that it is not null
      if (check.type === 'n' ? attaches || schema.columns.find((column) => column.attnum === check.columns[0])?.isLocal : this.options.checksApart) continue;
      lines.push(check.unknown ? comment(`CONSTRAINT ${quoteIdentifier(check.name)}: an expression of ${check.unknown} is not written`) : `CONSTRAINT ${quoteIdentifier(check.name)} ${check.sql}`);
    }
    const method = this.usingMethod();
    const tail = [
      ...(parents.length > 0 && !attaches ? [`INHERITS (${schema.parents.join(', ')})`] : []),
      ...(schema.partitionKey === null ? [] : [`PARTITION BY ${schema.partitionKey}`]),
      ...(method === undefined ? [] : [method]),
      ...(schema.options ? [`WITH (${schema.options})`] : []),
    ];
    const prefix = schema.relation.kind === 'f' ? 'FOREIGN ' : schema.relation.persistence === 'u' ? 'UNLOGGED ' : '';
    if (schema.relation.kind === 'f') tail.push(schema.definition ?? '');
    const alter = alterOnly(schema);
    return [
      `CREATE ${prefix}TABLE ${this.table} (\n${commaLines(lines)})${tail.map((each) => `\n${each}`).join('')};`,
      ...(isPartition ? [`ALTER TABLE ONLY ${schema.parents[0]} ATTACH PARTITION ${this.table} ${schema.partitionBound};`] : []),
      ...(attaches && !isPartition ? schema.parents.map((parent) => `${alter} INHERIT ${parent};`) : []),
      ...(attaches ? [] : this.inheritedDefaults(parents).map((change) => `${alter} ${change};`)),
      ...(attaches ? [] : this.notNullHere(parents).map((change) => `${alter} ${change};`)),
      ...schema.columns.filter((column) => column.setStorage).map((column) => `${alter} ALTER COLUMN ${quoteIdentifier(column.name)} SET STORAGE ${column.storage.toUpperCase()};`),
    ];
  }

  /** Since 17, a partition's identity columns are those of its partitioned table. */
  private get hasParentIdentity(): boolean {
    return this.database.catalog.snapshot.major >= 17;
  }

  /** Columns that come from a parent may have defaults of their own. */
  private inheritedDefaults(parents: readonly number[]): string[] {
    const inherited = new Map<string, string | null>();
    for (const parent of parents) {
      const trees = defaultTrees(this.database, parent);
      for (const column of this.database.catalog.columns(parent)) {
        const tree = trees.get(column.attnum);
        if (!column.dropped && tree !== undefined) inherited.set(column.name, deparseText(this.database, tree, { relOid: parent }).sql ?? null);
      }
    }
    return this.schema.columns.filter((column) => !column.isLocal && !column.generated && column.unknown === '' && column.default !== (inherited.get(column.name) ?? null))
      .map((column) => `ALTER COLUMN ${quoteIdentifier(column.name)} ${column.default === null ? 'DROP DEFAULT' : `SET DEFAULT ${column.default}`}`);
  }

  /** Before 18, a column that comes from parents may be NOT NULL in this table alone. */
  private notNullHere(parents: readonly number[]): string[] {
    if (this.database.catalog.snapshot.major >= 18) return [];
    const notNull = new Set(parents.flatMap((parent) => this.database.catalog.columns(parent).filter((column) => column.notNull).map((column) => column.name)));
    return this.schema.columns.filter((column) => !column.isLocal && column.notNull && !notNull.has(column.name)).map((column) => `ALTER COLUMN ${quoteIdentifier(column.name)} SET NOT NULL`);
  }

  /** NOT NULL, by its constraint's name where that is not the one it gets anyway. */
  private notNull(column: SchemaColumn): string {
    if (!column.notNull) return '';
    const constraint = this.schema.constraints.find((c) => c.type === 'n' && c.columns[0] === column.attnum);
    if (!constraint) return ' NOT NULL';
    if (constraint.sql.endsWith(NOT_VALID)) return '';
    const isNamed = constraint.name !== `${this.schema.name}_${column.name}_not_null`;
    return `${isNamed ? ` CONSTRAINT ${quoteIdentifier(constraint.name)}` : ''} NOT NULL${/ NO INHERIT$/.exec(constraint.sql)?.[0] ?? ''}`;
  }

  after(): string[] {
    const { constraints, indexes } = this.schema;
    // what a partition has from its partitioned table comes with ATTACH PARTITION, or with the parent's own statement
    const isAttached = (oid: number): boolean => this.database.catalog.relations.get(oid)?.isPartition === true;
    const eachPartition = this.options.inDatabase === true;
    const isPartitioned = this.schema.relation.kind === 'p';
    const statements: string[] = [];
    const byIndex = new Set<number>();
    for (const constraint of constraints) {
      const isIndexed = 'pux'.includes(constraint.type);
      if (isIndexed) byIndex.add(constraint.indexOid);
      const isApart = 'cn'.includes(constraint.type) && (constraint.isLocal || this.schema.partitionBound !== null) && (constraint.sql.endsWith(NOT_VALID) || (this.options.checksApart === true && constraint.type === 'c'));
      if (!(isIndexed && (eachPartition || constraint.parentOid === 0)) && !isApart) continue;
      const add = `ALTER TABLE ${isApart || (isPartitioned && !eachPartition) ? '' : 'ONLY '}${this.table} ADD CONSTRAINT ${quoteIdentifier(constraint.name)} ${constraint.sql};`;
      statements.push(this.marked(add, constraint.unknown, isIndexed ? [PG_CLASS, constraint.indexOid] : [PG_CONSTRAINT, constraint.oid]));
    }
    for (const index of indexes) {
      if (byIndex.has(index.oid) || (isAttached(index.oid) && !eachPartition)) continue;
      const create = `${isPartitioned && !eachPartition ? index.sql.replace(' ON ONLY ', ' ON ') : index.sql};`;
      statements.push(this.marked(create, index.unknown, [PG_CLASS, index.oid]));
    }
    statements.push(...this.schema.settings.map((setting) => `${alterOnly(this.schema)} ${setting};`));
    return statements;
  }

  /** A statement that cannot run as it is stands as a comment. */
  private marked(statement: string, unknown: string, object: readonly [classOid: number, oid: number]): string {
    const lack = this.options.lacks?.(...object);
    if (unknown === '' && lack === undefined) return statement;
    return commentedOut(`${unknown === '' ? `needs ${lack}` : `${unknown} is not written`}: ${statement}`);
  }

  /** Indexes of partitions that belong to one of the partitioned table. */
  attachments(): string[] {
    return this.schema.indexes.filter((index) => this.database.catalog.relations.get(index.oid)?.isPartition === true).flatMap((index) => {
      const parent = this.database.catalog.relations.get(parentsOf(this.database, index.oid)[0] ?? 0);
      return parent ? [`ALTER INDEX ${qualifyName(this.database.catalog.schemaOf(parent), parent.name)} ATTACH PARTITION ${qualifyName(this.schema.schema, index.name)};`] : [];
    });
  }

  foreignKeys(): DdlParts['foreignKeys'] {
    // a partition's foreign key becomes part of the partitioned table's when that is made, and keeps its name; one that only stands for a partition of the table referred to has the same columns
    const ofPartitionedTable = new Set(this.schema.constraints.map((c) => c.oid));
    return this.schema.constraints.filter((c) => c.type === 'f' && (c.parentOid === 0 || (this.options.inDatabase && !ofPartitionedTable.has(c.parentOid))))
      .map((c) => ({ referencedOid: c.referencedOid, sql: this.marked(`ALTER TABLE ${this.table} ADD CONSTRAINT ${quoteIdentifier(c.name)} ${c.sql};`, '', [PG_CONSTRAINT, c.oid]) }));
  }

  comments(): string[] {
    const { schema } = this;
    const statements: string[] = [];
    if (schema.comment !== null) statements.push(`COMMENT ON ${COMMENT_KINDS[schema.relation.kind] ?? 'TABLE'} ${this.table} IS ${quoteLiteral(schema.comment)};`);
    for (const column of schema.columns) {
      if (column.comment !== null) statements.push(`COMMENT ON COLUMN ${this.table}.${quoteIdentifier(column.name)} IS ${quoteLiteral(column.comment)};`);
    }
    for (const index of schema.indexes) {
      statements.push(...commentOn(this.database, PG_CLASS, index.oid, `INDEX ${qualifyName(schema.schema, index.name)}`));
    }
    for (const { oid, name } of schema.constraints) statements.push(...commentOn(this.database, PG_CONSTRAINT, oid, `CONSTRAINT ${quoteIdentifier(name)} ON ${this.table}`));
    if (!this.options.inDatabase) for (const { kind, oid, target, unknown } of schema.objects) if (unknown === '') statements.push(...commentOn(this.database, TABLE_OBJECT_CATALOGS[kind].classOid, oid, target));
    return statements;
  }

  /** Triggers, rules, policies and extended statistics. */
  objects(): string[] {
    return this.schema.objects.map(({ sql, unknown, kind, name }) => (unknown === '' ? sql : commentedOut(`${kind} ${quoteIdentifier(name)}: ${unknown} is not written`)));
  }

  /** Sequences whose nextval() is a default. */
  private get defaultSequences(): Set<number> {
    return new Set([...defaultTrees(this.database, this.schema.relation.oid).values()].flatMap(classConstants));
  }
}

const NOT_VALID = ' NOT VALID';
const COMMENT_KINDS: Record<string, string> = { v: 'VIEW', m: 'MATERIALIZED VIEW', f: 'FOREIGN TABLE' };

/** The beginning of an ALTER that leaves children alone. */
export function alterOnly({ relation: { kind }, schema, name }: TableSchema): string {
  return `ALTER ${kind === 'm' ? 'MATERIALIZED VIEW' : kind === 'f' ? 'FOREIGN TABLE ONLY' : 'TABLE ONLY'} ${qualifyName(schema, name)}`;
}

/** Whether a table that INHERITS has a constraint from a parent, checked. */
function inheritedValid(database: DatabaseAt, parents: readonly number[]): (constraint: ConstraintDefinition) => boolean {
  const definitions = new Definitions(database);
  const inherited = parents.flatMap((parent) => definitions.constraints(parent));
  return ({ name, type }) => inherited.some((c) => c.name === name && c.type === type && !c.sql.endsWith(NOT_VALID));
}

/** True where INHERITS gives the columns in the order that they have: those of the parents first. */
function followsParents(database: DatabaseAt, schema: TableSchema, parents: readonly number[]): boolean {
  const inherited = new Set(parents.flatMap((parent) => database.catalog.columns(parent).filter((column) => !column.dropped).map((column) => column.name)));
  // before 16 a column that comes from a parent cannot say how it is generated
  return [...inherited].every((name, i) => schema.columns[i]?.name === name && (!schema.columns[i].isLocal || schema.columns[i].generated === ''));
}

/** A column as CREATE TABLE and ADD COLUMN take it. */
export function columnSql(column: SchemaColumn, { sequences = [], notNull = column.notNull ? ' NOT NULL' : '' }: { sequences?: readonly SequenceSql[]; notNull?: string } = {}): string {
  let text = `${quoteIdentifier(column.name)} ${column.type}`;
  if (column.collation !== null) text += ` COLLATE ${column.collation}`;
  if (column.unknown) text += ` /* ${column.generated ? 'generated' : 'default'}: ${column.unknown} is not written */`;
  else if (column.generated) text += ` GENERATED ALWAYS AS (${column.default}) ${column.generated === 'v' ? 'VIRTUAL' : 'STORED'}`;
  else if (column.default !== null) text += ` DEFAULT ${column.default}`;
  if (column.identity) {
    const sequence = sequences.find((s) => s.identity && s.owner!.attnum === column.attnum);
    text += ` GENERATED ${column.identity === 'a' ? 'ALWAYS' : 'BY DEFAULT'} AS IDENTITY${sequence ? ` (SEQUENCE NAME ${sequence.name}${sequence.options})` : ''}`;
  }
  return `${text}${notNull}`;
}

/** A sequence with what owns it. */
export interface SequenceSql {
  oid: number;
  schema: string;
  /** Qualified. */
  name: string;
  options: string;
  /** An identity column's: it is created with the column. */
  identity: boolean;
  owner: { relOid: number; attnum: number } | undefined;
  /** Its values are not in the WAL. */
  isUnlogged: boolean;
}

/** Every sequence of a database, by name. */
export function sequencesOf(database: DatabaseAt): SequenceSql[] {
  const owners = new Map<number, { relOid: number; attnum: number; identity: boolean }>();
  database.catalog.scan('pg_depend', (row) => {
    const kind = row.char('deptype');
    if (row.oid('classid') !== PG_CLASS || row.oid('refclassid') !== PG_CLASS || row.int4('refobjsubid') === 0 || !'ai'.includes(kind)) return;
    if (database.catalog.relations.get(row.oid('objid'))?.kind === 'S') owners.set(row.oid('objid'), { relOid: row.oid('refobjid'), attnum: row.int4('refobjsubid'), identity: kind === 'i' });
  });
  const found: SequenceSql[] = [];
  database.catalog.scan('pg_sequence', (row) => {
    const relation = database.catalog.relations.get(row.oid('seqrelid'));
    if (!relation) return;
    const owner = owners.get(relation.oid);
    const schema = database.catalog.schemaOf(relation);
    found.push({ oid: relation.oid, schema, name: qualifyName(schema, relation.name), identity: owner?.identity === true, owner, isUnlogged: relation.persistence === 'u', options: sequenceOptions(database, row, owner?.identity === true) });
  });
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** CREATE SEQUENCE. */
export function createSequence(sequence: SequenceSql): string {
  return `CREATE ${sequence.isUnlogged ? 'UNLOGGED ' : ''}SEQUENCE ${sequence.name}${sequence.options};`;
}

/** An identity column's sequence is logged as its table is, unless it was changed. */
export function identityPersistence(database: DatabaseAt, { name, identity, owner, isUnlogged }: SequenceSql): string[] {
  const table = identity ? database.catalog.relations.get(owner!.relOid) : undefined;
  if (!table || (table.persistence === 'u') === isUnlogged || database.catalog.snapshot.major < 15) return [];
  return [`ALTER SEQUENCE ${name} SET ${isUnlogged ? 'UNLOGGED' : 'LOGGED'};`];
}

/** ALTER SEQUENCE … OWNED BY, where a column owns it. */
export function ownedBy(database: DatabaseAt, { name, identity, owner }: SequenceSql): string[] {
  const table = owner && database.catalog.relations.get(owner.relOid);
  const column = owner && database.catalog.columns(owner.relOid).find((c) => c.attnum === owner.attnum);
  return table && column && !identity ? [`ALTER SEQUENCE ${name} OWNED BY ${qualifyName(database.catalog.schemaOf(table), table.name)}.${quoteIdentifier(column.name)};`] : [];
}

/** Lines with a comma after each but the last that is no comment. */
function commaLines(lines: string[]): string {
  const last = lines.findLastIndex((line) => !line.startsWith('--'));
  return lines.map((line, i) => `    ${line}${i < last && !line.startsWith('--') ? ',' : ''}\n`).join('');
}

/** OIDs of regclass constants in a tree: what nextval() is called with. */
function classConstants(text: string): number[] {
  try {
    const oids: number[] = [];
    for (const node of allNodes(parseNodeTree(text))) {
      const value = node.fields.get('constvalue');
      if (node.type === 'CONST' && node.fields.get('consttype') === String(REGCLASSOID) && value instanceof Uint8Array) {
        oids.push(new DataView(value.buffer, value.byteOffset).getUint32(0, true));
      }
    }
    return oids;
  } catch (error) {
    if (error instanceof NodeTreeError) return []; // said where the default is written
    throw error;
  }
}
