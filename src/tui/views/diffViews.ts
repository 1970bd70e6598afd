/** What differs between mark A and mark B, or the moment shown: table by table, then row by row. */
import { formatLsn } from '../../util/lsn.js';
import { NULL_GLYPH, type GridLine } from '../grid.js';
import type { ChangedRow, ChangedTable, GridColumn, MomentInfo, TableChanges } from '../protocol.js';
import type { Screen } from '../screen.js';
import { shellQuote } from '../../util/shell.js';
import { GridListView } from './gridListView.js';
import { padded } from '../text.js';
import { ListView, type Line } from './listView.js';
import type { Area } from './view.js';
import { formatCount } from '../../output/units.js';

/** The two moments, the earlier one first. */
export function compared(screen: Screen): { from: MomentInfo; to: MomentInfo; name: string } {
  const a = screen.markA!, b = screen.markB ?? screen.scene!.moment;
  return { from: a, to: b, name: screen.markB ? 'A to B' : 'A to here' };
}

const MOST_SIGNS = 24;

/** The tables that changed, as git diff --stat shows files. */
export class ChangedTablesView extends ListView<ChangedTable> {
  constructor(private readonly screen: Screen, tables: readonly ChangedTable[]) {
    super(tables);
  }

  static async open(screen: Screen): Promise<void> {
    if (!screen.markA) return screen.say('mark a moment with m first', true);
    const { from, to } = compared(screen);
    const { tables, findings } = await screen.ask('comparisons.tables', screen.scene!.database, from.lsn, to.lsn);
    screen.open(new ChangedTablesView(screen, tables));
    screen.tellFindings(findings);
  }

  title(): string { return `what changed from ${compared(this.screen).name}: ${this.items.length} table${this.items.length === 1 ? '' : 's'}`; }
  hints(): string { return 'Enter rows that changed  e export (repair script)'; }
  protected override get empty(): string { return 'nothing changed between the two moments'; }

  command(): string {
    const { from, to } = compared(this.screen);
    return `diff ${formatLsn(from.lsn)} ${formatLsn(to.lsn)} --stat`;
  }

  protected line({ name, counts }: ChangedTable): Line {
    const width = Math.max(...this.items.map((item) => item.name.length));
    const most = Math.max(...this.items.map((item) => item.counts.added + item.counts.changed + item.counts.removed));
    const scale = Math.min(1, MOST_SIGNS / most);
    const signs = (count: number, sign: string): string => sign.repeat(count === 0 ? 0 : Math.max(1, Math.round(count * scale)));
    return { text: ` ${name.padEnd(width)} │ ${`+${counts.added}`.padStart(8)} ${`~${counts.changed}`.padStart(8)} ${`-${counts.removed}`.padStart(8)} │ ${signs(counts.added, '+')}${signs(counts.changed, '~')}${signs(counts.removed, '-')}` };
  }

  override async press(key: string): Promise<boolean> {
    if (key !== 'enter') return super.press(key);
    if (this.current) await DiffView.open(this.screen, this.current.oid, this.current.name);
    return true;
  }
}

/** How the rows that differ are shown; `v` changes it. */
type Layout = 'unified' | 'side by side';

/** Columns of the main pane from which both sides fit beside each other; in less they stand one below the other. */
const SIDE_BY_SIDE_WIDTH = 60;

/** The rows that differ: a line a row with `old → new`, or both sides of it. */
export class DiffView extends GridListView {
  private layout: Layout = 'unified';
  /** The two sides of each line, in the layout that has them beside each other. */
  private sides: readonly { before: GridLine; after: GridLine }[] = [];
  private isNarrow = false;

  constructor(screen: Screen, private readonly oid: number, private readonly changes: TableChanges) {
    super(screen, '', { columns: changes.columns, rows: [] }, '');
    const update = changes.changes.find(({ change }) => change === 'changed');
    // of many columns one that differs is in view
    if (update) this.column = Math.max(0, update.before!.findIndex((value, i) => value !== update.after![i]));
    this.layOut();
  }

