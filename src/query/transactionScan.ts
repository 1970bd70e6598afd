/** Transactions with what they did, newest first, from the layers alone; and the reading of records where rows themselves are wanted. */
import { XactKind, type XactRow } from '../layerfile/deltaLayer.js';
import type { RelationChange } from '../pg/walScanChanges.js';
import { XLogRecord } from '../pg/xlogRecord.js';
import { readXlLogicalMessage } from '../redo/logicalmsg/xlog.js';
import type { CaseStore } from '../store/caseStore.js';
import { endsTransaction } from '../store/transactionLog.js';
import { WalscopeError } from '../util/errors.js';
import type { Finding } from '../util/finding.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import { heapChanges, type HeapChange } from './heapChanges.js';

export interface LogicalMessage {
  lsn: Lsn;
  prefix: string;
  text: string;
}

/** What happened at one place of the log. */
export type ScanEntry =
  /** A transaction's end, with the counts of its own and its committed subtransactions' changes. */
  | { kind: 'transaction'; row: XactRow; files: RelationChange[]; messages: LogicalMessage[] }
  | { kind: 'prepared'; row: XactRow }
  | { kind: 'restorePoint'; row: XactRow }
  /** A message that belongs to no transaction. */
  | { kind: 'message'; message: LogicalMessage };

const WINDOW_BYTES = 1024 * 1024;

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
      changes.push(...copiedChanges(record));
    }, finding);
    for (const change of changes) if (emit(change) === false) return;
  }
}

/** The row changes of the record at a position. One that cannot be read is reported and left out. */
export function changesAt(store: CaseStore, at: Lsn, finding: (finding: Finding) => void, emit: (change: LoggedChange) => void): void {
  let record: XLogRecord;
  try {
    record = store.wal.readRecord(at);
  } catch (error) {
    if (!(error instanceof WalscopeError)) throw error;
    finding({ code: 'wal.unread', message: `the record at ${formatLsn(at)} cannot be read: what it changed is missing`, place: { lsn: formatLsn(at) } });
    return;
  }
  for (const change of copiedChanges(record)) emit(change);
}

/** A record's row changes, to keep. */
function copiedChanges(record: XLogRecord): LoggedChange[] {
  const { lsn, xid } = record;
  const changes: LoggedChange[] = [];
  heapChanges(record, (change) => {
    const { spcOid, dbOid, relNumber } = change.ref;
    changes.push({ ...change, ref: { spcOid, dbOid, relNumber }, lsn, xid });
  });
  return changes;
}

/** The entries of [from, to), newest first; `wanted` chooses among transactions. */
export function* logEntries(store: CaseStore, from: Lsn, to: Lsn, wanted: (row: XactRow) => boolean): Generator<ScanEntry> {
  const loose = store.changes.looseMessages(from, to);
  let message = loose.next();
  function* messagesAfter(lsn: Lsn): Generator<ScanEntry> {
    for (; !message.done && message.value >= lsn; message = loose.next()) yield { kind: 'message', message: readMessage(store, message.value) };
  }
  for (const row of store.transactions.rowsBackward(from, to)) {
    yield* messagesAfter(row.lsn);
    if (row.kind === XactKind.restorePoint || row.kind === XactKind.prepare) yield { kind: row.kind === XactKind.prepare ? 'prepared' : 'restorePoint', row };
    else if (endsTransaction(row) && wanted(row)) {
      yield { kind: 'transaction', row, files: store.changes.of(row), messages: store.changes.messagesOf(row).map((lsn) => readMessage(store, lsn)) };
    }
  }
  yield* messagesAfter(from);
}

function readMessage(store: CaseStore, lsn: Lsn): LogicalMessage {
  const { prefix, message } = readXlLogicalMessage(store.wal.readRecord(lsn));
  return { lsn, prefix, text: Buffer.from(message).toString('utf8') };
}
