/** What correct replay must handle, line by line where it concerns heaps: single records, built byte by byte. */
import { describe, expect, it } from 'vitest';
import { HEAP_XMIN_FROZEN, setCtid, SPEC_TOKEN_OFFSET_NUMBER, T_CID, T_INFOMASK } from '../../src/pg/heapTuple.js';
import { LP_DEAD, LP_REDIRECT, LP_UNUSED, Page, PD_ALL_VISIBLE } from '../../src/pg/page.js';
import { ForkNumber, type RelFork } from '../../src/pg/relFileLocator.js';
import { PG_MAJORS, type PgMajor } from '../../src/pg/version.js';
import { HEAPBLOCKS_PER_VM_PAGE, visibilitymapGetStatus, visibilitymapSet } from '../../src/pg/visibilityMap.js';
import type { XLogRecord } from '../../src/pg/xlogRecord.js';
import { heapMask } from '../../src/redo/heap/mask.js';
import {
  XLOG_HEAP_DELETE, XLOG_HEAP_HOT_UPDATE, XLOG_HEAP_INIT_PAGE, XLOG_HEAP_INSERT, XLOG_HEAP_LOCK, XLOG_HEAP_UPDATE,
} from '../../src/redo/heap/xlog.js';
import { XLOG_HEAP2_LOCK_UPDATED, XLOG_HEAP2_MULTI_INSERT, XLOG_HEAP2_VISIBLE } from '../../src/redo/heap/xlog2.js';
import { replayRecord } from '../../src/redo/replay.js';
import { RMGRS, RmgrId } from '../../src/redo/rmgrlist.js';
import { SMGR_TRUNCATE_FSM, SMGR_TRUNCATE_HEAP, SMGR_TRUNCATE_VM, XLOG_SMGR_TRUNCATE } from '../../src/redo/smgr/xlog.js';
import { XLOG_FPI } from '../../src/redo/xlog/xlog.js';
import type { Lsn } from '../../src/util/lsn.js';
import { buildRecord, bytes, u16, u32, u8, type BuiltBlock } from '../support/recordBuilder.js';

const HEAP: RelFork = { spcOid: 1663, dbOid: 5, relNumber: 16384, fork: ForkNumber.main };
const VM: RelFork = { ...HEAP, fork: ForkNumber.vm };
const LSN = 0x1000000;
/** xl_heap_header and a row of one int4. */
const TUPLE = bytes(u16(1), u16(0x0900), u8(24), u8(0), u32(7));

interface HeapRecord { rmid?: number; info: number; main: Uint8Array; blocks?: Partial<BuiltBlock>[]; major?: PgMajor; lsn?: number }

/** A record on block 0 of HEAP, unless `blocks` say otherwise. */
function record({ rmid = RmgrId.heap, info, main, blocks = [{}], major = 18, lsn = LSN }: HeapRecord): XLogRecord {
  return buildRecord({ major, rmid, info, xid: 700, lsn, main, blocks: blocks.map((block, i) => ({ id: i, rel: HEAP, block: 0, ...block })) });
}

function implicitEdits(rec: XLogRecord): [string, number][] {
  const found: [string, number][] = [];
  RMGRS[rec.rmid]!.implicitEdits!(rec, (rel, block) => found.push([`${rel.relNumber}/${rel.fork}`, block]));
  return found;
}

/** A page of rows of one int4 each, older than the records. */
function heapPage(tuples: number): Page {
  const page = new Page();
  const first = record({ info: XLOG_HEAP_INSERT | XLOG_HEAP_INIT_PAGE, main: bytes(u16(1), u8(0)), blocks: [{ data: TUPLE, willInit: true }], lsn: 0x100 });
  replayRecord(first, HEAP, 0, page);
  for (let n = 2; n <= tuples; n++) replayRecord(record({ info: XLOG_HEAP_INSERT, main: bytes(u16(n), u8(0)), blocks: [{ data: TUPLE }], lsn: 0x100 * n }), HEAP, 0, page);
  page.pdFlags |= PD_ALL_VISIBLE;
  return page;
}

function vmPage(...heapBlocks: number[]): Page {
  const page = new Page().init();
  for (const block of heapBlocks) visibilitymapSet(page, block, 3);
  return page;
}

