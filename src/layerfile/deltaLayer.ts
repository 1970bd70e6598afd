/**
 * A delta layer: what one range of WAL did to which key, without a byte of the records themselves (the LSN is the pointer).
 * File: `00000000AABBCCDD-00000000AACCDDEE.delta` (start and end LSN, 16 hexadecimal digits each); a block file of kind `delta`.
 *
 * section 1 relations  fence: first ordinal         varint count, then spc db rel fork each; sorted; position = ordinal
 * section 2 keys       fence: ordinal, block        runs of entries (keyRuns.ts)
 * section 3 sizes      fence: ordinal               runs: ordinal (delta), n, then n × (entry, blocks)
 * section 4 xacts      fence: LSN / 8, CLOG pages   transaction log rows in LSN order (xactRows.ts); first and last CLOG page that they touch
 * section 5 clog       fence: none                  zeroed CLOG pages: LSN delta, page
 * section 6 events     fence: none                  lsn delta, kind, arguments, text
 * section 7 changes    fence: stripe's start / 8    rows that transactions changed (layerChanges.ts), one text a stripe
 *
 * An entry of section 3 is (LSN delta / 8) × 4 + kind; the first delta of a run is to the layer's start, the next to the entry before it.
 * A run longer than a block goes on in the next one under the same fence.
 */
import type { RelFork } from '../pg/relFileLocator.js';
import { countWhile } from '../util/countWhile.js';
import { upperHex } from '../util/hex.js';
import type { Lsn } from '../util/lsn.js';
import { CLOG_XACTS_PER_PAGE } from '../pg/clogPage.js';
import { ByteReader, ByteWriter } from '../util/varint.js';
import { BlockFileReader, BlockFileWriter, findBlock, LayerKind, type Section } from './blockFile.js';
import type { HeldFiles } from './heldFiles.js';
import { collectChains, keyBlocksOf, type ChainPart } from './chainKeys.js';
import { KeyBlockReader, type KeyBlock } from './keyRuns.js';
import { ChangeSection, encodeChanges, writeChanges, type LayerChanges } from './layerChanges.js';
import { eachEndedXid, lastEndTime, readXactRows, type XactBlock, type XactRow } from './xactRows.js';

export { XactKind, type XactRow } from './xactRows.js';

export const SectionId = { relations: 1, keys: 2, sizes: 3, xacts: 4, clog: 5, events: 6, changes: 7, leftOut: 8 } as const;
const BLOCK_BYTES = 8192;

/** Entry bits of section 2. */
export const ENTRY_STARTS_CHAIN = 1;
export const ENTRY_IMPLICIT = 2;

export const SizeEventKind = { extend: 0, truncate: 1, create: 2, drop: 3 } as const;
export type SizeEventKind = (typeof SizeEventKind)[keyof typeof SizeEventKind];
export interface SizeEvent {
  lsn: Lsn;
  kind: SizeEventKind;
  /** extend, truncate: the size in blocks from then on. */
  blocks: number;
}

/** CLOG status bits (access/clog.h) of transactions that ended. */
export const ClogStatus = { committed: 1, aborted: 2 } as const;
export type ClogStatus = (typeof ClogStatus)[keyof typeof ClogStatus];

/** A record that is kept by value because it is rare and read often: directories, relation maps, checkpoints, … */
export interface LayerEvent {
  lsn: Lsn;
  kind: number;
  args: number[];
  text: string;
}

/** A CLOG ZEROPAGE record. */
export interface ClogZero {
  lsn: Lsn;
  page: number;
}

export interface DeltaContents {
  startLsn: Lsn;
  endLsn: Lsn;
  relations: RelFork[];
  /** In key order, as KeyBlockWriter makes them. */
  keys: Iterable<KeyBlock>;
  /** Per relation ordinal; absent where nothing happened to its size. */
  sizes: Map<number, SizeEvent[]>;
  /** In LSN order, as writeXactRows makes them. */
  xacts: Iterable<XactBlock>;
  clogZeroes: ClogZero[];
  events: LayerEvent[];
  changes: LayerChanges;
}

