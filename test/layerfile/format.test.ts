/** docs/layer-format.md is exact: the layer that it prints is the one that is written, and reads back as it says. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { layerFaults, LayerKind } from '../../src/layerfile/blockFile.js';
import { ClogStatus, DeltaLayer, writeDeltaLayer } from '../../src/layerfile/deltaLayer.js';
import { decodeImage, ImageLayer } from '../../src/layerfile/imageLayer.js';
import { CASE_FORMAT_VERSION, readManifest, writeManifest, type Manifest } from '../../src/layerfile/manifest.js';
import { WalscopeError } from '../../src/util/errors.js';
import { INVALID_LSN, type Lsn } from '../../src/util/lsn.js';
import { ROOT } from '../support/cli.js';
import { IMAGE_RELATION, TINY_PAGES, writeTinyImages } from '../support/tinyImages.js';
import { TINY_LAYER, TINY_ROWS } from '../support/tinyLayer.js';

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'walscope-format-'));
  file = join(folder, 'tiny.delta');
  writeDeltaLayer(file, TINY_LAYER);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const doc = readFileSync(join(ROOT, 'docs', 'layer-format.md'), 'utf8');

/** Flips a bit in each byte: the file is refused, or its one block with the byte is. */
function expectDamageTold(whole: string, kind: LayerKind, open: (damaged: string) => DeltaLayer | ImageLayer): void {
  const bytes = readFileSync(whole);
  const damaged = join(folder, 'damaged');
  for (let at = 0; at < bytes.length; at++) {
    const copy = Buffer.from(bytes);
    copy[at]! ^= 0x10;
    writeFileSync(damaged, copy);
    if (layerFaults(damaged, kind, bytes.length, false).length > 0) continue;
    const layer = open(damaged);
    expect(`${at}: ${layer.check().map((error) => error.code).join()}`).toBe(`${at}: layer.crc`);
    layer.close();
  }
}

describe('the documented layer', () => {
  it('is what is written, byte for byte', () => {
    const printed = [...doc.split('## The image layer')[0]!.matchAll(/^[0-9a-f]{8} {2}((?:[0-9a-f]{2} {1,2}){1,16})/gm)].flatMap((match) => match[1]!.trim().split(/ +/));
    expect(printed.length).toBe(192);
    expect(readFileSync(file).toString('hex')).toBe(printed.join(''));
  });

  it('reads back', () => {
    const layer = new DeltaLayer(file, TINY_LAYER.startLsn, TINY_LAYER.endLsn);
    expect(layer.relations).toEqual(TINY_LAYER.relations);
    const entries: number[][] = [];
    layer.entries(TINY_LAYER.relations[0]!, 0, 100, (block, lsn, bits) => entries.push([block, lsn - TINY_LAYER.startLsn, bits]));
    expect(entries).toEqual([[0, 0x40, 1], [0, 0xc0, 0], [1, 0x100, 1]]);
    expect(layer.sizeEvents(TINY_LAYER.relations[0]!)).toEqual(TINY_LAYER.sizes.get(0));
    expect(layer.transactionBlock(0)).toEqual(TINY_ROWS);
    const clog: number[][] = [];
    for (const block of layer.clogBlocks(0, layer.startLsn, layer.endLsn)) layer.clogEntries(0, block, (...entry) => clog.push(entry));
    expect(clog).toEqual([[TINY_LAYER.startLsn + 0x180, 733, ClogStatus.committed]]);
    expect(layer.clogZeroesOf(9)).toEqual([TINY_LAYER.startLsn + 0x170]);
    expect(layer.clogZeroes).toEqual(TINY_LAYER.clogZeroes);
    expect(layer.events()).toEqual(TINY_LAYER.events);
    expect(layer.changes.stripes).toEqual([TINY_LAYER.startLsn]);
    expect(layer.changes.at(TINY_LAYER.endLsn)).toEqual(TINY_LAYER.changes);
    layer.close();
  });

  it('is refused, or told block by block, wherever a byte differs', () => {
    expectDamageTold(file, LayerKind.delta, (damaged) => new DeltaLayer(damaged, TINY_LAYER.startLsn, TINY_LAYER.endLsn));
  });

  it('is refused wherever it is cut off', () => {
    const bytes = readFileSync(file);
    const cut = join(folder, 'cut.delta');
    for (let length = 0; length < bytes.length; length++) {
      writeFileSync(cut, bytes.subarray(0, length));
      expect(layerFaults(cut, LayerKind.delta, bytes.length, false)).toEqual([expect.any(WalscopeError)]);
    }
  });
});

describe('the documented image layer', () => {
  const name = 'tiny.images';
  const open = (file = join(folder, name)): ImageLayer => new ImageLayer(file, 0x1000000 as Lsn, 0x2000000 as Lsn);

  it('is what is written, byte for byte', () => {
    const bytes = writeTinyImages(folder, name);
    const printed = [...doc.split('## An image layer, byte by byte')[1]!.matchAll(/^[0-9a-f]{8} {2}((?:[0-9a-f]{2} {1,2}){1,16})/gm)].flatMap((match) => match[1]!.trim().split(/ +/));
    expect(printed.length).toBe(bytes);
    expect(readFileSync(join(folder, name)).toString('hex')).toBe(printed.join(''));
  });

  it('reads back, the second image through the first', () => {
    const layer = open();
    const [first, second] = [...layer.all()].map(({ image }) => image);
    expect([...layer.all()].map(({ rel, block, image }) => [rel, block, image.lsn, image.baseLsn])).toEqual([[IMAGE_RELATION, 7, 0x1000040, null], [IMAGE_RELATION, 7, 0x1000080, 0x1000040]]);
    const older = decodeImage(first!, undefined);
    expect(Buffer.from(older).equals(TINY_PAGES[0])).toBe(true);
    expect(Buffer.from(decodeImage(second!, older)).equals(TINY_PAGES[1])).toBe(true);
    layer.close();
  });

  it('is refused, or told block by block, wherever a byte differs', () => {
    expectDamageTold(join(folder, name), LayerKind.image, open);
  });
});

describe('the manifest', () => {
  it('begins as documented, reads back, and is refused wherever a byte differs', () => {
    const manifest: Manifest = {
      systemIdentifier: '1', major: 18, segmentSize: 1 << 20, timelines: [{ timeline: 1, start: INVALID_LSN, end: INVALID_LSN }], wal: [], walArchive: null, walStore: 'auto', packs: [],
      backups: [], runs: [], layers: [], walBytes: 0, records: 0,
    };
    writeManifest(folder, manifest);
    const bytes = readFileSync(join(folder, 'manifest'));
    expect(bytes.toString('latin1')).toMatch(new RegExp(`^walscope-manifest ${CASE_FORMAT_VERSION} [0-9a-f]{8} ${bytes.length - bytes.indexOf(10) - 1}\n\\{`));
    expect(doc).toContain('walscope-manifest VERSION CRC32C LENGTH');
    expect(readManifest(folder)).toEqual(manifest);
    for (let at = 0; at < bytes.length; at++) {
      const copy = Buffer.from(bytes);
      copy[at]! ^= 0x10;
      writeFileSync(join(folder, 'manifest'), copy);
      expect(() => readManifest(folder)).toThrow(WalscopeError);
    }
  });
});
