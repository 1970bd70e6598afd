/**
 * A small archive that lies across the border of two layers (0/8000000), so that an index over it has more than one step to be
 * interrupted between: a few kilobytes of history before the border, half a million records behind it.
 */
import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { takePlainBackup } from '../../fixtures/postgres/backup.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import type { PgMajor } from '../../src/pg/version.js';

export interface StripedArchive {
  root: string;
  backup: string;
  /** Taken at the end. */
  laterBackup: string;
  wal: string;
  /** A restore point before the border: `shop` has 100 rows. */
  early: string;
  /** A restore point behind the many records: `shop` has 200 rows, `gone` is dropped. */
  late: string;
}

const BORDER_SEGMENT = 0x80;
const ROWS = 400_000;

/** Builds the archive below `root` with a real server. */
export async function buildStripedArchive(root: string, major: PgMajor): Promise<StripedArchive> {
  const wal = join(root, 'wal');
  const server = await PostgresServer.create({ major, walSegmentMb: 1, walDir: wal, settings: { autovacuum: false, archive_command: 'true' } });
  try {
    await server.sql('CREATE TABLE shop (id int PRIMARY KEY, note text); CREATE TABLE many (id int)');
    const [row] = await server.sql<{ segments: number }>(`SELECT ${BORDER_SEGMENT - 5} - (pg_current_wal_lsn() - '0/0')::bigint / 1048576 AS segments`);
    await server.sql(`DO $$ BEGIN FOR i IN 1..${Number(row!.segments)} LOOP PERFORM pg_logical_emit_message(false, '', 'x'), pg_switch_wal(); END LOOP; END $$`);
    await server.sql(`ALTER SYSTEM SET archive_command = 'cp "%p" "${wal}/%f"'`);
    await server.sql('SELECT pg_reload_conf()');
    const backup = await takePlainBackup(server, join(root, 'backup'));
    await server.sql("INSERT INTO shop SELECT i, 'early ' || i FROM generate_series(1, 100) i; CREATE TABLE gone AS SELECT 1 AS one");
    await server.sql("SELECT pg_create_restore_point('early')");
    await server.sql('DROP TABLE gone');
    await server.sql(`INSERT INTO many SELECT generate_series(1, ${ROWS})`);
    await server.sql("INSERT INTO shop SELECT i, 'late ' || i FROM generate_series(101, 200) i");
    await server.sql("SELECT pg_create_restore_point('late')");
    const laterBackup = await takePlainBackup(server, join(root, 'later'));
    await server.sql('SELECT txid_current()');
    await server.archiveAll();
    for (const name of readdirSync(wal)) chmodSync(join(wal, name), 0o644); // whoever runs the tests may read them, not the server's user alone
    return { root, backup: backup.path, laterBackup: laterBackup.path, wal, early: 'point:early', late: 'point:late' };
  } finally {
    await server.destroy();
  }
}
