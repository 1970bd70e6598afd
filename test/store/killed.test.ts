/** Runs that end anywhere between two operations on the disk: all that could be asked before can be asked, and the next run ends with the bytes of an unbroken one. */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import { asWriter } from '../../src/layerfile/caseLock.js';
import { readManifest } from '../../src/layerfile/manifest.js';
import { Session } from '../../src/query/session.js';
import { compactCase } from '../../src/store/compactor.js';
import { indexCase } from '../../src/store/indexer.js';
import { openCase } from '../../src/store/openCase.js';
import { cutCase, sweepCase } from '../../src/store/retention.js';
import { parseLsn, type Lsn } from '../../src/util/lsn.js';
import { contents } from '../support/badCase.js';
import { forgetWriter, withDiskFrozen } from '../support/frozenDisk.js';
import { compareMoment } from '../support/truthCase.js';

vi.mock('../../src/store/stripes.js', async (original) => ({ ...(await original<object>()), ...(await import('../support/smallStripes.js')) }));

/** At the third operation, in the middle, and before the last; test/long/killed.test.ts kills processes at 50 points of each. */
const POINTS = [() => 3, (operations: number) => Math.floor(operations / 2), (operations: number) => operations - 1];

describe('a run that is killed', () => {
  let archive: Archive;
  let root: string;
  let indexed: string;
  /** Without the last segments. */
  let begun: string;
  let next = 0;

  beforeAll(async () => {
    archive = await cachedArchive({ major: 18, workload: 'everything' });
    root = mkdtempSync(join(tmpdir(), 'walscope-killed-'));
    indexed = join(root, 'indexed');
    await index(indexed, { compact: false, walStore: 'pack' });
    const some = join(root, 'wal');
    for (const name of readdirSync(archive.wal).sort().slice(0, -2)) cpSync(join(archive.wal, name), join(some, name));
    begun = join(root, 'begun');
    await index(begun, { wal: [some] });
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  const index = (caseDir: string, options: object = {}): Promise<unknown> => indexCase({ caseDir, backups: [archive.backup.path], wal: [archive.wal], ...options });
  const compact = (caseDir: string): Promise<unknown> => asWriter(caseDir, 'compact', () => {
    const manifest = readManifest(caseDir)!;
    Object.assign(manifest, { fanout: 4, keyframeEvery: 16 });
    return compactCase({ caseDir, manifest, tail: true });
  });
  const cutAt = (): Lsn => parseLsn(archive.truth.moments[Math.floor(archive.truth.moments.length * 0.6)]!.lsn)!;
  const collect = (caseDir: string): Promise<unknown> => asWriter(caseDir, 'gc', () => {
    const store = openCase(caseDir);
    sweepCase(caseDir, store.manifest);
    if (store.coverage[0]!.firstLsn !== cutAt()) cutCase(store, cutAt());
  });

  async function expectAnswers(caseDir: string): Promise<void> {
    const session = new Session(openCase(caseDir));
    const end = session.moment('latest').lsn;
    const moment = archive.truth.moments.findLast(({ lsn }) => parseLsn(lsn)! < end)!;
    expect((await compareMoment(session, archive, moment, moment.lsn)).differences).toEqual([]);
    session.store.close();
  }

  it.each<[string, () => string, (caseDir: string) => Promise<unknown>]>([
    ['index', () => begun, (caseDir) => index(caseDir)],
    ['compact', () => indexed, compact],
    ['gc', () => indexed, collect],
  ])('%s', async (_, from, run) => {
    const begin = (): string => {
      const caseDir = join(root, `case${next++}`);
      cpSync(from(), caseDir, { recursive: true });
      return caseDir;
    };
    const unbroken = begin();
    const operations = await withDiskFrozen(Infinity, () => run(unbroken));
    const wanted = contents(unbroken);
    expect(operations).toBeGreaterThan(10);
    for (const point of POINTS) {
      const caseDir = begin();
      const after = point(operations);
      expect(await withDiskFrozen(after, () => run(caseDir))).toBeGreaterThan(after);
      forgetWriter(caseDir);
      await expectAnswers(caseDir);
      await run(caseDir);
      expect(contents(caseDir)).toEqual(wanted);
      rmSync(caseDir, { recursive: true });
    }
  });
});
