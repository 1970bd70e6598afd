/**
 * What a DBA looks for at 3 a.m.: transactions that lost or overwrote much, the worst first, each with the moment just before it.
 * Candidates come from the layers alone; only the tables of those that may be among the worst are read, to know their share.
 */
import { readDatabases, type Database } from '../catalog/catalog.js';
import { PG_DATABASE } from '../catalog/catalogOids.js';
import { FIRST_NORMAL_OID, type Relation } from '../catalog/relation.js';
import type { XactRow } from '../layerfile/deltaLayer.js';
import { XactKind } from '../layerfile/deltaLayer.js';
import { ForkNumber } from '../pg/relFileLocator.js';
import type { RelationChange } from '../pg/walScanChanges.js';
import { EventKind } from '../store/layerEvents.js';
import { isCommit } from '../store/transactionLog.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import { coverageOf, coveredParts, databaseByOid, type Span } from './databaseAt.js';
import type { DdlChange } from './ddl.js';
import { ddlCatalogFiles, isDdlChange } from './ddlFiles.js';
import { NamesBackward, type TransactionEntry } from './log.js';
import { partitionRoots } from './partitionRoots.js';
import { RowCounter } from './rowCounter.js';
import type { DatabaseAt, Findings, Session } from './session.js';

export type IncidentKind = 'drop database' | 'drop schema' | 'drop' | 'truncate' | 'delete' | 'update' | 'drop column' | 'rewrite' | 'aborts';

export interface Incident {
  kind: IncidentKind;
  /** Table, schema, database or column, as it was called then. */
  object: string;
  /** OID of the table, where it is one. */
  oid?: number;
  database: string;
  /** Rows deleted, updated or lost. */
  rows: number;
  /** Rows that the table held just before; null where that says nothing. */
  ofRows: number | null;
  /** The table was too large to be counted: `ofRows`, and `rows` where they went with the table, are estimates. */
  isEstimate: boolean;
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

/** How bad it is to lose a row this way. A TRUNCATE or DELETE that fills the table again in its own transaction is a reload. */
const WEIGHTS: Record<IncidentKind, number> = {
  'drop database': 1.2, 'drop schema': 1.1, drop: 1, truncate: 1, delete: 0.9, 'drop column': 1, update: 0.5, rewrite: 0.05, aborts: 0.05,
};
const RELOAD_SHARE = 0.5;
/** Deletions and updates of fewer rows are everyday work. */
const LEAST_ROWS = 10;
const LEAST_SHARE = 0.02;
const LEAST_SCORE = 0.5;
/** Ranks that are exact; what cannot reach them is not counted. */
const RANKED = 50;
const BURST_ABORTS = 50;
const BURST_MICROS = 60e6;

/** All incidents, the worst first. */
export function findIncidents(session: Session, options: Span, findings: Findings): Incident[] {
  const found = new Ranking();
  const { store } = session;
  const counter = new RowCounter();
  const candidates: Candidate[] = [];
  for (const part of coveredParts(session, options, findings)) {
    const names = new NamesBackward(session, findings, false);
    const catalogs = ddlCatalogFiles(session, part);
    const ofInterest = (changes: RelationChange[]): boolean => changes.some((change) => change.deleted >= LEAST_ROWS || change.updated >= LEAST_ROWS || isDdlChange(catalogs, change));
    for (const row of store.changes.rowsBackward(store.transactions, part.since.lsn, part.until.lsn, ofInterest)) {
      if (!isCommit(row)) continue;
      const entry = names.describe(row, store.changes.of(row), []);
      if (entry.ddl.length > 0) schemaIncidents(session, entry, counter, found);
      candidates.push(...rowCandidates(entry));
    }
  }
  // a score is at most that of a whole table: what is below the last rank then needs no counting
  candidates.sort((a, b) => b.bound - a.bound);
  for (const candidate of candidates) {
    if (candidate.bound <= found.floor()) break;
    rowIncident(session, candidate, counter, found);
  }
  abortBursts(session, options, found);
  return found.list();
}

/** Keeps the incidents and knows what is needed to be among the first. */
class Ranking {
  private readonly incidents: Incident[] = [];
  private scores: number[] = [];

