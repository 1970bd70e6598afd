/**
 * A delta layer: what one range of WAL did to which key, without a byte of the records themselves (the LSN is the pointer).
 * File: `00000000AABBCCDD-00000000AACCDDEE.delta` (start and end LSN, 16 hexadecimal digits each); a block file of kind `delta`.
 *
 * section 1 relations  fence: first ordinal         varint count, then spc db rel fork each; sorted; position = ordinal
 * section 2 keys       fence: ordinal, block        runs: ordinal (delta to the run before), block, n, then n entries
 * section 3 sizes      fence: ordinal               runs: ordinal (delta), n, then n × (entry, blocks)
 * section 4 xacts      fence: LSN / 8               transaction log rows in LSN order (transactionRow)
 * section 5 clog       fence: CLOG page             a block a page: n, then n × (LSN delta / 8, zigzag(xid on page − the one before) × 4 + status)
 * section 6 events     fence: none                  lsn delta, kind, arguments, text
 *
 * An entry is (LSN delta / 8) × 4 + two bits; the first delta of a run is to the layer's start, the next to the entry before it.
 * A run longer than a block goes on in the next one under the same fence.
 */
import type { RelFork } from '../pg/relFileLocator.js';
import type { Lsn } from '../util/lsn.js';
import { ByteReader, ByteWriter } from '../util/varint.js';
import { BlockFileReader, BlockFileWriter, findBlock, LayerKind, type Section } from './blockFile.js';

export const SectionId = { relations: 1, keys: 2, sizes: 3, xacts: 4, clog: 5, events: 6 } as const;
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

/** A transaction's end, or another moment that carries a time. */
export const XactKind = { commit: 0, abort: 1, commitPrepared: 2, abortPrepared: 3, prepare: 4, restorePoint: 5 } as const;
export type XactKind = (typeof XactKind)[keyof typeof XactKind];
export interface XactRow {
  /** Start of the record. */
  lsn: Lsn;
  endLsn: Lsn;
  kind: XactKind;
  /** Microseconds since 2000-01-01 00:00:00 UTC. */
  time: number;
  xid: number;
  dbOid: number;
  subxids: number[];
  /** GID of a two-phase transaction, name of a restore point. */
  name: string;
}

/** CLOG status bits (access/clog.h); `zeroPage` stands for CLOG ZEROPAGE, which clears the whole page. */
export const ClogStatus = { zeroPage: 0, committed: 1, aborted: 2 } as const;
export interface ClogEntry {
  lsn: Lsn;
  /** xid modulo 32768. */
  xidOnPage: number;
  status: number;
}

/** A record that is kept by value because it is rare and read often: directories, relation maps, checkpoints, … */
export interface LayerEvent {
  lsn: Lsn;
  kind: number;
  args: number[];
  text: string;
}

/** The keys of one layer, sorted by (relation, block), in flat arrays. */
export interface SortedKeys {
  /** Per page: ordinal of its relation in `relations`, ascending. */
  pageRelation: Uint32Array;
  pageBlock: Uint32Array;
  /** Where page i's entries begin in `entries`; one element more than there are pages. */
  pageStart: Uint32Array;
  /** (LSN − layer start) / 8 × 4 + bits, in LSN order within a page. */
  entries: Uint32Array;
}

export interface DeltaContents {
  startLsn: Lsn;
  endLsn: Lsn;
  relations: RelFork[];
  keys: SortedKeys;
  /** Per relation ordinal; absent where nothing happened to its size. */
  sizes: Map<number, SizeEvent[]>;
  xacts: XactRow[];
  /** Per CLOG page. */
  clog: Map<number, ClogEntry[]>;
  events: LayerEvent[];
}

/** Writes a delta layer; gives its size in bytes. */
export function writeDeltaLayer(path: string, contents: DeltaContents): number {
  const file = new BlockFileWriter(path, LayerKind.delta);
  try {
    writeRelations(file, contents.relations);
    writeKeys(file, contents.keys);
    writeSizes(file, contents.startLsn, [...contents.sizes].sort(([a], [b]) => a - b));
    writeXacts(file, contents.xacts);
    writeClog(file, contents.startLsn, [...contents.clog].sort(([a], [b]) => a - b));
    writeEvents(file, contents.startLsn, contents.events);
    return file.finish();
  } catch (error) {
    file.abandon();
    throw error;
  }
}

