/** index --only, track and untrack as a user meets them. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectFailure } from '../support/badCase.js';
import { demoCase, ROOT, walscope, type CliRun } from '../support/cli.js';

const demo = join(ROOT, 'fixtures', 'demo');
const root = mkdtempSync(join(tmpdir(), 'walscope-track-'));
const inputs = ['--backup', join(demo, 'backup'), '--wal', join(demo, 'wal')];
const caseDir = join(root, 'case');
const ask = (...args: string[]): CliRun => walscope([...args, '-C', caseDir]);
let whole: ReturnType<typeof demoCase>;

/** A failure after the line that echoes the moment. */
function expectRefusal(run: CliRun, line: RegExp): void {
  expectFailure({ ...run, err: run.err.replace(/^as of .*\n/gm, '') }, 4, line);
}

beforeAll(() => {
  whole = demoCase();
  expect(walscope(['index', ...inputs, '--only', 'shop.public.orders', '-C', caseDir])).toMatchObject({ code: 0, err: '' });
});
afterAll(() => {
  whole?.remove();
  rmSync(root, { recursive: true, force: true });
});

describe('an index of one table', () => {
  it('answers for it, refuses the others by name, and status says so', () => {
    expect(ask('asof', 'orders', '--at', 'earliest', '--csv').out).toBe(walscope(['asof', 'orders', '--at', 'earliest', '--csv', '-C', whole.dir]).out);
    expect(ask('asof', 'orders', '--key', '7', '--csv')).toMatchObject({ code: 0 });
    expectRefusal(ask('asof', 'order_items', '--at', 'earliest'), /order_items is not in this index, which holds only shop\.public\.orders; take it in with walscope track shop\.public\.order_items/);
    for (const args of [['history', 'order_items', '--key', '1'], ['diff', 'earliest', 'latest', 'order_items'], ['export', 'order_items'], ['page', 'order_items', '0'], ['page', 'order_items_pkey', '1']]) {
      expectRefusal(ask(...args), /is not in this index/);
    }
    expect(ask('status').out).toMatch(/^only +shop\.public\.orders: rows of other tables cannot be asked for/m);
    expect(JSON.parse(ask('status', '--json').out)).toMatchObject({ only: ['shop.public.orders'] });
    expect(ask('tables').out).toBe(walscope(['tables', '-C', whole.dir]).out);
    expect(ask('log').out).toBe(walscope(['log', '-C', whole.dir]).out);
  });

  it('what asks for several tables answers in part, and names what is missing', () => {
    for (const args of [['tables', '--count'], ['diff', 'earliest', 'latest', '--stat'], ['export'], ['verify', '--hint-images']]) {
      const run = ask(...args);
      expect(run.err + run.out).toMatch(/not in this index|the index leaves out/);
      expect(run.err).not.toMatch(/bug in walscope/);
    }
    expect(ask('tables', '--count').code).toBe(5);
    expect(ask('diff', 'earliest', 'latest', '--stat').code).toBe(5);
  });

  it('grows with track and shrinks with untrack', () => {
    expect(ask('track', 'shop.public.order_items')).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^the index holds shop\.public\.order_items, shop\.public\.orders; /) as string });
    expect(ask('asof', 'order_items', '--at', 'earliest', '--csv').out).toBe(walscope(['asof', 'order_items', '--at', 'earliest', '--csv', '-C', whole.dir]).out);
    expect(ask('untrack', 'shop.public.order_items')).toMatchObject({ code: 0, err: '' });
    expectRefusal(ask('asof', 'order_items', '--at', 'earliest'), /order_items is not in this index/);
    expect(ask('track', '--all')).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^the index holds every table; /) as string });
    const layers = (dir: string): string[] => readdirSync(join(dir, 'layers')).sort();
    expect(layers(caseDir)).toEqual(layers(whole.dir));
    expectFailure(ask('track', 'shop'), 2, /the index holds every table; /);
  });

  it('says what is wrong with a name', () => {
    const other = join(root, 'other');
    const index = (...only: string[]): CliRun => walscope(['index', ...inputs, '--only', ...only, '-C', other]);
    expectFailure(index('a.b.c.d'), 2, /"a\.b\.c\.d" names no table, schema or database; write DB, DB\.SCHEMA or DB\.SCHEMA\.TABLE/);
    expect(index('shop.public.ordrs')).toMatchObject({ code: 5, err: expect.stringMatching(/nothing in the archive is called shop\.public\.ordrs so far/) as string });
    expectFailure(index('shop'), 2, /the index holds shop\.public\.ordrs already; change that with walscope track and untrack/);
    const ofOther = (...args: string[]): CliRun => walscope([...args, '-C', other]);
    expectFailure(ofOther('untrack', 'shop'), 2, /shop is none of the names .*; there are: shop\.public\.ordrs/);
    expectFailure(ofOther('untrack', 'shop.public.ordrs'), 2, /nothing would be left/);
    expectFailure(ofOther('track'), 2, /track needs names, or --all/);
  });
});
