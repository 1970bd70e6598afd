/**
 * Makes images of pages: many at a time, so that the records on the way to them are read from the WAL once, in LSN order. What is asked for in
 * key order is written in key order.
 */
import { ENTRY_STARTS_CHAIN } from '../layerfile/deltaLayer.js';
import { encodeImage, type ImageLayerWriter, type StoredImage } from '../layerfile/imageLayer.js';
import { BLCKSZ, Page } from '../pg/page.js';
import type { RelFork } from '../pg/relFileLocator.js';
import type { Lsn } from '../util/lsn.js';
import type { CaseStore } from './caseStore.js';
import type { ChainEntry } from './pageStore.js';
import { blockFloor, type RelationState } from './relationState.js';

/** What is worked on at a time: pages, and records to replay. */
const CHUNK_PAGES = 512;
const CHUNK_RECORDS = 256 * 1024;

/** A page that gets images: what it starts from, its records, and where the images stand. */
export interface ImageTarget {
  rel: RelFork;
  block: number;
  bytes: Uint8Array;
  entries: ChainEntry[];
  /** Truncations in between: the page begins anew. */
  resets: Lsn[];
  imageLsns: Lsn[];
  base: { lsn: Lsn; page: Uint8Array } | undefined;
  images: StoredImage[];
  unknown?: { lsn: Lsn; rmgr: string };
}

/** Gathers targets and makes their images. */
export class ImageMaker {
  private chunk: ImageTarget[] = [];

  /** `onUnknown`: told of a page that could not be rebuilt where it should have had an image; it gets none. */
  constructor(private readonly store: CaseStore, private readonly writer: ImageLayerWriter, private readonly onUnknown?: (target: ImageTarget) => void) {}

  /** The page as of its first image: what it starts from, and the records on top. */
  begin(rel: RelFork, block: number, state: RelationState, lsn: Lsn): ImageTarget {
    const { pages, images } = this.store;
    const floor = blockFloor(state, block, lsn);
    const image = images.newest(rel, block, block + 1, floor.floorLsn, lsn).get(block);
    const chain = pages.collectChain(rel, block, image?.lsn ?? floor.floorLsn, lsn, floor.usesBase && !image);
    const target: ImageTarget = { ...emptyTarget(rel, block), entries: chain.entries, base: images.newestAlone(rel, block, lsn) };
    const starts = chain.entries.length > 0 && (chain.entries[0]!.bits & ENTRY_STARTS_CHAIN) !== 0;
    if (image && !starts) target.bytes.set(image.page());
    else if (chain.usesBase) pages.readBase(state, rel, block, target.bytes, target);
    return target;
  }

  /** Takes a target that is complete. */
  add(target: ImageTarget): void {
    this.chunk.push(target);
  }

  /** A page with at most one image, which stands alone, behind `kept`, older ones that are written as they are. */
  addOne(rel: RelFork, block: number, state: RelationState, lsn: Lsn | undefined, kept: StoredImage[]): void {
    const target = lsn === undefined ? emptyTarget(rel, block) : this.begin(rel, block, state, lsn);
    if (lsn !== undefined) target.imageLsns.push(lsn);
    target.base = undefined;
    target.images.push(...kept);
    this.add(target);
  }

  /** Works off what is in hand, if it has become much. Between two calls all targets of a page must have come. */
  turn(): void {
    if (this.chunk.length >= CHUNK_PAGES || this.chunk.reduce((sum, { entries }) => sum + entries.length, 0) >= CHUNK_RECORDS) this.flush();
  }

  /** Writes what is in hand. */
  flush(): void {
    // in LSN order; what stands at one LSN: the page begins anew, its image, its record
    const work: { lsn: Lsn; step: 0 | 1 | 2; target: ImageTarget; bits: number }[] = [];
    for (const target of this.chunk) {
      for (const lsn of target.resets) work.push({ lsn, step: 0, target, bits: 0 });
      for (const lsn of target.imageLsns) work.push({ lsn, step: 1, target, bits: 0 });
      for (const { lsn, bits } of target.entries) work.push({ lsn, step: 2, target, bits });
    }
    work.sort((a, b) => a.lsn - b.lsn || a.step - b.step);
    for (const { lsn, step, target, bits } of work) {
      if (step === 0) target.bytes.fill(0);
      else if (step === 1 && target.unknown) this.onUnknown?.(target);
      else if (step === 1) capture(target, lsn);
      else this.store.pages.apply({ lsn, bits }, target.rel, target.block, new Page(target.bytes), target);
    }
    for (const target of this.chunk) for (const image of target.images) this.writer.add(target.rel, target.block, image);
    this.chunk = [];
  }
}

function emptyTarget(rel: RelFork, block: number): ImageTarget {
  return { rel, block, bytes: new Uint8Array(BLCKSZ), entries: [], resets: [], imageLsns: [], base: undefined, images: [] };
}

/** Takes an image of the page as it is now. */
function capture(target: ImageTarget, lsn: Lsn): void {
  const image = encodeImage(target.bytes, lsn, target.base);
  if (image.baseLsn === null) target.base = { lsn, page: target.bytes.slice() };
  target.images.push(image);
}
