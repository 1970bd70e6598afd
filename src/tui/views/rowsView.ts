/** The rows of a table at the moment: a window over them that is filled as it moves. */
import { Interrupted } from '../model/work.js';
import type { Direction, GridColumn, GridRow, OpenedTable, Place, TableQuestion } from '../protocol.js';
import { chooseColumns, firstFor, gridHeading, gridLine, growWidths } from '../grid.js';
import type { Screen } from '../screen.js';
import { fit } from '../text.js';
import { shellQuote } from '../../util/shell.js';
import { distance, scrolled, type Area, type View } from './view.js';
import { formatCount } from '../../output/units.js';

/** Rows that are held at most; those far from the cursor go. */
const HELD_ROWS = 2_000;
/** Screens of rows that are read ahead. */
const AHEAD_SCREENS = 3;
const WRITER_COLUMNS: readonly GridColumn[] = [['written', 'timestamptz'], ['xid', 'xid'], ['lsn', 'pg_lsn']].map(([name, typeName]) => ({ name: name!, typeName: typeName!, isKey: false }));

type Writer = readonly (string | null)[];

function extent({ count, total, pages }: OpenedTable): string {
  const number = (value: number): string => formatCount(value);
  if (count === undefined) return `${number(pages)} page${pages === 1 ? '' : 's'}`;
  return total !== undefined && total > count ? `the first ${number(count)} of ${number(total)} rows` : `${number(count)} row${count === 1 ? '' : 's'}`;
}

export class RowsView implements View {
  readonly isWide = false;
  table: OpenedTable | undefined;
  filter: string | undefined;
  order: TableQuestion['order'];
  /** The transaction that was stepped over last. */
  stepped: TableQuestion['stepped'];
  stepText = '';
  rows: GridRow[] = [];
  cursor = 0;
  column = 0;
  /** Last writers of the rows are shown. */
  isBlame = false;
  private top = 0;
  private firstColumn = 0;
  private widths: number[] = [];
  private atStart = true;
  private atEnd = true;
  private readonly writers = new Map<number, Writer>();
  private isAhead = false;
  /** Rows are still to be read where an interrupted key left them. */
  isStale = false;
  private isOpening = false;

  constructor(private readonly screen: Screen) {}

  get current(): GridRow | undefined { return this.rows[this.cursor]; }
  get columns(): readonly GridColumn[] { return this.table === undefined ? [] : this.isBlame ? [...WRITER_COLUMNS, ...this.table.columns] : this.table.columns; }
  /** Rows that fit, below the heading. */
  private get height(): number { return Math.max(1, this.screen.bodyHeight - 1); }
  private get lead(): number { return this.isBlame ? WRITER_COLUMNS.length : 0; }
  /** The column of the table under the cursor; undefined on a writer's. */
  get tableColumn(): GridColumn | undefined { return this.table?.columns[this.column - this.lead]; }

  /** Values of the primary key of the row under the cursor; empty: there is none. */
  get key(): (string | null)[] {
    const row = this.current;
    return row && this.table ? this.table.columns.flatMap((column, i) => (column.isKey ? [row.values[i]!] : [])) : [];
  }

  /** Values of the row under the cursor as they are shown, its writer's before them where those are. */
  get currentValues(): readonly (string | null)[] | undefined { return this.current && this.lines([this.current])[0]!.values; }

  value(): string | null | undefined { return this.currentValues?.[this.column]; }
  row(): readonly (string | null)[] | undefined { return this.current?.values; }

  click(line: number): void {
    if (line > 0) this.cursor = Math.max(0, Math.min(this.rows.length - 1, this.top + line - 1));
  }

  title(): string {
    const { entry } = this.screen.pane;
    const { table } = this;
    const name = table?.name ?? entry?.name ?? '';
    const parts = [entry && entry.type !== 'table' ? `${entry.type} ${name}` : name];
    if (table) {
      const row = this.current;
      parts.push(extent(table));
      if (row) parts.push(`(${row.block},${row.offnum})${table.count === undefined && table.pages > 0 ? ` ${Math.floor(((row.block + 1) / table.pages) * 100)}%` : ''}`);
    }
    if (this.stepText !== '') parts.push(this.stepText);
    if (this.filter !== undefined) parts.push(`where ${this.filter}`);
    if (this.order) parts.push(`by ${this.order.column}${this.order.descending ? ' desc' : ''}`);
    return parts.join(' · ');
  }