  static async open(screen: Screen, oid: number, name: string): Promise<void> {
    const { from, to } = compared(screen);
    const changes = await screen.ask('comparisons.table', screen.scene!.database, oid, from.lsn, to.lsn);
    screen.open(new DiffView(screen, oid, { ...changes, name: changes.name || name }));
    const { added, changed, removed } = changes.counts;
    screen.say(`${changes.name || name}: ${added} added, ${changed} changed, ${removed} removed`);
    screen.tellFindings(changes.findings);
  }

  /** The table whose rows are compared. */
  get tableOid(): number { return this.oid; }
  override get isWide(): boolean { return this.layout === 'side by side'; }

  override title(): string {
    const { name, counts, changes } = this.changes;
    const all = counts.added + counts.changed + counts.removed;
    return `${name} from ${compared(this.screen).name} +${counts.added} ~${counts.changed} -${counts.removed}${changes.length < all ? ` · first ${formatCount(changes.length)}` : ''}`;
  }

  override hints(): string { return `e export (repair script)  v ${this.layout === 'unified' ? 'side by side' : 'one line a row'}  d all tables`; }
  protected override get empty(): string { return 'nothing changed between the two moments'; }
  /** A column of the table may be called so. */
  protected override get xid(): undefined { return undefined; }

  override command(): string {
    const { from, to } = compared(this.screen);
    return `diff ${formatLsn(from.lsn)} ${formatLsn(to.lsn)} ${shellQuote(this.changes.name)}`;
  }

  override async press(key: string): Promise<boolean> {
    if (key !== 'v') return super.press(key);
    this.layout = this.layout === 'unified' ? 'side by side' : 'unified';
    this.layOut();
    return true;
  }

  override draw(area: Area): string[] {
    const { width, height, paint, isFocused } = area;
    if (this.isNarrow !== width < SIDE_BY_SIDE_WIDTH) {
      this.isNarrow = width < SIDE_BY_SIDE_WIDTH;
      this.layOut();
    }
    if (this.layout === 'unified' || this.isNarrow || this.lines.length === 0) return super.draw(area);
    const lines = this.inView(height);
    const sides = this.sides.slice(this.top, this.top + lines.length);
    const half = Math.floor((width - 1) / 2);
    const draw = (side: 'before' | 'after'): string[] => this.drawGrid(sides.map((each) => each[side]), lines, half, paint, isFocused);
    const after = draw('after');
    return draw('before').map((line, i) => `${padded(line, half)}${paint('┃', 'dim')}${after[i]!}`);
  }

  private layOut(): void {
    const { columns, changes } = this.changes;
    const isStacked = this.layout === 'side by side' && this.isNarrow;
    this.sides = changes.map(besideEachOther);
    this.show(columns, changes.flatMap((change) => (isStacked ? bothSides(change, columns) : [unified(change)])));
  }
}

/** A row a line: a changed value as `old → new`. */
function unified({ change, before, after }: ChangedRow): GridLine {
  const values = (after ?? before)!.map((value, i) => (change !== 'changed' || before![i] === value ? value : `${before![i] ?? NULL_GLYPH} → ${value ?? NULL_GLYPH}`));
  return { values, change };
}

/** The row before, and after; the side on which it is not there is empty. */
function besideEachOther({ change, before, after }: ChangedRow): { before: GridLine; after: GridLine } {
  const none: GridLine = { values: (before ?? after)!.map(() => ''), change: undefined };
  if (!before || !after) return { before: before ? { values: before, change } : none, after: after ? { values: after, change } : none };
  const changed = new Set([...before.keys()].filter((i) => before[i] !== after[i]));
  return { before: { values: before, change, changed }, after: { values: after, change, changed } };
}

/** The row before, then after; of a changed one the values that stayed only once, but for the key. */
function bothSides({ change, before, after }: ChangedRow, columns: readonly GridColumn[]): GridLine[] {
  if (change !== 'changed') return [{ values: (after ?? before)!, change }];
  return [{ values: before!, change: 'removed' }, { values: after!.map((value, i) => (columns[i]!.isKey || value !== before![i] ? value : '')), change: 'added' }];
}
