/**
 * Reading a btree index as of a moment: keys to heap TIDs.
 * Follows _bt_getroot(), _bt_moveright(), _bt_binsrch(), _bt_compare() and _bt_readpage(), access/nbtree/{nbtpage,nbtsearch,nbtutils}.c, PG 13–18.
 * The index stands still, so there are no locks; but a moment may fall between a split and the insertion of its downlink, or within a
 * page deletion: right links lead on there, as they do for PostgreSQL's scans.
 */
import {
  BTP_DELETED, BTP_HALF_DEAD, BTP_LEAF, BTP_META, BTREE_MAGIC, BTREE_METAPAGE, BTREE_MIN_VERSION, BTREE_VERSION, P_HIKEY, P_NONE, btpoFlags,
  btpoLevel, btpoNext, firstDataKey, heapTidAt, heapTidRange, readBTMetaPageData, tupleDownLink, tupleNAtts,
} from '../pg/nbtree.js';
import { SIZE_OF_ITEM_POINTER, readBlockId, readItemPointerOffset } from '../pg/itemPointer.js';
import { PageError, type Page } from '../pg/page.js';
import { inputError } from '../util/errors.js';
import { ATTRIBUTE_NULL, TupleDeformer, type AttributeLayout } from './deform.js';
import { detoast } from './toast.js';

/** A key column of the index, or one that INCLUDE added (which needs no order). */
export interface IndexColumn extends AttributeLayout {
  /** How a key that is looked for stands to a stored value without its header, by the operator class's order. Not asked of INCLUDE columns. */
  compare?(key: unknown, stored: Uint8Array): number;
  /** INDOPTION_DESC of pg_index.indoption. */
  descending?: boolean;
  /** INDOPTION_NULLS_FIRST. */
  nullsFirst?: boolean;
}

/** A stored value without its header, decompressed; or NULL. */
export type KeyValue = Uint8Array | null;

export interface HeapTid {
  block: number;
  offset: number;
}

/** An item of the index: the heap TIDs that share one key (several where the item is a posting list), and all its attributes. */
export interface IndexEntry {
  tids: HeapTid[];
  values: KeyValue[];
}

export interface Bound {
  /** What the column's `compare` takes. */
  value: unknown;
  inclusive: boolean;
}

/** What to look for: equality on the leading columns (what their `compare` takes; null: IS NULL), and bounds, in the order of values, on the column after them. */
export interface IndexCondition {
  equal?: readonly unknown[];
  from?: Bound;
  to?: Bound;
}

/** _bt_mkscankey()'s result: where to position. */
interface ScanKey {
  values: readonly unknown[];
  /** After all items that equal the key, rather than before them. */
  nextkey: boolean;
}

const P_IGNORE = BTP_DELETED | BTP_HALF_DEAD;
/** How compressed attributes are decompressed; an index never holds values out of line. */
const noChunks = (): never => {
  throw inputError('index.value', 'an index holds a value that lies in a TOAST relation');
};

/** The condition's bounds in index order (a descending column turns them round), ready for every item. */
interface Stop {
  equal: readonly unknown[];
  column: IndexColumn | undefined;
  from: Bound | undefined;
  to: Bound | undefined;
}

export class NbtreeSearch {
  /** Pages that were asked for, the metapage included. */
  pagesRead = 0;
  private readonly deformer: TupleDeformer;
  private readonly tuple;
  private heapkeyspace = true;

  /**
   * `readPage` gives a block of the index's main fork as of the moment; the page need not stay valid beyond the next call.
   * `columns` are the index's attributes in order, the first `keyCount` of them keys; each key column that a condition names needs `compare`.
   */
  constructor(
    private readonly readPage: (block: number) => Page,
    private readonly columns: readonly IndexColumn[],
    private readonly keyCount: number,
  ) {
    this.deformer = new TupleDeformer(columns);
    this.tuple = this.deformer.newResult();
  }

