/** SQL that undoes what happened between two moments: the smallest set of statements that turns the later tables into the earlier ones. */
import type { Relation } from '../catalog/relation.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';
import { formatTimestamptz } from '../util/pgTime.js';
import { quoteIdentifier, quoteLiteral } from '../util/quote.js';
import { recordText } from '../util/recordText.js';
import { ddlText, relationName, type DdlChange } from './ddl.js';
import { diffTable, type DiffSides } from './diff.js';
import { describeMoment } from './moment.js';
import { tableSchema } from './schema.js';
import { tableDdlParts } from './schemaDdl.js';
import type { DatabaseAt, Findings } from './session.js';
import type { ShownTransaction } from './show.js';

/** Settings under which the values of a script read back as they were printed. */
export const SCRIPT_SETTINGS: readonly string[] = [
  "SET LOCAL datestyle = 'ISO, MDY';", "SET LOCAL intervalstyle = 'postgres';", 'SET LOCAL extra_float_digits = 1;', "SET LOCAL bytea_output = 'hex';",
  'SET LOCAL standard_conforming_strings = on;', 'SET LOCAL check_function_bodies = off;',
];

/** The statement that makes a server read times in the zone in which we printed them. */
export function timeZoneSetting(database: DatabaseAt): string {
  const { name } = database.session.zone;
  // PostgreSQL reads a bare offset in POSIX's way, west positive; as an interval it is ISO's
  return /^[+-]/.test(name) ? `SET LOCAL TIME ZONE INTERVAL ${quoteLiteral(name)} HOUR TO MINUTE;` : `SET LOCAL timezone = ${quoteLiteral(name)};`;
}

