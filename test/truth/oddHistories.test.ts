/** Histories that a DBA would call odd, each against what the server said of it. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takePlainBackup, type BaseBackup } from '../../fixtures/postgres/backup.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { blame } from '../../src/query/blame.js';
import { changeStream, chosenTables } from '../../src/query/changeStream.js';
import { diffTable } from '../../src/query/diff.js';
import { countDiffs } from '../../src/query/diffCounts.js';
import type { DiffSides } from '../../src/query/diffSpan.js';
import { findChanges, rowHistory } from '../../src/query/history.js';
import { findIncidents } from '../../src/query/incidents.js';
import { transactionLog, type TransactionEntry } from '../../src/query/log.js';
import { undoScript } from '../../src/query/revert.js';
import { openSource } from '../../src/query/scanSource.js';
import type { Span } from '../../src/query/databaseAt.js';
import type { Moment } from '../../src/query/moment.js';
import { Findings, type DatabaseAt } from '../../src/query/session.js';
import { showTransaction } from '../../src/query/show.js';
import { heldPairs, namedPairs } from '../../src/query/tablePairs.js';
import { Model } from '../../src/tui/model/model.js';
import { Work } from '../../src/tui/model/work.js';
import { scriptText } from '../support/psqlScript.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';

/** More than a call of JavaScript's takes arguments. */
const SUBTRANSACTIONS = 150_000;

const STEPS = {
  many: `DO $$ BEGIN FOR i IN 1..${SUBTRANSACTIONS} LOOP BEGIN INSERT INTO many VALUES (i); EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; UPDATE many SET v = 0 WHERE v = -1; END $$`,
  logged: "ALTER TABLE ul SET LOGGED; INSERT INTO ul VALUES (3, 'with it'); UPDATE ul SET v = 'changed' WHERE id = 2",
  unlogged: "UPDATE pl SET v = 'last' WHERE id = 1; ALTER TABLE pl SET UNLOGGED",
  back: "INSERT INTO pl VALUES (2, 'unseen'); ALTER TABLE pl SET LOGGED",
  between: "ALTER TABLE bl SET UNLOGGED; INSERT INTO bl VALUES (2, 'unseen'); ALTER TABLE bl SET LOGGED; UPDATE bl SET v = 'seen' WHERE id = 1",
  attach: "INSERT INTO part_1 VALUES (1, 'early'), (2, 'gone'); UPDATE part_1 SET v = 'changed' WHERE id = 1; DELETE FROM part_1 WHERE id = 2; ALTER TABLE part ATTACH PARTITION part_1 FOR VALUES FROM (0) TO (10)",
} as const;

let server: PostgresServer;
let indexed: IndexedArchive;
const xids = new Map<string, string>();
beforeAll(async () => {
  server = await PostgresServer.create({ major: 18, settings: { autovacuum: false } });
  await server.sql(`CREATE TABLE many (v int); INSERT INTO many VALUES (-1), (-2);
    CREATE UNLOGGED TABLE ul (id int PRIMARY KEY, v text); INSERT INTO ul VALUES (1, 'never seen'), (2, 'never seen'); CREATE TABLE pl (id int PRIMARY KEY, v text); INSERT INTO pl VALUES (1, 'first');
    CREATE TABLE bl (id int PRIMARY KEY, v text); INSERT INTO bl VALUES (1, 'first');
    CREATE TABLE g (id int PRIMARY KEY, v text); INSERT INTO g VALUES (1, 'first'), (2, 'first'); CREATE TABLE victim AS SELECT g FROM generate_series(1, 5000) g;
    CREATE TABLE part (id int PRIMARY KEY, v text) PARTITION BY RANGE (id); CREATE TABLE part_1 (LIKE part INCLUDING ALL)`);
  const backup = await takePlainBackup(server, join(server.root, 'backup'));
  await server.sql("SELECT pg_create_restore_point('before')");
  await server.session('postgres', async (client) => {
    for (const [name, step] of Object.entries(STEPS)) {
      await client.query(`BEGIN; ${step}`);
      xids.set((await client.query<{ xid: string }>('SELECT txid_current()::text AS xid')).rows[0]!.xid, name);
      await client.query('COMMIT');
    }
  });
  await server.archiveAll();
  indexed = await indexArchive({ backup, wal: server.walDir });
  await makeGap(backup);
});
afterAll(async () => {
  indexed?.remove();
  gapped?.remove();
  await server?.destroy();
});