  hints(): string {
    if (this.stepped) return '[ ] commit  > < its rows  m mark  d diff  u undo  e export';
    return '[ ] commit  { } incident  t time  f filter  Enter row';
  }

  command(): string {
    if (!this.screen.pane.entry) return 'tables';
    const where = this.filter === undefined ? '' : ` --where ${shellQuote(this.filter)}`;
    return this.isBlame ? `blame ${this.screen.tableWord()} ${this.screen.atOption()}${where}` : `asof ${this.screen.tableWord()} ${this.screen.atOption()}${where}`;
  }

  draw({ width, paint, isFocused }: Area): string[] {
    if (!this.table) return ['', fit(` ${this.screen.pane.entry?.fate === 'created later' ? 'not there at this moment' : this.isOpening || this.isStale || !this.screen.scene ? '' : 'no rows to show'}`, width)];
    this.top = scrolled(Math.min(this.top, Math.max(0, this.rows.length - this.height)), this.cursor, this.height);
    const lines = this.lines(this.rows.slice(this.top, this.top + this.height));
    this.widths = growWidths(this.widths, this.columns, lines);
    this.firstColumn = firstFor(this.columns, this.widths, this.column, this.firstColumn, width);
    const shown = chooseColumns(this.columns, this.widths, this.firstColumn, width);
    const { order, screen } = this;
    const heading = gridHeading(this.columns, shown, isFocused ? this.column : -1, width, paint, (i) => (order && this.columns[i]!.name === order.column && i >= this.lead ? (order.descending ? '↓' : '↑') : ''));
    const body = lines.map((line, i) => gridLine(this.columns, shown, line, { isHere: this.top + i === this.cursor, isFocused, column: this.column, found: screen.searched?.toLowerCase() }, paint));
    if (lines.length === 0 && !screen.isBusy) body.push(paint(fit(this.filter === undefined ? ' (0 rows)' : ' (no row matches the filter)', width), 'dim'));
    return [heading, ...body];
  }

  private lines(rows: readonly GridRow[]) {
    if (!this.isBlame) return rows;
    return rows.map((row) => ({ ...row, values: [...(this.writers.get(row.xmin) ?? ['…', String(row.xmin), '']), ...row.values] }));
  }

  async press(key: string): Promise<boolean> {
    const { length } = this.columns;
    switch (key) {
      case 'h': case 'left': this.column = Math.max(0, this.column - 1); return true;
      case 'l': case 'right': this.column = Math.max(0, Math.min(length - 1, this.column + 1)); return true;
      case '0': case '^': this.column = 0; return true;
      case '$': this.column = Math.max(0, length - 1); return true;
      case 'b':
        this.isBlame = !this.isBlame;
        this.widths = [];
        this.column = this.isBlame ? this.column + WRITER_COLUMNS.length : Math.max(0, this.column - WRITER_COLUMNS.length);
        await this.readWriters();
        return true;
      case 'o': await this.sort(); return true;
      case '>': case '<': await this.toMarked(key === '>' ? 'next' : 'previous'); return true;
      case 'g': case 'home': await this.goToEnd('previous'); return true;
      case 'G': case 'end': await this.goToEnd('next'); return true;
    }
    const by = distance(key, this.height);
    if (by === 0) return false;
    await this.move(by);
    return true;
  }

  /** Moves the cursor, reading rows where it leaves those that are held. */
  private async move(by: number): Promise<void> {
    if (!this.table) return;
    const { table } = this;
    while (this.cursor + by >= this.rows.length && !this.atEnd) await this.append(table, by + this.height);
    while (this.cursor + by < 0 && !this.atStart) await this.prepend(table, this.height - by);
    this.cursor = Math.max(0, Math.min(this.rows.length - 1, this.cursor + by));
    await this.readWriters();
    this.readAhead(table, by);
  }

  private async append(table: OpenedTable, count: number): Promise<void> {
    const last = this.rows.at(-1);
    const { rows, findings } = await this.screen.ask('rows.rowsFrom', table.handle, last?.place, false, count);
    // others may have read in the meantime: ahead, or another table
    if (this.table !== table || this.rows.at(-1) !== last) return;
    this.atEnd = rows.length < count;
    this.rows = [...this.rows, ...rows];
    const surplus = Math.min(this.rows.length - HELD_ROWS, this.cursor - this.height);
    if (surplus > 0) {
      this.rows.splice(0, surplus);
      this.cursor -= surplus;
      this.top = Math.max(0, this.top - surplus);
      this.atStart = false;
    }
    this.screen.tellFindings(findings);
  }

