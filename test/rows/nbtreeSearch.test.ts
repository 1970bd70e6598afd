/** Real servers' btree indexes, read from their files and searched: the same rows, in the same order, as the server's own sort of the table. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { BLCKSZ, Page } from '../../src/pg/page.js';
import { PG_MAJORS } from '../../src/pg/version.js';
import { compareFunction } from '../../src/rows/compare.js';
import type { TypeAlign } from '../../src/rows/deform.js';
import { UTC, timeZone } from '../../src/util/timeZone.js';
import { canReadKey, readKey } from '../../src/rows/keyInput.js';
import { NbtreeSearch, type Bound, type HeapTid, type IndexCondition, type IndexColumn, type KeyValue } from '../../src/rows/nbtreeSearch.js';

interface IndexCase {
  name: string;
  /** The column `k`'s type, and the value of row g; each row g % 19 = 5 has NULL instead unless `notNull`. */
  type: string;
  value: string;
  notNull?: boolean;
  rows?: number;
  /** The index's columns; default `k`. A second column `n` (int, g % 7) is there for the taking. */
  index?: string;
  /** The index's order in SQL, where it is not simply `k`. */
  order?: string;
  setup?: string;
  storage?: string;
}

const MIXED = (g: string, count: number): string => `((${g} * 7919) % ${count})`;

