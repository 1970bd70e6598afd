/** What brings tables back as they were: definitions where they are gone, rows, sequences, in an order that foreign keys allow. */
import { hasHeapStorage, type Relation } from '../catalog/relation.js';
import type { Table } from '../catalog/table.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { quoteIdentifier } from '../util/quote.js';
import { relationName } from './ddl.js';
import { tablesNamed } from './children.js';
import { diffTable } from './diff.js';
import { goneTablesDdl, sequenceLines } from './goneTables.js';
import { describeMoment } from './moment.js';
import { primaryKeyColumns } from './primaryKey.js';
import type { DatabaseAt, Findings } from './session.js';
import { comment, copyParts, referencedFirst, scriptSettings, type InsertTarget, type OnConflict, type ScriptPart } from './sqlScript.js';
import { suspend, type ScriptedTable } from './suspended.js';

export interface RestoreOptions {
  tables: string[];
  /** Tables without their children. */
  only?: boolean;
  /** Only rows whose key is gone at the latest moment. */
  missingOnly?: boolean;
  /** Rows are not replaced: those whose key is there are left alone, or get the values of then. */
  onConflict?: OnConflict;
}

/** The parts of the script, one after the other; `then` is the database to restore from, `now` as the archive knows it last. */
export function* restoreScript(then: DatabaseAt, now: DatabaseAt | undefined, options: RestoreOptions, findings: Findings): Generator<ScriptPart> {
  const relations = chosenTables(then, options, findings);
  const order = referencedFirst(then, relations.map((relation) => relation.oid)).map((oid) => then.catalog.relations.get(oid)!);
  const current = new Map(order.map((relation) => [relation.oid, now && sameTable(now, then, relation)]));
  const suspended = now ? suspend(now, now, order.flatMap((relation) => scriptedTable(now, current.get(relation.oid), options))) : { notes: [], before: [], after: [] };
  yield { kind: 'sql', lines: [...header(then, now, order, current, options), ...suspended.notes, 'BEGIN;', ...scriptSettings(then), ...suspended.before] };
  const gone = goneTablesDdl(then, now, order.filter((relation) => !current.get(relation.oid)));
  yield { kind: 'sql', lines: gone.before };
  if (!options.missingOnly && !options.onConflict) {
    const full = order.filter((relation) => current.get(relation.oid) && hasHeapStorage(relation));
    yield { kind: 'sql', lines: full.reverse().map((relation) => `DELETE FROM ONLY ${relationName(now!, current.get(relation.oid)!)};`) };
  }
  for (const relation of order) {
    if (!hasHeapStorage(relation)) continue;
    const target = current.get(relation.oid);
    if (target && options.missingOnly) yield* missingRows(then, now!, relation, target, options.onConflict ?? 'nothing', findings);
    else {
      const table = then.open(relation);
      const places = writableColumns(table);
      const into = target ? targetOf(now!, target, table, options.onConflict) : targetOf(then, relation, table, undefined);
      yield* copyParts(into, relation.oid, (emit) => table.scan((row) => emit(places.map((i) => row.value(i))), findings.add));
    }
  }
  yield { kind: 'sql', lines: [...suspended.after, ...gone.after, ...sequenceLines(then, order, (relation) => current.get(relation.oid) !== undefined, gone.sequences, findings), 'COMMIT;'] };
}

function scriptedTable(now: DatabaseAt, relation: Relation | undefined, { missingOnly, onConflict }: RestoreOptions): ScriptedTable[] {
  if (!relation || !hasHeapStorage(relation)) return [];
  const replaces = !missingOnly && !onConflict;
  return [{ relation, inserts: true, deletes: replaces, rewrites: replaces, updated: new Set(onConflict === 'update' ? now.catalog.columns(relation.oid).map((column) => column.name) : []), inTheWay: [] }];
}

