/** Builds WAL records byte by byte, as XLogRecordAssemble() lays them out, for tests of single records and for benchmarks. */
import { BLCKSZ, type Page } from '../../src/pg/page.js';
import type { RelFork } from '../../src/pg/relFileLocator.js';
import type { PgMajor } from '../../src/pg/version.js';
import { XLogRecord } from '../../src/pg/xlogRecord.js';
import type { Lsn } from '../../src/util/lsn.js';

export interface BuiltBlock {
  id: number;
  rel: RelFork;
  block: number;
  data?: Uint8Array;
  willInit?: boolean;
  /** An image of this page, without a hole; `apply` false: for wal_consistency_checking alone. */
  image?: { page: Page; apply: boolean };
}

export interface BuiltRecord {
  major: PgMajor;
  rmid: number;
  info: number;
  xid?: number;
  lsn?: number;
  main?: Uint8Array;
  blocks?: BuiltBlock[];
}

/** Little-endian bytes: `u16(5)`, `u32(7)`, joined by `bytes(…)`. */
export const u8 = (n: number): number[] => [n & 0xff];
export const u16 = (n: number): number[] => [n & 0xff, (n >>> 8) & 0xff];
export const u32 = (n: number): number[] => [...u16(n & 0xffff), ...u16(n >>> 16)];
export const bytes = (...parts: ArrayLike<number>[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => Array.from(part)));

const HAS_IMAGE = 0x10, HAS_DATA = 0x20, WILL_INIT = 0x40;
const ID_SHORT = 255, ID_LONG = 254;

function blockHeader(major: PgMajor, { id, rel, block, data, willInit, image }: BuiltBlock): Uint8Array {
  const flags = rel.fork | (image ? HAS_IMAGE : 0) | (data ? HAS_DATA : 0) | (willInit ? WILL_INIT : 0);
  const apply = image?.apply ? (major >= 15 ? 0x02 : 0x04) : 0;
  return bytes(
    u8(id), u8(flags), u16(data?.length ?? 0),
    image ? [...u16(BLCKSZ), ...u16(0), ...u8(apply)] : [],
    u32(rel.spcOid), u32(rel.dbOid), u32(rel.relNumber), u32(block),
  );
}

/** The record, decoded from a buffer that holds nothing else; its CRC is left zero. */
export function buildRecord({ major, rmid, info, xid = 0, lsn = 0x1000000, main = new Uint8Array(0), blocks = [] }: BuiltRecord): XLogRecord {
  const mainHeader = main.length === 0 ? [] : main.length < 256 ? [ID_SHORT, main.length] : [ID_LONG, ...u32(main.length)];
  const body = bytes(
    ...blocks.map((block) => blockHeader(major, block)), mainHeader,
    ...blocks.flatMap(({ image, data }) => [image ? image.page.bytes : [], data ?? []]), main,
  );
  const totLen = 24 + body.length;
  const record = bytes(u32(totLen), u32(xid), u32(0), u32(0), u8(info), u8(rmid), u16(0), u32(0), body);
  const view = new DataView(record.buffer);
  return new XLogRecord().decode(view, record, 0, lsn as Lsn, (lsn + ((totLen + 7) & ~7)) as Lsn, major);
}
