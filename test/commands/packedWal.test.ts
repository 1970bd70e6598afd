/** A case that holds its WAL itself: the same answers with the archive gone, the same bytes however it was built, and clear words where it is damaged. */
import { cpSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { asof, BadCase, contents, expectFailure, rewrite, segment } from '../support/badCase.js';
import { startWalscope, walscope, type CliRun } from '../support/cli.js';

const bad = new BadCase();
let wal: string;
/** Packed from `wal`, in one run and one thread. */
let packed: string;

function index(caseDir: string, ...args: string[]): CliRun {
  return walscope(['index', '--backup', bad.archive.backup, '--wal', wal, '-C', caseDir, ...args]);
}

/** The packs' contents alone: the manifest names the archive. */
function packsOf(caseDir: string): Record<string, string> {
  return Object.fromEntries(Object.entries(contents(caseDir)).filter(([name]) => name !== 'manifest'));
}

/** A question that fails after it has said which moment it is about. Rows go out as they are read: those before the damage are right, and not all there are. */
function expectBrokenAnswer(caseDir: string, line: RegExp): void {
  const run = asof(caseDir, 'many', 'latest');
  const whole = asof(bad.whole, 'many', 'latest');
  expect(whole.code).toBe(0);
  expect(whole.out.startsWith(run.out)).toBe(true);
  expect(run.out.length).toBeLessThan(whole.out.length);
  expectFailure({ ...run, out: '', err: run.err.replace(/^as of .*\n/, '') }, 3, line);
}

function linkInto(folder: string, name: string): void {
  linkSync(join(wal, name), join(folder, name));
}

function copyOf(caseDir: string): string {
  const copy = bad.fresh('case');
  cpSync(caseDir, copy, { recursive: true });
  return copy;
}

/** Runs `work` while the archive is elsewhere. */
function withoutArchive(work: () => void, folder = wal): void {
  renameSync(folder, `${folder}.away`);
  try {
    work();
  } finally {
    renameSync(`${folder}.away`, folder);
  }
}

function expectSameAnswers(caseDir: string): void {
  for (const [table, at] of [['shop', bad.archive.early], ['gone', bad.archive.early], ['shop', bad.archive.late], ['many', 'latest']] as const) {
    expect(asof(caseDir, table, at)).toMatchObject({ code: 0, out: asof(bad.whole, table, at).out });
  }
  const log = ['log', '--limit', '20', '-C'];
  expect(walscope([...log, caseDir])).toMatchObject({ code: 0, out: walscope([...log, bad.whole]).out });
}

beforeAll(() => {
  wal = bad.walCopy();
  packed = bad.fresh('packed');
  expect(index(packed, '--wal-store', 'pack', '--jobs', '1')).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/; packed WAL \d/) });
});

describe('with the archive gone', () => {
  it('every question is answered, verify and doctor are content, status says what is packed', () => {
    withoutArchive(() => {
      expectSameAnswers(packed);
      expect(walscope(['verify', '--against', bad.archive.laterBackup, '-C', packed])).toMatchObject({ code: 0, err: '' });
      const doctor = walscope(['doctor', '-C', packed]);
      expect(doctor).toMatchObject({ code: 0 });
      expect(doctor.out).toMatch(/packed {3}\d files, .* of WAL, every frame decoded\n(.*\n)*HEALTHY/);
      const status = JSON.parse(walscope(['status', '--json', '-C', packed]).out) as { walStore: Record<string, unknown> };
      expect(status.walStore).toMatchObject({ form: 'pack', packs: readdirSync(join(packed, 'wal')).length });
      expect(walscope(['status', '-C', packed]).out).toMatch(/^wal store +pack · .* of WAL packed into .* in \d files$/m);
    });
  });

  it('index finds nothing new and changes nothing', () => {
    const before = contents(packed);
    withoutArchive(() => {
      for (let round = 0; round < 2; round++) expect(walscope(['index', '-C', packed])).toMatchObject({ code: 0, err: '' });
    });
    expect(contents(packed)).toEqual(before);
  });

  it('a case that refers to the archive says what is missing', () => {
    const caseDir = bad.fresh('case');
    expect(index(caseDir)).toMatchObject({ code: 0 });
    withoutArchive(() => {
      expectBrokenAnswer(caseDir, /cannot be read: no such file or directory; put it back, or run walscope index again/);
      expectFailure(walscope(['index', '-C', caseDir]), 3, /no such file or directory; give the directory that archive_command fills/);
      expectFailure(walscope(['compact', '--pack', '-C', caseDir]), 3, /no such file or directory; /);
    });
    const compacted = walscope(['compact', '--pack', '-C', caseDir]);
    expect(compacted).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^packed .* of WAL into .*: the WAL archive may go\n/) });
    expect(packsOf(caseDir)).toMatchObject(packsOf(packed)); // and the page images that compact makes
    withoutArchive(() => expectSameAnswers(caseDir));
  });
});

