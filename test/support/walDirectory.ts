/** A directory of plain WAL segments as one source of WAL bytes, for tests and the naive recovery. */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { formatWalFileName, parseWalFileName, segmentNumberOfName, walSegmentNumber, walSegmentStart } from '../../src/pg/walFileName.js';
import { readXLogLongPageHeader } from '../../src/pg/xlogPage.js';
import { majorOfMagic, type PgMajor } from '../../src/pg/version.js';
import type { WalBytes } from '../../src/pg/xlogReader.js';
import type { Lsn } from '../../src/util/lsn.js';

/** Opens every segment of the highest timeline that holds it. */
export class WalDirectory implements WalBytes {
  readonly segmentSize: number;
  readonly major: PgMajor;
  readonly systemIdentifier: bigint;
  readonly firstLsn: Lsn;
  /** Segment number → file name. */
  private readonly files = new Map<number, string>();
  private openSegment = -1;
  private fd = -1;

  constructor(readonly directory: string) {
    const names = readdirSync(directory).filter((name) => parseWalFileName(name)?.kind === 'segment').sort();
    if (names.length === 0) throw new Error(`no WAL segments in ${directory}`);
    const head = Buffer.alloc(40);
    const fd = openSync(join(directory, names[0]!), 'r');
    readSync(fd, head, 0, 40, 0);
    closeSync(fd);
    const header = readXLogLongPageHeader(new DataView(head.buffer, head.byteOffset, 40), 0);
    const major = majorOfMagic(header.magic);
    if (major === undefined) throw new Error(`${names[0]} is not a WAL segment`);
    this.major = major;
    this.segmentSize = header.segmentSize;
    this.systemIdentifier = header.systemIdentifier;
    for (const name of names) {
      const parsed = parseWalFileName(name);
      if (parsed?.kind !== 'segment') continue;
      const number = segmentNumberOfName(parsed, this.segmentSize);
      if (number !== undefined) this.files.set(number, name);
    }
    this.firstLsn = walSegmentStart(Math.min(...this.files.keys()), this.segmentSize);
  }

  get segmentNumbers(): number[] { return [...this.files.keys()].sort((a, b) => a - b); }

  fileAt(lsn: Lsn): string {
    const number = walSegmentNumber(lsn, this.segmentSize);
    return this.files.get(number) ?? formatWalFileName(1, number, this.segmentSize);
  }

  read(lsn: Lsn, length: number): Uint8Array {
    const bytes = Buffer.allocUnsafe(length);
    return bytes.subarray(0, this.readInto(lsn, bytes));
  }

  readInto(lsn: Lsn, into: Uint8Array): number {
    const number = walSegmentNumber(lsn, this.segmentSize);
    const offset = lsn % this.segmentSize;
    const name = this.files.get(number);
    if (name === undefined) return 0;
    if (number !== this.openSegment) {
      this.close();
      this.fd = openSync(join(this.directory, name), 'r');
      this.openSegment = number;
    }
    return readSync(this.fd, into, 0, Math.min(into.length, this.segmentSize - offset), offset);
  }

  close(): void {
    if (this.fd !== -1) closeSync(this.fd);
    this.fd = -1;
    this.openSegment = -1;
  }
}
