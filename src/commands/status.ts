/** walscope status: what the case covers. */
import { formatBytes, formatCount } from '../output/units.js';
import { caseStatus, type CaseStatus } from '../query/status.js';
import type { ExitCode } from '../util/errors.js';
import { DataOutput, openSession, reportFindings, type CommonOptions } from './context.js';

export async function statusCommand(options: CommonOptions): Promise<ExitCode> {
  const status = caseStatus(openSession(options));
  const output = new DataOutput(options.output);
  output.write(options.json ? `${JSON.stringify(status, null, 2)}\n` : describe(status));
  output.end();
  return reportFindings(status.problems);
}

function walStore({ walStore: { form, packedWalBytes, packBytes, packs } }: CaseStatus): string {
  const packed = packs === 0 ? 'nothing is packed: the archive must stay' : `${formatBytes(packedWalBytes)} of WAL packed into ${formatBytes(packBytes)} in ${packs} file${packs === 1 ? '' : 's'}`;
  return `${form} · ${packed}`;
}

function describe(status: CaseStatus): string {
  const lines: [string, string][] = [
    ['case', status.case],
    ['cluster', `PostgreSQL ${status.majorVersion}, system identifier ${status.systemIdentifier}`],
    ['databases', status.problems.length > 0 ? 'unknown' : status.databases.map((d) => (d.template ? `${d.name} (template)` : d.name)).join(', ')],
    ['timelines', status.timelines.map((t) => (t.end === null ? `${t.timeline}` : `${t.timeline} (until ${t.end})`)).join(', ')],
  ];
  for (const backup of status.backups) {
    lines.push(['backup', `${backup.path} · from ${backup.start} · ${backup.consistent === null ? 'never became consistent' : `answers from ${backup.consistent} on`}`]);
  }
  for (const folder of status.wal) lines.push(['wal', folder]);
  lines.push(['indexed', `${formatBytes(status.walBytes)} of WAL, ${formatCount(status.records)} records, ${formatCount(status.transactions)} transactions`]);
  lines.push(['index', `${formatBytes(status.indexBytes)} in ${status.layers} layer${status.layers === 1 ? '' : 's'}`]);
  if (status.only) lines.push(['only', `${status.only.join(', ')}: rows of other tables cannot be asked for; walscope track takes more in`]);
  lines.push(['wal store', walStore(status)]);
  if (status.cutoff) lines.push(['cut off', `at ${status.cutoff.lsn}: what came before was dropped; ${formatCount(status.cutoff.images)} page images of then, ${formatBytes(status.cutoff.bytes)}`]);
  for (const { name, lsn, time } of status.pins) lines.push(['pin', `${name} · ${lsn}${time === null ? '' : ` · ${time}`}`]);
  for (const range of status.coverage) {
    lines.push(['covered', `${range.firstLsn} to ${range.lastLsn}`]);
    lines.push(['', `${range.firstTime ?? 'unknown time'} to ${range.lastTime ?? 'unknown time'}`]);
    if (range.endReason !== '') lines.push(['ends', range.endReason]);
  }
  for (const gap of status.gaps) lines.push(['gap', `${gap.from} to ${gap.to}`]);
  for (const { from, to } of status.minimal) lines.push(['gap', `${from} to ${to ?? 'the end'}: wal_level was minimal, so that not every change is in the WAL`]);
  for (const { rmgr, records, firstLsn } of status.unreplayable) {
    lines.push(['unknown', `${records} record${records === 1 ? '' : 's'} of ${rmgr}, the first at ${firstLsn}: a block that one touches is unknown until its next image`]);
  }
  if (status.coverage.length === 0) lines.push(['covered', 'nothing yet: no base backup became consistent in the WAL that is there']);
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, text]) => `${name.padEnd(width)}  ${text}\n`).join('');
}