const CASES: readonly IndexCase[] = [
  { name: 'int2', type: 'int2', value: `${MIXED('g', 300)} - 150` },
  { name: 'int4', type: 'int4', value: `${MIXED('g', 1000)} - 500` },
  { name: 'int4_unique', type: 'int4', value: 'g * 3', notNull: true, rows: 3000 },
  { name: 'int4_few', type: 'int4', value: 'g % 3', rows: 5000 },
  { name: 'int4_desc', type: 'int4', value: `${MIXED('g', 200)}`, index: 'k DESC', order: 'k DESC' },
  { name: 'int4_nulls_first', type: 'int4', value: `${MIXED('g', 200)}`, index: 'k ASC NULLS FIRST', order: 'k NULLS FIRST' },
  { name: 'int4_desc_nulls_last', type: 'int4', value: `${MIXED('g', 200)}`, index: 'k DESC NULLS LAST', order: 'k DESC NULLS LAST' },
  { name: 'int4_include', type: 'int4', value: `${MIXED('g', 400)}`, index: 'k) INCLUDE (n, pad', rows: 1500 },
  { name: 'two_columns', type: 'text', value: `'group ' || ${MIXED('g', 40)}`, index: 'k DESC, n', order: 'k DESC, n', rows: 2000 },
  { name: 'int8', type: 'int8', value: `(${MIXED('g', 500)} - 250) * 10000000000` },
  { name: 'oid', type: 'oid', value: `(${MIXED('g', 300)} * 14000000::bigint)::oid` },
  { name: 'float4', type: 'float4', value: `CASE g % 40 WHEN 1 THEN 'NaN' WHEN 2 THEN '-Infinity' WHEN 3 THEN '-0' ELSE ((${MIXED('g', 90)} - 40) / 7.0)::text END::float4` },
  { name: 'float8', type: 'float8', value: `CASE g % 40 WHEN 1 THEN 'NaN' WHEN 2 THEN 'Infinity' WHEN 3 THEN '0' ELSE ((${MIXED('g', 90)} - 40) / 7.0)::text END::float8` },
  {
    name: 'numeric', type: 'numeric',
    value: `CASE g % 50 WHEN 1 THEN 'NaN'::numeric WHEN 2 THEN 1.10 WHEN 3 THEN 1.1 WHEN 4 THEN 0 WHEN 6 THEN -1e40 WHEN 7 THEN 1e-30 ELSE (${MIXED('g', 300)} - 150) * power(10::numeric, g % 9 - 4) END`,
  },
  { name: 'text', type: 'text', value: `chr(60 + g % 70) || chr(200 + g % 300) || repeat('x', g % 5)` },
  { name: 'text_wide', type: 'text', value: `repeat('k', 900) || lpad(${MIXED('g', 700)}::text, 5, '0')`, storage: 'PLAIN', rows: 1200 },
  { name: 'text_compressed', type: 'text', value: `repeat('abc', 1500) || ${MIXED('g', 60)}`, rows: 200 },
  { name: 'text_pattern', type: 'varchar(40)', value: `'v' || ${MIXED('g', 200)}`, index: 'k varchar_pattern_ops', order: "k COLLATE \"C\"" },
  { name: 'bpchar', type: 'char(8)', value: `'c' || ${MIXED('g', 200)}` },
  { name: 'bytea', type: 'bytea', value: `decode(lpad(to_hex(${MIXED('g', 300)} * 219), 2 + 2 * (g % 4), '0'), 'hex')` },
  { name: 'name', type: 'name', value: `'name_' || ${MIXED('g', 300)}` },
  { name: 'char', type: '"char"', value: `chr(33 + g % 90)::"char"` },
  { name: 'bool', type: 'bool', value: 'g % 3 = 0' },
  { name: 'uuid', type: 'uuid', value: `md5(${MIXED('g', 300)}::text)::uuid` },
  { name: 'date', type: 'date', value: `CASE g % 30 WHEN 1 THEN 'infinity' WHEN 2 THEN '-infinity' ELSE (date '2000-01-01' + (${MIXED('g', 300)} - 150))::text END::date` },
  { name: 'time', type: 'time', value: `time '00:00' + ${MIXED('g', 300)} * interval '13.000001 s'` },
  { name: 'timetz', type: 'timetz', value: `(time '00:00' + (g % 24) * interval '1 hour')::text::timetz AT TIME ZONE ((g % 11 - 5) * interval '1 hour')` },
  { name: 'timestamp', type: 'timestamp', value: `timestamp '1999-12-31 23:00' + (${MIXED('g', 300)} - 99) * interval '1 h 0.000001 s'` },
  { name: 'timestamptz', type: 'timestamptz', value: `timestamptz '1999-12-31 23:00+05' + (${MIXED('g', 300)} - 99) * interval '1 h 0.000001 s'`, index: 'k DESC', order: 'k DESC' },
  { name: 'interval', type: 'interval', value: `make_interval(months => g % 5 - 2, days => (g * 31) % 70, secs => g % 3 * 86400)` },
  { name: 'enum', type: 'mood', value: `(enum_range(NULL::mood))[1 + g % 5]`, setup: "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); ALTER TYPE mood ADD VALUE 'fine' BEFORE 'happy'; ALTER TYPE mood ADD VALUE 'awful' BEFORE 'sad'" },
  { name: 'inet', type: 'inet', value: `CASE WHEN g % 9 = 1 THEN 'fe80::1'::inet + g ELSE set_masklen('10.1.0.0'::inet + ${MIXED('g', 600)}, 16 + g % 17) END` },
  { name: 'macaddr', type: 'macaddr', value: `('08:00:2b:01:02:' || lpad(to_hex(${MIXED('g', 200)}), 2, '0'))::macaddr` },
  { name: 'varbit', type: 'varbit', value: `substring(${MIXED('g', 250)}::bit(12) FROM 1 + g % 6)::varbit` },
  { name: 'money', type: 'money', value: `(${MIXED('g', 250)} - 125)::money` },
  { name: 'pg_lsn', type: 'pg_lsn', value: `('F' || g % 5 || '/' || to_hex(${MIXED('g', 200)} * 7777))::pg_lsn` },
  { name: 'xid8', type: 'xid8', value: `(${MIXED('g', 200)} * 12345678901)::text::xid8` },
  { name: 'tid', type: 'tid', value: `('(' || ${MIXED('g', 50)} * 1500 || ',' || 1 + g % 4 || ')')::tid` },
  { name: 'domain', type: 'positive', value: '1 + g % 90', setup: 'CREATE DOMAIN positive AS int CHECK (VALUE > 0)' },
];

