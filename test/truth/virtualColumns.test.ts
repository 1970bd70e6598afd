/** Virtual generated columns, which no page holds: what asof computes against what the server computes. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { join } from 'node:path';
import { takePlainBackup } from '../../fixtures/postgres/backup.js';
import { copyOut } from '../../fixtures/postgres/copy.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { diffTable } from '../../src/query/diff.js';
import { findChanges, rowHistory } from '../../src/query/history.js';
import { showTransaction } from '../../src/query/show.js';
import { prepareVirtualColumns } from '../../src/query/virtualColumns.js';
import { asof } from '../../src/query/asof.js';
import { openSource } from '../../src/query/scanSource.js';
import { Findings } from '../../src/query/session.js';
import { Model } from '../../src/tui/model/model.js';
import { Work } from '../../src/tui/model/work.js';
import { asofBytes, indexArchive, type IndexedArchive } from '../support/truthCase.js';

const SETUP = `
  CREATE TABLE sums (a int, b text, c numeric(8,3), d date, e text[], plus int GENERATED ALWAYS AS (a + 1), joined text GENERATED ALWAYS AS (b || '/' || a::text) VIRTUAL,
    share numeric(6,2) GENERATED ALWAYS AS (c / 3), next date GENERATED ALWAYS AS (d + 7), big boolean GENERATED ALWAYS AS (a > 10 AND b IS NOT NULL),
    kind varchar(10) GENERATED ALWAYS AS (CASE WHEN a < 5 THEN 'small' WHEN a < 50 THEN upper(b) ELSE NULL END), first text GENERATED ALWAYS AS (e[1]), len int GENERATED ALWAYS AS (length(coalesce(b, '')))) ;
  INSERT INTO sums SELECT i * 7, CASE WHEN i % 3 > 0 THEN 'row ' || i END, i * 1.337, '2026-01-01'::date + i, ARRAY['x' || i, NULL] FROM generate_series(1, 40) i;
  CREATE TABLE parts (a int, twice int GENERATED ALWAYS AS (a * 2)) PARTITION BY RANGE (a);
  CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
  CREATE TABLE parts_2 PARTITION OF parts (twice GENERATED ALWAYS AS (a * 100)) FOR VALUES FROM (10) TO (20);
  INSERT INTO parts SELECT * FROM generate_series(1, 19);
  CREATE TABLE odd (a int, who int4range GENERATED ALWAYS AS (int4range(a, a + 1)));
  INSERT INTO odd VALUES (1);
  CREATE SCHEMA other; CREATE TABLE other.named (a int, own boolean GENERATED ALWAYS AS (tableoid = 'other.named'::regclass), who oid GENERATED ALWAYS AS (tableoid), name regclass GENERATED ALWAYS AS (tableoid));
  CREATE TABLE heir (b int) INHERITS (other.named);
  INSERT INTO other.named VALUES (1), (2); INSERT INTO heir (a, b) VALUES (3, 4);
  CREATE TABLE kept (id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2), label text GENERATED ALWAYS AS ('no ' || a));
  INSERT INTO kept VALUES (1, 10), (2, 20), (3, 30);`;

const CHANGES = `
  UPDATE kept SET a = 11 WHERE id = 1; DELETE FROM kept WHERE id = 2; INSERT INTO kept VALUES (4, 40);
  ALTER TABLE kept ALTER COLUMN label SET EXPRESSION AS ('number ' || a);`;

let server: PostgresServer, indexed: IndexedArchive;
const truth = new Map<string, Buffer>();
let xid: number;

beforeAll(async () => {
  server = await PostgresServer.create({ major: 18 });
  const backup = await takePlainBackup(server, join(server.root, 'backup'));
  await server.sql(SETUP);
  await server.session('postgres', async (client) => {
    for (const table of ['sums', 'parts', 'parts_2', 'other.named', 'heir']) for (const format of ['csv', 'copy']) truth.set(`${table} ${format}`, await copyOut(client, `COPY (SELECT * FROM ${table}) TO STDOUT ${format === 'csv' ? '(FORMAT csv, HEADER)' : ''}`));
  });
  xid = Number((await server.sql<{ xid: string }>(`${CHANGES} SELECT txid_current()::text AS xid`))[0]!.xid);
  await server.archiveAll();
  await server.stop();
  indexed = await indexArchive({ backup, wal: server.walDir });
});
afterAll(async () => {
  await server?.destroy();
  indexed?.remove();
});

const database = () => indexed.session.database(indexed.session.moment('latest'), 'postgres');

it.each(['sums', 'parts', 'parts_2', 'other.named', 'heir'])('%s shows what the server computes', async (table) => {
  for (const format of ['csv', 'copy'] as const) {
    const { bytes, findings } = await asofBytes(database(), table, format, {});
    expect(findings).toEqual([]);
    expect(bytes.toString()).toBe(truth.get(`${table} ${format}`)!.toString());
  }
});

it('conditions may name them', async () => {
  const rows: (string | null)[][] = [];
  const answer = await asof(database(), database().table('sums'), { where: "plus = 15 AND joined = 'row 2/14'", columns: ['a', 'joined'] }, new Findings());
  answer.rows((row) => void rows.push(row));
  expect(rows).toEqual([['14', 'row 2/14']]);
});

it('find knows changes by them', async () => {
  const session = indexed.session;
  const span = { since: session.moment('earliest'), until: session.moment('latest') };
  await prepareVirtualColumns(session, database());
  const { rows, notices } = await findChanges(session, database(), 'kept', 'twice = 20', 'gone', span, new Findings());
  expect([rows.map((row) => [row[0], row[3], ...row.slice(4)]), notices]).toEqual([[['update', String(xid), '1', '10', '20', 'no 10']], []]);
});

it('are on screen what asof gives', async () => {
  const model = new Model(indexed.session, new Work(new Int32Array(1), () => undefined), { create: () => expect.unreachable() });
  // the first question: those up to the stop flag's are no longer wanted
  model.work.begin(1);
  const { lsn } = indexed.session.moment('latest');
  for (const [name, where] of [['sums', undefined], ['sums', "plus = 15 AND joined = 'row 2/14'"], ['parts', undefined]] as const) {
    const wanted: (string | null)[][] = [];
    (await asof(database(), openSource(database(), name), { where }, new Findings())).rows((row) => void wanted.push([...row]));
    const opened = await model.open({ lsn, database: 'postgres', oid: database().relation(name).oid, where, order: undefined, stepped: undefined });
    const { rows, findings } = model.rowsFrom(opened.handle, undefined, true, 1000);
    expect([rows.map((row) => row.values), findings, opened.notices]).toEqual([wanted, [], []]);
  }
  const odd = await model.open({ lsn, database: 'postgres', oid: database().relation('odd').oid, where: undefined, order: undefined, stepped: undefined });
  expect(odd.notices.join()).toMatch(/^who: computed when read .* shown as NULL$/);
});

it('says which it cannot compute', async () => {
  const answer = await asof(database(), database().table('odd'), {}, new Findings());
  expect(answer.notices.join()).toMatch(/^who: computed when read .* shown as NULL$/);
});

const BEFORE = [['1', '10', '20', 'no 10'], ['2', '20', '40', 'no 20'], ['3', '30', '60', 'no 30']] as const;
const AFTER = [['1', '11', '22', 'number 11'], ['3', '30', '60', 'number 30'], ['4', '40', '80', 'number 40']] as const;

it('diff compares what they were and are, by the expression of then', async () => {
  const { session } = indexed;
  const [before, after] = [session.database(session.moment(`before-xid:${xid}`), 'postgres'), database()];
  await prepareVirtualColumns(session, before, after);
  const diff = diffTable({ before, after }, { before: before.relation('kept'), after: after.relation('kept') }, new Findings());
  const changes: unknown[] = [];
  diff.rows(({ change, before: was, after: is }) => void changes.push([change, was, is]));
  expect(changes.sort()).toEqual([
    ['added', null, AFTER[2]], ['changed', BEFORE[0], AFTER[0]], ['changed', BEFORE[2], AFTER[1]], ['removed', BEFORE[1], null],
  ]);
});

it('show and history have them as the transaction found them', async () => {
  const { session } = indexed;
  const shown = showTransaction(session, xid, new Findings());
  await prepareVirtualColumns(session, shown.before, shown.after);
  const rows: unknown[] = [];
  shown.rows(({ operation, before, after }) => void rows.push([operation, before?.slice(0, 3), after?.slice(0, 3)]));
  expect(rows).toEqual([
    ['update', BEFORE[0].slice(0, 3), AFTER[0].slice(0, 3)], ['delete', BEFORE[1].slice(0, 3), undefined], ['insert', undefined, AFTER[2].slice(0, 3)],
  ]);
  const { rows: versions } = await rowHistory(session, database(), 'kept', ['1'], { since: session.moment('earliest'), until: database().moment }, new Findings());
  expect(versions.map((version) => [version[0], ...version.slice(-4, -1)])).toEqual([['insert', '1', '10', '20'], ['update', '1', '11', '22']]);
  expect([...session.notices]).toEqual([]);
});