/** Writes a delta layer; gives its size in bytes. With `sync` false the caller makes it durable (BackgroundSync). */
export function writeDeltaLayer(path: string, contents: DeltaContents, options: { sync?: boolean } = {}): number {
  const file = new BlockFileWriter(path, LayerKind.delta);
  try {
    writeRelations(file, contents.relations);
    writeKeys(file, contents.keys);
    writeSizes(file, contents.startLsn, [...contents.sizes].sort(([a], [b]) => a - b));
    writeXacts(file, contents.xacts);
    writeClog(file, contents.startLsn, contents.clogZeroes);
    writeEvents(file, contents.startLsn, contents.events);
    writeChanges(file, SectionId.changes, [[contents.startLsn, encodeChanges(contents.changes, contents.startLsn)]]);
    return file.finish(undefined, options);
  } catch (error) {
    file.abandon();
    throw error;
  }
}

/** `relations`: sorted; their places are the ordinals of the other sections. Those of section 8 are forks whose keys a selection left out. */
export function writeRelations(file: BlockFileWriter, relations: readonly RelFork[], section: number = SectionId.relations): void {
  file.section(section, 1);
  const out = new ByteWriter(BLOCK_BYTES);
  const perBlock = 1000;
  for (let first = 0; first < relations.length; first += perBlock) {
    const some = relations.slice(first, first + perBlock);
    out.varint(some.length);
    for (const rel of some) {
      out.varint(rel.spcOid);
      out.varint(rel.dbOid);
      out.varint(rel.relNumber);
      out.varint(rel.fork);
    }
    file.block(out.take(), [first]);
  }
}

/** What writeRelations() wrote. */
export function readRelations(file: BlockFileReader, id: number = SectionId.relations): RelFork[] {
  const list: RelFork[] = [];
  const section = file.section(id);
  for (let i = 0; section && i < section.blocks; i++) {
    const reader = new ByteReader(file.readBlock(section, i));
    for (let n = reader.varint(); n > 0; n--) {
      list.push({ spcOid: reader.varint(), dbOid: reader.varint(), relNumber: reader.varint(), fork: reader.varint() });
    }
  }
  return list;
}

/** The position of a fork in a sorted list, -1 where it is not there. */
export function ordinalOf(list: readonly RelFork[], rel: RelFork): number {
  const place = countWhile(list.length, (i) => compareRelFork(list[i]!, rel) < 0);
  return place < list.length && compareRelFork(list[place]!, rel) === 0 ? place : -1;
}

function writeKeys(file: BlockFileWriter, blocks: Iterable<KeyBlock>): void {
  file.section(SectionId.keys, 2);
  for (const block of blocks) file.block(block.payload, block.fence, block.crc);
}

/** `relations`: ordinal and size events, by ordinal; one ordinal may come several times in a row. */
export function writeSizes(file: BlockFileWriter, startLsn: Lsn, relations: Iterable<[number, SizeEvent[]]>): void {
  file.section(SectionId.sizes, 1);
  const out = new ByteWriter(BLOCK_BYTES * 2);
  let first = 0;
  let previousRelation = 0;
  for (const [relation, events] of relations) {
    for (let at = 0; at < events.length;) {
      if (out.length === 0) {
        first = relation;
        previousRelation = 0;
      }
      const some = events.slice(at, at + 1000);
      out.varint(relation - previousRelation);
      out.varint(some.length);
      previousRelation = relation;
      let previous = startLsn as number;
      for (const event of some) {
        out.varint(((event.lsn - previous) / 8) * 4 + event.kind);
        out.varint(event.blocks);
        previous = event.lsn;
      }
      at += some.length;
      if (out.length >= BLOCK_BYTES) file.block(out.take(), [first]);
    }
  }
  if (out.length > 0) file.block(out.take(), [first]);
}

