/** One row, expanded: a column a line; j and k go on to the neighbouring rows, h and l along the columns. */
import { NULL_GLYPH } from '../grid.js';
import type { Screen } from '../screen.js';
import { fit, shownWidth, wrap } from '../text.js';
import { distance, scrolled, type Area, type View } from './view.js';

const WIDEST_NAME = 24;
/** Keys that lead to another row or to a column; the rest of those that move scroll: a long value, then the columns. */
const MOVES: ReadonlySet<string> = new Set(['j', 'k', 'up', 'down', 'h', 'l', 'left', 'right', 'g', 'G', '0', '^', '$']);

export class RecordView implements View {
  readonly isWide = false;
  private top = 0;
  private height = 10;
  /** The value under the cursor in lines, and the one of them that is in view. */
  private wrapped: { value: string; room: number; lines: string[] } | undefined;
  private part = 0;

  constructor(private readonly screen: Screen) {}

  title(): string { return `${this.screen.rowsView.title()} · one row`; }
  hints(): string { return 'jk row  hl column  PgDn scroll  y copy  r versions  p page'; }
  command(): string { return `${this.screen.rowsView.command()} -x`; }
  row(): readonly (string | null)[] | undefined { return this.screen.rowsView.row(); }
  value(): string | null | undefined { return this.screen.rowsView.value(); }

  draw({ width, height, paint, isFocused }: Area): string[] {
    const { rowsView } = this.screen;
    const { columns } = rowsView;
    const values = rowsView.currentValues;
    if (!values) return [fit(' no row', width)];
    const names = Math.max(3, ...columns.map((column) => shownWidth(column.name, WIDEST_NAME)));
    const room = Math.max(8, width - names - 4);
    // the value under the cursor shows whole, the others a line each
    const lines = columns.flatMap((_, i) => {
      const value = values[i] ?? null;
      return (value !== null && i === rowsView.column ? this.wrap(value, room) : [value]).map((part, n) => ({ i, n, part }));
    });
    this.height = height;
    this.top = scrolled(this.top, rowsView.column + Math.min(this.part, lines.length - columns.length), height);
    return lines.slice(this.top, this.top + height).map(({ i, n, part }) => {
      const isCurrent = i === rowsView.column;
      const styles = [...(part === null ? ['dim' as const] : []), ...(isCurrent && isFocused ? ['inverse' as const] : [])];
      return `${isCurrent && n === 0 ? '›' : ' '}${paint(fit(n === 0 ? columns[i]!.name : '', names), 'bold')} │ ${paint(fit(part ?? NULL_GLYPH, room), ...styles)}`;
    });
  }

  async press(key: string): Promise<boolean> {
    if (key === 'x' || key === 'enter') {
      this.screen.toRows();
      return true;
    }
    if (!MOVES.has(key)) return this.scroll(distance(key, this.height));
    this.part = 0;
    return this.screen.rowsView.press(key);
  }

  private scroll(by: number): boolean {
    const { rowsView } = this.screen;
    const last = (rowsView.value() === this.wrapped?.value ? this.wrapped!.lines.length : 1) - 1;
    if (by > 0 ? this.part < last : this.part > 0) this.part = Math.max(0, Math.min(last, this.part + by));
    else {
      rowsView.column = Math.max(0, Math.min(rowsView.columns.length - 1, rowsView.column + by));
      this.part = 0;
    }
    return by !== 0;
  }

  /** A long value is taken apart once, not with each key. */
  private wrap(value: string, room: number): string[] {
    if (this.wrapped?.value !== value || this.wrapped.room !== room) this.wrapped = { value, room, lines: wrap(value, room) };
    return this.wrapped.lines;
  }

  async sceneChanged(): Promise<void> {
    if (!this.screen.rowsView.current) this.screen.toRows();
  }
}
