/** Tables that are gone with what they need, brought back on a real server by restore and by show --undo: equal to a server recovered to just before. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takePlainBackup, type BaseBackup } from '../../fixtures/postgres/backup.js';
import { recoverTo } from '../../fixtures/postgres/recovery.js';
import { makeServerRoot, PostgresServer } from '../../fixtures/postgres/server.js';
import type { PgMajor } from '../../src/pg/version.js';
import { restoreScript } from '../../src/query/restore.js';
import { undoScript } from '../../src/query/revert.js';
import { Findings } from '../../src/query/session.js';
import { showTransaction } from '../../src/query/show.js';
import { runPsql, scriptText } from './psqlScript.js';
import { indexArchive, type IndexedArchive } from './truthCase.js';

const SCHEMA = `
CREATE SCHEMA s; CREATE SCHEMA "Odd S"; CREATE ROLE clerk;
CREATE TYPE s.mood AS ENUM ('sad', 'ok', 'it''s'); CREATE DOMAIN s.pos AS int DEFAULT 5 CHECK (VALUE > 0);
CREATE TYPE s.addr AS (street text, no int, m s.mood); CREATE TYPE "Odd S"."Odd R" AS RANGE (subtype = numeric);
CREATE SEQUENCE s.shared START 100 INCREMENT 5;
CREATE FUNCTION s.code(p int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'c-' || p $$;
CREATE FUNCTION s.feel(p s.mood) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT p::text $$;
CREATE TABLE s.parent (id int GENERATED ALWAYS AS IDENTITY (START 10 INCREMENT 2) PRIMARY KEY, t text UNIQUE, home s.addr, homes s.addr[], m s.mood DEFAULT 'ok', p s.pos, r "Odd S"."Odd R");
INSERT INTO s.parent (t, home, homes, m, p, r)
  SELECT 't' || i, ROW('st ' || i, i, 'sad'::s.mood)::s.addr, ARRAY[ROW('a', 1, NULL)::s.addr], 'it''s'::s.mood, i, numrange(i, i + 1)::text::"Odd S"."Odd R" FROM generate_series(1, 50) i;
CREATE TABLE s.item (id int DEFAULT nextval('s.shared') PRIMARY KEY, parent int NOT NULL REFERENCES s.parent ON DELETE CASCADE DEFERRABLE, code text DEFAULT s.code(7), m s.mood DEFAULT 'sad',
  n int CHECK (n <> 13), big serial, g int GENERATED ALWAYS AS (n * 2) STORED, UNIQUE (n, code));
INSERT INTO s.item (parent, code, n) SELECT 10 + 2 * (i % 50), 'code' || i, 100 + i FROM generate_series(1, 1200) i;
CREATE INDEX item_fn ON s.item (s.code(n)); CREATE INDEX item_feel ON s.item (s.feel(m)); CREATE INDEX item_part ON s.item (n DESC NULLS LAST) WHERE n > 150;
CREATE TABLE s.other (id int DEFAULT nextval('s.shared') PRIMARY KEY, item int REFERENCES s.item);
INSERT INTO s.other (item) SELECT id FROM s.item LIMIT 30;
CREATE TABLE s.self (id int PRIMARY KEY, up int REFERENCES s.self, t text);
INSERT INTO s.self SELECT i, nullif(i - 1, 0), NULL FROM generate_series(1, 20) i;
COMMENT ON TABLE s.item IS 'items'; COMMENT ON COLUMN s.item.n IS 'n''s';
GRANT SELECT ON s.item TO clerk; ALTER TABLE s.self OWNER TO clerk; ALTER TABLE s.item ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON s.item USING (n > 0);
CREATE FUNCTION s.noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.code := coalesce(NEW.code, TG_ARGV[0]); RETURN NEW; END $$;
CREATE TRIGGER "Note it" BEFORE INSERT OR UPDATE OF n, code ON s.item FOR EACH ROW WHEN (NEW.n > 3 AND NEW.code IS DISTINCT FROM 'x') EXECUTE FUNCTION s.noted('it''s', 'a\\b');
CREATE TRIGGER off AFTER DELETE ON s.self REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION s.noted(); ALTER TABLE s.self DISABLE TRIGGER off;
CREATE RULE kept AS ON DELETE TO s.other WHERE OLD.id = 100 DO INSTEAD NOTHING; CREATE STATISTICS s.stat (mcv) ON n, code FROM s.item;
CREATE POLICY only_clerk ON s.item AS RESTRICTIVE FOR UPDATE TO clerk USING (id IN (SELECT item FROM s.other)) WITH CHECK (n < 10);
GRANT UPDATE (n), INSERT (n, code) ON s.item TO clerk; GRANT DELETE ON s.item TO PUBLIC; GRANT ALL ON s.parent TO clerk WITH GRANT OPTION; REVOKE TRUNCATE ON s.parent FROM CURRENT_USER;
ALTER TABLE s.item REPLICA IDENTITY USING INDEX item_pkey; ALTER TABLE s.self REPLICA IDENTITY FULL, ALTER t SET STATISTICS 700, ALTER t SET (n_distinct = -0.5);
COMMENT ON CONSTRAINT item_pkey ON s.item IS 'key'; COMMENT ON INDEX s.item_fn IS 'fn';
CREATE VIEW s.v AS SELECT id, n FROM s.item;
CREATE TABLE s.part (id int, k date, v s.mood) PARTITION BY RANGE (k);
CREATE TABLE s.part_1 PARTITION OF s.part FOR VALUES FROM ('2026-01-01') TO ('2026-02-01') PARTITION BY LIST (v);
CREATE TABLE s.part_1_ok PARTITION OF s.part_1 FOR VALUES IN ('ok'); CREATE TABLE s.part_d PARTITION OF s.part DEFAULT;
CREATE INDEX part_v ON s.part (v);
CREATE FUNCTION s.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER of_part AFTER INSERT ON s.part FOR EACH ROW EXECUTE FUNCTION s.nothing(); COMMENT ON TRIGGER of_part ON s.part IS 'each';
INSERT INTO s.part SELECT i, date '2026-01-01' + i % 60, 'ok'::s.mood FROM generate_series(1, 100) i;
`;

/** What a server shows of the tables: rows, columns, constraints, indexes, owners, comments, sequences. */
const SHOWN = [
  `SELECT attrelid::regclass::text AS t, attname, format_type(atttypid, atttypmod), attnotnull, attidentity::text, attgenerated::text, pg_get_expr(adbin, adrelid), col_description(attrelid, attnum)
     FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 's'::regnamespace AND relkind IN ('r', 'p')) AND attnum > 0 ORDER BY attrelid::regclass::text, attnum`,
  "SELECT conrelid::regclass::text AS t, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 's'::regnamespace AND conrelid <> 0 AND contype <> 'n' ORDER BY 1, 2",
  "SELECT pg_get_indexdef(oid) FROM pg_class WHERE relnamespace = 's'::regnamespace AND relkind IN ('i', 'I') ORDER BY 1",
  "SELECT oid::regclass::text AS t, relowner::regrole::text, relrowsecurity, obj_description(oid) FROM pg_class WHERE relnamespace = 's'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1",
  "SELECT pg_get_triggerdef(oid), tgenabled::text, obj_description(oid) FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 's'::regnamespace) AND NOT tgisinternal ORDER BY 1",
  "SELECT pg_get_ruledef(r.oid) FROM pg_rewrite r JOIN pg_class c ON c.oid = ev_class WHERE relnamespace = 's'::regnamespace AND relkind = 'r' ORDER BY 1",
  "SELECT polname, polrelid::regclass::text, polcmd::text, polpermissive, polroles::regrole[]::text, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) FROM pg_policy ORDER BY 1",
  "SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext ORDER BY 1",
  "SELECT oid::regclass::text, relacl::text, relreplident::text, relforcerowsecurity FROM pg_class WHERE relnamespace = 's'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1",
  "SELECT attrelid::regclass::text, attname, attacl::text, attoptions, attstattarget FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 's'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 ORDER BY 1, attnum",
  "SELECT conname, obj_description(oid) FROM pg_constraint WHERE connamespace = 's'::regnamespace AND contype = 'p' ORDER BY 1", "SELECT relname, obj_description(oid) FROM pg_class WHERE relnamespace = 's'::regnamespace AND relkind = 'i' ORDER BY 1",
  "SELECT sequencename, last_value, start_value, increment_by, data_type::text FROM pg_sequences WHERE schemaname = 's' ORDER BY 1",
];

