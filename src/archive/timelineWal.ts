/**
 * The WAL that leads to one timeline, as one run of bytes: which file serves which LSN.
 * XLogFileReadAnyTLI(), access/transam/xlogrecovery.c (13, 14: xlog.c), reads the newest timeline's file that has a segment; we go by
 * LSN: below a switch point the parent's own segment, above it the child's.
 */
import { spanOfLsn, type TimelineSpan } from '../pg/historyFile.js';
import { walSegmentNumber, walSegmentStart } from '../pg/walFileName.js';
import type { WalBytes } from '../pg/xlogReader.js';
import type { Lsn } from '../util/lsn.js';
import type { SegmentBytes } from './segmentBytes.js';
import type { WalSegmentFile } from './walSegmentFile.js';

/** Half-open. */
export interface LsnRange {
  start: Lsn;
  end: Lsn;
}

/** What TimelineWal needs of an archive. */
export interface SegmentSource {
  readonly segmentSize: number;
  readonly segments: readonly WalSegmentFile[];
  openSegment(file: WalSegmentFile): SegmentBytes;
}

/** A part of a segment that belongs to one timeline, and the files that hold it, best first. */
interface Piece extends LsnRange {
  files: WalSegmentFile[];
}

export class TimelineWal implements WalBytes {
  readonly segmentSize: number;
  private readonly bySegno = new Map<number, WalSegmentFile[]>();
  private readonly pieces = new Map<number, Piece[]>();
  private buffer = new Uint8Array(0);

  /** `spans`: the timelines that lead to the target, oldest first, as timelineSpans() gives them. */
  constructor(private readonly archive: SegmentSource, readonly spans: readonly TimelineSpan[]) {
    this.segmentSize = archive.segmentSize;
    const onPath = new Set(spans.map((span) => span.timeline));
    for (const file of archive.segments) {
      if (!onPath.has(file.timeline)) continue;
      const files = this.bySegno.get(file.segno);
      if (files) files.push(file);
      else this.bySegno.set(file.segno, [file]);
    }
  }

  /** The target timeline. */
  get timeline(): number { return this.spans.at(-1)!.timeline; }

  timelineAt(lsn: Lsn): number {
    return spanOfLsn(this.spans, lsn).timeline;
  }

  /** The file that serves an LSN; undefined in a gap. */
  segmentAt(lsn: Lsn): WalSegmentFile | undefined {
    return this.pieceAt(lsn)?.files[0];
  }

  /** Whether a compressed file serves any of [start, end). */
  hasCompressed(start: Lsn, end: Lsn): boolean {
    return this.filesOf(start, end).some(({ compression }) => compression !== 'none');
  }

