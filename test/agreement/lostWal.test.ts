import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { scanWal } from '../../src/pg/walScan.js';
import { XLogReader } from '../../src/pg/xlogReader.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { readXlOverwriteContrecord, XLOG_OVERWRITE_CONTRECORD } from '../../src/redo/xlog/xlog.js';
import { parseLsn } from '../../src/util/lsn.js';
import { WalDirectory } from '../support/walDirectory.js';
import { waldumpLine } from '../support/waldumpText.js';

const PG_WALDUMP = '/usr/lib/postgresql/15/bin/pg_waldump';

describe('line 3: a server that crashed in the middle of a record', () => {
  let server: PostgresServer | undefined;
  afterEach(() => server?.destroy());

  it('replaces the record, and we go on where PostgreSQL does', async () => {
    server = await PostgresServer.create({ major: 15, walSegmentMb: 1, archive: false, settings: { wal_keep_size: '1GB', autovacuum: false } });
    await server.sql('CREATE TABLE t(a int)');
    await server.switchWal();
    const start = await server.insertLsn();
    await server.sql('INSERT INTO t VALUES (1)');
    // a record over several segments, whose later ones are lost in the crash
    await server.sql("SELECT pg_logical_emit_message(true, 'lost', repeat('x', 3000000))");
    await server.stop('immediate');
    const wal = new WalDirectory(join(server.dataDir, 'pg_wal'));
    const segment = Math.floor(parseLsn(start)! / wal.segmentSize);
    for (const number of wal.segmentNumbers.filter((n) => n > segment)) rmSync(join(wal.directory, wal.fileAt((number * wal.segmentSize) as never)));
    wal.close();
    await server.start();
    await server.sql('INSERT INTO t VALUES (2)');
    const end = await server.insertLsn();
    await server.stop();

    const after = new WalDirectory(join(server.dataDir, 'pg_wal'));
    const reader = new XLogReader(after, { major: 15, systemIdentifier: after.systemIdentifier });
    const record = new XLogRecord();
    const ours: string[] = [];
    let aborted = 0;
    expect(reader.seek(parseLsn(start)!, record)).toBeDefined();
    while (record.endLsn < parseLsn(end)! && reader.next(record)) {
      ours.push(waldumpLine(record));
      if (reader.overwrittenLsn === 0) continue;
      aborted = reader.overwrittenLsn;
      expect(record.rmgrInfo).toBe(XLOG_OVERWRITE_CONTRECORD);
      expect(readXlOverwriteContrecord(record).overwrittenLsn).toBe(aborted);
    }
    expect(aborted).toBeGreaterThan(parseLsn(start)!);
    const { stdout } = spawnSync(PG_WALDUMP, ['-p', after.directory, '-s', start, '-e', end], { env: { TZ: 'UTC' }, encoding: 'utf8' });
    expect(ours.map((line) => line.trimEnd())).toEqual(stdout.trimEnd().split('\n').map((line) => line.trimEnd()));
    expect(ours.length).toBeGreaterThan(5);

    const scan = scanWal(after, { major: 15, from: parseLsn(start)!, until: parseLsn(end)!, onBatch: () => undefined });
    expect(scan).toMatchObject({ abortedLsns: [aborted], records: ours.length });
    expect(scan.end).toBeUndefined();
  });
});
