/**
 * Which tuples a snapshot of a moment sees: everything that was committed by then, nothing else.
 * Follows HeapTupleSatisfiesMVCC(), access/heap/heapam_visibility.c, PG 13–18, without a current transaction and without setting hint bits.
 */
import {
  HEAP_HOT_UPDATED, HEAP_MOVED_IN, HEAP_MOVED_OFF, HEAP_XMAX_COMMITTED, HEAP_XMAX_INVALID, HEAP_XMAX_IS_MULTI, HEAP_XMAX_LOCK_ONLY, HEAP_XMIN_COMMITTED,
  HEAP_XMIN_FROZEN, HEAP_XMIN_INVALID, SIZE_OF_HEAP_TUPLE_HEADER, T_CID, T_INFOMASK, T_INFOMASK2, T_XMAX, T_XMIN, heapXmaxIsLockedOnly,
} from '../pg/heapTuple.js';
import { BLCKSZ, LP_NORMAL, PD_ALL_VISIBLE, SIZE_OF_PAGE_HEADER, type Page } from '../pg/page.js';

export type XidStatus = 'committed' | 'aborted' | 'inProgress';

/** Transactions as of the moment. A subtransaction is committed once its parents are. */
export interface XidStatusLookup {
  status(xid: number): XidStatus;
  /** The member of a multixact that updates or deletes, 0 where all members only lock (MultiXactIdGetUpdateXid()). */
  multixactUpdater(multi: number): number;
}

/** What a tuple is at the moment. */
export type TupleState =
  | 'live'
  /** A transaction that committed by then deleted it, or replaced it by a newer version. */
  | 'deleted'
  | 'insertAborted'
  | 'insertInProgress';

const FIRST_NORMAL_TRANSACTION_ID = 3;
const FROZEN_TRANSACTION_ID = 2;
const CACHE_LIMIT = 65_536;

/** Judges tuples as of one moment. Keeps the status of transactions that it has asked for: make a new one for another moment. */
export class Visibility {
  private readonly committed = new Map<number, boolean>();
  private lastXid = -1;
  private lastCommitted = false;

  /**
   * `useHintBits`: whether HEAP_XMIN_COMMITTED, HEAP_XMIN_INVALID, HEAP_XMAX_COMMITTED and PD_ALL_VISIBLE on these pages may be
   * believed; they may where the pages are no newer than the moment. HEAP_XMAX_INVALID and frozen xmins are always believed: redo itself writes them.
   */
  constructor(private readonly lookup: XidStatusLookup, readonly useHintBits = true) {}

  /** TransactionIdDidCommit() as of the moment. */
  didCommit(xid: number): boolean {
    if (xid === this.lastXid) return this.lastCommitted;
    if (xid < FIRST_NORMAL_TRANSACTION_ID) return xid !== 0;
    let result = this.committed.get(xid);
    if (result === undefined) {
      if (this.committed.size >= CACHE_LIMIT) this.committed.clear();
      result = this.lookup.status(xid) === 'committed';
      this.committed.set(xid, result);
    }
    this.lastXid = xid;
    this.lastCommitted = result;
    return result;
  }

  /** True where the moment's snapshot sees the heap tuple that begins at `at`. */
  isVisible(view: DataView, at: number): boolean {
    const infomask = view.getUint16(at + T_INFOMASK, true);
    return this.insertCommitted(view, at, infomask) && this.deleterXid(view, at, infomask) === 0;
  }

  /** As isVisible(), telling the ways of not being visible apart. */
  tupleState(view: DataView, at: number): TupleState {
    const infomask = view.getUint16(at + T_INFOMASK, true);
    if (this.insertCommitted(view, at, infomask)) return this.deleterXid(view, at, infomask) === 0 ? 'live' : 'deleted';
    const xmin = view.getUint32(at + T_XMIN, true);
    return xmin >= FIRST_NORMAL_TRANSACTION_ID && this.lookup.status(xmin) === 'inProgress' ? 'insertInProgress' : 'insertAborted';
  }

