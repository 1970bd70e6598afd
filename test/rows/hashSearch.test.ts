/** Real servers' hash indexes, read from their files: the rows of every key, as the server's own scan of the table has them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { HASH_METAPAGE, LH_BUCKET_BEING_POPULATED, LH_BUCKET_PAGE, LH_OVERFLOW_PAGE, hashoFlag } from '../../src/pg/hash.js';
import { indexTupleDataOffset } from '../../src/pg/indexTuple.js';
import { readBlockId, readItemPointerOffset } from '../../src/pg/itemPointer.js';
import { BLCKSZ, LP_NORMAL, Page } from '../../src/pg/page.js';
import { PG_MAJORS } from '../../src/pg/version.js';
import { XLogReader } from '../../src/pg/xlogReader.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { replayRecord } from '../../src/redo/replay.js';
import { RmgrId } from '../../src/redo/rmgrlist.js';
import { ATTRIBUTE_NULL, TupleDeformer, type TypeAlign } from '../../src/rows/deform.js';
import { hashFunction } from '../../src/rows/hashFunctions.js';
import { HashSearch } from '../../src/rows/hashSearch.js';
import { detoast } from '../../src/rows/toast.js';
import { WalDirectory } from '../support/walDirectory.js';

/** A column type and the value of row g; every 19th row has NULL. */
const CASES: readonly { name: string; type: string; value: string; setup?: string }[] = [
  { name: 'bool', type: 'bool', value: 'g % 2 = 0' },
  { name: 'char', type: '"char"', value: "chr(33 + g % 90)::\"char\"" },
  { name: 'int2', type: 'int2', value: 'g % 900 - 450' },
  { name: 'int4', type: 'int4', value: 'g * 7919 - 40000' },
  { name: 'int8', type: 'int8', value: '(g - 300) * 123456789012' },
  { name: 'oid', type: 'oid', value: '(g * 1400000::bigint)::oid' },
  { name: 'float4', type: 'float4', value: "CASE g % 40 WHEN 1 THEN 'NaN' WHEN 2 THEN '-0' ELSE ((g - 90) / 7.0)::text END::float4" },
  { name: 'float8', type: 'float8', value: "CASE g % 40 WHEN 1 THEN 'NaN' WHEN 2 THEN '-0' ELSE ((g - 90) / 7.0)::text END::float8" },
  { name: 'numeric', type: 'numeric', value: "CASE g % 50 WHEN 1 THEN 'NaN' WHEN 2 THEN 0 ELSE (g % 300 - 150) * power(10::numeric, g % 9 - 4) END" },
  { name: 'text', type: 'text', value: "repeat('é', g % 30) || g % 400" },
  { name: 'bpchar', type: 'char(9)', value: "'c' || g % 200" },
  { name: 'name', type: 'name', value: "'name_' || g % 300" },
  { name: 'bytea', type: 'bytea', value: "decode(md5(g::text), 'hex') || decode(repeat('ab', g % 9), 'hex')" },
  { name: 'uuid', type: 'uuid', value: 'md5(g::text)::uuid' },
  { name: 'date', type: 'date', value: "date '2000-01-01' + g - 400" },
  { name: 'time', type: 'time', value: "time '00:00' + g * interval '1.5 s'" },
  { name: 'timetz', type: 'timetz', value: "(time '00:00' + (g % 600) * interval '1 min')::text::timetz" },
  { name: 'timestamp', type: 'timestamp', value: "timestamp '1999-12-31' + (g - 99) * interval '1 h'" },
  { name: 'timestamptz', type: 'timestamptz', value: "timestamptz '1999-12-31' + (g - 99) * interval '1 h'" },
  { name: 'interval', type: 'interval', value: 'make_interval(months => g % 5 - 2, days => (g * 31) % 70, secs => g % 3 * 86400)' },
  { name: 'enum', type: 'mood', value: '(enum_range(NULL::mood))[1 + g % 3]', setup: "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')" },
  { name: 'inet', type: 'inet', value: "CASE WHEN g % 9 = 1 THEN 'fe80::1'::inet + g ELSE '10.1.0.0'::inet + g END" },
  { name: 'macaddr', type: 'macaddr', value: "('08:00:2b:01:02:' || lpad(to_hex(g % 200), 2, '0'))::macaddr" },
  { name: 'pg_lsn', type: 'pg_lsn', value: "('F' || g % 5 || '/' || to_hex(g * 7777))::pg_lsn" },
  { name: 'xid8', type: 'xid8', value: '(g::int8 * 12345678901)::text::xid8' },
];

