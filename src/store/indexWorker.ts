/** A thread of `index --jobs`: opens the archive, then builds the layer of each stripe that it is sent. */
import { parentPort, workerData } from 'node:worker_threads';
import { openWalArchive } from '../archive/walArchive.js';
import type { Lsn } from '../util/lsn.js';
import { buildLayer } from './buildLayer.js';
import type { WorkerInput, WorkerOutput } from './indexPool.js';
import { LayerBuilder } from './ingest.js';
import { plainError } from './plainError.js';

const input = workerData as WorkerInput;
const archive = openWalArchive(input.wal, { systemIdentifier: input.systemIdentifier });
const source = { wal: archive.timelineWal(input.timeline), major: archive.major, systemIdentifier: archive.systemIdentifier };
const builder = new LayerBuilder();

function build(from: Lsn): WorkerOutput {
  try {
    const { end, ...built } = buildLayer(source, from, input.layersDir, builder);
    return { from, built: { ...built, end: end && { lsn: end.lsn, kind: end.kind, error: plainError(end.error) } } };
  } catch (error) {
    return { from, failure: plainError(error) };
  }
}

parentPort!.on('message', (from: Lsn) => parentPort!.postMessage(build(from)));
