/**
 * Merged layers answer as single ones. Stripes are made small here, so that a small archive has many, and levels above them.
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import { readManifest, writeManifest, type Manifest } from '../../src/layerfile/manifest.js';
import { Session } from '../../src/query/session.js';
import { compactCase } from '../../src/store/compactor.js';
import { examineCase } from '../../src/store/doctor.js';
import { indexCase } from '../../src/store/indexer.js';
import { openCase } from '../../src/store/openCase.js';
import { formatLsn, parseLsn, type Lsn } from '../../src/util/lsn.js';
import { contents, rewrite } from '../support/badCase.js';
import { changedBlocks, comparePages } from '../support/storePages.js';
import { compareMoment, indexArchive, type IndexedArchive } from '../support/truthCase.js';

vi.mock('../../src/store/stripes.js', async (original) => ({ ...(await original<object>()), ...(await import('../support/smallStripes.js')) }));
// and parts, so that a merge has several
vi.mock('../../src/layerfile/deltaParts.js', async (original) => ({ ...(await original<object>()), PART_BYTES: 8192 }));

const FANOUT = 4;
const KEYFRAME_EVERY = 8;
const majors = [13, 18] as const;

describe.each(majors)('compaction, PostgreSQL %i', (major) => {
  let archive: Archive;
  let plain: IndexedArchive;
  let folder: string;
  let compacted: string;

  beforeAll(async () => {
    archive = await cachedArchive({ major, workload: 'everything' });
    plain = await indexArchive(archive, { compact: false });
    folder = mkdtempSync(join(tmpdir(), 'walscope-compact-'));
    compacted = join(folder, 'case');
    cpSync(plain.caseDir, compacted, { recursive: true });
    await compact(compacted);
  });
  afterAll(() => {
    plain?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  async function compact(caseDir: string): Promise<Manifest> {
    const manifest = readManifest(caseDir)!;
    manifest.fanout = FANOUT;
    manifest.keyframeEvery = KEYFRAME_EVERY;
    writeManifest(caseDir, manifest);
    expect((await compactCase({ caseDir, manifest, tail: true })).findings).toEqual([]);
    return manifest;
  }

  it('a reader that was there before goes on answering', async () => {
    const caseDir = join(folder, 'read');
    cpSync(plain.caseDir, caseDir, { recursive: true });
    const session = new Session(openCase(caseDir));
    await compact(caseDir);
    for (const { name } of session.store.manifest.layers.slice(0, 4)) expect(existsSync(join(caseDir, 'layers', name))).toBe(false);
    const moment = archive.truth.moments.at(-1)!;
    expect((await compareMoment(session, archive, moment, moment.lsn)).differences).toEqual([]);
    session.store.close();
  });

  it('goes on only from the record that the next one points back to, single layers and merged', async () => {
    for (const from of [plain.caseDir, compacted]) {
      const caseDir = join(folder, 'resumed');
      cpSync(from, caseDir, { recursive: true });
      const again = () => indexCase({ caseDir, backups: [], wal: [], compact: false });
      const manifest = readManifest(caseDir)!;
      const last = manifest.layers.at(-1)!;
      // as if the archive had ended a stripe earlier
      manifest.layers = manifest.layers.filter(({ startLsn }) => startLsn < last.startLsn);
      manifest.runs[0]!.endLsn = last.startLsn;
      writeManifest(caseDir, manifest);
      const { lastLsn } = manifest.layers.findLast((layer) => !layer.keyRange)!;
      expect(lastLsn).toBeGreaterThan(0);
      expect((await again()).findings).toEqual([]);
      manifest.layers.findLast((layer) => !layer.keyRange)!.lastLsn = (lastLsn! - 8) as Lsn;
      writeManifest(caseDir, manifest);
      expect((await again()).findings).toMatchObject([{ message: expect.stringContaining(`record with incorrect prev-link ${formatLsn(lastLsn!)} (expected ${formatLsn((lastLsn! - 8) as Lsn)})`) as string }]);
      rmSync(caseDir, { recursive: true });
    }
  });

  it('leaves few layers, of several levels, and no other file', () => {
    const manifest = readManifest(compacted)!;
    expect(Math.max(...manifest.layers.map((layer) => layer.level ?? 0))).toBeGreaterThanOrEqual(2);
    expect(manifest.layers.some((layer) => /\.[234]-002\.delta$/.test(layer.name))).toBe(true);
    expect(readdirSync(join(compacted, 'layers')).sort()).toEqual([...manifest.layers, ...manifest.images!].map(({ name }) => name).sort());
    expect(manifest.images!.reduce((sum, { images }) => sum + images, 0)).toBeGreaterThan(500);
  });

  it('rebuilds every page at every recorded moment as the index did before, and no read replays more than a bounded number of records', () => {
    const before = openCase(plain.caseDir);
    const after = openCase(compacted);
    const blocks = changedBlocks(before);
    let pages = 0;
    let longest = 0;
    let replayed = 0;
    for (const { lsn } of archive.truth.moments.filter((_, i) => i % 4 === 0)) {
      pages += comparePages(before, after, blocks, parseLsn(lsn)!, () => {
        longest = Math.max(longest, after.pages.counters.recordsReplayed - replayed);
        replayed = after.pages.counters.recordsReplayed;
      });
    }
    expect(pages).toBeGreaterThan(3000);
    expect(longest).toBeLessThanOrEqual(KEYFRAME_EVERY);
    before.close();
    after.close();
  });

  it('answers every table at every moment as before', async () => {
    const session = new Session(openCase(compacted));
    const differences: string[] = [];
    for (const moment of archive.truth.moments) differences.push(...(await compareMoment(session, archive, moment, moment.lsn)).differences);
    expect(differences).toEqual([]);
  });

  it.each([
    ['a part of merged keys', /\.[2-4]-001\.delta$/], ['the rest of a merge', /\.[2-4]-000\.delta$/], ['page images', /\.[2-4]\.images$/],
  ])('%s that is damaged is named by doctor, and rebuilt to the same bytes by index --repair', async (_, pattern) => {
    const before = contents(compacted);
    const name = readdirSync(join(compacted, 'layers')).find((file) => pattern.test(file))!;
    rewrite(join(compacted, 'layers', name), (bytes) => void (bytes[40]! ^= 1));
    const report = await examineCase({ caseDir: compacted, manifest: readManifest(compacted)! });
    expect(report.findings.filter(({ code }) => code.startsWith('layer.'))).toMatchObject([{ code: 'layer.crc', place: { file: expect.stringContaining(name) as string } }]);
    expect((await indexCase({ caseDir: compacted, backups: [], wal: [], repair: true })).findings).toEqual([]);
    const after = contents(compacted);
    expect(after[join('layers', name)]).toBe(before[join('layers', name)]);
    const layers = (all: Record<string, string>): string[] => Object.keys(all).filter((file) => file !== 'manifest').map((file) => `${file} ${all[file]}`);
    expect(layers(after)).toEqual(layers(before));
  });

  it('done again changes nothing', async () => {
    const before = contents(compacted);
    await compact(compacted);
    expect(contents(compacted)).toEqual(before);
  });
});
