/** The versions of one row, and the changes by which a condition began or ceased to hold. */
import type { Relation } from '../catalog/relation.js';
import type { XactRow } from '../layerfile/deltaLayer.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';
import { formatTimestamptz } from '../util/pgTime.js';
import { asof, type AsofColumn } from './asof.js';
import { compileTableWhere } from './tableWhere.js';
import { changeStream, type ChangeOptions, type TableChange, type WantedTables } from './changeStream.js';
import { withDescendants } from './children.js';
import { databaseByOid } from './databaseAt.js';
import { keyTest } from './indexScan.js';
import { tableShape, type RowValues } from './rowImages.js';
import { openSource } from './scanSource.js';
import type { DatabaseAt, Findings, Session } from './session.js';

/** A table that has rows; or a partitioned one, which has them in its partitions. */
function tableOf(database: DatabaseAt, name: string): Relation {
  const relation = database.relation(name);
  if (relation.kind !== 'p') database.open(relation); // says what a relation without rows is
  return relation;
}

/** The table itself, or the partitions that it has at each time. */
function rowsOf(oid: number): WantedTables {
  return (database) => {
    const relation = database.catalog.relations.get(oid);
    if (!relation) return [];
    return relation.kind === 'p' ? withDescendants(database, relation) : [relation];
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
  row: XactRow | null;
  end: XactRow | null;
  names: string[];
  values: RowValues | null;
}

/** Every version of the row with this primary key between two moments, oldest first. */
export async function rowHistory(session: Session, database: DatabaseAt, tableName: string, key: string[], options: ChangeOptions, findings: Findings): Promise<HistoryAnswer> {
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
  const first = databaseByOid(session, database.database.oid, options.since.lsn, options.since.time);
  const firstRelation = first?.catalog.relations.get(oid);
  if (first && firstRelation) {
    const answer = await asof(first, openSource(first, `oid:${oid}`), { key }, findings);
    answer.rows((values) => void versions.push({ operation: 'there before', row: null, end: null, names: answer.columns.map((c) => c.name), values: [...values] }));
  }
  const wanted = await keyTest(database, table, shape.key, key.map((value) => database.typed(value)));
  const isKey = (change: TableChange, values: RowValues | null): boolean => {
    const places = shape.key.map((name) => change.shape.columns.findIndex((c) => c.name === name));
    return values !== null && !places.includes(-1) && wanted.test(places.map((place) => values[place]!));
  };
  const add = (operation: string, row: XactRow, names: string[], values: RowValues | null): void => void versions.push({ operation, row, end: values ? null : row, names, values });
  /** A row that left its partition, whose insertion into another follows; `isOurs`: it had the key. */
  let leaving: { row: XactRow; isOurs: boolean } | undefined;
  const stayedAway = (): void => {
    if (leaving?.isOurs) add('delete', leaving.row, [], null);
    leaving = undefined;
  };
  changeStream(session, database.database.oid, rowsOf(oid), options, findings, (change) => {
    const { operation, row } = change;
    const was = isKey(change, change.before), is = isKey(change, change.after);
    const names = change.shape.columns.map((c) => c.name);
    if (operation !== 'insert' || row !== leaving?.row) stayedAway();
    const left = leaving;
    leaving = undefined;
    const last = versions.at(-1);
    if (was && last && last.end === null) last.end = row;
    if (change.isMove) leaving = { row, isOurs: was };
    else if (is) add(left ? 'update to another partition' : operation, row, names, change.after);
    else if (was) add(operation === 'update' ? 'update of the key' : operation, row, names, null);
    else if (left?.isOurs) add('update of the key', row, names, null);
  });
  stayedAway();
  const { zone } = session;
  const columns = [...VERSION_COLUMNS, ...shape.columns];
  const rows = versions.map((v) => [
    v.operation, v.row && formatTimestamptz(v.row.time, zone), v.row && formatLsn(v.row.lsn), v.row && String(v.row.xid), v.end && formatTimestamptz(v.end.time, zone), v.end && formatLsn(v.end.lsn),
    ...shape.columns.map((column) => (v.values ? (v.values[v.names.indexOf(column.name)] ?? null) : null)),
  ]);
  return { columns, rows, notices: wanted.notices };
}

export type FindKind = 'gone' | 'appeared' | 'changed';

/** The row changes by which a condition ceased to hold (gone), began to hold (appeared), or held before and after (changed). */
export async function findChanges(session: Session, database: DatabaseAt, tableName: string, where: string, kind: FindKind, options: ChangeOptions, findings: Findings): Promise<HistoryAnswer> {
  const relation = tableOf(database, tableName);
  const table = database.describe(relation);
  const condition = await compileTableWhere(database, table, where);
  const shape = tableShape(undefined, { database, table });
  const head: AsofColumn[] = [...VERSION_COLUMNS.slice(0, 1), { name: 'time', typeName: 'timestamptz' }, { name: 'lsn', typeName: 'pg_lsn' }, { name: 'xid', typeName: 'xid' }];
  const rows: (string | null)[][] = [];
  changeStream(session, database.database.oid, rowsOf(relation.oid), options, findings, (change) => {
    const common = (values: RowValues | null): RowValues | null =>
      values && shape.columns.map((column) => { const i = change.shape.columns.findIndex((c) => c.name === column.name); return i < 0 ? null : values[i]!; });
    const before = common(change.before), after = common(change.after);
    const was = before !== null && condition.test(before), is = after !== null && condition.test(after);
    if (kind === 'gone' ? !(was && !is) : kind === 'appeared' ? !(is && !was) : !(was && is)) return;
    rows.push([change.operation, formatTimestamptz(change.row.time, session.zone), formatLsn(change.row.lsn), String(change.row.xid), ...(kind === 'gone' ? before! : after!)]);
  });
  return { columns: [...head, ...shape.columns], rows, notices: [...condition.notices] };
}
