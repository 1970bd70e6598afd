/**
 * Record layouts of the Btree manager, by major, normalised to the newest shape.
 * Follows access/nbtxlog.h, PG 13–18.
 */
import { BTP_DELETED, BTP_HAS_FULLXID, BTP_LEAF } from '../../pg/nbtree.js';
import { PageError } from '../../pg/page.js';
import type { BlockRef, XLogRecord } from '../../pg/xlogRecord.js';
import { mainData } from '../recordData.js';

export const XLOG_BTREE_INSERT_LEAF = 0x00;
export const XLOG_BTREE_INSERT_UPPER = 0x10;
export const XLOG_BTREE_INSERT_META = 0x20;
export const XLOG_BTREE_SPLIT_L = 0x30;
export const XLOG_BTREE_SPLIT_R = 0x40;
export const XLOG_BTREE_INSERT_POST = 0x50;
export const XLOG_BTREE_DEDUP = 0x60;
export const XLOG_BTREE_DELETE = 0x70;
export const XLOG_BTREE_UNLINK_PAGE = 0x80;
export const XLOG_BTREE_UNLINK_PAGE_META = 0x90;
export const XLOG_BTREE_NEWROOT = 0xa0;
export const XLOG_BTREE_MARK_PAGE_HALFDEAD = 0xb0;
export const XLOG_BTREE_VACUUM = 0xc0;
export const XLOG_BTREE_REUSE_PAGE = 0xd0;
export const XLOG_BTREE_META_CLEANUP = 0xe0;

const FIRST_WITH_FULL_XID = 14;
const FIRST_WITH_IS_CATALOG_REL = 16;

/** xl_btree_metadata, from a block's data. */
export interface XlBtreeMetadata {
  version: number;
  root: number;
  level: number;
  fastroot: number;
  fastlevel: number;
  /** In 13: oldest_btpo_xact. */
  last_cleanup_num_delpages: number;
  /** Logged by 13 alone; later majors write -1 on the page. */
  last_cleanup_num_heap_tuples: number;
  allequalimage: boolean;
}

export function readXlBtreeMetadata(record: XLogRecord, ref: BlockRef | undefined): XlBtreeMetadata {
  const logsHeapTuples = record.major < FIRST_WITH_FULL_XID;
  if (!ref || ref.dataLength < (logsHeapTuples ? 40 : 28)) throw new PageError('the record lacks its metapage data');
  const view = record.view, at = ref.dataAt;
  return {
    version: view.getUint32(at, true),
    root: view.getUint32(at + 4, true),
    level: view.getUint32(at + 8, true),
    fastroot: view.getUint32(at + 12, true),
    fastlevel: view.getUint32(at + 16, true),
    last_cleanup_num_delpages: view.getUint32(at + 20, true),
    last_cleanup_num_heap_tuples: logsHeapTuples ? view.getFloat64(at + 24, true) : -1,
    allequalimage: view.getUint8(at + (logsHeapTuples ? 32 : 24)) !== 0,
  };
}

/** xl_btree_insert's only field. */
export function readXlBtreeInsertOffnum(record: XLogRecord): number {
  return record.view.getUint16(mainData(record, 2, 'xl_btree_insert'), true);
}

export interface XlBtreeSplit {
  level: number;
  firstrightoff: number;
  newitemoff: number;
  postingoff: number;
}

export function readXlBtreeSplit(record: XLogRecord): XlBtreeSplit {
  const view = record.view, at = mainData(record, 10, 'xl_btree_split');
  return {
    level: view.getUint32(at, true),
    firstrightoff: view.getUint16(at + 4, true),
    newitemoff: view.getUint16(at + 6, true),
    postingoff: view.getUint16(at + 8, true),
  };
}

/** xl_btree_dedup's only field. */
export function readXlBtreeDedupNintervals(record: XLogRecord): number {
  return record.view.getUint16(mainData(record, 2, 'xl_btree_dedup'), true);
}

export interface XlBtreeReusePage {
  spcOid: number;
  dbOid: number;
  relNumber: number;
  block: number;
  /** The full xid's upper half; 0 in 13, which logs 32 bits. */
  snapshotConflictHorizonEpoch: number;
  snapshotConflictHorizonXid: number;
  /** False before 16. */
  isCatalogRel: boolean;
}

export function readXlBtreeReusePage(record: XLogRecord): XlBtreeReusePage {
  const { view, major } = record;
  const hasFullXid = major >= FIRST_WITH_FULL_XID, hasCatalogRel = major >= FIRST_WITH_IS_CATALOG_REL;
  const at = mainData(record, hasCatalogRel ? 25 : hasFullXid ? 24 : 20, 'xl_btree_reuse_page');
  return {
    spcOid: view.getUint32(at, true),
    dbOid: view.getUint32(at + 4, true),
    relNumber: view.getUint32(at + 8, true),
    block: view.getUint32(at + 12, true),
    snapshotConflictHorizonXid: view.getUint32(at + 16, true),
    snapshotConflictHorizonEpoch: hasFullXid ? view.getUint32(at + 20, true) : 0,
    isCatalogRel: hasCatalogRel && view.getUint8(at + 24) !== 0,
  };
}

/** xl_btree_vacuum and xl_btree_delete: how many items go and how many posting lists shrink; the arrays are in block 0's data. */
export interface XlBtreeDelvacuum {
  ndeleted: number;
  nupdated: number;
}

export function readXlBtreeVacuum(record: XLogRecord): XlBtreeDelvacuum {
  const at = mainData(record, 4, 'xl_btree_vacuum');
  return { ndeleted: record.view.getUint16(at, true), nupdated: record.view.getUint16(at + 2, true) };
}

