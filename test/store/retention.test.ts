/** gc: what comes after the cut is answered as before, though what comes before it is gone, the WAL included. */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import { readManifest, writeManifest } from '../../src/layerfile/manifest.js';
import { parseWalFileName, segmentNumberOfName, walSegmentStart } from '../../src/pg/walFileName.js';
import { Session } from '../../src/query/session.js';
import { compactCase } from '../../src/store/compactor.js';
import { indexCase } from '../../src/store/indexer.js';
import { openCase } from '../../src/store/openCase.js';
import { cutCase, cutForSize, planCut } from '../../src/store/retention.js';
import { parseLsn, type Lsn } from '../../src/util/lsn.js';
import { contents } from '../support/badCase.js';
import { changedBlocks, comparePages } from '../support/storePages.js';
import { compareMoment } from '../support/truthCase.js';

vi.mock('../../src/store/stripes.js', async (original) => ({ ...(await original<object>()), ...(await import('../support/smallStripes.js')) }));

// 14 creates databases by copying files, 17 by WAL
describe.each([14, 17] as const)('gc, PostgreSQL %i', (major) => {
  let archive: Archive;
  let root: string;
  let wal: string;
  let caseDir: string;
  let whole: string;
  const cuts: Lsn[] = [];

  beforeAll(async () => {
    archive = await cachedArchive({ major, workload: 'everything' });
    root = mkdtempSync(join(tmpdir(), 'walscope-gc-'));
    wal = join(root, 'wal');
    cpSync(archive.wal, wal, { recursive: true });
    whole = join(root, 'whole');
    caseDir = join(root, 'case');
    await indexCase({ caseDir: whole, backups: [archive.backup.path], wal: [archive.wal], compact: false });
    await indexCase({ caseDir, backups: [archive.backup.path], wal: [wal] });
    const manifest = readManifest(caseDir)!;
    Object.assign(manifest, { fanout: 4, keyframeEvery: 16, images: undefined });
    await compactCase({ caseDir, manifest, tail: true });
    const { moments } = archive.truth;
    for (const share of [0.3, 0.6]) cuts.push(parseLsn(moments[Math.floor(moments.length * share)]!.lsn)!);
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it.each([0, 1])('cut %i: the same pages and tables after it as before, without the WAL that came before it', async (i) => {
    const cut = cuts[i]!;
    const before = openCase(caseDir);
    const plan = planCut(before, cut);
    const files = readdirSync(join(caseDir, 'layers')).length;
    const after = cutCase(before, cut);
    expect(plan.files).toBeGreaterThan(0);
    expect(readdirSync(join(caseDir, 'layers')).length).toBe(files - plan.files + 1);
    let removed = 0;
    for (const name of readdirSync(wal)) {
      const parsed = parseWalFileName(name);
      const segno = parsed && 'log' in parsed ? segmentNumberOfName(parsed, after.segmentSize) : undefined;
      if (segno === undefined || walSegmentStart(segno + 1, after.segmentSize) > cut) continue;
      rmSync(join(wal, name));
      removed++;
    }
    if (i === 0) expect(removed).toBeGreaterThan(0);
    const session = new Session(openCase(caseDir));
    const reference = openCase(whole);
    expect(session.store.coverage).toMatchObject([{ firstLsn: cut }]);
    const later = archive.truth.moments.filter(({ lsn }) => parseLsn(lsn)! >= cut);
    const blocks = changedBlocks(reference);
    for (const { lsn } of later.filter((_, n) => n % 8 === 0)) expect(comparePages(reference, session.store, blocks, parseLsn(lsn)!)).toBeGreaterThan(100);
    const differences: string[] = [];
    for (const moment of later.filter((_, n) => n % 2 === 0)) differences.push(...(await compareMoment(session, archive, moment, moment.lsn)).differences);
    expect(differences).toEqual([]);
    const earlier = archive.truth.moments.filter(({ lsn }) => parseLsn(lsn)! < cut).at(-1)!;
    for (const at of [earlier.lsn, earlier.time]) expect(() => session.moment(at)).toThrow(/before the first moment that can be answered/);
    session.store.close();
    reference.close();
  });

  it('a later index run goes on from there, and changes nothing where nothing is new', async () => {
    const before = contents(caseDir);
    const summary = await indexCase({ caseDir, backups: [], wal: [] });
    expect(summary.findings).toEqual([]);
    const layers = (all: Record<string, string>): string[] => Object.keys(all).filter((name) => name !== 'manifest').map((name) => `${name} ${all[name]}`);
    expect(layers(contents(caseDir))).toEqual(layers(before));
  });

  it('refuses what a pin needs, by name', () => {
    const manifest = readManifest(caseDir)!;
    manifest.pins = [{ name: 'audit', lsn: cuts[1]!, time: null }];
    writeManifest(caseDir, manifest);
    const store = openCase(caseDir);
    const latest = store.coverage.at(-1)!.lastLsn;
    expect(() => planCut(store, latest)).toThrow(/pin "audit" needs/);
    expect(() => cutCase(store, latest)).toThrow(/pin "audit" needs/);
    delete manifest.pins;
    writeManifest(caseDir, manifest);
  });

  it('by size: cuts where it fits, and says where nothing does', () => {
    const store = openCase(caseDir);
    const total = Object.keys(contents(caseDir)).length > 0 ? planCut(store, store.coverage[0]!.firstLsn).keptBytes : 0;
    expect(cutForSize(store, Number.MAX_SAFE_INTEGER)).toBeUndefined();
    expect(() => cutForSize(store, 1)).toThrow(/no cut brings the index/);
    expect(total).toBeGreaterThan(0);
    store.close();
  });
});
