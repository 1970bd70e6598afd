/**
 * Packed WAL: `START-END.wal`, the bytes of [START, END) re-encoded so that any record can be read alone. A block file of kind `wal`:
 *
 *   section 1 frames    fence: the frame's first page (LSN / 8192)    walFrame.ts; every frame but the first begins at a multiple of 128 kB
 *   section 2 headers   fence: none    one block: major, segment size, system identifier (string), n, then n × (segment number less the one
 *                                      before, xlp_info, xlp_tli, xlp_rem_len) of the segments' first pages
 *
 * docs/wal-pack.md has it byte for byte.
 */
import { XLOG_PAGE_MAGIC, type PgMajor } from '../pg/version.js';
import { readXLogPageHeader, SIZE_OF_XLOG_LONG_PHD, writeXLogPageHeader, XLOG_BLCKSZ, XLP_LONG_HEADER, type XLogPageHeader } from '../pg/xlogPage.js';
import { inputError, WalscopeError } from '../util/errors.js';
import { upperHex } from '../util/hex.js';
import { LruCache } from '../util/lruCache.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import { ByteReader, ByteWriter } from '../util/varint.js';
import { BlockFileReader, BlockFileWriter, findBlock, LayerKind, type Section } from './blockFile.js';
import type { HeldFiles } from './heldFiles.js';
import { decodeWalFrame, WAL_FRAME_BYTES, WalFrameEncoder, type WalFramePage, type WalIdentity } from './walFrame.js';

const SectionId = { frames: 1, headers: 2 } as const;

/** The name of the pack of [startLsn, endLsn). */
export function walPackName(startLsn: Lsn, endLsn: Lsn): string {
  return `${upperHex(startLsn, 16)}-${upperHex(endLsn, 16)}.wal`;
}

/** Takes the WAL from a page's start on, in order, in pieces of any length. finish() or abandon() must be called. */
export class WalPackWriter {
  private readonly file: BlockFileWriter;
  private readonly encoder: WalFrameEncoder;
  private readonly frame = new Uint8Array(WAL_FRAME_BYTES);
  private readonly headers: { segno: number; header: XLogPageHeader }[] = [];
  private frameLsn: Lsn;
  private filled = 0;

  /** `folder`: where the pack goes; it gets its name when its end is known. `startLsn` must be a page's. */
  constructor(private readonly folder: string, private readonly startLsn: Lsn, private readonly identity: WalIdentity) {
    if (startLsn % XLOG_BLCKSZ !== 0) throw new Error(`a pack cannot begin at ${formatLsn(startLsn)}`);
    this.frameLsn = startLsn;
    this.encoder = new WalFrameEncoder(identity);
    this.file = new BlockFileWriter(`${folder}/${walPackName(startLsn, startLsn)}`, LayerKind.wal);
    this.file.section(SectionId.frames, 1);
  }

  /** Where the next byte belongs. */
  get position(): Lsn { return (this.frameLsn + this.filled) as Lsn; }

  /** Keeps the first page's header of the segment in which the pack begins, where it begins in mid-segment. */
  addSegmentHeader(bytes: Uint8Array): void {
    this.noteHeader(bytes, 0, (this.startLsn - (this.startLsn % this.identity.segmentSize)) as Lsn);
  }

  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const room = WAL_FRAME_BYTES - (this.position % WAL_FRAME_BYTES);
      const piece = bytes.subarray(at, at + room);
      this.frame.set(piece, this.filled);
      this.filled += piece.length;
      at += piece.length;
      if (this.position % WAL_FRAME_BYTES === 0) this.flush();
    }
  }

  private flush(): void {
    const bytes = this.frame.subarray(0, this.filled);
    this.noteHeaders(bytes);
    this.file.block(this.encoder.encode(bytes, this.frameLsn), [this.frameLsn / XLOG_BLCKSZ]);
    this.frameLsn = this.position;
    this.filled = 0;
  }

  private noteHeaders(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += XLOG_BLCKSZ) {
      if ((this.frameLsn + at) % this.identity.segmentSize === 0) this.noteHeader(bytes, at, (this.frameLsn + at) as Lsn);
    }
  }

  /** Readers hold each segment's first page against the cluster: its header is kept apart, so that this costs no frame. */
  private noteHeader(bytes: Uint8Array, at: number, lsn: Lsn): void {
    if (bytes.length - at < SIZE_OF_XLOG_LONG_PHD) return;
    const header = readXLogPageHeader(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), at);
    if (longHeader(lsn, header, this.identity).every((byte, i) => byte === bytes[at + i])) this.headers.push({ segno: lsn / this.identity.segmentSize, header });
  }

  /** Syncs the pack and gives it its name. */
  finish(): { name: string; endLsn: Lsn; bytes: number } {
    const endLsn = this.position;
    if (this.filled > 0) this.flush();
    const { major, segmentSize, systemIdentifier } = this.identity;
    const out = new ByteWriter();
    out.varint(major);
    out.varint(segmentSize);
    out.string(String(systemIdentifier));
    out.varint(this.headers.length);
    let before = 0;
    for (const { segno, header } of this.headers) {
      out.varint(segno - before);
      out.varint(header.info);
      out.varint(header.timeline);
      out.varint(header.remLen);
      before = segno;
    }
    this.file.section(SectionId.headers, 0);
    this.file.block(out.view(), []);
    const name = walPackName(this.startLsn, endLsn);
    return { name, endLsn, bytes: this.file.finish(`${this.folder}/${name}`) };
  }

  /** Leaves nothing behind. */
  abandon(): void {
    this.file.abandon();
  }
}

