/**
 * An image layer: pages as of LSNs, each "after all records that begin before". Compressed, or as the difference to an older image of the same
 * page. File: `START-END.N.images`; a block file of kind `image`.
 *
 * section 1 relations  fence: first ordinal             as in a delta layer
 * section 2 images     fence: ordinal, block, LSN / 8   images by page, then LSN
 * section 3 forks      fence: first fork                only in a cutoff: what is known of each fork's size (see docs/layer-format.md)
 * section 4 files      fence: file number               only in a cutoff: small files of the data directory, a block a piece
 *
 * An image: ordinal (delta in its block), block, LSN / 8, a number, length, bytes. The number is 0 where the bytes are the page deflated;
 * else LSN distance / 8 to the older image that was the preset dictionary.
 */
import path from 'node:path';
import zlib from 'node:zlib';
import { BLCKSZ } from '../pg/page.js';
import type { RelFork } from '../pg/relFileLocator.js';
import { countWhile } from '../util/countWhile.js';
import type { Lsn } from '../util/lsn.js';
import { fflate } from '../util/lazyPackages.js';
import { ByteReader, ByteWriter } from '../util/varint.js';
import { BlockFileReader, BlockFileWriter, LayerKind, type Section } from './blockFile.js';
import type { HeldFiles } from './heldFiles.js';
import { compareRelFork, deltaLayerName, ordinalOf, readRelations, SectionId, writeRelations } from './deltaLayer.js';

export const ImageSectionId = { relations: SectionId.relations, images: 2, forks: 3, files: 4 } as const;
const BLOCK_BYTES = 32 * 1024;
/** Deflate's own default. The bytes must not depend on the machine, so that zlib, which differs from build to build, writes none. */
const DEFLATE_LEVEL = 6;

/** `0000000000000000-0000000080000000.1.images`: level 1. */
export function imageLayerName(startLsn: Lsn, endLsn: Lsn, level: number): string {
  return deltaLayerName(startLsn, endLsn).replace(/delta$/, `${level}.images`);
}

/** A page image as it is stored. */
export interface StoredImage {
  lsn: Lsn;
  /** The older image of the page that `bytes` refer to; null where they stand alone. */
  baseLsn: Lsn | null;
  bytes: Uint8Array;
}

/** An image in its smaller form: by itself, or against an older one where that takes less than half. */
export function encodeImage(page: Uint8Array, lsn: Lsn, base: { lsn: Lsn; page: Uint8Array } | undefined): StoredImage {
  const alone = fflate().deflateSync(page, { level: DEFLATE_LEVEL });
  if (base) {
    const difference = fflate().deflateSync(page, { level: DEFLATE_LEVEL, dictionary: base.page });
    if (difference.length * 2 <= alone.length) return { lsn, baseLsn: base.lsn, bytes: difference };
  }
  return { lsn, baseLsn: null, bytes: alone };
}

/** The page of a stored image; `base`: the page of its base, where it has one. */
export function decodeImage(image: StoredImage, base: Uint8Array | undefined): Uint8Array {
  return zlib.inflateRawSync(image.bytes, base ? { dictionary: base, chunkSize: BLCKSZ } : { chunkSize: BLCKSZ });
}

/** What a cutoff knows of a fork: whether it exists, and its size. */
export interface ForkState {
  rel: RelFork;
  exists: boolean;
  blocks: number;
  /** Pages that the cutoff has no image of: true where the base backup has them, false where they are zeros. */
  usesBackup: boolean;
  /** Records touched it whose keys a selection left out: its pages are not known. */
  isLeftOut: boolean;
}

/** Writes an image layer; images must come by relation, block and LSN. */
export class ImageLayerWriter {
  private readonly file: BlockFileWriter;
  private readonly relations: RelFork[] = [];
  private readonly out = new ByteWriter(BLOCK_BYTES * 2);
  private fence: number[] = [];
  private previousOrdinal = 0;
  images = 0;