interface TruthRow {
  tid: string;
  /** Place in the index's order: equal for equal keys. */
  rank: number;
  /** Place of column `k` alone, ascending by value; undefined where it is NULL. */
  first: number | undefined;
  /** Column `k` as the server prints it. */
  text: string | null;
}

interface RealIndex {
  truth: TruthRow[];
  columns: IndexColumn[];
  keyCount: number;
  path: string;
  /** The output function of column k's type. */
  typoutput: string;
  labels: Map<string, number>;
}

async function createIndex(server: PostgresServer, { name, type, value, notNull, rows, index, order, setup, storage }: IndexCase): Promise<RealIndex> {
  const expression = notNull ? value : `CASE WHEN g % 19 = 5 THEN NULL ELSE ${value} END`;
  const insert = (from: number, to: number): string => `INSERT INTO "${name}" SELECT ${expression}, g % 7, 'pad ' || g FROM generate_series(${from}, ${to}) g`;
  const count = rows ?? 700;
  return server.session('postgres', async (client) => {
    for (const statement of setup?.split('; ') ?? []) await client.query(statement);
    await client.query(`CREATE TABLE "${name}" (k ${type}, n int, pad text)`);
    if (storage) await client.query(`ALTER TABLE "${name}" ALTER k SET STORAGE ${storage}`);
    await client.query(insert(1, count / 2));
    await client.query(`CREATE INDEX "${name}_i" ON "${name}" (${index ?? 'k'})`);
    await client.query(insert(count / 2 + 1, count));
    await client.query(`DELETE FROM "${name}" WHERE n = 3 OR pad LIKE 'pad 1__'`);
    await client.query(`VACUUM "${name}"`);
    await client.query(insert(count + 1, count + count / 4));
    const { rows: truth } = await client.query<{ tid: string; rank: string; first: string | null; text: string | null }>(
      `SELECT ctid::text AS tid, k::text AS text, dense_rank() OVER (ORDER BY ${order ?? 'k'}) AS rank,
              CASE WHEN k IS NOT NULL THEN dense_rank() OVER (ORDER BY k) END AS first FROM "${name}"`);
    const { rows: columns } = await client.query<Record<string, string>>(
      `SELECT attlen, attalign, indoption[attnum - 1] AS option, indnkeyatts, prosrc, pg_relation_filepath(indexrelid) AS path
         FROM pg_index JOIN pg_attribute ON attrelid = indexrelid LEFT JOIN pg_opclass c ON c.oid = indclass[attnum - 1]
         LEFT JOIN pg_amproc ON amprocfamily = opcfamily AND amproclefttype = opcintype AND amprocrighttype = opcintype AND amprocnum = 1
         LEFT JOIN pg_proc p ON p.oid = amproc WHERE indexrelid = '"${name}_i"'::regclass ORDER BY attnum`);
    const { rows: labels } = await client.query<{ oid: number; enumsortorder: number; enumlabel: string }>('SELECT oid, enumsortorder, enumlabel FROM pg_enum');
    const sortOrder = new Map(labels.map((label) => [Number(label.oid), label.enumsortorder]));
    return {
      typoutput: (await client.query<{ name: string }>(
        `SELECT typoutput::text AS name FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid WHERE attrelid = '"${name}"'::regclass AND attname = 'k'`)).rows[0]!.name,
      labels: new Map(labels.map((label) => [label.enumlabel, Number(label.oid)])),
      truth: truth.map((row) => ({ text: row.text, tid: row.tid, rank: Number(row.rank), first: row.first === null ? undefined : Number(row.first) })),
      keyCount: Number(columns[0]!.indnkeyatts),
      path: columns[0]!.path!,
      columns: columns.map((column) => ({
        attlen: Number(column.attlen), attalign: column.attalign as TypeAlign,
        compare: column.prosrc ? compareFunction(column.prosrc, { cCollation: true, enumSortOrder: (oid) => sortOrder.get(oid) }) : undefined,
        descending: (Number(column.option) & 1) !== 0, nullsFirst: (Number(column.option) & 2) !== 0,
      })),
    };
  });
}

