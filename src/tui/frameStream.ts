/** The terminal as Ink's output: takes whole frames and writes only the lines that differ from the last one, so that a key costs few bytes even over a slow line. */
import { EventEmitter } from 'node:events';

/** What is needed of a terminal. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  write(text: string): unknown;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}

const ENTER = '\u001b[?1049h\u001b[2J\u001b[H\u001b[?25l\u001b[?1000h\u001b[?1006h';
const LEAVE = '\u001b[?1006l\u001b[?1000l\u001b[?25h\u001b[?1049l';
const CLEAR = '\u001b[2J';
const ERASE_TO_END = '\u001b[K';

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
      if (lines[i] !== this.last[i]) text += `\u001b[${i + 1};1H${lines[i] ?? ''}${ERASE_TO_END}`;
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
