/**
 * BRIN's WAL records. Layout: access/brin_xlog.h, the same in PG 13–18.
 */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { mainData } from '../recordData.js';

export const XLOG_BRIN_CREATE_INDEX = 0x00;
export const XLOG_BRIN_INSERT = 0x10;
export const XLOG_BRIN_UPDATE = 0x20;
export const XLOG_BRIN_SAMEPAGE_UPDATE = 0x30;
export const XLOG_BRIN_REVMAP_EXTEND = 0x40;
export const XLOG_BRIN_DESUMMARIZE = 0x50;
export const XLOG_BRIN_OPMASK = 0x70;
/** The tuple is the first on its page: redo initialises it. */
export const XLOG_BRIN_INIT_PAGE = 0x80;

/** xl_brin_createidx. Block 0: the metapage. */
export function readXlBrinCreateidx(record: XLogRecord): { pagesPerRange: number; version: number } {
  const at = mainData(record, 6, 'xl_brin_createidx');
  return { pagesPerRange: record.view.getUint32(at, true), version: record.view.getUint16(at + 4, true) };
}

/** xl_brin_insert. Block 0: the regular page, with the tuple as its data; block 1: the revmap page. */
export interface XlBrinInsert {
  heapBlk: number;
  pagesPerRange: number;
  offnum: number;
}

export function readXlBrinInsert(record: XLogRecord): XlBrinInsert {
  return readInsertAt(record.view, mainData(record, 10, 'xl_brin_insert'));
}

function readInsertAt(view: DataView, at: number): XlBrinInsert {
  return { heapBlk: view.getUint32(at, true), pagesPerRange: view.getUint32(at + 4, true), offnum: view.getUint16(at + 8, true) };
}

/** xl_brin_update: an insert, and block 2, the page that held the old tuple. */
export function readXlBrinUpdate(record: XLogRecord): { oldOffnum: number; insert: XlBrinInsert } {
  const at = mainData(record, 14, 'xl_brin_update');
  return { oldOffnum: record.view.getUint16(at, true), insert: readInsertAt(record.view, at + 4) };
}

/** xl_brin_samepage_update. Block 0: the page, with the new tuple as its data. */
export function readXlBrinSamepageUpdate(record: XLogRecord): { offnum: number } {
  const at = mainData(record, 2, 'xl_brin_samepage_update');
  return { offnum: record.view.getUint16(at, true) };
}

/** xl_brin_revmap_extend. Block 0: the metapage; block 1: the new revmap page. */
export function readXlBrinRevmapExtend(record: XLogRecord): { targetBlk: number } {
  const at = mainData(record, 4, 'xl_brin_revmap_extend');
  return { targetBlk: record.view.getUint32(at, true) };
}

/** xl_brin_desummarize. Block 0: the revmap page; block 1: the regular page. */
export function readXlBrinDesummarize(record: XLogRecord): { pagesPerRange: number; heapBlk: number; regOffset: number } {
  const at = mainData(record, 10, 'xl_brin_desummarize');
  const view = record.view;
  return { pagesPerRange: view.getUint32(at, true), heapBlk: view.getUint32(at + 4, true), regOffset: view.getUint16(at + 8, true) };
}
