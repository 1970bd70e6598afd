/** Base types, which C functions read and write, casts and transforms as SQL: dumpBaseType(), dumpCast(), dumpTransform(), bin/pg_dump/pg_dump.c, PG 13–18. */
import { PG_TYPE, PG_CAST, PG_TRANSFORM } from '../catalog/catalogOids.js';
import type { CatalogRow } from '../catalog/catalogRow.js';
import { FIRST_NORMAL_OID } from '../catalog/relation.js';
import { qualifyName, quoteIdentifier, quoteLiteral } from '../util/quote.js';
import { extensionMembers } from './schemaObjects.js';
import { isSystemSchema, type DatabaseAt } from './session.js';

const ALIGNMENTS: Record<string, string> = { c: 'char', s: 'int2', i: 'int4', d: 'double' };
const STORAGES: Record<string, string> = { p: 'plain', e: 'external', x: 'extended', m: 'main' };
const FUNCTIONS: readonly (readonly [option: string, column: string])[] = [
  ['INPUT', 'typinput'], ['OUTPUT', 'typoutput'], ['RECEIVE', 'typreceive'], ['SEND', 'typsend'], ['TYPMOD_IN', 'typmodin'], ['TYPMOD_OUT', 'typmodout'],
  ['ANALYZE', 'typanalyze'], ['SUBSCRIPT', 'typsubscript'],
];

interface NamedStatement {
  oid: number;
  name: string;
  sql: string;
}

export interface BaseTypeSql extends NamedStatement {
  /** Lets its functions be written. */
  shell: string;
}

/** Every base type of users, without those of extensions. */
export function baseTypes(database: DatabaseAt): BaseTypeSql[] {
  const members = extensionMembers(database, PG_TYPE);
  const found: BaseTypeSql[] = [];
  database.catalog.scan('pg_type', (row) => {
    const oid = row.oid('oid');
    const schema = database.catalog.namespaces.get(row.oid('typnamespace')) ?? '';
    if (row.char('typtype') !== 'b' || row.char('typcategory') === 'A' || oid < FIRST_NORMAL_OID || members.has(oid) || isSystemSchema(schema)) return;
    const name = qualifyName(schema, row.name('typname'));
    found.push({ oid, name, shell: `CREATE TYPE ${name};`, sql: `CREATE TYPE ${name} (\n    ${options(database, row).join(',\n    ')}\n);` });
  });
  return found;
}

function options(database: DatabaseAt, row: CatalogRow): string[] {
  const list = [`INTERNALLENGTH = ${row.int2('typlen') < 0 ? 'VARIABLE' : row.int2('typlen')}`];
  for (const [option, column] of FUNCTIONS) {
    // array_subscript_handler and its like come with ELEMENT
    const name = row.has(column) && row.oid(column) !== 0 ? database.types.regName('regproc', row.oid(column)) : undefined;
    if (name !== undefined && !(column === 'typsubscript' && row.oid('typelem') !== 0)) list.push(`${option} = ${name}`);
  }
  if (row.oid('typcollation') !== 0) list.push('COLLATABLE = true');
  const value = row.text('typdefault');
  if (value !== null) list.push(`DEFAULT = ${quoteLiteral(value)}`);
  if (row.oid('typelem') !== 0) list.push(`ELEMENT = ${database.types.formatType(row.oid('typelem'))}`);
  if (row.char('typcategory') !== 'U') list.push(`CATEGORY = ${quoteLiteral(row.char('typcategory'))}`);
  if (row.bool('typispreferred')) list.push('PREFERRED = true');
  if (row.char('typdelim') !== ',') list.push(`DELIMITER = ${quoteLiteral(row.char('typdelim'))}`);
  list.push(`ALIGNMENT = ${ALIGNMENTS[row.char('typalign')]}`, `STORAGE = ${STORAGES[row.char('typstorage')]}`);
  if (row.bool('typbyval')) list.push('PASSEDBYVALUE');
  return list;
}

/** Every transform of users. */
export function transforms(database: DatabaseAt): NamedStatement[] {
  const members = extensionMembers(database, PG_TRANSFORM);
  const languages = new Map<number, string>();
  database.catalog.scan('pg_language', (row) => languages.set(row.oid('oid'), row.name('lanname')));
  const found: NamedStatement[] = [];
  database.catalog.scan('pg_transform', (row) => {
    if (row.oid('oid') < FIRST_NORMAL_OID || members.has(row.oid('oid'))) return;
    const name = `FOR ${database.types.formatType(row.oid('trftype'))} LANGUAGE ${quoteIdentifier(languages.get(row.oid('trflang')) ?? '')}`;
    const ways = ([['FROM', 'trffromsql'], ['TO', 'trftosql']] as const).flatMap(([word, column]) =>
      (row.oid(column) === 0 ? [] : [`${word} SQL WITH FUNCTION ${database.types.regName('regprocedure', row.oid(column))}`]));
    found.push({ oid: row.oid('oid'), name, sql: `CREATE TRANSFORM ${name} (${ways.join(', ')});` });
  });
  return found;
}

/** Every cast of users. */
export function casts(database: DatabaseAt): NamedStatement[] {
  const members = extensionMembers(database, PG_CAST);
  const CONTEXTS: Record<string, string> = { a: ' AS ASSIGNMENT', i: ' AS IMPLICIT' };
  const found: NamedStatement[] = [];
  database.catalog.scan('pg_cast', (row) => {
    // a multirange brings the cast from its range
    const isOfMultirange = database.types.type(row.oid('casttarget'))?.rangeType === row.oid('castsource');
    if (row.oid('oid') < FIRST_NORMAL_OID || members.has(row.oid('oid')) || isOfMultirange) return;
    const name = `(${database.types.formatType(row.oid('castsource'))} AS ${database.types.formatType(row.oid('casttarget'))})`;
    const method = row.char('castmethod');
    const way = method === 'f' ? `WITH FUNCTION ${database.types.regName('regprocedure', row.oid('castfunc'))}` : method === 'i' ? 'WITH INOUT' : 'WITHOUT FUNCTION';
    found.push({ oid: row.oid('oid'), name, sql: `CREATE CAST ${name} ${way}${CONTEXTS[row.char('castcontext')] ?? ''};` });
  });
  return found;
}
