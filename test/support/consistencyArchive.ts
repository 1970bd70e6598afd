/** Archives whose WAL carries each record's expected page (wal_consistency_checking), made by a real server of any major. */
import { PostgresServer, type Settings } from '../../fixtures/postgres/server.js';
import type { PgMajor } from '../../src/pg/version.js';
import { XLogReader } from '../../src/pg/xlogReader.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import type { RedoFunction, Rmgr } from '../../src/redo/rmgr.js';
import { RMGRS } from '../../src/redo/rmgrlist.js';
import { WalDirectory } from './walDirectory.js';

export interface ConsistencyArchive {
  major: PgMajor;
  walDir: string;
  /** Removes the archive. */
  destroy(): Promise<void>;
}

/**
 * Runs `script` on a fresh server that checks `rmgrs` (`spgist`, `brin`, …, or `all`) and archives all its WAL, then stops it.
 * The script's statements end with `;` at a line's end; each runs alone, so that VACUUM is possible.
 */
export async function makeConsistencyArchive(major: PgMajor, rmgrs: string, script: string, settings: Settings = {}): Promise<ConsistencyArchive> {
  const server = await PostgresServer.create({
    major,
    walSegmentMb: 4,
    settings: { wal_consistency_checking: rmgrs, wal_compression: true, autovacuum: false, max_wal_size: '1GB', ...settings },
  });
  try {
    await server.session('postgres', async (client) => {
      for (const statement of script.split(/;\s*\n/)) {
        if (statement.trim() !== '') await client.query(statement);
      }
    });
    await server.archiveAll();
    await server.stop();
  } catch (error) {
    await server.destroy();
    throw error;
  }
  return { major, walDir: server.walDir, destroy: () => server.destroy() };
}

/** Every record of one manager in an archive, as `NAME text`, the way pg_waldump prints it after `desc: `. */
export function describeRecords(walDir: string, rmid: number): string[] {
  const wal = new WalDirectory(walDir);
  const reader = new XLogReader(wal, { major: wal.major, systemIdentifier: wal.systemIdentifier });
  const record = new XLogRecord();
  const rmgr = RMGRS[rmid]!;
  const texts: string[] = [];
  if (reader.seek(wal.firstLsn, record) === undefined) throw reader.end!.error;
  while (reader.next(record)) {
    if (record.rmid === rmid) texts.push(`${rmgr.identify(record.info, record.major) ?? 'UNKNOWN'} ${rmgr.desc(record)}`);
  }
  wal.close();
  return texts;
}

/** How many of the texts begin with each opcode's name. */
export function countOpcodes(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const text of texts) {
    const name = text.slice(0, text.indexOf(' '));
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Runs `work` while the manager replays with `redo`: how a test damages replay on purpose. */
export function withRedo<T>(rmgr: Rmgr, redo: RedoFunction, work: () => T): T {
  const row: { redo: RedoFunction | null } = rmgr;
  const original = row.redo;
  row.redo = redo;
  try {
    return work();
  } finally {
    row.redo = original;
  }
}
