/**
 * Runnable SQL for a table as of a moment, in the order in which pg_dump writes it: schemas, types, sequences, the table, its
 * constraints and indexes, comments. What could not be deparsed stands as a comment in its place.
 */
import { allNodes, NodeTreeError, parseNodeTree } from '../catalog/nodeTree.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { qualifyName, quoteIdentifier, quoteLiteral } from '../util/quote.js';
import { commentsOf, defaultTrees, sequenceOptions, type SchemaColumn, type TableSchema } from './schema.js';
import type { DatabaseAt } from './session.js';
import { TypeDdl } from './typeDdl.js';

const REGCLASSOID = 2205;
const PG_CLASS = 1259;
const PG_CATALOG_SCHEMAS = ['pg_catalog', 'information_schema'];

export interface DdlParts {
  /** Schemas, types and sequences that the table needs, then the table. */
  before: string[];
  /** Constraints other than foreign keys, and indexes: after the rows are in. */
  after: string[];
  foreignKeys: string[];
  comments: string[];
}

/** The whole script; `alone`: without the schemas and types that the table needs. */
export function tableDdl(database: DatabaseAt, schema: TableSchema, options: { alone?: boolean } = {}): string {
  const parts = tableDdlParts(database, schema, options);
  return [...parts.before, ...parts.after, ...parts.foreignKeys, ...parts.comments].map((statement) => `${statement}\n`).join('\n');
}

/** The script in parts, for who wants to put rows between them. Refuses what is no table. */
export function tableDdlParts(database: DatabaseAt, schema: TableSchema, options: { alone?: boolean } = {}): DdlParts {
  if (!'rpf'.includes(schema.relation.kind)) {
    throw new WalscopeError('schema.kind', `${schema.name} is a ${schema.kind}: only tables are written as SQL`, { exitCode: ExitCode.usage, hint: 'leave --ddl out to see its columns' });
  }
  const writer = new DdlWriter(database, schema, options.alone === true);
  return { before: writer.before(), after: writer.after(), foreignKeys: writer.foreignKeys(), comments: writer.comments() };
}

class DdlWriter {
  private readonly table: string;

  constructor(private readonly database: DatabaseAt, private readonly schema: TableSchema, private readonly isAlone: boolean) {
    this.table = qualifyName(schema.schema, schema.name);
  }

  before(): string[] {
    const sequences = this.sequences();
    const types = this.isAlone ? [] : new TypeDdl(this.database).neededBy(this.schema.columns.map((column) => column.typeOid));
    const schemas = new Set([this.schema.schema, ...types.map((t) => t.schema), ...sequences.map((s) => s.schema)]);
    return [
      ...(this.isAlone ? [] : [...schemas]).filter((name) => name !== 'public' && !PG_CATALOG_SCHEMAS.includes(name)).map((name) => `CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(name)};`),
      ...types.map((t) => t.sql),
      ...sequences.filter((s) => !s.identity).map((s) => `CREATE SEQUENCE ${s.name}${s.options};`),
      this.createTable(sequences),
      ...sequences.filter((s) => !s.identity && s.ownedBy !== undefined).map((s) => `ALTER SEQUENCE ${s.name} OWNED BY ${this.table}.${quoteIdentifier(s.ownedBy!)};`),
    ];
  }

  private createTable(sequences: SequenceSql[]): string {
    const { schema } = this;
    const lines = schema.columns.map((column) => columnSql(column, sequences));
    for (const check of schema.constraints.filter((c) => c.type === 'c')) {
      lines.push(check.unknown ? `-- CONSTRAINT ${quoteIdentifier(check.name)}: an expression of ${check.unknown} is not written` : `CONSTRAINT ${quoteIdentifier(check.name)} ${check.sql}`);
    }
    const isPartition = schema.partitionBound !== null;
    const tail = [
      ...(schema.parents.length > 0 && !isPartition ? [`INHERITS (${schema.parents.join(', ')})`] : []),
      ...(schema.partitionKey === null ? [] : [`PARTITION BY ${schema.partitionKey}`]),
      ...(schema.options ? [`WITH (${schema.options})`] : []),
    ];
    const prefix = schema.relation.kind === 'f' ? 'FOREIGN ' : schema.relation.persistence === 'u' ? 'UNLOGGED ' : '';
    if (schema.relation.kind === 'f') tail.push(schema.definition ?? '');
    const create = `CREATE ${prefix}TABLE ${this.table} (\n${commaLines(lines)})${tail.map((each) => `\n${each}`).join('')};`;
    return isPartition ? `${create}\n\nALTER TABLE ONLY ${schema.parents[0]} ATTACH PARTITION ${this.table} ${schema.partitionBound};` : create;
  }

