/** What one transaction did: its row changes in the order of the WAL, its schema changes, and the tables that it emptied. */
import { pgClassLayout } from '../catalog/bootstrap.js';
import { CatalogLayout, CatalogRow } from '../catalog/catalogRow.js';
import { hasHeapStorage, type Relation } from '../catalog/relation.js';
import type { XactRow } from '../layerfile/deltaLayer.js';
import { ForkNumber, type RelFileLocator } from '../pg/relFileLocator.js';
import type { Coverage } from '../store/caseStore.js';
import { isCommit } from '../store/transactionLog.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import type { Lsn } from '../util/lsn.js';
import { databaseByOid } from './databaseAt.js';
import { ddlChanges, type DdlChange } from './ddl.js';
import type { HeapChange, RowOperation } from './heapChanges.js';
import { fileNames } from './log.js';
import { RowImages, tableShape, type RowValues, type TableShape } from './rowImages.js';
import { isSystemSchema, type DatabaseAt, type Findings, type Session } from './session.js';
import { firstPossibleLsn, readChanges, readRecords, type LoggedChange } from './transactionScan.js';

const PG_CLASS_OID = 1259;

export interface ShownChange {
  table: TableShape;
  operation: RowOperation;
  /** Values in the order of the table's columns. */
  before: RowValues | null;
  after: RowValues | null;
  lsn: Lsn;
}

export interface ShownTransaction {
  row: XactRow;
  range: Coverage;
  committed: boolean;
  /** The database in which it changed something; undefined where it changed nothing there, or the database is gone. */
  before: DatabaseAt | undefined;
  after: DatabaseAt | undefined;
  /** Schema changes; known once `rows` has run. */
  ddl(): DdlChange[];
  /** OIDs of the tables whose rows it changed; known once `rows` has run. */
  touched: Set<number>;
  rows(emit: (change: ShownChange) => boolean | void): void;
  /** Finds what `ddl` and `touched` tell, without reading the rows. */
  survey(): void;
}

/** Finds the end of a transaction, its own xid or that of one of its subtransactions. Throws `moment.*` (exit 4) where there is none. */
export function findTransaction(session: Session, xid: number): { row: XactRow; range: Coverage } {
  for (const range of [...session.store.coverage].reverse()) {
    const row = session.store.transactions.findEnd(xid, range.firstLsn, range.lastLsn);
    if (row) return { row, range };
  }
  session.moment(`xid:${xid}`); // outside the coverage: refuses, and says what is covered
  throw new WalscopeError('moment.not_found', `transaction ${xid} ended before the first moment that can be answered`, { exitCode: ExitCode.outsideCoverage, hint: 'see walscope status for what is covered' });
}

/** Prepares the answer; the work is done by `rows`. */
export function showTransaction(session: Session, xid: number, findings: Findings): ShownTransaction {
  const { row, range } = findTransaction(session, xid);
  const committed = isCommit(row);
  const xids = new Set([row.xid, ...row.subxids]);
  const from = firstPossibleLsn(session.store, row, range);
  const dbOid = row.dbOid !== 0 ? row.dbOid : firstDatabase(session, from, row.lsn, xids);
  const before = dbOid === 0 ? undefined : databaseByOid(session, dbOid, row.lsn, null);
  const after = dbOid === 0 ? undefined : databaseByOid(session, dbOid, row.endLsn, row.time);
  const catalogs = new Set<string>();
  const touched = new Set<number>();
  const walk = (emit: ((change: ShownChange) => boolean | void) | undefined): void => {
    const files = new TransactionFiles(session, before, after, findings);
    readChanges(session.store, from, row.lsn, (record) => xids.has(record.xid), (change) => {
      const file = change.isSuperDelete ? undefined : files.of(change.ref);
      if (!file) return true;
      if (file.catalogName !== undefined) {
        catalogs.add(file.catalogName);
        if (file.isPgClass) files.seePgClass(change, row.lsn);
        return true;
      }
      if (files.copying.has(change.ref.relNumber)) return true;
      touched.add(file.shape!.oid);
      const shown = emit && readChange(file, change, row.lsn);
      return shown ? emit(shown) !== false : true;
    }, findings.add);
  };
  return {
    row, range, committed, before, after, touched, rows: walk, survey: () => walk(undefined),
    ddl: () => (committed && before && after ? ddlChanges({ before, after, xids, catalogs }) : []),
  };
}

