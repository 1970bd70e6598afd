/** What one heap record did to rows: which line pointers it filled and which it emptied. */
import type { RelFileLocator } from '../pg/relFileLocator.js';
import type { XLogRecord } from '../pg/xlogRecord.js';
import {
  HEAP_BLKREF_HEAP, HEAP_UPDATE_BLKREF_HEAP_NEW, HEAP_UPDATE_BLKREF_HEAP_OLD, readXlHeapDelete, readXlHeapInsert, readXlHeapUpdate,
  XLH_DELETE_IS_PARTITION_MOVE, XLH_DELETE_IS_SUPER, XLOG_HEAP_DELETE, XLOG_HEAP_HOT_UPDATE, XLOG_HEAP_INIT_PAGE, XLOG_HEAP_INSERT, XLOG_HEAP_OPMASK, XLOG_HEAP_UPDATE,
} from '../redo/heap/xlog.js';
import { readXlHeapMultiInsert, XLOG_HEAP2_MULTI_INSERT } from '../redo/heap/xlog2.js';
import { RmgrId } from '../redo/rmgrlist.js';

export type RowOperation = 'insert' | 'update' | 'delete';

/** A row version's place. */
export interface TuplePlace {
  block: number;
  offnum: number;
}

/** A change of one row. `ref` is the relation whose row it is; it belongs to the record and is filled anew with the next one. */
export interface HeapChange {
  operation: RowOperation;
  ref: RelFileLocator;
  /** The version that ended; undefined for an insertion. */
  before: TuplePlace | undefined;
  /** The version that began; undefined for a deletion. */
  after: TuplePlace | undefined;
  /** Takes back a speculative insertion (ON CONFLICT), which no reader ever saw. */
  isSuperDelete: boolean;
  /** A deletion because an UPDATE moved the row to another partition, where it is inserted next. */
  isMove: boolean;
}

/** Calls `emit` for each row that a record inserts, updates or deletes; does nothing for all other records. */
export function heapChanges(record: XLogRecord, emit: (change: HeapChange) => void): void {
  const opcode = record.info & XLOG_HEAP_OPMASK;
  if (record.rmid === RmgrId.heap) {
    if (opcode === XLOG_HEAP_INSERT) {
      const ref = record.block(HEAP_BLKREF_HEAP)!;
      emit({ operation: 'insert', ref, before: undefined, after: { block: ref.block, offnum: readXlHeapInsert(record).offnum }, isSuperDelete: false, isMove: false });
    } else if (opcode === XLOG_HEAP_DELETE) {
      const ref = record.block(HEAP_BLKREF_HEAP)!;
      const { offnum, flags } = readXlHeapDelete(record);
      emit({ operation: 'delete', ref, before: { block: ref.block, offnum }, after: undefined, isSuperDelete: (flags & XLH_DELETE_IS_SUPER) !== 0, isMove: (flags & XLH_DELETE_IS_PARTITION_MOVE) !== 0 });
    } else if (opcode === XLOG_HEAP_UPDATE || opcode === XLOG_HEAP_HOT_UPDATE) {
      const ref = record.block(HEAP_UPDATE_BLKREF_HEAP_NEW)!;
      const old = record.block(HEAP_UPDATE_BLKREF_HEAP_OLD) ?? ref;
      const { old_offnum, new_offnum } = readXlHeapUpdate(record);
      emit({ operation: 'update', ref, before: { block: old.block, offnum: old_offnum }, after: { block: ref.block, offnum: new_offnum }, isSuperDelete: false, isMove: false });
    }
  } else if (record.rmid === RmgrId.heap2 && opcode === XLOG_HEAP2_MULTI_INSERT) {
    const ref = record.block(HEAP_BLKREF_HEAP)!;
    const { ntuples, offsetsAt } = readXlHeapMultiInsert(record);
    // on a page that the record itself initialises, the rows fill it from the first line pointer on
    const isInit = (record.info & XLOG_HEAP_INIT_PAGE) !== 0;
    for (let i = 0; i < ntuples; i++) {
      const offnum = isInit ? i + 1 : record.view.getUint16(offsetsAt + i * 2, true);
      emit({ operation: 'insert', ref, before: undefined, after: { block: ref.block, offnum }, isSuperDelete: false, isMove: false });
    }
  }
}