/** `relations`: sorted; their places are the ordinals of the other sections. */
export function writeRelations(file: BlockFileWriter, relations: readonly RelFork[]): void {
  file.section(SectionId.relations, 1);
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

function writeKeys(file: BlockFileWriter, keys: SortedKeys): void {
  file.section(SectionId.keys, 2);
  const out = new ByteWriter(BLOCK_BYTES * 2);
  let fence = [0, 0];
  let previousRelation = 0;
  const { pageRelation, pageBlock, pageStart, entries } = keys;
  for (let page = 0; page < pageRelation.length; page++) {
    const relation = pageRelation[page]!;
    const block = pageBlock[page]!;
    const end = pageStart[page + 1]!;
    let at = pageStart[page]!;
    while (at < end) {
      if (out.length === 0) {
        fence = [relation, block];
        previousRelation = 0;
      }
      // an entry takes at most five bytes
      const fit = Math.min(end - at, Math.max(1, Math.floor((BLOCK_BYTES - out.length) / 3)));
      out.varint(relation - previousRelation);
      out.varint(block);
      out.varint(fit);
      previousRelation = relation;
      let previous = 0;
      for (const stop = at + fit; at < stop; at++) {
        const entry = entries[at]!;
        const lsn = entry >>> 2;
        out.varint((lsn - previous) * 4 + (entry & 3));
        previous = lsn;
      }
      if (out.length >= BLOCK_BYTES) file.block(out.take(), fence);
    }
  }
  if (out.length > 0) file.block(out.take(), fence);
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

/** What a row's numbers are relative to: the row before it in its block. */
interface RowContext {
  lsn: number;
  time: number;
  xid: number;
  dbOid: number;
  length: number;
}
const FIRST_ROW: RowContext = { lsn: 0, time: 0, xid: 0, dbOid: 0, length: 0 };

/** Bits of a transaction log row's head, above its kind: what is as in the row before it, or absent, takes no bytes. */
const ROW_KIND_MASK = 0x07;
const ROW_SAME_DATABASE = 0x08;
const ROW_SAME_LENGTH = 0x10;
const ROW_HAS_SUBXIDS = 0x20;
const ROW_HAS_NAME = 0x40;

/** `rows`: in LSN order. */
export function writeXacts(file: BlockFileWriter, rows: Iterable<XactRow>): void {
  file.section(SectionId.xacts, 1);
  const out = new ByteWriter(BLOCK_BYTES * 2);
  let before: RowContext = FIRST_ROW;
  let fence = 0;
  for (const row of rows) {
    if (out.length === 0) {
      before = { ...FIRST_ROW, lsn: row.lsn };
      fence = row.lsn / 8;
    }
    const length = row.endLsn - row.lsn;
    out.varint((row.lsn - before.lsn) / 8);
    out.varint(row.kind | (row.dbOid === before.dbOid ? ROW_SAME_DATABASE : 0) | (length === before.length ? ROW_SAME_LENGTH : 0) |
      (row.subxids.length > 0 ? ROW_HAS_SUBXIDS : 0) | (row.name !== '' ? ROW_HAS_NAME : 0));
    out.signed(row.time - before.time);
    out.signed(row.xid - before.xid);
    if (row.dbOid !== before.dbOid) out.varint(row.dbOid);
    if (length !== before.length) out.varint(length);
    if (row.subxids.length > 0) {
      out.varint(row.subxids.length);
      for (const xid of row.subxids) out.signed(xid - row.xid);
    }
    if (row.name !== '') out.string(row.name);
    before = { lsn: row.lsn, time: row.time, xid: row.xid, dbOid: row.dbOid, length };
    if (out.length >= BLOCK_BYTES) file.block(out.take(), [fence]);
  }
  if (out.length > 0) file.block(out.take(), [fence]);
}

/** `pages`: CLOG page and its entries, by page. */
export function writeClog(file: BlockFileWriter, startLsn: Lsn, pages: Iterable<[number, ClogEntry[]]>): void {
  file.section(SectionId.clog, 1);
  const out = new ByteWriter(BLOCK_BYTES * 2);
  for (const [page, entries] of pages) {
    out.varint(entries.length);
    let previous = startLsn as number;
    let previousXid = 0;
    for (const entry of entries) {
      const delta = entry.xidOnPage - previousXid;
      out.varint((entry.lsn - previous) / 8);
      out.varint((delta >= 0 ? delta * 2 : -delta * 2 - 1) * 4 + entry.status);
      previous = entry.lsn;
      previousXid = entry.xidOnPage;
    }
    file.block(out.take(), [page]);
  }
}

/** `events`: in LSN order. */
export function writeEvents(file: BlockFileWriter, startLsn: Lsn, events: readonly LayerEvent[]): void {
  file.section(SectionId.events, 0);
  if (events.length === 0) return;
  const out = new ByteWriter(BLOCK_BYTES);
  let previous = startLsn as number;
  for (const event of events) {
    out.varint((event.lsn - previous) / 8);
    out.varint(event.kind);
    out.varint(event.args.length);
    for (const arg of event.args) out.signed(arg);
    out.string(event.text);
    previous = event.lsn;
  }
  file.block(out.take(), []);
}

/** Parts of a merge have some of the sections only. */
const NO_SECTION: Section = { id: 0, blocks: 0, width: 0, offsets: new Float64Array(0), lengths: new Uint32Array(0), fences: new Float64Array(0) };

/** Reads a delta layer. Everything is fetched by block on demand. */
export class DeltaLayer {
  private readonly file: BlockFileReader;
  private relationList: RelFork[] | undefined;

  constructor(path: string, readonly startLsn: Lsn, readonly endLsn: Lsn) {
    this.file = new BlockFileReader(path, LayerKind.delta);
  }

  get path(): string { return this.file.path; }
  get bytes(): number { return this.file.size; }
  close(): void { this.file.close(); }
  check() { return this.file.check(); }

  private section(id: number): Section {
    return this.file.section(id) ?? NO_SECTION;
  }

  /** Every relation fork that the layer touches, sorted. */
  get relations(): RelFork[] {
    if (this.relationList) return this.relationList;
    const list: RelFork[] = [];
    const section = this.section(SectionId.relations);
    for (let i = 0; i < section.blocks; i++) {
      const reader = new ByteReader(this.file.readBlock(section, i));
      for (let n = reader.varint(); n > 0; n--) {
        list.push({ spcOid: reader.varint(), dbOid: reader.varint(), relNumber: reader.varint(), fork: reader.varint() });
      }
    }
    return (this.relationList = list);
  }

  /** The position of a relation fork in `relations`, -1 where the layer does not touch it. */
  ordinal(rel: RelFork): number {
    const list = this.relations;
    let low = 0;
    let high = list.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (compareRelFork(list[mid]!, rel) < 0) low = mid + 1;
      else high = mid;
    }
    return low < list.length && compareRelFork(list[low]!, rel) === 0 ? low : -1;
  }

  /**
   * Calls `emit` for every entry of blocks [from, to) of a relation: by block, then by LSN. `bits`: ENTRY_STARTS_CHAIN, ENTRY_IMPLICIT.
   */
  entries(rel: RelFork, from: number, to: number, emit: (block: number, lsn: Lsn, bits: number) => void): void {
    const ordinal = this.ordinal(rel);
    if (ordinal < 0) return;
    const section = this.section(SectionId.keys);
    // a run may have begun blocks before the last one whose fence is this key
    let index = Math.max(0, findBlock(section, ordinal, from));
    while (index > 0 && section.fences[index * 2] === ordinal && section.fences[index * 2 + 1] === from) index--;
    for (; index < section.blocks; index++) {
      const a = section.fences[index * 2]!;
      if (a > ordinal || (a === ordinal && section.fences[index * 2 + 1]! >= to)) break;
      this.decodeKeys(this.file.readBlock(section, index), ordinal, from, to, emit);
    }
  }

  private decodeKeys(bytes: Uint8Array, wanted: number, from: number, to: number, emit: (block: number, lsn: Lsn, bits: number) => void): void {
    const reader = new ByteReader(bytes);
    let ordinal = 0;
    while (!reader.done) {
      ordinal += reader.varint();
      const block = reader.varint();
      const count = reader.varint();
      if (ordinal > wanted || (ordinal === wanted && block >= to)) return;
      if (ordinal < wanted || block < from) {
        skipVarints(reader, count);
        continue;
      }
      let lsn = 0;
      for (let i = 0; i < count; i++) {
        const entry = reader.varint();
        lsn += Math.floor(entry / 4);
        emit(block, (this.startLsn + lsn * 8) as Lsn, entry % 4);
      }
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
      this.decodeSizes(this.file.readBlock(section, index), (o, event) => {
        if (o === ordinal) events.push(event);
      });
    }
    return events;
  }

  private decodeSizes(bytes: Uint8Array, emit: (ordinal: number, event: SizeEvent) => void): void {
    const reader = new ByteReader(bytes);
    let ordinal = 0;
    while (!reader.done) {
      ordinal += reader.varint();
      let lsn = this.startLsn as number;
      for (let n = reader.varint(); n > 0; n--) {
        const entry = reader.varint();
        lsn += Math.floor(entry / 4) * 8;
        emit(ordinal, { lsn: lsn as Lsn, kind: (entry % 4) as SizeEventKind, blocks: reader.varint() });
      }
    }
  }

  /** The size events of the layer as they are stored: by ordinal, then LSN; a long list comes in several parts. */
  *sizeRuns(): Generator<[number, SizeEvent[]]> {
    const section = this.section(SectionId.sizes);
    for (let i = 0; i < section.blocks; i++) {
      const runs: [number, SizeEvent[]][] = [];
      this.decodeSizes(this.file.readBlock(section, i), (ordinal, event) => {
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
    const reader = new ByteReader(this.file.readBlock(section, index));
    const rows: XactRow[] = [];
    const before: RowContext = { ...FIRST_ROW, lsn: section.fences[index]! * 8 };
    while (!reader.done) {
      const lsn = (before.lsn += reader.varint() * 8);
      const head = reader.varint();
      const time = (before.time += reader.signed());
      const xid = (before.xid += reader.signed());
      if ((head & ROW_SAME_DATABASE) === 0) before.dbOid = reader.varint();
      if ((head & ROW_SAME_LENGTH) === 0) before.length = reader.varint();
      const subxids: number[] = [];
      if ((head & ROW_HAS_SUBXIDS) !== 0) for (let n = reader.varint(); n > 0; n--) subxids.push(xid + reader.signed());
      const name = (head & ROW_HAS_NAME) !== 0 ? reader.string() : '';
      rows.push({ lsn: lsn as Lsn, endLsn: (lsn + before.length) as Lsn, kind: (head & ROW_KIND_MASK) as XactKind, time, xid, dbOid: before.dbOid, subxids, name });
    }
    return rows;
  }

  /** The index of the block in which a row at `lsn` would be, at least 0. */
  transactionBlockAt(lsn: Lsn): number {
    return Math.max(0, findBlock(this.section(SectionId.xacts), lsn / 8, 0));
  }

  /** What happened on one CLOG page, in LSN order. */
  clogEntries(page: number): ClogEntry[] {
    const section = this.section(SectionId.clog);
    const index = findBlock(section, page, 0);
    if (index < 0 || section.fences[index] !== page) return [];
    const reader = new ByteReader(this.file.readBlock(section, index));
    const entries: ClogEntry[] = [];
    let lsn = this.startLsn as number;
    let xidOnPage = 0;
    for (let n = reader.varint(); n > 0; n--) {
      lsn += reader.varint() * 8;
      const value = reader.varint();
      const zigzag = value >>> 2;
      xidOnPage += (zigzag & 1) === 0 ? zigzag >>> 1 : -((zigzag + 1) >>> 1);
      entries.push({ lsn: lsn as Lsn, xidOnPage, status: value & 3 });
    }
    return entries;
  }

  get clogPages(): number[] {
    return [...this.section(SectionId.clog).fences];
  }

  get events(): LayerEvent[] {
    const section = this.section(SectionId.events);
    const events: LayerEvent[] = [];
    let lsn = this.startLsn as number;
    for (let i = 0; i < section.blocks; i++) {
      const reader = new ByteReader(this.file.readBlock(section, i));
      while (!reader.done) {
        lsn += reader.varint() * 8;
        const kind = reader.varint();
        const args: number[] = [];
        for (let n = reader.varint(); n > 0; n--) args.push(reader.signed());
        events.push({ lsn: lsn as Lsn, kind, args, text: reader.string() });
      }
    }
    return events;
  }

  /** Blocks and payload bytes a section, for `walscope layers`. */
  describe(): { section: string; blocks: number; bytes: number }[] {
    return Object.entries(SectionId).map(([section, id]) => {
      const { blocks, lengths } = this.section(id);
      return { section, blocks, bytes: lengths.reduce((sum, n) => sum + n, 0) };
    });
  }
}

function skipVarints(reader: ByteReader, count: number): void {
  const bytes = reader.bytes;
  let at = reader.at;
  for (let i = 0; i < count; i++) while (bytes[at++]! > 127);
  reader.at = at;
}

/** Sort order of relation forks in every layer: tablespace, database, relation, fork. */
export function compareRelFork(a: RelFork, b: RelFork): number {
  return a.spcOid - b.spcOid || a.dbOid - b.dbOid || a.relNumber - b.relNumber || a.fork - b.fork;
}

/** `000000000A000028-000000000B3A2F10.delta` */
export function deltaLayerName(startLsn: Lsn, endLsn: Lsn): string {
  const hex = (lsn: Lsn) => lsn.toString(16).toUpperCase().padStart(16, '0');
  return `${hex(startLsn)}-${hex(endLsn)}.delta`;
}

/** The LSN range of a delta layer's file name; undefined where it is no such name. */
export function parseDeltaLayerName(name: string): { startLsn: Lsn; endLsn: Lsn } | undefined {
  const match = /^([0-9A-F]{16})-([0-9A-F]{16})\.delta$/.exec(name);
  return match ? { startLsn: parseInt(match[1]!, 16) as Lsn, endLsn: parseInt(match[2]!, 16) as Lsn } : undefined;
}
