/** What a case covers: inputs, ranges, gaps, sizes. */
import type { Session } from './session.js';
import { formatLsn } from '../util/lsn.js';
import { formatTimestamptz } from '../util/pgTime.js';

export interface CaseStatus {
  case: string;
  systemIdentifier: string;
  majorVersion: number;
  segmentSize: number;
  timelines: { timeline: number; start: string; end: string | null }[];
  wal: string[];
  backups: { path: string; label: string; start: string; consistent: string | null; timeline: number }[];
  /** Moments that can be answered. */
  coverage: { firstLsn: string; lastLsn: string; firstTime: string | null; lastTime: string | null; endReason: string }[];
  /** Stretches between the runs of WAL, which cannot be answered. */
  gaps: { from: string; to: string }[];
  walBytes: number;
  records: number;
  transactions: number;
  indexBytes: number;
  layers: number;
  databases: { name: string; oid: number; template: boolean }[];
}

export function caseStatus(session: Session): CaseStatus {
  const { store, zone } = session;
  const { manifest } = store;
  const time = (micros: number | null): string | null => (micros === null ? null : formatTimestamptz(micros, zone));
  return {
    case: store.caseDir, systemIdentifier: manifest.systemIdentifier, majorVersion: manifest.major, segmentSize: manifest.segmentSize,
    timelines: manifest.timelines.map((t) => ({ timeline: t.timeline, start: formatLsn(t.start), end: Number.isFinite(t.end) && t.end < Number.MAX_SAFE_INTEGER ? formatLsn(t.end) : null })),
    wal: manifest.wal,
    backups: manifest.backups.map((b) => ({ path: b.path, label: b.label, start: formatLsn(b.startLsn), consistent: b.consistentLsn === null ? null : formatLsn(b.consistentLsn), timeline: b.timeline })),
    coverage: store.coverage.map((c) => ({
      firstLsn: formatLsn(c.firstLsn), lastLsn: formatLsn(c.lastLsn), firstTime: time(session.moment(formatLsn(c.firstLsn)).time), lastTime: time(store.lastKnownTime(c)), endReason: c.run.endReason,
    })),
    gaps: manifest.runs.slice(1).map((run, i) => ({ from: formatLsn(manifest.runs[i]!.endLsn), to: formatLsn(run.startLsn) })),
    walBytes: manifest.walBytes, records: manifest.records,
    transactions: manifest.layers.reduce((sum, layer) => sum + layer.xacts, 0),
    indexBytes: manifest.layers.reduce((sum, layer) => sum + layer.bytes, 0), layers: manifest.layers.length,
    databases: store.coverage.length === 0 ? [] : session.databasesAt(session.moment('latest')).map(({ database }) => ({ name: database.name, oid: database.oid, template: database.isTemplate })),
  };
}
