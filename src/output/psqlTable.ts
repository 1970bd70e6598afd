/** psql's aligned and expanded output (fe_utils/print.c: print_aligned_text, print_aligned_vertical), border 1, old-ascii off. */
import { displayWidth, escapeForTerminal } from './terminalText.js';
import type { OutputColumn, RowWriter, Sink, WriterOptions } from './rowWriter.js';

/** Types that psql aligns to the right (column_type_alignment(), print.c). */
const RIGHT_ALIGNED = new Set(['int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'oid', 'xid', 'xid8', 'cid', 'money']);

/** Widths are taken from the first rows; a later, wider value pushes its own line only. */
const ROWS_BUFFERED = 100_000;

function cellLines(value: string | null, forTerminal: boolean): string[] {
  if (value === null) return [''];
  return forTerminal ? [escapeForTerminal(value)] : value.split('\n');
}

export class TableWriter implements RowWriter {
  private buffered: (string | null)[][] | undefined = [];
  private widths: number[] = [];
  private count = 0;
  private printed = 0;

  constructor(private readonly columns: readonly OutputColumn[], private readonly sink: Sink, private readonly options: WriterOptions) {}

  row(values: readonly (string | null)[]): void {
    this.count++;
    if (!this.buffered) return this.print(values);
    this.buffered.push([...values]);
    if (this.buffered.length >= ROWS_BUFFERED) this.flush();
  }

  end(): void {
    this.flush();
    if (this.options.footer !== false) this.sink(`(${this.count} ${this.count === 1 ? 'row' : 'rows'})\n\n`);
  }

  private header(name: string): string {
    return this.options.forTerminal ? escapeForTerminal(name) : name;
  }

  private flush(): void {
    if (!this.buffered) return;
    const rows = this.buffered;
    this.buffered = undefined;
    this.widths = this.columns.map((column) => displayWidth(this.header(column.name)));
    for (const row of rows) {
      row.forEach((value, i) => {
        for (const line of cellLines(value, this.options.forTerminal)) this.widths[i] = Math.max(this.widths[i]!, displayWidth(line));
      });
    }
    if (this.options.title) this.sink(`${this.header(this.options.title)}\n`);
    const heads = this.columns.map((column, i) => ` ${center(this.header(column.name), this.widths[i]!)} `);
    this.sink(`${heads.join('|')}\n`);
    this.sink(`${this.widths.map((width) => '-'.repeat(width + 2)).join('+')}\n`);
    for (const row of rows) this.print(row);
  }

  private print(values: readonly (string | null)[]): void {
    const cells = values.map((value) => cellLines(value, this.options.forTerminal));
    const height = Math.max(1, ...cells.map((lines) => lines.length));
    for (let line = 0; line < height; line++) {
      let text = '';
      for (let i = 0; i < cells.length; i++) {
        const piece = cells[i]![line] ?? '';
        const continues = line + 1 < cells[i]!.length;
        const last = i === cells.length - 1;
        const pad = ' '.repeat(Math.max(0, this.widths[i]! - displayWidth(piece)));
        const right = RIGHT_ALIGNED.has(this.columns[i]!.typeName);
        const painted = piece !== '' && this.options.paint ? this.options.paint(piece, this.printed, i) : piece;
        text += ` ${right ? pad + painted : painted + (last && !continues ? '' : pad)}`;
        text += continues ? '+' : last ? '' : ' ';
        if (!last) text += '|';
      }
      this.sink(`${text}\n`);
    }
    this.printed++;
  }
}

function center(text: string, width: number): string {
  const room = Math.max(0, width - displayWidth(text));
  const left = Math.floor(room / 2);
  return ' '.repeat(left) + text + ' '.repeat(room - left);
}

/** One record below the other (print_aligned_vertical()). */
export class ExpandedWriter implements RowWriter {
  private buffered: (string | null)[][] | undefined = [];
  private count = 0;
  private readonly nameWidth: number;
  private valueWidth = 0;

  constructor(private readonly columns: readonly OutputColumn[], private readonly sink: Sink, private readonly options: WriterOptions) {
    this.nameWidth = Math.max(0, ...columns.map((column) => displayWidth(this.name(column))));
  }

  private name(column: OutputColumn): string {
    return this.options.forTerminal ? escapeForTerminal(column.name) : column.name;
  }

  row(values: readonly (string | null)[]): void {
    if (!this.buffered) return this.print(values);
    this.buffered.push([...values]);
    if (this.buffered.length >= ROWS_BUFFERED) this.flush();
  }

  end(): void {
    this.flush();
    this.sink(this.count === 0 ? '(0 rows)\n\n' : '\n');
  }

  private flush(): void {
    if (!this.buffered) return;
    const rows = this.buffered;
    this.buffered = undefined;
    let separators = ' | '.length;
    for (const row of rows) {
      for (const value of row) {
        const lines = cellLines(value, this.options.forTerminal);
        if (lines.length > 1) separators = ' | +'.length;
        for (const line of lines) this.valueWidth = Math.max(this.valueWidth, displayWidth(line));
      }
    }
    // room for the widest heading of a record
    this.valueWidth = Math.max(this.valueWidth, `-[ RECORD ${rows.length} ]`.length - this.nameWidth - separators);
    for (const row of rows) this.print(row);
  }

  private print(values: readonly (string | null)[]): void {
    const label = `-[ RECORD ${++this.count} ]`;
    const rule = '-'.repeat(this.nameWidth + 1) + (this.columns.length > 0 ? `+${'-'.repeat(this.valueWidth + 1)}` : '');
    this.sink(`${label}${rule.slice(label.length)}\n`);
    values.forEach((value, i) => {
      const lines = cellLines(value, this.options.forTerminal);
      lines.forEach((line, n) => {
        const name = n === 0 ? this.name(this.columns[i]!) : '';
        const mark = n < lines.length - 1 ? `${' '.repeat(Math.max(0, this.valueWidth - displayWidth(line)))}+` : '';
        this.sink(`${name}${' '.repeat(this.nameWidth - displayWidth(name))} | ${line}${mark}\n`);
      });
    });
  }
}