async function shown(server: PostgresServer): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const query of SHOWN) found.push(await server.sql(query, 'shop'));
  for (const table of ['parent', 'item', 'other', 'self', 'part']) found.push(await server.sql(`SELECT r::text FROM s.${table} r ORDER BY 1`, 'shop'));
  return found;
}

export function goneTruth(major: PgMajor): void {
  describe(`tables that are gone, with what they need, PostgreSQL ${major}`, () => {
    let scratch: string;
    let backup: BaseBackup;
    let wal: string;
    let indexed: IndexedArchive;
    const xids = new Map<string, number>();

    beforeAll(async () => {
      scratch = makeServerRoot();
      wal = join(scratch, 'wal');
      const server = await PostgresServer.create({ major, walDir: wal, settings: { autovacuum: false } });
      try {
        await server.sql('CREATE DATABASE shop');
        await server.sql(SCHEMA, 'shop');
        backup = await takePlainBackup(server, join(scratch, 'backup'));
        await server.sql('INSERT INTO s.item (parent, n) VALUES (12, 5000)', 'shop');
        // each alone: what the one takes is there again before the other only in the archive's past
        for (const [name, statement] of [['tables', 'DROP TABLE s.item, s.part, s.self CASCADE'], ['schema', 'DROP SCHEMA s, "Odd S" CASCADE']] as const) {
          await server.sql(`SELECT pg_create_restore_point('before_${name}')`);
          xids.set(name, Number((await server.sql<{ xid: string }>('SELECT txid_current()::text AS xid'))[0]!.xid) + 1);
          await server.sql(statement, 'shop');
        }
        await server.archiveAll();
      } finally {
        await server.destroy();
      }
      indexed = await indexArchive({ backup, wal });
    }, 180_000);
    afterAll(() => {
      indexed?.remove();
      rmSync(scratch, { recursive: true, force: true });
    });

    async function afterScript(xid: number, script: string): Promise<unknown[]> {
      const server = await recoverTo({ major, backup, wal, target: { xid } });
      try {
        runPsql(server, 'shop', script);
        return await shown(server);
      } finally {
        await server.destroy();
      }
    }

    async function justBefore(name: string): Promise<unknown[]> {
      const server = await recoverTo({ major, backup, wal, target: { name: `before_${name}` } });
      try {
        return await shown(server);
      } finally {
        await server.destroy();
      }
    }

    it('show --undo brings dropped tables back beside what is still there', async () => {
      const xid = xids.get('tables')!;
      const findings = new Findings();
      const script = scriptText(undoScript(showTransaction(indexed.session, xid, findings), findings));
      expect(findings.list).toEqual([]);
      expect(script).toMatch(/^-- not brought back: view s\.v, which reads s\.item$/m);
      expect(await afterScript(xid, script)).toEqual(await justBefore('tables'));
    }, 60_000);

    it('restore brings all of a dropped schema back', async () => {
      const { session } = indexed;
      const then = session.database(session.moment('point:before_tables'), 'shop');
      const now = session.database(session.moment('latest'), 'shop');
      const findings = new Findings();
      const script = scriptText(restoreScript(then, now, { tables: ['s.item', 's.other', 's.parent', 's.self', 's.part'] }, findings));
      expect(findings.list).toEqual([]);
      expect(await afterScript(xids.get('schema')!, script)).toEqual(await justBefore('tables'));
    }, 60_000);

    it('a table alone names the foreign keys that have lost their table', () => {
      const { session } = indexed;
      const then = session.database(session.moment('point:before_tables'), 'shop');
      const script = scriptText(restoreScript(then, session.database(session.moment('latest'), 'shop'), { tables: ['s.item'] }, new Findings()));
      expect(script).toMatch(/^-- not added: s\.parent is gone, too: ALTER TABLE s\.item ADD CONSTRAINT item_parent_fkey/m);
    });
  });
}
