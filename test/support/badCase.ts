/** What the tests of bad input share: an archive to damage copies of, the program, and what a failure must look like. */
import { createHash } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { buildCli, walscope, type CliOptions, type CliRun } from './cli.js';
import { buildStripedArchive, type StripedArchive } from './stripedArchive.js';

/** Names, times and contents of a tree. */
export function digest(folder: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const stat = statSync(join(folder, name));
    hash.update(`${name} ${stat.mode} ${stat.mtimeMs} ${stat.size}\n`);
    if (stat.isFile()) hash.update(readFileSync(join(folder, name)));
  }
  return hash.digest('hex');
}

/** A case's files and their contents. */
export function contents(caseDir: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const name of readdirSync(caseDir, { recursive: true, encoding: 'utf8' }).sort()) {
    if (statSync(join(caseDir, name)).isFile()) files[name] = createHash('sha256').update(readFileSync(join(caseDir, name))).digest('hex');
  }
  return files;
}

/** Replaces a file, perhaps a link to one that others use, by one of its own. */
export function rewrite(file: string, change: (bytes: Buffer) => Buffer | void): void {
  const bytes = readFileSync(file);
  const changed = change(bytes) ?? bytes;
  rmSync(file);
  writeFileSync(file, changed);
}

/** The archive's segment file of 1 MB with that number. */
export function segment(number: number): string {
  return `0000000100000000000000${number.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** A failure: the exit code, exactly one line that says so and what to do, and no stack trace. */
export function expectFailure(run: CliRun, code: number, line: RegExp): void {
  expect(run).toMatchObject({ code, out: '' });
  const lines = run.err.trimEnd().split('\n');
  expect(lines).toEqual([expect.stringMatching(line)]);
  expect(lines[0]).toMatch(/^walscope: .+; \S/);
  expect(run.err).not.toMatch(/\.[jt]s:\d+:\d+|bug in walscope/);
}

/** Done in part: every line on stderr names something that is missing. */
export function expectPartial(run: CliRun, ...lines: RegExp[]): void {
  expect(run.code).toBe(5);
  expect(run.err.trimEnd().split('\n')).toEqual(lines.map((line) => expect.stringMatching(line)));
}

/** The rows of a table as CSV. */
export function asof(caseDir: string, table: string, at: string): CliRun {
  return walscope(['asof', table, '--at', at, '--csv', '-C', caseDir]);
}

/** An archive, an index over it, and a folder for damaged copies. Checks in the end that the archive is as it was. */
export class BadCase {
  root!: string;
  archive!: StripedArchive;
  /** A case over the whole archive. */
  whole!: string;
  private pristine = '';
  private count = 0;

  constructor() {
    beforeAll(async () => {
      buildCli();
      this.root = mkdtempSync(join(tmpdir(), 'walscope-bad-'));
      chmodSync(this.root, 0o755); // the server's user passes through
      this.archive = await buildStripedArchive(this.root, 17);
      this.pristine = this.digestOfArchive();
      this.whole = join(this.root, 'whole');
      expect(this.index(this.whole)).toMatchObject({ code: 0, err: '' });
    });
    afterAll(() => {
      const after = this.digestOfArchive();
      rmSync(this.root, { recursive: true, force: true });
      expect(after).toBe(this.pristine);
    });
  }

  private digestOfArchive(): string {
    return digest(this.archive.wal) + digest(this.archive.backup) + digest(this.archive.laterBackup);
  }

  /** A path that is not taken. */
  fresh(name: string): string {
    return join(this.root, `${name}${this.count++}`);
  }

  /** The WAL archive again, as links to the same files: those that `keep` leaves out are missing. */
  walCopy(keep: (name: string) => boolean = () => true): string {
    const folder = this.fresh('wal');
    mkdirSync(folder);
    for (const name of readdirSync(this.archive.wal)) if (keep(name)) linkSync(join(this.archive.wal, name), join(folder, name));
    return folder;
  }

  index(caseDir: string, options: CliOptions & { wal?: string; backups?: string[]; jobs?: number } = {}): CliRun {
    return walscope(['index', '--backup', ...(options.backups ?? [this.archive.backup]), '--wal', options.wal ?? this.archive.wal, '-C', caseDir, ...(options.jobs === undefined ? [] : ['--jobs', String(options.jobs)])], options);
  }
}
