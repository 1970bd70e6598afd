/** gin_desc() and gin_identify(), access/rmgrdesc/gindesc.c, PG 13–18. */
import { readBlockId, readItemPointerOffset } from '../../pg/itemPointer.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';
import type { DescFunction, IdentifyFunction } from '../rmgr.js';
import {
  GIN_INSERT_ISDATA, GIN_INSERT_ISLEAF, GIN_SEGMENT_ADDITEMS, GIN_SEGMENT_DELETE, GIN_SEGMENT_INSERT, GIN_SPLIT_ROOT,
  XLOG_GIN_CREATE_PTREE, XLOG_GIN_DELETE_LISTPAGE, XLOG_GIN_DELETE_PAGE, XLOG_GIN_INSERT, XLOG_GIN_INSERT_LISTPAGE, XLOG_GIN_SPLIT,
  XLOG_GIN_UPDATE_META_PAGE, XLOG_GIN_VACUUM_DATA_LEAF_PAGE, XLOG_GIN_VACUUM_PAGE,
  readGinSegmentActions, readGinxlogDeleteListPages, readGinxlogInsert, readGinxlogInsertDataInternal, readGinxlogInsertEntry, readGinxlogSplit,
} from './xlog.js';

const letter = (condition: boolean): string => (condition ? 'T' : 'F');

/** What stands in place of block 0's data where the record carries its image, else undefined. */
function imageText(record: XLogRecord): string | undefined {
  const ref = record.block(0);
  if (!ref?.hasImage) return undefined;
  return ref.applyImage ? ' (full page image)' : ' (full page image, for WAL verification)';
}

/** desc_recompress_leaf() */
function descRecompressLeaf(record: XLogRecord): string {
  const actions = readGinSegmentActions(record);
  let text = ` ${actions.length} segments:`;
  for (const { segno, action, nitems } of actions) {
    if (action === GIN_SEGMENT_ADDITEMS) text += ` ${segno} (add ${nitems} items)`;
    else if (action === GIN_SEGMENT_DELETE) text += ` ${segno} (delete)`;
    else text += ` ${segno} (${action === GIN_SEGMENT_INSERT ? 'insert' : 'replace'})`;
  }
  return text;
}

function descInsert(record: XLogRecord): string {
  const { flags, leftChildBlkno, rightChildBlkno } = readGinxlogInsert(record);
  const isData = (flags & GIN_INSERT_ISDATA) !== 0;
  const isLeaf = (flags & GIN_INSERT_ISLEAF) !== 0;
  let text = `isdata: ${letter(isData)} isleaf: ${letter(isLeaf)}`;
  if (!isLeaf) text += ` children: ${leftChildBlkno}/${rightChildBlkno}`;
  const image = imageText(record);
  if (image !== undefined) return text + image;
  if (!isData) return `${text} isdelete: ${letter(readGinxlogInsertEntry(record).isDelete)}`;
  if (isLeaf) return text + descRecompressLeaf(record);
  const at = readGinxlogInsertDataInternal(record).newitemAt;
  const { view } = record;
  return `${text} pitem: ${readBlockId(view, at)}-${readBlockId(view, at + 4)}/${readItemPointerOffset(view, at + 4)}`;
}

export const ginDesc: DescFunction = (record) => {
  switch (record.rmgrInfo) {
    case XLOG_GIN_INSERT:
      return descInsert(record);
    case XLOG_GIN_SPLIT: {
      const { flags } = readGinxlogSplit(record);
      return `isrootsplit: ${letter((flags & GIN_SPLIT_ROOT) !== 0)} isdata: ${letter((flags & GIN_INSERT_ISDATA) !== 0)} ` +
        `isleaf: ${letter((flags & GIN_INSERT_ISLEAF) !== 0)}`;
    }
    case XLOG_GIN_VACUUM_DATA_LEAF_PAGE:
      return imageText(record) ?? descRecompressLeaf(record);
    case XLOG_GIN_DELETE_LISTPAGE:
      return `ndeleted: ${readGinxlogDeleteListPages(record).ndeleted}`;
    default:
      return '';
  }
};

export const ginIdentify: IdentifyFunction = (info) => {
  switch (info & 0xf0) {
    case XLOG_GIN_CREATE_PTREE: return 'CREATE_PTREE';
    case XLOG_GIN_INSERT: return 'INSERT';
    case XLOG_GIN_SPLIT: return 'SPLIT';
    case XLOG_GIN_VACUUM_PAGE: return 'VACUUM_PAGE';
    case XLOG_GIN_VACUUM_DATA_LEAF_PAGE: return 'VACUUM_DATA_LEAF_PAGE';
    case XLOG_GIN_DELETE_PAGE: return 'DELETE_PAGE';
    case XLOG_GIN_UPDATE_META_PAGE: return 'UPDATE_META_PAGE';
    case XLOG_GIN_INSERT_LISTPAGE: return 'INSERT_LISTPAGE';
    case XLOG_GIN_DELETE_LISTPAGE: return 'DELETE_LISTPAGE';
    default: return undefined;
  }
};
