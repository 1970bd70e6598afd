/**
 * A page with PostgreSQL's standard layout, and the operations that replay needs on it.
 * Layout: storage/bufpage.h and storage/itemid.h; operations: storage/page/bufpage.c, PG 13–18.
 */
import { readPageLsn, writePageLsn, type Lsn } from '../util/lsn.js';

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

/** 8192 bytes and the views over them. Offsets of line pointers are 1-based offset numbers, as in PostgreSQL. */
export class Page {
  readonly bytes: Uint8Array;
  readonly view: DataView;

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
    this.view.setUint32(SIZE_OF_PAGE_HEADER + (offnum - 1) * 4, (lpOff | (lpFlags << 15) | (lpLen << 17)) >>> 0, true);
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

  /**
   * PageAddItemExtended() with PAI_OVERWRITE where `overwrite`, and PAI_IS_HEAP's upper limit where `isHeap`.
   * `offnum` 0: the first free one. Gives the offset number used; throws where PostgreSQL would give InvalidOffsetNumber.
   */
  addItem(item: Uint8Array, offnum: number, overwrite = false, isHeap = false): number {
    const lower0 = this.pdLower, upper0 = this.pdUpper, special = this.pdSpecial;
    if (lower0 < SIZE_OF_PAGE_HEADER || lower0 > upper0 || upper0 > special || special > BLCKSZ) {
      throw new PageError(`corrupted page pointers: lower = ${lower0}, upper = ${upper0}, special = ${special}`);
    }
    const limit = this.maxOffset + 1;
    let needshuffle = false;
    if (offnum !== 0) {
      if (overwrite) {
        if (offnum < limit && (this.lpFlags(offnum) !== LP_UNUSED || this.lpLen(offnum) !== 0)) {
          throw new PageError('will not overwrite a used ItemId');
        }
      } else if (offnum < limit) {
        needshuffle = true;
      }
    } else {
      offnum = limit;
      if ((this.pdFlags & PD_HAS_FREE_LINES) !== 0) {
        for (let n = 1; n < limit; n++) {
          if (this.lpFlags(n) === LP_UNUSED && this.lpLen(n) === 0) { offnum = n; break; }
        }
        if (offnum >= limit) this.pdFlags &= ~PD_HAS_FREE_LINES;
      }
    }
    if (offnum > limit) throw new PageError('specified item offset is too large');
    if (isHeap && offnum > MAX_HEAP_TUPLES_PER_PAGE) throw new PageError("can't put more than MaxHeapTuplesPerPage items in a heap page");
    const lower = offnum === limit || needshuffle ? lower0 + 4 : lower0;
    const upper = upper0 - align8(item.length);
    if (lower > upper) throw new PageError(`no room for an item of ${item.length} bytes`);
    if (needshuffle) {
      const at = SIZE_OF_PAGE_HEADER + (offnum - 1) * 4;
      this.bytes.copyWithin(at + 4, at, lower0);
    }
    this.setItemId(offnum, upper, LP_NORMAL, item.length);
    this.bytes.set(item, upper);
    this.pdLower = lower;
    this.pdUpper = upper;
    return offnum;
  }

  /** PageIndexTupleDelete() */
  indexTupleDelete(offnum: number): void {
    const nline = this.maxOffset;
    if (offnum < 1 || offnum > nline) throw new PageError(`invalid index offnum: ${offnum}`);
    const offset = this.lpOff(offnum), size = align8(this.lpLen(offnum));
    this.removeLinePointer(offnum);
    const upper = this.pdUpper;
    if (offset > upper) this.bytes.copyWithin(upper + size, upper, offset);
    this.pdUpper = upper + size;
    for (let n = 1; n < nline; n++) this.shiftItem(n, (off) => off <= offset, size);
  }

  /** PageIndexTupleDeleteNoCompact() (BRIN): keeps the other line pointers' numbers. */
  indexTupleDeleteNoCompact(offnum: number): void {
    let nline = this.maxOffset;
    if (offnum < 1 || offnum > nline) throw new PageError(`invalid index offnum: ${offnum}`);
    const offset = this.lpOff(offnum), size = align8(this.lpLen(offnum));
    if (offnum < nline) {
      this.setItemId(offnum, 0, LP_UNUSED, 0);
    } else {
      this.pdLower -= 4;
      nline--;
    }
    const upper = this.pdUpper;
    if (offset > upper) this.bytes.copyWithin(upper + size, upper, offset);
    this.pdUpper = upper + size;
    for (let n = 1; n <= nline; n++) {
      if (this.lpLen(n) !== 0) this.shiftItem(n, (off) => off <= offset, size);
    }
  }

