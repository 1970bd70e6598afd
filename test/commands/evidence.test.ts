/** Exports for other tools, and answers as evidence. */
import { appendFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync, zipSync } from 'fflate';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../src/commands/main.js';
import { splitCommand } from '../../src/commands/queryLog.js';
import { ROOT } from '../support/cli.js';

let scratch: string;
let caseDir: string;
let wal: string;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'walscope-evidence-'));
  caseDir = join(scratch, 'case');
  wal = join(scratch, 'wal');
  cpSync(join(ROOT, 'fixtures/demo/wal'), wal, { recursive: true });
  expect(await main(['node', 'walscope', 'index', '--backup', join(ROOT, 'fixtures/demo/backup'), '--wal', wal, '-C', caseDir])).toBe(0);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let files = 0;
/** Runs a command with its data into a file; gives the exit code and the data. */
async function ask(...args: string[]): Promise<{ code: number; text: string; file: string }> {
  const file = join(scratch, `answer-${++files}`);
  const code = await main(['node', 'walscope', ...args, '-C', caseDir, '-o', file]);
  return { code, file, text: existsSync(file) ? readFileSync(file, 'utf8') : '' };
}

const run = (...args: string[]): Promise<number> => main(['node', 'walscope', ...args]);
const csvRows = (text: string): string[] => text.trimEnd().split('\n').slice(1).sort();

describe('export', () => {
  it('streams changes that lead from the first moment to the last', async () => {
    const rows = new Map<string, string>();
    for (const line of csvRows((await ask('asof', 'order_items', '--at', 'earliest', '--columns', 'order_id,line,quantity', '--csv')).text)) rows.set(line.split(',').slice(0, 2).join(','), line);
    const { code, text } = await ask('export', 'order_items');
    expect(code).toBe(0);
    const operations = new Map<string, number>();
    for (const line of text.trimEnd().split('\n')) {
      const { op, before, after, lsn, xid, time, schema, table } = JSON.parse(line) as Record<string, unknown> & Record<'before' | 'after', Record<string, unknown> | null>;
      expect([typeof lsn, typeof xid, typeof time, schema, table]).toEqual(['string', 'number', 'string', 'public', 'order_items']);
      operations.set(op as string, (operations.get(op as string) ?? 0) + 1);
      const key = (row: Record<string, unknown>): string => `${String(row['order_id'])},${String(row['line'])}`;
      if (before) expect(rows.delete(key(before))).toBe(true);
      if (after) rows.set(key(after), `${key(after)},${String(after['quantity'])}`);
    }
    expect(operations.get('delete')).toBe(9440);
    expect([...rows.values()].sort()).toEqual(csvRows((await ask('asof', 'order_items', '--columns', 'order_id,line,quantity', '--csv')).text));
  });

  it("writes a table's versions as Parquet, from which any moment follows", async () => {
    const { code, file } = await ask('export', 'orders', '--format', 'parquet');
    expect(code).toBe(0);
    const bytes = readFileSync(file);
    const versions = await parquetReadObjects({ file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer });
    const last = new Map<bigint, Record<string, unknown>>();
    for (const version of versions) {
      if (version['walscope_op'] === 'delete') last.delete(version['id'] as bigint);
      else last.set(version['id'] as bigint, version);
    }
    const now = csvRows((await ask('asof', 'orders', '--columns', 'id,customer_id,status,total', '--csv')).text);
    expect([...last.values()].map((row) => [row['id'], row['customer_id'], row['status'], row['total']].join(',')).sort()).toEqual(now);
    const placed = [...last.values()].map((row) => row['placed_at']);
    expect(placed.every((value) => value instanceof Date && value.getUTCFullYear() === 2026)).toBe(true);
    expect(versions.filter((version) => version['walscope_op'] === 'base').every((version) => version['walscope_xid'] === null)).toBe(true);
  });

  it('refuses Parquet of several tables', async () => {
    expect((await ask('export', '--format', 'parquet')).code).toBe(2);
  });

  it('log --timesketch gives each event its time to the microsecond', async () => {
    const { text } = await ask('log', '--timesketch', '--xid', '5052');
    const event = JSON.parse(text) as Record<string, unknown>;
    expect(event).toMatchObject({ datetime: '2026-11-21T08:44:22.608742+00:00', timestamp: 1795250662608742, timestamp_desc: 'Transaction Committed', xid: 5052 });
    expect(event['message']).toContain('orders -3761');
  });
});

