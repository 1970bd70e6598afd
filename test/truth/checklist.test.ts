/** Lines of the checklist that a workload of its own shows best: truncation to nothing, relation maps, relation numbers that come back. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takePlainBackup } from '../../fixtures/postgres/backup.js';
import { recoverTo } from '../../fixtures/postgres/recovery.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import type { Page } from '../../src/pg/page.js';
import { ForkNumber, type RelFork } from '../../src/pg/relFileLocator.js';
import { readXlRelmapUpdate } from '../../src/redo/relmap/xlog.js';
import { RmgrId } from '../../src/redo/rmgrlist.js';
import { EventKind } from '../../src/store/layerEvents.js';
import { formatLsn } from '../../src/util/lsn.js';
import { describeRecords } from '../support/consistencyArchive.js';
import { compareRecovered } from '../support/recoveredPages.js';
import { asofCsv, indexArchive, type IndexedArchive } from '../support/truthCase.js';

const PG_CLASS = 1259, PG_DATABASE = 1262;
/** Where no object is. */
const FREE_OID = 4_000_000;

describe.each([14, 17] as const)('PostgreSQL %i', (major) => {
  let server: PostgresServer;
  let backup: { format: 'plain' | 'tar'; path: string };
  let indexed: IndexedArchive;
  /** As the server said at each restore point. */
  const filenodes: Record<string, { local: number; shared: number }> = {};
  let dbOid: number, emptied: number, reused: number;

  const filenode = async (name: string): Promise<number> => (await server.sql<{ n: number }>(`SELECT pg_relation_filenode('${name}')::int AS n`))[0]!.n;
  const point = async (name: string): Promise<void> => {
    filenodes[name] = { local: await filenode('pg_class'), shared: await filenode('pg_database') };
    await server.sql(`SELECT pg_create_restore_point('${name}')`);
  };

  beforeAll(async () => {
    server = await PostgresServer.create({ major, walSegmentMb: 1, dataChecksums: false, settings: { autovacuum: false } });
    await server.sql('CREATE TABLE emptied (id int)');
    await server.sql('INSERT INTO emptied SELECT generate_series(1, 2000)');
    await server.sql('VACUUM emptied');
    [emptied, dbOid] = [await filenode('emptied'), (await server.sql<{ oid: number }>("SELECT oid::int FROM pg_database WHERE datname = 'postgres'"))[0]!.oid];
    backup = await takePlainBackup(server, join(server.root, 'backup'));
    await point('full');
    await server.sql('DELETE FROM emptied');
    await server.sql('VACUUM emptied');
    await point('truncated');
    await server.sql('INSERT INTO emptied VALUES (7)');
    await server.sql('CREATE TABLE born (id int); INSERT INTO born SELECT generate_series(1, 1000); TRUNCATE born; INSERT INTO born VALUES (8)');
    await point('refilled');
    await server.sql('VACUUM FULL pg_class');
    await point('local');
    await server.sql('VACUUM FULL pg_database');
    await point('shared');

    await server.sql('CREATE TABLE first (a int)');
    await server.sql('INSERT INTO first SELECT generate_series(1, 500)');
    reused = await filenode('first');
    await point('first');
    await server.sql('DROP TABLE first');
    await point('dropped');
    await server.sql('CHECKPOINT'); // the dropped table's first file stays until then
    await server.stop();
    await server.start({}, ['-b']);
    await server.sql(`
      SELECT binary_upgrade_set_next_heap_pg_class_oid(${major >= 15 ? FREE_OID : reused});
      ${major >= 15 ? `SELECT binary_upgrade_set_next_heap_relfilenode(${reused});` : ''}
      SELECT binary_upgrade_set_next_pg_type_oid(${FREE_OID + 1}), binary_upgrade_set_next_array_pg_type_oid(${FREE_OID + 2});
      CREATE TABLE second (b int)`);
    await server.sql('INSERT INTO second VALUES (-1)');
    expect(await filenode('second')).toBe(reused);
    await point('second');
    await server.archiveAll();
    await server.stop();
    indexed = await indexArchive({ backup, wal: server.walDir });
  });
  afterAll(async () => {
    indexed?.remove();
    await server?.destroy();
  });

  const lsnOf = (name: string) => indexed.session.moment(`point:${name}`).lsn;
  const rows = async (name: string, table: string): Promise<string[]> => {
    const { csv, findings } = await asofCsv(indexed.session.database(indexed.session.moment(`point:${name}`), 'postgres'), table);
    expect(findings).toEqual([]);
    return csv.toString().trim().split('\n').slice(1);
  };
  const fork = (relNumber: number, number: number): RelFork => ({ spcOid: 1663, dbOid, relNumber, fork: number });
  const size = (rel: RelFork, name: string): number => indexed.session.store.pages.relation(rel, lsnOf(name)).blocks;
  const firstPage = (rel: RelFork, name: string): Page | undefined => indexed.session.store.pages.getPage(rel, 0, lsnOf(name))?.page;

  it('line 17: a truncation to nothing takes heap and map with it, and no row comes back', async () => {
    const texts = describeRecords(server.walDir, RmgrId.smgr);
    expect(texts).toContain(`TRUNCATE base/${dbOid}/${emptied} to 0 blocks flags 7`);
    const main = fork(emptied, ForkNumber.main), map = fork(emptied, ForkNumber.vm);
    expect([size(main, 'full'), size(map, 'full')]).toEqual([9, 1]);
    expect([size(main, 'truncated'), size(map, 'truncated')]).toEqual([0, 0]);
    expect([size(main, 'refilled'), firstPage(main, 'refilled')!.maxOffset, firstPage(map, 'refilled')]).toEqual([1, 1, undefined]);
    expect((await rows('full', 'emptied')).length).toBe(2000);
    expect(await rows('truncated', 'emptied')).toEqual([]);
    expect(await rows('refilled', 'emptied')).toEqual(['7']);
  });

  it('line 17: TRUNCATE in the transaction that made the table', async () => {
    expect(describeRecords(server.walDir, RmgrId.smgr).filter((text) => text.startsWith('TRUNCATE') && text.includes('to 0 blocks')).length).toBeGreaterThanOrEqual(2);
    expect(await rows('refilled', 'born')).toEqual(['8']);
  });

  it('line 21: a record replaces the whole map, of one database or the shared one', () => {
    const maps = Object.keys(filenodes).map((name) => {
      const snapshot = indexed.session.snapshot(indexed.session.moment(`point:${name}`));
      return [name, { local: snapshot.mappedRelNumber(1663, dbOid, PG_CLASS), shared: snapshot.mappedRelNumber(1664, 0, PG_DATABASE) }];
    });
    expect(Object.fromEntries(maps)).toEqual(filenodes);
    expect(filenodes['local']!.local).not.toBe(filenodes['refilled']!.local);
    expect(filenodes['shared']!.shared).not.toBe(filenodes['local']!.shared);
  });

  it('line 21: the record holds the file, byte for byte', () => {
    const { layers, wal } = indexed.session.store;
    const [local, shared] = [dbOid, 0].map((db) => layers.events.filter(({ kind, args }) => kind === EventKind.relmap && args[1] === db).at(-1)!);
    const bytes = major >= 16 ? 524 : 512;
    for (const [event, path] of [[local!, `base/${dbOid}`], [shared!, 'global']] as const) {
      const file = join(server.dataDir, path, 'pg_filenode.map');
      expect(statSync(file).size).toBe(bytes);
      expect(Buffer.from(readXlRelmapUpdate(wal.readRecord(event.lsn)).data).equals(readFileSync(file))).toBe(true);
    }
  });

  it('line 23: one relation number is two tables at two moments', async () => {
    const main = fork(reused, ForkNumber.main);
    expect([size(main, 'first'), size(main, 'dropped'), size(main, 'second')]).toEqual([3, 0, 1]);
    expect(indexed.session.store.pages.relation(main, lsnOf('dropped')).exists).toBe(false);
    expect(firstPage(main, 'first')!.maxOffset).toBeGreaterThan(200);
    expect(firstPage(main, 'second')!.maxOffset).toBe(1);
    expect((await rows('first', 'first')).length).toBe(500);
    expect(await rows('second', 'second')).toEqual(['-1']);
    await expect(rows('dropped', 'first')).rejects.toThrow(/first/);
    await expect(rows('second', 'first')).rejects.toThrow(/first/);
    expect((await rows('first', `filenode:${reused}`)).length).toBe(500);
    expect(await rows('second', `filenode:${reused}`)).toEqual(['-1']);
  });

  it.each(['truncated', 'shared', 'second'])('all of it is what a real recovery has, at %s', async (name) => {
    const recovered = await recoverTo({ major, backup, wal: server.walDir, target: { lsn: formatLsn(lsnOf(name)) } });
    try {
      await recovered.stop();
      const { differences, relMaps } = compareRecovered(indexed.session.store, lsnOf(name), recovered.dataDir);
      expect(differences).toEqual([]);
      expect(relMaps).toBeGreaterThan(1);
    } finally {
      await recovered.destroy();
    }
  });
});
