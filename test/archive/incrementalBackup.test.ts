/** Incremental backups (17 and later): what is put together from a chain of them, against our own replay from the full backup and against COPY. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takeStreamedPlainBackup, takeTarBackup, unpackBackup } from '../../fixtures/postgres/backup.js';
import { copyOut } from '../../fixtures/postgres/copy.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { parseIncrementalFile } from '../../src/pg/incrementalFile.js';
import { Session } from '../../src/query/session.js';
import { indexCase } from '../../src/store/indexer.js';
import { openCase } from '../../src/store/openCase.js';
import { verifyCase } from '../../src/store/verify.js';
import { failureOf } from '../support/backupContents.js';
import { failure } from '../support/errorCode.js';
import { asofCsv } from '../support/truthCase.js';

const TABLES = ['grown', 'shrunk', 'still', 'fresh'];

describe.each([17, 18] as const)('incremental backups of %i', (major) => {
  let root: string;
  let server: PostgresServer;
  const truth = new Map<string, Buffer>();
  const place = (name: string): string => join(root, name);
  const caseOf = async (name: string, backups: string[]): Promise<string> => {
    await indexCase({ caseDir: place(name), backups: backups.map(place), wal: [server.walDir] });
    return place(name);
  };

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'walscope-test-'));
    server = await PostgresServer.create({ major, walSegmentMb: 1, settings: { autovacuum: false, wal_keep_size: '64MB', summarize_wal: true } });
    await server.sql("CREATE TABLE grown AS SELECT i, repeat('g', 100) s FROM generate_series(1, 2000) i");
    await server.sql("CREATE TABLE shrunk AS SELECT i, repeat('s', 100) s FROM generate_series(1, 5000) i; CREATE TABLE still AS SELECT i FROM generate_series(1, 3000) i; CREATE TABLE gone (i int)");
    await takeStreamedPlainBackup(server, place('full'));
    await server.sql('DELETE FROM shrunk WHERE i > 300');
    await server.sql('VACUUM shrunk');
    await server.sql("INSERT INTO grown SELECT i, 'new' FROM generate_series(1, 3000) i; UPDATE grown SET s = 'changed' WHERE i = 7; DROP TABLE gone");
    await takeTarBackup(server, place('packed'), { incrementalTo: join(place('full'), 'backup_manifest') });
    unpackBackup({ format: 'tar', path: place('packed') }, place('second'), place('second-tablespaces'));
    writeFileSync(join(place('second'), 'backup_manifest'), readFileSync(join(place('packed'), 'backup_manifest')));
    await server.sql("INSERT INTO shrunk SELECT i, 'again' FROM generate_series(1, 4000) i; CREATE TABLE fresh AS SELECT i FROM generate_series(1, 100) i; DELETE FROM still WHERE i = 1");
    await takeTarBackup(server, place('third'), { incrementalTo: join(place('second'), 'backup_manifest'), gzip: true });
    await server.sql('UPDATE fresh SET i = -i WHERE i < 10');
    await server.session('postgres', async (client) => {
      for (const table of TABLES) truth.set(table, await copyOut(client, `COPY (SELECT * FROM ${table} ORDER BY ctid) TO STDOUT (FORMAT csv, HEADER)`));
    });
    await server.archiveAll();
  });
  afterAll(async () => {
    await server?.destroy();
    rmSync(root, { recursive: true, force: true });
  });

  it('are whole with the chain before them: each page is what replay from the full backup makes', async () => {
    const caseDir = await caseOf('all', ['third', 'full', 'second']);
    const store = openCase(caseDir);
    try {
      const report = await verifyCase(store, { consistencyImages: false, hintImages: false, laterBackups: true, memoryBytes: 64 << 20, maxDifferences: 10 });
      expect(report.differences).toEqual([]);
      expect(report.backups.map(({ compared }) => compared > 800)).toEqual([true, true]);
      expect(readdirSync(join(place('second'), 'base', '5')).filter((name) => name.startsWith('INCREMENTAL.')).length).toBeGreaterThan(100);
      const session = new Session(store);
      const database = session.database(session.moment('latest'), 'postgres');
      for (const table of TABLES) expect((await asofCsv(database, table)).csv.toString()).toBe(truth.get(table)!.toString());
    } finally {
      store.close();
    }
  });

  it('are asked for by name where the backup before is missing; the case stays without a copy', async () => {
    expect(await failureOf(() => caseOf('alone', ['third']))).toBe('backup.incremental');
    expect(await failureOf(() => caseOf('alone', ['third', 'full']))).toBe('backup.incremental');
    expect(readdirSync(join(place('alone'), 'backups'))).toEqual([]);
    await caseOf('alone', ['third', 'full', 'second']);
  });
});

describe('an incremental file', () => {
  const file = (magic: number, blocks: number[], truncation: number, count = blocks.length): Uint8Array => {
    const bytes = Buffer.alloc(blocks.length === 0 ? 12 : 8192);
    [magic, count, truncation, ...blocks].forEach((value, i) => bytes.writeUInt32LE(value, 4 * i));
    return bytes;
  };
  const MAGIC = 0xd3ae1f0d;

  it('tells where each page stands, and the length that it stands for', () => {
    expect(parseIncrementalFile(file(MAGIC, [5, 2], 4), 3 * 8192, 'f')).toEqual({ pages: new Map([[5, 8192], [2, 16384]]), truncationBlocks: 4, blocks: 6 });
    expect(parseIncrementalFile(file(MAGIC, [], 4), 12, 'f')).toEqual({ pages: new Map(), truncationBlocks: 4, blocks: 4 });
  });

  it.each([
    ['cut off', file(MAGIC, [], 0).subarray(0, 11), 11], ['another magic number', file(1, [], 0), 12], ['more blocks than a file has', file(MAGIC, [], 200_000), 12],
    ['a count beyond its end', file(MAGIC, [1], 0, 131_072), 2 * 8192], ['a block beyond a file', file(MAGIC, [131_072], 0), 2 * 8192], ['another length', file(MAGIC, [1], 0), 8192],
  ])('is refused: %s', (_, head, bytes) => {
    expect(failure(() => parseIncrementalFile(head, bytes, 'f'))).toBe('backup.increment');
  });
});
