/**
 * SP-GiST replay against the pages that PostgreSQL itself expects, on every major.
 *
 * Branches of spgxlog.c that no archive reaches: whatever a build does (`isBuild`), since a built index is logged as whole pages;
 * ADD_NODE onto its parent's page (parentBlk 1): that parent must itself have moved, off a page that it shared with the tuple, to the
 * very page that later has room for it.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { PG_MAJORS } from '../../src/pg/version.js';
import type { RedoContext } from '../../src/redo/rmgr.js';
import { RmgrId } from '../../src/redo/rmgrlist.js';
import { spgRedo } from '../../src/redo/spgist/redo.js';
import { spgistRmgr } from '../../src/redo/spgist/index.js';
import { countOpcodes, describeRecords, makeConsistencyArchive, withRedo, type ConsistencyArchive } from '../support/consistencyArchive.js';
import { runNaiveRecovery } from '../support/naiveRecovery.js';

const WORKLOAD = `
CREATE TABLE pt (id int, p point);
CREATE INDEX pt_quad ON pt USING spgist (p quad_point_ops) WITH (fillfactor = 75);
CREATE INDEX pt_kd ON pt USING spgist (p kd_point_ops);
INSERT INTO pt SELECT g, point(g * 10, g * 10) FROM generate_series(1, 10) g;
INSERT INTO pt VALUES (-1, NULL), (-2, NULL), (-3, NULL);
DELETE FROM pt WHERE id < 5;
VACUUM pt;
INSERT INTO pt SELECT g, point((g * 7919) % 1000, (g * 104729) % 1000) FROM generate_series(1, 700) g;
INSERT INTO pt SELECT 10000 + g, NULL FROM generate_series(1, 420) g;
INSERT INTO pt SELECT 20000 + g, point(5, 5) FROM generate_series(1, 250) g;
DELETE FROM pt WHERE id % 2 = 1;
VACUUM pt;
DELETE FROM pt WHERE id BETWEEN 100 AND 500 OR id BETWEEN 10100 AND 10300;
VACUUM pt;
INSERT INTO pt SELECT 30000 + g, point((g * 7919) % 1000, (g * 104729) % 1000) FROM generate_series(1, 500) g;
VACUUM pt;
CREATE TABLE tx (t text);
CREATE INDEX tx_t ON tx USING spgist (t);
INSERT INTO tx SELECT 'baaaaaaaaaaaaaar' || g FROM generate_series(1, 60) g;
INSERT INTO tx SELECT 'f' || repeat('o', 100) || g FROM generate_series(1, 250) g;
INSERT INTO tx SELECT 'f' || repeat('o', 100 - g) || 'surprise' FROM generate_series(1, 100) g;
INSERT INTO tx SELECT repeat('longprefix', 20) || chr(48 + p) || repeat('Q', 100) || chr(48 + p % 7) || repeat('x', 200) FROM generate_series(1, 60) p;
INSERT INTO tx SELECT repeat('longprefix', 20) || chr(48 + p) || repeat('Q', 99 - p) || '2' || repeat('x', 200) FROM generate_series(1, 60) p;
INSERT INTO tx SELECT repeat('longprefix', 20) || chr(48 + p) || repeat('Q', 50) || '2' || p % 5 || repeat('x', 200) FROM generate_series(1, 60) p;
CREATE TABLE nd (t text);
CREATE INDEX nd_t ON nd USING spgist (t);
INSERT INTO nd SELECT chr(64 + r) || 'qqq' || chr(48 + p) || chr(97 + g % 4) || repeat(chr(65 + g % 20), 300) || g FROM generate_series(1, 2) r, generate_series(1, 10) p, generate_series(1, 25) g;
INSERT INTO nd SELECT chr(64 + r) || 'qqq' || chr(48 + p) || chr(33 + c) || 'zz' FROM generate_series(1, 60) c, generate_series(1, 2) r, generate_series(1, 10) p;
DELETE FROM nd WHERE t LIKE '%zz';
VACUUM nd;
INSERT INTO nd SELECT chr(64 + r) || 'qqq' || chr(48 + p) || chr(33 + c) || 'zz' FROM generate_series(1, 90, 6) c, generate_series(1, 2) r, generate_series(1, 10) p;
VACUUM nd;
VACUUM nd;
CREATE INDEX tx_built ON tx USING spgist (t);
CREATE TABLE rd (t text);
CREATE INDEX rd_t ON rd USING spgist (t);
INSERT INTO rd SELECT chr(64 + p) || repeat(chr(97 + g), 20) || g FROM generate_series(1, 26) p, generate_series(1, 12) g;
DELETE FROM rd WHERE ascii(t) % 2 = 0;
VACUUM rd;
INSERT INTO rd SELECT chr(64 + p) || repeat(chr(97 + g), 30) || g FROM generate_series(1, 26, 2) p, generate_series(1, 12) g;
INSERT INTO rd SELECT chr(64 + p) || repeat('x', 1200) FROM generate_series(2, 26, 2) p;
CREATE TABLE rg (r int4range, b box, i inet);
CREATE INDEX rg_r ON rg USING spgist (r);
CREATE INDEX rg_b ON rg USING spgist (b);
CREATE INDEX rg_i ON rg USING spgist (i);
INSERT INTO rg SELECT int4range(nullif((g * 31) % 5000, (g * 31) % 11), (g * 31) % 5000 + g % 17), box(point(g % 100, g % 77), point(g % 100 + g % 5, g % 77 + 3)),
  ('10.' || g % 256 || '.' || (g * 7) % 256 || '.' || (g * 13) % 256)::inet FROM generate_series(1, 700) g;
INSERT INTO rg SELECT 'empty', NULL, ('2001:db8::' || to_hex(g))::inet FROM generate_series(1, 100) g;
DELETE FROM rg WHERE i < '10.150.0.0';
VACUUM rg;
INSERT INTO rg SELECT int4range((g * 37) % 5000, (g * 37) % 5000 + g % 19), box(point(g % 90, g % 71), point(g % 90 + g % 5, g % 71 + 3)),
  ('10.' || g % 256 || '.' || (g * 5) % 256 || '.' || (g * 3) % 256)::inet FROM generate_series(1, 300) g;
`;

const OPCODES = ['ADD_LEAF', 'ADD_NODE', 'MOVE_LEAFS', 'PICKSPLIT', 'SPLIT_TUPLE', 'VACUUM_LEAF', 'VACUUM_REDIRECT', 'VACUUM_ROOT'];

/** What each branch of spgxlog.c looks like in the texts of 14 and later. */
const BRANCHES: Record<string, RegExp> = {
  'a leaf on a new page': /^ADD_LEAF .*\(newpage\)/,
  'a leaf in the tree of nulls': /^ADD_LEAF .*\(nulls\)/,
  'a leaf in the stead of a dead one': /^ADD_LEAF off: (\d+), headoff: \1,/,
  'a chain moved to a new page': /^MOVE_LEAFS .*\(newpage\)/,
  'a chain moved in the stead of a dead tuple': /^MOVE_LEAFS .*\(replacedead\)/,
  'a node added in place': /^ADD_NODE .*newoff: 0, parentBlk: -1/,
  'a node added, and the tuple moved off its parent’s page': /^ADD_NODE .*newoff: [1-9]\d*, parentBlk: 0/,
  'a node added, and the tuple moved with its parent elsewhere': /^ADD_NODE .*newoff: [1-9]\d*, parentBlk: 2/,
  'a tuple split on its page': /^SPLIT_TUPLE .*\(same\)/,
  'a tuple split over two pages': /^SPLIT_TUPLE [^(]*(\(newpage\))?$/,
  'a root split': /^PICKSPLIT .*\(isRootSplit\)/,
  'a split whose inner tuple joins its parent': /^PICKSPLIT .*\(innerIsParent\)/,
  'a split in the tree of nulls': /^PICKSPLIT .*\(nulls\)/,
  'leaves that die': /^VACUUM_LEAF ndead: [1-9]/,
  'leaves that become placeholders': /^VACUUM_LEAF .*nplaceholder: [1-9]/,
  'leaves that move': /^VACUUM_LEAF .*nmove: [1-9]/,
  'leaves that are chained anew': /^VACUUM_LEAF .*nchain: [1-9]/,
  'redirects removed': /^VACUUM_REDIRECT ntoplaceholder: [1-9]/,
  'placeholders removed': /^VACUUM_REDIRECT .*firstplaceholder: [1-9]/,
};

describe.each(PG_MAJORS)('PostgreSQL %i', (major) => {
  let archive: ConsistencyArchive;
  afterAll(() => archive?.destroy());

  it('replays every SP-GiST record to the page that the primary had', async () => {
    archive = await makeConsistencyArchive(major, 'spgist', WORKLOAD);
    const report = runNaiveRecovery({ major, walDir: archive.walDir });
    expect(report.differences).toEqual([]);
    const counts = report.rmgrs['SPGist']!;
    expect(counts).toMatchObject({ different: 0, failed: 0, unhandled: 0 });
    expect(counts.compared).toBeGreaterThan(7000);
  });

  it('meets every opcode and branch', () => {
    const texts = describeRecords(archive.walDir, RmgrId.spgist);
    expect(Object.keys(countOpcodes(texts)).sort()).toEqual(OPCODES);
    if (major >= 14) {
      const missing = Object.keys(BRANCHES).filter((branch) => !texts.some((text) => BRANCHES[branch]!.test(text)));
      expect(missing).toEqual([]);
    }
  });

  // the check itself is the same on every major
  if (major === 18) it('notices a byte that replay got wrong', () => {
    let calls = 0;
    const damagedRedo = (ctx: RedoContext): void => {
      spgRedo(ctx);
      const page = ctx.pageForRedo(0);
      if (page && ++calls === 2000) page.bytes[page.itemAt(1)]! ^= 0x40;
    };
    const report = withRedo(spgistRmgr, damagedRedo, () => runNaiveRecovery({ major, walDir: archive.walDir }));
    expect(report.rmgrs['SPGist']!.different).toBe(1);
    expect(report.differences[0]!.detail).toMatch(/^\d+:[0-9a-f]{2}\/[0-9a-f]{2}$/);
  });
});
