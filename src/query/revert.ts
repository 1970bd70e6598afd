/** SQL that undoes what happened between two moments: the smallest set of statements that turns the later tables into the earlier ones. */
import { PG_CLASS, PG_CONSTRAINT, PG_NAMESPACE, PG_PROC, PG_TYPE } from '../catalog/catalogOids.js';
import type { Relation } from '../catalog/relation.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';
import { formatTimestamptz } from '../util/pgTime.js';
import { quoteIdentifier } from '../util/quote.js';
import { ddlText, relationName, type DdlChange } from './ddl.js';
import { hasChanged } from './diff.js';
import type { DiffSides } from './diffSpan.js';
import { goneTablesDdl, sequenceLines, type GoneTablesDdl } from './goneTables.js';
import { describeMoment } from './moment.js';
import type { DatabaseAt, Findings } from './session.js';
import type { ShownTransaction } from './show.js';
import { LatestRows } from './latestRows.js';
import { objectKey } from './objectKey.js';
import { comment, referencedFirst, scriptSettings, type OnConflict, type ScriptPart } from './sqlScript.js';
import { suspend, type ScriptedTable } from './suspended.js';
import { TableRevert } from './tableRevert.js';

/** The script that reverts a committed transaction; throws a usage error where there is nothing to revert. */
export function* undoScript(shown: ShownTransaction, findings: Findings, onConflict?: OnConflict): Generator<ScriptPart> {
  const { before, after, row } = shown;
  if (!shown.committed) throw new WalscopeError('undo.aborted', `transaction ${row.xid} was aborted: there is nothing to revert`, { exitCode: ExitCode.usage, hint: `see what it tried with walscope show ${row.xid}` });
  if (!before || !after) throw new WalscopeError('undo.nothing', `transaction ${row.xid} changed no row of a database that can be read`, { exitCode: ExitCode.usage, hint: `see walscope log --xid ${row.xid}` });
  shown.survey();
  const ddl = shown.ddl();
  const oids = new Set([...shown.touched, ...ddl.flatMap((change) => (change.relation && change.relation.kind === 'r' ? [change.relation.oid] : []))]);
  // a partitioned table has no rows of its own, but its partitions need it
  const dropped = ddl.flatMap((change) => (change.action === 'dropped' && change.relation?.kind === 'p' ? [change.relation] : []));
  const latest = new LatestRows(after);
  const tables: TableRevert[] = [];
  for (const oid of oids) {
    const pair = { before: before.catalog.relations.get(oid), after: after.catalog.relations.get(oid) };
    if (!pair.before || pair.before.kind !== 'r' || pair.before.persistence !== 'p') continue;
    if (!pair.after) dropped.push(pair.before);
    else if (pair.after.persistence !== 'p') {
      findings.add({ code: 'table.unlogged', message: `the transaction made ${relationName(after, pair.after)} unlogged: what its rows are since is in no WAL, and they are not reverted` });
      continue;
    }
    tables.push(new TableRevert({ before, after }, { before: pair.before, after: pair.after }, { database: before, relation: pair.before }, { latest, findings, onConflict }));
  }
  const order = inOrder(before, tables);
  const suspended = suspend(after, before, scripted(order));
  const truncated = ddl.flatMap((change) => (change.action === 'truncated' && change.relation ? [change.relation] : []));
  const gone = goneTablesDdl(before, after, referencedFirst(before, dropped.map((relation) => relation.oid)).map((oid) => before.catalog.relations.get(oid)!));
  const { session } = before;
  yield { kind: 'sql', lines: [
    '-- Written by walscope. Read it before you run it, with psql and ON_ERROR_STOP.',
    comment(`reverts transaction ${row.xid}, committed ${formatTimestamptz(row.time, session.zone)} at LSN ${formatLsn(row.lsn)} in database ${quoteIdentifier(before.database.name)}`),
    comment(`case: ${session.store.caseDir}`),
    ...latest.warnings(tables), ...suspended.notes,
    '-- Sequences that are still there are left alone, or, where a TRUNCATE began them anew, go on from where they were.', 'BEGIN;', ...scriptSettings(before), ...suspended.before,
    ...ddl.filter((change) => !isMade(change, gone)).flatMap((change) => revertDdl(change, before, after)), ...gone.before,
  ] };
  yield* rowParts(order);
  const sequences = sequenceLines(before, [...dropped, ...truncated], (relation) => truncated.includes(relation), gone.sequences, findings);
  yield { kind: 'sql', lines: [...suspended.after, ...gone.after, ...sequences, 'COMMIT;'] };
}

