/** walscope show: what one transaction did, row by row, before and after; or the SQL that reverts it. */
import { colourWanted } from '../output/colour.js';
import { diffWriter, type Change } from '../output/diffText.js';
import { ddlText } from '../query/ddl.js';
import { writeScript } from '../output/scriptText.js';
import type { RowOperation } from '../query/heapChanges.js';
import { xidOf } from '../query/moment.js';
import { undoScript } from '../query/revert.js';
import { Findings } from '../query/session.js';
import type { OnConflict } from '../query/sqlScript.js';
import { showTransaction, type ShownTransaction } from '../query/show.js';
import type { ShownChange } from '../query/transactionRows.js';
import { prepareVirtualColumns } from '../query/virtualColumns.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';
import { formatTimestamptz } from '../util/pgTime.js';
import { qualifiedName } from '../util/quote.js';
import type { TimeZone } from '../util/timeZone.js';
import { DataOutput, formatOf, notice, openSession, printable, reportFindings, type CommonOptions } from './context.js';

export interface ShowCommandOptions extends CommonOptions {
  undo?: boolean;
  onConflict?: OnConflict;
}

const CHANGES: Record<RowOperation, Change> = { insert: 'added', update: 'changed', delete: 'removed' };

export async function showCommand(xidText: string, options: ShowCommandOptions): Promise<ExitCode> {
  if (options.onConflict !== undefined && !options.undo) throw new WalscopeError('usage.show', '--on-conflict needs --undo', { exitCode: ExitCode.usage, hint: `write walscope show ${xidText} --undo` });
  if (options.undo && formatOf(options) !== 'table') throw new WalscopeError('usage.show', `SQL is not written as ${formatOf(options)}`, { exitCode: ExitCode.usage, hint: 'leave the format out' });
  const session = openSession(options);
  const findings = new Findings();
  const shown = showTransaction(session, xidOf(xidText.replace(/^xid:/, '')), findings);
  await prepareVirtualColumns(session, shown.before, shown.after);
  process.stderr.write(`${printable(headline(shown, session.zone))}\n`);
  const charset = (shown.after ?? shown.before)?.encoding.outputCharset;
  const output = new DataOutput(options.output, charset);
  if (options.undo) {
    writeScript(undoScript(shown, findings, options.onConflict), (text) => output.write(text));
    output.end();
    return reportFindings(findings.list);
  }
  writeRows(shown, options, output);
  for (const text of session.notices) notice(text);
  const forPeople = ['table', 'expanded'].includes(formatOf(options));
  for (const change of shown.ddl()) {
    const line = `    ${ddlText(change)}`;
    // machine formats hold rows alone
    if (forPeople) output.line(line);
    else process.stderr.write(`${printable(line)}\n`);
  }
  output.end();
  return reportFindings(findings.list);
}

function headline({ row, committed, before, after }: ShownTransaction, zone: TimeZone): string {
  const time = formatTimestamptz(row.time, zone);
  const parts = [`xid ${row.xid}`, `${committed ? 'committed' : 'aborted'} ${time}`, `LSN ${formatLsn(row.lsn)}`, (after ?? before)?.database.name ?? '', row.subxids.length > 0 ? `subtransactions ${row.subxids.join(', ')}` : '', row.name === '' ? '' : `prepared as ${row.name}`];
  return parts.filter((part) => part !== '').join(' · ');
}

/** Changes that are held back so that each table's stand together. */
const GROUPED_CHANGES = 20_000;

function writeRows(shown: ShownTransaction, options: CommonOptions, output: DataOutput): void {
  const writer = diffWriter(formatOf(options), output.write, { forTerminal: output.forTerminal, colour: colourWanted(options.color ?? 'auto', output.forTerminal) });
  const tables = new Map<number, ShownChange[]>();
  let held = 0;
  const flush = (): void => {
    for (const changes of tables.values()) {
      const { schema, name, columns, key } = changes[0]!.table;
      writer.begin({ table: qualifiedName(schema, name), columns, key, note: '' });
      for (const { operation, before, after } of changes) writer.change(CHANGES[operation], before, after);
      writer.end();
    }
    tables.clear();
    held = 0;
  };
  shown.rows((change) => {
    const list = tables.get(change.table.oid);
    if (list) list.push(change);
    else tables.set(change.table.oid, [change]);
    if (++held >= GROUPED_CHANGES) flush();
    return !output.isClosed;
  });
  flush();
  writer.finish();
}
