/** Who wrote and who killed a row version, and when that was decided. */
import type { RowView } from '../catalog/table.js';
import type { TupleState } from '../rows/visibility.js';
import { formatTimestamptz } from '../util/pgTime.js';
import type { AsofColumn } from './asof.js';
import type { DatabaseAt } from './session.js';

export const SYSTEM_COLUMNS: readonly AsofColumn[] = [
  { name: 'ctid', typeName: 'tid' }, { name: 'xmin', typeName: 'xid' }, { name: 'xmin_time', typeName: 'timestamptz' },
  { name: 'xmax', typeName: 'xid' }, { name: 'xmax_time', typeName: 'timestamptz' },
];

/** Before the system columns of a dead row version: what became of it. */
export const STATE_COLUMN: AsofColumn = { name: 'state', typeName: 'text' };

const MOVED_PARTITIONS_OFFNUM = 0xfffd;

export class SystemColumns {
  private readonly times = new Map<number, string | null>();

  constructor(private readonly database: DatabaseAt) {}

  values(row: RowView): (string | null)[] {
    const { xmin, xmax } = row;
    return [row.ctid, String(xmin), this.time(xmin), String(xmax), xmax === 0 ? null : this.time(xmax)];
  }

  /** State and system columns of a version that the moment does not see; xmax is the transaction that killed it. */
  deadValues(row: RowView, state: Exclude<TupleState, 'live'>): (string | null)[] {
    const xmax = state === 'deleted' ? this.database.catalog.visibility.committedDeleter(row.page.view, row.at) : 0;
    return [stateName(row, state), row.ctid, String(row.xmin), this.time(row.xmin), String(xmax), xmax === 0 ? null : this.time(xmax)];
  }

  private time(xid: number): string | null {
    let time = this.times.get(xid);
    if (time === undefined) {
      const { session, moment } = this.database;
      const range = session.store.coverage.find((c) => moment.lsn >= c.firstLsn && moment.lsn <= c.lastLsn);
      const end = range && session.store.transactions.findEnd(xid, range.run.startLsn, moment.lsn);
      time = end ? formatTimestamptz(end.time, session.zone) : null;
      this.times.set(xid, time);
    }
    return time;
  }
}

/** t_ctid leads to the newer version of a row that was updated, and to the tuple itself where it was deleted. */
function stateName(row: RowView, state: Exclude<TupleState, 'live'>): string {
  if (state === 'insertAborted') return 'insert aborted';
  if (state === 'insertInProgress') return 'insert in progress';
  const { next } = row;
  if (next.offnum === MOVED_PARTITIONS_OFFNUM) return 'moved to another partition';
  return next.block === row.block && next.offnum === row.offnum ? 'deleted' : 'updated';
}
