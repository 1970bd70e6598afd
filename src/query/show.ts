/** What one transaction did: its row changes in the order of the WAL, its schema changes, and the tables that it emptied. */
import type { XactRow } from '../layerfile/deltaLayer.js';
import type { Coverage } from '../store/caseStore.js';
import { isCommit } from '../store/transactionLog.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { databaseByOid } from './databaseAt.js';
import { ddlChanges, type DdlChange } from './ddl.js';
import type { DatabaseAt, Findings, Session } from './session.js';
import { databaseOf, readChange, unloggedMeanwhile, visitRows, type ShownChange } from './transactionRows.js';

export interface ShownTransaction {
  row: XactRow;
  range: Coverage;
  committed: boolean;
  /** The database in which it changed something; undefined where it changed nothing there, or the database is gone. */
  before: DatabaseAt | undefined;
  after: DatabaseAt | undefined;
  /** Schema changes; known once `rows` has run. */
  ddl(): DdlChange[];
  /** OIDs of the tables whose rows it changed; known once `rows` has run. */
  touched: Set<number>;
  rows(emit: (change: ShownChange) => boolean | void): void;
  /** Finds what `ddl` and `touched` tell, without reading the rows. */
  survey(): void;
}

/** Finds the end of a transaction, its own xid or that of one of its subtransactions. Throws `moment.*` (exit 4) where there is none. */
export function findTransaction(session: Session, xid: number): { row: XactRow; range: Coverage } {
  for (const range of [...session.store.coverage].reverse()) {
    const row = session.store.transactions.findEnd(xid, range.firstLsn, range.lastLsn);
    if (row) return { row, range };
  }
  session.moment(`xid:${xid}`); // outside the coverage: refuses, and says what is covered
  throw new WalscopeError('moment.not_found', `transaction ${xid} ended before the first moment that can be answered`, { exitCode: ExitCode.outsideCoverage, hint: 'see walscope status for what is covered' });
}

/** Prepares the answer; the work is done by `rows`. */
export function showTransaction(session: Session, xid: number, findings: Findings): ShownTransaction {
  const { row, range } = findTransaction(session, xid);
  const committed = isCommit(row);
  const xids = new Set([row.xid, ...row.subxids]);
  const dbOid = databaseOf(session, row);
  const before = dbOid === 0 ? undefined : databaseByOid(session, dbOid, row.lsn, null);
  const after = dbOid === 0 ? undefined : databaseByOid(session, dbOid, row.endLsn, row.time);
  const catalogs = new Set<string>();
  const touched = new Set<number>();
  const walk = (emit: ((change: ShownChange) => boolean | void) | undefined): void => visitRows(session, row, { before, after }, findings, {
    catalog: (name) => void catalogs.add(name),
    unlogged: (table) => findings.add(unloggedMeanwhile(table, row)),
    change(change, file) {
      touched.add(file.shape.oid);
      const shown = emit && readChange(file, change, row.lsn);
      return shown ? emit(shown) : true;
    },
  });
  return {
    row, range, committed, before, after, touched, rows: walk, survey: () => walk(undefined),
    ddl: () => (committed && before && after ? ddlChanges({ before, after, xids, since: session.store.changes.firstPossibleLsn(row), catalogs }) : []),
  };
}