/** The database of the first row that the transaction changed; 0: none. */
function firstDatabase(session: Session, from: Lsn, to: Lsn, xids: ReadonlySet<number>): number {
  let found = 0;
  readRecords(session.store, from, to, (record) => {
    if (found === 0 && xids.has(record.xid)) for (const ref of record.blocks) if (ref.dbOid !== 0) found = ref.dbOid;
  }, () => undefined);
  return found;
}

function readChange(file: TransactionFile, change: LoggedChange, end: Lsn): ShownChange | undefined {
  // until the transaction ends, nobody may remove a version that it wrote or ended: all are on the pages just before its end
  const before = change.before && file.oldImages!.read(change.before, end);
  const after = change.after && file.newImages!.read(change.after, end);
  if ((change.before && !before) || (change.after && !after)) return undefined;
  return { table: file.shape!, operation: change.operation, before: before ?? null, after: after ?? null, lsn: change.lsn };
}

interface TransactionFile {
  /** Set for a system catalog. */
  catalogName?: string;
  isPgClass?: boolean;
  shape?: TableShape;
  oldImages?: RowImages;
  newImages?: RowImages;
}

/** The relation files that the transaction wrote to. */
class TransactionFiles {
  private readonly files = new Map<number, TransactionFile | undefined>();
  /** Files into which a rewrite is copying rows at this place of the WAL: its insertions change no row. */
  readonly copying = new Set<number>();
  private readonly pgClassRow: CatalogRow | undefined;

  constructor(private readonly session: Session, private readonly before: DatabaseAt | undefined, private readonly after: DatabaseAt | undefined, private readonly findings: Findings) {
    const any = before ?? after;
    this.pgClassRow = any && new CatalogRow(new CatalogLayout(pgClassLayout(session.store.major)), any.catalog.detoast);
  }

  of(locator: RelFileLocator): TransactionFile | undefined {
    const { relNumber } = locator;
    if (!this.files.has(relNumber)) this.files.set(relNumber, this.open(locator));
    return this.files.get(relNumber);
  }

  private open({ relNumber }: RelFileLocator): TransactionFile | undefined {
    const was = this.before && fileNames(this.before).get(relNumber);
    const is = this.after && fileNames(this.after).get(relNumber);
    const name = is ?? was;
    if (!name) return undefined;
    if (name.schema === 'pg_catalog') return { catalogName: name.bareName, isPgClass: name.relation.oid === PG_CLASS_OID };
    if (isSystemSchema(name.schema) || !hasHeapStorage(name.relation) || !'rm'.includes(name.relation.kind) || name.relation.persistence !== 'p') return undefined;
    const { oid } = name.relation;
    const side = (database: DatabaseAt | undefined, relation: Relation | undefined) => (database && relation ? { database, table: database.open(relation) } : undefined);
    const shape = tableShape(side(this.before, this.before?.catalog.relations.get(oid)), side(this.after, this.after?.catalog.relations.get(oid)));
    const old = side(this.before, was?.relation) ?? side(this.after, is?.relation);
    const now = side(this.after, is?.relation) ?? side(this.before, was?.relation);
    const images = (table: NonNullable<typeof old>): RowImages => new RowImages(this.session.store, table.table, shape.columns, this.findings.add);
    return { shape, oldImages: images(old!), newImages: images(now!) };
  }

  /** make_new_heap() enters a transient pg_temp_OID with the new file; swap_relation_files() gives that file to the table. */
  seePgClass(change: HeapChange, end: Lsn): void {
    if (!change.after || !this.pgClassRow) return;
    const page = this.session.store.pages.getPage({ ...change.ref, fork: ForkNumber.main }, change.after.block, end)?.page;
    if (!page || change.after.offnum > page.maxOffset) return;
    const row = this.pgClassRow.fill(page.bytes, page.view, page.itemAt(change.after.offnum), page.lpLen(change.after.offnum));
    const isTransient = /^pg_temp_\d+$/.test(row.name('relname'));
    if (change.operation === 'insert' && isTransient) this.copying.add(row.oid('relfilenode'));
    else if (change.operation === 'update' && !isTransient) this.copying.delete(row.oid('relfilenode'));
  }
}
