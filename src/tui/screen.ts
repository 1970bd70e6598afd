/** What is on the screen and what each key does to it. Knows nothing of the terminal: components draw it. */
import { WalscopeError } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';
import { qualifiedName } from '../util/quote.js';
import { actionFor } from './actions.js';
import { Background, FIRST_MESSAGE } from './background.js';
import type { Client } from './client.js';
import { Interrupted, type Progress } from './model/work.js';
import type { Prompt } from './prompt.js';
import type { Answer, Arguments, CaseInfo, Direction, MomentInfo, Question, Scene } from './protocol.js';
import { shellQuote } from '../util/shell.js';
import { TablesPane } from './tablesPane.js';
import { RowsView } from './views/rowsView.js';
import type { View } from './views/view.js';

export interface Size {
  columns: number;
  rows: number;
}

export interface ScreenOptions {
  /** Answers to keys. */
  client: Client;
  /** Starts what takes long and nobody waits for, once the first screen is shown; undefined: nothing. */
  background: (() => Client) | undefined;
  at: string;
  database: string | undefined;
  /** Puts text on the clipboard of whoever looks at the terminal. */
  copy(text: string): void;
  /** Ends the program, with what went wrong if anything did. */
  quit(error?: unknown): void;
}

/** Work that a key began is shown to be going on after this time; a key that comes later stops it, an earlier one waits for it. */
export const PATIENCE_MS = 250;
/** Header 2, titles 1, message 1, footer 1. */
const FRAME_LINES = 5;
const TALL_ROWS = 32;

export class Screen {
  focus: 'tables' | 'main' = 'tables';
  readonly pane = new TablesPane();
  readonly rowsView = new RowsView(this);
  readonly background: Background;
  scene: Scene | undefined;
  caseInfo: CaseInfo | undefined;
  markA: MomentInfo | undefined;
  markB: MomentInfo | undefined;
  prompt: Prompt | undefined;
  searched: string | undefined;
  message = '';
  isError = false;
  /** Set while a key's work takes longer than a moment. */
  isBusy = false;
  progress: Progress | undefined;
  size: Size = { columns: 80, rows: 24 };

  private readonly views: View[] = [this.rowsView];
  private readonly listeners = new Set<() => void>();
  private queue: Promise<void> = Promise.resolve();
  private version = 0;
  private pending = 0;
  private since: number | undefined;
  private asideSince: number | undefined;
  private hasQuit = false;
  private stopWaiting: (() => void) | undefined;

