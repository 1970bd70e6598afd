/** What a DBA looks for at 3 a.m.: transactions that lost or overwrote much, the worst first, each with the moment just before it. */
import type { XactRow } from '../layerfile/deltaLayer.js';
import { XactKind } from '../layerfile/deltaLayer.js';
import { EventKind } from '../store/layerEvents.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import { databaseByOid } from './databaseAt.js';
import { transactionLog, type TransactionEntry } from './log.js';
import type { DdlChange } from './ddl.js';
import type { Moment } from './moment.js';
import type { DatabaseAt, Findings, Session } from './session.js';
import { countRows } from './tables.js';

export type IncidentKind = 'drop database' | 'drop schema' | 'drop' | 'truncate' | 'delete' | 'update' | 'drop column' | 'rewrite' | 'aborts';

export interface Incident {
  kind: IncidentKind;
  /** Table, schema, database or column, as it was called then. */
  object: string;
  database: string;
  /** Rows deleted, updated or lost. */
  rows: number;
  /** Rows that the table held just before; null where that says nothing. */
  ofRows: number | null;
  time: number;
  xid: number;
  /** The commit record; for a burst of aborts its first. */
  lsn: Lsn;
  /** The moment just before, as --at takes it. */
  before: string;
  /** What recovery.conf's successors take to stop just before. */
  recoveryTarget: string;
  score: number;
}

/** How bad it is to lose a row this way. A TRUNCATE that fills the table again in its own transaction is a reload. */
const WEIGHTS: Record<IncidentKind, number> = {
  'drop database': 1.2, 'drop schema': 1.1, drop: 1, truncate: 1, delete: 0.9, 'drop column': 1, update: 0.5, rewrite: 0.05, aborts: 0.05,
};
const RELOAD_WEIGHT = 0.5;
/** Deletions and updates of fewer rows are everyday work. */
const LEAST_ROWS = 10;
const LEAST_SHARE = 0.02;
const LEAST_SCORE = 0.5;
/** Tables whose rows are counted at most: the candidates with the most rows changed. */
const COUNTED_CANDIDATES = 200;
const BURST_ABORTS = 50;
const BURST_MICROS = 60e6;

export interface IncidentOptions {
  since: Moment;
  until: Moment;
}

/** All incidents, the worst first. */
export function findIncidents(session: Session, options: IncidentOptions, findings: Findings): Incident[] {
  const incidents: Incident[] = [];
  const candidates: Candidate[] = [];
  for (const entry of transactionLog(session, options, findings)) {
    if (entry.kind !== 'transaction') continue;
    if (entry.ddl.length > 0) schemaIncidents(session, entry, incidents);
    for (const table of entry.tables) {
      for (const kind of ['delete', 'update'] as const) {
        const rows = kind === 'delete' ? table.deleted : table.updated;
        if (rows >= LEAST_ROWS) candidates.push({ row: entry.row, dbOid: entry.dbOid, oid: table.oid, object: table.name, database: entry.database, kind, rows });
      }
    }
  }
  candidates.sort((a, b) => b.rows - a.rows);
  for (const candidate of candidates.slice(0, COUNTED_CANDIDATES)) rowIncident(session, candidate, incidents);
  abortBursts(session, options, incidents);
  return incidents.filter((incident) => incident.score >= LEAST_SCORE).sort((a, b) => b.score - a.score || b.lsn - a.lsn);
}

interface Candidate {
  row: XactRow;
  dbOid: number;
  oid: number;
  object: string;
  database: string;
  kind: 'delete' | 'update';
  rows: number;
}

/** Where an incident stands, for the answer. */
function placeOf(row: XactRow): Pick<Incident, 'time' | 'xid' | 'lsn' | 'before' | 'recoveryTarget'> {
  return {
    time: row.time, xid: row.xid, lsn: row.lsn, before: `before-xid:${row.xid}`,
    recoveryTarget: `recovery_target_xid = '${row.xid}', recovery_target_inclusive = off`,
  };
}

function scoreOf(kind: IncidentKind, rows: number, share: number, weight = WEIGHTS[kind]): number {
  return weight * Math.sqrt(rows) * share;
}

function rowIncident(session: Session, candidate: Candidate, incidents: Incident[]): void {
  const { row, dbOid, oid, kind, object, database, rows } = candidate;
  const before = databaseByOid(session, dbOid, row.lsn, null);
  const relation = before?.catalog.relations.get(oid);
  if (!before || !relation) return; // created in the same transaction
  const ofRows = countRows(before, relation);
  const share = Math.min(1, rows / Math.max(1, ofRows));
  if (share < LEAST_SHARE) return;
  incidents.push({ kind, object, database, rows, ofRows, ...placeOf(row), score: scoreOf(kind, rows, share) });
}

