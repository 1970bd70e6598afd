/** walscope diff --schema: what changed in the definitions between two moments, in words, as rows, as JSON or as SQL. */
import type { DiffSides } from '../query/diffSpan.js';
import { commentedOut } from '../query/sqlScript.js';
import { schemaDiff, type SchemaChange } from '../query/schemaDiff.js';
import { schemaScript, type ScriptStep } from '../query/schemaScript.js';
import { formatOf, openRows, type CommonOptions, type DataOutput } from './context.js';

const COLUMNS = ['change', 'object', 'table', 'name', 'property', 'before', 'after'] as const;

/** Writes the changes; true where there are any. */
export function showSchemaDiff(sides: DiffSides, tables: string[], options: CommonOptions & { ddl?: boolean }, output: DataOutput): boolean {
  const changes = schemaDiff(sides, tables);
  const format = formatOf(options);
  if (options.ddl) writeSql(schemaScript(sides, changes), output);
  else if (format === 'table' && !options.expanded) writeWords(changes, output);
  else {
    const writer = openRows(options, COLUMNS.map((name) => ({ name, typeName: 'text' })), output, 'diff');
    for (const change of changes) writer.row(COLUMNS.map((name) => change[name]));
    writer.end();
  }
  return changes.length > 0;
}

/** A change that no statement is known for stands as a comment. Bodies of functions may name what comes later. */
function writeSql(steps: readonly ScriptStep[], output: DataOutput): void {
  if (steps.some(({ change }) => change.object === 'function')) output.line('SET check_function_bodies = off;');
  for (const { change, sql } of steps) {
    if (sql.length === 0) output.line(commentedOut(words(change)));
    for (const statement of sql) for (const line of statement.split('\n')) output.line(line);
  }
}

/** What belongs to a table stands indented below it. */
function writeWords(changes: readonly SchemaChange[], output: DataOutput): void {
  let table: string | null = null;
  for (const change of changes) {
    if (change.table !== table && change.table !== null) output.line(`in ${change.table}:`);
    table = change.table;
    const indent = change.table === null ? '' : '    ';
    for (const line of words(change).split('\n')) output.line(indent + line);
  }
}

function words({ change, object, name, property, before, after }: SchemaChange): string {
  switch (change) {
    case 'renamed': return `${object} ${before ?? name} renamed to ${after ?? ''}`;
    case 'changed': return `${object} ${name} changed: ${property ?? ''}${before === null && after === null ? '' : ` from ${before ?? 'none'} to ${after ?? 'none'}`}`;
    default: {
      // a column's text begins with its name
      const definition = (change === 'added' ? after : before) ?? '';
      if (object === 'column') return `${object} ${definition} ${change}`;
      const isShort = (object === 'constraint' || object === 'index') && !definition.includes('\n');
      return isShort ? `${object} ${name} ${change}: ${definition}` : `${object} ${name} ${change}`;
    }
  }
}
