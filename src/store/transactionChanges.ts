/** What transactions changed and said, from the layers alone: no WAL is read. */
import type { XactRow } from '../layerfile/deltaLayer.js';
import type { LayerChanges } from '../layerfile/layerChanges.js';
import type { RelFileLocator } from '../pg/relFileLocator.js';
import type { RelationChange } from '../pg/walScanChanges.js';
import { countWhile } from '../util/countWhile.js';
import type { Lsn } from '../util/lsn.js';
import type { LayerMap } from './layerMap.js';
import { endsTransaction, isCommit, type TransactionLog } from './transactionLog.js';

/** TransactionIdPrecedes(): modulo 2^32. */
export function xidPrecedes(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

interface Stripe {
  startLsn: Lsn;
  changes: LayerChanges;
}

export interface CommittedTransactions {
  /** A position before which no transaction wrote that ended in the stretch, aborted ones included. */
  openSince: Lsn;
  has: (xid: number) => boolean;
  /** Rows of a relation file that they changed. */
  changes: (relation: RelFileLocator) => RelationChange | undefined;
}

export class TransactionChanges {
  /** `runStarts`: of every run of WAL; transactions do not reach over a gap. */
  constructor(private readonly layers: LayerMap, private readonly runStarts: readonly Lsn[]) {}

  /** Rows by relation file that a transaction and its committed subtransactions changed. */
  of(row: XactRow): RelationChange[] {
    const sums = new Map<string, RelationChange>();
    let own = true;
    for (const { changes } of this.stripesBackward(this.firstPossibleLsn(row), (row.lsn + 1) as Lsn)) {
      if (own) addShape(sums, changes, row.changes, 1);
      else for (const xid of [row.xid, ...row.subxids]) addShape(sums, changes, openChanges(changes, xid), 1);
      own = false;
    }
    return [...sums.values()].filter((sum) => sum.inserted !== 0 || sum.updated !== 0 || sum.deleted !== 0);
  }

  /** The transactions that committed in [from, to), from one pass over the log. */
  committedIn(log: TransactionLog, from: Lsn, to: Lsn): CommittedTransactions {
    const stripes = [...this.stripesBackward(from, to)].reverse().map((stripe) => ({ ...stripe, times: new Float64Array(stripe.changes.shapes.length + 1) }));
    const xids: number[] = [];
    let oldest: number | undefined;
    let at = 0;
    for (const row of log.rows(from, to)) {
      if (!endsTransaction(row) || row.xid === 0) continue;
      if (oldest === undefined || xidPrecedes(row.xid, oldest)) oldest = row.xid;
      for (const xid of row.subxids) if (xidPrecedes(xid, oldest)) oldest = xid;
      if (!isCommit(row)) continue;
      xids.push(row.xid);
      for (const xid of row.subxids) xids.push(xid);
      while (at + 1 < stripes.length && stripes[at + 1]!.startLsn <= row.lsn) at++;
      stripes[at]!.times[row.changes]!++;
    }
    const openSince = oldest === undefined ? from : this.firstPossibleLsn({ xid: oldest, lsn: from });
    const has = xidSet(xids);
    let sums: Map<string, RelationChange> | undefined;
    const changes = (): Map<string, RelationChange> => {
      const found = new Map<string, RelationChange>();
      for (const { changes: stripe, times } of stripes) times.forEach((count, shape) => count > 0 && addShape(found, stripe, shape, count));
      // what they had changed in stripes at whose end they were open
      for (const { changes: stripe } of this.stripesBackward(openSince, to)) for (const { xid, changes: shape } of stripe.open) if (has(xid)) addShape(found, stripe, shape, 1);
      return found;
    };
    return { openSince, has, changes: (relation) => (sums ??= changes()).get(locatorKey(relation)) };
  }

  /**
   * The ends of transactions in [from, to) that changed something of interest in a stripe, newest first: what is of no interest is decided
   * once for all transactions that changed the same.
   */
  *rowsBackward(log: TransactionLog, from: Lsn, to: Lsn, ofInterest: (changes: RelationChange[]) => boolean): Generator<XactRow> {
    let end = to;
    const stripes = [...this.stripesBackward(from, to)];
    // what a transaction changed in stripes before the one in which it ended
    const open = new Set<number>();
    for (const { changes } of stripes) for (const { xid, changes: number } of changes.open) if (ofInterest(changes.shapes[number - 1]!)) open.add(xid);
    for (const { startLsn, changes } of stripes) {
      const interesting = changes.shapes.map(ofInterest);
      for (const row of log.rowsBackward(Math.max(from, startLsn) as Lsn, end)) {
        if (!endsTransaction(row)) continue;
        if ((row.changes !== 0 && interesting[row.changes - 1]) || (open.size > 0 && [row.xid, ...row.subxids].some((xid) => open.has(xid)))) yield row;
      }
      end = startLsn;
    }
  }

  /** Where the messages of a transaction are, in LSN order. */
  messagesOf(row: XactRow): Lsn[] {
    const found: Lsn[] = [];
    for (const { changes } of this.stripesBackward(this.firstPossibleLsn(row), (row.lsn + 1) as Lsn)) {
      for (const { lsn, xid } of changes.messages) if (xid !== 0 && lsn < row.lsn && (xid === row.xid || row.subxids.includes(xid))) found.push(lsn);
    }
    return found.sort((a, b) => a - b);
  }

  /** Where messages of no transaction are in [from, to), newest first. */
  *looseMessages(from: Lsn, to: Lsn): Generator<Lsn> {
    for (const { changes } of this.stripesBackward(from, to)) {
      for (const { lsn, xid } of [...changes.messages].reverse()) if (xid === 0 && lsn >= from && lsn < to) yield lsn;
    }
  }

  /**
   * A position before which a transaction wrote nothing. A RUNNING_XACTS record whose next xid was not above its own bounds the search
   * (xids are handed out in order, and none while that record is written); within, the notes of the newest xids tell.
   */
  firstPossibleLsn(row: Pick<XactRow, 'xid' | 'lsn'>): Lsn {
    const bound = this.startedAfter(row.xid, row.lsn);
    let first = row.lsn;
    for (const { startLsn, changes } of this.stripesBackward(bound, (row.lsn + 1) as Lsn)) {
      const notes = changes.newestXids;
      const newest = notes.at(-1);
      if (!newest || xidPrecedes(newest.xid, row.xid)) continue;
      const before = notes.findLast((note) => xidPrecedes(note.xid, row.xid));
      first = Math.min(first, before?.lsn ?? startLsn) as Lsn;
    }
    return Math.max(bound, first) as Lsn;
  }

  /** By RUNNING_XACTS alone, or the run's start. */
  private startedAfter(xid: number, lsn: Lsn): Lsn {
    const runStart = this.runStarts.findLast((start) => start <= lsn) ?? (0 as Lsn);
    for (const i of [...this.layers.overlapping(runStart, lsn)].reverse()) {
      const { lsns, nextXids } = this.layers.runningXacts(i);
      for (let n = countWhile(lsns.length, (k) => lsns[k]! < lsn) - 1; n >= 0 && lsns[n]! >= runStart; n--) if (!xidPrecedes(xid, nextXids[n]!)) return lsns[n]! as Lsn;
    }
    return runStart;
  }

  /** The stripes that overlap [from, to), newest first. */
  private *stripesBackward(from: Lsn, to: Lsn): Generator<Stripe> {
    for (const i of [...this.layers.overlapping(from, to)].reverse()) {
      const { changes } = this.layers.layer(i);
      const starts = changes.stripes;
      for (let s = starts.length - 1; s >= 0; s--) {
        if (starts[s]! >= to) continue;
        yield { startLsn: starts[s]!, changes: changes.at(starts[s]!) };
        if (starts[s]! <= from) break;
      }
    }
  }
}

/** A relation file as a key. */
export function locatorKey({ spcOid, dbOid, relNumber }: RelFileLocator): string {
  return `${spcOid} ${dbOid} ${relNumber}`;
}

/** Adds what a number of a stripe's changes stands for, so many times. */
function addShape(sums: Map<string, RelationChange>, changes: LayerChanges, number: number, times: number): void {
  if (number === 0) return;
  for (const { relation, inserted, updated, deleted } of changes.shapes[number - 1]!) {
    const key = locatorKey(relation);
    let sum = sums.get(key);
    if (!sum) sums.set(key, (sum = { relation, inserted: 0, updated: 0, deleted: 0 }));
    sum.inserted += inserted * times;
    sum.updated += updated * times;
    sum.deleted += deleted * times;
  }
}

function openChanges({ open }: LayerChanges, xid: number): number {
  const found = open[countWhile(open.length, (i) => open[i]!.xid < xid)];
  return found?.xid === xid ? found.changes : 0;
}

/** Whether an xid is one of these, which lie near each other: one bit each. */
function xidSet(xids: readonly number[]): (xid: number) => boolean {
  let first = xids[0] ?? 0, last = first;
  for (const xid of xids) {
    if (xidPrecedes(xid, first)) first = xid;
    if (xidPrecedes(last, xid)) last = xid;
  }
  const bits = new Uint8Array((((last - first) >>> 0) >>> 3) + 1);
  for (const xid of xids) bits[((xid - first) >>> 0) >>> 3]! |= 1 << ((xid - first) & 7);
  return (xid) => xid !== 0 && xids.length > 0 && ((bits[((xid - first) >>> 0) >>> 3] ?? 0) & (1 << ((xid - first) & 7))) !== 0;
}