  add(incident: Incident): void {
    if (incident.score < LEAST_SCORE) return;
    this.incidents.push(incident);
    this.scores.push(incident.score);
    this.scores = this.scores.sort((a, b) => b - a).slice(0, RANKED);
  }

  floor(): number {
    return this.scores.length < RANKED ? LEAST_SCORE : this.scores.at(-1)!;
  }

  list(): Incident[] {
    return this.incidents.sort((a, b) => b.score - a.score || b.lsn - a.lsn);
  }
}

interface Candidate {
  row: XactRow;
  dbOid: number;
  oids: number[];
  database: string;
  kind: 'delete' | 'update';
  rows: number;
  weight: number;
  bound: number;
}

/** Tables that lost or overwrote rows; the partitions of one table are one. */
function rowCandidates(entry: TransactionEntry): Candidate[] {
  const found: Candidate[] = [];
  for (const { oid, inserted, updated, deleted } of entry.tables) {
    for (const [kind, rows] of [['delete', deleted], ['update', updated]] as const) {
      if (rows < LEAST_ROWS) continue;
      const weight = WEIGHTS[kind] * (kind === 'delete' && inserted >= rows * RELOAD_SHARE ? RELOAD_SHARE : 1);
      found.push({ row: entry.row, dbOid: entry.dbOid, oids: [oid], database: entry.database, kind, rows, weight, bound: 0 });
    }
  }
  if (found.length > 1 && entry.namesAt) joinPartitions(found, entry.namesAt);
  for (const candidate of found) candidate.bound = scoreOf(candidate.weight, candidate.rows, 1);
  return found;
}

function joinPartitions(candidates: Candidate[], database: DatabaseAt): void {
  const roots = partitionRoots(database);
  const first = new Map<string, Candidate>();
  for (const candidate of [...candidates]) {
    const key = `${candidate.kind} ${roots.get(candidate.oids[0]!) ?? ''}`;
    const other = first.get(key);
    if (!roots.has(candidate.oids[0]!)) continue;
    if (!other) first.set(key, candidate);
    else {
      other.oids.push(...candidate.oids);
      other.rows += candidate.rows;
      candidates.splice(candidates.indexOf(candidate), 1);
    }
  }
}

/** Where an incident stands, for the answer. */
function placeOf(row: XactRow): Pick<Incident, 'time' | 'xid' | 'lsn' | 'before' | 'recoveryTarget'> {
  return {
    time: row.time, xid: row.xid, lsn: row.lsn, before: `before-xid:${row.xid}`,
    recoveryTarget: `recovery_target_xid = '${row.xid}', recovery_target_inclusive = off`,
  };
}

function scoreOf(weight: number, rows: number, share: number): number {
  return weight * Math.sqrt(rows) * share;
}

function rowIncident(session: Session, { row, dbOid, oids, kind, database, rows, weight }: Candidate, counter: RowCounter, found: Ranking): void {
  // opening a moment costs more than a glance at what the table held at another
  const guess = counter.nearest(oids, row.lsn);
  if (guess !== undefined && rows / guess < LEAST_SHARE / 2) return;
  const before = counter.database(session, dbOid, row.lsn);
  const relations = oids.map((oid) => before?.catalog.relations.get(oid));
  if (!before || relations.includes(undefined)) return; // created in the same transaction
  const counted = counter.sum(before, relations as Relation[]);
  const share = Math.min(1, rows / Math.max(1, counted.rows));
  if (share < LEAST_SHARE) return;
  const object = oids.length > 1 ? partitionRoots(before).get(oids[0]!)! : oids[0]!;
  found.add({ kind, object: nameOf(before, object), oid: object, database, rows, ofRows: counted.rows, isEstimate: counted.isEstimate, ...placeOf(row), score: scoreOf(weight, rows, share) });
}

function nameOf(database: DatabaseAt, oid: number): string {
  return database.types.regName('regclass', oid) ?? `oid:${oid}`;
}

/** The incidents among a transaction's schema changes, by what they are about. */
function schemaIncidents(session: Session, entry: TransactionEntry, counter: RowCounter, found: Ranking): void {
  const before = entry.sides?.before;
  if (!before) return;
  const { row, database } = entry;
  const add = (kind: IncidentKind, object: string, oid: number | undefined, relations: Relation[], weight = WEIGHTS[kind]): void => {
    const counted = counter.sum(before, relations);
    const ofRows = kind === 'drop' || kind === 'truncate' ? counted.rows : null;
    found.add({ kind, object, oid, database, rows: counted.rows, ofRows, isEstimate: counted.isEstimate, ...placeOf(row), score: scoreOf(weight, Math.max(1, counted.rows), 1) });
  };
  const goneSchemas = new Map<number, { name: string; relations: Relation[] }>();
  for (const { action, objectKind, name, oid } of entry.ddl) if (action === 'dropped' && objectKind === 'schema') goneSchemas.set(oid!, { name, relations: [] });
  const groups = new Map<string, { kind: IncidentKind; relations: Relation[]; root: number; weight: number }>();
  const roots = partitionRoots(before);
  for (const change of entry.ddl) {
    const { relation } = change;
    if (change.objectKind === 'database' && change.action === 'dropped') found.add(droppedDatabase(session, row, change));
    if (!relation) continue;
    if (change.objectKind === 'column') {
      if (change.action === 'dropped' && !roots.has(relation.oid) && !goneOrEmptied(entry.ddl, relation)) add('drop column', `${change.name} of ${nameOf(before, relation.oid)}`, relation.oid, columnHolders(before, relation));
      continue;
    }
    const kind = KINDS[change.action];
    if (!kind || (change.objectKind !== 'table' && change.objectKind !== 'materialized view')) continue;
    const inSchema = change.action === 'dropped' ? goneSchemas.get(relation.namespaceOid) : undefined;
    if (inSchema) {
      inSchema.relations.push(relation);
      continue;
    }
    const isReload = kind === 'truncate' && entry.tables.some((t) => t.oid === relation.oid && t.inserted > 0);
    const root = roots.get(relation.oid) ?? relation.oid;
    const group = groups.get(`${kind} ${root}`);
    if (group) group.relations.push(relation);
    else groups.set(`${kind} ${root}`, { kind, relations: [relation], root, weight: WEIGHTS[kind] * (isReload ? RELOAD_SHARE : 1) });
  }
  for (const { kind, relations, root, weight } of groups.values()) {
    const oid = relations.length > 1 ? root : relations[0]!.oid;
    add(kind, nameOf(before, oid), oid, relations, weight);
  }
  for (const { name, relations } of goneSchemas.values()) add('drop schema', name, undefined, relations);
}

const KINDS: Partial<Record<DdlChange['action'], IncidentKind>> = { dropped: 'drop', truncated: 'truncate', rewritten: 'rewrite' };

/** A column that goes with its table is no incident of its own. */
function goneOrEmptied(ddl: readonly DdlChange[], relation: Relation): boolean {
  return ddl.some((change) => change.relation?.oid === relation.oid && change.objectKind !== 'column' && change.action === 'dropped');
}

/** The tables whose rows lose a column: for a partitioned table its partitions, for which it is no incident of their own. */
function columnHolders(before: DatabaseAt, relation: Relation): Relation[] {
  if (relation.kind !== 'p') return [relation];
  return [...partitionRoots(before)].flatMap(([oid, root]) => (root === relation.oid ? [before.catalog.relations.get(oid)!] : []));
}

/** A database is unusable before its transaction commits: dropdb() marks it invalid, then its files go. The moment just before is that of the mark. */
function droppedDatabase(session: Session, row: XactRow, change: DdlChange): Incident {
  const removal = session.store.layers.events.filter((event) => event.kind === EventKind.databaseDrop && event.args[0] === change.oid && event.lsn < row.lsn).at(-1);
  const lsn = beforeInvalid(session, change.oid, (removal?.lsn ?? row.lsn) as Lsn);
  const database = change.oid === undefined ? undefined : databaseByOid(session, change.oid, lsn, null);
  let rows = 0;
  if (database) for (const relation of database.catalog.relations.values()) if (relation.kind === 'r' && relation.oid >= FIRST_NORMAL_OID && relation.relTuples > 0) rows += relation.relTuples;
  return {
    kind: 'drop database', object: change.name, database: change.name, rows: Math.round(rows), ofRows: null, isEstimate: true, time: row.time, xid: row.xid, lsn: row.lsn,
    before: formatLsn(lsn), recoveryTarget: `recovery_target_lsn = '${formatLsn(lsn)}', recovery_target_inclusive = off`, score: scoreOf(WEIGHTS['drop database'], Math.max(10_000, rows), 1),
  };
}

/** The last position up to `lsn` at which the database was not yet marked invalid, so that a server recovered to it lets one connect. */
function beforeInvalid(session: Session, oid: number | undefined, lsn: Lsn): Lsn {
  const at = (upTo: Lsn): Database | undefined => readDatabases(session.store.snapshot(upTo)).find((database) => database.oid === oid);
  if (!at(lsn)?.isInvalid) return lsn;
  const file = databaseByOid(session, oid!, lsn, null)!.catalog.relations.get(PG_DATABASE)!.locator;
  const touched: Lsn[] = [];
  session.store.pages.changes({ ...file, fork: ForkNumber.main }, 0, 0x1_0000_0000, coverageOf(session, lsn)!.firstLsn, lsn, (_, each) => void touched.push(each));
  return touched.sort((a, b) => b - a).find((each) => !at(each)?.isInvalid) ?? lsn;
}

/** Many aborts in a minute: one incident a burst. */
function abortBursts(session: Session, { since, until }: Span, found: Ranking): void {
  let burst: XactRow[] = [];
  const close = (): void => {
    if (burst.length >= BURST_ABORTS) {
      const score = Math.max(LEAST_SCORE, scoreOf(WEIGHTS.aborts, burst.length, 1));
      found.add({ kind: 'aborts', object: `${burst.length} transactions`, database: '', rows: burst.length, ofRows: null, isEstimate: false, ...placeOf(burst[0]!), score });
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

const TITLES: Record<IncidentKind, string> = {
  'drop database': 'DROP DATABASE', 'drop schema': 'DROP SCHEMA', drop: 'DROP TABLE', truncate: 'TRUNCATE', delete: 'DELETE', update: 'UPDATE',
  'drop column': 'DROP COLUMN', rewrite: 'table rewritten:', aborts: 'aborted:',
};

/** `DELETE orders` */
export function incidentTitle({ kind, object }: Incident): string {
  return `${TITLES[kind]} ${object}`;
}

/** `3761 rows of 3761 (100 %)`; empty where rows say nothing. */
export function incidentExtent({ kind, rows, ofRows, isEstimate }: Incident): string {
  if (kind === 'aborts') return '';
  const isShare = kind === 'delete' || kind === 'update';
  const about = isEstimate ? 'about ' : '';
  const share = ofRows !== null && ofRows > 0 && isShare ? ` of ${about}${ofRows} (${Math.round((Math.min(rows, ofRows) / ofRows) * 100)} %)` : '';
  return `${isShare ? '' : about}${rows} row${rows === 1 ? '' : 's'}${share}`;
}
