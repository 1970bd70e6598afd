/** Where an index run gets the layers of its stripes: built here, by worker threads, or taken from the parts of a divided run. */
import type { WalArchive } from '../archive/walArchive.js';
import type { Lsn } from '../util/lsn.js';
import { buildLayer, buildPack, type BuiltLayer } from './buildLayer.js';
import type { CaseWal } from './caseWal.js';
import { IndexPool } from './indexPool.js';
import type { IndexThreads } from './indexThreads.js';
import { LayerBuilder } from './ingest.js';
import type { Shards } from './shards.js';
import { takingOrder } from './stripeOrder.js';
import type { Packing } from './stripePack.js';

/** What gives the layer of a stripe. */
export interface LayerSource {
  layer(from: Lsn): BuiltLayer | Promise<BuiltLayer>;
  close(): Promise<void> | void;
}

export interface LayerSourceOptions {
  wal: CaseWal;
  archive: WalArchive;
  /** Threads. */
  jobs: number;
  layersDir: string;
  packing: Packing;
  /** The layers are there already: only packs are made. */
  packsOnly: boolean;
  /** Threads that are begun already. */
  threads?: IndexThreads;
}

/** Builds the layers of the stripes that begin at `starts` here, or in worker threads too where there are several stripes and jobs. They are not durable yet. */
export function openLayerSource(options: LayerSourceOptions, starts: readonly Lsn[]): LayerSource {
  const { wal, archive, layersDir, packing, packsOnly } = options;
  const jobs = archive.goesInOrder ? 1 : Math.min(options.jobs, starts.length);
  const source = { wal, major: archive.major, systemIdentifier: archive.systemIdentifier, packing };
  let builder: LayerBuilder | undefined;
  const build = (from: Lsn): BuiltLayer => (packsOnly ? buildPack(source, from) : buildLayer(source, from, layersDir, (builder ??= new LayerBuilder()), { sync: false }));
  if (jobs <= 1) return { layer: build, close: () => undefined };
  return new IndexPool(jobs, { archive: archive.save(), timeline: wal.timeline, layersDir, packing, packsOnly }, takingOrder(wal, starts), build, (findings) => archive.findings.push(...findings), options.threads);
}

/** Takes layers from parts; what none of them has, the beginning of a run behind a gap say, is built here. */
export function mergedLayerSource(shards: Shards, options: LayerSourceOptions): LayerSource {
  let own: LayerSource | undefined;
  const build = (from: Lsn): BuiltLayer | Promise<BuiltLayer> => (own ??= openLayerSource(options, [from])).layer(from);
  return { layer: (from) => shards.take(from, options.packing.caseDir) ?? build(from), close: () => own?.close() };
}