describe('the same bytes', () => {
  it('with two threads, and from a compressed archive, which is packed by itself', () => {
    const two = bad.fresh('case');
    expect(index(two, '--wal-store', 'pack', '--jobs', '2')).toMatchObject({ code: 0, err: '' });
    expect(contents(two)).toEqual(contents(packed));
    const gz = bad.fresh('gz');
    mkdirSync(gz);
    for (const name of readdirSync(wal)) writeFileSync(join(gz, `${name}.gz`), gzipSync(readFileSync(join(wal, name)), { level: 1 }));
    const auto = bad.fresh('case');
    expect(walscope(['index', '--jobs', '2', '--backup', bad.archive.backup, '--wal', gz, '-C', auto])).toMatchObject({ code: 0, err: '' });
    expect(packsOf(auto)).toEqual(packsOf(packed));
  });

  it('after kill -9 in the middle', async () => {
    const caseDir = bad.fresh('case');
    const { process: child, run } = startWalscope(['index', '--wal-store', 'pack', '--jobs', '2', '--backup', bad.archive.backup, '--wal', wal, '-C', caseDir]);
    while (!existsSync(join(caseDir, 'wal')) || readdirSync(join(caseDir, 'wal')).length === 0) await sleep(1);
    child.kill('SIGKILL');
    expect((await run).code).toBe(-1);
    expect(index(caseDir, '--wal-store', 'pack')).toMatchObject({ code: 0, err: '' });
    expect(contents(caseDir)).toEqual(contents(packed));
  });

  it('when segments come one after the other, and leave the archive once they are packed', () => {
    const rotating = bad.walCopy((name) => name < segment(0x82));
    const caseDir = bad.fresh('case');
    expect(walscope(['index', '--wal-store', 'pack', '--backup', bad.archive.backup, '--wal', rotating, '-C', caseDir]).code).toBe(0);
    for (const last of [0x83, 0x8f, 0xff]) {
      for (const name of readdirSync(rotating)) rmSync(join(rotating, name));
      for (const name of readdirSync(wal)) if (name > segment(last === 0x83 ? 0x81 : last === 0x8f ? 0x83 : 0x8f) && name <= segment(last)) linkSync(join(wal, name), join(rotating, name));
      expect(walscope(['index', '-C', caseDir])).toMatchObject({ code: 0, err: '' });
    }
    expect(packsOf(caseDir)).toEqual(packsOf(packed));
  });
});

