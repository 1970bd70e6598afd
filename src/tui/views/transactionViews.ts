/** One transaction: its row changes, before and after, and the script that reverts it. */
import { formatLsn } from '../../util/lsn.js';
import { CHANGE_GLYPHS, CHANGE_STYLES, NULL_GLYPH } from '../grid.js';
import type { TransactionChange, TransactionInfo } from '../protocol.js';
import type { Screen } from '../screen.js';
import { ListView, TextView, type Line } from './listView.js';

export class TransactionView extends ListView<TransactionChange> {
  constructor(private readonly screen: Screen, private readonly info: TransactionInfo) {
    super(info.changes);
  }

  get xid(): number { return this.info.xid; }
  title(): string { return this.info.headline; }
  hints(): string { return 'Enter before and after  b the rows just before  u undo SQL  e export'; }
  command(): string { return `show ${this.info.xid}`; }
  protected override get empty(): string { return 'no row of a table changed'; }

  protected override heading(): Line[] {
    const tables = new Map<string, Record<TransactionChange['change'], number>>();
    for (const { table, change } of this.info.changes) {
      const counts = tables.get(table) ?? { added: 0, changed: 0, removed: 0 };
      counts[change]++;
      tables.set(table, counts);
    }
    const texts = [...tables].map(([name, counts]) => `${name}${counts.added ? ` +${counts.added}` : ''}${counts.changed ? ` ~${counts.changed}` : ''}${counts.removed ? ` -${counts.removed}` : ''}`);
    return [{ text: ` ${texts.join(' · ')}${this.info.isCut ? ` · the first ${this.info.changes.length} changes` : ''}` }, ...this.info.ddl.map((text): Line => ({ text: ` ${text}`, styles: ['yellow'] }))];
  }

  protected line(item: TransactionChange): Line {
    return { text: `${CHANGE_GLYPHS[item.change]} ${item.table} ${summary(item)}`, styles: [CHANGE_STYLES[item.change]] };
  }

  override async press(key: string): Promise<boolean> {
    const change = this.current;
    if (key === 'enter' && change) this.screen.open(new TextView(`${change.table}: before and after`, beforeAndAfter(change), this.command()));
    else if (key === 'b') await this.screen.goToJustBefore(this.info.xid, formatLsn(this.info.lsn), this.info.database, change?.oid);
    else return super.press(key);
    return true;
  }
}

/** `id=5  status: new → paid` */
function summary({ columns, key, before, after }: TransactionChange): string {
  const row = (after ?? before)!;
  const shown = (value: string | null): string => value ?? NULL_GLYPH;
  const keys = columns.flatMap((name, i) => (key.includes(name) ? [`${name}=${shown(row[i]!)}`] : []));
  const rest = columns.flatMap((name, i) => {
    if (before && after) return before[i] === after[i] || key.includes(name) ? [] : [`${name}: ${shown(before[i]!)} → ${shown(after[i]!)}`];
    return key.includes(name) ? [] : [`${name}=${shown(row[i]!)}`];
  });
  return [...keys, ...rest].join('  ');
}

function beforeAndAfter({ columns, before, after }: TransactionChange): string[] {
  const width = Math.max(...columns.map((name) => name.length));
  return columns.flatMap((name, i) => {
    const [was, is] = [before && (before[i] ?? NULL_GLYPH), after && (after[i] ?? NULL_GLYPH)];
    if (was === is) return [`  ${name.padEnd(width)} │ ${is}`];
    return [...(was === null ? [] : [`- ${name.padEnd(width)} │ ${was}`]), ...(is === null ? [] : [`+ ${name.padEnd(width)} │ ${is}`])];
  });
}

export class ScriptView extends TextView {
  constructor(readonly xid: number, lines: readonly string[], isCut: boolean) {
    super(`SQL that undoes transaction ${xid}${isCut ? ` · the first ${lines.length} lines` : ''}`, lines, `show ${xid} --undo`);
  }

  override hints(): string { return 'e export  jk gG hl scroll  / find  y copy the line'; }
}
