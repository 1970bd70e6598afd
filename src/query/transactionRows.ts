/** The row changes of one transaction, read from its records: what is its own work, without the rows that a rewrite copies. */
import { pgClassLayout } from '../catalog/bootstrap.js';
import { PG_CLASS } from '../catalog/catalogOids.js';
import { CatalogLayout, CatalogRow } from '../catalog/catalogRow.js';
import { hasHeapStorage, type Relation } from '../catalog/relation.js';
import type { XactRow } from '../layerfile/deltaLayer.js';
import { ForkNumber, type RelFileLocator } from '../pg/relFileLocator.js';
import type { Finding } from '../util/finding.js';
import type { Lsn } from '../util/lsn.js';
import { fileNames } from './fileNames.js';
import type { HeapChange, RowOperation } from './heapChanges.js';
import { RowImages, tableShape, type RowValues, type TableShape } from './rowImages.js';
import { isSystemSchema, type DatabaseAt, type Findings, type Session } from './session.js';
import { readChanges, type LoggedChange } from './transactionScan.js';

export interface ShownChange {
  table: TableShape;
  operation: RowOperation;
  /** Values in the order of the table's columns. */
  before: RowValues | null;
  after: RowValues | null;
  lsn: Lsn;
}

/** The database in which a transaction changed something; 0: none. */
export function databaseOf({ store }: Session, row: XactRow): number {
  return row.dbOid !== 0 ? row.dbOid : (store.changes.of(row).find(({ relation }) => relation.dbOid !== 0)?.relation.dbOid ?? 0);
}

/** The database just before and just after a transaction. */
export interface TransactionSides {
  before: DatabaseAt | undefined;
  after: DatabaseAt | undefined;
}

export interface TransactionVisitor {
  /** A row of a system catalog changed. */
  catalog?(name: string): void;
  /** A table was unlogged for a while: what became of its rows meanwhile is in no WAL. */
  unlogged?(table: Relation): void;
  /** A row of a table changed; false ends the reading. */
  change(change: LoggedChange, file: TransactionTable): boolean | void;
}

/** What TransactionVisitor.unlogged() is to be told as. */
export function unloggedMeanwhile({ name }: Relation, { xid }: XactRow): Finding {
  return { code: 'table.unlogged', message: `${name} was unlogged for a while within transaction ${xid}: what became of its rows meanwhile is in no WAL` };
}

/** Reads a transaction's own row changes, in order. */
export function visitRows(session: Session, row: XactRow, sides: TransactionSides, findings: Findings, visitor: TransactionVisitor): void {
  const files = new TransactionFiles(session, sides.before, sides.after, findings);
  const xids = new Set([row.xid, ...row.subxids]);
  readChanges(session.store, session.store.changes.firstPossibleLsn(row), row.lsn, (record) => xids.has(record.xid), (change) => {
    const file = change.isSuperDelete || files.copying.has(change.ref.relNumber) ? undefined : files.of(change.ref);
    if (!file) return true;
    if (file.kind === 'catalog') {
      visitor.catalog?.(file.name);
      if (file.isPgClass) files.seePgClass(change, row.lsn, (table) => visitor.unlogged?.(table));
      return true;
    }
    return visitor.change(change, file) !== false;
  }, findings.add);
}

/** Rows by table that the transaction itself inserted, updated and deleted, from its records. */
export function countRows(session: Session, row: XactRow, sides: TransactionSides, findings: Findings): Map<number, { inserted: number; updated: number; deleted: number }> {
  const counts = new Map<number, { inserted: number; updated: number; deleted: number }>();
  visitRows(session, row, sides, findings, {
    change({ operation }, { shape: { oid } }) {
      const sum = counts.get(oid) ?? { inserted: 0, updated: 0, deleted: 0 };
      sum[COUNTED[operation]]++;
      counts.set(oid, sum);
    },
  });
  return counts;
}
const COUNTED = { insert: 'inserted', update: 'updated', delete: 'deleted' } as const;

/** A change with its values; undefined (with a finding) where a version cannot be read, or was taken back. */
export function readChange(file: Pick<TransactionTable, 'shape' | 'oldImages' | 'newImages'>, change: LoggedChange, end: Lsn): ShownChange | undefined {
  // until the transaction ends, nobody may remove a version that it wrote or ended: all are on the pages just before its end
  const before = change.before && file.oldImages.read(change.before, end);
  const after = change.after && file.newImages.read(change.after, end);
  if ((change.before && !before) || (change.after && !after)) return undefined;
  return { table: file.shape, operation: change.operation, before: before ?? null, after: after ?? null, lsn: change.lsn };
}

/** A file of a user table that the transaction wrote to. */
export interface TransactionTable {
  kind: 'table';
  shape: TableShape;
  /** The file was replaced by the end of the transaction. */
  isOld: boolean;
  oldImages: RowImages;
  newImages: RowImages;
}

type TransactionFile = TransactionTable | { kind: 'catalog'; name: string; isPgClass: boolean };

