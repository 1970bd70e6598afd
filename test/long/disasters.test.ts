/** Disasters of every kind, each amid everyday work: `incidents` names it first, and what it suggests, pasted, gives the rows back. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takePlainBackup, type BaseBackup } from '../../fixtures/postgres/backup.js';
import { copyOut } from '../../fixtures/postgres/copy.js';
import { recoverTo } from '../../fixtures/postgres/recovery.js';
import { makeServerRoot, PostgresServer } from '../../fixtures/postgres/server.js';
import { main } from '../../src/commands/main.js';
import { splitCommand } from '../../src/commands/queryLog.js';
import { PG_MAJORS } from '../../src/pg/version.js';

const SCHEMA = `
CREATE TABLE busy (id int PRIMARY KEY, n int);
INSERT INTO busy SELECT i, 0 FROM generate_series(1, 5000) i;
CREATE SCHEMA crm;
CREATE TABLE crm.people (id int PRIMARY KEY, name text);
INSERT INTO crm.people SELECT i, 'person ' || i FROM generate_series(1, 1500) i;
CREATE TABLE crm.visits (id int PRIMARY KEY, person int REFERENCES crm.people, at date);
INSERT INTO crm.visits SELECT i, 1 + i % 1500, date '2026-01-01' + i % 300 FROM generate_series(1, 2500) i;
CREATE TABLE sensor (at date NOT NULL, id int, v numeric, PRIMARY KEY (at, id)) PARTITION BY RANGE (at);
CREATE TABLE sensor_1 PARTITION OF sensor FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE sensor_2 PARTITION OF sensor FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') PARTITION BY LIST (id);
CREATE TABLE sensor_2_odd PARTITION OF sensor_2 FOR VALUES IN (1, 3);
CREATE TABLE sensor_2_rest PARTITION OF sensor_2 DEFAULT;
INSERT INTO sensor SELECT date '2026-01-01' + i % 59, i, i / 7.0 FROM generate_series(1, 4000) i;
CREATE TABLE country (code int PRIMARY KEY, name text);
INSERT INTO country SELECT i, 'country ' || i FROM generate_series(1, 200) i;
CREATE TABLE city (id int PRIMARY KEY, code int REFERENCES country, name text);
INSERT INTO city SELECT i, 1 + i % 200, 'city ' || i FROM generate_series(1, 3000) i;
CREATE TABLE street (id int PRIMARY KEY, city int REFERENCES city);
INSERT INTO street SELECT i, 1 + i % 3000 FROM generate_series(1, 3500) i;
CREATE TABLE staff (id int PRIMARY KEY, salary numeric, note text);
INSERT INTO staff SELECT i, 1000 + i, repeat('s', 30) FROM generate_series(1, 2000) i;
CREATE TABLE paper (id int PRIMARY KEY, t text);
INSERT INTO paper SELECT i, 'paper ' || i FROM generate_series(1, 2200) i;
CREATE TABLE fleet (id int PRIMARY KEY, plate text, km int);
INSERT INTO fleet SELECT i, 'plate ' || i, i FROM generate_series(1, 1800) i;
`;

interface Disaster {
  name: string;
  statement: string;
  database?: string;
  /** The first incident. */
  kind: string;
  object: string;
  rows: number;
  /** Of all rows; where the incident gives it. */
  ofRows?: number;
  /** Tables that must be there as before, under `--at` and after the classic restore. */
  tables: string[];
  /** The database that they are in. */
  tablesIn?: string;
}

const DISASTERS: Disaster[] = [
  { name: 'drop_schema', statement: 'DROP SCHEMA crm CASCADE', kind: 'drop schema', object: 'crm', rows: 4000, tables: ['crm.people', 'crm.visits'] },
  { name: 'partitioned_delete', statement: 'DELETE FROM sensor', kind: 'delete', object: 'sensor', rows: 4000, ofRows: 4000, tables: ['sensor'] },
  { name: 'truncate_cascade', statement: 'TRUNCATE country CASCADE', kind: 'truncate', object: 'street', rows: 3500, ofRows: 3500, tables: ['country', 'city', 'street'] },
  { name: 'update_without_where', statement: 'UPDATE staff SET salary = 1', kind: 'update', object: 'staff', rows: 2000, ofRows: 2000, tables: ['staff'] },
  { name: 'drop_table', statement: 'DROP TABLE paper', kind: 'drop', object: 'paper', rows: 2200, ofRows: 2200, tables: ['paper'] },
  { name: 'drop_column', statement: 'ALTER TABLE fleet DROP COLUMN plate', kind: 'drop column', object: 'plate of fleet', rows: 1800, tables: ['fleet'] },
  { name: 'drop_database', statement: 'DROP DATABASE archive', database: 'postgres', kind: 'drop database', object: 'archive', rows: 0, tables: ['letters'], tablesIn: 'archive' },
];