  constructor(folder: string, readonly name: string) {
    this.file = new BlockFileWriter(path.join(folder, name), LayerKind.image);
    this.file.section(ImageSectionId.images, 3);
  }

  add(rel: RelFork, block: number, image: StoredImage): void {
    if (this.relations.length === 0 || compareRelFork(this.relations.at(-1)!, rel) !== 0) {
      this.relations.push({ spcOid: rel.spcOid, dbOid: rel.dbOid, relNumber: rel.relNumber, fork: rel.fork });
    }
    const ordinal = this.relations.length - 1;
    const { out } = this;
    if (out.length === 0) {
      this.fence = [ordinal, block, image.lsn / 8];
      this.previousOrdinal = 0;
    }
    out.varint(ordinal - this.previousOrdinal);
    out.varint(block);
    out.varint(image.lsn / 8);
    out.varint(image.baseLsn === null ? 0 : (image.lsn - image.baseLsn) / 8);
    out.varint(image.bytes.length);
    out.raw(image.bytes);
    this.previousOrdinal = ordinal;
    this.images++;
    if (out.length >= BLOCK_BYTES) this.file.block(out.take(), this.fence);
  }

  /** What only a cutoff has: the forks, sorted, and the files by path. */
  cutoff(forks: Iterable<ForkState>, files: Iterable<{ path: string; bytes: Uint8Array }>): void {
    this.flush();
    this.file.section(ImageSectionId.forks, 1);
    writeForks(this.file, forks);
    this.file.section(ImageSectionId.files, 1);
    let number = 0;
    for (const { path: name, bytes } of files) {
      const out = new ByteWriter(bytes.length / 4 + 256);
      out.string(name);
      out.raw(fflate().deflateSync(bytes, { level: DEFLATE_LEVEL }));
      this.file.block(out.take(), [number++]);
    }
  }

  private flush(): void {
    if (this.out.length > 0) this.file.block(this.out.take(), this.fence);
  }

  /** Makes the file durable; gives its size in bytes. */
  finish(): number {
    this.flush();
    writeRelations(this.file, this.relations);
    return this.file.finish();
  }

  abandon(): void {
    this.file.abandon();
  }
}

const FORK_EXISTS = 1;
const FORK_USES_BACKUP = 2;
const FORK_LEFT_OUT = 4;

function writeForks(file: BlockFileWriter, forks: Iterable<ForkState>): void {
  const out = new ByteWriter(BLOCK_BYTES * 2);
  let count = 0;
  let first = 0;
  for (const { rel, exists, blocks, usesBackup, isLeftOut } of forks) {
    if (out.length === 0) first = count;
    for (const part of [rel.spcOid, rel.dbOid, rel.relNumber, rel.fork, blocks]) out.varint(part);
    out.varint((exists ? FORK_EXISTS : 0) + (usesBackup ? FORK_USES_BACKUP : 0) + (isLeftOut ? FORK_LEFT_OUT : 0));
    count++;
    if (out.length >= BLOCK_BYTES) file.block(out.take(), [first]);
  }
  if (out.length > 0) file.block(out.take(), [first]);
}

/** An image in its file, as a walk over the file gives it. */
export interface PlacedImage {
  rel: RelFork;
  block: number;
  image: StoredImage;
}

/** Reads an image layer, block by block on demand. */
export class ImageLayer {
  private readonly file: BlockFileReader;
  private relationList: RelFork[] | undefined;

  constructor(file: string, readonly startLsn: Lsn, readonly endLsn: Lsn, held?: HeldFiles) {
    this.file = new BlockFileReader(file, LayerKind.image, held);
  }

  get path(): string { return this.file.path; }
  get bytes(): number { return this.file.size; }
  close(): void { this.file.close(); }
  check() { return this.file.check(); }

  /** Every relation fork that the layer has images of, sorted. */
  get relations(): RelFork[] {
    return (this.relationList ??= readRelations(this.file));
  }

