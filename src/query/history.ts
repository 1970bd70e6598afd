/** The versions of one row, and the changes by which a condition began or ceased to hold. */
import type { Relation } from '../catalog/relation.js';
import type { Table } from '../catalog/table.js';
import type { XactRow } from '../layerfile/deltaLayer.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';
import { formatTimestamptz } from '../util/pgTime.js';
import { qualifiedName } from '../util/quote.js';
import { asof, chooseColumns, columnOf, type AsofColumn } from './asof.js';
import { compileTableWhere } from './tableWhere.js';
import { changeStream, chosenTables, type TableChange } from './changeStream.js';
import { tablesNamed } from './children.js';
import { databaseByOid, newestPart, type Span } from './databaseAt.js';
import { keyTest } from './indexScan.js';
import { tableShape, type RowValues, type TableShape } from './rowImages.js';
import { sourceAtFirst } from './scanSource.js';
import type { DatabaseAt, Findings, Session } from './session.js';
import { virtualColumns } from './virtualColumns.js';

/** What is asked of a table beside its rows. */
export interface HistoryOptions extends Span {
  /** Without the rows of children. */
  only?: boolean;
  /** Of the table's own columns these. */
  columns?: readonly string[];
}

/** A table that has rows; or a partitioned one, which has them in its partitions. */
function tableOf(database: DatabaseAt, name: string): Relation {
  const relation = database.relation(name);
  if (relation.kind !== 'p') database.open(relation); // says what a relation without rows is
  return relation;
}

/** The columns that are shown of a table, and how a row gives them; before them, where the name stands for several tables, the one that the row is of. */
function shownColumns(database: DatabaseAt, table: Table, { only, columns }: HistoryOptions): { columns: AsofColumn[]; of(from: Pick<TableShape, 'schema' | 'name'>, names: readonly string[], values: RowValues | null): RowValues } {
  const chosen = chooseColumns(table, columns?.map((name) => database.typed(name))).map((i) => columnOf(database, table, i));
  const isOne = tablesNamed(database, table.relation, only).every((relation) => relation === table.relation);
  return {
    columns: [...(isOne ? [] : [{ name: 'tableoid', typeName: 'regclass' }]), ...chosen],
    of: (from, names, values) => [...(isOne ? [] : [qualifiedName(from.schema, from.name)]), ...chosen.map(({ name }) => values?.[names.indexOf(name)] ?? null)],
  };
}

const VERSION_COLUMNS: AsofColumn[] = [
  { name: 'operation', typeName: 'text' }, { name: 'from', typeName: 'timestamptz' }, { name: 'from_lsn', typeName: 'pg_lsn' }, { name: 'xid', typeName: 'xid' },
  { name: 'to', typeName: 'timestamptz' }, { name: 'to_lsn', typeName: 'pg_lsn' },
];

export interface HistoryAnswer {
  columns: AsofColumn[];
  rows: (string | null)[][];
  notices: string[];
}

interface Version {
  operation: string;
  table: Pick<TableShape, 'schema' | 'name' | 'oid'>;
  row: XactRow | null;
  end: XactRow | null;
  names: string[];
  values: RowValues | null;
}

