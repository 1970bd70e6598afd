/**
 * Turns a run of WAL records into the contents of delta layers. What it keeps of a record depends on that record alone, never on
 * what came before: so any run of WAL can be taken in by itself, and folding sizes and aliases is the reader's work.
 */
import {
  ENTRY_IMPLICIT, ENTRY_STARTS_CHAIN, SizeEventKind, type ClogZero, type DeltaContents, type LayerEvent, type SizeEvent, type XactRow,
} from '../layerfile/deltaLayer.js';
import type { LayerChanges } from '../layerfile/layerChanges.js';
import { ForkNumber, type RelFileLocator, type RelFork } from '../pg/relFileLocator.js';
import type { XLogRecord } from '../pg/xlogRecord.js';
import { REF_STARTS_CHAIN, type WalScanBatch } from '../pg/walScan.js';
import type { ScanChanges } from '../pg/walScanChanges.js';
import { RMGRS, RM_MIN_CUSTOM_ID } from '../redo/rmgrlist.js';
import type { Lsn } from '../util/lsn.js';
import { keyBlocks, KeyBuffer } from './keyBuffer.js';
import { EventKind } from './layerEvents.js';
import type { RecordEffects } from './recordEffects.js';
import { RECORD_HANDLERS } from './recordHandlers.js';

const NO_CHANGES: ScanChanges = { shapes: [], open: [], newestXids: [] };

/** Gathers one layer. `begin`, feed it records in LSN order, take the `contents`. A layer covers at most 8 GB of WAL. */
export class LayerBuilder implements RecordEffects {
  startLsn = 0 as Lsn;
  endLsn = 0 as Lsn;
  records = 0;
  private readonly keys = new KeyBuffer();
  private sizes = new Map<number, SizeEvent[]>();
  /** Per relation of the key buffer: highest size seen since its last truncation in this layer. */
  private knownBlocks: number[] = [];
  private xacts: XactRow[] = [];
  private clogZeroes: ClogZero[] = [];
  private events: LayerEvent[] = [];
  private messages: LayerChanges['messages'] = [];
  private scanned: ScanChanges = NO_CHANGES;
  /** Transactions that ended in the batch at hand. */
  private ended: XactRow[] = [];
  private lsn = 0 as Lsn;
  /** The key buffer's number of each relation of the scan. */
  private relationIds: number[] = [];

  begin(startLsn: Lsn): void {
    this.startLsn = startLsn;
    this.endLsn = startLsn;
    this.records = 0;
    this.keys.clear();
    this.sizes = new Map();
    this.knownBlocks = [];
    this.relationIds = [];
    this.xacts = [];
    this.clogZeroes = [];
    this.events = [];
    this.messages = [];
    this.scanned = NO_CHANGES;
  }

  get keyCount(): number { return this.keys.count; }
  get transactionRows(): readonly XactRow[] { return this.xacts; }

  /** Takes in a batch of a scan: block references and the records that say more, in LSN order of both. */
  addBatch(batch: WalScanBatch): void {
    let next = 0;
    const addRefs = (upTo: number): void => {
      const { refCount, lsn, relation, block, flags, relations } = batch;
      for (; next < refCount && lsn[next]! <= upTo; next++) {
        this.reference(relation[next]!, relations, block[next]!, batch.baseLsn + lsn[next]!, flags[next]! & REF_STARTS_CHAIN);
      }
    };
    batch.forEachRecord((record) => {
      addRefs(record.lsn - batch.baseLsn);
      this.addRecord(record);
    });
    addRefs(Infinity);
    for (const row of this.ended) row.changes = batch.closeTransaction(row.xid, row.subxids);
    this.ended = [];
  }

  /** What a record does beyond the blocks it references. */
  private addRecord(record: XLogRecord): void {
    this.lsn = record.lsn;
    RMGRS[record.rmid]?.implicitEdits?.(record, this.emitImplicit);
    const handler = RECORD_HANDLERS[record.rmid];
    if (handler) handler(record, this);
    else if (record.rmid >= RM_MIN_CUSTOM_ID) this.event(EventKind.unknownManager, [record.rmid]);
  }

