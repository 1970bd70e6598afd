/** One writer a case: the second is told, what a dead one left is taken over, and readers go on. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { asWriter } from '../../src/layerfile/caseLock.js';
import { asof, BadCase, contents, expectFailure } from '../support/badCase.js';
import { walscope } from '../support/cli.js';
import { DEMO } from '../support/plainDemo.js';

const root = mkdtempSync(join(tmpdir(), 'walscope-writers-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const host = encodeURIComponent(hostname());

describe('asWriter', () => {
  let next = 0;
  const folder = (): string => join(root, String(next++));
  const work = (caseDir: string): Promise<string[]> => asWriter(caseDir, 'gc', () => readdirSync(caseDir));

  it('lets one in, and the next when it is out; a directory that stays empty goes again', async () => {
    const caseDir = folder();
    let release!: () => void;
    const first = asWriter(caseDir, 'index', () => new Promise<void>((resolve) => (release = resolve)));
    while (!existsSync(caseDir) || readdirSync(caseDir).length === 0) await sleep(1);
    await expect(work(caseDir)).rejects.toMatchObject({ code: 'case.busy', message: expect.stringContaining(`walscope index is writing to ${caseDir} (process ${process.pid})`) as string });
    release();
    await first;
    expect(existsSync(caseDir)).toBe(false);
    expect(await work(caseDir)).toHaveLength(1);
  });

  it('of many that begin at once never two are in together', async () => {
    const caseDir = folder();
    let inside = 0;
    let most = 0;
    const runs = await Promise.allSettled(Array.from({ length: 20 }, () => asWriter(caseDir, 'index', async () => {
      most = Math.max(most, ++inside);
      await sleep(5);
      inside--;
    })));
    expect(most).toBe(1);
    expect(runs.some(({ status }) => status === 'fulfilled')).toBe(true);
  });

  it('takes over from a process that is gone, and from one whose number is another process now', async () => {
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    for (const left of [`writer.index.${gone}.1.${host}`, `writer.compact.${process.pid}.1.${host}`]) {
      if (left.includes(`.${process.pid}.`) && !existsSync('/proc/self/stat')) continue; // when a process began is known on Linux alone
      const caseDir = folder();
      await asWriter(caseDir, 'index', () => writeFileSync(join(caseDir, 'manifest'), ''));
      writeFileSync(join(caseDir, left), '');
      expect((await work(caseDir)).filter((name) => name.startsWith('writer.'))).toEqual([expect.stringMatching(/^writer\.gc\./)]);
    }
  });

  it('does not take over from another machine, and says what to remove', async () => {
    const caseDir = folder();
    await asWriter(caseDir, 'index', () => writeFileSync(join(caseDir, 'writer.index.7.9.else%20where'), ''));
    await expect(work(caseDir)).rejects.toMatchObject({
      message: expect.stringContaining('(process 7 on else where)') as string, options: { hint: expect.stringContaining(join(caseDir, 'writer.index.7.9.else%20where')) as string },
    });
  });
});

describe('commands', () => {
  const bad = new BadCase();

  it('a second writer gets one line and exit code 3 while readers answer, and what a dead one left does not matter', async () => {
    const caseDir = bad.fresh('case');
    cpSync(bad.whole, caseDir, { recursive: true });
    const before = contents(caseDir);
    const later = join(root, 'later'); // compressed, and not yet known: it would be copied into the case
    cpSync(join(DEMO, 'backup'), later, { recursive: true });
    await asWriter(caseDir, 'index', () => {
      for (const command of [['index'], ['verify', '--against', later], ['compact'], ['compact', '--pack'], ['gc', '--keep', '1s'], ['pin', 'now', 'latest'], ['unpin', 'now']]) {
        expectFailure(walscope([...command, '-C', caseDir]), 3, /walscope index is writing to .* \(process \d+\); wait for it to end/);
      }
      expect(asof(caseDir, 'shop', 'latest')).toMatchObject({ code: 0, out: asof(bad.whole, 'shop', 'latest').out });
    });
    expect(contents(caseDir)).toEqual(before);
    writeFileSync(join(caseDir, `writer.index.${spawnSync(process.execPath, ['-e', '']).pid}.1.${host}`), '');
    expect(bad.index(caseDir)).toMatchObject({ code: 0, err: '' });
    expect(contents(caseDir)).toEqual(before);
  });
});
