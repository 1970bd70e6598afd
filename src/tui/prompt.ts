/** The line at the bottom that takes text. */
import type { Screen } from './screen.js';

const HISTORY_KEPT = 50;

export interface PromptOptions {
  label: string;
  text?: string;
  /** What has been entered before is found by the up key, a list a kind. */
  kind: string;
  /** Completes the text, as Tab asks. */
  complete?(text: string): string;
  done(text: string): Promise<void> | void;
}

const histories = new Map<string, string[]>();

export class Prompt {
  text: string;
  private readonly history: string[];
  private at: number;

  constructor(readonly options: PromptOptions) {
    this.text = options.text ?? '';
    this.history = histories.get(options.kind) ?? [];
    histories.set(options.kind, this.history);
    this.at = this.history.length;
  }

  get label(): string { return this.options.label; }

  async press(key: string, screen: Screen): Promise<void> {
    switch (key) {
      case 'esc': screen.prompt = undefined; return;
      case 'backspace':
        if (this.text === '') screen.prompt = undefined;
        this.text = [...this.text].slice(0, -1).join('');
        return;
      case 'ctrl-u': this.text = ''; return;
      case 'ctrl-w': this.text = this.text.replace(/\S*\s*$/, ''); return;
      case 'up': this.recall(-1); return;
      case 'down': this.recall(1); return;
      case 'tab': this.text = this.options.complete?.(this.text) ?? this.text; return;
      case 'enter': return this.enter(screen);
      default: if ([...key].length === 1) this.text += key;
    }
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
