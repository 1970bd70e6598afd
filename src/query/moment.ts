/** Moments as users write them, resolved to a position in the WAL by PostgreSQL's own rules for recovery targets. */
import { XLOG_BLCKSZ } from '../pg/xlogPage.js';
import { XLogRecord } from '../pg/xlogRecord.js';
import type { CaseStore, Coverage } from '../store/caseStore.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { formatLsn, parseLsn, type Lsn } from '../util/lsn.js';
import { formatTimestamptz, parseMoment, RELATIVE_MOMENT } from '../util/pgTime.js';
import type { TimeZone } from '../util/timeZone.js';

/** A resolved moment: all records that begin before `lsn` have happened, none that begin later. */
export interface Moment {
  /** As it was asked for. */
  text: string;
  lsn: Lsn;
  /** Microseconds since 2000: the time asked for, else that of the last transaction's end before; null where none is known. */
  time: number | null;
  timeline: number;
  zone: TimeZone;
  /** Of a moment that was counted from the last one, where that is not the archive's: what lies behind it, in words. */
  cut?: string;
}

const UNITS: Record<string, number> = { us: 1, ms: 1e3, s: 1e6, m: 60e6, min: 60e6, h: 3600e6, d: 86400e6, w: 7 * 86400e6 };

/** Reads and resolves a moment. Usage errors (exit 2) for text that is none, `moment.*` errors (exit 4) outside the coverage. */
export function resolveMoment(store: CaseStore, text: string, zone: TimeZone): Moment {
  const trimmed = text.trim();
  if (store.coverage.length === 0) throw outside(store, zone, 'moment.nothing', 'no moment can be answered: no base backup became consistent in the WAL that is indexed');
  const last = store.coverage[store.coverage.length - 1]!;
  if (trimmed === 'latest') return { ...atLsn(store, trimmed, last.lastLsn, zone), ...cutOf(last) };
  if (trimmed === 'earliest') return atLsn(store, trimmed, store.coverage[0]!.firstLsn, zone);
  const lsn = parseLsn(trimmed);
  if (lsn !== undefined) return atLsn(store, trimmed, recordBoundary(store, lsn, zone), zone);
  const named = /^(xid|before-xid|point):(.+)$/.exec(trimmed);
  if (named) return atNamed(store, trimmed, named[1]!, named[2]!, zone);
  const relative = RELATIVE_MOMENT.exec(trimmed);
  if (relative) {
    const newest = store.lastKnownTime(last);
    if (newest === null) throw outside(store, zone, 'moment.no_time', `${trimmed} needs a time, and no record in the archive carries one`);
    return { ...atTime(store, trimmed, Math.round(newest - Number(relative[1]) * UNITS[relative[2]!]!), zone), ...cutOf(last) };
  }
  const parsed = parseMoment(trimmed, zone);
  if (!parsed) {
    throw new WalscopeError('usage.moment', `"${text}" is not a moment`, {
      exitCode: ExitCode.usage, hint: "write a time ('2026-04-06 10:00:00+02'), an LSN (0/3A2F10), xid:N, before-xid:N, point:NAME, earliest, latest or -10m",
    });
  }
  return atTime(store, trimmed, parsed.micros, parsed.zone);
}

function cutOf({ run }: Coverage): Pick<Moment, 'cut'> {
  return run.archiveEndLsn === undefined ? {} : { cut: `the archive goes on to ${formatLsn(run.archiveEndLsn)} behind a gap at ${formatLsn(run.endLsn)} (${run.endReason})` };
}

/** `as of 2026-04-06 08:00:00.123456+00 · LSN 0/3A2F10 · timeline 1` */
export function describeMoment(moment: Moment): string {
  const time = moment.time === null ? 'an unknown time' : formatTimestamptz(moment.time, moment.zone);
  return `as of ${time} · LSN ${formatLsn(moment.lsn)} · timeline ${moment.timeline}`;
}

function rangeOf(store: CaseStore, lsn: Lsn): Coverage | undefined {
  return store.coverage.find((range) => lsn >= range.firstLsn && lsn <= range.lastLsn);
}

function atLsn(store: CaseStore, text: string, lsn: Lsn, zone: TimeZone): Moment {
  const range = rangeOf(store, lsn);
  if (!range) throw outsideLsn(store, lsn, zone);
  return { text, lsn, time: store.lastTimeBefore(range, lsn), timeline: store.timelineAt(lsn), zone };
}

/** An LSN inside a record stands for the record's start: records count once they have ended. */
function recordBoundary(store: CaseStore, lsn: Lsn, zone: TimeZone): Lsn {
  const range = rangeOf(store, lsn);
  if (!range) throw outsideLsn(store, lsn, zone);
  if (lsn === range.lastLsn || lsn === range.firstLsn) return lsn;
  const record = new XLogRecord();
  const reader = store.newReader();
  if (reader.seek(lsn, record) === undefined || !reader.next(record)) return lastRecordStart(store, range, lsn);
  const previous = store.newReader().readRecordAt(record.prevLsn, new XLogRecord());
  return previous.endLsn > lsn ? previous.lsn : lsn;
}

