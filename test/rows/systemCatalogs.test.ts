/** Every system catalog of a real server of each major, read from its files, against what the server's own COPY says. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { PG_MAJORS } from '../../src/pg/version.js';
import { arrayElementPlaces, arrayElements } from '../../src/rows/types/array.js';
import { TupleDeformer } from '../../src/rows/deform.js';
import { Visibility } from '../../src/rows/visibility.js';
import { TypeOutputs } from '../../src/rows/types/typeOutputs.js';
import { describeTable, forEachTuple, outputContext, readTableAsCopy, SqlTypeLookup, type RealTable } from '../support/realTable.js';

/** Nothing was rolled back on this server. */
const allCommitted = (): Visibility => new Visibility({ status: () => 'committed', multixactUpdater: () => 0 });

const OBJECTS = `
  CREATE TABLE measured AS SELECT i AS a, i % 7 AS b, md5(i::text) AS c, i::float8 / 3 AS d, ARRAY[i, i + 1] AS e, i % 2 = 0 AS f FROM generate_series(1, 5000) i;
  ALTER TABLE measured ADD COLUMN added_int int DEFAULT 42, ADD COLUMN added_text text DEFAULT 'it''s "new"', ADD COLUMN added_list text[] DEFAULT '{a,"b c",NULL}';
  ALTER TABLE measured DROP COLUMN b;
  CREATE STATISTICS many (ndistinct, dependencies, mcv) ON a, c, f FROM measured;
  CREATE VIEW long_view AS SELECT ${Array.from({ length: 150 }, (_, i) => `a + ${i} AS c${i}`).join(', ')} FROM measured WHERE c LIKE 'a%';
  CREATE ROLE someone; GRANT SELECT, UPDATE (a) ON measured TO someone WITH GRANT OPTION; GRANT INSERT ON measured TO PUBLIC;
  CREATE FUNCTION twice(x int, OUT y int, VARIADIC z text[] DEFAULT '{}') LANGUAGE plpgsql SET search_path = 'a', 'b' AS $$ BEGIN y := x * 2; END $$;
  CREATE INDEX ON measured (lower(c), a DESC NULLS LAST) WHERE f;
  CREATE POLICY p ON measured TO someone USING (a > 1);
  ANALYZE measured`;

describe.each(PG_MAJORS)('system catalogs of PostgreSQL %i', (major) => {
  let server: PostgresServer;
  let lookup: SqlTypeLookup;
  const tables: RealTable[] = [];

  beforeAll(async () => {
    server = await PostgresServer.create({ major, archive: false, settings: { autovacuum: false } });
    await server.session('postgres', async (client) => {
      await client.query(OBJECTS);
      const { rows } = await client.query<{ name: string }>(
        "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'r' AND relnamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) ORDER BY 1");
      await client.query('VACUUM');
      for (const name of [...rows.map((row) => row.name), 'measured']) tables.push(await describeTable(client, name));
      lookup = await SqlTypeLookup.read(client, major);
    });
    await server.stop();
  });
  afterAll(() => server?.destroy());

  it('equal the COPY of each', () => {
    expect(tables.length).toBeGreaterThan(60);
    const differing: string[] = [];
    let rows = 0;
    for (const table of tables) {
      const unknownTypes = new Set<string>();
      const lines = readTableAsCopy(join(server.dataDir), table, { major, lookup, unknownTypes, visibility: allCommitted() });
      const expected = table.copies.get('UTC')!.toString('utf8').split('\n').slice(0, -1);
      rows += lines.length;
      const first = lines.findIndex((line, i) => line !== expected[i]);
      if (unknownTypes.size > 0) differing.push(`${table.name}: unknown ${[...unknownTypes].join()}`);
      if (first >= 0) differing.push(`${table.name} row ${first}:\n${lines[first]}\n${expected[first]}`);
      else if (lines.length !== expected.length) differing.push(`${table.name}: ${lines.length} rows instead of ${expected.length}`);
    }
    expect(differing.join('\n')).toBe('');
    expect(rows).toBeGreaterThan(15_000);
  });

  it('give the missing values of columns that were added later', () => {
    const table = tables.find((t) => t.name === 'pg_attribute')!;
    const context = outputContext({ major, lookup });
    const outputs = new TypeOutputs(context);
    const deformer = new TupleDeformer(table.columns);
    const tuple = deformer.newResult();
    const column = (name: string): number => table.columns.findIndex((c) => c.name === name);
    const found: Record<string, string> = {};
    forEachTuple(join(server.dataDir, table.path), (bytes, at, length) => {
      deformer.deformHeapTuple(bytes, at, length, tuple);
      const missing = column('attmissingval');
      if (tuple.length[missing]! < 0) return;
      const name = outputs.ofType(19)(bytes, tuple.at[column('attname')]!, 64);
      const typeOid = Number(outputs.ofType(26)(bytes, tuple.at[column('atttypid')]!, 4));
      const array = context.plain(bytes, tuple.at[missing]!, tuple.length[missing]!);
      const [place, ...others] = arrayElementPlaces(array, 0, array.length, outputs.typeInfo(typeOid));
      expect(others).toEqual([]);
      found[name] = outputs.ofType(typeOid)(array, place!.at, place!.length);
      expect(arrayElements(array, 0, array.length, outputs)).toEqual([found[name]]);
    });
    expect(found).toEqual({ added_int: '42', added_text: 'it\'s "new"', added_list: '{a,"b c",NULL}' });
  });
});