function longHeader(lsn: Lsn, { info, timeline, remLen }: Pick<XLogPageHeader, 'info' | 'timeline' | 'remLen'>, identity: WalIdentity): Uint8Array {
  const bytes = new Uint8Array(SIZE_OF_XLOG_LONG_PHD);
  const { major, segmentSize, systemIdentifier } = identity;
  writeXLogPageHeader(new DataView(bytes.buffer), 0, { magic: XLOG_PAGE_MAGIC[major], info: info | XLP_LONG_HEADER, timeline, pageAddr: lsn, remLen, systemIdentifier, segmentSize, xlogBlockSize: XLOG_BLCKSZ });
  return bytes;
}

/** Decoded frames, over all open packs. */
const FRAME_CACHE_BYTES = 16 * 1024 * 1024;
const frameCache = new LruCache<string, Uint8Array>(FRAME_CACHE_BYTES);
let nextPackNumber = 0;

/** An opened pack. */
export class WalPack {
  private readonly file: BlockFileReader;
  private readonly frames: Section;
  private readonly packNumber = nextPackNumber++;
  readonly identity: WalIdentity;
  /** The long header of each segment that begins in the pack, by segment number. */
  private readonly headers = new Map<number, Uint8Array>();

  /** Throws `layer.*` where the file is no pack or damaged. */
  constructor(readonly path: string, readonly startLsn: Lsn, readonly endLsn: Lsn, held?: HeldFiles) {
    this.file = new BlockFileReader(path, LayerKind.wal, held);
    try {
      const frames = this.file.section(SectionId.frames);
      const headers = this.file.section(SectionId.headers);
      if (!frames || headers?.blocks !== 1) throw this.damaged('has a section missing', 0);
      this.frames = frames;
      this.identity = this.readHeaders(this.file.readBlock(headers, 0));
    } catch (error) {
      this.file.close();
      throw error;
    }
  }

  private readHeaders(payload: Uint8Array): WalIdentity {
    const reader = new ByteReader(payload);
    const identity = { major: reader.varint() as PgMajor, segmentSize: reader.varint(), systemIdentifier: BigInt(reader.string()) };
    let segno = 0;
    for (let n = reader.varint(); n > 0; n--) {
      segno += reader.varint();
      const [info, timeline, remLen] = [reader.varint(), reader.varint(), reader.varint()] as const;
      this.headers.set(segno, longHeader((segno * identity.segmentSize) as Lsn, { info, timeline, remLen }, identity));
    }
    return identity;
  }

  get bytes(): number { return this.file.size; }
  get frameCount(): number { return this.frames.blocks; }

  /** The bytes from `lsn` on that lie in one piece, at most `length`; none outside the pack but a segment's long header. A view that stays as it is. */
  view(lsn: Lsn, length: number): Uint8Array {
    if (length <= SIZE_OF_XLOG_LONG_PHD && lsn % this.identity.segmentSize === 0) {
      const header = this.headers.get(lsn / this.identity.segmentSize);
      if (header) return header.subarray(0, length);
    }
    const index = findBlock(this.frames, Math.floor(lsn / XLOG_BLCKSZ), 0);
    if (index < 0) return new Uint8Array(0);
    const at = lsn - this.frameLsn(index);
    return this.frame(index).subarray(at, at + length);
  }

  private frameLsn(index: number): Lsn {
    return (this.frames.fences[index]! * XLOG_BLCKSZ) as Lsn;
  }

  private frame(index: number): Uint8Array {
    const key = `${this.packNumber}:${index}`;
    let bytes = frameCache.get(key);
    if (!bytes) {
      bytes = this.decode(index);
      frameCache.set(key, bytes, bytes.length);
    }
    return bytes;
  }

  private decode(index: number, onPage?: (page: WalFramePage) => void): Uint8Array {
    const lsn = this.frameLsn(index);
    const stored = this.file.readBlockUncached(this.frames, index);
    const next = index + 1 < this.frames.blocks ? this.frameLsn(index + 1) : this.endLsn;
    let bytes: Uint8Array | undefined;
    try {
      bytes = decodeWalFrame(stored, lsn, this.identity, onPage);
    } catch (error) {
      throw this.damaged(`has a frame at ${formatLsn(lsn)} that cannot be decoded (${error instanceof Error ? error.message : String(error)})`, this.frames.offsets[index]!);
    }
    if (lsn + bytes.length !== next) throw this.damaged(`has a frame of ${bytes.length} bytes at ${formatLsn(lsn)}, where ${next - lsn} belong`, this.frames.offsets[index]!);
    return bytes;
  }

  /** Reads and decodes every block; what is damaged. */
  check(): WalscopeError[] {
    const findings = this.file.check();
    if (findings.length > 0) return findings;
    for (let i = 0; i < this.frames.blocks; i++) {
      try {
        this.decode(i);
      } catch (error) {
        if (!(error instanceof WalscopeError)) throw error;
        findings.push(error);
      }
    }
    return findings;
  }

  /** Every frame with what the heads of its pages say, in LSN order: for the dump. */
  *describe(): Generator<{ lsn: Lsn; storedBytes: number; walBytes: number; pages: WalFramePage[] }> {
    for (let i = 0; i < this.frames.blocks; i++) {
      const pages: WalFramePage[] = [];
      const { length } = this.decode(i, (page) => pages.push(page));
      yield { lsn: this.frameLsn(i), storedBytes: this.frames.lengths[i]!, walBytes: length, pages };
    }
  }

  private damaged(what: string, offset: number): WalscopeError {
    return inputError('pack.damaged', `${this.path} ${what}`, { file: this.path, offset }, 'run walscope index again where the WAL archive is still there: remove the file first, and it is packed anew');
  }

  close(): void {
    this.file.close();
  }
}
