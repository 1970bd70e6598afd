/** Differences between two moments in every output format. */
import { styled } from './colour.js';
import { escapeForTerminal, escapeLinesForTerminal } from './terminalText.js';
import { JsonRows } from './json.js';
import { rowWriter, type Format, type OutputColumn, type RowWriter, type Sink, type WriterOptions } from './rowWriter.js';

export type Change = 'added' | 'removed' | 'changed';
type Row = readonly (string | null)[];

/** What a difference is written of: a table's name, its columns, and which of them are the key (empty: by content). */
export interface DiffHeading {
  table: string;
  columns: readonly OutputColumn[];
  key: readonly string[];
  /** Said after the name: the table is there at one moment only. */
  note: string;
}

export interface DiffWriter {
  begin(heading: DiffHeading): void;
  change(change: Change, before: Row | null, after: Row | null): void;
  end(): void;
  /** After the last table. */
  finish(): void;
}

/** A writer of one format; its text goes to `sink` in pieces. */
export function diffWriter(format: Format, sink: Sink, options: Omit<WriterOptions, 'target'> & { colour: boolean }): DiffWriter {
  const escaped: Sink = options.forTerminal ? (text) => sink(escapeLinesForTerminal(text)) : sink;
  return format === 'json' || format === 'jsonl' ? new JsonDiffWriter(format, escaped) : new RowDiffWriter(format, sink, options);
}

/** Objects {table, change, key, before, after}. */
class JsonDiffWriter implements DiffWriter {
  private count = 0;
  private heading!: DiffHeading;
  private rows!: JsonRows;
  private keyRows!: JsonRows;
  private keyPlaces: number[] = [];

  constructor(private readonly format: 'json' | 'jsonl', private readonly sink: Sink) {
    if (format === 'json') sink('[');
  }

  begin(heading: DiffHeading): void {
    this.heading = heading;
    this.rows = new JsonRows(heading.columns);
    this.keyPlaces = heading.key.map((name) => heading.columns.findIndex((column) => column.name === name));
    this.keyRows = new JsonRows(this.keyPlaces.map((i) => heading.columns[i]!));
  }

  change(change: Change, before: Row | null, after: Row | null): void {
    const row = (after ?? before)!;
    const key = this.keyPlaces.length > 0 ? this.keyRows.object(this.keyPlaces.map((i) => row[i]!)) : 'null';
    const side = (values: Row | null): string => (values ? this.rows.object(values) : 'null');
    const text = `{"table":${JSON.stringify(this.heading.table)},"change":"${change}","key":${key},"before":${side(before)},"after":${side(after)}}`;
    this.sink(this.format === 'jsonl' ? `${text.replace(/[\r\n]/g, ' ')}\n` : `${this.count > 0 ? ',' : ''}\n${text}`);
    this.count++;
  }

  end(): void {
    // objects stand alone
  }

  finish(): void {
    if (this.format === 'json') this.sink(this.count > 0 ? '\n]\n' : ']\n');
  }
}

const MARK_COLUMN: OutputColumn = { name: '±', typeName: 'text' };

/** The part [from, to) of a value that its other side has not. */
interface Difference {
  value: string;
  from: number;
  to: number;
}

/** The words between those that both begin and end with; undefined where the values are the same. */
function differingWords(value: string | null, other: string | null): Difference | undefined {
  if (value === other) return undefined;
  if (value === null || other === null) return { value: value ?? '', from: 0, to: value?.length ?? 0 };
  const words = value.split(/(?<=\s)/), others = other.split(/(?<=\s)/);
  const shorter = Math.min(words.length, others.length);
  let first = 0, last = 0;
  while (first < shorter && words[first] === others[first]) first++;
  while (last < shorter - first && words[words.length - 1 - last] === others[others.length - 1 - last]) last++;
  const length = (list: string[]): number => list.join('').length;
  return { value, from: length(words.slice(0, first)), to: value.length - length(words.slice(words.length - last)) };
}

/** One row a side. People get marks; machine formats get `change` and `side` as columns. */
class RowDiffWriter implements DiffWriter {
  private writer!: RowWriter;
  private readonly forPeople: boolean;
  /** Per row written: its mark, and by column what differs from the row's other side. */
  private painted: { mark: string; differs: (Difference | undefined)[] }[] = [];

