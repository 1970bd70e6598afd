/** An archive in which every resource manager has written: what agreement with PostgreSQL's own tools is tested on. */
import { PostgresServer } from '../../fixtures/postgres/server.js';
import type { PgMajor } from '../../src/pg/version.js';

/** Statements, each run alone in one session; an empty line ends nothing. */
function statements(major: PgMajor, tablespace: string): string[] {
  const strategy = (name: string): string => (major >= 15 ? ` STRATEGY ${name}` : '');
  const text = `
SELECT pg_create_restore_point('before_everything');
CREATE TABLE t(id int PRIMARY KEY, v text, n int);
INSERT INTO t SELECT i, repeat('x', i % 50), i FROM generate_series(1, 3000) i;
CREATE INDEX ON t(n);
DO $$ BEGIN FOR i IN 1..150 LOOP BEGIN INSERT INTO t VALUES (10000 + i, 's', i); EXCEPTION WHEN unique_violation THEN NULL; END; END LOOP; END $$;
BEGIN;
INSERT INTO t VALUES (20001, 'a', 1);
SAVEPOINT a;
INSERT INTO t VALUES (20002, 'a', 1);
ROLLBACK TO a;
INSERT INTO t VALUES (20003);
COMMIT;
BEGIN;
SAVEPOINT a;
CREATE TABLE never(a text PRIMARY KEY);
INSERT INTO never VALUES ('q');
ROLLBACK;
BEGIN;
INSERT INTO t VALUES (40001, 'p', 1);
CREATE TABLE p1(a int);
SAVEPOINT z;
INSERT INTO p1 VALUES (1);
PREPARE TRANSACTION 'gid one';
COMMIT PREPARED 'gid one';
BEGIN;
CREATE TABLE p2(a serial PRIMARY KEY);
DROP TABLE p1;
PREPARE TRANSACTION 'gid two';
ROLLBACK PREPARED 'gid two';
CREATE TABLE d1(a text, b serial PRIMARY KEY);
INSERT INTO d1 SELECT repeat(md5(i::text), 200) FROM generate_series(1, 20) i;
DROP TABLE d1;
CREATE UNLOGGED TABLE u(a int PRIMARY KEY);
UPDATE t SET v = v || 'y' WHERE id % 3 = 0;
UPDATE t SET n = -n WHERE id % 5 = 0;
DELETE FROM t WHERE id BETWEEN 200 AND 900;
DELETE FROM t WHERE id > 2500;
VACUUM t;
SELECT pg_logical_emit_message(true, 'pfx', 'transactional message');
SELECT pg_logical_emit_message(false, 'präfix', '\\x00010203ff'::bytea);
SELECT pg_replication_origin_create('one'), pg_replication_origin_create('two');
SELECT pg_replication_origin_advance('two', '0/1234ABCD');
SELECT pg_replication_origin_session_setup('one');
BEGIN;
SELECT pg_replication_origin_xact_setup('1/2345', '2020-02-03 04:05:06.000007+00');
INSERT INTO t VALUES (50001, 'o', 1);
COMMIT;
BEGIN;
SELECT pg_replication_origin_xact_setup('1/2346', '2020-02-03 04:05:06.100007+00');
INSERT INTO t VALUES (50002, 'o', 1);
PREPARE TRANSACTION 'origin';
COMMIT PREPARED 'origin';
SELECT pg_replication_origin_session_reset();
SELECT pg_replication_origin_drop('two');
CREATE DATABASE by_log${strategy('wal_log')};
CREATE DATABASE by_copy${strategy('file_copy')};
CREATE TABLESPACE elsewhere LOCATION '${tablespace}';
CREATE TABLE tt(a int PRIMARY KEY) TABLESPACE elsewhere;
INSERT INTO tt SELECT generate_series(1, 1000);
ALTER DATABASE by_copy SET TABLESPACE elsewhere;
ALTER TABLE tt SET TABLESPACE pg_default;
DROP DATABASE by_copy;
DROP DATABASE by_log;
DROP TABLESPACE elsewhere;
CREATE TABLE m(id int PRIMARY KEY, v int);
INSERT INTO m SELECT i, 0 FROM generate_series(1, 500) i;
BEGIN;
SELECT count(*) FROM (SELECT * FROM m FOR KEY SHARE) x;
SAVEPOINT a;
SELECT count(*) FROM (SELECT * FROM m FOR SHARE) x;
SAVEPOINT b;
UPDATE m SET v = v + 1 WHERE id < 300;
SAVEPOINT c;
DELETE FROM m WHERE id < 100;
COMMIT;
BEGIN;
SELECT id FROM m WHERE id = 400 FOR KEY SHARE;
DO $$ BEGIN FOR i IN 1..2200 LOOP BEGIN UPDATE m SET v = v + 1 WHERE id = 400; EXCEPTION WHEN unique_violation THEN NULL; END; END LOOP; END $$;
COMMIT;
VACUUM FREEZE m;
VACUUM FULL pg_class;
CREATE TABLE kinds(i int, a int[], p point, t text, b box);
INSERT INTO kinds SELECT i, ARRAY[i % 7, i % 11], point(i % 97, i % 89), 'text ' || i, box(point(i, i), point(i + 1, i + 1)) FROM generate_series(1, 3000) i;
CREATE INDEX ON kinds USING hash (i);
CREATE INDEX ON kinds USING gin (a);
CREATE INDEX ON kinds USING gist (b);
CREATE INDEX ON kinds USING spgist (t);
CREATE INDEX ON kinds USING spgist (p);
CREATE INDEX ON kinds USING brin (i) WITH (pages_per_range = 2);
CREATE EXTENSION bloom;
CREATE INDEX ON kinds USING bloom (i);
INSERT INTO kinds SELECT i, ARRAY[i % 7, i % 11, i], point(i % 97, i % 89), 'text ' || i, box(point(i, i), point(i + 1, i + 1)) FROM generate_series(3001, 6000) i;
DELETE FROM kinds WHERE i % 3 = 0;
VACUUM kinds;
TRUNCATE kinds;
CREATE TABLE emptied AS SELECT i FROM generate_series(1, 5000) i;
DELETE FROM emptied;
VACUUM emptied;
CREATE MATERIALIZED VIEW mv AS SELECT * FROM t;
REFRESH MATERIALIZED VIEW mv;
ANALYZE;
CHECKPOINT;
DO $$ BEGIN FOR i IN 1..30500 LOOP BEGIN INSERT INTO u(a) VALUES (-i); EXCEPTION WHEN unique_violation THEN NULL; END; END LOOP; END $$;
SELECT pg_create_restore_point('the end')`;
  return text.split(/;\n/).map((statement) => statement.trim());
}

/**
 * Runs it all on a fresh server with segments of 1 MB, so that many records cross them; the server is left running. `start`: where its WAL began. `before` is
 * called with the server as it is then.
 */
export async function runAgreementWorkload(major: PgMajor, before?: (server: PostgresServer) => Promise<void>): Promise<{ server: PostgresServer; start: string }> {
  const server = await PostgresServer.create({
    major,
    walSegmentMb: 1,
    settings: {
      wal_level: 'logical', track_commit_timestamp: true, wal_compression: true, wal_consistency_checking: 'heap2, btree', max_prepared_transactions: 5,
      wal_keep_size: '1GB', max_wal_size: '1GB', TimeZone: 'UTC', autovacuum: false, wal_log_hints: true,
    },
  });
  try {
    await before?.(server);
    const start = await server.insertLsn();
    await server.session('postgres', async (client) => {
      for (const statement of statements(major, server.makeDirectory('elsewhere'))) await client.query(statement);
    });
    return { server, start };
  } catch (error) {
    await server.destroy();
    throw error;
  }
}
