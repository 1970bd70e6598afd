/** A database's `schema --ddl` and its rows by `asof --format copy`, loaded into a real server, and what that server then says of both. */
import type { Client } from 'pg';
import { copyIn, copyOut } from '../../fixtures/postgres/copy.js';
import type { PostgresServer } from '../../fixtures/postgres/server.js';
import { writeRowBytes } from '../../src/commands/rowBytes.js';
import { fieldForm } from '../../src/output/byteFields.js';
import { asof } from '../../src/query/asof.js';
import type { Relation } from '../../src/catalog/relation.js';
import { databaseDdl } from '../../src/query/databaseDdl.js';
import { openSource, ownRows, type ScanSource } from '../../src/query/scanSource.js';
import { parentsOf } from '../../src/query/schema.js';
import { Findings, isSystemSchema, type DatabaseAt } from '../../src/query/session.js';
import { qualifyName, quoteIdentifier } from '../../src/util/quote.js';
import { firstDifference } from './truthCase.js';

export interface RoundTrip {
  statements: number;
  /** Statements that the server refused: `message: statement`. */
  refused: string[];
  /** What is said to be missing. */
  unknown: string[];
  tables: number;
  rows: number;
  /** A line for each table whose rows are others. */
  differences: string[];
  /** Tables with values that no server takes as it prints them. */
  unreadable: number;
  /** What the server says of the objects. */
  definitions: Map<string, string>;
}

const USER_SCHEMA = "nspname !~ '^pg_' AND nspname <> 'information_schema'";

/**
 * Every definition of a database's users as the server prints it: `kind name` → text. Left out is what no statement names: the constraints
 * that stand for a foreign key at each partition of the table referred to, and options of columns that a patched server keeps for itself.
 */
