/** A WAL archive: the segments and timeline histories found under one or more directories. Backup history files are known, and not read: the WAL itself says where a backup ended. */
import { closeSync, fstatSync } from 'node:fs';
import { parseHistoryFile, timelineSpans, type TimelineHistoryEntry, type TimelineSpan } from '../pg/historyFile.js';
import type { PgMajor } from '../pg/version.js';
import { formatHistoryFileName } from '../pg/walFileName.js';
import { inputError, WalscopeError } from '../util/errors.js';
import type { Finding } from '../util/finding.js';
import { decompressBytes, sniffCompression, unsupportedCompression } from './decompress.js';
import { openInput, readInput } from './inputFile.js';
import { savedSegments, saveSegments, type SegmentRun } from './savedSegments.js';
import { SegmentCache, type SegmentBytes } from './segmentBytes.js';
import { TimelineWal } from './timelineWal.js';
import { listWalPath, type WalFileEntry } from './walLayout.js';
import { inspectSegmentFile, type WalIdentity, type WalSegmentFile } from './walSegmentFile.js';

export interface WalArchiveOptions {
  /** For decompressed segments; default 64 MB, one segment at the least. */
  memoryBytes?: number;
  /** The cluster that is wanted; default: the one that most segments are of. */
  systemIdentifier?: bigint;
  /** Timelines that were known before: a history file may have left the archive. */
  histories?: ReadonlyMap<number, TimelineHistoryEntry[]>;
}

const DEFAULT_MEMORY_BYTES = 64 * 1024 * 1024;
/** History files have a few lines. */
const MAX_TEXT_BYTES = 1024 * 1024;
const COMPARE_BYTES = 1024 * 1024;

/** Two files that claim to be the same segment. */
export interface DuplicateSegment {
  used: WalSegmentFile;
  other: WalSegmentFile;
}

export class WalArchive {
  readonly segmentSize: number;
  readonly systemIdentifier: bigint;
  readonly major: PgMajor;
  private readonly cache: SegmentCache;

  /** Use openWalArchive(). */
  constructor(
    identity: WalIdentity,
    /** One file a (timeline, segment number, partial), ascending. */
    readonly segments: readonly WalSegmentFile[],
    readonly duplicates: readonly DuplicateSegment[],
    /** The ancestors of each timeline that has a history file. */
    readonly histories: ReadonlyMap<number, TimelineHistoryEntry[]>,
    /** Grows as segments are opened. */
    readonly findings: Finding[],
    /** Files that are no part of a WAL archive, and unused segments of pg_wal. */
    readonly ignored: readonly string[],
    private readonly memoryBytes: number,
  ) {
    this.segmentSize = identity.segmentSize;
    this.systemIdentifier = identity.systemIdentifier;
    this.major = identity.major;
    this.cache = new SegmentCache(identity.segmentSize, memoryBytes, (finding) => findings.push(finding));
  }

  /** The timelines that have segments, ascending. */
  get timelines(): number[] {
    return [...new Set(this.segments.map((segment) => segment.timeline))].sort((a, b) => a - b);
  }

  /** Positional access to a segment's bytes; valid until the next one is opened. */
  openSegment(file: WalSegmentFile): SegmentBytes {
    return this.cache.open(file);
  }

  /** Its segments are compressed and too large to be held: going to the middle of one means to decompress what is before. */
  get goesInOrder(): boolean {
    return this.segmentSize > this.memoryBytes && this.segments.some(({ compression }) => compression !== 'none');
  }

  /** The spans of time that lead to a timeline; the timeline alone where it has no history file, as PostgreSQL does. */
  spans(timeline: number): TimelineSpan[] {
    return timelineSpans(this.histories.get(timeline) ?? [], timeline);
  }

  /** The WAL that leads to a timeline and on to its end. */
  timelineWal(timeline: number): TimelineWal {
    return new TimelineWal(this, this.spans(timeline));
  }

