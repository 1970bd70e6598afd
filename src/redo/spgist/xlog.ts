/**
 * SP-GiST's WAL records. Layout: access/spgxlog.h, PG 13–18; only the vacuum of redirects changed its layout (16).
 * Tuples in the main data are unaligned: `…At` are offsets into the record's view.
 */
import type { SpGistRedoState } from '../../pg/spgist.js';
import type { XLogRecord } from '../../pg/xlogRecord.js';
import { mainData } from '../recordData.js';

export const XLOG_SPGIST_ADD_LEAF = 0x10;
export const XLOG_SPGIST_MOVE_LEAFS = 0x20;
export const XLOG_SPGIST_ADD_NODE = 0x30;
export const XLOG_SPGIST_SPLIT_TUPLE = 0x40;
export const XLOG_SPGIST_PICKSPLIT = 0x50;
export const XLOG_SPGIST_VACUUM_LEAF = 0x60;
export const XLOG_SPGIST_VACUUM_ROOT = 0x70;
export const XLOG_SPGIST_VACUUM_REDIRECT = 0x80;

const SIZE_OF_ADD_LEAF = 10;
const SIZE_OF_MOVE_LEAFS = 20;
const SIZE_OF_ADD_NODE = 20;
const SIZE_OF_SPLIT_TUPLE = 6;
const SIZE_OF_PICK_SPLIT = 28;
const SIZE_OF_VACUUM_LEAF = 16;
const SIZE_OF_VACUUM_ROOT = 12;

/** spgxlogState; redirectXid was named myXid before 17, and is the deleting transaction in both. */
function readSpgxlogState(view: DataView, at: number): SpGistRedoState {
  return { redirectXid: view.getUint32(at, true), isBuild: view.getUint8(at + 4) !== 0 };
}

function readOffsets(view: DataView, at: number, count: number): number[] {
  const offsets = new Array<number>(count);
  for (let i = 0; i < count; i++) offsets[i] = view.getUint16(at + i * 2, true);
  return offsets;
}

/** spgxlogAddLeaf. Block 0: the leaf page; block 1: the parent page, if any. */
export interface SpgxlogAddLeaf {
  newPage: boolean;
  storesNulls: boolean;
  offnumLeaf: number;
  /** 0: there is no chain; the same as offnumLeaf: a DEAD tuple is replaced. */
  offnumHeadLeaf: number;
  /** 0: there is no parent. */
  offnumParent: number;
  nodeI: number;
  leafTupleAt: number;
}

export function readSpgxlogAddLeaf(record: XLogRecord): SpgxlogAddLeaf {
  const at = mainData(record, SIZE_OF_ADD_LEAF, 'spgxlogAddLeaf');
  const view = record.view;
  return {
    newPage: view.getUint8(at) !== 0,
    storesNulls: view.getUint8(at + 1) !== 0,
    offnumLeaf: view.getUint16(at + 2, true),
    offnumHeadLeaf: view.getUint16(at + 4, true),
    offnumParent: view.getUint16(at + 6, true),
    nodeI: view.getUint16(at + 8, true),
    leafTupleAt: at + SIZE_OF_ADD_LEAF,
  };
}

/** spgxlogMoveLeafs. Block 0: the source leaf page; block 1: the destination leaf page; block 2: the parent page. */
export interface SpgxlogMoveLeafs {
  nMoves: number;
  newPage: boolean;
  replaceDead: boolean;
  storesNulls: boolean;
  offnumParent: number;
  nodeI: number;
  stateSrc: SpGistRedoState;
  toDelete: number[];
  /** One more than toDelete; one alone where a DEAD tuple is replaced, which is not copied. */
  toInsert: number[];
  leafTuplesAt: number;
}

