/**
 * Hash replay against the pages that PostgreSQL itself expects, on every major. Every opcode is reached. Two branches are not:
 * ADD_OVFL_PAGE with a new bitmap page (an index needs 32,768 overflow pages first) and SQUEEZE_PAGE with a page after the freed one
 * (the server frees only the last page of a chain).
 */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { PG_MAJORS } from '../../src/pg/version.js';
import { hashRmgr } from '../../src/redo/hash/index.js';
import { hashRedo } from '../../src/redo/hash/redo.js';
import { XLOG_HASH_DELETE } from '../../src/redo/hash/xlog.js';
import type { RedoContext } from '../../src/redo/rmgr.js';
import { RmgrId } from '../../src/redo/rmgrlist.js';
import { countOpcodes, describeRecords, makeConsistencyArchive, withRedo, type ConsistencyArchive } from '../support/consistencyArchive.js';
import { runNaiveRecovery } from '../support/naiveRecovery.js';

const WORKLOAD = readFileSync(new URL('workload/hash.sql', import.meta.url), 'utf8');

const OPCODES = [
  'ADD_OVFL_PAGE', 'DELETE', 'INIT_BITMAP_PAGE', 'INIT_META_PAGE', 'INSERT', 'MOVE_PAGE_CONTENTS', 'SPLIT_ALLOCATE_PAGE', 'SPLIT_CLEANUP',
  'SPLIT_COMPLETE', 'SPLIT_PAGE', 'SQUEEZE_PAGE', 'UPDATE_META_PAGE', 'VACUUM_ONE_PAGE',
];

describe.each(PG_MAJORS)('PostgreSQL %i', (major) => {
  let archive: ConsistencyArchive;
  afterAll(() => archive?.destroy());

  it('replays every Hash record to the page that the primary had', async () => {
    archive = await makeConsistencyArchive(major, 'hash', WORKLOAD, { full_page_writes: false, wal_compression: false, shared_buffers: '128MB' });
    const report = runNaiveRecovery({ major, walDir: archive.walDir });
    expect(report.differences).toEqual([]);
    const counts = report.rmgrs['Hash']!;
    expect(counts).toMatchObject({ different: 0, failed: 0, unhandled: 0 });
    expect(counts.compared).toBeGreaterThan(10_000);
  });

  it('meets every opcode, overflow pages new and used again, and masks that grow', () => {
    const texts = describeRecords(archive.walDir, RmgrId.hash);
    expect(Object.keys(countOpcodes(texts)).sort()).toEqual(OPCODES);
    for (const found of ['T', 'F']) expect(texts.some((text) => text.startsWith('ADD_OVFL_PAGE') && text.endsWith(`bmpage_found ${found}`))).toBe(true);
    expect(texts.some((text) => text.startsWith('SPLIT_ALLOCATE_PAGE') && text.includes('meta_page_masks_updated T'))).toBe(true);
  });

  if (major !== 18) return;
  it('notices a byte that replay got wrong', () => {
    let deletes = 0;
    const damagedRedo = (ctx: RedoContext): void => {
      hashRedo(ctx);
      const page = ctx.record.rmgrInfo === XLOG_HASH_DELETE ? ctx.pageForRedo(1) : null;
      if (page && ++deletes === 5) page.bytes[page.pdSpecial + 4]! ^= 1;
    };
    const report = withRedo(hashRmgr, damagedRedo, () => runNaiveRecovery({ major, walDir: archive.walDir }));
    expect(report.rmgrs['Hash']!.different).toBe(1);
    expect(report.differences[0]).toMatchObject({ opcode: 'DELETE' });
  });
});
