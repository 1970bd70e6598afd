/** Answers the screen's questions by asking src/query: the one place through which the screen reaches the data. Runs in a worker. */
import { compileTableWhere } from '../../query/tableWhere.js';
import { writerLookup } from '../../query/blame.js';
import { CommitSteps } from '../../query/commitSteps.js';
import { indexForConditions } from '../../query/indexScan.js';
import { momentAt } from '../../query/databaseAt.js';
import type { Moment } from '../../query/moment.js';
import { primaryKeyColumns } from '../../query/primaryKey.js';
import { RowMarks } from '../../query/rowMarks.js';
import { openSource, type ScanSource } from '../../query/scanSource.js';
import { Findings, type DatabaseAt, type Session } from '../../query/session.js';
import { findTransaction } from '../../query/show.js';
import { listTables } from '../../query/tables.js';
import { prepareVirtualColumns, virtualColumns, type VirtualColumns } from '../../query/virtualColumns.js';
import type { CompiledWhere } from '../../query/where/index.js';
import type { XactRow } from '../../layerfile/deltaLayer.js';
import { ExitCode, WalscopeError } from '../../util/errors.js';
import { formatLsn, type Lsn } from '../../util/lsn.js';
import { formatTimestamptz } from '../../util/pgTime.js';
import { qualifiedName } from '../../util/quote.js';
import type { CaseInfo, Direction, GridColumn, GridRow, MomentInfo, OpenedTable, Place, RowsAnswer, Scene, TableEntry, TableQuestion } from '../protocol.js';
import { Comparisons } from './comparisons.js';
import { Exports, type Files } from './exports.js';
import { Pages } from './pages.js';
import { sortedRows } from './sortedRows.js';
import { ListedRows, rowReader, TableRows, type RowSource } from './tableRows.js';
import { Transactions } from './transactions.js';
import type { Work } from './work.js';

interface OpenRows {
  source: RowSource;
  findings: Findings;
}

const KEPT_HANDLES = 8;
/** Rows found through an index that are listed at most; with more, the table is read instead. */
const LISTED_ROWS = 100_000;

export class Model {
  readonly transactions: Transactions;
  readonly comparisons: Comparisons;
  readonly pages: Pages;
  readonly exports: Exports;
  private readonly steps: CommitSteps;
  private readonly moments = new Map<Lsn, Moment>();
  private readonly opened = new Map<number, OpenRows>();
  private handles = 0;
  /** Of the transactions that were stepped over. */
  private readonly ended = new Map<number, XactRow>();

  constructor(readonly session: Session, readonly work: Work, files: Files) {
    this.steps = new CommitSteps(session.store);
    this.transactions = new Transactions(this);
    this.comparisons = new Comparisons(this);
    this.pages = new Pages(this);
    this.exports = new Exports(this, files);
  }

  time(micros: number): string {
    return formatTimestamptz(micros, this.session.zone);
  }

  private momentInfo(moment: Moment): MomentInfo {
    this.moments.set(moment.lsn, moment);
    return { lsn: moment.lsn, time: moment.time, timeText: moment.time === null ? 'unknown time' : formatTimestamptz(moment.time, moment.zone), timeline: moment.timeline };
  }

  /** A moment that was given before, or any record's boundary. */
  momentOf(lsn: Lsn): Moment {
    return this.moments.get(lsn) ?? momentAt(this.session, lsn, null);
  }

  databaseAt(lsn: Lsn, name: string): DatabaseAt {
    return this.session.database(this.momentOf(lsn), name);
  }

  /** What the case covers. */
  caseInfo(): CaseInfo {
    const { store } = this.session;
    const first = store.coverage[0], last = store.coverage.at(-1);
    if (!first || !last) this.session.moment('latest'); // refuses, and says why
    const times = [store.firstKnownTime(first!), store.lastKnownTime(last!)].map((time) => (time === null ? null : this.time(time)));
    return { caseDir: store.caseDir, firstLsn: first!.firstLsn, lastLsn: last!.lastLsn, firstTime: times[0]!, lastTime: times[1]! };
  }

