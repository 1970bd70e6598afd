/** walscope export: the changes of tables as a stream for other tools. */
import { JsonRows } from '../output/json.js';
import { changeStream, chosenTables, userTables, type TableChange } from '../query/changeStream.js';
import { databaseByOid, newestPart } from '../query/databaseAt.js';
import { asof } from '../query/asof.js';
import { sourceAtFirst } from '../query/scanSource.js';
import { tableShape, type TableShape } from '../query/rowImages.js';
import { Findings, type DatabaseAt, type Session } from '../query/session.js';
import { prepareVirtualColumns } from '../query/virtualColumns.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';
import { formatTimestamptz } from '../util/pgTime.js';
import { DataOutput, notice, openDatabase, openSession, reportFindings, type CommonOptions } from './context.js';
import { ParquetFile } from './parquetFile.js';
import { VERSION } from './version.js';

export interface ExportCommandOptions extends CommonOptions {
  since?: string;
  only?: boolean;
}

const FORMATS = ['jsonl', 'parquet'];
/** What stands before a table's own columns in Parquet. */
const LEAD_COLUMNS = [
  { name: 'walscope_op', typeName: 'text' }, { name: 'walscope_time', typeName: 'timestamptz' }, { name: 'walscope_lsn', typeName: 'pg_lsn' }, { name: 'walscope_xid', typeName: 'xid' },
];

export async function exportCommand(tables: string[], options: ExportCommandOptions): Promise<ExitCode> {
  const format = options.format ?? 'jsonl';
  if (!FORMATS.includes(format)) throw new WalscopeError('usage.format', `unknown format "${format}"`, { exitCode: ExitCode.usage, hint: `export writes ${FORMATS.join(' or ')}` });
  const session = openSession(options);
  const database = openDatabase(session, options);
  const findings = new Findings();
  const span = newestPart(session, { since: session.moment(options.since ?? 'earliest'), until: database.moment }, findings);
  await prepareVirtualColumns(session, database);
  const relations = tables.map((name) => database.relation(name));
  const leftOut = relations.find((relation) => database.isLeftOut(relation));
  if (leftOut) throw database.untracked(leftOut);
  const oids = relations.map(({ oid }) => oid);
  const wanted = tables.length === 0 ? userTables : chosenTables(oids, options.only);
  const read = (emit: (change: TableChange) => boolean | void): void => changeStream(session, database.database.oid, wanted, span, findings, emit);
  if (format === 'jsonl') writeLines(session, options, read);
  else {
    if (tables.length !== 1 || options.output === undefined) throw new WalscopeError('usage.parquet', 'Parquet holds the versions of one table and goes to a file', { exitCode: ExitCode.usage, hint: 'write walscope export TABLE --format parquet -o FILE' });
    const before = databaseByOid(session, database.database.oid, span.since.lsn, span.since.time);
    await writeParquet(database, before, tables[0]!, { ...options, output: options.output }, read, findings);
  }
  for (const text of session.notices) notice(text);
  return reportFindings(findings.list);
}

/** A change a line: where and when, the row before and after. */
function writeLines(session: Session, options: CommonOptions, read: (emit: (change: TableChange) => boolean | void) => void): void {
  const output = new DataOutput(options.output);
  const rows = new Map<TableShape, JsonRows>();
  read(({ operation, row, lsn, shape, before, after }) => {
    let json = rows.get(shape);
    if (!json) rows.set(shape, (json = new JsonRows(shape.columns)));
    const head = JSON.stringify({ lsn: formatLsn(lsn), xid: row.xid, time: formatTimestamptz(row.time, session.zone), commit_lsn: formatLsn(row.lsn), schema: shape.schema, table: shape.name, op: operation });
    output.line(`${head.slice(0, -1)},"before":${before ? json.object(before) : 'null'},"after":${after ? json.object(after) : 'null'}}`);
    return !output.isClosed;
  });
  output.end();
}

/** Versions of rows under the columns of the last moment: those that were there before, then each as it came, changed or went. */
async function writeParquet(database: DatabaseAt, before: DatabaseAt | undefined, table: string, { output, only }: { output: string; only?: boolean }, read: (emit: (change: TableChange) => boolean | void) => void, findings: Findings): Promise<void> {
  const relation = database.relation(table);
  const { columns } = tableShape(undefined, { database, table: database.describe(relation) });
  const parquet = new ParquetFile(output, [...LEAD_COLUMNS, ...columns], `walscope ${VERSION}`);
  const write = (lead: (string | null)[], names: readonly { name: string }[], values: readonly (string | null)[]): void => {
    parquet.row([...lead, ...columns.map((column) => { const i = names.findIndex((c) => c.name === column.name); return i < 0 ? null : values[i]!; })]);
  };
  const source = before && sourceAtFirst(before, relation.oid, { only }, findings);
  if (before && source) {
    const base = await asof(before, source, {}, findings);
    base.rows((values) => write(['base', null, formatLsn(before.moment.lsn), null], base.columns, values));
  }
  read(({ operation, row, lsn, shape, before: was, after: is }) => write([operation, formatTimestamptz(row.time, database.session.zone), formatLsn(lsn), String(row.xid)], shape.columns, (is ?? was)!));
  parquet.end();
}
