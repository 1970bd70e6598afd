/**
 * A relation fork's existence, size and base as of a moment: the fold of its size events and of its database folder's fate
 * over what the base backup holds.
 */
import { SizeEventKind, type SizeEvent } from '../layerfile/deltaLayer.js';
import type { RelFork } from '../pg/relFileLocator.js';
import { MAX_LSN, type Lsn } from '../util/lsn.js';
import type { Directories, DirectoryEvent } from './layerEvents.js';
import type { LayerMap } from './layerMap.js';
import type { UsableBackup } from './sources.js';

/** Where a block comes from when no record starts its chain. */
export type BasePages =
  | { kind: 'backup'; backup: UsableBackup }
  /** The database was created by file copy: the source's page as of the copy, which may lie before the backup's consistency. */
  | { kind: 'copy'; rel: RelFork; upTo: Lsn; backup: UsableBackup };

export interface RelationState {
  exists: boolean;
  /** Size in blocks; 0 where it does not exist. */
  blocks: number;
  base: BasePages | null;
  /** Entries at or after this LSN count; older ones belong to an earlier relation of the same number, or to the base. */
  floorLsn: Lsn;
  /** Truncations since, in LSN order: blocks at or above `blocks` begin anew at `lsn`. */
  truncations: { lsn: Lsn; blocks: number }[];
}

/** Folds the state of `rel` for all records that begin before `upTo`, over the given backup. */
export function relationState(rel: RelFork, upTo: Lsn, backup: UsableBackup, layers: LayerMap, directories: Directories): RelationState {
  const baseBlocks = backup.images.forkBlocks(rel);
  const state: RelationState = {
    exists: baseBlocks !== undefined,
    blocks: baseBlocks ?? 0,
    base: baseBlocks === undefined ? null : { kind: 'backup', backup },
    floorLsn: backup.redoLsn,
    truncations: [],
  };
  const sizes = layers.sizeEvents(rel, backup.redoLsn, upTo);
  const folders = directories.between(rel.spcOid, rel.dbOid, backup.redoLsn, upTo);
  let next = 0;
  for (const folder of folders) {
    while (next < sizes.length && sizes[next]!.lsn < folder.lsn) applySize(state, sizes[next++]!);
    applyFolder(state, folder, rel, backup, layers, directories);
  }
  while (next < sizes.length) applySize(state, sizes[next++]!);
  return state;
}

function begin(state: RelationState, lsn: Lsn, exists: boolean, blocks: number, base: BasePages | null): void {
  state.exists = exists;
  state.blocks = blocks;
  state.base = base;
  state.floorLsn = lsn;
  state.truncations = [];
}

function applySize(state: RelationState, event: SizeEvent): void {
  switch (event.kind) {
    case SizeEventKind.extend:
      if (!state.exists) begin(state, event.lsn, true, event.blocks, null);
      else state.blocks = Math.max(state.blocks, event.blocks);
      break;
    case SizeEventKind.truncate:
      state.blocks = Math.min(state.blocks, event.blocks);
      state.truncations.push({ lsn: event.lsn, blocks: event.blocks });
      break;
    case SizeEventKind.create:
      if (!state.exists) begin(state, event.lsn, true, 0, null);
      break;
    case SizeEventKind.drop:
      begin(state, event.lsn, false, 0, null);
      break;
  }
}

function applyFolder(state: RelationState, event: DirectoryEvent, rel: RelFork, backup: UsableBackup, layers: LayerMap, directories: Directories): void {
  if (event.kind !== 'copy') {
    begin(state, event.lsn, false, 0, null);
    return;
  }
  const source: RelFork = { ...rel, spcOid: event.sourceSpcOid, dbOid: event.sourceDbOid };
  const before = relationState(source, event.lsn, backup, layers, directories);
  begin(state, event.lsn, before.exists, before.blocks, before.exists ? { kind: 'copy', rel: source, upTo: event.lsn, backup } : null);
}

/** From which LSN on entries of this block count, and whether its base may still be used; for a moment `upTo` before the state's own, too. */
export function blockFloor(state: RelationState, block: number, upTo: Lsn = MAX_LSN): { floorLsn: Lsn; usesBase: boolean } {
  for (let i = state.truncations.length - 1; i >= 0; i--) {
    const truncation = state.truncations[i]!;
    if (truncation.blocks <= block && truncation.lsn < upTo) return { floorLsn: truncation.lsn, usesBase: false };
  }
  return { floorLsn: state.floorLsn, usesBase: state.base !== null };
}
