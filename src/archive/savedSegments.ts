/**
 * The segments of an archive in few words: those that follow one another in a folder, named alike, are one run. An archive of 65,536 segments
 * has a run a folder and timeline, or two.
 */
import { basename, dirname, join } from 'node:path';
import { formatWalFileName, walSegmentStart } from '../pg/walFileName.js';
import type { WalSegmentFile } from './walSegmentFile.js';

/** Segments `first` to `last` of a timeline: FOLDER/NAME, or FOLDER/NAME with an ending. */
export interface SegmentRun extends Pick<WalSegmentFile, 'timeline' | 'compression' | 'partial' | 'live'> {
  folder: string;
  /** What stands behind the segment's name. */
  ending: string;
  first: number;
  last: number;
  /** Of each on disk; null for compressed ones, whose length tells nothing. */
  bytes: number | null;
}

/** Letters of a segment's name: XLOG_FNAME_LEN. */
const NAME_LENGTH = 24;

function runOf({ timeline, segno, path, compression, partial, live, bytes }: WalSegmentFile): SegmentRun {
  return { folder: dirname(path), ending: basename(path).slice(NAME_LENGTH), timeline, first: segno, last: segno, compression, partial, live, bytes: compression === 'none' ? bytes : null };
}

function goesOn(run: SegmentRun, { first, ...next }: SegmentRun): boolean {
  return first === run.last + 1 && (Object.keys(next) as (keyof typeof next)[]).every((key) => key === 'last' || next[key] === run[key]);
}

/** `segments`: in their order, by timeline, then number. */
export function saveSegments(segments: readonly WalSegmentFile[]): SegmentRun[] {
  const runs: SegmentRun[] = [];
  for (const segment of segments) {
    const run = runOf(segment);
    const before = runs.at(-1);
    if (before && goesOn(before, run)) before.last = run.last;
    else runs.push(run);
  }
  return runs;
}

/** What saveSegments() was given; a compressed segment's `bytes` is 0. */
export function savedSegments(runs: readonly SegmentRun[], segmentSize: number): WalSegmentFile[] {
  return runs.flatMap(({ folder, ending, timeline, first, last, compression, partial, live, bytes }) => Array.from({ length: last - first + 1 }, (_, i) => {
    const segno = first + i;
    return { timeline, segno, startLsn: walSegmentStart(segno, segmentSize), path: join(folder, `${formatWalFileName(timeline, segno, segmentSize)}${ending}`), compression, partial, live, bytes: bytes ?? 0 };
  }));
}
