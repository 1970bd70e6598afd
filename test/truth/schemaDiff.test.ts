/** diff --schema between two moments of a real server: its words, and its SQL run on a copy of the earlier state. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takePlainBackup } from '../../fixtures/postgres/backup.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { functionDefinition } from '../../src/catalog/functionDefinition.js';
import { schemaDiff, type SchemaChange } from '../../src/query/schemaDiff.js';
import { functionsNamed } from '../../src/query/schemaObjects.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';

const BEFORE = `
  CREATE SCHEMA shop;
  CREATE TYPE mood AS ENUM ('sad', 'ok');
  CREATE TYPE pair AS (a int, b text);
  CREATE DOMAIN positive AS int CHECK (VALUE > 0);
  CREATE TYPE old_type AS ENUM ('x');
  CREATE FUNCTION twice(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT n * 2';
  CREATE FUNCTION old_function(a text, VARIADIC b int[] DEFAULT '{1}') RETURNS TABLE(x int, "Y y" text) STABLE STRICT COST 7 ROWS 20 LANGUAGE plpgsql SET search_path TO 'shop', 'public' AS $$ BEGIN RETURN; END $$;
  CREATE TABLE kept (id int PRIMARY KEY, m mood);
  CREATE TABLE gone (id int, note text);
  CREATE VIEW seen AS SELECT id FROM kept; CREATE VIEW unseen AS SELECT id FROM gone;
  CREATE TABLE former (id serial PRIMARY KEY, amount int DEFAULT 5, note text, dropped_one bool, "Odd name" date, small smallint, state mood DEFAULT 'ok', c varchar(10), CHECK (amount > 0));
  CREATE INDEX former_note ON former (note);
  CREATE INDEX former_gone ON former (small);
  CREATE TABLE orders (id int REFERENCES kept, at date) PARTITION BY RANGE (at);
  CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
`;
const CHANGES = `
  DROP VIEW unseen;
  CREATE SCHEMA brand_new;
  ALTER TYPE mood ADD VALUE 'great'; ALTER TYPE mood RENAME VALUE 'sad' TO 'very sad';
  DROP TYPE old_type; CREATE TYPE new_type AS (x int, y mood[]);
  CREATE OR REPLACE FUNCTION twice(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT n + n';
  DROP FUNCTION old_function; CREATE FUNCTION brand_new.greet(name text DEFAULT 'you', OUT said text) LANGUAGE sql AS $_$ SELECT 'hello $function$ ' || name $_$;
  DROP TABLE gone;
  ALTER TABLE former RENAME TO latter;
  ALTER TABLE latter ADD COLUMN fresh numeric(8,2) NOT NULL DEFAULT 1.5, DROP COLUMN dropped_one, ALTER amount TYPE bigint, ALTER amount DROP DEFAULT, ALTER note SET NOT NULL, ALTER c TYPE varchar(20);
  ALTER TABLE latter RENAME "Odd name" TO plain_name;
  ALTER TABLE latter ALTER note SET STORAGE external;
  ALTER TABLE latter ADD CONSTRAINT positive_small CHECK (small > 0), DROP CONSTRAINT former_amount_check;
  DROP INDEX former_gone; CREATE INDEX latter_plain ON latter (plain_name DESC) WHERE small > 3; ALTER INDEX former_note RENAME TO latter_note;
  COMMENT ON TABLE latter IS 'it''s new'; COMMENT ON COLUMN latter.note IS 'why';
  CREATE TABLE shop.fresh (id bigint GENERATED ALWAYS AS IDENTITY, p pair, n positive, t new_type);
  CREATE TABLE orders_2 PARTITION OF orders FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
  ALTER TABLE kept SET (fillfactor = 70);
  CREATE OR REPLACE VIEW seen AS SELECT id FROM kept WHERE id > 0;
  CREATE VIEW a_first AS SELECT * FROM shop.fresh; CREATE MATERIALIZED VIEW b_second AS SELECT count(*) AS n FROM a_first;
`;

/** What two databases must agree on to have the same schema. */
const DESCRIPTION = `
  SELECT format('column %s %s %s %s %s %s %s', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull, attstorage, attidentity, pg_get_expr(adbin, adrelid)) AS line
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum JOIN pg_class c ON c.oid = attrelid
   WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p', 'c') AND relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')
  UNION ALL SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE conrelid <> 0
  UNION ALL SELECT format('index %s', pg_get_indexdef(indexrelid)) FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)
  UNION ALL SELECT format('enum %s %s', enumtypid::regtype, string_agg(enumlabel, ',' ORDER BY enumsortorder)) FROM pg_enum GROUP BY enumtypid
  UNION ALL SELECT format('function %s', pg_get_functiondef(oid)) FROM pg_proc WHERE pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
  UNION ALL SELECT format('relation %s %s %s %s', oid::regclass, relkind, reloptions, pg_get_expr(relpartbound, oid)) FROM pg_class WHERE relkind IN ('r', 'p', 'S') AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'pg_toast'::regnamespace)
  UNION ALL SELECT format('comment %s %s %s', objoid::regclass, objsubid, description) FROM pg_description WHERE classoid = 'pg_class'::regclass AND objoid > 16383
  UNION ALL SELECT format('view %s %s', oid::regclass, pg_get_viewdef(oid)) FROM pg_class WHERE relkind IN ('v', 'm') AND oid > 16383
  ORDER BY 1`;