interface RealHashIndex {
  heapPath: string;
  indexPath: string;
  symbol: string;
  attlen: number;
  attalign: TypeAlign;
  /** Rows of each key: equal keys have equal ranks. */
  groups: Map<string, string[]>;
  rankOf: Map<string, string>;
}

async function createIndex(server: PostgresServer, { name, type, value, setup }: (typeof CASES)[number]): Promise<RealHashIndex> {
  return server.session('postgres', async (client) => {
    if (setup) await client.query(setup);
    await client.query(`CREATE TABLE "${name}" (k ${type})`);
    await client.query(`CREATE INDEX "${name}_i" ON "${name}" USING hash (k) WITH (fillfactor = 20)`);
    await client.query(`INSERT INTO "${name}" SELECT CASE WHEN g % 19 = 5 THEN NULL ELSE ${value} END FROM generate_series(1, 900) g`);
    await client.query(`INSERT INTO "${name}" SELECT ${value} FROM generate_series(1, 300) g`);
    const { rows } = await client.query<{ tid: string; rank: string }>(`SELECT ctid::text AS tid, dense_rank() OVER (ORDER BY k) AS rank FROM "${name}" WHERE k IS NOT NULL`);
    const { rows: [place] } = await client.query<Record<string, string>>(
      `SELECT pg_relation_filepath('"${name}"') AS heap, pg_relation_filepath('"${name}_i"') AS index, attlen, attalign, prosrc
         FROM pg_index JOIN pg_opclass c ON c.oid = indclass[0] JOIN pg_amproc ON amprocfamily = opcfamily AND amproclefttype = opcintype AND amprocnum = 1
         JOIN pg_proc p ON p.oid = amproc JOIN pg_attribute ON attrelid = indrelid AND attnum = 1 WHERE indexrelid = '"${name}_i"'::regclass`);
    const groups = new Map<string, string[]>();
    for (const { tid, rank } of rows) groups.set(rank, [...(groups.get(rank) ?? []), tid]);
    return {
      heapPath: place!.heap!, indexPath: place!.index!, symbol: place!.prosrc!, attlen: Number(place!.attlen), attalign: place!.attalign as TypeAlign, groups,
      rankOf: new Map(rows.map(({ tid, rank }) => [tid, rank])),
    };
  });
}

function fileReader(path: string): (block: number) => Page {
  const file = readFileSync(path);
  const page = new Page();
  return (block) => {
    page.bytes.set(file.subarray(block * BLCKSZ, (block + 1) * BLCKSZ));
    return page;
  };
}

/** The plain values of the heap's only column, by TID. */
function* heapValues(path: string, { attlen, attalign }: RealHashIndex): Generator<{ tid: string; value: Uint8Array }> {
  const deformer = new TupleDeformer([{ attlen, attalign }]);
  const tuple = deformer.newResult();
  const file = readFileSync(path);
  for (let block = 0; block * BLCKSZ < file.length; block++) {
    const page = new Page(new Uint8Array(file.subarray(block * BLCKSZ, (block + 1) * BLCKSZ)));
    for (let offnum = 1; offnum <= page.maxOffset; offnum++) {
      if (page.lpFlags(offnum) !== LP_NORMAL) continue;
      deformer.deformHeapTuple(page.bytes, page.itemAt(offnum), page.lpLen(offnum), tuple);
      const at = tuple.at[0]!, length = tuple.length[0]!;
      if (length <= ATTRIBUTE_NULL) continue;
      const value = attlen === -1 ? detoast(page.bytes, at, length, () => []) : page.bytes.subarray(at, at + length);
      yield { tid: `(${block},${offnum})`, value };
    }
  }
}

