/** Generic replay against the pages that PostgreSQL itself expects, on every major: a bloom index writes nothing else. */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { PG_MAJORS } from '../../src/pg/version.js';
import { genericRmgr } from '../../src/redo/generic/index.js';
import { genericRedo } from '../../src/redo/generic/redo.js';
import type { RedoContext } from '../../src/redo/rmgr.js';
import { makeConsistencyArchive, withRedo, type ConsistencyArchive } from '../support/consistencyArchive.js';
import { runNaiveRecovery } from '../support/naiveRecovery.js';

const WORKLOAD = readFileSync(new URL('workload/generic.sql', import.meta.url), 'utf8');

describe.each(PG_MAJORS)('PostgreSQL %i', (major) => {
  let archive: ConsistencyArchive;
  afterAll(() => archive?.destroy());

  it('replays every Generic record to the page that the primary had', async () => {
    archive = await makeConsistencyArchive(major, 'generic', WORKLOAD, { full_page_writes: false });
    const report = runNaiveRecovery({ major, walDir: archive.walDir });
    expect(report.differences).toEqual([]);
    const counts = report.rmgrs['Generic']!;
    expect(counts).toMatchObject({ different: 0, failed: 0, unhandled: 0 });
    expect(counts.compared).toBeGreaterThan(1_000);
  });

  if (major !== 18) return;
  it('notices a byte that replay got wrong', () => {
    let calls = 0;
    const damagedRedo = (ctx: RedoContext): void => {
      genericRedo(ctx);
      const page = ctx.pageForRedo(0);
      if (page && ++calls === 500) page.bytes[100]! ^= 1;
    };
    const report = withRedo(genericRmgr, damagedRedo, () => runNaiveRecovery({ major, walDir: archive.walDir }));
    expect(report.rmgrs['Generic']!.different).toBe(1);
    expect(report.differences[0]!.detail).toMatch(/^100:/);
  });
});
