/** Rows that are all there, as a grid: versions of a row, changes between two moments. */
import { showTransaction } from '../actions.js';
import { chooseColumns, firstFor, gridHeading, gridLine, growWidths, type GridLine } from '../grid.js';
import type { Direction, GridColumn, RowList } from '../protocol.js';
import type { Screen } from '../screen.js';
import type { Paint } from '../paint.js';
import { fit } from '../text.js';
import { scrolled, target, type Area, type View } from './view.js';

export class GridListView implements View {
  get isWide(): boolean { return true; }
  cursor = 0;
  column = 0;
  protected columns: readonly GridColumn[];
  protected lines: readonly GridLine[];
  protected top = 0;
  private firstColumn = 0;
  private widths: number[] = [];
  private height = 10;

  constructor(protected readonly screen: Screen, private readonly name: string, list: Pick<RowList, 'columns' | 'rows'>, private readonly shownBy: string) {
    this.columns = list.columns;
    this.lines = list.rows.map((values) => ({ values, change: undefined }));
  }

  title(): string { return this.name; }
  hints(): string { return 'jk row  hl column  / find  y copy  w transaction'; }
  command(): string { return this.shownBy; }
  value(): string | null | undefined { return this.lines[this.cursor]?.values[this.column]; }
  row(): readonly (string | null)[] | undefined { return this.lines[this.cursor]?.values; }
  protected get empty(): string { return 'nothing here'; }
  /** The transaction of the line under the cursor. */
  protected get xid(): string | null | undefined { return this.lines[this.cursor]?.values[this.columns.findIndex((column) => column.name === 'xid')]; }

  click(line: number): void {
    if (line > 0) this.cursor = Math.max(0, Math.min(this.lines.length - 1, this.top + line - 1));
  }

  /** Replaces what is shown. */
  protected show(columns: readonly GridColumn[], lines: readonly GridLine[]): void {
    this.columns = columns;
    this.lines = lines;
    this.widths = [];
    this.cursor = Math.min(this.cursor, Math.max(0, lines.length - 1));
  }

  draw({ width, height, paint, isFocused }: Area): string[] {
    if (this.lines.length === 0) return ['', paint(fit(` ${this.empty}`, width), 'dim')];
    const lines = this.inView(height);
    return this.drawGrid(lines, lines, width, paint, isFocused);
  }

  /** The lines that show, below a heading. */
  protected inView(height: number): readonly GridLine[] {
    this.height = Math.max(1, height - 1);
    this.top = scrolled(this.top, this.cursor, this.height);
    return this.lines.slice(this.top, this.top + this.height);
  }

  /** A heading and lines; the columns are as wide as `measured` needs. */
  protected drawGrid(lines: readonly GridLine[], measured: readonly GridLine[], width: number, paint: Paint, isFocused: boolean): string[] {
    this.widths = growWidths(this.widths, this.columns, measured);
    this.firstColumn = firstFor(this.columns, this.widths, this.column, this.firstColumn, width);
    const shown = chooseColumns(this.columns, this.widths, this.firstColumn, width);
    const found = this.screen.searched?.toLowerCase();
    return [
      gridHeading(this.columns, shown, this.column, width, paint),
      ...lines.map((line, i) => gridLine(this.columns, shown, line, { isHere: this.top + i === this.cursor, isFocused, column: this.column, ...(found && { found }) }, paint)),
    ];
  }

  async press(key: string): Promise<boolean> {
    const xid = key === 'w' ? this.xid : undefined;
    if (typeof xid === 'string') await showTransaction(this.screen, Number(xid));
    else if (key === '0' || key === '^') this.column = 0;
    else if (key === '$') this.column = Math.max(0, this.columns.length - 1);
    else if (key === 'h' || key === 'left') this.column = Math.max(0, this.column - 1);
    else if (key === 'l' || key === 'right') this.column = Math.min(this.columns.length - 1, this.column + 1);
    else {
      const to = target(key, this.cursor, this.lines.length, this.height);
      if (to === undefined) return false;
      this.cursor = to;
    }
    return true;
  }

  find(text: string, direction: Direction): boolean {
    const step = direction === 'next' ? 1 : -1;
    for (let i = this.cursor + step; i >= 0 && i < this.lines.length; i += step) {
      const column = this.lines[i]!.values.findIndex((value) => value?.toLowerCase().includes(text.toLowerCase()));
      if (column < 0) continue;
      this.cursor = i;
      this.column = column;
      return true;
    }
    return false;
  }
}
