/** The image layer that docs/layer-format.md explains byte by byte. */
import { encodeImage, ImageLayerWriter } from '../../src/layerfile/imageLayer.js';
import type { Lsn } from '../../src/util/lsn.js';

export const IMAGE_RELATION = { spcOid: 1663, dbOid: 5, relNumber: 16384, fork: 0 };

/** The page at 0/1000040 and at 0/1000080. */
export const TINY_PAGES = ['was', 'is '].map((word) => {
  const page = Buffer.alloc(8192);
  page.write(`a page as it ${word}, with The Quick Brown Fox; jumps over: 13 LAZY dogs? (0427965831)`, 'latin1');
  return page;
}) as [Buffer, Buffer];

/** Writes it; gives its size in bytes. */
export function writeTinyImages(folder: string, name: string): number {
  const writer = new ImageLayerWriter(folder, name);
  const [older, newer] = TINY_PAGES;
  const first = encodeImage(older, 0x1000040 as Lsn, undefined);
  writer.add(IMAGE_RELATION, 7, first);
  writer.add(IMAGE_RELATION, 7, encodeImage(newer, 0x1000080 as Lsn, { lsn: first.lsn, page: older }));
  return writer.finish();
}