/** The relation files that the transaction wrote to. */
class TransactionFiles {
  private readonly files = new Map<number, TransactionFile | undefined>();
  /** Files into which a rewrite is copying rows at this place of the WAL: its insertions change no row. */
  readonly copying = new Set<number>();
  /** Tables by files that they had only within the transaction. */
  private readonly interim = new Map<number, number>();
  private readonly pgClassRow: CatalogRow | undefined;

  constructor(private readonly session: Session, private readonly before: DatabaseAt | undefined, private readonly after: DatabaseAt | undefined, private readonly findings: Findings) {
    const any = before ?? after;
    this.pgClassRow = any && new CatalogRow(new CatalogLayout(pgClassLayout(session.store.major)), any.catalog);
  }

  of(locator: RelFileLocator): TransactionFile | undefined {
    const { relNumber } = locator;
    if (!this.files.has(relNumber)) this.files.set(relNumber, this.open(locator));
    return this.files.get(relNumber);
  }

  private open({ relNumber }: RelFileLocator): TransactionFile | undefined {
    const was = this.before && fileNames(this.before).get(relNumber)?.relation;
    const is = this.after && fileNames(this.after).get(relNumber)?.relation;
    const relation = is ?? was;
    if (!relation) return this.openInterim(relNumber);
    const schema = (is ? this.after! : this.before!).catalog.schemaOf(relation);
    if (schema === 'pg_catalog') return { kind: 'catalog', name: relation.name, isPgClass: relation.oid === PG_CLASS };
    if (isSystemSchema(schema) || !hasHeapStorage(relation) || !'rm'.includes(relation.kind) || relation.persistence !== 'p') return undefined;
    if (was && this.before!.held([was], this.findings).length === 0) return undefined;
    if (is && this.after!.held([is], this.findings).length === 0) return undefined;
    return this.table(relation.oid, was, is);
  }

  /** A file that came and went within the transaction can be read where the table's columns stayed what they were. */
  private openInterim(relNumber: number): TransactionFile | undefined {
    const oid = this.interim.get(relNumber);
    const [was, is] = [this.before, this.after].map((database) => oid !== undefined && database?.catalog.relations.get(oid));
    const some = is || was;
    if (oid === undefined || !some || !'rm'.includes(some.kind) || some.persistence !== 'p') return undefined;
    const columns = (database: DatabaseAt): string => JSON.stringify(database.catalog.columns(oid).map((c) => [c.attnum, c.typeOid, c.typmod, c.dropped]));
    if (was && is && columns(this.before!) !== columns(this.after!)) {
      this.findings.add({ code: 'row.interim', message: `rows of ${some.name} that were changed between two rewrites of the transaction are missing` });
      return undefined;
    }
    const moved = { ...some, locator: { ...some.locator, relNumber } };
    return this.table(oid, is ? undefined : moved, is ? moved : undefined);
  }

  /** `was`, `is`: the relation at either side where the file was its. */
  private table(oid: number, was: Relation | undefined, is: Relation | undefined): TransactionTable {
    const side = (database: DatabaseAt | undefined, relation: Relation | undefined) => (database && relation ? { database, table: database.open(relation) } : undefined);
    // where it is unlogged on one side, it has columns there all the same
    const described = (database: DatabaseAt | undefined) => {
      const relation = database?.catalog.relations.get(oid);
      return database && relation ? { database, table: database.describe(relation) } : undefined;
    };
    const shape = tableShape(described(this.before), described(this.after));
    const old = (side(this.before, was) ?? side(this.after, is))!;
    const now = (side(this.after, is) ?? side(this.before, was))!;
    const images = (table: typeof old): RowImages => new RowImages(this.session.store, table.table, shape.columns, this.findings.add);
    const current = this.after?.catalog.relations.get(oid);
    return { kind: 'table', shape, isOld: current?.locator.relNumber !== now.table.relation.locator.relNumber, oldImages: images(old), newImages: images(now) };
  }

  /** make_new_heap() enters a transient pg_temp_OID with the new file; swap_relation_files() gives that file to the table. */
  seePgClass(change: HeapChange, end: Lsn, unlogged: (table: Relation) => void): void {
    if (!change.after || !this.pgClassRow) return;
    const page = this.session.store.pages.getPage({ ...change.ref, fork: ForkNumber.main }, change.after.block, end)?.page;
    if (!page || change.after.offnum > page.maxOffset) return;
    const row = this.pgClassRow.fill(page.bytes, page.view, page.itemAt(change.after.offnum), page.lpLen(change.after.offnum));
    const isTransient = /^pg_temp_\d+$/.test(row.name('relname'));
    if (!isTransient) {
      this.interim.set(row.oid('relfilenode'), row.oid('oid'));
      const [was, is] = [this.before, this.after].map((database) => database?.catalog.relations.get(row.oid('oid')));
      if (row.char('relpersistence') === 'u' && was?.persistence === 'p' && is?.persistence === 'p' && hasHeapStorage(is)) unlogged(is);
    }
    if (change.operation === 'insert' && isTransient) this.copying.add(row.oid('relfilenode'));
    else if (change.operation === 'update' && !isTransient) this.copying.delete(row.oid('relfilenode'));
  }
}