describe('index --shard and --merge', () => {
  const part = (folder: string, shard: string, ...args: string[]): CliRun => index(folder, '--shard', shard, '--wal-store', 'pack', ...args);

  it('make the same bytes as one run', () => {
    const parts = [1, 2, 3].map((i) => {
      const folder = bad.fresh('part');
      expect(part(folder, `${i}/3`)).toMatchObject({ code: 0, err: '', out: expect.stringMatching(new RegExp(`^part ${i} of 3: .* of WAL, [0-9,]+ records read; layers `)) });
      return folder;
    });
    const before = parts.map(contents);
    expect(part(parts[1]!, '2/3')).toMatchObject({ code: 0, err: '' }); // again: nothing is left to do
    expect(parts.map(contents)).toEqual(before);
    const caseDir = bad.fresh('case');
    expect(index(caseDir, '--wal-store', 'pack', '--merge', ...parts)).toMatchObject({ code: 0, err: '' });
    expect(contents(caseDir)).toEqual(contents(packed));
    // a part that was lost after it had begun is built again
    rmSync(join(parts[2]!, 'shard'));
    expectFailure(index(bad.fresh('case'), '--wal-store', 'pack', '--merge', ...parts), 3, /holds no part of an index run; make it with walscope index --shard/);
    expect(part(parts[2]!, '3/3').code).toBe(0);
    expect(contents(parts[2]!)).toEqual(before[2]);
  });

  it('refuse what does not belong together', () => {
    const [one, two] = [bad.fresh('part'), bad.fresh('part')] as [string, string];
    expect(part(one, '1/2').code).toBe(0);
    expectFailure(part(one, '2/2'), 2, /holds part 1 of 2 of another run; give each part a directory of its own/);
    expectFailure(index(bad.fresh('case'), '--wal-store', 'pack', '--merge', one), 3, /of 2 parts, 2 is not among the directories; name the directories of all parts/);
    expect(index(two, '--shard', '2/2').code).toBe(0); // refers to the archive
    expectFailure(index(bad.fresh('case'), '--wal-store', 'pack', '--merge', one, two), 3, /holds a part of another run: .*; run all parts, and the merge, with the same options/);
    expectFailure(part(packed, '1/2'), 2, /is a case already; give each part a directory of its own/);
    expectFailure(part(one, '3/2'), 2, /--shard needs I\/N with I from 1 to N/);
    expectFailure(index(one, '--shard', '1/2', '--follow'), 2, /--follow, --shard and --merge exclude each other/);
  });
});

describe('index --follow', () => {
  it('takes segments as they arrive, whole, in pieces or out of order, while older ones leave; ^C is 130, and a restart goes on', async () => {
    const live = bad.walCopy((name) => name <= segment(0x7e));
    const caseDir = bad.fresh('case');
    const begin = (): ReturnType<typeof startWalscope> => startWalscope(['index', '--follow', '--interval', '0.2', '--wal-store', 'pack', '--jobs', '1', '--backup', bad.archive.backup, '--wal', live, '-C', caseDir]);
    const names = readdirSync(wal).filter((name) => /^[0-9A-F]{24}$/.test(name) && name > segment(0x7e)).sort();
    const reached = (): string => walscope(['status', '-C', caseDir]).out.match(/^covered .* to (\S+)$/m)?.[1] ?? '';
    const until = async (condition: () => boolean): Promise<void> => {
      for (let i = 0; !condition(); i++) {
        if (i > 400) throw new Error(`still at ${reached()}`);
        await sleep(100);
      }
    };
    const stop = async (started: ReturnType<typeof startWalscope>): Promise<CliRun> => {
      started.process.kill('SIGINT');
      return started.run;
    };
    const upTo = (name: string) => (): boolean => readdirSync(join(caseDir, 'wal')).some((pack) => pack.endsWith(`-${(parseInt(name.slice(16), 16) * 1048576 + 1048576).toString(16).toUpperCase().padStart(16, '0')}.wal`));

    let started = begin();
    await until(() => existsSync(join(caseDir, 'manifest')));
    // a segment that is still being copied
    const [first, second, third] = names as [string, string, string];
    writeFileSync(join(live, first), readFileSync(join(wal, first)).subarray(0, 300_000));
    await sleep(600);
    linkInto(live, third); // before the one that it follows
    rmSync(join(live, first));
    linkInto(live, first);
    await until(upTo(first));
    rmSync(join(live, first)); // the archive rotates
    linkInto(live, second);
    await until(upTo(third));
    // what is still cut off at the next look is told, once: whether it was depends on how long that look took to come
    expect(await stop(started)).toMatchObject({ code: 130, err: expect.stringMatching(/^(walscope: incomplete: \S+7F: the segment is cut off; 300000 of 1048576 bytes can be read\n)?walscope: stopped following; the WAL up to 0\/[0-9A-F]+ is indexed; run the same command again: it goes on there\n$/) });
    rmSync(join(live, second));
    started = begin();
    for (const name of names.slice(3)) linkInto(live, name);
    await until(upTo(names.at(-1)!));
    const run = await stop(started);
    expect(run.code).toBe(130);
    expect(run.out).toMatch(/^0\/[0-9A-F]+ · timeline 1 · .* taken in, .* s · last commit \d{4}-/m);
    expect(walscope(['index', '-C', caseDir])).toMatchObject({ code: 0, err: '' });
    expect(packsOf(caseDir)).toEqual(packsOf(packed));
  });
});

