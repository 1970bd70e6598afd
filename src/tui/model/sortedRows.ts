/** The rows of a table in the order of one column: all of them, or as many of the first as memory is for. */
import { valueOrder } from '../../query/rowOrder.js';
import type { ScanSource } from '../../query/scanSource.js';
import type { DatabaseAt } from '../../query/session.js';
import { ExitCode, WalscopeError } from '../../util/errors.js';
import type { GridRow, TableQuestion } from '../protocol.js';
import { ListedRows, type TableRows } from './tableRows.js';
import type { Work } from './work.js';

/** Rows that are listed at most, and characters of them. */
const SORTED_ROWS = 50_000, SORTED_CHARACTERS = 24 * 1024 * 1024;

/** `total`: rows that were sorted, of which the first are listed. */
export function sortedRows(database: DatabaseAt, source: ScanSource, order: NonNullable<TableQuestion['order']>, rows: TableRows | ListedRows, work: Work): { rows: ListedRows; total: number } {
  const i = source.table.columns.findIndex(({ column }) => column.name === order.column);
  if (i < 0) throw new WalscopeError('column.unknown', `column "${order.column}" does not exist in ${source.table.relation.name} at this moment`, { exitCode: ExitCode.usage, hint: 'press o on another column' });
  const ofValues = valueOrder(database, source.table.columns[i]!.column.typeOid);
  const sign = order.descending ? -1 : 1;
  const compare = (a: GridRow, b: GridRow): number => sign * ofValues(a.values[i]!, b.values[i]!);
  let kept: GridRow[] = [];
  let characters = 0, total = 0;
  /** The last row that is still listed; those behind it need not be looked at. */
  let last: GridRow | undefined;
  const cut = (): void => {
    kept.sort(compare);
    let length = 0;
    characters = 0;
    while (length < Math.min(kept.length, SORTED_ROWS) && characters < SORTED_CHARACTERS) characters += charactersOf(kept[length++]!);
    if (length < kept.length) last = kept[length - 1];
    kept = kept.slice(0, length);
  };
  rows.all((row) => {
    total++;
    if (last && compare(row, last) >= 0) return;
    kept.push(row);
    characters += charactersOf(row);
    if (kept.length >= 2 * SORTED_ROWS || characters >= 2 * SORTED_CHARACTERS) cut();
  });
  work.check();
  cut();
  return { rows: new ListedRows(kept), total };
}

/** Of a row's values, and what holding it takes besides. */
function charactersOf({ values }: GridRow): number {
  return values.reduce((sum, value) => sum + (value?.length ?? 0), 32 + 8 * values.length);
}