export function readSpgxlogMoveLeafs(record: XLogRecord): SpgxlogMoveLeafs {
  let at = mainData(record, SIZE_OF_MOVE_LEAFS, 'spgxlogMoveLeafs');
  const view = record.view;
  const nMoves = view.getUint16(at, true);
  const replaceDead = view.getUint8(at + 3) !== 0;
  const nInsert = replaceDead ? 1 : nMoves + 1;
  at = mainData(record, SIZE_OF_MOVE_LEAFS + 2 * (nMoves + nInsert), 'spgxlogMoveLeafs with its offsets');
  const offsetsAt = at + SIZE_OF_MOVE_LEAFS;
  return {
    nMoves,
    newPage: view.getUint8(at + 2) !== 0,
    replaceDead,
    storesNulls: view.getUint8(at + 4) !== 0,
    offnumParent: view.getUint16(at + 6, true),
    nodeI: view.getUint16(at + 8, true),
    stateSrc: readSpgxlogState(view, at + 12),
    toDelete: readOffsets(view, offsetsAt, nMoves),
    toInsert: readOffsets(view, offsetsAt + 2 * nMoves, nInsert),
    leafTuplesAt: offsetsAt + 2 * (nMoves + nInsert),
  };
}

/**
 * spgxlogAddNode. Block 0: the original page; block 1: where the new tuple goes, if elsewhere; block 2: the parent, if on neither.
 * parentBlk: 0, 1 or 2, the block reference that holds the parent; -1: it is not updated.
 */
export interface SpgxlogAddNode {
  offnum: number;
  /** 0: the old tuple is overwritten. */
  offnumNew: number;
  newPage: boolean;
  parentBlk: number;
  offnumParent: number;
  nodeI: number;
  stateSrc: SpGistRedoState;
  innerTupleAt: number;
}

export function readSpgxlogAddNode(record: XLogRecord): SpgxlogAddNode {
  const at = mainData(record, SIZE_OF_ADD_NODE, 'spgxlogAddNode');
  const view = record.view;
  return {
    offnum: view.getUint16(at, true),
    offnumNew: view.getUint16(at + 2, true),
    newPage: view.getUint8(at + 4) !== 0,
    parentBlk: view.getInt8(at + 5),
    offnumParent: view.getUint16(at + 6, true),
    nodeI: view.getUint16(at + 8, true),
    stateSrc: readSpgxlogState(view, at + 12),
    innerTupleAt: at + SIZE_OF_ADD_NODE,
  };
}

/** spgxlogSplitTuple. Block 0: where the prefix tuple goes; block 1: where the postfix tuple goes, if elsewhere. */
export interface SpgxlogSplitTuple {
  offnumPrefix: number;
  offnumPostfix: number;
  newPage: boolean;
  postfixBlkSame: boolean;
  prefixTupleAt: number;
}

export function readSpgxlogSplitTuple(record: XLogRecord): SpgxlogSplitTuple {
  const at = mainData(record, SIZE_OF_SPLIT_TUPLE, 'spgxlogSplitTuple');
  const view = record.view;
  return {
    offnumPrefix: view.getUint16(at, true),
    offnumPostfix: view.getUint16(at + 2, true),
    newPage: view.getUint8(at + 4) !== 0,
    postfixBlkSame: view.getUint8(at + 5) !== 0,
    prefixTupleAt: at + SIZE_OF_SPLIT_TUPLE,
  };
}

/**
 * spgxlogPickSplit. Block 0: the source page (unless it is the root); block 1: the destination page, if used;
 * block 2: the inner page; block 3: the parent page, if any and not the inner one.
 */
export interface SpgxlogPickSplit {
  isRootSplit: boolean;
  nDelete: number;
  nInsert: number;
  initSrc: boolean;
  initDest: boolean;
  offnumInner: number;
  initInner: boolean;
  storesNulls: boolean;
  innerIsParent: boolean;
  offnumParent: number;
  nodeI: number;
  stateSrc: SpGistRedoState;
  toDelete: number[];
  toInsert: number[];
  /** Offset of nInsert bytes: 0 puts the leaf on the source page, else on the destination. */
  leafPageSelectAt: number;
  innerTupleAt: number;
}

