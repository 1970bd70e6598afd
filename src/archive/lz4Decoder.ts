/**
 * LZ4 frames (LZ4 frame format 1.6), block by block: pg_receivewal and pg_basebackup write linked blocks without checksums, the
 * lz4 tool adds a content checksum.
 */
import { lz4BlockDecompress } from '../pg/lz4Block.js';
import { XxHash32, xxHash32 } from '../util/xxHash32.js';
import { ByteQueue, DecodeError, littleEndian, type StreamDecoder } from './streamDecoder.js';

const LZ4_MAGIC = 0x184d2204;
const SKIPPABLE_MAGIC = 0x184d2a50;
const HISTORY = 65536;

interface Frame {
  blockMaxSize: number;
  linked: boolean;
  blockChecksum: boolean;
  /** Undefined: the frame carries none. */
  hash: XxHash32 | undefined;
  contentSize: number | undefined;
  written: number;
}

export class Lz4Decoder implements StreamDecoder {
  private readonly queue = new ByteQueue();
  private frame: Frame | undefined;
  private skip = 0;
  /** Up to 64 kB of what came before, then room for a block. */
  private window = new Uint8Array(0);
  private history = 0;

  get complete(): boolean { return this.frame === undefined && this.skip === 0 && this.queue.length === 0; }

  push(input: Uint8Array, emit: (output: Uint8Array) => void): void {
    this.queue.push(input);
    while (this.skipFrame() || (this.frame ? this.readBlock(this.frame, emit) : this.readHeader()));
  }

  private skipFrame(): boolean {
    const length = Math.min(this.skip, this.queue.length);
    this.queue.skip(length);
    this.skip -= length;
    return length > 0;
  }

  /** Gives false where more input is needed. */
  private readHeader(): boolean {
    const start = this.queue.peek(7);
    if (!start) return false;
    const magic = littleEndian(start, 0, 4);
    if ((magic & 0xfffffff0) === (SKIPPABLE_MAGIC | 0)) {
      const header = this.queue.peek(8);
      if (!header) return false;
      this.skip = littleEndian(header, 4, 4);
      this.queue.skip(8);
      return true;
    }
    if (magic !== LZ4_MAGIC) throw new DecodeError('not an LZ4 frame');
    const flags = start[4]!;
    const sizes = start[5]!;
    const hasSize = (flags & 0x08) !== 0;
    const header = this.queue.peek(7 + (hasSize ? 8 : 0));
    if (!header) return false;
    if (flags >>> 6 !== 1 || (flags & 0x02) !== 0 || (sizes & 0x8f) !== 0 || sizes >>> 4 < 4) throw new DecodeError('an LZ4 frame header of an unknown version');
    if ((flags & 0x01) !== 0) throw new DecodeError('an LZ4 frame that needs a dictionary');
    if (((xxHash32(header.subarray(4, header.length - 1)) >>> 8) & 0xff) !== header[header.length - 1]) throw new DecodeError('an LZ4 frame header does not match its checksum');
    this.frame = {
      blockMaxSize: 1 << (8 + 2 * (sizes >>> 4)),
      linked: (flags & 0x20) === 0,
      blockChecksum: (flags & 0x10) !== 0,
      hash: (flags & 0x04) !== 0 ? new XxHash32() : undefined,
      contentSize: hasSize ? littleEndian(header, 6, 8) : undefined,
      written: 0,
    };
    this.queue.skip(header.length);
    if (this.window.length < HISTORY + this.frame.blockMaxSize) this.window = new Uint8Array(HISTORY + this.frame.blockMaxSize);
    this.history = 0;
    return true;
  }

  private readBlock(frame: Frame, emit: (output: Uint8Array) => void): boolean {
    const word = this.queue.peek(4);
    if (!word) return false;
    const size = littleEndian(word, 0, 4);
    if (size === 0) return this.endFrame(frame);
    const length = size % 0x8000_0000;
    if (length > frame.blockMaxSize) throw new DecodeError('an LZ4 block is longer than its frame allows');
    const trailer = frame.blockChecksum ? 4 : 0;
    const block = this.queue.peek(4 + length + trailer);
    if (!block) return false;
    if (trailer > 0 && xxHash32(block.subarray(4, 4 + length)) !== littleEndian(block, 4 + length, 4)) throw new DecodeError('an LZ4 block does not match its checksum');
    const written = this.decodeBlock(frame, block, length, size >= 0x8000_0000);
    const output = this.window.subarray(this.history, this.history + written);
    frame.hash?.update(output);
    frame.written += written;
    emit(output);
    this.keepHistory(frame, this.history + written);
    this.queue.skip(block.length);
    return true;
  }

  private decodeBlock(frame: Frame, block: Uint8Array, length: number, stored: boolean): number {
    if (stored) {
      this.window.set(block.subarray(4, 4 + length), this.history);
      return length;
    }
    const written = lz4BlockDecompress(block, 4, length, this.window, frame.blockMaxSize, false, this.history);
    if (written < 0) throw new DecodeError('an LZ4 block is corrupt');
    return written;
  }

  private keepHistory(frame: Frame, end: number): void {
    const kept = frame.linked ? Math.min(end, HISTORY) : 0;
    this.window.copyWithin(0, end - kept, end);
    this.history = kept;
  }

  private endFrame(frame: Frame): boolean {
    const end = this.queue.peek(frame.hash ? 8 : 4);
    if (!end) return false;
    if (frame.hash && frame.hash.digest() !== littleEndian(end, 4, 4)) throw new DecodeError('an LZ4 frame does not match its checksum');
    if (frame.contentSize !== undefined && frame.contentSize !== frame.written) throw new DecodeError('an LZ4 frame does not hold what it declares');
    this.queue.skip(end.length);
    this.frame = undefined;
    return true;
  }
}
