/**
 * Record layouts of the Hash manager, by major, normalised to the newest shape.
 * Follows access/hash_xlog.h, PG 13–18.
 */
import { PageError } from '../../pg/page.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { mainData } from '../recordData.js';

export const XLOG_HASH_INIT_META_PAGE = 0x00;
export const XLOG_HASH_INIT_BITMAP_PAGE = 0x10;
export const XLOG_HASH_INSERT = 0x20;
export const XLOG_HASH_ADD_OVFL_PAGE = 0x30;
export const XLOG_HASH_SPLIT_ALLOCATE_PAGE = 0x40;
export const XLOG_HASH_SPLIT_PAGE = 0x50;
export const XLOG_HASH_SPLIT_COMPLETE = 0x60;
export const XLOG_HASH_MOVE_PAGE_CONTENTS = 0x70;
export const XLOG_HASH_SQUEEZE_PAGE = 0x80;
export const XLOG_HASH_DELETE = 0x90;
export const XLOG_HASH_SPLIT_CLEANUP = 0xa0;
export const XLOG_HASH_UPDATE_META_PAGE = 0xb0;
export const XLOG_HASH_VACUUM_ONE_PAGE = 0xc0;

export const XLH_SPLIT_META_UPDATE_MASKS = 1 << 0;
export const XLH_SPLIT_META_UPDATE_SPLITPOINT = 1 << 1;

export function readXlHashInitMetaPage(record: XLogRecord): { num_tuples: number; procid: number; ffactor: number } {
  const at = mainData(record, 14, 'xl_hash_init_meta_page'), view = record.view;
  return { num_tuples: view.getFloat64(at, true), procid: view.getUint32(at + 8, true), ffactor: view.getUint16(at + 12, true) };
}

/** xl_hash_init_bitmap_page's only field. */
export function readXlHashInitBitmapPageBmsize(record: XLogRecord): number {
  return record.view.getUint16(mainData(record, 2, 'xl_hash_init_bitmap_page'), true);
}

/** xl_hash_insert's only field. */
export function readXlHashInsertOffnum(record: XLogRecord): number {
  return record.view.getUint16(mainData(record, 2, 'xl_hash_insert'), true);
}

export function readXlHashAddOvflPage(record: XLogRecord): { bmsize: number; bmpage_found: boolean } {
  const at = mainData(record, 3, 'xl_hash_add_ovfl_page');
  return { bmsize: record.view.getUint16(at, true), bmpage_found: record.view.getUint8(at + 2) !== 0 };
}

export interface XlHashSplitAllocatePage {
  new_bucket: number;
  old_bucket_flag: number;
  new_bucket_flag: number;
  flags: number;
}

export function readXlHashSplitAllocatePage(record: XLogRecord): XlHashSplitAllocatePage {
  const at = mainData(record, 9, 'xl_hash_split_allocate_page'), view = record.view;
  return {
    new_bucket: view.getUint32(at, true),
    old_bucket_flag: view.getUint16(at + 4, true),
    new_bucket_flag: view.getUint16(at + 6, true),
    flags: view.getUint8(at + 8),
  };
}

export function readXlHashSplitComplete(record: XLogRecord): { old_bucket_flag: number; new_bucket_flag: number } {
  const at = mainData(record, 4, 'xl_hash_split_complete');
  return { old_bucket_flag: record.view.getUint16(at, true), new_bucket_flag: record.view.getUint16(at + 2, true) };
}

export function readXlHashMovePageContents(record: XLogRecord): { ntups: number; is_prim_bucket_same_wrt: boolean } {
  const at = mainData(record, 3, 'xl_hash_move_page_contents');
  return { ntups: record.view.getUint16(at, true), is_prim_bucket_same_wrt: record.view.getUint8(at + 2) !== 0 };
}

export interface XlHashSqueezePage {
  prevblkno: number;
  nextblkno: number;
  ntups: number;
  is_prim_bucket_same_wrt: boolean;
  is_prev_bucket_same_wrt: boolean;
  /** Whether the write page gets the record's LSN. From 17 on only where it changes, before in any case. */
  bumpsWritePage: boolean;
}

export function readXlHashSqueezePage(record: XLogRecord): XlHashSqueezePage {
  const at = mainData(record, 12, 'xl_hash_squeeze_page'), view = record.view;
  const ntups = view.getUint16(at + 8, true);
  const isPrevBucketSameWrt = view.getUint8(at + 11) !== 0;
  return {
    prevblkno: view.getUint32(at, true),
    nextblkno: view.getUint32(at + 4, true),
    ntups,
    is_prim_bucket_same_wrt: view.getUint8(at + 10) !== 0,
    is_prev_bucket_same_wrt: isPrevBucketSameWrt,
    bumpsWritePage: record.major < 17 || ntups > 0 || isPrevBucketSameWrt,
  };
}

export function readXlHashDelete(record: XLogRecord): { clear_dead_marking: boolean; is_primary_bucket_page: boolean } {
  const at = mainData(record, 2, 'xl_hash_delete');
  return { clear_dead_marking: record.view.getUint8(at) !== 0, is_primary_bucket_page: record.view.getUint8(at + 1) !== 0 };
}

/** xl_hash_update_meta_page's only field. */
export function readXlHashUpdateMetaPageNtuples(record: XLogRecord): number {
  return record.view.getFloat64(mainData(record, 8, 'xl_hash_update_meta_page'), true);
}

export interface XlHashVacuumOnePage {
  /** latestRemovedXid before 16. */
  snapshotConflictHorizon: number;
  ntuples: number;
  /** False before 16. */
  isCatalogRel: boolean;
}

/** Before 16 ntuples takes four bytes where later majors have two and isCatalogRel; a page has room for far fewer than 2^16 items. */
export function readXlHashVacuumOnePage(record: XLogRecord): XlHashVacuumOnePage {
  const at = mainData(record, 8, 'xl_hash_vacuum_one_page'), view = record.view;
  return {
    snapshotConflictHorizon: view.getUint32(at, true),
    ntuples: view.getUint16(at + 4, true),
    isCatalogRel: record.major >= 16 && view.getUint8(at + 6) !== 0,
  };
}

/** The items that a VACUUM_ONE_PAGE record deletes. Throws PageError where the record is too short for them. */
export function readXlHashVacuumOnePageOffsets(record: XLogRecord, ntuples: number): number[] {
  if (record.mainLength < 8 + ntuples * 2) throw new PageError(`${ntuples} offsets exceed the record`);
  return readOffsets(record.view, record.mainAt + 8, ntuples);
}

/** `count` OffsetNumbers from `at` on. */
export function readOffsets(view: DataView, at: number, count: number): number[] {
  const offsets: number[] = [];
  for (let i = 0; i < count; i++) offsets.push(view.getUint16(at + i * 2, true));
  return offsets;
}
