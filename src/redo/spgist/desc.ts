/**
 * How pg_waldump prints SP-GiST records. Follows access/rmgrdesc/spgdesc.c: 13 says little, 14 reworded all of it, 16 and 17 the redirects.
 */
import type { XLogRecord } from '../../pg/xlogRecord.js';
import {
  readSpgxlogAddLeaf, readSpgxlogAddNode, readSpgxlogMoveLeafs, readSpgxlogPickSplit, readSpgxlogSplitTuple, readSpgxlogVacuumLeaf,
  readSpgxlogVacuumRedirect, readSpgxlogVacuumRoot, XLOG_SPGIST_ADD_LEAF, XLOG_SPGIST_ADD_NODE, XLOG_SPGIST_MOVE_LEAFS,
  XLOG_SPGIST_PICKSPLIT, XLOG_SPGIST_SPLIT_TUPLE, XLOG_SPGIST_VACUUM_LEAF, XLOG_SPGIST_VACUUM_REDIRECT, XLOG_SPGIST_VACUUM_ROOT,
} from './xlog.js';

/** ` (name)` for each flag that is set. */
function flags(values: Record<string, boolean>): string {
  let text = '';
  for (const [name, set] of Object.entries(values)) if (set) text += ` (${name})`;
  return text;
}

/** spg_desc(): the text after the opcode's name. */
export function spgDesc(record: XLogRecord): string {
  return record.major === 13 ? spgDesc13(record) : spgDesc14(record);
}

function spgDesc13(record: XLogRecord): string {
  switch (record.rmgrInfo) {
    case XLOG_SPGIST_ADD_LEAF: {
      const r = readSpgxlogAddLeaf(record);
      return `add leaf to page; off ${r.offnumLeaf}; headoff ${r.offnumHeadLeaf}; parentoff ${r.offnumParent}`
        + flags({ newpage: r.newPage, nulls: r.storesNulls });
    }
    case XLOG_SPGIST_MOVE_LEAFS:
      return `${readSpgxlogMoveLeafs(record).nMoves} leafs`;
    case XLOG_SPGIST_ADD_NODE:
      return `off ${readSpgxlogAddNode(record).offnum}`;
    case XLOG_SPGIST_SPLIT_TUPLE: {
      const r = readSpgxlogSplitTuple(record);
      return `prefix off: ${r.offnumPrefix}, postfix off: ${r.offnumPostfix} (same ${Number(r.postfixBlkSame)}, new ${Number(r.newPage)})`;
    }
    case XLOG_SPGIST_PICKSPLIT: {
      const r = readSpgxlogPickSplit(record);
      return `ndel ${r.nDelete}; nins ${r.nInsert}${flags({ innerIsParent: r.innerIsParent, isRootSplit: r.isRootSplit })}`;
    }
    case XLOG_SPGIST_VACUUM_REDIRECT:
      return `newest XID ${readSpgxlogVacuumRedirect(record).snapshotConflictHorizon}`;
    default:
      return '';
  }
}

function spgDesc14(record: XLogRecord): string {
  switch (record.rmgrInfo) {
    case XLOG_SPGIST_ADD_LEAF: {
      const r = readSpgxlogAddLeaf(record);
      return `off: ${r.offnumLeaf}, headoff: ${r.offnumHeadLeaf}, parentoff: ${r.offnumParent}, nodeI: ${r.nodeI}`
        + flags({ newpage: r.newPage, nulls: r.storesNulls });
    }
    case XLOG_SPGIST_MOVE_LEAFS: {
      const r = readSpgxlogMoveLeafs(record);
      return `nmoves: ${r.nMoves}, parentoff: ${r.offnumParent}, nodeI: ${r.nodeI}`
        + flags({ newpage: r.newPage, replacedead: r.replaceDead, nulls: r.storesNulls });
    }
    case XLOG_SPGIST_ADD_NODE: {
      const r = readSpgxlogAddNode(record);
      return `off: ${r.offnum}, newoff: ${r.offnumNew}, parentBlk: ${r.parentBlk}, parentoff: ${r.offnumParent}, nodeI: ${r.nodeI}`
        + flags({ newpage: r.newPage });
    }
    case XLOG_SPGIST_SPLIT_TUPLE: {
      const r = readSpgxlogSplitTuple(record);
      return `prefixoff: ${r.offnumPrefix}, postfixoff: ${r.offnumPostfix}${flags({ newpage: r.newPage, same: r.postfixBlkSame })}`;
    }
    case XLOG_SPGIST_PICKSPLIT: {
      const r = readSpgxlogPickSplit(record);
      return `ndelete: ${r.nDelete}, ninsert: ${r.nInsert}, inneroff: ${r.offnumInner}, parentoff: ${r.offnumParent}, nodeI: ${r.nodeI}`
        + flags({ innerIsParent: r.innerIsParent, nulls: r.storesNulls, isRootSplit: r.isRootSplit });
    }
    case XLOG_SPGIST_VACUUM_LEAF: {
      const r = readSpgxlogVacuumLeaf(record);
      return `ndead: ${r.toDead.length}, nplaceholder: ${r.toPlaceholder.length}, nmove: ${r.moveSrc.length}, nchain: ${r.chainSrc.length}`;
    }
    case XLOG_SPGIST_VACUUM_ROOT:
      return `ndelete: ${readSpgxlogVacuumRoot(record).toDelete.length}`;
    case XLOG_SPGIST_VACUUM_REDIRECT: {
      const r = readSpgxlogVacuumRedirect(record);
      const head = `ntoplaceholder: ${r.itemToPlaceholder.length}, firstplaceholder: ${r.firstPlaceholder}, `;
      if (record.major < 16) return `${head}newestredirectxid: ${r.snapshotConflictHorizon}`;
      const horizon = `${head}snapshotConflictHorizon: ${r.snapshotConflictHorizon}`;
      return record.major < 17 ? horizon : `${horizon}, isCatalogRel: ${r.isCatalogRel ? 'T' : 'F'}`;
    }
    default:
      return '';
  }
}

const NAMES = new Map<number, string>([
  [XLOG_SPGIST_ADD_LEAF, 'ADD_LEAF'],
  [XLOG_SPGIST_MOVE_LEAFS, 'MOVE_LEAFS'],
  [XLOG_SPGIST_ADD_NODE, 'ADD_NODE'],
  [XLOG_SPGIST_SPLIT_TUPLE, 'SPLIT_TUPLE'],
  [XLOG_SPGIST_PICKSPLIT, 'PICKSPLIT'],
  [XLOG_SPGIST_VACUUM_LEAF, 'VACUUM_LEAF'],
  [XLOG_SPGIST_VACUUM_ROOT, 'VACUUM_ROOT'],
  [XLOG_SPGIST_VACUUM_REDIRECT, 'VACUUM_REDIRECT'],
]);

/** spg_identify() */
export function spgIdentify(info: number): string | undefined {
  return NAMES.get(info & 0xf0);
}
