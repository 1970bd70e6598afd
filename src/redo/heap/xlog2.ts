/**
 * Layouts of the Heap2 manager's records: access/heapam_xlog.h, PG 13–18.
 * The prune family had three shapes (13; 14–16; 17 and later) and frozen tuples two (13–15: one by one; 16 and later: plans);
 * all of them are read into the newest, XlHeapPrune.
 */
import { readBlockId, readItemPointerOffset } from '../../pg/itemPointer.js';
import type { RelFileLocator } from '../../pg/relFileLocator.js';
import type { BlockRef, XLogRecord } from '../../pg/xlogRecord.js';
import { inputError } from '../../util/errors.js';
import { formatLsn } from '../../util/lsn.js';
import type { PgMajor } from '../../pg/version.js';
import { blockTag, mainData } from '../recordData.js';
import { XLOG_HEAP_INIT_PAGE, XLOG_HEAP_OPMASK } from './xlog.js';

export const XLOG_HEAP2_REWRITE = 0x00;
/** 0x10–0x30: CLEAN, FREEZE_PAGE, CLEANUP_INFO (13); PRUNE, VACUUM, FREEZE_PAGE (14–16); PRUNE_ON_ACCESS, _VACUUM_SCAN, _VACUUM_CLEANUP (17 on). */
export const XLOG_HEAP2_PRUNE_FIRST = 0x10;
export const XLOG_HEAP2_PRUNE_LAST = 0x30;
export const XLOG_HEAP2_VISIBLE = 0x40;
export const XLOG_HEAP2_MULTI_INSERT = 0x50;
export const XLOG_HEAP2_LOCK_UPDATED = 0x60;
export const XLOG_HEAP2_NEW_CID = 0x70;

export const XLHP_IS_CATALOG_REL = 0x02;
export const XLHP_CLEANUP_LOCK = 0x04;
export const XLHP_HAS_CONFLICT_HORIZON = 0x08;
export const XLHP_HAS_FREEZE_PLANS = 0x10;
export const XLHP_HAS_REDIRECTIONS = 0x20;
export const XLHP_HAS_DEAD_ITEMS = 0x40;
export const XLHP_HAS_NOW_UNUSED_ITEMS = 0x80;

export const XLH_FREEZE_XVAC = 0x02;
export const XLH_INVALID_XVAC = 0x04;

/** xlhp_freeze_plan: what becomes of the tuples at `ntuples` offset numbers from byte `offsetsAt` on. */
export interface FreezePlan {
  xmax: number; t_infomask2: number; t_infomask: number; frzflags: number; ntuples: number; offsetsAt: number;
}

/** xl_heap_prune of 17 with what its block data holds. `…At`: bytes in the record's view at which OffsetNumbers stand. */
export interface XlHeapPrune {
  flags: number;
  snapshotConflictHorizon: number;
  plans: FreezePlan[];
  /** Pairs: from, to. */
  nredirected: number; redirectedAt: number;
  ndead: number; nowdeadAt: number;
  nunused: number; nowunusedAt: number;
}

const SIZE_OF_FREEZE_PLAN = 12;

function emptyPrune(flags: number, snapshotConflictHorizon: number): XlHeapPrune {
  return { flags, snapshotConflictHorizon, plans: [], nredirected: 0, redirectedAt: 0, ndead: 0, nowdeadAt: 0, nunused: 0, nowunusedAt: 0 };
}

/** Block 0's data must reach to `at`. */
function checkBlockData(record: XLogRecord, ref: BlockRef, at: number): void {
  if (at <= ref.dataAt + ref.dataLength) return;
  throw inputError('wal.record_data', `block data of ${ref.dataLength} bytes is too short in the record at ${formatLsn(record.lsn)}`, { lsn: formatLsn(record.lsn) });
}

/** xl_heap_clean (13) and xl_heap_prune (14–16): redirections, then dead, then unused items to the end of the data. */
function readPrune13(record: XLogRecord): XlHeapPrune {
  const at = mainData(record, 8, 'xl_heap_prune'), view = record.view, ref = blockTag(record, 0);
  const prune = emptyPrune(XLHP_CLEANUP_LOCK | XLHP_HAS_CONFLICT_HORIZON, view.getUint32(at, true));
  if (!ref.hasData) return prune;
  prune.nredirected = view.getUint16(at + 4, true);
  prune.ndead = view.getUint16(at + 6, true);
  prune.redirectedAt = ref.dataAt;
  prune.nowdeadAt = prune.redirectedAt + prune.nredirected * 4;
  prune.nowunusedAt = prune.nowdeadAt + prune.ndead * 2;
  checkBlockData(record, ref, prune.nowunusedAt);
  prune.nunused = (ref.dataAt + ref.dataLength - prune.nowunusedAt) >> 1;
  return prune;
}

