/** What records tell of row versions that were there at a moment: those that made them, and images of their pages. No page is rebuilt. */
import { ENTRY_STARTS_CHAIN } from '../layerfile/deltaLayer.js';
import { restoreBlockImage } from '../pg/blockImage.js';
import { BLCKSZ, Page } from '../pg/page.js';
import { ForkNumber, sameRelation, type RelFork } from '../pg/relFileLocator.js';
import type { BlockRef, XLogRecord } from '../pg/xlogRecord.js';
import { HEAP_UPDATE_BLKREF_HEAP_NEW, readXlHeapInsert, readXlHeapUpdate, XLOG_HEAP_HOT_UPDATE, XLOG_HEAP_INIT_PAGE, XLOG_HEAP_INPLACE, XLOG_HEAP_INSERT, XLOG_HEAP_OPMASK, XLOG_HEAP_UPDATE } from '../redo/heap/xlog.js';
import { readXlHeapMultiInsert, SIZE_OF_MULTI_INSERT_TUPLE, XLOG_HEAP2_MULTI_INSERT } from '../redo/heap/xlog2.js';
import { RmgrId } from '../redo/rmgrlist.js';
import type { CaseStore } from '../store/caseStore.js';
import { PlainOperation, type PlainHeapReader } from '../store/plainHeapReader.js';
import type { Lsn } from '../util/lsn.js';
import { NumberMap } from './numberMap.js';
import { placeOf } from './rowChains.js';
import type { TuplePatches } from './tuplePatches.js';

/** How many records are read at first, and how many times as many each time. */
const FIRST_RECORDS = 4000;
const GROWTH = 4;

/** What is known of a version: nothing, something by the records that are being read, something by later ones. */
const UNKNOWN = 0, TOLD = 1, SETTLED = 2;

/** Versions and their blocks have numbers, in the order in which they were asked for. */
export class EarlierVersions {
  private readonly byPlace = new NumberMap();
  private readonly byBlock = new NumberMap();
  /** Of each version: its offset number, the record that replaced it, a patch that ends in it (or 0), what is known, the next version of the same block (or -1). */
  private readonly offnums: number[] = [];
  private readonly replaced: number[] = [];
  private readonly known: number[] = [];
  private readonly states: number[] = [];
  private readonly next: number[] = [];
  /** Of each block: its number, one of its versions, where the first and the last of them were replaced, whether something is still wanted. */
  private readonly blocks: number[] = [];
  private readonly heads: number[] = [];
  private readonly firsts: number[] = [];
  private readonly lasts: number[] = [];
  private readonly open: boolean[] = [];
  private readonly image = new Page(new Uint8Array(BLCKSZ));

  constructor(private readonly store: CaseStore, private readonly file: RelFork, private readonly patches: TuplePatches) {}

  /** The version at a place that was there until a record replaced it. */
  want(place: number, replaced: Lsn): void {
    const { block, offnum } = placeOf(place);
    const version = this.offnums.length;
    let number = (this.byBlock.get(block) ?? 0) - 1;
    if (number === -1) {
      number = this.blocks.length;
      this.byBlock.set(block, number + 1);
      this.blocks.push(block);
      this.heads.push(-1);
      this.firsts.push(replaced);
      this.lasts.push(replaced);
      this.open.push(true);
    }
    this.byPlace.set(place, version + 1);
    this.offnums.push(offnum);
    this.replaced.push(replaced);
    this.known.push(0);
    this.states.push(UNKNOWN);
    this.next.push(this.heads[number]!);
    this.heads[number] = version;
    this.firsts[number] = Math.min(this.firsts[number]!, replaced);
    this.lasts[number] = Math.max(this.lasts[number]!, replaced);
  }

  /** A patch that ends in the version at a place, or 0; most often it is not the whole version. */
  at(place: number): number {
    return this.known[this.byPlace.get(place)! - 1]!;
  }

