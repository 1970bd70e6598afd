/**
 * `backup.pack`: the files of a base backup that came compressed, re-encoded once so that any page can be read alone.
 *
 *   header    32 bytes: magic `WSBKPACK`, u32 version, u32 frame bytes, 12 zero bytes, u32 CRC
 *   frames    the files' contents as one run of bytes, cut every 64 kB, each piece a Zstandard frame, or as it is
 *   frame table, file table: a Zstandard frame each
 *   footer    72 bytes: where the tables are, counts, u32 CRC, magic `WSBKFOOT`
 *
 * docs/backup-pack.md has it byte for byte. All numbers little-endian. Written to a temporary name, synced, renamed.
 */
import { closeSync, fstatSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { crc32c } from '../pg/crc32c.js';
import { inputError, WalscopeError } from '../util/errors.js';
import type { Finding } from '../util/finding.js';
import { zstdCompress, zstdDecompress } from '../util/zstd.js';
import { IndexedBackup } from './indexedBackup.js';
import { openInput, readInput } from './inputFile.js';

export const PACK_VERSION = 1;
const HEADER_MAGIC = 'WSBKPACK';
const FOOTER_MAGIC = 'WSBKFOOT';
const HEADER_BYTES = 32;
const FOOTER_BYTES = 72;
const FRAME_BYTES = 65536;
const STORED = 0x8000_0000;
const CACHED_FRAMES = 64;
const LEVEL = 1;

interface PackedFile {
  path: string;
  offset: number;
  bytes: number;
}

/** Writes a pack, file by file, in constant memory but for the tables. finish() or abort() must be called. */
export class BackupPackWriter {
  private readonly fd: number;
  private readonly temporary: string;
  private readonly frame = Buffer.alloc(FRAME_BYTES);
  private frameLength = 0;
  private readonly frames: number[] = [];
  private readonly files = new Map<string, PackedFile>();
  private current: PackedFile | undefined;
  private contentBytes = 0;
  private position = HEADER_BYTES;

  constructor(private readonly path: string) {
    this.temporary = `${path}.tmp`;
    this.fd = openSync(this.temporary, 'w');
    const header = Buffer.alloc(HEADER_BYTES);
    header.write(HEADER_MAGIC, 0, 'latin1');
    header.writeUInt32LE(PACK_VERSION, 8);
    header.writeUInt32LE(FRAME_BYTES, 12);
    header.writeUInt32LE(crc32c(header, 0, 28), 28);
    this.writeAll(header, 0);
  }

  /** Begins a file; what is written from now on is its content. A path that was there before is replaced. */
  begin(path: string): void {
    this.current = { path, offset: this.contentBytes, bytes: 0 };
    this.files.set(path, this.current);
  }

  write(bytes: Uint8Array): void {
    this.current!.bytes += bytes.length;
    this.contentBytes += bytes.length;
    for (let at = 0; at < bytes.length;) {
      const taken = Math.min(bytes.length - at, FRAME_BYTES - this.frameLength);
      this.frame.set(bytes.subarray(at, at + taken), this.frameLength);
      this.frameLength += taken;
      at += taken;
      if (this.frameLength === FRAME_BYTES) this.flushFrame();
    }
  }

  private flushFrame(): void {
    const plain = this.frame.subarray(0, this.frameLength);
    const packed = zstdCompress(plain, LEVEL);
    const stored = packed.length < plain.length ? packed : plain;
    this.writeAll(stored, this.position);
    this.position += stored.length;
    this.frames.push(stored === plain ? stored.length + STORED : stored.length, crc32c(stored, 0, stored.length));
    this.frameLength = 0;
  }

  /** Writes the tables, syncs, and gives the pack its name. */
  finish(): void {
    if (this.frameLength > 0) this.flushFrame();
    const frameTable = zstdCompress(Buffer.from(Uint32Array.from(this.frames).buffer), LEVEL);
    const fileTable = zstdCompress(encodeFiles([...this.files.values()]), LEVEL);
    const footer = Buffer.alloc(FOOTER_BYTES);
    this.writeTable(frameTable, footer, 0);
    this.writeTable(fileTable, footer, 16);
    footer.writeBigUInt64LE(BigInt(this.contentBytes), 32);
    footer.writeUInt32LE(this.frames.length / 2, 40);
    footer.writeUInt32LE(this.files.size, 44);
    footer.writeUInt32LE(crc32c(footer, 0, 60), 60);
    footer.write(FOOTER_MAGIC, 64, 'latin1');
    this.writeAll(footer, this.position);
    fsyncSync(this.fd);
    closeSync(this.fd);
    renameSync(this.temporary, this.path);
    syncDirectory(dirname(this.path));
  }

  private writeTable(table: Uint8Array, footer: Buffer, at: number): void {
    this.writeAll(table, this.position);
    footer.writeBigUInt64LE(BigInt(this.position), at);
    footer.writeUInt32LE(table.length, at + 8);
    footer.writeUInt32LE(crc32c(table, 0, table.length), at + 12);
    this.position += table.length;
  }

  private writeAll(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length;) done += writeSync(this.fd, bytes, done, bytes.length - done, position + done);
  }

  /** Leaves nothing behind. */
  abort(): void {
    closeSync(this.fd);
    rmSync(this.temporary, { force: true });
  }
}

