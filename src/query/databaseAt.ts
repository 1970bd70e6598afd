/** Databases as of the positions of the WAL at which transactions end, for questions that walk through time. */
import { readDatabases, type Database } from '../catalog/catalog.js';
import type { Coverage } from '../store/caseStore.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import type { Moment } from './moment.js';
import { DatabaseAt, Findings, type Session } from './session.js';

/** The stretch of the archive that answers for a position; undefined outside. */
export function coverageOf(session: Session, lsn: Lsn): Coverage | undefined {
  return session.store.coverage.find((range) => lsn >= range.firstLsn && lsn <= range.lastLsn);
}

/** The moment of a record boundary. */
export function momentAt(session: Session, lsn: Lsn, time: number | null): Moment {
  return { text: formatLsn(lsn), lsn, time, timeline: session.store.timelineAt(lsn), zone: session.zone };
}

export interface Span {
  since: Moment;
  until: Moment;
}

/** The parts of a span that the archive covers, newest first. Each gap between two of them is told in findings when it is reached. */
export function* coveredParts(session: Session, { since, until }: Span, findings: Findings): Generator<Span> {
  const ranges = session.store.coverage.filter(({ firstLsn, lastLsn }) => firstLsn <= until.lsn && lastLsn >= since.lsn).reverse();
  for (const [i, { firstLsn, lastLsn }] of ranges.entries()) {
    if (i > 0) findings.add({ code: 'moment.gap', message: `what happened from ${formatLsn(lastLsn)} to ${formatLsn(ranges[i - 1]!.firstLsn)} is not known: the archive has a gap there` });
    yield { since: since.lsn >= firstLsn ? since : momentAt(session, firstLsn, null), until: until.lsn <= lastLsn ? until : momentAt(session, lastLsn, null) };
  }
}

/** The newest part of a span, where that is not all of it with what to ask for the rest in findings: what became of rows cannot be followed over a gap. */
export function newestPart(session: Session, span: Span, findings: Findings): Span {
  const [newest, older] = coveredParts(session, span, new Findings());
  if (!newest) return span; // it ends before it begins
  if (older) {
    const [from, to] = [formatLsn(older.until.lsn), formatLsn(newest.since.lsn)];
    findings.add({ code: 'moment.gap', message: `what was before ${to} is not followed: the archive has a gap from ${from} on; ask with --at ${from} for what was before it` });
  }
  return newest;
}

/** A database by its OID as of a record boundary; undefined where it does not exist then. */
export function databaseByOid(session: Session, dbOid: number, lsn: Lsn, time: number | null): DatabaseAt | undefined {
  const snapshot = session.store.snapshot(lsn);
  const database = readDatabases(snapshot).find((each) => each.oid === dbOid);
  return database && hasCatalogs(session, database, lsn) ? new DatabaseAt(session, momentAt(session, lsn, time), snapshot, database) : undefined;
}

function hasCatalogs(session: Session, database: Database, lsn: Lsn): boolean {
  return session.store.snapshot(lsn).relMap(database.spcOid, database.oid) !== null;
}
