/**
 * A page with PostgreSQL's standard layout, and the operations that replay needs on it.
 * Layout: storage/bufpage.h and storage/itemid.h; operations: storage/page/bufpage.c, PG 13–18.
 */
import { readPageLsn, writePageLsn, type Lsn } from '../util/lsn.js';
import type { PgMajor } from './version.js';

export const BLCKSZ = 8192;
export const SIZE_OF_PAGE_HEADER = 24;
export const PG_PAGE_LAYOUT_VERSION = 4;
export const MAX_INDEX_TUPLES_PER_PAGE = Math.floor((BLCKSZ - SIZE_OF_PAGE_HEADER) / (16 + 4));
export const MAX_HEAP_TUPLES_PER_PAGE = Math.floor((BLCKSZ - SIZE_OF_PAGE_HEADER) / (24 + 4));

export const PD_HAS_FREE_LINES = 0x0001;
export const PD_PAGE_FULL = 0x0002;
export const PD_ALL_VISIBLE = 0x0004;

export const LP_UNUSED = 0;
export const LP_NORMAL = 1;
export const LP_REDIRECT = 2;
export const LP_DEAD = 3;

/** What redo throws where PostgreSQL would PANIC: the page is not what the record expects. The engine adds the place. */
export class PageError extends Error {
  override readonly name = 'PageError';
}

const align8 = (n: number): number => (n + 7) & ~7;

/** What bufpage.c does differently from major to major. */
interface PageRules {
  /** compactify_tuples(): items end in line pointer order (14 on), or keep the order in which they lay (13). */
  compactsInLinePointerOrder: boolean;
  /** PageRepairFragmentation() drops trailing unused line pointers (15 on). */
  repairTruncatesLinePointers: boolean;
}

const RULES_13: PageRules = { compactsInLinePointerOrder: false, repairTruncatesLinePointers: false };
const RULES_14: PageRules = { compactsInLinePointerOrder: true, repairTruncatesLinePointers: false };
const RULES_15: PageRules = { compactsInLinePointerOrder: true, repairTruncatesLinePointers: true };
const PAGE_RULES: Record<PgMajor, PageRules> = { 13: RULES_13, 14: RULES_14, 15: RULES_15, 16: RULES_15, 17: RULES_15, 18: RULES_15 };

// Scratch for compactItems(): one page's bytes, and (offset, line pointer number) pairs to sort.
const scratch = new Uint8Array(BLCKSZ);
const sortKeys = new Uint32Array(BLCKSZ / 4);

/** 8192 bytes and the views over them. Offsets of line pointers are 1-based offset numbers, as in PostgreSQL. */
export class Page {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Whose bufpage.c the operations follow; replay sets it to the record's major. */
  major: PgMajor = 18;

