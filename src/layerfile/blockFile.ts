/**
 * The container of every layer file: blocks with a CRC each, and a footer that says where they are.
 *
 *   0     8  magic "WALSCOPE"
 *   8     4  format version (u32)
 *  12     4  kind (u32, see LayerKind)
 *  16    16  zero
 *  32     …  blocks: payload, then CRC-32C of the payload (u32)
 *   F     …  footer: varints: sections; per section: id, blocks, fence width, then per block
 *            payload length and the fence's numbers (a block begins where the one before it ended)
 *  end-24 8  F (u64)
 *  end-16 4  footer length in bytes
 *  end-12 4  CRC-32C of the footer
 *  end-8  8  magic "WSFOOTER"
 *
 * A fence is a short list of numbers that sorts like the block's first key: a read opens only blocks that can hold its key.
 */
import fs from 'node:fs';
import { crc32c } from '../pg/crc32c.js';
import { inputError, WalscopeError } from '../util/errors.js';
import { countWhile } from '../util/countWhile.js';
import { LruCache } from '../util/lruCache.js';
import { ByteReader, ByteWriter } from '../util/varint.js';
import { DurableFile, explainFsError } from './durable.js';
import type { HeldFiles } from './heldFiles.js';

export const LAYER_FORMAT_VERSION = 3;
const MAGIC = Buffer.from('WALSCOPE', 'latin1');
const FOOTER_MAGIC = Buffer.from('WSFOOTER', 'latin1');
const HEADER_BYTES = 32;
const REPAIR_HINT = 'run walscope index --repair: it is rebuilt from the archive';
const TRAILER_BYTES = 24;
const CRC_BYTES = 4;

export const LayerKind = { delta: 1, image: 2, wal: 3 } as const;
export type LayerKind = (typeof LayerKind)[keyof typeof LayerKind];

interface SectionBuilder {
  id: number;
  width: number;
  lengths: number[];
  fences: number[];
}

/** Writes a block file. Sections must be written one after the other; `finish` makes it durable. */
export class BlockFileWriter {
  private readonly file: DurableFile;
  private readonly sections: SectionBuilder[] = [];

  constructor(target: string, kind: LayerKind) {
    this.file = new DurableFile(target);
    const header = Buffer.alloc(HEADER_BYTES);
    MAGIC.copy(header, 0);
    header.writeUInt32LE(LAYER_FORMAT_VERSION, 8);
    header.writeUInt32LE(kind, 12);
    this.file.write(header);
  }

  /** Begins section `id`, whose fences have `width` numbers. */
  section(id: number, width: number): void {
    this.sections.push({ id, width, lengths: [], fences: [] });
  }

  /** Adds a block to the section begun last. `checksum`: of the payload, where the caller has it. */
  block(payload: Uint8Array, fence: readonly number[], checksum = crc32c(payload, 0, payload.length)): void {
    const section = this.sections[this.sections.length - 1]!;
    const crc = Buffer.alloc(CRC_BYTES);
    crc.writeUInt32LE(checksum);
    this.file.write(payload);
    this.file.write(crc);
    section.lengths.push(payload.length);
    for (let i = 0; i < section.width; i++) section.fences.push(fence[i]!);
  }

  /** Writes the footer, syncs (unless told not to) and renames, to a name that was not known before where one is given. Gives the file's size in bytes. */
  finish(target?: string, options: { sync?: boolean } = {}): number {
    const footer = new ByteWriter();
    footer.varint(this.sections.length);
    for (const section of this.sections) {
      footer.varint(section.id);
      footer.varint(section.lengths.length);
      footer.varint(section.width);
      for (let i = 0; i < section.lengths.length; i++) {
        footer.varint(section.lengths[i]!);
        for (let j = 0; j < section.width; j++) footer.varint(section.fences[i * section.width + j]!);
      }
    }
    const bytes = footer.take();
    const trailer = Buffer.alloc(TRAILER_BYTES);
    trailer.writeBigUInt64LE(BigInt(this.file.length), 0);
    trailer.writeUInt32LE(bytes.length, 8);
    trailer.writeUInt32LE(crc32c(bytes, 0, bytes.length), 12);
    FOOTER_MAGIC.copy(trailer, 16);
    this.file.write(bytes);
    this.file.write(trailer);
    this.file.commit(target, options);
    return this.file.length;
  }

