import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { parseControlFile } from '../../src/pg/controlFile.js';
import { crc32c } from '../../src/pg/crc32c.js';
import { PG_MAJORS } from '../../src/pg/version.js';
import { WalscopeError } from '../../src/util/errors.js';
import { formatLsn } from '../../src/util/lsn.js';

const controlFiles = new Map<number, Buffer>();

interface Truth {
  system_identifier: string; pg_control_version: number; catalog_version_no: number;
  checkpoint_lsn: string; redo_lsn: string; timeline_id: number; prev_timeline_id: number; full_page_writes: boolean; next_xid: string;
  next_oid: string; next_multixact_id: string; next_multi_offset: string; oldest_xid: string; oldest_xid_dbid: string; oldest_multi_xid: string;
  oldest_multi_dbid: string; oldest_commit_ts_xid: string; newest_commit_ts_xid: string; oldest_active_xid: string; seconds: string;
  max_data_alignment: number; database_block_size: number; blocks_per_segment: number; wal_block_size: number; bytes_per_wal_segment: number;
  max_toast_chunk_size: number; large_object_chunk_size: number; data_page_checksum_version: number; signed?: boolean;
}

describe.each(PG_MAJORS)('pg_control of a real server of %i', (major) => {
  it('agrees with the server\'s own functions', async () => {
    const server = await PostgresServer.create({
      major, walSegmentMb: 2, dataChecksums: major % 2 === 0, archive: false,
      settings: { wal_level: major === 14 ? 'logical' : 'replica', track_commit_timestamp: major >= 16, wal_log_hints: major === 15, max_prepared_transactions: 7 },
    });
    try {
      await server.sql('CREATE TABLE t (i int); INSERT INTO t VALUES (1); CHECKPOINT');
      const [truth] = await server.sql<Truth & Record<string, unknown>>(`SELECT s.system_identifier::text, s.pg_control_version, s.catalog_version_no, c.*, i.*,
        extract(epoch FROM c.checkpoint_time)::bigint::text AS seconds${major >= 18 ? ', i.default_char_signedness AS signed' : ''}
        FROM pg_control_system() s, pg_control_checkpoint() c, pg_control_init() i`);
      const bytes = readFileSync(join(server.dataDir, 'global', 'pg_control'));
      const control = parseControlFile(bytes);
      const t = truth!;
      const [epoch, xid] = t.next_xid.split(':').map(Number) as [number, number];
      expect(control).toEqual({
        major, systemIdentifier: BigInt(t.system_identifier), pgControlVersion: t.pg_control_version, catalogVersion: t.catalog_version_no,
        state: 'in production', time: control.time, checkPointLsn: control.checkPointLsn,
        checkPoint: {
          redo: control.checkPoint.redo, timeline: t.timeline_id, prevTimeline: t.prev_timeline_id, fullPageWrites: t.full_page_writes,
          walLevel: major >= 17 ? 1 : undefined, nextFullXid: epoch * 2 ** 32 + xid, nextOid: Number(t.next_oid), nextMulti: Number(t.next_multixact_id),
          nextMultiOffset: Number(t.next_multi_offset), oldestXid: Number(t.oldest_xid), oldestXidDb: Number(t.oldest_xid_dbid),
          oldestMulti: Number(t.oldest_multi_xid), oldestMultiDb: Number(t.oldest_multi_dbid), time: Number(t.seconds),
          oldestCommitTsXid: Number(t.oldest_commit_ts_xid), newestCommitTsXid: Number(t.newest_commit_ts_xid), oldestActiveXid: Number(t.oldest_active_xid),
        },
        minRecoveryPoint: 0, minRecoveryPointTimeline: 0, backupStartPoint: 0, backupEndPoint: 0, backupEndRequired: false,
        walLevel: major === 14 ? 'logical' : 'replica', walLogHints: major === 15, maxPreparedXacts: 7, trackCommitTimestamp: major >= 16,
        blockSize: t.database_block_size, relationSegmentBlocks: t.blocks_per_segment, walBlockSize: t.wal_block_size, walSegmentSize: 2 * 1024 * 1024,
        toastMaxChunkSize: t.max_toast_chunk_size, largeObjectBlockSize: t.large_object_chunk_size, dataChecksumVersion: major % 2 === 0 ? 1 : 0,
        defaultCharSigned: major >= 18 ? t.signed : undefined,
      });
      expect([formatLsn(control.checkPointLsn), formatLsn(control.checkPoint.redo)]).toEqual([t.checkpoint_lsn, t.redo_lsn]);
      await server.stop();
      const stopped = readFileSync(join(server.dataDir, 'global', 'pg_control'));
      expect(parseControlFile(stopped).state).toBe('shut down');
      controlFiles.set(major, stopped);
    } finally {
      await server.destroy();
    }
  });
});

describe('a damaged pg_control', () => {
  let good: Buffer;
  beforeAll(() => {
    good = controlFiles.get(18)!;
  });
  const codeOf = (change: (bytes: Buffer) => Buffer | void, fixCrc = true): string => {
    const copy = Buffer.from(good);
    const changed = change(copy) ?? copy;
    if (fixCrc && changed.length > 296) changed.writeUInt32LE(crc32c(changed, 0, 292), 292);
    try {
      parseControlFile(changed);
    } catch (error) {
      if (error instanceof WalscopeError) return error.code;
      throw error;
    }
    return 'accepted';
  };

  it('is refused, each with its own code', () => {
    expect(codeOf((b) => b)).toBe('accepted');
    expect(codeOf((b) => b.subarray(0, 295))).toBe('control.length');
    expect(codeOf((b) => b.subarray(0, 0))).toBe('control.length');
    expect(codeOf((b) => b.fill(0))).toBe('control.version');
    expect(codeOf((b) => { b.writeUInt32BE(1800, 8); })).toBe('control.byte_order');
    expect(codeOf((b) => { b.writeUInt32LE(1201, 8); })).toBe('control.version');
    expect(codeOf((b) => { b[33]! ^= 1; }, false)).toBe('control.crc');
    expect(codeOf((b) => { b.writeUInt32LE(4, 204); })).toBe('control.layout');
    expect(codeOf((b) => { b.writeUInt32LE(16384, 216); })).toBe('control.block_size');
    expect(codeOf((b) => { b.writeUInt32LE(0, 220); })).toBe('control.relation_segment_size');
    expect(codeOf((b) => { b.writeUInt32LE(4096, 224); })).toBe('control.wal_block_size');
    expect(codeOf((b) => { b.writeUInt32LE(3 << 20, 228); })).toBe('control.wal_segment_size');
    expect(codeOf((b) => { b.writeUInt32LE(99, 16); })).toBe('control.value');
  });
});
