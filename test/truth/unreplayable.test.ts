/**
 * WAL that says less than it seems to: a custom manager's records, and a stretch under wal_level = minimal. A real archive, in whose
 * segments one insert is handed to a custom manager, and the levels that restarts reported are changed.
 */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { takePlainBackup, type BaseBackup } from '../../fixtures/postgres/backup.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { formatWalFileName } from '../../src/pg/walFileName.js';
import { XLogReader } from '../../src/pg/xlogReader.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { caseStatus } from '../../src/query/status.js';
import { RmgrId } from '../../src/redo/rmgrlist.js';
import { formatLsn, MAX_LSN, type Lsn } from '../../src/util/lsn.js';
import { formatTimestamptz } from '../../src/util/pgTime.js';
import { buildCli, walscope } from '../support/cli.js';
import { asofCsv, indexArchive, type IndexedArchive } from '../support/truthCase.js';
import { seal } from '../support/walBuilder.js';
import { WalDirectory } from '../support/walDirectory.js';

const CUSTOM = 131;
const WAL_LEVEL_AT = 20;
let server: PostgresServer;
let backup: BaseBackup;
let indexed: IndexedArchive;

/** Changes the records for which `change` gives true, in place, with a checksum that fits. */
function rewriteRecords(walDir: string, change: (record: XLogRecord, bytes: Uint8Array) => boolean): number {
  const wal = new WalDirectory(walDir);
  const reader = new XLogReader(wal, { major: wal.major });
  const record = new XLogRecord();
  let changed = 0;
  reader.seek(wal.firstLsn, record);
  while (reader.next(record)) {
    const bytes = record.bytes.slice(record.start, record.start + record.totLen);
    if (!change(record, bytes)) continue;
    if ((record.lsn % 8192) + bytes.length > 8192) throw new Error('the record spans two pages');
    const file = join(walDir, formatWalFileName(1, Math.floor(record.lsn / wal.segmentSize), wal.segmentSize));
    const segment = readFileSync(file);
    segment.set(seal(bytes), record.lsn % wal.segmentSize);
    writeFileSync(file, segment);
    changed++;
  }
  wal.close();
  return changed;
}

beforeAll(async () => {
  server = await PostgresServer.create({ major: 17, walSegmentMb: 1, settings: { autovacuum: false } });
  await server.sql('CREATE TABLE shop (id int)');
  backup = await takePlainBackup(server, join(server.root, 'backup'));
  await server.sql('INSERT INTO shop VALUES (1)');
  await server.sql("SELECT pg_create_restore_point('whole')");
  await server.sql('INSERT INTO shop VALUES (2)');
  await server.sql("SELECT pg_create_restore_point('unknown')");
  await server.sql('CREATE DATABASE copied TEMPLATE postgres STRATEGY file_copy', 'template1');
  await server.sql('INSERT INTO shop VALUES (3)');
  await server.sql("SELECT pg_create_restore_point('again')");
  const [file] = await server.sql<{ n: number }>("SELECT pg_relation_filenode('shop')::int AS n");
  await server.restart('fast', { max_connections: 30 });
  await server.sql("SELECT pg_create_restore_point('minimal')");
  await server.restart('fast', { max_connections: 40 });
  await server.sql("SELECT pg_create_restore_point('after')");
  await server.archiveAll();
  await server.stop();
  for (const name of readdirSync(server.walDir)) chmodSync(join(server.walDir, name), 0o644);
  const inserts = rewriteRecords(server.walDir, (record, bytes) => {
    const ref = record.block(0);
    if (record.rmid !== RmgrId.heap || ref?.relNumber !== file!.n || ref.hasImage || ref.willInit) return false;
    bytes[17] = CUSTOM;
    return true;
  });
  expect(inserts).toBe(1);
  let levels = 0;
  rewriteRecords(server.walDir, (record, bytes) => {
    if (record.rmid !== RmgrId.xlog || record.rmgrInfo !== 0x60) return false;
    levels++;
    bytes[record.mainAt - record.start + WAL_LEVEL_AT] = levels === 2 ? 0 : 1;
    return true;
  });
  // the first start reports them too
  expect(levels).toBe(3);
  indexed = await indexArchive({ backup, wal: server.walDir });
  buildCli();
});
afterAll(async () => {
  indexed?.remove();
  await server?.destroy();
});

async function shop(at: string): Promise<{ csv: string; findings: string[] }> {
  const { csv, findings } = await asofCsv(indexed.session.database(indexed.session.moment(at), 'postgres'), 'shop');
  return { csv: csv.toString(), findings };
}

