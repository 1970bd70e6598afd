/** A random run: databases in several encodings that change at random on a real server; at random moments asof's csv and copy beside the server's own COPY. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { takePlainBackup } from '../../../fixtures/postgres/backup.js';
import { copyOut } from '../../../fixtures/postgres/copy.js';
import { PostgresServer } from '../../../fixtures/postgres/server.js';
import type { PgMajor } from '../../../src/pg/version.js';
import { Session } from '../../../src/query/session.js';
import { timeZone } from '../../../src/util/timeZone.js';
import { Random } from '../../rows/cases/typeCase.js';
import { definitionDifferences, roundTrip, serverDefinitions } from '../ddlRoundTrip.js';
import { asofBytes, firstDifference, indexArchive } from '../truthCase.js';
import { RandomDatabase } from './database.js';

export interface RandomRunOptions {
  major: PgMajor;
  seed: number;
  /** A database for each. */
  encodings: readonly string[];
  moments: number;
  /** Another installation of the major than the fixtures' own. */
  home?: string;
  lz4?: boolean;
}

export interface RandomRunResult {
  /** Tables at moments that were compared, each in both formats. */
  tableMoments: number;
  rows: number;
  statements: number;
  /** Statements that the server refused: part of any run, but a run of little else proves nothing. */
  refused: number;
  /** Objects that `schema --ddl` brought back, rows too. */
  definitions: number;
  /** A line each. */
  differences: string[];
  /** What was run, by database: to be read where something differs. */
  logs: Map<string, readonly string[]>;
}

const ZONES = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Apia', 'Asia/Kolkata', 'America/Sao_Paulo'] as const;
const FORMATS = { csv: '(FORMAT csv, HEADER)', copy: '(FORMAT text)' } as const;

const TABLES = `
  SELECT c.oid::int AS oid, quote_ident(nspname) || '.' || quote_ident(relname) AS name, relkind AS kind
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
   WHERE relkind IN ('r', 'm', 'p') AND nspname !~ '^pg_' AND nspname <> 'information_schema' AND relispopulated ORDER BY 1`;
const CATALOGS = ['pg_class', 'pg_attribute', 'pg_type', 'pg_attrdef', 'pg_constraint', 'pg_index', 'pg_inherits', 'pg_enum', 'pg_depend', 'pg_rewrite', 'pg_statistic', 'pg_proc'];

interface CapturedTable {
  database: string;
  oid: number;
  name: string;
  /** SELECT … FROM ONLY. */
  only: boolean;
  rows: number;
  bytes: Record<'csv' | 'copy', Buffer>;
}

interface CapturedMoment {
  lsn: string;
  zone: string;
  tables: CapturedTable[];
}

async function capture(server: PostgresServer, databases: readonly RandomDatabase[], name: string, zone: string, random: Random): Promise<CapturedMoment> {
  const tables: CapturedTable[] = [];
  for (const { options } of databases) {
    await server.session(options.name, async (client) => {
      if (options.encoding === 'SQL_ASCII') await client.query('SET client_encoding TO SQL_ASCII');
      await client.query(`SET TimeZone TO '${zone}'`);
      const { rows } = await client.query<{ oid: number; name: string; kind: string }>(TABLES);
      const catalog = random.pick(CATALOGS);
      const wanted = [...rows, { oid: 0, name: `pg_catalog.${catalog}`, kind: 'r' }];
      for (const { oid, name, kind } of wanted) {
        for (const only of kind === 'p' ? [false] : [true, false]) tables.push(await captureTable(client, options.name, oid, name, only));
      }
    });
  }
  const lsn = await server.session('postgres', async (client) => {
    await client.query('SELECT txid_current()');
    const { rows } = await client.query<{ lsn: string }>('SELECT pg_create_restore_point($1)::text AS lsn', [name]);
    return rows[0]!.lsn;
  });
  return { lsn, zone, tables };
}

async function captureTable(client: Client, database: string, oid: number, name: string, only: boolean): Promise<CapturedTable> {
  const query = `SELECT * FROM ${only ? 'ONLY ' : ''}${name}`;
  const copy = (format: 'csv' | 'copy'): Promise<Buffer> => copyOut(client, `COPY (${query}) TO STDOUT ${FORMATS[format]}`);
  const bytes = { csv: await copy('csv'), copy: await copy('copy') };
  return { database, oid, name, only, rows: bytes.copy.reduce((sum, byte) => sum + (byte === 0x0a ? 1 : 0), 0), bytes };
}

