/** Layers that are gone or cannot be opened are built again from the WAL that they came from. */
import path from 'node:path';
import { LayerKind, layerFault } from '../layerfile/blockFile.js';
import type { Manifest } from '../layerfile/manifest.js';
import { inputError } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';
import { buildLayer, type StripeSource } from './buildLayer.js';
import { LayerBuilder } from './ingest.js';

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
