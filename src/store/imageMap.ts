/** The open image layers of a case: the nearest image of a page before a moment, whatever layer holds it. */
import path from 'node:path';
import type { HeldFiles } from '../layerfile/heldFiles.js';
import { decodeImage, ImageLayer, type StoredImage } from '../layerfile/imageLayer.js';
import type { ManifestImages } from '../layerfile/manifest.js';
import { formatRelFork, type RelFork } from '../pg/relFileLocator.js';
import { inputError } from '../util/errors.js';
import { formatLsn, type Lsn } from '../util/lsn.js';

/** An image that was found; its page is made when asked for. */
export interface FoundImage {
  lsn: Lsn;
  page(): Uint8Array;
}

export class ImageMap {
  private readonly open: (ImageLayer | undefined)[] = [];
  /** Which layers have images of a fork, by position in `entries`; asked for a page at a time. */
  private readonly holders = new Map<string, { layer: ImageLayer; ordinal: number }[]>();

  /** `entries`: in LSN order. */
  constructor(readonly folder: string, readonly entries: readonly ManifestImages[], private readonly held?: HeldFiles) {}

  layer(index: number): ImageLayer {
    const entry = this.entries[index]!;
    return (this.open[index] ??= new ImageLayer(path.join(this.folder, entry.name), entry.startLsn, entry.endLsn, this.held));
  }

  /** The layer of that name, which there must be. */
  named(name: string): ImageLayer {
    return this.layer(this.entries.findIndex((entry) => entry.name === name));
  }

  private of(rel: RelFork): { layer: ImageLayer; ordinal: number }[] {
    if (this.entries.length === 0) return [];
    const key = formatRelFork(rel);
    let list = this.holders.get(key);
    if (!list) {
      list = this.entries.map((_, i) => ({ layer: this.layer(i), ordinal: this.layer(i).ordinal(rel) })).filter(({ ordinal }) => ordinal >= 0);
      this.holders.set(key, list);
    }
    return list;
  }

  /** For each block of [from, to) its newest image with `after` < LSN ≤ `upTo`; blocks that have none are left out. */
  newest(rel: RelFork, from: number, to: number, after: Lsn, upTo: Lsn): Map<number, FoundImage> {
    const found = new Map<number, FoundImage>();
    for (const { layer, ordinal } of this.of(rel)) {
      if (layer.startLsn > upTo || layer.endLsn <= after) continue;
      layer.images(ordinal, from, to, (block, image) => {
        const before = found.get(block);
        if (image.lsn > after && image.lsn <= upTo && (!before || before.lsn < image.lsn)) found.set(block, { lsn: image.lsn, page: () => this.decode(rel, block, image) });
      });
    }
    return found;
  }

  /** The newest image of a page that stands alone, with LSN ≤ `upTo`: what later ones may refer to. */
  newestAlone(rel: RelFork, block: number, upTo: Lsn): { lsn: Lsn; page: Uint8Array } | undefined {
    let newest: StoredImage | undefined;
    for (const { layer, ordinal } of this.of(rel)) {
      layer.images(ordinal, block, block + 1, (_, image) => {
        if (image.baseLsn === null && image.lsn <= upTo && (!newest || newest.lsn < image.lsn)) newest = image;
      });
    }
    return newest && { lsn: newest.lsn, page: decodeImage(newest, undefined) };
  }

  private decode(rel: RelFork, block: number, image: StoredImage): Uint8Array {
    return decodeImage(image, image.baseLsn === null ? undefined : decodeImage(this.storedAt(rel, block, image.baseLsn), undefined));
  }

  /** The image of a page at exactly this LSN, as it is stored: what another refers to. Throws `layer.image_base` where no layer holds it. */
  storedAt(rel: RelFork, block: number, lsn: Lsn): StoredImage {
    let found: StoredImage | undefined;
    for (const { layer, ordinal } of this.of(rel)) {
      layer.images(ordinal, block, block + 1, (_, image) => {
        if (image.lsn === lsn) found = image;
      });
    }
    if (found) return found;
    throw inputError('layer.image_base', `no layer holds the image of ${formatRelFork(rel)} block ${block} at ${formatLsn(lsn)}, which a later one refers to`, {}, 'run walscope index --repair');
  }

  close(): void {
    for (const layer of this.open) layer?.close();
    this.open.length = 0;
    this.holders.clear();
  }
}
