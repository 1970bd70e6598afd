/** walscope history, blame and find: who wrote a row, when, and what it said before. */
import { blame } from '../query/blame.js';
import { findChanges, rowHistory, type FindKind, type HistoryAnswer } from '../query/history.js';
import { openSource } from '../query/scanSource.js';
import { Findings, type DatabaseAt } from '../query/session.js';
import { prepareVirtualColumns } from '../query/virtualColumns.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { splitList } from './asof.js';
import { DataOutput, notice, openDatabase, openRows, openSession, reportFindings, type CommonOptions } from './context.js';

export interface HistoryCommandOptions extends CommonOptions {
  key: string;
  since?: string;
  only?: boolean;
  columns?: string;
}

function columnsOf({ columns }: { columns?: string }): string[] | undefined {
  return columns === undefined ? undefined : splitList(columns);
}

export async function historyCommand(table: string, options: HistoryCommandOptions): Promise<ExitCode> {
  const session = openSession(options);
  const database = openDatabase(session, options);
  const findings = new Findings();
  const span = { since: session.moment(options.since ?? 'earliest'), until: database.moment, only: options.only, columns: columnsOf(options) };
  await prepareVirtualColumns(session, database);
  const answer = await rowHistory(session, database, table, splitList(options.key), span, findings);
  return writeAnswer(answer, database, options, findings);
}

export interface BlameCommandOptions extends CommonOptions {
  where?: string;
  only?: boolean;
  columns?: string;
}

export async function blameCommand(table: string, options: BlameCommandOptions): Promise<ExitCode> {
  const session = openSession(options);
  const database = openDatabase(session, options);
  const findings = new Findings();
  await prepareVirtualColumns(session, database);
  const answer = await blame(database, openSource(database, table, { only: options.only }), { where: options.where, columns: columnsOf(options) }, findings);
  for (const text of answer.notices) notice(text);
  const output = new DataOutput(options.output, database.encoding.outputCharset);
  const writer = openRows(options, answer.columns, output, 'blame');
  answer.rows((values) => {
    writer.row(values);
    return !output.isClosed;
  });
  writer.end();
  output.end();
  return reportFindings(findings.list);
}

export interface FindCommandOptions extends CommonOptions {
  where: string;
  gone?: boolean;
  appeared?: boolean;
  changed?: boolean;
  since?: string;
  only?: boolean;
  columns?: string;
}

export async function findCommand(table: string, options: FindCommandOptions): Promise<ExitCode> {
  const asked = (['gone', 'appeared', 'changed'] as const).filter((kind) => options[kind]);
  if (asked.length > 1) throw new WalscopeError('usage.find', `--${asked.join(' and --')} exclude each other`, { exitCode: ExitCode.usage, hint: 'choose one' });
  const kind: FindKind = asked[0] ?? 'gone';
  const session = openSession(options);
  const database = openDatabase(session, options);
  const findings = new Findings();
  const span = { since: session.moment(options.since ?? 'earliest'), until: database.moment, only: options.only, columns: columnsOf(options) };
  await prepareVirtualColumns(session, database);
  return writeAnswer(await findChanges(session, database, table, options.where, kind, span, findings), database, options, findings);
}

function writeAnswer(answer: HistoryAnswer, database: DatabaseAt, options: CommonOptions, findings: Findings): ExitCode {
  for (const text of [...answer.notices, ...database.session.notices]) notice(text);
  const output = new DataOutput(options.output, database.encoding.outputCharset);
  const writer = openRows(options, answer.columns, output, 'history');
  for (const row of answer.rows) writer.row(row);
  writer.end();
  output.end();
  return reportFindings(findings.list);
}
