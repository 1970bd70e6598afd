/**
 * Merged layers answer as single ones. Stripes are made small here, so that a small archive has many, and levels above them.
 */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import { readManifest, writeManifest, type Manifest } from '../../src/layerfile/manifest.js';
import { Session } from '../../src/query/session.js';
import { compactCase } from '../../src/store/compactor.js';
import { openCase } from '../../src/store/openCase.js';
import { contents } from '../support/badCase.js';
import { compareMoment, indexArchive, type IndexedArchive } from '../support/truthCase.js';

vi.mock('../../src/store/stripes.js', async (original) => {
  const bytes = 64 * 1024;
  const stripeEnd = (lsn: number): number => lsn - (lsn % bytes) + bytes;
  return { ...(await original<object>()), STRIPE_BYTES: bytes, stripeEnd, stripeStart: (position: number, start: number) => Math.max(position - (position % bytes), start) };
});

// and parts, so that a merge has several
vi.mock('../../src/layerfile/deltaParts.js', async (original) => ({ ...(await original<object>()), PART_BYTES: 8192 }));

const FANOUT = 4;
const majors = [13, 18] as const;

describe.each(majors)('compaction, PostgreSQL %i', (major) => {
  let archive: Archive;
  let plain: IndexedArchive;
  let folder: string;
  let compacted: string;

  beforeAll(async () => {
    archive = await cachedArchive({ major, workload: 'everything' });
    plain = await indexArchive(archive);
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
    writeManifest(caseDir, manifest);
    await compactCase({ caseDir, manifest });
    return manifest;
  }

  it('leaves few layers, of several levels, and no other file', () => {
    const manifest = readManifest(compacted)!;
    expect(Math.max(...manifest.layers.map((layer) => layer.level ?? 0))).toBeGreaterThanOrEqual(2);
    expect(manifest.layers.some((layer) => /\.[234]-002\.delta$/.test(layer.name))).toBe(true);
    expect(readdirSync(join(compacted, 'layers')).sort()).toEqual(manifest.layers.map((layer) => layer.name).sort());
  });

  it('answers every table at every moment as before', async () => {
    const session = new Session(openCase(compacted));
    const differences: string[] = [];
    for (const moment of archive.truth.moments) differences.push(...(await compareMoment(session, archive, moment, moment.lsn)).differences);
    expect(differences).toEqual([]);
  });

  it('done again changes nothing', async () => {
    const before = contents(compacted);
    await compact(compacted);
    expect(contents(compacted)).toEqual(before);
  });
});
