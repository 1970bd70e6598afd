/**
 * When layers are merged, and which. Level n holds one group of layers for each `fanout`ⁿ stripes, cut at multiples of that many
 * stripes: like the digits of a number, so that the layers of a case follow from where its WAL begins and ends, not from how it came.
 * A key is written once a level: with a fanout of 64, twice for half a terabyte of WAL.
 */
import type { Manifest, ManifestLayer, ManifestRun } from '../layerfile/manifest.js';
import type { Lsn } from '../util/lsn.js';
import { STRIPE_BYTES } from './stripes.js';

export const DEFAULT_FANOUT = 64;

/** Layers to be merged: all of one level below, of one run, within one multiple of the level's width. */
export interface DueMerge {
  /** The level that the merge makes. */
  level: number;
  startLsn: Lsn;
  endLsn: Lsn;
  inputs: ManifestLayer[];
}

/** The first merge that is due, lowest level first; undefined where there is none. */
export function nextMerge(manifest: Manifest): DueMerge | undefined {
  const fanout = manifest.fanout ?? DEFAULT_FANOUT;
  const highest = manifest.layers.reduce((max, layer) => Math.max(max, layer.level ?? 0), 0);
  for (let level = 1; level <= highest + 1; level++) {
    const width = STRIPE_BYTES * fanout ** level;
    const below = manifest.layers.filter((layer) => (layer.level ?? 0) === level - 1);
    for (const layer of below) {
      const end = (Math.floor(layer.startLsn / width) + 1) * width;
      const run = runOf(manifest, layer);
      if (run.endLsn < end) continue;
      const inputs = below.filter((other) => other.startLsn >= layer.startLsn && other.startLsn < end && runOf(manifest, other) === run);
      return { level, startLsn: layer.startLsn, endLsn: inputs.reduce((max, { endLsn }) => Math.max(max, endLsn), 0) as Lsn, inputs };
    }
  }
  return undefined;
}

function runOf(manifest: Manifest, layer: ManifestLayer): ManifestRun {
  return manifest.runs.findLast((run) => run.startLsn <= layer.startLsn)!;
}

/** Replaces the inputs of a merge by what it made; keeps the order by LSN, then by part. */
export function replaceLayers(manifest: Manifest, inputs: readonly ManifestLayer[], merged: readonly ManifestLayer[]): void {
  const gone = new Set(inputs);
  const at = manifest.layers.indexOf(inputs[0]!);
  const before = manifest.layers.slice(0, at).filter((layer) => !gone.has(layer));
  const after = manifest.layers.slice(at).filter((layer) => !gone.has(layer));
  manifest.layers = [...before, ...merged, ...after];
}

/** Layers that cover the same stretch of WAL together: the parts of a merge, or the stripes of a run that are not merged yet. */
export interface LayerUnit {
  startLsn: Lsn;
  endLsn: Lsn;
  /** 0: stripes. */
  level: number;
  layers: ManifestLayer[];
}

/** The units of a case, in LSN order: of merges, or of stripes. */
export function unitsOf(manifest: Manifest, kind: 'merged' | 'stripes'): LayerUnit[] {
  const units: LayerUnit[] = [];
  for (const layer of manifest.layers) {
    if ((layer.level === undefined) === (kind === 'merged')) continue;
    const unit = units.at(-1);
    const isSame = unit && (kind === 'merged' ? unit.startLsn === layer.startLsn : runOf(manifest, unit.layers[0]!) === runOf(manifest, layer));
    if (isSame) {
      unit.layers.push(layer);
      unit.endLsn = Math.max(unit.endLsn, layer.endLsn) as Lsn;
    } else {
      units.push({ startLsn: layer.startLsn, endLsn: layer.endLsn, level: layer.level ?? 0, layers: [layer] });
    }
  }
  return units;
}
