/** Views that are lists: of lines to read, or of things to choose from. */
import { behind, fit, shownWidth } from '../text.js';
import type { Direction } from '../protocol.js';
import { scrolled, target, type Area, type View } from './view.js';
import type { Style } from '../../output/colour.js';

/** Columns that h and l scroll. */
const SIDEWAYS = 16;

export interface Line {
  text: string;
  styles?: readonly Style[];
}

/** Shown with a cursor where its items can be opened. */
export abstract class ListView<Item> implements View {
  cursor = 0;
  protected top = 0;
  /** Columns that are scrolled away on the left. */
  private left = 0;
  private room = 80;
  protected height = 10;

  constructor(protected items: readonly Item[]) {}

  readonly isWide: boolean = true;
  /** Lines above the list that do not scroll. */
  protected heading(_width: number): Line[] { return []; }
  protected abstract line(item: Item, width: number): Line;
  abstract title(): string;
  abstract hints(): string;
  abstract command(): string;
  protected get empty(): string { return 'nothing here'; }

  get current(): Item | undefined { return this.items[this.cursor]; }

  draw({ width, height, paint, isFocused }: Area): string[] {
    const heading = this.heading(width).map((line) => paint(fit(line.text, width), 'bold', ...(line.styles ?? [])));
    this.height = Math.max(1, height - heading.length);
    this.room = width - 1;
    this.top = scrolled(this.top, this.cursor, this.height);
    if (this.items.length === 0) return [...heading, paint(fit(` ${this.empty}`, width), 'dim')];
    return [...heading, ...this.items.slice(this.top, this.top + this.height).map((item, i) => {
      const { text, styles = [] } = this.line(item, width);
      const isCurrent = this.top + i === this.cursor;
      return paint(fit(`${isCurrent ? '›' : ' '}${behind(text, this.left)}`, width), ...styles, ...(isCurrent && isFocused ? ['inverse' as const] : []));
    })];
  }

  press(key: string): Promise<boolean> | boolean {
    if (key === 'h' || key === 'left') this.left = Math.max(0, this.left - SIDEWAYS);
    else if (key === 'l' || key === 'right') this.left = Math.min(this.left + SIDEWAYS, Math.max(this.left, this.widest() - this.room));
    else if (key === '0') this.left = 0;
    else if (key === '$') this.left = Math.max(0, this.widest() - this.room);
    else {
      const to = target(key, this.cursor, this.items.length, this.height);
      if (to === undefined) return false;
      this.cursor = to;
    }
    return true;
  }

  /** Columns that the longest of the lines shown takes. */
  private widest(): number {
    return Math.max(0, ...this.items.slice(this.top, this.top + this.height).map((item) => shownWidth(this.line(item, 1000).text, Infinity)));
  }

  click(line: number): void {
    const heading = this.heading(this.room).length;
    if (line >= heading) this.cursor = Math.max(0, Math.min(this.items.length - 1, this.top + line - heading));
  }

  find(text: string, direction: Direction): boolean {
    const wanted = text.toLowerCase();
    const step = direction === 'next' ? 1 : -1;
    for (let i = this.cursor + step; i >= 0 && i < this.items.length; i += step) {
      if (!this.line(this.items[i]!, 1000).text.toLowerCase().includes(wanted)) continue;
      this.cursor = i;
      return true;
    }
    return false;
  }

  value(): string | undefined {
    return this.current === undefined ? undefined : this.line(this.current, 1000).text.trim();
  }
}

/** Text to read. */
export class TextView extends ListView<string> {
  constructor(private readonly name: string, lines: readonly string[], private readonly shownBy: string, override readonly isWide = true) {
    super(lines);
  }

  title(): string { return this.name; }
  hints(): string { return 'jk gG hl scroll  / find  y copy the line'; }
  command(): string { return this.shownBy; }

  protected line(item: string): Line {
    return { text: item };
  }
}
