/**
 * Layouts of the Heap manager's records: access/heapam_xlog.h, PG 13–18.
 * Only the prune family moved between majors (see xlog2.ts), and INPLACE grew in 18.
 */
import type { PgMajor } from '../../pg/version.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { MainDataCursor } from '../mainDataCursor.js';
import { mainData } from '../recordData.js';
import { readInvalidation, SIZE_OF_INVALIDATION, type XlInvalidations } from '../standby/xlog.js';

export const XLOG_HEAP_INSERT = 0x00;
export const XLOG_HEAP_DELETE = 0x10;
export const XLOG_HEAP_UPDATE = 0x20;
export const XLOG_HEAP_TRUNCATE = 0x30;
export const XLOG_HEAP_HOT_UPDATE = 0x40;
export const XLOG_HEAP_CONFIRM = 0x50;
export const XLOG_HEAP_LOCK = 0x60;
export const XLOG_HEAP_INPLACE = 0x70;
export const XLOG_HEAP_OPMASK = 0x70;
export const XLOG_HEAP_INIT_PAGE = 0x80;

export const XLH_INSERT_ALL_VISIBLE_CLEARED = 0x01;
export const XLH_INSERT_LAST_IN_MULTI = 0x02;
export const XLH_INSERT_IS_SPECULATIVE = 0x04;
export const XLH_INSERT_CONTAINS_NEW_TUPLE = 0x08;
export const XLH_INSERT_ON_TOAST_RELATION = 0x10;
export const XLH_INSERT_ALL_FROZEN_SET = 0x20;

export const XLH_UPDATE_OLD_ALL_VISIBLE_CLEARED = 0x01;
export const XLH_UPDATE_NEW_ALL_VISIBLE_CLEARED = 0x02;
export const XLH_UPDATE_CONTAINS_OLD_TUPLE = 0x04;
export const XLH_UPDATE_CONTAINS_OLD_KEY = 0x08;
export const XLH_UPDATE_CONTAINS_NEW_TUPLE = 0x10;
export const XLH_UPDATE_PREFIX_FROM_OLD = 0x20;
export const XLH_UPDATE_SUFFIX_FROM_OLD = 0x40;

export const XLH_DELETE_ALL_VISIBLE_CLEARED = 0x01;
export const XLH_DELETE_CONTAINS_OLD_TUPLE = 0x02;
export const XLH_DELETE_CONTAINS_OLD_KEY = 0x04;
export const XLH_DELETE_IS_SUPER = 0x08;
export const XLH_DELETE_IS_PARTITION_MOVE = 0x10;

export const XLH_TRUNCATE_CASCADE = 0x01;
export const XLH_TRUNCATE_RESTART_SEQS = 0x02;

export const XLH_LOCK_ALL_FROZEN_CLEARED = 0x01;

export const XLHL_XMAX_IS_MULTI = 0x01;
export const XLHL_XMAX_LOCK_ONLY = 0x02;
export const XLHL_XMAX_EXCL_LOCK = 0x04;
export const XLHL_XMAX_KEYSHR_LOCK = 0x08;
export const XLHL_KEYS_UPDATED = 0x10;

/**
 * Block reference ids. The visibility map's references exist from 17.11 and 18.6 on, and only where a bit was really cleared;
 * older WAL says by flags alone that the map changed.
 */
export const HEAP_BLKREF_HEAP = 0;
export const HEAP_BLKREF_VM = 1;
export const HEAP_UPDATE_BLKREF_HEAP_NEW = 0;
export const HEAP_UPDATE_BLKREF_HEAP_OLD = 1;
export const HEAP_UPDATE_BLKREF_VM_NEW = 2;
export const HEAP_UPDATE_BLKREF_VM_OLD = 3;

/** SizeOfHeapHeader: t_infomask2, t_infomask and t_hoff of a logged tuple. */
export const SIZE_OF_HEAP_HEADER = 5;

/** xl_heap_insert; header and tuple are block 0's data. */
export interface XlHeapInsert { offnum: number; flags: number }

/** Throws `wal.record_data`, as all these readers do, where the record is too short. */
export function readXlHeapInsert(record: XLogRecord): XlHeapInsert {
  const at = mainData(record, 3, 'xl_heap_insert'), view = record.view;
  return { offnum: view.getUint16(at, true), flags: view.getUint8(at + 2) };
}

/** xl_heap_delete */
export interface XlHeapDelete { xmax: number; offnum: number; infobits_set: number; flags: number }

