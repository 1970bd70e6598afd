/** Layers and packs that are gone or cannot be opened are built again from the WAL that they came from. */
import path from 'node:path';
import { LayerKind, layerFault } from '../layerfile/blockFile.js';
import type { Manifest, ManifestPack } from '../layerfile/manifest.js';
import { inputError } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';
import { buildLayer, buildPack, type StripeSource } from './buildLayer.js';
import { LayerBuilder } from './ingest.js';
import { namePack } from './runs.js';
import type { Packing } from './stripePack.js';

/** Rebuilds what cannot be opened of the layers that the manifest names. Throws `layer.lost` where its WAL is no longer there. */
export function rebuildDamagedLayers(manifest: Manifest, layersDir: string, source: StripeSource): void {
  for (const [i, entry] of manifest.layers.entries()) {
    const fault = layerFault(path.join(layersDir, entry.name), LayerKind.delta, entry.bytes);
    if (!fault) continue;
    const { layer } = buildLayer(source, entry.startLsn, layersDir, new LayerBuilder());
    if (!layer || layer.name !== entry.name) {
      throw inputError('layer.lost', `${fault.message}, and the WAL from ${formatLsn(entry.startLsn)} to ${formatLsn(entry.endLsn)} that it was built from is not there any more`,
        fault.options.place, 'put that WAL back, or index what there is into a new case directory');
    }
    manifest.layers[i] = layer;
  }
}

/** Takes the packs that cannot be opened out of the manifest, so that nothing reads them; gives them. */
export function takeDamagedPacks(manifest: Manifest, packsDir: string): ManifestPack[] {
  const damaged = manifest.packs.filter((entry) => layerFault(path.join(packsDir, entry.name), LayerKind.wal, entry.bytes));
  manifest.packs = manifest.packs.filter((entry) => !damaged.includes(entry));
  return damaged;
}

/** Packs again from the archive. Throws `pack.lost` where its WAL is no longer there. */
export function rebuildPacks(manifest: Manifest, damaged: readonly ManifestPack[], source: StripeSource & { packing: Packing }): void {
  for (const entry of damaged) {
    const { pack } = buildPack(source, entry.startLsn);
    if (!pack || pack.endLsn < entry.endLsn) {
      throw inputError('pack.lost', `the packed WAL ${entry.name} is missing or damaged, and the WAL from ${formatLsn(pack?.endLsn ?? entry.startLsn)} to ${formatLsn(entry.endLsn)} is not in the archive any more`,
        { file: entry.name, lsn: formatLsn(entry.startLsn) }, 'put that WAL back, or index what there is into a new case directory');
    }
    namePack(manifest, pack);
  }
}
