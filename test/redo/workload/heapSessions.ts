/** The heap records that take several sessions or wal_level = logical. */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { PostgresServer } from '../../../fixtures/postgres/server.js';

/** wal_level = logical: NEW_CID, REWRITE, TRUNCATE, and old tuples in updates and deletes. */
export async function logicalRecords(server: PostgresServer): Promise<void> {
  await server.session('postgres', async (client) => {
    for (const statement of [
      "SELECT pg_create_logical_replication_slot('walscope', 'test_decoding')",
      'BEGIN; CREATE TABLE c1(a int); ALTER TABLE c1 ADD b text; ALTER TABLE c1 DROP b; COMMIT',
      'CREATE TABLE uc(id int PRIMARY KEY, t text) WITH (user_catalog_table = true)',
      "INSERT INTO uc SELECT g, 'u' FROM generate_series(1, 100) g",
      "BEGIN; UPDATE uc SET t = 'w' WHERE id % 5 = 0; UPDATE uc SET t = 'w2' WHERE id % 10 = 0; COMMIT",
      'VACUUM FULL uc',
      'VACUUM FULL pg_class',
      'CREATE TABLE ri(id int PRIMARY KEY, a text, b text); ALTER TABLE ri REPLICA IDENTITY FULL',
      "INSERT INTO ri SELECT g, 'a' || g, 'b' || g FROM generate_series(1, 100) g",
      "UPDATE ri SET b = 'bb' WHERE id % 2 = 0; UPDATE ri SET id = id + 1000 WHERE id % 5 = 0; DELETE FROM ri WHERE id % 7 = 0",
      'TRUNCATE ri',
      "SELECT pg_drop_replication_slot('walscope')",
    ]) await client.query(statement);
  });
}

/** LOCK_UPDATED and multixacts: a row is locked while another transaction updates it, and by two at once. */
async function lockTogether(a: pg.Client, b: pg.Client): Promise<void> {
  await a.query('CREATE TABLE parent(id int PRIMARY KEY, n int); INSERT INTO parent SELECT g, 0 FROM generate_series(1, 300) g');
  await a.query('VACUUM (FREEZE) parent');
  for (const mode of ['FOR KEY SHARE', 'FOR SHARE']) {
    await a.query(`BEGIN; SELECT count(*) FROM (SELECT 1 FROM parent WHERE id <= 20 ${mode}) x`);
    await b.query(`BEGIN; SELECT count(*) FROM (SELECT 1 FROM parent WHERE id <= 20 ${mode}) x; COMMIT`);
    await a.query('COMMIT');
  }
  await a.query('BEGIN; UPDATE parent SET n = n + 1 WHERE id BETWEEN 40 AND 60; UPDATE parent SET n = n + 1 WHERE id BETWEEN 40 AND 60');
  await b.query('BEGIN; SELECT count(*) FROM (SELECT 1 FROM parent WHERE id BETWEEN 30 AND 70 FOR KEY SHARE) x; COMMIT');
  await a.query('COMMIT');
  await a.query('BEGIN; SELECT count(*) FROM (SELECT 1 FROM parent WHERE id BETWEEN 80 AND 90 FOR KEY SHARE) x');
  await b.query('UPDATE parent SET n = n + 1 WHERE id BETWEEN 80 AND 90');
  await a.query('COMMIT');
  await a.query('VACUUM (FREEZE) parent');
}

/**
 * Two speculative insertions of one key, of which one must give way (a DELETE with XLH_DELETE_IS_SUPER): the index expression waits for
 * an advisory lock when it is computed a second time in a session, which is after the tuple has gone to the heap.
 */
async function superDelete(server: PostgresServer, controller: pg.Client): Promise<void> {
  await controller.query(`
    CREATE FUNCTION waits(t text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM set_config('walscope.calls', (coalesce(nullif(current_setting('walscope.calls', true), ''), '0')::int + 1)::text, false);
      IF current_setting('walscope.calls') = '2' THEN PERFORM pg_advisory_lock_shared(77); PERFORM pg_advisory_unlock_shared(77); END IF;
      RETURN t;
    END $$;
    CREATE TABLE upsert(key text, data text);
    CREATE UNIQUE INDEX ON upsert((waits(key)))`);
  await controller.query('SELECT pg_advisory_lock(77)');
  const clients = await Promise.all([server.connect(), server.connect()]);
  const inserts = clients.map((client) => client.query("INSERT INTO upsert VALUES ('k', 'i') ON CONFLICT (waits(key)) DO UPDATE SET data = upsert.data || 'u'"));
  for (;;) {
    const { rows } = await controller.query<{ n: number }>("SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event = 'advisory'");
    if (rows[0]!.n === 2) break;
    await sleep(10);
  }
  await controller.query('SELECT pg_advisory_unlock(77)');
  await Promise.all(inserts);
  await Promise.all(clients.map((client) => client.end()));
}

/** Records that take two sessions, and speculative insertions. */
export async function concurrentRecords(server: PostgresServer): Promise<void> {
  const [a, b] = await Promise.all([server.connect(), server.connect()]);
  await lockTogether(a, b);
  await a.query('CREATE TABLE spec(k int PRIMARY KEY, n int)');
  for (let i = 0; i < 2; i++) await a.query('INSERT INTO spec SELECT g, 0 FROM generate_series(1, 50) g ON CONFLICT (k) DO UPDATE SET n = spec.n + 1');
  await superDelete(server, a);
  await a.end();
  await b.end();
}

/** Changes rows until told to stop: what a base backup that is taken meanwhile catches is fuzzy. Its records carry no images to check. */
export async function churn(server: PostgresServer, until: () => boolean): Promise<void> {
  await server.session('postgres', async (client) => {
    await client.query("SET wal_consistency_checking = ''");
    while (!until()) {
      await client.query(`DO $$ BEGIN FOR i IN 1..20 LOOP
        UPDATE fuzzy SET n = n + 1 WHERE id % 40 = (random() * 40)::int; COMMIT;
        DELETE FROM fuzzy WHERE id % 997 = i; COMMIT;
        INSERT INTO fuzzy SELECT 10000 + g, i FROM generate_series(1, 20) g; COMMIT;
        PERFORM 1 FROM fuzzy WHERE id % 50 = i FOR UPDATE; COMMIT; END LOOP; END $$`);
      await client.query('VACUUM fuzzy');
      await client.query('CHECKPOINT');
    }
  });
}
