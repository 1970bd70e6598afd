/**
 * A table's row changes over time: each version printed with the schema of its time, through moves between pages, rewrites and
 * ALTERs. `history` follows one key, `find` the rows for which a condition begins or ceases to hold.
 */
import { hasHeapStorage } from '../catalog/relation.js';
import type { XactRow } from '../layerfile/deltaLayer.js';
import { ForkNumber, sameRelation } from '../pg/relFileLocator.js';
import { endsTransaction, isCommit } from '../store/transactionLog.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';
import { formatTimestamptz } from '../util/pgTime.js';
import type { Lsn } from '../util/lsn.js';
import { asof, compileTableWhere, type AsofColumn } from './asof.js';
import { databaseByOid } from './databaseAt.js';
import { rewrittenRelations } from './ddl.js';
import type { RowOperation } from './heapChanges.js';
import type { Moment } from './moment.js';
import { RowImages, tableShape, type RowValues, type TableShape } from './rowImages.js';
import type { DatabaseAt, Findings, Session } from './session.js';
import { xidPrecedes } from '../store/transactionChanges.js';
import { readChanges } from './transactionScan.js';

const PG_CLASS_OID = 1259, PG_ATTRIBUTE_OID = 1249;

/** A stretch of time in which a table had one file and one set of columns. */
interface Epoch {
  from: Lsn;
  to: Lsn;
  database: DatabaseAt;
  /** The transaction that gave the table this empty file. */
  truncatedBy?: XactRow;
}

export interface TableChange {
  operation: RowOperation;
  /** The transaction's end. */
  row: XactRow;
  shape: TableShape;
  before: RowValues | null;
  after: RowValues | null;
}

/** The stretches of a table in [from, to), oldest first; none while it does not exist. */
function epochs(session: Session, dbOid: number, oid: number, from: Lsn, to: Lsn): Epoch[] {
  const found: Epoch[] = [];
  const first = databaseByOid(session, dbOid, from, null);
  let current: Epoch | undefined;
  const look = (lsn: Lsn, database: DatabaseAt | undefined, row?: XactRow): void => {
    const relation = database?.catalog.relations.get(oid);
    const shape = (d: DatabaseAt): string => JSON.stringify(d.catalog.columns(oid).map((c) => [c.attnum, c.name, c.typeOid, c.typmod, c.dropped]));
    if (current && relation && sameRelation(relation.locator, current.database.catalog.relations.get(oid)!.locator) && shape(database!) === shape(current.database)) return;
    const old = current?.database.catalog.relations.get(oid);
    if (current) current.to = lsn;
    current = undefined;
    if (!database || !relation || !hasHeapStorage(relation)) return;
    const before = row && old && !sameRelation(old.locator, relation.locator) ? databaseByOid(session, dbOid, row.lsn, null) : undefined;
    const truncated = before && !rewrittenRelations(before, new Set([row!.xid, ...row!.subxids])).has(oid);
    found.push((current = { from: lsn, to, database, truncatedBy: truncated ? row : undefined }));
  };
  look(from, first);
  for (const row of catalogCommits(session, first ?? databaseByOid(session, dbOid, to, null), from, to)) look(row.endLsn, databaseByOid(session, dbOid, row.endLsn, row.time), row);
  return found;
}

/** Commits after which pg_class or pg_attribute may show other relations or columns. */
function catalogCommits(session: Session, database: DatabaseAt | undefined, from: Lsn, to: Lsn): XactRow[] {
  if (!database) return [];
  const changed: Lsn[] = [];
  for (const oid of [PG_CLASS_OID, PG_ATTRIBUTE_OID]) {
    const file = { ...database.catalog.relations.get(oid)!.locator, fork: ForkNumber.main };
    session.store.pages.changes(file, 0, 0x1_0000_0000, session.store.coverage[0]!.run.startLsn, to, (_, lsn) => changed.push(lsn));
  }
  changed.sort((a, b) => a - b);
  const commits: XactRow[] = [];
  for (const row of session.store.transactions.rows(from, to)) {
    if (!isCommit(row) || row.dbOid === 0) continue; // a commit that changed catalogs names its database
    const since = session.store.changes.firstPossibleLsn(row);
    if (changed.some((lsn) => lsn >= since && lsn < row.lsn)) commits.push(row);
  }
  return commits;
}

export interface ChangeOptions {
  since: Moment;
  until: Moment;
}