  /**
   * Goes back until something is known of each version, or there are no records any more. `from`: where all of them were there: after it, an image before
   * the record that replaced one shows it.
   */
  read(from: Lsn): void {
    if (this.blocks.length === 0) return;
    const max = (numbers: readonly number[]): number => numbers.reduce((a, b) => Math.max(a, b)), min = (numbers: readonly number[]): number => numbers.reduce((a, b) => Math.min(a, b));
    const range: [number, number] = [min(this.blocks), max(this.blocks) + 1], upTo = max(this.lasts) as Lsn;
    const { layers, pages } = this.store;
    const { floorLsn, truncations } = pages.relation(this.file, upTo);
    const oldest = Math.max(floorLsn, truncations.at(-1)?.lsn ?? 0) as Lsn;
    const starts = layers.withKeys(this.file, ...range, oldest, upTo).map((i) => Math.max(oldest, layers.entries[i]!.startLsn));
    for (let to = upTo; this.open.includes(true) && to > oldest;) {
      const start = starts.reduce((nearest, each) => (each < to ? Math.max(nearest, each) : nearest), oldest) as Lsn;
      this.readStretch(this.entries(range, start, to, from));
      to = start;
    }
  }

  /** Where records touched blocks of which something is still wanted: of each, ascending, from the last image on that all can begin at. */
  private entries(range: [number, number], start: Lsn, to: Lsn, from: Lsn): Entries {
    const entries = new Entries();
    let number = -1, begin = 0;
    this.store.pages.changes(this.file, ...range, start, to, (block, lsn, bits) => {
      if (this.blocks[number] !== block) {
        number = this.byBlock.get(block)! - 1;
        begin = entries.count;
      }
      const isStart = (bits & ENTRY_STARTS_CHAIN) !== 0 && lsn < this.firsts[number]!;
      if (lsn >= this.lasts[number]! || (lsn >= from && !isStart)) return;
      if (isStart) entries.count = begin;
      entries.add(number, lsn);
    }, (block) => this.open[(this.byBlock.get(block) ?? 0) - 1] === true);
    return entries;
  }

  /** The newest records first, some at a time. */
  private readStretch(entries: Entries): void {
    const plain = this.store.newPlainHeapReader();
    const all = entries.lsns(() => true);
    for (let end = all.length, count = FIRST_RECORDS; end > 0 && this.open.includes(true); count *= GROWTH) {
      const first = Math.max(0, end - count), from = all[first]!, to = all[end] ?? Infinity;
      const lsns = entries.lsns((number, lsn) => lsn >= from && lsn < to && this.open[number]!);
      for (let i = 0; i < lsns.length; i++) {
        const lsn = lsns[i] as Lsn;
        if (lsn === lsns[i - 1]) continue;
        const kind = plain.read(lsn);
        if (kind === 'plain') this.takePlain(plain);
        else this.take(kind === 'other' ? plain.record() : this.store.wal.readRecord(lsn));
      }
      this.settle();
      end = first;
    }
  }

  private settle(): void {
    this.states.forEach((state, version) => {
      if (state === TOLD) this.states[version] = SETTLED;
    });
    this.heads.forEach((head, number) => {
      if (!this.open[number]) return;
      let version = head;
      while (version !== -1 && this.states[version] === SETTLED) version = this.next[version]!;
      this.open[number] = version !== -1;
    });
  }

  private takePlain(record: PlainHeapReader): void {
    if (record.operation !== PlainOperation.insert && record.operation !== PlainOperation.update) return;
    const version = sameRelation(record, this.file) ? this.find(record.block, record.offnum) : -1;
    if (version !== -1) this.tell(record.lsn, version, () => (record.dataLength > 0 ? this.patches.fromRecord(record.from, record, record.operation === PlainOperation.update ? record.flags : 0) : 0));
  }

  private find(block: number, offnum: number): number {
    let version = this.headOf(block);
    while (version !== -1 && this.offnums[version] !== offnum) version = this.next[version]!;
    return version;
  }

  private headOf(block: number): number {
    const number = this.byBlock.get(block);
    return number === undefined || !this.open[number - 1] ? -1 : this.heads[number - 1]!;
  }

