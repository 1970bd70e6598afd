/**
 * Heap, Heap2 and Sequence replay on every major, against both oracles: the pages that wal_consistency_checking put into the WAL, and the
 * files that real recovery makes from the same fuzzy backup and archive, visibility maps included.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { takePlainBackup, type BaseBackup } from '../../fixtures/postgres/backup.js';
import { recoverTo } from '../../fixtures/postgres/recovery.js';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import type { RelFork } from '../../src/pg/relFileLocator.js';
import { PG_MAJORS, type PgMajor } from '../../src/pg/version.js';
import { XLR_CHECK_CONSISTENCY } from '../../src/pg/xlogRecord.js';
import { heapRmgr } from '../../src/redo/heap/index.js';
import { heapRedo } from '../../src/redo/heap/redo.js';
import { XLOG_HEAP_HOT_UPDATE, XLOG_HEAP_OPMASK } from '../../src/redo/heap/xlog.js';
import type { RedoContext } from '../../src/redo/rmgr.js';
import { RmgrId } from '../../src/redo/rmgrlist.js';
import { countOpcodes, describeRecords, withRedo } from '../support/consistencyArchive.js';
import { NaiveRecovery, runNaiveRecovery } from '../support/naiveRecovery.js';
import { compareWithRecovered, heapForks } from '../support/recoveredHeap.js';
import { churn, concurrentRecords, logicalRecords } from './workload/heapSessions.js';

const WORKLOAD = readFileSync(new URL('workload/heap.sql', import.meta.url), 'utf8');

// HOT_UPDATE+INIT cannot be: a heap-only tuple is never the first of its page
const HEAP_OPCODES = [
  'DELETE', 'HEAP_CONFIRM', 'HOT_UPDATE', 'INPLACE', 'INSERT', 'INSERT+INIT', 'LOCK', 'TRUNCATE', 'UPDATE', 'UPDATE+INIT',
];
const PRUNE_OPCODES_14 = ['FREEZE_PAGE', 'PRUNE', 'VACUUM'];
const PRUNE_OPCODES_17 = ['PRUNE_ON_ACCESS', 'PRUNE_VACUUM_CLEANUP', 'PRUNE_VACUUM_SCAN'];
const PRUNE_OPCODES: Record<PgMajor, string[]> = {
  13: ['CLEAN', 'CLEANUP_INFO', 'FREEZE_PAGE'], 14: PRUNE_OPCODES_14, 15: PRUNE_OPCODES_14, 16: PRUNE_OPCODES_14, 17: PRUNE_OPCODES_17, 18: PRUNE_OPCODES_17,
};
const HEAP2_OPCODES = ['LOCK_UPDATED', 'MULTI_INSERT', 'MULTI_INSERT+INIT', 'NEW_CID', 'REWRITE', 'VISIBLE'];
/** Majors whose clusters have data checksums here: PostgreSQL's own default, and one of the others. */
const CHECKSUMS: Record<PgMajor, boolean> = { 13: false, 14: true, 15: false, 16: false, 17: false, 18: true };

interface HeapArchive { server: PostgresServer; backup: BaseBackup; forks: RelFork[] }

async function makeHeapArchive(major: PgMajor): Promise<HeapArchive> {
  const server = await PostgresServer.create({
    major, walSegmentMb: 4, dataChecksums: CHECKSUMS[major],
    settings: {
      wal_level: 'logical', wal_consistency_checking: 'heap,heap2,sequence', full_page_writes: false, autovacuum: false, shared_buffers: '1MB',
      max_wal_size: '1GB', max_replication_slots: 2,
    },
  });
  await server.sql('CREATE TABLE fuzzy(id int, n int) WITH (fillfactor = 80); INSERT INTO fuzzy SELECT g, 0 FROM generate_series(1, 3000) g');
  let stop = false;
  const writing = churn(server, () => stop);
  const backup = await takePlainBackup(server, join(server.root, 'backup'));
  stop = true;
  await writing;
  await logicalRecords(server);
  await server.restart('fast', { wal_level: 'replica' }); // below logical, updates log a prefix and suffix only
  await concurrentRecords(server);
  await server.session('postgres', async (client) => {
    for (const statement of WORKLOAD.split(/;\s*\n/)) if (statement.trim() !== '') await client.query(statement);
  });
  const forks = await heapForks(server);
  await server.archiveAll();
  await server.stop();
  return { server, backup, forks };
}

