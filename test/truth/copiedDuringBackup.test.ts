/** CREATE DATABASE by file copy while a base backup is taken: its pages come from a moment before the backup is consistent. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { takePlainBackup } from '../../fixtures/postgres/backup.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { asofCsv, indexArchive } from '../support/truthCase.js';

it.each([14, 18] as const)('of %i: the copy has the rows that the server has', async (major) => {
  const server = await PostgresServer.create({ major, walSegmentMb: 1, settings: { autovacuum: false } });
  try {
    await server.sql('CREATE DATABASE src');
    await server.sql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'before ' || i FROM generate_series(1, 2000) i", 'src');
    const backup = await takePlainBackup(server, join(server.root, 'backup'), async () => {
      await server.sql("UPDATE t SET v = 'during' WHERE id <= 500", 'src');
      await server.sql(`CREATE DATABASE copied TEMPLATE src${major >= 15 ? ' STRATEGY file_copy' : ''}`);
      await server.sql("INSERT INTO t VALUES (9999, 'copy alone')", 'copied');
    });
    await server.sql('DELETE FROM t WHERE id % 3 = 0', 'copied');
    await server.archiveAll();
    const indexed = await indexArchive({ backup, wal: server.walDir });
    for (const name of ['src', 'copied']) {
      const { csv, findings } = await asofCsv(indexed.session.database(indexed.session.moment('latest'), name), 't');
      const rows = await server.sql<{ line: string }>("SELECT id || ',' || v AS line FROM t", name);
      expect(findings).toEqual([]);
      expect(csv.toString().trimEnd().split('\n').slice(1).sort()).toEqual(rows.map(({ line }) => line).sort());
    }
    indexed.remove();
  } finally {
    await server.destroy();
  }
});
