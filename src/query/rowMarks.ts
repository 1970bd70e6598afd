/** What one transaction did to the rows of a table: told from the versions themselves and, where they do not tell, from its records. */
import { PG_CLASS } from '../catalog/catalogOids.js';
import type { Relation } from '../catalog/relation.js';
import type { RowView } from '../catalog/table.js';
import type { XactRow } from '../layerfile/deltaLayer.js';
import { HEAP_UPDATED, HEAP_XMAX_INVALID, HEAP_XMAX_IS_MULTI, heapXmaxIsLockedOnly, MOVED_PARTITIONS_BLOCK_NUMBER } from '../pg/heapTuple.js';
import { ForkNumber, sameRelation, type RelFork } from '../pg/relFileLocator.js';
import type { Change } from './diff.js';
import { heapChanges, type TuplePlace } from './heapChanges.js';
import { databaseByOid } from './databaseAt.js';
import type { DatabaseAt } from './session.js';

/** Where a version that the transaction made came from: an insertion, or the version at a place. */
type Origin = 'inserted' | TuplePlace;

/** Marks the rows of one relation as of a moment just before or just after a transaction's end. */
export class RowMarks {
  private readonly xids: ReadonlySet<number>;
  private readonly file: RelFork;
  private readonly hasInserted: boolean;
  private readonly origins = new Map<number, Map<number, Origin>>();
  private blocks: Uint8Array | undefined;
  /** The transaction takes all rows away without touching them: it drops or truncates the table. */
  private readonly takesAll: boolean;

  constructor(private readonly database: DatabaseAt, private readonly relation: Relation, private readonly row: XactRow, private readonly side: 'before' | 'after') {
    this.xids = new Set([row.xid, ...row.subxids]);
    this.file = { ...relation.locator, fork: ForkNumber.main };
    const changed = this.store.changes.of(row), definitions = database.catalog.relations.get(PG_CLASS)!;
    this.hasInserted = changed.some((change) => sameRelation(change.relation, relation.locator) && change.inserted > 0);
    this.takesAll = side === 'before' && changed.some((change) => sameRelation(change.relation, definitions.locator)) && this.isEmptied();
  }

  private get store() { return this.database.session.store; }

  private isEmptied(): boolean {
    const { session, database } = this.database;
    const after = databaseByOid(session, database.oid, this.row.endLsn, null);
    const relation = after?.catalog.relations.get(this.relation.oid);
    return !relation || (!sameRelation(relation.locator, this.relation.locator) && after!.blocks(relation) === 0);
  }

  /** What it did, or is about to do, to a row that is there. */
  of(row: RowView): Change | undefined {
    if (this.side === 'after') return this.madeBy(row);
    return this.takesAll ? 'removed' : this.endedBy(row);
  }

  /** True for a version that it ended and nothing took the place of. */
  hasRemoved(row: RowView): boolean {
    return this.side === 'after' && this.endedBy(row) === 'removed';
  }

  /** Whether a page of [from, to) may hold a row that it marks. */
  mayMark(from: number, to: number): boolean {
    if (this.takesAll) return true;
    if (!this.blocks) {
      const blocks = this.blocks = new Uint8Array(this.database.blocks(this.relation) ?? 0);
      this.store.pages.changes(this.file, 0, blocks.length, this.store.changes.firstPossibleLsn(this.row), this.row.lsn, (block) => (blocks[block] = 1));
    }
    return this.blocks.subarray(from, to).includes(1);
  }

  /** `changed` for the newer version of an update, but `added` where the transaction had inserted the row itself. */
  private madeBy(row: RowView): Change | undefined {
    if (!this.xids.has(row.xmin)) return undefined;
    return (row.infomask & HEAP_UPDATED) !== 0 && !this.isOwn(row) ? 'changed' : 'added';
  }

  /** Whether the chain of versions that leads to the place begins with one that the transaction inserted. */
  private isOwn(place: TuplePlace): boolean {
    if (!this.hasInserted) return false;
    let origin: Origin | undefined = place;
    while (origin !== undefined && origin !== 'inserted') origin = this.originsOn(origin.block).get(origin.offnum);
    return origin === 'inserted';
  }

  /** Where the versions of a page that the transaction made came from, by line pointer. */
  private originsOn(block: number): Map<number, Origin> {
    let found = this.origins.get(block);
    if (found) return found;
    this.origins.set(block, (found = new Map<number, Origin>()));
    const lsns: number[] = [];
    this.store.pages.changes(this.file, block, block + 1, this.store.changes.firstPossibleLsn(this.row), this.row.lsn, (_, lsn) => lsns.push(lsn));
    for (const lsn of lsns.sort((a, b) => a - b)) {
      const record = this.store.wal.readRecord(lsn as XactRow['lsn']);
      if (!this.xids.has(record.xid)) continue;
      heapChanges(record, ({ before, after }) => {
        if (after?.block === block) found.set(after.offnum, before ?? 'inserted');
      });
    }
    return found;
  }

  /** `changed` where a newer version replaced it, `removed` where none did; undefined: the transaction did not end it, or had made it itself. */
  private endedBy(row: RowView): Change | undefined {
    const { infomask } = row;
    if (this.xids.has(row.xmin) || (infomask & HEAP_XMAX_INVALID) !== 0 || heapXmaxIsLockedOnly(infomask)) return undefined;
    const xid = (infomask & HEAP_XMAX_IS_MULTI) !== 0 ? this.database.snapshot.multixactUpdater(row.xmax) : row.xmax;
    if (!this.xids.has(xid)) return undefined;
    // a deletion leaves t_ctid pointing to the tuple itself; a row that moved to another partition is gone from this one
    const { block, offnum } = row.next;
    return (block === row.block && offnum === row.offnum) || block === MOVED_PARTITIONS_BLOCK_NUMBER ? 'removed' : 'changed';
  }
}