export async function serverDefinitions(client: Client): Promise<Map<string, string>> {
  await client.query('SET search_path = public, pg_catalog');
  const hasCompression = Number((await client.query<{ version: string }>("SELECT current_setting('server_version_num') AS version")).rows[0]!.version) >= 140_000;
  const { rows } = await client.query<{ key: string; def: string }>(`
    WITH relations AS (SELECT c.*, quote_ident(nspname) || '.' || quote_ident(relname) AS fullname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE ${USER_SCHEMA} AND relpersistence <> 't')
    SELECT 'relation ' || fullname AS key, concat_ws(' ', relkind, relpersistence, reloptions) AS def FROM relations WHERE relkind <> 'c'
    UNION ALL SELECT 'columns ' || fullname, string_agg(concat_ws(' ', quote_ident(attname), format_type(atttypid, atttypmod), attcollation::regcollation, attnotnull, attidentity, attgenerated, attstorage), ', ' ORDER BY attnum)
      FROM pg_attribute JOIN relations r ON r.oid = attrelid WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p', 'f', 'v', 'm', 'c') GROUP BY 1
    UNION ALL SELECT 'default ' || fullname || ' ' || attname, pg_get_expr(adbin, adrelid) FROM pg_attrdef JOIN relations r ON r.oid = adrelid JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
    UNION ALL SELECT 'constraint ' || fullname || ' ' || conname, pg_get_constraintdef(c.oid) FROM pg_constraint c JOIN relations r ON r.oid = conrelid
      WHERE NOT EXISTS (SELECT FROM pg_constraint p WHERE p.oid = c.conparentid AND p.conrelid = c.conrelid)
    UNION ALL SELECT 'domain constraint ' || contypid::regtype || ' ' || conname, pg_get_constraintdef(c.oid) FROM pg_constraint c WHERE contypid >= 16384
    UNION ALL SELECT 'domain ' || oid::regtype, concat_ws(' ', format_type(typbasetype, typtypmod), typcollation::regcollation, typnotnull, typdefault) FROM pg_type WHERE typtype = 'd' AND oid >= 16384
    UNION ALL SELECT 'enum ' || enumtypid::regtype, string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum GROUP BY enumtypid
    UNION ALL SELECT 'range ' || rngtypid::regtype, concat_ws(' ', rngsubtype::regtype, rngcollation::regcollation) FROM pg_range WHERE rngtypid >= 16384
    UNION ALL SELECT 'index ' || r.fullname, pg_get_indexdef(indexrelid) || CASE WHEN indisvalid THEN '' ELSE ' INVALID' END FROM pg_index JOIN relations r ON r.oid = indexrelid
    UNION ALL SELECT 'child ' || c.fullname, string_agg(p.fullname, ', ' ORDER BY inhseqno) FROM pg_inherits JOIN relations c ON c.oid = inhrelid JOIN relations p ON p.oid = inhparent GROUP BY 1
    UNION ALL SELECT 'partition key ' || fullname, pg_get_partkeydef(oid) FROM relations WHERE relkind = 'p'
    UNION ALL SELECT 'bound ' || fullname, pg_get_expr(relpartbound, oid) FROM relations WHERE relispartition AND relkind IN ('r', 'p', 'f')
    UNION ALL SELECT 'view ' || fullname, pg_get_viewdef(oid) FROM relations WHERE relkind IN ('v', 'm')
    UNION ALL SELECT 'function ' || oid::regprocedure, concat_ws(' ', pg_get_functiondef(oid), (SELECT 'comes with ' || refobjid::regtype FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'i')) FROM pg_proc p WHERE prokind <> 'a' AND oid >= 16384
    UNION ALL SELECT 'sequence ' || fullname, concat_ws(' ', seqtypid::regtype, seqstart, seqincrement, seqmin, seqmax, seqcache, seqcycle, (SELECT concat_ws(' ', refobjid::regclass, attname, deptype) FROM pg_depend JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid WHERE classid = 'pg_class'::regclass AND objid = seqrelid AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')))
      FROM pg_sequence JOIN relations r ON r.oid = seqrelid
    UNION ALL SELECT 'trigger ' || fullname || ' ' || tgname, concat_ws(' ', pg_get_triggerdef(t.oid), tgenabled) FROM pg_trigger t JOIN relations r ON r.oid = tgrelid WHERE NOT tgisinternal AND tgparentid = 0
    UNION ALL SELECT 'rule ' || fullname || ' ' || rulename, concat_ws(' ', pg_get_ruledef(w.oid), ev_enabled) FROM pg_rewrite w JOIN relations r ON r.oid = ev_class WHERE rulename <> '_RETURN'
    UNION ALL SELECT 'policy ' || fullname || ' ' || polname, concat_ws(' ', polcmd, polpermissive, polroles::regrole[], pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) FROM pg_policy JOIN relations r ON r.oid = polrelid
    UNION ALL SELECT 'statistics ' || quote_ident(nspname) || '.' || stxname, concat_ws(' ', pg_get_statisticsobjdef(s.oid), nullif(stxstattarget, -1)) FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = stxnamespace
    UNION ALL SELECT 'settings ' || fullname, concat_ws(' ', relrowsecurity, relforcerowsecurity, relreplident, (SELECT string_agg(relname, '') FROM pg_index JOIN pg_class i ON i.oid = indexrelid WHERE indrelid = r.oid AND indisreplident)) FROM relations r WHERE relkind IN ('r', 'p', 'f', 'm')
    UNION ALL SELECT 'column settings ' || fullname || ' ' || attname, concat_ws(' ', CASE WHEN attstattarget >= 0 THEN attstattarget END, (SELECT string_agg(o, ',') FROM unnest(attoptions) o WHERE o ~ '^n_distinct'), attfdwoptions${hasCompression ? ', attcompression' : ''}) FROM pg_attribute a JOIN relations r ON r.oid = attrelid WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p', 'f', 'm')
    UNION ALL SELECT 'comment ' || identity || ' ' || objsubid, description FROM (SELECT * FROM pg_description WHERE objoid >= 16384 AND classoid::regclass::text IN ('pg_class', 'pg_constraint', 'pg_trigger', 'pg_rewrite', 'pg_policy', 'pg_statistic_ext', 'pg_type', 'pg_proc', 'pg_namespace') OFFSET 0) d, pg_identify_object(classoid, objoid, objsubid)
      WHERE type IN ('table', 'view', 'materialized view', 'foreign table', 'index', 'sequence', 'table column', 'view column', 'foreign table column', 'composite type column', 'table constraint', 'trigger', 'rule', 'policy', 'statistics object', 'type', 'function', 'procedure', 'schema')`);
  return new Map(rows.map(({ key, def }) => [key, def]));
}

/** Partitioned tables by hash: an enum's labels are hashed by their OIDs, which are others in another database, so that rows go in by the root. */
function hashPartitioned(database: DatabaseAt): Set<number> {
  const found = new Set<number>();
  database.catalog.scan('pg_partitioned_table', (row) => {
    if (row.char('partstrat') === 'h') found.add(row.oid('partrelid'));
  });
  return found;
}

/** What rows are loaded into, with the source of the rows: tables, and above partitions by hash the root. */
function loadTargets(database: DatabaseAt): { relation: Relation; source: ScanSource }[] {
  const { catalog } = database;
  const hashed = hashPartitioned(database);
  const roots = new Set<Relation>();
  const targets: { relation: Relation; source: ScanSource }[] = [];
  for (const relation of [...catalog.relations.values()].sort((a, b) => a.oid - b.oid)) {
    if (relation.kind !== 'r' || relation.persistence !== 'p' || isSystemSchema(catalog.schemaOf(relation))) continue;
    let root: Relation = relation;
    let isHashed = false;
    while (root.isPartition) {
      root = catalog.relations.get(parentsOf(database, root.oid)[0]!)!;
      isHashed ||= hashed.has(root.oid);
    }
    if (!isHashed) targets.push({ relation, source: ownRows(database.open(relation)) });
    else if (!roots.has(root)) {
      roots.add(root);
      targets.push({ relation: root, source: openSource(database, `oid:${root.oid}`) });
    }
  }
  return targets;
}

