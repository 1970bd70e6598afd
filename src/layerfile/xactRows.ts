/** Rows of the transaction log: section 4 of a delta layer (docs/layer-format.md). */
import { clogPageOf } from '../pg/clogPage.js';
import type { Lsn } from '../util/lsn.js';
import { ByteReader, ByteWriter } from '../util/varint.js';

const BLOCK_BYTES = 8192;

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
  /** What it and its subtransactions changed in its stripe: a number of the stripe's changes (layerChanges.ts); 0: nothing. */
  changes: number;
}

/** Commit or abort, of a prepared transaction too: the records that recovery_target_time looks at. */
export function endsTransaction(row: XactRow): boolean {
  return row.kind <= XactKind.abortPrepared;
}

export function isCommit(row: XactRow): boolean {
  return row.kind === XactKind.commit || row.kind === XactKind.commitPrepared;
}

/** A block of rows; its fence: LSN / 8 of the first, first and last CLOG page that the rows touch (1 and 0: none). */
export interface XactBlock {
  payload: Uint8Array;
  fence: readonly [number, number, number];
  /** Of the payload, where it is known. */
  crc?: number;
}

/** What a row's numbers are relative to: the row before it in its block. */
interface RowContext {
  lsn: number;
  time: number;
  xid: number;
  dbOid: number;
  length: number;
  changes: number;
}
const FIRST_ROW: RowContext = { lsn: 0, time: 0, xid: 0, dbOid: 0, length: 0, changes: 0 };

/** Bits of a row's head, above its kind: what is as in the row before it, or absent, takes no bytes. */
const ROW_KIND_MASK = 0x07;
const ROW_SAME_DATABASE = 0x08;
const ROW_SAME_LENGTH = 0x10;
const ROW_HAS_SUBXIDS = 0x20;
const ROW_HAS_NAME = 0x40;
const ROW_SAME_CHANGES = 0x80;
/** The head of nearly all rows, which is left out: a commit in the same database, its record as long as the last, the same changed. */
const USUAL_HEAD = ROW_SAME_DATABASE | ROW_SAME_LENGTH | ROW_SAME_CHANGES;
/** Steps from one xid to the next that share the time's number, of rows with the usual head that are no earlier than the last; this stands for any other. */
const OTHER_STEP = 15;
const OTHER_HAS_HEAD = 1;
const OTHER_IS_EARLIER = 2;
/** Its time has a number of its own: further away than a number that is exact could hold sixteenfold. */
const OTHER_IS_FAR = 4;
const FAR = 2 ** 48;

/** Writes rows, which must come in LSN order, as blocks. */
export function* writeXactRows(rows: Iterable<XactRow>): Generator<XactBlock> {
  const out = new ByteWriter(BLOCK_BYTES * 2);
  let before = FIRST_ROW;
  let lsn = 0;
  let firstPage = 1;
  let lastPage = 0;
  const block = (): XactBlock => ({ payload: out.take(), fence: [lsn / 8, firstPage, lastPage] });
  for (const row of rows) {
    if (out.length === 0) {
      before = { ...FIRST_ROW, lsn: row.lsn };
      lsn = row.lsn;
      firstPage = 1;
      lastPage = 0;
    }
    writeRow(out, row, before);
    before = { lsn: row.lsn, time: row.time, xid: row.xid, dbOid: row.dbOid, length: row.endLsn - row.lsn, changes: row.changes };
    if (endsTransaction(row)) {
      for (const xid of [row.xid, ...row.subxids]) {
        const page = clogPageOf(xid);
        if (xid === 0) continue;
        if (firstPage > lastPage) firstPage = lastPage = page;
        firstPage = Math.min(firstPage, page);
        lastPage = Math.max(lastPage, page);
      }
    }
    if (out.length >= BLOCK_BYTES) yield block();
  }
  if (out.length > 0) yield block();
}

function writeRow(out: ByteWriter, row: XactRow, before: RowContext): void {
  const length = row.endLsn - row.lsn;
  const head = kindAndTail(row) | (row.dbOid === before.dbOid ? ROW_SAME_DATABASE : 0) | (length === before.length ? ROW_SAME_LENGTH : 0) | (row.changes === before.changes ? ROW_SAME_CHANGES : 0);
  if (out.length === 0) {
    out.byte(head);
    out.signed(row.time);
    out.varint(row.xid);
  } else {
    const step = zigzag(row.xid - before.xid - 1);
    const later = row.time - before.time;
    const distance = Math.abs(later);
    const isFar = distance >= FAR;
    const other = (head === USUAL_HEAD ? 0 : OTHER_HAS_HEAD) | (later < 0 ? OTHER_IS_EARLIER : 0) | (isFar ? OTHER_IS_FAR : 0);
    const isShort = other === 0 && step < OTHER_STEP;
    out.varint((row.lsn - before.lsn) / 8);
    out.varint((isFar ? 0 : distance * 16) + (isShort ? step : OTHER_STEP));
    if (!isShort) out.varint(step * 8 + other);
    if (isFar) out.varint(distance);
    if (head !== USUAL_HEAD) out.byte(head);
  }
  if ((head & ROW_SAME_DATABASE) === 0) out.varint(row.dbOid);
  if ((head & ROW_SAME_LENGTH) === 0) out.varint(length);
  if ((head & ROW_SAME_CHANGES) === 0) out.varint(row.changes);
  writeTail(out, row);
}

