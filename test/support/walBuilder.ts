/** Writes WAL byte by byte, as XLogInsert() and the WAL writer would: what tests of the reader damage. */
import { xlogRecordCrc } from '../../src/pg/crc32c.js';
import type { RelFork } from '../../src/pg/relFileLocator.js';
import { XLOG_PAGE_MAGIC, type PgMajor } from '../../src/pg/version.js';
import { XLOG_BLCKSZ, XLP_FIRST_IS_CONTRECORD, XLP_FIRST_IS_OVERWRITE_CONTRECORD, XLP_LONG_HEADER } from '../../src/pg/xlogPage.js';
import type { WalBytes } from '../../src/pg/xlogReader.js';
import { maxAlign, type Lsn } from '../../src/util/lsn.js';

export interface BlockSpec extends RelFork {
  id: number;
  block: number;
  sameRel?: boolean;
  willInit?: boolean;
  data?: Uint8Array;
  /** An image without compression; `bytes` leaves the hole out. */
  image?: { bytes: Uint8Array; holeOffset: number; apply: boolean };
}

export interface RecordSpec {
  rmid: number;
  info: number;
  xid?: number;
  blocks?: BlockSpec[];
  main?: Uint8Array;
  origin?: number;
  toplevelXid?: number;
}

function u16(n: number): number[] { return [n & 0xff, (n >>> 8) & 0xff]; }
function u32(n: number): number[] { return [...u16(n), ...u16(n >>> 16)]; }
function u64(n: number): number[] { return [...u32(n % 0x1_0000_0000), ...u32(Math.floor(n / 0x1_0000_0000))]; }

function blockHeader(block: BlockSpec, major: PgMajor): number[] {
  const { image, data } = block;
  const flags = block.fork | (image ? 0x10 : 0) | (data ? 0x20 : 0) | (block.willInit ? 0x40 : 0) | (block.sameRel ? 0x80 : 0);
  const header = [block.id, flags, ...u16(data?.length ?? 0)];
  if (image) {
    const hasHole = image.bytes.length < XLOG_BLCKSZ;
    const apply = image.apply ? (major >= 15 ? 0x02 : 0x04) : 0;
    header.push(...u16(image.bytes.length), ...u16(hasHole ? image.holeOffset : 0), (hasHole ? 1 : 0) | apply);
  }
  if (!block.sameRel) header.push(...u32(block.spcOid), ...u32(block.dbOid), ...u32(block.relNumber));
  return [...header, ...u32(block.block)];
}

/** A whole record with its checksum. */
export function encodeRecord(spec: RecordSpec, prevLsn: Lsn, major: PgMajor): Uint8Array {
  const blocks = spec.blocks ?? [];
  const headers = blocks.flatMap((block) => blockHeader(block, major));
  if (spec.origin !== undefined) headers.push(253, ...u16(spec.origin));
  if (spec.toplevelXid !== undefined) headers.push(252, ...u32(spec.toplevelXid));
  const main = spec.main ?? new Uint8Array(0);
  if (main.length > 255) headers.push(254, ...u32(main.length));
  else if (main.length > 0) headers.push(255, main.length);
  const parts = [...blocks.flatMap((block) => [block.image?.bytes ?? new Uint8Array(0), block.data ?? new Uint8Array(0)]), main];
  const totLen = 24 + headers.length + parts.reduce((sum, part) => sum + part.length, 0);
  const record = new Uint8Array(totLen);
  record.set([...u32(totLen), ...u32(spec.xid ?? 0), ...u64(prevLsn), spec.info, spec.rmid]);
  record.set(headers, 24);
  let at = 24 + headers.length;
  for (const part of parts) {
    record.set(part, at);
    at += part.length;
  }
  return seal(record);
}

/** Sets xl_crc to what the bytes say. */
export function seal(record: Uint8Array): Uint8Array {
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  view.setUint32(20, xlogRecordCrc(record, 0, record.length), true);
  return record;
}

export interface WalBuilderOptions {
  major?: PgMajor;
  segmentSize?: number;
  firstSegment?: number;
  systemIdentifier?: bigint;
}

/** WAL in memory from the beginning of a segment on. */
export class WalBuilder implements WalBytes {
  readonly major: PgMajor;
  readonly segmentSize: number;
  readonly startLsn: Lsn;
  readonly systemIdentifier: bigint;
  timeline = 1;
  prevLsn = 0 as Lsn;
  bytes: Uint8Array;
  /** Segments that are taken out of what read() gives. */
  readonly missing = new Set<number>();
  /** Where the next byte goes. */
  private at = 0;