/** Tables in an order in which no foreign key points forward: referenced ones first. Cycles stay in the order given. */
export function referencedFirst(database: DatabaseAt, oids: readonly number[]): number[] {
  const references = new Map<number, number[]>();
  database.catalog.scan('pg_constraint', (row) => {
    if (row.char('contype') !== 'f') return;
    const table = row.oid('conrelid');
    references.set(table, [...(references.get(table) ?? []), row.oid('confrelid')]);
  });
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

export function sqlValue(value: string | null): string {
  return value === null ? 'NULL' : quoteLiteral(value);
}

/** A line of a script for its reader alone: what follows a line's end in a name must not be taken for a statement. */
export function comment(text: string): string {
  return `-- ${text.replace(/[\r\n]+/g, ' ')}`;
}

interface TableStatements {
  deletes: string[];
  updates: string[];
  inserts: string[];
}

/** Writes the script that reverts a committed transaction, a statement at a time; throws a usage error where there is nothing to revert. */
export function undoScript(shown: ShownTransaction, findings: Findings, write: (line: string) => void): void {
  const { before, after, row } = shown;
  if (!shown.committed) throw new WalscopeError('undo.aborted', `transaction ${row.xid} was aborted: there is nothing to revert`, { exitCode: ExitCode.usage, hint: `see what it tried with walscope show ${row.xid}` });
  if (!before || !after) throw new WalscopeError('undo.nothing', `transaction ${row.xid} changed no row of a database that can be read`, { exitCode: ExitCode.usage, hint: `see walscope log --xid ${row.xid}` });
  shown.survey();
  const ddl = shown.ddl();
  const oids = new Set([...shown.touched, ...ddl.flatMap((change) => (change.relation && change.relation.kind === 'r' ? [change.relation.oid] : []))]);
  const { session } = before;
  write('-- Written by walscope. Read it before you run it.');
  write(comment(`reverts transaction ${row.xid}, committed ${formatTimestamptz(row.time, session.zone)} at LSN ${formatLsn(row.lsn)} in database ${quoteIdentifier(before.database.name)}`));
  write(comment(`case: ${session.store.caseDir}`));
  write('-- It is exact for the database as it was just after that commit. Rows changed since and keys reused since are overwritten or in its way.');
  write('-- Sequences are left alone. Triggers fire and foreign keys are checked; a superuser can switch both off with');
  write('--   SET LOCAL session_replication_role = replica;');
  write('BEGIN;');
  for (const setting of [...SCRIPT_SETTINGS, timeZoneSetting(before)]) write(setting);
  write('SET CONSTRAINTS ALL DEFERRED;');
  const laterDdl: string[] = [];
  for (const change of ddl) for (const line of revertDdl(change, before, after)) write(line);
  const statements = new Map<number, TableStatements>();
  for (const oid of oids) {
    const pair = { before: before.catalog.relations.get(oid), after: after.catalog.relations.get(oid) };
    if (!pair.before || pair.before.kind !== 'r' || pair.before.persistence !== 'p') continue;
    if (!pair.after) {
      const parts = tableDdlParts(before, tableSchema(before, pair.before));
      for (const line of parts.before) write(line);
      laterDdl.push(...parts.after, ...parts.foreignKeys, ...parts.comments);
    }
    statements.set(oid, tableStatements({ before, after }, pair, { database: before, relation: pair.before }, findings));
  }
  writeStatements(referencedFirst(before, [...statements.keys()]), statements, write, laterDdl);
}

/**
 * Writes the script that turns tables as they are at the second moment into what they were at the first, a statement at a time. Definitions stay
 * those of the second: what one of the moments lacks is named in comments. Gives the number of statements.
 */
export function diffScript(sides: DiffSides, pairs: readonly { before: Relation | undefined; after: Relation | undefined }[], findings: Findings, write: (line: string) => void): number {
  const { before, after } = sides;
  write('-- Written by walscope. Read it before you run it.');
  write(comment(`turns tables of database ${quoteIdentifier(after.database.name)}, ${describeMoment(after.moment)},`));
  write(comment(`into what they were ${describeMoment(before.moment)}`));
  write(comment(`case: ${before.session.store.caseDir}`));
  write('-- Rows changed since the later moment and keys reused since are overwritten or in its way. Sequences and definitions are left alone.');
  write('-- Triggers fire and foreign keys are checked; a superuser can switch both off with');
  write('--   SET LOCAL session_replication_role = replica;');
  write('BEGIN;');
  for (const setting of [...SCRIPT_SETTINGS, timeZoneSetting(before), 'SET CONSTRAINTS ALL DEFERRED;']) write(setting);
  const statements = new Map<number, TableStatements>();
  for (const pair of pairs) {
    if (!pair.before) write(comment(`not done: ${relationName(after, pair.after!)} was created in between`));
    else if (!pair.after) write(comment(`not done: ${relationName(before, pair.before)} was dropped in between: see walscope restore`));
    else {
      for (const name of columnsGone(sides, pair.before, pair.after)) write(comment(`not done: column ${quoteIdentifier(name)} of ${relationName(after, pair.after)} is gone at the later moment`));
      statements.set(pair.before.oid, tableStatements(sides, pair, { database: after, relation: pair.after }, findings));
    }
  }
  return writeStatements(referencedFirst(before, [...statements.keys()]), statements, write);
}

function columnsGone({ before, after }: DiffSides, was: Relation, is: Relation): string[] {
  const names = (database: DatabaseAt, relation: Relation): string[] => database.catalog.columns(relation.oid).filter((column) => !column.dropped).map((column) => column.name);
  const left = names(after, is);
  return names(before, was).filter((name) => !left.includes(name));
}

/** Rows go in the order that foreign keys allow: children first out, parents first in. */
function writeStatements(order: readonly number[], statements: ReadonlyMap<number, TableStatements>, write: (line: string) => void, last: readonly string[] = []): number {
  const lines = [
    ...[...order].reverse().flatMap((oid) => statements.get(oid)!.deletes), ...order.flatMap((oid) => statements.get(oid)!.updates), ...order.flatMap((oid) => statements.get(oid)!.inserts),
  ];
  for (const line of [...lines, ...last, 'COMMIT;']) write(line);
  return lines.length;
}

/** `target`: the table as it is called, with the columns that it has, when the statements run. */
function tableStatements(sides: DiffSides, pair: { before: Relation | undefined; after: Relation | undefined }, target: { database: DatabaseAt; relation: Relation }, findings: Findings): TableStatements {
  const statements: TableStatements = { deletes: [], updates: [], inserts: [] };
  const name = relationName(target.database, target.relation);
  const own = target.database.catalog.columns(target.relation.oid).filter((c) => !c.dropped);
  const was = pair.before ? sides.before.catalog.columns(pair.before.oid).filter((c) => !c.dropped).map((c) => c.name) : [];
  const diff = diffTable(sides, pair, findings);
  // a generated column takes no value, and one that came later had none
  const writable = diff.columns.flatMap((column, i) => (was.includes(column.name) && own.some((c) => c.name === column.name && c.generated === '') ? [i] : []));
  const ownPlaces = own.map((c) => diff.columns.findIndex((column) => column.name === c.name));
  const overriding = own.some((c) => c.identity !== '') ? ' OVERRIDING SYSTEM VALUE' : '';
  const list = writable.map((i) => quoteIdentifier(diff.columns[i]!.name)).join(', ');
  const keyPlaces = diff.key.map((key) => diff.columns.findIndex((c) => c.name === key));
  const condition = (values: (string | null)[]): string => keyPlaces.length > 0
    ? keyPlaces.map((i) => `${quoteIdentifier(diff.columns[i]!.name)} = ${sqlValue(values[i]!)}`).join(' AND ')
    // without a key one row of this very content, whichever
    : `ctid = (SELECT ctid FROM ONLY ${name} AS this_row WHERE this_row::text = ${quoteLiteral(recordText(ownPlaces.map((i) => values[i]!)))} LIMIT 1)`;
  diff.rows(({ before: was, after: is }) => {
    if (!was) statements.deletes.push(`DELETE FROM ONLY ${name} WHERE ${condition(is!)};`);
    else if (!is) {
      statements.inserts.push(list === '' ? `INSERT INTO ${name} DEFAULT VALUES;` : `INSERT INTO ${name} (${list})${overriding} VALUES (${writable.map((i) => sqlValue(was[i]!)).join(', ')});`);
    } else {
      const changed = writable.filter((i) => was[i] !== is[i]);
      if (changed.length > 0) statements.updates.push(`UPDATE ONLY ${name} SET ${changed.map((i) => `${quoteIdentifier(diff.columns[i]!.name)} = ${sqlValue(was[i]!)}`).join(', ')} WHERE ${condition(is)};`);
    }
  });
  return statements;
}

/** The statement that takes back a schema change, or a comment that says that it is not taken back. */
function revertDdl(change: DdlChange, before: DatabaseAt, after: DatabaseAt): string[] {
  const { action, objectKind, relation } = change;
  const not = [comment(`not reverted: ${ddlText(change)}`)];
  if (objectKind === 'column' && relation) return revertColumn(change, before, after, relation) ?? not;
  if (objectKind === 'table' && relation) {
    // rows and definitions of dropped and emptied tables follow
    if (action === 'dropped' || action === 'truncated' || action === 'rewritten') return [];
    if (action === 'created') return [`DROP TABLE ${change.name};`];
    const now = after.catalog.relations.get(relation.oid)!;
    if (action === 'renamed') {
      const [from, to] = [after.catalog.schemaOf(now), before.catalog.schemaOf(relation)];
      return [
        ...(from !== to ? [`ALTER TABLE ${relationName(after, now)} SET SCHEMA ${quoteIdentifier(to)};`] : []),
        ...(now.name !== relation.name ? [`ALTER TABLE ${quoteIdentifier(to)}.${quoteIdentifier(now.name)} RENAME TO ${quoteIdentifier(relation.name)};`] : []),
      ];
    }
    if (action === 'altered' && now.ownerOid !== relation.ownerOid) return [`ALTER TABLE ${relationName(before, relation)} OWNER TO ${quoteIdentifier(before.types.roleName(relation.ownerOid) ?? String(relation.ownerOid))};`];
    return not;
  }
  if (action === 'created' && ['index', 'view', 'sequence', 'materialized view', 'schema'].includes(objectKind)) return [`DROP ${objectKind.toUpperCase()} ${change.name};`];
  if (action === 'reindexed') return [];
  return not;
}

function revertColumn(change: DdlChange, before: DatabaseAt, after: DatabaseAt, relation: Relation): string[] | undefined {
  const table = relationName(before, relation);
  if (change.action === 'created') return [`ALTER TABLE ${table} DROP COLUMN ${change.name};`];
  const old = before.catalog.columns(relation.oid).find((c) => quoteIdentifier(c.name) === change.name);
  if (!old) return undefined;
  const type = before.types.formatType(old.typeOid, old.typmod);
  if (change.action === 'dropped') return [`ALTER TABLE ${table} ADD COLUMN ${change.name} ${type}; -- comes last now; set its default and constraints anew`];
  const now = after.catalog.columns(relation.oid).find((c) => c.attnum === old.attnum)!;
  if (change.action === 'renamed') return [`ALTER TABLE ${table} RENAME COLUMN ${quoteIdentifier(now.name)} TO ${change.name};`];
  if (change.detail.includes(': type ')) return [`ALTER TABLE ${table} ALTER COLUMN ${change.name} TYPE ${type} USING ${change.name}::${type};`];
  if (old.notNull !== now.notNull && change.detail.endsWith('not null')) return [`ALTER TABLE ${table} ALTER COLUMN ${change.name} ${old.notNull ? 'SET' : 'DROP'} NOT NULL;`];
  return undefined;
}
