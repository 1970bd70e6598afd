/** walscope schema: a relation's definition as of a moment, as psql's \d+ shows it, as SQL or as JSON; or a whole database as SQL. */
import { writeSchema } from '../output/schemaText.js';
import { PG_CLASS } from '../catalog/catalogOids.js';
import { databaseDdl } from '../query/databaseDdl.js';
import { ownership } from '../query/ownership.js';
import { tableDdl } from '../query/schemaDdl.js';
import { describeSchema } from '../query/schemaDescription.js';
import { tableSchema, type TableSchema } from '../query/schema.js';
import { functionsNamed } from '../query/schemaObjects.js';
import { commentedOut } from '../query/sqlScript.js';
import type { DatabaseAt } from '../query/session.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { DataOutput, openDatabase, openSession, printable, type CommonOptions } from './context.js';

export interface SchemaCommandOptions extends CommonOptions {
  ddl?: boolean;
  function?: boolean;
  section?: string;
  owners?: boolean;
}

export async function schemaCommand(name: string | undefined, options: SchemaCommandOptions): Promise<ExitCode> {
  const session = openSession(options);
  const database = openDatabase(session, options);
  if (options.owners && !options.ddl) throw new WalscopeError('usage.owners', '--owners adds to the SQL that --ddl writes', { exitCode: ExitCode.usage, hint: 'add --ddl' });
  if (name === undefined) return wholeDatabase(database, options);
  if (options.section !== undefined) throw new WalscopeError('usage.section', '--section divides the SQL of a whole database', { exitCode: ExitCode.usage, hint: 'leave out the table, or the option' });
  if (options.function) return functionSource(database, name, options);
  const schema = tableSchema(database, database.relation(name));
  const output = new DataOutput(options.output, database.encoding.outputCharset);
  if (options.ddl) output.write(tableDdl(database, schema) + (options.owners ? ownership(database, (classOid, oid) => classOid === PG_CLASS && oid === schema.relation.oid, false).map((statement) => `\n${statement}\n`).join('') : ''));
  else if (options.json) output.write(`${JSON.stringify(asJson(schema), null, 2)}\n`);
  else writeSchema(describeSchema(schema), output.forTerminal, output.write);
  output.end();
  for (const what of schema.unknown) process.stderr.write(`walscope: incomplete: ${what} is not deparsed\n`);
  return schema.unknown.length > 0 ? ExitCode.partial : ExitCode.done;
}

/** Every object of users as SQL, or the part of it that comes before or after the rows. */
function wholeDatabase(database: DatabaseAt, options: SchemaCommandOptions): ExitCode {
  if (!options.ddl) throw new WalscopeError('usage.schema', 'no table is named', { exitCode: ExitCode.usage, hint: 'name a table, or write the whole database with --ddl; walscope tables lists what there is' });
  const { section } = options;
  if (section !== undefined && section !== 'pre-data' && section !== 'post-data') throw new WalscopeError('usage.section', `"${section}" is no section`, { exitCode: ExitCode.usage, hint: 'pre-data or post-data' });
  const { settings, before, after, unknown } = databaseDdl(database, { owners: options.owners });
  const output = new DataOutput(options.output, database.encoding.outputCharset);
  for (const statement of [...settings, ...(section === 'post-data' ? [] : before), ...(section === 'pre-data' ? [] : after)]) output.write(`${statement}\n\n`);
  output.end();
  for (const what of unknown) process.stderr.write(`walscope: not written: ${printable(what)}\n`);
  return unknown.length > 0 ? ExitCode.partial : ExitCode.done;
}

/** CREATE OR REPLACE FUNCTION of every function of that name. */
function functionSource(database: DatabaseAt, name: string, options: SchemaCommandOptions): ExitCode {
  const functions = functionsNamed(database, name);
  const output = new DataOutput(options.output, database.encoding.outputCharset);
  if (options.json) output.write(`${JSON.stringify(functions.map(({ signature, sql, unknown }) => ({ signature, definition: sql, unknown: unknown === '' ? [] : [unknown] })), null, 2)}\n`);
  else for (const { signature, sql } of functions) for (const line of (sql === null ? commentedOut(`${signature} is an aggregate`) : `${sql.trimEnd()};`).split('\n')) output.line(line);
  output.end();
  const incomplete = functions.filter((each) => each.unknown !== '');
  for (const { signature, unknown } of incomplete) process.stderr.write(`walscope: incomplete: ${printable(signature)}: ${unknown} is not written\n`);
  return incomplete.length > 0 ? ExitCode.partial : ExitCode.done;
}

function asJson(schema: TableSchema): unknown {
  const CONSTRAINTS: Record<string, string> = { p: 'primary key', u: 'unique', f: 'foreign key', c: 'check', x: 'exclusion', n: 'not null', t: 'trigger' };
  return {
    schema: schema.schema, name: schema.name, oid: schema.relation.oid, kind: schema.kind, owner: schema.owner, persistence: schema.relation.persistence,
    columns: schema.columns.map((c) => ({
      name: c.name, type: c.type, collation: c.collation, not_null: c.notNull, default: c.default,
      identity: c.identity === '' ? null : c.identity === 'a' ? 'always' : 'by default', generated: c.generated === '' ? null : c.generated === 's' ? 'stored' : 'virtual',
      storage: c.storage, comment: c.comment,
    })),
    constraints: schema.constraints.map((c) => ({ name: c.name, type: CONSTRAINTS[c.type] ?? c.type, definition: c.sql })),
    indexes: schema.indexes.map((i) => ({ name: i.name, primary: i.isPrimary, unique: i.isUnique, valid: i.isValid, definition: i.sql })),
    ...Object.fromEntries((['trigger', 'rule', 'policy', 'statistics'] as const).map((kind) => [{ trigger: 'triggers', rule: 'rules', policy: 'policies', statistics: 'statistics' }[kind], schema.objects.filter((each) => each.kind === kind).map(({ name, sql }) => ({ name, definition: sql }))])),
    settings: schema.settings,
    referenced_by: schema.referencedBy.map((c) => ({ table: c.table, name: c.name, definition: c.sql })),
    partition_key: schema.partitionKey, partition_of: schema.partitionBound === null ? null : schema.parents[0], partition_bound: schema.partitionBound,
    inherits: schema.partitionBound === null ? schema.parents : [], children: schema.children, options: schema.options, definition: schema.definition, query: schema.query, comment: schema.comment, unknown: schema.unknown,
  };
}