export function readSpgxlogPickSplit(record: XLogRecord): SpgxlogPickSplit {
  let at = mainData(record, SIZE_OF_PICK_SPLIT, 'spgxlogPickSplit');
  const view = record.view;
  const nDelete = view.getUint16(at + 2, true);
  const nInsert = view.getUint16(at + 4, true);
  at = mainData(record, SIZE_OF_PICK_SPLIT + 2 * nDelete + 3 * nInsert, 'spgxlogPickSplit with its offsets');
  const offsetsAt = at + SIZE_OF_PICK_SPLIT;
  const leafPageSelectAt = offsetsAt + 2 * (nDelete + nInsert);
  return {
    isRootSplit: view.getUint8(at) !== 0,
    nDelete,
    nInsert,
    initSrc: view.getUint8(at + 6) !== 0,
    initDest: view.getUint8(at + 7) !== 0,
    offnumInner: view.getUint16(at + 8, true),
    initInner: view.getUint8(at + 10) !== 0,
    storesNulls: view.getUint8(at + 11) !== 0,
    innerIsParent: view.getUint8(at + 12) !== 0,
    offnumParent: view.getUint16(at + 14, true),
    nodeI: view.getUint16(at + 16, true),
    stateSrc: readSpgxlogState(view, at + 20),
    toDelete: readOffsets(view, offsetsAt, nDelete),
    toInsert: readOffsets(view, offsetsAt + 2 * nDelete, nInsert),
    leafPageSelectAt,
    innerTupleAt: leafPageSelectAt + nInsert,
  };
}

/** spgxlogVacuumLeaf. Block 0: the leaf page. */
export interface SpgxlogVacuumLeaf {
  stateSrc: SpGistRedoState;
  toDead: number[];
  toPlaceholder: number[];
  moveSrc: number[];
  moveDest: number[];
  chainSrc: number[];
  chainDest: number[];
}

export function readSpgxlogVacuumLeaf(record: XLogRecord): SpgxlogVacuumLeaf {
  const view = record.view;
  let at = mainData(record, SIZE_OF_VACUUM_LEAF, 'spgxlogVacuumLeaf');
  const [nDead, nPlaceholder, nMove, nChain] = readOffsets(view, at, 4) as [number, number, number, number];
  const stateSrc = readSpgxlogState(view, at + 8);
  at = mainData(record, SIZE_OF_VACUUM_LEAF + 2 * (nDead + nPlaceholder + 2 * nMove + 2 * nChain), 'spgxlogVacuumLeaf with its offsets');
  let next = at + SIZE_OF_VACUUM_LEAF;
  const take = (count: number): number[] => {
    const offsets = readOffsets(view, next, count);
    next += 2 * count;
    return offsets;
  };
  return {
    stateSrc,
    toDead: take(nDead),
    toPlaceholder: take(nPlaceholder),
    moveSrc: take(nMove),
    moveDest: take(nMove),
    chainSrc: take(nChain),
    chainDest: take(nChain),
  };
}

/** spgxlogVacuumRoot. Block 0: a root page that is also a leaf. `toDelete` is ascending. */
export function readSpgxlogVacuumRoot(record: XLogRecord): { stateSrc: SpGistRedoState; toDelete: number[] } {
  let at = mainData(record, SIZE_OF_VACUUM_ROOT, 'spgxlogVacuumRoot');
  const nDelete = record.view.getUint16(at, true);
  at = mainData(record, SIZE_OF_VACUUM_ROOT + 2 * nDelete, 'spgxlogVacuumRoot with its offsets');
  return { stateSrc: readSpgxlogState(record.view, at + 4), toDelete: readOffsets(record.view, at + SIZE_OF_VACUUM_ROOT, nDelete) };
}

/** spgxlogVacuumRedirect. Block 0: the page. */
export interface SpgxlogVacuumRedirect {
  /** 0: no placeholder goes. */
  firstPlaceholder: number;
  /** The newest transaction among the removed redirects (newestRedirectXid before 16). */
  snapshotConflictHorizon: number;
  /** False before 16, which did not store it. */
  isCatalogRel: boolean;
  itemToPlaceholder: number[];
}

export function readSpgxlogVacuumRedirect(record: XLogRecord): SpgxlogVacuumRedirect {
  const hasCatalogRel = record.major >= 16;
  const size = hasCatalogRel ? 10 : 8;
  let at = mainData(record, size, 'spgxlogVacuumRedirect');
  const view = record.view;
  const nToPlaceholder = view.getUint16(at, true);
  at = mainData(record, size + 2 * nToPlaceholder, 'spgxlogVacuumRedirect with its offsets');
  return {
    firstPlaceholder: view.getUint16(at + 2, true),
    snapshotConflictHorizon: view.getUint32(at + 4, true),
    isCatalogRel: hasCatalogRel && view.getUint8(at + 8) !== 0,
    itemToPlaceholder: readOffsets(view, at + size, nToPlaceholder),
  };
}