  constructor(options: WalBuilderOptions = {}) {
    this.major = options.major ?? 15;
    this.segmentSize = options.segmentSize ?? 1024 * 1024;
    this.systemIdentifier = options.systemIdentifier ?? 7_123_456_789_012_345_678n;
    this.startLsn = ((options.firstSegment ?? 1) * this.segmentSize) as Lsn;
    this.bytes = new Uint8Array(this.segmentSize);
  }

  get lsn(): Lsn { return (this.startLsn + this.at) as Lsn; }

  /** Appends a record and gives where it begins and ends. */
  add(spec: RecordSpec): { lsn: Lsn; endLsn: Lsn } {
    return this.append(encodeRecord(spec, this.prevLsn, this.major));
  }

  /** Appends a record's bytes as they are. */
  append(record: Uint8Array): { lsn: Lsn; endLsn: Lsn } {
    if (this.at % XLOG_BLCKSZ === 0) this.pageHeader(0, 0);
    const lsn = this.lsn;
    this.prevLsn = lsn;
    this.write(record, record.length);
    return { lsn, endLsn: this.lsn };
  }

  /** Appends only the first `length` bytes of a record, as a crash leaves it, and goes on at the next page with an overwriting one. */
  abort(record: Uint8Array, length: number): Lsn {
    if (this.at % XLOG_BLCKSZ === 0) this.pageHeader(0, 0);
    const lsn = this.lsn;
    this.write(record, length);
    this.at = Math.ceil(this.at / XLOG_BLCKSZ) * XLOG_BLCKSZ;
    this.pageHeader(XLP_FIRST_IS_OVERWRITE_CONTRECORD, 0);
    return lsn;
  }

  /** XLOG_SWITCH: the rest of the segment is zeros. */
  switchSegment(): { lsn: Lsn; endLsn: Lsn } {
    const { lsn } = this.add({ rmid: 0, info: 0x40 });
    this.at = Math.ceil(this.at / this.segmentSize) * this.segmentSize;
    return { lsn, endLsn: this.lsn };
  }

  private write(record: Uint8Array, length: number): void {
    let done = 0;
    while (done < length) {
      if (this.at % XLOG_BLCKSZ === 0) this.pageHeader(XLP_FIRST_IS_CONTRECORD, record.length - done);
      const n = Math.min(XLOG_BLCKSZ - (this.at % XLOG_BLCKSZ), length - done);
      this.room(n);
      this.bytes.set(record.subarray(done, done + n), this.at);
      this.at += n;
      done += n;
    }
    this.at = maxAlign(this.at);
    this.room(0);
  }

  private pageHeader(info: number, remLen: number): void {
    const long = this.at % this.segmentSize === 0;
    const header = [...u16(XLOG_PAGE_MAGIC[this.major]), ...u16(info | (long ? XLP_LONG_HEADER : 0)), ...u32(this.timeline), ...u64(this.lsn), ...u32(remLen), 0, 0, 0, 0];
    this.room(40);
    this.bytes.set(header, this.at);
    if (long) {
      const view = new DataView(this.bytes.buffer);
      view.setBigUint64(this.at + 24, this.systemIdentifier, true);
      view.setUint32(this.at + 32, this.segmentSize, true);
      view.setUint32(this.at + 36, XLOG_BLCKSZ, true);
    }
    this.at += long ? 40 : 24;
  }

  private room(n: number): void {
    if (this.at + n <= this.bytes.length) return;
    const grown = new Uint8Array(Math.ceil((this.at + n) / this.segmentSize) * this.segmentSize);
    grown.set(this.bytes);
    this.bytes = grown;
  }

  /** A view of the bytes at `lsn`, to damage them. */
  viewAt(lsn: Lsn): DataView {
    return new DataView(this.bytes.buffer, lsn - this.startLsn);
  }

  fileAt(lsn: Lsn): string {
    return `segment ${Math.floor(lsn / this.segmentSize)}`;
  }

  read(lsn: Lsn, length: number): Uint8Array {
    const at = lsn - this.startLsn;
    if (at < 0 || this.missing.has(Math.floor(lsn / this.segmentSize))) return new Uint8Array(0);
    // a source may stop at a segment's end
    return this.bytes.subarray(at, Math.min(at + length, (Math.floor(at / this.segmentSize) + 1) * this.segmentSize));
  }
}
