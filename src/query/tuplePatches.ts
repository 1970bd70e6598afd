/**
 * How a row's newer version is made from an older one, as UPDATE records say it: a prefix and a suffix of the older one's data, and what is between.
 * They are kept in large pieces of bytes.
 */
import { HEAP_HASNULL, SIZE_OF_HEAP_TUPLE_HEADER, T_HOFF, T_INFOMASK, T_INFOMASK2 } from '../pg/heapTuple.js';
import { LP_NORMAL, type Page } from '../pg/page.js';
import type { BlockRef, XLogRecord } from '../pg/xlogRecord.js';
import { SIZE_OF_HEAP_HEADER, XLH_UPDATE_PREFIX_FROM_OLD, XLH_UPDATE_SUFFIX_FROM_OLD } from '../redo/heap/xlog.js';
import { SIZE_OF_MULTI_INSERT_TUPLE } from '../redo/heap/xlog2.js';
import type { Tuple } from './tupleArena.js';

const FIRST_BYTES = 64 * 1024;
const NO_TUPLE: Tuple = { bytes: new Uint8Array(SIZE_OF_HEAP_TUPLE_HEADER), at: 0, length: SIZE_OF_HEAP_TUPLE_HEADER };
/** Before each patch: room for the two parts (4 bytes), prefix, suffix, t_infomask2, t_infomask, t_hoff, and the length of what is between (2 each). */
const HEAD = 16;
const ROOM = 0, PREFIX = 4, SUFFIX = 6, INFOMASK2 = 8, INFOMASK = 10, HOFF = 12, MIDDLE = 14;

/** Each patch has a handle above 0. A patch with neither prefix nor suffix is the whole newer version. */
export class TuplePatches {
  private buffer = new Uint8Array(FIRST_BYTES);
  private view = new DataView(this.buffer.buffer);
  private used = HEAD;

  get bytes(): number { return this.used; }

  /** Of the block data of an UPDATE record, or with no flags an INSERT. Gives 0 where these are no whole tuple. */
  fromRecord(record: Pick<XLogRecord, 'view' | 'bytes'>, data: Pick<BlockRef, 'dataAt' | 'dataLength'>, flags: number): number {
    const from = record.view;
    let at = data.dataAt, prefix = 0, suffix = 0;
    if ((flags & XLH_UPDATE_PREFIX_FROM_OLD) !== 0) {
      prefix = from.getUint16(at, true);
      at += 2;
    }
    if ((flags & XLH_UPDATE_SUFFIX_FROM_OLD) !== 0) {
      suffix = from.getUint16(at, true);
      at += 2;
    }
    const length = data.dataAt + data.dataLength - at - SIZE_OF_HEAP_HEADER;
    const hoff = from.getUint8(at + 4), bitmap = hoff - SIZE_OF_HEAP_TUPLE_HEADER;
    if (bitmap < 0 || length < bitmap) return 0;
    const handle = this.take(length);
    this.head(handle, prefix, suffix, from.getUint16(at, true), from.getUint16(at + 2, true), hoff, length - bitmap);
    this.copy(record.bytes, at + SIZE_OF_HEAP_HEADER, length, handle + HEAD);
    return handle;
  }

  /** Of a tuple on a page, in whole. Gives 0 where there is none. */
  fromPage(page: Page, offnum: number): number {
    if (offnum > page.maxOffset || page.lpFlags(offnum) !== LP_NORMAL || page.lpLen(offnum) < SIZE_OF_HEAP_TUPLE_HEADER) return 0;
    const from = page.view, at = page.itemAt(offnum), length = page.lpLen(offnum);
    const hoff = from.getUint8(at + T_HOFF), rest = length - SIZE_OF_HEAP_TUPLE_HEADER;
    if (hoff < SIZE_OF_HEAP_TUPLE_HEADER || hoff > length) return 0;
    const handle = this.take(rest);
    this.head(handle, 0, 0, from.getUint16(at + T_INFOMASK2, true), from.getUint16(at + T_INFOMASK, true), hoff, length - hoff);
    this.copy(page.bytes, at + SIZE_OF_HEAP_TUPLE_HEADER, rest, handle + HEAD);
    return handle;
  }