  private async prepend(table: OpenedTable, count: number): Promise<void> {
    const first = this.rows[0];
    const { rows, findings } = await this.screen.ask('rows.rowsBefore', table.handle, first?.place, count);
    if (this.table !== table || this.rows[0] !== first) return;
    this.atStart = rows.length < count;
    this.rows = [...rows, ...this.rows];
    this.cursor += rows.length;
    this.top += rows.length;
    if (this.rows.length > HELD_ROWS) {
      this.rows.length = Math.max(HELD_ROWS, this.cursor + this.height);
      this.atEnd = false;
    }
    this.screen.tellFindings(findings);
  }

  /** Reads rows that the next keys will want, while nobody waits; a question of a key's stops it. Not under a filter, where it could take long. */
  private readAhead(table: OpenedTable, by: number): void {
    if (this.isAhead || this.filter !== undefined) return;
    const margin = this.height * AHEAD_SCREENS;
    const wantsNext = by > 0 && !this.atEnd && this.rows.length - this.cursor < margin;
    const wantsPrevious = by < 0 && !this.atStart && this.cursor < margin;
    if (!wantsNext && !wantsPrevious) return;
    this.isAhead = true;
    void this.screen.aside(async () => {
      try {
        await (wantsNext ? this.append(table, margin * 2) : this.prepend(table, margin * 2));
      } finally {
        this.isAhead = false;
      }
    });
  }

  private async goToEnd(direction: Direction): Promise<void> {
    const { table } = this;
    if (!table) return;
    const count = this.height * 2;
    const answer = direction === 'previous' ? await this.screen.ask('rows.rowsFrom', table.handle, undefined, true, count) : await this.screen.ask('rows.rowsBefore', table.handle, undefined, count);
    this.rows = answer.rows;
    this.atStart = direction === 'previous' || this.rows.length < count;
    this.atEnd = direction === 'next' || this.rows.length < count;
    this.cursor = direction === 'previous' ? 0 : Math.max(0, this.rows.length - 1);
    this.top = scrolled(0, this.cursor, this.height);
    await this.readWriters();
  }

  /** Goes to a row by its place, wherever it is. */
  private async goToPlace(place: Place): Promise<void> {
    await this.fill(this.table!, place);
    this.cursor = Math.max(0, this.rows.findIndex((row) => row.place.every((part, i) => part === place[i])));
  }

  /** To a row that the step marks. */
  private async toMarked(direction: Direction): Promise<void> {
    if (!this.stepped || !this.table) return this.screen.say('step to a commit first, with [ or ]', true);
    const place = await this.screen.ask('rows.marked', this.table.handle, this.current?.place, direction);
    if (place) await this.goToPlace(place);
    else this.screen.say(`no row that xid ${this.stepped.xid} wrote ${direction === 'next' ? 'below' : 'above'}`);
  }

  /** Whether the step marks a row that is in view. */
  get showsMarks(): boolean { return this.rows.slice(this.top, this.top + this.height).some((row) => row.change !== undefined); }

  /** To the first row that the step marks, where none is in view. */
  async showMarks(): Promise<void> {
    const { table } = this;
    if (!table || this.showsMarks) return;
    const place = await this.screen.ask('rows.marked', table.handle, undefined, 'next');
    if (place) await this.goToPlace(place);
  }

  async find(text: string, direction: Direction): Promise<boolean> {
    const { table } = this;
    if (!table) return false;
    const held = this.rows.findIndex((row, i) => direction === 'next' && i > this.cursor && row.values.some((value) => value?.toLowerCase().includes(text.toLowerCase())));
    if (held >= 0) this.cursor = held;
    else {
      const place = await this.screen.ask('rows.search', table.handle, this.current?.place, text, direction);
      if (!place) return false;
      await this.goToPlace(place);
    }
    const found = this.current?.values.findIndex((value) => value?.toLowerCase().includes(text.toLowerCase())) ?? -1;
    if (found >= 0) this.column = found + this.lead;
    return true;
  }

