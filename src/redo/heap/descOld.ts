/** The wording of heap_desc() and heap2_desc() up to PG 15 (access/rmgrdesc/heapdesc.c). Trailing blanks are PostgreSQL's. */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { hexFlags } from '../descText.js';
import { mainData } from '../recordData.js';
import {
  infobitNames, readXlHeapConfirm, readXlHeapDelete, readXlHeapInplace, readXlHeapInsert, readXlHeapLock, readXlHeapTruncate, readXlHeapUpdate,
  XLH_TRUNCATE_CASCADE, XLH_TRUNCATE_RESTART_SEQS, XLOG_HEAP_CONFIRM, XLOG_HEAP_DELETE, XLOG_HEAP_HOT_UPDATE, XLOG_HEAP_INSERT,
  XLOG_HEAP_LOCK, XLOG_HEAP_OPMASK, XLOG_HEAP_TRUNCATE, XLOG_HEAP_UPDATE,
} from './xlog.js';
import {
  readXlHeapMultiInsert, readXlHeapNewCid, readXlHeapPrune, readXlHeapVisible, XLOG_HEAP2_LOCK_UPDATED, XLOG_HEAP2_MULTI_INSERT,
  XLOG_HEAP2_NEW_CID, XLOG_HEAP2_REWRITE, XLOG_HEAP2_VISIBLE,
} from './xlog2.js';

/** out_infobits() */
function outInfobits(infobits: number): string {
  return infobitNames(infobits).map((name) => `${name} `).join('');
}

function truncateDesc(record: XLogRecord): string {
  const { flags, relids } = readXlHeapTruncate(record);
  return `${(flags & XLH_TRUNCATE_CASCADE) !== 0 ? 'cascade ' : ''}${(flags & XLH_TRUNCATE_RESTART_SEQS) !== 0 ? 'restart_seqs ' : ''}`
    + `nrelids ${relids.length} relids${relids.map((relid) => ` ${relid}`).join('')}`;
}

/** heap_desc() */
export function heapDescOld(record: XLogRecord): string {
  switch (record.info & XLOG_HEAP_OPMASK) {
    case XLOG_HEAP_INSERT: {
      const { offnum, flags } = readXlHeapInsert(record);
      return `off ${offnum} flags ${hexFlags(flags)}`;
    }
    case XLOG_HEAP_DELETE: {
      const { offnum, flags, infobits_set } = readXlHeapDelete(record);
      return `off ${offnum} flags ${hexFlags(flags)} ${outInfobits(infobits_set)}`;
    }
    case XLOG_HEAP_UPDATE:
    case XLOG_HEAP_HOT_UPDATE: {
      const x = readXlHeapUpdate(record);
      return `off ${x.old_offnum} xmax ${x.old_xmax} flags ${hexFlags(x.flags)} ${outInfobits(x.old_infobits_set)}; new off ${x.new_offnum} xmax ${x.new_xmax}`;
    }
    case XLOG_HEAP_TRUNCATE: return truncateDesc(record);
    case XLOG_HEAP_CONFIRM: return `off ${readXlHeapConfirm(record)}`;
    case XLOG_HEAP_LOCK: {
      const { xmax, offnum, infobits_set, flags } = readXlHeapLock(record);
      return `off ${offnum}: xid ${xmax}: flags ${hexFlags(flags)} ${outInfobits(infobits_set)}`;
    }
    default: return `off ${readXlHeapInplace(record).offnum}`; // XLOG_HEAP_INPLACE
  }
}

function freezePageDesc(record: XLogRecord): string {
  const at = mainData(record, 6, 'xl_heap_freeze_page');
  return `cutoff xid ${record.view.getUint32(at, true)} ntuples ${record.view.getUint16(at + 4, true)}`;
}

/** The prune family: 13 says less about other records than 14 and 15. */
function pruneDesc(record: XLogRecord): string {
  const opcode = record.info & XLOG_HEAP_OPMASK;
  if (record.major === 13) return opcode === 0x20 ? freezePageDesc(record) : `remxid ${readXlHeapPrune(record).snapshotConflictHorizon}`;
  if (opcode === 0x30) return freezePageDesc(record);
  const at = mainData(record, 2, 'xl_heap_vacuum'), view = record.view;
  if (opcode === 0x20) return `nunused ${view.getUint16(at, true)}`;
  mainData(record, 8, 'xl_heap_prune');
  return `latestRemovedXid ${view.getUint32(at, true)} nredirected ${view.getUint16(at + 4, true)} ndead ${view.getUint16(at + 6, true)}`;
}

/** heap2_desc() */
export function heap2DescOld(record: XLogRecord): string {
  switch (record.info & XLOG_HEAP_OPMASK) {
    case XLOG_HEAP2_REWRITE: return '';
    case XLOG_HEAP2_VISIBLE: {
      const { snapshotConflictHorizon, flags } = readXlHeapVisible(record);
      return `cutoff xid ${snapshotConflictHorizon} flags ${hexFlags(flags)}`;
    }
    case XLOG_HEAP2_MULTI_INSERT: {
      const { ntuples, flags } = readXlHeapMultiInsert(record);
      return `${ntuples} tuples flags ${hexFlags(flags)}`;
    }
    case XLOG_HEAP2_LOCK_UPDATED: {
      const { xmax, offnum, infobits_set, flags } = readXlHeapLock(record);
      return `off ${offnum}: xmax ${xmax}: flags ${hexFlags(flags)} ${outInfobits(infobits_set)}`;
    }
    case XLOG_HEAP2_NEW_CID: {
      const x = readXlHeapNewCid(record), rel = x.target;
      return `rel ${rel.spcOid}/${rel.dbOid}/${rel.relNumber}; tid ${x.block}/${x.offnum}; cmin: ${x.cmin}, cmax: ${x.cmax}, combo: ${x.combocid}`;
    }
    default: return pruneDesc(record);
  }
}
