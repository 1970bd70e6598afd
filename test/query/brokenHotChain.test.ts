/**
 * A HOT chain that leads to another row: the newer version of an aborted update is pruned away while the row's own transaction still runs, and
 * its line pointer is used again. The archive is a real server's.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { takePlainBackup } from '../../fixtures/postgres/backup.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { asof } from '../../src/query/asof.js';
import { Findings } from '../../src/query/session.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';

let server: PostgresServer;
let indexed: IndexedArchive;
let places: string[];

beforeAll(async () => {
  server = await PostgresServer.create({ major: 17, walSegmentMb: 1, settings: { autovacuum: false } });
  await server.sql('CREATE TABLE t (id int PRIMARY KEY, pad text)');
  const backup = await takePlainBackup(server, join(server.root, 'backup'));
  const open = await server.connect();
  await open.query("BEGIN; INSERT INTO t VALUES (1, 'own'); SAVEPOINT s; UPDATE t SET pad = 'taken back' WHERE id = 1");
  places = (await open.query<{ ctid: string }>('SELECT ctid FROM t')).rows.map((row) => row.ctid);
  await open.query('ROLLBACK TO s');
  await server.sql('VACUUM (INDEX_CLEANUP off) t');
  await server.sql("INSERT INTO t VALUES (2, 'another')");
  places.push(...(await server.sql<{ ctid: string }>('SELECT ctid FROM t')).map((row) => row.ctid));
  await server.sql("SELECT pg_create_restore_point('open')");
  await open.query('COMMIT');
  await server.sql("SELECT pg_create_restore_point('ended')");
  await server.archiveAll();
  indexed = await indexArchive({ backup, wal: server.walDir });
});
afterAll(async () => {
  indexed?.remove();
  await server?.destroy();
});

async function byKey(at: string, key: string): Promise<(string | null)[][]> {
  const database = indexed.session.database(indexed.session.moment(`point:${at}`), 'postgres');
  const rows: (string | null)[][] = [];
  const findings = new Findings();
  (await asof(database, database.table('t'), { key: [key] }, findings)).rows((values) => void rows.push([...values]));
  expect(findings.list).toEqual([]);
  return rows;
}

it('is followed no further than its own row', async () => {
  // the new row lies where the version was that the savepoint took back
  expect(places).toEqual(['(0,2)', '(0,2)']);
  expect(await byKey('open', '1')).toEqual([]);
  expect(await byKey('open', '2')).toEqual([['2', 'another']]);
  expect(await byKey('ended', '1')).toEqual([['1', 'own']]);
});
