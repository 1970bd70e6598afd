/** Transactions in time: the incidents, and the log. */
import { formatLsn } from '../../util/lsn.js';
import { showTransaction } from '../actions.js';
import type { IncidentLine, LogLine } from '../protocol.js';
import type { Screen } from '../screen.js';
import { ListView, TextView, type Line } from './listView.js';

/** `08:44:22.608742` of a printed time. */
function timeOfDay(text: string): string {
  return text.slice(11, 26).replace(/[+-].*$/, '').padEnd(15);
}

export class IncidentsView extends ListView<IncidentLine> {
  constructor(private readonly screen: Screen, incidents: readonly IncidentLine[]) {
    super(incidents);
  }

  get xid(): number | undefined { return this.current?.xid; }
  title(): string { return `incidents, the worst first (${this.items.length})`; }
  hints(): string { return 'Enter the rows just before it  w what it did  u undo SQL'; }
  command(): string { return 'incidents'; }
  protected override get empty(): string { return 'nothing that looks like an incident'; }

  protected line(incident: IncidentLine): Line {
    const { items, screen } = this;
    const widest = (text: (each: IncidentLine) => string): number => Math.max(...items.map((each) => text(each).length));
    const isOneDay = new Set(items.map((each) => each.timeText.slice(0, 10))).size === 1;
    const where = incident.database === screen.scene?.database ? '' : `  ${incident.database}`;
    const time = isOneDay ? incident.timeText.slice(11, 19) : incident.timeText.slice(0, 19);
    return {
      text: ` ${incident.title.padEnd(widest((each) => each.title))}  ${incident.extent.padEnd(widest((each) => each.extent))}  ${time}  xid ${incident.xid}${where}`,
      styles: /^(DELETE|DROP|TRUNCATE)/.test(incident.title) ? ['red'] : ['yellow'],
    };
  }

  override async press(key: string): Promise<boolean> {
    const incident = this.current;
    if (!incident || (key !== 'enter' && key !== 'w')) return super.press(key);
    if (key === 'w') await showTransaction(this.screen, incident.xid);
    else await this.screen.goToJustBefore(incident.xid, incident.before, incident.database, incident.oid);
    return true;
  }
}

const PAGE_LINES = 60;

/** The log, newest first, read as it is scrolled. */
export class LogView extends ListView<LogLine> {
  private isWhole = false;
  private isAtEnd = false;

  private constructor(private readonly screen: Screen, private log: number) {
    super([]);
  }

  /** `whole`: from the last moment on; else from a little after the moment shown, which the cursor marks. */
  static async open(screen: Screen, whole: boolean): Promise<void> {
    const { lsn } = screen.scene!.moment;
    const view = new LogView(screen, await screen.ask('transactions.openLog', lsn, whole));
    view.isWhole = whole;
    await view.more();
    if (!whole) {
      while (!view.isAtEnd && (view.items.at(-1)?.lsn ?? 0) >= lsn) await view.more();
      view.cursor = Math.max(0, view.items.findIndex((line) => line.lsn < lsn));
    }
    screen.open(view);
  }

  private async more(): Promise<void> {
    const { lines, findings } = await this.screen.ask('transactions.moreLog', this.log, PAGE_LINES);
    this.screen.tellFindings(findings);
    this.items = [...this.items, ...lines];
    this.isAtEnd = lines.length < PAGE_LINES;
  }

  get xid(): number | undefined { return this.current?.xid ?? undefined; }
  title(): string { return `log, newest first · ${this.items.length}${this.isAtEnd ? '' : '+'} entries · ▲ the moment`; }
  hints(): string { return 'Enter what it did  b just before  a just after  u undo SQL'; }
  command(): string { return `log${this.isWhole || this.items.length === 0 ? '' : ` --until ${formatLsn(this.items[0]!.endLsn)}`}`; }

  protected line({ lsn, xid, database, time, event, tables, ddl, detail }: LogLine): Line {
    const i = this.items.findIndex((line) => line.lsn === lsn);
    const at = this.screen.scene!.moment.lsn;
    const isMoment = lsn < at && (i === 0 || this.items[i - 1]!.lsn >= at);
    const what = [...(event === 'commit' ? [] : [event]), ...ddl, ...tables.map((table) => table.text), ...(detail === '' ? [] : [detail]), ...(database === '' || database === this.screen.scene!.database ? [] : [`in ${database}`])].join(' · ');
    const styles = ddl.some((text) => /^(dropped|truncated)/i.test(text)) ? ['red' as const] : event === 'abort' ? ['dim' as const] : [];
    return { text: `${isMoment ? '▲' : ' '}${timeOfDay(time)} ${(xid === null ? '' : String(xid)).padStart(8)}  ${what}`, styles };
  }

  override async press(key: string): Promise<boolean> {
    const line = this.current;
    if (key === 'enter' && line) await this.enter(line);
    else if (key === 'b' && line) await this.goJustBefore(line);
    else if (key === 'a' && line) await this.screen.goTo(formatLsn(line.endLsn));
    else if (key === 'g' && !this.isWhole) await this.fromLatest();
    else if (await super.press(key)) {
      while (!this.isAtEnd && this.cursor > this.items.length - this.height) await this.more();
    } else return false;
    return true;
  }

  private async enter(line: LogLine): Promise<void> {
    if (line.xid !== null) return showTransaction(this.screen, line.xid);
    if (line.event !== 'restore point') return this.screen.open(new TextView(`${line.event} at LSN ${formatLsn(line.lsn)}`, line.detail.split('\n'), this.command()));
    await this.screen.goTo(formatLsn(line.endLsn));
    this.screen.toRows();
    this.screen.say(`at restore point ${line.detail}`);
  }

  private async goJustBefore({ xid, lsn, event, database, tables }: LogLine): Promise<void> {
    const { screen } = this;
    if (xid !== null) return screen.goToJustBefore(xid, formatLsn(lsn), database, tables[0]?.oid ?? (database === screen.scene!.database ? screen.pane.entry?.oid : undefined));
    await screen.goTo(formatLsn(lsn));
    screen.toRows();
    screen.say(`just before the ${event}`);
  }

  private async fromLatest(): Promise<void> {
    this.log = await this.screen.ask('transactions.openLog', this.screen.scene!.moment.lsn, true);
    this.isWhole = true;
    this.items = [];
    this.cursor = 0;
    await this.more();
  }
}
