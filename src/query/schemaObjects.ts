/** What a schema holds besides relations and types: the schemas themselves, functions and procedures. */
import { PG_PROC, PG_EXTENSION } from '../catalog/catalogOids.js';
import { functionDefinition, type FunctionDefinition } from '../catalog/functionDefinition.js';
import { quoteIdentifier } from '../util/quote.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { isSystemSchema, type DatabaseAt } from './session.js';
import { parseTableName } from './tableName.js';

export interface NamedDefinition {
  /** Qualified and quoted; of a function with its arguments. */
  name: string;
  /** As DROP takes it. */
  dropName: string;
  /** The statement that makes it; null where none is known. */
  sql: string | null;
  /** What of it could not be deparsed; empty: all of it is there. */
  unknown: string;
}

/** Schemas of users by OID. */
export function schemasOf(database: DatabaseAt): Map<number, NamedDefinition> {
  const found = new Map<number, NamedDefinition>();
  for (const [oid, name] of database.catalog.namespaces) {
    if (!isSystemSchema(name)) found.set(oid, { name: quoteIdentifier(name), dropName: quoteIdentifier(name), sql: `CREATE SCHEMA ${quoteIdentifier(name)};`, unknown: '' });
  }
  return found;
}

/** Functions and procedures by OID, without those of system schemas and those that come with something else: an extension, a range type. */
export function functionsOf(database: DatabaseAt): Map<number, NamedDefinition> {
  const found = new Map<number, NamedDefinition>();
  const members = functionsOfOthers(database);
  eachFunction(database, (row) => !members.has(row.oid('oid')) && !isSystemSchema(database.catalog.namespaces.get(row.oid('pronamespace')) ?? ''), (oid, { signature, sql, unknown }) => {
    found.set(oid, { name: signature, dropName: signature, sql: sql === null ? null : `${sql.trimEnd()};`, unknown });
  });
  return found;
}

/** The definitions of all functions of that name; refused where there is none. */
export function functionsNamed(database: DatabaseAt, text: string): FunctionDefinition[] {
  const name = parseTableName(database.typed(text));
  if (name.kind !== 'name') throw new WalscopeError('usage.function', `"${text}" is not a function name`, { exitCode: ExitCode.usage, hint: 'write name or schema.name' });
  const found: FunctionDefinition[] = [];
  eachFunction(database, (row) => row.name('proname') === name.name && (name.schema === undefined || database.catalog.namespaces.get(row.oid('pronamespace')) === name.schema), (_, definition) => found.push(definition));
  if (found.length === 0) throw new WalscopeError('function.unknown', `function "${text}" does not exist at this moment in database "${database.database.name}"`, { exitCode: ExitCode.usage, hint: 'walscope asof pg_proc --columns proname lists them' });
  return found;
}

type ProcRow = Parameters<typeof functionDefinition>[1];

function eachFunction(database: DatabaseAt, wanted: (row: ProcRow) => boolean, emit: (oid: number, definition: FunctionDefinition) => void): void {
  const languages = new Map<number, string>();
  database.catalog.scan('pg_language', (row) => languages.set(row.oid('oid'), row.name('lanname')));
  database.catalog.scan('pg_proc', (row) => {
    if (wanted(row)) emit(row.oid('oid'), functionDefinition(database, row, languages));
  });
}

function functionsOfOthers(database: DatabaseAt): Set<number> {
  const found = new Set<number>();
  database.catalog.scan('pg_depend', (row) => {
    if (row.oid('classid') === PG_PROC && 'ei'.includes(row.char('deptype'))) found.add(row.oid('objid'));
  });
  return found;
}

/** OIDs of a catalog's rows that come with an extension. */
export function extensionMembers(database: DatabaseAt, classOid: number): Set<number> {
  const members = new Set<number>();
  database.catalog.scan('pg_depend', (row) => {
    if (row.oid('classid') === classOid && row.oid('refclassid') === PG_EXTENSION && row.char('deptype') === 'e') members.add(row.oid('objid'));
  });
  return members;
}
