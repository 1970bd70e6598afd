/** What is on the screen and what each key does to it. Knows nothing of the terminal: components draw it. */
import { WalscopeError } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';
import { formatTimestamptz } from '../util/pgTime.js';
import type { Change } from '../query/diff.js';
import type { Moment } from '../query/moment.js';
import { equivalentCommand } from './commandLine.js';
import type { Activity, GridColumn, Model, OpenTable, TableChanges, TableEntry } from './model.js';
import type { GridRow } from './tableRows.js';

export type View = 'rows' | 'record' | 'schema' | 'diff' | 'help';
export type PromptKind = 'time' | 'filter';

export interface Size {
  columns: number;
  rows: number;
}

/** Keys after which rows that are being read are no longer wanted. */
const SUPERSEDING: ReadonlySet<string> = new Set(['[', ']', 'esc', 'q', 'ctrl-c']);
const BUSY_AFTER_MS = 150;
/** Lines around the rows: header 2, title and column names 2, timeline 2, message and footer 1 each. */
const FRAME_LINES = 8;
const PROMPT_LABELS: Record<PromptKind, string> = { time: 'go to (time, LSN, xid:N, before-xid:N, point:NAME, -10m): ', filter: 'filter, as in WHERE (empty: all rows): ' };

export class Screen {
  focus: 'tables' | 'main' = 'tables';
  view: View = 'rows';
  tables: TableEntry[] = [];
  selected = 0;
  tablesTop = 0;
  /** The table shown; undefined where the selected entry has no rows at the moment. */
  table: OpenTable | undefined;
  filter: string | undefined;
  rows: GridRow[] = [];
  /** Place of the cursor among `rows`. */
  cursor = 0;
  /** Columns scrolled off to the left. */
  firstColumn = 0;
  changes: TableChanges | undefined;
  /** Scroll position and cursor of the views that are plain lists. */
  top = 0;
  lines: string[] = [];
  /** Rows, by their values, that the last step changed or is about to change. */
  readonly touched = new Map<string, Change>();
  prompt: { kind: PromptKind; label: string; text: string } | undefined;
  message = '';
  isError = false;
  /** A key's work takes longer than a moment. */
  isBusy = false;
  markA: Moment | undefined;
  markB: Moment | undefined;
  activity: Activity | undefined;
  size: Size = { columns: 80, rows: 24 };

  private readonly listeners = new Set<() => void>();
  private queue: Promise<void> = Promise.resolve();
  private work = new AbortController();
  private version = 0;
  private pending = 0;
  /** Rows that are still to be read: set while they are, and left where a newer key stopped that. */
  private unread: { top: GridRow | undefined } | undefined;

  constructor(readonly model: Model, private readonly quit: (error?: unknown) => void) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly getVersion = (): number => this.version;

  /** Settles once every key pressed so far has had its effect. */
  idle(): Promise<void> {
    return this.queue;
  }

  start(size: Size): void {
    this.size = size;
    this.enqueue(async () => {
      this.readTables(undefined);
      const first = this.tables.findIndex((entry) => entry.type === 'table' && entry.fate !== 'created later');
      this.selected = Math.max(0, first);
      await this.openSelected();
      this.say('? help · t go to a time · [ ] step through commits');
    });
    this.enqueue(async () => {
      this.activity = await this.model.activity(new AbortController().signal);
    });
  }

  resize(size: Size): void {
    this.size = size;
    this.enqueue(() => this.fillRows(this.rows[0]));
  }

  press(key: string): void {
    // a key that leads elsewhere stops the reading of what nobody waits for any more
    if (!this.prompt && (SUPERSEDING.has(key) || this.focus === 'tables')) this.work.abort();
    this.enqueue(() => this.handle(key));
  }

  get bodyHeight(): number { return Math.max(3, this.size.rows - 1 - FRAME_LINES); }
  get entry(): TableEntry | undefined { return this.tables[this.selected]; }
  get currentRow(): GridRow | undefined { return this.rows[this.cursor]; }
  get columns(): GridColumn[] { return (this.view === 'diff' ? this.changes?.columns : this.table?.columns) ?? []; }