/** `blocks`: as writeXactRows() makes them. */
export function writeXacts(file: BlockFileWriter, blocks: Iterable<XactBlock>): void {
  file.section(SectionId.xacts, 3);
  for (const block of blocks) file.block(block.payload, block.fence, block.crc);
}

/** `zeroes`: in LSN order. */
export function writeClog(file: BlockFileWriter, startLsn: Lsn, zeroes: readonly ClogZero[]): void {
  file.section(SectionId.clog, 0);
  if (zeroes.length === 0) return;
  const out = new ByteWriter();
  let previous = startLsn as number;
  for (const zero of zeroes) {
    out.varint((zero.lsn - previous) / 8);
    out.varint(zero.page);
    previous = zero.lsn;
  }
  file.block(out.take(), []);
}

/** `events`: in LSN order. */
export function writeEvents(file: BlockFileWriter, startLsn: Lsn, events: Iterable<LayerEvent>): void {
  file.section(SectionId.events, 0);
  const out = new ByteWriter(BLOCK_BYTES);
  let previous = startLsn as number;
  for (const event of events) {
    out.varint((event.lsn - previous) / 8);
    out.varint(event.kind);
    out.varint(event.args.length);
    for (const arg of event.args) out.signed(arg);
    out.string(event.text);
    previous = event.lsn;
    if (out.length >= BLOCK_BYTES) file.block(out.take(), []);
  }
  if (out.length > 0) file.block(out.take(), []);
}

/** Parts of a merge have some of the sections only. */
const NO_SECTION: Section = { id: 0, blocks: 0, width: 0, offsets: new Float64Array(0), lengths: new Uint32Array(0), fences: new Float64Array(0) };

/** Reads a delta layer. Everything is fetched by block on demand. */
export class DeltaLayer {
  private readonly file: BlockFileReader;
  private relationList: RelFork[] | undefined;
  private changeSection: ChangeSection | undefined;

  constructor(path: string, readonly startLsn: Lsn, readonly endLsn: Lsn, held?: HeldFiles) {
    this.file = new BlockFileReader(path, LayerKind.delta, held);
  }

  get path(): string { return this.file.path; }
  get bytes(): number { return this.file.size; }
  close(): void { this.file.close(); }
  check() { return this.file.check(); }

  private readonly section = (id: number): Section => this.file.section(id) ?? NO_SECTION;
  /** Every relation fork that the layer touches, sorted. */
  get relations(): RelFork[] {
    return (this.relationList ??= readRelations(this.file));
  }

  /** Forks that the layer's WAL touches and whose keys it does not hold, sorted. */
  get leftOut(): RelFork[] {
    return readRelations(this.file, SectionId.leftOut);
  }

  /** The position of a relation fork in `relations`, -1 where the layer does not touch it. */
  ordinal(rel: RelFork): number {
    return ordinalOf(this.relations, rel);
  }

  /** Calls `emit` for every entry of blocks [from, to) of a relation, of those alone that are `wanted`: by block, then by LSN. `bits`: ENTRY_…. */
  entries(rel: RelFork, from: number, to: number, emit: (block: number, lsn: Lsn, bits: number) => void, wanted?: (block: number) => boolean): void {
    const ordinal = this.ordinal(rel), section = this.section(SectionId.keys);
    for (const { index } of keyBlocksOf(section, ordinal, from, to)) {
      const run = new KeyBlockReader(this.file.readBlock(section, index));
      while (run.next() && (run.ordinal < ordinal || (run.ordinal === ordinal && run.block < to))) {
        if (run.ordinal < ordinal || run.block < from || wanted?.(run.block) === false) continue;
        run.entries(this.startLsn, (lsn, bits) => emit(run.block, lsn as Lsn, bits));
      }
    }
  }

