/**
 * Turns a run of WAL records into the contents of delta layers. What it keeps of a record depends on that record alone, never on
 * what came before: so any run of WAL can be taken in by itself, and folding sizes and aliases is the reader's work. The kernel of the scan
 * collects what nearly all records are; the others come here one by one.
 */
import { compareRelFork, ENTRY_IMPLICIT, ENTRY_STARTS_CHAIN, SizeEventKind, type ClogZero, type DeltaContents, type LayerEvent, type SizeEvent } from '../layerfile/deltaLayer.js';
import type { KeyBlock } from '../layerfile/keyRuns.js';
import type { LayerChanges } from '../layerfile/layerChanges.js';
import { kindAndTail, writeTail, type XactBlock, type XactRow } from '../layerfile/xactRows.js';
import { clogPageOf } from '../pg/clogPage.js';
import { ForkNumber, type RelFileLocator, type RelFork } from '../pg/relFileLocator.js';
import type { WalScanBatch } from '../pg/walScan.js';
import { closeTransaction, type ScanChanges } from '../pg/walScanChanges.js';
import { WalScanKernel } from '../pg/walScanKernel.js';
import type { XLogRecord } from '../pg/xlogRecord.js';
import { RMGRS, RM_MIN_CUSTOM_ID } from '../redo/rmgrlist.js';
import type { Lsn } from '../util/lsn.js';
import { ByteWriter } from '../util/varint.js';
import { EventKind } from './layerEvents.js';
import type { RecordEffects } from './recordEffects.js';
import { RECORD_HANDLERS } from './recordHandlers.js';

const NO_CHANGES: ScanChanges = { shapes: [], open: [], newestXids: [] };

/** Gathers one layer. `begin`, feed it the batches of a scan with its kernel, take the `contents`. A layer covers at most 8 GB of WAL. */
export class LayerBuilder implements RecordEffects {
  /** The scan's, which must be given it. */
  readonly kernel = new WalScanKernel();
  startLsn = 0 as Lsn;
  endLsn = 0 as Lsn;
  records = 0;
  private clogZeroes: ClogZero[] = [];
  private events: LayerEvent[] = [];
  private messages: LayerChanges['messages'] = [];
  private scanned: ScanChanges = NO_CHANGES;
  private lsn = 0 as Lsn;
  private readonly tail = new ByteWriter();

  begin(startLsn: Lsn): void {
    this.startLsn = startLsn;
    this.endLsn = startLsn;
    this.records = 0;
    this.kernel.exports.beginLayer(startLsn);
    this.clogZeroes = [];
    this.events = [];
    this.messages = [];
    this.scanned = NO_CHANGES;
  }

  get keyCount(): number { return this.kernel.exports.getKeyCount(); }
  get xactCount(): number { return this.kernel.exports.getXactCount(); }

  /** Of the first and last row of the transaction log, and the latest end of a transaction. */
  get times(): { firstTime: number | null; lastTime: number | null; maxTime: number | null } {
    const { exports } = this.kernel;
    const known = (time: number): number | null => (Number.isNaN(time) ? null : time);
    return { firstTime: known(exports.getFirstTime()), lastTime: known(exports.getLastTime()), maxTime: known(exports.getMaxTime()) };
  }

  /** Takes in a batch of the scan. */
  addBatch(batch: WalScanBatch): void {
    batch.collect(this.addRecord);
  }

  /** What a record does beyond the blocks it references. */
  private readonly addRecord = (record: XLogRecord): void => {
    this.lsn = record.lsn;
    RMGRS[record.rmid]?.implicitEdits?.(record, this.emitImplicit);
    const handler = RECORD_HANDLERS[record.rmid];
    if (handler) handler(record, this);
    else if (record.rmid >= RM_MIN_CUSTOM_ID) this.event(EventKind.unknownManager, [record.rmid]);
  };

  /** Says what the whole scan counted, before `contents`. */
  finish(records: number, endLsn: Lsn, changes: ScanChanges): void {
    this.scanned = changes;
    this.records = records;
    this.endLsn = endLsn;
  }

  // an implicit edit of a block that is not there does nothing, so it makes no block either
  private readonly emitImplicit = (rel: RelFork, block: number): void => this.addKey(rel, block, ENTRY_IMPLICIT);

  private addKey(rel: RelFork, block: number, bits: number): void {
    this.kernel.exports.addKey(this.relation(rel), block, (this.lsn8 * 4 + bits) >>> 0);
  }

  private relation(rel: RelFork): number {
    return this.kernel.exports.intern(rel.spcOid, rel.dbOid, rel.relNumber, rel.fork);
  }

  private get lsn8(): number { return (this.lsn - this.startLsn) / 8; }

  private addSize(rel: RelFork, kind: SizeEventKind, blocks: number, known: (before: number) => number): void {
    const { exports } = this.kernel;
    const id = this.relation(rel);
    exports.addSize(id, this.lsn8, kind, blocks, known(exports.knownBlocks(id) >>> 0));
  }

