/** One row, expanded: a column a line; j and k go on to the neighbouring rows, h and l along the columns. */
import { NULL_GLYPH } from '../grid.js';
import type { Screen } from '../screen.js';
import { fit } from '../text.js';
import { escapeForTerminal } from '../../output/terminalText.js';
import { scrolled, type Area, type View } from './view.js';

const WIDEST_NAME = 24;

export class RecordView implements View {
  readonly isWide = false;
  private top = 0;

  constructor(private readonly screen: Screen) {}

  title(): string { return `${this.screen.rowsView.title()} · one row`; }
  hints(): string { return 'jk row  hl column  y copy  r versions  w writer  p page'; }
  command(): string { return `${this.screen.rowsView.command()} -x`; }
  value(): string | null | undefined { return this.screen.rowsView.value(); }

  draw({ width, height, paint, isFocused }: Area): string[] {
    const { rowsView } = this.screen;
    const { columns } = rowsView;
    const row = rowsView.current;
    if (!row) return [fit(' no row', width)];
    const names = Math.min(WIDEST_NAME, Math.max(3, ...columns.map((column) => column.name.length)));
    const room = Math.max(8, width - names - 4);
    const lines: { text: string; column: number }[] = [];
    const lead = columns.length - row.values.length;
    columns.forEach((column, i) => {
      const value = i < lead ? '' : row.values[i - lead]!;
      const isCurrent = i === rowsView.column;
      // the value under the cursor shows whole, the others a line each
      const parts = value === null ? [NULL_GLYPH] : isCurrent ? wrapped(value, room) : [value];
      parts.forEach((part, n) => {
        const styles = [...(value === null ? ['dim' as const] : []), ...(isCurrent && isFocused ? ['inverse' as const] : [])];
        lines.push({ column: i, text: `${isCurrent && n === 0 ? '›' : ' '}${paint(fit(n === 0 ? column.name : '', names), 'bold')} │ ${paint(fit(part, room), ...styles)}` });
      });
    });
    this.top = scrolled(this.top, lines.findIndex((line) => line.column === rowsView.column), height);
    return lines.slice(this.top, this.top + height).map((line) => line.text);
  }

  async press(key: string): Promise<boolean> {
    if (key === 'x' || key === 'enter') {
      this.screen.toRows();
      return true;
    }
    if (['j', 'k', 'up', 'down', 'h', 'l', 'left', 'right', 'g', 'G', 'wheelup', 'wheeldown', '0', '$'].includes(key)) return this.screen.rowsView.press(key);
    return false;
  }

  async sceneChanged(): Promise<void> {
    if (!this.screen.rowsView.current) this.screen.toRows();
  }
}

/** A value in lines of a width, with its own line breaks. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    const characters = [...escapeForTerminal(line)];
    for (let at = 0; at === 0 || at < characters.length; at += width) lines.push(characters.slice(at, at + width).join(''));
  }
  return lines;
}
