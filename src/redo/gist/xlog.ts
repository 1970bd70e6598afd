/**
 * GiST's WAL records (access/gistxlog.h, PG 13–18), normalised to the newest shape.
 *
 * What moved: 16 renamed latestRemovedXid to snapshotConflictHorizon and added isCatalogRel, so DELETE's offsets begin at byte 8
 * rather than 6, and PAGE_REUSE ends one byte later. All else is as it was in 13.
 */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { readLsn, type Lsn } from '../../util/lsn.js';
import { mainData } from '../recordData.js';

export const XLOG_GIST_PAGE_UPDATE = 0x00;
export const XLOG_GIST_DELETE = 0x10;
export const XLOG_GIST_PAGE_REUSE = 0x20;
export const XLOG_GIST_PAGE_SPLIT = 0x30;
export const XLOG_GIST_PAGE_DELETE = 0x60;
export const XLOG_GIST_ASSIGN_LSN = 0x70;

/** Block 0: the page. Block 1: the left half of a split that this completes. Block 0's data: `ntodelete` offsets, then tuples. */
export interface GistxlogPageUpdate {
  ntodelete: number;
  ntoinsert: number;
}

export function readGistxlogPageUpdate(record: XLogRecord): GistxlogPageUpdate {
  const at = mainData(record, 4, 'gistxlogPageUpdate');
  return { ntodelete: record.view.getUint16(at, true), ntoinsert: record.view.getUint16(at + 2, true) };
}

/** Block 0: a leaf that loses dead tuples. */
export interface GistxlogDelete {
  snapshotConflictHorizon: number;
  ntodelete: number;
  /** False before 16, which did not record it. */
  isCatalogRel: boolean;
  offsets: number[];
}

export function readGistxlogDelete(record: XLogRecord): GistxlogDelete {
  const { view } = record;
  const hasCatalogFlag = record.major >= 16;
  const size = hasCatalogFlag ? 8 : 6;
  const at = mainData(record, size, 'gistxlogDelete');
  const ntodelete = view.getUint16(at + 4, true);
  mainData(record, size + ntodelete * 2, 'gistxlogDelete');
  const offsets: number[] = [];
  for (let i = 0; i < ntodelete; i++) offsets.push(view.getUint16(at + size + i * 2, true));
  return {
    snapshotConflictHorizon: view.getUint32(at, true),
    ntodelete,
    isCatalogRel: hasCatalogFlag && view.getUint8(at + 6) !== 0,
    offsets,
  };
}

/** No block: a conflict point for standbys alone. */
export interface GistxlogPageReuse {
  spcOid: number;
  dbOid: number;
  relNumber: number;
  block: number;
  snapshotConflictHorizonEpoch: number;
  snapshotConflictHorizonXid: number;
  isCatalogRel: boolean;
}

export function readGistxlogPageReuse(record: XLogRecord): GistxlogPageReuse {
  const { view } = record;
  const hasCatalogFlag = record.major >= 16;
  const at = mainData(record, hasCatalogFlag ? 25 : 24, 'gistxlogPageReuse');
  return {
    spcOid: view.getUint32(at, true),
    dbOid: view.getUint32(at + 4, true),
    relNumber: view.getUint32(at + 8, true),
    block: view.getUint32(at + 12, true),
    snapshotConflictHorizonXid: view.getUint32(at + 16, true),
    snapshotConflictHorizonEpoch: view.getUint32(at + 20, true),
    isCatalogRel: hasCatalogFlag && view.getUint8(at + 24) !== 0,
  };
}

/** Block 0: the left half of an earlier split that this completes, if any. Blocks 1…npage: the parts, the original page first. */
export interface GistxlogPageSplit {
  origrlink: number;
  orignsn: Lsn;
  origleaf: boolean;
  npage: number;
  markfollowright: boolean;
}

export function readGistxlogPageSplit(record: XLogRecord): GistxlogPageSplit {
  const { view } = record;
  const at = mainData(record, 24, 'gistxlogPageSplit');
  return {
    origrlink: view.getUint32(at, true),
    orignsn: readLsn(view, at + 8),
    origleaf: view.getUint8(at + 16) !== 0,
    npage: view.getUint16(at + 18, true),
    markfollowright: view.getUint8(at + 20) !== 0,
  };
}

/** Block 0: the deleted leaf. Block 1: its parent, which loses the downlink. */
export interface GistxlogPageDelete {
  deleteXid: bigint;
  downlinkOffset: number;
}

export function readGistxlogPageDelete(record: XLogRecord): GistxlogPageDelete {
  const at = mainData(record, 10, 'gistxlogPageDelete');
  return { deleteXid: record.view.getBigUint64(at, true), downlinkOffset: record.view.getUint16(at + 8, true) };
}