  /** PageIndexMultiDelete(): `offnums` ascending. */
  indexMultiDelete(offnums: readonly number[]): void {
    if (offnums.length <= 2) {
      for (let i = offnums.length - 1; i >= 0; i--) this.indexTupleDelete(offnums[i]!);
      return;
    }
    const nline = this.maxOffset;
    const keepIds: number[] = [];
    let next = 0;
    for (let n = 1; n <= nline; n++) {
      if (next < offnums.length && n === offnums[next]) { next++; continue; }
      keepIds.push(this.itemId(n));
    }
    if (next !== offnums.length) throw new PageError('incorrect index offsets supplied');
    this.pdLower = SIZE_OF_PAGE_HEADER + keepIds.length * 4;
    for (let i = 0; i < keepIds.length; i++) this.view.setUint32(SIZE_OF_PAGE_HEADER + i * 4, keepIds[i]!, true);
    this.compactItems();
  }

  /** PageIndexTupleOverwrite(): replaces an item, its number kept. */
  indexTupleOverwrite(offnum: number, item: Uint8Array): void {
    const nline = this.maxOffset;
    if (offnum < 1 || offnum > nline) throw new PageError(`invalid index offnum: ${offnum}`);
    const offset = this.lpOff(offnum), oldSize = align8(this.lpLen(offnum)), newSize = align8(item.length);
    if (newSize > oldSize + (this.pdUpper - this.pdLower)) throw new PageError(`no room to overwrite item ${offnum}`);
    const shift = oldSize - newSize;
    const upper = this.pdUpper;
    if (shift !== 0) {
      this.bytes.copyWithin(upper + shift, upper, offset);
      this.pdUpper = upper + shift;
      for (let n = 1; n <= nline; n++) {
        // storage may be absent for unused pointers
        if (this.lpLen(n) !== 0) this.shiftItem(n, (off) => off <= offset, shift);
      }
    }
    this.setItemId(offnum, offset + shift, this.lpFlags(offnum), item.length);
    this.bytes.set(item, offset + shift);
  }

  /**
   * PageRepairFragmentation(): packs heap tuples against the special space, drops storage of unused pointers,
   * truncates trailing unused pointers from 14 on, and sets PD_HAS_FREE_LINES.
   */
  repairFragmentation(truncateLinePointers: boolean): void {
    const nline = this.maxOffset;
    let lastUsed = 0, unused = 0;
    for (let n = 1; n <= nline; n++) {
      if (this.lpFlags(n) !== LP_UNUSED) {
        lastUsed = n;
      } else {
        this.setItemId(n, 0, LP_UNUSED, 0);
        unused++;
      }
    }
    this.compactItems();
    if (truncateLinePointers && lastUsed !== nline) {
      const dropped = nline - lastUsed;
      unused -= dropped;
      this.pdLower -= dropped * 4;
    }
    if (unused > 0) this.pdFlags |= PD_HAS_FREE_LINES;
    else this.pdFlags &= ~PD_HAS_FREE_LINES;
  }

  /** PageTruncateLinePointerArray(), PG 14–18: drops trailing unused line pointers. */
  truncateLinePointerArray(): void {
    let countDone = false, setHint = false, unusedEnd = 0;
    for (let n = this.maxOffset; n >= 1; n--) {
      const isUnused = this.lpFlags(n) === LP_UNUSED;
      if (!countDone && n > 1) {
        if (isUnused) unusedEnd++;
        else countDone = true;
      } else if (isUnused) {
        setHint = true;
        break;
      }
    }
    if (unusedEnd > 0) this.pdLower -= unusedEnd * 4;
    if (setHint) this.pdFlags |= PD_HAS_FREE_LINES;
    else this.pdFlags &= ~PD_HAS_FREE_LINES;
  }

  /** compactify_tuples(): items with storage move against the special space, the highest first. */
  private compactItems(): void {
    const items: { offnum: number; off: number; len: number }[] = [];
    for (let n = 1; n <= this.maxOffset; n++) {
      const len = this.lpLen(n);
      if (len !== 0) items.push({ offnum: n, off: this.itemAt(n), len });
    }
    items.sort((a, b) => b.off - a.off);
    const copy = this.bytes.slice();
    let upper = this.pdSpecial;
    for (const { offnum, off, len } of items) {
      const size = align8(len);
      upper -= size;
      if (upper < this.pdLower) throw new PageError('corrupted item lengths');
      this.bytes.set(copy.subarray(off, Math.min(off + size, BLCKSZ)), upper);
      this.setItemId(offnum, upper, this.lpFlags(offnum), len);
    }
    this.pdUpper = upper;
  }

  private removeLinePointer(offnum: number): void {
    const at = SIZE_OF_PAGE_HEADER + (offnum - 1) * 4;
    this.bytes.copyWithin(at, at + 4, this.pdLower);
    this.pdLower -= 4;
  }

  private shiftItem(offnum: number, moves: (off: number) => boolean, by: number): void {
    const off = this.lpOff(offnum);
    if (moves(off)) this.setItemId(offnum, off + by, this.lpFlags(offnum), this.lpLen(offnum));
  }
}
