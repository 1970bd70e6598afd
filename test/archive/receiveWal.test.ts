import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { openWalArchive } from '../../src/archive/walArchive.js';
import { XLogReader } from '../../src/pg/xlogReader.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { formatLsn, parseLsn, type Lsn } from '../../src/util/lsn.js';

/** Debian's client, which compresses with gzip and lz4. */
const PG_RECEIVEWAL = '/usr/lib/postgresql/15/bin/pg_receivewal';

/** Every record from the first one on: how many there are, and where they end. */
function walk(directory: string): { records: number; end: Lsn; findings: string[]; partial: number; compression: string[] } {
  const archive = openWalArchive([directory]);
  const wal = archive.timelineWal(1);
  const reader = new XLogReader(wal, { major: archive.major, systemIdentifier: archive.systemIdentifier });
  const record = new XLogRecord();
  reader.seek(wal.coverage()[0]!.start, record);
  let records = 0;
  let end = 0 as Lsn;
  while (reader.next(record)) {
    records++;
    end = record.endLsn;
  }
  archive.close();
  return {
    records, end, findings: archive.findings.map((finding) => finding.code), partial: archive.segments.filter((segment) => segment.partial).length,
    compression: [...new Set(archive.segments.map((segment) => segment.compression))],
  };
}

it('reads what pg_receivewal leaves, the segment that it has not finished too', async () => {
  const root = mkdtempSync(join(tmpdir(), 'walscope-test-'));
  const server = await PostgresServer.create({ major: 15, walSegmentMb: 1, archive: false, settings: { autovacuum: false } });
  try {
    const connection = ['-h', server.root, '-p', '5432', '-U', 'postgres'];
    const methods = ['none', 'gzip', 'lz4'];
    for (const method of methods) await server.sql(`SELECT pg_create_physical_replication_slot('${method}', true)`);
    await server.sql("CREATE TABLE t (i int, s text); INSERT INTO t SELECT i, md5(i::text) FROM generate_series(1, 30000) i");
    const [flushed] = await server.sql<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn');
    const end = parseLsn(flushed!.lsn)!;
    // the client stops when it has seen something beyond
    await server.sql("INSERT INTO t VALUES (0, 'beyond')");
    for (const method of methods) {
      mkdirSync(join(root, method));
      execFileSync(PG_RECEIVEWAL, [...connection, '-D', join(root, method), '-S', method, `--compress=${method}`, '--no-sync', '--no-loop', `--endpos=${formatLsn(end)}`], { stdio: 'pipe' });
    }
    const plain = walk(join(root, 'none'));
    expect(plain.records).toBeGreaterThan(30000);
    expect(plain.end).toBeGreaterThanOrEqual(end);
    expect([plain.findings, plain.partial, plain.compression]).toEqual([[], 1, ['none']]);
    expect(readdirSync(join(root, 'gzip')).some((name) => name.endsWith('.gz.partial'))).toBe(true);
    for (const method of ['gzip', 'lz4']) {
      const packed = walk(join(root, method));
      expect([method, packed.findings, packed.partial, packed.compression]).toEqual([method, [], 1, [method]]);
      // how far the last segment goes depends on when the client stopped
      expect(packed.end).toBeGreaterThanOrEqual(end);
      expect(Math.abs(packed.records - plain.records)).toBeLessThan(10);
    }
  } finally {
    await server.destroy();
    rmSync(root, { recursive: true });
  }
});