/**
 * The script that turns tables as they are at the second moment into what they were at the first. Definitions stay those of the second: what one of
 * the moments lacks is named in comments.
 */
export function* diffScript(sides: DiffSides, pairs: readonly { before: Relation | undefined; after: Relation | undefined }[], findings: Findings, onConflict?: OnConflict): Generator<ScriptPart> {
  const { before, after } = sides;
  const missing: string[] = [];
  const latest = new LatestRows(after);
  const tables: TableRevert[] = [];
  for (const pair of pairs) {
    if (!pair.before) missing.push(comment(`not done: ${relationName(after, pair.after!)} was created in between`));
    else if (!pair.after) missing.push(comment(`not done: ${relationName(before, pair.before)} was dropped in between: see walscope restore`));
    else if (pair.after.kind === 'm') {
      if (hasChanged(sides, pair)) missing.push(comment(`not done: ${relationName(after, pair.after)} is a materialized view: refresh it, with REFRESH MATERIALIZED VIEW`));
    } else {
      for (const name of columnsGone(sides, pair.before, pair.after)) missing.push(comment(`not done: column ${quoteIdentifier(name)} of ${relationName(after, pair.after)} is gone at the later moment`));
      tables.push(new TableRevert(sides, { before: pair.before, after: pair.after }, { database: after, relation: pair.after }, { latest, findings, onConflict }));
    }
  }
  const order = inOrder(before, tables);
  const suspended = suspend(after, after, scripted(order));
  yield { kind: 'sql', lines: [
    '-- Written by walscope. Read it before you run it, with psql and ON_ERROR_STOP.',
    comment(`turns tables of database ${quoteIdentifier(after.database.name)}, ${describeMoment(after.moment)},`), comment(`into what they were ${describeMoment(before.moment)}`),
    comment(`case: ${before.session.store.caseDir}`),
    ...latest.warnings(tables), ...suspended.notes,
    '-- Sequences and definitions are left alone.', ...missing, 'BEGIN;', ...scriptSettings(before), ...suspended.before,
  ] };
  yield* rowParts(order);
  yield { kind: 'sql', lines: [...suspended.after, 'COMMIT;'] };
}

function columnsGone({ before, after }: DiffSides, was: Relation, is: Relation): string[] {
  const names = (database: DatabaseAt, relation: Relation): string[] => database.catalog.columns(relation.oid).filter((column) => !column.dropped).map((column) => column.name);
  const left = names(after, is);
  return names(before, was).filter((name) => !left.includes(name));
}

/** Referenced tables first. */
function inOrder(before: DatabaseAt, tables: readonly TableRevert[]): TableRevert[] {
  return referencedFirst(before, tables.map((table) => table.pair.before.oid)).map((oid) => tables.find((table) => table.pair.before.oid === oid)!);
}

/** In referencing tables first what lets go of rows, and these; then the rows that come back. */
function* rowParts(order: readonly TableRevert[]): Generator<ScriptPart> {
  for (const table of [...order].reverse()) yield* [table.updates('early'), table.deletes(), table.updates('late')];
  for (const table of order) yield* table.inserts();
}

function scripted(tables: readonly TableRevert[]): ScriptedTable[] {
  return tables.flatMap((table) => table.scripted ?? []);
}

const CLASS_OF_KIND: Record<string, number> = { schema: PG_NAMESPACE, type: PG_TYPE, function: PG_PROC, constraint: PG_CONSTRAINT };

/** True where what was dropped comes back with the tables. */
function isMade({ action, objectKind, relation, oid }: DdlChange, { made }: GoneTablesDdl): boolean {
  if (action !== 'dropped') return false;
  if (relation) return made.has(relation.kind === 'c' ? objectKey(PG_TYPE, relation.typeOid) : objectKey(PG_CLASS, relation.oid));
  const classOid = CLASS_OF_KIND[objectKind];
  return classOid !== undefined && oid !== undefined && made.has(objectKey(classOid, oid));
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
