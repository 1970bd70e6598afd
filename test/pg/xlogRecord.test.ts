import { describe, expect, it } from 'vitest';
import { Page } from '../../src/pg/page.js';
import type { RelFork } from '../../src/pg/relFileLocator.js';
import { PG_MAJORS } from '../../src/pg/version.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import { RmgrId } from '../../src/redo/rmgrlist.js';
import { replayRecord } from '../../src/redo/replay.js';
import { XLOG_HEAP_DELETE } from '../../src/redo/heap/xlog.js';
import type { Lsn } from '../../src/util/lsn.js';
import { buildRecord, bytes, u16, u32, u8 } from '../support/recordBuilder.js';

const REL: RelFork = { spcOid: 1663, dbOid: 5, relNumber: 16384, fork: 0 };
const ORIGIN = 253, TOPLEVEL_XID = 252, SHORT = 255, LONG = 254, SAME_REL = 0x80, HAS_DATA = 0x20;

/** A record of these header bytes and what follows them. */
function decode(...parts: ArrayLike<number>[]): XLogRecord {
  const body = bytes(...parts);
  const record = bytes(u32(24 + body.length), u32(700), u32(0), u32(0), u8(0), u8(RmgrId.heap), u16(0), u32(0), body);
  return new XLogRecord().decode(new DataView(record.buffer), record, 0, 0x1000 as Lsn, 0x2000 as Lsn, 18);
}

const header = (id: number, flags: number, length: number): number[] => [...u8(id), ...u8(flags), ...u16(length)];

describe('line 5: block headers', () => {
  it('takes a relation from the reference before, an origin and a top-level transaction', () => {
    const record = decode(
      header(2, HAS_DATA, 1), u32(1663), u32(5), u32(16384), u32(7), header(5, SAME_REL | 2, 0), u32(9), u8(ORIGIN), u16(3), u8(TOPLEVEL_XID), u32(650), u8(SHORT), u8(2), [0xaa], [1, 2],
    );
    expect(record.blocks).toMatchObject([{ id: 2, ...REL, block: 7, dataLength: 1 }, { id: 5, ...REL, fork: 2, block: 9, dataLength: 0 }]);
    expect(record).toMatchObject({ origin: 3, toplevelXid: 650, mainLength: 2 });
    expect([record.bytes[record.block(2)!.dataAt], record.bytes[record.mainAt]]).toEqual([0xaa, 1]);
    expect([record.block(0), record.block(3)]).toEqual([undefined, undefined]);
  });

  it('forgets origin and references of the record before', () => {
    const record = decode(header(0, 0, 0), u32(1663), u32(5), u32(16384), u32(7), u8(ORIGIN), u16(3));
    const plain = bytes(u32(24), u32(0), u32(0), u32(0), u8(0), u8(0), u16(0), u32(0));
    record.decode(new DataView(plain.buffer), plain, 0, 0x2000 as Lsn, 0x3000 as Lsn, 18);
    expect(record).toMatchObject({ origin: 0, toplevelXid: 0, mainLength: 0, blocks: [] });
  });

  it('reads main data of more than 255 bytes by its long header', () => {
    const data = new Uint8Array(70_000).fill(5);
    const record = decode(u8(LONG), u32(data.length), data);
    expect(record.mainLength).toBe(70_000);
    expect(record.bytes[record.mainAt + 69_999]).toBe(5);
  });

  it('has up to 33 references, with gaps in their numbers, and refuses more and numbers that fall', () => {
    const blocks = Array.from({ length: 33 }, (_, id) => ({ id, rel: REL, block: 1000 - id, data: Uint8Array.from([id]) }));
    const record = buildRecord({ major: 18, rmid: RmgrId.heap, info: 0, blocks });
    expect(record.blocks.map(({ block, dataAt }) => [block, record.bytes[dataAt]])).toEqual(blocks.map(({ id, block }) => [block, id]));
    const gaps = buildRecord({ major: 18, rmid: RmgrId.heap, info: 0, blocks: blocks.filter(({ id }) => id % 5 === 3) });
    expect(gaps.block(28)!.block).toBe(972);
    expect(() => buildRecord({ major: 18, rmid: RmgrId.heap, info: 0, blocks: [...blocks, { ...blocks[0]!, id: 33 }] })).toThrow(/invalid block_id 33/);
    expect(() => buildRecord({ major: 18, rmid: RmgrId.heap, info: 0, blocks: [blocks[4]!, blocks[3]!] })).toThrow(/out-of-order block_id 3/);
  });
});

describe('line 6: bits of bimg_info by major', () => {
  it.each(PG_MAJORS)('%i', (major) => {
    const image = new Page().init();
    const refs = [true, false].map((apply) => buildRecord({ major, rmid: RmgrId.heap, info: 0, blocks: [{ id: 0, rel: REL, block: 0, image: { page: image, apply } }] }).block(0)!);
    expect(refs.map(({ hasImage, applyImage, compression }) => [hasImage, applyImage, compression])).toEqual([[true, true, 'none'], [true, false, 'none']]);
    const raw = (bits: number): string => {
      const record = bytes(u32(24 + 27), u32(0), u32(0), u32(0), u8(0), u8(10), u16(0), u32(0), header(0, 0x10, 0), u16(2), u16(0), u8(bits), u32(1663), u32(5), u32(16384), u32(0), [0, 0]);
      return new XLogRecord().decode(new DataView(record.buffer), record, 0, 0 as Lsn, 8 as Lsn, major).block(0)!.compression;
    };
    expect(major >= 15 ? [0x04, 0x08, 0x10].map(raw) : [raw(0x02)]).toEqual(major >= 15 ? ['pglz', 'lz4', 'zstd'] : ['pglz']);
  });
});

it('line 7: an image without APPLY is no base: redo runs on the page that is there', () => {
  const image = new Page().init();
  const record = buildRecord({
    major: 18, rmid: RmgrId.heap, info: XLOG_HEAP_DELETE, main: bytes(u32(700), u16(1), u8(0), u8(0)), blocks: [{ id: 0, rel: REL, block: 0, image: { page: image, apply: false } }],
  });
  const page = new Page();
  expect(replayRecord(record, REL, 0, page)).toBe('missing');
  expect(page.isNew).toBe(true);
});
