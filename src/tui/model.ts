/** What the screen shows, asked of src/query: the one place through which the screen reaches the data. */
import { hasHeapStorage } from '../catalog/relation.js';
import { ForkNumber } from '../pg/relFileLocator.js';
import { compileTableWhere } from '../query/asof.js';
import { CommitSteps } from '../query/commitSteps.js';
import { diffTable, type Change, type RowChange } from '../query/diff.js';
import type { Moment } from '../query/moment.js';
import { indexesOf, primaryKeyColumns } from '../query/primaryKey.js';
import { Findings, type DatabaseAt, type Session } from '../query/session.js';
import { listTables } from '../query/tables.js';
import type { XactRow } from '../layerfile/deltaLayer.js';
import { isCommit } from '../store/transactionLog.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import { qualifiedName } from '../util/quote.js';
import { Pause, TableRows } from './tableRows.js';

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

export interface GridColumn {
  name: string;
  typeName: string;
  /** Part of the primary key. */
  isKey: boolean;
}

/** A table, opened as of the moment. */
export interface OpenTable {
  oid: number;
  name: string;
  columns: GridColumn[];
  pages: number;
  rows: TableRows;
  /** What could not be read, as it comes. */
  findings: Findings;
  notices: readonly string[];
}

/** The changes of one table between two moments, at most `CHANGES_KEPT` of them. */
export interface TableChanges {
  name: string;
  columns: GridColumn[];
  changes: RowChange[];
  counts: Record<Change, number>;
}

/** WAL written over time: bytes a bucket, from the first to the last time of the transaction log (µs since 2000). */
export interface Activity {
  from: number;
  to: number;
  bytes: number[];
}

const CHANGES_KEPT = 10_000;
const ACTIVITY_BUCKETS = 512;

export class Model {
  private readonly steps: CommitSteps;
  private at: DatabaseAt;

  constructor(private readonly session: Session, readonly caseDir: string, moment: string, dbname: string | undefined) {
    this.steps = new CommitSteps(session.store);
    this.at = session.database(session.moment(moment), dbname);
  }

  get moment(): Moment { return this.at.moment; }
  get databaseName(): string { return this.at.database.name; }
  get firstLsn(): Lsn { return this.session.store.coverage[0]!.firstLsn; }
  get lastLsn(): Lsn { return this.session.store.coverage.at(-1)!.lastLsn; }

  /** Goes to a moment as users write it; stays where it is when the database is not there then. */
  goTo(text: string): void {
    this.at = this.session.database(this.session.moment(text), this.databaseName);
  }

  /** Goes to just before the previous commit (just after the next one); gives it, or undefined where there is none. */
  step(direction: 'previous' | 'next', tableOid: number | undefined): XactRow | undefined {
    const table = tableOid === undefined ? undefined : { database: this.at, oid: tableOid };
    const row = direction === 'previous' ? this.steps.previous(this.moment.lsn, table) : this.steps.next(this.moment.lsn, table);
    if (row) this.goTo(formatLsn(direction === 'previous' ? row.lsn : row.endLsn));
    return row;
  }

  /** Tables as of the moment; those that exist only at the last moment come as `created later`. */
  tables(): TableEntry[] {
    const entries: TableEntry[] = listTables(this.at, {}).map((row) => ({ ...row, fate: row.droppedSince ? 'dropped later' : 'stays' }));
    const latest = this.session.moment('latest');
    const later = latest.lsn === this.moment.lsn ? undefined : this.session.databasesAt(latest).find((d) => d.database.oid === this.at.database.oid);
    if (later) {
      const known = new Set(this.at.catalog.relations.keys());
      for (const row of listTables(later, {})) if (!known.has(row.oid)) entries.push({ ...row, fate: 'created later' });
    }
    return entries;
  }

  exists(oid: number): boolean {
    return this.at.catalog.relations.has(oid);
  }

  /** Opens a table as of the moment; `where` is an expression. Errors are those of asof. */
  async open(oid: number, where: string | undefined): Promise<OpenTable> {
    const relation = this.at.catalog.relations.get(oid)!;
    const table = this.at.open(relation);
    const findings = new Findings();
    const compiled = where === undefined ? undefined : await compileTableWhere(this.at, table, where);
    const pages = this.at.snapshot.blocks({ ...relation.locator, fork: ForkNumber.main }) ?? 0;
    return {
      oid, pages, findings, notices: compiled?.notices ?? [], name: qualifiedName(table.schema, relation.name),
      columns: this.columns(this.at, oid, table.columns.map(({ column }) => ({ name: column.name, typeName: this.at.types.formatType(column.typeOid, column.typmod) }))),
      rows: new TableRows(table, pages, compiled, findings.add),
    };
  }