function chosenTables(then: DatabaseAt, { tables, only }: RestoreOptions, findings: Findings): Relation[] {
  const found = new Map<number, Relation>();
  const parents = new Map<number, number>();
  then.catalog.scan('pg_inherits', (row) => parents.set(row.oid('inhrelid'), row.oid('inhparent')));
  for (const name of tables) {
    const relation = then.relation(name);
    if (!'rp'.includes(relation.kind)) {
      throw new WalscopeError('restore.kind', `${name} is no table: only tables can be restored`, { exitCode: ExitCode.usage, hint: 'name tables; walscope schema --at shows other relations' });
    }
    if (relation.kind === 'r') then.open(relation); // says why an unlogged or temporary one cannot be
    found.set(relation.oid, relation);
    for (const part of tablesNamed(then, relation, only)) {
      try {
        if (part !== relation) then.open(part);
      } catch (error) {
        // a child that has no rows to give leaves the others
        if (!(error instanceof WalscopeError)) throw error;
        findings.add(error);
        continue;
      }
      found.set(part.oid, part);
      // partitions of partitions: what is in between
      for (let up = parents.get(part.oid); up !== undefined && up !== relation.oid && relation.kind === 'p'; up = parents.get(up)) found.set(up, then.catalog.relations.get(up)!);
    }
  }
  return [...found.values()];
}

/** The table at the latest moment: the same one, or one that took its name. */
function sameTable(now: DatabaseAt, then: DatabaseAt, relation: Relation): Relation | undefined {
  const same = now.catalog.relations.get(relation.oid);
  if (same) return same;
  const name = relationName(then, relation);
  return [...now.catalog.relations.values()].find((r) => r.kind === relation.kind && relationName(now, r) === name);
}

function header(then: DatabaseAt, now: DatabaseAt | undefined, order: Relation[], current: Map<number, Relation | undefined>, options: RestoreOptions): string[] {
  const lines = [
    '-- Written by walscope. Read it before you run it, with psql and ON_ERROR_STOP.', comment(`${describeMoment(then.moment)} · database ${quoteIdentifier(then.database.name)}`),
    comment(`case: ${then.session.store.caseDir}`), now ? `-- compared with the archive's last moment: ${describeMoment(now.moment)}` : '-- the database is gone at the last moment of the archive: create it first',
  ];
  for (const relation of order) {
    const target = current.get(relation.oid);
    const name = relationName(then, relation);
    if (!target) lines.push(comment(`${name}: gone, created anew`));
    else if (options.missingOnly) lines.push(comment(`${name}: rows that are missing are put back, all others are left alone`));
    else if (options.onConflict) lines.push(comment(`${name}: all rows of then are put in; where their key is there, ${options.onConflict === 'nothing' ? 'the row of now stays' : 'the row gets the values of then'}`));
    else lines.push(comment(`${name}: ALL ITS ROWS ARE REPLACED, what was written since is lost`));
    if (target && relationName(now!, target) !== name) lines.push(comment(`warning: ${name} is called ${relationName(now!, target)} now`));
    if (!target || !now) continue;
    const is = now.catalog.columns(target.oid).filter((c) => !c.dropped).map((c) => c.name);
    for (const column of then.catalog.columns(relation.oid)) if (!column.dropped && !is.includes(column.name)) lines.push(comment(`warning: column ${quoteIdentifier(column.name)} of ${name} is gone since: add it before, or COPY fails`));
  }
  return lines;
}

/** Columns that take values: generated ones do not. */
function writableColumns(table: Table): number[] {
  return table.columns.flatMap(({ column }, i) => (column.generated === '' ? [i] : []));
}

/** Where the rows of `table` go: a relation of `database`, the same one or its successor. */
function targetOf(database: DatabaseAt, relation: Relation, table: Table, onConflict: OnConflict): InsertTarget {
  return {
    table: relationName(database, relation), columns: writableColumns(table).map((i) => table.columns[i]!.column.name), key: primaryKeyColumns(database, relation.oid) ?? [],
    hasIdentity: table.columns.some(({ column }) => column.identity !== ''), onConflict,
  };
}

/** Rows that are there then and whose key is not there now. */
function* missingRows(then: DatabaseAt, now: DatabaseAt, relation: Relation, target: Relation, onConflict: OnConflict, findings: Findings): Generator<ScriptPart> {
  const into = targetOf(now, target, then.open(relation), onConflict);
  const diff = diffTable({ before: then, after: now }, { before: relation, after: target }, findings);
  const places = into.columns.map((name) => diff.columns.findIndex((c) => c.name === name));
  let changed = 0;
  yield* copyParts(into, relation.oid, (emit) => diff.rows(({ change, before }) => {
    if (change === 'removed') emit(places.map((i) => before![i]!));
    else if (change === 'changed') changed++;
  }));
  if (changed > 0) yield { kind: 'sql', lines: [comment(`${changed} row${changed === 1 ? '' : 's'} of ${into.table} changed since and left alone: see walscope diff`)] };
}
