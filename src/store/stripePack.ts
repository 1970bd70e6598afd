/** Packs a stripe of WAL while it is read for its layer: the bytes are read, and decompressed, once. */
import path from 'node:path';
import type { ManifestPack, WalStoreForm } from '../layerfile/manifest.js';
import type { WalIdentity } from '../layerfile/walFrame.js';
import { WalPackWriter } from '../layerfile/walPack.js';
import type { WalBytes } from '../pg/xlogReader.js';
import { SIZE_OF_XLOG_LONG_PHD, XLOG_BLCKSZ } from '../pg/xlogPage.js';
import type { Lsn } from '../util/lsn.js';
import { WAL_FOLDER, type CaseWal } from './caseWal.js';
import { stripeEnd } from './stripes.js';

/** What decides whether a stripe is packed. */
export interface Packing {
  caseDir: string;
  form: WalStoreForm;
  /** What is packed already. */
  packs: readonly ManifestPack[];
}

/** Where the pack of the stripe that is read from `from` on begins. */
export function packStart(from: Lsn): Lsn {
  return (from - (from % XLOG_BLCKSZ)) as Lsn;
}

/** Whether the stripe that is read from `from` on goes into a pack. One that was packed once stays so: the archive may have let go of it. */
export function isPacked(wal: CaseWal, from: Lsn, { form, packs }: Packing): boolean {
  const start = packStart(from);
  if (form === 'pack' || packs.some((pack) => pack.startLsn === start)) return true;
  return form === 'auto' && wal.archive.hasCompressed(start, stripeEnd(from));
}

const COPY_BYTES = 1024 * 1024;

/** A source of WAL that packs what is read through it. finish() or abandon() must be called. */
export class PackingSource implements WalBytes {
  readonly segmentSize: number;
  private readonly writer: WalPackWriter;
  private readonly startLsn: Lsn;
  private readonly endLsn: Lsn;
  private readonly copy = new Uint8Array(COPY_BYTES);

  /** The stripe that is read from `from` on. */
  constructor(private readonly wal: CaseWal, from: Lsn, caseDir: string, identity: WalIdentity) {
    this.segmentSize = wal.segmentSize;
    this.startLsn = packStart(from);
    this.endLsn = stripeEnd(from);
    this.writer = new WalPackWriter(path.join(caseDir, WAL_FOLDER), this.startLsn, identity);
    const inSegment = this.startLsn % this.segmentSize;
    if (inSegment > 0) this.writer.addSegmentHeader(wal.read((this.startLsn - inSegment) as Lsn, SIZE_OF_XLOG_LONG_PHD));
  }

  read(lsn: Lsn, length: number): Uint8Array {
    return this.wal.read(lsn, length);
  }

  readInto(lsn: Lsn, into: Uint8Array): number {
    const got = this.wal.readInto(lsn, into);
    const end = Math.min(lsn + got, this.endLsn);
    if (end > this.writer.position && this.copyTo(Math.min(lsn, this.endLsn) as Lsn)) {
      this.writer.add(into.subarray(this.writer.position - lsn, end - lsn));
    }
    return got;
  }

  fileAt(lsn: Lsn): string | undefined {
    return this.wal.fileAt(lsn);
  }

  /** Packs what the reader passed over; false where it is not there. */
  private copyTo(lsn: Lsn): boolean {
    while (this.writer.position < lsn) {
      const { position } = this.writer;
      const got = this.wal.readInto(position, this.copy.subarray(0, Math.min(COPY_BYTES, lsn - position)));
      if (got === 0) return false;
      this.writer.add(this.copy.subarray(0, got));
    }
    return true;
  }

  /** Packs the rest of the stripe, as far as there is any without a gap: the record that begins in it may end in WAL yet to come. */
  finish(): ManifestPack | undefined {
    this.copyTo(this.endLsn);
    if (this.writer.position === this.startLsn) {
      this.writer.abandon();
      return undefined;
    }
    return { startLsn: this.startLsn, ...this.writer.finish() };
  }

  abandon(): void {
    this.writer.abandon();
  }
}