  private async sort(): Promise<void> {
    const column = this.tableColumn?.name;
    if (column === undefined) return this.screen.say('a writer\'s column cannot be sorted: choose one of the table\'s', true);
    const before = this.order;
    this.order = before?.column !== column ? { column, descending: false } : before.descending ? undefined : { column, descending: true };
    await this.reopenOr(() => (this.order = before), true);
  }

  /** Shows the rows that an expression keeps; empty: all. Stays where it was when it is none. */
  async filterBy(text: string): Promise<void> {
    const before = this.filter;
    this.filter = text === '' ? undefined : text;
    await this.reopenOr(() => (this.filter = before), true);
  }

  private async reopenOr(undo: () => void, fromStart: boolean): Promise<void> {
    try {
      await this.open(fromStart ? undefined : this.rows[this.top]?.place);
    } catch (error) {
      undo();
      await this.open(this.rows[this.top]?.place);
      throw error;
    }
  }

  /** The table that the left pane has chosen, from its first row. */
  async choose(): Promise<void> {
    this.filter = this.order = this.stepped = undefined;
    this.stepText = '';
    this.column = this.firstColumn = 0;
    this.widths = [];
    this.empty(); // never one table's rows under another's name
    await this.open(undefined);
  }

  private empty(): void {
    this.table = undefined;
    this.rows = [];
  }

  /** Opens the table as of the moment, with the row at `from` on top. */
  async open(from: Place | undefined): Promise<void> {
    const { entry } = this.screen.pane;
    const { scene } = this.screen;
    this.isStale = false;
    if (!entry || entry.fate === 'created later' || !scene) return this.empty();
    this.isOpening = true;
    try {
      const table = await this.screen.ask('rows.open', { lsn: scene.moment.lsn, database: scene.database, oid: entry.oid, where: this.filter, order: this.order, stepped: this.stepped });
      for (const notice of table.notices) this.screen.say(notice);
      await this.fill(table, from);
    } catch (error) {
      if (error instanceof Interrupted) this.isStale = true;
      else this.empty();
      throw error;
    } finally {
      this.isOpening = false;
    }
  }

  /** Reads a table's rows from `from` on, and those before it where they do not fill the pane, and shows them. */
  private async fill(table: OpenedTable, from: Place | undefined): Promise<void> {
    const count = this.height * 2;
    const below = this.cursor - this.top;
    const { rows, findings } = await this.screen.ask('rows.rowsFrom', table.handle, from, true, count);
    let atStart = from === undefined, top = 0;
    const atEnd = rows.length < count;
    if (from !== undefined && rows.length < this.height) {
      const earlier = await this.screen.ask('rows.rowsBefore', table.handle, rows[0]?.place ?? from, this.height);
      rows.unshift(...earlier.rows);
      atStart = earlier.rows.length < this.height;
      top = Math.max(0, rows.length - this.height);
    }
    if (this.table?.oid !== table.oid) this.widths = [];
    if (this.table !== table) this.writers.clear();
    this.table = table;
    this.rows = rows;
    this.top = top;
    this.atStart = atStart;
    this.atEnd = atEnd;
    this.column = Math.min(this.column, Math.max(0, this.columns.length - 1));
    this.cursor = from === undefined ? 0 : Math.max(0, Math.min(rows.length - 1, top + below));
    this.screen.tellFindings(findings);
    await this.readWriters();
  }

  private async readWriters(): Promise<void> {
    const { scene } = this.screen;
    if (!this.isBlame || !scene) return;
    const top = scrolled(this.top, this.cursor, this.height);
    const xids = [...new Set(this.rows.slice(top, top + this.height).map((row) => row.xmin))].filter((xid) => !this.writers.has(xid));
    if (xids.length === 0) return;
    for (const { xid, timeText, lsnText } of await this.screen.ask('rows.writers', scene.moment.lsn, scene.database, xids)) this.writers.set(xid, [timeText ?? 'before the archive', String(xid), lsnText]);
  }

  async sceneChanged(): Promise<void> {
    await this.open(this.rows[this.top]?.place);
  }

  async refresh(): Promise<void> {
    if (this.isStale) await this.open(this.rows[this.top]?.place);
    // a terminal that has grown
    if (this.table && !this.atEnd && this.rows.length - this.top < this.height) await this.append(this.table, this.height);
  }
}
