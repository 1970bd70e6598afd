/** Every kind of relation, dead rows, dropped columns, index scans and large objects, against what a real server showed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takePlainBackup } from '../../fixtures/postgres/backup.js';
import { copyOut } from '../../fixtures/postgres/copy.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { openCase } from '../../src/store/openCase.js';
import { rowWriter } from '../../src/output/rowWriter.js';
import { asof, type AsofOptions } from '../../src/query/asof.js';
import { ForkNumber } from '../../src/pg/relFileLocator.js';
import { entryTexts, transactionLog } from '../../src/query/log.js';
import { pageAsOf } from '../../src/query/pageView.js';
import { readLargeObject } from '../../src/query/largeObject.js';
import { tableSchema } from '../../src/query/schema.js';
import { tableDdl } from '../../src/query/schemaDdl.js';
import { openSource, type SourceOptions } from '../../src/query/scanSource.js';
import { Findings, Session, type DatabaseAt } from '../../src/query/session.js';
import { indexCase } from '../../src/store/indexer.js';

const SCHEMA = `
  CREATE TABLE part (id int, k text, v numeric) PARTITION BY RANGE (id);
  CREATE TABLE part_a (v numeric, junk int, k text, id int);
  ALTER TABLE part_a DROP COLUMN junk;
  ALTER TABLE part ATTACH PARTITION part_a FOR VALUES FROM (0) TO (100);
  CREATE TABLE part_b PARTITION OF part FOR VALUES FROM (100) TO (200);
  CREATE TABLE part_d PARTITION OF part DEFAULT PARTITION BY LIST (k);
  CREATE TABLE part_d2 PARTITION OF part_d DEFAULT;
  CREATE TABLE part_d1 PARTITION OF part_d FOR VALUES IN ('x', 'y');
  ALTER TABLE part ADD PRIMARY KEY (id, k);
  INSERT INTO part SELECT i, CASE WHEN i % 3 = 0 THEN 'x' ELSE 'z' || i END, i * 1.5 FROM generate_series(1, 300) i;
  CREATE TABLE animal (id int PRIMARY KEY, name text);
  CREATE TABLE cat (claws int) INHERITS (animal);
  CREATE TABLE dog (bark text) INHERITS (animal);
  CREATE TABLE puppy (age int) INHERITS (dog);
  INSERT INTO animal VALUES (1, 'a'); INSERT INTO puppy VALUES (4, 'p', 'wuff', 1); INSERT INTO cat VALUES (2, 'tom', 18); INSERT INTO dog VALUES (3, 'rex', 'wau');
  CREATE MATERIALIZED VIEW mv AS SELECT id, k FROM part WHERE id < 10;
  CREATE VIEW vw AS SELECT a.id, p.v FROM animal a JOIN part p ON p.id = a.id;
  CREATE SEQUENCE seq START 5 CACHE 1;
  CREATE UNLOGGED TABLE ghost (a int);
  CREATE TABLE toasty (id int PRIMARY KEY, big text);
  ALTER TABLE toasty ALTER big SET STORAGE EXTERNAL;
  INSERT INTO toasty VALUES (1, repeat('abc', 3000)), (2, repeat('xyz', 2000));
  CREATE TABLE gen (a int, b int GENERATED ALWAYS AS (a * 2) STORED, c text);
  INSERT INTO gen (a, c) VALUES (1, 'x'), (2, NULL);
  CREATE TABLE dead (id int PRIMARY KEY, note text, gone int, lost text);
  INSERT INTO dead SELECT i, 'n' || i, i * 7, 'l' || i FROM generate_series(1, 40) i;
  CREATE TABLE wide (id int PRIMARY KEY, h text, r int, t timestamptz, f float4, pad text);
  INSERT INTO wide SELECT i, 'h' || i % 400, i % 1000, '2026-01-01 00:00:00+00'::timestamptz + i * interval '1 minute', i / 7.0, repeat('p', 100) FROM generate_series(1, 20000) i;
  CREATE INDEX wide_h ON wide USING hash (h);
  CREATE INDEX wide_rt ON wide (r, t DESC);
  CREATE INDEX wide_f ON wide (f) WHERE id > 100;
  CREATE INDEX wide_t ON wide (t);
  SELECT lo_from_bytea(424242, convert_to(repeat('large object ', 1000), 'UTF8'));
  SELECT lo_from_bytea(424243, '\\x00ff');
  SELECT lo_put(424243, 10000, '\\x616263');`;

/** What each relation showed; FROM as the server reads it. */
const SHOWN = [
  'part', 'part_d', 'part_a', 'animal', 'dog', 'mv', 'gen', 'pg_catalog.pg_class', 'pg_catalog.pg_attribute', 'pg_catalog.pg_type', 'pg_catalog.pg_proc', 'pg_catalog.pg_database',
  'pg_catalog.pg_authid', 'pg_catalog.pg_tablespace', 'pg_catalog.pg_statistic', 'pg_catalog.pg_rewrite',
];