  /**
   * The items that meet the condition, in index order; all of them where it is empty. Items that are marked dead are among them: whether
   * their rows are visible is the heap's to say. Throws `index.page` where a page is none of a btree, or where pages lead back to themselves.
   */
  *search(condition: IndexCondition = {}): Generator<IndexEntry> {
    const { equal = [], from, to } = condition;
    const column = from || to ? this.columns[equal.length] : undefined;
    for (let i = 0; i < equal.length + (column ? 1 : 0); i++) {
      if (i >= this.keyCount || !this.columns[i]!.compare) throw new Error(`assertion failed: index column ${i + 1} has no order`);
    }
    const stop: Stop = column?.descending ? { equal, column, from: to, to: from } : { equal, column, from, to };
    const visited = new Set<number>();
    let position = this.located(P_NONE, () => this.findFirst(this.startKey(stop)));
    while (position !== undefined) {
      const { block, page, offnum } = position;
      if (visited.has(block)) throw inputError('index.page', `the leaf pages of the index lead back to block ${block}`, { block: String(block) });
      visited.add(block);
      // the page may be gone once an item has been handed out
      const found = this.located(block, () => this.readLeaf(page, offnum, stop));
      yield* found.entries;
      position = found.next === P_NONE ? undefined : this.located(found.next, () => this.leafFrom(found.next));
    }
  }

  /** The heap TIDs of all items that meet the condition. */
  *tids(condition: IndexCondition = {}): Generator<HeapTid> {
    for (const entry of this.search(condition)) yield* entry.tids;
  }

  /** Where the scan begins: NULLs that stand first are passed by where a bound excludes them (_bt_first()). */
  private startKey({ equal, column, from }: Stop): ScanKey {
    if (from) return { values: [...equal, from.value], nextkey: !from.inclusive };
    if (column?.nullsFirst) return { values: [...equal, null], nextkey: true };
    return { values: equal, nextkey: false };
  }

  private read(block: number): Page {
    this.pagesRead++;
    const page = this.readPage(block);
    if (page.isNew) throw new PageError('the page is all zeros');
    return page;
  }

  /** _bt_getroot() and _bt_search(): the leaf page and the item to begin with; undefined where the index is empty. */
  private findFirst(key: ScanKey): { block: number; page: Page; offnum: number } | undefined {
    const metapage = this.read(BTREE_METAPAGE);
    const meta = readBTMetaPageData(metapage);
    if ((btpoFlags(metapage) & BTP_META) === 0 || meta.btm_magic !== BTREE_MAGIC) throw new PageError('the index is not a btree');
    if (meta.btm_version < BTREE_MIN_VERSION || meta.btm_version > BTREE_VERSION) throw new PageError(`version mismatch in index: file version ${meta.btm_version}`);
    this.heapkeyspace = meta.btm_version === BTREE_VERSION;
    if (meta.btm_root === P_NONE) return undefined;
    let block = meta.btm_fastroot, level = meta.btm_fastlevel;
    for (;;) {
      const at = this.moveRight(block, key);
      const { page } = at;
      if (btpoLevel(page) !== level) throw new PageError(`block ${at.block} has level ${btpoLevel(page)}, expected ${level}`);
      const offnum = this.binarySearch(page, key);
      if ((btpoFlags(page) & BTP_LEAF) !== 0) return { ...at, offnum };
      if (level === 0) throw new PageError(`block ${at.block} has level 0, but is no leaf`);
      block = tupleDownLink(page.view, page.itemAt(offnum));
      level--;
    }
  }

  /** _bt_moveright(): past pages that are being deleted, and past those whose high key says that the key is further on. */
  private moveRight(block: number, key: ScanKey): { block: number; page: Page } {
    const seen = new Set<number>();
    for (;;) {
      if (seen.has(block)) throw new PageError('right links lead back here');
      seen.add(block);
      const page = this.read(block);
      const next = btpoNext(page);
      const ignored = (btpoFlags(page) & P_IGNORE) !== 0;
      if (next === P_NONE && ignored) throw new PageError('fell off the end of the index');
      if (next === P_NONE || (!ignored && this.compare(page, P_HIKEY, key) < (key.nextkey ? 0 : 1))) return { block, page };
      block = next;
    }
  }

  /**
   * _bt_binsrch(): on a leaf the first item at or past the key, on an inner page the last one before it (whose first item counts as
   * minus infinity, and so there is one).
   */
  private binarySearch(page: Page, key: ScanKey): number {
    const first = firstDataKey(page);
    const isLeaf = (btpoFlags(page) & BTP_LEAF) !== 0;
    let low = first, high = page.maxOffset + 1;
    if (high <= low) {
      if (!isLeaf) throw new PageError('an inner page has no items');
      return low;
    }
    const isBefore = key.nextkey ? 0 : 1;
    while (high > low) {
      const mid = (low + high) >> 1;
      const result = !isLeaf && mid === first ? 1 : this.compare(page, mid, key);
      if (result >= isBefore) low = mid + 1;
      else high = mid;
    }
    return isLeaf ? low : low - 1;
  }

