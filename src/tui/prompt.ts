/** The line at the bottom that takes text. */
import { displayWidth, escapeForTerminal } from '../output/terminalText.js';
import type { Screen } from './screen.js';

const HISTORY_KEPT = 50;

export interface PromptOptions {
  label: string;
  /** What may be entered, for the line below. */
  hint?: string | undefined;
  text?: string;
  /** What has been entered before is found by the up key, a list a kind. */
  kind: string;
  /** Completes the text, as Tab asks. */
  complete?(text: string): string;
  done(text: string): Promise<void> | void;
}

const histories = new Map<string, string[]>();

export class Prompt {
  private characters: string[];
  /** The place that is typed at. */
  private caret: number;
  private readonly history: string[];
  private at: number;

  constructor(readonly options: PromptOptions) {
    this.characters = [...options.text ?? ''];
    this.caret = this.characters.length;
    this.history = histories.get(options.kind) ?? [];
    histories.set(options.kind, this.history);
    this.at = this.history.length;
  }

  get label(): string { return this.options.label; }
  get text(): string { return this.characters.join(''); }
  set text(text: string) {
    this.characters = [...text];
    this.caret = this.characters.length;
  }

  /** What shows of the text in so many columns: before the caret, under it and after it. */
  shown(room: number): { before: string; under: string; after: string } {
    const texts = this.characters.map(escapeForTerminal);
    const widths = texts.map(displayWidth);
    let from = this.caret, used = widths[this.caret] ?? 1;
    while (from > 0 && used + widths[from - 1]! <= room) used += widths[--from]!;
    let to = this.caret + 1;
    while (to < texts.length && used + widths[to]! <= room) used += widths[to++]!;
    return { before: texts.slice(from, this.caret).join(''), under: texts[this.caret] ?? '', after: texts.slice(this.caret + 1, to).join('') };
  }

  async press(key: string, screen: Screen): Promise<void> {
    switch (key) {
      case 'esc': screen.prompt = undefined; return;
      case 'backspace':
        if (this.characters.length === 0) screen.prompt = undefined;
        else if (this.caret > 0) this.characters.splice(--this.caret, 1);
        return;
      case 'left': case 'ctrl-b': this.caret = Math.max(0, this.caret - 1); return;
      case 'right': case 'ctrl-f': this.caret = Math.min(this.characters.length, this.caret + 1); return;
      case 'home': case 'ctrl-a': this.caret = 0; return;
      case 'end': case 'ctrl-e': this.caret = this.characters.length; return;
      case 'ctrl-u': this.cutFrom(0); return;
      case 'ctrl-k': this.characters.length = this.caret; return;
      case 'ctrl-w': this.cutFrom([...this.characters.slice(0, this.caret).join('').replace(/\S*\s*$/u, '')].length); return;
      case 'up': case 'ctrl-p': this.recall(-1); return;
      case 'down': case 'ctrl-n': this.recall(1); return;
      case 'tab': this.text = this.options.complete?.(this.text) ?? this.text; return;
      case 'enter': return this.enter(screen);
      default:
        if (key.startsWith('paste:')) this.insert(key.slice('paste:'.length).replace(/[\r\n\t]+/g, ' '));
        else if ([...key].length === 1) this.insert(key);
    }
  }

  private insert(text: string): void {
    const characters = [...text];
    this.characters.splice(this.caret, 0, ...characters);
    this.caret += characters.length;
  }

  /** Takes away what stands between a place and the caret. */
  private cutFrom(from: number): void {
    this.characters.splice(from, this.caret - from);
    this.caret = from;
  }

  private recall(by: number): void {
    this.at = Math.max(0, Math.min(this.history.length, this.at + by));
    this.text = this.history[this.at] ?? '';
  }

  private async enter(screen: Screen): Promise<void> {
    screen.prompt = undefined;
    screen.say('');
    const text = this.text.trim();
    if (text !== '' && this.history.at(-1) !== text) this.history.push(text);
    if (this.history.length > HISTORY_KEPT) this.history.shift();
    await this.options.done(text);
  }
}