  private enqueue(task: () => void | Promise<void>): void {
    this.pending++;
    this.queue = this.queue.then(async () => {
      this.pending--;
      const slow = setTimeout(() => this.showBusy(true), BUSY_AFTER_MS);
      try {
        this.work = new AbortController();
        await task();
        if (this.unread && this.pending === 0) await this.openSelected(this.unread.top);
      } catch (error) {
        if (error instanceof WalscopeError) this.say(error.options.hint ? `${error.message}; ${error.options.hint}` : error.message, true);
        else if (!(error instanceof DOMException && error.name === 'AbortError')) this.quit(error);
      }
      clearTimeout(slow);
      this.showBusy(false);
    });
  }

  private showBusy(isBusy: boolean): void {
    this.isBusy = isBusy;
    this.version++;
    for (const listener of this.listeners) listener();
  }

  private say(text: string, isError = false): void {
    this.message = text.replace(/\s*\n\s*/g, ' ');
    this.isError = isError;
  }

  private async handle(key: string): Promise<void> {
    if (key === 'ctrl-c') return this.quit();
    if (this.prompt) return this.handlePrompt(key);
    this.say('');
    switch (key) {
      case 'q': return this.view === 'rows' ? this.quit() : this.show('rows');
      case '?': return this.show(this.view === 'help' ? 'rows' : 'help');
      case 't': return this.ask('time', '');
      case '/': return this.ask('filter', this.filter ?? '');
      case '[': return this.step('previous');
      case ']': return this.step('next');
      case 'm': return this.mark();
      case 'd': return this.diff();
      case 's': return this.schema();
      case 'c': return this.say(equivalentCommand(this));
      case 'x': return this.show(this.view === 'record' ? 'rows' : this.currentRow ? 'record' : this.view);
      case 'tab': this.focus = this.focus === 'tables' ? 'main' : 'tables'; return;
      case 'esc': return this.escape();
      default: return this.move(key);
    }
  }

  private async escape(): Promise<void> {
    if (this.view !== 'rows') return this.show('rows');
    if (this.filter !== undefined) {
      this.filter = undefined;
      return this.openSelected();
    }
    this.focus = 'tables';
  }

  private show(view: View): void {
    this.view = view;
    this.top = 0;
    this.firstColumn = 0;
    if (view !== 'rows') this.focus = 'main';
  }

  private ask(kind: PromptKind, text: string): void {
    this.prompt = { kind, label: PROMPT_LABELS[kind], text };
  }

  private async handlePrompt(key: string): Promise<void> {
    const prompt = this.prompt!;
    if (key === 'esc') this.prompt = undefined;
    else if (key === 'backspace') prompt.text = [...prompt.text].slice(0, -1).join('');
    else if (key === 'ctrl-u') prompt.text = '';
    else if (key === 'enter') {
      this.prompt = undefined;
      this.say('');
      if (prompt.kind === 'time') await this.goTo(prompt.text);
      else await this.filterBy(prompt.text.trim());
    } else if ([...key].length === 1) prompt.text += key;
  }

  private async goTo(text: string): Promise<void> {
    if (text.trim() === '') return;
    this.model.goTo(text);
    this.touched.clear();
    await this.momentChanged();
  }

  private async filterBy(text: string): Promise<void> {
    const before = this.filter;
    this.filter = text === '' ? undefined : text;
    try {
      await this.openSelected();
    } catch (error) {
      this.filter = before;
      await this.openSelected();
      throw error;
    }
    this.show('rows');
    this.focus = 'main';
  }

  /** Steps among the commits that touch the table shown, or among all while the list of tables has the focus. */
  private async step(direction: 'previous' | 'next'): Promise<void> {
    const oid = this.focus === 'main' ? this.entry?.oid : undefined;
    const from = this.model.moment;
    const row = this.model.step(direction, oid);
    const whose = oid === undefined ? '' : ` that touches ${this.entry!.name}`;
    if (!row) return this.say(`no ${direction} commit${whose}`);
    const shown = this.entry?.oid;
    await this.momentChanged();
    const place = direction === 'previous' ? 'just before' : 'just after';
    const counts = shown === undefined ? '' : this.touch(shown, direction, from);
    this.say(`${place} xid ${row.xid}${counts} · committed ${formatTimestamptz(row.time, from.zone)}`);
  }

