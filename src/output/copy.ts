/** What COPY TO writes, byte for byte: CopyAttributeOutText() and CopyAttributeOutCSV(), commands/copyto.c (copy.c in 13), PG 13–18. */
import type { OutputColumn, RowWriter, Sink } from './rowWriter.js';

const CSV_SPECIAL = /[",\n\r]/;

function csvField(value: string, isOnlyColumn: boolean): string {
  if (value === '' || CSV_SPECIAL.test(value) || (isOnlyColumn && value === '\\.')) return `"${value.replaceAll('"', '""')}"`;
  return value;
}

/** COPY … (FORMAT csv, HEADER): NULL is nothing, an empty string is quoted. */
export class CsvWriter implements RowWriter {
  private readonly isOnlyColumn: boolean;

  constructor(columns: readonly OutputColumn[], private readonly sink: Sink) {
    this.isOnlyColumn = columns.length === 1;
    sink(`${columns.map((column) => csvField(column.name, this.isOnlyColumn)).join(',')}\n`);
  }

  row(values: readonly (string | null)[]): void {
    let line = '';
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (i > 0) line += ',';
      if (value !== null && value !== undefined) line += csvField(value, this.isOnlyColumn);
    }
    this.sink(`${line}\n`);
  }

  end(): void {
    // CSV ends with its last row
  }
}

const COPY_ESCAPES: Record<string, string> = { '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v', '\\': '\\\\' };
const COPY_SPECIAL = /[\b\f\n\r\t\v\\]/g;

/** A value in COPY's text format. */
export function copyText(value: string | null): string {
  return value === null ? '\\N' : value.replace(COPY_SPECIAL, (c) => COPY_ESCAPES[c]!);
}

/** COPY's text format: tab-separated, `\N` for NULL, no header. */
export class CopyWriter implements RowWriter {
  constructor(private readonly sink: Sink) {}

  row(values: readonly (string | null)[]): void {
    let line = '';
    for (let i = 0; i < values.length; i++) line += (i > 0 ? '\t' : '') + copyText(values[i]!);
    this.sink(`${line}\n`);
  }

  end(): void {
    // the end-of-data marker belongs to the protocol, not to the file
  }
}
