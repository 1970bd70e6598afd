/** walscope tables: psql's \dt+ as of then. */
import { formatBytes } from '../output/units.js';
import { Findings } from '../query/session.js';
import { listTables } from '../query/tables.js';
import type { ExitCode } from '../util/errors.js';
import { DataOutput, formatOf, openDatabase, openRows, openSession, reportFindings, type CommonOptions } from './context.js';

export interface TablesCommandOptions extends CommonOptions {
  all?: boolean;
  count?: boolean;
}

const PERSISTENCE_NAMES: Record<string, string> = { p: 'permanent', u: 'unlogged', t: 'temporary' };

export async function tablesCommand(pattern: string | undefined, options: TablesCommandOptions): Promise<ExitCode> {
  const session = openSession(options);
  const database = openDatabase(session, options);
  const findings = new Findings();
  const tables = listTables(database, { pattern: pattern === undefined ? undefined : database.typed(pattern), all: options.all, count: options.count ? findings.add : undefined });
  const forPeople = ['table', 'expanded'].includes(formatOf(options));
  const columns = [
    { name: 'schema', typeName: 'name' }, { name: 'name', typeName: 'name' }, { name: 'type', typeName: 'text' }, { name: 'owner', typeName: 'name' },
    { name: 'persistence', typeName: 'text' }, { name: 'pages', typeName: 'int4' }, { name: forPeople ? 'size' : 'bytes', typeName: 'int8' },
    ...(options.count ? [{ name: 'rows', typeName: 'int8' }] : []), { name: 'oid', typeName: 'oid' }, { name: 'dropped_since', typeName: 'bool' },
  ];
  const output = new DataOutput(options.output, database.encoding.outputCharset);
  const writer = openRows(options, columns, output, 'tables');
  for (const t of tables) {
    const size = t.bytes === undefined ? null : forPeople ? formatBytes(t.bytes) : String(t.bytes);
    writer.row([
      t.schema, t.name, t.type, t.owner, PERSISTENCE_NAMES[t.persistence] ?? t.persistence, t.pages === undefined ? null : String(t.pages), size,
      ...(options.count ? [t.rows === undefined ? null : String(t.rows)] : []), String(t.oid), t.droppedSince ? 't' : forPeople ? null : 'f',
    ]);
  }
  writer.end();
  output.end();
  return reportFindings(findings.list);
}