  /** _bt_compare(): how the key stands to an item; attributes that a pivot tuple lacks are minus infinity. */
  private compare(page: Page, offnum: number, key: ScanKey): number {
    const at = page.itemAt(offnum);
    const natts = Math.min(tupleNAtts(page.view, at, this.columns.length), this.columns.length);
    this.deformer.deformIndexTuple(page.bytes, at, this.tuple, natts);
    const count = Math.min(natts, key.values.length);
    for (let i = 0; i < count; i++) {
      const result = this.compareColumn(this.columns[i]!, key.values[i], this.value(page.bytes, i));
      if (result !== 0) return result;
    }
    if (key.values.length > natts) return 1;
    // everything to the left of a truncated high key is smaller, whatever the omitted columns
    return this.heapkeyspace && key.values.length === natts && heapTidAt(page.view, at) < 0 ? 1 : 0;
  }

  private compareColumn(column: IndexColumn, key: unknown, value: KeyValue): number {
    if (key === null || value === null) {
      if (key === value) return 0;
      return (key === null) === (column.nullsFirst === true) ? -1 : 1;
    }
    const result = column.compare!(key, value);
    return column.descending ? -result : result;
  }

  /** The plain value of an attribute of the tuple that was deformed last; a view of the page unless it was compressed. */
  private value(bytes: Uint8Array, i: number): KeyValue {
    const length = this.tuple.length[i]!;
    if (length <= ATTRIBUTE_NULL) return null;
    const at = this.tuple.at[i]!;
    return this.columns[i]!.attlen === -1 ? detoast(bytes, at, length, noChunks) : bytes.subarray(at, at + length);
  }

  /** The first leaf at or right of `block` that is not being deleted, from its first item on. */
  private leafFrom(block: number): { block: number; page: Page; offnum: number } {
    const at = this.moveRight(block, { values: [], nextkey: false });
    return { ...at, offnum: firstDataKey(at.page) };
  }

  /** _bt_readpage(): the items from `offnum` on that meet the condition, and the next page unless the scan ends here. */
  private readLeaf(page: Page, offnum: number, stop: Stop): { entries: IndexEntry[]; next: number } {
    if ((btpoFlags(page) & BTP_LEAF) === 0) throw new PageError('a leaf page leads to one that is none');
    const entries: IndexEntry[] = [];
    for (let off = offnum; off <= page.maxOffset; off++) {
      const at = page.itemAt(off);
      this.deformer.deformIndexTuple(page.bytes, at, this.tuple);
      const verdict = this.check(page.bytes, stop);
      if (verdict === 'past') return { entries, next: P_NONE };
      if (verdict === 'meets') entries.push({ tids: readTids(page, at), values: this.columns.map((_, i) => this.value(page.bytes, i)?.slice() ?? null) });
    }
    return { entries, next: btpoNext(page) };
  }

  /** Whether the item meets the condition, stands before what does, or past all of it (_bt_checkkeys()). */
  private check(bytes: Uint8Array, { equal, column, from, to }: Stop): 'meets' | 'before' | 'past' {
    for (let i = 0; i < equal.length; i++) {
      const result = this.compareColumn(this.columns[i]!, equal[i], this.value(bytes, i));
      if (result !== 0) return result < 0 ? 'past' : 'before';
    }
    if (!column) return 'meets';
    const value = this.value(bytes, equal.length);
    // a comparison with NULL is never true
    if (value === null) return column.nullsFirst ? 'before' : 'past';
    if (from) {
      const result = this.compareColumn(column, from.value, value);
      if (result > 0 || (result === 0 && !from.inclusive)) return 'before';
    }
    if (to) {
      const result = this.compareColumn(column, to.value, value);
      if (result < 0 || (result === 0 && !to.inclusive)) return 'past';
    }
    return 'meets';
  }

  /** A page that is not what it should be becomes a located error. */
  private located<T>(block: number, work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof PageError) && !(error instanceof RangeError)) throw error;
      throw inputError('index.page', `cannot read the btree index near block ${block}: ${error.message}`, { block: String(block) });
    }
  }
}

function readTids(page: Page, at: number): HeapTid[] {
  const { tidsAt, count } = heapTidRange(page.view, at);
  return Array.from({ length: count }, (_, i) => {
    const tid = tidsAt + i * SIZE_OF_ITEM_POINTER;
    return { block: readBlockId(page.view, tid), offset: readItemPointerOffset(page.view, tid) };
  });
}
