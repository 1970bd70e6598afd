/** Histories that a DBA would call odd, each against what the server said of it. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { takePlainBackup } from '../../fixtures/postgres/backup.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { diffTable } from '../../src/query/diff.js';
import { Findings } from '../../src/query/session.js';
import { namedPairs } from '../../src/query/tablePairs.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';

/** More than a call of JavaScript's takes arguments. */
const SUBTRANSACTIONS = 150_000;

let server: PostgresServer;
let indexed: IndexedArchive;
beforeAll(async () => {
  server = await PostgresServer.create({ major: 18, settings: { autovacuum: false } });
  await server.sql('CREATE TABLE many (v int); INSERT INTO many VALUES (-1), (-2)');
  const backup = await takePlainBackup(server, join(server.root, 'backup'));
  await server.sql("SELECT pg_create_restore_point('before')");
  await server.sql(`DO $$ BEGIN FOR i IN 1..${SUBTRANSACTIONS} LOOP BEGIN INSERT INTO many VALUES (i); EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; UPDATE many SET v = 0 WHERE v = -1; END $$`);
  await server.archiveAll();
  indexed = await indexArchive({ backup, wal: server.walDir });
});
afterAll(async () => {
  indexed?.remove();
  await server?.destroy();
});

it('compares over a transaction of very many subtransactions', () => {
  const { session } = indexed;
  const [before, after] = ['point:before', 'latest'].map((text) => session.database(session.moment(text), 'postgres')) as [ReturnType<typeof session.database>, ReturnType<typeof session.database>];
  const findings = new Findings();
  const [pair] = namedPairs({ before, after }, ['many'], findings);
  expect(diffTable({ before, after }, pair!, findings).count()).toEqual({ added: SUBTRANSACTIONS + 1, removed: 1, changed: 0 });
});
