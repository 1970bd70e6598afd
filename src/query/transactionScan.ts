/**
 * Transactions with what their records did, newest first. The WAL is read in windows from its end backwards, each window once:
 * so the first answer comes after one window, and a whole log costs one pass.
 */
import { XactKind, type XactRow } from '../layerfile/deltaLayer.js';
import { XLogRecord } from '../pg/xlogRecord.js';
import { readXlLogicalMessage } from '../redo/logicalmsg/xlog.js';
import { RmgrId } from '../redo/rmgrlist.js';
import type { CaseStore, Coverage } from '../store/caseStore.js';
import { EventKind } from '../store/layerEvents.js';
import { endsTransaction } from '../store/transactionLog.js';
import type { Finding } from '../util/finding.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import { heapChanges, type HeapChange } from './heapChanges.js';

/** Rows of one relation file that a transaction changed. */
export interface FileCounts {
  dbOid: number;
  relNumber: number;
  inserted: number;
  updated: number;
  deleted: number;
}

export interface LogicalMessage {
  lsn: Lsn;
  prefix: string;
  text: string;
}

/** What happened at one place of the log. */
export type ScanEntry =
  /** A transaction's end, with the counts of its own and its committed subtransactions' records. */
  | { kind: 'transaction'; row: XactRow; files: FileCounts[]; messages: LogicalMessage[] }
  | { kind: 'prepared'; row: XactRow }
  | { kind: 'restorePoint'; row: XactRow }
  /** A message that belongs to no transaction. */
  | { kind: 'message'; message: LogicalMessage };

const WINDOW_BYTES = 1024 * 1024;

interface Pending {
  files: Map<number, FileCounts>;
  messages: LogicalMessage[];
}

