/** A row by its primary key, whatever the key's type and however its value is written: asof --key and history on a real server's tables. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { takePlainBackup } from '../../fixtures/postgres/backup.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { asof } from '../../src/query/asof.js';
import { rowHistory } from '../../src/query/history.js';
import { Findings } from '../../src/query/session.js';
import { quoteLiteral } from '../../src/util/quote.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';

/** Through the index, or by how values are printed. */
type Way = 'index' | 'printed';

/** Each value is another way of writing the first. */
const KEYS: readonly (readonly [type: string, way: Way, ...values: string[]])[] = [
  ['int2', 'index', '7', '+7', ' 07'], ['oid', 'index', '5'], ['numeric', 'index', '1.50', '1.5', '15e-1'], ['float8', 'index', '1.5', '1.50'], ['bool', 'index', 't', 'true', 'on'],
  ['text', 'index', 'ab'], ['char(5)', 'index', 'ab', 'ab   '], ['name', 'index', 'ab'], ['bytea', 'index', '\\x00ff', '\\x00FF'],
  ['uuid', 'index', 'aaaaaaaa-1111-1111-1111-111111111111', 'AAAAAAAA111111111111111111111111'], ['date', 'index', '2026-01-02'], ['time', 'index', '10:00:00', '10:00'],
  ['timestamp', 'index', '2026-01-01 00:00:00', '2026-01-01T00:00'], ['timestamptz', 'index', '2026-01-01 00:00:00+00', '2026-01-01 01:00+01'], ['pg_lsn', 'index', '0/1A', '0/1a'], ['xid8', 'index', '5'],
  ['mood', 'index', 'ok'], ['state', 'index', 'ok'], ['positive', 'index', '3', '03'], ['interval', 'index', '1 day', '24:00:00', '23 hours 60 minutes', '2 days -24:00:00'], ['timetz', 'index', '10:00:00+02', '10:00+02'], ['tid', 'index', '(70000,2)'], ['int[]', 'index', '{1,2}', '{ 1, 2 }', '[1:2]={1,2}'],
  ['jsonb', 'index', '{"a": 1, "bb": [null, "x"]}', '{"bb":[null,"\\u0078"],"a":1.0}'], ['inet', 'index', '10.0.0.2/24'], ['cidr', 'index', '2001:db8::/32'], ['macaddr', 'index', '08:00:2b:01:02:03'], ['macaddr8', 'index', '08:00:2b:01:02:03:04:05'], ['varbit', 'index', '1011000001'], ['oidvector', 'index', '1 26 4000000000'],
  ['int2vector', 'index', '1 -2'], ['int4range', 'index', '[1,5)', '[1,4]', '(0,5)'], ['int8range', 'index', 'empty', '[3,3)'], ['daterange', 'index', '[2026-01-01,infinity)', '(2025-12-31,infinity)'], ['numrange', 'index', '(1.50,]', '(1.5,)'], ['tstzrange', 'index', '["2026-01-01 00:00:00+00",)', '[2026-01-01T01:00+01,)'],
  ['int4multirange', 'index', '{[1,5)}', '{[1,1],[2,4],empty}'], ['pair', 'index', '(1,2)', ' ( 1,"2")'], ['bit(3)', 'index', '101'], ['money', 'index', '-$1,012.34'], ['tsvector', 'index', "'a':1A,3 'b'", 'b a:3,1A,3'], ['tsquery', 'index', "'a' & !( 'b' | 'c' ) <2> 'd'", 'a&!(b|c)<2>d'],
  ['mood[]', 'index', '{ok}', '{ ok }'], ['regclass', 'index', 'pg_class', '1259'], ['regproc', 'index', '1397'], ['pg_lsn[]', 'index', '{FFFFFFFF/0}'], ['hstore', 'printed', '"a"=>"1"'],
];
const tableOf = (type: string): string => `t_${KEYS.findIndex(([name]) => name === type)}`;
let server: PostgresServer;
let indexed: IndexedArchive;

