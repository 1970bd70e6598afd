/** A small archive whose WAL carries consistency images of every manager, hint-bit images, and a later base backup: what `verify` checks. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { takePlainBackup, type BaseBackup } from '../../fixtures/postgres/backup.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import type { PgMajor } from '../../src/pg/version.js';
import { indexCase } from '../../src/store/indexer.js';

/** Each statement runs alone. */
const STATEMENTS = [
  'CREATE EXTENSION bloom',
  'CREATE TABLE t (id int PRIMARY KEY, n int, a int[], p point, s text) WITH (fillfactor = 70)',
  'CREATE INDEX ON t USING hash (n)',
  'CREATE INDEX ON t USING gin (a)',
  'CREATE INDEX ON t USING gist (p)',
  'CREATE INDEX ON t USING spgist (s)',
  'CREATE INDEX ON t USING brin (id) WITH (pages_per_range = 2, autosummarize = off)',
  'CREATE INDEX ON t USING bloom (id, n)',
  'CREATE SEQUENCE seq',
  "INSERT INTO t SELECT i, i % 50, ARRAY[i % 7, i % 90], point(i % 100, i / 100), 's' || i * 7919 % 1000 FROM generate_series(1, 3000) i",
  'SELECT nextval(\'seq\') FROM generate_series(1, 100)',
  "SELECT brin_summarize_new_values('t_id_idx')",
  'UPDATE t SET n = n + 1 WHERE id % 3 = 0',
  'DELETE FROM t WHERE id % 5 = 0',
  'VACUUM t',
  "INSERT INTO t SELECT i, i % 50, ARRAY[i % 7, i % 90], point(i % 100, i / 100), 's' || i * 7919 % 1000 FROM generate_series(5001, 6000) i",
  // hint bits on pages that a checkpoint has just made clean
  'CREATE TABLE hinted AS SELECT i FROM generate_series(1, 2000) i',
  'DELETE FROM hinted WHERE i % 2 = 0',
  'CHECKPOINT',
  'SELECT count(*) FROM hinted',
  'CREATE DATABASE cloned',
  'CREATE TABLE gone AS SELECT i FROM generate_series(1, 500) i',
  'TRUNCATE gone',
  'DROP TABLE gone',
];

/** What replay leaves different in PostgreSQL itself: dead entries that scans mark and an insert into the full page removes; a metapage without WAL. */
export const DISCREPANCIES = [
  'CREATE UNLOGGED TABLE unlogged (i int)',
  'CREATE INDEX ON unlogged USING bloom (i)',
  'CREATE TABLE pruned (id int, p point)',
  'CREATE INDEX ON pruned USING gist (p)',
  'INSERT INTO pruned SELECT i, point(i % 37, i % 41) FROM generate_series(1, 1500) i',
  "DELETE FROM pruned WHERE p <@ box '(5,5),(30,30)'",
  'SET enable_seqscan = off',
  'SET enable_bitmapscan = off',
  "SELECT count(*) FROM pruned WHERE p <@ box '(0,0),(50,50)'",
  "SELECT count(*) FROM pruned WHERE p <@ box '(0,0),(50,50)'",
  'INSERT INTO pruned SELECT i, point(i % 37, i % 41) FROM generate_series(1501, 3000) i',
];

export interface VerifyArchive {
  caseDir: string;
  wal: string;
  backupTaken: BaseBackup;
  /** Taken after the workload, with a writer at work; the case does not know it. */
  later: string;
  /** Relative to a data directory: table hinted, the sequence, two indexes, the visibility map of a cloned table. Only gist is written to while the later backup is taken. */
  files: { heap: string; sequence: string; spgist: string; gist: string; clonedMap: string };
  destroy(): Promise<void>;
}

/** `statements` run after the ones that every archive has. */
export async function makeVerifyArchive(major: PgMajor, statements: readonly string[] = []): Promise<VerifyArchive> {
  const server = await PostgresServer.create({
    major, walSegmentMb: 4, dataChecksums: true, settings: { wal_consistency_checking: 'all', wal_compression: true, autovacuum: false, max_wal_size: '1GB' },
  });
  const caseDir = mkdtempSync(join(tmpdir(), 'walscope-verify-'));
  try {
    const backup = await takePlainBackup(server, join(server.root, 'backup'));
    await server.session('postgres', async (client) => {
      for (const statement of [...STATEMENTS, ...statements]) await client.query(statement);
    });
    const [files] = await server.sql<VerifyArchive['files']>("SELECT pg_relation_filepath('hinted') AS heap, pg_relation_filepath('seq') AS sequence, pg_relation_filepath('t_s_idx') AS spgist, pg_relation_filepath('t_p_idx') AS gist, 'base/' || oid || '/' || pg_relation_filenode('pg_proc') || '_vm' AS \"clonedMap\" FROM pg_database WHERE datname = 'cloned'");
    const later = await takePlainBackup(server, join(server.root, 'later'), async () => {
      await server.sql('UPDATE t SET n = n + 1 WHERE id < 500; DELETE FROM t WHERE id > 5900');
    });
    // the backup has just begun a segment: without a record in it there would be nothing to switch
    await server.sql("SELECT pg_logical_emit_message(false, 'walscope', '')");
    await server.archiveAll();
    await server.stop();
    await indexCase({ caseDir, backups: [backup.path], wal: [server.walDir] });
    return {
      caseDir, wal: server.walDir, backupTaken: backup, later: later.path, files: files!,
      destroy: async () => {
        await server.destroy();
        rmSync(caseDir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await server.destroy();
    throw error;
  }
}
