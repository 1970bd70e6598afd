/** Reads every record of the WAL, on every timeline: checksums, links, gaps, and how much of it the index knows. */
import type { LsnRange, TimelineWal } from '../archive/timelineWal.js';
import type { Manifest } from '../layerfile/manifest.js';
import { scanWal, type WalScanResult } from '../pg/walScan.js';
import { XLOG_BLCKSZ } from '../pg/xlogPage.js';
import type { WalEnd } from '../pg/xlogReader.js';
import { formatLsn, parseLsn, type Lsn } from '../util/lsn.js';
import type { CaseWal } from './caseWal.js';
import type { DoctorFinding, DoctorReport } from './doctorReport.js';

/** WAL between two looks at the clock. */
const STEP_BYTES = 64 * 1024 * 1024;

/** The WAL that leads to one timeline, wherever its bytes are. */
export type TimelineBytes = TimelineWal | CaseWal;

export interface WalExamination {
  /** By timeline, ascending. */
  timelines: ReadonlyMap<number, TimelineBytes>;
  manifest: Manifest;
  report: DoctorReport;
  find(finding: DoctorFinding): void;
  /** Awaited now and then with the bytes read so far. */
  turn(bytes: number, what: string): Promise<void>;
}

/** Bytes that the examination will read. */
export function walBytesToRead(timelines: ReadonlyMap<number, TimelineBytes>): number {
  let sum = 0;
  for (const wal of timelines.values()) for (const range of ownRanges(wal)) sum += range.end - range.start;
  return sum;
}

/** The stretches of a timeline's own files: what lies before the segment in which it begins is read with its parent. */
function ownRanges(wal: TimelineBytes): LsnRange[] {
  const switchLsn = wal.spans.at(-1)!.start;
  const start = switchLsn - (switchLsn % wal.segmentSize);
  return wal.coverage().flatMap((range) => (range.end <= start ? [] : [{ start: Math.max(range.start, start) as Lsn, end: range.end }]));
}

export async function examineWal(examination: WalExamination): Promise<void> {
  for (const [timeline, wal] of examination.timelines) await new TimelineExamination(examination, timeline, wal).run();
}

class TimelineExamination {
  private records = 0;
  private last: { lsn: Lsn; endLsn: Lsn } | undefined;
  private endReason = '';

  constructor(private readonly examination: WalExamination, private readonly timeline: number, private readonly wal: TimelineBytes) {}

  async run(): Promise<void> {
    const { report } = this.examination;
    const ranges = ownRanges(this.wal);
    for (const [i, range] of ranges.entries()) {
      if (i > 0) this.gap(ranges[i - 1]!.end, range.start);
      await this.read(range);
    }
    report.wal.records += this.records;
    const first = ranges[0]?.start;
    if (first === undefined) return;
    report.timelines.push({ timeline: this.timeline, start: formatLsn(first), end: formatLsn(this.last?.endLsn ?? first), records: this.records, endReason: this.endReason });
    this.compareWithIndex();
  }

  private gap(from: Lsn, to: Lsn): void {
    this.last = undefined;
    // nothing is answered from what lies before every base backup: pg_resetwal leaves such a gap, or an archive that was tidied up
    const { backups, runs } = this.examination.manifest;
    if ([...backups, ...runs].every(({ startLsn }) => to <= startLsn)) return;
    this.examination.find({
      code: 'wal.gap', message: `timeline ${this.timeline}: no WAL from ${formatLsn(from)} to ${formatLsn(to)}`, place: { lsn: formatLsn(from) },
      hint: 'put the missing segments back and run walscope index; moments in the gap cannot be answered without them',
    });
  }

  private async read(range: LsnRange): Promise<void> {
    const { manifest, report, turn } = this.examination;
    let from = range.start;
    let fromRecord = false;
    while (from < range.end) {
      const until = Math.min(range.end, from - (from % STEP_BYTES) + STEP_BYTES) as Lsn;
      const result = scanWal(this.wal, { major: manifest.major, systemIdentifier: BigInt(manifest.systemIdentifier), from, fromRecord, until, onBatch: () => undefined });
      this.join(result);
      report.wal.bytes += Math.max(0, (result.end?.lsn ?? until) - from);
      if (result.end && !this.goesOn(result.end, range)) return;
      from = result.end ? (result.end.resumeLsn ?? range.end) : until;
      fromRecord = from % XLOG_BLCKSZ !== 0; // the record behind a damaged one: its page must not be read from the start again
      await turn(report.wal.bytes, `reading timeline ${this.timeline} at ${formatLsn(from)}`);
    }
  }

  /** Takes in what was read; its first record must follow the last one before. */
  private join(result: WalScanResult): void {
    if (result.records === 0) return;
    this.records += result.records;
    if (this.last && result.firstPrevLsn !== this.last.lsn && result.firstLsn >= this.last.endLsn) {
      this.examination.find({
        code: 'wal.prev_link', message: `the record at ${formatLsn(result.firstLsn)} says that it follows ${formatLsn(result.firstPrevLsn)}, but the one before it is at ${formatLsn(this.last.lsn)}`,
        place: { lsn: formatLsn(result.firstLsn), file: this.wal.fileAt(result.firstLsn) }, hint: 'the segments are of different histories: restore them from another copy of the archive',
      });
    }
    this.last = { lsn: result.lastLsn, endLsn: result.endLsn };
  }

  /** Tells of a break; gives whether good WAL follows in the range. */
  private goesOn(end: WalEnd, range: LsnRange): boolean {
    this.endReason = end.error.message;
    const { file, offset, lsn } = end.error.options.place ?? {};
    // WAL that ends in zeros or in mid-record at its last file's end is how every stretch ends
    if (end.kind === 'end' || (end.kind === 'missing' && (parseLsn(lsn ?? '') ?? range.end) >= range.end)) return false;
    const rest = end.resumeLsn === undefined ? `to ${formatLsn(range.end)}` : `to ${formatLsn(end.resumeLsn)}`;
    this.examination.find({
      code: 'wal.damage', message: `WAL is damaged from ${formatLsn(end.lsn)} ${rest}: ${end.error.message}`, place: { lsn: formatLsn(end.lsn), file, offset },
      hint: 'restore the segment from another copy of the archive and run walscope index again',
    });
    this.last = undefined;
    return end.resumeLsn !== undefined;
  }

  /** Only the timeline that the case follows is in the index. */
  private compareWithIndex(): void {
    const { manifest, find } = this.examination;
    const indexed = manifest.runs.at(-1)?.endLsn;
    if (this.timeline !== manifest.timelines.at(-1)?.timeline || indexed === undefined || !this.last || this.last.endLsn <= indexed) return;
    find({
      code: 'index.behind', message: `the archive has WAL to ${formatLsn(this.last.endLsn)}, the index only to ${formatLsn(indexed)}`, place: { lsn: formatLsn(indexed) },
      hint: 'run walscope index to take the new segments in',
    });
  }
}