const tidText = ({ block, offset }: HeapTid): string => `(${block},${offset})`;
const tidOrder = (a: string, b: string): number => {
  const [x, y] = [a, b].map((tid) => /\((\d+),(\d+)\)/.exec(tid)!.slice(1).map(Number)) as [number[], number[]];
  return x[0]! - y[0]! || x[1]! - y[1]!;
};

/** Searches for one key at a time, and for ranges, of what a scan of the whole index gave. */
class Checker {
  private readonly file: Buffer;
  private readonly byTid: Map<string, TruthRow>;

  constructor(dataDir: string, private readonly index: RealIndex) {
    this.file = readFileSync(join(dataDir, index.path));
    this.byTid = new Map(index.truth.map((row) => [row.tid, row]));
  }

  newSearch(): NbtreeSearch {
    const page = new Page();
    // one buffer for all pages: the search may not rely on a page after the next call
    return new NbtreeSearch((block) => {
      page.bytes.set(this.file.subarray(block * BLCKSZ, (block + 1) * BLCKSZ));
      return page;
    }, this.index.columns, this.index.keyCount);
  }

  tids(condition: IndexCondition): string[] {
    return [...this.newSearch().tids(condition)].map(tidText);
  }

  /** All items, each with its place. Checks the order: by key, then by TID. */
  scan(): { row: TruthRow; values: KeyValue[] }[] {
    const found: { row: TruthRow; values: KeyValue[] }[] = [];
    for (const { tids, values } of this.newSearch().search()) for (const tid of tids) found.push({ row: this.byTid.get(tidText(tid))!, values });
    expect(found.map(({ row }) => row.tid)).toEqual([...this.index.truth].sort((a, b) => a.rank - b.rank || tidOrder(a.tid, b.tid)).map((row) => row.tid));
    return found;
  }

  expectRows(condition: IndexCondition, wanted: (row: TruthRow) => boolean): void {
    expect(this.tids(condition).sort(tidOrder)).toEqual(this.index.truth.filter(wanted).map((row) => row.tid).sort(tidOrder));
  }
}

