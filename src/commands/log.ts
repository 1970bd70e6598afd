/** walscope log: transactions, newest first. */
import { escapeForTerminal } from '../output/terminalText.js';
import type { OutputColumn } from '../output/rowWriter.js';
import { entryTexts, headOf, transactionLog, type LogEntry, type TransactionEntry } from '../query/log.js';
import { xidOf } from '../query/moment.js';
import { Findings } from '../query/session.js';
import type { ExitCode } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';
import { formatTimestamptz, PG_EPOCH_UNIX_SECONDS } from '../util/pgTime.js';
import type { TimeZone } from '../util/timeZone.js';
import { DataOutput, echoMoment, formatOf, openRows, openSession, reportFindings, type CommonOptions } from './context.js';
import { wholeNumber } from './numbers.js';

export interface LogCommandOptions extends CommonOptions {
  since?: string;
  until?: string;
  table?: string;
  xid?: string;
  aborted?: boolean;
  limit?: string;
  timesketch?: boolean;
}

const LOG_COLUMNS: readonly OutputColumn[] = [
  ['time', 'timestamptz'], ['xid', 'xid'], ['lsn', 'pg_lsn'], ['event', 'text'], ['database', 'text'], ['tables', 'text'], ['ddl', 'text'], ['detail', 'text'],
].map(([name, typeName]) => ({ name: name!, typeName: typeName! }));

export async function logCommand(options: LogCommandOptions): Promise<ExitCode> {
  const session = openSession(options);
  const until = session.moment(options.until ?? 'latest');
  const since = session.moment(options.since ?? 'earliest');
  echoMoment(until);
  const findings = new Findings();
  const output = new DataOutput(options.output);
  const writer = options.timesketch || formatOf(options) === 'table' ? undefined : openRows(options, LOG_COLUMNS, output, 'log');
  let left = options.limit === undefined ? Infinity : wholeNumber(options.limit, '--limit');
  const entries = transactionLog(session, {
    since, until, table: options.table, xid: options.xid === undefined ? undefined : xidOf(options.xid), aborted: options.aborted,
  }, findings);
  if (left > 0) {
    for (const entry of entries) {
      if (options.timesketch) output.write(timesketchLine(entry));
      else if (writer) writer.row(logRow(entry, session.zone));
      else output.write(output.forTerminal ? escapeLines(logText(entry, session.zone)) : logText(entry, session.zone));
      output.flush();
      if (output.isClosed || --left <= 0) break;
    }
  }
  writer?.end();
  output.end();
  return reportFindings(findings.list);
}

/** An event as Timesketch imports it; a message of no transaction carries no time, so that it cannot stand on a timeline. */
function timesketchLine(entry: LogEntry): string {
  const { time, xid, lsn, event, detail } = headOf(entry);
  if (time === null) return '';
  const isTransaction = entry.kind === 'transaction';
  const what = isTransaction ? linesOf(entry).join('; ') : '';
  return `${JSON.stringify({
    message: [xid === null ? event : `${event} of transaction ${xid}`, what, detail].filter((part) => part !== '').join(': '),
    datetime: new Date(PG_EPOCH_UNIX_SECONDS * 1000 + time / 1000).toISOString().replace(/\.\d+Z$/, `.${String(((time % 1e6) + 1e6) % 1e6).padStart(6, '0')}+00:00`),
    timestamp: PG_EPOCH_UNIX_SECONDS * 1e6 + time, timestamp_desc: TIMESTAMP_DESCRIPTIONS[event] ?? 'Transaction Ended', data_type: 'postgresql:wal',
    xid, lsn: formatLsn(lsn), database: isTransaction ? entry.database : null,
  })}\n`;
}

const TIMESTAMP_DESCRIPTIONS: Record<string, string> = { commit: 'Transaction Committed', abort: 'Transaction Aborted', prepare: 'Transaction Prepared', 'restore point': 'Restore Point Created' };

function linesOf(entry: TransactionEntry): string[] {
  const { ddl, tables } = entryTexts(entry);
  return [...ddl, ...tables];
}

function escapeLines(text: string): string {
  return text.split('\n').map(escapeForTerminal).join('\n');
}

function logRow(entry: LogEntry, zone: TimeZone): (string | null)[] {
  const { time, xid, lsn, event, detail } = headOf(entry);
  const isTransaction = entry.kind === 'transaction';
  const texts = isTransaction ? entryTexts(entry) : undefined;
  return [
    time === null ? null : formatTimestamptz(time, zone), xid === null ? null : String(xid), formatLsn(lsn), event, isTransaction ? entry.database : null,
    texts?.tables.join('; ') ?? null, texts?.ddl.join('; ') ?? null, detail === '' ? null : detail,
  ];
}

/** As git log prints commits: a line that says which, and what was done under it. */
function logText(entry: LogEntry, zone: TimeZone): string {
  const { time, xid, lsn, event, detail } = headOf(entry);
  const isTransaction = entry.kind === 'transaction';
  const head = [time === null ? '' : formatTimestamptz(time, zone), xid === null ? '' : `xid ${xid}`, `LSN ${formatLsn(lsn)}`, event === 'commit' ? '' : event, isTransaction ? entry.database : '', detail];
  const lines = isTransaction ? linesOf(entry) : [];
  return `${head.filter((part) => part !== '').join(' · ')}\n${lines.map((line) => `    ${line}\n`).join('')}`;
}