  /** Marks the rows that the commit stepped over changed; tells how many. */
  private touch(oid: number, direction: 'previous' | 'next', from: Moment): string {
    const [before, after] = direction === 'previous' ? [this.model.moment, from] : [from, this.model.moment];
    const { changes, counts, name } = this.model.diff(oid, before, after);
    this.touched.clear();
    for (const change of changes) {
      const values = direction === 'previous' ? change.before : change.after;
      if (values) this.touched.set(JSON.stringify(values), change.change);
    }
    return counts.added + counts.removed + counts.changed === 0 ? '' : ` · ${name}: +${counts.added} ~${counts.changed} -${counts.removed}`;
  }

  private async momentChanged(): Promise<void> {
    if (this.view === 'diff' || this.view === 'record') this.show('rows');
    this.readTables(this.entry?.oid);
    await this.openSelected(this.rows[0]);
    if (this.view === 'schema') this.schema();
  }

  private readTables(keep: number | undefined): void {
    const gone = this.entry;
    this.tables = this.model.tables();
    const found = this.tables.findIndex((entry) => entry.oid === keep);
    if (found < 0 && keep !== undefined && gone) {
      // the table shown stays selected though it is not there at this moment
      this.tables.push({ ...gone, fate: 'created later' });
      this.selected = this.tables.length - 1;
    } else this.selected = Math.max(0, found);
    this.keepSelectedInView();
  }

  /** Opens the selected entry, at the row that was on top where there is one. */
  private async openSelected(top?: GridRow): Promise<void> {
    const { entry } = this;
    this.table = undefined;
    this.unread = undefined;
    if (!top) this.firstColumn = 0;
    if (!entry || !this.model.exists(entry.oid)) {
      this.rows = [];
      return;
    }
    try {
      this.table = await this.model.open(entry.oid, this.filter);
    } catch (error) {
      this.rows = [];
      throw error;
    }
    const notice = this.table.notices[0];
    if (notice !== undefined) this.say(notice);
    this.unread = { top };
    await this.fillRows(top);
    this.unread = undefined;
  }

  /** Reads the rows from `top` on, and those before it where they do not fill the pane. */
  private async fillRows(top: GridRow | undefined): Promise<void> {
    if (!this.table) return;
    const { signal } = this.work;
    let rows = await this.table.rows.from(top, true, this.bodyHeight, signal);
    if (top && rows.length < this.bodyHeight) {
      const anchor = rows[0] ?? top;
      rows = [...await this.table.rows.before(anchor, this.bodyHeight - rows.length, signal), ...rows];
    }
    this.rows = rows;
    this.cursor = Math.max(0, Math.min(this.cursor, rows.length - 1));
    const finding = this.table.findings.list[0];
    if (finding) this.say(`incomplete: ${finding.message}`, true);
  }

  private mark(): void {
    const { moment } = this.model;
    if (!this.markA || this.markB) {
      this.markA = moment;
      this.markB = undefined;
      return this.say(`mark A at LSN ${formatLsn(moment.lsn)}; go elsewhere and press m for B`);
    }
    this.markB = moment;
    this.say(`mark B at LSN ${formatLsn(moment.lsn)}; d shows what changed from A to B`);
  }

  private diff(): void {
    if (!this.markA) return this.say('mark a moment with m first; d compares it with mark B, or with the moment shown', true);
    if (!this.entry) return;
    const changes = this.model.diff(this.entry.oid, this.markA, this.markB ?? this.model.moment);
    this.changes = changes;
    this.show('diff');
    const { added, changed, removed } = changes.counts;
    this.say(`${changes.name || this.entry.name}: ${added} added, ${changed} changed, ${removed} removed`);
  }

