/**
 * A frame of packed WAL: up to 16 pages, so that one record costs one of them. Page headers go down to what position and neighbours
 * do not tell, zero pages and the zero tails of pages are left out; what is not a page of its place is kept as it is. Decoding gives the same bytes.
 *
 *   method (byte: 0 as it is, 1 Zstandard), WAL bytes (varint), then, by that method:
 *   a head per page: kind + 4 where zeros at its end are left out
 *     0 zeros       1 the timeline of the page before it, then varints xlp_info, xlp_rem_len
 *     2 the same, with the timeline as a varint before them       3 not a page of its place: header and all in the payload
 *     then, where zeros are left out, the payload's bytes (varint)
 *   the pages' payloads, back to back
 */
import { XLOG_PAGE_MAGIC, type PgMajor } from '../pg/version.js';
import {
  readXLogLongPageHeader, readXLogPageHeader, SIZE_OF_XLOG_LONG_PHD, SIZE_OF_XLOG_SHORT_PHD, writeXLogPageHeader, XLOG_BLCKSZ, XLP_ALL_FLAGS, XLP_LONG_HEADER, xlogPageHeaderSize,
} from '../pg/xlogPage.js';
import type { Lsn } from '../util/lsn.js';
import { ByteReader, ByteWriter } from '../util/varint.js';
import { zstdCompress, zstdDecompress } from '../util/zstd.js';

export const WAL_FRAME_BYTES = 16 * XLOG_BLCKSZ;

/** What the headers of one cluster's WAL have in common. */
export interface WalIdentity {
  major: PgMajor;
  segmentSize: number;
  systemIdentifier: bigint;
}

export const WalPageKind = { zeros: 0, sameTimeline: 1, timeline: 2, verbatim: 3 } as const;
const CUT = 4;
/** Fewer zeros at a page's end are left to the compression. */
const LEAST_CUT_BYTES = 64;
const Method = { stored: 0, zstd: 1 } as const;
/** docs/adr/0012: measured. */
const LEVEL = 1;

/** Whether the header at `at` is what position and cluster say, so that only xlp_info, xlp_tli and xlp_rem_len need to be kept. */
function isRegularHeader(view: DataView, at: number, length: number, lsn: Lsn, identity: WalIdentity): boolean {
  if (length < SIZE_OF_XLOG_LONG_PHD) return false;
  const header = readXLogPageHeader(view, at);
  if (header.magic !== XLOG_PAGE_MAGIC[identity.major] || (header.info & ~XLP_ALL_FLAGS) !== 0 || header.pageAddr !== lsn || view.getUint32(at + 20, true) !== 0) return false;
  if ((header.info & XLP_LONG_HEADER) === 0) return true;
  const long = readXLogLongPageHeader(view, at);
  return long.systemIdentifier === identity.systemIdentifier && long.segmentSize === identity.segmentSize && long.xlogBlockSize === XLOG_BLCKSZ;
}

/** Bytes of [at, at + length) before the zeros at its end. */
function withoutZeros(bytes: Uint8Array, at: number, length: number): number {
  let end = at + length;
  while (end > at && bytes[end - 1] === 0) end--;
  return end - at;
}

/** Encodes frames one after the other, in buffers of its own. */
export class WalFrameEncoder {
  private readonly heads = new ByteWriter(1024);
  private readonly plain = new Uint8Array(WAL_FRAME_BYTES + 4096);

  constructor(private readonly identity: WalIdentity) {}

  /** The frame of the WAL that begins at `lsn`, the first byte of a page. What is given holds until the next call. */
  encode(bytes: Uint8Array, lsn: Lsn): Uint8Array {
    const { heads } = this;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    heads.length = 0;
    const pieces: number[] = [];
    let timeline = 0;
    for (let at = 0; at < bytes.length; at += XLOG_BLCKSZ) {
      const length = Math.min(XLOG_BLCKSZ, bytes.length - at);
      const used = withoutZeros(bytes, at, length);
      if (used === 0) {
        heads.varint(WalPageKind.zeros);
        continue;
      }
      const cut = length - used >= LEAST_CUT_BYTES ? CUT : 0;
      const end = cut ? used : length;
      let from = 0;
      if (isRegularHeader(view, at, length, (lsn + at) as Lsn, this.identity)) {
        const info = view.getUint16(at + 2, true);
        const pageTimeline = view.getUint32(at + 4, true);
        heads.varint((pageTimeline === timeline ? WalPageKind.sameTimeline : WalPageKind.timeline) + cut);
        if (pageTimeline !== timeline) heads.varint((timeline = pageTimeline));
        heads.varint(info);
        heads.varint(view.getUint32(at + 16, true));
        from = xlogPageHeaderSize(info);
      } else {
        heads.varint(WalPageKind.verbatim + cut);
      }
      const payload = Math.max(0, end - from);
      if (cut) heads.varint(payload);
      pieces.push(at + from, payload);
    }
    return this.compress(bytes, pieces);
  }

