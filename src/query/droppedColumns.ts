/** What dropped columns were: DROP COLUMN takes the name and the type from pg_attribute, the moment before still has them. */
import { Catalog } from '../catalog/catalog.js';
import type { Column, Relation } from '../catalog/relation.js';
import { inputError } from '../util/errors.js';
import type { DatabaseAt } from './session.js';

/**
 * The dropped columns of a relation by attnum, as they were just before the transaction that dropped each. Those that were dropped
 * before the archive begins are left out.
 */
export function formerColumns(database: DatabaseAt, relation: Relation): Map<number, Column> {
  const former = new Map<number, Column>();
  if (!database.catalog.columns(relation.oid).some((column) => column.dropped)) return former;
  const { session, moment } = database;
  const range = session.store.coverage.find((c) => moment.lsn >= c.firstLsn && moment.lsn <= c.lastLsn);
  if (!range) return former;
  for (const [attnum, xid] of droppedBy(database, relation.oid)) {
    const end = session.store.transactions.findEnd(xid, range.run.startLsn, moment.lsn);
    if (!end || end.lsn < range.firstLsn) continue;
    const column = new Catalog(session.store.snapshot(end.lsn), database.database).columns(relation.oid).find((c) => c.attnum === attnum);
    if (column && !column.dropped) former.set(attnum, column);
  }
  return former;
}

/** attnum → the transaction that dropped the column: the one that wrote its row of pg_attribute last. */
function droppedBy(database: DatabaseAt, relOid: number): Map<number, number> {
  const table = database.table('pg_catalog.pg_attribute');
  const [attrelid, attnum, attisdropped] = ['attrelid', 'attnum', 'attisdropped'].map((name) => table.columns.findIndex((c) => c.column.name === name));
  const found = new Map<number, number>();
  table.scan((row) => {
    if (row.value(attrelid!) === String(relOid) && row.value(attisdropped!) === 't') found.set(Number(row.value(attnum!)), row.xmin);
  }, (finding) => { throw inputError(finding.code, finding.message, finding.place); });
  return found;
}
