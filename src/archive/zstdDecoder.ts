/**
 * Zstandard frames (RFC 8878) as a stream. The prebuilt addon decompresses; we walk frames and blocks, so that it gets few blocks at a
 * time (a block of four bytes may stand for 128 kB) and the stream's end is known, which the addon does not tell.
 */
import { asBuffer, zstdStreams } from '../util/zstd.js';
import { ByteQueue, DecodeError, littleEndian, type StreamDecoder } from './streamDecoder.js';

const ZSTD_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
/** 128 kB each, decompressed, at the most. */
const BLOCKS_AT_A_TIME = 64;

export class ZstdDecoder implements StreamDecoder {
  private readonly queue = new ByteQueue();
  private readonly decoder = new (zstdStreams().Decompressor)();
  /** Bytes that the current block, checksum or skippable frame still has, and what follows it. */
  private pending = 0;
  private skipping = false;
  private next: 'frame' | 'block' | 'checksum' = 'frame';
  private hasChecksum = false;

  get complete(): boolean { return this.next === 'frame' && this.pending === 0 && this.queue.length === 0; }

  push(input: Uint8Array, emit: (output: Uint8Array) => void): void {
    this.queue.push(input);
    const run = { length: 0, blocks: 0 };
    const flush = (): void => {
      const bytes = this.queue.peek(run.length)!;
      if (run.length > 0) this.decompress(bytes, emit);
      this.queue.skip(run.length);
      run.length = 0;
      run.blocks = 0;
    };
    for (;;) {
      const available = this.queue.length - run.length;
      const taken = Math.min(this.pending, available);
      if (this.skipping) {
        flush();
        this.queue.skip(taken);
      } else {
        run.length += taken;
      }
      this.pending -= taken;
      if (this.pending > 0) break;
      this.skipping = false;
      const header = this.readHeader(run.length);
      if (header < 0) break;
      if (this.skipping) {
        flush();
        this.queue.skip(header);
      } else {
        run.length += header;
        if (++run.blocks >= BLOCKS_AT_A_TIME) flush();
      }
    }
    flush();
  }

  private decompress(bytes: Uint8Array, emit: (output: Uint8Array) => void): void {
    try {
      this.decoder.data(asBuffer(bytes), emit);
    } catch (error) {
      throw new DecodeError(`the Zstandard stream is corrupt (${error instanceof Error ? error.message : String(error)})`);
    }
  }

  /** Reads what stands at `at` in the queue, sets `pending` and `next`; gives the header's length, -1 where more input is needed. */
  private readHeader(at: number): number {
    const available = this.queue.length - at;
    if (this.next === 'checksum') {
      this.pending = this.hasChecksum ? 4 : 0;
      this.next = 'frame';
      return 0;
    }
    if (this.next === 'block') {
      if (available < 3) return -1;
      const header = littleEndian(this.queue.peek(at + 3)!, at, 3);
      const type = (header >>> 1) & 3;
      if (type === 3) throw new DecodeError('the Zstandard stream has a block of an unknown type');
      this.pending = type === 1 ? 1 : header >>> 3;
      if ((header & 1) !== 0) this.next = 'checksum';
      return 3;
    }
    return available === 0 ? -1 : this.readFrameHeader(at, available);
  }

  private readFrameHeader(at: number, available: number): number {
    if (available < 5) return -1;
    const bytes = this.queue.peek(at + available)!;
    const magic = littleEndian(bytes, at, 4);
    if (magic - (magic % 16) === SKIPPABLE_MAGIC) {
      if (available < 8) return -1;
      this.pending = littleEndian(bytes, at + 4, 4);
      this.skipping = true;
      return 8;
    }
    if (magic !== ZSTD_MAGIC) throw new DecodeError('not a Zstandard frame');
    const descriptor = bytes[at + 4]!;
    const singleSegment = (descriptor & 0x20) !== 0;
    const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
    const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6]!;
    const length = 5 + (singleSegment ? 0 : 1) + dictionaryBytes + sizeBytes;
    if (available < length) return -1;
    this.hasChecksum = (descriptor & 0x04) !== 0;
    this.next = 'block';
    return length;
  }
}