  abandon(): void {
    this.file.abandon();
  }
}

/** A section as the footer describes it: where each block lies and its fence. */
export interface Section {
  readonly id: number;
  readonly blocks: number;
  readonly width: number;
  /** Byte offset of each block's payload. */
  readonly offsets: Float64Array;
  readonly lengths: Uint32Array;
  /** `width` numbers a block. */
  readonly fences: Float64Array;
}

/** Payload bytes kept of blocks read lately, over all open files. */
const BLOCK_CACHE_BYTES = 32 * 1024 * 1024;
const blockCache = new LruCache<string, Uint8Array>(BLOCK_CACHE_BYTES);
let nextFileNumber = 0;

/** Files that are open at a time, in each thread: there may be thousands, and a process may have 256. */
const OPEN_FILES = 16;
const descriptors = new LruCache<BlockFileReader, number>(OPEN_FILES, (_, fd) => fs.closeSync(fd));

function openLayer(path: string): number {
  try {
    return fs.openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw inputError('layer.missing', `layer ${path} is missing`, { file: path }, 'run walscope index again: it is rebuilt from the archive');
    }
    throw explainFsError(error, path);
  }
}

/** Reads a block file: positional reads, each block's CRC checked. Damage is an input error that names file and offset. */
export class BlockFileReader {
  private readonly held: number | undefined;
  private readonly fileNumber = nextFileNumber++;
  readonly size: number;
  private readonly sections = new Map<number, Section>();

