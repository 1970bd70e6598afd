/**
 * ItemPointerData: a block number in two 16-bit halves, the high half first, and an offset number (storage/itemptr.h, storage/block.h).
 */
export const SIZE_OF_ITEM_POINTER = 6;
export const INVALID_BLOCK_NUMBER = 0xffffffff;

/** BlockIdGetBlockNumber() */
export function readBlockId(view: DataView, at: number): number {
  return view.getUint16(at, true) * 0x10000 + view.getUint16(at + 2, true);
}

/** BlockIdSet() */
export function writeBlockId(view: DataView, at: number, block: number): void {
  view.setUint16(at, block >>> 16, true);
  view.setUint16(at + 2, block & 0xffff, true);
}

/** ItemPointerGetOffsetNumberNoCheck() */
export function readItemPointerOffset(view: DataView, at: number): number {
  return view.getUint16(at + 4, true);
}

/** ItemPointerSet(); block INVALID_BLOCK_NUMBER and offset 0: ItemPointerSetInvalid(). */
export function writeItemPointer(view: DataView, at: number, block: number, offnum: number): void {
  writeBlockId(view, at, block);
  view.setUint16(at + 4, offnum, true);
}

/** As SQL prints a tid: `(block,offset)`. */
export function formatItemPointer(view: DataView, at: number): string {
  return `(${readBlockId(view, at)},${readItemPointerOffset(view, at)})`;
}
