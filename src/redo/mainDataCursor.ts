/** Main data of records whose layout has counts and strings in it. */
import type { RelFileLocator } from '../pg/relFileLocator.js';
import type { XLogRecord } from '../pg/xlogRecord.js';
import { inputError } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';

/** Reads main data part by part, for records whose parts have counts; every step checks that the bytes are there. */
export class MainDataCursor {
  private readonly end: number;

  constructor(private readonly record: XLogRecord, public at: number, private readonly struct: string) {
    this.end = record.mainAt + record.mainLength;
  }

  /** Steps over `size` bytes and gives where they begin. Throws `wal.record_data` where the record has fewer. */
  take(size: number): number {
    const at = this.at;
    if (size < 0 || at + size > this.end) {
      throw inputError('wal.record_data', `${this.struct}: ${size} bytes expected ${at - this.record.mainAt} bytes into the main data of the record at `
        + `${formatLsn(this.record.lsn)}, which has ${this.record.mainLength}`, { lsn: formatLsn(this.record.lsn) });
    }
    this.at = at + size;
    return at;
  }

  uint32(): number { return this.record.view.getUint32(this.take(4), true); }
  int32(): number { return this.record.view.getInt32(this.take(4), true); }

  /** An array of `count` items of `size` bytes. */
  array<T>(count: number, size: number, read: (view: DataView, at: number) => T): T[] {
    const at = this.take(count * size);
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read(this.record.view, at + i * size));
    return items;
  }

  /** A zero-terminated string, which may also end with the data. */
  cString(): string {
    const { bytes } = this.record;
    let stop = this.at;
    while (stop < this.end && bytes[stop] !== 0) stop++;
    const text = decodeText(bytes.subarray(this.at, stop));
    this.at = Math.min(stop + 1, this.end);
    return text;
  }
}

/** RelFileLocator as it lies in records: tablespace, database, relation number. */
export function readRelFileLocator(view: DataView, at: number): RelFileLocator {
  return { spcOid: view.getUint32(at, true), dbOid: view.getUint32(at + 4, true), relNumber: view.getUint32(at + 8, true) };
}

const utf8 = new TextDecoder('utf-8');

/** Names in records are in the server's encoding, in practice UTF-8 or ASCII. */
export function decodeText(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}