  private compress(bytes: Uint8Array, pieces: readonly number[]): Uint8Array {
    const { heads, plain } = this;
    let length = heads.length;
    plain.set(heads.view());
    for (let i = 0; i < pieces.length; i += 2) {
      plain.set(bytes.subarray(pieces[i]!, pieces[i]! + pieces[i + 1]!), length);
      length += pieces[i + 1]!;
    }
    const packed = zstdCompress(plain.subarray(0, length), LEVEL);
    const isSmaller = packed.length < length;
    heads.length = 0;
    heads.varint(isSmaller ? Method.zstd : Method.stored);
    heads.varint(bytes.length);
    heads.raw(isSmaller ? packed : plain.subarray(0, length));
    return heads.view();
  }
}

/** What the head of a frame's page says. */
export interface WalFramePage {
  kind: number;
  timeline: number;
  info: number;
  remLen: number;
  /** Bytes kept of the page, its header not counted unless it is verbatim. */
  payload: number;
}

/** Decodes a frame; the WAL begins at `lsn`. Throws a RangeError or the codec's own error where the frame's CRC held and it is still no frame. */
export function decodeWalFrame(frame: Uint8Array, lsn: Lsn, identity: WalIdentity, onPage?: (page: WalFramePage) => void): Uint8Array {
  const reader = new ByteReader(frame);
  const method = reader.varint();
  const walBytes = reader.varint();
  if (method > Method.zstd || walBytes > WAL_FRAME_BYTES) throw new RangeError('no such frame');
  const rest = frame.subarray(reader.at);
  const plain = method === Method.zstd ? zstdDecompress(rest) : rest;
  const heads = new ByteReader(plain);
  const pages: WalFramePage[] = [];
  let timeline = 0;
  for (let at = 0; at < walBytes; at += XLOG_BLCKSZ) {
    const head = heads.varint();
    const page: WalFramePage = { kind: head & 3, timeline: 0, info: 0, remLen: 0, payload: 0 };
    if (page.kind === WalPageKind.timeline) timeline = heads.varint();
    if (page.kind === WalPageKind.timeline || page.kind === WalPageKind.sameTimeline) {
      page.timeline = timeline;
      page.info = heads.varint();
      page.remLen = heads.varint();
    }
    const whole = Math.min(XLOG_BLCKSZ, walBytes - at) - headerBytes(page);
    page.payload = page.kind === WalPageKind.zeros ? 0 : (head & CUT) !== 0 ? heads.varint() : whole;
    if (page.payload > whole) throw new RangeError('a page of the frame is too long');
    pages.push(page);
    onPage?.(page);
  }
  return assemble(plain, heads.at, pages, walBytes, lsn, identity);
}

function headerBytes({ kind, info }: WalFramePage): number {
  if (kind === WalPageKind.zeros || kind === WalPageKind.verbatim) return 0;
  return (info & XLP_LONG_HEADER) !== 0 ? SIZE_OF_XLOG_LONG_PHD : SIZE_OF_XLOG_SHORT_PHD;
}

function assemble(plain: Uint8Array, from: number, pages: readonly WalFramePage[], walBytes: number, lsn: Lsn, identity: WalIdentity): Uint8Array {
  const out = new Uint8Array(walBytes);
  const view = new DataView(out.buffer);
  let at = 0;
  for (const page of pages) {
    const header = headerBytes(page);
    if (header > 0) {
      const { info, timeline, remLen } = page;
      const { systemIdentifier, segmentSize } = identity;
      writeXLogPageHeader(view, at, { magic: XLOG_PAGE_MAGIC[identity.major], info, timeline, pageAddr: (lsn + at) as Lsn, remLen, systemIdentifier, segmentSize, xlogBlockSize: XLOG_BLCKSZ });
    }
    out.set(plain.subarray(from, from + page.payload), at + header);
    from += page.payload;
    at += XLOG_BLCKSZ;
  }
  if (from !== plain.length) throw new RangeError('the payloads of the frame do not add up');
  return out;
}
