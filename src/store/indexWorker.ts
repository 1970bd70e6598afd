/** A thread of `index --jobs`: opens the archive, then builds the layer of each stripe that it takes, or packs it. */
import { parentPort } from 'node:worker_threads';
import { reopenWalArchive } from '../archive/walArchive.js';
import type { Lsn } from '../util/lsn.js';
import { buildLayer, buildPack } from './buildLayer.js';
import { CaseWal } from './caseWal.js';
import { SEGMENT_CACHE_BYTES, takeStripe, type SharedWork, type WorkerInput, type WorkerOutput } from './indexPool.js';
import { LayerBuilder } from './ingest.js';
import { plainError } from './plainError.js';

const builder = new LayerBuilder(); // while the main thread still finds out what there is to do

parentPort!.once('message', ({ layersDir, packing, packsOnly, ...input }: WorkerInput & SharedWork) => {
  const archive = reopenWalArchive(input.archive, { memoryBytes: SEGMENT_CACHE_BYTES });
  const wal = new CaseWal(packing.caseDir, packing.packs, archive.timelineWal(input.timeline), 'archive');
  const source = { wal, major: archive.major, systemIdentifier: archive.systemIdentifier, packing };

  const build = (from: Lsn): WorkerOutput => {
    try {
      const { end, ...built } = packsOnly ? buildPack(source, from) : buildLayer(source, from, layersDir, builder, { sync: false });
      return { from, findings: archive.findings.splice(0), built: { ...built, end: end && { lsn: end.lsn, kind: end.kind, error: plainError(end.error) } } };
    } catch (error) {
      return { from, findings: archive.findings.splice(0), failure: plainError(error) };
    }
  };

  for (let from = takeStripe(input); from !== undefined; from = takeStripe(input)) parentPort!.postMessage(build(from));
});
