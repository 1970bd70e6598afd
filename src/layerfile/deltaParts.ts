/**
 * Merged delta layers: the keys of many stripes, cut by key instead of by position. One merge gives several files of the delta
 * format: part 0 with everything but keys, the others with nothing but keys, each a range of pages. Streams: of the inputs and of the
 * output one block each is in memory, and one page's entries.
 */
import path from 'node:path';
import type { RelFork } from '../pg/relFileLocator.js';
import type { Lsn } from '../util/lsn.js';
import { ByteReader, ByteWriter } from '../util/varint.js';
import { BlockFileWriter, LayerKind } from './blockFile.js';
import { compareRelFork, deltaLayerName, SectionId, writeClog, writeEvents, writeRelations, writeSizes, writeXacts, type DeltaLayer, type ClogEntry, type SizeEvent } from './deltaLayer.js';
import type { KeyPlace, ManifestLayer } from './manifest.js';

const BLOCK_BYTES = 8192;
/** A part ends with the page that fills it: small enough that opening it (its fences) is cheap, large enough that there are few. */
export const PART_BYTES = 16 * 1024 * 1024;

/** `000000000A000028-000000000B3A2F10.1-002.delta`: level 1, part 2. */
export function mergedLayerName(startLsn: Lsn, endLsn: Lsn, level: number, part: number): string {
  return deltaLayerName(startLsn, endLsn).replace(/delta$/, `${level}-${String(part).padStart(3, '0')}.delta`);
}

/** A page and its entries, in LSN order. The arrays are overwritten by the next page. */
export interface PageEntries {
  rel: RelFork;
  block: number;
  count: number;
  lsns: Float64Array;
  bits: Uint8Array;
}

/** Walks the keys of layers whose key ranges follow one another, a page at a time. */
export class KeyCursor implements PageEntries {
  rel: RelFork = { spcOid: 0, dbOid: 0, relNumber: 0, fork: 0 };
  block = 0;
  count = 0;
  lsns = new Float64Array(256);
  bits = new Uint8Array(256);
  private readonly layers: Iterator<DeltaLayer>;
  private layer: DeltaLayer | undefined;
  private blocks: Iterator<Uint8Array> | undefined;
  private reader: ByteReader | undefined;
  private ordinal = 0;
  /** The head of the run that comes next; undefined after the last. */
  private head: { rel: RelFork; block: number; count: number } | undefined;

  constructor(layers: Iterable<DeltaLayer>) {
    this.layers = layers[Symbol.iterator]();
    this.head = this.readHead();
  }

  /** Goes to the next page; false after the last. */
  next(): boolean {
    const { head } = this;
    if (!head) return false;
    this.rel = head.rel;
    this.block = head.block;
    this.count = 0;
    do this.readRun();
    while (this.head && this.head.block === head.block && compareRelFork(this.head.rel, head.rel) === 0);
    return true;
  }

  private readHead(): { rel: RelFork; block: number; count: number } | undefined {
    while (!this.reader || this.reader.done) if (!this.nextBlock()) return undefined;
    this.ordinal += this.reader.varint();
    return { rel: this.layer!.relations[this.ordinal]!, block: this.reader.varint(), count: this.reader.varint() };
  }

  private nextBlock(): boolean {
    const block = this.blocks?.next();
    if (block && !block.done) {
      this.reader = new ByteReader(block.value);
      this.ordinal = 0;
      return true;
    }
    const layer = this.layers.next();
    if (layer.done) return false;
    this.layer = layer.value;
    this.blocks = layer.value.keyBlocks();
    return this.nextBlock();
  }

  private readRun(): void {
    const reader = this.reader!;
    let lsn = this.layer!.startLsn as number;
    for (let n = this.head!.count; n > 0; n--) {
      const entry = reader.varint();
      lsn += Math.floor(entry / 4) * 8;
      if (this.count === this.lsns.length) this.grow(this.count * 2);
      this.lsns[this.count] = lsn;
      this.bits[this.count++] = entry % 4;
    }
    this.head = this.readHead();
  }

  /** Appends the entries of a later cursor on the same page. */
  append(later: PageEntries): void {
    const count = this.count + later.count;
    if (count > this.lsns.length) this.grow(Math.max(count, this.lsns.length * 2));
    this.lsns.set(later.lsns.subarray(0, later.count), this.count);
    this.bits.set(later.bits.subarray(0, later.count), this.count);
    this.count = count;
  }

  private grow(capacity: number): void {
    const { lsns, bits } = this;
    this.lsns = new Float64Array(capacity);
    this.bits = new Uint8Array(capacity);
    this.lsns.set(lsns);
    this.bits.set(bits);
  }
}

/** What the parts of one merge have in common. */
export interface MergeTarget {
  folder: string;
  startLsn: Lsn;
  endLsn: Lsn;
  level: number;
}

