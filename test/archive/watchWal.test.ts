import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { WalWatch } from '../../src/archive/watchWal.js';

vi.mock('node:fs', async (original) => {
  const actual = await original<object>();
  return { ...actual, watch: () => { throw Object.assign(new Error('ENOSPC: System limit for number of file watchers reached'), { code: 'ENOSPC' }); } };
});

it('looks at intervals where the system has no watch left to give', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'walscope-watch-'));
  const watch = new WalWatch([folder], 50);
  watch.note();
  expect(await watch.changed(undefined)).toBe(false);
  writeFileSync(join(folder, '000000010000000000000001'), 'x');
  expect(await watch.changed(undefined)).toBe(true);
  watch.close();
  rmSync(folder, { recursive: true });
});