const CLEARS: [string, HeapRecord, number][] = [
  ['insert', { info: XLOG_HEAP_INSERT, main: bytes(u16(3), u8(1)), blocks: [{ data: TUPLE }] }, 0],
  ['multi-insert', { rmid: RmgrId.heap2, info: XLOG_HEAP2_MULTI_INSERT, main: bytes(u8(1), u8(0), u16(1), u16(3)), blocks: [{ data: bytes(u16(5), u16(1), u16(0x0900), u8(24), u8(0), u32(7)) }] }, 0],
  ['delete', { info: XLOG_HEAP_DELETE, main: bytes(u32(700), u16(1), u8(0x10), u8(1)) }, 0],
  ['update', { info: XLOG_HEAP_UPDATE, main: bytes(u32(700), u16(1), u8(0), u8(1), u32(0), u16(3)), blocks: [{ data: TUPLE }] }, 0],
  ['hot update', { info: XLOG_HEAP_HOT_UPDATE, main: bytes(u32(700), u16(1), u8(0), u8(3), u32(0), u16(3)), blocks: [{ data: TUPLE }] }, 0],
  ['lock', { info: XLOG_HEAP_LOCK, main: bytes(u32(700), u16(1), u8(0x06), u8(1)) }, 1],
  ['lock-updated', { rmid: RmgrId.heap2, info: XLOG_HEAP2_LOCK_UPDATED, main: bytes(u32(700), u16(1), u8(0x06), u8(1)) }, 1],
];

describe('line 8: images, of zeros and many in a record', () => {
  const images = (...pages: Page[]): XLogRecord => buildRecord({
    major: 18, rmid: RmgrId.xlog, info: XLOG_FPI, lsn: LSN, blocks: pages.map((page, i) => ({ id: i, rel: HEAP, block: i + 1, image: { page, apply: true } })),
  });

  it('leaves a page of zeros without an LSN', () => {
    const page = heapPage(2);
    expect(replayRecord(images(new Page()), HEAP, 1, page)).toBe('restored');
    expect(page.bytes).toEqual(new Page().bytes);
    expect(page.lsn).toBe(0);
  });

  it('gives each block its own image, whatever was there, and the record\'s end as LSN', () => {
    const rec = images(heapPage(1), new Page(), heapPage(3));
    const page = heapPage(2);
    page.lsn = (LSN * 2) as Lsn;
    const found = [1, 2, 3].map((block) => {
      replayRecord(rec, HEAP, block, page);
      return [page.maxOffset, page.lsn];
    });
    expect(found).toEqual([[1, rec.endLsn], [0, 0], [3, rec.endLsn]]);
  });
});

describe('line 9: WILL_INIT and what the redo routine does must agree', () => {
  it('is refused where the flag is set and redo reads the page', () => {
    const rec = record({ info: XLOG_HEAP_DELETE, main: bytes(u32(700), u16(1), u8(0), u8(0)), blocks: [{ willInit: true }] });
    expect(() => replayRecord(rec, HEAP, 0, heapPage(2))).toThrow(/^cannot replay Heap at 0\/1000000 on 1663\/5\/16384 block 0: block with WILL_INIT flag in WAL record must be zeroed by redo routine$/);
  });

  it('is refused where redo initialises and the flag is not set', () => {
    const rec = record({ info: XLOG_HEAP_INSERT | XLOG_HEAP_INIT_PAGE, main: bytes(u16(1), u8(0)), blocks: [{ data: TUPLE }] });
    expect(() => replayRecord(rec, HEAP, 0, new Page())).toThrow(/: block to be initialized in redo routine must be marked with WILL_INIT flag in the WAL record$/);
  });

  it('begins the page anew where they agree, whatever it held and however new it was', () => {
    const rec = record({ info: XLOG_HEAP_INSERT | XLOG_HEAP_INIT_PAGE, main: bytes(u16(1), u8(0)), blocks: [{ data: TUPLE, willInit: true }] });
    const page = heapPage(4);
    page.lsn = (LSN * 2) as Lsn;
    expect(replayRecord(rec, HEAP, 0, page)).toBe('redone');
    expect([page.maxOffset, page.lsn]).toEqual([1, rec.endLsn]);
  });
});

