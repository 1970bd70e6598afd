/**
 * Merged delta layers: the keys of many stripes, cut by key instead of by position. One merge gives several files of the delta
 * format: part 0 with everything but keys, the others with nothing but keys, each a range of pages. Streams: of the inputs and of the
 * output one block each is in memory, and one page's entries.
 */
import path from 'node:path';
import { crc32c } from '../pg/crc32c.js';
import { formatRelFork, type RelFork } from '../pg/relFileLocator.js';
import { upperHex } from '../util/hex.js';
import type { Lsn } from '../util/lsn.js';
import { BlockFileWriter, LayerKind } from './blockFile.js';
import { compareRelFork, deltaLayerName, ordinalOf, SectionId, writeClog, writeEvents, writeRelations, writeSizes, writeXacts, type DeltaLayer, type LayerEvent, type SizeEvent } from './deltaLayer.js';
import { KeyBlockReader, KeyBlockWriter } from './keyRuns.js';
import { writeChanges } from './layerChanges.js';
import { writeXactRows } from './xactRows.js';
import type { KeyPlace, ManifestLayer } from './manifest.js';

/** A part ends with the page that fills it: small enough that opening it (its fences) is cheap, large enough that there are few. */
export const PART_BYTES = 16 * 1024 * 1024;

/** `000000000A000028-000000000B3A2F10.1-002.delta`: level 1, part 2; `.1-002.only-5D1C0A44.delta` where keys are left out. */
export function mergedLayerName({ startLsn, endLsn, level, leftOut }: MergeTarget, part: number): string {
  return deltaLayerName(startLsn, endLsn).replace(/delta$/, `${level}-${String(part).padStart(3, '0')}.${selectionTag(leftOut)}delta`);
}

/** Tells layers of the same WAL apart that leave out different forks: they are there together while one replaces the other. */
export function selectionTag(leftOut: readonly RelFork[]): string {
  if (leftOut.length === 0) return '';
  const bytes = Buffer.from(leftOut.map(formatRelFork).join('\n'), 'latin1');
  return `only-${upperHex(crc32c(bytes, 0, bytes.length), 8)}.`;
}

/** A page and its entries, in LSN order. The arrays are overwritten by the next page. */
export interface PageEntries {
  rel: RelFork;
  block: number;
  count: number;
  lsns: Float64Array;
  bits: Uint8Array;
}

interface PageHead {
  rel: RelFork;
  block: number;
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
  private run: KeyBlockReader | undefined;
  /** Of the run that comes next; undefined after the last. */
  private head: PageHead | undefined;

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

  private readHead(): PageHead | undefined {
    while (!this.run?.next()) if (!this.nextBlock()) return undefined;
    return { rel: this.layer!.relations[this.run.ordinal]!, block: this.run.block };
  }

  private nextBlock(): boolean {
    const block = this.blocks?.next();
    if (block && !block.done) {
      this.run = new KeyBlockReader(block.value);
      return true;
    }
    const layer = this.layers.next();
    if (layer.done) return false;
    this.layer = layer.value;
    this.blocks = layer.value.keyBlocks();
    return this.nextBlock();
  }

  private readRun(): void {
    const run = this.run!;
    if (this.count + run.count > this.lsns.length) this.grow(Math.max(this.count + run.count, this.count * 2));
    run.entries(this.layer!.startLsn, (lsn, bits) => {
      this.lsns[this.count] = lsn;
      this.bits[this.count++] = bits;
    });
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
  /** Forks whose keys are not taken over, sorted. */
  leftOut: readonly RelFork[];
}

/** Writes one part of keys; pages must come in order. */
export class KeyPartWriter {
  private readonly file: BlockFileWriter;
  private readonly relations: RelFork[] = [];
  private readonly blocks: KeyBlockWriter;
  private first: KeyPlace | undefined;
  private last: KeyPlace | undefined;
  private keys = 0;
  private readonly name: string;
  /** Payload bytes so far. */
  bytes = 0;