  constructor(readonly options: ScreenOptions) {
    this.background = new Background(this);
    options.client.onProgress = (progress) => {
      this.progress = progress;
      if (this.isBusy) this.redraw();
    };
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly getVersion = (): number => this.version;

  redraw(): void {
    this.version++;
    for (const listener of this.listeners) listener();
  }

  /** Settles once every key pressed so far has had its effect. */
  idle(): Promise<void> {
    return this.queue;
  }

  get view(): View { return this.views.at(-1)!; }
  get timelineLines(): number { return this.size.rows >= TALL_ROWS ? 4 : 2; }
  /** Lines of the panes, without their titles. */
  get bodyHeight(): number { return Math.max(3, this.size.rows - FRAME_LINES - this.timelineLines); }
  get leftWidth(): number { return this.view.isWide ? 0 : Math.min(28, Math.max(16, Math.floor(this.size.columns / 4))); }

  start(size: Size): void {
    this.size = size;
    this.enqueue(async () => {
      this.scene = await this.ask('rows.goTo', this.options.at, this.options.database);
      this.pane.show(this.scene);
      this.caseInfo = await this.ask('rows.caseInfo');
      await this.rowsView.choose();
      this.say(this.options.background ? FIRST_MESSAGE : '? help');
    }, true);
    // a worker that is started after the end would keep the program alive
    void this.queue.then(() => !this.hasQuit && this.background.start());
  }

  resize(size: Size): void {
    this.size = size;
    this.redraw();
    this.enqueue(() => undefined); // reads what there is room for now
  }

  press(key: string): void {
    if (key === 'ctrl-c') return this.quit();
    const isLong = this.since !== undefined && performance.now() - this.since > PATIENCE_MS;
    if (isLong) this.interrupt();
    // what is pressed to stop something does no more than that
    if (isLong && (key === 'esc' || key === 'q')) return;
    this.enqueue(() => this.handle(key));
  }

  /** Ends the program. */
  quit(error?: unknown): void {
    this.hasQuit = true;
    this.interrupt();
    this.options.quit(error);
  }

  private interrupt(): void {
    this.options.client.interrupt();
    this.stopWaiting?.();
  }

  /** Waits for work that is done elsewhere and goes on whether or not a key ends the waiting. */
  async waitFor<T>(work: Promise<T>): Promise<T> {
    try {
      return await Promise.race([work, new Promise<never>((_, reject) => (this.stopWaiting = () => reject(new Interrupted())))]);
    } finally {
      this.stopWaiting = undefined;
    }
  }

  /** Asks the worker; see Client.ask. */
  ask<Q extends Question>(question: Q, ...args: Arguments<Q>): Promise<Answer<Q>> {
    // reading ahead is over once it keeps somebody waiting
    if (this.asideSince !== undefined && performance.now() - this.asideSince > PATIENCE_MS / 2) this.options.client.interrupt();
    return this.options.client.ask(question, ...args);
  }

  /** Runs work that nobody waits for; a question that would have to wait for it stops it. */
  async aside(task: () => Promise<void>): Promise<void> {
    this.asideSince = performance.now();
    try {
      await task();
    } catch (error) {
      if (!(error instanceof Interrupted)) this.fail(error);
    } finally {
      this.asideSince = undefined;
    }
  }

  private enqueue(task: () => unknown, isFirst = false): void {
    this.pending++;
    this.queue = this.queue.then(async () => {
      this.pending--;
      if (this.hasQuit) return;
      this.since = performance.now();
      this.progress = undefined;
      const slow = setTimeout(() => this.showBusy(), PATIENCE_MS);
      try {
        await task();
        if (this.pending === 0) await this.view.refresh?.();
      } catch (error) {
        if (isFirst && !(error instanceof Interrupted)) this.quit(error);
        else this.fail(error);
      }
      clearTimeout(slow);
      this.since = undefined;
      this.isBusy = false;
      this.redraw();
    });
  }

  private showBusy(): void {
    this.isBusy = true;
    this.redraw();
  }

  private fail(error: unknown): void {
    if (error instanceof WalscopeError) this.say(error.options.hint ? `${error.message}; ${error.options.hint}` : error.message, true);
    else if (error instanceof Interrupted) this.say('stopped');
    else this.quit(error);
  }

  say(text: string, isError = false): void {
    this.message = text.replace(/\s*\n\s*/g, ' ');
    this.isError = isError;
  }

  tellFindings(findings: readonly string[]): void {
    if (findings.length > 0) this.say(`incomplete: ${findings[0]}${findings.length > 1 ? ` (and ${findings.length - 1} more)` : ''}`, true);
  }

  private async handle(key: string): Promise<void> {
    if (this.prompt) {
      await this.prompt.press(key, this);
      return;
    }
    if (key.startsWith('mouse:')) return this.mouse(key);
    this.say('');
    if (key === 'q' || key === 'esc') return this.back(key);
    const action = actionFor(key);
    if (this.focus === 'main' && await this.view.press(key)) return;
    if (action) return action(this);
    if (this.focus === 'tables' && await this.pressInTables(key)) return;
    this.say(key.startsWith('paste:') ? 'what is pasted is taken where text is asked for: / : f t' : `${key} does nothing here; ? lists the keys`);
  }

  private async pressInTables(key: string): Promise<boolean> {
    if (key === 'l' || key === 'right') {
      await this.enterTables();
      return true;
    }
    const moved = this.pane.press(key);
    if (moved) await this.rowsView.choose();
    return moved !== undefined;
  }

  /** Opens what the left pane's cursor stands on: another database, or the rows of the table. */
  async enterTables(): Promise<void> {
    const other = this.pane.otherDatabase;
    if (other !== undefined) await this.useDatabase(other);
    else this.focus = 'main';
  }

  private async mouse(key: string): Promise<void> {
    const [button, column, row] = key.slice('mouse:'.length).split(',').map(Number) as [number, number, number];
    const line = row - 1 - 3; // header and titles
    if (line < 0 || line >= this.bodyHeight) return;
    const inTables = column <= this.leftWidth;
    const wheel = button === 64 ? 'wheelup' : button === 65 ? 'wheeldown' : undefined;
    if (wheel) {
      if (!inTables) await this.view.press(wheel);
      else if (this.pane.press(wheel)) await this.rowsView.choose();
    } else if (button === 0) {
      this.focus = inTables ? 'tables' : 'main';
      if (!inTables) this.view.click?.(line);
      else if (this.pane.click(line)) await this.rowsView.choose();
    }
  }

  private async back(key: string): Promise<void> {
    if (this.views.length > 1) {
      this.close();
      await this.view.refresh?.();
    } else if (key === 'q') this.quit();
    else if (this.rowsView.filter !== undefined) await this.rowsView.filterBy('');
    else this.focus = 'tables';
  }

  /** Shows a view over the one shown, or in its place where it is the same. */
  open(view: View): void {
    if (this.views.length > 1 && this.view.title() === view.title()) this.views.pop();
    this.views.push(view);
    this.focus = 'main';
  }

  /** Takes the uppermost view away; the rows stay. */
  close(): void {
    if (this.views.length > 1) this.views.pop();
  }

  /** Back to the rows, whatever is above them. */
  toRows(): void {
    this.views.length = 1;
    this.focus = 'main';
  }

  /** Goes to a moment as users write it; the same views show it where they can. */
  async goTo(text: string, database = this.scene?.database): Promise<void> {
    const scene = await this.ask('rows.goTo', text, database);
    await this.showScene(scene, undefined, '');
  }

  async useDatabase(name: string): Promise<void> {
    this.scene = await this.ask('rows.goTo', formatLsn(this.scene!.moment.lsn), name);
    this.pane.show(this.scene);
    await this.rowsView.choose();
  }

  private async showScene(scene: Scene, stepped: RowsView['stepped'], stepText: string): Promise<void> {
    this.scene = scene;
    this.pane.show(scene);
    this.rowsView.stepped = stepped;
    this.rowsView.stepText = stepText;
    await this.rowsView.sceneChanged();
    if (this.view !== this.rowsView) await this.view.sceneChanged?.();
  }

  /** Steps to the neighbouring commit: of the table shown, or of all while the list of tables has the focus. */
  async step(direction: Direction): Promise<void> {
    const { scene, pane } = this;
    if (!scene) return;
    const oid = this.focus === 'main' ? pane.entry?.oid : undefined;
    const found = await this.ask('rows.step', scene.moment.lsn, scene.database, direction, oid);
    if (!found) return this.say(`no ${direction} commit${oid === undefined ? '' : ` that touches ${pane.entry!.name}`}`);
    const place = direction === 'previous' ? 'just before' : 'just after';
    await this.showScene(found.scene, { xid: found.xid, direction }, `${place} xid ${found.xid}`);
    const shown = pane.entry?.oid;
    const counts = shown === undefined ? '' : await this.ask('comparisons.stepCounts', scene.database, shown, found.xid);
    const away = counts === '' || this.rowsView.showsMarks ? '' : ' · > goes to them';
    this.say(`${place} xid ${found.xid}${counts === '' ? '' : ` · ${pane.entry!.name}: ${counts}${away}`} · committed ${found.timeText}`);
  }

  /** Goes to just before a transaction, to the rows of a table where it is listed, marking what the transaction is about to do. */
  async goToJustBefore(xid: number, before: string, database: string, oid: number | undefined): Promise<void> {
    const scene = await this.ask('rows.goTo', before, database === '' ? this.scene?.database : database);
    this.pane.show(scene);
    this.pane.choose((entry) => entry.oid === oid);
    this.scene = scene;
    this.toRows();
    await this.rowsView.choose();
    await this.showScene(scene, { xid, direction: 'previous' }, `just before xid ${xid}`);
    await this.rowsView.showMarks();
    this.say(`just before xid ${xid}: m marks it, ] steps over it, d compares, u undoes`);
  }

  /** The table chosen, as a word of a command line. */
  tableWord(): string {
    const { entry } = this.pane;
    return entry ? shellQuote(qualifiedName(entry.schema, entry.name)) : '';
  }

  atOption(): string {
    return `--at ${formatLsn(this.scene!.moment.lsn)}`;
  }
}
