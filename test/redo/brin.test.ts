/** BRIN replay against the pages that PostgreSQL itself expects, on every major. Every opcode is reached. */
import { afterAll, describe, expect, it } from 'vitest';
import { PG_MAJORS } from '../../src/pg/version.js';
import type { RedoContext } from '../../src/redo/rmgr.js';
import { RmgrId } from '../../src/redo/rmgrlist.js';
import { brinRedo } from '../../src/redo/brin/redo.js';
import { brinRmgr } from '../../src/redo/brin/index.js';
import { countOpcodes, describeRecords, makeConsistencyArchive, withRedo, type ConsistencyArchive } from '../support/consistencyArchive.js';
import { runNaiveRecovery } from '../support/naiveRecovery.js';

/** Fillfactor 10 puts a row on each heap block, so that 1,361 rows need a second revmap page, and its place's tuples move away. */
const WORKLOAD = `
CREATE TABLE br (id int, w text, n int, r int4range, i inet) WITH (fillfactor = 10);
INSERT INTO br SELECT g, repeat(chr(97 + g % 26), 500), g, int4range(g, g + 5), '10.0.0.1'::inet + g FROM generate_series(1, 100) g;
CREATE INDEX br_minmax ON br USING brin (w, n) WITH (pages_per_range = 1, autosummarize = off);
CREATE INDEX br_inclusion ON br USING brin (r, i inet_inclusion_ops) WITH (pages_per_range = 8);
CREATE INDEX br_auto ON br USING brin (id) WITH (pages_per_range = 16, autosummarize = on);
INSERT INTO br SELECT g, repeat(chr(97 + g % 26), 500), g, int4range(g, g + 5), '10.0.0.1'::inet + g FROM generate_series(101, 1700) g;
SELECT brin_summarize_new_values('br_minmax'), brin_summarize_new_values('br_inclusion');
UPDATE br SET w = repeat(chr(97 + (id * 7) % 26), 400) || id, n = n + id WHERE id % 7 = 0;
VACUUM br;
UPDATE br SET w = repeat('z', 900) || id WHERE id % 5 = 0 AND id < 900;
UPDATE br SET r = int4range(id - 50, id + 500) WHERE id % 11 = 0;
SELECT brin_desummarize_range('br_minmax', g) FROM generate_series(0, 60, 3) g;
SELECT brin_desummarize_range('br_inclusion', g) FROM generate_series(0, 60, 8) g;
SELECT brin_summarize_range('br_minmax', 3);
VACUUM br;
INSERT INTO br SELECT g, 'aaa' || repeat(chr(97 + g % 26), g % 600), g, int4range(g, g + 5), '10.0.0.1'::inet + g FROM generate_series(1, 200) g;
`;

/** Operator classes that 14 brought. */
const WORKLOAD_14 = `
CREATE TABLE br14 (a float8, u uuid, t timestamptz, k int) WITH (fillfactor = 10);
INSERT INTO br14 SELECT (g * 7919) % 100, md5(g::text)::uuid, '2024-01-01'::timestamptz + g * '1 min'::interval, g FROM generate_series(1, 1500) g;
CREATE INDEX br_bloom ON br14 USING brin (u uuid_bloom_ops, k int4_bloom_ops (n_distinct_per_range = 50)) WITH (pages_per_range = 2);
CREATE INDEX br_multi ON br14 USING brin (a float8_minmax_multi_ops, t timestamptz_minmax_multi_ops (values_per_range = 16)) WITH (pages_per_range = 2);
INSERT INTO br14 SELECT (g * 7919) % 100, md5(g::text)::uuid, '2024-01-01'::timestamptz + g * '1 min'::interval, g FROM generate_series(1, 700) g;
VACUUM br14;
`;

const OPCODES = ['CREATE_INDEX', 'DESUMMARIZE', 'INSERT', 'INSERT+INIT', 'REVMAP_EXTEND', 'SAMEPAGE_UPDATE', 'UPDATE', 'UPDATE+INIT'];

describe.each(PG_MAJORS)('PostgreSQL %i', (major) => {
  let archive: ConsistencyArchive;
  afterAll(() => archive?.destroy());

  it('replays every BRIN record to the page that the primary had', async () => {
    archive = await makeConsistencyArchive(major, 'brin', major >= 14 ? WORKLOAD + WORKLOAD_14 : WORKLOAD);
    const report = runNaiveRecovery({ major, walDir: archive.walDir });
    expect(report.differences).toEqual([]);
    const counts = report.rmgrs['BRIN']!;
    expect(counts).toMatchObject({ different: 0, failed: 0, unhandled: 0 });
    expect(counts.compared).toBeGreaterThan(4000);
  });

  it('meets every opcode, and a revmap page in the place of tuples', () => {
    const texts = describeRecords(archive.walDir, RmgrId.brin);
    expect(Object.keys(countOpcodes(texts)).sort()).toEqual(OPCODES);
    // block 1 is each index's first revmap page
    expect(texts.filter((text) => /^REVMAP_EXTEND targetBlk (?!1$)/.test(text)).length).toBeGreaterThan(0);
  });

  // the check itself is the same on every major
  if (major === 18) it('notices a byte that replay got wrong', () => {
    let calls = 0;
    const damagedRedo = (ctx: RedoContext): void => {
      brinRedo(ctx);
      const page = ctx.record.info >> 4 === 1 ? ctx.pageForRedo(0) : null;
      if (page && ++calls === 1000) page.bytes[page.itemAt(page.maxOffset)]! ^= 0x40;
    };
    const report = withRedo(brinRmgr, damagedRedo, () => runNaiveRecovery({ major, walDir: archive.walDir }));
    expect(report.rmgrs['BRIN']!.different).toBe(1);
    expect(report.differences[0]!.detail).toMatch(/^\d+:[0-9a-f]{2}\/[0-9a-f]{2}$/);
  });
});