  /** Compares files that claim to be the same segment, byte by byte; reads them whole. Adds to `findings` and gives what it added. */
  compareDuplicates(): Finding[] {
    const added: Finding[] = [];
    for (const { used, other } of this.duplicates) {
      const offset = this.firstDifference(used, other);
      if (offset === undefined) continue;
      added.push({
        code: 'wal.duplicate_differs',
        message: `${other.path} differs from ${used.path} from byte ${offset} on, though both are the same segment; the latter is used`,
        place: { file: other.path, offset },
      });
    }
    this.findings.push(...added);
    return added;
  }

  private firstDifference(a: WalSegmentFile, b: WalSegmentFile): number | undefined {
    const left = Buffer.alloc(COMPARE_BYTES);
    const right = Buffer.alloc(COMPARE_BYTES);
    for (let at = 0; at < this.segmentSize; at += COMPARE_BYTES) {
      const leftBytes = left.subarray(0, this.openSegment(a).read(at, COMPARE_BYTES, left));
      const rightBytes = right.subarray(0, this.openSegment(b).read(at, COMPARE_BYTES, right));
      if (leftBytes.equals(rightBytes)) continue;
      let i = 0;
      while (leftBytes[i] === rightBytes[i]) i++;
      return at + i;
    }
    return undefined;
  }

  /** What reopenWalArchive() needs. */
  save(): SavedWalArchive {
    const { systemIdentifier, segmentSize, major } = this;
    return { systemIdentifier: String(systemIdentifier), segmentSize, major, segments: saveSegments(this.segments), histories: [...this.histories] };
  }

  close(): void {
    this.cache.close();
  }
}

/** An archive as it was found, to be opened again without looking at every file: plain JSON. */
export interface SavedWalArchive {
  systemIdentifier: string;
  segmentSize: number;
  major: PgMajor;
  segments: SegmentRun[];
  histories: [timeline: number, entries: TimelineHistoryEntry[]][];
}

/** Opens an archive as it was when it was saved. No file is touched until it is read; one that is gone by then is `input.unreadable`. */
export function reopenWalArchive(saved: SavedWalArchive, options: Pick<WalArchiveOptions, 'memoryBytes'> = {}): WalArchive {
  const identity = { systemIdentifier: BigInt(saved.systemIdentifier), segmentSize: saved.segmentSize, major: saved.major };
  return new WalArchive(identity, savedSegments(saved.segments, saved.segmentSize), [], new Map(saved.histories), [], [], options.memoryBytes ?? DEFAULT_MEMORY_BYTES);
}

/**
 * Opens the WAL archive that lies in `paths`: directories (nested ones too), data directories (their pg_wal), single files. Nothing is read but
 * names and first pages. What is damaged or does not belong is in `findings`; only an archive of which nothing is left throws:
 * `wal.path`, `wal.none` (no WAL files), `wal.other_cluster`, or the first finding's own code.
 */
export function openWalArchive(paths: readonly string[], options: WalArchiveOptions = {}): WalArchive {
  const findings: Finding[] = [];
  const listings = paths.map((path) => listWalPath(path));
  const files = listings.flatMap((listing) => listing.files);
  const ignored = listings.flatMap((listing) => listing.ignored);
  const candidates: Candidate[] = [];
  for (const entry of files) {
    if (!isSegment(entry)) continue;
    const inspection = inspectSegmentFile(entry);
    if (inspection.kind === 'segment') candidates.push(inspection);
    else if (inspection.kind === 'finding') findings.push(inspection.finding);
    else ignored.push(entry.path);
  }
  if (candidates.length === 0) throw nothingUsable(paths, findings);
  const { identity, chosen } = chooseCluster(candidates, options.systemIdentifier, findings);
  const { segments, duplicates } = chooseFiles(chosen, identity.segmentSize);
  for (const segment of segments) reportLength(segment, identity.segmentSize, findings);
  const histories = readHistories(files, options.histories, findings);
  reportMissingHistories(segments, histories, findings);
  return new WalArchive(identity, segments, duplicates, histories, findings, ignored, options.memoryBytes ?? DEFAULT_MEMORY_BYTES);
}

