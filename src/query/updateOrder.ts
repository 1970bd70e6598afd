/** An order of UPDATEs in which no row takes a unique value before the row that holds it has let go. */
import { indexAttnums } from './primaryKey.js';
import type { RowChange } from './diff.js';
import type { DatabaseAt } from './session.js';

/** An index that refuses a row at once, other than the primary key's. */
export interface ImmediateIndex {
  oid: number;
  name: string;
  /** Columns whose values decide. */
  columns: string[];
  /** These columns' values alone decide, by equality. */
  isPlain: boolean;
  /** NULLs are no duplicates of each other. */
  nullsDistinct: boolean;
}

/** The unique and exclusion indexes of a table that are checked row by row. Deferrable ones wait for the script's end. */
export function immediateIndexes(database: DatabaseAt, relOid: number): ImmediateIndex[] {
  const names = new Map(database.catalog.columns(relOid).map((column) => [column.attnum, column.name]));
  const found: ImmediateIndex[] = [];
  database.catalog.scan('pg_index', (row) => {
    if (row.oid('indrelid') !== relOid || row.bool('indisprimary') || !row.bool('indimmediate') || !(row.bool('indisunique') || row.bool('indisexclusion'))) return;
    const oid = row.oid('indexrelid');
    const isComputed = !row.isNull('indexprs') || !row.isNull('indpred');
    const attnums = [...row.numbers('indkey', 2).slice(0, row.int2('indnkeyatts')), ...(isComputed ? indexAttnums(database, oid, relOid) : [])];
    found.push({
      oid, name: database.catalog.relations.get(oid)?.name ?? '', columns: [...new Set(attnums.flatMap((attnum) => names.get(attnum) ?? []))],
      isPlain: !isComputed && !row.bool('indisexclusion'), nullsDistinct: !(row.has('indnullsnotdistinct') && row.bool('indnullsnotdistinct')),
    });
  });
  return found;
}

export interface UpdateOrder {
  /** Before the deletions, and after them. */
  early: RowChange[];
  late: RowChange[];
  /** Indexes for which there is no such order. */
  inTheWay: ImmediateIndex[];
}

/**
 * Orders the changed rows, whose values go back from `after` to `before`. Values are the same where they print the same: two that are equal
 * all the same make the script fail, not err.
 */
export function orderUpdates(changes: readonly RowChange[], columns: readonly { name: string }[], indexes: readonly ImmediateIndex[]): UpdateOrder {
  const inTheWay = indexes.filter((index) => !index.isPlain);
  let plain = indexes.filter((index) => index.isPlain);
  for (;;) {
    const order = new Ordering(changes, columns, plain);
    const index = order.run();
    if (!index) return { early: order.early, late: order.late, inTheWay };
    inTheWay.push(index);
    plain = plain.filter((other) => other !== index);
  }
}

class Ordering {
  readonly early: RowChange[] = [];
  readonly late: RowChange[] = [];
  private readonly state = new Map<RowChange, 'open' | 'early' | 'late'>();
  /** Who holds a value that is to be let go. */
  private readonly holders = new Map<string, RowChange>();
  private readonly places: number[][];

  constructor(private readonly changes: readonly RowChange[], columns: readonly { name: string }[], private readonly indexes: readonly ImmediateIndex[]) {
    this.places = indexes.map((index) => index.columns.map((name) => columns.findIndex((column) => column.name === name)));
    for (const change of changes) if (change.after) indexes.forEach((_, i) => this.holders.set(this.key(i, change.after!) ?? '', change));
    this.holders.delete('');
  }

  /** Undefined for values that clash with none. */
  private key(i: number, values: readonly (string | null)[]): string | undefined {
    const key = this.places[i]!.map((place) => values[place] ?? null);
    return this.indexes[i]!.nullsDistinct && key.includes(null) ? undefined : `${i} ${JSON.stringify(key)}`;
  }

  /** The index whose rows wait for each other in a circle; undefined: the order is there. */
  run(): ImmediateIndex | undefined {
    for (const change of this.changes) {
      if (change.change !== 'changed' || this.state.has(change)) continue;
      const stack = [change];
      this.state.set(change, 'open');
      while (stack.length > 0) {
        const row = stack.at(-1)!;
        const waits = this.waitsFor(row);
        const next = waits.find(({ holder }) => holder.change === 'changed' && !['early', 'late'].includes(this.state.get(holder)!));
        if (next && this.state.get(next.holder) === 'open') return this.indexes[next.i];
        if (next) {
          this.state.set(next.holder, 'open');
          stack.push(next.holder);
          continue;
        }
        const isLate = waits.some(({ holder }) => holder.change === 'added' || this.state.get(holder) === 'late');
        this.state.set(row, isLate ? 'late' : 'early');
        (isLate ? this.late : this.early).push(row);
        stack.pop();
      }
    }
    return undefined;
  }

  private waitsFor(row: RowChange): { i: number; holder: RowChange }[] {
    return this.indexes.flatMap((_, i) => {
      const wanted = this.key(i, row.before!);
      const holder = wanted === undefined ? undefined : this.holders.get(wanted);
      return holder && holder !== row ? [{ i, holder }] : [];
    });
  }
}
