/**
 * `shard`: what one part of a divided index run has built, beside its `layers/` and `wal/`. The same form as the manifest: one header line
 * `walscope-shard VERSION CRC32C LENGTH`, then so many bytes of JSON.
 */
import path from 'node:path';
import type { Lsn } from '../util/lsn.js';
import { readCheckedJson, writeCheckedJson } from './checkedJson.js';
import { CASE_FORMAT_VERSION, type Manifest, type ManifestLayer, type ManifestPack } from './manifest.js';

/** A stripe's result: BuiltLayer of the store, as plain data. */
export interface ShardStripe {
  from: Lsn;
  layer: ManifestLayer | null;
  pack: ManifestPack | null;
  position: Lsn;
  firstPrevLsn: Lsn;
  lastLsn: Lsn;
  /** Why the WAL ended in this stripe, where it did. */
  end: unknown;
}

export interface ShardFile extends Pick<Manifest, 'systemIdentifier' | 'major' | 'timelines' | 'walStore'> {
  /** From 1. */
  part: number;
  of: number;
  /** Where the WAL ended that the part saw: a stripe that ended there may have more to it since. */
  walEnd: Lsn;
  stripes: ShardStripe[];
}

const fileOf = (folder: string): string => path.join(folder, 'shard');

/** Reads a part's file; undefined where the folder holds none. Throws `case.*` where it is damaged. */
export function readShard(folder: string): ShardFile | undefined {
  return readCheckedJson<ShardFile>(fileOf(folder), 'shard', CASE_FORMAT_VERSION);
}

/** Replaces it as one durable step. */
export function writeShard(folder: string, shard: ShardFile): void {
  writeCheckedJson(fileOf(folder), 'shard', CASE_FORMAT_VERSION, shard);
}