/** xl_heap_vacuum (14–16): dead items become unused; no tuple moves. */
function readVacuum14(record: XLogRecord): XlHeapPrune {
  const at = mainData(record, 2, 'xl_heap_vacuum'), ref = blockTag(record, 0);
  const prune = emptyPrune(0, 0);
  if (!ref.hasData) return prune;
  prune.nunused = record.view.getUint16(at, true);
  prune.nowunusedAt = ref.dataAt;
  checkBlockData(record, ref, prune.nowunusedAt + prune.nunused * 2);
  return prune;
}

/** xl_heap_freeze_page (13–15): xl_heap_freeze_tuples, each with its own offset number: plans for one tuple each. */
function readFreezePage13(record: XLogRecord): XlHeapPrune {
  const at = mainData(record, 6, 'xl_heap_freeze_page'), view = record.view, ref = blockTag(record, 0);
  const prune = emptyPrune(XLHP_HAS_CONFLICT_HORIZON, view.getUint32(at, true));
  if (!ref.hasData) return prune;
  const ntuples = view.getUint16(at + 4, true);
  checkBlockData(record, ref, ref.dataAt + ntuples * SIZE_OF_FREEZE_PLAN);
  for (let i = 0, p = ref.dataAt; i < ntuples; i++, p += SIZE_OF_FREEZE_PLAN) {
    prune.plans.push({
      xmax: view.getUint32(p, true), offsetsAt: p + 4, ntuples: 1,
      t_infomask2: view.getUint16(p + 6, true), t_infomask: view.getUint16(p + 8, true), frzflags: view.getUint8(p + 10),
    });
  }
  return prune;
}

/** xl_heap_freeze_page (16): plans, then all offset numbers. */
function readFreezePage16(record: XLogRecord): XlHeapPrune {
  const at = mainData(record, 7, 'xl_heap_freeze_page'), view = record.view, ref = blockTag(record, 0);
  const prune = emptyPrune(XLHP_HAS_CONFLICT_HORIZON | XLHP_HAS_FREEZE_PLANS, view.getUint32(at, true));
  if (!ref.hasData) return prune;
  const nplans = view.getUint16(at + 4, true);
  readPlans(record, prune, ref.dataAt, nplans, ref.dataAt + nplans * SIZE_OF_FREEZE_PLAN);
  return prune;
}

function readPlans(record: XLogRecord, prune: XlHeapPrune, plansAt: number, nplans: number, offsetsAt: number): void {
  const view = record.view, ref = blockTag(record, 0);
  checkBlockData(record, ref, plansAt + nplans * SIZE_OF_FREEZE_PLAN);
  for (let i = 0, p = plansAt; i < nplans; i++, p += SIZE_OF_FREEZE_PLAN) {
    const ntuples = view.getUint16(p + 10, true);
    prune.plans.push({
      xmax: view.getUint32(p, true), t_infomask2: view.getUint16(p + 4, true), t_infomask: view.getUint16(p + 6, true),
      frzflags: view.getUint8(p + 8), ntuples, offsetsAt,
    });
    offsetsAt += ntuples * 2;
  }
  checkBlockData(record, ref, offsetsAt);
}

/** xl_heap_prune (17 on) and heap_xlog_deserialize_prune_and_freeze(). */
function readPrune17(record: XLogRecord): XlHeapPrune {
  const at = mainData(record, 2, 'xl_heap_prune'), view = record.view, ref = blockTag(record, 0);
  const flags = view.getUint8(at + 1);
  const horizon = (flags & XLHP_HAS_CONFLICT_HORIZON) !== 0 ? view.getUint32(mainData(record, 6, 'xl_heap_prune') + 2, true) : 0;
  const prune = emptyPrune(flags, horizon);
  if (!ref.hasData) return prune;
  let cursor = ref.dataAt, nplans = 0;
  if ((flags & XLHP_HAS_FREEZE_PLANS) !== 0) {
    checkBlockData(record, ref, cursor + 4);
    nplans = view.getUint16(cursor, true);
    cursor += 4 + nplans * SIZE_OF_FREEZE_PLAN;
  }
  if ((flags & XLHP_HAS_REDIRECTIONS) !== 0) {
    checkBlockData(record, ref, cursor + 2);
    prune.nredirected = view.getUint16(cursor, true);
    prune.redirectedAt = cursor + 2;
    cursor += 2 + prune.nredirected * 4;
  }
  if ((flags & XLHP_HAS_DEAD_ITEMS) !== 0) {
    checkBlockData(record, ref, cursor + 2);
    prune.ndead = view.getUint16(cursor, true);
    prune.nowdeadAt = cursor + 2;
    cursor += 2 + prune.ndead * 2;
  }
  if ((flags & XLHP_HAS_NOW_UNUSED_ITEMS) !== 0) {
    checkBlockData(record, ref, cursor + 2);
    prune.nunused = view.getUint16(cursor, true);
    prune.nowunusedAt = cursor + 2;
    cursor += 2 + prune.nunused * 2;
  }
  checkBlockData(record, ref, cursor);
  if (nplans > 0) readPlans(record, prune, ref.dataAt + 4, nplans, cursor);
  return prune;
}

