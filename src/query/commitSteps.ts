/** From commit to commit: the neighbours of a moment among all transactions, or among those that touched one table. */
import { Catalog } from '../catalog/catalog.js';
import { PG_CLASS } from '../catalog/catalogOids.js';
import type { Relation } from '../catalog/relation.js';
import { ForkNumber, formatRelFork, sameRelation, type RelFork } from '../pg/relFileLocator.js';
import type { XactRow } from '../layerfile/deltaLayer.js';
import type { CaseStore, Coverage } from '../store/caseStore.js';
import { isCommit } from '../store/transactionLog.js';
import { countWhile } from '../util/countWhile.js';
import type { Lsn } from '../util/lsn.js';
import type { DatabaseAt } from './session.js';

/** A table whose commits are wanted: by OID, as of the moment of `database`. */
export interface SteppedTable {
  database: DatabaseAt;
  oid: number;
}

export class CommitSteps {
  private readonly writers = new Map<string, FileWriters>();

  constructor(private readonly store: CaseStore) {}

  /** The newest commit that happened before the position: just before it is the record's `lsn`. Undefined: none in the coverage. */
  previous(lsn: Lsn, table?: SteppedTable): XactRow | undefined {
    const range = this.rangeOf(lsn);
    if (!range) return undefined;
    const touches = table && this.touching(range, table);
    for (const row of this.store.transactions.rowsBackward(range.firstLsn, lsn)) {
      if (isCommit(row) && (!touches || touches(row))) return row;
    }
    return undefined;
  }

  /** The first commit at or after the position: just after it is the record's `endLsn`. */
  next(lsn: Lsn, table?: SteppedTable): XactRow | undefined {
    const range = this.rangeOf(lsn);
    if (!range) return undefined;
    const touches = table && this.touching(range, table);
    for (const row of this.store.transactions.rows(lsn, range.lastLsn)) {
      if (isCommit(row) && (!touches || touches(row))) return row;
    }
    return undefined;
  }

  private rangeOf(lsn: Lsn): Coverage | undefined {
    return this.store.coverage.find((range) => lsn >= range.firstLsn && lsn <= range.lastLsn);
  }

  /** True for commits that wrote to the table's file, or gave its pg_class row another name, file or width, or made or dropped it. */
  private touching(range: Coverage, { database, oid }: SteppedTable): (row: XactRow) => boolean {
    const { relations } = database.catalog;
    const relation = relations.get(oid);
    const rows = relation && relation.locator.relNumber !== 0 ? this.writersOf(range, relation) : undefined;
    const definitions = this.writersOf(range, relations.get(PG_CLASS)!);
    const relationAt = (lsn: Lsn): Relation | undefined => {
      const snapshot = this.store.snapshot(lsn);
      return snapshot.relMap(database.database.spcOid, database.database.oid) === null ? undefined : new Catalog(snapshot, database.database).relations.get(oid);
    };
    return (row) => rows?.hasWritten(row) === true
      || (row.dbOid === database.database.oid && definitions.hasWritten(row) && !sameDefinition(relationAt(row.lsn), relationAt(row.endLsn)));
  }

  private writersOf(range: Coverage, relation: Relation): FileWriters {
    const file: RelFork = { ...relation.locator, fork: ForkNumber.main };
    const name = `${range.run.startLsn} ${formatRelFork(file)}`;
    let writers = this.writers.get(name);
    if (!writers) {
      if (this.writers.size >= 16) this.writers.delete(this.writers.keys().next().value!);
      this.writers.set(name, (writers = new FileWriters(this.store, range, file)));
    }
    return writers;
  }
}

function sameDefinition(a: Relation | undefined, b: Relation | undefined): boolean {
  if (!a || !b) return a === b;
  return a.name === b.name && a.natts === b.natts && a.namespaceOid === b.namespaceOid && sameRelation(a.locator, b.locator);
}

/** Which transactions wrote to a file. Positions come from the index; the records' xids are read around the moments that are asked for. */
class FileWriters {
  /** In order; a record of several blocks more than once. */
  private readonly lsns: Float64Array;
  private readonly xids = new Set<number>();
  /** Places in `lsns` whose xids are known: [from, to). */
  private from = 0;
  private to = 0;

  constructor(private readonly store: CaseStore, range: Coverage, file: RelFork) {
    const found: Lsn[] = [];
    store.pages.changes(file, 0, 0x1_0000_0000, range.run.startLsn, range.lastLsn, (_, lsn) => found.push(lsn));
    this.lsns = Float64Array.from(found).sort();
  }

  hasWritten(row: XactRow): boolean {
    this.read(this.placeOf(this.store.changes.firstPossibleLsn(row)), this.placeOf(row.lsn));
    return this.xids.has(row.xid) || row.subxids.some((xid) => this.xids.has(xid));
  }

  /** The first place whose position is not below `lsn`. */
  private placeOf(lsn: Lsn): number {
    return countWhile(this.lsns.length, (i) => this.lsns[i]! < lsn);
  }

  private read(from: number, to: number): void {
    if (from >= to) return;
    if (from > this.to || to < this.from) this.from = this.to = from;
    for (let i = from; i < Math.min(to, this.from); i++) this.xids.add(this.store.wal.readRecord(this.lsns[i]! as Lsn).xid);
    for (let i = Math.max(from, this.to); i < to; i++) this.xids.add(this.store.wal.readRecord(this.lsns[i]! as Lsn).xid);
    this.from = Math.min(this.from, from);
    this.to = Math.max(this.to, to);
  }
}
