/** Rows to text in every format of the command line, one writer a format, all streaming. */
import { WalscopeError, ExitCode } from '../util/errors.js';
import { escapeLinesForTerminal } from './terminalText.js';
import { CopyWriter, CsvWriter } from './copy.js';
import { InsertWriter } from './insert.js';
import { JsonlWriter, JsonWriter } from './json.js';
import { ExpandedWriter, TableWriter } from './psqlTable.js';

export const FORMATS = ['table', 'expanded', 'csv', 'json', 'jsonl', 'copy', 'insert'] as const;
export type Format = (typeof FORMATS)[number];

export interface OutputColumn {
  name: string;
  /** pg_type.typname: decides alignment and JSON representation. */
  typeName: string;
  /** What fills the column when a row is inserted: its identity sequence, its generation expression; undefined: the row. */
  filledBy?: 'identity' | 'expression';
}

/** Takes text in pieces; the caller knows where it goes. */
export type Sink = (text: string) => void;

export interface RowWriter {
  /** Values in PostgreSQL's output form; null is NULL. */
  row(values: readonly (string | null)[]): void;
  /** Writes what comes after the last row. */
  end(): void;
}

export interface WriterOptions {
  /** `schema.table` for INSERT statements, quoted as needed. */
  target: string;
  /** True where a person reads it on a terminal: control characters are shown escaped. */
  forTerminal: boolean;
  /** Columns of the terminal, for `table` to fall back to expanded where asked. */
  title?: string;
  /** False: `table` ends without its `(N rows)`. */
  footer?: boolean;
  /** Colours a cell of `table` output after it has been padded; `row` counts from 0. */
  paint?: (text: string, row: number, column: number) => string;
}

/** A writer of one format: rows of text values (null is NULL) go to `to` as they come. */
export function rowWriter(format: Format, columns: readonly OutputColumn[], to: Sink, options: WriterOptions): RowWriter {
  const forPeople = format === 'table' || format === 'expanded';
  const sink: Sink = options.forTerminal && !forPeople ? (text) => to(escapeLinesForTerminal(text)) : to;
  switch (format) {
    case 'table': return new TableWriter(columns, sink, options);
    case 'expanded': return new ExpandedWriter(columns, sink, options);
    case 'csv': return new CsvWriter(columns, sink);
    case 'copy': return new CopyWriter(sink);
    case 'json': return new JsonWriter(columns, sink);
    case 'jsonl': return new JsonlWriter(columns, sink);
    case 'insert': return new InsertWriter(columns, sink, options.target);
  }
}

/** The format of that name; a usage error where there is none. */
export function parseFormat(name: string): Format {
  const format = FORMATS.find((known) => known === name);
  if (!format) throw new WalscopeError('usage.format', `unknown format "${name}"`, { exitCode: ExitCode.usage, hint: `use one of ${FORMATS.join(', ')}` });
  return format;
}
