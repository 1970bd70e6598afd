/**
 * What pg_waldump prints about Heap and Heap2 records. Follows access/rmgrdesc/heapdesc.c, PG 13–18: one style up to 15, another from 16 on.
 */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import type { PgMajor } from '../../pg/version.js';
import { arrayDesc, hexFlags } from '../descText.js';
import { mainData } from '../recordData.js';
import type { DescFunction, IdentifyFunction } from '../rmgr.js';
import { describeInvalidations } from '../standby/desc.js';
import { heap2DescOld, heapDescOld } from './descOld.js';
import {
  infobitNames, readXlHeapConfirm, readXlHeapDelete, readXlHeapInplace, readXlHeapInsert, readXlHeapLock, readXlHeapTruncate,
  readXlHeapUpdate, XLH_TRUNCATE_CASCADE, XLH_TRUNCATE_RESTART_SEQS, XLOG_HEAP_CONFIRM, XLOG_HEAP_DELETE, XLOG_HEAP_HOT_UPDATE,
  XLOG_HEAP_INIT_PAGE, XLOG_HEAP_INSERT, XLOG_HEAP_LOCK, XLOG_HEAP_OPMASK, XLOG_HEAP_TRUNCATE, XLOG_HEAP_UPDATE,
} from './xlog.js';
import {
  readXlHeapMultiInsert, readXlHeapNewCid, readXlHeapPrune, readXlHeapVisible, XLHP_HAS_CONFLICT_HORIZON, XLHP_IS_CATALOG_REL,
  XLOG_HEAP2_LOCK_UPDATED, XLOG_HEAP2_MULTI_INSERT, XLOG_HEAP2_NEW_CID, XLOG_HEAP2_REWRITE, XLOG_HEAP2_VISIBLE, type FreezePlan,
} from './xlog2.js';

/** infobits_desc() */
function infobitsDesc(infobits: number): string {
  return `[${infobitNames(infobits).join(', ')}]`;
}

/** offset_elem_desc() in array_desc() */
function offsetsDesc(record: XLogRecord, at: number, count: number): string {
  return arrayDesc(count, (i) => String(record.view.getUint16(at + i * 2, true)));
}

/** redirect_elem_desc() in array_desc() */
function redirectsDesc(record: XLogRecord, at: number, count: number): string {
  return arrayDesc(count, (i) => `${record.view.getUint16(at + i * 4, true)}->${record.view.getUint16(at + i * 4 + 2, true)}`);
}

/** plan_elem_desc() in array_desc() */
function plansDesc(record: XLogRecord, plans: readonly FreezePlan[]): string {
  return arrayDesc(plans.length, (i) => {
    const plan = plans[i]!;
    const offsets = offsetsDesc(record, plan.offsetsAt, plan.ntuples);
    return `{ xmax: ${plan.xmax}, infomask: ${plan.t_infomask}, infomask2: ${plan.t_infomask2}, ntuples: ${plan.ntuples}, offsets:${offsets} }`;
  });
}

function truncateDesc(record: XLogRecord): string {
  const { flags, relids } = readXlHeapTruncate(record);
  const names: string[] = [];
  if ((flags & XLH_TRUNCATE_CASCADE) !== 0) names.push('CASCADE');
  if ((flags & XLH_TRUNCATE_RESTART_SEQS) !== 0) names.push('RESTART_SEQS');
  return `flags: [${names.join(', ')}], nrelids: ${relids.length}, relids:${arrayDesc(relids.length, (i) => String(relids[i]))}`;
}

function lockDesc(record: XLogRecord): string {
  const { xmax, offnum, infobits_set, flags } = readXlHeapLock(record);
  return `xmax: ${xmax}, off: ${offnum}, infobits: ${infobitsDesc(infobits_set)}, flags: ${hexFlags(flags)}`;
}