describe('line 11: visibility map bits are cleared through flags alone', () => {
  it.each(CLEARS)('by %s, even where the map is newer than the record', (_name, shape, left) => {
    const rec = record(shape);
    expect(implicitEdits(rec)).toEqual([['16384/2', 0]]);
    const map = vmPage(0, 1);
    map.lsn = (LSN * 2) as Lsn;
    expect(replayRecord(rec, VM, 0, map)).toBe('redone');
    expect([visibilitymapGetStatus(map, 0), visibilitymapGetStatus(map, 1)]).toEqual([left, 3]);
    const page = heapPage(2);
    expect(replayRecord(rec, HEAP, 0, page)).toBe('redone');
    expect((page.pdFlags & PD_ALL_VISIBLE) === 0).toBe(left === 0);
  });

  it('where the heap block came as an image, or was newer', () => {
    const image = heapPage(2);
    const rec = record({ info: XLOG_HEAP_DELETE, main: bytes(u32(700), u16(1), u8(0x10), u8(1)), blocks: [{ image: { page: image, apply: true } }] });
    const map = vmPage(0);
    expect(replayRecord(rec, HEAP, 0, new Page())).toBe('restored');
    expect(replayRecord(rec, VM, 0, map)).toBe('redone');
    expect(visibilitymapGetStatus(map, 0)).toBe(0);

    const newer = heapPage(2);
    newer.lsn = (LSN * 2) as Lsn;
    const before = newer.bytes.slice();
    const plain = record({ info: XLOG_HEAP_DELETE, main: bytes(u32(700), u16(1), u8(0x10), u8(1)) });
    expect(replayRecord(plain, HEAP, 0, newer)).toBe('newer');
    expect(newer.bytes).toEqual(before);
    expect(implicitEdits(plain)).toHaveLength(1);
  });

  it('not at all where no flag says so', () => {
    expect(implicitEdits(record({ info: XLOG_HEAP_DELETE, main: bytes(u32(700), u16(1), u8(0x10), u8(0)) }))).toEqual([]);
  });

  it('by the block reference alone where the record registers the map page (17.11 and 18.6 on)', () => {
    const rec = record({ info: XLOG_HEAP_DELETE, main: bytes(u32(700), u16(1), u8(0x10), u8(1)), blocks: [{}, { rel: VM }] });
    expect(implicitEdits(rec)).toEqual([]);
    const map = vmPage(0);
    expect(replayRecord(rec, VM, 0, map)).toBe('redone');
    expect([visibilitymapGetStatus(map, 0), map.lsn]).toEqual([0, rec.endLsn]);
    const newer = vmPage(0);
    newer.lsn = (LSN * 2) as Lsn;
    expect(replayRecord(rec, VM, 0, newer)).toBe('newer');
    expect(visibilitymapGetStatus(newer, 0)).toBe(3);
  });
});

describe('line 12: in an update, block 0 is the new version and the last block the old one', () => {
  const update = (newBlock: number, oldBlock: number, flags: number, vm: BuiltBlock[] = []): XLogRecord => record({
    info: XLOG_HEAP_UPDATE, main: bytes(u32(700), u16(2), u8(0), u8(flags), u32(0), u16(3)),
    blocks: [{ block: newBlock, data: TUPLE }, { block: oldBlock }, ...vm],
  });

  it('gives one map entry where both share a map page, two where they do not', () => {
    expect(implicitEdits(update(9, 4, 3))).toEqual([['16384/2', 0]]);
    expect(implicitEdits(update(HEAPBLOCKS_PER_VM_PAGE, 4, 3))).toEqual([['16384/2', 1], ['16384/2', 0]]);
    expect(implicitEdits(update(HEAPBLOCKS_PER_VM_PAGE, 4, 1))).toEqual([['16384/2', 0]]);
    const map = vmPage(4, 9);
    replayRecord(update(9, 4, 3), VM, 0, map);
    expect([visibilitymapGetStatus(map, 4), visibilitymapGetStatus(map, 9)]).toEqual([0, 0]);
    const second = vmPage(0, 4);
    replayRecord(update(HEAPBLOCKS_PER_VM_PAGE, 4, 3), VM, 1, second);
    expect([visibilitymapGetStatus(second, 0), visibilitymapGetStatus(second, 4)]).toEqual([0, 3]);
  });

  it('links the old version to the new one, each on its own page', () => {
    const rec = update(9, 4, 0);
    const oldPage = heapPage(2), newPage = heapPage(2);
    expect(replayRecord(rec, HEAP, 4, oldPage)).toBe('redone');
    expect(replayRecord(rec, HEAP, 9, newPage)).toBe('redone');
    expect([oldPage.maxOffset, newPage.maxOffset]).toEqual([2, 3]);
    for (const [page, n] of [[oldPage, 2], [newPage, 3]] as const) {
      const ctid = page.itemAt(n) + 12;
      expect([page.view.getUint16(ctid + 2, true), page.view.getUint16(ctid + 4, true)]).toEqual([9, 3]);
    }
  });

  it('clears both heap blocks on the one registered map page, and only what lies on it', () => {
    const shared = update(9, 4, 3, [{ id: 2, rel: VM, block: 0 }]);
    const map = vmPage(4, 9);
    replayRecord(shared, VM, 0, map);
    expect([visibilitymapGetStatus(map, 4), visibilitymapGetStatus(map, 9), map.lsn]).toEqual([0, 0, shared.endLsn]);
    const far = update(HEAPBLOCKS_PER_VM_PAGE, 4, 3, [{ id: 2, rel: VM, block: 1 }]);
    expect(implicitEdits(far)).toEqual([]);
    const second = vmPage(0, 4);
    replayRecord(far, VM, 1, second);
    expect([visibilitymapGetStatus(second, 0), visibilitymapGetStatus(second, 4)]).toEqual([0, 3]);
  });
});