describe.each([13, 15, 18] as const)('diff --schema, PostgreSQL %i', (major) => {
  let server: PostgresServer, indexed: IndexedArchive, changes: SchemaChange[];
  const folder = mkdtempSync(join(tmpdir(), 'walscope-schema-diff-'));
  let real: string[], copied: string[], functions: { definition: string }[];

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    server = await PostgresServer.create({ major, walDir: join(folder, 'wal') });
    const lines = async (database: string): Promise<string[]> => (await server.sql<{ line: string }>(DESCRIPTION, database)).map((row) => row.line);
    await server.sql('CREATE DATABASE shop');
    await server.sql(BEFORE, 'shop');
    await server.sql('CREATE DATABASE copy TEMPLATE shop');
    const backup = await takePlainBackup(server, join(folder, 'backup'));
    await server.sql('SELECT txid_current()');
    const [from] = await server.sql<{ lsn: string }>("SELECT pg_create_restore_point('from')::text AS lsn");
    await server.sql(CHANGES, 'shop');
    const [to] = await server.sql<{ lsn: string }>("SELECT pg_create_restore_point('to')::text AS lsn");
    await server.archiveAll();
    real = await lines('shop');
    functions = await server.sql("SELECT pg_get_functiondef(oid) AS definition FROM pg_proc WHERE prokind IN ('f', 'w', 'p') ORDER BY oid", 'shop');
    indexed = await indexArchive({ backup, wal: server.walDir });
    const { session } = indexed;
    const sides = { before: session.database(session.moment(from!.lsn), 'shop'), after: session.database(session.moment(to!.lsn), 'shop') };
    changes = schemaDiff(sides);
    for (const statement of changes.flatMap((change) => change.sql)) await server.sql(statement, 'copy').catch((error: Error) => { throw new Error(`${statement}: ${error.message}`); });
    copied = await lines('copy');
    await server.stop();
  });
  afterAll(async () => {
    await server?.destroy();
    indexed?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it('says what was added, dropped, changed and renamed', () => {
    const told = changes.map((c) => [c.change, c.object, c.table, c.name, c.property].filter((part) => part !== null).join(' '));
    expect(told).toEqual([
      'added schema brand_new', 'changed type public.mood label', 'changed type public.mood label', 'dropped type public.old_type', 'added type public.new_type',
      'dropped view public.unseen', 'dropped table public.gone', 'changed table public.kept options', 'renamed table public.former', 'changed table public.latter comment',
      ...['dropped column public.latter dropped_one', 'changed column public.latter amount type', 'changed column public.latter amount default', 'changed column public.latter note not null', 'changed column public.latter note storage',
        'changed column public.latter note comment', 'renamed column public.latter "Odd name"', 'changed column public.latter c type', 'added column public.latter fresh'],
      'dropped constraint public.latter former_amount_check', ...(major >= 18 ? ['added constraint public.latter latter_fresh_not_null', 'added constraint public.latter latter_note_not_null'] : []), 'added constraint public.latter positive_small',
      'dropped index public.latter former_gone', 'renamed index public.latter former_note', 'added index public.latter latter_plain',
      'added table public.orders_2', 'added table shop.fresh', 'changed view public.seen query', 'added view public.a_first', 'added materialized view public.b_second', 'changed function public.twice(integer) definition', 'dropped function public.old_function(text, integer[])', 'added function brand_new.greet(text)',
    ]);
  });

  it('gives SQL that leads from the one to the other', () => {
    expect(copied).toEqual(real);
  });

  it('writes every function as pg_get_functiondef() does', () => {
    const { session } = indexed;
    const database = session.database(session.moment('latest'), 'shop');
    const wrong: string[] = [];
    const written = new Set<string>();
    const languages = new Map<number, string>();
    database.catalog.scan('pg_language', (row) => languages.set(row.oid('oid'), row.name('lanname')));
    database.catalog.scan('pg_proc', (row) => written.add(functionDefinition(database, row, languages).sql ?? ''));
    for (const { definition } of functions) if (!written.has(definition)) wrong.push(`${definition}\n<> ${functionsNamed(database, /FUNCTION (\S+)\(/.exec(definition)![1]!).map((each) => each.sql).join('\n')}`);
    expect(functions.length).toBeGreaterThan(2500);
    expect(wrong.slice(0, 5)).toEqual([]);
  });
});