describe('bundle', () => {
  const answers = ["asof coupons --at before-xid:5665 --csv", 'show 5665', "page orders 0 --raw --at 'before-xid:5052'"];

  it('holds the answers with their hashes, and the case proves them again', async () => {
    const zip = join(scratch, 'evidence.zip');
    expect(await run('bundle', '-C', caseDir, '-o', zip, '--answer', ...answers)).toBe(0);
    expect(await run('bundle', '--check', zip)).toBe(0);
    expect(await run('bundle', '--check', zip, '-C', caseDir)).toBe(0);
    const contents = unzipSync(readFileSync(zip));
    expect(Object.keys(contents)).toEqual(['answers/001-asof.csv', 'answers/002-show.txt', 'answers/003-page.page', 'bundle.json', 'manifest.sha256']);
    expect(contents['answers/003-page.page']!.length).toBe(8192);
    const evidence = JSON.parse(Buffer.from(contents['bundle.json']!).toString()) as { answers: { command: string[]; notes: string[] }[]; status: { coverage: unknown[] }; inputs: { sha256?: string }[] };
    expect(evidence.answers[0]!.notes.join()).toContain('LSN 0/1AC4F38');
    expect(evidence.status.coverage.length).toBe(1);
    expect(evidence.inputs.every((input) => input.sha256?.length === 64)).toBe(true);
    // a changed answer, a changed input, an added file
    const forged = join(scratch, 'forged.zip');
    writeFileSync(forged, zipSync({ ...contents, 'answers/001-asof.csv': Buffer.from('nothing\n') }));
    expect(await run('bundle', '--check', forged)).toBe(3);
    writeFileSync(forged, zipSync({ ...contents, more: Buffer.from('x') }));
    expect(await run('bundle', '--check', forged)).toBe(3);
    const bytes = readFileSync(zip);
    writeFileSync(forged, bytes.subarray(0, bytes.length >> 1));
    expect(await run('bundle', '--check', forged)).toBe(3);
    appendFileSync(join(wal, 'backup_note'), 'later');
    expect(await run('bundle', '--check', zip, '-C', caseDir)).toBe(0); // a file more changes nothing that was used
  });

  it('takes the commands of the query log, which every command joins once it is begun', async () => {
    expect((await ask('tables', '--csv')).code).toBe(0);
    expect(existsSync(join(caseDir, 'query-log.jsonl'))).toBe(false);
    expect((await ask('--log-query', 'asof', 'customers', '--limit', '1')).code).toBe(0);
    expect((await ask('asof', 'nowhere')).code).toBe(2);
    expect((await ask('incidents', '--csv')).code).toBe(0);
    const log = readFileSync(join(caseDir, 'query-log.jsonl'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as { command: string[]; exitCode: number });
    expect(log.map(({ command, exitCode }) => [command[0], exitCode])).toEqual([['asof', 0], ['asof', 2], ['incidents', 0]]);
    const zip = join(scratch, 'logged.zip');
    expect(await run('bundle', '-C', caseDir, '-o', zip)).toBe(0);
    expect(Object.keys(unzipSync(readFileSync(zip)))).toEqual(['answers/001-asof.txt', 'answers/002-incidents.csv', 'bundle.json', 'query-log.jsonl', 'manifest.sha256']);
  });

  it('logs into the case that the command names, however it is written', async () => {
    const other = join(scratch, 'other');
    cpSync(caseDir, other, { recursive: true });
    rmSync(join(other, 'query-log.jsonl'), { force: true });
    for (const words of [['-C', other], [`-C${other}`], [`--case=${other}`]]) expect(await run('--log-query', 'status', ...words, '-o', join(scratch, 'status'))).toBe(0);
    expect(await run('status', '--help', '-C', other)).toBe(0);
    expect(readFileSync(join(other, 'query-log.jsonl'), 'utf8').trimEnd().split('\n').length).toBe(3);
  });

  it('leaves the bundle that was there where an answer fails', async () => {
    const zip = join(scratch, 'kept.zip');
    writeFileSync(zip, 'an earlier one');
    expect(await run('bundle', '-C', caseDir, '-o', zip, '--answer', 'show 5665', 'asof nowhere')).toBe(2);
    expect(readFileSync(zip, 'utf8')).toBe('an earlier one');
    expect(existsSync(`${zip}.tmp`)).toBe(false);
  });

  it('splits command lines as a shell does', () => {
    expect(splitCommand(`asof "Odd ""x" --where 'a = ''b' c\\ d ""`)).toEqual(['asof', 'Odd x', '--where', 'a = b', 'c d', '']);
    expect(() => splitCommand("asof 'x")).toThrow(/not closed/);
  });
});