describe.each(PG_MAJORS)('hash indexes of PostgreSQL %i', (major) => {
  let server: PostgresServer;
  const indexes = new Map<string, RealHashIndex>();

  beforeAll(async () => {
    server = await PostgresServer.create({ major, archive: false, settings: { autovacuum: false } });
    for (const hashCase of CASES) indexes.set(hashCase.name, await createIndex(server, hashCase));
    await server.stop();
  });
  afterAll(() => server?.destroy());

  it.each(CASES)('$name', ({ name }) => {
    const index = indexes.get(name)!;
    const hash = hashFunction(index.symbol, true)!;
    const read = fileReader(join(server.dataDir, index.indexPath));
    let seen = 0;
    const done = new Set<string>();
    for (const { tid, value } of heapValues(join(server.dataDir, index.heapPath), index)) {
      seen++;
      const rank = index.rankOf.get(tid)!;
      if (done.has(rank)) continue;
      done.add(rank);
      const search = new HashSearch(read);
      const found = search.tids(hash(value)).map(({ block, offset }) => `(${block},${offset})`);
      // another key may share the hash code; the caller rechecks
      expect(found.filter((other) => index.rankOf.get(other) === rank).sort()).toEqual(index.groups.get(rank)!.sort());
      expect(found.every((other) => index.rankOf.has(other))).toBe(true);
    }
    expect(seen).toBe(index.rankOf.size);
    expect(done.size).toBe(index.groups.size);
  });
});

it('finds every row after every record of a split', async () => {
  const server = await PostgresServer.create({ major: 18, settings: { autovacuum: false } });
  try {
    let filenode = 0;
    await server.session('postgres', async (client) => {
      await client.query('CREATE TABLE t (k int)');
      await client.query('CREATE INDEX t_k ON t USING hash (k) WITH (fillfactor = 10)');
      filenode = Number((await client.query<{ n: string }>("SELECT pg_relation_filenode('t_k') AS n")).rows[0]!.n);
      await client.query('INSERT INTO t SELECT g % 1500 FROM generate_series(1, 4500) g');
    });
    await server.archiveAll();
    const wal = new WalDirectory(server.walDir);
    const reader = new XLogReader(wal, { major: 18, systemIdentifier: wal.systemIdentifier });
    const record = new XLogRecord();
    const pages = new Map<number, Page>();
    let moments = 0, populating = 0;
    reader.seek(wal.firstLsn, record);
    while (reader.next(record)) {
      const refs = record.blocks.filter((ref) => ref.relNumber === filenode && ref.fork === 0);
      for (const ref of refs) {
        const page = pages.get(ref.block) ?? new Page();
        pages.set(ref.block, page);
        replayRecord(record, ref, ref.block, page);
      }
      const isSplit = record.rmid === RmgrId.hash && record.rmgrInfo >= 0x40 && record.rmgrInfo <= 0xa0;
      if (refs.length === 0 || !isSplit || !pages.has(HASH_METAPAGE)) continue;
      moments++;
      if ([...pages.values()].some((page) => (hashoFlag(page) & LH_BUCKET_BEING_POPULATED) !== 0)) populating++;
      const search = new HashSearch((block) => pages.get(block)!);
      for (const [hashCode, tids] of rowsByHashCode(pages, moments)) expect(new Set(search.tids(hashCode).map(({ block, offset }) => block * 65536 + offset))).toEqual(tids);
    }
    wal.close();
    expect(moments).toBeGreaterThan(100);
    expect(populating).toBeGreaterThan(50);
  } finally {
    await server.destroy();
  }
});

/** What all bucket pages hold, for every 13th hash code. */
function rowsByHashCode(pages: Map<number, Page>, salt: number): Map<number, Set<number>> {
  const rows = new Map<number, Set<number>>();
  for (const page of pages.values()) {
    if ((hashoFlag(page) & (LH_BUCKET_PAGE | LH_OVERFLOW_PAGE)) === 0) continue;
    for (let offnum = 1; offnum <= page.maxOffset; offnum++) {
      const at = page.itemAt(offnum);
      const code = page.view.getUint32(at + indexTupleDataOffset(page.view, at), true);
      if ((code >>> 8) % 13 !== salt % 13) continue;
      const tids = rows.get(code) ?? new Set();
      rows.set(code, tids.add(readBlockId(page.view, at) * 65536 + readItemPointerOffset(page.view, at)));
    }
  }
  return rows;
}

it('hashes text only where the collation is deterministic', () => {
  expect(hashFunction('hashtext', false)).toBeUndefined();
  expect(hashFunction('hash_array', true)).toBeUndefined();
});
