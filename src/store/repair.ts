/** Layers and packs that are gone or cannot be opened are built again from the WAL that they came from. */
import path from 'node:path';
import { layerFaults, LayerKind } from '../layerfile/blockFile.js';
import type { Manifest, ManifestLayer, ManifestPack } from '../layerfile/manifest.js';
import { inputError, type WalscopeError } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';
import { buildLayer, buildPack, type StripeSource } from './buildLayer.js';
import { LAYERS_FOLDER } from './caseStore.js';
import { checkPack, WAL_FOLDER } from './caseWal.js';
import { LayerBuilder } from './ingest.js';
import { checkLayerFile, layerFiles } from './layerFiles.js';
import { replaceLayers, unitsOf, type LayerUnit } from './levels.js';
import { namePack } from './runs.js';
import { stripeStart } from './stripes.js';
import type { Packing } from './stripePack.js';

const PUT_BACK = 'put that WAL back, or index what there is into a new case directory';

/**
 * Rebuilds what is damaged of the layers that the manifest names: with `deep` every block is read, else only what cannot be opened is found.
 * A stripe's layer is made again; a merged one's stripes are, for compaction to merge again, and so are the images beside it. Images of what
 * is not merged are forgotten, for the next `compact`. Throws `layer.lost` where the WAL is no longer there.
 */
export function rebuildDamagedLayers(manifest: Manifest, caseDir: string, source: StripeSource, deep: boolean): void {
  const damaged = new Map(layerFiles(manifest).flatMap((file) => checkLayerFile(caseDir, file, deep).slice(0, 1).map((fault) => [file.name, fault] as const)));
  if (damaged.size === 0) return;
  const cutoff = manifest.cutoff && damaged.get(manifest.cutoff.name);
  if (cutoff) throw inputError('layer.lost', `${cutoff.message}: it holds what gc kept of older WAL`, cutoff.options.place, 'put a copy of that file back, or index what there is into a new case directory');
  const images = manifest.images?.filter(({ name }) => damaged.has(name)) ?? [];
  if (manifest.images) manifest.images = manifest.images.filter(({ name }) => !damaged.has(name));
  for (const unit of allUnits(manifest)) {
    const beside = images.filter(({ startLsn, level }) => startLsn === unit.startLsn && level === unit.level && level > 0);
    const fault = [...unit.layers, ...beside].map(({ name }) => damaged.get(name)).find((each) => each !== undefined);
    if (!fault) continue;
    const lost = (from: string): WalscopeError => inputError('layer.lost', `${fault.message}, and ${from} that it was built from is not there any more`, fault.options.place, PUT_BACK);
    rebuildUnit(manifest, unit, path.join(caseDir, LAYERS_FOLDER), source, lost);
  }
}

/** Replaces a unit's layers by those of its stripes, from the WAL. Throws what `lost` makes of the stretch of WAL that is not there. */
export function rebuildUnit(manifest: Manifest, unit: LayerUnit, layersDir: string, source: StripeSource, lost: (wal: string) => WalscopeError): ManifestLayer[] {
  const stripes = rebuildStripes(unit, lost, layersDir, source);
  replaceLayers(manifest, unit.layers, stripes);
  // level by level they are made again, as the first time: from what lay before, not from themselves
  const starts = new Set(stripes.map(({ startLsn }) => startLsn));
  if (unit.level > 0 && manifest.images) manifest.images = manifest.images.filter(({ startLsn }) => !starts.has(startLsn));
  return stripes;
}

/** The merged units, then each stripe that is none of one. */
export function allUnits(manifest: Manifest): LayerUnit[] {
  return [...unitsOf(manifest, 'merged'), ...manifest.layers.filter(({ level }) => level === undefined).map(unitOfStripe)];
}

export function unitOfStripe(layer: ManifestLayer): LayerUnit {
  return { startLsn: layer.startLsn, endLsn: layer.endLsn, level: 0, layers: [layer] };
}

/** The layers of a unit's stripes, from the WAL. */
function rebuildStripes(unit: LayerUnit, lost: (wal: string) => WalscopeError, layersDir: string, source: StripeSource): ManifestLayer[] {
  const stripes: ManifestLayer[] = [];
  const builder = new LayerBuilder();
  for (let from = unit.startLsn; from < unit.endLsn;) {
    const { layer, position } = buildLayer(source, from, layersDir, builder);
    if (layer) stripes.push(layer);
    if (!layer || position <= from || position >= unit.endLsn) break;
    from = stripeStart(position, unit.startLsn);
  }
  if (stripes.at(-1)?.endLsn === unit.endLsn) return stripes;
  throw lost(`the WAL from ${formatLsn(unit.startLsn)} to ${formatLsn(unit.endLsn)}`);
}

/** Takes the packs that cannot be opened, with `deep` those with a damaged frame too, out of the manifest, so that nothing reads them; gives them. */
export function takeDamagedPacks(manifest: Manifest, caseDir: string, deep: boolean): ManifestPack[] {
  const damaged = manifest.packs.filter((entry) => layerFaults(path.join(caseDir, WAL_FOLDER, entry.name), LayerKind.wal, entry.bytes, false).length > 0 || (deep && checkPack(caseDir, entry).length > 0));
  manifest.packs = manifest.packs.filter((entry) => !damaged.includes(entry));
  return damaged;
}

/** Packs again from the archive. Throws `pack.lost` where its WAL is no longer there. */
export function rebuildPacks(manifest: Manifest, damaged: readonly ManifestPack[], source: StripeSource & { packing: Packing }): void {
  for (const entry of damaged) {
    const { pack } = buildPack(source, entry.startLsn);
    if (!pack || pack.endLsn < entry.endLsn) {
      throw inputError('pack.lost', `the packed WAL ${entry.name} is missing or damaged, and the WAL from ${formatLsn(pack?.endLsn ?? entry.startLsn)} to ${formatLsn(entry.endLsn)} is not in the archive any more`,
        { file: entry.name, lsn: formatLsn(entry.startLsn) }, PUT_BACK);
    }
    namePack(manifest, pack);
  }
}