/** The bits of a row's head that do not depend on the row before it. */
export function kindAndTail(row: XactRow): number {
  return row.kind | (row.subxids.length > 0 ? ROW_HAS_SUBXIDS : 0) | (row.name !== '' ? ROW_HAS_NAME : 0);
}

/** What a row ends with, where it has any of it: subtransactions and name. */
export function writeTail(out: ByteWriter, row: XactRow): void {
  if (row.subxids.length > 0) {
    out.varint(row.subxids.length);
    for (const xid of row.subxids) out.signed(xid - row.xid);
  }
  if (row.name !== '') out.string(row.name);
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** The rows of a block whose fence has `firstLsn`. */
export function readXactRows(payload: Uint8Array, firstLsn: number): XactRow[] {
  const rows: XactRow[] = [];
  const row = new RowReader(payload, firstLsn);
  while (row.next()) {
    const { lsn, length, kind, time, xid, dbOid, subxids, name, changes } = row;
    rows.push({ lsn: lsn as Lsn, endLsn: (lsn + length) as Lsn, kind, time, xid, dbOid, subxids: [...subxids], name, changes });
  }
  return rows;
}

/** Calls `visit` for each transaction and subtransaction that a row of the block commits or aborts. */
export function eachEndedXid(payload: Uint8Array, firstLsn: number, visit: (xid: number, lsn: number, committed: boolean) => void): void {
  const row = new RowReader(payload, firstLsn);
  while (row.next()) {
    const { kind, xid, lsn, subxids } = row;
    if (kind > XactKind.abortPrepared) continue;
    const committed = kind === XactKind.commit || kind === XactKind.commitPrepared;
    if (xid !== 0) visit(xid, lsn, committed);
    if (subxids !== NO_SUBXIDS) for (const sub of subxids) visit(sub, lsn, committed);
  }
}

/** The time of the last row in [from, upTo) that ends a transaction; undefined where the block has none. */
export function lastEndTime(payload: Uint8Array, firstLsn: number, from: number, upTo: number): number | undefined {
  let time: number | undefined;
  const row = new RowReader(payload, firstLsn);
  while (row.next() && row.lsn < upTo) if (row.lsn >= from && row.kind <= XactKind.abortPrepared) ({ time } = row);
  return time;
}

const NO_SUBXIDS: readonly number[] = [];

/** Reads the rows of a block one after the other. */
class RowReader implements RowContext {
  lsn: number;
  length = 0;
  time = 0;
  xid = 0;
  dbOid = 0;
  changes = 0;
  kind: XactKind = XactKind.commit;
  subxids = NO_SUBXIDS;
  name = '';
  private readonly reader: ByteReader;
  private isFirst = true;

  constructor(payload: Uint8Array, firstLsn: number) {
    this.reader = new ByteReader(payload);
    this.lsn = firstLsn;
  }

  /** Goes to the next row; false behind the last. */
  next(): boolean {
    const { reader } = this;
    if (reader.done) return false;
    let head = USUAL_HEAD;
    if (this.isFirst) {
      this.isFirst = false;
      head = reader.byte();
      this.time = reader.signed();
      this.xid = reader.varint();
    } else {
      this.lsn += reader.varint() * 8;
      const both = reader.varint();
      let step = both % 16;
      let other = 0;
      if (step === OTHER_STEP) {
        const long = reader.varint();
        step = Math.floor(long / 8);
        other = long % 8;
      }
      const later = (other & OTHER_IS_FAR) === 0 ? Math.floor(both / 16) : reader.varint();
      this.time += (other & OTHER_IS_EARLIER) !== 0 ? -later : later;
      this.xid += 1 + unzigzag(step);
      if ((other & OTHER_HAS_HEAD) !== 0) head = reader.byte();
    }
    if (head === USUAL_HEAD) {
      this.kind = XactKind.commit;
      this.subxids = NO_SUBXIDS;
      this.name = '';
      return true;
    }
    this.kind = (head & ROW_KIND_MASK) as XactKind;
    if ((head & ROW_SAME_DATABASE) === 0) this.dbOid = reader.varint();
    if ((head & ROW_SAME_LENGTH) === 0) this.length = reader.varint();
    if ((head & ROW_SAME_CHANGES) === 0) this.changes = reader.varint();
    this.subxids = (head & ROW_HAS_SUBXIDS) !== 0 ? Array.from({ length: reader.varint() }, () => this.xid + reader.signed()) : NO_SUBXIDS;
    this.name = (head & ROW_HAS_NAME) !== 0 ? reader.string() : '';
    return true;
  }
}
