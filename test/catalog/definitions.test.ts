/** Deparsed expressions and definitions against what real servers print of the same objects, and the DDL back into a server. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takePlainBackup } from '../../fixtures/postgres/backup.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { neededFirst, tableDdlParts } from '../../src/query/schemaDdl.js';
import { tableSchema } from '../../src/query/schema.js';
import type { DatabaseAt } from '../../src/query/session.js';
import { functionsOf } from '../../src/query/schemaObjects.js';
import { definitionDifferences, roundTrip, serverDefinitions } from '../support/ddlRoundTrip.js';
import { viewCases } from '../support/viewCases.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';

const objects = (major: number): string => `
  CREATE SCHEMA other;
  CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s "fine"');
  CREATE TYPE pair AS (a int, "Odd b" text);
  CREATE DOMAIN other.positive AS numeric(8,2) DEFAULT 1 CHECK (VALUE > 0) CONSTRAINT below CHECK (VALUE < 100000);
  CREATE TYPE span AS RANGE (subtype = float8);
  CREATE FUNCTION other.twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2';
  CREATE SEQUENCE odd_seq AS smallint INCREMENT BY 5 MAXVALUE 500 CYCLE;
  CREATE TABLE customers (id serial PRIMARY KEY, email text COLLATE "C" UNIQUE, born date CHECK (born > '1900-01-01'), UNIQUE (born, id) DEFERRABLE INITIALLY DEFERRED);
  CREATE TABLE everything (
    id bigint GENERATED ALWAYS AS IDENTITY (START WITH 10 INCREMENT BY 2), code int DEFAULT nextval('odd_seq'), neg int DEFAULT -7, big bigint DEFAULT -1,
    n numeric(10,3) DEFAULT 1.5, n2 numeric DEFAULT -2.5, f real DEFAULT 1e10, t text DEFAULT 'it''s \\ odd', v varchar(20) DEFAULT 'abc', c char(5) DEFAULT 'x',
    b bool DEFAULT (1 = 1), d date DEFAULT CURRENT_DATE, ts timestamp(3) DEFAULT LOCALTIMESTAMP(2), tz timestamptz DEFAULT now() - interval '1 day 02:03',
    at_utc timestamp DEFAULT (now() AT TIME ZONE 'UTC'), who name DEFAULT CURRENT_USER, m mood DEFAULT 'ok', ms mood[] DEFAULT ARRAY['sad', 'ok']::mood[], p pair DEFAULT ROW(1, 'x')::pair,
    pos other.positive, sp span DEFAULT '[1,2)', ints int[] DEFAULT ARRAY[1, 2, NULL], nested int[] DEFAULT ARRAY[[1,2],[3,4]], empty text[] DEFAULT ARRAY[]::text[],
    j jsonb DEFAULT '{"a": [1, null]}', by bytea DEFAULT '\\x00ff', iv interval DEFAULT '1 mon', u uuid DEFAULT gen_random_uuid(), rc regclass DEFAULT 'customers',
    g int GENERATED ALWAYS AS (neg * 2 + other.twice(code)) STORED, cs text DEFAULT CASE WHEN random() < 0.5 THEN 'low' ELSE 'high' END, ov text DEFAULT overlay('abcdef' placing 'X' from 2 for 3),
    co text DEFAULT COALESCE(NULL::text, 'z') || 'y', gr int DEFAULT GREATEST(1, 2, 3), ex text DEFAULT trim(both ' ' from '  x ') || position('a' in 'ba')::text,
    nu text DEFAULT NULLIF('a', 'b'), sub text DEFAULT substring('hello' from 2 for 3), ext numeric DEFAULT extract(year from date '2020-01-01'), el int DEFAULT (ARRAY[1,2,3])[2], bi bit(4) DEFAULT B'1010',
    CONSTRAINT in_list CHECK (t IN ('a', 'b', 'it''s \\ odd')), CONSTRAINT v_list CHECK (v IN ('abc', 'def') OR v IS NULL), CONSTRAINT likes CHECK (t NOT LIKE 'q%' AND t !~ '^z' AND NOT (neg > 100)),
    CONSTRAINT between_ CHECK (n BETWEEN 0 AND 100 OR n IS DISTINCT FROM 5), CONSTRAINT bools CHECK (b IS NOT FALSE AND (b OR neg < 0)), CONSTRAINT cased CHECK (CASE m WHEN 'ok' THEN neg < 5 WHEN 'sad' THEN false ELSE true END),
    CONSTRAINT casts CHECK (length(v::text) < 30 AND c::text <> 'zz' AND (n::int) % 2 >= 0), CONSTRAINT anys CHECK (neg = ANY (ARRAY[-7, 1, 2]) OR neg <> ALL ('{9,8}'::int[])), CONSTRAINT fields CHECK ((p).a > 0 AND (p)."Odd b" IS NOT NULL),
    CONSTRAINT coll CHECK (t COLLATE "C" > 'A'), CONSTRAINT elems CHECK (ints[1] = 1 AND array_length(ints[1:2], 1) = 2), CONSTRAINT rowis CHECK (ROW(neg, code) IS NOT NULL), CONSTRAINT json_ CHECK (j ->> 'a' IS NOT NULL AND j @> '{}'),
    CONSTRAINT domained CHECK (pos > 0 AND pos::numeric <> 7), CONSTRAINT noinh CHECK (neg < 1000) NO INHERIT, CONSTRAINT dates CHECK (d + 1 > date '2000-01-01' AND date_trunc('day', ts) <= ts),
    CONSTRAINT fk FOREIGN KEY (neg) REFERENCES customers(id) ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE NOT VALID, CONSTRAINT ex_ EXCLUDE USING btree (code WITH =) WHERE (neg > 0), PRIMARY KEY (id) INCLUDE (t));
  ALTER TABLE everything ALTER n SET NOT NULL;
  CREATE INDEX lower_t ON everything (lower(t) text_pattern_ops DESC NULLS LAST, (neg + code) NULLS FIRST, v COLLATE "C") INCLUDE (b) WITH (fillfactor = 70) WHERE t IS NOT NULL AND neg > 3;
  CREATE INDEX upper_case ON everything ((CASE WHEN b THEN 1 ELSE 0 END), COALESCE(t, 'x'), (j -> 'a'));
  CREATE UNIQUE INDEX hashed ON everything (md5(t));
  CREATE INDEX gin_ ON everything USING gin (j jsonb_path_ops);
  CREATE INDEX hash_ ON everything USING hash (t);
  CREATE INDEX brin_ ON everything USING brin (d) WITH (pages_per_range = 16);
  COMMENT ON TABLE everything IS 'it''s all here'; COMMENT ON COLUMN everything.t IS E'two\\nlines'; COMMENT ON INDEX lower_t IS 'odd';
  CREATE TABLE parts (at date NOT NULL, what text, n int) PARTITION BY RANGE (at, lower(what));
  CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2020-01-01', MINVALUE) TO ('2021-01-01', 'm');
  CREATE TABLE parts_d PARTITION OF parts DEFAULT PARTITION BY LIST (what);
  CREATE TABLE parts_d1 PARTITION OF parts_d FOR VALUES IN ('a', 'it''s', NULL);
  CREATE INDEX parts_n ON parts (n);
  CREATE TABLE hashed_ (id int, x text) PARTITION BY HASH (id);
  CREATE TABLE hashed_0 PARTITION OF hashed_ FOR VALUES WITH (MODULUS 2, REMAINDER 0);
  CREATE TABLE parent (a int DEFAULT 1, CHECK (a > 0)); CREATE TABLE child (b text) INHERITS (parent);
  CREATE UNLOGGED TABLE "Odd ""Name" ("select" int DEFAULT 1, "Ünï" text) WITH (autovacuum_enabled = false);
  CREATE TABLE public.pg_amop (id int PRIMARY KEY); CREATE TABLE hidden (a int REFERENCES public.pg_amop); CREATE VIEW hiding AS SELECT id FROM public.pg_amop;
  ${major >= 15 ? 'CREATE TABLE nulls (a int UNIQUE NULLS NOT DISTINCT, b int); ALTER TABLE nulls ADD FOREIGN KEY (b) REFERENCES customers(id) ON DELETE SET NULL (b);' : ''}
  ${major >= 18 ? 'CREATE TABLE virtuals (a int, v int GENERATED ALWAYS AS (a + 1) VIRTUAL, CONSTRAINT lazy CHECK (a > 0) NOT ENFORCED);' : ''}`;

const TABLES = "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) ORDER BY oid";

/** What the server says of all user tables: `kind table name` → definition. */
async function definitions(server: PostgresServer, database: string): Promise<Map<string, string>> {
  const rows = await server.sql<{ key: string; def: string }>(`
    SELECT 'default ' || adrelid::regclass || ' ' || attname AS key, pg_get_expr(adbin, adrelid) AS def FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
    UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid >= 16384
    UNION ALL SELECT 'index ' || indrelid::regclass || ' ' || indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid >= 16384 AND indrelid NOT IN (SELECT oid FROM pg_class WHERE relkind = 't')
    UNION ALL SELECT 'partition key ' || oid::regclass, pg_get_partkeydef(oid) FROM pg_class WHERE relkind = 'p'
    UNION ALL SELECT 'bound ' || oid::regclass, pg_get_expr(relpartbound, oid) FROM pg_class WHERE relispartition AND relkind IN ('r', 'p')
    UNION ALL SELECT 'type ' || attrelid::regclass || ' ' || attname, format_type(atttypid, atttypmod) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE attnum > 0 AND NOT attisdropped AND attrelid >= 16384 AND relkind IN ('r', 'p')
    UNION ALL SELECT 'comment ' || objoid::regclass || ' ' || objsubid, description FROM pg_description WHERE classoid = 'pg_class'::regclass AND objoid >= 16384`, database);
  return new Map(rows.map(({ key, def }) => [key, def]));
}

