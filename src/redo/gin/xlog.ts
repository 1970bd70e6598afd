/**
 * GIN's WAL records (access/ginxlog.h). Their layouts have not moved from PG 13 to 18.
 */
import { SIZE_OF_GIN_META, SIZE_OF_POSTING_ITEM } from '../../pg/gin.js';
import { INVALID_BLOCK_NUMBER, readBlockId } from '../../pg/itemPointer.js';
import { sizeOfGinPostingList } from '../../pg/ginPostingList.js';
import { PageError } from '../../pg/page.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { blockDataAt, mainData } from '../recordData.js';

export const XLOG_GIN_CREATE_PTREE = 0x10;
export const XLOG_GIN_INSERT = 0x20;
export const XLOG_GIN_SPLIT = 0x30;
export const XLOG_GIN_VACUUM_PAGE = 0x40;
export const XLOG_GIN_DELETE_PAGE = 0x50;
export const XLOG_GIN_UPDATE_META_PAGE = 0x60;
export const XLOG_GIN_INSERT_LISTPAGE = 0x70;
export const XLOG_GIN_DELETE_LISTPAGE = 0x80;
export const XLOG_GIN_VACUUM_DATA_LEAF_PAGE = 0x90;

/** In the flags of inserts and splits. */
export const GIN_INSERT_ISDATA = 0x01;
export const GIN_INSERT_ISLEAF = 0x02;
/** In those of splits alone. */
export const GIN_SPLIT_ROOT = 0x04;

export const GIN_SEGMENT_DELETE = 1;
export const GIN_SEGMENT_INSERT = 2;
export const GIN_SEGMENT_REPLACE = 3;
export const GIN_SEGMENT_ADDITEMS = 4;

/** Block 0: the new posting tree's root. The compressed lists follow in the main data, at `dataAt` of the record's view. */
export interface GinxlogCreatePostingTree {
  size: number;
  dataAt: number;
}

export function readGinxlogCreatePostingTree(record: XLogRecord): GinxlogCreatePostingTree {
  const at = mainData(record, 4, 'ginxlogCreatePostingTree');
  const size = record.view.getUint32(at, true);
  mainData(record, 4 + size, 'ginxlogCreatePostingTree');
  return { size, dataAt: at + 4 };
}

/** Block 0: the page. Block 1: the left child whose split this completes. The children are InvalidBlockNumber on a leaf. */
export interface GinxlogInsert {
  flags: number;
  leftChildBlkno: number;
  rightChildBlkno: number;
}

export function readGinxlogInsert(record: XLogRecord): GinxlogInsert {
  const at = mainData(record, 2, 'ginxlogInsert');
  const flags = record.view.getUint16(at, true);
  if ((flags & GIN_INSERT_ISLEAF) !== 0) return { flags, leftChildBlkno: INVALID_BLOCK_NUMBER, rightChildBlkno: INVALID_BLOCK_NUMBER };
  mainData(record, 10, 'ginxlogInsert');
  return { flags, leftChildBlkno: readBlockId(record.view, at + 2), rightChildBlkno: readBlockId(record.view, at + 6) };
}

/** Block 0's data of an insert into the entry tree. The tuple begins at `tupleAt` of the record's view. */
export interface GinxlogInsertEntry {
  offset: number;
  isDelete: boolean;
  tupleAt: number;
}

export function readGinxlogInsertEntry(record: XLogRecord): GinxlogInsertEntry {
  const at = blockDataAt(record, 0, 4 + 8);
  return { offset: record.view.getUint16(at, true), isDelete: record.view.getUint8(at + 2) !== 0, tupleAt: at + 4 };
}

/** Block 0's data of an insert into an inner page of a posting tree. The PostingItem is at `newitemAt` of the record's view. */
export interface GinxlogInsertDataInternal {
  offset: number;
  newitemAt: number;
}

export function readGinxlogInsertDataInternal(record: XLogRecord): GinxlogInsertDataInternal {
  const at = blockDataAt(record, 0, 2 + SIZE_OF_POSTING_ITEM);
  return { offset: record.view.getUint16(at, true), newitemAt: at + 2 };
}

/** One action of a ginxlogRecompressDataLeaf: its operand (a posting list, or item pointers) is `at…end` of the record's view. */
export interface GinSegmentAction {
  segno: number;
  action: number;
  nitems: number;
  at: number;
  end: number;
}

