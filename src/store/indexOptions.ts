/** What a run of the indexer is asked for, and what it tells. */
import type { Manifest, WalStoreForm } from '../layerfile/manifest.js';
import type { Finding } from '../util/finding.js';
import type { Lsn } from '../util/lsn.js';
import type { IndexThreads } from './indexThreads.js';
import type { Choose } from './selection.js';
import type { ShardPart } from './shards.js';

export interface IndexOptions {
  caseDir: string;
  /** Paths of base backups and WAL directories, added to those that the case knows. */
  backups: string[];
  wal: string[];
  /** Where records are read from; default: as the case has it, `auto` in a new one. */
  walStore?: WalStoreForm;
  /** Only this part of the layers is built, into `caseDir`, which becomes no case: `merge` makes one of all parts. */
  shard?: ShardPart;
  /** Directories of all parts of a run: what they built is taken. */
  merge?: string[];
  /** What the index shall hold: DB, DB.SCHEMA or DB.SCHEMA.TABLE, sorted; null: everything; absent: as the case has it. */
  only?: string[] | null;
  /** Says which files these names leave out; needed where the case has such names, or is given some. */
  choose?: Choose;
  /** Nothing new is taken in: only what is indexed is packed. */
  packOnly?: boolean;
  /** Worker threads; default 1: this thread alone. The result is the same for any number. */
  jobs?: number;
  /** Threads that are begun already. */
  threads?: IndexThreads;
  /** Called while a compressed backup is re-encoded into the case. */
  onCopy?: (source: string, share: number) => void;
  /** Called now and then with the position reached and the end of the WAL that is there. */
  onProgress?: (position: Lsn, start: Lsn, end: Lsn) => void;
  /** Reads every block of the layers and rebuilds what is damaged; else only what cannot be opened. */
  repair?: boolean;
  /** Whether layers are merged in the end, where that is due; default true. */
  compact?: boolean;
  /** Aborted on ^C: the run stops after giving up the stripe in hand. */
  signal?: AbortSignal;
}

export interface IndexSummary {
  manifest: Manifest;
  /** WAL bytes and records read in this run. */
  walBytes: number;
  records: number;
  /** Bytes of all layers, and of all packs. */
  indexBytes: number;
  packBytes: number;
  /** What of the input could not be used: the index answers without it. */
  findings: Finding[];
}
