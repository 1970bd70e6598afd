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
  /** What the keys that are texts take, at most. */
  textBytes = 0;

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
    else {
      if (!this.byText.has(key)) this.textBytes += TEXT_KEY_BYTES + key.length * 2;
      this.byText.set(key, handle);
    }
  }

  endWaiting(key: Key): void {
    if (typeof key === 'number') this.byNumber.delete(key);
    else {
      this.textBytes -= TEXT_KEY_BYTES + key.length * 2;
      this.byText.delete(key);
    }
  }

  /** All that wait; they wait no longer. */
  takeWaiting(): number[] {
    const all = [...this.byNumber.values(), ...this.byText.values()];
    this.byNumber.clear();
    this.byText.clear();
    this.textBytes = 0;
    return all;
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
  /** Of copies that may wait; default 128 MB. */
  waitingBytes?: number;
  /** Gives false where no more changes are wanted. The sides' values are read with valuesBefore() and valuesAfter(). */
  emit(matcher: RowMatcher, change: Change, before: Tuple | undefined, after: Tuple | undefined): boolean | void;
}

/** Tuples of the keys that a pass takes. Of those that came before `mutedUntil`, counted, what became of them was told by a pass before. */
interface Pass {
  /** Hashes [from, to). */
  from: number;
  to: number;
  mutedUntil: number;
}

const HASHES = 0x1_0000;
/** Copies and keys that wait at a time. */
const WAITING_BYTES = 128 * 1024 * 1024;
const TEXT_KEY_BYTES = 64;

function hashOf(key: Key): number {
  let hash = 0;
  if (typeof key === 'number') hash = Math.imul(key | 0, 0x9e3779b1);
  else for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 13)) & (HASHES - 1);
}

/**
 * Pairs the tuples that `feed` adds. It is called again, and must add the same ones in the same order, for the keys whose tuples could not all wait
 * for their partners in the memory that there is. `isFirst`: it was not called before.
 */
export function matchRows(options: MatcherOptions, feed: (matcher: RowMatcher, isFirst: boolean) => void): void {
  const left: Pass[] = [{ from: 0, to: HASHES, mutedUntil: 0 }];
  for (let pass = left.pop(), isFirst = true; pass; pass = left.pop(), isFirst = false) {
    const matcher = new RowMatcher(options, pass, left);
    feed(matcher, isFirst);
    if (matcher.stopped) return;
    matcher.end();
  }
}

/**
 * Takes tuples of both moments in any order. One whose partner comes is told at once and let go; the others wait, as copies, so that memory
 * goes with the rows that were moved, added or removed, up to a bound.
 */
export class RowMatcher {
  private readonly before: Side;
  private readonly after: Side;
  private arena = new TupleArena();
  private count = 0;
  stopped = false;

  /** `left`: gets the passes for the keys that have to be put off. */
  constructor(private readonly options: MatcherOptions, private readonly pass: Pass, private readonly left: Pass[]) {
    this.before = new Side(options.before, options.columns);
    this.after = new Side(options.after, options.columns);
  }

  /** `isAlone`: no tuple of the other side is still to come. */
  addBefore(tuple: Tuple, isAlone: boolean): void {
    this.count++;
    const key = this.before.key(tuple, this.options.keyPlaces);
    if (!this.isOurs(key)) return;
    const partner = this.take(this.after, key);
    if (partner) this.pair(tuple, partner);
    else if (isAlone) this.emit('removed', tuple, undefined);
    else this.wait(this.before, key, tuple);
  }

  /** `isAlone`: as there. */
  addAfter(tuple: Tuple, isAlone: boolean): void {
    this.count++;
    const key = this.after.key(tuple, this.options.keyPlaces);
    if (!this.isOurs(key)) return;
    const partner = this.take(this.before, key);
    if (partner) this.pair(partner, tuple);
    else if (isAlone) this.emit('added', undefined, tuple);
    else this.wait(this.after, key, tuple);
  }

  private isOurs(key: Key): boolean {
    const { from, to } = this.pass;
    if (to - from === HASHES) return true;
    const hash = hashOf(key);
    return hash >= from && hash < to;
  }

  private wait(side: Side, key: Key, tuple: Tuple): void {
    const first = side.waiting(key);
    if (this.byContent && first !== undefined) {
      this.arena.setNext(first, this.arena.next(first) + 1);
      return;
    }
    side.setWaiting(key, this.arena.add(tuple, first ?? 0));
    if (this.waitingBytes > (this.options.waitingBytes ?? WAITING_BYTES) && this.pass.to - this.pass.from > 1) this.makeRoom();
  }

  /** Rows of one content are told by one of them: with it goes how many more there are, instead of the next one's handle. */
  private get byContent(): boolean {
    return this.options.keyPlaces.length === 0;
  }

  private get waitingBytes(): number {
    return this.arena.bytes + this.before.textBytes + this.after.textBytes;
  }

  /** Moves what waits together, and puts off half of the keys for as long as that leaves too little. */
  private makeRoom(): void {
    const { pass } = this, most = this.options.waitingBytes ?? WAITING_BYTES;
    for (let halves = 0; halves === 0 || (this.waitingBytes > most * 0.75 && pass.to - pass.from > 1); halves++) {
      if (halves > 0) {
        const middle = (pass.from + pass.to) >>> 1;
        this.left.push({ from: middle, to: pass.to, mutedUntil: Math.max(pass.mutedUntil, this.count) });
        pass.to = middle;
      }
      const arena = new TupleArena();
      for (const side of [this.before, this.after]) {
        for (const first of side.takeWaiting()) {
          const key = side.key(this.arena.tuple(first), this.options.keyPlaces);
          if (this.isOurs(key)) side.setWaiting(key, this.byContent ? arena.add(this.arena.tuple(first), this.arena.next(first)) : this.moveList(first, arena));
        }
      }
      this.arena = arena;
    }
  }

  /** Tuples of one key, in their order. */
  private moveList(first: number, to: TupleArena): number {
    const list: Tuple[] = [];
    for (let handle = first; handle !== 0; handle = this.arena.next(handle)) list.push(this.arena.tuple(handle));
    return list.reduceRight((next, tuple) => to.add(tuple, next), 0);
  }

  private take(side: Side, key: Key): Tuple | undefined {
    const handle = side.waiting(key);
    if (handle === undefined) return undefined;
    const tuple = this.arena.tuple(handle), next = this.arena.next(handle);
    if (this.byContent && next > 0) {
      this.arena.setNext(handle, next - 1);
      return tuple;
    }
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
    for (const first of side.takeWaiting()) {
      if (this.byContent) for (let left = this.arena.next(first); left >= 0 && !this.stopped; left--) emit(this.arena.tuple(first));
      else for (let handle = first; handle !== 0; handle = this.arena.next(handle)) emit(this.arena.tuple(handle));
    }
  }

  private emit(change: Change, before: Tuple | undefined, after: Tuple | undefined): void {
    if (this.count < this.pass.mutedUntil) return;
    if (!this.stopped && this.options.emit(this, change, before, after) === false) this.stopped = true;
  }

  valuesBefore(tuple: Tuple): Row {
    return this.before.values(tuple);
  }

  valuesAfter(tuple: Tuple): Row {
    return this.after.values(tuple);
  }
}
