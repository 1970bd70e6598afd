/**
 * Collects keys while WAL is read: (relation, block) → entries, in LSN order as they come.
 * Pages are interned in an open-addressing table, so that a flush sorts pages, not entries: a stable counting sort over page
 * numbers then puts every page's entries together, still in LSN order.
 */
import type { RelFork } from '../pg/relFileLocator.js';
import { compareRelFork } from '../layerfile/deltaLayer.js';
import { KeyBlockWriter, type KeyBlock } from '../layerfile/keyRuns.js';


/** The keys of one layer, sorted by (relation, block), in flat arrays. */
export interface SortedKeys {
  /** Per page: ordinal of its relation in `relations`, ascending. */
  pageRelation: Uint32Array;
  pageBlock: Uint32Array;
  /** Where page i's entries begin in `entries`; one element more than there are pages. */
  pageStart: Uint32Array;
  /** (LSN − layer start) / 8 × 4 + bits, in LSN order within a page. */
  entries: Uint32Array;
}

/** The blocks of a layer that begins at `startLsn`. */
export function keyBlocks(keys: SortedKeys, startLsn: number): KeyBlock[] {
  const blocks: KeyBlock[] = [];
  const writer = new KeyBlockWriter(startLsn, (block) => blocks.push(block));
  keys.pageRelation.forEach((relation, i) => {
    const entries = keys.entries.subarray(keys.pageStart[i]!, keys.pageStart[i + 1]!);
    const lsns = Float64Array.from(entries, (entry) => startLsn + (entry >>> 2) * 8);
    const bits = entries.map((entry) => entry & 3);
    writer.page(relation, keys.pageBlock[i]!, entries.length, lsns, bits);
  });
  writer.finish();
  return blocks;
}

const INITIAL_ENTRIES = 1 << 16;

export class KeyBuffer {
  private relations: RelFork[] = [];
  private relationIds = new Map<number, Map<number, number>>();
  private pageRelation: Uint32Array;
  private pageBlock: Uint32Array;
  /** Last entry of each page, so that a second reference in the same record is not entered twice. */
  private pageLast: Uint32Array;
  private pages = 0;
  private table: Int32Array;
  private tableMask: number;
  private entryPage: Uint32Array;
  private entryValue: Uint32Array;
  /** Entries held. */
  count = 0;

  constructor() {
    const pages = 1 << 14;
    this.pageRelation = new Uint32Array(pages);
    this.pageBlock = new Uint32Array(pages);
    this.pageLast = new Uint32Array(pages);
    this.table = new Int32Array(pages * 2).fill(-1);
    this.tableMask = pages * 2 - 1;
    this.entryPage = new Uint32Array(INITIAL_ENTRIES);
    this.entryValue = new Uint32Array(INITIAL_ENTRIES);
  }

  /** The number of a relation fork in this buffer. */
  relation(spcOid: number, dbOid: number, relNumber: number, fork: number): number {
    // relation numbers and databases are small integers: one exact number a pair, tablespaces and forks in the inner key
    const outer = dbOid * 0x10_0000 + (spcOid % 0x10_0000);
    let inner = this.relationIds.get(outer);
    if (!inner) this.relationIds.set(outer, (inner = new Map()));
    const key = relNumber * 4 + fork;
    const known = inner.get(key);
    if (known !== undefined && this.relations[known]!.spcOid === spcOid && this.relations[known]!.dbOid === dbOid) return known;
    if (known !== undefined) return this.relationSlow(spcOid, dbOid, relNumber, fork);
    const id = this.relations.push({ spcOid, dbOid, relNumber, fork }) - 1;
    inner.set(key, id);
    return id;
  }

  /** Two tablespaces whose OIDs share their low bits: found by a search, because it never happens twice. */
  private relationSlow(spcOid: number, dbOid: number, relNumber: number, fork: number): number {
    const rel = { spcOid, dbOid, relNumber, fork };
    const known = this.relations.findIndex((other) => compareRelFork(other, rel) === 0);
    return known >= 0 ? known : this.relations.push(rel) - 1;
  }

  relationAt(id: number): RelFork {
    return this.relations[id]!;
  }

