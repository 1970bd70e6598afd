/**
 * Section 7 of a delta layer: how many rows its transactions changed in which relation, without reading their records again. Equal
 * changes are written once a stripe; a row of the transaction log names them by number. Merged layers keep the texts of their stripes.
 */
import type { RelFileLocator } from '../pg/relFileLocator.js';
import type { RelationChange } from '../pg/walScanChanges.js';
import type { Lsn } from '../util/lsn.js';
import { ByteReader, ByteWriter } from '../util/varint.js';
import { findBlock, type BlockFileReader, type BlockFileWriter, type Section } from './blockFile.js';

/** What the transactions of one stripe of WAL changed. */
export interface LayerChanges {
  /** Number n is at n − 1; 0 stands for no change. */
  shapes: RelationChange[][];
  /** By xid, ascending: transactions and subtransactions that did not end in this stripe, and the number of what they changed in it. */
  open: { xid: number; changes: number }[];
  /** Logical messages, in LSN order; xid 0: of no transaction. The record at the LSN holds the text. */
  messages: { lsn: Lsn; xid: number }[];
  /** Notes of the newest xid of all records of the stripe before a position, in LSN order; the last one at the stripe's end. */
  newestXids: { lsn: Lsn; xid: number }[];
}

const HAS_INSERTED = 1, HAS_UPDATED = 2, HAS_DELETED = 4;

/** A stripe's text. */
export function encodeChanges(changes: LayerChanges, startLsn: Lsn): Uint8Array {
  const { shapes, open, messages, newestXids } = changes;
  const out = new ByteWriter(8192);
  const relations = new Map<string, number>();
  const list: RelFileLocator[] = [];
  const numberOf = (relation: RelFileLocator): number => {
    const key = `${relation.spcOid} ${relation.dbOid} ${relation.relNumber}`;
    let number = relations.get(key);
    if (number === undefined) {
      relations.set(key, (number = list.length));
      list.push(relation);
    }
    return number;
  };
  const numbers = shapes.map((shape) => shape.map((count) => numberOf(count.relation)));
  out.varint(list.length);
  for (const { spcOid, dbOid, relNumber } of list) for (const n of [spcOid, dbOid, relNumber]) out.varint(n);
  out.varint(shapes.length);
  for (const [i, shape] of shapes.entries()) {
    out.varint(shape.length);
    for (const [j, { inserted, updated, deleted }] of shape.entries()) {
      out.varint(numbers[i]![j]! * 8 + (inserted !== 0 ? HAS_INSERTED : 0) + (updated !== 0 ? HAS_UPDATED : 0) + (deleted !== 0 ? HAS_DELETED : 0));
      if (inserted !== 0) out.signed(inserted);
      if (updated !== 0) out.varint(updated);
      if (deleted !== 0) out.varint(deleted);
    }
  }
  let xid = 0;
  out.varint(open.length);
  for (const one of open) {
    out.varint(one.xid - xid);
    out.varint(one.changes);
    xid = one.xid;
  }
  writePositions(out, messages, startLsn);
  writePositions(out, newestXids, startLsn);
  return out.view();
}

function writePositions(out: ByteWriter, positions: readonly { lsn: Lsn; xid: number }[], startLsn: Lsn): void {
  let lsn = startLsn as number, xid = 0;
  out.varint(positions.length);
  for (const one of positions) {
    out.varint((one.lsn - lsn) / 8);
    out.signed(one.xid - xid);
    ({ lsn, xid } = one);
  }
}

/** Reads what encodeChanges() wrote. */
function decodeChanges(bytes: Uint8Array, startLsn: Lsn): LayerChanges {
  const reader = new ByteReader(bytes);
  const relations: RelFileLocator[] = [];
  for (let n = reader.varint(); n > 0; n--) relations.push({ spcOid: reader.varint(), dbOid: reader.varint(), relNumber: reader.varint() });
  const shapes: RelationChange[][] = [];
  for (let n = reader.varint(); n > 0; n--) {
    const shape: RelationChange[] = [];
    for (let m = reader.varint(); m > 0; m--) {
      const head = reader.varint();
      shape.push({
        relation: relations[Math.floor(head / 8)]!, inserted: (head & HAS_INSERTED) !== 0 ? reader.signed() : 0,
        updated: (head & HAS_UPDATED) !== 0 ? reader.varint() : 0, deleted: (head & HAS_DELETED) !== 0 ? reader.varint() : 0,
      });
    }
    shapes.push(shape);
  }
  const open: LayerChanges['open'] = [];
  let xid = 0;
  for (let n = reader.varint(); n > 0; n--) open.push({ xid: (xid += reader.varint()), changes: reader.varint() });
  return { shapes, open, messages: readPositions(reader, startLsn), newestXids: readPositions(reader, startLsn) };
}

function readPositions(reader: ByteReader, startLsn: Lsn): { lsn: Lsn; xid: number }[] {
  const positions: { lsn: Lsn; xid: number }[] = [];
  let lsn = startLsn as number, xid = 0;
  for (let n = reader.varint(); n > 0; n--) positions.push({ lsn: (lsn += reader.varint() * 8) as Lsn, xid: (xid += reader.signed()) });
  return positions;
}

const BLOCK_BYTES = 8192;

/** Writes the section: a text for each stripe, by the stripe's start. */
export function writeChanges(file: BlockFileWriter, sectionId: number, stripes: Iterable<readonly [Lsn, Uint8Array]>): void {
  file.section(sectionId, 1);
  for (const [startLsn, text] of stripes) {
    for (let at = 0; at < text.length; at += BLOCK_BYTES) file.block(text.subarray(at, at + BLOCK_BYTES), [startLsn / 8]);
  }
}

/** Stripes whose changes are kept once they were read. */
const KEPT_STRIPES = 4;

/** Reads the section. */
export class ChangeSection {
  private readonly kept = new Map<Lsn, LayerChanges>();

  constructor(private readonly file: BlockFileReader, private readonly section: Section) {}

  /** Where stripes begin, ascending. */
  get stripes(): Lsn[] {
    return [...new Set(this.section.fences)].map((fence) => (fence * 8) as Lsn);
  }

  /** The stripe's text as it was written. */
  text(startLsn: Lsn): Uint8Array {
    const blocks: Uint8Array[] = [];
    // the last block of the fence is found: the text begins before it
    for (let i = findBlock(this.section, startLsn / 8, 0); i >= 0 && this.section.fences[i] === startLsn / 8; i--) blocks.unshift(this.file.readBlock(this.section, i));
    return blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks);
  }

  /** The changes of the stripe that holds the position. */
  at(lsn: Lsn): LayerChanges {
    const startLsn = (this.section.fences[Math.max(0, findBlock(this.section, lsn / 8, 0))]! * 8) as Lsn;
    let changes = this.kept.get(startLsn);
    if (!changes) {
      changes = decodeChanges(this.text(startLsn), startLsn);
      if (this.kept.size >= KEPT_STRIPES) this.kept.delete(this.kept.keys().next().value!);
      this.kept.set(startLsn, changes);
    }
    return changes;
  }
}