/** An archive that lost segments between two backups. */
let gapped: IndexedArchive;
async function makeGap(backup: BaseBackup): Promise<void> {
  const ended = (work: string): Promise<string> => server.session('postgres', async (client) => {
    await client.query(`BEGIN; ${work}`);
    const { rows } = await client.query<{ xid: string }>('SELECT txid_current()::text AS xid');
    await client.query('COMMIT');
    return rows[0]!.xid;
  });
  xids.set(await ended("UPDATE g SET v = 'known' WHERE id = 1; DROP TABLE victim"), 'known');
  await server.archiveAll();
  const before = new Set(readdirSync(server.walDir));
  await ended("UPDATE g SET v = 'lost' WHERE id <= 2");
  await server.archiveAll();
  const lost = readdirSync(server.walDir).filter((name) => !before.has(name));
  const secondBackup = await takePlainBackup(server, join(server.root, 'backup2'));
  xids.set(await ended("UPDATE g SET v = 'found' WHERE id = 2"), 'found');
  await server.archiveAll();
  for (const name of lost) rmSync(join(server.walDir, name));
  gapped = await indexArchive({ backup, wal: server.walDir, secondBackup });
}

const at = (moment: string) => indexed.session.database(indexed.session.moment(moment), 'postgres');
const after = (step: keyof typeof STEPS): string => `xid:${[...xids].find(([, name]) => name === step)![0]}`;
const span = () => ({ since: indexed.session.moment('earliest'), until: indexed.session.moment('latest') });

it('compares over a transaction of very many subtransactions', () => {
  const sides: DiffSides = { before: at('point:before'), after: at('latest') };
  const findings = new Findings();
  const [pair] = namedPairs(sides, ['many'], findings);
  const diff = diffTable(sides, pair!, findings);
  expect([diff.count(), ...countDiffs([diff])]).toEqual([1, 2].map(() => ({ added: SUBTRANSACTIONS + 1, removed: 1, changed: 0 })));
});

describe('tables that are unlogged for a while', () => {
  it('do not end the log', () => {
    const findings = new Findings();
    const entries = [...transactionLog(indexed.session, span(), findings)].filter((entry): entry is TransactionEntry => entry.kind === 'transaction' && entry.tables.length > 0);
    expect(findings.list).toEqual([]);
    expect(entries.map(({ row, tables }) => [xids.get(String(row.xid)), tables.map(({ name, inserted, updated, deleted }) => [name, inserted, updated, deleted])])).toEqual([
      ['attach', [['part_1', 2, 1, 1]]], ['between', [['bl', 0, 1, 0]]], ['unlogged', [['pl', 0, 1, 0]]], ['logged', [['ul', 1, 1, 0]]], ['many', [['many', SUBTRANSACTIONS, 1, 0]]],
    ]);
  });

  async function history(table: string, key: string): Promise<{ versions: (string | null | undefined)[][]; findings: string[] }> {
    const findings = new Findings();
    const { rows } = await rowHistory(indexed.session, at('latest'), table, [key], span(), findings);
    return { versions: rows.map((row) => [row[0], xids.get(row[3]!), row.at(-1)]), findings: findings.list.map(({ code }) => code) };
  }

  it('have a history from when they were logged on, and say so', async () => {
    expect(await history('ul', '1')).toEqual({ versions: [['attach', 'logged', 'never seen']], findings: ['table.unlogged'] });
    expect(await history('ul', '2')).toEqual({ versions: [['attach', 'logged', 'changed']], findings: ['table.unlogged'] });
    expect(await history('ul', '3')).toEqual({ versions: [['attach', 'logged', 'with it']], findings: ['table.unlogged'] });
    expect(await history('pl', '1')).toEqual({ versions: [['there before', undefined, 'first'], ['update', 'unlogged', 'last'], ['detach', 'unlogged', null], ['attach', 'back', 'last']], findings: [] });
  });

  it('are not taken for dropped and created ones', () => {
    for (const [from, to, gone] of [['point:before', after('unlogged'), ['pl', 'ul']], ['point:before', 'latest', ['ul']], [after('unlogged'), after('logged'), ['pl']]] as const) {
      const findings = new Findings();
      const pairs = heldPairs({ before: at(from), after: at(to) }, findings);
      expect(pairs.filter((pair) => !pair.before || !pair.after)).toEqual([]);
      expect(findings.list.map(({ code, message }) => [code, message.split(' ')[0]]).sort()).toEqual(gone.map((name) => ['table.unlogged', name]));
    }
  });

  it('are told where one transaction made them so and back', async () => {
    const findings = new Findings();
    const changes: unknown[] = [];
    showTransaction(indexed.session, Number(after('between').slice('xid:'.length)), findings).rows(({ operation, after: is }) => void changes.push([operation, is]));
    expect(changes).toEqual([['update', ['1', 'seen']]]);
    expect(findings.list.map(({ message }) => message)).toEqual([expect.stringMatching(/^bl was unlogged for a while within transaction \d+: what became of its rows meanwhile is in no WAL$/)]);
    const script = scriptText(undoScript(showTransaction(indexed.session, Number(after('between').slice('xid:'.length)), findings), findings));
    expect(script).toMatch(/UPDATE ONLY bl SET v = 'first' WHERE id = '1';\nDELETE FROM ONLY bl WHERE id = '2';/);
    expect(await history('bl', '1')).toEqual({ versions: [['there before', undefined, 'first'], ['update', 'between', 'seen']], findings: ['table.unlogged'] });
  });

  it('are not compared on screen either', () => {
    const model = new Model(indexed.session, new Work(new Int32Array(new SharedArrayBuffer(4)).fill(-1), () => undefined), { create: (): never => { throw new Error('no files here'); } });
    const { counts, findings } = model.comparisons.table('postgres', at('latest').relation('pl').oid, at('point:before').moment.lsn, at(after('unlogged')).moment.lsn);
    expect(counts).toEqual({ added: 0, removed: 0, changed: 0 });
    expect(findings).toEqual(['pl is unlogged at the second moment: its rows cannot be compared']);
  });

  it('are left out of a script that reverts what made them so', () => {
    const findings = new Findings();
    const script = scriptText(undoScript(showTransaction(indexed.session, Number(after('unlogged').slice('xid:'.length)), findings), findings));
    expect(script).toMatch(/BEGIN;[^]*COMMIT;/);
    expect(script).not.toContain('UPDATE');
    expect(findings.list.map(({ code }) => code)).toEqual(['table.unlogged']);
  });

  it('have rows whose writer before is not known', async () => {
    const writers: (string | null | undefined)[][] = [];
    const answer = await blame(at('latest'), openSource(at('latest'), 'pl'), {}, new Findings());
    answer.rows((values) => void writers.push([xids.get(values[1]!), ...values.slice(3)]));
    expect(writers).toEqual([['back', '1', 'last'], ['back', '2', 'unseen']]);
  });
});