  /** The transaction that had deleted or replaced the tuple by the moment, 0 where none had. */
  committedDeleter(view: DataView, at: number): number {
    return this.deleterXid(view, at, view.getUint16(at + T_INFOMASK, true));
  }

  /** HeapTupleHeaderGetUpdateXid(): the transaction whose newer version follows in the HOT chain, whatever became of it; 0 where none can. */
  hotSuccessorXid(view: DataView, at: number): number {
    const infomask = view.getUint16(at + T_INFOMASK, true);
    const isInsertInvalid = (infomask & HEAP_XMIN_FROZEN) === HEAP_XMIN_INVALID;
    if ((view.getUint16(at + T_INFOMASK2, true) & HEAP_HOT_UPDATED) === 0 || (infomask & HEAP_XMAX_INVALID) !== 0 || isInsertInvalid) return 0;
    const xmax = view.getUint32(at + T_XMAX, true);
    return (infomask & (HEAP_XMAX_IS_MULTI | HEAP_XMAX_LOCK_ONLY)) === HEAP_XMAX_IS_MULTI ? this.lookup.multixactUpdater(xmax) : xmax;
  }

  private insertCommitted(view: DataView, at: number, infomask: number): boolean {
    if ((infomask & HEAP_XMIN_FROZEN) === HEAP_XMIN_FROZEN) return true;
    if (this.useHintBits) {
      if ((infomask & HEAP_XMIN_COMMITTED) !== 0) return true;
      if ((infomask & HEAP_XMIN_INVALID) !== 0) return false;
    }
    // VACUUM FULL before 9.0 moved tuples in a transaction of its own, t_xvac; pg_upgrade may have brought them here.
    if ((infomask & HEAP_MOVED_OFF) !== 0) return !this.didCommit(view.getUint32(at + T_CID, true));
    if ((infomask & HEAP_MOVED_IN) !== 0) return this.didCommit(view.getUint32(at + T_CID, true));
    return this.didCommit(view.getUint32(at + T_XMIN, true));
  }

  private deleterXid(view: DataView, at: number, infomask: number): number {
    if ((infomask & HEAP_XMAX_INVALID) !== 0 || heapXmaxIsLockedOnly(infomask)) return 0;
    const xmax = view.getUint32(at + T_XMAX, true);
    if ((infomask & HEAP_XMAX_IS_MULTI) !== 0) {
      const updater = this.lookup.multixactUpdater(xmax);
      return updater !== 0 && this.didCommit(updater) ? updater : 0;
    }
    if (this.useHintBits && (infomask & HEAP_XMAX_COMMITTED) !== 0) return xmax === 0 ? FROZEN_TRANSACTION_ID : xmax;
    return this.didCommit(xmax) ? xmax : 0;
  }
}

/** True where the page itself says that everyone sees all of its tuples. */
export function isAllVisible(page: Page, visibility: Visibility): boolean {
  return visibility.useHintBits && (page.pdFlags & PD_ALL_VISIBLE) !== 0;
}

/**
 * Calls `emit` for every tuple of a heap page that the moment's snapshot sees, in order of offset number: `at` is the tuple's first byte on the
 * page, `length` its line pointer's length. Line pointers that lead outside the page, or to less than a tuple header, go to `damaged`.
 */
export function visibleTuples(
  page: Page,
  visibility: Visibility,
  emit: (offnum: number, at: number, length: number) => void,
  damaged: (offnum: number) => void,
): void {
  const view = page.view;
  const allVisible = isAllVisible(page, visibility);
  const max = Math.min(page.maxOffset, (BLCKSZ - SIZE_OF_PAGE_HEADER) >> 2);
  for (let offnum = 1; offnum <= max; offnum++) {
    const id = view.getUint32(SIZE_OF_PAGE_HEADER + (offnum - 1) * 4, true);
    if (((id >>> 15) & 3) !== LP_NORMAL) continue;
    const at = id & 0x7fff, length = id >>> 17;
    if (at < SIZE_OF_PAGE_HEADER || length < SIZE_OF_HEAP_TUPLE_HEADER || at + length > BLCKSZ) damaged(offnum);
    else if (allVisible || visibility.isVisible(view, at)) emit(offnum, at, length);
  }
}
