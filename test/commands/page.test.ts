import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import { BLCKSZ } from '../../src/pg/page.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';
import { buildCli, walscope } from '../support/cli.js';

const PG_WALDUMP = '/usr/lib/postgresql/15/bin/pg_waldump';

describe('walscope page', () => {
  let archive: Archive;
  let indexed: IndexedArchive;
  let scratch: string;
  const page = (...args: string[]) => walscope(['page', ...args, '-C', indexed.caseDir, '-d', database]);
  let database = '';
  let table = '';

  beforeAll(async () => {
    buildCli();
    archive = await cachedArchive({ major: 15, workload: 'everything' });
    indexed = await indexArchive(archive);
    scratch = mkdtempSync(join(tmpdir(), 'walscope-page-'));
    const last = archive.truth.moments.at(-1)!.databases;
    const candidates = Object.entries(last).flatMap(([name, { tables }]) => Object.entries(tables).map(([each, { rows }]) => ({ name, each, rows })));
    const largest = candidates.reduce((a, b) => (b.rows > a.rows ? b : a));
    database = largest.name;
    table = largest.each;
  });
  afterAll(() => {
    indexed?.remove();
    rmSync(scratch, { recursive: true, force: true });
  });

  it('writes exactly 8192 bytes with --raw, to stdout and to a file', () => {
    const raw = page(table, '0', '--raw');
    expect(raw.code).toBe(0);
    expect(raw.bytes.length).toBe(BLCKSZ);
    const file = join(scratch, 'page');
    expect(page(table, '0', '--raw', '-o', file).out).toBe('');
    expect(spawnSync('cmp', [file, '-'], { input: raw.bytes }).status).toBe(0);
  });

  it('dumps as hexdump -C does', () => {
    const file = join(scratch, 'raw');
    writeFileSync(file, page(table, '0', '--raw').bytes);
    const hexdump = spawnSync('hexdump', ['-C', file], { encoding: 'utf8' });
    expect(hexdump.status).toBe(0);
    expect(page(table, '0', '--hex').out).toBe(hexdump.stdout);
  });

  it("prints the page's records as pg_waldump does, oldest first", () => {
    const { out, err, code } = page(table, '0', '--chain');
    expect(code).toBe(0);
    expect(err).toMatch(/\d+ records?, starting from /);
    const lines = out.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(1);
    const answer = JSON.parse(page(table, '0', '--chain', '--json').out) as { records: { lsn: string }[] };
    const dumped = answer.records.map(({ lsn }) => spawnSync(PG_WALDUMP, ['-p', archive.wal, '-s', lsn, '-n', '1', '-t', String(1)], { encoding: 'utf8' }).stdout.trimEnd());
    expect(lines).toEqual(dumped);
  });

  it('names what differs between two moments, and nothing between the same', () => {
    const at = (lsn: string): string => `${lsn}`;
    const [first, last] = [archive.truth.moments[0]!.lsn, archive.truth.moments.at(-1)!.lsn];
    const changed = JSON.parse(page(table, '0', '--lsn-diff', at(first), at(last), '--json').out) as { changes: { where: string; offset: number; before: string; after: string }[] };
    expect(changed.changes.length).toBeGreaterThan(0);
    for (const change of changed.changes) expect(change.before).not.toBe(change.after);
    expect(page(table, '0', '--lsn-diff', last, last).out).toBe('(0 ranges, 0 bytes)\n');
  });

  it('decodes as text and as JSON alike', () => {
    const json = JSON.parse(page(table, '0', '--json').out) as { kind: string; linePointers: unknown[]; header: { lsn: string } };
    expect(json.kind).toBe('heap');
    const text = page(table, '0').out;
    expect(text).toContain(`lsn        ${json.header.lsn}\n`);
    expect(text).toContain(`(${json.linePointers.length} rows)`);
  });

  it('refuses what is no block, no fork, or past the end, in one line with exit 2', () => {
    for (const args of [['x'], ['0', '--fork', 'toast'], ['4000000'], ['0', '--hex', '--raw']]) {
      const { code, err } = page(table, ...args);
      expect(code, args.join(' ')).toBe(2);
      expect(err.split('\n').filter((line) => line.startsWith('walscope: ')).length, args.join(' ')).toBe(1);
    }
  });
});
