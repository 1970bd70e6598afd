/** A page's description for people: header, special space and contents as lists, items as a psql-like table. */
import type { FieldValue, Fields, PageDescription } from '../pg/describePage.js';
import { TableWriter } from './psqlTable.js';
import type { Sink } from './rowWriter.js';

const LONG_VALUE_CHARACTERS = 40;

function fieldText(value: FieldValue | undefined): string | null {
  if (value === null || value === undefined) return null;
  return Array.isArray(value) ? value.join(' ') : String(value);
}

function shortened(value: string | null): string | null {
  return value !== null && value.length > LONG_VALUE_CHARACTERS && !value.includes(' ') ? `${value.slice(0, LONG_VALUE_CHARACTERS)}…` : value;
}

function writeList(title: string, fields: Fields, sink: Sink): void {
  const names = Object.keys(fields);
  if (names.length === 0) return;
  const width = Math.max(...names.map((name) => name.length));
  sink(`${title}\n${names.map((name) => `  ${name.padEnd(width)}  ${fieldText(fields[name]) ?? ''}`.trimEnd()).join('\n')}\n\n`);
}

/** A table whose columns are the fields that any of the rows has, in the order in which they come up. */
function writeTable(title: string, rows: readonly Fields[], forTerminal: boolean, sink: Sink): void {
  if (rows.length === 0) return;
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const isNumber = (name: string): boolean => rows.every((row) => row[name] === undefined || row[name] === null || typeof row[name] === 'number');
  const writer = new TableWriter(columns.map((name) => ({ name, typeName: isNumber(name) ? 'int4' : 'text' })), sink, { target: '', forTerminal, title });
  for (const row of rows) writer.row(columns.map((name) => shortened(fieldText(row[name]))));
  writer.end();
}

/** Prints a page in words: header, special area, contents, then its items as a table. */
export function writePage(description: PageDescription, forTerminal: boolean, sink: Sink): void {
  sink(`${description.kind} page, ${description.type}\n\n`);
  writeList('header', description.header, sink);
  writeList('special', description.special, sink);
  writeList('contents', description.contents, sink);
  writeTable('items', description.linePointers.map(({ offnum, off, flags, len, fields }) => {
    // a heap tuple has flags of its own, by the name that the line pointer's take
    const { flags: tupleFlags, ...rest } = fields;
    return { lp: offnum, lp_off: off, lp_flags: flags, lp_len: len, ...rest, ...(tupleFlags === undefined ? {} : { flags: tupleFlags }) };
  }), forTerminal, sink);
  writeTable('entries', description.entries, forTerminal, sink);
  for (const problem of description.problems) sink(`problem: ${problem}\n`);
}
