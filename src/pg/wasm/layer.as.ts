/** Ends a layer: what was collected, sorted and encoded (AssemblyScript, a part of walScan.as.ts). */
import { markLayer } from './collect.as';
import { encodeKeys } from './keyRuns.as';
import { sortKeys } from './keyStore.as';
import { allocate } from './memory.as';
import { endXactBlock } from './xactRows.as';

let tail: usize = 0;
let tailCapacity: u32 = 0;

/** Sorts and encodes the keys of the layer in hand; `ranks` as u32 numbers by relation stand in layerRoom(). */
export function finishLayer(ranks: usize, rankCount: u32): void {
  sortKeys(ranks, rankCount);
  encodeKeys(ranks);
  endXactBlock();
}

/** Room for the tail of one row. */
export function tailRoom(bytes: u32): usize {
  if (bytes > tailCapacity) {
    tailCapacity = bytes * 2;
    tail = allocate(tailCapacity);
  }
  return tail;
}

/** Room for so many bytes until the next layer begins. The first call after a scan ends what is collected. */
export function layerRoom(bytes: u32): usize {
  markLayer();
  return allocate(bytes);
}