/** The start of the range's last record, which spans `lsn` because none begins after it: searched from its page backwards. */
function lastRecordStart(store: CaseStore, range: Coverage, lsn: Lsn): Lsn {
  const record = new XLogRecord();
  const reader = store.newReader();
  for (let page = lsn - (lsn % XLOG_BLCKSZ); ; page -= XLOG_BLCKSZ) {
    const from = Math.max(page, range.run.startLsn) as Lsn;
    const found = reader.seek(from, record);
    if (found !== undefined && found <= lsn) {
      while (reader.next(record)) if (record.endLsn > lsn) return record.lsn;
    }
    if (from === range.run.startLsn) return lsn;
  }
}

function atNamed(store: CaseStore, text: string, kind: string, name: string, zone: TimeZone): Moment {
  for (const range of [...store.coverage].reverse()) {
    const row = kind === 'point'
      ? store.transactions.findRestorePoint(name, range.run.startLsn, range.lastLsn)
      : store.transactions.findEnd(xidOf(name), range.run.startLsn, range.lastLsn);
    if (!row) continue;
    const lsn = kind === 'before-xid' ? row.lsn : row.endLsn;
    if (lsn < range.firstLsn) throw outsideLsn(store, lsn, zone);
    const moment = atLsn(store, text, lsn, zone);
    return kind === 'before-xid' ? moment : { ...moment, time: row.time };
  }
  const what = kind === 'point' ? `restore point "${name}"` : `end of transaction ${name}`;
  throw outside(store, zone, 'moment.not_found', `the archive holds no ${what}`);
}

/** A transaction id as users write it: 32 bits as xmin shows it, or 64 with the epoch as pg_current_xact_id() does, which WAL does not carry. */
export function xidOf(text: string): number {
  const xid = /^\d{1,20}$/.test(text) ? BigInt(text) : -1n;
  if (xid < 0n || xid > 0xffff_ffff_ffff_ffffn) throw new WalscopeError('usage.xid', `"${text}" is not a transaction id`, { exitCode: ExitCode.usage, hint: 'write a number, as in xid:812' });
  return Number(xid & 0xffff_ffffn);
}

/** recovery_target_time: stop before the first commit or abort later than the time. */
function atTime(store: CaseStore, text: string, time: number, zone: TimeZone): Moment {
  for (const [i, range] of store.coverage.entries()) {
    const stop = store.transactions.firstEndAfter(time, range.run.startLsn, range.lastLsn);
    const first = store.firstKnownTime(range);
    if ((stop && stop.lsn < range.firstLsn) || (first !== null && time < first)) {
      throw outside(store, zone, i === 0 ? 'moment.past' : 'moment.gap', `${formatTimestamptz(time, zone)} is ${i === 0 ? 'before the first moment' : 'in a gap'} that can be answered`);
    }
    const newest = store.lastKnownTime(range);
    if (!stop && (newest === null || time > newest)) continue;
    const lsn = stop ? stop.lsn : range.lastLsn;
    return { text, lsn, time, timeline: store.timelineAt(lsn), zone };
  }
  const { cut } = cutOf(store.coverage.at(-1)!);
  throw outside(store, zone, 'moment.future', `${formatTimestamptz(time, zone)} is after the last moment that the archive covers${cut === undefined ? '' : `: ${cut}`}`);
}

function outsideLsn(store: CaseStore, lsn: Lsn, zone: TimeZone): WalscopeError {
  const first = store.coverage[0]!;
  const last = store.coverage[store.coverage.length - 1]!;
  if (lsn < first.firstLsn) return outside(store, zone, 'moment.past', `LSN ${formatLsn(lsn)} is before the first moment that can be answered`);
  if (lsn > last.lastLsn && lsn < (last.run.archiveEndLsn ?? 0)) return outside(store, zone, 'moment.gap', `LSN ${formatLsn(lsn)} is behind a gap of the archive at ${formatLsn(last.run.endLsn)} (${last.run.endReason})`);
  if (lsn > last.lastLsn) return outside(store, zone, 'moment.future', `LSN ${formatLsn(lsn)} is after the last moment that the archive covers`);
  return outside(store, zone, 'moment.gap', `LSN ${formatLsn(lsn)} is in a gap of the archive`);
}

/** Every refusal names the range that is covered. */
function outside(store: CaseStore, zone: TimeZone, code: string, what: string): WalscopeError {
  const ranges = store.coverage.map((range) => {
    const from = store.firstKnownTime(range);
    const to = store.lastKnownTime(range);
    const time = (micros: number | null): string => (micros === null ? '' : ` (${formatTimestamptz(micros, zone)})`);
    return `${formatLsn(range.firstLsn)}${time(from)} to ${formatLsn(range.lastLsn)}${time(to)}`;
  });
  return new WalscopeError(code, what, {
    exitCode: ExitCode.outsideCoverage, hint: ranges.length > 0 ? `covered: ${ranges.join('; ')}` : 'add the WAL that follows the backup and run walscope index again',
  });
}
