/** gist_desc() and gist_identify(), access/rmgrdesc/gistdesc.c, PG 13–18. */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import type { DescFunction, IdentifyFunction } from '../rmgr.js';
import {
  XLOG_GIST_ASSIGN_LSN, XLOG_GIST_DELETE, XLOG_GIST_PAGE_DELETE, XLOG_GIST_PAGE_REUSE, XLOG_GIST_PAGE_SPLIT, XLOG_GIST_PAGE_UPDATE,
  readGistxlogDelete, readGistxlogPageDelete, readGistxlogPageReuse, readGistxlogPageSplit,
} from './xlog.js';

/** 16 renamed the field and 17 prints isCatalogRel, which 16 records silently. */
const horizonName = (record: XLogRecord): string => (record.major >= 16 ? 'snapshotConflictHorizon' : 'latestRemovedXid');
const catalogSuffix = (record: XLogRecord, isCatalogRel: boolean): string =>
  record.major >= 17 ? `, isCatalogRel ${isCatalogRel ? 'T' : 'F'}` : '';

export const gistDesc: DescFunction = (record) => {
  switch (record.rmgrInfo) {
    case XLOG_GIST_PAGE_REUSE: {
      const xlrec = readGistxlogPageReuse(record);
      return `rel ${xlrec.spcOid}/${xlrec.dbOid}/${xlrec.relNumber}; blk ${xlrec.block}; ${horizonName(record)} ` +
        `${xlrec.snapshotConflictHorizonEpoch}:${xlrec.snapshotConflictHorizonXid}${catalogSuffix(record, xlrec.isCatalogRel)}`;
    }
    case XLOG_GIST_DELETE: {
      const xlrec = readGistxlogDelete(record);
      return `delete: ${horizonName(record)} ${xlrec.snapshotConflictHorizon}, nitems: ${xlrec.ntodelete}${catalogSuffix(record, xlrec.isCatalogRel)}`;
    }
    case XLOG_GIST_PAGE_SPLIT:
      return `page_split: splits to ${readGistxlogPageSplit(record).npage} pages`;
    case XLOG_GIST_PAGE_DELETE: {
      const xlrec = readGistxlogPageDelete(record);
      return `deleteXid ${xlrec.deleteXid >> 32n}:${xlrec.deleteXid & 0xffffffffn}; downlink ${xlrec.downlinkOffset}`;
    }
    default:
      return '';
  }
};

export const gistIdentify: IdentifyFunction = (info) => {
  switch (info & 0xf0) {
    case XLOG_GIST_PAGE_UPDATE: return 'PAGE_UPDATE';
    case XLOG_GIST_DELETE: return 'DELETE';
    case XLOG_GIST_PAGE_REUSE: return 'PAGE_REUSE';
    case XLOG_GIST_PAGE_SPLIT: return 'PAGE_SPLIT';
    case XLOG_GIST_PAGE_DELETE: return 'PAGE_DELETE';
    case XLOG_GIST_ASSIGN_LSN: return 'ASSIGN_LSN';
    default: return undefined;
  }
};