  /** The scene at a moment as users write it; refused where the database is not there then. */
  goTo(text: string, database: string | undefined): Scene {
    return this.scene(this.session.moment(text), database);
  }

  /** The scene just before the previous commit (just after the next one) from `lsn` on, of those that touch the table where one is named; null where there is none. */
  step(lsn: Lsn, database: string, direction: Direction, tableOid: number | undefined): { scene: Scene; xid: number; timeText: string } | null {
    const table = tableOid === undefined ? undefined : { database: this.databaseAt(lsn, database), oid: tableOid };
    const row = direction === 'previous' ? this.steps.previous(lsn, table) : this.steps.next(lsn, table);
    if (!row) return null;
    this.ended.set(row.xid, row);
    const moment = direction === 'previous' ? this.session.moment(formatLsn(row.lsn)) : momentAt(this.session, row.endLsn, row.time);
    return { scene: this.scene(moment, database), xid: row.xid, timeText: this.time(row.time) };
  }

  private scene(moment: Moment, database: string | undefined): Scene {
    this.moments.set(moment.lsn, moment);
    const at = this.session.database(moment, database);
    return {
      moment: this.momentInfo(moment), database: at.database.name, tables: this.tables(at),
      databases: this.session.databasesAt(moment).filter((each) => !each.database.isTemplate).map((each) => each.database.name),
    };
  }

  /** Tables as of the moment; those that exist only at the last moment come as `created later`. */
  private tables(at: DatabaseAt): TableEntry[] {
    const entry = (row: ReturnType<typeof listTables>[number], fate: TableEntry['fate']): TableEntry => ({ oid: row.oid, schema: row.schema, name: row.name, type: row.type, pages: row.pages, fate });
    const entries = listTables(at, {}).map((row) => entry(row, row.droppedSince ? 'dropped later' : 'stays'));
    const latest = this.session.moment('latest');
    const later = latest.lsn === at.moment.lsn ? undefined : this.session.databasesAt(latest).find((d) => d.database.oid === at.database.oid);
    if (later) for (const row of listTables(later, {})) if (!at.catalog.relations.has(row.oid)) entries.push(entry(row, 'created later'));
    return entries;
  }

  private prepared: Promise<void> | undefined;

  /** Makes virtual columns readable in what changed. */
  prepare(): Promise<void> {
    return (this.prepared ??= prepareVirtualColumns(this.session, ...this.session.databasesAt(this.session.moment('latest'))));
  }

  /** Opens a table's rows as of a moment. Errors are those of asof. */
  async open(question: TableQuestion): Promise<OpenedTable> {
    const database = this.databaseAt(question.lsn, question.database);
    const source = openSource(database, `oid:${question.oid}`);
    const { table } = source;
    const findings = new Findings();
    for (const finding of source.missing) findings.add(finding);
    const virtual = await virtualColumns(database, table);
    const where = question.where === undefined ? undefined : await compileTableWhere(database, table, question.where, virtual.places);
    const { stepped } = question;
    const marks = stepped && source.parts.map((part) => new RowMarks(database, part.table.relation, this.transactionOf(stepped.xid), stepped.direction === 'previous' ? 'before' : 'after'));
    const physical = new TableRows(database, source, { where, virtual, marks }, this.work, findings.add);
    const found = where && !marks ? this.indexed(database, source, { where, virtual }, findings) : undefined;
    const sorted = question.order && sortedRows(database, source, question.order, found ?? physical, this.work);
    const rows = sorted?.rows ?? found ?? physical;
    const handle = this.keep({ source: rows, findings });
    return {
      handle, oid: question.oid, name: qualifiedName(table.schema, table.relation.name), columns: this.columns(database, source),
      pages: source.parts.reduce((sum, part) => sum + (database.blocks(part.table.relation) ?? 0), 0),
      count: rows instanceof ListedRows ? rows.count : undefined, total: sorted?.total, notices: [...new Set([...source.notices, ...(where?.notices ?? []), ...virtual.notices])],
    };
  }