/** xl_heap_delete of any major. */
export function readXlHeapDelete(record: XLogRecord): XlHeapDelete {
  const at = mainData(record, 8, 'xl_heap_delete'), view = record.view;
  return {
    xmax: view.getUint32(at, true), offnum: view.getUint16(at + 4, true), infobits_set: view.getUint8(at + 6), flags: view.getUint8(at + 7),
  };
}

/** xl_heap_lock (whose xmax was called locking_xid before 16) and xl_heap_lock_updated: laid out as xl_heap_delete. */
export const readXlHeapLock = readXlHeapDelete;

/** xl_heap_update, of UPDATE and HOT_UPDATE. */
export interface XlHeapUpdate {
  old_xmax: number; old_offnum: number; old_infobits_set: number; flags: number; new_xmax: number; new_offnum: number;
}

/** xl_heap_update of any major. */
export function readXlHeapUpdate(record: XLogRecord): XlHeapUpdate {
  const at = mainData(record, 14, 'xl_heap_update'), view = record.view;
  return {
    old_xmax: view.getUint32(at, true), old_offnum: view.getUint16(at + 4, true), old_infobits_set: view.getUint8(at + 6),
    flags: view.getUint8(at + 7), new_xmax: view.getUint32(at + 8, true), new_offnum: view.getUint16(at + 12, true),
  };
}

/** xl_heap_truncate: what TRUNCATE named, for logical decoding. */
export interface XlHeapTruncate { dbId: number; flags: number; relids: number[] }

/** xl_heap_truncate of any major. */
export function readXlHeapTruncate(record: XLogRecord): XlHeapTruncate {
  const at = mainData(record, 12, 'xl_heap_truncate'), view = record.view;
  const nrelids = view.getUint32(at + 4, true);
  mainData(record, 12 + nrelids * 4, 'xl_heap_truncate');
  const relids: number[] = [];
  for (let i = 0; i < nrelids; i++) relids.push(view.getUint32(at + 12 + i * 4, true));
  return { dbId: view.getUint32(at, true), flags: view.getUint8(at + 8), relids };
}

/** xl_heap_confirm, whose only field is the offset number. */
export function readXlHeapConfirm(record: XLogRecord): number {
  return record.view.getUint16(mainData(record, 2, 'xl_heap_confirm'), true);
}

/** xl_heap_inplace: the offset number, and from 18 on what xl_invalidations has. */
export interface XlHeapInplace extends XlInvalidations { offnum: number }

function readInplace13(record: XLogRecord): XlHeapInplace {
  return { offnum: record.view.getUint16(mainData(record, 2, 'xl_heap_inplace'), true), dbId: 0, tsId: 0, relcacheInitFileInval: false, msgs: [] };
}

function readInplace18(record: XLogRecord): XlHeapInplace {
  const at = mainData(record, 20, 'xl_heap_inplace'), view = record.view;
  const data = new MainDataCursor(record, at + 16, 'xl_heap_inplace');
  return {
    offnum: view.getUint16(at, true), dbId: view.getUint32(at + 4, true), tsId: view.getUint32(at + 8, true),
    relcacheInitFileInval: view.getUint8(at + 12) !== 0, msgs: data.array(data.int32(), SIZE_OF_INVALIDATION, readInvalidation),
  };
}

const READ_INPLACE: Record<PgMajor, (record: XLogRecord) => XlHeapInplace> = {
  13: readInplace13, 14: readInplace13, 15: readInplace13, 16: readInplace13, 17: readInplace13, 18: readInplace18,
};

/** xl_heap_inplace: no invalidation messages before 18. */
export function readXlHeapInplace(record: XLogRecord): XlHeapInplace {
  return READ_INPLACE[record.major](record);
}

/** The names of the infobits that are set, in heapdesc.c's order. */
export function infobitNames(infobits: number): string[] {
  const names: string[] = [];
  if ((infobits & XLHL_XMAX_IS_MULTI) !== 0) names.push('IS_MULTI');
  if ((infobits & XLHL_XMAX_LOCK_ONLY) !== 0) names.push('LOCK_ONLY');
  if ((infobits & XLHL_XMAX_EXCL_LOCK) !== 0) names.push('EXCL_LOCK');
  if ((infobits & XLHL_XMAX_KEYSHR_LOCK) !== 0) names.push('KEYSHR_LOCK');
  if ((infobits & XLHL_KEYS_UPDATED) !== 0) names.push('KEYS_UPDATED');
  return names;
}