/** The same, as walscope reads it. */
function ourDefinitions(database: DatabaseAt, tables: string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of tables) {
    const schema = tableSchema(database, database.relation(name));
    expect(schema.unknown, name).toEqual([]);
    for (const column of schema.columns) {
      if (column.default !== null) found.set(`default ${name} ${column.name}`, column.default);
      found.set(`type ${name} ${column.name}`, column.type);
      if (column.comment !== null) found.set(`comment ${name} ${column.attnum}`, column.comment);
    }
    if (schema.comment !== null) found.set(`comment ${name} 0`, schema.comment);
    for (const constraint of schema.constraints) found.set(`constraint ${name} ${constraint.name}`, constraint.sql);
    for (const index of schema.indexes) found.set(`index ${name} ${index.name.includes('"') || / /.test(index.name) ? `"${index.name.replaceAll('"', '""')}"` : index.name}`, index.sql);
    if (schema.partitionKey !== null) found.set(`partition key ${name}`, schema.partitionKey);
    if (schema.partitionBound !== null) found.set(`bound ${name}`, schema.partitionBound);
  }
  return found;
}

const asObject = (map: Map<string, string>): Record<string, string> => Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));

describe.each([13, 15, 18] as const)('definitions as PostgreSQL %i prints them', (major) => {
  let scratch: string;
  let server: PostgresServer;
  let indexed: IndexedArchive;
  let expected: Map<string, string>;
  let tables: string[];
  let database: DatabaseAt;

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'walscope-schema-'));
    chmodSync(scratch, 0o755);
    server = await PostgresServer.create({ major, walSegmentMb: 1, settings: { autovacuum: false } });
    await server.sql('CREATE DATABASE app');
    const backup = await takePlainBackup(server, join(scratch, 'backup'));
    await server.sql(objects(major), 'app');
    await server.sql('CREATE DATABASE views');
    await server.sql(viewCases(major), 'views');
    expected = await definitions(server, 'app');
    tables = (await server.sql<{ name: string }>(TABLES, 'app')).map((row) => row.name);
    await server.archiveAll();
    indexed = await indexArchive({ backup, wal: join(server.root, 'wal') });
    database = indexed.session.database(indexed.session.moment('latest'), 'app');
  });
  afterAll(async () => {
    indexed?.remove();
    await server?.destroy();
    rmSync(scratch, { recursive: true, force: true });
  });

  it('are the same, every one', () => {
    const ours = ourDefinitions(database, tables);
    for (const key of expected.keys()) if (key.startsWith('comment lower_t')) expected.delete(key);
    expect(asObject(ours)).toEqual(asObject(expected));
    expect(ours.size).toBeGreaterThan(120);
  });

  it('write every view of the database and of the system catalogs, and every body in SQL', async () => {
    const views = indexed.session.database(database.moment, 'views');
    const wanted = await server.sql<{ name: string; def: string }>(`
      SELECT oid::regclass::text AS name, pg_get_viewdef(oid) AS def FROM pg_class WHERE relkind IN ('v', 'm')
      ${major >= 14 ? "UNION ALL SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE prosqlbody IS NOT NULL AND pronamespace = 'public'::regnamespace" : ''}`, 'views');
    const functions = [...functionsOf(views).values()];
    const ours = wanted.map(({ name, def }) => ({
      name, def: def.startsWith('CREATE OR') ? functions.find((each) => each.dropName.startsWith(`public.${name}(`))?.sql?.replace(/;$/, '\n') : tableSchema(views, views.relation(name)).query,
    }));
    expect(ours).toEqual(wanted);
    expect(wanted.length).toBeGreaterThan(150);
  });

  it.each(['app', 'views'])('come back, database and all, from the DDL that is written of it: %s', async (name) => {
    const trip = await roundTrip(indexed.session.database(database.moment, name), server, `${name} again`);
    expect(trip.refused).toEqual([]);
    expect(trip.unknown).toEqual([]);
    expect(trip.differences).toEqual([]);
    const differences = definitionDifferences(trip.definitions, await server.session(name, serverDefinitions));
    // PostgreSQL itself reads the cast of a varchar array back as one of its elements
    expect(differences.filter((line) => !line.startsWith('constraint public.everything v_list'))).toEqual([]);
    expect(trip.definitions.size).toBeGreaterThan(90);
  });

  it('come back from the DDL that is written of them', async () => {
    await server.sql('CREATE DATABASE again');
    const parts = tables.map((name) => tableDdlParts(database, tableSchema(database, database.relation(name))));
    // a table may need a type or schema that the one before it has created
    const needed = new Set(parts.flatMap(neededFirst));
    await server.session('again', async (client) => {
      await client.query("CREATE SCHEMA other; CREATE FUNCTION other.twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2'");
      for (const statement of [...parts.flatMap((p) => [...neededFirst(p).filter((sql) => needed.delete(sql)), ...p.before]), ...parts.flatMap((p) => p.after), ...parts.flatMap((p) => p.foreignKeys.map(({ sql }) => sql)), ...parts.flatMap((p) => p.comments)]) {
        await client.query(statement).catch((error: Error) => {
          throw new Error(`${error.message}: ${statement}`);
        });
      }
    });
    const back = await definitions(server, 'again');
    // a partition's own copies of its parent's index and constraints get names of their own
    // and PostgreSQL itself reads the cast of a varchar array back as one of its elements
    const mine = (key: string): boolean => !/^(index|constraint) (parts|hashed_)/.test(key) && key !== 'constraint everything v_list';
    const pick = (map: Map<string, string>): Record<string, string> => asObject(new Map([...map].filter(([key]) => mine(key) && !key.startsWith('comment lower_t'))));
    expect(pick(back)).toEqual(pick(expected));
  });
});
