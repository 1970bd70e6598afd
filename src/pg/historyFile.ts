/**
 * Timeline history files: which timelines precede one, and where each was left.
 * readTimeLineHistory() and tliOfPointInHistory(), access/transam/timeline.c, PG 13–18.
 */
import { inputError, type WalscopeError } from '../util/errors.js';
import { INVALID_LSN, MAX_LSN, parseLsn, type Lsn } from '../util/lsn.js';

/** One line of a `.history` file: `timeline` was left at `switchLsn`. */
export interface TimelineHistoryEntry {
  timeline: number;
  switchLsn: Lsn;
  reason: string;
}

/** The WAL of `[start, end)` belongs to `timeline`. */
export interface TimelineSpan {
  timeline: number;
  start: Lsn;
  end: Lsn;
}

/** Reads the ancestors of `timeline`, oldest first. Throws `wal.history` where PostgreSQL would refuse the file. */
export function parseHistoryFile(text: string, timeline: number, file: string): TimelineHistoryEntry[] {
  const invalid = (what: string, line: number): WalscopeError =>
    inputError('wal.history', `${file}: line ${line}: ${what}`, { file }, 'fetch the history file from the archive again');
  const entries: TimelineHistoryEntry[] = [];
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!.trim();
    if (line === '' || line.startsWith('#')) continue;
    const match = /^(\d{1,10})\s+([0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8})(?:\s+(.*))?$/.exec(line);
    const switchLsn = match ? parseLsn(match[2]!) : undefined;
    if (!match || switchLsn === undefined) throw invalid('expected a timeline and the WAL location where it was left', i + 1);
    const id = Number(match[1]);
    const last = entries.at(-1);
    if (last && id <= last.timeline) throw invalid('timelines must be in increasing sequence', i + 1);
    if (last && switchLsn < last.switchLsn) throw invalid('switch points must not go back', i + 1);
    if (id >= timeline) throw invalid(`timelines must be less than the child timeline ${timeline}`, i + 1);
    entries.push({ timeline: id, switchLsn, reason: match[3] ?? '' });
  }
  return entries;
}

/** The spans that lead to `timeline`, oldest first; the last one is open-ended. */
export function timelineSpans(entries: readonly TimelineHistoryEntry[], timeline: number): TimelineSpan[] {
  const spans: TimelineSpan[] = [];
  let start = INVALID_LSN;
  for (const entry of entries) {
    spans.push({ timeline: entry.timeline, start, end: entry.switchLsn });
    start = entry.switchLsn;
  }
  spans.push({ timeline, start, end: MAX_LSN });
  return spans;
}

/** tliOfPointInHistory(): the span that an LSN belongs to. */
export function spanOfLsn(spans: readonly TimelineSpan[], lsn: Lsn): TimelineSpan {
  for (const span of spans) if (lsn >= span.start && lsn < span.end) return span;
  return spans.at(-1)!;
}
