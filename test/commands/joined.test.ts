/** The program joined into one script, with what V8 compiled of it: made from dist/ in a directory of its own, as npm run build makes it. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildCli, demoCase, ROOT, walscope } from '../support/cli.js';

interface Joined {
  loadJoined(): { script: { cachedDataRejected?: boolean } } | undefined;
}

let copy: string;
let demo: ReturnType<typeof demoCase>;

const answer = (args: string[]): string => execFileSync(process.execPath, [join(copy, 'bin', 'walscope.js'), ...args, '-C', demo.dir], { encoding: 'utf8', stdio: 'pipe' });
const require = createRequire(import.meta.url);
const program = (): ReturnType<Joined['loadJoined']> => (require(join(copy, 'bin', 'joined.js')) as Joined).loadJoined();

beforeAll(() => {
  buildCli();
  demo = demoCase();
  copy = mkdtempSync(join(tmpdir(), 'walscope joined '));
  for (const name of ['bin', 'dist', 'scripts', 'package.json']) cpSync(join(ROOT, name), join(copy, name), { recursive: true, preserveTimestamps: true });
  mkdirSync(join(copy, 'fixtures'));
  for (const name of ['node_modules', join('fixtures', 'demo')]) symlinkSync(join(ROOT, name), join(copy, name));
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', join(copy, 'dist')], { cwd: ROOT });
  execFileSync(process.execPath, [join(copy, 'scripts', 'bundle.mjs')], { stdio: 'pipe' });
});

afterAll(() => {
  demo.remove();
  rmSync(copy, { recursive: true });
});

describe('the joined program', () => {
  it('is handed to V8 with what it compiled before, and answers as the modules do', () => {
    expect(program()?.script.cachedDataRejected).toBe(false);
    for (const args of [['status'], ['asof', 'orders', '--key', '1', '--csv', '--at', 'earliest'], ['asof', 'orders', '--where', "status = 'new'", '--csv'], ['tables', '--json']]) {
      expect(answer(args)).toBe(walscope([...args, '-C', demo.dir]).out);
    }
  });

  it('is passed over where dist/ was compiled since', () => {
    const later = new Date(Date.now() + 10_000);
    utimesSync(join(copy, 'dist', 'commands', 'asof.js'), later, later);
    expect(program()).toBeUndefined();
    expect(answer(['--version'])).toBe(walscope(['--version']).out);
  });
});
