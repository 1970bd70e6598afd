/**
 * An index of some tables only: layers are built whole, since nothing tells whose a file is before the catalogs can be read; then the keys of what is
 * left out are taken out of them. Where more is wanted than a layer has, its stripes are built again from the WAL.
 */
import path from 'node:path';
import { ordinalOf } from '../layerfile/deltaLayer.js';
import { writeSelectedStripe } from '../layerfile/deltaParts.js';
import type { Manifest, ManifestLayer } from '../layerfile/manifest.js';
import type { RelFork } from '../pg/relFileLocator.js';
import { inputError, type WalscopeError } from '../util/errors.js';
import type { StripeSource } from './buildLayer.js';
import { CaseStore, LAYERS_FOLDER } from './caseStore.js';
import { replaceLayers, type LayerUnit } from './levels.js';
import { mergeLayers, openLayers, sortedForks } from './mergeLayers.js';
import { openSources } from './openCase.js';
import { allUnits, rebuildUnit, unitOfStripe } from './repair.js';

export interface Selection {
  isLeftOut: (rel: RelFork) => boolean;
  /** Names that nothing in the archive has ever had. */
  unmatched: string[];
}

/** Chooses by names: DB, DB.SCHEMA or DB.SCHEMA.TABLE. Reads catalogs, which are in the index always. */
export type Choose = (store: CaseStore, only: readonly string[]) => Selection;

export interface SelectOptions {
  caseDir: string;
  /** Changed in place; `save` is called after each step. */
  manifest: Manifest;
  only: readonly string[] | undefined;
  choose: Choose | undefined;
  source: StripeSource;
  save: () => Promise<void>;
  turn: () => Promise<void>;
}

/** Makes the layers hold the keys of what is wanted, and no others; gives the names that nothing has. Throws `track.lost` where the WAL of a stretch that lacks some is gone. */
export async function selectKeys({ caseDir, manifest, only, choose, source, save, turn }: SelectOptions): Promise<string[]> {
  const folder = path.join(caseDir, LAYERS_FOLDER);
  if (only && !choose) throw new Error('nobody says which files the names leave out');
  if (!only && !manifest.layers.some(({ leftOut }) => leftOut !== undefined)) return [];
  const { isLeftOut, unmatched } = only ? chosen(caseDir, manifest, only, choose!) : { isLeftOut: () => false, unmatched: [] };
  const lost = (wal: string): WalscopeError => inputError('track.lost', `more tables cannot be taken into the index: ${wal} is not there any more`, {}, 'put that WAL back, or index what there is into a new case directory');
  for (const unit of allUnits(manifest)) {
    await turn();
    const { has, lacks } = contentsOf(folder, unit);
    if (lacks.some((rel) => !isLeftOut(rel))) {
      for (const stripe of rebuildUnit(manifest, unit, folder, source, lost)) leaveOut(manifest, folder, unitOfStripe(stripe), isLeftOut);
    } else if (has.some(isLeftOut)) {
      leaveOut(manifest, folder, unit, isLeftOut);
    } else {
      continue;
    }
    // they are made again, in order: later ones build on earlier ones
    manifest.images = manifest.images?.filter(({ endLsn }) => endLsn <= unit.startLsn);
    if (manifest.images?.length === 0) delete manifest.images;
    await save();
  }
  return unmatched;
}

function chosen(caseDir: string, manifest: Manifest, only: readonly string[], choose: Choose): Selection {
  const store = new CaseStore(caseDir, manifest, openSources(caseDir, manifest));
  try {
    return choose(store, only);
  } finally {
    store.close();
  }
}

/** The forks that a unit may have keys of, and those whose keys it lacks. */
function contentsOf(folder: string, unit: LayerUnit): { has: RelFork[]; lacks: RelFork[] } {
  const opened = openLayers(folder, unit.layers);
  const lacks = opened.flatMap(({ layer }) => layer.leftOut);
  const has = sortedForks(opened.flatMap(({ layer }) => layer.relations)).filter((rel) => ordinalOf(lacks, rel) < 0);
  for (const { layer } of opened) layer.close();
  return { has, lacks };
}

/** Writes a unit's layers again without the keys of more forks. */
function leaveOut(manifest: Manifest, folder: string, unit: LayerUnit, isLeftOut: (rel: RelFork) => boolean): void {
  const { has, lacks } = contentsOf(folder, unit);
  const leftOut = sortedForks([...lacks, ...has.filter(isLeftOut)]);
  if (leftOut.length === lacks.length) return;
  replaceLayers(manifest, unit.layers, unit.level > 0 ? mergeLayers(folder, { ...unit, inputs: unit.layers }, leftOut) : unit.layers.map((entry) => selectedStripe(folder, entry, leftOut)));
}

function selectedStripe(folder: string, entry: ManifestLayer, leftOut: RelFork[]): ManifestLayer {
  const layer = openLayers(folder, [entry])[0]!.layer;
  try {
    return { ...entry, ...writeSelectedStripe({ folder, startLsn: entry.startLsn, endLsn: entry.endLsn, level: 0, leftOut }, layer), leftOut: leftOut.length };
  } finally {
    layer.close();
  }
}
