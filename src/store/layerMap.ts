/** The open delta layers of a case, ordered by LSN, and what is gathered over all of them. Layers open when first asked. */
import path from 'node:path';
import { compareRelFork, DeltaLayer, type LayerEvent, type SizeEvent } from '../layerfile/deltaLayer.js';
import type { HeldFiles } from '../layerfile/heldFiles.js';
import type { KeyPlace, ManifestLayer } from '../layerfile/manifest.js';
import { formatRelFork, type RelFork } from '../pg/relFileLocator.js';
import { LruCache } from '../util/lruCache.js';
import type { Lsn } from '../util/lsn.js';
import { EventKind } from './layerEvents.js';

/** Where RUNNING_XACTS records are, and the next xid that each tells. */
export interface RunningXacts {
  lsns: Float64Array;
  nextXids: Uint32Array;
}

/** Size events that are kept: a relation that grew all the time has one for each block. */
const KEPT_SIZES = 250_000;

export class LayerMap {
  private readonly open: (DeltaLayer | undefined)[] = [];
  private eventList: LayerEvent[] | undefined;
  private readonly running = new Map<number, RunningXacts>();
  /** Of the forks that were asked for last, by layer: catalogs are asked for again and again. */
  private readonly sizes = new LruCache<string, SizeEvent[]>(KEPT_SIZES);

  constructor(readonly folder: string, readonly entries: readonly ManifestLayer[], private readonly held?: HeldFiles) {}

  layer(index: number): DeltaLayer {
    const entry = this.entries[index]!;
    return (this.open[index] ??= new DeltaLayer(path.join(this.folder, entry.name), entry.startLsn, entry.endLsn, this.held));
  }

  /** Indexes of the layers that overlap [from, to), ascending: those that hold transactions, sizes, events. */
  *overlapping(from: Lsn, to: Lsn): Generator<number> {
    for (let i = 0; i < this.entries.length; i++) {
      const entry = this.entries[i]!;
      if (entry.startLsn < to && entry.endLsn > from && !entry.keyRange) yield i;
    }
  }

  /** Indexes of the layers that overlap [from, to) and can hold keys of the blocks [first, last) of a fork; ascending by LSN. */
  withKeys(rel: RelFork, first: number, last: number, from: Lsn, to: Lsn): number[] {
    const found: number[] = [];
    for (let i = 0; i < this.entries.length; i++) {
      const entry = this.entries[i]!;
      if (entry.startLsn >= to || entry.endLsn <= from) continue;
      if (entry.keyRange ? comparePlace(entry.keyRange.first, rel, last - 1) <= 0 && comparePlace(entry.keyRange.last, rel, first) >= 0 : entry.level === undefined) found.push(i);
    }
    return found;
  }

  /** The events of all layers but RUNNING_XACTS, of which there are some every minute, in LSN order. */
  get events(): LayerEvent[] {
    return (this.eventList ??= this.entries.flatMap((entry, i) => (entry.keyRange ? [] : this.layer(i).events((kind) => kind !== EventKind.runningXacts))));
  }

  /** The RUNNING_XACTS records of a layer, in LSN order. */
  runningXacts(index: number): RunningXacts {
    let found = this.running.get(index);
    if (!found) {
      const lsns: number[] = [], nextXids: number[] = [];
      this.layer(index).eachEvent((lsn, kind, args) => {
        if (kind !== EventKind.runningXacts) return;
        lsns.push(lsn);
        nextXids.push(args[0]!);
      });
      this.running.set(index, (found = { lsns: Float64Array.from(lsns), nextXids: Uint32Array.from(nextXids) }));
    }
    return found;
  }

  /** The forks whose keys a selection left out of a layer. */
  get leftOut(): RelFork[] {
    return this.entries.flatMap((entry, i) => (entry.leftOut === undefined ? [] : this.layer(i).leftOut));
  }

  /** Size events of a fork with `from` ≤ LSN < `to`, in LSN order. */
  sizeEvents(rel: RelFork, from: Lsn, to: Lsn): SizeEvent[] {
    const events: SizeEvent[] = [];
    for (const i of this.overlapping(from, to)) {
      const key = `${i} ${formatRelFork(rel)}`;
      let ofLayer = this.sizes.get(key);
      if (!ofLayer) this.sizes.set(key, (ofLayer = this.layer(i).sizeEvents(rel)), ofLayer.length + 1);
      for (const event of ofLayer) if (event.lsn >= from && event.lsn < to) events.push(event);
    }
    return events;
  }

  close(): void {
    for (const layer of this.open) layer?.close();
    this.open.length = 0;
  }
}

function comparePlace([spcOid, dbOid, relNumber, fork, block]: KeyPlace, rel: RelFork, otherBlock: number): number {
  return compareRelFork({ spcOid, dbOid, relNumber, fork }, rel) || block - otherBlock;
}
