/** A relation's definition as psql's \d+ lays it out (describeOneTableDetails(), bin/psql/describe.c). */
import { escapeForTerminal } from './terminalText.js';
import { TableWriter } from './psqlTable.js';
import type { Sink } from './rowWriter.js';

export interface SchemaTextColumn {
  name: string;
  type: string;
  collation: string | null;
  notNull: boolean;
  default: string | null;
  storage: string;
  comment: string | null;
}

export interface SchemaText {
  /** `Table "public.orders"`. */
  title: string;
  columns: readonly SchemaTextColumn[];
  /** Headings with the lines below them; those without lines are left out. */
  sections: readonly { heading: string; lines: readonly string[]; isVerbatim?: boolean }[];
  /** `Partition of: …` and the like. */
  remarks: readonly string[];
}

export function writeSchema(schema: SchemaText, forTerminal: boolean, sink: Sink): void {
  const hasComments = schema.columns.some((column) => column.comment !== null);
  const heads = ['Column', 'Type', 'Collation', 'Nullable', 'Default', 'Storage', ...(hasComments ? ['Description'] : [])];
  const writer = new TableWriter(heads.map((name) => ({ name, typeName: 'text' })), sink, { target: '', forTerminal, title: schema.title, footer: false });
  for (const c of schema.columns) {
    writer.row([c.name, c.type, c.collation, c.notNull ? 'not null' : null, c.default, c.storage, ...(hasComments ? [c.comment] : [])]);
  }
  writer.end();
  const text = (line: string): string => (forTerminal ? escapeForTerminal(line) : line);
  for (const { heading, lines, isVerbatim } of schema.sections) {
    if (lines.length > 0) sink(`${heading}:\n${lines.map((line) => `${isVerbatim ? '' : '    '}${text(line)}\n`).join('')}`);
  }
  for (const remark of schema.remarks) sink(`${text(remark)}\n`);
  sink('\n');
}