  constructor(bytes: Uint8Array = new Uint8Array(BLCKSZ)) {
    if (bytes.length !== BLCKSZ) throw new PageError(`a page has ${BLCKSZ} bytes, not ${bytes.length}`);
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, BLCKSZ);
  }

  get lsn(): Lsn { return readPageLsn(this.view, 0); }
  set lsn(lsn: Lsn) { writePageLsn(this.view, 0, lsn); }
  get pdChecksum(): number { return this.view.getUint16(8, true); }
  set pdChecksum(v: number) { this.view.setUint16(8, v, true); }
  get pdFlags(): number { return this.view.getUint16(10, true); }
  set pdFlags(v: number) { this.view.setUint16(10, v, true); }
  get pdLower(): number { return this.view.getUint16(12, true); }
  set pdLower(v: number) { this.view.setUint16(12, v, true); }
  get pdUpper(): number { return this.view.getUint16(14, true); }
  set pdUpper(v: number) { this.view.setUint16(14, v, true); }
  get pdSpecial(): number { return this.view.getUint16(16, true); }
  set pdSpecial(v: number) { this.view.setUint16(16, v, true); }
  get pdPagesizeVersion(): number { return this.view.getUint16(18, true); }
  get pdPruneXid(): number { return this.view.getUint32(20, true); }
  set pdPruneXid(v: number) { this.view.setUint32(20, v >>> 0, true); }

  /** PageIsNew() */
  get isNew(): boolean { return this.pdUpper === 0; }

  /** PageInit() */
  init(specialSize = 0): this {
    this.bytes.fill(0);
    const special = align8(specialSize);
    this.pdLower = SIZE_OF_PAGE_HEADER;
    this.pdUpper = BLCKSZ - special;
    this.pdSpecial = BLCKSZ - special;
    this.view.setUint16(18, BLCKSZ | PG_PAGE_LAYOUT_VERSION, true);
    return this;
  }

  /** PageGetMaxOffsetNumber(): the highest line pointer, 0 where there is none. */
  get maxOffset(): number {
    const lower = this.pdLower;
    return lower <= SIZE_OF_PAGE_HEADER ? 0 : (lower - SIZE_OF_PAGE_HEADER) >> 2;
  }

  /** The raw ItemIdData of an offset number: lp_off:15, lp_flags:2, lp_len:15. */
  itemId(offnum: number): number {
    this.checkOffset(offnum);
    return this.view.getUint32(SIZE_OF_PAGE_HEADER + (offnum - 1) * 4, true);
  }
  setItemId(offnum: number, lpOff: number, lpFlags: number, lpLen: number): void {
    this.checkOffset(offnum);
    this.view.setUint32(SIZE_OF_PAGE_HEADER + (offnum - 1) * 4, ((lpOff & 0x7fff) | (lpFlags << 15) | (lpLen << 17)) >>> 0, true);
  }
  lpOff(offnum: number): number { return this.itemId(offnum) & 0x7fff; }
  lpFlags(offnum: number): number { return (this.itemId(offnum) >>> 15) & 3; }
  lpLen(offnum: number): number { return this.itemId(offnum) >>> 17; }

  private checkOffset(offnum: number): void {
    if (offnum < 1 || SIZE_OF_PAGE_HEADER + offnum * 4 > BLCKSZ) throw new PageError(`invalid line pointer number ${offnum}`);
  }

  /** PageGetItem(): where a normal item's bytes begin; checked to lie on the page. */
  itemAt(offnum: number): number {
    const id = this.itemId(offnum);
    const off = id & 0x7fff;
    if (off < SIZE_OF_PAGE_HEADER || off + (id >>> 17) > BLCKSZ) throw new PageError(`line pointer ${offnum} is outside the page`);
    return off;
  }

  /** A view over an item's bytes. */
  item(offnum: number): Uint8Array {
    const at = this.itemAt(offnum);
    return this.bytes.subarray(at, at + this.lpLen(offnum));
  }

  /** PageGetExactFreeSpace() */
  get exactFreeSpace(): number { return Math.max(0, this.pdUpper - this.pdLower); }

  /** The header's pointers must be in order before anything moves; `alignedSpecial`: what index operations and repair demand beside. */
  private checkHeader(alignedSpecial: boolean): void {
    const lower = this.pdLower, upper = this.pdUpper, special = this.pdSpecial;
    if (lower < SIZE_OF_PAGE_HEADER || lower > upper || upper > special || special > BLCKSZ || (alignedSpecial && special !== align8(special))) {
      throw new PageError(`corrupted page pointers: lower = ${lower}, upper = ${upper}, special = ${special}`);
    }
  }

  /** The offset of an index tuple, whose line pointer must be sound: aligned and between pd_upper and pd_special. */
  private indexItemAt(offnum: number): number {
    const id = this.itemId(offnum);
    const offset = id & 0x7fff, size = id >>> 17;
    if (offset < this.pdUpper || offset + size > this.pdSpecial || offset !== align8(offset)) {
      throw new PageError(`corrupted line pointer: offset = ${offset}, size = ${size}`);
    }
    return offset;
  }

  private checkIndexOffnum(offnum: number): void {
    if (offnum < 1 || offnum > this.maxOffset) throw new PageError(`invalid index offnum: ${offnum}`);
  }

  /**
   * PageAddItemExtended() with PAI_OVERWRITE where `overwrite`, and PAI_IS_HEAP's upper limit where `isHeap`.
   * `offnum` 0: the first free one. Gives the offset number used; throws where PostgreSQL would give InvalidOffsetNumber.
   */
  addItem(item: Uint8Array, offnum: number, overwrite = false, isHeap = false): number {
    const used = offnum === 0 ? this.firstFreeOffset() : offnum;
    // a line pointer that was found free is taken, not pushed aside
    const at = this.allocateItem(item.length, used, overwrite || offnum === 0, isHeap);
    this.bytes.set(item, at);
    return used;
  }

  /** PageAddItemExtended()'s choice of a line pointer; also mends a wrong PD_HAS_FREE_LINES. */
  private firstFreeOffset(): number {
    const limit = this.maxOffset + 1;
    if ((this.pdFlags & PD_HAS_FREE_LINES) === 0) return limit;
    for (let n = 1; n < limit; n++) {
      const id = this.itemId(n);
      if (((id >>> 15) & 3) === LP_UNUSED && id >>> 17 === 0) return n;
    }
    this.pdFlags &= ~PD_HAS_FREE_LINES;
    return limit;
  }

  /**
   * The part of PageAddItemExtended() before the copy: makes room for `length` bytes under line pointer `offnum` (not 0) and gives
   * the byte at which the item goes. The bytes there are whatever the page held before.
   */
  allocateItem(length: number, offnum: number, overwrite: boolean, isHeap: boolean): number {
    const view = this.view;
    const lower0 = view.getUint16(12, true), upper0 = view.getUint16(14, true), special = view.getUint16(16, true);
    if (lower0 < SIZE_OF_PAGE_HEADER || lower0 > upper0 || upper0 > special || special > BLCKSZ) this.checkHeader(false);
    const limit = ((lower0 - SIZE_OF_PAGE_HEADER) >> 2) + 1;
    const idAt = SIZE_OF_PAGE_HEADER + (offnum - 1) * 4;
    let needshuffle = false;
    if (offnum < 1 || offnum > limit) throw new PageError('specified item offset is too large');
    if (offnum < limit) {
      if (!overwrite) {
        needshuffle = true;
      } else {
        const id = view.getUint32(idAt, true);
        if (((id >>> 15) & 3) !== LP_UNUSED || id >>> 17 !== 0) throw new PageError('will not overwrite a used ItemId');
      }
    }
    if (isHeap && offnum > MAX_HEAP_TUPLES_PER_PAGE) throw new PageError("can't put more than MaxHeapTuplesPerPage items in a heap page");
    const lower = offnum === limit || needshuffle ? lower0 + 4 : lower0;
    const upper = upper0 - align8(length);
    if (lower > upper) throw new PageError(`no room for an item of ${length} bytes`);
    if (needshuffle) this.bytes.copyWithin(idAt + 4, idAt, lower0);
    view.setUint32(idAt, (upper | (LP_NORMAL << 15) | (length << 17)) >>> 0, true);
    view.setUint16(12, lower, true);
    view.setUint16(14, upper, true);
    return upper;
  }

  /** PageIndexTupleDelete() */
  indexTupleDelete(offnum: number): void {
    this.checkHeader(true);
    this.checkIndexOffnum(offnum);
    const offset = this.indexItemAt(offnum), size = align8(this.lpLen(offnum));
    const at = SIZE_OF_PAGE_HEADER + (offnum - 1) * 4;
    this.bytes.copyWithin(at, at + 4, this.pdLower);
    this.pdLower -= 4;
    this.moveItemsUp(offset, size);
    for (let n = this.maxOffset; n >= 1; n--) this.shiftItem(n, offset, size);
  }

  /** PageIndexTupleDeleteNoCompact() (BRIN): keeps the other line pointers' numbers. */
  indexTupleDeleteNoCompact(offnum: number): void {
    this.checkHeader(true);
    this.checkIndexOffnum(offnum);
    const offset = this.indexItemAt(offnum), size = align8(this.lpLen(offnum));
    if (offnum < this.maxOffset) this.setItemId(offnum, 0, LP_UNUSED, 0);
    else this.pdLower -= 4;
    this.moveItemsUp(offset, size);
    for (let n = this.maxOffset; n >= 1; n--) {
      if (this.lpLen(n) !== 0) this.shiftItem(n, offset, size);
    }
  }

  /** PageIndexMultiDelete(): `offnums` ascending. */
  indexMultiDelete(offnums: ArrayLike<number>): void {
    const nitems = offnums.length;
    // As PostgreSQL does, and not only for speed: deleting one by one keeps the order in which the other items lie.
    if (nitems <= 2) {
      for (let i = nitems - 1; i >= 0; i--) this.indexTupleDelete(offnums[i]!);
      return;
    }
    this.checkHeader(true);
    const nline = this.maxOffset;
    let total = 0, nextitm = 0;
    for (let n = 1; n <= nline; n++) {
      this.indexItemAt(n);
      if (nextitm < nitems && n === offnums[nextitm]) nextitm++;
      else total += align8(this.lpLen(n));
    }
    if (nextitm !== nitems) throw new PageError('incorrect index offsets supplied');
    this.checkTotal(total);
    let kept = 0;
    nextitm = 0;
    for (let n = 1; n <= nline; n++) {
      if (nextitm < nitems && n === offnums[nextitm]) nextitm++;
      else this.view.setUint32(SIZE_OF_PAGE_HEADER + kept++ * 4, this.itemId(n), true);
    }
    this.pdLower = SIZE_OF_PAGE_HEADER + kept * 4;
    this.compactItems();
  }

  /** PageIndexTupleOverwrite(): replaces an item, its number kept. Throws where PostgreSQL would give false. */
  indexTupleOverwrite(offnum: number, item: Uint8Array): void {
    this.checkHeader(true);
    this.checkIndexOffnum(offnum);
    const offset = this.indexItemAt(offnum), oldSize = align8(this.lpLen(offnum)), newSize = align8(item.length);
    if (newSize > oldSize + (this.pdUpper - this.pdLower)) throw new PageError(`no room to overwrite item ${offnum}`);
    const shift = oldSize - newSize;
    if (shift !== 0) {
      this.moveItemsUp(offset, shift);
      for (let n = this.maxOffset; n >= 1; n--) {
        // items without storage may be there (BRIN)
        if (this.lpLen(n) !== 0) this.shiftItem(n, offset, shift);
      }
    }
    this.setItemId(offnum, offset + shift, this.lpFlags(offnum), item.length);
    this.bytes.set(item, offset + shift);
  }

  /**
   * PageRepairFragmentation(): packs heap tuples against the special space, drops storage of unused line pointers,
   * sets or clears PD_HAS_FREE_LINES and, from 15 on, truncates trailing unused line pointers.
   */
  repairFragmentation(): void {
    this.checkHeader(true);
    const nline = this.maxOffset, upper = this.pdUpper, special = this.pdSpecial;
    let finalusedlp = 0, nunused = 0, total = 0;
    for (let n = 1; n <= nline; n++) {
      const id = this.itemId(n);
      if (((id >>> 15) & 3) === LP_UNUSED) {
        this.setItemId(n, 0, LP_UNUSED, 0);
        nunused++;
        continue;
      }
      finalusedlp = n;
      const size = align8(id >>> 17), off = id & 0x7fff;
      if (size === 0) continue;
      if (off < upper || off + (id >>> 17) > special) throw new PageError(`corrupted line pointer: ${off}`);
      total += size;
    }
    this.checkTotal(total);
    this.compactItems();
    if (PAGE_RULES[this.major].repairTruncatesLinePointers && finalusedlp !== nline) {
      nunused -= nline - finalusedlp;
      this.pdLower -= (nline - finalusedlp) * 4;
    }
    this.setHasFreeLines(nunused > 0);
  }

  /** PageTruncateLinePointerArray(), PG 14–18: drops trailing unused line pointers, but never the first. */
  truncateLinePointerArray(): void {
    let countdone = false, sethint = false, nunusedend = 0;
    for (let n = this.maxOffset; n >= 1; n--) {
      const isUnused = this.lpFlags(n) === LP_UNUSED;
      if (!countdone && n > 1) {
        if (isUnused) nunusedend++;
        else countdone = true;
      } else if (isUnused) {
        sethint = true;
        break;
      }
    }
    this.pdLower -= nunusedend * 4;
    this.setHasFreeLines(sethint);
  }

  private setHasFreeLines(on: boolean): void {
    if (on) this.pdFlags |= PD_HAS_FREE_LINES;
    else this.pdFlags &= ~PD_HAS_FREE_LINES;
  }

  private checkTotal(total: number): void {
    const space = this.pdSpecial - this.pdLower;
    if (total > space) throw new PageError(`corrupted item lengths: total ${total}, available space ${space}`);
  }

  /** compactify_tuples(): items with storage move against the special space. The caller has checked lengths and their total. */
  private compactItems(): void {
    const nline = this.maxOffset, view = this.view, bytes = this.bytes;
    let count = 0;
    for (let n = 1; n <= nline; n++) {
      const id = view.getUint32(SIZE_OF_PAGE_HEADER + (n - 1) * 4, true);
      // The highest offset first: keys ascend by its complement
      if (id >>> 17 !== 0) sortKeys[count++] = ((0x7fff - (id & 0x7fff)) << 16) | n;
    }
    const keys = sortKeys.subarray(0, count);
    if (!PAGE_RULES[this.major].compactsInLinePointerOrder) keys.sort();
    scratch.set(bytes);
    let upper = this.pdSpecial;
    // items that lie one below the other, as they will: they move in one piece
    let from = upper, end = upper;
    for (let i = 0; i < count; i++) {
      const idAt = SIZE_OF_PAGE_HEADER + ((keys[i]! & 0xffff) - 1) * 4;
      const id = view.getUint32(idAt, true);
      const off = id & 0x7fff, size = align8(id >>> 17);
      if (off + size > BLCKSZ) throw new PageError(`corrupted line pointer: ${off}`);
      if (off + size !== from) {
        if (from !== upper) bytes.set(scratch.subarray(from, end), upper);
        end = off + size;
      }
      from = off;
      upper -= size;
      view.setUint32(idAt, ((id & ~0x7fff) | upper) >>> 0, true);
    }
    if (from !== upper) bytes.set(scratch.subarray(from, end), upper);
    this.pdUpper = upper;
  }

  /** Moves the items below `offset` by `by` bytes (down where negative), pd_upper with them. */
  private moveItemsUp(offset: number, by: number): void {
    const upper = this.pdUpper;
    this.bytes.copyWithin(upper + by, upper, offset);
    this.pdUpper = upper + by;
  }

  private shiftItem(offnum: number, offset: number, by: number): void {
    const id = this.itemId(offnum);
    if ((id & 0x7fff) <= offset) this.setItemId(offnum, (id & 0x7fff) + by, (id >>> 15) & 3, id >>> 17);
  }
}