  /** How many bytes the files that serve [start, end) have on disk, as far as that is known. */
  storedBytes(start: Lsn, end: Lsn): number {
    return this.filesOf(start, end).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  private filesOf(start: Lsn, end: Lsn): WalSegmentFile[] {
    const files: WalSegmentFile[] = [];
    for (let segno = walSegmentNumber(start, this.segmentSize); walSegmentStart(segno, this.segmentSize) < end; segno++) {
      for (const piece of this.piecesOf(segno)) if (piece.end > start && piece.start < end) files.push(piece.files[0]!);
    }
    return files;
  }

  fileAt(lsn: Lsn): string | undefined {
    return this.segmentAt(lsn)?.path;
  }

  /** Up to `length` bytes from `lsn` on, at most to the segment's end; none in a gap. Valid until the next call. */
  read(lsn: Lsn, length: number): Uint8Array {
    const segmentEnd = walSegmentStart(walSegmentNumber(lsn, this.segmentSize) + 1, this.segmentSize);
    const wanted = Math.min(length, segmentEnd - lsn);
    const first = this.pieceAt(lsn);
    if (first && first.end - lsn >= wanted) {
      const view = this.viewOf(first, lsn, wanted);
      if (view) return view;
    }
    if (this.buffer.length < wanted) this.buffer = new Uint8Array(wanted);
    return this.buffer.subarray(0, this.fill(lsn, wanted, this.buffer));
  }

  /** The same into a buffer of the caller's, which stays his: several readers may share one source. Gives the number of bytes. */
  readInto(lsn: Lsn, into: Uint8Array): number {
    const segmentEnd = walSegmentStart(walSegmentNumber(lsn, this.segmentSize) + 1, this.segmentSize);
    return this.fill(lsn, Math.min(into.length, segmentEnd - lsn), into);
  }

  private fill(lsn: Lsn, wanted: number, into: Uint8Array): number {
    let done = 0;
    while (done < wanted) {
      const at = (lsn + done) as Lsn;
      const piece = this.pieceAt(at);
      const got = piece ? this.readPiece(piece, at, Math.min(wanted - done, piece.end - at), into, done) : 0;
      if (got === 0) break;
      done += got;
    }
    return done;
  }

  private viewOf(piece: Piece, lsn: Lsn, length: number): Uint8Array | undefined {
    const file = piece.files[0]!;
    const view = file.compression === 'none' ? undefined : this.archive.openSegment(file).view(lsn - file.startLsn, length);
    return view?.length === length ? view : undefined;
  }

  /** A file that is cut off is continued from the next best, if there is one. */
  private readPiece(piece: Piece, lsn: Lsn, length: number, into: Uint8Array, at: number): number {
    for (const file of piece.files) {
      const got = this.archive.openSegment(file).read(lsn - file.startLsn, length, into, at);
      if (got > 0) return got;
    }
    return 0;
  }

  /**
   * Which stretches there are files for, in order. A plain file that is cut off ends its stretch; compressed ones are taken for whole
   * until they are read.
   */
  coverage(): LsnRange[] {
    const ranges: LsnRange[] = [];
    for (const segno of [...this.bySegno.keys()].sort((a, b) => a - b)) {
      for (const piece of this.piecesOf(segno)) {
        const reach = Math.max(...piece.files.map((file) => file.startLsn + (file.compression === 'none' ? Math.min(file.bytes, this.segmentSize) : this.segmentSize)));
        const end = Math.min(piece.end, reach) as Lsn;
        const last = ranges.at(-1);
        if (end <= piece.start) continue;
        if (last && last.end === piece.start) last.end = end;
        else ranges.push({ start: piece.start, end });
      }
    }
    return ranges;
  }

  private pieceAt(lsn: Lsn): Piece | undefined {
    return this.piecesOf(walSegmentNumber(lsn, this.segmentSize)).find((piece) => lsn >= piece.start && lsn < piece.end);
  }

  private piecesOf(segno: number): Piece[] {
    let pieces = this.pieces.get(segno);
    if (!pieces) {
      pieces = this.planSegment(segno);
      this.pieces.set(segno, pieces);
    }
    return pieces;
  }

  private planSegment(segno: number): Piece[] {
    const files = this.bySegno.get(segno);
    if (!files) return [];
    const start = walSegmentStart(segno, this.segmentSize);
    const end = start + this.segmentSize;
    const pieces: Piece[] = [];
    this.spans.forEach((span, i) => {
      const piece = { start: Math.max(start, span.start) as Lsn, end: Math.min(end, span.end) as Lsn };
      if (piece.start >= piece.end) return;
      // A child's first segment begins with a copy of its parent's bytes up to the switch point.
      const holders = this.spans.slice(i).filter((later) => later === span || (later.start >= piece.end && later.start < end)).map((later) => later.timeline);
      const ranked = [false, true].flatMap((partial) => holders.flatMap((timeline) => files.filter((file) => file.timeline === timeline && file.partial === partial)));
      if (ranked.length > 0) pieces.push({ ...piece, files: ranked });
    });
    return pieces;
  }
}