/** Throws `wal.none` where no file under the paths is named as a segment: before what takes long, such as the copy of a compressed backup. */
export function expectWal(paths: readonly string[]): void {
  if (!paths.some((path) => listWalPath(path).files.some(isSegment))) throw nothingUsable(paths, []);
}

const isSegment = ({ name }: WalFileEntry): boolean => name.kind === 'segment' || name.kind === 'partial';

interface Candidate {
  segment: WalSegmentFile;
  identity: WalIdentity;
}

function nothingUsable(paths: readonly string[], findings: readonly Finding[]): WalscopeError {
  const first = findings[0];
  const where = paths.join(', ');
  const hint = 'give the directory that archive_command fills, or a pg_wal directory';
  if (!first) return inputError('wal.none', `${where}: no WAL segments here`, { file: paths[0] }, hint);
  const rest = findings.length === 1 ? '' : ` (and ${findings.length - 1} more files that cannot be used)`;
  return inputError(first.code, `${first.message}${rest}`, first.place, hint);
}

/** One archive is one cluster's: the wanted one, else the one with the most segments. */
function chooseCluster(candidates: readonly Candidate[], wanted: bigint | undefined, findings: Finding[]): { identity: WalIdentity; chosen: WalSegmentFile[] } {
  const groups = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const { systemIdentifier, segmentSize, major } = candidate.identity;
    const key = `${systemIdentifier} ${segmentSize} ${major}`;
    const group = groups.get(key);
    if (group) group.push(candidate);
    else groups.set(key, [candidate]);
  }
  const eligible = [...groups.values()].filter((group) => wanted === undefined || group[0]!.identity.systemIdentifier === wanted);
  if (eligible.length === 0) {
    const found = candidates[0]!;
    throw inputError('wal.other_cluster', `the WAL is of another cluster: ${found.segment.path} has system identifier ${found.identity.systemIdentifier}, the backup ${wanted}`,
      { file: found.segment.path }, 'give the WAL archive that belongs to the backup');
  }
  const best = eligible.reduce((a, b) => (b.length > a.length ? b : a));
  for (const group of groups.values()) {
    if (group === best) continue;
    const { segment, identity } = group[0]!;
    const differs = identity.systemIdentifier !== best[0]!.identity.systemIdentifier ? 'of another cluster' : 'of another segment size or version';
    findings.push({
      code: 'wal.foreign_segments',
      message: `${segment.path}${group.length > 1 ? ` and ${group.length - 1} more` : ''}: ${differs} (system identifier ${identity.systemIdentifier}, PostgreSQL ${identity.major}, segments of ${identity.segmentSize} bytes); not used`,
      place: { file: segment.path },
    });
  }
  return { identity: best[0]!.identity, chosen: best.map((candidate) => candidate.segment) };
}

/** Whole before cut off, archived before live, plain before compressed, longer before shorter, and in the order given. */
function better(a: WalSegmentFile, b: WalSegmentFile, segmentSize: number): boolean {
  const isCut = ({ compression, bytes }: WalSegmentFile): boolean => compression === 'none' && bytes < segmentSize;
  if (isCut(a) !== isCut(b)) return isCut(b);
  if (a.live !== b.live) return !a.live;
  if ((a.compression === 'none') !== (b.compression === 'none')) return a.compression === 'none';
  return a.compression === 'none' && a.bytes > b.bytes;
}

function chooseFiles(files: readonly WalSegmentFile[], segmentSize: number): { segments: WalSegmentFile[]; duplicates: DuplicateSegment[] } {
  const byName = new Map<string, WalSegmentFile[]>();
  for (const file of files) {
    const key = `${file.timeline} ${file.segno} ${file.partial}`;
    const same = byName.get(key);
    if (!same) byName.set(key, [file]);
    else if (same.every((other) => other.path !== file.path)) same.push(file);
  }
  const segments: WalSegmentFile[] = [];
  const duplicates: DuplicateSegment[] = [];
  for (const same of byName.values()) {
    const used = same.reduce((a, b) => (better(b, a, segmentSize) ? b : a));
    segments.push(used);
    for (const other of same) if (other !== used) duplicates.push({ used, other });
  }
  segments.sort((a, b) => a.timeline - b.timeline || a.segno - b.segno || Number(a.partial) - Number(b.partial));
  return { segments, duplicates };
}

