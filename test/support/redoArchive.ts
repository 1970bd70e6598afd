/**
 * A short life of a real server as an archive with its base backup, and the pages that real recovery makes of both:
 * what tests of a resource manager's redo replay, and hold their pages against.
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { takePlainBackup, type BaseBackup } from '../../fixtures/postgres/backup.js';
import { recoverTo } from '../../fixtures/postgres/recovery.js';
import { PostgresServer, type Settings } from '../../fixtures/postgres/server.js';
import { BLCKSZ, Page, SIZE_OF_PAGE_HEADER } from '../../src/pg/page.js';
import { DEFAULTTABLESPACE_OID, type RelFork } from '../../src/pg/relFileLocator.js';
import type { PgMajor } from '../../src/pg/version.js';
import type { NaivePages } from './naivePages.js';

export interface RedoArchive {
  /** Stopped by `buildRedoArchive`; `destroy()` removes backup and archive too. */
  server: PostgresServer;
  major: PgMajor;
  backup: BaseBackup;
  walDir: string;
  /** The main forks of what the workload created in the default tablespace, by name. */
  relations: Map<string, RelFork>;
  /** Text that pg_walinspect gives for the manager's records, by LSN: on 15 and later and where asked for. */
  descriptions: Map<string, string>;
}

export interface RedoArchiveOptions {
  major: PgMajor;
  /** Statements, each ended by a semicolon at the end of a line, run one by one in one session. */
  workload: string;
  settings?: Settings;
  /** Resource managers whose records pg_walinspect shall describe, as it names them (`Gin`). */
  describe?: string[];
}

/** Starts a server, backs it up, runs the workload, archives all WAL and stops. Autovacuum is off unless `settings` say otherwise. */
export async function buildRedoArchive({ major, workload, settings, describe }: RedoArchiveOptions): Promise<RedoArchive> {
  const server = await PostgresServer.create({ major, settings: { autovacuum: false, max_wal_size: '4GB', wal_keep_size: '4GB', ...settings } });
  try {
    const backup = await takePlainBackup(server, join(server.root, 'backup'));
    const start = await server.insertLsn();
    await server.session('postgres', async (client) => {
      for (const statement of workload.split(/;\s*$/m)) if (statement.trim() !== '') await client.query(statement);
    });
    const relations = new Map<string, RelFork>();
    const rows = await server.sql<{ name: string; path: string }>(
      'SELECT relname AS name, pg_relation_filepath(oid) AS path FROM pg_class WHERE oid >= 16384 AND relfilenode <> 0');
    for (const { name, path } of rows) {
      const match = /^base\/(\d+)\/(\d+)$/.exec(path);
      if (match) relations.set(name, { spcOid: DEFAULTTABLESPACE_OID, dbOid: Number(match[1]), relNumber: Number(match[2]), fork: 0 });
    }
    const descriptions = describe && major >= 15 ? await walinspect(server, start, describe) : new Map<string, string>();
    await server.archiveAll();
    await server.stop();
    return { server, major, backup, walDir: server.walDir, relations, descriptions };
  } catch (error) {
    server.destroyNow();
    throw error;
  }
}

async function walinspect(server: PostgresServer, start: string, managers: string[]): Promise<Map<string, string>> {
  await server.sql('CREATE EXTENSION pg_walinspect');
  const [flushed] = await server.sql<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn');
  const list = managers.map((name) => `'${name}'`).join(', ');
  const rows = await server.sql<{ lsn: string; text: string }>(
    `SELECT start_lsn::text AS lsn, record_type || ' ' || coalesce(description, '') AS text FROM pg_get_wal_records_info('${start}', '${flushed!.lsn}') WHERE resource_manager IN (${list})`);
  return new Map(rows.map(({ lsn, text }) => [lsn, text]));
}

/** Lets real PostgreSQL recover the whole archive; gives the stopped server, whose data directory holds every page. */
export async function recoverArchive(archive: RedoArchive): Promise<PostgresServer> {
  const recovered = await recoverTo({ major: archive.major, backup: archive.backup, wal: archive.walDir });
  await recovered.stop();
  return recovered;
}

/** Hides what recovery does not determine: the checksum and the bytes between pd_lower and pd_upper. All else, the LSN too, must agree. */
function hideUndetermined(page: Page): void {
  page.pdChecksum = 0;
  if (page.pdLower >= SIZE_OF_PAGE_HEADER && page.pdLower <= page.pdUpper && page.pdUpper <= BLCKSZ) page.bytes.fill(0, page.pdLower, page.pdUpper);
}

export interface PageComparison {
  pages: number;
  /** One line a page that differs: `name block: offset:ours/theirs …` in hex. */
  differences: string[];
}

/** Holds every page of a file that real recovery left against the page that ours made. */
export function comparePages(pages: NaivePages, recovered: PostgresServer, name: string, rel: RelFork): PageComparison {
  const file = join(recovered.dataDir, 'base', String(rel.dbOid), String(rel.relNumber));
  const count = statSync(file).size / BLCKSZ;
  const result: PageComparison = { pages: count, differences: [] };
  const fd = openSync(file, 'r');
  for (let block = 0; block < count; block++) {
    const theirs = new Page();
    readSync(fd, theirs.bytes, 0, BLCKSZ, block * BLCKSZ);
    const ours = new Page((pages.get(rel, block) ?? new Page()).bytes.slice());
    hideUndetermined(theirs);
    hideUndetermined(ours);
    const found: string[] = [];
    for (let i = 0; i < BLCKSZ && found.length < 12; i++) {
      if (ours.bytes[i] !== theirs.bytes[i]) found.push(`${i}:${ours.bytes[i]!.toString(16)}/${theirs.bytes[i]!.toString(16)}`);
    }
    if (found.length > 0) result.differences.push(`${name} ${block}: ${found.join(' ')}`);
  }
  closeSync(fd);
  return result;
}