  /** Says what the whole scan counted, before `contents`. */
  finish(records: number, endLsn: Lsn, changes: ScanChanges): void {
    this.records = records;
    this.endLsn = endLsn;
    this.scanned = changes;
  }

  private readonly emitImplicit = (rel: RelFork, block: number): void => {
    // an implicit edit of a block that is not there does nothing, so it makes no block either
    const id = this.keys.relation(rel.spcOid, rel.dbOid, rel.relNumber, rel.fork);
    this.keys.add(id, block, this.entry(ENTRY_IMPLICIT));
  };

  private entry(bits: number): number {
    return (((this.lsn - this.startLsn) / 8) * 4 + bits) >>> 0;
  }

  /** A reference to a block: an entry, and proof that the fork reaches that far. `starts`: ENTRY_STARTS_CHAIN or 0. */
  private reference(scanRelation: number, relations: readonly RelFork[], block: number, lsn: number, starts: number): void {
    let id = this.relationIds[scanRelation];
    if (id === undefined) {
      const rel = relations[scanRelation]!;
      id = this.relationIds[scanRelation] = this.keys.relation(rel.spcOid, rel.dbOid, rel.relNumber, rel.fork);
    }
    this.keys.add(id, block, (((lsn - this.startLsn) / 8) * 4 + starts) >>> 0);
    if (block >= (this.knownBlocks[id] ?? 0)) {
      this.knownBlocks[id] = block + 1;
      this.lsn = lsn as Lsn;
      this.sizeEvent(id, SizeEventKind.extend, block + 1);
    }
  }

  private sizeEvent(id: number, kind: SizeEventKind, blocks: number): void {
    const list = this.sizes.get(id);
    const event = { lsn: this.lsn, kind, blocks };
    if (list) list.push(event);
    else this.sizes.set(id, [event]);
  }

  /** A key that is no relation block (an SLRU page). */
  slruPage(rel: RelFork, page: number, startsChain: boolean): void {
    this.keys.add(this.keys.relation(rel.spcOid, rel.dbOid, rel.relNumber, rel.fork), page, this.entry(startsChain ? ENTRY_STARTS_CHAIN : 0));
  }

  forkCreated(rel: RelFork): void {
    this.sizeEvent(this.keys.relation(rel.spcOid, rel.dbOid, rel.relNumber, rel.fork), SizeEventKind.create, 0);
  }

  forkTruncated(rel: RelFork, blocks: number): void {
    const id = this.keys.relation(rel.spcOid, rel.dbOid, rel.relNumber, rel.fork);
    this.knownBlocks[id] = Math.min(this.knownBlocks[id] ?? 0, blocks);
    this.sizeEvent(id, SizeEventKind.truncate, blocks);
  }

  /** All forks of a relation are gone. */
  relationDropped(rel: RelFileLocator): void {
    for (const fork of Object.values(ForkNumber)) {
      const id = this.keys.relation(rel.spcOid, rel.dbOid, rel.relNumber, fork);
      this.knownBlocks[id] = 0;
      this.sizeEvent(id, SizeEventKind.drop, 0);
    }
  }

  /** A row of the transaction log, from which the CLOG bits follow. */
  transactionEnd(row: XactRow): void {
    this.xacts.push(row);
    this.ended.push(row);
  }

  transactionNote(row: XactRow): void {
    this.xacts.push(row);
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

  /** What the layer will hold; the builder may begin anew afterwards. */
  contents(): DeltaContents {
    const { relations, rank, keys } = this.keys.sorted();
    const sizes = new Map<number, SizeEvent[]>();
    for (const [id, events] of this.sizes) sizes.set(rank[id]!, events);
    return {
      startLsn: this.startLsn, endLsn: this.endLsn, relations, keys: keyBlocks(keys, this.startLsn), sizes, xacts: this.xacts, clogZeroes: this.clogZeroes, events: this.events,
      changes: { ...this.scanned, messages: this.messages },
    };
  }
}
