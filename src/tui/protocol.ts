/** What goes between the screen and the worker that asks src/query: plain data only. */
import type { Lsn } from '../util/lsn.js';
import type { Change } from '../query/diff.js';
import type { Comparisons } from './model/comparisons.js';
import type { Exports } from './model/exports.js';
import type { Model } from './model/model.js';
import type { Pages } from './model/pages.js';
import type { Transactions } from './model/transactions.js';
import type { Progress } from './model/work.js';

/** The parts of the model that answer. */
export interface Parts {
  rows: Model;
  transactions: Transactions;
  comparisons: Comparisons;
  pages: Pages;
  exports: Exports;
}

type Methods<T> = Extract<{ [K in keyof T]: T[K] extends (...args: never[]) => unknown ? K : never }[keyof T], string>;
/** A question is a method of a part: `rows.open`. */
export type Question = { [P in keyof Parts]: `${P}.${Methods<Parts[P]>}` }[keyof Parts];
type Method<Q> = Q extends `${infer P extends keyof Parts}.${infer M}` ? (M extends keyof Parts[P] ? Parts[P][M] : never) : never;
export type Arguments<Q extends Question> = Method<Q> extends (...args: infer A) => unknown ? A : never;
export type Answer<Q extends Question> = Method<Q> extends (...args: never[]) => infer R ? Awaited<R> : never;

export interface Request {
  id: number;
  question: Question;
  args: unknown[];
}

/** A failure as it crosses threads. */
export type Failure =
  | { kind: 'interrupted' }
  /** Bad input or a question without an answer. */
  | { kind: 'refused'; code: string; message: string; hint: string | undefined; exitCode: number }
  | { kind: 'bug'; stack: string };

export type Reply =
  | { id: number; kind: 'answer'; answer: unknown }
  | { id: number; kind: 'failure'; failure: Failure }
  | { id: number; kind: 'progress'; progress: Progress };

/** A moment as the screen shows it. */
export interface MomentInfo {
  lsn: Lsn;
  /** Microseconds since 2000; null where none is known. */
  time: number | null;
  /** The time printed in the zone asked for. */
  timeText: string;
  timeline: number;
}

/** A line of the left pane. */
export interface TableEntry {
  oid: number;
  schema: string;
  name: string;
  type: string;
  pages: number | undefined;
  /** When it goes or comes, seen from the moment. */
  fate: 'stays' | 'dropped later' | 'created later';
}

/** What the screen shows around the rows: the moment, the databases, the tables. */
export interface Scene {
  moment: MomentInfo;
  database: string;
  databases: string[];
  tables: TableEntry[];
}

export interface CaseInfo {
  caseDir: string;
  firstLsn: Lsn;
  lastLsn: Lsn;
  /** Printed; null where unknown. */
  firstTime: string | null;
  lastTime: string | null;
}

export interface GridColumn {
  name: string;
  typeName: string;
  /** Part of the primary key. */
  isKey: boolean;
}

/** Where a row stands: part, block and line pointer; or its number in a list, then twice 0. */
export type Place = readonly [number, number, number];

export interface GridRow {
  place: Place;
  values: (string | null)[];
  /** What the last step did to it. */
  change: Change | undefined;
  /** Not there any more at this moment: what the last step removed. */
  isGone: boolean;
  /** Position of the version: for its page. */
  block: number;
  offnum: number;
  /** OID of the relation that holds it: a partition's, where the table has such. */
  oid: number;
  xmin: number;
}

/** Where the rows stand in time, and which of them are asked for. */
export interface TableQuestion {
  lsn: Lsn;
  database: string;
  oid: number;
  where: string | undefined;
  order: { column: string; descending: boolean } | undefined;
  /** The transaction that was stepped over: what it did to the rows is marked. */
  stepped: { xid: number; direction: Direction } | undefined;
}

export type Direction = 'previous' | 'next';

export interface OpenedTable {
  handle: number;
  oid: number;
  name: string;
  columns: GridColumn[];
  pages: number;
  /** Rows where they are all known: of a list that was sorted or found through an index. */
  count: number | undefined;
  /** Rows that were sorted, where fewer of them may be listed. */
  total: number | undefined;
  notices: string[];
}

export interface RowsAnswer {
  rows: GridRow[];
  /** What could not be read so far. */
  findings: string[];
}

/** A row that differs between two moments. */
export interface ChangedRow {
  change: Change;
  before: (string | null)[] | null;
  after: (string | null)[] | null;
}

export interface TableChanges {
  name: string;
  columns: GridColumn[];
  /** The first of them. */
  changes: ChangedRow[];
  counts: Record<Change, number>;
  findings: string[];
}

export interface ChangedTable {
  oid: number;
  name: string;
  counts: Record<Change, number>;
}

/** A line of the log. */
export interface LogLine {
  lsn: Lsn;
  endLsn: Lsn;
  xid: number | null;
  /** In which it changed something; empty: in none. */
  database: string;
  time: string;
  event: string;
  tables: { oid: number; text: string }[];
  ddl: string[];
  detail: string;
}

export interface IncidentLine {
  title: string;
  /** Rows, of how many. */
  extent: string;
  database: string;
  time: number;
  timeText: string;
  xid: number;
  lsn: Lsn;
  /** The moment just before, as --at takes it. */
  before: string;
  /** The table it happened to, where it is one. */
  oid: number | undefined;
}

/** One row change of a transaction. */
export interface TransactionChange {
  oid: number;
  table: string;
  change: Change;
  columns: string[];
  key: string[];
  before: (string | null)[] | null;
  after: (string | null)[] | null;
}

export interface TransactionInfo {
  xid: number;
  lsn: Lsn;
  headline: string;
  ddl: string[];
  changes: TransactionChange[];
  /** There are more than were read. */
  isCut: boolean;
  database: string;
  findings: string[];
}

/** Rows that are all there: history and the like. */
export interface RowList {
  columns: GridColumn[];
  rows: (string | null)[][];
  notices: string[];
}

/** A page's chain of records. */
export interface PageInfo {
  handle: number;
  name: string;
  block: number;
  blocks: number;
  kind: string;
  /** What the chain starts from. */
  start: string;
  records: { lsn: Lsn; line: string }[];
}

export interface PageState {
  bytes: Uint8Array;
  header: string;
  items: { offnum: number; off: number; len: number; text: string }[];
  problems: string[];
  /** What the record before this state changed, and where. */
  changes: { offset: number; length: number; where: string }[];
}

/** WAL written over time: bytes a bucket, from the first to the last time of the transaction log (µs since 2000). */
export interface Activity {
  from: number;
  to: number;
  fromText: string;
  toText: string;
  bytes: number[];
}

export interface Exported {
  path: string;
  text: string;
}
