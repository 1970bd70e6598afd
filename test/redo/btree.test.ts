/** Btree replay against the pages that PostgreSQL itself expects, on every major. Every opcode is reached. */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { PG_MAJORS } from '../../src/pg/version.js';
import { XLR_CHECK_CONSISTENCY } from '../../src/pg/xlogRecord.js';
import { btreeRmgr } from '../../src/redo/btree/index.js';
import { btreeRedo } from '../../src/redo/btree/redo.js';
import { XLOG_BTREE_INSERT_LEAF } from '../../src/redo/btree/xlog.js';
import type { RedoContext } from '../../src/redo/rmgr.js';
import { RmgrId } from '../../src/redo/rmgrlist.js';
import { countOpcodes, describeRecords, makeConsistencyArchive, withRedo, type ConsistencyArchive } from '../support/consistencyArchive.js';
import { runNaiveRecovery } from '../support/naiveRecovery.js';

const WORKLOAD = readFileSync(new URL('workload/btree.sql', import.meta.url), 'utf8');

const OPCODES = [
  'DEDUP', 'DELETE', 'INSERT_LEAF', 'INSERT_META', 'INSERT_POST', 'INSERT_UPPER', 'MARK_PAGE_HALFDEAD', 'META_CLEANUP', 'NEWROOT',
  'REUSE_PAGE', 'SPLIT_L', 'SPLIT_R', 'UNLINK_PAGE', 'UNLINK_PAGE_META', 'VACUUM',
];

describe.each(PG_MAJORS)('PostgreSQL %i', (major) => {
  let archive: ConsistencyArchive;
  afterAll(() => archive?.destroy());

  it('replays every Btree record to the page that the primary had', async () => {
    // without full-page images nearly every record is redone
    archive = await makeConsistencyArchive(major, 'btree', WORKLOAD, { full_page_writes: false, wal_compression: false, shared_buffers: '128MB' });
    const report = runNaiveRecovery({ major, walDir: archive.walDir });
    expect(report.differences).toEqual([]);
    const counts = report.rmgrs['Btree']!;
    expect(counts).toMatchObject({ different: 0, failed: 0, unhandled: 0 });
    expect(counts.compared).toBeGreaterThan(10_000);
  });

  it('meets every opcode, and posting lists that are split and shrunk', () => {
    const texts = describeRecords(archive.walDir, RmgrId.btree);
    expect(Object.keys(countOpcodes(texts)).sort()).toEqual(OPCODES);
    expect(texts.some((text) => /^SPLIT_L .*postingoff:? [1-9]/.test(text))).toBe(true);
    expect(texts.some((text) => /^VACUUM .*nupdated:? [1-9]/.test(text))).toBe(true);
    // deletion outside of vacuum shrinks posting lists from 14 on
    expect(texts.some((text) => /^DELETE .*nupdated:? [1-9]/.test(text))).toBe(major >= 14);
  });

  if (major !== 18) return;
  it('notices a byte that replay got wrong', () => {
    let inserts = 0;
    const damagedRedo = (ctx: RedoContext): void => {
      btreeRedo(ctx);
      const checked = (ctx.record.info & XLR_CHECK_CONSISTENCY) !== 0 && ctx.record.rmgrInfo === XLOG_BTREE_INSERT_LEAF;
      const page = checked ? ctx.pageForRedo(0) : null;
      if (page && ++inserts === 3000) page.bytes[page.pdUpper + 4]! ^= 1;
    };
    const report = withRedo(btreeRmgr, damagedRedo, () => runNaiveRecovery({ major, walDir: archive.walDir }));
    expect(report.rmgrs['Btree']!.different).toBe(1);
    expect(report.differences[0]!.detail).toMatch(/^\d+:[0-9a-f]{2}\/[0-9a-f]{2}$/);
  });
});
