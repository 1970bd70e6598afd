/**
 * A gzipped segment, inflated as far as it is read and kept: whoever follows the WAL finds what comes next in the processor's cache, and who looks
 * for the end of a record does not inflate a segment for it. The CRC-32 is left alone: records have checksums of their own (docs/adr/0020).
 */
import { closeSync, fstatSync } from 'node:fs';
import { CUT_OFF, decompressFile, inflatesTooLong, isTooLong } from './decompress.js';
import { InflateStatus, type InflateKernel } from './inflateKernel.js';
import { openInput, readInput } from './inputFile.js';
import type { SegmentBytes } from './segmentBytes.js';

/** Inflated at once: small enough for the second cache. */
const CHUNK_BYTES = 256 * 1024;

/** RFC 1952: the members' header, of 10 bytes where it carries nothing more, and their trailer: CRC-32 and ISIZE. */
const HEADER_BYTES = 10;
const TRAILER_BYTES = 8;
const Flag = { hcrc: 2, extra: 4, name: 8, comment: 16 } as const;

/** Where the deflate stream begins; beyond the end where the header is cut off. */
function deflateStart(input: Uint8Array): number {
  const flags = input[3]!;
  let at = HEADER_BYTES;
  if ((flags & Flag.extra) !== 0) at += 2 + input[at]! + input[at + 1]! * 256;
  for (const flag of [Flag.name, Flag.comment]) if ((flags & flag) !== 0) at = input.indexOf(0, at) + 1 || Infinity;
  if ((flags & Flag.hcrc) !== 0) at += 2;
  return at;
}

export class GzipSegment implements SegmentBytes {
  /** ISIZE; undefined where the file has no room for it. */
  private length: number | undefined;
  /** Set where the kernel is not enough. */
  private whole: Uint8Array | undefined;
  private isAtEnd = false;

  /** The kernel's memory is this segment's until another one takes it. `onEnd`: told how much there is once that is known, and why there is no more. */
  constructor(private readonly path: string, readonly kernel: InflateKernel, private readonly onEnd: (bytes: number, damage: string | undefined) => void) {
    const fd = openInput(path);
    try {
      const { size } = fstatSync(fd);
      if (isTooLong(size, kernel.limit)) this.giveUp();
      else this.begin(fd, size);
    } finally {
      closeSync(fd);
    }
  }

  private begin(fd: number, size: number): void {
    const input = this.kernel.place(size);
    const start = readInput(fd, this.path, 0, size, input) === size ? deflateStart(input) : Infinity;
    if (start > size - TRAILER_BYTES) return this.giveUp();
    this.length = new DataView(input.buffer, input.byteOffset).getUint32(size - 4, true);
    this.kernel.begin(start);
  }

  /** Several members, or hardly one: whatever it is, it can be read another way, or there is little to read. */
  private giveUp(): void {
    const { bytes, damage } = decompressFile(this.path, 'gzip', this.kernel.limit);
    this.whole = bytes;
    this.end(bytes.length, damage);
  }

  private end(bytes: number, damage: string | undefined): void {
    this.isAtEnd = true;
    this.onEnd(bytes, damage);
  }

  read(offset: number, length: number, into: Uint8Array, at = 0): number {
    const piece = this.view(offset, length);
    into.set(piece, at);
    return piece.length;
  }

  view(offset: number, length: number): Uint8Array {
    const { kernel } = this;
    this.reach(offset + length);
    return this.whole?.subarray(offset, offset + length) ?? kernel.output(Math.min(offset, kernel.produced), Math.min(offset + length, kernel.produced));
  }

  /** Inflates until `end` can be read, or there is no more; at the segment's end, until the stream's. */
  private reach(end: number): void {
    const { kernel } = this;
    while (!this.isAtEnd && (kernel.produced < end || kernel.produced >= kernel.limit)) {
      const status = kernel.run(Math.min(kernel.produced + CHUNK_BYTES, kernel.limit + 1));
      if (status === InflateStatus.done) this.finish();
      else if (status !== InflateStatus.more) this.end(kernel.produced, this.damage(status));
    }
  }

  private damage(status: number): string {
    if (status === InflateStatus.tooLong) return inflatesTooLong(this.kernel.limit);
    return status === InflateStatus.cut ? CUT_OFF : 'the gzip stream is corrupt';
  }

  private finish(): void {
    const { leftOver, produced } = this.kernel;
    if (leftOver > TRAILER_BYTES) this.giveUp();
    else this.end(produced, leftOver === TRAILER_BYTES && produced === this.length ? undefined : CUT_OFF);
  }
}