describe.each(PG_MAJORS)('PostgreSQL %i', (major) => {
  let archive: HeapArchive;
  afterAll(() => archive?.server.destroy());

  it('replays every Heap, Heap2 and Sequence record to the page that the primary had, and to the files of real recovery', async () => {
    archive = await makeHeapArchive(major);
    const { server, backup, forks } = archive;
    const naive = new NaiveRecovery({ major, walDir: server.walDir, backupDir: backup.path, hintBitsLogged: CHECKSUMS[major] });
    const report = naive.run();
    expect(report.differences).toEqual([]);
    expect(report.withoutBase).toBe(0);
    for (const name of ['Heap', 'Heap2', 'Sequence']) expect(report.rmgrs[name]).toMatchObject({ different: 0, failed: 0, unhandled: 0 });
    expect(report.rmgrs['Heap']!.compared).toBeGreaterThan(10_000);
    expect(report.rmgrs['Heap2']!.compared).toBeGreaterThan(500);
    expect(report.rmgrs['Sequence']!.compared).toBeGreaterThan(5);

    const recovered = await recoverTo({ major, backup, wal: server.walDir });
    await recovered.stop();
    const compared = compareWithRecovered(major, recovered.dataDir, forks, (rel, block) => naive.pages.get(rel, block));
    await recovered.destroy();
    expect(compared.differences).toEqual([]);
    expect(compared.mainPages).toBeGreaterThan(500);
    expect(compared.vmPagesWithBits).toBeGreaterThan(10);
  });

  it('meets every opcode, and the flags that matter', () => {
    const heap = describeRecords(archive.server.walDir, RmgrId.heap), heap2 = describeRecords(archive.server.walDir, RmgrId.heap2);
    expect(Object.keys(countOpcodes(heap)).sort()).toEqual(HEAP_OPCODES);
    expect(Object.keys(countOpcodes(heap2)).sort()).toEqual([...HEAP2_OPCODES, ...PRUNE_OPCODES[major]].sort());
    expect(Object.keys(countOpcodes(describeRecords(archive.server.walDir, RmgrId.seq)))).toEqual(['LOG']);
    const has = (texts: string[], pattern: RegExp): boolean => texts.some((text) => pattern.test(text));
    for (const opcode of ['INSERT', 'DELETE', 'UPDATE', 'HOT_UPDATE', 'LOCK']) {
      expect(has(heap, new RegExp(`^${opcode} .*flags:? 0x[0-9A-F][13579BDF]`)), `${opcode} that clears the map`).toBe(true);
    }
    expect(has(heap2, /^MULTI_INSERT .*flags:? 0x[0-9A-F][13579BDF]/)).toBe(true);
    expect(has(heap, /^HOT_UPDATE .*flags:? 0x6/), 'prefix and suffix').toBe(true);
    expect(has(heap, /^DELETE .*flags:? 0x08/), 'a speculative insertion that gave way').toBe(true);
    expect(has(heap, /^DELETE .*flags:? 0x1/), 'a row that moved to another partition').toBe(true);
    expect(has(heap, /^LOCK .*IS_MULTI/)).toBe(true);
    expect(has(heap2, /^MULTI_INSERT\+INIT .*flags:? 0x2/), 'COPY FREEZE').toBe(major >= 14);
  });

  if (major !== 15) return;
  it('notices a byte that replay got wrong', () => {
    let updates = 0;
    const damagedRedo = (ctx: RedoContext): void => {
      heapRedo(ctx);
      const checked = (ctx.record.info & XLR_CHECK_CONSISTENCY) !== 0 && (ctx.record.info & XLOG_HEAP_OPMASK) === XLOG_HEAP_HOT_UPDATE;
      const page = checked ? ctx.pageForRedo(0) : null;
      if (page && ++updates === 500) page.bytes[page.pdUpper + 25]! ^= 1;
    };
    const { server, backup } = archive;
    const report = withRedo(heapRmgr, damagedRedo, () => runNaiveRecovery({ major, walDir: server.walDir, backupDir: backup.path }));
    expect(report.rmgrs['Heap']!.different).toBe(1);
    expect(report.differences[0]!.detail).toMatch(/^\d+:[0-9a-f]{2}\/[0-9a-f]{2}$/);
  });
});