it('rows that a transaction changes before it attaches their table come once', () => {
  const told: (string | null)[][] = [];
  const findings = new Findings();
  const { oid, database } = { oid: at('latest').relation('part').oid, database: at('latest').database };
  changeStream(indexed.session, database.oid, chosenTables([oid]), span(), findings, ({ operation, before, after }) => void told.push([operation, ...(after ?? before)!]));
  expect(findings.list).toEqual([]);
  expect(told).toEqual([['attach', '1', 'changed']]);
});

describe('an archive with a gap between two backups', () => {
  const ask = async <T>(question: (database: DatabaseAt, span: Span, findings: Findings) => T | Promise<T>): Promise<{ answer: T; findings: string[] }> => {
    const { session } = gapped;
    const findings = new Findings();
    const [since, until] = ['earliest', 'latest'].map((text) => session.moment(text)) as [Moment, Moment];
    const answer = await question(session.database(until, 'postgres'), { since, until }, findings);
    return { answer, findings: findings.list.map(({ code }) => code) };
  };

  it('has a log and incidents on both sides of it', async () => {
    const log = await ask((_, span, findings) => [...transactionLog(gapped.session, { ...span, table: 'g' }, findings)].map((entry) => (entry.kind === 'transaction' ? xids.get(String(entry.row.xid)) : entry.kind)));
    expect(log).toEqual({ answer: ['found', 'known'], findings: ['moment.gap'] });
    const incidents = await ask((_, span, findings) => findIncidents(gapped.session, span, findings).map(({ kind, object }) => [kind, object]));
    expect(incidents).toEqual({ answer: [['drop', 'victim']], findings: ['moment.gap'] });
  });

  it('follows rows from behind it on', async () => {
    const versions = await ask(async (database, span, findings) => (await rowHistory(gapped.session, database, 'g', ['2'], span, findings)).rows.map((row) => [row[0], row.at(-1)]));
    expect(versions).toEqual({ answer: [['there before', 'lost'], ['update', 'found']], findings: ['moment.gap'] });
    const changes = await ask(async (database, span, findings) => (await findChanges(gapped.session, database, 'g', "v <> 'first'", 'appeared', span, findings)).rows);
    expect(changes).toEqual({ answer: [], findings: ['moment.gap'] });
    const backward = await ask(async (database, { since, until }, findings) => (await findChanges(gapped.session, database, 'g', "v <> 'first'", 'appeared', { since: until, until: since }, findings)).rows);
    expect(backward).toEqual({ answer: [], findings: [] });
  });

  it('compares both sides of it', async () => {
    const counts = await ask((database, { since }, findings) => {
      const sides: DiffSides = { before: gapped.session.database(since, 'postgres'), after: database };
      return countDiffs([diffTable(sides, namedPairs(sides, ['g'], findings)[0]!, findings)]);
    });
    expect(counts).toEqual({ answer: [{ added: 0, removed: 0, changed: 2 }], findings: [] });
  });
});