  constructor(private readonly format: Format, private readonly sink: Sink, private readonly options: Omit<WriterOptions, 'target'> & { colour: boolean }) {
    this.forPeople = format === 'table' || format === 'expanded';
  }

  begin(heading: DiffHeading): void {
    this.painted = [];
    const marks = this.forPeople ? [MARK_COLUMN] : [{ name: 'change', typeName: 'text' }, { name: 'side', typeName: 'text' }];
    const title = `${heading.table}${heading.note}`;
    if (this.format === 'expanded') this.sink(`${this.options.forTerminal ? escapeForTerminal(title) : title}\n`);
    this.writer = rowWriter(this.format, [...marks, ...heading.columns], this.sink, {
      ...this.options, target: heading.table, title, paint: this.options.colour ? this.paint : undefined,
    });
  }

  private readonly paint = (text: string, row: number, column: number): string => {
    const { mark, differs } = this.painted[row]!;
    const colour = mark.endsWith('-') ? 'red' : 'green';
    const difference = differs[column - 1];
    if (!difference) return styled(text, colour);
    const { value, from, to } = difference;
    const at = text.indexOf(value);
    // a value that is escaped or goes over several lines is not in the cell as such: all of that is marked
    if (at < 0 || from === to) return styled(text, 'inverse', colour);
    return styled(text.slice(0, at + from), colour) + styled(text.slice(at + from, at + to), 'inverse', colour) + styled(text.slice(at + to), colour);
  };

  change(change: Change, before: Row | null, after: Row | null): void {
    const tilde = change === 'changed' ? '~' : '';
    if (before) this.side(`${tilde}-`, change, 'before', before, after);
    if (after) this.side(`${tilde}+`, change, 'after', after, before);
  }

  private side(mark: string, change: Change, side: string, row: Row, other: Row | null): void {
    if (this.options.colour && this.format === 'table') this.painted.push({ mark, differs: other ? row.map((value, i) => differingWords(value, other[i]!)) : [] });
    this.writer.row([...(this.forPeople ? [mark] : [change, side]), ...row]);
  }

  end(): void {
    this.writer.end();
  }

  finish(): void {
    // each table ends on its own
  }
}

/** Counts of one table, as `--stat` shows them. */
export interface DiffCounts {
  table: string;
  added: number;
  removed: number;
  changed: number;
}

const GRAPH_WIDTH = 40;

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** As git diff --stat: a line a table with a graph of `+`, `~` and `-`, and the totals. */
export function diffStat(tables: readonly DiffCounts[], colour: boolean): string {
  const total = (t: DiffCounts): number => t.added + t.removed + t.changed;
  const nameWidth = Math.max(0, ...tables.map((t) => t.table.length));
  const most = Math.max(1, ...tables.map(total));
  const countWidth = String(most).length;
  const scale = most > GRAPH_WIDTH ? GRAPH_WIDTH / most : 1;
  // what is there at all shows as one sign at least
  const signs = (count: number, sign: string): string => sign.repeat(count === 0 ? 0 : Math.max(1, Math.round(count * scale)));
  const paint = (text: string, style: 'green' | 'yellow' | 'red'): string => (colour && text !== '' ? styled(text, style) : text);
  const lines = tables.map((t) => ` ${t.table.padEnd(nameWidth)} | ${String(total(t)).padStart(countWidth)} ` +
    `${paint(signs(t.added, '+'), 'green')}${paint(signs(t.changed, '~'), 'yellow')}${paint(signs(t.removed, '-'), 'red')}`.trimEnd());
  const sum = (pick: (t: DiffCounts) => number): number => tables.reduce((all, t) => all + pick(t), 0);
  const [added, changed, removed] = [sum((t) => t.added), sum((t) => t.changed), sum((t) => t.removed)];
  const parts = [...(added ? [`${plural(added, 'row')} added(+)`] : []), ...(changed ? [`${plural(changed, 'row')} changed(~)`] : []), ...(removed ? [`${plural(removed, 'row')} removed(-)`] : [])];
  return `${[...lines.map((line) => line.trimEnd()), ` ${[`${plural(tables.length, 'table')} changed`, ...parts].join(', ')}`].join('\n')}\n`;
}
