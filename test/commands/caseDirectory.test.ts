/** Case directories that are damaged, and indexing that is interrupted: told, mended, and in the end the same bytes. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, linkSync, mkdirSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { indexCase } from '../../src/store/indexer.js';
import { asof, BadCase, contents, expectFailure, rewrite, segment } from '../support/badCase.js';
import { ROOT, startWalscope, walscope, type CliRun } from '../support/cli.js';

const bad = new BadCase();

describe('a case directory that is damaged', () => {
  function damaged(change: (caseDir: string) => void): string {
    const caseDir = bad.fresh('case');
    cpSync(bad.whole, caseDir, { recursive: true });
    change(caseDir);
    return caseDir;
  }
  const layer = (caseDir: string): string => join(caseDir, 'layers', readdirSync(join(caseDir, 'layers')).sort().at(-1)!);
  const manifest = (change: (text: string) => string) => (caseDir: string) => rewrite(join(caseDir, 'manifest'), (bytes) => Buffer.from(change(bytes.toString('utf8'))));

  it.each<[string, (caseDir: string) => void, RegExp]>([
    ['another format version', manifest((text) => text.replace(/^walscope-manifest \d+/, 'walscope-manifest 99')), /has case format 99, this walscope reads \d+; index again/],
    ['a damaged manifest', manifest((text) => text.replace('"walBytes"', '"walBxtes"')), /manifest is damaged: its checksum does not match; index again/],
    ['a manifest that is cut off', manifest((text) => text.slice(0, 200)), /manifest is damaged/],
    ['a manifest that is none', manifest(() => 'hello\n'), /is not a walscope manifest; /],
    ['an empty manifest', manifest(() => ''), /is not a walscope manifest; /],
  ])('%s', (_, change, line) => {
    const caseDir = damaged(change);
    expectFailure(asof(caseDir, 'shop', 'latest'), 3, line);
    expectFailure(walscope(['status', '-C', caseDir]), 3, line);
    const before = contents(caseDir);
    expectFailure(bad.index(caseDir), 3, line);
    expect(contents(caseDir)).toEqual(before);
  });

  it.each<[string, (file: string) => void, RegExp]>([
    ['a missing layer', (file) => rmSync(file), /layer .*\.delta is missing; run walscope index again/],
    ['a layer that is cut off', (file) => truncateSync(file, 1000), /layer .*\.delta has no footer; run walscope index --repair/],
    ['an empty layer', (file) => truncateSync(file, 0), /layer .*\.delta has only 0 bytes; run walscope index --repair/],
    ['a layer of another format version', (file) => rewrite(file, (bytes) => void bytes.writeUInt32LE(77, 8)), /layer format 77, this walscope reads \d+; /],
    ['a layer that is none', (file) => rewrite(file, (bytes) => bytes.fill(0x20)), /is not a walscope layer; run walscope index --repair/],
  ])('%s: told, and rebuilt by the next index', (_, change, line) => {
    const caseDir = damaged((dir) => change(layer(dir)));
    const run = asof(caseDir, 'many', 'latest');
    expect(run.code).toBe(3);
    expect(run.err).toMatch(line);
    expect(run.err).not.toMatch(/bug in walscope/);
    expect(bad.index(caseDir)).toMatchObject({ code: 0, err: '' });
    expect(contents(caseDir)).toEqual(contents(bad.whole));
  });

  it('a flipped bit in any block of a layer is noticed, and removing the layer heals it', () => {
    const caseDir = damaged((dir) => rewrite(layer(dir), (bytes) => {
      for (let at = 40; at < bytes.length / 2; at += 500) bytes[at]! ^= 1;
    }));
    const run = asof(caseDir, 'many', 'latest');
    expect(run.code).toBe(3);
    expect(run.err).toMatch(/layer .*\.delta has a block checksum mismatch.*; run walscope index --repair/);
    rmSync(layer(caseDir));
    expect(bad.index(caseDir)).toMatchObject({ code: 0, err: '' });
    expect(contents(caseDir)).toEqual(contents(bad.whole));
  });
});

describe('interruptions', () => {
  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await sleep(1);
  }
  const start = (caseDir: string): ReturnType<typeof startWalscope> => startWalscope(['index', '--jobs', '2', '--backup', bad.archive.backup, '--wal', bad.archive.wal, '-C', caseDir]);

  it('^C in mid-index: 130, nothing half-written, and the next run ends with the same bytes', async () => {
    let caseDir = '';
    let run: CliRun | undefined;
    // on a fast machine a run may be done before the signal arrives: not five times
    for (let attempt = 0; attempt < 5 && run?.code !== 130; attempt++) {
      caseDir = bad.fresh('case');
      const started = start(caseDir);
      await until(() => existsSync(join(caseDir, 'layers')));
      started.process.kill('SIGINT');
      run = await started.run;
    }
    expectFailure(run!, 130, /^walscope: interrupted; run the same command again: it resumes/);
    expect(Object.keys(contents(caseDir)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(bad.index(caseDir)).toMatchObject({ code: 0, err: '' });
    expect(contents(caseDir)).toEqual(contents(bad.whole));
  });

  it('an interruption after the first layer keeps it, and what it covers is answered', async () => {
    const caseDir = bad.fresh('case');
    const abort = new AbortController();
    let turns = 0;
    const work = indexCase({ caseDir, backups: [bad.archive.backup], wal: [bad.archive.wal], signal: abort.signal, onProgress: () => ++turns === 2 && abort.abort() });
    await expect(work).rejects.toMatchObject({ code: 'interrupted', exitCode: 130 });
    expect(Object.keys(contents(caseDir))).toHaveLength(2); // the manifest and the first layer
    expect(asof(caseDir, 'shop', bad.archive.early)).toMatchObject({ code: 0, out: asof(bad.whole, 'shop', bad.archive.early).out });
    expect(bad.index(caseDir)).toMatchObject({ code: 0, err: '' });
    expect(contents(caseDir)).toEqual(contents(bad.whole));
  });

  it('kill -9 in mid-index: the next run ends byte-identical to an unbroken one', async () => {
    let caseDir = '';
    let code: number | undefined;
    // on a fast machine a run may be done before it is killed: not five times
    for (let attempt = 0; attempt < 5 && code !== -1; attempt++) {
      caseDir = bad.fresh('case');
      const { process: child, run } = start(caseDir);
      await until(() => existsSync(join(caseDir, 'layers')) && readdirSync(join(caseDir, 'layers')).length > 0);
      child.kill('SIGKILL');
      ({ code } = await run);
    }
    expect(code).toBe(-1);
    mkdirSync(join(caseDir, 'layers'), { recursive: true });
    writeFileSync(join(caseDir, 'layers', 'half.delta.tmp'), 'left behind');
    expect(bad.index(caseDir)).toMatchObject({ code: 0, err: '' });
    expect(contents(caseDir)).toEqual(contents(bad.whole));
  });

  it('a second run takes new segments in and ends byte-identical to one run over all', () => {
    const wal = bad.walCopy((name) => name < segment(0x82));
    const caseDir = bad.fresh('case');
    expect(bad.index(caseDir, { wal }).code).toBe(0);
    for (const last of [0x83, 0x8f, 0xff]) {
      for (const name of readdirSync(bad.archive.wal)) if (name <= segment(last) && !existsSync(join(wal, name))) linkSync(join(bad.archive.wal, name), join(wal, name));
      expect(walscope(['index', '-C', caseDir])).toMatchObject({ code: 0, err: '' });
    }
    const once = bad.fresh('case');
    bad.index(once, { wal });
    expect(contents(caseDir)).toEqual(contents(once));
  });

  it('a run with nothing new changes nothing', () => {
    const caseDir = bad.fresh('case');
    cpSync(bad.whole, caseDir, { recursive: true });
    expect(walscope(['index', '-C', caseDir])).toMatchObject({ code: 0, err: '' });
    expect(contents(caseDir)).toEqual(contents(bad.whole));
  });

  it('no space left while a compressed backup is copied: said so, and no part of the copy stays', () => {
    const caseDir = bad.fresh('case');
    const demo = join(ROOT, 'fixtures', 'demo');
    // a limit on a file's size, its signal ignored: the write fails as on a full disk, whoever runs this
    const run = walscope(['index', '--backup', join(demo, 'backup'), '--wal', join(demo, 'wal'), '-C', caseDir], { wrapper: ['bash', '-c', 'trap "" XFSZ; ulimit -f 1000; exec "$@"', 'bash'] });
    expectFailure(run, 3, /no space left to write .*; free some space or put the case on another disk/);
    expect(Object.keys(contents(caseDir))).toEqual([]);
  });

  it.each([1, 3])('no space left, %i threads: said so, what the first layer covers is answered, and the next run goes on', (jobs) => {
    const caseDir = bad.fresh('case');
    mkdirSync(caseDir);
    const [first, second, manifest] = Object.keys(contents(bad.whole)).map((name) => statSync(join(bad.whole, name)).size) as [number, number, number];
    const pages = (bytes: number): number => Math.ceil(bytes / 4096);
    // the first layer fits, and the manifest beside the one that it replaces; the second layer does not
    const disk = pages(first) + 2 * pages(manifest);
    expect(pages(second)).toBeGreaterThan(pages(manifest));
    const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${4 * disk}k`, 'tmpfs', caseDir]).status === 0;
    try {
      // without the right to mount: a limit on a file's size, its signal ignored, fails the same write
      const run = bad.index(caseDir, isMounted ? { jobs } : { jobs, wrapper: ['bash', '-c', `trap "" XFSZ; ulimit -f ${4 * pages(Math.max(first, manifest))}; exec "$@"`, 'bash'] });
      expectFailure(run, 3, /no space left to write .*; free some space or put the case on another disk/);
      expect(readdirSync(join(caseDir, 'layers')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
      expect(asof(caseDir, 'shop', bad.archive.early)).toMatchObject({ code: 0, out: asof(bad.whole, 'shop', bad.archive.early).out });
      if (isMounted) spawnSync('mount', ['-o', 'remount,size=100m', caseDir]);
      expect(bad.index(caseDir)).toMatchObject({ code: 0, err: '' });
      expect(contents(caseDir)).toEqual(contents(bad.whole));
    } finally {
      if (isMounted) spawnSync('umount', [caseDir]);
    }
  });
});
