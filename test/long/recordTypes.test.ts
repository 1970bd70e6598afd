/**
 * Record types that short workloads do not reach, on every major: each occurs in an archive, and all that the archive makes is what a
 * real recovery has. A million transactions, so that CLOG is truncated; a promotion at the end.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takePlainBackup, type BaseBackup } from '../../fixtures/postgres/backup.js';
import { recoverTo } from '../../fixtures/postgres/recovery.js';
import type { PostgresServer } from '../../fixtures/postgres/server.js';
import { PG_MAJORS } from '../../src/pg/version.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { RMGRS } from '../../src/redo/rmgrlist.js';
import { runAgreementWorkload } from '../support/agreementArchive.js';
import { REACHED_BY_LONG_RUN } from '../support/longRunTypes.js';
import { compareRecovered } from '../support/recoveredPages.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';

/** More than one segment of CLOG: 32 pages of 32,768 transactions. */
const ROUNDS = 12, XIDS_A_ROUND = 100_000;
const BURN = `DO $$ BEGIN FOR i IN 1..${XIDS_A_ROUND} LOOP BEGIN INSERT INTO u(a) VALUES (-1000000 - i); EXCEPTION WHEN unique_violation THEN NULL; END; END LOOP; END $$`;

async function freezeAll(server: PostgresServer): Promise<void> {
  await server.sql('UPDATE pg_database SET datallowconn = true');
  for (const { datname } of await server.sql<{ datname: string }>('SELECT datname FROM pg_database')) {
    await server.session(datname, async (client) => {
      for (const age of ['vacuum_multixact_freeze_min_age', 'vacuum_multixact_freeze_table_age', 'vacuum_freeze_min_age', 'vacuum_freeze_table_age']) await client.query(`SET ${age} = 0`);
      await client.query('VACUUM FREEZE');
    });
  }
}

/** Only a standby that is promoted while it runs ends its recovery with a record; with other limits than before. */
async function promote(server: PostgresServer): Promise<void> {
  writeFileSync(join(server.dataDir, 'standby.signal'), '');
  const ready = server.start({ restore_command: `cp "${server.walDir}/%f" "%p"`, max_connections: 50 });
  for (let isAsked = false; !isAsked;) {
    await sleep(200);
    isAsked = await server.sql('SELECT pg_promote(false)').then(() => true, () => false);
  }
  await ready;
}

describe.each(PG_MAJORS)('PostgreSQL %i', (major) => {
  let server: PostgresServer;
  let backup: BaseBackup;
  let indexed: IndexedArchive;

  beforeAll(async () => {
    ({ server } = await runAgreementWorkload(major, async (fresh) => {
      backup = await takePlainBackup(fresh, join(fresh.root, 'backup'));
    }));
    for (let i = 0; i < ROUNDS; i++) {
      await server.sql(BURN);
      await server.sql('TRUNCATE u');
    }
    await freezeAll(server);
    await server.sql('CHECKPOINT');
    await freezeAll(server);
    for (const value of ['off', 'on']) {
      await server.sql(`ALTER SYSTEM SET full_page_writes = ${value}`);
      await server.sql('SELECT pg_reload_conf()');
      await server.sql('CHECKPOINT');
    }
    await server.archiveAll();
    await server.stop();
    await promote(server);
    await server.sql('CREATE TABLE promoted (i int); INSERT INTO promoted SELECT generate_series(1, 1000)');
    await server.archiveAll();
    await server.stop();
    indexed = await indexArchive({ backup, wal: server.walDir });
  });
  afterAll(async () => {
    indexed?.remove();
    await server?.destroy();
  });

  it('has every type of the list', () => {
    const { store } = indexed.session;
    const { run } = store.coverage[0]!;
    const reader = store.newReader(), record = new XLogRecord();
    const found = new Set<string>();
    reader.begin(run.startLsn);
    while (reader.position < run.endLsn && reader.next(record)) found.add(`${RMGRS[record.rmid]!.name} ${RMGRS[record.rmid]!.identify(record.info, major)}`);
    const wanted = REACHED_BY_LONG_RUN.filter((type) => RMGRS.some((rmgr) => rmgr && Array.from({ length: 16 }, (_, n) => `${rmgr.name} ${rmgr.identify(n << 4, major)}`).includes(type)));
    expect(wanted.length).toBeGreaterThan(30);
    expect(wanted.filter((type) => !found.has(type))).toEqual([]);
  });

  it.each(['point:the end', 'latest'])('is what a real recovery has, SLRUs included, at %s', async (at) => {
    const { lsn } = indexed.session.moment(at);
    const target = at === 'latest' ? {} : { name: at.slice('point:'.length) };
    const recovered = await recoverTo({ major, backup, wal: server.walDir, target, settings: { track_commit_timestamp: true, max_connections: 60 } });
    try {
      await recovered.stop();
      const { differences, pages } = compareRecovered(indexed.session.store, lsn, recovered.dataDir);
      expect(differences).toEqual([]);
      // at the end all but the newest are truncated
      expect(pages.commitTs).toBeGreaterThan(at === 'latest' ? 0 : 30);
      console.info(`PostgreSQL ${major}, ${at}: ${JSON.stringify(pages)}`);
    } finally {
      await recovered.destroy();
    }
  });
});