beforeAll(async () => {
  server = await PostgresServer.create({ major: 17, walSegmentMb: 1, settings: { autovacuum: false } });
  await server.session('postgres', async (client) => {
    await client.query("CREATE EXTENSION hstore; CREATE TYPE pair AS (a int, b int); CREATE TYPE mood AS ENUM ('ok', 'bad'); CREATE DOMAIN positive AS int CHECK (value > 0); CREATE DOMAIN state AS mood");
    await client.query(`CREATE TABLE hashed AS SELECT 'h' || i % 90 AS h, i AS n FROM generate_series(1, 4000) i; CREATE INDEX hashed_h ON hashed USING hash (h); CREATE TABLE called (f regproc); CREATE INDEX called_f ON called USING hash (f); INSERT INTO called SELECT oid FROM pg_proc;
      CREATE TABLE linguistic (k text COLLATE "und-x-icu" PRIMARY KEY); INSERT INTO linguistic SELECT 'k' || i FROM generate_series(1, 3000) i`);
    await client.query("CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false); CREATE TABLE loose (k text COLLATE loose PRIMARY KEY)");
    for (const [type] of KEYS) await client.query(`CREATE TABLE ${tableOf(type)} (k ${type} PRIMARY KEY)`);
  });
  await server.sql("CREATE DATABASE spoken LOCALE_PROVIDER icu ICU_LOCALE 'en' LOCALE 'C' TEMPLATE template0");
  await server.session('spoken', (client) => client.query(`CREATE TABLE numbers (k jsonb PRIMARY KEY); INSERT INTO numbers SELECT jsonb_build_object('n', i) FROM generate_series(1, 900) i;
    CREATE TABLE texts (k jsonb PRIMARY KEY); INSERT INTO texts SELECT jsonb_build_object('n', 'x' || i) FROM generate_series(1, 900) i;
    CREATE TABLE lists (k text[] PRIMARY KEY); INSERT INTO lists SELECT ARRAY['x' || i, 'y'] FROM generate_series(1, 900) i`));
  const backup = await takePlainBackup(server, join(server.root, 'backup'));
  await server.session('postgres', async (client) => {
    for (const [type, , value] of KEYS) await client.query(`INSERT INTO ${tableOf(type)} VALUES (${quoteLiteral(value!)})`);
    await client.query(`INSERT INTO loose VALUES ('ab'), ('cd'); DELETE FROM hashed WHERE n % 4 = 0; INSERT INTO linguistic VALUES ('ä'); CREATE INDEX linguistic_h ON linguistic USING hash (k); INSERT INTO ${tableOf('int2')} VALUES (8); ALTER TABLE ${tableOf('text')} ALTER COLUMN k TYPE varchar(5)`);
  });
  await server.archiveAll();
  indexed = await indexArchive({ backup, wal: server.walDir });
});
afterAll(async () => {
  indexed?.remove();
  await server?.destroy();
});