  /** A key that is no relation block (an SLRU page). */
  slruPage(rel: RelFork, page: number, startsChain: boolean): void {
    this.addKey(rel, page, startsChain ? ENTRY_STARTS_CHAIN : 0);
  }

  forkCreated(rel: RelFork): void {
    this.addSize(rel, SizeEventKind.create, 0, (before) => before);
  }

  forkTruncated(rel: RelFork, blocks: number): void {
    this.addSize(rel, SizeEventKind.truncate, blocks, (before) => Math.min(before, blocks));
  }

  /** All forks of a relation are gone. */
  relationDropped(rel: RelFileLocator): void {
    for (const fork of Object.values(ForkNumber)) this.addSize({ ...rel, fork }, SizeEventKind.drop, 0, () => 0);
  }

  /** A row of the transaction log, from which the CLOG bits follow. */
  transactionEnd(row: XactRow): void {
    row.changes = closeTransaction(this.kernel, row.xid, row.subxids);
    this.transactionNote(row);
  }

  transactionNote(row: XactRow): void {
    const { kernel, tail } = this;
    writeTail(tail, row);
    const length = tail.length;
    const at = kernel.exports.tailRoom(length);
    kernel.refresh();
    kernel.bytes.set(tail.view(), at);
    tail.length = 0;
    let firstPage = 1;
    let lastPage = 0;
    for (const xid of row.subxids) {
      const page = clogPageOf(xid);
      firstPage = firstPage > lastPage ? page : Math.min(firstPage, page);
      lastPage = Math.max(lastPage, page);
    }
    kernel.exports.addXact(BigInt(row.lsn), row.endLsn - row.lsn, kindAndTail(row), BigInt(row.time), row.xid, row.dbOid, row.changes, at, length, firstPage, lastPage);
  }

  clogPageZeroed(page: number): void {
    this.clogZeroes.push({ lsn: this.lsn, page });
  }

  logicalMessage(lsn: Lsn, xid: number): void {
    this.messages.push({ lsn, xid });
  }

  event(kind: number, args: number[], text = ''): void {
    this.events.push({ lsn: this.lsn, kind, args, text });
  }

  /** What the layer will hold; blocks are views of the kernel's memory, good until `begin`. */
  contents(): DeltaContents {
    const { kernel } = this;
    kernel.refresh();
    const met = kernel.relations();
    const order = met.map((_, id) => id).sort((a, b) => compareRelFork(met[a]!, met[b]!));
    const ranksAt = kernel.exports.layerRoom(order.length * 4);
    kernel.refresh();
    const ranks = new Uint32Array(kernel.bytes.buffer, ranksAt, order.length);
    order.forEach((id, place) => (ranks[id] = place));
    kernel.exports.finishLayer(ranksAt, order.length);
    kernel.refresh();
    return {
      startLsn: this.startLsn, endLsn: this.endLsn, relations: order.map((id) => met[id]!), keys: this.keyBlocks(), sizes: this.sizes(order), xacts: this.xactBlocks(),
      clogZeroes: this.clogZeroes, events: this.events, changes: { ...this.scanned, messages: this.messages },
    };
  }

  private* keyBlocks(): Generator<KeyBlock> {
    const { kernel } = this;
    const { exports, view } = kernel;
    const table = exports.keyBlocksAt();
    for (let i = 0, from = 0; i < exports.getKeyBlockCount(); i++) {
      const at = table + i * 12;
      const end = view.getUint32(at, true);
      yield { ...kernel.piece(exports.keyBytesAt() + from, end - from), fence: [view.getUint32(at + 4, true), view.getUint32(at + 8, true)] };
      from = end;
    }
  }

  private* xactBlocks(): Generator<XactBlock> {
    const { kernel } = this;
    const { exports, view } = kernel;
    const table = exports.xactBlocksAt();
    for (let i = 0, from = 0; i < exports.getXactBlockCount(); i++) {
      const at = table + i * 24;
      const end = view.getUint32(at + 8, true);
      yield {
        ...kernel.piece(exports.xactBytesAt() + from, end - from),
        fence: [Number(view.getBigUint64(at, true)), view.getUint32(at + 12, true), view.getUint32(at + 16, true)],
      };
      from = end;
    }
  }

  /** Size events by ordinal; `order`: the kernel's numbers of relations by ordinal. */
  private sizes(order: readonly number[]): Map<number, SizeEvent[]> {
    const { exports, view } = this.kernel;
    const ordinals = new Uint32Array(order.length);
    order.forEach((id, place) => (ordinals[id] = place));
    const sizes = new Map<number, SizeEvent[]>();
    for (let at = exports.sizesAt(), end = at + exports.getSizeCount() * 16; at < end; at += 16) {
      const ordinal = ordinals[view.getUint32(at, true)]!;
      const lsn = (this.startLsn + view.getUint32(at + 4, true) * 8) as Lsn;
      const event: SizeEvent = { lsn, kind: view.getUint32(at + 8, true) as SizeEventKind, blocks: view.getUint32(at + 12, true) };
      const list = sizes.get(ordinal);
      if (list) list.push(event);
      else sizes.set(ordinal, [event]);
    }
    return sizes;
  }
}
