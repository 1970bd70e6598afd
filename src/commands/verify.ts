/** walscope verify: replay proves itself on the archive in hand. */
import path from 'node:path';
import { rowWriter } from '../output/rowWriter.js';
import { formatBytes, parseBytes, formatCount } from '../output/units.js';
import { openCase } from '../store/openCase.js';
import { verifyCase } from '../store/verify.js';
import { APART, POSTGRES_DISCREPANCIES, type ApartCounts, type ApartReason, type PageDifference, type VerifyReport } from '../store/verifyReport.js';
import { ExitCode } from '../util/errors.js';
import { DataOutput, findCase, type CommonOptions } from './context.js';
import { parseJobs } from './jobs.js';
import { longRunning } from './longRunning.js';
import { wholeNumber } from './numbers.js';

export interface VerifyCommandOptions extends CommonOptions {
  consistencyImages?: boolean;
  hintImages?: boolean;
  against?: string;
  memory: string;
  jobs?: string;
  differences: string;
  progress?: boolean;
}

export async function verifyCommand(options: VerifyCommandOptions): Promise<ExitCode> {
  const maxDifferences = wholeNumber(options.differences, '--differences');
  const memoryBytes = parseBytes(options.memory, '--memory');
  const all = !options.consistencyImages && !options.hintImages && options.against === undefined;
  const started = process.hrtime.bigint();
  const store = openCase(findCase(options.case));
  try {
    const report = await longRunning('verifying', options, (progress, signal) => verifyCase(store, {
      consistencyImages: all || options.consistencyImages === true, hintImages: all || options.hintImages === true, laterBackups: all,
      against: options.against === undefined ? undefined : path.resolve(options.against), jobs: parseJobs(options.jobs), memoryBytes, maxDifferences,
      onProgress: (share, what) => progress.show(share, what), signal,
    }));
    const output = new DataOutput(options.output);
    output.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : describe(report, Number(process.hrtime.bigint() - started) / 1e9, output.forTerminal));
    output.end();
    return exitCode(report);
  } finally {
    store.close();
  }
}

/**
 * 3: something differs. 5: nothing differs, but nothing could be compared, or some pages could not, or are lost, or PostgreSQL's own replay of
 * some is not equal to its primary. 0: all that was compared is equal.
 */
function exitCode(report: VerifyReport): ExitCode {
  if (report.differencesTotal > 0) return ExitCode.input;
  return pagesCompared(report) === 0 || unhandled(report) > 0 || report.missingPages > 0 || discrepancies(report) > 0 ? ExitCode.partial : ExitCode.done;
}

function discrepancies(report: VerifyReport): number {
  return [report.apart, ...report.backups.map(({ apart }) => apart)].reduce((sum, apart) => sum + POSTGRES_DISCREPANCIES.reduce((n, reason) => n + (apart[reason] ?? 0), 0), 0);
}

function pagesCompared(report: VerifyReport): number {
  const images = Object.values(report.managers).reduce((sum, counts) => sum + counts.compared, 0);
  return images + report.hintImages.compared + report.backups.reduce((sum, backup) => sum + backup.compared, 0);
}

function unhandled(report: VerifyReport): number {
  return Object.values(report.managers).reduce((sum, counts) => sum + counts.unhandled, 0);
}

const COLUMNS = ['records', 'replayed', 'compared', 'different', 'failed', 'unhandled'] as const;
const number = (n: number): string => formatCount(n);

function describe(report: VerifyReport, seconds: number, forTerminal: boolean): string {
  let text = '';
  if (report.records > 0) {
    const writer = rowWriter('table', [{ name: 'manager', typeName: 'text' }, ...COLUMNS.map((name) => ({ name, typeName: 'int8' }))], (piece) => (text += piece), { target: '', forTerminal });
    for (const [name, counts] of Object.entries(report.managers).sort(([a], [b]) => (a < b ? -1 : 1))) writer.row([name, ...COLUMNS.map((key) => number(counts[key]))]);
    writer.end();
    text += `${number(report.records)} records, ${formatBytes(report.walBytes)} of WAL replayed in ${seconds.toFixed(1)} s\n`;
  }
  if (report.hintImages.compared > 0) text += `hint-bit images: ${number(report.hintImages.compared)} compared, ${number(report.hintImages.different)} different\n`;
  text += describeApart(report.apart);
  for (const backup of report.backups) {
    text += `${backup.path}: ${number(backup.compared)} pages compared, ${number(backup.different)} different\n${describeApart(backup.apart)}`;
  }
  for (const difference of report.differences) text += describeDifference(difference);
  if (report.differencesTotal > report.differences.length) text += `\n${number(report.differencesTotal - report.differences.length)} more differences (see --differences)\n`;
  for (const what of report.unchecked) text += `not checked: ${what}\n`;
  return text + verdict(report);
}

function describeApart(counts: ApartCounts): string {
  return (Object.keys(APART) as ApartReason[]).filter((reason) => counts[reason] !== undefined).map((reason) => `  apart: ${number(counts[reason]!)} ${APART[reason]}\n`).join('');
}

function verdict(report: VerifyReport): string {
  if (report.differencesTotal > 0) return `DIFFERENT: ${number(report.differencesTotal)} of ${number(pagesCompared(report))} pages\n`;
  if (pagesCompared(report) === 0) return 'NOTHING COMPARED: this archive holds nothing to compare replay with\n';
  const apart = discrepancies(report);
  const but = apart > 0 ? `, but for ${number(apart)} in which PostgreSQL's own replay is not its primary's equal` : '';
  return `EQUAL: all ${number(pagesCompared(report))} pages that could be compared${but}\n`;
}

function describeDifference({ check, lsn, rmgr, opcode, rel, block, message, bytes, chain, chainLeftOut }: PageDifference): string {
  let text = `\n${rel} block ${block} differs from the ${check} at ${lsn} (${[rmgr, opcode].filter((part) => part !== '').join(' ')})\n`;
  if (message !== '') text += `  ${message}\n`;
  for (const { offset, ours, theirs } of bytes) text += `  byte ${String(offset).padStart(4)}: ours ${ours}\n             theirs ${theirs}\n`;
  if (chain.length > 0) text += `  made by${chainLeftOut > 0 ? ` (${number(chainLeftOut)} older records left out)` : ''}:\n`;
  for (const line of chain) text += `    ${line}\n`;
  return text;
}