it('line 41: a block is unknown after a record of a custom manager, until its next image', async () => {
  expect(await shop('point:whole')).toEqual({ csv: 'id\n1\n', findings: [] });
  expect(await shop('point:unknown')).toEqual({ csv: 'id\n', findings: [expect.stringMatching(/^block 0 of shop is unknown after 0\/[0-9A-F]+ \(custom131\)$/)] });
  expect(await shop('point:again')).toEqual({ csv: 'id\n1\n2\n3\n', findings: [] });
});

it('line 41: a copy of such a block is unknown too', async () => {
  const { csv, findings } = await asofCsv(indexed.session.database(indexed.session.moment('point:again'), 'copied'), 'shop');
  expect({ csv: csv.toString(), findings }).toEqual({ csv: 'id\n', findings: [expect.stringMatching(/^block 0 of shop is unknown after 0\/[0-9A-F]+ \(custom131\)$/)] });
});

it('line 41: status counts what cannot be replayed', () => {
  expect(caseStatus(indexed.session).unreplayable).toEqual([{ rmgr: 'custom131', records: 1, firstLsn: expect.stringMatching(/^0\//) }]);
});

it('line 41: page and verify end with 5 and name what is not known', () => {
  const cli = (...args: string[]) => walscope([...args, '-C', indexed.caseDir]);
  const page = (at: string, ...more: string[]) => cli('page', 'shop', '0', '-d', 'postgres', '--at', at, ...more);
  expect(page('point:whole')).toMatchObject({ code: 0, out: expect.stringMatching(/ normal /) });
  expect(page('point:unknown')).toMatchObject({ code: 5, out: '', err: expect.stringMatching(/walscope: block 0 of shop is unknown after LSN 0\/[0-9A-F]+ \(custom131\); ask for a moment before it, --at 0\/[0-9A-F]+\n$/) });
  const chain = page('point:unknown', '--chain');
  expect(chain).toMatchObject({ code: 5, err: expect.stringContaining('block 0 of shop is unknown after') });
  expect(chain.out.trim().split('\n').at(-1)).toMatch(/^rmgr: custom131 /);
  expect(page('point:again').code).toBe(0);
  const { code, out } = cli('verify', '--hint-images');
  expect(code).toBe(5);
  expect(out).toMatch(/\n custom131 +\| +1 \| +0 \| +0 \| +0 \| +0 \| +1 *\n/);
  expect(out).toContain('not checked: pages that custom131 changes');
});

it('line 41: tables --count counts no table of which a page is not known', () => {
  const count = (at: string) => walscope(['tables', 'shop', '--count', '--json', '-d', 'postgres', '--at', at, '-C', indexed.caseDir]);
  const rows = (out: string): unknown => (JSON.parse(out) as { rows: unknown }[])[0]!.rows;
  const [whole, unknown] = [count('point:whole'), count('point:unknown')];
  expect([whole.code, rows(whole.out)]).toEqual([0, '1']);
  expect([unknown.code, rows(unknown.out)]).toEqual([5, null]);
  expect(unknown.err).toMatch(/\nwalscope: incomplete: block 0 of shop is unknown after 0\/[0-9A-F]+ \(custom131\)\n$/);
});

it('line 33: index and page say that a stretch was written under wal_level = minimal', () => {
  const caseDir = mkdtempSync(join(tmpdir(), 'walscope-minimal-'));
  const { minimal } = caseStatus(indexed.session);
  const run = walscope(['index', '--backup', backup.path, '--wal', server.walDir, '-C', caseDir]);
  rmSync(caseDir, { recursive: true });
  expect(run).toMatchObject({ code: 5, err: `walscope: incomplete: wal_level was minimal from ${minimal[0]!.from} to ${minimal[0]!.to}: moments in it cannot be answered, and later ones only from a base backup that was taken after it\n` });
  expect(walscope(['page', 'shop', '0', '-d', 'postgres', '--at', 'point:minimal', '-C', indexed.caseDir])).toMatchObject({ code: 4, out: '' });
});

it('line 33: a stretch under wal_level = minimal is a gap, and what follows needs a base backup', () => {
  const [stretch] = indexed.session.store.coverage;
  expect(caseStatus(indexed.session).minimal).toEqual([{ from: formatLsn(stretch!.lastLsn), to: expect.stringMatching(/^0\//) }]);
  const { store, zone } = indexed.session;
  const times = [...store.transactions.rows(0 as Lsn, MAX_LSN)].filter(({ name }) => name === 'minimal' || name === 'after').map(({ time }) => formatTimestamptz(time, zone));
  expect(times.length).toBe(2);
  for (const at of ['point:minimal', 'point:after', ...times]) expect(() => indexed.session.moment(at)).toThrow(expect.objectContaining({ exitCode: 4 }));
});
