/** What the catalogs alone change: how untouched rows print, and names that need quotes. The archive is a real server's. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { takePlainBackup } from '../../fixtures/postgres/backup.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { writeRowBytes } from '../../src/commands/rowBytes.js';
import { fieldForm } from '../../src/output/byteFields.js';
import { asof } from '../../src/query/asof.js';
import { diffTable, type RowChange } from '../../src/query/diff.js';
import { pairTables } from '../../src/query/tablePairs.js';
import { findIncidents } from '../../src/query/incidents.js';
import { transactionLog } from '../../src/query/log.js';
import { openSource } from '../../src/query/scanSource.js';
import { Findings } from '../../src/query/session.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';

const TABLES = ['plain', 'arrays', 'ranges', 'domains', 'fields', 'pairs', 'names', 'untouched'];
let server: PostgresServer;
let indexed: IndexedArchive;
let registered: unknown[];
const shown: Record<'before' | 'after', Map<string, string[]>> = { before: new Map(), after: new Map() };

async function show(into: Map<string, string[]>): Promise<void> {
  for (const table of TABLES) into.set(table, (await server.sql<{ v: string }>(`SELECT v::text FROM ${table}`)).map((row) => row.v));
}

beforeAll(async () => {
  server = await PostgresServer.create({ major: 17, walSegmentMb: 1, settings: { autovacuum: false } });
  const run = async (...statements: string[]): Promise<void> => {
    for (const statement of statements) await server.sql(statement);
  };
  await run(
    "CREATE TYPE mood AS ENUM ('ok', 'bad')", 'CREATE TYPE moods AS RANGE (subtype = mood)', 'CREATE DOMAIN state AS mood', 'CREATE TYPE pair AS (a int, b int)', 'CREATE TYPE told AS (m mood)',
    'CREATE TABLE plain (v mood)', 'CREATE TABLE arrays (v mood[])', 'CREATE TABLE ranges (v moods)', 'CREATE TABLE domains (v state)', 'CREATE TABLE fields (v told)', 'CREATE TABLE pairs (v pair)',
    'CREATE TABLE names (v regclass)', 'CREATE TABLE untouched (v int[])', 'CREATE SCHEMA "Odd one"', 'CREATE TABLE "Odd one".rows AS SELECT generate_series(1, 500) AS n',
    'CREATE TABLE parted (k int, gone int, v int) PARTITION BY LIST (k)', 'CREATE TABLE p1 PARTITION OF parted FOR VALUES IN (1)', 'INSERT INTO parted VALUES (1, 10, 100)',
    'CREATE TYPE public.point AS (a int)', 'CREATE TYPE public.spot AS (a int)', 'CREATE OPERATOR public.=== (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int)', 'CREATE OPERATOR "Odd one".=== (FUNCTION = int8eq, LEFTARG = bigint, RIGHTARG = bigint)',
    'CREATE TABLE regs (t regtype, o regoper, p regoperator)',
    "INSERT INTO regs SELECT t.oid, o.oid, o.oid FROM (SELECT oid, row_number() OVER (ORDER BY oid) n FROM pg_type WHERE typname IN ('point', 'spot', 'int4', '_point')) t FULL JOIN (SELECT oid, row_number() OVER (ORDER BY oid) n FROM pg_operator WHERE oprname IN ('===', '|/')) o USING (n)",
    "INSERT INTO plain VALUES ('ok')", "INSERT INTO arrays VALUES ('{ok,bad}')", "INSERT INTO ranges VALUES ('[ok,bad]')", "INSERT INTO domains VALUES ('ok')", "INSERT INTO fields VALUES ('(ok)')",
    "INSERT INTO pairs VALUES ('(1,2)')", "INSERT INTO names VALUES ('plain'), ('arrays')", "INSERT INTO untouched VALUES ('{1}')",
  );
  const backup = await takePlainBackup(server, join(server.root, 'backup'));
  await show(shown.before);
  registered = await server.sql('SELECT t::text, o::text, p::text FROM regs');
  await run("SELECT pg_create_restore_point('before')", "ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'", 'ALTER TYPE pair ADD ATTRIBUTE c int', 'ALTER TABLE plain RENAME TO simple', 'CREATE VIEW plain AS SELECT v FROM simple');
  await show(shown.after);
  await run("SELECT pg_create_restore_point('after')", 'ALTER TABLE parted DROP COLUMN gone', 'CREATE TABLE p2 PARTITION OF parted FOR VALUES IN (2)', 'INSERT INTO parted VALUES (2, 200)');
  await run('DROP SCHEMA "Odd one" CASCADE', "SELECT pg_create_restore_point('end')");
  await server.archiveAll();
  indexed = await indexArchive({ backup, wal: server.walDir });
});
afterAll(async () => {
  indexed?.remove();
  await server?.destroy();
});

it('diff sees rows that print otherwise though no record touched them', () => {
  const [before, after] = ['point:before', 'point:after'].map((at) => indexed.session.database(indexed.session.moment(at), 'postgres'));
  const sides = { before: before!, after: after! };
  const found = new Map<string, RowChange[]>();
  const findings = new Findings();
  for (const pair of pairTables(sides)) {
    const changes: RowChange[] = [];
    diffTable(sides, pair, findings).rows((change) => void changes.push(change));
    found.set(pair.before!.name, changes);
  }
  expect(findings.list).toEqual([]);
  for (const table of TABLES) {
    const [was, is] = [shown.before.get(table)!, shown.after.get(table)!];
    const expected = [...was.filter((v) => !is.includes(v)).map((v) => `-${v}`), ...is.filter((v) => !was.includes(v)).map((v) => `+${v}`)];
    const got = found.get(table)!.flatMap(({ before, after }) => [...(before ? [`-${before[0]}`] : []), ...(after ? [`+${after[0]}`] : [])]);
    expect([table, got.sort()]).toEqual([table, expected.sort()]);
    expect(got.length === 0).toBe(table === 'untouched');
  }
});

it('a dropped column is NULL in a partition that never had it', async () => {
  const database = indexed.session.database(indexed.session.moment('latest'), 'postgres');
  const findings = new Findings();
  const answer = await asof(database, openSource(database, 'parted', { withDropped: true }), {}, findings);
  const rows: (string | null)[][] = [];
  answer.rows((values) => void rows.push([...values]));
  const bytes: Buffer[] = [];
  writeRowBytes(answer, fieldForm('copy', answer.columns.length)!, (piece) => bytes.push(Buffer.from(piece)) > 0);
  expect([rows, Buffer.concat(bytes).toString(), findings.list]).toEqual([[['1', '10', '100'], ['2', null, '200']], '1\t10\t100\n2\t\\N\t200\n', []]);
});

it('names of types and operators are qualified where the search path finds others', async () => {
  const database = indexed.session.database(indexed.session.moment('point:before'), 'postgres');
  const rows: unknown[] = [];
  (await asof(database, database.table('regs'), {}, new Findings())).rows(([t, o, p]) => void rows.push({ t, o, p }));
  expect(rows).toEqual(registered);
  expect(rows.length).toBeGreaterThan(4);
});

it('log finds the transactions of a table by schema, name and file', () => {
  const [since, until] = ['earliest', 'latest'].map((at) => indexed.session.moment(at));
  const found = (table: string): number => [...transactionLog(indexed.session, { since: since!, until: until!, table }, new Findings())].length;
  const { locator } = indexed.session.database(until!, 'postgres').relation('p2');
  expect(['"Odd one".rows', 'public.rows', 'rows', 'parted', 'p2', `filenode:${locator.relNumber}`, 'simple', '"p2"', 'P2'].map(found)).toEqual([1, 0, 1, 3, 2, 1, 0, 2, 2]);
});

it('incidents count the rows that go with a schema whose name needs quotes, and a partitioned table once', () => {
  const [since, until] = ['point:after', 'latest'].map((at) => indexed.session.moment(at));
  const incidents = findIncidents(indexed.session, { since: since!, until: until! }, new Findings());
  expect(incidents.map(({ kind, object, rows }) => ({ kind, object, rows }))).toEqual([
    { kind: 'drop schema', object: '"Odd one"', rows: 500 }, { kind: 'drop column', object: 'gone of parted', rows: 1 },
  ]);
});