/** What COPY gives of a table, its rows in the order of their text: a scan's order is not what is asked here. */
const copyOf = (table: string): string => `COPY (SELECT * FROM ${table} ORDER BY 1, 2) TO STDOUT (FORMAT csv, HEADER)`;
const sortedLines = (text: string): string[] => text.trimEnd().split('\n').sort();

describe.each(PG_MAJORS.map((major) => [major] as const))('disasters, PostgreSQL %i', (major) => {
  let scratch: string;
  let backup: BaseBackup;
  let wal: string;
  let caseDir: string;
  /** By disaster and table: what COPY showed just before. */
  const truth = new Map<string, string>();
  const xids = new Map<string, number>();
  beforeAll(async () => {
    scratch = makeServerRoot();
    caseDir = mkdtempSync(join(tmpdir(), 'walscope-case-'));
    wal = join(scratch, 'wal');
    const server = await PostgresServer.create({ major, walDir: wal, settings: { autovacuum: false } });
    try {
      await server.sql('CREATE DATABASE shop');
      await server.sql('CREATE DATABASE archive');
      await server.sql(SCHEMA, 'shop');
      await server.sql("CREATE TABLE letters (id int PRIMARY KEY, t text); INSERT INTO letters SELECT i, 'letter ' || i FROM generate_series(1, 900) i; ANALYZE", 'archive');
      backup = await takePlainBackup(server, join(scratch, 'backup'));
      for (const disaster of DISASTERS) {
        const noise = async (from: number): Promise<void> => {
          for (let i = from; i < from + 15; i++) await server.sql(`UPDATE busy SET n = n + 1 WHERE id % 400 = ${i}; DELETE FROM busy WHERE id % 700 = ${i}; INSERT INTO busy SELECT 10000 + id FROM busy WHERE id = ${i}`, 'shop');
        };
        await server.sql(`SELECT pg_create_restore_point('before_${disaster.name}')`);
        await noise(0);
        for (const table of disaster.tables) truth.set(`${disaster.name} ${table}`, (await server.session(disaster.tablesIn ?? 'shop', (client) => copyOut(client, copyOf(table)))).toString());
        xids.set(disaster.name, Number((await server.sql<{ xid: string }>('SELECT txid_current()::text AS xid'))[0]!.xid) + 1);
        await server.sql(disaster.statement, disaster.database ?? 'shop');
        await noise(20);
        await server.sql(`SELECT pg_create_restore_point('after_${disaster.name}')`);
      }
      await server.archiveAll();
    } finally {
      await server.destroy();
    }
    expect(await main(['node', 'walscope', 'index', '--backup', backup.path, '--wal', wal, '-C', caseDir])).toBe(0);
  }, 300_000);
  afterAll(() => {
    for (const dir of [scratch, caseDir]) if (dir) rmSync(dir, { recursive: true, force: true });
  });

  let files = 0;
  async function ask(...args: string[]): Promise<string> {
    const file = join(caseDir, `answer-${++files}`);
    expect(await main(['node', 'walscope', ...args, '-C', caseDir, '-o', file]), args.join(' ')).toBe(0);
    return readFileSync(file, 'utf8');
  }

  it.each(DISASTERS.map((disaster) => [disaster.name, disaster] as const))('%s comes first, and what is suggested gives the rows', async (name, disaster) => {
    const span = ['--since', `point:before_${name}`, '--until', `point:after_${name}`];
    const [worst] = JSON.parse(await ask('incidents', '--json', ...span)) as Record<string, string | number | null>[];
    expect(worst).toMatchObject({ rank: 1, incident: disaster.kind, object: disaster.object, database: disaster.tablesIn ?? 'shop', xid: String(xids.get(name)) });
    if (disaster.kind !== 'drop database') expect(worst!['rows']).toBe(disaster.rows);
    expect(worst!['of_rows']).toBe(disaster.ofRows ?? null);
    const text = await ask('incidents', ...span);
    const at = splitCommand(/^ +just before: +(.*)$/m.exec(text)![1]!);
    for (const table of disaster.tables) {
      const shown = await ask('asof', table, ...at, '--csv');
      expect(sortedLines(shown), table).toEqual(sortedLines(truth.get(`${name} ${table}`)!));
    }
    const settings = Object.fromEntries(/^ +classic restore: +(.*)$/m.exec(text)![1]!.split(', ').map((setting) => {
      const [, key, value] = /^(\w+) = '?(.*?)'?$/.exec(setting)!;
      return [key!, value!];
    }));
    const server = await recoverTo({ major, backup, wal, settings: { ...settings, recovery_target_action: 'promote' } });
    try {
      for (const table of disaster.tables) {
        expect((await server.session(disaster.tablesIn ?? 'shop', (client) => copyOut(client, copyOf(table)))).toString(), table).toBe(truth.get(`${name} ${table}`));
      }
    } finally {
      await server.destroy();
    }
  }, 60_000);
});