  /** The position of a relation fork in `relations`, -1 where the layer has no image of it. */
  ordinal(rel: RelFork): number {
    return ordinalOf(this.relations, rel);
  }

  /** Calls `emit` for the images of the blocks [from, to) of a fork, by block, then LSN. `bytes` last until the next call. */
  images(ordinal: number, from: number, to: number, emit: (block: number, image: StoredImage) => void): void {
    const section = this.file.section(ImageSectionId.images)!;
    for (let i = firstBlock(section, ordinal, from); i < section.blocks; i++) {
      const at = i * section.width;
      if (section.fences[at]! > ordinal || (section.fences[at] === ordinal && section.fences[at + 1]! >= to)) return;
      decodeImages(this.file.readBlock(section, i), (found, block, image) => {
        if (found === ordinal && block >= from && block < to) emit(block, image);
      });
    }
  }

  /** Every image of the layer, in order. */
  *all(): Generator<PlacedImage> {
    const section = this.file.section(ImageSectionId.images)!;
    for (let i = 0; i < section.blocks; i++) {
      const some: PlacedImage[] = [];
      decodeImages(this.file.readBlockUncached(section, i), (ordinal, block, image) => some.push({ rel: this.relations[ordinal]!, block, image }));
      yield* some;
    }
  }

  /** The forks of a cutoff, sorted. */
  forks(): ForkState[] {
    const forks: ForkState[] = [];
    const section = this.file.section(ImageSectionId.forks);
    for (let i = 0; section && i < section.blocks; i++) {
      const reader = new ByteReader(this.file.readBlockUncached(section, i));
      while (!reader.done) {
        const rel = { spcOid: reader.varint(), dbOid: reader.varint(), relNumber: reader.varint(), fork: reader.varint() };
        const blocks = reader.varint();
        const flags = reader.varint();
        forks.push({ rel, blocks, exists: (flags & FORK_EXISTS) !== 0, usesBackup: (flags & FORK_USES_BACKUP) !== 0, isLeftOut: (flags & FORK_LEFT_OUT) !== 0 });
      }
    }
    return forks;
  }

  /** The files of a cutoff, by path. */
  files(): Map<string, Uint8Array> {
    const files = new Map<string, Uint8Array>();
    const section = this.file.section(ImageSectionId.files);
    for (let i = 0; section && i < section.blocks; i++) {
      const reader = new ByteReader(this.file.readBlockUncached(section, i));
      const name = reader.string();
      files.set(name, zlib.inflateRawSync(reader.bytes.subarray(reader.at)));
    }
    return files;
  }

  /** Blocks and payload bytes a section, for `walscope layers`. */
  describe(): { section: string; blocks: number; bytes: number }[] {
    return Object.entries(ImageSectionId).map(([section, id]) => {
      const found = this.file.section(id);
      return { section, blocks: found?.blocks ?? 0, bytes: found?.lengths.reduce((sum, n) => sum + n, 0) ?? 0 };
    });
  }
}

/** The first block of images that can hold (ordinal, block): the one before the first whose fence is not below. */
function firstBlock(section: Section, ordinal: number, block: number): number {
  const { fences, width } = section;
  const isBefore = (at: number): boolean => fences[at]! < ordinal || (fences[at] === ordinal && fences[at + 1]! < block);
  return Math.max(0, countWhile(section.blocks, (i) => isBefore(i * width)) - 1);
}

function decodeImages(bytes: Uint8Array, emit: (ordinal: number, block: number, image: StoredImage) => void): void {
  const reader = new ByteReader(bytes);
  let ordinal = 0;
  while (!reader.done) {
    ordinal += reader.varint();
    const block = reader.varint();
    const lsn = (reader.varint() * 8) as Lsn;
    const distance = reader.varint() * 8;
    const length = reader.varint();
    const image = { lsn, baseLsn: distance === 0 ? null : ((lsn - distance) as Lsn), bytes: bytes.subarray(reader.at, reader.at + length) };
    reader.at += length;
    emit(ordinal, block, image);
  }
}
