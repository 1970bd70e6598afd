/** Versions of a row by its key where the table is partitioned: through updates, moves, DETACH and ATTACH. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { takePlainBackup } from '../../fixtures/postgres/backup.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { findChanges, rowHistory } from '../../src/query/history.js';
import { Findings } from '../../src/query/session.js';
import { formatLsn } from '../../src/util/lsn.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';

const STEPS = [
  "INSERT INTO m VALUES (1, '2026-01-05', 'born'), (2, '2026-01-06', 'other')",
  "UPDATE m SET v = 'grown' WHERE id = 1",
  "UPDATE m SET at = '2026-02-05' WHERE id = 1",
  "UPDATE m SET v = 'in February' WHERE id = 1",
  'ALTER TABLE m DETACH PARTITION m_2',
  "UPDATE m_2 SET v = 'alone'",
  "ALTER TABLE m ATTACH PARTITION m_2 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')",
  "UPDATE m SET at = '2026-01-05' WHERE id = 1",
  'DELETE FROM m WHERE id = 1',
];

let server: PostgresServer;
let indexed: IndexedArchive;
const xids: string[] = [];
beforeAll(async () => {
  server = await PostgresServer.create({ major: 16, walSegmentMb: 1, settings: { autovacuum: false } });
  await server.sql(`CREATE TABLE m (id int, at date, v text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM ('2026-01-01') TO ('2026-02-01'); CREATE TABLE m_2 PARTITION OF m FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')`);
  const backup = await takePlainBackup(server, join(server.root, 'backup'));
  await server.session('postgres', async (client) => {
    for (const step of STEPS) {
      await client.query('BEGIN');
      await client.query(step);
      xids.push((await client.query<{ xid: string }>('SELECT txid_current()::text AS xid')).rows[0]!.xid);
      await client.query('COMMIT');
    }
  });
  await server.archiveAll();
  indexed = await indexArchive({ backup, wal: server.walDir });
});
afterAll(async () => {
  indexed?.remove();
  await server?.destroy();
});

/** Operation, step, step at which the version ended, and v. */
async function history(...key: string[]): Promise<(string | null)[][]> {
  const { session } = indexed;
  const findings = new Findings();
  const span = { since: session.moment('earliest'), until: session.moment('latest') };
  const { columns, rows } = await rowHistory(session, session.database(session.moment('latest'), 'postgres'), 'm', key, span, findings);
  expect(findings.list).toEqual([]);
  const place = (name: string): number => columns.findIndex((column) => column.name === name);
  const ends = new Map<string, string>();
  const log = [...session.store.transactions.rows(span.since.lsn, span.until.lsn)];
  for (const row of log) ends.set(formatLsn(row.lsn), String(row.xid));
  const step = (xid: string | null | undefined): string | null => (xid ? String(xids.indexOf(xid) + 1) : null);
  return rows.map((row) => [row[0]!, step(row[place('xid')]), step(ends.get(row[place('to_lsn')] ?? '')), row[place('v')]!]);
}



it('follows a key through partitions that it leaves and comes back to', async () => {
  expect(await history('1', '2026-01-05')).toEqual([
    ['insert', '1', '2', 'born'], ['update', '2', '3', 'grown'], ['update of the key', '3', '3', null], ['update to another partition', '8', '9', 'alone'], ['delete', '9', '9', null],
  ]);
});

it('follows a key through a partition that is taken out and put back', async () => {
  expect(await history('1', '2026-02-05')).toEqual([
    ['update to another partition', '3', '4', 'grown'], ['update', '4', '5', 'in February'], ['detach', '5', '5', null], ['attach', '7', '8', 'alone'], ['update of the key', '8', '8', null],
  ]);
});

it('find tells when rows of a month came and went', async () => {
  const { session } = indexed;
  const span = { since: session.moment('earliest'), until: session.moment('latest') };
  const ask = async (kind: 'gone' | 'appeared'): Promise<[string, number][]> => (await findChanges(session, session.database(session.moment('latest'), 'postgres'), 'm', "at >= '2026-02-01'", kind, span, new Findings())).rows
    .map(([operation, , , xid]) => [operation!, xids.indexOf(xid!) + 1]);
  expect(await ask('appeared')).toEqual([['insert', 3], ['attach', 7]]);
  expect(await ask('gone')).toEqual([['detach', 5], ['delete', 8]]);
});