/** Every version of the row with this primary key between two moments, oldest first. */
export async function rowHistory(session: Session, database: DatabaseAt, tableName: string, key: string[], options: HistoryOptions, findings: Findings): Promise<HistoryAnswer> {
  const relation = tableOf(database, tableName);
  const { oid } = relation;
  const table = database.describe(relation);
  const shape = tableShape(undefined, { database, table });
  if (shape.key.length === 0 || shape.key.length !== key.length) {
    throw new WalscopeError('usage.key', `${table.relation.name} has ${shape.key.length === 0 ? 'no primary key' : `a primary key of ${shape.key.length} columns`}`, {
      exitCode: ExitCode.usage, hint: shape.key.length === 0 ? 'follow its rows with walscope find --where' : `give --key a value for each of ${shape.key.join(', ')}`,
    });
  }
  const versions: Version[] = [];
  const span = newestPart(session, options, findings);
  const first = databaseByOid(session, database.database.oid, span.since.lsn, span.since.time);
  const source = first && sourceAtFirst(first, oid, options, findings);
  if (first && source) {
    for (const part of source.parts) {
      const { schema, relation: { name, oid: partOid } } = part.table;
      const answer = await asof(first, { ...source, parts: [part] }, { key }, findings);
      answer.rows((values) => void versions.push({ operation: 'there before', table: { schema, name, oid: partOid }, row: null, end: null, names: answer.columns.map((c) => c.name), values: [...values] }));
    }
  }
  const wanted = await keyTest(database, table, shape.key, key.map((value) => database.typed(value)));
  const isKey = (change: TableChange, values: RowValues | null): boolean => {
    const places = shape.key.map((name) => change.shape.columns.findIndex((c) => c.name === name));
    return values !== null && !places.includes(-1) && wanted.test(places.map((place) => values[place]!));
  };
  const add = (operation: string, row: XactRow, shape: TableShape, values: RowValues | null): void =>
    void versions.push({ operation, table: shape, row, end: values ? null : row, names: shape.columns.map((c) => c.name), values });
  /** A row that left its partition, whose insertion into another follows; `isOurs`: it had the key. */
  let leaving: { row: XactRow; shape: TableShape; isOurs: boolean } | undefined;
  const stayedAway = (): void => {
    if (leaving?.isOurs) add('delete', leaving.row, leaving.shape, null);
    leaving = undefined;
  };
  changeStream(session, database.database.oid, chosenTables([oid], options.only), span, findings, (change) => {
    const { operation, row, shape: from } = change;
    const was = isKey(change, change.before), is = isKey(change, change.after);
    if (operation !== 'insert' || row !== leaving?.row) stayedAway();
    const left = leaving;
    leaving = undefined;
    // the tables of an inheritance have each its own rows, even of one key
    const last = was ? versions.findLast(({ end, table: of }) => end === null && (relation.kind === 'p' || of.oid === from.oid)) : undefined;
    if (last) last.end = row;
    if (change.isMove) leaving = { row, shape: from, isOurs: was };
    else if (is) add(left ? 'update to another partition' : operation, row, from, change.after);
    else if (was) add(operation === 'update' ? 'update of the key' : operation, row, from, null);
    else if (left?.isOurs) add('update of the key', row, from, null);
  });
  stayedAway();
  const { zone } = session;
  const shown = shownColumns(database, table, options);
  const rows = versions.map((v) => [
    v.operation, v.row && formatTimestamptz(v.row.time, zone), v.row && formatLsn(v.row.lsn), v.row && String(v.row.xid), v.end && formatTimestamptz(v.end.time, zone), v.end && formatLsn(v.end.lsn),
    ...shown.of(v.table, v.names, v.values),
  ]);
  return { columns: [...VERSION_COLUMNS, ...shown.columns], rows, notices: wanted.notices };
}

export type FindKind = 'gone' | 'appeared' | 'changed';

/** The row changes by which a condition ceased to hold (gone), began to hold (appeared), or held before and after (changed). */
export async function findChanges(session: Session, database: DatabaseAt, tableName: string, where: string, kind: FindKind, options: HistoryOptions, findings: Findings): Promise<HistoryAnswer> {
  const relation = tableOf(database, tableName);
  const table = database.describe(relation);
  const virtual = await virtualColumns(database, table);
  const condition = await compileTableWhere(database, table, where, virtual.places);
  const shape = tableShape(undefined, { database, table });
  const head: AsofColumn[] = [...VERSION_COLUMNS.slice(0, 1), { name: 'time', typeName: 'timestamptz' }, { name: 'lsn', typeName: 'pg_lsn' }, { name: 'xid', typeName: 'xid' }];
  const shown = shownColumns(database, table, options);
  const names = shape.columns.map((column) => column.name);
  const rows: (string | null)[][] = [];
  changeStream(session, database.database.oid, chosenTables([relation.oid], options.only), newestPart(session, options, findings), findings, (change) => {
    const common = (values: RowValues | null): RowValues | null =>
      values && shape.columns.map((column) => { const i = change.shape.columns.findIndex((c) => c.name === column.name); return i < 0 ? null : values[i]!; });
    const before = common(change.before), after = common(change.after);
    const was = before !== null && condition.test(before), is = after !== null && condition.test(after);
    if (kind === 'gone' ? !(was && !is) : kind === 'appeared' ? !(is && !was) : !(was && is)) return;
    rows.push([change.operation, formatTimestamptz(change.row.time, session.zone), formatLsn(change.row.lsn), String(change.row.xid), ...shown.of(change.shape, names, kind === 'gone' ? before : after)]);
  });
  return { columns: [...head, ...shown.columns], rows, notices: [...condition.notices, ...virtual.notices] };
}