  constructor(private readonly target: MergeTarget, part: number) {
    this.name = mergedLayerName(target, part);
    this.file = new BlockFileWriter(path.join(target.folder, this.name), LayerKind.delta);
    this.file.section(SectionId.keys, 2);
    this.blocks = new KeyBlockWriter(target.startLsn, ({ payload, fence }) => {
      this.bytes += payload.length;
      this.file.block(payload, fence);
    });
  }

  page(page: PageEntries): void {
    const { rel, block, count } = page;
    if (this.relations.length === 0 || compareRelFork(this.relations.at(-1)!, rel) !== 0) this.relations.push({ ...rel });
    const ordinal = this.relations.length - 1;
    this.last = [rel.spcOid, rel.dbOid, rel.relNumber, rel.fork, block];
    this.first ??= this.last;
    this.keys += count;
    this.blocks.page(ordinal, block, count, page.lsns, page.bits);
  }

  /** Makes the part durable; gives its place in the manifest. */
  finish(): ManifestLayer {
    this.blocks.finish();
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
  const name = mergedLayerName(target, 0);
  const file = new BlockFileWriter(path.join(target.folder, name), LayerKind.delta);
  try {
    const relations = relationsWithSizes(layers);
    writeRelations(file, relations);
    writeRest(file, target, relations, layers);
    return { name, bytes: file.finish() };
  } catch (error) {
    file.abandon();
    throw error;
  }
}

/** All sections but relations and keys, from the layers that hold them, in LSN order. */
function writeRest(file: BlockFileWriter, { startLsn, leftOut }: MergeTarget, relations: readonly RelFork[], layers: readonly DeltaLayer[]): void {
  writeSizes(file, startLsn, mergedSizes(relations, layers));
  writeXacts(file, writeXactRows(concatenated(layers)));
  writeClog(file, startLsn, layers.flatMap((layer) => layer.clogZeroes));
  writeEvents(file, startLsn, eventsOf(layers));
  writeChanges(file, SectionId.changes, stripeTexts(layers));
  if (leftOut.length > 0) writeRelations(file, leftOut, SectionId.leftOut);
}

/** Writes a stripe's layer again without the keys of the forks that are left out; gives what differs in the manifest. */
export function writeSelectedStripe(target: MergeTarget, layer: DeltaLayer): { name: string; bytes: number; keys: number } {
  const { folder, startLsn, endLsn, leftOut } = target;
  const name = deltaLayerName(startLsn, endLsn).replace(/delta$/, `${selectionTag(leftOut)}delta`);
  const file = new BlockFileWriter(path.join(folder, name), LayerKind.delta);
  try {
    const sized = relationsWithSizes([layer]);
    const relations = layer.relations.filter((rel) => ordinalOf(leftOut, rel) < 0 || ordinalOf(sized, rel) >= 0);
    writeRelations(file, relations);
    file.section(SectionId.keys, 2);
    const blocks = new KeyBlockWriter(startLsn, ({ payload, fence }) => file.block(payload, fence));
    let keys = 0;
    for (const page = new KeyCursor([layer]); page.next();) {
      if (ordinalOf(leftOut, page.rel) >= 0) continue;
      blocks.page(ordinalOf(relations, page.rel), page.block, page.count, page.lsns, page.bits);
      keys += page.count;
    }
    blocks.finish();
    writeRest(file, target, relations, [layer]);
    return { name, bytes: file.finish(), keys };
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
    const events: SizeEvent[] = [];
    for (const run of runs) {
      while (!run.next.done && compareRelFork(run.layer.relations[run.next.value[0]]!, rel) === 0) {
        for (const event of run.next.value[1]) events.push(event);
        run.next = run.iterator.next();
      }
    }
    if (events.length > 0) yield [ordinal, events];
  }
}

function* eventsOf(layers: readonly DeltaLayer[]): Generator<LayerEvent> {
  for (const layer of layers) yield* layer.events();
}

function* stripeTexts(layers: readonly DeltaLayer[]): Generator<[Lsn, Uint8Array]> {
  for (const { changes } of layers) for (const startLsn of changes.stripes) yield [startLsn, changes.text(startLsn)];
}

function* concatenated(layers: readonly DeltaLayer[]) {
  for (const layer of layers) for (let i = 0; i < layer.transactionBlocks; i++) yield* layer.transactionBlock(i);
}