/** Makes a directory's entries durable, as fsync_fname() does after a rename. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  fsyncSync(fd);
  closeSync(fd);
}

function encodeFiles(files: readonly PackedFile[]): Buffer {
  const pieces: Buffer[] = [];
  for (const file of files) {
    const path = Buffer.from(file.path, 'utf8');
    const piece = Buffer.alloc(2 + path.length + 16);
    piece.writeUInt16LE(path.length, 0);
    path.copy(piece, 2);
    piece.writeBigUInt64LE(BigInt(file.offset), 2 + path.length);
    piece.writeBigUInt64LE(BigInt(file.bytes), 10 + path.length);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** A pack, opened: positional reads through a cache of 64 decompressed frames (4 MB). */
export class PackedBackup extends IndexedBackup<PackedFile> {
  readonly form = 'pack';
  private readonly fd: number;
  private readonly frameOffsets: Float64Array;
  private readonly frameLengths: Uint32Array;
  private readonly frameCrcs: Uint32Array;
  private readonly frames = new Map<number, Uint8Array>();

  /** `path`: the pack. Throws `pack.damaged` or `pack.version`. */
  constructor(private readonly path: string) {
    super(path);
    this.fd = openInput(path);
    try {
      const size = fstatSync(this.fd).size;
      if (size < HEADER_BYTES + FOOTER_BYTES) throw this.damaged('it is cut off');
      this.checkHeader(this.readBytes(0, HEADER_BYTES));
      const footer = this.readBytes(size - FOOTER_BYTES, FOOTER_BYTES);
      if (footer.toString('latin1', 64) !== FOOTER_MAGIC || crc32c(footer, 0, 60) !== footer.readUInt32LE(60)) throw this.damaged('its footer is damaged or missing');
      const table = this.readTable(footer, 0);
      const frames = footer.readUInt32LE(40);
      if (table.length !== frames * 8) throw this.damaged('its frame table has a wrong length');
      this.frameLengths = new Uint32Array(frames);
      this.frameCrcs = new Uint32Array(frames);
      this.frameOffsets = new Float64Array(frames);
      let offset = HEADER_BYTES;
      for (let i = 0; i < frames; i++) {
        this.frameLengths[i] = table.readUInt32LE(i * 8);
        this.frameCrcs[i] = table.readUInt32LE(i * 8 + 4);
        this.frameOffsets[i] = offset;
        offset += this.frameLengths[i]! % STORED;
      }
      this.readFiles(this.readTable(footer, 16), footer.readUInt32LE(44), Number(footer.readBigUInt64LE(32)));
    } catch (error) {
      closeSync(this.fd);
      throw error;
    }
  }