/** TransactionIdPrecedes(): modulo 2^32. */
export function xidPrecedes(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/**
 * A position before which the transaction wrote nothing: the newest RUNNING_XACTS record whose next xid was not above its own
 * (xids are handed out in order, and none while that record is written).
 */
export function firstPossibleLsn(store: CaseStore, row: XactRow, range: Coverage): Lsn {
  const { events } = store.layers;
  for (let i = events.length - 1; i >= 0; i--) {
    const event = events[i]!;
    if (event.lsn >= row.lsn) continue;
    if (event.lsn < range.run.startLsn) break;
    if (event.kind === EventKind.runningXacts && !xidPrecedes(row.xid, event.args[0]!)) return event.lsn;
  }
  return range.run.startLsn;
}

/** Reads the records of [from, to) in order; `from` need not be a record's start. Damage goes to `finding` and is read past. */
export function readRecords(store: CaseStore, from: Lsn, to: Lsn, emit: (record: XLogRecord) => void, finding: (finding: Finding) => void): void {
  const reader = store.newReader();
  const record = new XLogRecord();
  if (reader.seek(from, record) === undefined) return;
  for (;;) {
    if (reader.next(record)) {
      if (record.lsn >= to) return;
      emit(record);
      continue;
    }
    if (reader.position >= to) return;
    const stoppedAt = reader.end?.lsn ?? reader.position;
    finding({ code: 'wal.unread', message: `the WAL cannot be read at ${formatLsn(stoppedAt)}: what was changed there is missing`, place: { lsn: formatLsn(stoppedAt) } });
    const resumed = reader.resume(record);
    if (resumed === undefined || resumed >= to) return;
  }
}

/** A row change with the record that made it. */
export interface LoggedChange extends HeapChange {
  lsn: Lsn;
  xid: number;
}

/**
 * The row changes of [from, to) in order. They are gathered a stretch of WAL at a time, so that `emit` may itself read records and pages;
 * it stops the reading by giving false.
 */
export function readChanges(
  store: CaseStore, from: Lsn, to: Lsn, wanted: (record: XLogRecord) => boolean, emit: (change: LoggedChange) => boolean | void, finding: (finding: Finding) => void,
): void {
  for (let start = from; start < to; start = (start + WINDOW_BYTES) as Lsn) {
    const changes: LoggedChange[] = [];
    readRecords(store, start, Math.min(to, start + WINDOW_BYTES) as Lsn, (record) => {
      if (!wanted(record)) return;
      const { lsn, xid } = record;
      heapChanges(record, (change) => {
        const { spcOid, dbOid, relNumber } = change.ref;
        changes.push({ ...change, ref: { spcOid, dbOid, relNumber }, lsn, xid });
      });
    }, finding);
    for (const change of changes) if (emit(change) === false) return;
  }
}

/** One pass over [from, to) of a stretch of the archive, newest first. */
export class TransactionScan {
  private readonly pending = new Map<number, Pending>();
  private floor: Lsn;
  /** Messages outside transactions that were read and not yet given, oldest first. */
  private loose: LogicalMessage[] = [];

  constructor(private readonly store: CaseStore, private readonly range: Coverage, private readonly from: Lsn, private readonly to: Lsn, private readonly finding: (finding: Finding) => void) {
    this.floor = to;
  }

  /** Entries newest first; `wanted` spares the reading for transactions that nobody asks for. */
  *entries(wanted: (row: XactRow) => boolean): Generator<ScanEntry> {
    for (const row of this.store.transactions.rowsBackward(this.from, this.to)) {
      if (row.kind === XactKind.restorePoint || row.kind === XactKind.prepare) {
        this.readDownTo(row.lsn);
        yield* this.messagesAfter(row.lsn);
        yield { kind: row.kind === XactKind.prepare ? 'prepared' : 'restorePoint', row };
      } else if (endsTransaction(row) && wanted(row)) {
        this.readDownTo(firstPossibleLsn(this.store, row, this.range));
        yield* this.messagesAfter(row.lsn);
        yield { kind: 'transaction', row, ...this.take(row) };
      }
    }
    this.readDownTo(this.from);
    yield* this.messagesAfter(this.from);
  }

  private *messagesAfter(lsn: Lsn): Generator<ScanEntry> {
    while (this.loose.length > 0 && this.loose.at(-1)!.lsn >= lsn) yield { kind: 'message', message: this.loose.pop()! };
  }

  private readDownTo(lsn: Lsn): void {
    while (this.floor > lsn) {
      const start = Math.max(this.range.run.startLsn, this.floor - WINDOW_BYTES) as Lsn;
      const loose: LogicalMessage[] = [];
      readRecords(this.store, start, this.floor, (record) => this.see(record, loose), this.finding);
      this.loose = [...loose, ...this.loose];
      this.floor = start;
    }
  }

  private see(record: XLogRecord, loose: LogicalMessage[]): void {
    if (record.rmid === RmgrId.logicalmsg) {
      const { transactional, prefix, message } = readXlLogicalMessage(record);
      const note = { lsn: record.lsn, prefix, text: Buffer.from(message).toString('utf8') };
      if (transactional && record.xid !== 0) this.of(record.xid).messages.push(note);
      else loose.push(note);
      return;
    }
    if (record.xid === 0) return;
    heapChanges(record, ({ operation, ref, isSuperDelete }) => {
      const { files } = this.of(record.xid);
      const key = ref.dbOid * 0x1_0000_0000 + ref.relNumber;
      let counts = files.get(key);
      if (!counts) files.set(key, (counts = { dbOid: ref.dbOid, relNumber: ref.relNumber, inserted: 0, updated: 0, deleted: 0 }));
      if (isSuperDelete) counts.inserted--;
      else if (operation === 'insert') counts.inserted++;
      else if (operation === 'update') counts.updated++;
      else counts.deleted++;
    });
  }

  private of(xid: number): Pending {
    let pending = this.pending.get(xid);
    if (!pending) this.pending.set(xid, (pending = { files: new Map(), messages: [] }));
    return pending;
  }

  /** Joins a transaction with its subtransactions and forgets them. */
  private take(row: XactRow): { files: FileCounts[]; messages: LogicalMessage[] } {
    const files = new Map<number, FileCounts>();
    const messages: LogicalMessage[] = [];
    for (const xid of [row.xid, ...row.subxids]) {
      const pending = this.pending.get(xid);
      if (!pending) continue;
      this.pending.delete(xid);
      messages.push(...pending.messages);
      for (const [key, counts] of pending.files) {
        const sum = files.get(key);
        if (!sum) files.set(key, counts);
        else {
          sum.inserted += counts.inserted;
          sum.updated += counts.updated;
          sum.deleted += counts.deleted;
        }
      }
    }
    messages.sort((a, b) => a.lsn - b.lsn);
    return { files: [...files.values()], messages };
  }
}
