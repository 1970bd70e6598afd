/** The bytes of WAL segments, whatever they are stored as, within bounds of memory and of open files. */
import { closeSync } from 'node:fs';
import type { Finding } from '../util/finding.js';
import { decompressFile } from './decompress.js';
import { GzipSegment } from './gzipSegment.js';
import { InflateKernel } from './inflateKernel.js';
import { openInput, readInput } from './inputFile.js';
import { StreamedSegment } from './streamedSegment.js';
import type { WalSegmentFile } from './walSegmentFile.js';

/** A segment that has been opened. */
export interface SegmentBytes {
  /** Copies up to `length` bytes from `offset` into `into` at `at`; gives how many there were. */
  read(offset: number, length: number, into: Uint8Array, at?: number): number;
  /** A view of up to `length` bytes from `offset`, where they are in memory anyway; else undefined. */
  view(offset: number, length: number): Uint8Array | undefined;
}

class PlainSegment implements SegmentBytes {
  constructor(readonly fd: number, private readonly path: string, private readonly length: number) {}

  read(offset: number, length: number, into: Uint8Array, at = 0): number {
    return readInput(this.fd, this.path, offset, Math.min(length, this.length - offset), into, at);
  }

  view(): undefined {
    return undefined;
  }
}

class DecompressedSegment implements SegmentBytes {
  constructor(private readonly bytes: Uint8Array) {}

  read(offset: number, length: number, into: Uint8Array, at = 0): number {
    const piece = this.view(offset, length);
    into.set(piece, at);
    return piece.length;
  }

  view(offset: number, length: number): Uint8Array {
    return this.bytes.subarray(offset, offset + length);
  }
}

const OPEN_FILES = 16;

/**
 * Opens segments and keeps the last ones: up to 16 file descriptors, and decompressed segments up to `memoryBytes` (one at the least).
 * A segment is valid until the next one is opened.
 */
export class SegmentCache {
  private readonly plain = new Map<string, PlainSegment>();
  private readonly decompressed = new Map<string, DecompressedSegment | GzipSegment>();
  /** The last one, where segments are too large to be held. */
  private streamed: { path: string; segment: StreamedSegment } | undefined;
  private readonly reported = new Set<string>();

  /** A compressed segment of more than `memoryBytes` is not held whole. */
  constructor(private readonly segmentSize: number, private readonly memoryBytes: number, private readonly report: (finding: Finding) => void) {}

  /** A damaged one is reported and ends early. */
  open(file: WalSegmentFile): SegmentBytes {
    const cached = this.plain.get(file.path) ?? this.decompressed.get(file.path);
    if (cached instanceof PlainSegment) return touch(this.plain, file.path, cached);
    if (cached) return touch(this.decompressed, file.path, cached);
    return file.compression === 'none' ? this.openPlain(file) : this.openCompressed(file, file.compression);
  }

  private openPlain(file: WalSegmentFile): SegmentBytes {
    if (this.plain.size >= OPEN_FILES) {
      const [path, oldest] = this.plain.entries().next().value!;
      closeSync(oldest.fd);
      this.plain.delete(path);
    }
    const segment = new PlainSegment(openInput(file.path), file.path, Math.min(file.bytes, this.segmentSize));
    this.plain.set(file.path, segment);
    return segment;
  }

  private openStreamed(file: WalSegmentFile, kind: 'gzip' | 'zstd' | 'lz4'): SegmentBytes {
    if (this.streamed?.path === file.path) return this.streamed.segment;
    this.streamed?.segment.close();
    const segment = new StreamedSegment(file.path, kind, this.segmentSize, (bytes, damage) => this.reportDamage(file, bytes, damage));
    this.streamed = { path: file.path, segment };
    return segment;
  }

  private openCompressed(file: WalSegmentFile, kind: 'gzip' | 'zstd' | 'lz4'): SegmentBytes {
    if (this.segmentSize > this.memoryBytes) return this.openStreamed(file, kind);
    // make room first: the old and the new segment need not be in memory together
    let spare: InflateKernel | undefined;
    if ((this.decompressed.size + 1) * this.segmentSize > this.memoryBytes) {
      const [path, oldest] = this.decompressed.entries().next().value!;
      this.decompressed.delete(path);
      if (oldest instanceof GzipSegment) spare = oldest.kernel;
    }
    const segment = kind === 'gzip' ? this.openGzip(file, spare ?? new InflateKernel(this.segmentSize)) : this.decompress(file, kind);
    this.decompressed.set(file.path, segment);
    return segment;
  }

  private openGzip(file: WalSegmentFile, kernel: InflateKernel): GzipSegment {
    return new GzipSegment(file.path, kernel, (bytes, damage) => this.reportDamage(file, bytes, damage));
  }

  private decompress(file: WalSegmentFile, kind: 'zstd' | 'lz4'): DecompressedSegment {
    const { bytes, damage } = decompressFile(file.path, kind, this.segmentSize);
    this.reportDamage(file, bytes.length, damage);
    return new DecompressedSegment(bytes);
  }

  private reportDamage(file: WalSegmentFile, bytes: number, damage: string | undefined): void {
    const isWhole = damage === undefined && bytes === this.segmentSize;
    // a partial one is good up to some point, and may be one that is being written
    if (isWhole || file.partial || this.reported.has(file.path)) return;
    this.reported.add(file.path);
    const why = damage ?? 'the segment is cut off';
    this.report({
      code: damage === undefined ? 'wal.segment_short' : 'wal.segment_damaged',
      message: `${file.path}: ${why}; ${bytes} of ${this.segmentSize} bytes can be read`,
      place: { file: file.path, offset: bytes },
    });
  }

  close(): void {
    for (const segment of this.plain.values()) closeSync(segment.fd);
    this.plain.clear();
    this.decompressed.clear();
    this.streamed?.segment.close();
    this.streamed = undefined;
  }
}

/** Makes an entry the youngest of its map. */
function touch<T>(map: Map<string, T>, key: string, value: T): T {
  map.delete(key);
  map.set(key, value);
  return value;
}
