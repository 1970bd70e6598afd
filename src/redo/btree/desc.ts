/**
 * What pg_waldump prints of a Btree record.
 * Follows btree_desc() and btree_identify(), access/rmgrdesc/nbtdesc.c, PG 13–18; the wording changed in 16.
 */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import * as xlog from './xlog.js';

const NAMES = [
  'INSERT_LEAF', 'INSERT_UPPER', 'INSERT_META', 'SPLIT_L', 'SPLIT_R', 'INSERT_POST', 'DEDUP', 'DELETE', 'UNLINK_PAGE',
  'UNLINK_PAGE_META', 'NEWROOT', 'MARK_PAGE_HALFDEAD', 'VACUUM', 'REUSE_PAGE', 'META_CLEANUP',
] as const;

export function btreeIdentify(info: number): string | undefined {
  return NAMES[info >> 4];
}

export function btreeDesc(record: XLogRecord): string {
  return record.major >= 16 ? desc16(record) : desc13(record);
}

/** 16–18: `name: value, name: value`. */
function desc16(record: XLogRecord): string {
  switch (record.rmgrInfo) {
    case xlog.XLOG_BTREE_INSERT_LEAF:
    case xlog.XLOG_BTREE_INSERT_UPPER:
    case xlog.XLOG_BTREE_INSERT_META:
    case xlog.XLOG_BTREE_INSERT_POST:
      return `off: ${xlog.readXlBtreeInsertOffnum(record)}`;
    case xlog.XLOG_BTREE_SPLIT_L:
    case xlog.XLOG_BTREE_SPLIT_R: {
      const r = xlog.readXlBtreeSplit(record);
      return `level: ${r.level}, firstrightoff: ${r.firstrightoff}, newitemoff: ${r.newitemoff}, postingoff: ${r.postingoff}`;
    }
    case xlog.XLOG_BTREE_DEDUP:
      return `nintervals: ${xlog.readXlBtreeDedupNintervals(record)}`;
    case xlog.XLOG_BTREE_VACUUM: {
      const r = xlog.readXlBtreeVacuum(record);
      return `ndeleted: ${r.ndeleted}, nupdated: ${r.nupdated}${delvacuumDesc(record, r)}`;
    }
    case xlog.XLOG_BTREE_DELETE: {
      const r = xlog.readXlBtreeDelete(record);
      return `snapshotConflictHorizon: ${r.snapshotConflictHorizon}, ndeleted: ${r.ndeleted}, nupdated: ${r.nupdated}`
        + `${isCatalogRel(record, r.isCatalogRel)}${delvacuumDesc(record, r)}`;
    }
    case xlog.XLOG_BTREE_MARK_PAGE_HALFDEAD: {
      const r = xlog.readXlBtreeMarkPageHalfdead(record);
      return `topparent: ${r.topparent}, leaf: ${r.leafblk}, left: ${r.leftblk}, right: ${r.rightblk}`;
    }
    case xlog.XLOG_BTREE_UNLINK_PAGE_META:
    case xlog.XLOG_BTREE_UNLINK_PAGE: {
      const r = xlog.readXlBtreeUnlinkPage(record);
      return `left: ${r.leftsib}, right: ${r.rightsib}, level: ${r.level}, safexid: ${r.safexidEpoch}:${r.safexidXid}, `
        + `leafleft: ${r.leafleftsib}, leafright: ${r.leafrightsib}, leaftopparent: ${r.leaftopparent}`;
    }
    case xlog.XLOG_BTREE_NEWROOT:
      return `level: ${xlog.readXlBtreeNewrootLevel(record)}`;
    case xlog.XLOG_BTREE_REUSE_PAGE: {
      const r = xlog.readXlBtreeReusePage(record);
      return `rel: ${r.spcOid}/${r.dbOid}/${r.relNumber}, snapshotConflictHorizon: ${r.snapshotConflictHorizonEpoch}:`
        + `${r.snapshotConflictHorizonXid}${isCatalogRel(record, r.isCatalogRel)}`;
    }
    case xlog.XLOG_BTREE_META_CLEANUP:
      return `last_cleanup_num_delpages: ${xlog.readXlBtreeMetadata(record, record.block(0)).last_cleanup_num_delpages}`;
    default:
      return '';
  }
}