async function loadRows(database: DatabaseAt, client: Client, origin: Client, trip: RoundTrip): Promise<void> {
  const { catalog } = database;
  for (const { relation, source } of loadTargets(database)) {
    const name = qualifyName(catalog.schemaOf(relation), relation.name);
    const columns = catalog.columns(relation.oid).filter((column) => !column.dropped && column.generated === '').map((column) => column.name);
    const names = columns.map((column) => quoteIdentifier(column)).join(', ');
    trip.tables += source.parts.length;
    try {
      const findings = new Findings();
      const answer = await asof(database, source, columns.length === 0 ? {} : { columns }, findings);
      const pieces: Buffer[] = [];
      writeRowBytes(answer, fieldForm('copy', answer.columns.length)!, (bytes) => pieces.push(Buffer.from(bytes)) > 0);
      const ours = Buffer.concat(pieces);
      trip.rows += ours.reduce((sum, byte) => sum + (byte === 0x0a ? 1 : 0), 0);
      if (findings.list.length > 0) trip.differences.push(`${name}: ${findings.list[0]!.message}`);
      await copyIn(client, `COPY ${name}${names === '' ? '' : ` (${names})`} FROM STDIN`, ours);
      const theirs = await copyOut(client, `COPY (SELECT ${names} FROM ${relation.kind === 'p' ? '' : 'ONLY '}${name}) TO STDOUT`);
      // where pages are left part empty, COPY puts a small row where a large one did not fit
      const [loaded, wanted] = [theirs, ours].map((each) => each.toString('latin1').split('\n').sort().join('\n'));
      if (loaded === wanted) continue;
      // xml_out() drops a newline, jsonpath_out() parentheses: what the server itself prints of a value need not be what it prints of that text
      const own = await copyOut(origin, `COPY (SELECT ${names} FROM ${relation.kind === 'p' ? '' : 'ONLY '}${name}) TO STDOUT`);
      if (!own.equals(ours)) trip.differences.push(`${name}: ${firstDifference(ours, theirs)}`);
    } catch (error) {
      // pg_node_tree and its like can be printed, but not read; regoper and regproc print names that may mean several
      if (/^cannot accept a value of type|^more than one (operator|function) named/.test((error as Error).message)) trip.unreadable++;
      else trip.differences.push(`${name}: ${(error as Error).message}`);
    }
  }
}

/** Loads the database into an empty one of the same encoding on `server`, which still has the database as it was at the moment. */
export async function roundTrip(database: DatabaseAt, server: PostgresServer, target: string): Promise<RoundTrip> {
  const ddl = databaseDdl(database);
  const trip: RoundTrip = { statements: ddl.before.length + ddl.after.length, refused: [], unknown: ddl.unknown, tables: 0, rows: 0, unreadable: 0, differences: [], definitions: new Map() };
  const encoding = await server.sql<{ name: string }>(`SELECT pg_encoding_to_char(${database.database.encoding}) AS name`);
  await server.sql(`CREATE DATABASE ${quoteIdentifier(target)} ENCODING '${encoding[0]!.name}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`);
  await server.session(target, async (client) => {
    const isRaw = database.encoding.outputCharset === 'latin1';
    if (isRaw) await client.query('SET client_encoding TO SQL_ASCII');
    const run = async (statement: string): Promise<void> => {
      // the driver writes UTF-8, which is what the bytes of a name in SQL_ASCII are here
      const text = isRaw ? Buffer.from(statement, 'latin1').toString('utf8') : statement;
      await client.query(text).catch((error: Error) => trip.refused.push(`${error.message}: ${statement}`));
    };
    for (const statement of [...ddl.settings, ...ddl.before]) await run(statement);
    await client.query(`SET session_replication_role = replica; SET DateStyle = 'ISO'; SET TimeZone = 'UTC'`);
    await server.session(database.database.name, async (origin) => {
      if (isRaw) await origin.query('SET client_encoding TO SQL_ASCII');
      await origin.query(`SET DateStyle = 'ISO'; SET TimeZone = 'UTC'`);
      await loadRows(database, client, origin, trip);
    });
    for (const statement of ddl.after) await run(statement);
    trip.definitions = await serverDefinitions(client);
  });
  return trip;
}

/** Definitions that are missing, too many, or different. */
export function definitionDifferences(ours: ReadonlyMap<string, string>, theirs: ReadonlyMap<string, string>): string[] {
  const lines: string[] = [];
  for (const [key, text] of theirs) {
    const mine = ours.get(key);
    // a constant of xml begins without its newline when it is read back
    if (mine?.replaceAll("'\n<", "'<") === text.replaceAll("'\n<", "'<")) continue;
    if (mine === undefined) lines.push(`missing ${key}: ${text}`);
    else lines.push(`${key}: ${mine} instead of ${text}`);
  }
  for (const [key, text] of ours) if (!theirs.has(key)) lines.push(`too many ${key}: ${text}`);
  return lines;
}
