/** What the store needs of the two inputs; `src/archive` provides both. */
import type { RelFork } from '../pg/relFileLocator.js';
import type { PgMajor } from '../pg/version.js';
import type { XLogRecord } from '../pg/xlogRecord.js';
import type { Lsn } from '../util/lsn.js';

/** A base backup as a set of page images and small files. */
export interface BaseImages {
  /** XLogHintBitIsNeeded() when the backup was taken. */
  readonly hintBitsLogged: boolean;
  readonly dataChecksums: boolean;
  /** Size of a fork in blocks; undefined where the backup has no such file. */
  forkBlocks(rel: RelFork): number | undefined;
  /** Copies a block into `into` (8192 bytes); false where the backup does not have it. */
  readBlock(rel: RelFork, block: number, into: Uint8Array): boolean;
  /** A small file by its path in the data directory; undefined where absent. */
  readFile(path: string): Uint8Array | undefined;
  /** Databases that have a folder in the default tablespace. */
  databaseOids(): number[];
  /** Every fork that there is a file of. */
  forks(): RelFork[];
}

/** A base image set with the range in which it may be used. */
export interface UsableBackup {
  images: BaseImages;
  /** Redo starts here: records from here on apply. */
  redoLsn: Lsn;
  /** Answers are valid from here on. */
  consistentLsn: Lsn;
}

/** The WAL as a store of records: an LSN in, the record out. */
export interface WalStore {
  readonly major: PgMajor;
  readonly segmentSize: number;
  /** The record that begins at `lsn`; it is overwritten by the next call. Throws an input error where it cannot be read. */
  readRecord(lsn: Lsn): XLogRecord;
  /** Bytes from `lsn` on, unchecked; gives how many there are: none in a gap, no more than to the segment's end. */
  readBytes(lsn: Lsn, into: Uint8Array): number;
}
