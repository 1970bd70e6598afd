import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCase } from '../../src/store/openCase.js';
import { main } from '../../src/commands/main.js';
import { SIZE_OF_HEAP_TUPLE_HEADER } from '../../src/pg/heapTuple.js';
import { BLCKSZ, LP_NORMAL, Page } from '../../src/pg/page.js';
import type { PgMajor } from '../../src/pg/version.js';
import type { RedoFunction, Rmgr } from '../../src/redo/rmgr.js';
import { RMGRS } from '../../src/redo/rmgrlist.js';
import { verifyCase, type VerifyOptions } from '../../src/store/verify.js';
import type { VerifyReport } from '../../src/store/verifyReport.js';
import { makeVerifyArchive, type VerifyArchive } from '../support/verifyArchive.js';

/** Managers whose records carry images in the archive. */
const MANAGERS = ['Heap2', 'Heap', 'Btree', 'Hash', 'Gin', 'Gist', 'Sequence', 'SPGist', 'BRIN', 'Generic'];
const MB = 1024 * 1024;

async function verify(archive: VerifyArchive, options: Partial<VerifyOptions> = {}): Promise<VerifyReport> {
  const store = openCase(archive.caseDir);
  try {
    return await verifyCase(store, { consistencyImages: true, hintImages: true, laterBackups: false, memoryBytes: 256 * MB, maxDifferences: 20, ...options });
  } finally {
    store.close();
  }
}

/** Flips a bit of a page that its mask does not hide. */
function spoil(page: Page, block: number, { mask }: Rmgr, major: PgMajor): boolean {
  const masked = (source: Page): Buffer => {
    const copy = new Page(source.bytes.slice());
    mask!(copy, block, major);
    return Buffer.from(copy.bytes);
  };
  const before = masked(page);
  for (const at of [page.pdLower - 1, page.pdSpecial, page.pdSpecial - 1]) {
    if (at < 24 || at >= BLCKSZ) continue;
    page.bytes[at]! ^= 1;
    if (!masked(page).equals(before)) return true;
    page.bytes[at]! ^= 1;
  }
  return false;
}

describe.each([13, 15, 18] as const)('verify, PostgreSQL %i', (major) => {
  let archive: VerifyArchive;
  let whole: VerifyReport;

  beforeAll(async () => {
    archive = await makeVerifyArchive(major);
    whole = await verify(archive);
  });
  afterAll(() => archive?.destroy());

  it('finds every image of every manager equal', () => {
    expect(whole.differences).toEqual([]);
    for (const name of MANAGERS) expect(whole.managers[name], name).toMatchObject({ different: 0, failed: 0, unhandled: 0, compared: expect.toSatisfy((n: number) => n > 0) });
    expect(whole.managers['Heap']!.compared).toBeGreaterThan(4000);
    expect(whole.hintImages).toMatchObject({ different: 0, compared: expect.toSatisfy((n: number) => n > 5) });
    expect(whole.unchecked).toEqual([]);
  });

  it('finds the same with memory for a few pages only: the others come back from the index', async () => {
    const small = await verify(archive, { memoryBytes: 1 });
    expect(small).toEqual(whole);
  });

  it('notices a bit that the replay of each manager gets wrong, and tells how the page came about', async () => {
    const { report, spoilt } = await verifySpoilt(archive, major);
    expect(spoilt.sort()).toEqual([...MANAGERS].sort());
    expect(report.differencesTotal).toBe(MANAGERS.length);
    for (const { check, rmgr, bytes, chain } of report.differences) {
      expect(check).toBe('consistency image');
      expect(bytes.length).toBeGreaterThan(0);
      expect(chain.at(-1)).toContain(`rmgr: ${rmgr}`);
    }
    expect(report.differences.map(({ rmgr }) => rmgr).sort()).toEqual([...MANAGERS].sort());
  });

  it('finds every page of a later backup equal, those apart that were being written', async () => {
    const { backups, differences } = await verify(archive, { consistencyImages: false, hintImages: false, against: archive.later });
    expect(differences).toEqual([]);
    expect(backups[0]).toMatchObject({ different: 0 });
    expect(backups[0]!.compared).toBeGreaterThan(1500);
    expect(backups[0]!.inFlux).toBeLessThan(50);
  });

  it('notices a byte that differs in a backup', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'walscope-verify-'));
    const copy = join(folder, 'backup');
    execFileSync('cp', ['-a', archive.later, copy]);
    const file = join(copy, archive.heapFile);
    const bytes = readFileSync(file);
    const page = new Page(bytes.subarray(2 * BLCKSZ, 3 * BLCKSZ));
    let offnum = 1;
    while (page.lpFlags(offnum) !== LP_NORMAL) offnum++;
    const at = page.itemAt(offnum) + SIZE_OF_HEAP_TUPLE_HEADER + 1;
    page.bytes[at]! ^= 0x10;
    writeFileSync(file, bytes);
    const report = await verify(archive, { consistencyImages: false, hintImages: false, against: copy });
    rmSync(folder, { recursive: true });
    expect(report.differencesTotal).toBe(1);
    expect(report.differences[0]).toMatchObject({ check: 'backup', rmgr: 'Heap', block: 2, bytes: [{ offset: at }] });
  });

  it('ends with 0 where all is equal, and says in JSON what was compared', async () => {
    const output = join(archive.caseDir, 'report.json');
    expect(await main(['node', 'walscope', 'verify', '-C', archive.caseDir, '--json', '-o', output])).toBe(0);
    const report = JSON.parse(readFileSync(output, 'utf8')) as VerifyReport;
    expect(report.managers['Btree']).toEqual(whole.managers['Btree']);
    expect(report.unchecked).toEqual(['a later base backup: the case has none (name one with --against)']);
  });
});

/** Verifies with a replay that goes wrong in one bit at one record of each manager. */
async function verifySpoilt(archive: VerifyArchive, major: PgMajor): Promise<{ report: VerifyReport; spoilt: string[] }> {
  const spoilt: string[] = [];
  const originals = MANAGERS.map((name) => {
    const rmgr = RMGRS.find((each) => each?.name === name)! as { redo: RedoFunction } & Rmgr;
    const original = rmgr.redo;
    rmgr.redo = (ctx) => {
      original(ctx);
      const { record } = ctx;
      if (spoilt.includes(name) || !record.blocks.every((ref) => ref.hasImage && !ref.applyImage)) return;
      const target = record.blocks.find((ref) => ref.fork === 0 && ctx.pageForRedo(ref.id) !== null);
      if (target && spoil(ctx.pageForRedo(target.id)!, target.block, rmgr, major)) spoilt.push(name);
    };
    return { rmgr, original };
  });
  try {
    return { report: await verify(archive), spoilt };
  } finally {
    for (const { rmgr, original } of originals) rmgr.redo = original;
  }
}