/** Conditions, and a piece of the plan that finds their rows. */
const CONDITIONS: [condition: string, plan: string][] = [
  ["h = 'h17'", 'index scan using wide_h on (h)'],
  ["h = 'h17' AND id < 9000", 'index scan using wide_h on (h)'],
  ['id BETWEEN 500 AND 520', 'index scan using wide_pkey on (id), a range'],
  ['id >= 19990', 'index scan using wide_pkey on (id), a range'],
  ['id < 5', 'index scan using wide_pkey on (id), a range'],
  ['id > 50 AND id > 19998 AND id <= 5000000000', 'index scan using wide_pkey on (id), a range'],
  ["r = 7 AND t >= '2026-01-05 00:00:00+00' AND t < '2026-01-09'", 'index scan using wide_rt on (r, t), a range'],
  ["t > '2026-01-14 20:00:00+00'", 'index scan using wide_t on (t), a range'],
  ['id > 100', 'sequential scan'],
  ['f = 3.5', 'sequential scan'],
  ['id = 50000000000', 'sequential scan'],
  ["r = 7 OR h = 'h1'", 'sequential scan'],
];

describe.each([13, 18] as const)('every kind of relation, PostgreSQL %i', (major) => {
  let server: PostgresServer;
  let scratch: string;
  let database: DatabaseAt;
  const shown = new Map<string, Buffer>();
  let sequence: string[];
  let killer: string;
  let toastName: string;

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'walscope-relations-'));
    server = await PostgresServer.create({ major, walSegmentMb: 1, settings: { autovacuum: false } });
    await server.sql('CREATE ROLE somebody');
    const backup = await takePlainBackup(server, join(scratch, 'backup'));
    for (const statement of SCHEMA.split(/;\s*\n/)) await server.sql(statement);
    await server.sql("CREATE DATABASE raw ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
    await server.session('raw', async (client) => {
      await client.query('SET client_encoding TO SQL_ASCII; CREATE TABLE "Straße" (a int)');
      await client.query('INSERT INTO "Straße" VALUES (1), (2)');
    });
    if (major >= 18) await server.sql('CREATE TABLE virt (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL, c text); INSERT INTO virt (a, c) VALUES (1, $$x$$)');
    await server.sql("SELECT nextval('seq'); ANALYZE");
    [killer] = await server.session('postgres', async (client) => {
      await client.query('BEGIN; DELETE FROM dead WHERE id = 5');
      const { rows } = await client.query<{ xid: string }>('SELECT txid_current()::text AS xid');
      await client.query('COMMIT');
      return [rows[0]!.xid];
    });
    await server.sql("UPDATE dead SET note = 'new' WHERE id = 6");
    await server.sql("BEGIN; INSERT INTO dead VALUES (99, 'never', 1, 'x'); ROLLBACK");
    await server.sql('DELETE FROM toasty WHERE id = 2');
    await server.sql('ALTER TABLE dead DROP COLUMN gone, DROP COLUMN lost');
    await server.sql('DELETE FROM wide WHERE id % 11 = 0; UPDATE wide SET h = $$h17$$ WHERE id % 997 = 0; UPDATE wide SET r = 7 WHERE id % 1013 = 0');
    toastName = (await server.sql<{ name: string }>("SELECT reltoastrelid::regclass::text AS name FROM pg_class WHERE relname = 'toasty'"))[0]!.name;
    await server.session('postgres', async (client) => {
      await client.query("SET timezone = 'UTC'; SET enable_parallel_append = off; SET max_parallel_workers_per_gather = 0");
      const show = async (name: string, query: string): Promise<void> => {
        shown.set(name, await copyOut(client, `COPY (${query}) TO STDOUT (FORMAT csv, HEADER)`));
      };
      for (const name of [...SHOWN, toastName]) await show(name, `SELECT * FROM ${name}`);
      await show('only animal', 'SELECT * FROM ONLY animal');
      for (const [condition] of CONDITIONS) await show(condition, `SELECT * FROM wide WHERE ${condition} ORDER BY ctid`);
      sequence = Object.values((await client.query<Record<string, string>>('SELECT last_value::text, log_cnt::text, is_called::text FROM seq')).rows[0]!);
    });
    await server.sql('SELECT txid_current()');
    await server.archiveAll();
    const caseDir = join(scratch, 'case');
    await indexCase({ caseDir, backups: [backup.path], wal: [server.walDir] });
    const session = new Session(openCase(caseDir));
    database = session.database(session.moment('latest'), 'postgres');
  }, 120_000);
  afterAll(async () => {
    await server?.destroy();
    if (scratch) rmSync(scratch, { recursive: true, force: true });
  });

  async function read(name: string, options: AsofOptions & SourceOptions = {}): Promise<{ csv: string; notices: string[]; plan: string; findings: string[] }> {
    const findings = new Findings();
    const answer = await asof(database, openSource(database, name, options), options, findings);
    let csv = '';
    const writer = rowWriter('csv', answer.columns, (piece) => (csv += piece), { target: '', forTerminal: false });
    answer.rows((values) => writer.row(values));
    writer.end();
    return { csv, notices: answer.notices, plan: answer.plan, findings: findings.list.map((f) => f.message) };
  }
  const rowsOf = (csv: string): string[] => csv.trimEnd().split('\n').slice(1);

  it.each(SHOWN)('%s as SELECT * shows it, children included and in its order', async (name) => {
    const { csv, findings } = await read(name);
    expect(findings).toEqual([]);
    expect(csv).toBe(shown.get(name)!.toString());
    expect(rowsOf(csv).length).toBeGreaterThan(0);
  });

  it('log finds and prints names whose bytes the database does not explain', () => {
    const { session } = database;
    const log = (table: string): string[] => [...transactionLog(session, { since: session.moment('earliest'), until: database.moment, table }, new Findings())]
      .flatMap((entry) => (entry.kind === 'transaction' ? Object.values(entryTexts(entry)).flat() : []));
    expect(log('"Straße"')).toEqual(['"Straße" +2', 'created table "Straße"']);
    expect(log('"Strasse"')).toEqual([]);
  });

  it('reads the parent alone with --only, and the TOAST table by its name', async () => {
    expect((await read('animal', { only: true })).csv).toBe(shown.get('only animal')!.toString());
    expect((await read(toastName)).csv).toBe(shown.get(toastName)!.toString());
  });

  it('line 32: shows a sequence as the WAL has it, ahead of the server by what it has reserved', async () => {
    const { csv, notices } = await read('seq');
    const [last, logged, called] = sequence;
    expect(csv).toBe(`last_value,log_cnt,is_called\n${Number(last) + Number(logged)},0,${called![0]}\n`);
    expect(notices.join()).toContain('ahead');
  });

  it('writes a sequence and an index as SQL', () => {
    const ddl = (name: string): string => tableDdl(database, tableSchema(database, database.relation(name)));
    expect(ddl('seq')).toBe('CREATE SEQUENCE public.seq START WITH 5 INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 CACHE 1;\n');
    expect(ddl('wide_f')).toBe('CREATE INDEX wide_f ON public.wide USING btree (f) WHERE (id > 100);\n');
    expect(() => ddl(toastName)).toThrow(/is a TOAST table/);
  });

  it('finds keys and conditions in every partition', async () => {
    expect((await read('part', { key: ['6', 'x'] })).csv).toBe('id,k,v\n6,x,9.0\n');
    const { csv, plan } = await read('part', { where: 'id = 150' });
    expect(csv).toBe('id,k,v\n150,x,225.0\n');
    expect(plan.split('\n')).toHaveLength(4);
    expect((await read('animal', { key: ['4'] })).csv).toBe('id,name\n4,p\n');
    expect(rowsOf((await read('animal', { system: true, columns: ['name'] })).csv).map((row) => [row.split(',')[0], row.split(',').at(-1)])).toEqual([['animal', 'a'], ['cat', 'tom'], ['dog', 'rex'], ['puppy', 'p']]);
    expect(rowsOf((await read('part', { limit: 120 })).csv)).toHaveLength(120);
  });

  it.each(CONDITIONS)('%s: the rows of the server by %s', async (condition, wanted) => {
    const { csv, plan } = await read('wide', { where: condition });
    expect(csv).toBe(shown.get(condition)!.toString());
    expect(plan).toContain(wanted);
  });

  it('line 22: refuses what has no rows here by what it is', () => {
    expect(() => database.table('vw')).toThrow(/public\.vw is a view over .*animal, .*part: it has no rows|vw is a view over animal, part/);
    expect(() => database.table('ghost')).toThrow(/unlogged/);
    for (const fork of [ForkNumber.main, ForkNumber.vm]) expect(() => pageAsOf(database, database.relation('ghost'), 0, fork)).toThrow(expect.objectContaining({ code: 'table.unlogged', exitCode: 5 }));
    expect(() => database.table('wide_h')).toThrow(/index/);
  });

  if (major >= 18) {
    it('computes virtual columns, in conditions too', async () => {
      const { csv, notices } = await read('virt');
      expect(csv).toBe('a,b,c\n1,2,x\n');
      expect(notices).toEqual([]);
      expect((await read('virt', { where: 'b = 2' })).csv).toBe(csv);
      expect((await read('virt', { where: 'b = 3' })).csv).toBe('a,b,c\n');
    });
  }

  it('shows dead row versions with what killed them', async () => {
    const { csv } = await read('dead', { deleted: true });
    expect(csv.split('\n')[0]).toBe('state,ctid,xmin,xmin_time,xmax,xmax_time,id,note');
    // a ctid holds a comma, so each of its rows has one more piece
    const rows = rowsOf(csv).map((row) => row.split(','));
    expect(rows.map((row) => [row[0], row[7], row[8]])).toEqual([['deleted', '5', 'n5'], ['updated', '6', 'n6'], ['insert aborted', '99', 'never']]);
    expect(rows[0]![5]).toBe(killer);
    expect(rows[0]![6]).toMatch(/^\d{4}-\d\d-\d\d /);
    expect(rows[2]!.slice(5, 7)).toEqual(['0', '']);
    const toasted = await read('toasty', { deleted: true, columns: ['id', 'big'] });
    expect(toasted.findings).toEqual([]);
    expect(rowsOf(toasted.csv)[0]!.endsWith(`,2,${'xyz'.repeat(2000)}`)).toBe(true);
    await expect(read('dead', { deleted: true, key: ['5'] })).rejects.toThrow(/--key/);
  });

  it('shows dropped columns by the types that they had', async () => {
    const { csv } = await read('dead', { withDropped: true, where: 'id = 7' });
    expect(csv).toBe('id,note,........pg.dropped.3........,........pg.dropped.4........\n7,n7,49,l7\n');
  });

  it('reads large objects, holes as zeros', () => {
    const contents = (oid: number): Buffer => {
      const pieces: Uint8Array[] = [];
      const length = readLargeObject(database, oid, (bytes) => pieces.push(Uint8Array.from(bytes)));
      expect(length).toBe(Buffer.concat(pieces).length);
      return Buffer.concat(pieces);
    };
    expect(contents(424242).toString()).toBe('large object '.repeat(1000));
    expect(contents(424243)).toEqual(Buffer.concat([Buffer.from([0, 255]), Buffer.alloc(9998), Buffer.from('abc')]));
    expect(() => contents(1)).toThrow(/does not exist/);
  });
});
