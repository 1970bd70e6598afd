/** All rows of a table in the order of one column. */
import { valueOrder } from '../../query/rowOrder.js';
import type { ScanSource } from '../../query/scanSource.js';
import type { DatabaseAt } from '../../query/session.js';
import { ExitCode, WalscopeError } from '../../util/errors.js';
import type { GridRow, TableQuestion } from '../protocol.js';
import { ListedRows, type TableRows } from './tableRows.js';
import type { Work } from './work.js';

/** Rows that are held to be sorted, at most. */
const SORTED_ROWS = 200_000;

/** Throws a usage error where there are too many rows to sort. */
export function sortedRows(database: DatabaseAt, source: ScanSource, order: NonNullable<TableQuestion['order']>, rows: TableRows | ListedRows, work: Work): ListedRows {
  const i = source.table.columns.findIndex(({ column }) => column.name === order.column);
  if (i < 0) throw new WalscopeError('column.unknown', `column "${order.column}" does not exist in ${source.table.relation.name} at this moment`, { exitCode: ExitCode.usage, hint: 'press o on another column' });
  const all: GridRow[] = [];
  if (rows instanceof ListedRows) all.push(...rows.from(undefined, true, rows.count));
  else rows.all((row) => {
    all.push(row);
    return all.length <= SORTED_ROWS;
  });
  if (all.length > SORTED_ROWS) throw new WalscopeError('tui.sort', `more than ${SORTED_ROWS.toLocaleString('en-US')} rows cannot be sorted here`, { exitCode: ExitCode.usage, hint: 'filter them first, with f' });
  const compare = valueOrder(database, source.table.columns[i]!.column.typeOid);
  const sign = order.descending ? -1 : 1;
  work.check();
  return new ListedRows(all.sort((a, b) => sign * compare(a.values[i]!, b.values[i]!)));
}
