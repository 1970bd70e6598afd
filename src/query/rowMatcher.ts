/** Pairs the rows of two moments by key, or by content, and tells what became of each. Rows are held as the tuples they are stored in. */
import type { RowView, Table } from '../catalog/table.js';
import type { AsofColumn } from './asof.js';
import { NumberMap } from './numberMap.js';
import { TupleArena, type Tuple } from './tupleArena.js';

export type Change = 'added' | 'removed' | 'changed';
export type Row = (string | null)[];
/** Numbers take less room than their texts. */
type Key = string | number;

/** One moment's side: how its tuples are read in the columns that both have in common. */
class Side {
  private readonly row: RowView | undefined;
  private readonly places: number[];
  /** Handles of tuples without a partner so far, in one map or the other by the key's type; those of one key, where rows are compared by content, lead to each other. */
  private readonly byText = new Map<string, number>();
  private readonly byNumber = new NumberMap();

  constructor(table: Table | undefined, columns: readonly AsofColumn[]) {
    this.row = table?.newRow();
    this.places = columns.map(({ name }) => table?.columns.findIndex((c) => c.column.name === name) ?? -1);
  }

  view(tuple: Tuple): RowView {
    return this.row!.fillTuple(tuple.bytes, tuple.at, tuple.length);
  }

  /** A column that the table lacks reads as NULL. */
  values(tuple: Tuple): Row {
    const row = this.view(tuple);
    return this.places.map((place) => (place < 0 ? null : row.value(place)));
  }

  key(tuple: Tuple, keyPlaces: readonly number[]): Key {
    if (keyPlaces.length === 0) return JSON.stringify(this.values(tuple));
    const row = this.view(tuple);
    if (keyPlaces.length === 1) {
      const text = row.value(this.places[keyPlaces[0]!]!) ?? '';
      const number = Number(text);
      return Number.isSafeInteger(number) && String(number) === text ? number : text;
    }
    return JSON.stringify(keyPlaces.map((i) => row.value(this.places[i]!)));
  }

  waiting(key: Key): number | undefined {
    return typeof key === 'number' ? this.byNumber.get(key) : this.byText.get(key);
  }

  setWaiting(key: Key, handle: number): void {
    if (typeof key === 'number') this.byNumber.set(key, handle);
    else this.byText.set(key, handle);
  }

  endWaiting(key: Key): void {
    if (typeof key === 'number') this.byNumber.delete(key);
    else this.byText.delete(key);
  }

  /** All that wait; they wait no longer. */
  *allWaiting(): Generator<number> {
    yield* this.byNumber.values();
    yield* this.byText.values();
    this.byNumber.clear();
    this.byText.clear();
  }

  place(i: number): number {
    return this.places[i]!;
  }
}

export interface MatcherOptions {
  before: Table | undefined;
  after: Table | undefined;
  columns: readonly AsofColumn[];
  /** Places of the key in `columns`; none: rows are compared by content. */
  keyPlaces: readonly number[];
  /** Both tables have the same columns of the same types: what is stored with the same bytes is the same. */
  sameShape: boolean;
  /** Gives false where no more changes are wanted. The sides' values are read with valuesBefore() and valuesAfter(). */
  emit(matcher: RowMatcher, change: Change, before: Tuple | undefined, after: Tuple | undefined): boolean | void;
}

/**
 * Takes tuples of both moments in any order. One whose partner comes is told at once and let go; the others wait, as copies, so that memory
 * goes with the rows that were moved, added or removed.
 */
export class RowMatcher {
  private readonly before: Side;
  private readonly after: Side;
  private readonly arena = new TupleArena();
  stopped = false;

  constructor(private readonly options: MatcherOptions) {
    this.before = new Side(options.before, options.columns);
    this.after = new Side(options.after, options.columns);
  }

  /** `isAlone`: no tuple of the other side is still to come. */
  addBefore(tuple: Tuple, isAlone: boolean): void {
    const key = this.before.key(tuple, this.options.keyPlaces);
    const partner = this.take(this.after, key);
    if (partner) this.pair(tuple, partner);
    else if (isAlone) this.emit('removed', tuple, undefined);
    else this.wait(this.before, key, tuple);
  }

  /** `isAlone`: as there. */
  addAfter(tuple: Tuple, isAlone: boolean): void {
    const key = this.after.key(tuple, this.options.keyPlaces);
    const partner = this.take(this.before, key);
    if (partner) this.pair(partner, tuple);
    else if (isAlone) this.emit('added', undefined, tuple);
    else this.wait(this.after, key, tuple);
  }

  private wait(side: Side, key: Key, tuple: Tuple): void {
    side.setWaiting(key, this.arena.add(tuple, side.waiting(key) ?? 0));
  }

  private take(side: Side, key: Key): Tuple | undefined {
    const handle = side.waiting(key);
    if (handle === undefined) return undefined;
    const tuple = this.arena.tuple(handle), next = this.arena.next(handle);
    if (next !== 0) side.setWaiting(key, next);
    else side.endWaiting(key);
    this.arena.release(handle);
    return tuple;
  }

  private pair(was: Tuple, is: Tuple): void {
    if (this.options.keyPlaces.length > 0 && !this.isSame(was, is)) this.emit('changed', was, is);
  }

  private isSame(was: Tuple, is: Tuple): boolean {
    const before = this.before.view(was), after = this.after.view(is);
    return this.options.columns.every((_, i) => {
      const from = this.before.place(i), to = this.after.place(i);
      if (this.options.sameShape && before.storesTheSame(from, after, to)) return true;
      return (from < 0 ? null : before.value(from)) === (to < 0 ? null : after.value(to));
    });
  }

  /** No tuple of the moment before comes any more: what waits on the other side was added. */
  endBefore(): void {
    this.drain(this.after, (tuple) => this.emit('added', undefined, tuple));
  }

  /** No tuple comes any more. */
  end(): void {
    this.endBefore();
    this.drain(this.before, (tuple) => this.emit('removed', tuple, undefined));
  }

  private drain(side: Side, emit: (tuple: Tuple) => void): void {
    for (const first of side.allWaiting()) for (let handle = first; handle !== 0; handle = this.arena.next(handle)) emit(this.arena.tuple(handle));
  }

  private emit(change: Change, before: Tuple | undefined, after: Tuple | undefined): void {
    if (!this.stopped && this.options.emit(this, change, before, after) === false) this.stopped = true;
  }

  valuesBefore(tuple: Tuple): Row {
    return this.before.values(tuple);
  }

  valuesAfter(tuple: Tuple): Row {
    return this.after.values(tuple);
  }
}
