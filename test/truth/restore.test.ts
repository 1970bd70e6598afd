import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recoverTo } from '../../fixtures/postgres/recovery.js';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import { captureDatabases } from '../../fixtures/workloads/truth.js';
import { asof } from '../../src/query/asof.js';
import { restoreScript } from '../../src/query/restore.js';
import { undoScript } from '../../src/query/revert.js';
import { Findings } from '../../src/query/session.js';
import { showTransaction } from '../../src/query/show.js';
import { recordText } from '../../src/util/recordText.js';
import { runPsql, scriptText } from '../support/psqlScript.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';

const TABLES = ['public.plain', 'public.parent', 'public.child', 'public.clustered', 'public.toasty', 'public.wide', 'sales.orders', '"Odd Schema"."Odd ""Table"""', 'public.nopk'];

describe('restore into a real server, PostgreSQL 18', () => {
  let archive: Archive;
  let indexed: IndexedArchive;
  beforeAll(async () => {
    archive = await cachedArchive({ major: 18, workload: 'audited', seed: 1 });
    indexed = await indexArchive(archive);
  }, 180_000);
  afterAll(() => indexed?.remove());

  it('gives the tables of then byte for byte, the dropped one with its indexes', async () => {
    const { planted, moments } = archive.truth;
    expect(planted).toMatchObject({ kind: 'drop', table: 'public.bulk' });
    const { session } = indexed;
    const then = session.database(session.moment(`point:${planted!.before}`), 'shop');
    const now = session.database(session.moment('latest'), 'shop');
    const findings = new Findings();
    const server = await recoverTo({ major: 18, backup: archive.backup, wal: archive.wal });
    try {
      // the audit triggers' own table is none of those compared, and foreign keys hold throughout
      runPsql(server, 'shop', scriptText(restoreScript(then, now, { tables: [planted!.table, ...TABLES] }, findings)));
      expect(findings.list).toEqual([]);
      const shop = (await captureDatabases(server)).get('shop')!;
      const truth = moments.find((moment) => moment.name === planted!.before)!.databases['shop']!;
      for (const name of [planted!.table, ...TABLES]) {
        const [got, wanted] = [shop.tables.get(name)!.csv.toString('utf8'), readFileSync(join(archive.directory, truth.tables[name]!.file), 'utf8')];
        // COPY fills free space: only a new table has its rows in the old order
        if (name === planted!.table) expect(got, name).toBe(wanted);
        else expect(got.split('\n').sort(), name).toEqual(wanted.split('\n').sort());
      }
      const indexes = await server.sql<{ name: string }>("SELECT indexrelid::regclass::text AS name FROM pg_index WHERE indrelid = 'bulk'::regclass ORDER BY 1", 'shop');
      expect(indexes.map((row) => row.name)).toEqual(['bulk_k', 'bulk_pkey']);
    } finally {
      await server.destroy();
    }
  }, 60_000);

  it('--missing-only puts back what is gone and leaves the rest', async () => {
    const { session } = indexed;
    const then = session.database(session.moment('point:before_solo_1'), 'shop');
    const now = session.database(session.moment('latest'), 'shop');
    const server = await recoverTo({ major: 18, backup: archive.backup, wal: archive.wal });
    try {
      const before = await server.sql<{ id: number; t: string }>('SELECT id, t FROM child ORDER BY id', 'shop');
      runPsql(server, 'shop', scriptText(restoreScript(then, now, { tables: ['child'], missingOnly: true }, new Findings())));
      const after = await server.sql<{ id: number; t: string }>('SELECT id, t FROM child ORDER BY id', 'shop');
      const back = after.filter((row) => !before.some((old) => old.id === row.id)).map((row) => row.id);
      // the first lone transaction deleted every eleventh child
      expect(back.length).toBeGreaterThan(5);
      expect(back.filter((id) => id % 11 === 0).length).toBeGreaterThan(5);
      for (const row of before) expect(after).toContainEqual(row);
    } finally {
      await server.destroy();
    }
  }, 60_000);

  it('--on-conflict leaves rows of now alone, or gives them the values of then', async () => {
    const { session } = indexed;
    const then = session.database(session.moment('point:before_solo_1'), 'shop');
    const now = session.database(session.moment('latest'), 'shop');
    const script = (onConflict: 'nothing' | 'update'): string => scriptText(restoreScript(then, now, { tables: ['plain', 'hot'], onConflict }, new Findings()));
    const server = await recoverTo({ major: 18, backup: archive.backup, wal: archive.wal });
    const rowsOf = async (table: string): Promise<Map<number, string>> => new Map((await server.sql<{ id: number; row: string }>(`SELECT id, r::text AS row FROM ${table} r`, 'shop')).map(({ id, row }) => [id, row]));
    const thenOf = async (table: string): Promise<Map<number, string>> => {
      const answer = await asof(then, then.table(table), {}, new Findings());
      const rows = new Map<number, string>();
      answer.rows((values) => void rows.set(Number(values[0]), recordText([...values])));
      return rows;
    };
    try {
      for (const table of ['plain', 'hot']) await server.sql(`DELETE FROM ${table} WHERE id % 17 = 5`, 'shop');
      const before = [await rowsOf('plain'), await rowsOf('hot')];
      runPsql(server, 'shop', script('nothing'));
      for (const [i, table] of ['plain', 'hot'].entries()) expect(await rowsOf(table)).toEqual(new Map([...await thenOf(table), ...before[i]!]));
      runPsql(server, 'shop', script('update'));
      for (const [i, table] of ['plain', 'hot'].entries()) expect(await rowsOf(table)).toEqual(new Map([...before[i]!, ...await thenOf(table)]));
    } finally {
      await server.destroy();
    }
  }, 60_000);

  it('show --undo says in its head what changed since, and can leave it alone', () => {
    const { session } = indexed;
    const [first] = archive.truth.transactions!;
    const text = scriptText(undoScript(showTransaction(session, first!.xid, new Findings()), new Findings(), 'nothing'));
    const head = text.slice(0, text.indexOf('BEGIN;'));
    expect(head).toMatch(/^-- warning: plain: of the rows that the script touches, \d+ changed or went since/m);
    expect(head).toMatch(/^-- warning: hot: of the rows that the script touches, \d+ changed or went since/m);
    expect(text).toMatch(/^INSERT INTO child .* ON CONFLICT DO NOTHING;$/m);
    expect(text).not.toMatch(/^INSERT(?!.* ON CONFLICT DO NOTHING;$)/m);
  });
});
