/** Reads one stripe of WAL and writes its layer: the unit of work of indexing, the same in a worker and in the main thread. */
import path from 'node:path';
import { deltaLayerName, writeDeltaLayer } from '../layerfile/deltaLayer.js';
import type { ManifestLayer } from '../layerfile/manifest.js';
import type { XLogReader, WalEnd } from '../pg/xlogReader.js';
import { XLogRecord } from '../pg/xlogRecord.js';
import type { Lsn } from '../util/lsn.js';
import type { LayerBuilder } from './ingest.js';
import { endsTransaction } from './transactionLog.js';
import { stripeEnd } from './stripes.js';

export interface BuiltLayer {
  /** Undefined where the stripe held no record from the position on. */
  layer: ManifestLayer | undefined;
  /** Where the next record is expected. */
  position: Lsn;
  /** Set where WAL ended in this stripe. */
  end: WalEnd | undefined;
}

/** Called every so many records, so that long work can show where it is and be stopped. */
export interface Turns {
  everyRecords: number;
  turn(position: Lsn): Promise<void>;
}

/** Reads records from the reader's position to the end of that position's stripe; writes a layer into `folder` if there is any. */
export async function buildLayer(reader: XLogReader, folder: string, builder: LayerBuilder, turns?: Turns): Promise<BuiltLayer> {
  const startLsn = reader.position;
  const stopLsn = stripeEnd(startLsn);
  const record = new XLogRecord();
  builder.begin(startLsn);
  let ended = false;
  while (reader.position < stopLsn) {
    if (!reader.next(record)) {
      ended = true;
      break;
    }
    builder.add(record);
    if (turns && builder.records % turns.everyRecords === 0) await turns.turn(reader.position);
  }
  const end = ended ? reader.end : undefined;
  if (builder.records === 0) return { layer: undefined, position: reader.position, end };
  const name = deltaLayerName(startLsn, builder.endLsn);
  const bytes = writeDeltaLayer(path.join(folder, name), builder.contents());
  return { layer: describeLayer(builder, name, bytes), position: reader.position, end };
}

function describeLayer(builder: LayerBuilder, name: string, bytes: number): ManifestLayer {
  let maxTime: number | null = null;
  for (const row of builder.transactionRows) if (endsTransaction(row) && (maxTime === null || row.time > maxTime)) maxTime = row.time;
  const rows = builder.transactionRows;
  return {
    name, bytes, startLsn: builder.startLsn, endLsn: builder.endLsn, records: builder.records, keys: builder.keyCount, xacts: rows.length,
    firstTime: rows.length > 0 ? rows[0]!.time : null, lastTime: rows.length > 0 ? rows[rows.length - 1]!.time : null, maxTime,
  };
}
