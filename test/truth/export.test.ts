/** Exports and evidence over the tables of every type, older majors: the changes lead from the first moment to the last, and values keep their types. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetReadObjects, parquetMetadata } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import { main } from '../../src/commands/main.js';
import { asof } from '../../src/query/asof.js';
import { changeStream, userTables } from '../../src/query/changeStream.js';
import { typeShape } from '../../src/query/diff.js';
import { Findings, type DatabaseAt } from '../../src/query/session.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';

describe.each([13, 15] as const)('the shop of PostgreSQL %i', (major) => {
  let archive: Archive;
  let indexed: IndexedArchive;
  let scratch: string;
  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'walscope-export-'));
    archive = await cachedArchive({ major, workload: 'everything' });
    indexed = await indexArchive(archive);
  }, 180_000);
  afterAll(() => {
    indexed?.remove();
    rmSync(scratch, { recursive: true, force: true });
  });

  async function rowsOf(database: DatabaseAt, name: string, only?: string[]): Promise<string[]> {
    const rows: string[] = [];
    (await asof(database, database.table(name), { columns: only }, new Findings())).rows((values) => void rows.push(JSON.stringify(values)));
    return rows.sort();
  }

  it('changes add up to the rows of the last moment', async () => {
    const { session } = indexed;
    const [since, until] = [session.moment('earliest'), session.moment('latest')];
    const [first, last] = [session.database(since, 'shop'), session.database(until, 'shop')];
    const findings = new Findings();
    /** By table: how often each row is there; of tables whose rows print the same where nobody touched them. */
    const counts = new Map<number, Map<string, number>>();
    const shape = (database: DatabaseAt, oid: number): string => JSON.stringify(database.catalog.columns(oid).map((column) => [column.attnum, column.name, column.typeOid, column.typmod, column.dropped, typeShape(database, column.typeOid)]));
    const stable = userTables(first).filter(({ oid }) => last.catalog.relations.has(oid) && shape(first, oid) === shape(last, oid) && !first.catalog.relations.get(oid)!.isPartition);
    expect(stable.length).toBeGreaterThan(10);
    const add = (oid: number, values: (string | null)[] | null, by: number): void => {
      const list = counts.get(oid);
      if (!list || !values) return;
      const key = JSON.stringify(values);
      const left = (list.get(key) ?? 0) + by;
      expect(left).toBeGreaterThanOrEqual(0);
      if (left === 0) list.delete(key);
      else list.set(key, left);
    };
    for (const { oid } of stable) {
      counts.set(oid, new Map());
      for (const row of await rowsOf(first, `oid:${oid}`)) add(oid, JSON.parse(row) as string[], 1);
    }
    let changes = 0;
    changeStream(session, last.database.oid, (database) => userTables(database).filter(({ oid }) => counts.has(oid)), { since, until }, findings, ({ shape: { oid }, before, after }) => {
      changes++;
      add(oid, before && [...before], -1);
      add(oid, after && [...after], 1);
    });
    expect(findings.list).toEqual([]);
    expect(changes).toBeGreaterThan(1000);
    for (const { oid, name } of stable) {
      const left = [...counts.get(oid)!].flatMap(([row, n]) => Array.from({ length: n }, () => row)).sort();
      expect(left, name).toEqual(await rowsOf(last, `oid:${oid}`));
    }
  }, 120_000);

  it('Parquet keeps types: whole numbers, floats, booleans, dates and times, text, NULL', async () => {
    const file = join(scratch, 'orders.parquet');
    expect(await main(['node', 'walscope', 'export', 'sales.orders', '-d', 'shop', '--format', 'parquet', '-o', file, '-C', indexed.caseDir])).toBe(0);
    const bytes = readFileSync(file);
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
    const types = new Map(parquetMetadata(buffer).schema.slice(1).map((column) => [column.name, column.logical_type?.type ?? column.converted_type ?? column.type]));
    const kinds = { id: 'INT64', tiny: 'INT32', big: 'INT64', r: 'DOUBLE', d: 'DOUBLE', ok: 'BOOLEAN', exact: 'UTF8', note: 'UTF8', placed: 'TIMESTAMP', due: 'DATE', ships: 'UTF8', walscope_lsn: 'UTF8', walscope_time: 'TIMESTAMP' };
    expect(Object.fromEntries(Object.keys(kinds).map((name) => [name, types.get(name)]))).toEqual(kinds);
    const versions = await parquetReadObjects({ file: buffer });
    const lines = new Map(versions.filter((version) => version['walscope_op'] !== 'delete').map((version) => [String(version['id']), version]));
    const { session } = indexed;
    const database = session.database(session.moment('latest'), 'shop');
    for (const text of await rowsOf(database, 'sales.orders', ['id', 'tiny', 'big', 'd', 'ok', 'exact', 'note', 'v', 'due'])) {
      const [id, tiny, big, d, ok, exact, note, v, due] = JSON.parse(text) as (string | null)[];
      const row = lines.get(id!)!;
      const plain = (value: unknown): string | null => (value === null || value === undefined ? null : String(value));
      expect([plain(row['tiny']), plain(row['big']), plain(row['exact']), plain(row['note']), plain(row['v'])], id!).toEqual([tiny, big, exact, note, v]);
      expect(row['d'] ?? null).toEqual(d === null ? null : Number(d));
      if (due && /^\d{4}-\d\d-\d\d$/.test(due)) expect((row['due'] as Date).toISOString().slice(0, 10)).toBe(due);
      expect(row['ok'] ?? null).toBe(ok === null ? null : ok === 't');
    }
  }, 60_000);

  it('a bundle of it is proven again', async () => {
    const zip = join(scratch, 'evidence.zip');
    expect(await main(['node', 'walscope', 'bundle', '-C', indexed.caseDir, '-o', zip, '--answer', 'asof sales.orders -d shop --csv', 'incidents --json', 'history plain --key 7 -d shop --csv'])).toBe(0);
    expect(await main(['node', 'walscope', 'bundle', '--check', zip, '-C', indexed.caseDir])).toBe(0);
  }, 60_000);
});