function schemaIncidents(session: Session, entry: TransactionEntry, incidents: Incident[]): void {
  const before = entry.sides?.before;
  if (!before) return;
  const { row, database } = entry;
  const add = (kind: IncidentKind, object: string, rows: number, weight = WEIGHTS[kind]): void =>
    void incidents.push({ kind, object, database, rows, ofRows: kind === 'drop' || kind === 'truncate' ? rows : null, ...placeOf(row), score: scoreOf(kind, Math.max(1, rows), 1, weight) });
  const goneSchemas = entry.ddl.filter((c) => c.action === 'dropped' && c.objectKind === 'schema');
  const inSchema = new Map(goneSchemas.map((schema) => [schema.name, 0]));
  for (const change of entry.ddl) {
    if (change.objectKind === 'column') {
      if (change.action === 'dropped') add('drop column', `${change.name} of ${relationNameOf(before, change)}`, rowsOf(before, change));
    } else if (change.action === 'dropped' && change.objectKind === 'database') {
      incidents.push(droppedDatabase(session, row, change));
    } else if (change.relation && (change.objectKind === 'table' || change.objectKind === 'materialized view')) {
      const schema = before.catalog.schemaOf(change.relation);
      if (change.action === 'dropped' && inSchema.has(schema)) inSchema.set(schema, inSchema.get(schema)! + rowsOf(before, change));
      else if (change.action === 'dropped') add('drop', change.name, rowsOf(before, change));
      else if (change.action === 'truncated') {
        const isReload = entry.tables.some((t) => t.oid === change.relation!.oid && t.inserted > 0);
        add('truncate', change.name, rowsOf(before, change), isReload ? RELOAD_WEIGHT : WEIGHTS.truncate);
      } else if (change.action === 'rewritten') add('rewrite', change.name, rowsOf(before, change));
    }
  }
  for (const [schema, rows] of inSchema) add('drop schema', schema, rows);
}

function relationNameOf(before: DatabaseAt, change: DdlChange): string {
  return change.relation ? `${before.types.regName('regclass', change.relation.oid) ?? change.relation.name}` : '';
}

/** Rows that the change's relation held just before. */
function rowsOf(before: DatabaseAt, change: DdlChange): number {
  const { relation } = change;
  if (!relation || relation.locator.relNumber === 0 || relation.persistence !== 'p') return 0;
  return countRows(before, relation);
}

/** The files of a database go before its transaction commits: the moment just before is that of the removal. */
function droppedDatabase(session: Session, row: XactRow, change: DdlChange): Incident {
  const removal = session.store.layers.events.filter((event) => event.kind === EventKind.databaseDrop && event.args[0] === change.oid && event.lsn < row.lsn).at(-1);
  const lsn = (removal?.lsn ?? row.lsn) as Lsn;
  const database = change.oid === undefined ? undefined : databaseByOid(session, change.oid, lsn, null);
  let rows = 0;
  if (database) for (const relation of database.catalog.relations.values()) if (relation.kind === 'r' && relation.oid >= 16384 && relation.relTuples > 0) rows += relation.relTuples;
  return {
    kind: 'drop database', object: change.name, database: change.name, rows: Math.round(rows), ofRows: null, time: row.time, xid: row.xid, lsn: row.lsn,
    before: formatLsn(lsn), recoveryTarget: `recovery_target_lsn = '${formatLsn(lsn)}', recovery_target_inclusive = off`, score: scoreOf('drop database', Math.max(10_000, rows), 1),
  };
}

/** Many aborts in a minute: one incident a burst. */
function abortBursts(session: Session, { since, until }: IncidentOptions, incidents: Incident[]): void {
  let burst: XactRow[] = [];
  const close = (): void => {
    if (burst.length >= BURST_ABORTS) {
      incidents.push({ kind: 'aborts', object: `${burst.length} transactions`, database: '', rows: burst.length, ofRows: null, ...placeOf(burst[0]!), score: Math.max(LEAST_SCORE, scoreOf('aborts', burst.length, 1)) });
    }
    burst = [];
  };
  for (const row of session.store.transactions.rows(since.lsn, until.lsn)) {
    if (row.kind !== XactKind.abort && row.kind !== XactKind.abortPrepared) continue;
    if (burst.length > 0 && row.time - burst.at(-1)!.time > BURST_MICROS) close();
    burst.push(row);
  }
  close();
}
