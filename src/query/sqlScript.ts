/** What the scripts that walscope writes have in common: their parts, settings, and the order of tables. */
import { quoteIdentifier, quoteLiteral } from '../util/quote.js';
import type { DatabaseAt } from './session.js';

/** A piece of a script: lines of SQL, statements that come one at a time, or rows to load by COPY. */
export type ScriptPart =
  | { kind: 'sql'; lines: string[] }
  | { kind: 'statements'; each(emit: (line: string) => void): void }
  | { kind: 'copy'; head: string; rows(emit: (values: (string | null)[]) => void): void };

/** What becomes of a row whose key is there already; undefined: it is an error. */
export type OnConflict = 'nothing' | 'update' | undefined;

/** Settings under which the values of a script read back as they were printed, and foreign keys wait for its end. */
export function scriptSettings(database: DatabaseAt): string[] {
  return [
    "SET LOCAL datestyle = 'ISO, MDY';", "SET LOCAL intervalstyle = 'postgres';", 'SET LOCAL extra_float_digits = 1;', "SET LOCAL bytea_output = 'hex';",
    'SET LOCAL standard_conforming_strings = on;', 'SET LOCAL check_function_bodies = off;', 'SET LOCAL row_security = off;', timeZoneSetting(database), 'SET CONSTRAINTS ALL DEFERRED;',
  ];
}

/** The statement that makes a server read times in the zone in which we printed them. */
function timeZoneSetting(database: DatabaseAt): string {
  const { name } = database.session.zone;
  // PostgreSQL reads a bare offset in POSIX's way, west positive; as an interval it is ISO's
  return /^[+-]/.test(name) ? `SET LOCAL TIME ZONE INTERVAL ${quoteLiteral(name)} HOUR TO MINUTE;` : `SET LOCAL timezone = ${quoteLiteral(name)};`;
}

/** A line of a script for its reader alone: what follows a line's end in a name must not be taken for a statement. */
export function comment(text: string): string {
  return `-- ${text.replace(/[\r\n]+/g, ' ')}`;
}

/** SQL that is not to run, every line of it a comment. PostgreSQL ends a comment at either of the line's ends. */
export function commentedOut(text: string): string {
  return `-- ${text.replace(/\r\n|[\r\n]/g, '$&-- ')}`;
}

/** A comment within a statement: nothing in it ends it, or begins another. */
export function inlineComment(text: string): string {
  return `/* ${text.replace(/\/(?=\*)|\*(?=\/)/g, '$& ')} */`;
}

/** Tables in an order in which no foreign key and no inheritance points forward: referenced ones and parents first. Cycles stay in the order given. */
export function referencedFirst(database: DatabaseAt, oids: readonly number[]): number[] {
  const references = new Map<number, number[]>();
  const add = (from: number, to: number): void => void references.set(from, [...(references.get(from) ?? []), to]);
  database.catalog.scan('pg_constraint', (row) => {
    if (row.char('contype') === 'f') add(row.oid('conrelid'), row.oid('confrelid'));
  });
  database.catalog.scan('pg_inherits', (row) => add(row.oid('inhrelid'), row.oid('inhparent')));
  const wanted = new Set(oids), done = new Set<number>(), order: number[] = [];
  const visit = (oid: number): void => {
    if (done.has(oid)) return;
    done.add(oid);
    for (const referenced of references.get(oid) ?? []) visit(referenced);
    if (wanted.has(oid)) order.push(oid);
  };
  for (const oid of oids) visit(oid);
  return order;
}

/** A literal, or NULL. */
export function sqlValue(value: string | null): string {
  return value === null ? 'NULL' : quoteLiteral(value);
}

export interface InsertTarget {
  /** Qualified and quoted. */
  table: string;
  /** Names of the columns that take values. */
  columns: readonly string[];
  /** Names of the primary key's columns. */
  key: readonly string[];
  hasIdentity: boolean;
  onConflict: OnConflict;
}

function insertHead({ table, columns, hasIdentity }: InsertTarget): string {
  return `INSERT INTO ${table}${columns.length > 0 ? ` (${columns.map((name) => quoteIdentifier(name)).join(', ')})` : ''}${hasIdentity ? ' OVERRIDING SYSTEM VALUE' : ''}`;
}

/** ` ON CONFLICT …`; a table without a primary key has nothing that could be updated. */
function conflictClause({ columns, key, onConflict }: InsertTarget): string {
  if (onConflict === undefined) return '';
  const others = columns.filter((name) => !key.includes(name)).map((name) => quoteIdentifier(name));
  if (onConflict === 'nothing' || key.length === 0 || others.length === 0) return ' ON CONFLICT DO NOTHING';
  return ` ON CONFLICT (${key.map((name) => quoteIdentifier(name)).join(', ')}) DO UPDATE SET ${others.map((name) => `${name} = EXCLUDED.${name}`).join(', ')}`;
}

/** The statement that puts one row in. */
export function insertStatement(target: InsertTarget, values: (string | null)[]): string {
  const given = target.columns.length > 0 ? `VALUES (${values.map(sqlValue).join(', ')})` : 'DEFAULT VALUES';
  return `${insertHead(target)} ${given}${conflictClause(target)};`;
}

/** Rows by COPY: straight into the table, or, where conflicts are not errors, by way of a temporary one. */
export function copyParts(target: InsertTarget, id: number, rows: (emit: (values: (string | null)[]) => void) => void): ScriptPart[] {
  const names = target.columns.map((name) => quoteIdentifier(name)).join(', ');
  const copy = (table: string): ScriptPart => ({ kind: 'copy', head: `COPY ${table}${names === '' ? '' : ` (${names})`} FROM stdin;`, rows });
  if (target.onConflict === undefined) return [copy(target.table)];
  const staging = `walscope_rows_${id}`;
  return [
    { kind: 'sql', lines: [`CREATE TEMPORARY TABLE ${staging} ON COMMIT DROP AS SELECT ${names} FROM ONLY ${target.table} WITH NO DATA;`] }, copy(`pg_temp.${staging}`),
    { kind: 'sql', lines: [`${insertHead(target)} SELECT ${names} FROM pg_temp.${staging}${conflictClause(target)};`] },
  ];
}