  /** Adds the entries of blocks [from, to) of a relation that are before `upTo` to the chains that `chainOf` gives for each of them, the newest first. */
  chains(rel: RelFork, from: number, to: number, upTo: Lsn, chainOf: (block: number) => ChainPart | undefined): void {
    const ordinal = this.ordinal(rel), section = this.section(SectionId.keys);
    for (const { index, only } of keyBlocksOf(section, ordinal, from, to).reverse()) {
      if (only === undefined || chainOf(only)?.isStarted === false) collectChains(this.file.readBlock(section, index), ordinal, from, to, this.startLsn, upTo, chainOf);
    }
  }

  /** The size events of a relation fork, in LSN order. */
  sizeEvents(rel: RelFork): SizeEvent[] {
    const ordinal = this.ordinal(rel);
    const section = this.section(SectionId.sizes);
    const events: SizeEvent[] = [];
    if (ordinal < 0) return events;
    let index = Math.max(0, findBlock(section, ordinal, 0));
    while (index > 0 && section.fences[index] === ordinal) index--;
    for (; index < section.blocks && section.fences[index]! <= ordinal; index++) {
      this.decodeSizes(this.file.readBlock(section, index), (o, lsn, kind, blocks) => {
        if (o === ordinal) events.push({ lsn, kind, blocks });
      }, ordinal);
    }
    return events;
  }

  private decodeSizes(bytes: Uint8Array, emit: (ordinal: number, lsn: Lsn, kind: SizeEventKind, blocks: number) => void, last = Infinity): void {
    const reader = new ByteReader(bytes);
    let ordinal = 0;
    while (!reader.done) {
      ordinal += reader.varint();
      if (ordinal > last) return;
      let lsn = this.startLsn as number;
      for (let n = reader.varint(); n > 0; n--) {
        const entry = reader.varint();
        lsn += Math.floor(entry / 4) * 8;
        emit(ordinal, lsn as Lsn, (entry % 4) as SizeEventKind, reader.varint());
      }
    }
  }

  /** The size events of the layer as they are stored: by ordinal, then LSN; a long list comes in several parts. */
  *sizeRuns(): Generator<[number, SizeEvent[]]> {
    const section = this.section(SectionId.sizes);
    for (let i = 0; i < section.blocks; i++) {
      const runs: [number, SizeEvent[]][] = [];
      this.decodeSizes(this.file.readBlock(section, i), (ordinal, lsn, kind, blocks) => {
        const event = { lsn, kind, blocks };
        if (runs.at(-1)?.[0] === ordinal) runs.at(-1)![1].push(event);
        else runs.push([ordinal, [event]]);
      });
      yield* runs;
    }
  }

  /** The blocks of section 2, one after the other: what KeyCursor reads. */
  *keyBlocks(): Generator<Uint8Array> {
    const section = this.section(SectionId.keys);
    for (let i = 0; i < section.blocks; i++) yield this.file.readBlockUncached(section, i);
  }

  /** Blocks of transaction log rows; `transactionBlock` reads one. */
  get transactionBlocks(): number {
    return this.section(SectionId.xacts).blocks;
  }

  transactionBlock(index: number): XactRow[] {
    const section = this.section(SectionId.xacts);
    return readXactRows(this.file.readBlock(section, index), section.fences[index * 3]! * 8);
  }

  /** The index of the block in which a row at `lsn` would be, at least 0. */
  transactionBlockAt(lsn: Lsn): number {
    return Math.max(0, findBlock(this.section(SectionId.xacts), lsn / 8, Infinity));
  }

  /** When one CLOG page was zeroed, in LSN order. */
  clogZeroesOf(page: number): Lsn[] {
    return this.clogZeroes.filter((zero) => zero.page === page).map(({ lsn }) => lsn);
  }

  /** The blocks of transaction log rows that touch a CLOG page and overlap [from, to), in LSN order. */
  *clogBlocks(page: number, from: Lsn, to: Lsn): Generator<number> {
    const { fences, blocks } = this.section(SectionId.xacts);
    for (let i = 0; i < blocks && fences[i * 3]! * 8 < to; i++) {
      const endsBefore = i + 1 < blocks && fences[i * 3 + 3]! * 8 <= from;
      if (!endsBefore && page >= fences[i * 3 + 1]! && page <= fences[i * 3 + 2]!) yield i;
    }
  }