/** Writes one part of keys; pages must come in order. */
export class KeyPartWriter {
  private readonly file: BlockFileWriter;
  private readonly relations: RelFork[] = [];
  private readonly out = new ByteWriter(BLOCK_BYTES * 2);
  private fence: [number, number] = [0, 0];
  private previousRelation = 0;
  private first: KeyPlace | undefined;
  private last: KeyPlace | undefined;
  private keys = 0;
  private readonly name: string;
  /** Payload bytes so far. */
  bytes = 0;

  constructor(private readonly target: MergeTarget, part: number) {
    this.name = mergedLayerName(target.startLsn, target.endLsn, target.level, part);
    this.file = new BlockFileWriter(path.join(target.folder, this.name), LayerKind.delta);
    this.file.section(SectionId.keys, 2);
  }

  page(page: PageEntries): void {
    const { rel, block, count } = page;
    if (this.relations.length === 0 || compareRelFork(this.relations.at(-1)!, rel) !== 0) this.relations.push({ ...rel });
    const ordinal = this.relations.length - 1;
    this.last = [rel.spcOid, rel.dbOid, rel.relNumber, rel.fork, block];
    this.first ??= this.last;
    this.keys += count;
    const { out } = this;
    for (let at = 0; at < count;) {
      if (out.length === 0) {
        this.fence = [ordinal, block];
        this.previousRelation = 0;
      }
      const fit = Math.min(count - at, Math.max(1, Math.floor((BLOCK_BYTES - out.length) / 3)));
      out.varint(ordinal - this.previousRelation);
      out.varint(block);
      out.varint(fit);
      this.previousRelation = ordinal;
      let previous = this.target.startLsn as number;
      for (const stop = at + fit; at < stop; at++) {
        const lsn = page.lsns[at]!;
        out.varint(((lsn - previous) / 8) * 4 + page.bits[at]!);
        previous = lsn;
      }
      if (out.length >= BLOCK_BYTES) this.flush();
    }
  }

  private flush(): void {
    this.bytes += this.out.length;
    this.file.block(this.out.take(), this.fence);
  }

  /** Makes the part durable; gives its place in the manifest. */
  finish(): ManifestLayer {
    if (this.out.length > 0) this.flush();
    writeRelations(this.file, this.relations);
    const { startLsn, endLsn, level } = this.target;
    return {
      name: this.name, startLsn, endLsn, bytes: this.file.finish(), records: 0, keys: this.keys, xacts: 0, firstTime: null, lastTime: null, maxTime: null,
      level, keyRange: { first: this.first!, last: this.last! },
    };
  }

  abandon(): void {
    this.file.abandon();
  }
}

/** Writes part 0 from the layers that hold what is no key, in LSN order; gives its size in bytes. */
export function writeLogPart(target: MergeTarget, layers: readonly DeltaLayer[]): { name: string; bytes: number } {
  const name = mergedLayerName(target.startLsn, target.endLsn, target.level, 0);
  const file = new BlockFileWriter(path.join(target.folder, name), LayerKind.delta);
  try {
    const relations = relationsWithSizes(layers);
    writeRelations(file, relations);
    writeSizes(file, target.startLsn, mergedSizes(relations, layers));
    writeXacts(file, concatenated(layers));
    writeClog(file, target.startLsn, mergedClog(layers));
    writeEvents(file, target.startLsn, layers.flatMap((layer) => layer.events));
    return { name, bytes: file.finish() };
  } catch (error) {
    file.abandon();
    throw error;
  }
}

function relationsWithSizes(layers: readonly DeltaLayer[]): RelFork[] {
  const all: RelFork[] = [];
  for (const layer of layers) {
    let before = -1;
    for (const [ordinal] of layer.sizeRuns()) {
      if (ordinal !== before) all.push(layer.relations[ordinal]!);
      before = ordinal;
    }
  }
  all.sort(compareRelFork);
  return all.filter((rel, i) => i === 0 || compareRelFork(rel, all[i - 1]!) !== 0);
}

function* mergedSizes(relations: readonly RelFork[], layers: readonly DeltaLayer[]): Generator<[number, SizeEvent[]]> {
  const runs = layers.map((layer) => {
    const iterator = layer.sizeRuns();
    return { layer, iterator, next: iterator.next() };
  });
  for (const [ordinal, rel] of relations.entries()) {
    for (const run of runs) {
      while (!run.next.done && compareRelFork(run.layer.relations[run.next.value[0]]!, rel) === 0) {
        yield [ordinal, run.next.value[1]];
        run.next = run.iterator.next();
      }
    }
  }
}

function* concatenated(layers: readonly DeltaLayer[]) {
  for (const layer of layers) for (let i = 0; i < layer.transactionBlocks; i++) yield* layer.transactionBlock(i);
}

function* mergedClog(layers: readonly DeltaLayer[]): Generator<[number, ClogEntry[]]> {
  const pages = [...new Set(layers.flatMap((layer) => layer.clogPages))].sort((a, b) => a - b);
  for (const page of pages) yield [page, layers.flatMap((layer) => layer.clogEntries(page))];
}
