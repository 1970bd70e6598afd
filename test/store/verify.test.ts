import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recoverTo } from '../../fixtures/postgres/recovery.js';
import { openCase } from '../../src/store/openCase.js';
import { checksumOfPage } from '../../src/pg/checksum.js';
import { F_TUPLES_DELETED, gistPageFlags, gistPageSetFlags } from '../../src/pg/gist.js';
import { SIZE_OF_HEAP_TUPLE_HEADER, T_HOFF } from '../../src/pg/heapTuple.js';
import { BLCKSZ, LP_NORMAL, Page, SIZE_OF_PAGE_HEADER } from '../../src/pg/page.js';
import type { PgMajor } from '../../src/pg/version.js';
import type { RedoFunction, Rmgr } from '../../src/redo/rmgr.js';
import { RMGRS } from '../../src/redo/rmgrlist.js';
import { verifyCase, type VerifyOptions } from '../../src/store/verify.js';
import { mergeShards, type MissingPage, type ShardReport, type VerifyReport } from '../../src/store/verifyReport.js';
import type { Lsn } from '../../src/util/lsn.js';
import { buildCli, walscope } from '../support/cli.js';
import { DISCREPANCIES, makeVerifyArchive, type VerifyArchive } from '../support/verifyArchive.js';

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

  it('line 42: finds every image of every manager equal', () => {
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

  it('line 42: notices a bit that the replay of each manager gets wrong, and tells how the page came about', async () => {
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

  it('line 37: finds every page of a later backup equal, those apart that were being written', async () => {
    const { backups, differences } = await verify(archive, { consistencyImages: false, hintImages: false, against: archive.later });
    expect(differences).toEqual([]);
    expect(backups[0]).toMatchObject({ different: 0 });
    expect(backups[0]!.compared).toBeGreaterThan(1500);
    const { mended = 0, gone = 0, extendedAhead = 0 } = backups[0]!.apart;
    expect(mended + gone + extendedAhead).toBeLessThan(50);
  });

  it('counts apart, and checks all the same, what a server changes without WAL', async () => {
    const { backups } = await verify(archive, { consistencyImages: false, hintImages: false, against: archive.later });
    expect(backups[0]!.apart).toMatchObject({ sequenceAhead: 1, spgistLastUsed: 1 });
    if (major >= 15) expect(backups[0]!.apart.clonedMap).toBeGreaterThan(0);
    else expect(backups[0]!.apart.clonedMap).toBeUndefined();
  });

  it("computes the checksums that the server's pages have", () => {
    for (const file of Object.values(archive.files)) {
      const bytes = readFileSync(join(archive.later, file));
      const pages = Array.from({ length: bytes.length / BLCKSZ }, (_, n) => new Page(bytes.subarray(n * BLCKSZ, (n + 1) * BLCKSZ)));
      expect(pages.map((page, n) => (page.isNew ? 0 : checksumOfPage(page, n)))).toEqual(pages.map((page) => page.pdChecksum));
    }
  });

  it.each(Object.entries(CHANGES))('notices in a backup %s', async (_, change) => {
    const folder = mkdtempSync(join(tmpdir(), 'walscope-verify-'));
    const copy = join(folder, 'backup');
    execFileSync('cp', ['-a', archive.later, copy]);
    const file = join(copy, archive.files[change.file]);
    const bytes = readFileSync(file);
    const pageAt = (n: number): Page => new Page(bytes.subarray(n * BLCKSZ, (n + 1) * BLCKSZ));
    const block = Array.from({ length: bytes.length / BLCKSZ }, (_, n) => n).find((n) => n >= change.block && change.fits?.(pageAt(n)) !== false)!;
    const at = change.edit(pageAt(block));
    // without it the page would be torn, which the backup's own WAL may mend
    pageAt(block).pdChecksum = checksumOfPage(pageAt(block), block);
    writeFileSync(file, bytes);
    const report = await verify(archive, { consistencyImages: false, hintImages: false, against: copy });
    rmSync(folder, { recursive: true });
    expect(report.differencesTotal).toBe(1);
    expect(report.differences[0]).toMatchObject({ check: 'backup', rmgr: change.rmgr, block });
    expect(report.differences[0]!.bytes.some(({ offset, theirs }) => at >= offset && at < offset + theirs.length / 2)).toBe(true);
  });

  it('reports the same from several threads', () => {
    buildCli();
    const report = (jobs: string): VerifyReport => {
      const run = walscope(['verify', '-C', archive.caseDir, '--consistency-images', '--hint-images', '--against', archive.later, '--json', '--jobs', jobs]);
      expect(run).toMatchObject({ code: 0, err: '' });
      return JSON.parse(run.out) as VerifyReport;
    };
    const alone = report('1');
    expect(alone.managers).toEqual(Object.fromEntries(Object.entries(whole.managers)));
    expect(alone.backups[0]!.compared).toBeGreaterThan(1500);
    expect(report('3')).toEqual(alone);
  });

  it('ends with 0 where all is equal, and says what there was nothing to compare with', () => {
    const { code, out } = walscope(['verify', '-C', archive.caseDir]);
    expect(code).toBe(0);
    expect(out).toContain('not checked: a later base backup: the case has none (name one with --against)\n');
    expect(out).toMatch(/\nEQUAL: all [0-9,]+ pages that could be compared\n$/);
  });
});

describe('verify, where PostgreSQL itself differs', () => {
  let archive: VerifyArchive;

  beforeAll(async () => {
    archive = await makeVerifyArchive(17, DISCREPANCIES);
  });
  afterAll(() => archive?.destroy());

  it('counts pruned GiST pages and bloom init forks apart, says so, and does not end with 0', async () => {
    const { apart, differences, managers } = await verify(archive);
    expect(differences).toEqual([]);
    expect(apart.gistTuplesDeleted).toBeGreaterThan(0);
    expect(managers['Gist']!.compared).toBeGreaterThan(apart.gistTuplesDeleted!);
    const { backups } = await verify(archive, { consistencyImages: false, hintImages: false, against: archive.later });
    expect(backups[0]).toMatchObject({ different: 0, apart: { gistTuplesDeleted: expect.toSatisfy((n: number) => n > 0), bloomInitFork: 1 } });
    const { code, out } = walscope(['verify', '-C', archive.caseDir]);
    expect(code).toBe(5);
    expect(out).toMatch(/apart: [0-9]+ GiST pages that differ in F_TUPLES_DELETED alone/);
  });

  it('is refused by a real recovery of that very archive', async () => {
    await expect(recoverTo({ major: 17, backup: archive.backupTaken, wal: archive.wal })).rejects.toThrow(/inconsistent page found, rel [0-9/]+, forknum 0/);
  });
});

it('says how many pages are lost, by relation', () => {
  const shard = (missing: MissingPage[]): ShardReport => ({
    counts: { walBytes: 0, records: 0, managers: {}, hintImages: { compared: 0, different: 0 }, apart: {}, backups: [], unchecked: [] }, differences: [], differencesTotal: 0, missing,
  });
  const report = mergeShards([shard([{ rel: '1663/5/16384', block: 9, lsn: 0x300 as Lsn }]), shard([{ rel: '1663/5/16384', block: 7, lsn: 0x200 as Lsn }])], 20);
  expect(report.missingPages).toBe(2);
  expect(report.unchecked).toEqual(['2 pages of 1663/5/16384 that records expect and neither the backup nor the WAL has (the first: block 7, at 0/200)']);
});

interface Change {
  file: keyof VerifyArchive['files'];
  /** The block, or the first from it on that fits. */
  block: number;
  fits?(page: Page): boolean;
  rmgr: string;
  /** Edits the page and gives the place. */
  edit(page: Page): number;
}

/** GISTPageOpaqueData: nsn, rightlink, flags. */
const GIST_FLAGS_AT = 12;

/** Edits that nothing may explain away, although all but the first are on pages that servers change without WAL. */
const CHANGES: Record<string, Change> = {
  'a byte of a row': {
    file: 'heap', block: 2, rmgr: 'Heap',
    edit: (page) => {
      let offnum = 1;
      while (page.lpFlags(offnum) !== LP_NORMAL) offnum++;
      const at = page.itemAt(offnum) + SIZE_OF_HEAP_TUPLE_HEADER + 1;
      page.bytes[at]! ^= 0x10;
      return at;
    },
  },
  'a sequence value that does not fit what was logged ahead': {
    file: 'sequence', block: 0, rmgr: 'Sequence',
    edit: (page) => {
      const tuple = page.itemAt(1), at = tuple + page.bytes[tuple + T_HOFF]!;
      page.view.setBigInt64(at, page.view.getBigInt64(at, true) + 1n, true);
      return at;
    },
  },
  'a page last used that the index does not have': {
    file: 'spgist', block: 0, rmgr: 'SPGist',
    edit: (page) => {
      const leaf = SIZE_OF_PAGE_HEADER + 4 + 3 * 8;
      page.view.setUint32(leaf, 1_000_000, true);
      return leaf;
    },
  },
  'F_TUPLES_DELETED on a page that no record set it on': {
    file: 'gist', block: 1, fits: (page) => (gistPageFlags(page) & F_TUPLES_DELETED) === 0, rmgr: 'Gist',
    edit: (page) => {
      gistPageSetFlags(page, gistPageFlags(page) | F_TUPLES_DELETED);
      return page.pdSpecial + GIST_FLAGS_AT;
    },
  },
  'a visibility bit of a heap page that is not there': {
    file: 'clonedMap', block: 0, rmgr: 'Heap2',
    edit: (page) => {
      page.bytes[BLCKSZ - 1]! |= 1;
      return BLCKSZ - 1;
    },
  },
};

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