function heapDescNew(record: XLogRecord): string {
  switch (record.info & XLOG_HEAP_OPMASK) {
    case XLOG_HEAP_INSERT: {
      const { offnum, flags } = readXlHeapInsert(record);
      return `off: ${offnum}, flags: ${hexFlags(flags)}`;
    }
    case XLOG_HEAP_DELETE: {
      const { xmax, offnum, infobits_set, flags } = readXlHeapDelete(record);
      return `xmax: ${xmax}, off: ${offnum}, infobits: ${infobitsDesc(infobits_set)}, flags: ${hexFlags(flags)}`;
    }
    case XLOG_HEAP_UPDATE:
    case XLOG_HEAP_HOT_UPDATE: {
      const x = readXlHeapUpdate(record);
      return `old_xmax: ${x.old_xmax}, old_off: ${x.old_offnum}, old_infobits: ${infobitsDesc(x.old_infobits_set)}, flags: ${hexFlags(x.flags)}`
        + `, new_xmax: ${x.new_xmax}, new_off: ${x.new_offnum}`;
    }
    case XLOG_HEAP_TRUNCATE: return truncateDesc(record);
    case XLOG_HEAP_CONFIRM: return `off: ${readXlHeapConfirm(record)}`;
    case XLOG_HEAP_LOCK: return lockDesc(record);
    default: { // XLOG_HEAP_INPLACE
      const x = readXlHeapInplace(record);
      return `off: ${x.offnum}${describeInvalidations(x.msgs, x.dbId, x.tsId, x.relcacheInitFileInval, record.major)}`;
    }
  }
}

/** 16: three record types, whose counts stand in the main data and whose items are printed where there is block data. */
function pruneDesc16(record: XLogRecord): string {
  const prune = readXlHeapPrune(record), view = record.view, hasData = record.block(0)?.hasData === true;
  const opcode = record.info & XLOG_HEAP_OPMASK;
  if (opcode === 0x10) {
    const at = mainData(record, 8, 'xl_heap_prune');
    const head = `snapshotConflictHorizon: ${prune.snapshotConflictHorizon}, nredirected: ${view.getUint16(at + 4, true)}, ndead: ${view.getUint16(at + 6, true)}`;
    if (!hasData) return head;
    return `${head}, nunused: ${prune.nunused}, redirected:${redirectsDesc(record, prune.redirectedAt, prune.nredirected)}`
      + `, dead:${offsetsDesc(record, prune.nowdeadAt, prune.ndead)}, unused:${offsetsDesc(record, prune.nowunusedAt, prune.nunused)}`;
  }
  if (opcode === 0x20) {
    const head = `nunused: ${view.getUint16(mainData(record, 2, 'xl_heap_vacuum'), true)}`;
    return hasData ? `${head}, unused:${offsetsDesc(record, prune.nowunusedAt, prune.nunused)}` : head;
  }
  const head = `snapshotConflictHorizon: ${prune.snapshotConflictHorizon}, nplans: ${view.getUint16(mainData(record, 6, 'xl_heap_freeze_page') + 4, true)}`;
  return hasData ? `${head}, plans:${plansDesc(record, prune.plans)}` : head;
}

/** 17 and later. */
function pruneDesc17(record: XLogRecord): string {
  const prune = readXlHeapPrune(record);
  let text = (prune.flags & XLHP_HAS_CONFLICT_HORIZON) !== 0 ? `snapshotConflictHorizon: ${prune.snapshotConflictHorizon}` : '';
  text += `, isCatalogRel: ${(prune.flags & XLHP_IS_CATALOG_REL) !== 0 ? 'T' : 'F'}`;
  if (record.block(0)?.hasData !== true) return text;
  text += `, nplans: ${prune.plans.length}, nredirected: ${prune.nredirected}, ndead: ${prune.ndead}, nunused: ${prune.nunused}`;
  if (prune.plans.length > 0) text += `, plans:${plansDesc(record, prune.plans)}`;
  if (prune.nredirected > 0) text += `, redirected:${redirectsDesc(record, prune.redirectedAt, prune.nredirected)}`;
  if (prune.ndead > 0) text += `, dead:${offsetsDesc(record, prune.nowdeadAt, prune.ndead)}`;
  if (prune.nunused > 0) text += `, unused:${offsetsDesc(record, prune.nowunusedAt, prune.nunused)}`;
  return text;
}

function multiInsertDesc(record: XLogRecord): string {
  const { flags, ntuples, offsetsAt } = readXlHeapMultiInsert(record);
  const head = `ntuples: ${ntuples}, flags: ${hexFlags(flags)}`;
  if (record.block(0)?.hasData !== true || (record.info & XLOG_HEAP_INIT_PAGE) !== 0) return head;
  return `${head}, offsets:${offsetsDesc(record, offsetsAt, ntuples)}`;
}