  after(): string[] {
    const { constraints, indexes } = this.schema;
    // what a partition has from its partitioned table comes with ATTACH PARTITION, or with the parent's own statement
    const inherited = (oid: number): boolean => this.database.catalog.relations.get(oid)?.isPartition === true;
    const statements: string[] = [];
    const byIndex = new Set<number>();
    for (const constraint of constraints) {
      if (!'pux'.includes(constraint.type)) continue;
      byIndex.add(constraint.indexOid);
      if (constraint.parentOid !== 0) continue;
      const add = `ALTER TABLE ONLY ${this.table} ADD CONSTRAINT ${quoteIdentifier(constraint.name)} ${constraint.sql};`;
      statements.push(constraint.unknown ? `-- ${add}` : add.replace('ALTER TABLE ONLY', this.schema.relation.kind === 'p' ? 'ALTER TABLE' : 'ALTER TABLE ONLY'));
    }
    for (const index of indexes) {
      if (byIndex.has(index.oid) || inherited(index.oid)) continue;
      const create = `${this.schema.relation.kind === 'p' ? index.sql.replace(' ON ONLY ', ' ON ') : index.sql};`;
      statements.push(index.unknown ? `-- ${create}` : create);
    }
    return statements;
  }

  foreignKeys(): string[] {
    return this.schema.constraints.filter((c) => c.type === 'f' && c.parentOid === 0)
      .map((c) => `ALTER TABLE ${this.table} ADD CONSTRAINT ${quoteIdentifier(c.name)} ${c.sql};`);
  }

  comments(): string[] {
    const { schema } = this;
    const statements: string[] = [];
    if (schema.comment !== null) statements.push(`COMMENT ON TABLE ${this.table} IS ${quoteLiteral(schema.comment)};`);
    for (const column of schema.columns) {
      if (column.comment !== null) statements.push(`COMMENT ON COLUMN ${this.table}.${quoteIdentifier(column.name)} IS ${quoteLiteral(column.comment)};`);
    }
    for (const index of schema.indexes) {
      const comment = commentsOf(this.database, index.oid, PG_CLASS).get(0);
      if (comment !== undefined) statements.push(`COMMENT ON INDEX ${qualifyName(schema.schema, index.name)} IS ${quoteLiteral(comment)};`);
    }
    return statements;
  }

  /** Sequences that a column owns, or whose nextval() is a default. */
  private sequences(): SequenceSql[] {
    const owned = new Map<number, { column: number; identity: boolean }>();
    const wanted = new Set<number>();
    this.database.catalog.scan('pg_depend', (row) => {
      const kind = row.char('deptype');
      if (row.oid('classid') !== PG_CLASS || row.oid('refclassid') !== PG_CLASS || row.oid('refobjid') !== this.schema.relation.oid || !'ai'.includes(kind)) return;
      if (this.database.catalog.relations.get(row.oid('objid'))?.kind !== 'S') return;
      owned.set(row.oid('objid'), { column: row.int4('refobjsubid'), identity: kind === 'i' });
      wanted.add(row.oid('objid'));
    });
    for (const text of defaultTrees(this.database, this.schema.relation.oid).values()) for (const oid of classConstants(text)) wanted.add(oid);
    const found: SequenceSql[] = [];
    this.database.catalog.scan('pg_sequence', (row) => {
      const relation = this.database.catalog.relations.get(row.oid('seqrelid'));
      if (!relation || !wanted.has(relation.oid)) return;
      const owner = owned.get(relation.oid);
      const identity = owner?.identity === true;
      const schema = this.database.catalog.schemaOf(relation);
      found.push({
        schema, name: qualifyName(schema, relation.name), identity, ownedBy: this.schema.columns.find((c) => c.attnum === owner?.column)?.name,
        options: sequenceOptions(this.database, row, identity),
      });
    });
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** A column as CREATE TABLE and ADD COLUMN take it. */
export function columnSql(column: SchemaColumn, sequences: readonly SequenceSql[] = []): string {
  let text = `${quoteIdentifier(column.name)} ${column.type}`;
  if (column.collation !== null) text += ` COLLATE ${column.collation}`;
  if (column.unknown) text += ` /* ${column.generated ? 'generated' : 'default'}: ${column.unknown} is not written */`;
  else if (column.generated) text += ` GENERATED ALWAYS AS (${column.default}) ${column.generated === 'v' ? 'VIRTUAL' : 'STORED'}`;
  else if (column.default !== null) text += ` DEFAULT ${column.default}`;
  if (column.identity) {
    const sequence = sequences.find((s) => s.identity && s.ownedBy === column.name);
    text += ` GENERATED ${column.identity === 'a' ? 'ALWAYS' : 'BY DEFAULT'} AS IDENTITY${sequence ? ` (SEQUENCE NAME ${sequence.name}${sequence.options})` : ''}`;
  }
  return column.notNull ? `${text} NOT NULL` : text;
}

interface SequenceSql {
  schema: string;
  name: string;
  options: string;
  /** An identity column's: it is created with the column. */
  identity: boolean;
  ownedBy: string | undefined;
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
