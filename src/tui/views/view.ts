/** What the main pane shows: one view at a time, those below it wait on a stack. */
import type { Paint } from '../paint.js';
import type { Direction } from '../protocol.js';

export interface Area {
  width: number;
  height: number;
  paint: Paint;
  /** The pane has the keys. */
  isFocused: boolean;
}

export interface View {
  /** Takes the left pane's place as well. */
  readonly isWide: boolean;
  title(): string;
  /** At most `height` lines of exactly `width` columns. */
  draw(area: Area): string[];
  /** Handles a key; false: not its own. */
  press(key: string): Promise<boolean> | boolean;
  /** The keys that matter here, for the footer. */
  hints(): string;
  /** The command line that prints what is shown, without `-C` and `-d`. */
  command(): string;
  /** The value under the cursor. */
  value?(): string | null | undefined;
  /** All values of the row under the cursor. */
  row?(): readonly (string | null)[] | undefined;
  /** A line of the pane was clicked on; counted from below its title. */
  click?(line: number): void;
  /** Goes to the next place that holds the text; false: there is none. */
  find?(text: string, direction: Direction): Promise<boolean> | boolean;
  /** The moment, or the table chosen, is another one. */
  sceneChanged?(): Promise<void>;
  /** Reads what an interrupted key left unread. */
  refresh?(): Promise<void>;
}

/** How far a key moves; 0 for one that does not. */
export function distance(key: string, height: number): number {
  switch (key) {
    case 'down': case 'j': return 1;
    case 'up': case 'k': return -1;
    case 'wheeldown': return 3;
    case 'wheelup': return -3;
    case 'ctrl-d': return Math.ceil(height / 2);
    case 'ctrl-u': return -Math.ceil(height / 2);
    case 'pagedown': case 'ctrl-f': return height;
    case 'pageup': case 'ctrl-b': return -height;
    default: return 0;
  }
}

/** Where a key leads in a list of known length; undefined for a key that does not move. */
export function target(key: string, from: number, length: number, height: number): number | undefined {
  if (key === 'g' || key === 'home') return 0;
  if (key === 'G' || key === 'end') return Math.max(0, length - 1);
  const by = distance(key, height);
  return by === 0 ? undefined : Math.max(0, Math.min(length - 1, from + by));
}

/** The first line shown so that the one at `cursor` is in view. */
export function scrolled(top: number, cursor: number, height: number): number {
  return Math.max(0, Math.min(top, cursor), cursor - height + 1);
}