/** Makes a cluster of random databases, and compares every table at every moment. */
export async function randomRun(options: RandomRunOptions): Promise<RandomRunResult> {
  const { major, seed } = options;
  const random = new Random(seed);
  const server = await PostgresServer.create({ major, home: options.home, settings: { autovacuum: false, max_connections: 30 } });
  const databases: RandomDatabase[] = [];
  const captured: CapturedMoment[] = [];
  const backupPath = join(server.root, 'backup');
  try {
    const add = async (encoding: string): Promise<void> => {
      const name = `db ${encoding.toLowerCase()} ${databases.length}`;
      await server.sql(`CREATE DATABASE "${name}" ENCODING '${encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`);
      const database = new RandomDatabase({ name, encoding, major, random, lz4: options.lz4 === true }, await server.connect(name));
      databases.push(database);
      await database.prepare();
    };
    const early = Math.ceil(options.encodings.length / 2);
    for (const encoding of options.encodings.slice(0, early)) await add(encoding);
    const backup = await takePlainBackup(server, backupPath);
    for (const encoding of options.encodings.slice(early)) await add(encoding);
    for (let i = 0; i < options.moments; i++) {
      for (const database of databases) for (let step = random.int(4, 16); step > 0; step--) await database.step();
      captured.push(await capture(server, databases, `moment_${i}`, random.pick(ZONES), random));
    }
    await server.archiveAll();
    const statements = databases.flatMap((d) => d.log);
    const refused = statements.filter((line) => line.startsWith('-- failed')).length;
    const compared = await compare({ backup, wal: server.walDir }, captured, server);
    return { ...compared, statements: statements.length - refused, refused, logs: new Map(databases.map((d) => [d.options.name, d.log])) };
  } finally {
    await server.destroy();
    rmSync(backupPath, { recursive: true, force: true });
  }
}

async function compare(archive: Parameters<typeof indexArchive>[0], captured: readonly CapturedMoment[], server: PostgresServer): Promise<Pick<RandomRunResult, 'tableMoments' | 'rows' | 'definitions' | 'differences'>> {
  const indexed = await indexArchive(archive);
  const result = { tableMoments: 0, rows: 0, definitions: 0, differences: [...indexed.findings] };
  try {
    for (const { lsn, zone, tables } of captured) {
      const session = new Session(indexed.session.store, timeZone(zone)!);
      const moment = session.moment(lsn);
      for (const table of tables) {
        result.tableMoments++;
        result.rows += table.rows;
        const where = `${table.database} ${table.only ? 'ONLY ' : ''}${table.name} (${table.oid}) at ${lsn}, ${zone}`;
        for (const format of ['csv', 'copy'] as const) {
          try {
            const { bytes, findings } = await asofBytes(session.database(moment, table.database), table.oid === 0 ? table.name : `oid:${table.oid}`, format, { only: table.only });
            if (findings.length > 0) result.differences.push(`${where}: ${findings[0]!}`);
            if (!bytes.equals(table.bytes[format])) result.differences.push(`${where} as ${format}: ${firstDifference(bytes, table.bytes[format])}`);
          } catch (error) {
            result.differences.push(`${where}: ${(error as Error).stack?.split('\n').slice(0, 4).join(' | ') ?? String(error)}`);
          }
        }
      }
    }
    // nothing was changed since the last moment
    for (const name of new Set(captured.flatMap(({ tables }) => tables.map((table) => table.database)))) {
      const trip = await roundTrip(indexed.session.database(indexed.session.moment(captured.at(-1)!.lsn), name), server, `${name} again`);
      const wanted = await server.session(name, serverDefinitions);
      result.definitions += wanted.size;
      const lines = [...trip.refused, ...trip.unknown, ...trip.differences, ...definitionDifferences(trip.definitions, wanted)];
      result.differences.push(...lines.map((line) => `${name}, the definitions loaded again: ${line}`));
    }
  } finally {
    indexed.remove();
  }
  return result;
}
