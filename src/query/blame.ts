/** The last writer of each row. */
import type { XactRow } from '../layerfile/deltaLayer.js';
import type { Table } from '../catalog/table.js';
import { formatLsn } from '../util/lsn.js';
import { formatTimestamptz } from '../util/pgTime.js';
import { asof, type AsofColumn } from './asof.js';
import { coverageOf } from './databaseAt.js';
import type { DatabaseAt, Findings } from './session.js';

export interface Blame {
  columns: AsofColumn[];
  notices: string[];
  rows(emit: (values: (string | null)[]) => boolean | void): void;
}

const WRITER_COLUMNS: AsofColumn[] = [{ name: 'written', typeName: 'timestamptz' }, { name: 'xid', typeName: 'xid' }, { name: 'lsn', typeName: 'pg_lsn' }];
/** Where asof's system columns end and the table's own begin; the second of them is xmin. */
const SYSTEM_COLUMNS = 5, XMIN = 1;

/** Finds the end of a transaction among those up to the moment, by its xid; null: before the archive. Each is looked up once. */
export function writerLookup(database: DatabaseAt): (xid: number) => XactRow | null {
  const { session, moment } = database;
  const range = coverageOf(session, moment.lsn)!;
  const writers = new Map<number, XactRow | null>();
  return (xid) => {
    let row = writers.get(xid);
    if (row === undefined) writers.set(xid, (row = session.store.transactions.findEnd(xid, range.run.startLsn, moment.lsn) ?? null));
    return row;
  };
}

/** Every visible row with the transaction that wrote this version of it; time and LSN are NULL where that was before the archive. */
export async function blame(database: DatabaseAt, table: Table, where: string | undefined, findings: Findings): Promise<Blame> {
  const answer = await asof(database, table, { where, system: true }, findings);
  const { session } = database;
  const writer = writerLookup(database);
  return {
    columns: [...WRITER_COLUMNS, ...answer.columns.slice(SYSTEM_COLUMNS)], notices: answer.notices,
    rows: (emit) => answer.rows((values) => {
      const row = writer(Number(values[XMIN]));
      return emit([row && formatTimestamptz(row.time, session.zone), row ? String(row.xid) : values[XMIN]!, row && formatLsn(row.lsn), ...values.slice(SYSTEM_COLUMNS)]);
    }),
  };
}
