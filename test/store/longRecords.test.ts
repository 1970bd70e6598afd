/** A record that is longer than a stripe leaves stripes in which none begins. Stripes are small here, and records of many page images are long enough. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { cachedArchive } from '../../fixtures/workloads/build.js';
import { readManifest, type Manifest } from '../../src/layerfile/manifest.js';
import { indexCase } from '../../src/store/indexer.js';
import { STRIPE_BYTES } from '../support/smallStripes.js';

vi.mock('../../src/store/stripes.js', async (original) => ({ ...(await original<object>()), ...(await import('../support/smallStripes.js')) }));

let root: string;
let manifest: Manifest;

beforeAll(async () => {
  const archive = await cachedArchive({ major: 18, workload: 'everything' });
  root = mkdtempSync(join(tmpdir(), 'walscope-long-'));
  const wal = join(root, 'wal');
  mkdirSync(wal);
  for (const name of readdirSync(archive.wal)) {
    const bytes = readFileSync(join(archive.wal, name));
    if (/^[0-9A-F]{24}$/.test(name)) writeFileSync(join(wal, `${name}.gz`), gzipSync(bytes, { level: 1 }));
    else writeFileSync(join(wal, name), bytes);
  }
  await indexCase({ caseDir: join(root, 'case'), backups: [archive.backup.path], wal: [wal], compact: false });
  manifest = readManifest(join(root, 'case'))!;
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('records longer than a stripe', () => {
  it('leave nothing of a compressed archive unpacked', () => {
    const starts = new Set(manifest.layers.map(({ startLsn }) => startLsn - (startLsn % STRIPE_BYTES)));
    const skipped: number[] = [];
    for (let at = Math.min(...starts); at < Math.max(...starts); at += STRIPE_BYTES) if (!starts.has(at)) skipped.push(at);
    expect(skipped.length).toBeGreaterThan(0);
    const packs = [...manifest.packs].sort((a, b) => a.startLsn - b.startLsn);
    const gaps = packs.slice(1).filter(({ startLsn }, i) => startLsn !== packs[i]!.endLsn);
    expect(gaps).toEqual([]);
    expect(packs.at(-1)!.endLsn).toBeGreaterThanOrEqual(manifest.runs.at(-1)!.endLsn);
  });
});
