/** walscope doctor: the health of archive and index. */
import { escapeForTerminal } from '../output/terminalText.js';
import { formatBytes, formatCount } from '../output/units.js';
import { examineCase } from '../store/doctor.js';
import type { DoctorReport } from '../store/doctorReport.js';
import { manifestOf } from '../store/openCase.js';
import { ExitCode } from '../util/errors.js';
import { DataOutput, findCase, type CommonOptions } from './context.js';
import { longRunning } from './longRunning.js';

export interface DoctorCommandOptions extends CommonOptions {
  progress?: boolean;
}

export async function doctorCommand(options: DoctorCommandOptions): Promise<ExitCode> {
  const caseDir = findCase(options.case);
  const manifest = manifestOf(caseDir);
  const report = await longRunning('examining', options, (progress, signal) =>
    examineCase({ caseDir, manifest, onProgress: (share, what) => progress.show(share, what), signal }));
  const output = new DataOutput(options.output);
  const text = options.json ? `${JSON.stringify(report, null, 2)}\n` : describe(report);
  output.write(output.forTerminal ? text.split('\n').map(escapeForTerminal).join('\n') : text);
  output.end();
  return report.findings.length > 0 ? ExitCode.input : ExitCode.done;
}

const number = (n: number): string => formatCount(n);
const plural = (n: number, what: string): string => `${number(n)} ${what}${n === 1 ? '' : 's'}`;

function describe(report: DoctorReport): string {
  const lines = [`wal      ${plural(report.wal.segments, 'segment')}, ${formatBytes(report.wal.bytes)}, ${plural(report.wal.records, 'record')} read`];
  for (const { timeline, start, end, records, endReason } of report.timelines) {
    lines.push(`         timeline ${timeline}: ${start} to ${end}, ${plural(records, 'record')}${endReason === '' ? '' : `; ends: ${endReason}`}`);
  }
  for (const { path, files, checksums, usable } of report.backups) {
    const checked = files === 0 ? 'no backup_manifest to hold it against' : `${plural(files, 'file')} of the right size, ${plural(checksums, 'checksum')} compared`;
    lines.push(`backup   ${path}: ${usable ? 'usable' : 'NOT usable'}; ${checked}`);
  }
  lines.push(`index    ${plural(report.layers.files, 'layer')}, ${formatBytes(report.layers.bytes)}, every block's checksum read`);
  if (report.packs.files > 0) lines.push(`packed   ${plural(report.packs.files, 'file')}, ${formatBytes(report.packs.bytes)} for ${formatBytes(report.packs.walBytes)} of WAL, every frame decoded`);
  for (const { code, message, hint, place } of report.findings) {
    const where = [place.file, place.lsn === undefined ? undefined : `LSN ${place.lsn}`, place.offset === undefined ? undefined : `byte ${place.offset}`].filter((part) => part !== undefined).join(', ');
    lines.push('', `${code}: ${message}`, ...(where === '' ? [] : [`  at: ${where}`]), `  do: ${hint}`);
  }
  if (report.findings.length > 0) lines.push('');
  lines.push(report.findings.length === 0 ? 'HEALTHY: nothing to complain of' : `NOT HEALTHY: ${plural(report.findings.length, 'finding')}`);
  return `${lines.join('\n')}\n`;
}
