/** diff --schema between two moments of a real server: its words, and its SQL run on a copy of the earlier state. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takePlainBackup } from '../../fixtures/postgres/backup.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { functionDefinition } from '../../src/catalog/functionDefinition.js';
import { schemaDiff, type SchemaChange } from '../../src/query/schemaDiff.js';
import { schemaScript } from '../../src/query/schemaScript.js';
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
  CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
  CREATE TYPE a_type AS ENUM ('x'); CREATE TABLE z_first (id int PRIMARY KEY, a a_type, f int); CREATE TABLE y_second (id int PRIMARY KEY REFERENCES z_first); ALTER TABLE z_first ADD FOREIGN KEY (f) REFERENCES y_second;
  CREATE VIEW b_low AS SELECT * FROM z_first; CREATE VIEW a_high AS SELECT * FROM b_low;
  CREATE TABLE again (a int); CREATE TABLE fk_old (id int REFERENCES kept, CONSTRAINT "Other" FOREIGN KEY (id) REFERENCES kept ON DELETE CASCADE);
  CREATE VIEW widened AS SELECT id FROM kept; CREATE TABLE narrow (a int, b int, c int); CREATE VIEW narrowed AS SELECT a, b FROM narrow;
  CREATE TRIGGER t_old BEFORE INSERT ON narrow FOR EACH ROW EXECUTE FUNCTION audit(); CREATE TRIGGER t_kept AFTER DELETE ON narrow FOR EACH ROW EXECUTE FUNCTION audit(); CREATE TRIGGER t_name AFTER UPDATE ON narrow EXECUTE FUNCTION audit();
  CREATE POLICY p_old ON narrow USING (a > 0); CREATE POLICY p_changed ON narrow USING (a > 1); ALTER TABLE narrow ENABLE ROW LEVEL SECURITY, REPLICA IDENTITY FULL;
  CREATE STATISTICS s_old ON a, b FROM narrow; CREATE RULE r_old AS ON DELETE TO narrow DO INSTEAD NOTHING;
  CREATE TABLE animal (name text); CREATE TABLE cat (claws int) INHERITS (animal);
  CREATE TABLE events (at date, n int) PARTITION BY RANGE (at); CREATE TABLE aevents_1 PARTITION OF events DEFAULT;
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
  DROP VIEW a_high, b_low; DROP TABLE z_first, y_second; DROP TYPE a_type;
  DROP TABLE again; CREATE TABLE again (b text);
  CREATE FUNCTION zz_default() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE SEQUENCE zz_numbers; CREATE TABLE aa_child (id int DEFAULT nextval('zz_numbers'), d int DEFAULT zz_default(), p int);
  CREATE TABLE zz_parent (id int PRIMARY KEY); ALTER TABLE aa_child ADD FOREIGN KEY (p) REFERENCES zz_parent; ALTER TABLE kept ADD parent int REFERENCES zz_parent;
  ALTER TABLE fk_old DROP CONSTRAINT fk_old_id_fkey; ALTER TABLE fk_old RENAME TO fk_new; ALTER TABLE fk_new DROP CONSTRAINT "Other"; ALTER TABLE fk_new ADD CONSTRAINT "Other" FOREIGN KEY (id) REFERENCES zz_parent;
  CREATE VIEW zz_low AS SELECT id, parent FROM kept; CREATE OR REPLACE VIEW widened AS SELECT kept.id, zz_low.parent FROM kept JOIN zz_low USING (id);
  CREATE OR REPLACE VIEW narrowed AS SELECT a, c AS b FROM narrow; ALTER TABLE narrow DROP COLUMN b;
  DROP TRIGGER t_old ON narrow; CREATE TRIGGER t_new BEFORE UPDATE OF a ON narrow FOR EACH ROW WHEN (OLD.a > 1) EXECUTE FUNCTION audit('x'); ALTER TABLE narrow DISABLE TRIGGER t_kept; ALTER TRIGGER t_name ON narrow RENAME TO "T named";
  CREATE FUNCTION zz_audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER t_child BEFORE INSERT ON aa_child FOR EACH ROW EXECUTE FUNCTION zz_audit();
  DROP POLICY p_old ON narrow; CREATE POLICY p_new ON narrow FOR SELECT USING (a IN (SELECT id FROM kept)); ALTER POLICY p_changed ON narrow USING (a > 2); ALTER TABLE narrow DISABLE ROW LEVEL SECURITY, REPLICA IDENTITY DEFAULT, ALTER a SET STATISTICS 5;
  CREATE STATISTICS s_new ON a, c FROM narrow; CREATE RULE r_new AS ON INSERT TO narrow WHERE NEW.a = 3 DO ALSO UPDATE kept SET id = id WHERE id = NEW.a; CREATE RULE r_none AS ON DELETE TO kept DO INSTEAD NOTHING;
  ALTER TABLE animal ADD legs int DEFAULT 4, ADD CONSTRAINT walks CHECK (legs > 0); ALTER TABLE animal RENAME name TO title;
  ALTER TABLE events ADD more text, ALTER n TYPE bigint; CREATE INDEX events_n ON events (n); ALTER TABLE events ADD UNIQUE (at);
  CREATE TABLE zz_parts (k int) PARTITION BY LIST (k); CREATE TABLE aa_part PARTITION OF zz_parts FOR VALUES IN (1);
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
  UNION ALL SELECT format('trigger %s %s', pg_get_triggerdef(oid), tgenabled) FROM pg_trigger WHERE NOT tgisinternal AND tgparentid = 0
  UNION ALL SELECT format('rule %s', pg_get_ruledef(oid)) FROM pg_rewrite WHERE oid > 16383 AND rulename <> '_RETURN' UNION ALL SELECT format('statistics %s', pg_get_statisticsobjdef(oid)) FROM pg_statistic_ext
  UNION ALL SELECT format('policy %s %s %s %s', polname, polcmd, pg_get_expr(polqual, polrelid), (SELECT concat_ws(' ', relname, relrowsecurity, relreplident) FROM pg_class c WHERE c.oid = polrelid)) FROM pg_policy
  UNION ALL SELECT format('target %s %s', attrelid::regclass, attname) FROM pg_attribute WHERE attstattarget > 0 AND attrelid > 16383
  ORDER BY 1`;

describe.each([13, 14, 18] as const)('diff --schema, PostgreSQL %i', (major) => {
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
    for (const statement of schemaScript(sides, changes).flatMap(({ sql }) => sql)) await server.sql(statement, 'copy').catch((error: Error) => { throw new Error(`${statement}: ${error.message}`); });
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
    const of = (table: string, ...list: string[]): string[] => list.map((each) => each.replace('@', `public.${table}`));
    expect(told).toEqual([
      'added schema brand_new', 'changed type public.mood label', 'changed type public.mood label', 'dropped type public.old_type', 'dropped type public.a_type', 'added type public.new_type',
      'dropped view public.a_high', 'dropped view public.b_low', 'dropped view public.unseen', 'added table public.aa_child', 'added table public.aa_part',
      ...of('aevents_1', 'changed column @ n type', 'added column @ more', 'added constraint @ aevents_1_at_key', 'added index @ aevents_1_n_idx'), 'dropped table public.again', 'added table public.again',
      ...['animal', 'cat'].flatMap((table) => of(table, 'renamed column @ name', 'added column @ legs', 'added constraint @ walks')),
      ...of('events', 'changed column @ n type', 'added column @ more', 'added constraint @ events_at_key', 'added index @ events_n'), 'renamed table public.fk_old', ...of('fk_new', 'changed constraint @ "Other" definition', 'dropped constraint @ fk_old_id_fkey'),
      'dropped table public.gone', ...of('kept', 'changed table @ options', 'added column @ parent', 'added constraint @ kept_parent_fkey', 'added rule @ r_none'), 'renamed table public.former', 'changed table public.latter comment',
      ...of('latter', 'dropped column @ dropped_one', 'changed column @ amount type', 'changed column @ amount default', 'changed column @ note not null', 'changed column @ note storage',
        'changed column @ note comment', 'renamed column @ "Odd name"', 'changed column @ c type', 'added column @ fresh'),
      'dropped constraint public.latter former_amount_check', ...(major >= 18 ? of('latter', 'added constraint @ latter_fresh_not_null', 'added constraint @ latter_note_not_null') : []), 'added constraint public.latter positive_small',
      'dropped index public.latter former_gone', 'renamed index public.latter former_note', 'added index public.latter latter_plain',
      ...of('narrow', 'dropped column @ b', 'changed trigger @ t_kept definition', 'renamed trigger @ t_name', 'dropped trigger @ t_old', 'added trigger @ t_new', 'added rule @ r_new', 'changed policy @ p_changed definition',
        'dropped policy @ p_old', 'added policy @ p_new', 'dropped statistics @ s_old', 'added statistics @ s_new', 'changed table @ settings'),
      'added table public.orders_2', 'dropped table public.y_second', 'dropped table public.z_first', 'added sequence public.zz_numbers', 'added table public.zz_parent', 'added partitioned table public.zz_parts',
      'added table shop.fresh', 'changed view public.seen query', ...of('widened', 'changed view @ query', 'added column @ parent'), 'changed view public.narrowed query', 'added view public.a_first', 'added materialized view public.b_second', 'added view public.zz_low',
      'changed function public.twice(integer) definition', 'dropped function public.old_function(text, integer[])', 'added function brand_new.greet(text)', 'added function public.zz_default()', 'added function public.zz_audit()',
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