  private checkHeader(header: Buffer): void {
    if (header.toString('latin1', 0, 8) !== HEADER_MAGIC || crc32c(header, 0, 28) !== header.readUInt32LE(28)) throw this.damaged('its header is damaged');
    const version = header.readUInt32LE(8);
    if (version !== PACK_VERSION || header.readUInt32LE(12) !== FRAME_BYTES) {
      throw inputError('pack.version', `${this.path}: format version ${version}; this walscope reads ${PACK_VERSION}`, { file: this.path }, 'index the backup again into a new case');
    }
  }

  private readTable(footer: Buffer, at: number): Buffer {
    const stored = this.readBytes(Number(footer.readBigUInt64LE(at)), footer.readUInt32LE(at + 8));
    if (crc32c(stored, 0, stored.length) !== footer.readUInt32LE(at + 12)) throw this.damaged('a table does not match its checksum');
    return Buffer.from(zstdDecompress(stored));
  }

  private readFiles(table: Buffer, count: number, contentBytes: number): void {
    let at = 0;
    for (let i = 0; i < count; i++) {
      const length = table.readUInt16LE(at);
      const path = table.toString('utf8', at + 2, at + 2 + length);
      const file = { path, offset: Number(table.readBigUInt64LE(at + 2 + length)), bytes: Number(table.readBigUInt64LE(at + 10 + length)) };
      if (file.offset + file.bytes > contentBytes) throw this.damaged('its file table points beyond its contents');
      this.files.set(path, file);
      at += 18 + length;
    }
  }

  private readBytes(position: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    if (readInput(this.fd, this.path, position, length, bytes) < length) throw this.damaged('it is cut off');
    return bytes;
  }

  protected readAt(place: PackedFile, position: number, length: number, into: Uint8Array, at: number): number {
    for (let done = 0; done < length;) {
      const offset = place.offset + position + done;
      const frame = this.frame(Math.floor(offset / FRAME_BYTES));
      const piece = frame.subarray(offset % FRAME_BYTES, (offset % FRAME_BYTES) + length - done);
      if (piece.length === 0) throw this.damaged('a frame is shorter than it should be');
      into.set(piece, at + done);
      done += piece.length;
    }
    return length;
  }

  private frame(number: number): Uint8Array {
    let frame = this.frames.get(number);
    if (frame) {
      this.frames.delete(number);
    } else {
      frame = this.readFrame(number);
      if (this.frames.size >= CACHED_FRAMES) this.frames.delete(this.frames.keys().next().value!);
    }
    this.frames.set(number, frame);
    return frame;
  }

  private readFrame(number: number): Uint8Array {
    const length = this.frameLengths[number];
    if (length === undefined) throw this.damaged('its frame table is too short');
    const stored = Buffer.allocUnsafe(length % STORED);
    if (readInput(this.fd, this.path, this.frameOffsets[number]!, stored.length, stored) < stored.length) throw this.damaged('it is cut off');
    if (crc32c(stored, 0, stored.length) !== this.frameCrcs[number]) throw this.damaged(`the frame at byte ${this.frameOffsets[number]} does not match its checksum`);
    return length >= STORED ? stored : zstdDecompress(stored);
  }

  /** For reports: files, frames, and the bytes of their contents as they are and as stored. */
  summary(): { files: number; frames: number; contentBytes: number; storedBytes: number } {
    let contentBytes = 0;
    let storedBytes = 0;
    for (const file of this.files.values()) contentBytes += file.bytes;
    for (const length of this.frameLengths) storedBytes += length % STORED;
    return { files: this.files.size, frames: this.frameLengths.length, contentBytes, storedBytes };
  }

  /** Reads every frame against its checksum; gives what is damaged. */
  check(): Finding[] {
    const findings: Finding[] = [];
    for (let i = 0; i < this.frameLengths.length; i++) {
      try {
        this.readFrame(i);
      } catch (error) {
        if (!(error instanceof WalscopeError)) throw error;
        findings.push({ code: error.code, message: error.message, place: { file: this.path, offset: this.frameOffsets[i] } });
      }
    }
    return findings;
  }

  private damaged(what: string): WalscopeError {
    return inputError('pack.damaged', `${this.path}: ${what}`, { file: this.path }, 'index the backup again, so that the pack is rebuilt');
  }

  close(): void {
    closeSync(this.fd);
    this.frames.clear();
  }
}
