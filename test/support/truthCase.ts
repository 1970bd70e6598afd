/** Indexes a fixture archive and compares what walscope prints with what the server's COPY showed. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Archive } from '../../fixtures/workloads/build.js';
import type { TruthMoment } from '../../fixtures/workloads/truth.js';
import { writeRowBytes } from '../../src/commands/rowBytes.js';
import { fieldForm } from '../../src/output/byteFields.js';
import { rowWriter } from '../../src/output/rowWriter.js';
import { asof } from '../../src/query/asof.js';
import { openSource, type SourceOptions } from '../../src/query/scanSource.js';
import { Findings, Session, type DatabaseAt } from '../../src/query/session.js';
import { indexCase } from '../../src/store/indexer.js';
import { openCase } from '../../src/store/openCase.js';

export interface IndexedArchive {
  caseDir: string;
  session: Session;
  findings: string[];
  remove(): void;
}

export async function indexArchive(archive: Pick<Archive, 'backup' | 'wal'> & { secondBackup?: Archive['secondBackup'] }, options: { compact?: boolean } = {}): Promise<IndexedArchive> {
  const caseDir = mkdtempSync(join(tmpdir(), 'walscope-case-'));
  const backups = [archive.backup.path, ...(archive.secondBackup ? [archive.secondBackup.path] : [])];
  const summary = await indexCase({ caseDir, backups, wal: [archive.wal], ...options });
  return {
    caseDir, session: new Session(openCase(caseDir)), findings: summary.findings.map((f) => f.message),
    remove: () => rmSync(caseDir, { recursive: true, force: true }),
  };
}

/** A table as `asof --csv` or `--format copy` prints it. */
export async function asofBytes(database: DatabaseAt, name: string, format: 'csv' | 'copy', options: SourceOptions & { columns?: string[] } = { only: true }): Promise<{ bytes: Buffer; findings: string[] }> {
  const findings = new Findings();
  const answer = await asof(database, openSource(database, name, options), { columns: options.columns }, findings);
  let text = '';
  rowWriter(format, answer.columns, (piece) => (text += piece), { target: '', forTerminal: false }).end();
  const pieces = [Buffer.from(text, database.encoding.outputCharset)];
  writeRowBytes(answer, fieldForm(format, answer.columns.length)!, (bytes) => {
    pieces.push(Buffer.from(bytes));
    return true;
  });
  return { bytes: Buffer.concat(pieces), findings: findings.list.map((f) => f.message) };
}

/** A table, or some of its columns, as `asof --csv` prints it. */
export async function asofCsv(database: DatabaseAt, name: string, columns?: string[]): Promise<{ csv: Buffer; findings: string[] }> {
  const { bytes, findings } = await asofBytes(database, name, 'csv', { only: true, columns });
  return { csv: bytes, findings };
}

/** Differences between walscope at a moment and the recorded truth, a line each; and how many tables were equal. */
export async function compareMoment(session: Session, archive: Archive, truth: TruthMoment, at: string): Promise<{ differences: string[]; equal: number }> {
  const differences: string[] = [];
  let equal = 0;
  const moment = session.moment(at);
  const names = session.databasesAt(moment).filter((d) => d.database.allowsConnections).map((d) => d.database.name);
  for (const name of Object.keys(truth.databases)) if (!names.includes(name)) differences.push(`${truth.name}: database ${name} is missing`);
  for (const [databaseName, expected] of Object.entries(truth.databases)) {
    if (!names.includes(databaseName)) continue;
    const database = session.database(moment, databaseName);
    for (const [tableName, table] of Object.entries(expected.tables)) {
      const where = `${truth.name} (${truth.lsn}) at ${at}: ${databaseName} ${tableName}`;
      try {
        const { csv, findings } = await asofCsv(database, tableName);
        for (const finding of findings) differences.push(`${where}: ${finding}`);
        const wanted = readFileSync(join(archive.directory, table.file));
        if (csv.equals(wanted)) equal++;
        else differences.push(`${where}: ${firstDifference(csv, wanted)}`);
      } catch (error) {
        differences.push(`${where}: ${(error as Error).stack?.split('\n').slice(0, 4).join(' | ') ?? String(error)}`);
      }
    }
  }
  return { differences, equal };
}

/** Where two outputs part, in a line. */
export function firstDifference(got: Buffer, wanted: Buffer): string {
  const a = got.toString('utf8').split('\n');
  const b = wanted.toString('utf8').split('\n');
  const i = a.findIndex((line, n) => line !== b[n]);
  const at = i < 0 ? a.length : i;
  const [left, right] = [a[at] ?? '', b[at] ?? ''];
  let column = 0;
  while (column < left.length && left[column] === right[column]) column++;
  const near = (line: string): string => JSON.stringify(line.slice(Math.max(0, column - 40), column + 60));
  return `${a.length} lines for ${b.length}; line ${at + 1} differs at character ${column + 1}: ${near(left)}, not ${near(right)}`;
}