describe('line 13: the LSNs of maps and of pages that become all-visible', () => {
  it('does not move the map\'s LSN when bits are cleared', () => {
    const map = vmPage(0);
    map.lsn = 0x77 as Lsn;
    replayRecord(record(CLEARS[2]![1]), VM, 0, map);
    expect(map.lsn).toBe(0x77);
  });

  const visible = record({ rmid: RmgrId.heap2, info: XLOG_HEAP2_VISIBLE, main: bytes(u32(600), u8(7)), blocks: [{ rel: VM }, {}] });

  it.each([[false, false], [true, true]])('moves the heap page\'s LSN with checksums or wal_log_hints alone (%s)', (hintBitsLogged, moves) => {
    const page = heapPage(1);
    page.pdFlags &= ~PD_ALL_VISIBLE;
    const before = page.lsn;
    expect(replayRecord(visible, HEAP, 0, page, { hintBitsLogged })).toBe('redone');
    expect(page.pdFlags & PD_ALL_VISIBLE).toBe(PD_ALL_VISIBLE);
    expect(page.lsn).toBe(moves ? visible.endLsn : before);
  });

  it('initialises a map page of zeros, and moves its LSN where bits change', () => {
    const map = new Page();
    expect(replayRecord(visible, VM, 0, map)).toBe('redone');
    expect([map.pdUpper, visibilitymapGetStatus(map, 0), map.lsn]).toEqual([8192, 3, visible.endLsn]);
    const same = vmPage(0);
    replayRecord(visible, VM, 0, same);
    expect(same.lsn).toBe(0);
    const newer = vmPage();
    newer.lsn = visible.endLsn;
    expect(replayRecord(visible, VM, 0, newer)).toBe('newer');
    expect(visibilitymapGetStatus(newer, 0)).toBe(0);
  });
});

describe('line 14: a clear past the end of the map, or of a missing map', () => {
  it('leaves a page without bits, as PostgreSQL makes it', () => {
    const map = new Page();
    expect(replayRecord(record(CLEARS[0]![1]), VM, 0, map)).toBe('redone');
    expect(map.bytes).toEqual(new Page().init().bytes);
  });

  it('touches no page of another map block or relation', () => {
    const rec = record(CLEARS[0]![1]);
    const map = vmPage(0);
    replayRecord(rec, VM, 1, map);
    replayRecord(rec, { ...VM, relNumber: 1 }, 0, map);
    expect(visibilitymapGetStatus(map, 0)).toBe(3);
  });
});

describe('line 15: the free space map is not logged', () => {
  it('is no implicit edit of any record', () => {
    for (const [, shape] of CLEARS) for (const [rel] of implicitEdits(record(shape))) expect(rel).not.toBe('16384/1');
  });
});

describe('line 16: a fork springs into being at its first reference', () => {
  it('initialises a block that was not there', () => {
    const page = new Page();
    expect(replayRecord(record({ info: XLOG_HEAP_INSERT | XLOG_HEAP_INIT_PAGE, main: bytes(u16(1), u8(0)), blocks: [{ data: TUPLE, willInit: true }] }), HEAP, 0, page)).toBe('redone');
    expect(page.maxOffset).toBe(1);
  });

  it('leaves a gap\'s zero page as it is, and says that the page is missing', () => {
    const page = new Page();
    expect(replayRecord(record({ info: XLOG_HEAP_INSERT, main: bytes(u16(1), u8(0)), blocks: [{ data: TUPLE }] }), HEAP, 0, page)).toBe('missing');
    expect(page.bytes).toEqual(new Page().bytes);
  });
});