it.each(KEYS)('of type %s is found by %s', async (type, way, ...values) => {
  const { session } = indexed;
  const [since, until] = [session.moment('earliest'), session.moment('latest')];
  const database = session.database(until, 'postgres');
  for (const value of values) {
    const findings = new Findings();
    const answer = await asof(database, database.table(tableOf(type)), { key: [value] }, findings);
    const rows: (string | null)[][] = [];
    answer.rows((row) => void rows.push([...row]));
    const history = await rowHistory(session, database, tableOf(type), [value], { since, until }, findings);
    expect([value, rows.length, history.rows.length, findings.list]).toEqual([value, 1, 1, []]);
    expect(answer.plan.startsWith('index scan')).toBe(way === 'index');
    expect(answer.notices.join().includes('compared as it is printed')).toBe(way === 'printed');
    // written otherwise than the readers of keys know it, by reading all rows
    if (type === 'interval') expect((await asof(database, database.table(tableOf(type)), { key: ['0.5 day 12:00'] }, findings)).plan).toMatch(/^sequential scan of 1 pages \("0\.5 day 12:00" is not a value/);
    expect(answer.notices.join()).not.toContain('collation');
  }
});

it('is found through a hash index where there is no unique one, or its collation has an order of its own', async () => {
  const { session } = indexed;
  const read = async (point: string, table: string, key: string): Promise<{ rows: (string | null)[][]; plan: string; notices: string[] }> => {
    const database = session.database(session.moment(point), 'postgres');
    const answer = await asof(database, database.table(table), { key: [key] }, new Findings());
    const rows: (string | null)[][] = [];
    answer.rows((row) => void rows.push([...row]));
    return { rows, plan: answer.plan, notices: answer.notices };
  };
  const wanted = Array.from({ length: 4000 }, (_, i) => i + 1).filter((n) => n % 90 === 17);
  expect(await read('earliest', 'hashed', 'h17')).toEqual({ rows: wanted.map((n) => ['h17', String(n)]), plan: 'index scan using hashed_h on (h)', notices: [] });
  expect((await read('latest', 'hashed', 'h17')).rows).toEqual(wanted.filter((n) => n % 4 !== 0).map((n) => ['h17', String(n)]));
  expect(await read('earliest', 'linguistic', 'k2999')).toMatchObject({ rows: [['k2999']], plan: expect.stringMatching(/^sequential scan of \d+ pages \(index linguistic_pkey orders k by a collation other than C\)$/) });
  expect(await read('latest', 'linguistic', 'ä')).toEqual({ rows: [['ä']], plan: 'index scan using linguistic_h on (k)', notices: [] });
});

it('of a function whose name alone does not tell which it is', async () => {
  const { session } = indexed;
  const database = session.database(session.moment('latest'), 'postgres');
  const read = async (options: { key: string[] } | { where: string }): Promise<unknown[]> => {
    const answer = await asof(database, database.table('called'), options, new Findings());
    const rows: (string | null)[] = [];
    answer.rows((row) => void rows.push(row[0]!));
    return [answer.plan.startsWith('index scan'), rows];
  };
  expect(await read({ key: ['1397'] })).toEqual([true, ['pg_catalog.abs']]);
  expect(await read({ where: "f = '1397'" })).toEqual([true, ['pg_catalog.abs']]);
  expect(await read({ where: "f = 'now'" })).toEqual([true, ['now']]);
});

it('is found by index among texts of another order than that of bytes as long as none is compared with another', async () => {
  const { session } = indexed;
  const database = session.database(session.moment('latest'), 'spoken');
  const plan = async (table: string, key: string): Promise<string> => {
    const answer = await asof(database, database.table(table), { key: [key] }, new Findings());
    let rows = 0;
    answer.rows(() => void rows++);
    expect([key, rows]).toEqual([key, 1]);
    return answer.plan;
  };
  expect(await plan('numbers', '{"n": 700}')).toBe('index scan using numbers_pkey on (k)');
  expect(await plan('texts', '{"n": "x700"}')).toMatch(/index texts_pkey orders k by a collation other than C/);
  expect(await plan('lists', '{x7,y}')).toMatch(/index lists_pkey orders k by a collation other than C/);
});

it('whose collation is not deterministic is compared byte by byte, and said so', async () => {
  const { session } = indexed;
  const database = session.database(session.moment('latest'), 'postgres');
  const notice = /^[^]*k is compared byte by byte, though its collation is not deterministic/;
  for (const options of [{ key: ['ab'] }, { where: "k = 'ab'" }]) {
    const answer = await asof(database, database.table('loose'), options, new Findings());
    const rows: (string | null)[][] = [];
    answer.rows((row) => void rows.push([...row]));
    expect([rows, answer.notices.join('\n')]).toEqual([[['ab']], expect.stringMatching(notice)]);
  }
});

it('conditions know the labels of enums within arrays and domains', async () => {
  const { session } = indexed;
  const database = session.database(session.moment('latest'), 'postgres');
  for (const [type, where] of [['mood[]', "k = '{ok}'"], ['mood[]', "'ok' = ANY (k)"], ['state', "k < 'bad'"]]) {
    const answer = await asof(database, database.table(tableOf(type!)), { where }, new Findings());
    let rows = 0;
    answer.rows(() => void rows++);
    expect([where, rows]).toEqual([where, 1]);
  }
});

it('of another type than the column’s is refused', async () => {
  const { session } = indexed;
  const [since, until] = [session.moment('earliest'), session.moment('latest')];
  const database = session.database(until, 'postgres');
  for (const [type, value] of [['int2', 'seven'], ['interval', 'long']]) {
    const refusal = { code: 'key.value', exitCode: 2 };
    await expect(asof(database, database.table(tableOf(type!)), { key: [value!] }, new Findings())).rejects.toMatchObject(refusal);
    await expect(rowHistory(session, database, tableOf(type!), [value!], { since, until }, new Findings())).rejects.toMatchObject(refusal);
  }
});