  /** A file that is held is read through the descriptor that it has there. */
  constructor(readonly path: string, readonly kind: LayerKind, held?: HeldFiles) {
    this.held = held?.descriptor(path);
    try {
      this.size = fs.fstatSync(this.fd).size;
      this.readHeader();
      this.readFooter();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    const fd = descriptors.get(this);
    if (fd === undefined) return;
    descriptors.delete(this);
    fs.closeSync(fd);
  }

  /** The open file: one that was not read lately was closed. */
  private get fd(): number {
    let fd = this.held ?? descriptors.get(this);
    if (fd === undefined) descriptors.set(this, (fd = openLayer(this.path)));
    return fd;
  }

  section(id: number): Section | undefined {
    return this.sections.get(id);
  }

  get sectionList(): Section[] {
    return [...this.sections.values()];
  }

  /** A block's payload. */
  readBlock(section: Section, index: number): Uint8Array {
    const key = `${this.fileNumber}:${section.offsets[index]!}`;
    const cached = blockCache.get(key);
    if (cached) return cached;
    const payload = this.readBlockUncached(section, index);
    blockCache.set(key, payload, payload.length);
    return payload;
  }

  /** The same past the cache: for reading a whole file once. */
  readBlockUncached(section: Section, index: number): Uint8Array {
    const offset = section.offsets[index]!;
    const length = section.lengths[index]!;
    const bytes = this.readAt(offset, length + CRC_BYTES);
    const payload = bytes.subarray(0, length);
    if (bytes.readUInt32LE(length) !== crc32c(payload, 0, length)) {
      throw this.damaged('layer.crc', `has a block checksum mismatch in section ${section.id}`, offset);
    }
    return payload;
  }

  /** Reads every block once and lists what is damaged: what `doctor` asks. */
  check(): WalscopeError[] {
    const findings: WalscopeError[] = [];
    for (const section of this.sections.values()) {
      for (let i = 0; i < section.blocks; i++) {
        try {
          this.readBlockUncached(section, i);
        } catch (error) {
          if (!(error instanceof WalscopeError)) throw error;
          findings.push(error);
        }
      }
    }
    return findings;
  }

  private readAt(offset: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    let got = 0;
    while (got < length) {
      const n = fs.readSync(this.fd, bytes, got, length - got, offset + got);
      if (n === 0) throw this.damaged('layer.truncated', `ends at byte ${offset + got}, before its block does`, offset);
      got += n;
    }
    return bytes;
  }

  private readHeader(): void {
    if (this.size < HEADER_BYTES + TRAILER_BYTES) throw this.damaged('layer.truncated', `has only ${this.size} bytes`, 0);
    const header = this.readAt(0, HEADER_BYTES);
    if (!header.subarray(0, 8).equals(MAGIC)) throw this.damaged('layer.magic', 'is not a walscope layer', 0);
    const version = header.readUInt32LE(8);
    if (version !== LAYER_FORMAT_VERSION) {
      throw inputError('layer.version', `${this.path} has layer format ${version}, this walscope reads ${LAYER_FORMAT_VERSION}`, { file: this.path }, 'index again into a new case directory');
    }
    if (header.readUInt32LE(12) !== this.kind) throw this.damaged('layer.kind', 'is a layer of another kind', 12);
    for (let i = 16; i < HEADER_BYTES; i++) if (header[i] !== 0) throw this.damaged('layer.padding', 'has a header pad that is not zero', i);
  }

  private readFooter(): void {
    const trailer = this.readAt(this.size - TRAILER_BYTES, TRAILER_BYTES);
    if (!trailer.subarray(16).equals(FOOTER_MAGIC)) throw this.damaged('layer.footer', 'has no footer', this.size - 8);
    const offset = Number(trailer.readBigUInt64LE(0));
    const length = trailer.readUInt32LE(8);
    if (offset + length + TRAILER_BYTES !== this.size) throw this.damaged('layer.footer', 'has a footer that does not fit', offset);
    const bytes = this.readAt(offset, length);
    if (trailer.readUInt32LE(12) !== crc32c(bytes, 0, length)) throw this.damaged('layer.crc', 'has a footer checksum mismatch', offset);
    const reader = new ByteReader(bytes);
    let at = HEADER_BYTES;
    for (let count = reader.varint(); count > 0; count--) {
      const id = reader.varint();
      const blocks = reader.varint();
      const width = reader.varint();
      const section: Section = {
        id, blocks, width, offsets: new Float64Array(blocks), lengths: new Uint32Array(blocks), fences: new Float64Array(blocks * width),
      };
      for (let i = 0; i < blocks; i++) {
        section.offsets[i] = at;
        section.lengths[i] = reader.varint();
        for (let j = 0; j < width; j++) section.fences[i * width + j] = reader.varint();
        at += section.lengths[i]! + CRC_BYTES;
      }
      this.sections.set(id, section);
    }
    if (at !== offset) throw this.damaged('layer.footer', 'has blocks that do not add up', offset);
  }

  private damaged(code: string, what: string, offset: number): WalscopeError {
    return inputError(code, `layer ${this.path} ${what}`, { file: this.path, offset }, REPAIR_HINT);
  }
}

/** What is wrong with a file of `bytes` bytes as a layer: nothing, that it cannot be opened, or, with `deep`, each damaged block: then all of it is read. */
export function layerFaults(path: string, kind: LayerKind, bytes: number, deep: boolean): WalscopeError[] {
  try {
    const reader = new BlockFileReader(path, kind);
    try {
      if (reader.size !== bytes) return [inputError('layer.size', `layer ${path} has ${reader.size} bytes, the manifest says ${bytes}`, { file: path }, REPAIR_HINT)];
      return deep ? reader.check() : [];
    } finally {
      reader.close();
    }
  } catch (error) {
    if (error instanceof WalscopeError) return [error];
    throw error;
  }
}

/** The last block of the section whose fence is at most (a, b): where key (a, b) would be; -1 before the first. */
export function findBlock(section: Section, a: number, b: number): number {
  const { fences, width } = section;
  const isBefore = (at: number): boolean => fences[at]! < a || (fences[at] === a && (width > 1 ? fences[at + 1]! : 0) <= b);
  return countWhile(section.blocks, (i) => isBefore(i * width)) - 1;
}