describe('line 17: truncation masks the last page of the map in part', () => {
  const truncate = (blocks: number, flags: number): XLogRecord =>
    buildRecord({ major: 18, rmid: RmgrId.smgr, info: XLOG_SMGR_TRUNCATE, lsn: LSN, main: bytes(u32(blocks), u32(1663), u32(5), u32(16384), u32(flags)) });

  it.each([[6, [3, 3, 0, 0]], [5, [3, 0, 0, 0]], [8, [3, 3, 3, 0]]])('to %i blocks', (blocks, left) => {
    const rec = truncate(blocks, SMGR_TRUNCATE_VM);
    expect(implicitEdits(rec)).toEqual([['16384/2', 0]]);
    const map = vmPage(4, 5, 7, 9000);
    map.lsn = (LSN * 2) as Lsn;
    expect(replayRecord(rec, VM, 0, map)).toBe('redone');
    expect([4, 5, 7, 9000].map((block) => visibilitymapGetStatus(map, block))).toEqual(left);
    expect(map.lsn).toBe(LSN * 2);
  });

  it('and not where the cut is at a map page\'s end, or the flags leave the map alone', () => {
    expect(implicitEdits(truncate(HEAPBLOCKS_PER_VM_PAGE, SMGR_TRUNCATE_VM))).toEqual([]);
    expect(implicitEdits(truncate(6, SMGR_TRUNCATE_HEAP | SMGR_TRUNCATE_FSM))).toEqual([]);
  });
});

describe('line 40: layouts of the prune family by major', () => {
  const CLEAN_13 = bytes(u32(650), u16(1), u16(1)), ITEMS_13 = bytes(u16(1), u16(2), u16(3), u16(4));
  const PRUNE_16 = bytes(u32(650), u16(1), u16(1), u8(0));
  /** reason, flags (cleanup lock, conflict horizon, redirections, dead, unused), horizon. */
  const PRUNE_17 = bytes(u8(0), u8(0x04 | 0x08 | 0x20 | 0x40 | 0x80), u32(650)), ITEMS_17 = bytes(u16(1), u16(1), u16(2), u16(1), u16(3), u16(1), u16(4));
  const SHAPES: Record<PgMajor, [Uint8Array, Uint8Array]> = {
    13: [CLEAN_13, ITEMS_13], 14: [CLEAN_13, ITEMS_13], 15: [CLEAN_13, ITEMS_13], 16: [PRUNE_16, ITEMS_13], 17: [PRUNE_17, ITEMS_17], 18: [PRUNE_17, ITEMS_17],
  };

  it.each(PG_MAJORS)('redirects, kills and frees line pointers (%i)', (major) => {
    const [main, data] = SHAPES[major];
    const page = heapPage(4);
    const kept = page.item(2).slice();
    expect(replayRecord(record({ rmid: RmgrId.heap2, info: 0x10, main, blocks: [{ data }], major }), HEAP, 0, page)).toBe('redone');
    expect([page.lpFlags(1), page.lpOff(1), page.lpFlags(3)]).toEqual([LP_REDIRECT, 2, LP_DEAD]);
    expect(page.item(2)).toEqual(kept);
    expect(page.pdUpper).toBe(8192 - 32);
    // 15 and later also drop unused line pointers at the end
    expect(page.maxOffset).toBe(major >= 15 ? 3 : 4);
    if (major < 15) expect(page.lpFlags(4)).toBe(LP_UNUSED);
  });

  /** The tuples 1 and 2, xmin frozen: one by one up to 15, as a plan from 16 on. */
  const freeze = bytes(u16(1), u16(0x0b00), u8(0), u8(0));
  const tuple13 = (offset: number): Uint8Array => bytes(u32(0), u16(offset), freeze);
  const plan = bytes(u32(0), u16(1), u16(0x0b00), u8(0), u8(0), u16(2));
  const FREEZE_13 = bytes(u32(650), u16(2)), FREEZE_16 = bytes(u32(650), u16(1), u8(0)), FREEZE_17 = bytes(u8(1), u8(0x08 | 0x10), u32(650));
  const TUPLES_13 = bytes(tuple13(1), tuple13(2)), PLANS_16 = bytes(plan, u16(1), u16(2)), PLANS_17 = bytes(u16(1), u16(0), plan, u16(1), u16(2));
  const FREEZES: Record<PgMajor, [number, Uint8Array, Uint8Array]> = {
    13: [0x20, FREEZE_13, TUPLES_13], 14: [0x30, FREEZE_13, TUPLES_13], 15: [0x30, FREEZE_13, TUPLES_13], 16: [0x30, FREEZE_16, PLANS_16],
    17: [0x20, FREEZE_17, PLANS_17], 18: [0x20, FREEZE_17, PLANS_17],
  };

  it.each(PG_MAJORS)('freezes tuples (%i)', (major) => {
    const [info, main, data] = FREEZES[major];
    const page = heapPage(3);
    expect(replayRecord(record({ rmid: RmgrId.heap2, info, main, blocks: [{ data }], major }), HEAP, 0, page)).toBe('redone');
    const infomasks = [1, 2, 3].map((n) => page.view.getUint16(page.itemAt(n) + T_INFOMASK, true));
    expect(infomasks).toEqual([0x0b00, 0x0b00, 0x0900]);
    expect(page.lsn).toBeGreaterThan(LSN);
  });
});

