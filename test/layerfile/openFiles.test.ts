/** However many layers a case has, few of their files are open at a time. */
import fs from 'node:fs';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { DeltaLayer, writeDeltaLayer } from '../../src/layerfile/deltaLayer.js';
import { HeldFiles } from '../../src/layerfile/heldFiles.js';
import { failure } from '../support/errorCode.js';
import { TINY_LAYER } from '../support/tinyLayer.js';

const LAYERS = 100;
let folder: string;
let paths: string[];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'walscope-open-'));
  paths = Array.from({ length: LAYERS }, (_, i) => join(folder, `${i}.delta`));
  writeDeltaLayer(paths[0]!, TINY_LAYER);
  for (const path of paths.slice(1)) copyFileSync(paths[0]!, path);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Reads every layer, again and again; gives how many of their files were open at once at the most, beside those that are held. */
function readAll(held?: HeldFiles): number {
  const open = new Set<number>();
  let most = 0;
  const { openSync, closeSync } = fs;
  const spies = [
    vi.spyOn(fs, 'openSync').mockImplementation((...args) => {
      const fd = openSync(...args);
      most = Math.max(most, open.add(fd).size);
      return fd;
    }),
    vi.spyOn(fs, 'closeSync').mockImplementation((fd) => {
      open.delete(fd);
      closeSync(fd);
    }),
  ];
  try {
    const layers = paths.map((path) => new DeltaLayer(path, TINY_LAYER.startLsn, TINY_LAYER.endLsn, held));
    for (let round = 0; round < 3; round++) for (const layer of layers) expect(layer.events()).toEqual(TINY_LAYER.events);
    for (const layer of layers) layer.close();
    expect(open.size).toBe(0);
    return most;
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

it('a hundred layers are read with sixteen files open, and one more while another is closed', () => {
  expect(readAll()).toBe(17);
});

it('what a question holds leaves room for other files', () => {
  const readFile = fs.readFileSync;
  const limits = vi.spyOn(fs, 'readFileSync').mockImplementation(((...args: Parameters<typeof readFile>) =>
    (args[0] === '/proc/self/limits' ? 'Max cpu time              unlimited            unlimited            seconds\nMax open files            256                  256                  files\n' : readFile(...args))) as typeof readFile);
  const held = new HeldFiles(paths);
  limits.mockRestore();
  expect(paths.filter((path) => held.descriptor(path) !== undefined)).toEqual(paths.slice(0, 16));
  expect(readAll(held)).toBe(17);
  // what is held stays readable when it is removed
  for (const path of paths) rmSync(path);
  const read = (path: string) => new DeltaLayer(path, TINY_LAYER.startLsn, TINY_LAYER.endLsn, held).events();
  expect(read(paths[0]!)).toEqual(TINY_LAYER.events);
  expect(failure(() => read(paths[16]!))).toBe('layer.missing');
  held.close();
});
