/** What a case covers: inputs, ranges, gaps, sizes. */
import type { WalStoreForm } from '../layerfile/manifest.js';
import { rmgrName } from '../redo/rmgrlist.js';
import { EventKind } from '../store/layerEvents.js';
import { layerFiles } from '../store/layerFiles.js';
import { minimalStretches } from '../store/loggedRuns.js';
import { WalscopeError } from '../util/errors.js';
import type { Finding } from '../util/finding.js';
import { formatLsn } from '../util/lsn.js';
import { formatTimestamptz } from '../util/pgTime.js';
import type { Session } from './session.js';

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
  /** Stretches under wal_level = minimal, which cannot be answered; `to` null: it goes on. */
  minimal: { from: string; to: string | null }[];
  /** Records of managers that cannot be replayed, by manager: a block that one touches is unknown until its next image. */
  unreplayable: { rmgr: string; records: number; firstLsn: string }[];
  /** Where records are read from: the bytes of WAL that the case holds packed, and in how many; the rest is in the archive. */
  walStore: { form: WalStoreForm; packedWalBytes: number; packBytes: number; packs: number };
  /** DB, DB.SCHEMA or DB.SCHEMA.TABLE: of other user tables no rows can be asked for; null: the index is whole. */
  only: string[] | null;
  /** Where gc cut the history off; null: nowhere. */
  cutoff: { lsn: string; images: number; bytes: number } | null;
  /** Moments that gc keeps. */
  pins: { name: string; lsn: string; time: string | null }[];
  walBytes: number;
  records: number;
  transactions: number;
  indexBytes: number;
  layers: number;
  /** At the latest moment. */
  databases: { name: string; oid: number; template: boolean }[];
  /** What of this could not be read. */
  problems: Finding[];
}

export function caseStatus(session: Session): CaseStatus {
  const { store, zone } = session;
  const { manifest } = store;
  const { databases, problems } = latestDatabases(session);
  const time = (micros: number | null): string | null => (micros === null ? null : formatTimestamptz(micros, zone));
  return {
    case: store.caseDir, systemIdentifier: manifest.systemIdentifier, majorVersion: manifest.major, segmentSize: manifest.segmentSize,
    timelines: manifest.timelines.map((t) => ({ timeline: t.timeline, start: formatLsn(t.start), end: Number.isFinite(t.end) && t.end < Number.MAX_SAFE_INTEGER ? formatLsn(t.end) : null })),
    wal: manifest.wal,
    backups: manifest.backups.map((b) => ({ path: b.path, label: b.label, start: formatLsn(b.startLsn), consistent: b.consistentLsn === null ? null : formatLsn(b.consistentLsn), timeline: b.timeline })),
    coverage: store.coverage.map((c) => ({
      firstLsn: formatLsn(c.firstLsn), lastLsn: formatLsn(c.lastLsn), firstTime: time(session.moment(formatLsn(c.firstLsn)).time), lastTime: time(store.lastKnownTime(c)), endReason: c.run.endReason,
    })),
    gaps: manifest.runs.flatMap((run, i) => {
      const to = manifest.runs[i + 1]?.startLsn ?? run.archiveEndLsn;
      return to === undefined ? [] : [{ from: formatLsn(run.endLsn), to: formatLsn(to) }];
    }),
    minimal: minimalStretches(store.layers.events).map(({ from, to }) => ({ from: formatLsn(from), to: to === null ? null : formatLsn(to) })),
    unreplayable: unreplayable(session),
    walStore: {
      form: manifest.walStore, packedWalBytes: manifest.packs.reduce((sum, { startLsn, endLsn }) => sum + endLsn - startLsn, 0),
      packBytes: manifest.packs.reduce((sum, { bytes }) => sum + bytes, 0), packs: manifest.packs.length,
    },
    only: manifest.only ?? null,
    cutoff: manifest.cutoff ? { lsn: formatLsn(manifest.cutoff.lsn), images: manifest.cutoff.images, bytes: manifest.cutoff.bytes } : null,
    pins: (manifest.pins ?? []).map(({ name, lsn, time: micros }) => ({ name, lsn: formatLsn(lsn), time: time(micros) })),
    walBytes: manifest.walBytes, records: manifest.records,
    transactions: manifest.layers.reduce((sum, layer) => sum + layer.xacts, 0),
    indexBytes: layerFiles(manifest).reduce((sum, layer) => sum + layer.bytes, 0), layers: layerFiles(manifest).length,
    databases, problems,
  };
}

/** The rest of the status is worth telling where the catalog cannot be read, of a backup that is not whole say. */
function latestDatabases(session: Session): Pick<CaseStatus, 'databases' | 'problems'> {
  if (session.store.coverage.length === 0) return { databases: [], problems: [] };
  try {
    const databases = session.databasesAt(session.moment('latest')).map(({ database }) => ({ name: database.name, oid: database.oid, template: database.isTemplate }));
    return { databases, problems: [] };
  } catch (error) {
    if (!(error instanceof WalscopeError)) throw error;
    return { databases: [], problems: [{ code: error.code, message: error.message, place: error.options.place }] };
  }
}

function unreplayable(session: Session): CaseStatus['unreplayable'] {
  const byManager = new Map<number, { rmgr: string; records: number; firstLsn: string }>();
  for (const { kind, lsn, args } of session.store.layers.events) {
    if (kind !== EventKind.unknownManager) continue;
    const found = byManager.get(args[0]!);
    if (found) found.records++;
    else byManager.set(args[0]!, { rmgr: rmgrName(args[0]!), records: 1, firstLsn: formatLsn(lsn) });
  }
  return [...byManager.values()];
}
