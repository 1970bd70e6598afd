/** Reads one stripe of WAL and writes its layer: the unit of work of indexing, the same in a worker and in the main thread. */
import path from 'node:path';
import { deltaLayerName, writeDeltaLayer } from '../layerfile/deltaLayer.js';
import type { ManifestLayer, ManifestPack } from '../layerfile/manifest.js';
import type { PgMajor } from '../pg/version.js';
import { scanWal } from '../pg/walScan.js';
import type { WalEnd } from '../pg/xlogReader.js';
import { INVALID_LSN, type Lsn } from '../util/lsn.js';
import type { CaseWal } from './caseWal.js';
import type { LayerBuilder } from './ingest.js';
import { isPacked, PackingSource, type Packing } from './stripePack.js';
import { stripeEnd } from './stripes.js';

export interface BuiltLayer {
  /** First and last record of the stripe and the first one's prev-link, 0 where it had none: neighbours must join. */
  firstPrevLsn: Lsn;
  lastLsn: Lsn;
  /** Undefined where the stripe held no record from the position on. */
  layer: ManifestLayer | undefined;
  /** Undefined where the stripe's WAL stays in the archive. */
  pack: ManifestPack | undefined;
  /** Where the next record is expected. */
  position: Lsn;
  /** Set where WAL ended in this stripe. */
  end: WalEnd | undefined;
}

/** Where a stripe is read from. */
export interface StripeSource {
  wal: CaseWal;
  major: PgMajor;
  systemIdentifier: bigint;
  /** Undefined: nothing is packed, whatever the case does otherwise. */
  packing?: Packing;
}

/** Reads records from `from` to the end of that position's stripe; writes a layer into `folder` if there is any, and a pack where the stripe is packed. With `sync` false the layer is not durable yet. */
export function buildLayer(source: StripeSource, from: Lsn, folder: string, builder: LayerBuilder, options: { sync?: boolean } = {}): BuiltLayer {
  const { wal, major, systemIdentifier, packing } = source;
  const packer = packing && isPacked(wal, from, packing) ? packerOf(source, from, packing) : undefined;
  try {
    builder.begin(from);
    const result = scanWal(packer ?? wal, { major, systemIdentifier, from, until: stripeEnd(from), kernel: builder.kernel, changes: true, onBatch: (batch) => builder.addBatch(batch) });
    const pack = packer?.finish();
    if (result.records === 0) return { layer: undefined, pack, position: stripeEnd(from), end: result.end, firstPrevLsn: INVALID_LSN, lastLsn: INVALID_LSN };
    builder.finish(result.records, result.endLsn, result.changes!);
    const name = deltaLayerName(from, builder.endLsn);
    const bytes = writeDeltaLayer(path.join(folder, name), builder.contents(), options);
    return { layer: { ...describeLayer(builder, name, bytes), lastLsn: result.lastLsn }, pack, position: result.endLsn, end: result.end, firstPrevLsn: result.firstPrevLsn, lastLsn: result.lastLsn };
  } catch (error) {
    packer?.abandon();
    throw error;
  }
}

function packerOf({ wal, major, systemIdentifier }: StripeSource, from: Lsn, { caseDir }: Packing): PackingSource {
  return new PackingSource(wal, from, caseDir, { major, systemIdentifier, segmentSize: wal.segmentSize });
}

/** Packs a stripe whose layer is there already. */
export function buildPack(source: StripeSource & { packing: Packing }, from: Lsn): BuiltLayer {
  const packer = packerOf(source, from, source.packing);
  try {
    return { layer: undefined, pack: packer.finish(), position: stripeEnd(from), end: undefined, firstPrevLsn: INVALID_LSN, lastLsn: INVALID_LSN };
  } catch (error) {
    packer.abandon();
    throw error;
  }
}

function describeLayer(builder: LayerBuilder, name: string, bytes: number): ManifestLayer {
  return {
    name, bytes, startLsn: builder.startLsn, endLsn: builder.endLsn, records: builder.records, keys: builder.keyCount, xacts: builder.xactCount, ...builder.times,
  };
}