/** Every committed row change of a table in the order in which its transactions ended within a stretch of its schema. */
export function tableChanges(session: Session, database: DatabaseAt, oid: number, options: ChangeOptions, findings: Findings, emit: (change: TableChange) => void): void {
  const { store } = session;
  for (const epoch of epochs(session, database.database.oid, oid, options.since.lsn, options.until.lsn)) {
    const relation = epoch.database.catalog.relations.get(oid)!;
    const table = epoch.database.open(relation);
    if (epoch.truncatedBy) {
      const { xid, lsn } = epoch.truncatedBy;
      findings.add({ code: 'history.truncated', message: `transaction ${xid} emptied ${relation.name} at ${formatLsn(lsn)}: the rows that went then are not listed (walscope show ${xid})`, place: { lsn: formatLsn(lsn) } });
    }
    const ends = new Map<number, XactRow>();
    let oldest: XactRow | undefined;
    for (const row of store.transactions.rows(epoch.from, epoch.to)) {
      if (!endsTransaction(row) || !isCommit(row)) continue;
      for (const xid of [row.xid, ...row.subxids]) ends.set(xid, row);
      if (!oldest || xidPrecedes(row.xid, oldest.xid)) oldest = row;
    }
    if (!oldest) continue;
    const shape = tableShape(undefined, { database: epoch.database, table });
    const pending: (TableChange & { lsn: Lsn })[] = [];
    const from = store.changes.firstPossibleLsn({ xid: oldest.xid, lsn: epoch.from });
    const { relNumber, dbOid } = relation.locator;
    readChanges(store, from, epoch.to, (record) => ends.has(record.xid) && record.blocks.some((ref) => ref.relNumber === relNumber && ref.dbOid === dbOid), (change) => {
      if (change.isSuperDelete || change.ref.relNumber !== relNumber) return;
      const row = ends.get(change.xid)!;
      // until its transaction ends, every version that it wrote or ended is on the pages
      const images = new RowImages(store, table, shape.columns, findings.add);
      const before = change.before && images.read(change.before, row.lsn), after = change.after && images.read(change.after, row.lsn);
      if ((change.before && !before) || (change.after && !after)) return;
      pending.push({ operation: change.operation, row, shape, before: before ?? null, after: after ?? null, lsn: change.lsn });
    }, findings.add);
    pending.sort((a, b) => a.row.lsn - b.row.lsn || a.lsn - b.lsn);
    for (const change of pending) emit(change);
  }
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
  const table = database.table(tableName);
  const { oid } = table.relation;
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
    const then = first.open(firstRelation);
    const answer = await asof(first, then, { key }, findings);
    answer.rows((values) => void versions.push({ operation: 'there before', row: null, end: null, names: answer.columns.map((c) => c.name), values: [...values] }));
  }
  const isKey = (change: TableChange, values: RowValues | null): boolean => {
    const places = shape.key.map((name) => change.shape.columns.findIndex((c) => c.name === name));
    return values !== null && places.every((place, i) => place >= 0 && values[place] === key[i]);
  };
  tableChanges(session, database, oid, options, findings, (change) => {
    const was = isKey(change, change.before), is = isKey(change, change.after);
    if (!was && !is) return;
    const last = versions.at(-1);
    if (was && last && last.end === null) last.end = change.row;
    const names = change.shape.columns.map((c) => c.name);
    if (is) versions.push({ operation: change.operation, row: change.row, end: null, names, values: change.after });
    else versions.push({ operation: change.operation === 'update' ? 'update of the key' : 'delete', row: change.row, end: change.row, names, values: null });
  });
  const { zone } = session;
  const columns = [...VERSION_COLUMNS, ...shape.columns];
  const rows = versions.map((v) => [
    v.operation, v.row && formatTimestamptz(v.row.time, zone), v.row && formatLsn(v.row.lsn), v.row && String(v.row.xid), v.end && formatTimestamptz(v.end.time, zone), v.end && formatLsn(v.end.lsn),
    ...shape.columns.map((column) => (v.values ? (v.values[v.names.indexOf(column.name)] ?? null) : null)),
  ]);
  return { columns, rows, notices: [] };
}

export type FindKind = 'gone' | 'appeared' | 'changed';

/** The row changes by which a condition ceased to hold (gone), began to hold (appeared), or held before and after (changed). */
export async function findChanges(session: Session, database: DatabaseAt, tableName: string, where: string, kind: FindKind, options: ChangeOptions, findings: Findings): Promise<HistoryAnswer> {
  const table = database.table(tableName);
  const condition = await compileTableWhere(database, table, where);
  const shape = tableShape(undefined, { database, table });
  const head: AsofColumn[] = [...VERSION_COLUMNS.slice(0, 1), { name: 'time', typeName: 'timestamptz' }, { name: 'lsn', typeName: 'pg_lsn' }, { name: 'xid', typeName: 'xid' }];
  const rows: (string | null)[][] = [];
  tableChanges(session, database, table.relation.oid, options, findings, (change) => {
    const common = (values: RowValues | null): RowValues | null =>
      values && shape.columns.map((column) => { const i = change.shape.columns.findIndex((c) => c.name === column.name); return i < 0 ? null : values[i]!; });
    const before = common(change.before), after = common(change.after);
    const was = before !== null && condition.test(before), is = after !== null && condition.test(after);
    if (kind === 'gone' ? !(was && !is) : kind === 'appeared' ? !(is && !was) : !(was && is)) return;
    rows.push([change.operation, formatTimestamptz(change.row.time, session.zone), formatLsn(change.row.lsn), String(change.row.xid), ...(kind === 'gone' ? before! : after!)]);
  });
  return { columns: [...head, ...shape.columns], rows, notices: [...condition.notices] };
}
