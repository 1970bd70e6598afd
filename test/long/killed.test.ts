/**
 * kill -9 at 50 points of index, of compact and of gc: the case answers as before, and the next run ends with the bytes of an unbroken one. The program is
 * the real one but for its stripes, which are small, so that a small archive has many; a module that is loaded before it ends the process
 * at its nth operation on the disk.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cachedArchive, type Archive } from '../../fixtures/workloads/build.js';
import { contents } from '../support/badCase.js';
import { ROOT } from '../support/cli.js';

const POINTS = 50;
const KILLER = `
import fs from 'node:fs';
import { isMainThread } from 'node:worker_threads';
let left = Number(process.env.KILL_AFTER);
let operations = 0;
if (isMainThread) for (const name of ['writeSync', 'fsyncSync', 'renameSync', 'rmSync', 'mkdirSync', 'linkSync', 'copyFileSync', 'writeFileSync']) {
  const real = fs[name];
  fs[name] = (...args) => {
    if (args[0] !== 1 && args[0] !== 2) {
      operations++;
      if (left-- === 0) process.kill(process.pid, 'SIGKILL');
    }
    return real.apply(fs, args);
  };
}
if (isMainThread) process.on('exit', () => { if (process.env.COUNT) real(process.env.COUNT, String(operations)); });
const real = fs.appendFileSync;
`;

describe('kill -9', () => {
  let archive: Archive;
  let root: string;
  let next = 0;

  beforeAll(async () => {
    archive = await cachedArchive({ major: 18, workload: 'everything' });
    root = mkdtempSync(join(tmpdir(), 'walscope-kill9-'));
    for (const name of ['package.json', 'bin']) cpSync(join(ROOT, name), join(root, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
    const built = spawnSync(process.execPath, [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json', '--outDir', join(root, 'dist')], { cwd: ROOT, encoding: 'utf8' });
    expect(built.stdout + built.stderr).toBe('');
    const stripes = join(root, 'dist', 'store', 'stripes.js');
    const text = readFileSync(stripes, 'utf8');
    writeFileSync(stripes, text.replace('128 * 1024 * 1024', '64 * 1024'));
    expect(readFileSync(stripes, 'utf8')).not.toBe(text);
    writeFileSync(join(root, 'killer.mjs'), KILLER);
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  function run(args: readonly string[], env: Record<string, string> = {}): { signal: string | null; code: number | null; out: string; err: string } {
    const { signal, status, stdout, stderr } = spawnSync(process.execPath, ['--import', join(root, 'killer.mjs'), join(root, 'bin', 'walscope.js'), ...args], {
      encoding: 'utf8', env: { ...process.env, KILL_AFTER: '-1', ...env }, maxBuffer: 1024 ** 3,
    });
    return { signal, code: status, out: stdout, err: stderr };
  }
  function done(args: readonly string[], env?: Record<string, string>): string {
    const { code, out, err } = run(args, env);
    expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
    return out;
  }
  // what gc keeps, too: the last moment
  const answers = (caseDir: string): string[] => ['toasty', 'altered', 'bulk', 'clustered'].map((table) => done(['asof', table, '--csv', '-d', 'shop', '-C', caseDir]));

  it.each<[string, string[][], string[]]>([
    ['index', [], ['index', '--jobs', '2', '--wal-store', 'pack', '--backup', 'BACKUP', '--wal', 'WAL', '-C', 'CASE']],
    ['compact', [['index', '--backup', 'BACKUP', '--wal', 'WAL', '-C', 'CASE']], ['compact', '--fanout', '4', '--keyframe-every', '16', '-C', 'CASE']],
    ['gc', [['index', '--wal-store', 'pack', '--backup', 'BACKUP', '--wal', 'WAL', '-C', 'CASE'], ['compact', '--keyframe-every', '16', '-C', 'CASE']], ['gc', '--keep', '1s', '-C', 'CASE']],
  ])('%s', (_, before, command) => {
    const inCase = (args: readonly string[], caseDir: string): string[] => args.map((arg) => ({ BACKUP: archive.backup.path, WAL: archive.wal, CASE: caseDir })[arg] ?? arg);
    const prepared = join(root, `prepared${next++}`);
    for (const args of before) done(inCase(args, prepared));
    const wantedAnswers = before.length > 0 ? answers(prepared) : [];
    const begin = (): string => {
      const caseDir = join(root, `case${next++}`);
      if (before.length > 0) cpSync(prepared, caseDir, { recursive: true });
      return caseDir;
    };
    const unbroken = begin();
    const count = join(root, `count${next++}`);
    done(inCase(command, unbroken), { COUNT: count });
    const operations = Number(readFileSync(count, 'utf8'));
    const wanted = contents(unbroken);
    let killed = 0;
    for (let point = 0; point < POINTS; point++) {
      const caseDir = begin();
      const { signal } = run(inCase(command, caseDir), { KILL_AFTER: String(Math.floor((operations * point) / POINTS)) });
      if (signal === 'SIGKILL') killed++;
      if (before.length > 0) expect(answers(caseDir)).toEqual(wantedAnswers);
      done(inCase(command, caseDir));
      expect(contents(caseDir)).toEqual(wanted);
      rmSync(caseDir, { recursive: true });
    }
    // with two threads a run's operations differ in number from one time to the next
    expect(killed).toBeGreaterThan(POINTS * 0.9);
  });
});
