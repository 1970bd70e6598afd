/** The layer that docs/layer-format.md explains byte by byte. */
import { ENTRY_STARTS_CHAIN, SizeEventKind, XactKind, type DeltaContents } from '../../src/layerfile/deltaLayer.js';
import type { Lsn } from '../../src/util/lsn.js';

const START = 0x1000028;

export const TINY_LAYER: DeltaContents = {
  startLsn: START as Lsn,
  endLsn: (START + 0x200) as Lsn,
  relations: [{ spcOid: 1663, dbOid: 5, relNumber: 16384, fork: 0 }],
  keys: {
    pageRelation: Uint32Array.of(0, 0),
    pageBlock: Uint32Array.of(0, 1),
    pageStart: Uint32Array.of(0, 2, 3),
    entries: Uint32Array.of((0x40 / 8) * 4 + ENTRY_STARTS_CHAIN, (0xc0 / 8) * 4, (0x100 / 8) * 4 + ENTRY_STARTS_CHAIN),
  },
  sizes: new Map([[0, [
    { lsn: (START + 0x40) as Lsn, kind: SizeEventKind.extend, blocks: 1 },
    { lsn: (START + 0x100) as Lsn, kind: SizeEventKind.extend, blocks: 2 },
  ]]]),
  xacts: [{ lsn: (START + 0x180) as Lsn, endLsn: (START + 0x1a8) as Lsn, kind: XactKind.commit, time: 1_000_000, xid: 733, dbOid: 5, subxids: [], name: '' }],
  clog: new Map([[0, [{ lsn: (START + 0x180) as Lsn, xidOnPage: 733, status: 1 }]]]),
  events: [{ lsn: (START + 0x1a8) as Lsn, kind: 1, args: [3, -1], text: 'x' }],
};
