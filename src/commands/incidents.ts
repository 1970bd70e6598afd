/** walscope incidents: what went wrong, the worst first, each with the moment just before it. */
import { escapeForTerminal } from '../output/terminalText.js';
import type { OutputColumn } from '../output/rowWriter.js';
import { findIncidents, incidentExtent, incidentTitle, type Incident } from '../query/incidents.js';
import { Findings } from '../query/session.js';
import type { ExitCode } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';
import { formatTimestamptz } from '../util/pgTime.js';
import { shellQuote } from '../util/shell.js';
import type { TimeZone } from '../util/timeZone.js';
import { DataOutput, echoMoment, formatOf, openRows, openSession, reportFindings, type CommonOptions } from './context.js';
import { wholeNumber } from './numbers.js';

export interface IncidentsCommandOptions extends CommonOptions {
  since?: string;
  until?: string;
  limit: string;
}

const COLUMNS: readonly OutputColumn[] = [
  ['rank', 'int4'], ['incident', 'text'], ['object', 'text'], ['database', 'text'], ['rows', 'int4'], ['of_rows', 'int4'], ['estimated', 'bool'], ['time', 'timestamptz'], ['xid', 'xid'],
  ['lsn', 'pg_lsn'], ['before', 'text'], ['recovery_target', 'text'],
].map(([name, typeName]) => ({ name: name!, typeName: typeName! }));

export async function incidentsCommand(options: IncidentsCommandOptions): Promise<ExitCode> {
  const session = openSession(options);
  const until = session.moment(options.until ?? 'latest');
  const since = session.moment(options.since ?? 'earliest');
  echoMoment(until);
  const limit = wholeNumber(options.limit, '--limit');
  const findings = new Findings();
  const incidents = findIncidents(session, { since, until }, findings);
  const output = new DataOutput(options.output);
  const shown = incidents.slice(0, limit);
  if (formatOf(options) === 'table') {
    const databases = shown.length > 0 ? session.databasesWithTables(until).map(({ database }) => database.name) : [];
    for (const [i, incident] of shown.entries()) {
      // what is to be pasted names the database where it is not the only one
      const isClear = incident.database === '' || (databases.length === 1 && databases[0] === incident.database);
      const text = incidentText(incident, i + 1, session.zone, isClear ? '' : ` -d ${shellQuote(incident.database)}`);
      output.write(output.forTerminal ? text.split('\n').map(escapeForTerminal).join('\n') : text);
    }
    output.write(shown.length === 0 ? 'nothing that looks like an incident\n' : `(${shown.length} of ${incidents.length})\n`);
  } else {
    const writer = openRows(options, COLUMNS, output, 'incidents');
    for (const [i, incident] of shown.entries()) writer.row(incidentRow(incident, i + 1, session.zone));
    writer.end();
  }
  output.end();
  return reportFindings(findings.list);
}

function incidentRow(incident: Incident, rank: number, zone: TimeZone): (string | null)[] {
  return [
    String(rank), incident.kind, incident.object, incident.database, String(incident.rows), incident.ofRows === null ? null : String(incident.ofRows), incident.isEstimate ? 't' : 'f',
    formatTimestamptz(incident.time, zone), String(incident.xid), formatLsn(incident.lsn), incident.before, incident.recoveryTarget,
  ];
}

function incidentText(incident: Incident, rank: number, zone: TimeZone, database: string): string {
  const extent = incidentExtent(incident);
  const place = [formatTimestamptz(incident.time, zone), `xid ${incident.xid}`, `LSN ${formatLsn(incident.lsn)}`, incident.database].filter((part) => part !== '');
  return [
    `${rank}. ${incidentTitle(incident)}${extent === '' ? '' : `: ${extent}`}`,
    `   ${place.join(' · ')}`,
    `   just before:     --at ${incident.before}${database}`,
    `   classic restore: ${incident.recoveryTarget}`,
    '',
  ].join('\n');
}