  private columns(database: DatabaseAt, oid: number, columns: { name: string; typeName: string }[]): GridColumn[] {
    const key = primaryKeyColumns(database, oid) ?? [];
    return columns.map(({ name, typeName }) => ({ name, typeName, isKey: key.includes(name) }));
  }

  /** What changed in a table from one moment to another. */
  diff(oid: number, from: Moment, to: Moment): TableChanges {
    const sides = { before: this.session.database(from, this.databaseName), after: this.session.database(to, this.databaseName) };
    const pair = { before: sides.before.catalog.relations.get(oid), after: sides.after.catalog.relations.get(oid) };
    const counts: Record<Change, number> = { added: 0, removed: 0, changed: 0 };
    const changes: RowChange[] = [];
    if (![pair.before, pair.after].some((relation) => relation && hasHeapStorage(relation))) return { name: '', columns: [], changes, counts };
    const diff = diffTable(sides, pair, new Findings());
    diff.rows((change) => {
      counts[change.change]++;
      if (changes.length < CHANGES_KEPT) changes.push(change);
    });
    return { name: qualifiedName(diff.schema, diff.name), columns: diff.columns.map((column) => ({ ...column, isKey: diff.key.includes(column.name) })), changes, counts };
  }

  /** Columns and indexes of a table, a line each, like psql's \d. */
  schema(oid: number): string[] {
    const columns = this.at.catalog.columns(oid).filter((column) => !column.dropped);
    const width = Math.max(...columns.map((column) => column.name.length), 6);
    const types = columns.map((column) => this.at.types.formatType(column.typeOid, column.typmod));
    const typeWidth = Math.max(...types.map((type) => type.length), 4);
    const lines = [`${'Column'.padEnd(width)} | ${'Type'.padEnd(typeWidth)} | Nullable`, `${'-'.repeat(width)}-+-${'-'.repeat(typeWidth)}-+---------`];
    columns.forEach((column, i) => lines.push(`${column.name.padEnd(width)} | ${types[i]!.padEnd(typeWidth)} | ${column.notNull ? 'not null' : ''}`));
    const indexes = indexesOf(this.at, oid);
    if (indexes.length > 0) lines.push('', 'Indexes:');
    for (const index of indexes) {
      const names = index.key.map((attnum) => columns.find((column) => column.attnum === attnum)?.name ?? '(expression)');
      const kind = index.isPrimary ? 'PRIMARY KEY, ' : index.isUnique ? 'UNIQUE, ' : '';
      lines.push(`    ${index.relation.name} ${kind}${this.at.types.accessMethod(index.relation.amOid) ?? 'index'} (${names.join(', ')})${index.hasPredicate ? ' WHERE …' : ''}`);
    }
    return lines;
  }

  /** The whole transaction log by time; undefined where it holds no commit. */
  async activity(signal: AbortSignal): Promise<Activity | undefined> {
    const pause = new Pause(signal);
    const points: { time: number; bytes: number }[] = [];
    for (const range of this.session.store.coverage) {
      let last = range.firstLsn;
      for (const row of this.session.store.transactions.rows(range.firstLsn, range.lastLsn)) {
        if (!isCommit(row)) continue;
        points.push({ time: row.time, bytes: row.endLsn - last });
        last = row.endLsn;
        if (points.length % 4096 === 0) await pause.ifDue();
      }
    }
    if (points.length === 0) return undefined;
    const from = points.reduce((least, point) => Math.min(least, point.time), Infinity);
    const to = points.reduce((most, point) => Math.max(most, point.time), -Infinity);
    const bytes = new Array<number>(ACTIVITY_BUCKETS).fill(0);
    for (const point of points) bytes[Math.min(ACTIVITY_BUCKETS - 1, Math.floor(((point.time - from) / Math.max(1, to - from)) * ACTIVITY_BUCKETS))]! += point.bytes;
    return { from, to, bytes };
  }
}