describe('damage', () => {
  const lastPack = (caseDir: string): string => join(caseDir, 'wal', readdirSync(join(caseDir, 'wal')).sort().at(-1)!);

  it('a pack that is gone or cut off is told, and made again by the next index', () => {
    for (const damage of [(file: string) => rmSync(file), (file: string) => rewrite(file, (bytes) => bytes.subarray(0, 5000))]) {
      const caseDir = copyOf(packed);
      damage(lastPack(caseDir));
      expectBrokenAnswer(caseDir, /layer .*\.wal (is missing|has no footer); /);
      withoutArchive(() => expectFailure(walscope(['index', '-C', caseDir]), 3, /packed WAL .* is missing or damaged, and the WAL from .* is not in the archive any more; put that WAL back/));
      expect(walscope(['index', '-C', caseDir])).toMatchObject({ code: 0, err: '' });
      expect(contents(caseDir)).toEqual(contents(packed));
    }
  });

  it('a flipped bit in a frame: told with its file by questions, layers --verify and doctor, and that pack alone made again by index --repair', () => {
    const caseDir = copyOf(packed);
    rewrite(lastPack(caseDir), (bytes) => {
      for (let at = 60; at < bytes.length * 0.9; at += 3000) bytes[at]! ^= 1;
    });
    expectBrokenAnswer(caseDir, /layer .*\.wal has a block checksum mismatch.*; run walscope index --repair/);
    expect(walscope(['layers', '--verify', '-C', caseDir])).toMatchObject({ code: 3, err: expect.stringMatching(/\.wal has a block checksum mismatch/) });
    expect(walscope(['doctor', '-C', caseDir])).toMatchObject({ code: 3, out: expect.stringMatching(/layer\.crc: .*\.wal has a block checksum mismatch/) });
    withoutArchive(() => expectFailure(walscope(['index', '--repair', '-C', caseDir]), 3, /packed WAL .* is missing or damaged, and the WAL from .* is not in the archive any more; put that WAL back/));
    expect(walscope(['index', '--repair', '-C', caseDir])).toMatchObject({ code: 0, err: '' });
    expect(contents(caseDir)).toEqual(contents(packed));
  });
});

describe('walscope layers', () => {
  it('lists packs and dumps one', () => {
    const [name] = readdirSync(join(packed, 'wal')).sort();
    expect(walscope(['layers', '--csv', '-C', packed]).out).toContain(`\n${name!},`);
    const dump = walscope(['layers', name!, '-C', packed]).out.split('\n');
    expect(dump[0]).toMatch(/^pack .*\.wal: PostgreSQL 17, .* to .*, \d+ frames, \d+ bytes$/);
    expect(dump[1]).toMatch(/^frame 0\/[0-9A-F]+: \d+ bytes of WAL in \d+$/);
    expect(dump[2]).toMatch(/^page 0\/[0-9A-F]+: timeline 1 info \d+ rem_len \d+ payload \d+$/);
  });
});
