/** walscope asof: rows of a table as of a moment. */
import { fieldForm } from '../output/byteFields.js';
import { asof } from '../query/asof.js';
import { readLargeObject } from '../query/largeObject.js';
import { openSource } from '../query/scanSource.js';
import { Findings, type DatabaseAt } from '../query/session.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { qualifiedName } from '../util/quote.js';
import { DataOutput, formatOf, notice, openDatabase, openRows, openSession, reportFindings, type CommonOptions } from './context.js';
import { wholeNumber } from './numbers.js';
import { writeRowBytes } from './rowBytes.js';

export interface AsofCommandOptions extends CommonOptions {
  where?: string;
  key?: string;
  columns?: string;
  limit?: string;
  system?: boolean;
  only?: boolean;
  deleted?: boolean;
  droppedColumns?: boolean;
  largeObject?: string;
  explain?: boolean;
  timing?: boolean;
}

export async function asofCommand(tableName: string | undefined, options: AsofCommandOptions): Promise<ExitCode> {
  const started = process.hrtime.bigint();
  const isLargeObject = options.largeObject !== undefined;
  if (isLargeObject === (tableName !== undefined)) {
    throw new WalscopeError('usage.asof', isLargeObject ? '--large-object takes no table' : 'no table was named', { exitCode: ExitCode.usage, hint: 'write walscope asof TABLE, or walscope asof --large-object OID -o FILE' });
  }
  const session = openSession(options);
  const database = openDatabase(session, options);
  if (isLargeObject) return largeObject(database, options.largeObject!, options.output);
  const source = openSource(database, tableName!, { only: options.only, withDropped: options.droppedColumns });
  const { table } = source;
  const findings = new Findings();
  const answer = await asof(database, source, {
    where: options.where, key: options.key === undefined ? undefined : splitList(options.key), columns: options.columns === undefined ? undefined : splitList(options.columns),
    limit: options.limit === undefined ? undefined : wholeNumber(options.limit, '--limit'), system: options.system, deleted: options.deleted,
  }, findings);
  for (const text of answer.notices) notice(text);
  if (options.explain) process.stderr.write(`${answer.plan}\n`);
  const output = new DataOutput(options.output, database.encoding.outputCharset);
  const writer = openRows(options, answer.columns, output, qualifiedName(table.schema, table.relation.name));
  const form = output.forTerminal ? undefined : fieldForm(formatOf(options), answer.columns.length);
  if (form) {
    writeRowBytes(answer, form, (bytes) => {
      output.writeBytes(bytes);
      return !output.isClosed;
    });
  }
  else {
    answer.rows((values) => {
      writer.row(values);
      return !output.isClosed;
    });
  }
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

/** The bytes of a large object, to a file or a pipe. */
function largeObject(database: DatabaseAt, text: string, file: string | undefined): ExitCode {
  const oid = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (oid === 0) throw new WalscopeError('usage.large_object', `--large-object needs an OID, not "${text}"`, { exitCode: ExitCode.usage, hint: 'walscope asof pg_largeobject_metadata lists them' });
  if (file === undefined && process.stdout.isTTY) throw new WalscopeError('usage.large_object', 'a large object is bytes, which a terminal cannot show', { exitCode: ExitCode.usage, hint: 'add -o FILE' });
  const pieces: Uint8Array[] = [];
  const output = new DataOutput(file);
  let held = 0;
  const flush = (): void => {
    if (held > 0) output.writeBytes(Buffer.concat(pieces));
    pieces.length = held = 0;
  };
  const length = readLargeObject(database, oid, (bytes) => {
    pieces.push(bytes);
    held += bytes.length;
    if (held > 1 << 20) flush();
  });
  flush();
  output.end();
  process.stderr.write(`large object ${oid}: ${length} bytes\n`);
  return ExitCode.done;
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
