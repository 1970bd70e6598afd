/**
 * The one mutable file of a case: which layers exist and what they cover. Whatever it does not name does not exist.
 *
 * `manifest`: one header line `walscope-manifest VERSION CRC32C LENGTH`, then LENGTH bytes of JSON whose CRC-32C the header holds.
 */
import path from 'node:path';
import { INVALID_LSN, type Lsn } from '../util/lsn.js';
import type { PgMajor } from '../pg/version.js';
import { readCheckedJson, writeCheckedJson } from './checkedJson.js';

export const CASE_FORMAT_VERSION = 3;

/** A page's place in the order of keys: tablespace, database, relation number, fork, block. */
export type KeyPlace = [spcOid: number, dbOid: number, relNumber: number, fork: number, block: number];

export interface ManifestLayer {
  /** File name under `layers/`. */
  name: string;
  startLsn: Lsn;
  endLsn: Lsn;
  /** The last record, which the next one must point back to. Parts with keys alone have none. */
  lastLsn?: Lsn;
  bytes: number;
  records: number;
  keys: number;
  /** Transaction log rows; the first, last and greatest commit time in microseconds since 2000, null where there is none. */
  xacts: number;
  firstTime: number | null;
  lastTime: number | null;
  maxTime: number | null;
  /** How often its keys were merged; absent: never, the layer is one stripe's. */
  level?: number;
  /** Forks whose keys a selection left out, where there are any; the layer lists them. */
  leftOut?: number;
  /** Of a merged layer that holds keys and nothing else: its first and last page. */
  keyRange?: { first: KeyPlace; last: KeyPlace };
}

/** A layer of page images. */
export interface ManifestImages {
  /** File name under `layers/`. */
  name: string;
  /** The LSNs of its images lie in [startLsn, endLsn). */
  startLsn: Lsn;
  endLsn: Lsn;
  bytes: number;
  images: number;
  /** 0: of WAL that is not merged yet, as `compact` makes them; else the level of the layers beside it. */
  level: number;
}

/** A stretch of WAL that the case holds itself. */
export interface ManifestPack {
  /** File name under `wal/`. */
  name: string;
  startLsn: Lsn;
  /** At most where the file ends: less where another timeline goes on before. */
  endLsn: Lsn;
  bytes: number;
}

/** Where the records are read from: `reference`: the archive; `pack`: the case; `auto`: the case where the archive is compressed. */
export type WalStoreForm = 'auto' | 'reference' | 'pack';

/** Where retention cut the history off: the cluster as it was then stands in a layer of its own, over a base backup. */
export interface ManifestCutoff {
  /** The first moment that can be answered. */
  lsn: Lsn;
  /** Its time: of the last transaction's end before it; null: not known. */
  time: number | null;
  /** File name under `layers/`. */
  name: string;
  bytes: number;
  images: number;
  /** Path of the base backup that holds what had not changed by then. */
  backup: string;
  /** XLogHintBitIsNeeded() then. */
  hintBitsLogged: boolean;
  /** Databases that were there then and are not in the backup. */
  databases: number[];
  /** [tablespace, database] of the folders that are not as the backup has them: new, copied or gone. */
  replacedFolders: [number, number][];
}

/** A moment that retention keeps. */
export interface ManifestPin {
  name: string;
  lsn: Lsn;
  time: number | null;
}

/** A stretch of WAL that was read without a break. */
export interface ManifestRun {
  startLsn: Lsn;
  /** Up to here everything is indexed. */
  endLsn: Lsn;
  /** Why it ends there, in words; empty while more may follow. */
  endReason: string;
  /** Where the archive's WAL ends, of which something missing or damaged at `endLsn` keeps the rest from being read; absent: nothing does. */
  archiveEndLsn?: Lsn;
}

export interface ManifestBackup {
  /** Absolute path as given. */
  path: string;
  /** Folder under the case that holds the re-encoded form of a compressed backup; empty: read in place. */
  local: string;
  label: string;
  startLsn: Lsn;
  /** From here on (the end of the record that makes it consistent) this backup answers; null while that record was not seen. */
  consistentLsn: Lsn | null;
  timeline: number;
}

export interface Manifest {
  systemIdentifier: string;
  major: PgMajor;
  segmentSize: number;
  /** The history that is followed, oldest first: which timeline holds which positions. */
  timelines: { timeline: number; start: Lsn; end: Lsn }[];
  /** WAL folders as given, absolute. */
  wal: string[];
  /** What was found in them (WalArchive.save()), so that a question opens only the segments that it reads. */
  walArchive: unknown;
  walStore: WalStoreForm;
  packs: ManifestPack[];
  backups: ManifestBackup[];
  runs: ManifestRun[];
  layers: ManifestLayer[];
  /** DB, DB.SCHEMA or DB.SCHEMA.TABLE, sorted: of all other user tables no keys are held; absent: the index is whole. */
  only?: string[];
  /** Layers that are merged into one; absent: DEFAULT_FANOUT of the store. */
  fanout?: number;
  /** Page images that compaction made, in LSN order; absent: none. */
  images?: ManifestImages[];
  /** An image after so many records of a page; absent: DEFAULT_KEYFRAME_EVERY of the store. 0: none. */
  keyframeEvery?: number;
  /** Where the history was cut off; absent: it begins with the first backup. */
  cutoff?: ManifestCutoff;
  /** Moments that gc keeps, in LSN order; absent: none. */
  pins?: ManifestPin[];
  walBytes: number;
  records: number;
}

/** Every file of images that the manifest names: the image layers, and the cutoff. */
export function imageFiles({ images = [], cutoff }: Manifest): ManifestImages[] {
  return cutoff ? [{ name: cutoff.name, startLsn: INVALID_LSN, endLsn: cutoff.lsn, bytes: cutoff.bytes, images: cutoff.images, level: 0 }, ...images] : images;
}

const FILE = 'manifest';

export function manifestPath(caseDir: string): string {
  return path.join(caseDir, FILE);
}

/** Reads a case's manifest; undefined where the folder holds none. */
export function readManifest(caseDir: string): Manifest | undefined {
  return readCheckedJson<Manifest>(manifestPath(caseDir), FILE, CASE_FORMAT_VERSION);
}

/** Replaces the manifest as one durable step. */
export function writeManifest(caseDir: string, manifest: Manifest): void {
  writeCheckedJson(manifestPath(caseDir), FILE, CASE_FORMAT_VERSION, manifest);
}