  /** What the transactions of a block did on one CLOG page, in LSN order: it follows from the transaction log. `xidOnPage`: xid modulo 32768. */
  clogEntries(page: number, block: number, emit: (lsn: number, xidOnPage: number, status: ClogStatus) => void): void {
    const section = this.section(SectionId.xacts);
    const from = page * CLOG_XACTS_PER_PAGE, to = from + CLOG_XACTS_PER_PAGE;
    eachEndedXid(this.file.readBlock(section, block), section.fences[block * 3]! * 8, (xid, lsn, committed) => {
      if (xid >= from && xid < to) emit(lsn, xid - from, committed ? ClogStatus.committed : ClogStatus.aborted);
    });
  }

  /** The time of the last row in [from, upTo) that ends a transaction, in this block; undefined where there is none. */
  lastEndTime(index: number, from: Lsn, upTo: Lsn): number | undefined {
    const section = this.section(SectionId.xacts);
    return lastEndTime(this.file.readBlock(section, index), section.fences[index * 3]! * 8, from, upTo);
  }

  get clogZeroes(): ClogZero[] {
    const section = this.section(SectionId.clog);
    const zeroes: ClogZero[] = [];
    let lsn = this.startLsn as number;
    for (let i = 0; i < section.blocks; i++) {
      const reader = new ByteReader(this.file.readBlock(section, i));
      while (!reader.done) zeroes.push({ lsn: (lsn += reader.varint() * 8) as Lsn, page: reader.varint() });
    }
    return zeroes;
  }

  /** Calls `visit` with each event, in LSN order. The arguments are overwritten by the next. */
  eachEvent(visit: (lsn: Lsn, kind: number, args: readonly number[], text: string) => void): void {
    const section = this.section(SectionId.events);
    const args: number[] = [];
    let lsn = this.startLsn as number;
    for (let i = 0; i < section.blocks; i++) {
      const reader = new ByteReader(this.file.readBlockUncached(section, i));
      while (!reader.done) {
        lsn += reader.varint() * 8;
        const kind = reader.varint();
        args.length = reader.varint();
        for (let n = 0; n < args.length; n++) args[n] = reader.signed();
        visit(lsn as Lsn, kind, args, reader.string());
      }
    }
  }

  /** The events that `isWanted`, in LSN order. */
  events(isWanted: (kind: number) => boolean = () => true): LayerEvent[] {
    const events: LayerEvent[] = [];
    this.eachEvent((lsn, kind, args, text) => void (isWanted(kind) && events.push({ lsn, kind, args: [...args], text })));
    return events;
  }

  /** What transactions changed, stripe by stripe. */
  get changes(): ChangeSection {
    return (this.changeSection ??= new ChangeSection(this.file, this.section(SectionId.changes)));
  }

  /** Blocks and payload bytes a section, for `walscope layers`. */
  describe(): { section: string; blocks: number; bytes: number }[] {
    return Object.entries(SectionId).map(([section, id]) => {
      const { blocks, lengths } = this.section(id);
      return { section, blocks, bytes: lengths.reduce((sum, n) => sum + n, 0) };
    });
  }
}

/** Sort order of relation forks in every layer: tablespace, database, relation, fork. */
export function compareRelFork(a: RelFork, b: RelFork): number {
  return a.spcOid - b.spcOid || a.dbOid - b.dbOid || a.relNumber - b.relNumber || a.fork - b.fork;
}

/** `000000000A000028-000000000B3A2F10.delta` */
export function deltaLayerName(startLsn: Lsn, endLsn: Lsn): string {
  return `${upperHex(startLsn, 16)}-${upperHex(endLsn, 16)}.delta`;
}