function heap2DescNew(record: XLogRecord, pruneDesc: DescFunction): string {
  switch (record.info & XLOG_HEAP_OPMASK) {
    case XLOG_HEAP2_REWRITE: return '';
    case XLOG_HEAP2_VISIBLE: {
      const { snapshotConflictHorizon, flags } = readXlHeapVisible(record);
      return `snapshotConflictHorizon: ${snapshotConflictHorizon}, flags: ${hexFlags(flags)}`;
    }
    case XLOG_HEAP2_MULTI_INSERT: return multiInsertDesc(record);
    case XLOG_HEAP2_LOCK_UPDATED: return lockDesc(record);
    case XLOG_HEAP2_NEW_CID: {
      const x = readXlHeapNewCid(record), rel = x.target;
      return `rel: ${rel.spcOid}/${rel.dbOid}/${rel.relNumber}, tid: ${x.block}/${x.offnum}, cmin: ${x.cmin}, cmax: ${x.cmax}, combo: ${x.combocid}`;
    }
    default: return pruneDesc(record);
  }
}

const heap2Desc16: DescFunction = (record) => heap2DescNew(record, pruneDesc16);
const heap2Desc17: DescFunction = (record) => heap2DescNew(record, pruneDesc17);

const HEAP_DESC: Record<PgMajor, DescFunction> = {
  13: heapDescOld, 14: heapDescOld, 15: heapDescOld, 16: heapDescNew, 17: heapDescNew, 18: heapDescNew,
};
const HEAP2_DESC: Record<PgMajor, DescFunction> = {
  13: heap2DescOld, 14: heap2DescOld, 15: heap2DescOld, 16: heap2Desc16, 17: heap2Desc17, 18: heap2Desc17,
};

/** heap_desc() of the record's major. */
export const heapDesc: DescFunction = (record) => HEAP_DESC[record.major](record);
/** heap2_desc() of the record's major. */
export const heap2Desc: DescFunction = (record) => HEAP2_DESC[record.major](record);

const HEAP_NAMES = ['INSERT', 'DELETE', 'UPDATE', 'TRUNCATE', 'HOT_UPDATE', 'HEAP_CONFIRM', 'LOCK', 'INPLACE'] as const;
const HEAP_INIT_NAMES: Record<number, string> = { 0: 'INSERT+INIT', 2: 'UPDATE+INIT', 4: 'HOT_UPDATE+INIT' };

const PRUNE_NAMES_14 = ['PRUNE', 'VACUUM', 'FREEZE_PAGE'] as const;
const PRUNE_NAMES_17 = ['PRUNE_ON_ACCESS', 'PRUNE_VACUUM_SCAN', 'PRUNE_VACUUM_CLEANUP'] as const;
const PRUNE_NAMES: Record<PgMajor, readonly [string, string, string]> = {
  13: ['CLEAN', 'FREEZE_PAGE', 'CLEANUP_INFO'],
  14: PRUNE_NAMES_14, 15: PRUNE_NAMES_14, 16: PRUNE_NAMES_14, 17: PRUNE_NAMES_17, 18: PRUNE_NAMES_17,
};
const HEAP2_NAMES = ['VISIBLE', 'MULTI_INSERT', 'LOCK_UPDATED', 'NEW_CID'] as const;

/** heap_identify() */
export const heapIdentify: IdentifyFunction = (info) => {
  const opcode = (info & XLOG_HEAP_OPMASK) >> 4;
  return (info & XLOG_HEAP_INIT_PAGE) !== 0 ? HEAP_INIT_NAMES[opcode] : HEAP_NAMES[opcode];
};

/** heap2_identify() */
export const heap2Identify: IdentifyFunction = (info, major) => {
  const opcode = (info & XLOG_HEAP_OPMASK) >> 4;
  if ((info & XLOG_HEAP_INIT_PAGE) !== 0) return opcode === XLOG_HEAP2_MULTI_INSERT >> 4 ? 'MULTI_INSERT+INIT' : undefined;
  if (opcode === 0) return 'REWRITE';
  return opcode <= 3 ? PRUNE_NAMES[major][opcode - 1] : HEAP2_NAMES[opcode - 4];
};
