/** The terminal as Ink's output: takes whole frames and writes only the lines that differ from the last one, so that a key costs few bytes even over a slow line. */
import { EventEmitter } from 'node:events';
import { displayWidth } from '../output/terminalText.js';

/** What is needed of a terminal. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  write(text: string): unknown;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}

const ENTER = '\u001b[?1049h\u001b[2J\u001b[H\u001b[?25l\u001b[?1000h\u001b[?1006h\u001b[?2004h';
const LEAVE = '\u001b[?2004l\u001b[?1006l\u001b[?1000l\u001b[?25h\u001b[?1049l';
const CLEAR = '\u001b[2J';
const ERASE_TO_END = '\u001b[K';
/** Ends of cells: a text is pinned as far as the next one. */
const CELLS = /(?<=[│┃])|(?=[│┃])/;

/** Characters whose width terminals do not agree on: scripts with marks that combine, wide ones, emoji and their sequences. */
// eslint-disable-next-line no-control-regex -- the rest of what is drawn is not disputed
const DISPUTED = /\u00ad|[^\u0000-\u02ff\u2010-\u205f\u2070-\u25ff\u27c0-\u2e7f]/u;
// eslint-disable-next-line no-control-regex -- the styles between the texts
const PIECES = /(\u001b\[[0-9;]*m)|([^\u001b]+)/g;

/** A line with the cursor put behind each text of disputed width: whatever the terminal thinks of it, what follows stands where it belongs. */
function pinned(line: string): string {
  if (!DISPUTED.test(line)) return line;
  let column = 1;
  // what was there before would show where the terminal finds a text narrower
  return `\u001b[2K${line.replace(PIECES, (piece, style: string | undefined) => {
    if (style !== undefined) return piece;
    return piece.split(CELLS).map((text) => {
      column += displayWidth(text);
      return DISPUTED.test(text) ? `${text}\u001b[${column}G` : text;
    }).join('');
  })}`;
}

export class FrameStream extends EventEmitter {
  readonly isTTY = true;
  private last: string[] = [];
  private isOpen = true;

  constructor(private readonly terminal: Terminal) {
    super();
    terminal.write(ENTER);
    terminal.on('resize', this.resized);
  }

  get columns(): number { return this.terminal.columns || 80; }
  get rows(): number { return this.terminal.rows || 24; }

  private readonly resized = (): void => {
    this.last = [];
    if (this.isOpen) this.terminal.write(CLEAR);
    this.emit('resize');
  };

  /** Shows a frame: lines from the top of the screen on. */
  write(frame: string): boolean {
    if (!this.isOpen) return true;
    const lines = frame.split('\n').slice(0, this.rows);
    let text = '';
    for (let i = 0; i < Math.max(lines.length, this.last.length); i++) {
      if (lines[i] !== this.last[i]) text += `\u001b[${i + 1};1H${pinned(lines[i] ?? '')}${ERASE_TO_END}`;
    }
    this.last = lines;
    if (text !== '') this.terminal.write(text);
    return true;
  }

  /** Something that is no part of the picture. */
  tell(sequence: string): void {
    if (this.isOpen) this.terminal.write(sequence);
  }

  /** Gives the terminal back as it was. */
  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.terminal.off('resize', this.resized);
    this.terminal.write(LEAVE);
  }
}
