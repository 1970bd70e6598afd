import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { realInput } from '../../src/archive/inputFile.js';
import { WalWatch } from '../../src/archive/watchWal.js';
import { failure } from '../support/errorCode.js';

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

it('a folder that goes while the archive is listed is told as input that cannot be read', () => {
  expect(failure(() => realInput('/nonexistent/wal'))).toBe('input.unreadable');
});
