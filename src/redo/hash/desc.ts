/**
 * What pg_waldump prints of a Hash record.
 * Follows hash_desc() and hash_identify(), access/rmgrdesc/hashdesc.c, PG 13–18.
 */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import * as xlog from './xlog.js';

const NAMES = [
  'INIT_META_PAGE', 'INIT_BITMAP_PAGE', 'INSERT', 'ADD_OVFL_PAGE', 'SPLIT_ALLOCATE_PAGE', 'SPLIT_PAGE', 'SPLIT_COMPLETE',
  'MOVE_PAGE_CONTENTS', 'SQUEEZE_PAGE', 'DELETE', 'SPLIT_CLEANUP', 'UPDATE_META_PAGE', 'VACUUM_ONE_PAGE',
] as const;

export function hashIdentify(info: number): string | undefined {
  return NAMES[info >> 4];
}

const flag = (value: boolean): string => (value ? 'T' : 'F');

/** C's `%g`: six significant digits, no trailing zeros, an exponent below -4 and from 6 on. */
function formatG(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa, exponent] = value.toExponential(5).split('e') as [string, string];
  const power = Number(exponent);
  const trim = (digits: string): string => (digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits);
  if (power >= -4 && power < 6) return trim(value.toFixed(5 - power));
  return `${trim(mantissa)}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

export function hashDesc(record: XLogRecord): string {
  switch (record.rmgrInfo) {
    case xlog.XLOG_HASH_INIT_META_PAGE: {
      const r = xlog.readXlHashInitMetaPage(record);
      return `num_tuples ${formatG(r.num_tuples)}, fillfactor ${r.ffactor}`;
    }
    case xlog.XLOG_HASH_INIT_BITMAP_PAGE:
      return `bmsize ${xlog.readXlHashInitBitmapPageBmsize(record)}`;
    case xlog.XLOG_HASH_INSERT:
      return `off ${xlog.readXlHashInsertOffnum(record)}`;
    case xlog.XLOG_HASH_ADD_OVFL_PAGE: {
      const r = xlog.readXlHashAddOvflPage(record);
      return `bmsize ${r.bmsize}, bmpage_found ${flag(r.bmpage_found)}`;
    }
    case xlog.XLOG_HASH_SPLIT_ALLOCATE_PAGE: {
      const r = xlog.readXlHashSplitAllocatePage(record);
      return `new_bucket ${r.new_bucket}, meta_page_masks_updated ${flag((r.flags & xlog.XLH_SPLIT_META_UPDATE_MASKS) !== 0)}, `
        + `issplitpoint_changed ${flag((r.flags & xlog.XLH_SPLIT_META_UPDATE_SPLITPOINT) !== 0)}`;
    }
    case xlog.XLOG_HASH_SPLIT_COMPLETE: {
      const r = xlog.readXlHashSplitComplete(record);
      return `old_bucket_flag ${r.old_bucket_flag}, new_bucket_flag ${r.new_bucket_flag}`;
    }
    case xlog.XLOG_HASH_MOVE_PAGE_CONTENTS: {
      const r = xlog.readXlHashMovePageContents(record);
      return `ntups ${r.ntups}, is_primary ${flag(r.is_prim_bucket_same_wrt)}`;
    }
    case xlog.XLOG_HASH_SQUEEZE_PAGE: {
      const r = xlog.readXlHashSqueezePage(record);
      return `prevblkno ${r.prevblkno}, nextblkno ${r.nextblkno}, ntups ${r.ntups}, is_primary ${flag(r.is_prim_bucket_same_wrt)}`;
    }
    case xlog.XLOG_HASH_DELETE: {
      const r = xlog.readXlHashDelete(record);
      return `clear_dead_marking ${flag(r.clear_dead_marking)}, is_primary ${flag(r.is_primary_bucket_page)}`;
    }
    case xlog.XLOG_HASH_UPDATE_META_PAGE:
      return `ntuples ${formatG(xlog.readXlHashUpdateMetaPageNtuples(record))}`;
    case xlog.XLOG_HASH_VACUUM_ONE_PAGE:
      return vacuumOnePageDesc(record);
    default:
      return '';
  }
}

/** Its wording changed in 14, 16 and 17. */
function vacuumOnePageDesc(record: XLogRecord): string {
  const r = xlog.readXlHashVacuumOnePage(record);
  if (record.major === 13) return `ntuples ${r.ntuples}, latest removed xid ${r.snapshotConflictHorizon}`;
  if (record.major < 16) return `ntuples ${r.ntuples}, latestRemovedXid ${r.snapshotConflictHorizon}`;
  const text = `ntuples ${r.ntuples}, snapshotConflictHorizon ${r.snapshotConflictHorizon}`;
  return record.major === 16 ? text : `${text}, isCatalogRel ${flag(r.isCatalogRel)}`;
}
