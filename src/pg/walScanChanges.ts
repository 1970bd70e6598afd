/** What transactions changed, as the WAL scan's kernel counts it (wasm/changes.as.ts). */
import type { Lsn } from '../util/lsn.js';
import type { RelFileLocator } from './relFileLocator.js';
import type { WalScanKernel } from './walScanKernel.js';
import type { XLogRecord } from './xlogRecord.js';

/** Rows that a transaction changed in one relation. Inserted is negative where an insertion of before the scan was taken back (ON CONFLICT). */
export interface RelationChange {
  relation: RelFileLocator;
  inserted: number;
  updated: number;
  deleted: number;
}

/** The changes of a scan, once it has ended. */
export interface ScanChanges {
  /** Everything that transactions changed, once for all that changed the same: number n is at n − 1. */
  shapes: RelationChange[][];
  /** Transactions that did not end in the scan, and the number of what they changed in it; by xid. */
  open: { xid: number; changes: number }[];
  /** The newest xid of all records of the scan before a position; a note every 256 kB, the last one at its end. */
  newestXids: { lsn: Lsn; xid: number }[];
}

const RM_HEAP2_ID = 9, RM_HEAP_ID = 10;

/** Ends a transaction: the number of its shape, 0 where it changed nothing. */
export function closeTransaction({ exports }: WalScanKernel, xid: number, subxids: readonly number[]): number {
  exports.gather(xid);
  for (const sub of subxids) exports.gather(sub);
  return exports.takeShape();
}

/** Counts a record that the kernel did not read itself; `relation` is the number of its first block reference's. */
export function noteRecord({ exports }: WalScanKernel, { lsn, xid, rmid, info, view, mainAt, mainLength }: XLogRecord, relation: number | undefined): void {
  exports.noteRecord(lsn, xid);
  if (xid === 0 || relation === undefined) return;
  if (rmid !== RM_HEAP_ID && rmid !== RM_HEAP2_ID) return;
  // ntuples of xl_heap_multi_insert, flags of xl_heap_delete
  const opcode = info & 0x70;
  let detail = 0;
  if (rmid === RM_HEAP2_ID && opcode === 0x50 && mainLength >= 4) detail = view.getUint16(mainAt + 2, true);
  else if (rmid === RM_HEAP_ID && opcode === 0x10 && mainLength >= 8) detail = view.getUint8(mainAt + 7);
  exports.countRows(xid, relation, rmid, opcode, detail);
}

/** Takes the scan's changes out of the kernel; transactions that are still open are closed. */
export function gatheredChanges(kernel: WalScanKernel, endLsn: Lsn): ScanChanges {
  const { exports } = kernel;
  const open: ScanChanges['open'] = [];
  for (let xid = exports.anyOpen(); xid !== 0; xid = exports.anyOpen()) {
    const changes = closeTransaction(kernel, xid >>> 0, []);
    if (changes !== 0) open.push({ xid: xid >>> 0, changes });
  }
  open.sort((a, b) => a.xid - b.xid);
  kernel.refresh();
  const { view } = kernel;
  const relations = kernel.relations();
  const shapes: RelationChange[][] = [];
  for (let at = exports.shapeWordsAt(), left = exports.getShapeCount(); left > 0; left--) {
    const shape: RelationChange[] = [];
    let count = view.getUint32(at, true);
    at += 4;
    for (; count > 0; count--, at += 16) {
      shape.push({
        relation: relations[view.getUint32(at, true)]!,
        inserted: view.getInt32(at + 4, true), updated: view.getInt32(at + 8, true), deleted: view.getInt32(at + 12, true),
      });
    }
    shapes.push(shape);
  }
  const newestXids: ScanChanges['newestXids'] = [];
  for (let i = 0, at = exports.notesAt(); i < exports.getNoteCount(); i++, at += 16) newestXids.push({ lsn: view.getFloat64(at, true) as Lsn, xid: view.getUint32(at + 8, true) });
  const newest = exports.getNewestXid() >>> 0;
  if (newest !== 0) newestXids.push({ lsn: endLsn, xid: newest });
  return { shapes, open, newestXids };
}
