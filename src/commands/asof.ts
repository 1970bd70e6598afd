/** walscope asof: rows of a table as of a moment. */
import { asof } from '../query/asof.js';
import { openSource } from '../query/scanSource.js';
import { Findings } from '../query/session.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { qualifiedName } from '../util/quote.js';
import { DataOutput, notice, openDatabase, openRows, openSession, reportFindings, type CommonOptions } from './context.js';

export interface AsofCommandOptions extends CommonOptions {
  where?: string;
  key?: string;
  columns?: string;
  limit?: string;
  system?: boolean;
  only?: boolean;
  deleted?: boolean;
  droppedColumns?: boolean;
  explain?: boolean;
  timing?: boolean;
}

export async function asofCommand(tableName: string, options: AsofCommandOptions): Promise<ExitCode> {
  const started = process.hrtime.bigint();
  const session = openSession(options);
  const database = openDatabase(session, options);
  const source = openSource(database, tableName, { only: options.only, withDropped: options.droppedColumns });
  const { table } = source;
  const findings = new Findings();
  const answer = await asof(database, source, {
    where: options.where, key: options.key === undefined ? undefined : splitList(options.key), columns: options.columns === undefined ? undefined : splitList(options.columns),
    limit: options.limit === undefined ? undefined : parseLimit(options.limit), system: options.system, deleted: options.deleted,
  }, findings);
  for (const text of answer.notices) notice(text);
  if (options.explain) process.stderr.write(`${answer.plan}\n`);
  const output = new DataOutput(options.output, database.encoding.outputCharset);
  const writer = openRows(options, answer.columns, output, qualifiedName(table.schema, table.relation.name));
  answer.rows((values) => {
    writer.row(values);
    return !output.isClosed;
  });
  writer.end();
  output.end();
  for (const type of database.unknownTypes.values()) notice(`type ${qualifiedName(type.schema, type.name)} has no output function here: its values are shown as bytes`);
  if (options.timing) {
    const { pagesRead, pagesCached, recordsReplayed } = database.snapshot.counters;
    const ms = Number(process.hrtime.bigint() - started) / 1e6;
    process.stderr.write(`Time: ${ms.toFixed(3)} ms · pages read: ${pagesRead} (${pagesCached} from cache) · records replayed: ${recordsReplayed}\n`);
  }
  return reportFindings(findings.list);
}

/** Values separated by commas; one in double quotes may hold commas, and doubled quotes. */
export function splitList(text: string): string[] {
  const items: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^,]*))(,|$)/y;
  for (;;) {
    const match = pattern.exec(text);
    if (!match) throw new WalscopeError('usage.list', `cannot read the list ${text}`, { exitCode: ExitCode.usage, hint: 'separate values with commas; put one that holds a comma in double quotes' });
    items.push(match[1] !== undefined ? match[1].replaceAll('""', '"') : match[2]!);
    if (match[3] === '') return items;
  }
}

function parseLimit(text: string): number {
  if (!/^\d+$/.test(text)) throw new WalscopeError('usage.limit', `--limit needs a number, not "${text}"`, { exitCode: ExitCode.usage, hint: 'write --limit 10' });
  return Number(text);
}