  /** Of one of the tuples that a MULTI_INSERT record holds, in whole: xl_multi_insert_tuple at `at`, whose data begins 7 bytes further on. */
  fromMultiInsert(record: XLogRecord, at: number): number {
    const from = record.view, length = from.getUint16(at, true), hoff = from.getUint8(at + 6), bitmap = hoff - SIZE_OF_HEAP_TUPLE_HEADER;
    if (bitmap < 0 || length < bitmap) return 0;
    const handle = this.take(length);
    this.head(handle, 0, 0, from.getUint16(at + 2, true), from.getUint16(at + 4, true), hoff, length - bitmap);
    this.copy(record.bytes, at + SIZE_OF_MULTI_INSERT_TUPLE, length, handle + HEAD);
    return handle;
  }

  /** Lets a patch go, with those that were made after it. */
  release(handle: number): void {
    this.used = handle;
  }

  /** The patch is the whole newer version. */
  isWhole(handle: number): boolean {
    return this.view.getUint16(handle + PREFIX, true) === 0 && this.view.getUint16(handle + SUFFIX, true) === 0;
  }

  /** Room for the bitmap and what is between. */
  private take(length: number): number {
    const handle = this.used, needed = handle + HEAD + length;
    if (needed > this.buffer.length) {
      const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2));
      grown.set(this.buffer);
      this.buffer = grown;
      this.view = new DataView(grown.buffer);
    }
    this.used = needed;
    this.view.setUint32(handle + ROOM, length, true);
    return handle;
  }

  private head(handle: number, prefix: number, suffix: number, infomask2: number, infomask: number, hoff: number, middle: number): void {
    const { view } = this;
    view.setUint16(handle + PREFIX, prefix, true);
    view.setUint16(handle + SUFFIX, suffix, true);
    view.setUint16(handle + INFOMASK2, infomask2, true);
    view.setUint16(handle + INFOMASK, infomask, true);
    view.setUint16(handle + HOFF, hoff, true);
    view.setUint16(handle + MIDDLE, middle, true);
  }

  private copy(from: Uint8Array, at: number, length: number, to: number): void {
    for (let i = 0; i < length; i++) this.buffer[to + i] = from[at + i]!;
  }

  /** Where what is between begins. */
  private middleAt(handle: number): number {
    return handle + HEAD + this.view.getUint16(handle + HOFF, true) - SIZE_OF_HEAP_TUPLE_HEADER;
  }

  /**
   * True where the first byte behind the prefix is one that makes another value. `differsAt`: as RowChains has it. The older version has another byte
   * there, or ends: PostgreSQL logs the longest prefix.
   */
  beginsOtherwise(handle: number, differsAt: Uint16Array): boolean {
    if (handle === 0 || this.view.getUint16(handle + MIDDLE, true) === 0) return false;
    return this.areSet(handle, differsAt[this.view.getUint16(handle + PREFIX, true)] ?? 0);
  }

  /** True where both hold a byte of the newer version's data, each its own, and it makes another value: the versions differ. `differsAt`: as above. */
  tellApart(a: number, b: number, differsAt: Uint16Array): boolean {
    const { view, buffer } = this;
    const fromA = view.getUint16(a + PREFIX, true), fromB = view.getUint16(b + PREFIX, true);
    const end = Math.min(fromA + view.getUint16(a + MIDDLE, true), fromB + view.getUint16(b + MIDDLE, true), differsAt.length);
    const atA = this.middleAt(a) - fromA, atB = this.middleAt(b) - fromB;
    for (let i = Math.max(fromA, fromB); i < end; i++) {
      if (buffer[atA + i] !== buffer[atB + i] && this.areSet(a, differsAt[i]!) && this.areSet(b, differsAt[i]!)) return true;
    }
    return false;
  }

  /** The newer version has so many attributes, none of which is NULL; false for 0. */
  private areSet(handle: number, attributes: number): boolean {
    if (attributes === 0) return false;
    if ((this.view.getUint16(handle + INFOMASK, true) & HEAP_HASNULL) === 0) return true;
    for (let i = 0; i < attributes; i++) if ((this.buffer[handle + HEAD + (i >> 3)]! & (1 << (i & 7))) === 0) return false;
    return true;
  }

  /** What leads from where the first patch begins to where the second, the last one made, ends; both are let go. 0 where no patch can say it. */
  join(first: number, second: number): number {
    const { view } = this;
    if (second === 0) return 0;
    const p2 = view.getUint16(second + PREFIX, true), s2 = view.getUint16(second + SUFFIX, true), m2 = view.getUint16(second + MIDDLE, true);
    if (p2 === 0 && s2 === 0) return second;
    if (first === 0) return 0;
    const p1 = view.getUint16(first + PREFIX, true), s1 = view.getUint16(first + SUFFIX, true), m1 = view.getUint16(first + MIDDLE, true);
    // bytes of the oldest version between two that are new
    if (p2 > p1 + m1 || s2 > s1 + m1 || p2 + s2 > p1 + m1 + s1) return 0;
    const kept1 = Math.max(0, p2 - p1), kept2 = Math.max(0, s2 - s1), middle = kept1 + m2 + kept2;
    const infomask2 = view.getUint16(second + INFOMASK2, true), infomask = view.getUint16(second + INFOMASK, true), hoff = view.getUint16(second + HOFF, true);
    const from = this.middleAt(first), between = this.middleAt(second);
    const bitmap = hoff - SIZE_OF_HEAP_TUPLE_HEADER;
    this.used = second;
    if (middle === m1 && hoff === view.getUint16(first + HOFF, true)) {
      // as long as the first one: what it has kept stays where it is
      this.copy(this.buffer, second + HEAD, bitmap, first + HEAD);
      this.copy(this.buffer, between, m2, from + kept1);
    } else {
      const made = Buffer.concat([this.buffer.subarray(second + HEAD, between), this.buffer.subarray(from, from + kept1), this.buffer.subarray(between, between + m2), this.buffer.subarray(from + m1 - kept2, from + m1)]);
      if (made.length > view.getUint32(first + ROOM, true)) first = this.take(made.length);
      this.copy(made, 0, made.length, first + HEAD);
    }
    this.head(first, Math.min(p1, p2), Math.min(s1, s2), infomask2, infomask, hoff, middle);
    return first;
  }

  /** The newer version, made from the older one, which a patch that is whole does without; undefined where that is too short. */
  apply(handle: number, { bytes, at, length }: Tuple = NO_TUPLE): Tuple | undefined {
    const { view } = this;
    const prefix = view.getUint16(handle + PREFIX, true), suffix = view.getUint16(handle + SUFFIX, true), middle = view.getUint16(handle + MIDDLE, true);
    const hoff = view.getUint16(handle + HOFF, true), dataAt = at + bytes[at + T_HOFF]!, end = at + length;
    if (prefix + suffix > end - dataAt) return undefined;
    const made = new Uint8Array(hoff + prefix + middle + suffix);
    const header = new DataView(made.buffer);
    header.setUint16(T_INFOMASK2, view.getUint16(handle + INFOMASK2, true), true);
    header.setUint16(T_INFOMASK, view.getUint16(handle + INFOMASK, true), true);
    header.setUint8(T_HOFF, hoff);
    const from = this.middleAt(handle);
    made.set(this.buffer.subarray(handle + HEAD, from), SIZE_OF_HEAP_TUPLE_HEADER);
    made.set(bytes.subarray(dataAt, dataAt + prefix), hoff);
    made.set(this.buffer.subarray(from, from + middle), hoff + prefix);
    made.set(bytes.subarray(end - suffix, end), hoff + prefix + middle);
    return { bytes: made, at: 0, length: made.length };
  }
}
