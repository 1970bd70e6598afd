/**
 * The WAL of a case as one run of bytes: packed stretches in the case, the rest in the archive. Nothing above can tell which.
 * Questions read a pack where there is one, since it needs no archive and one frame a record; indexing reads the archive first, since what was
 * put right there since must count, and falls back to packs for what the archive has let go.
 */
import path from 'node:path';
import type { LsnRange, TimelineWal } from '../archive/timelineWal.js';
import type { HeldFiles } from '../layerfile/heldFiles.js';
import type { ManifestPack } from '../layerfile/manifest.js';
import { WalPack } from '../layerfile/walPack.js';
import { walSegmentNumber, walSegmentStart } from '../pg/walFileName.js';
import { SIZE_OF_XLOG_LONG_PHD } from '../pg/xlogPage.js';
import type { WalBytes } from '../pg/xlogReader.js';
import { WalscopeError } from '../util/errors.js';
import { countWhile } from '../util/countWhile.js';
import { LruCache } from '../util/lruCache.js';
import type { Lsn } from '../util/lsn.js';

export const WAL_FOLDER = 'wal';
/** Their directories are in memory. */
const OPEN_PACKS = 32;

export class CaseWal implements WalBytes {
  readonly segmentSize: number;
  private readonly packs: ManifestPack[];
  private readonly open = new LruCache<ManifestPack, WalPack>(OPEN_PACKS, (_, pack) => pack.close());
  private buffer = new Uint8Array(0);

  constructor(private readonly caseDir: string, packs: readonly ManifestPack[], readonly archive: TimelineWal, private readonly first: 'packs' | 'archive', private readonly held?: HeldFiles) {
    this.segmentSize = archive.segmentSize;
    this.packs = [...packs].sort((a, b) => a.startLsn - b.startLsn);
  }

  get spans(): TimelineWal['spans'] { return this.archive.spans; }
  get timeline(): number { return this.archive.timeline; }

  /** Up to `length` bytes from `lsn` on, at most to the segment's end; none in a gap. Valid until the next call. */
  read(lsn: Lsn, length: number): Uint8Array {
    const wanted = Math.min(length, this.segmentEnd(lsn) - lsn);
    const view = this.first === 'packs' ? this.viewOfPack(lsn, wanted) : undefined;
    if (view?.length === wanted) return view;
    if (!this.packFor(lsn, wanted)) return this.archive.read(lsn, wanted);
    if (this.buffer.length < wanted) this.buffer = new Uint8Array(wanted);
    return this.buffer.subarray(0, this.readInto(lsn, this.buffer.subarray(0, wanted)));
  }

  /** The same into a buffer of the caller's. Gives the number of bytes. */
  readInto(lsn: Lsn, into: Uint8Array): number {
    if (this.packs.length === 0) return this.archive.readInto(lsn, into);
    const wanted = Math.min(into.length, this.segmentEnd(lsn) - lsn);
    let done = 0;
    while (done < wanted) {
      const got = this.piece((lsn + done) as Lsn, into.subarray(done, wanted));
      if (got === 0) break;
      done += got;
    }
    return done;
  }

  private piece(lsn: Lsn, into: Uint8Array): number {
    const packed = (): number => {
      const view = this.viewOfPack(lsn, into.length);
      if (view) into.set(view);
      return view?.length ?? 0;
    };
    if (this.first === 'archive') return this.fromArchive(lsn, into) || packed();
    const got = packed();
    return got > 0 ? got : this.archive.readInto(lsn, into.subarray(0, this.nextPackStart(lsn) - lsn));
  }

  /** A segment that went away since the archive was looked at is as good as none, where its bytes are packed. */
  private fromArchive(lsn: Lsn, into: Uint8Array): number {
    try {
      return this.archive.readInto(lsn, into);
    } catch (error) {
      if (error instanceof WalscopeError && error.code === 'input.unreadable' && this.packFor(lsn, into.length)) return 0;
      throw error;
    }
  }

  private viewOfPack(lsn: Lsn, length: number): Uint8Array | undefined {
    const entry = this.packFor(lsn, length);
    if (!entry) return undefined;
    const view = this.opened(entry).view(lsn, Math.min(length, entry.endLsn - lsn));
    return view.length > 0 ? view : undefined;
  }

  private opened(entry: ManifestPack): WalPack {
    let pack = this.open.get(entry);
    if (!pack) this.open.set(entry, (pack = openPack(this.caseDir, entry, this.held)));
    return pack;
  }

  /** The pack that holds a position; that of the segment's later part, which has a copy of the first page's header, where only this is asked for. */
  private packFor(lsn: Lsn, length: number): ManifestPack | undefined {
    const i = this.lastStartingAt(lsn);
    const before = this.packs[i - 1];
    if (before && before.endLsn > lsn) return before;
    const at = this.packs[i];
    if (at && at.endLsn > lsn) return at;
    const next = this.packs[i + 1];
    const isHeader = length <= SIZE_OF_XLOG_LONG_PHD && lsn % this.segmentSize === 0;
    return isHeader && next && next.startLsn < lsn + this.segmentSize ? next : undefined;
  }

  private nextPackStart(lsn: Lsn): number {
    return this.packs[this.lastStartingAt(lsn) + 1]?.startLsn ?? Infinity;
  }

  /** The last pack that begins at or before `lsn`; -1: none. */
  private lastStartingAt(lsn: Lsn): number {
    return countWhile(this.packs.length, (i) => this.packs[i]!.startLsn <= lsn) - 1;
  }

  private segmentEnd(lsn: Lsn): Lsn {
    return walSegmentStart(walSegmentNumber(lsn, this.segmentSize) + 1, this.segmentSize);
  }

  /** The file that serves an LSN; undefined in a gap. */
  fileAt(lsn: Lsn): string | undefined {
    const pack = this.packFor(lsn, 0);
    const packed = pack && path.join(this.caseDir, WAL_FOLDER, pack.name);
    return this.first === 'packs' ? (packed ?? this.archive.fileAt(lsn)) : (this.archive.fileAt(lsn) ?? packed);
  }

  /** Which stretches there are bytes for, in order. */
  coverage(): LsnRange[] {
    const ranges: LsnRange[] = [];
    const packed = this.packs.map(({ startLsn, endLsn }) => ({ start: startLsn, end: endLsn }));
    for (const { start, end } of [...this.archive.coverage(), ...packed].sort((a, b) => a.start - b.start)) {
      const last = ranges.at(-1);
      if (last && start <= last.end) last.end = Math.max(last.end, end) as Lsn;
      else ranges.push({ start, end });
    }
    return ranges;
  }

  close(): void {
    for (const pack of this.open.values()) pack.close();
    this.open.clear();
  }
}

/** What is wrong with a pack: nothing, that it cannot be opened, or each damaged frame. Reads all of it. */
export function checkPack(caseDir: string, entry: ManifestPack): WalscopeError[] {
  try {
    const pack = openPack(caseDir, entry);
    try {
      return pack.check();
    } finally {
      pack.close();
    }
  } catch (error) {
    if (error instanceof WalscopeError) return [error];
    throw error;
  }
}

/** Opens a pack that the manifest names. Throws `layer.*` or `pack.damaged`. */
export function openPack(caseDir: string, { name, startLsn }: ManifestPack, held?: HeldFiles): WalPack {
  // its name says where the file ends: the entry may count less of it, where another timeline goes on
  return new WalPack(path.join(caseDir, WAL_FOLDER, name), startLsn, parseInt(name.slice(17, 33), 16) as Lsn, held);
}
