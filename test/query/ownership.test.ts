/** schema --ddl --owners on a real server: run in a fresh database, owners and privileges are those of the first one. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { takePlainBackup } from '../../fixtures/postgres/backup.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { PG_CLASS } from '../../src/catalog/catalogOids.js';
import { databaseDdl } from '../../src/query/databaseDdl.js';
import { ownership } from '../../src/query/ownership.js';
import { indexArchive, type IndexedArchive } from '../support/truthCase.js';

const ROLES = 'CREATE ROLE alice; CREATE ROLE "Bob ""B"""; CREATE ROLE carol';
const SETUP = `
  CREATE SCHEMA shop AUTHORIZATION alice; GRANT USAGE ON SCHEMA shop TO carol WITH GRANT OPTION; REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT CREATE ON SCHEMA public TO alice;
  CREATE TYPE shop.mood AS ENUM ('a'); CREATE DOMAIN shop.positive AS int; CREATE TYPE shop.pair AS (a int); REVOKE USAGE ON TYPE shop.mood FROM PUBLIC; GRANT USAGE ON TYPE shop.mood TO carol; ALTER TYPE shop.positive OWNER TO carol; ALTER TYPE shop.pair OWNER TO alice;
  CREATE TABLE shop.t (id serial PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY, secret text); ALTER TABLE shop.t OWNER TO alice; GRANT SELECT, INSERT ON shop.t TO "Bob ""B"""; GRANT UPDATE (secret) ON shop.t TO carol; GRANT ALL ON shop.t TO carol WITH GRANT OPTION; GRANT USAGE ON SEQUENCE shop.t_id_seq TO carol;
  SET SESSION AUTHORIZATION carol; GRANT DELETE ON shop.t TO PUBLIC; RESET SESSION AUTHORIZATION; REVOKE TRIGGER ON shop.t FROM alice;
  CREATE TABLE plain (a int); CREATE VIEW shop.v AS SELECT id FROM shop.t; ALTER VIEW shop.v OWNER TO carol; CREATE MATERIALIZED VIEW shop.m AS SELECT 1 AS one; ALTER MATERIALIZED VIEW shop.m OWNER TO alice; CREATE SEQUENCE shop.s; ALTER SEQUENCE shop.s OWNER TO alice;
  CREATE TABLE shop.parted (k int) PARTITION BY LIST (k); CREATE TABLE shop.parted_1 PARTITION OF shop.parted FOR VALUES IN (1); ALTER TABLE shop.parted_1 OWNER TO carol; GRANT SELECT ON shop.parted TO PUBLIC;
  CREATE FUNCTION shop.f(a int, b text DEFAULT 'x') RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION shop.f OWNER TO alice; REVOKE ALL ON FUNCTION shop.f FROM PUBLIC; GRANT EXECUTE ON FUNCTION shop.f TO carol; CREATE PROCEDURE shop.p() LANGUAGE sql AS ''; ALTER PROCEDURE shop.p OWNER TO carol;
  CREATE STATISTICS shop.st ON id, secret FROM shop.t; ALTER STATISTICS shop.st OWNER TO carol;
  ALTER DEFAULT PRIVILEGES FOR ROLE alice GRANT SELECT ON TABLES TO carol; ALTER DEFAULT PRIVILEGES FOR ROLE alice REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC; ALTER DEFAULT PRIVILEGES FOR ROLE alice IN SCHEMA shop GRANT USAGE ON SEQUENCES TO "Bob ""B""" WITH GRANT OPTION`;
const items = (column: string): string => `(SELECT string_agg(format('%s %s %s %s', CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, grantor::regrole, privilege_type, is_grantable), ', ' ORDER BY grantee, grantor, privilege_type) FROM aclexplode(${column}))`;
const STATE = `
  SELECT 'schema ' || nspname AS what, nspowner::regrole::text AS owner, ${items('nspacl')} AS acl FROM pg_namespace WHERE nspname IN ('shop', 'public')
  UNION ALL SELECT 'relation ' || relname, relowner::regrole::text, ${items('relacl')} FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'c') AND relnamespace IN ('public'::regnamespace, 'shop'::regnamespace)
  UNION ALL SELECT 'column ' || attname, '', ${items('attacl')} FROM pg_attribute WHERE attrelid = 'shop.t'::regclass
  UNION ALL SELECT 'type ' || typname, typowner::regrole::text, ${items('typacl')} FROM pg_type WHERE typnamespace = 'shop'::regnamespace
  UNION ALL SELECT 'routine ' || proname, proowner::regrole::text, ${items('proacl')} FROM pg_proc WHERE pronamespace = 'shop'::regnamespace
  UNION ALL SELECT 'statistics', stxowner::regrole::text, NULL FROM pg_statistic_ext
  UNION ALL SELECT format('default %s %s %s', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype), '', ${items('defaclacl')} FROM pg_default_acl ORDER BY 1`;
let server: PostgresServer;
let indexed: IndexedArchive;

beforeAll(async () => {
  server = await PostgresServer.create({ major: 17, walSegmentMb: 1, settings: { autovacuum: false } });
  await server.sql(ROLES);
  await server.sql('CREATE DATABASE owned TEMPLATE template0');
  await server.sql('CREATE DATABASE fresh TEMPLATE template0');
  const backup = await takePlainBackup(server, join(server.root, 'backup'));
  await server.sql(SETUP, 'owned');
  await server.archiveAll();
  indexed = await indexArchive({ backup, wal: server.walDir });
});
afterAll(async () => {
  indexed?.remove();
  await server?.destroy();
});

it('are the same in a fresh database', async () => {
  const { session } = indexed;
  const database = session.database(session.moment('latest'), 'owned');
  const { settings, before, after, unknown } = databaseDdl(database, { owners: true });
  expect(unknown).toEqual([]);
  expect(after).toContain('-- roles that must be there: "Bob ""B""", alice, carol, postgres');
  await server.sql([...settings, ...before, ...after].join('\n'), 'fresh');
  expect(await server.sql(STATE, 'fresh')).toEqual(await server.sql(STATE, 'owned'));
});

it('are written for a table alone, and left out where nobody asked', () => {
  const { session } = indexed;
  const database = session.database(session.moment('latest'), 'owned');
  const { oid } = database.relation('shop.v');
  expect(ownership(database, (classOid, each) => classOid === PG_CLASS && each === oid, false)).toEqual(['-- roles that must be there: carol', 'ALTER VIEW shop.v OWNER TO carol;']);
  expect(databaseDdl(database).after.join('\n')).not.toMatch(/OWNER TO|GRANT/);
});