  private schema(): void {
    const { entry } = this;
    if (!entry || !this.model.exists(entry.oid)) return this.say('no such table at this moment', true);
    this.lines = this.model.schema(entry.oid);
    this.show('schema');
  }

  private async move(key: string): Promise<void> {
    const horizontal = key === 'right' || key === 'l' ? 1 : key === 'left' || key === 'h' ? -1 : 0;
    if (this.focus === 'tables') {
      if (key === 'enter' || horizontal > 0) this.focus = 'main';
      else await this.moveAmongTables(key);
      return;
    }
    if (horizontal !== 0) {
      this.firstColumn = Math.max(0, Math.min(this.columns.length - 1, this.firstColumn + horizontal));
    } else if (this.view === 'rows') {
      if (key === 'enter') this.show(this.currentRow ? 'record' : 'rows');
      else await this.moveAmongRows(key);
    } else if (this.view === 'record' && (key === 'enter' || key === 'j' || key === 'k' || key === 'up' || key === 'down')) {
      if (key === 'enter') this.show('rows');
      else await this.moveAmongRows(key);
    } else this.scroll(key);
  }

  private async moveAmongTables(key: string): Promise<void> {
    const to = target(key, this.selected, this.tables.length, this.bodyHeight);
    if (to === undefined || to === this.selected) return;
    this.selected = to;
    this.keepSelectedInView();
    this.filter = undefined;
    this.touched.clear();
    this.cursor = 0;
    if (this.view !== 'rows') this.show('rows');
    await this.openSelected();
  }

  private keepSelectedInView(): void {
    this.tablesTop = Math.max(Math.min(this.tablesTop, this.selected), this.selected - this.bodyHeight + 1, 0);
  }

  /** The cursor moves within the pane; past its edge, rows are read as far as needed. */
  private async moveAmongRows(key: string): Promise<void> {
    if (this.unread) await this.openSelected(this.unread.top);
    const { table } = this;
    if (!table || this.rows.length === 0) return;
    const { signal } = this.work;
    if (key === 'g' || key === 'home') {
      this.rows = await table.rows.from(undefined, true, this.bodyHeight, signal);
      this.cursor = 0;
      return;
    }
    if (key === 'G' || key === 'end') {
      this.rows = await table.rows.before(undefined, this.bodyHeight, signal);
      this.cursor = Math.max(0, this.rows.length - 1);
      return;
    }
    const to = this.cursor + distance(key, this.bodyHeight);
    if (to >= this.rows.length) {
      const more = await table.rows.from(this.rows.at(-1), false, to - this.rows.length + 1, signal);
      this.rows = [...this.rows, ...more].slice(-this.bodyHeight);
      this.cursor = this.rows.length - 1;
    } else if (to < 0) {
      const more = await table.rows.before(this.rows[0], -to, signal);
      this.rows = [...more, ...this.rows].slice(0, this.bodyHeight);
      this.cursor = 0;
    } else this.cursor = to;
  }

  private scroll(key: string): void {
    const length = this.view === 'diff' ? this.changes!.changes.length : this.view === 'record' ? this.columns.length : this.lines.length;
    const to = target(key, this.top, Math.max(1, length - this.bodyHeight + 1), this.bodyHeight);
    if (to !== undefined) this.top = to;
  }
}

/** How far a key moves; 0 for one that does not. */
function distance(key: string, height: number): number {
  switch (key) {
    case 'down': case 'j': return 1;
    case 'up': case 'k': return -1;
    case 'ctrl-d': return Math.ceil(height / 2);
    case 'ctrl-u': return -Math.ceil(height / 2);
    case 'pagedown': case 'ctrl-f': return height;
    case 'pageup': case 'ctrl-b': return -height;
    default: return 0;
  }
}

/** Where a key leads in a list of known length; undefined for a key that does not move. */
function target(key: string, from: number, length: number, height: number): number | undefined {
  if (key === 'g' || key === 'home') return 0;
  if (key === 'G' || key === 'end') return Math.max(0, length - 1);
  const by = distance(key, height);
  return by === 0 ? undefined : Math.max(0, Math.min(length - 1, from + by));
}