describe('line 42: the mask hides what the primary may do without WAL, and nothing more', () => {
  const masked = (change: (page: Page, at: number) => void): Uint8Array => {
    const page = heapPage(2);
    change(page, page.itemAt(1));
    heapMask(page, 0, 18);
    return page.bytes;
  };
  const plain = masked(() => undefined);

  it.each<[string, (page: Page, at: number) => void]>([
    ['the LSN and the checksum', (page) => { page.lsn = 5 as Lsn; page.pdChecksum = 5; }],
    ['flags and prune xid of the page', (page) => { page.pdFlags = 7; page.pdPruneXid = 700; }],
    ['unused space', (page) => page.bytes.fill(9, page.pdLower, page.pdUpper)],
    ['padding behind a tuple', (page, at) => page.bytes.fill(9, at + page.lpLen(1), at + 32)],
    ['hint bits', (page, at) => page.view.setUint16(at + T_INFOMASK, 0x0500, true)],
    ['the command id', (page, at) => page.view.setUint32(at + T_CID, 9, true)],
  ])('hides %s', (_name, change) => {
    expect(masked(change)).toEqual(plain);
  });

  it('hides the token of a speculative insertion: replay sets the tuple\'s own place', () => {
    expect(masked((page, at) => setCtid(page.view, at, 12345, SPEC_TOKEN_OFFSET_NUMBER))).toEqual(plain);
  });

  it.each<[string, (page: Page, at: number) => void]>([
    ['a byte of a row', (page, at) => { page.bytes[at + 24]! ^= 1; }],
    ['xmax', (page, at) => page.view.setUint32(at + 4, 9, true)],
    ['a frozen xmin', (page, at) => page.view.setUint16(at + T_INFOMASK, 0x0800 | HEAP_XMIN_FROZEN, true)],
    ['the chain to another tuple', (page, at) => setCtid(page.view, at, 0, 2)],
    ['a line pointer', (page) => page.setItemId(2, 0, LP_DEAD, 0)],
  ])('shows %s', (_name, change) => {
    expect(masked(change)).not.toEqual(plain);
  });
});

describe('a page that does not fit its record is a located input error', () => {
  it.each<[string, HeapRecord]>([
    ['a delete of a tuple that is not there', { info: XLOG_HEAP_DELETE, main: bytes(u32(700), u16(9), u8(0), u8(0)) }],
    ['an insert that leaves a gap', { info: XLOG_HEAP_INSERT, main: bytes(u16(9), u8(0)), blocks: [{ data: TUPLE }] }],
    ['an insert over a tuple', { info: XLOG_HEAP_INSERT, main: bytes(u16(1), u8(0)), blocks: [{ data: TUPLE }] }],
    ['a record cut short', { info: XLOG_HEAP_DELETE, main: bytes(u32(700)) }],
  ])('%s', (_name, shape) => {
    expect(() => replayRecord(record(shape), HEAP, 0, heapPage(2))).toThrow(expect.objectContaining({ name: 'WalscopeError', exitCode: 3 }));
  });
});