/** Logged from 16 on, printed from 17 on. */
function isCatalogRel(record: XLogRecord, value: boolean): string {
  return record.major >= 17 ? `, isCatalogRel: ${value ? 'T' : 'F'}` : '';
}

/** delvacuum_desc(): nothing where an image took the data's place. */
function delvacuumDesc(record: XLogRecord, counts: xlog.XlBtreeDelvacuum): string {
  const ref = record.block(0);
  if (!ref?.hasData) return '';
  const { deleted, updates } = xlog.readDelvacuumArrays(record, ref, counts);
  const updated = updates.map((u) => `{ off: ${u.offnum}, nptids: ${u.deletedTids.length}, ptids: [${u.deletedTids.join(', ')}] }`);
  return `, deleted: [${deleted.join(', ')}], updated: [${updated.join(', ')}]`;
}

/** 13–15: `name value; name value`. */
function desc13(record: XLogRecord): string {
  switch (record.rmgrInfo) {
    case xlog.XLOG_BTREE_INSERT_LEAF:
    case xlog.XLOG_BTREE_INSERT_UPPER:
    case xlog.XLOG_BTREE_INSERT_META:
    case xlog.XLOG_BTREE_INSERT_POST:
      return `off ${xlog.readXlBtreeInsertOffnum(record)}`;
    case xlog.XLOG_BTREE_SPLIT_L:
    case xlog.XLOG_BTREE_SPLIT_R: {
      const r = xlog.readXlBtreeSplit(record);
      return `level ${r.level}, firstrightoff ${r.firstrightoff}, newitemoff ${r.newitemoff}, postingoff ${r.postingoff}`;
    }
    case xlog.XLOG_BTREE_DEDUP:
      return `nintervals ${xlog.readXlBtreeDedupNintervals(record)}`;
    case xlog.XLOG_BTREE_VACUUM: {
      const r = xlog.readXlBtreeVacuum(record);
      return `ndeleted ${r.ndeleted}; nupdated ${r.nupdated}`;
    }
    case xlog.XLOG_BTREE_DELETE: {
      const r = xlog.readXlBtreeDelete(record);
      const head = `latestRemovedXid ${r.snapshotConflictHorizon}; ndeleted ${r.ndeleted}`;
      return record.major >= 14 ? `${head}; nupdated ${r.nupdated}` : head;
    }
    case xlog.XLOG_BTREE_MARK_PAGE_HALFDEAD: {
      const r = xlog.readXlBtreeMarkPageHalfdead(record);
      return `topparent ${r.topparent}; leaf ${r.leafblk}; left ${r.leftblk}; right ${r.rightblk}`;
    }
    case xlog.XLOG_BTREE_UNLINK_PAGE_META:
    case xlog.XLOG_BTREE_UNLINK_PAGE: {
      const r = xlog.readXlBtreeUnlinkPage(record);
      const siblings = `left ${r.leftsib}; right ${r.rightsib}; `;
      const leaf = `leafleft ${r.leafleftsib}; leafright ${r.leafrightsib}; `;
      return record.major >= 14
        ? `${siblings}level ${r.level}; safexid ${r.safexidEpoch}:${r.safexidXid}; ${leaf}leaftopparent ${r.leaftopparent}`
        : `${siblings}btpo_xact ${r.safexidXid}; ${leaf}topparent ${r.leaftopparent}`;
    }
    case xlog.XLOG_BTREE_NEWROOT:
      return `lev ${xlog.readXlBtreeNewrootLevel(record)}`;
    case xlog.XLOG_BTREE_REUSE_PAGE: {
      const r = xlog.readXlBtreeReusePage(record);
      const epoch = record.major >= 14 ? `${r.snapshotConflictHorizonEpoch}:` : '';
      return `rel ${r.spcOid}/${r.dbOid}/${r.relNumber}; latestRemovedXid ${epoch}${r.snapshotConflictHorizonXid}`;
    }
    case xlog.XLOG_BTREE_META_CLEANUP: {
      const r = xlog.readXlBtreeMetadata(record, record.block(0));
      return record.major >= 14
        ? `last_cleanup_num_delpages ${r.last_cleanup_num_delpages}`
        : `oldest_btpo_xact ${r.last_cleanup_num_delpages}; last_cleanup_num_heap_tuples: ${r.last_cleanup_num_heap_tuples.toFixed(6)}`;
    }
    default:
      return '';
  }
}