  /** Adds an entry: `value` is (LSN − layer start) / 8 × 4 + bits. A repeated entry of the same record only adds its bits. */
  add(relation: number, block: number, value: number): void {
    const page = this.page(relation, block);
    const last = this.pageLast[page]!;
    if (last !== 0) {
      const before = this.entryValue[last - 1]!;
      if (before >>> 2 === value >>> 2) {
        // a chain starts only if a reference does; implicit only if no reference is explicit
        this.entryValue[last - 1] = ((before >>> 2) * 4 + (((before | value) & 1) | (before & value & 2))) >>> 0;
        return;
      }
    }
    if (this.count === this.entryPage.length) {
      this.entryPage = doubled(this.entryPage);
      this.entryValue = doubled(this.entryValue);
    }
    const at = this.count++;
    this.entryPage[at] = page;
    this.entryValue[at] = value;
    this.pageLast[page] = at + 1;
  }

  private page(relation: number, block: number): number {
    let slot = (Math.imul(relation + 1, 0x9e3779b1) ^ Math.imul(block + 1, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & this.tableMask;
    for (;;) {
      const page = this.table[slot]!;
      if (page < 0) break;
      if (this.pageBlock[page] === block && this.pageRelation[page] === relation) return page;
      slot = (slot + 1) & this.tableMask;
    }
    if (this.pages * 2 >= this.table.length || this.pages === this.pageBlock.length) {
      this.growPages();
      return this.page(relation, block);
    }
    const page = this.pages++;
    this.table[slot] = page;
    this.pageRelation[page] = relation;
    this.pageBlock[page] = block;
    this.pageLast[page] = 0;
    return page;
  }

  private growPages(): void {
    this.pageRelation = doubled(this.pageRelation);
    this.pageBlock = doubled(this.pageBlock);
    this.pageLast = doubled(this.pageLast);
    this.table = new Int32Array(this.pageBlock.length * 2).fill(-1);
    this.tableMask = this.table.length - 1;
    for (let page = 0; page < this.pages; page++) {
      let slot = (Math.imul(this.pageRelation[page]! + 1, 0x9e3779b1) ^ Math.imul(this.pageBlock[page]! + 1, 0x85ebca6b)) >>> 0;
      slot = (slot ^ (slot >>> 15)) & this.tableMask;
      while (this.table[slot]! >= 0) slot = (slot + 1) & this.tableMask;
      this.table[slot] = page;
    }
  }

  /**
   * The relations sorted, with `rank[id]` the place of each, and all keys sorted by (relation, block, LSN).
   */
  sorted(): { relations: RelFork[]; rank: Uint32Array; keys: SortedKeys } {
    const order = this.relations.map((_, id) => id).sort((a, b) => compareRelFork(this.relations[a]!, this.relations[b]!));
    const rank = new Uint32Array(this.relations.length);
    order.forEach((id, place) => (rank[id] = place));

    // pages sorted by (relation rank, block): exact in a double, so a typed array sorts them without a comparator
    const sortKeys = new Float64Array(this.pages);
    for (let page = 0; page < this.pages; page++) sortKeys[page] = rank[this.pageRelation[page]!]! * 0x1_0000_0000 + this.pageBlock[page]!;
    const pagesOrdered = Uint32Array.from({ length: this.pages }, (_, i) => i).sort((a, b) => sortKeys[a]! - sortKeys[b]!);

    const pageRelation = new Uint32Array(this.pages);
    const pageBlock = new Uint32Array(this.pages);
    const place = new Uint32Array(this.pages);
    pagesOrdered.forEach((page, i) => {
      pageRelation[i] = rank[this.pageRelation[page]!]!;
      pageBlock[i] = this.pageBlock[page]!;
      place[page] = i;
    });
    const pageStart = new Uint32Array(this.pages + 1);
    for (let i = 0; i < this.count; i++) pageStart[place[this.entryPage[i]!]! + 1]!++;
    for (let i = 0; i < this.pages; i++) pageStart[i + 1]! += pageStart[i]!;
    const next = pageStart.slice();
    const entries = new Uint32Array(this.count);
    for (let i = 0; i < this.count; i++) {
      const p = place[this.entryPage[i]!]!;
      entries[next[p]!++] = this.entryValue[i]!;
    }
    return { relations: order.map((id) => this.relations[id]!), rank, keys: { pageRelation, pageBlock, pageStart, entries } };
  }

  clear(): void {
    this.relations = [];
    this.relationIds.clear();
    this.table.fill(-1);
    this.pages = 0;
    this.count = 0;
  }
}

function doubled(old: Uint32Array): Uint32Array {
  const next = new Uint32Array(old.length * 2);
  next.set(old);
  return next;
}