function reportLength(segment: WalSegmentFile, segmentSize: number, findings: Finding[]): void {
  if (segment.compression !== 'none' || segment.bytes === segmentSize || (segment.partial && segment.bytes < segmentSize)) return;
  const short = segment.bytes < segmentSize;
  findings.push({
    code: short ? 'wal.segment_short' : 'wal.segment_long',
    message: short
      ? `${segment.path}: the segment is cut off; ${segment.bytes} of ${segmentSize} bytes can be read`
      : `${segment.path}: the file has ${segment.bytes} bytes, a segment ${segmentSize}; the rest is ignored`,
    place: { file: segment.path, offset: Math.min(segment.bytes, segmentSize) },
  });
}

/** A small text file of the archive, through any compression. Throws input errors. */
function readText(path: string): string {
  const fd = openInput(path);
  try {
    const size = fstatSync(fd).size;
    if (size > MAX_TEXT_BYTES) throw inputError('wal.text_file', `${path}: ${size} bytes are too many for a file of this kind`, { file: path });
    const bytes = new Uint8Array(size);
    readInput(fd, path, 0, size, bytes);
    const kind = sniffCompression(bytes);
    if (kind === 'none') return Buffer.from(bytes).toString('utf8');
    if (kind !== 'gzip' && kind !== 'zstd' && kind !== 'lz4') throw unsupportedCompression(path, kind);
    const plain = decompressBytes(bytes, kind, MAX_TEXT_BYTES);
    if (plain.damage !== undefined) throw inputError('wal.text_file', `${path}: ${plain.damage}`, { file: path });
    return Buffer.from(plain.bytes).toString('utf8');
  } finally {
    closeSync(fd);
  }
}

/** Runs `work`; an input error becomes a finding. */
function orFinding<T>(findings: Finding[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof WalscopeError)) throw error;
    findings.push({ code: error.code, message: error.message, place: error.options.place });
    return undefined;
  }
}

function readHistories(files: readonly WalFileEntry[], before: ReadonlyMap<number, TimelineHistoryEntry[]> | undefined, findings: Finding[]): Map<number, TimelineHistoryEntry[]> {
  const histories = new Map<number, { path: string; entries: TimelineHistoryEntry[] }>();
  for (const { path, name } of files) {
    if (name.kind !== 'history') continue;
    const entries = orFinding(findings, () => parseHistoryFile(readText(path), name.timeline, path));
    const known = histories.get(name.timeline);
    if (!entries) continue;
    if (!known) histories.set(name.timeline, { path, entries });
    else if (JSON.stringify(known.entries) !== JSON.stringify(entries)) {
      findings.push({ code: 'wal.duplicate_differs', message: `${path} differs from ${known.path}, though both are timeline ${name.timeline}'s history; the latter is used`, place: { file: path } });
    }
  }
  const read = [...histories].map(([timeline, { entries }]): [number, TimelineHistoryEntry[]] => [timeline, entries]);
  return new Map([...new Map([...(before ?? []), ...read])].sort(([a], [b]) => a - b));
}

function reportMissingHistories(segments: readonly WalSegmentFile[], histories: ReadonlyMap<number, unknown>, findings: Finding[]): void {
  for (const timeline of new Set(segments.map((segment) => segment.timeline))) {
    if (timeline === 1 || histories.has(timeline)) continue;
    const name = formatHistoryFileName(timeline);
    findings.push({ code: 'wal.history_missing', message: `timeline ${timeline} has WAL but no history file (${name}): where it branched off is unknown`, place: { file: name } });
  }
}
