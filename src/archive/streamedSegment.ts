/**
 * A compressed segment that is too large to be held whole: decompressed as far as it is read, with the last part kept. Going back further begins anew, which
 * readers that go through the WAL in order never need, but for a segment's first page.
 */
import { closeSync } from 'node:fs';
import { CUT_OFF, inflatesTooLong, newStreamDecoder, type Compression } from './decompress.js';
import { openInput, readInput } from './inputFile.js';
import type { SegmentBytes } from './segmentBytes.js';
import { DecodeError, type StreamDecoder } from './streamDecoder.js';

const SLICE_BYTES = 16 * 1024;
/** Kept behind what was read last. */
const KEPT_BYTES = 8 * 1024 * 1024;
/** Of the segment's beginning, kept always: its first page's header is asked for again and again. */
const HEAD_BYTES = 8192;

export class StreamedSegment implements SegmentBytes {
  private fd = -1;
  private decoder!: StreamDecoder;
  private inputAt = 0;
  private pieces: Uint8Array[] = [];
  /** What of the segment `pieces` hold. */
  private from = 0;
  private to = 0;
  private isAtEnd = false;
  private readonly head = new Uint8Array(HEAD_BYTES);

  /** `onEnd`: told where it ends before `length`, and why if that is known. */
  constructor(private readonly path: string, private readonly kind: Exclude<Compression, 'none'>, readonly length: number, private readonly onEnd: (bytes: number, damage: string | undefined) => void) {
    this.begin();
  }

  private begin(): void {
    this.close();
    this.fd = openInput(this.path);
    this.decoder = newStreamDecoder(this.kind);
    this.inputAt = this.from = this.to = 0;
    this.pieces = [];
    this.isAtEnd = false;
  }

  read(offset: number, length: number, into: Uint8Array, at = 0): number {
    const end = Math.min(offset + length, this.length);
    if (end <= Math.min(HEAD_BYTES, this.to)) {
      into.set(this.head.subarray(offset, end), at);
      return Math.max(0, end - offset);
    }
    if (offset < this.from) this.begin();
    while (this.to < end && !this.isAtEnd) this.advance(offset);
    let position = this.from;
    let done = 0;
    for (const piece of this.pieces) {
      const start = Math.max(offset, position);
      const stop = Math.min(end, position + piece.length);
      if (start < stop) {
        into.set(piece.subarray(start - position, stop - position), at + start - offset);
        done += stop - start;
      }
      position += piece.length;
    }
    return done;
  }

  view(): undefined {
    return undefined;
  }

  /** Decompresses a little more; what lies well before `needed` is let go. */
  private advance(needed: number): void {
    const input = new Uint8Array(SLICE_BYTES);
    const got = readInput(this.fd, this.path, this.inputAt, SLICE_BYTES, input);
    this.inputAt += got;
    if (got === 0) {
      this.end(this.to < this.length && !this.decoder.complete ? CUT_OFF : undefined);
      return;
    }
    try {
      this.decoder.push(input.subarray(0, got), (piece) => this.append(piece));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.end(error.message);
    }
    while (this.pieces.length > 0 && this.from + this.pieces[0]!.length < needed - KEPT_BYTES) this.from += this.pieces.shift()!.length;
  }

  private append(piece: Uint8Array): void {
    const taken = piece.slice(0, this.length - this.to);
    if (this.to < HEAD_BYTES) this.head.set(taken.subarray(0, HEAD_BYTES - this.to), this.to);
    this.pieces.push(taken);
    this.to += taken.length;
    if (taken.length < piece.length) this.end(inflatesTooLong(this.length));
  }

  private end(damage: string | undefined): void {
    if (!this.isAtEnd && (this.to < this.length || damage !== undefined)) this.onEnd(this.to, damage);
    this.isAtEnd = true;
  }

  close(): void {
    if (this.fd >= 0) closeSync(this.fd);
    this.fd = -1;
  }
}