  private keep(rows: OpenRows): number {
    if (this.opened.size >= KEPT_HANDLES) this.opened.delete(this.opened.keys().next().value!);
    this.opened.set(++this.handles, rows);
    return this.handles;
  }

  /** The end of a transaction, which is remembered. */
  transactionOf(xid: number): XactRow {
    let row = this.ended.get(xid);
    if (!row) this.ended.set(xid, (row = findTransaction(this.session, xid).row));
    return row;
  }

  /** The rows of a condition that an index answers, in physical order; undefined where none does, or they are too many. */
  private indexed(database: DatabaseAt, source: ScanSource, filter: { where: CompiledWhere; virtual: VirtualColumns }, findings: Findings): ListedRows | undefined {
    const plans = source.parts.map((part) => indexForConditions(database, part, filter.where));
    if (plans.some((plan) => plan === undefined)) return undefined;
    const rows: GridRow[] = [];
    for (const [p, part] of source.parts.entries()) {
      const take = rowReader(part, p, source.table.columns.length, filter, findings.add);
      plans[p]!.scan((row) => {
        const taken = take(row);
        if (taken) rows.push(taken);
        this.work.progress('reading an index', rows.length, 0);
        return rows.length <= LISTED_ROWS;
      }, findings.add);
      if (rows.length > LISTED_ROWS) return undefined;
    }
    return new ListedRows(rows.sort((a, b) => a.place[0] - b.place[0] || a.place[1] - b.place[1] || a.place[2] - b.place[2]));
  }

  columns(database: DatabaseAt, source: ScanSource): GridColumn[] {
    const { table } = source;
    const key = primaryKeyColumns(database, table.relation.oid) ?? [];
    return table.columns.map(({ column }) => ({ name: column.name, typeName: database.types.formatType(column.typeOid, column.typmod), isKey: key.includes(column.name) }));
  }

  private rowsOf(handle: number): OpenRows {
    const rows = this.opened.get(handle);
    if (!rows) throw new WalscopeError('tui.closed', 'these rows were closed in the meantime', { exitCode: ExitCode.usage, hint: 'press Esc and open the table again' });
    return rows;
  }

  private answer({ findings }: OpenRows, rows: GridRow[]): RowsAnswer {
    return { rows, findings: findings.list.map((finding) => finding.message) };
  }

  rowsFrom(handle: number, place: Place | undefined, inclusive: boolean, count: number): RowsAnswer {
    const rows = this.rowsOf(handle);
    return this.answer(rows, rows.source.from(place, inclusive, count));
  }

  rowsBefore(handle: number, place: Place | undefined, count: number): RowsAnswer {
    const rows = this.rowsOf(handle);
    return this.answer(rows, rows.source.before(place, count));
  }

  /** The nearest row after (before) the place in which a value contains the text, whatever its case; null: none. */
  search(handle: number, place: Place | undefined, text: string, direction: Direction): Place | null {
    const { source } = this.rowsOf(handle);
    const wanted = text.toLowerCase();
    const SEARCHED_ROWS = 200;
    for (let at = place; ;) {
      const rows = direction === 'next' ? source.from(at, false, SEARCHED_ROWS) : source.before(at, SEARCHED_ROWS).reverse();
      const found = rows.find((row) => row.values.some((value) => value?.toLowerCase().includes(wanted)));
      if (found) return found.place;
      if (rows.length === 0) return null;
      at = rows.at(-1)!.place;
      this.work.check();
    }
  }

  /** The nearest row after (before) the place that the step marks; null: none. */
  marked(handle: number, place: Place | undefined, direction: Direction): Place | null {
    return this.rowsOf(handle).source.marked(place, direction) ?? null;
  }

  /** Who wrote the versions: time and LSN of each xid's commit, null where that was before the archive. */
  writers(lsn: Lsn, database: string, xids: number[]): { xid: number; timeText: string | null; lsnText: string | null }[] {
    const lookup = writerLookup(this.databaseAt(lsn, database));
    return xids.map((xid) => {
      this.work.check();
      const row = lookup(xid);
      return { xid, timeText: row && this.time(row.time), lsnText: row && formatLsn(row.lsn) };
    });
  }
}