describe.each(PG_MAJORS)('btree indexes of PostgreSQL %i', (major) => {
  let server: PostgresServer;
  const indexes = new Map<string, RealIndex>();

  beforeAll(async () => {
    server = await PostgresServer.create({ major, archive: false, settings: { autovacuum: false } });
    for (const indexCase of CASES) indexes.set(indexCase.name, await createIndex(server, indexCase));
    await server.stop();
  });
  afterAll(() => server?.destroy());

  it.each(CASES)('$name', ({ name }) => {
    const index = indexes.get(name)!;
    const checker = new Checker(server.dataDir, index);
    const items = checker.scan();
    expect(items.length).toBe(index.truth.length);

    const sample = items.filter((_, i) => i % Math.ceil(items.length / 25) === 0);
    for (const { row, values } of sample) {
      checker.expectRows({ equal: values.slice(0, index.keyCount) }, ({ rank }) => rank === row.rank);
      checker.expectRows({ equal: values.slice(0, 1) }, ({ first }) => first === row.first);
    }

    if (canReadKey(index.typoutput)) {
      for (const { row } of sample) {
        if (row.text === null) continue;
        const key = readKey(index.typoutput, row.text, { zone: UTC, enumLabelOid: (label) => index.labels.get(label) });
        checker.expectRows({ equal: [key] }, ({ first }) => first === row.first);
      }
    }

    const bounds = sample.filter(({ row }) => row.first !== undefined).filter((_, i) => i % 8 === 0);
    const meets = (value: number | undefined, from: number | undefined, to: number | undefined, inclusive: boolean): boolean =>
      value !== undefined && (from === undefined || value > from || (inclusive && value === from)) && (to === undefined || value < to || (inclusive && value === to));
    for (const low of [undefined, ...bounds]) {
      for (const high of [undefined, ...bounds]) {
        if (!low && !high) continue;
        for (const inclusive of [true, false]) {
          const bound = (item: typeof low): Bound | undefined => item && { value: item.values[0]!, inclusive };
          checker.expectRows({ from: bound(low), to: bound(high) }, ({ first }) => meets(first, low?.row.first, high?.row.first, inclusive));
        }
      }
    }
  });

  it('reads one path from the root for a key, and none of it matches a key that is not there', () => {
    const index = indexes.get('int4_unique')!;
    const checker = new Checker(server.dataDir, index);
    const key = (value: number): Uint8Array => new Uint8Array(Int32Array.of(value).buffer);
    const search = checker.newSearch();
    expect([...search.tids({ equal: [key(6000)] })]).toHaveLength(1);
    expect(search.pagesRead).toBeLessThanOrEqual(4);
    for (const absent of [6001, -5, 1_000_000]) expect(checker.tids({ equal: [key(absent)] })).toEqual([]);
  });

  it('bounds the second column under an equal first one', () => {
    const checker = new Checker(server.dataDir, indexes.get('two_columns')!);
    const items = checker.scan();
    const k = items[600]!.values[0]!;
    const int4 = (value: Uint8Array): number => new DataView(value.buffer, value.byteOffset).getInt32(0, true);
    const group = items.filter(({ values }) => values[0] !== null && Buffer.compare(values[0], k) === 0);
    const value = new Uint8Array(Int32Array.of(4).buffer);
    const below = group.filter(({ values }) => int4(values[1]!) < 4).map(({ row }) => row.tid);
    expect(below.length).toBeGreaterThan(0);
    expect(checker.tids({ equal: [k], to: { value, inclusive: false } })).toEqual(below);
    expect(checker.tids({ equal: [k], from: { value, inclusive: true } })).toEqual(group.slice(below.length).map(({ row }) => row.tid));
  });
});

it('reads keys as people type them, and refuses what is none', () => {
  const hex = (typoutput: string, text: string): string => Buffer.from(readKey(typoutput, text, { zone: timeZone('+02')! })!).toString('hex');
  expect(hex('int4out', ' -2 ')).toBe('feffffff');
  expect(hex('numeric_out', '1.50e3')).toBe(hex('numeric_out', '01500'));
  expect(hex('numeric_out', '-0.0')).toBe(hex('numeric_out', '0'));
  expect(hex('timestamptz_out', '2026-04-06 12:00')).toBe(hex('timestamptz_out', '2026-04-06T10:00:00.0Z'));
  expect(hex('timestamptz_out', '2026-04-06 12:00 Europe/Berlin')).toBe(hex('timestamptz_out', '2026-04-06 12:00+02'));
  expect(hex('uuid_out', '{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}')).toBe('a0eebc999c0b4ef8bb6d6bb9bd380a11');
  expect(hex('boolout', 'YES')).toBe('01');
  for (const [typoutput, text] of [
    ['int4out', '2147483648'], ['int2out', '1.5'], ['numeric_out', '.'], ['date_out', '2026-02-30'], ['time_out', '25:00'], ['uuid_out', 'a0ee'],
    ['byteaout', 'xyz'], ['boolout', 'o'], ['timestamptz_out', '2026-04-06 12:00 Nowhere/Land'], ['float8out', '1e'], ['enum_out', 'sad'],
  ] as const) {
    expect([text, readKey(typoutput, text, { zone: UTC })]).toEqual([text, undefined]);
  }
});

it('refuses orders that it does not know', () => {
  expect(compareFunction('bttextcmp', { cCollation: false })).toBeUndefined();
  expect(compareFunction('btarraycmp', { cCollation: true })).toBeUndefined();
  expect(compareFunction('bttext_pattern_cmp', { cCollation: false })).toBeTypeOf('function');
});