  /** A later record of those that are read together counts more than an earlier one. */
  private take(record: XLogRecord): void {
    for (const ref of record.blocks) {
      if (ref.fork !== ForkNumber.main || !sameRelation(ref, this.file) || this.headOf(ref.block) === -1) continue;
      if (ref.hasImage && ref.applyImage) {
        restoreBlockImage(record, ref, this.image.bytes);
        this.tellAll(record, ref, (offnum) => this.patches.fromPage(this.image, offnum));
      } else if (record.rmid === RmgrId.heap) this.takeHeap(record, ref);
      else if (record.rmid === RmgrId.heap2) {
        if ((record.info & XLOG_HEAP_OPMASK) === XLOG_HEAP2_MULTI_INSERT) this.takeMultiInsert(record, ref);
      } else this.tellAll(record, ref, () => 0);
    }
  }

  private takeHeap(record: XLogRecord, ref: BlockRef): void {
    const opcode = record.info & XLOG_HEAP_OPMASK;
    if (opcode === XLOG_HEAP_INSERT) this.tell(record.lsn, this.find(ref.block, readXlHeapInsert(record).offnum), () => (ref.hasData ? this.patches.fromRecord(record, ref, 0) : 0));
    else if ((opcode === XLOG_HEAP_UPDATE || opcode === XLOG_HEAP_HOT_UPDATE) && ref.id === HEAP_UPDATE_BLKREF_HEAP_NEW) {
      const { new_offnum, flags } = readXlHeapUpdate(record);
      this.tell(record.lsn, this.find(ref.block, new_offnum), () => (ref.hasData ? this.patches.fromRecord(record, ref, flags) : 0));
    } else if (opcode === XLOG_HEAP_INPLACE) this.tellAll(record, ref, () => 0);
  }

  private takeMultiInsert(record: XLogRecord, ref: BlockRef): void {
    const { ntuples, offsetsAt } = readXlHeapMultiInsert(record);
    const isInit = (record.info & XLOG_HEAP_INIT_PAGE) !== 0;
    for (let i = 0, at = ref.dataAt; i < ntuples; i++) {
      at += (at - ref.dataAt) & 1;
      const tuple = at;
      this.tell(record.lsn, this.find(ref.block, isInit ? i + 1 : record.view.getUint16(offsetsAt + i * 2, true)), () => this.patches.fromMultiInsert(record, tuple));
      at += SIZE_OF_MULTI_INSERT_TUPLE + record.view.getUint16(at, true);
    }
  }

  private tellAll({ lsn }: XLogRecord, { block }: BlockRef, known: (offnum: number) => number): void {
    for (let version = this.headOf(block); version !== -1; version = this.next[version]!) this.tell(lsn, version, known);
  }

  private tell(lsn: Lsn, version: number, known: (offnum: number) => number): void {
    if (version === -1 || this.states[version] === SETTLED || lsn >= this.replaced[version]!) return;
    this.known[version] = known(this.offnums[version]!);
    this.states[version] = TOLD;
  }
}

/** Where records touched blocks. */
class Entries {
  private numbers = new Uint32Array(1024);
  private values = new Float64Array(1024);
  count = 0;

  add(block: number, lsn: Lsn): void {
    if (this.count === this.values.length) {
      const { numbers, values } = this;
      (this.numbers = new Uint32Array(this.count * 2)).set(numbers);
      (this.values = new Float64Array(this.count * 2)).set(values);
    }
    this.numbers[this.count] = block;
    this.values[this.count++] = lsn;
  }

  /** Those that are wanted, ascending. */
  lsns(wanted: (block: number, lsn: number) => boolean): Float64Array {
    const found = new Float64Array(this.count);
    let count = 0;
    for (let i = 0; i < this.count; i++) if (wanted(this.numbers[i]!, this.values[i]!)) found[count++] = this.values[i]!;
    return found.subarray(0, count).sort();
  }
}