/** xl_heap_cleanup_info (13): a horizon for standbys, without a block. */
function readCleanupInfo13(record: XLogRecord): XlHeapPrune {
  return emptyPrune(XLHP_HAS_CONFLICT_HORIZON, record.view.getUint32(mainData(record, 16, 'xl_heap_cleanup_info') + 12, true));
}

type PruneReaders = readonly [((record: XLogRecord) => XlHeapPrune), ((record: XLogRecord) => XlHeapPrune), ((record: XLogRecord) => XlHeapPrune)];
const PRUNE_14: PruneReaders = [readPrune13, readVacuum14, readFreezePage13];
const PRUNE_17: PruneReaders = [readPrune17, readPrune17, readPrune17];
/** The readers of opcodes 0x10, 0x20 and 0x30. */
const PRUNE_READERS: Record<PgMajor, PruneReaders> = {
  13: [readPrune13, readFreezePage13, readCleanupInfo13],
  14: PRUNE_14, 15: PRUNE_14, 16: [readPrune13, readVacuum14, readFreezePage16],
  17: PRUNE_17, 18: PRUNE_17,
};

/** Any record of the prune family (opcodes 0x10–0x30) of any major. No items where the block came as an image alone. */
export function readXlHeapPrune(record: XLogRecord): XlHeapPrune {
  return PRUNE_READERS[record.major][((record.info & XLOG_HEAP_OPMASK) >> 4) - 1]!(record);
}

/** xl_heap_visible: cutoff_xid was renamed to snapshotConflictHorizon in 16. */
export interface XlHeapVisible { snapshotConflictHorizon: number; flags: number }

/** xl_heap_visible of any major. */
export function readXlHeapVisible(record: XLogRecord): XlHeapVisible {
  const at = mainData(record, 5, 'xl_heap_visible');
  return { snapshotConflictHorizon: record.view.getUint32(at, true), flags: record.view.getUint8(at + 4) };
}

/** SizeOfMultiInsertTuple */
export const SIZE_OF_MULTI_INSERT_TUPLE = 7;

/** xl_heap_multi_insert. `offsetsAt`: where the offset numbers stand; there are none where the page is initialised. */
export interface XlHeapMultiInsert { flags: number; ntuples: number; offsetsAt: number }

/** xl_heap_multi_insert of any major. */
export function readXlHeapMultiInsert(record: XLogRecord): XlHeapMultiInsert {
  const at = mainData(record, 4, 'xl_heap_multi_insert');
  const ntuples = record.view.getUint16(at + 2, true);
  if ((record.info & XLOG_HEAP_INIT_PAGE) === 0) mainData(record, 4 + ntuples * 2, 'xl_heap_multi_insert');
  return { flags: record.view.getUint8(at), ntuples, offsetsAt: at + 4 };
}

/** xl_heap_new_cid: command ids of a catalog tuple, for logical decoding. */
export interface XlHeapNewCid {
  top_xid: number; cmin: number; cmax: number; combocid: number; target: RelFileLocator; block: number; offnum: number;
}

/** xl_heap_new_cid of any major. */
export function readXlHeapNewCid(record: XLogRecord): XlHeapNewCid {
  const at = mainData(record, 34, 'xl_heap_new_cid'), view = record.view;
  return {
    top_xid: view.getUint32(at, true), cmin: view.getUint32(at + 4, true), cmax: view.getUint32(at + 8, true), combocid: view.getUint32(at + 12, true),
    target: { spcOid: view.getUint32(at + 16, true), dbOid: view.getUint32(at + 20, true), relNumber: view.getUint32(at + 24, true) },
    block: readBlockId(view, at + 28), offnum: readItemPointerOffset(view, at + 28),
  };
}