/** The actions in block 0's data of an insert into, or a vacuum of, a posting tree's leaf. Throws PageError for an unknown one. */
export function readGinSegmentActions(record: XLogRecord): GinSegmentAction[] {
  const { view } = record;
  let at = blockDataAt(record, 0, 2);
  const end = at + record.block(0)!.dataLength;
  const nactions = view.getUint16(at, true);
  at += 2;
  const actions: GinSegmentAction[] = [];
  for (let i = 0; i < nactions; i++) {
    if (at + 2 > end) throw new PageError(`a GIN recompression of ${nactions} actions is cut short`);
    const segno = view.getUint8(at);
    const action = view.getUint8(at + 1);
    at += 2;
    let nitems = 0;
    let length = 0;
    if (action === GIN_SEGMENT_INSERT || action === GIN_SEGMENT_REPLACE) {
      length = sizeOfGinPostingList(view, at, end);
    } else if (action === GIN_SEGMENT_ADDITEMS) {
      if (at + 2 > end) throw new PageError(`a GIN recompression of ${nactions} actions is cut short`);
      nitems = view.getUint16(at, true);
      at += 2;
      length = nitems * 6;
      if (at + length > end) throw new PageError(`a GIN recompression of ${nactions} actions is cut short`);
    } else if (action !== GIN_SEGMENT_DELETE) {
      throw new PageError(`unexpected GIN leaf action: ${action}`);
    }
    actions.push({ segno, action, nitems, at, end: at + length });
    at += length;
  }
  return actions;
}

/** Blocks 0 and 1: the left and the right page. Block 2: the root of a root split. Block 3: the left child of an earlier split. */
export interface GinxlogSplit {
  rrlink: number;
  leftChildBlkno: number;
  rightChildBlkno: number;
  flags: number;
}

export function readGinxlogSplit(record: XLogRecord): GinxlogSplit {
  const { view } = record;
  // a RelFileLocator comes first
  const at = mainData(record, 26, 'ginxlogSplit');
  return {
    rrlink: view.getUint32(at + 12, true),
    leftChildBlkno: view.getUint32(at + 16, true),
    rightChildBlkno: view.getUint32(at + 20, true),
    flags: view.getUint16(at + 24, true),
  };
}

/** Block 0: the deleted page. Block 1: its parent. Block 2: its left sibling. */
export interface GinxlogDeletePage {
  parentOffset: number;
  rightLink: number;
  deleteXid: number;
}

export function readGinxlogDeletePage(record: XLogRecord): GinxlogDeletePage {
  const { view } = record;
  const at = mainData(record, 12, 'ginxlogDeletePage');
  return { parentOffset: view.getUint16(at, true), rightLink: view.getUint32(at + 4, true), deleteXid: view.getUint32(at + 8, true) };
}

/** Block 0: the metapage. Block 1: the pending list's tail. GinMetaPageData is at `metadataAt` of the record's view. */
export interface GinxlogUpdateMeta {
  metadataAt: number;
  prevTail: number;
  newRightlink: number;
  /** Above 0: so many tuples joined the tail; else a new sublist was appended. */
  ntuples: number;
}

export function readGinxlogUpdateMeta(record: XLogRecord): GinxlogUpdateMeta {
  const { view } = record;
  // a RelFileLocator comes first, padded to 16 bytes
  const at = mainData(record, 16 + SIZE_OF_GIN_META + 12, 'ginxlogUpdateMeta');
  return {
    metadataAt: at + 16,
    prevTail: view.getUint32(at + 72, true),
    newRightlink: view.getUint32(at + 76, true),
    ntuples: view.getInt32(at + 80, true),
  };
}

/** Block 0: the list page, whose data are the tuples. */
export interface GinxlogInsertListPage {
  rightlink: number;
  ntuples: number;
}

export function readGinxlogInsertListPage(record: XLogRecord): GinxlogInsertListPage {
  const at = mainData(record, 8, 'ginxlogInsertListPage');
  return { rightlink: record.view.getUint32(at, true), ntuples: record.view.getInt32(at + 4, true) };
}

/** Block 0: the metapage. Blocks 1…ndeleted: the deleted list pages. */
export interface GinxlogDeleteListPages {
  metadataAt: number;
  ndeleted: number;
}

export function readGinxlogDeleteListPages(record: XLogRecord): GinxlogDeleteListPages {
  const at = mainData(record, SIZE_OF_GIN_META + 4, 'ginxlogDeleteListPages');
  return { metadataAt: at, ndeleted: record.view.getInt32(at + SIZE_OF_GIN_META, true) };
}
