/**
 * The transaction log over all layers: rows in LSN order, and PostgreSQL's own rule for recovery_target_time over them.
 * A prefix maximum a layer makes the rule a search: a layer whose greatest time is not later than T holds no stop.
 */
import { endsTransaction, XactKind, type XactRow } from '../layerfile/xactRows.js';
export { endsTransaction, isCommit } from '../layerfile/xactRows.js';
import type { Lsn } from '../util/lsn.js';
import type { LayerMap } from './layerMap.js';

export class TransactionLog {
  constructor(private readonly layers: LayerMap) {}

  /** Rows with `from` ≤ LSN < `to`, ascending. */
  *rows(from: Lsn, to: Lsn): Generator<XactRow> {
    for (const i of this.layers.overlapping(from, to)) {
      if (this.layers.entries[i]!.xacts === 0) continue;
      const layer = this.layers.layer(i);
      for (let b = layer.transactionBlockAt(from); b < layer.transactionBlocks; b++) {
        for (const row of layer.transactionBlock(b)) {
          if (row.lsn >= to) return;
          if (row.lsn >= from) yield row;
        }
      }
    }
  }

  /** The same rows, newest first. */
  *rowsBackward(from: Lsn, to: Lsn): Generator<XactRow> {
    for (const i of [...this.layers.overlapping(from, to)].reverse()) {
      if (this.layers.entries[i]!.xacts === 0) continue;
      const layer = this.layers.layer(i);
      for (let b = Math.min(layer.transactionBlockAt(to), layer.transactionBlocks - 1); b >= 0; b--) {
        for (const row of layer.transactionBlock(b).reverse()) {
          if (row.lsn >= to) continue;
          if (row.lsn < from) return;
          yield row;
        }
      }
    }
  }

  /** The time of the last transaction's end in [from, to), microseconds since 2000; undefined where there is none. */
  lastEndTime(from: Lsn, to: Lsn): number | undefined {
    for (const i of [...this.layers.overlapping(from, to)].reverse()) {
      if (this.layers.entries[i]!.xacts === 0) continue;
      const layer = this.layers.layer(i);
      for (let b = Math.min(layer.transactionBlockAt(to), layer.transactionBlocks - 1); b >= 0; b--) {
        const time = layer.lastEndTime(b, from, to);
        if (time !== undefined) return time;
      }
    }
    return undefined;
  }

  /**
   * recoveryStopsBefore() for recovery_target_time: the first commit or abort (prepared ones too) in [from, to) whose time is later
   * than `time` (microseconds since 2000). Recovery stops just before it. Undefined where there is none.
   */
  firstEndAfter(time: number, from: Lsn, to: Lsn): XactRow | undefined {
    for (const i of this.layers.overlapping(from, to)) {
      const entry = this.layers.entries[i]!;
      if (entry.maxTime === null || entry.maxTime <= time) continue;
      const layer = this.layers.layer(i);
      for (let b = layer.transactionBlockAt(from); b < layer.transactionBlocks; b++) {
        for (const row of layer.transactionBlock(b)) {
          if (row.lsn >= to) return undefined;
          if (row.lsn >= from && row.time > time && endsTransaction(row)) return row;
        }
      }
    }
    return undefined;
  }

  /** The row that ends transaction `xid` (or the one that has it as a subtransaction), newest first. */
  findEnd(xid: number, from: Lsn, to: Lsn): XactRow | undefined {
    for (const row of this.rowsBackward(from, to)) {
      if (endsTransaction(row) && (row.xid === xid || row.subxids.includes(xid))) return row;
    }
    return undefined;
  }

  /** The newest restore point of that name. */
  findRestorePoint(name: string, from: Lsn, to: Lsn): XactRow | undefined {
    for (const row of this.rowsBackward(from, to)) if (row.kind === XactKind.restorePoint && row.name === name) return row;
    return undefined;
  }
}
