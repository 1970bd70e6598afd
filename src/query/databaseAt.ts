/** Databases as of the positions of the WAL at which transactions end, for questions that walk through time. */
import { readDatabases, type Database } from '../catalog/catalog.js';
import type { Coverage } from '../store/caseStore.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import type { Moment } from './moment.js';
import { DatabaseAt, type Session } from './session.js';

/** The stretch of the archive that answers for a position; undefined outside. */
export function coverageOf(session: Session, lsn: Lsn): Coverage | undefined {
  return session.store.coverage.find((range) => lsn >= range.firstLsn && lsn <= range.lastLsn);
}

/** The moment of a record boundary. */
export function momentAt(session: Session, lsn: Lsn, time: number | null): Moment {
  return { text: formatLsn(lsn), lsn, time, timeline: session.store.timelineAt(lsn), zone: session.zone };
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
