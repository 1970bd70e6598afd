/** The layer that docs/layer-format.md explains byte by byte. */
import { ENTRY_STARTS_CHAIN, SizeEventKind, type DeltaContents } from '../../src/layerfile/deltaLayer.js';
import { KeyBlockWriter, type KeyBlock } from '../../src/layerfile/keyRuns.js';
import { writeXactRows, XactKind, type XactRow } from '../../src/layerfile/xactRows.js';
import type { Lsn } from '../../src/util/lsn.js';

const START = 0x1000028;

/** Its transactions. */
export const TINY_ROWS: XactRow[] = [{ lsn: (START + 0x180) as Lsn, endLsn: (START + 0x1a8) as Lsn, kind: XactKind.commit, time: 1_000_000, xid: 733, dbOid: 5, subxids: [], name: '', changes: 1 }];
const keys: KeyBlock[] = [];
const writer = new KeyBlockWriter(START, (block) => keys.push(block));
writer.page(0, 0, 2, [START + 0x40, START + 0xc0], [ENTRY_STARTS_CHAIN, 0]);
writer.page(0, 1, 1, [START + 0x100], [ENTRY_STARTS_CHAIN]);
writer.finish();

export const TINY_LAYER: DeltaContents = {
  startLsn: START as Lsn,
  endLsn: (START + 0x200) as Lsn,
  relations: [{ spcOid: 1663, dbOid: 5, relNumber: 16384, fork: 0 }],
  keys,
  sizes: new Map([[0, [
    { lsn: (START + 0x40) as Lsn, kind: SizeEventKind.extend, blocks: 1 },
    { lsn: (START + 0x100) as Lsn, kind: SizeEventKind.extend, blocks: 2 },
  ]]]),
  xacts: [...writeXactRows(TINY_ROWS)],
  clogZeroes: [{ lsn: (START + 0x170) as Lsn, page: 9 }],
  events: [{ lsn: (START + 0x1a8) as Lsn, kind: 1, args: [3, -1], text: 'x' }],
  changes: {
    shapes: [[{ relation: { spcOid: 1663, dbOid: 5, relNumber: 16384 }, inserted: 2, updated: 0, deleted: 1 }]],
    open: [{ xid: 734, changes: 1 }],
    messages: [{ lsn: (START + 0x1c8) as Lsn, xid: 0 }],
    newestXids: [{ lsn: (START + 0x100) as Lsn, xid: 733 }],
  },
};
