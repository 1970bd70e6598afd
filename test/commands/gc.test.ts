/** gc, pin and unpin as a user meets them, over a case that holds its WAL itself. */
import { cpSync, readdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { asof, BadCase, contents, expectFailure } from '../support/badCase.js';
import { walscope, type CliRun } from '../support/cli.js';

const bad = new BadCase();
let wal: string;
let packed: string;

beforeAll(() => {
  wal = bad.walCopy();
  packed = bad.fresh('packed');
  expect(walscope(['index', '--wal-store', 'pack', '--backup', bad.archive.backup, '--wal', wal, '-C', packed])).toMatchObject({ code: 0, err: '' });
});

function copy(): { caseDir: string; run: (...args: string[]) => CliRun } {
  const caseDir = bad.fresh('case');
  cpSync(packed, caseDir, { recursive: true });
  return { caseDir, run: (...args) => walscope([...args, '-C', caseDir]) };
}

const sizeOf = (caseDir: string): number => ['layers', 'wal'].flatMap((folder) => readdirSync(join(caseDir, folder)).map((name) => statSync(join(caseDir, folder, name)).size)).reduce((a, b) => a + b, 0);

describe('gc', () => {
  it('--dry-run tells what goes and changes nothing; without it packs and layers go, and what is kept is answered with the archive gone', () => {
    const { caseDir, run } = copy();
    const before = contents(caseDir);
    const plan = run('gc', '--keep', '1ms', '--dry-run');
    expectFailure(plan, 2, /"1ms" is not a length of time; write 30d, 12h or 2w/);
    const dry = run('gc', '--keep', '0.001s', '--dry-run');
    expect(dry).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^would drop \d+ files? of .*; first moment 0\/\S+ \(.*\); [\d,]+ page images to write\n$/) as string });
    expect(contents(caseDir)).toEqual(before);
    const done = run('gc', '--keep', '0.001s');
    expect(done).toMatchObject({ code: 0, err: '' });
    expect(done.out.replace('dropped', 'would drop').replace(/images written, .*/, 'images to write')).toBe(dry.out);
    expect(readdirSync(join(caseDir, 'wal')).length).toBeLessThan(readdirSync(join(packed, 'wal')).length);
    renameSync(wal, `${wal}.away`);
    try {
      for (const table of ['shop', 'many']) expect(asof(caseDir, table, 'latest')).toMatchObject({ code: 0, out: asof(bad.whole, table, 'latest').out });
      expectFailure(asof(caseDir, 'shop', bad.archive.early), 4, /restore point|before the first moment/);
      expect(run('doctor')).toMatchObject({ code: 0, out: expect.stringContaining('HEALTHY') as string });
    } finally {
      renameSync(`${wal}.away`, wal);
    }
    expect(run('status').out).toMatch(/^cut off +at 0\//m);
    const after = contents(caseDir);
    expect(run('gc', '--keep', '1d')).toMatchObject({ code: 0, out: 'nothing to drop\n' });
    expect(run('index')).toMatchObject({ code: 0, err: '' });
    expect(contents(caseDir)).toEqual(after);
  });

  it('--max-size cuts to what fits, does nothing where all fits, and says where nothing does', () => {
    const { caseDir, run } = copy();
    const total = sizeOf(caseDir);
    expect(run('gc', '--max-size', '1GB')).toMatchObject({ code: 0, out: 'nothing to drop\n' });
    const wanted = Math.floor(total * 0.95);
    expect(run('gc', '--max-size', String(wanted))).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^dropped \d+ file/) as string });
    expect(sizeOf(caseDir)).toBeLessThanOrEqual(wanted);
    expect(asof(caseDir, 'many', 'latest')).toMatchObject({ code: 0, out: asof(bad.whole, 'many', 'latest').out });
    expectFailure(run('gc', '--max-size', '1kB'), 2, /no cut brings the index from \d+ to \d+ bytes; allow more/);
  });

  it('keeps what a pin needs', () => {
    const { caseDir, run } = copy();
    expect(run('pin', 'audit', bad.archive.early)).toMatchObject({ code: 0, out: expect.stringMatching(/^pinned audit at 0\//) as string });
    expectFailure(run('pin', 'audit', 'latest'), 2, /there is a pin "audit" already; /);
    expect(run('status').out).toMatch(/^pin +audit · 0\//m);
    const before = contents(caseDir);
    expectFailure(run('gc', '--keep', '0.001s'), 2, /pin "audit" needs 0\/\S+, which would be dropped .*; keep more, or walscope unpin audit/);
    expect(contents(caseDir)).toEqual(before);
    expect(asof(caseDir, 'shop', bad.archive.early)).toMatchObject({ code: 0 });
    expectFailure(run('unpin', 'other'), 2, /there is no pin "other"; there are: audit/);
    expect(run('unpin', 'audit')).toMatchObject({ code: 0 });
    expect(run('gc', '--keep', '0.001s')).toMatchObject({ code: 0 });
  });
});