export interface XlBtreeDelete extends XlBtreeDelvacuum {
  /** latestRemovedXid before 16. */
  snapshotConflictHorizon: number;
  /** False before 16. */
  isCatalogRel: boolean;
}

export function readXlBtreeDelete(record: XLogRecord): XlBtreeDelete {
  const { view, major } = record;
  const hasCatalogRel = major >= FIRST_WITH_IS_CATALOG_REL;
  const at = mainData(record, hasCatalogRel ? 9 : 8, 'xl_btree_delete');
  return {
    snapshotConflictHorizon: view.getUint32(at, true),
    // 13 cannot shrink posting lists here: its ndeleted takes four bytes, and a page has room for far fewer than 2^16 items
    ndeleted: view.getUint16(at + 4, true),
    nupdated: view.getUint16(at + 6, true),
    isCatalogRel: hasCatalogRel && view.getUint8(at + 8) !== 0,
  };
}

/** One updated posting list: the item's offset number and the positions in its list that go (xl_btree_update). */
export interface XlBtreeUpdate {
  offnum: number;
  deletedTids: number[];
}

/** The arrays of a vacuum or delete record, from block 0's data. Throws PageError where they exceed it. */
export function readDelvacuumArrays(record: XLogRecord, ref: BlockRef, counts: XlBtreeDelvacuum): { deleted: number[]; updates: XlBtreeUpdate[] } {
  const view = record.view;
  const end = ref.dataAt + ref.dataLength;
  let at = ref.dataAt + (counts.ndeleted + counts.nupdated) * 2;
  if (at > end) throw new PageError(`${counts.ndeleted} deleted and ${counts.nupdated} updated items exceed the block's data`);
  const deleted: number[] = [];
  for (let i = 0; i < counts.ndeleted; i++) deleted.push(view.getUint16(ref.dataAt + i * 2, true));
  const updates: XlBtreeUpdate[] = [];
  const updatedAt = ref.dataAt + counts.ndeleted * 2;
  for (let i = 0; i < counts.nupdated; i++) {
    if (end - at < 2) throw new PageError("updated posting lists exceed the block's data");
    const ndeletedtids = view.getUint16(at, true);
    at += 2;
    if (end - at < ndeletedtids * 2) throw new PageError("updated posting lists exceed the block's data");
    const deletedTids: number[] = [];
    for (let p = 0; p < ndeletedtids; p++, at += 2) deletedTids.push(view.getUint16(at, true));
    updates.push({ offnum: view.getUint16(updatedAt + i * 2, true), deletedTids });
  }
  return { deleted, updates };
}

export interface XlBtreeMarkPageHalfdead {
  poffset: number;
  leafblk: number;
  leftblk: number;
  rightblk: number;
  topparent: number;
}

export function readXlBtreeMarkPageHalfdead(record: XLogRecord): XlBtreeMarkPageHalfdead {
  const view = record.view, at = mainData(record, 20, 'xl_btree_mark_page_halfdead');
  return {
    poffset: view.getUint16(at, true),
    leafblk: view.getUint32(at + 4, true),
    leftblk: view.getUint32(at + 8, true),
    rightblk: view.getUint32(at + 12, true),
    topparent: view.getUint32(at + 16, true),
  };
}

export interface XlBtreeUnlinkPage {
  leftsib: number;
  rightsib: number;
  /** 0 in 13, which does not log it. */
  level: number;
  safexidEpoch: number;
  /** btpo_xact in 13. */
  safexidXid: number;
  leafleftsib: number;
  leafrightsib: number;
  leaftopparent: number;
  /** What a page deleted by this record says in its opaque data: its flags, and its level (in 13 the deletion xid stands there). */
  deletedFlags: number;
  deletedLevel: number;
}

export function readXlBtreeUnlinkPage(record: XLogRecord): XlBtreeUnlinkPage {
  const { view, major } = record;
  if (major < FIRST_WITH_FULL_XID) {
    const at = mainData(record, 24, 'xl_btree_unlink_page');
    const xact = view.getUint32(at + 20, true);
    return {
      leftsib: view.getUint32(at, true),
      rightsib: view.getUint32(at + 4, true),
      level: 0,
      safexidEpoch: 0,
      safexidXid: xact,
      leafleftsib: view.getUint32(at + 8, true),
      leafrightsib: view.getUint32(at + 12, true),
      leaftopparent: view.getUint32(at + 16, true),
      deletedFlags: BTP_DELETED,
      deletedLevel: xact,
    };
  }
  const at = mainData(record, 36, 'xl_btree_unlink_page');
  const level = view.getUint32(at + 8, true);
  return {
    leftsib: view.getUint32(at, true),
    rightsib: view.getUint32(at + 4, true),
    level,
    safexidXid: view.getUint32(at + 16, true),
    safexidEpoch: view.getUint32(at + 20, true),
    leafleftsib: view.getUint32(at + 24, true),
    leafrightsib: view.getUint32(at + 28, true),
    leaftopparent: view.getUint32(at + 32, true),
    deletedFlags: BTP_DELETED | BTP_HAS_FULLXID | (level === 0 ? BTP_LEAF : 0),
    deletedLevel: level,
  };
}

/** xl_btree_newroot's level; the root's block number is block 0's. */
export function readXlBtreeNewrootLevel(record: XLogRecord): number {
  return record.view.getUint32(mainData(record, 8, 'xl_btree_newroot') + 4, true);
}
