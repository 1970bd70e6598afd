/** Reads one stripe of WAL and writes its layer: the unit of work of indexing, the same in a worker and in the main thread. */
import path from 'node:path';
import { deltaLayerName, writeDeltaLayer } from '../layerfile/deltaLayer.js';
import type { ManifestLayer } from '../layerfile/manifest.js';
import type { PgMajor } from '../pg/version.js';
import { scanWal, type WalScanSource } from '../pg/walScan.js';
import type { WalEnd } from '../pg/xlogReader.js';
import { INVALID_LSN, type Lsn } from '../util/lsn.js';
import type { LayerBuilder } from './ingest.js';
import { stripeEnd } from './stripes.js';

export interface BuiltLayer {
  /** First and last record of the stripe and the first one's prev-link, 0 where it had none: neighbours must join. */
  firstPrevLsn: Lsn;
  lastLsn: Lsn;
  /** Undefined where the stripe held no record from the position on. */
  layer: ManifestLayer | undefined;
  /** Where the next record is expected. */
  position: Lsn;
  /** Set where WAL ended in this stripe. */
  end: WalEnd | undefined;
}

/** Where a stripe is read from. */
export interface StripeSource {
  wal: WalScanSource;
  major: PgMajor;
  systemIdentifier: bigint;
}

/** Reads records from `from` to the end of that position's stripe; writes a layer into `folder` if there is any. */
export function buildLayer(source: StripeSource, from: Lsn, folder: string, builder: LayerBuilder): BuiltLayer {
  builder.begin(from);
  const result = scanWal(source.wal, {
    major: source.major, systemIdentifier: source.systemIdentifier, from, until: stripeEnd(from), kernel: builder.kernel, changes: true, onBatch: (batch) => builder.addBatch(batch),
  });
  if (result.records === 0) return { layer: undefined, position: stripeEnd(from), end: result.end, firstPrevLsn: INVALID_LSN, lastLsn: INVALID_LSN };
  builder.finish(result.records, result.endLsn, result.changes!);
  const name = deltaLayerName(from, builder.endLsn);
  const bytes = writeDeltaLayer(path.join(folder, name), builder.contents());
  return { layer: describeLayer(builder, name, bytes), position: result.endLsn, end: result.end, firstPrevLsn: result.firstPrevLsn, lastLsn: result.lastLsn };
}

function describeLayer(builder: LayerBuilder, name: string, bytes: number): ManifestLayer {
  return {
    name, bytes, startLsn: builder.startLsn, endLsn: builder.endLsn, records: builder.records, keys: builder.keyCount, xacts: builder.xactCount, ...builder.times,
  };
}
