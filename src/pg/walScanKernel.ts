/**
 * The compiled inner loop of the WAL scan (wasm/walScan.as.ts) and the memory that it shares with us.
 */
import type { Lsn } from '../util/lsn.js';
import { MAX_LSN } from '../util/lsn.js';
import type { RelFork } from './relFileLocator.js';
import { XLOG_PAGE_MAGIC, type PgMajor } from './version.js';
import { instantiate } from './webAssembly.js';
import { WAL_SCAN_WASM } from './wasm/walScanBytes.js';

/** What scan() answers; the numbers are the kernel's. */
export const ScanStatus = { needData: 0, full: 1, done: 2, odd: 3 } as const;

/** Which records a manager hands over: none, all, or what its rule says; the numbers are the kernel's. */
export const RecordMode = { none: 0, all: 1, xlog: 2, heap: 3, heap2: 4 } as const;

const BUFFER_BYTES = 512 * 1024;
const REFS = 1 << 16;
const RECORDS = 1 << 14;

interface KernelExports {
  memory: { readonly buffer: ArrayBuffer };
  init(major: number, magic: number, segmentSize: number, systemIdentifier: bigint, until: number): void;
  modesAt(): number;
  refRelationAt(): number;
  refBlockAt(): number;
  refLsnAt(): number;
  refFlagsAt(): number;
  recordPosAt(): number;
  recordEndAt(): number;
  relationsAt(): number;
  getRefCount(): number;
  getRecordCount(): number;
  getRelationCount(): number;
  getPos(): number;
  getPreviousLsn(): number;
  getPreviousKnown(): number;
  getScannedRecords(): number;
  getScannedBytes(): number;
  allocateBuffer(bytes: number): number;
  place(at: number, lsn: number, pos: number): void;
  setPrevious(lsn: number): void;
  clearBatch(): void;
  setRefCount(count: number): void;
  intern(spcOid: number, dbOid: number, relNumber: number, fork: number): number;
  crcSpan(at: number, length: number): number;
  scan(length: number): number;
  countChanges(): void;
  noteRecord(lsn: number, xid: number): void;
  countRows(xid: number, relation: number, rmid: number, opcode: number, detail: number): void;
  gather(xid: number): void;
  takeShape(): number;
  anyOpen(): number;
  shapeWordsAt(): number;
  getShapeCount(): number;
  notesAt(): number;
  getNoteCount(): number;
  getNewestXid(): number;
  beginLayer(startLsn: number): void;
  collect(baseLsn: number): number;
  addKey(relation: number, block: number, value: number): void;
  addSize(relation: number, lsn8: number, kind: number, blocks: number, known: number): void;
  knownBlocks(relation: number): number;
  addXact(lsn: bigint, length: number, kind: number, time: bigint, xid: number, dbOid: number, changes: number, tail: number, tailLength: number, firstPage: number, lastPage: number): void;
  layerRoom(bytes: number): number;
  tailRoom(bytes: number): number;
  finishLayer(ranks: number, count: number): void;
  getKeyCount(): number;
  keyBytesAt(): number;
  keyBlocksAt(): number;
  getKeyBlockCount(): number;
  getSizeCount(): number;
  sizesAt(): number;
  getXactCount(): number;
  getFirstTime(): number;
  getLastTime(): number;
  getMaxTime(): number;
  xactBytesAt(): number;
  xactBlocksAt(): number;
  getXactBlockCount(): number;
}

export interface KernelOptions {
  major: PgMajor;
  segmentSize: number;
  systemIdentifier?: bigint;
  until?: Lsn;
  /** RecordMode by resource manager id, 256 of them. */
  modes: Uint8Array;
  /** Count the rows that transactions change. */
  changes?: boolean;
}

/** One instance of the kernel: a scan's state, buffer and arrays, and the layer that is being collected. */
export class WalScanKernel {
  readonly exports: KernelExports;
  /** All of the kernel's memory; renewed by refresh() after it has grown. */
  bytes!: Uint8Array;
  view!: DataView;
  refRelation!: Uint32Array;
  refBlock!: Uint32Array;
  refLsn!: Uint32Array;
  refFlags!: Uint32Array;
  recordPos!: Uint32Array;
  recordEnd!: Uint32Array;
  /** Where WAL goes, and how much of it. */
  bufferAt = 0;
  bufferSize = 0;
  private relationList: RelFork[] = [];

  constructor() {
    this.exports = instantiate<KernelExports>(WAL_SCAN_WASM);
  }

  /** Begins a scan. What is collected in the layer in hand stays. */
  begin(options: KernelOptions): void {
    const { major, segmentSize } = options;
    this.exports.init(major, XLOG_PAGE_MAGIC[major], segmentSize, options.systemIdentifier ?? 0n, options.until ?? MAX_LSN);
    if (options.changes) this.exports.countChanges();
    this.refresh();
    this.bytes.set(options.modes, this.exports.modesAt());
    this.relationList = [];
    if (this.bufferSize === 0) this.growBuffer(BUFFER_BYTES, 0);
  }

  /** Renews the views where the memory has grown. */
  refresh(): void {
    const { buffer } = this.exports.memory;
    if (this.bytes?.buffer === buffer) return;
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.refRelation = new Uint32Array(buffer, this.exports.refRelationAt(), REFS);
    this.refBlock = new Uint32Array(buffer, this.exports.refBlockAt(), REFS);
    this.refLsn = new Uint32Array(buffer, this.exports.refLsnAt(), REFS);
    this.refFlags = new Uint32Array(buffer, this.exports.refFlagsAt(), REFS);
    this.recordPos = new Uint32Array(buffer, this.exports.recordPosAt(), RECORDS);
    this.recordEnd = new Uint32Array(buffer, this.exports.recordEndAt(), RECORDS);
  }

  /** A new, larger buffer; the first `keep` bytes of the old one move over. */
  growBuffer(size: number, keep: number): void {
    const at = this.exports.allocateBuffer(size);
    this.refresh();
    this.bytes.copyWithin(at, this.bufferAt, this.bufferAt + keep);
    this.bufferAt = at;
    this.bufferSize = size;
  }

  /** So many bytes at `at`, and their checksum. */
  piece(at: number, length: number): { payload: Uint8Array; crc: number } {
    return { payload: this.bytes.subarray(at, at + length), crc: ~this.exports.crcSpan(at, length) >>> 0 };
  }

  /** All relation forks met so far, by their numbers. */
  relations(): RelFork[] {
    const count = this.exports.getRelationCount();
    for (let i = this.relationList.length; i < count; i++) {
      const at = this.exports.relationsAt() + i * 16;
      this.relationList.push({
        spcOid: this.view.getUint32(at, true), dbOid: this.view.getUint32(at + 4, true),
        relNumber: this.view.getUint32(at + 8, true), fork: this.view.getUint32(at + 12, true),
      });
    }
    return this.relationList;
  }
}
