/**
 * Every committed row change of chosen tables between two moments, in the order in which transactions ended: through moves between
 * pages and partitions, rewrites, ALTERs and TRUNCATEs, each row printed with the columns of its time. Where changes are, the layers
 * tell; only their records and pages are read.
 */
import { FIRST_NORMAL_OID, type Relation } from '../catalog/relation.js';
import type { XactRow } from '../layerfile/deltaLayer.js';
import { ForkNumber, sameRelation } from '../pg/relFileLocator.js';
import { xidPrecedes } from '../store/transactionChanges.js';
import { isCommit } from '../store/transactionLog.js';
import type { Lsn } from '../util/lsn.js';
import { tablesNamed } from './children.js';
import { databaseByOid, type Span } from './databaseAt.js';
import { DDL_CATALOGS, rewrittenRelations } from './ddl.js';
import { typeShape } from './diff.js';
import { fileNames } from './fileNames.js';
import type { RowOperation } from './heapChanges.js';
import { RowImages, tableShape, type RowValues, type TableShape } from './rowImages.js';
import { isSystemSchema, type DatabaseAt, type Findings, type Session } from './session.js';
import { readChange, unloggedMeanwhile, visitRows } from './transactionRows.js';
import { changesAt, type LoggedChange } from './transactionScan.js';

export interface TableChange {
  /** `truncate` and `drop`: the row went with all others; `attach`, `detach`: it came and went with its partition. */
  operation: RowOperation | 'truncate' | 'drop' | 'attach' | 'detach';
  /** The transaction's end. */
  row: XactRow;
  /** The record; the transaction's end where a statement took all rows. */
  lsn: Lsn;
  shape: TableShape;
  before: RowValues | null;
  after: RowValues | null;
  /** A deletion that moved the row to another partition: its insertion follows. */
  isMove: boolean;
}

/** The tables with rows that are wanted, as of a moment. */
export type WantedTables = (database: DatabaseAt) => Relation[];

/** Tables by OID with the children that they have at each time. */
export function chosenTables(oids: readonly number[], only = false): WantedTables {
  return (database) => {
    const relations = oids.flatMap((oid) => database.catalog.relations.get(oid) ?? []);
    return [...new Set(relations.flatMap((relation) => tablesNamed(database, relation, only)))];
  };
}

/** All tables of users. */
export function userTables(database: DatabaseAt): Relation[] {
  return [...database.catalog.relations.values()].filter((r) => (r.kind === 'r' || r.kind === 'm') && r.persistence === 'p' && !isSystemSchema(database.catalog.schemaOf(r)));
}

/** Calls `emit` with each change of a span without a gap; it stops by giving false. */
export function changeStream(session: Session, dbOid: number, wanted: WantedTables, { since, until }: Span, findings: Findings, emit: (change: TableChange) => boolean | void): void {
  const stream = new ChangeStream(session, dbOid, wanted, findings, emit);
  let from = since.lsn;
  stream.enter(databaseByOid(session, dbOid, from, null));
  for (const row of schemaCommits(session, dbOid, from, until.lsn)) {
    const after = databaseByOid(session, dbOid, row.endLsn, row.time);
    if (stream.isSame(after)) continue;
    if (!stream.read(from, row.lsn) || !stream.cross(row, after)) return;
    from = row.endLsn;
  }
  stream.read(from, until.lsn);
}

/** Commits that changed the catalogs of a database, in LSN order. */
function schemaCommits(session: Session, dbOid: number, from: Lsn, to: Lsn): XactRow[] {
  const { store } = session;
  const files = new Set<number>();
  for (const lsn of [from, to]) {
    const database = databaseByOid(session, dbOid, lsn, null);
    for (const name of database ? fileNames(database).values() : []) if (name.schema === 'pg_catalog' && DDL_CATALOGS.has(name.bareName)) files.add(name.relation.locator.relNumber);
  }
  const rows = [...store.changes.rowsBackward(store.transactions, from, to, (changes) => changes.some(({ relation }) => relation.relNumber < FIRST_NORMAL_OID ? true : files.has(relation.relNumber)))];
  return rows.filter((row) => isCommit(row) && row.dbOid === dbOid).reverse();
}

interface OpenTable {
  relation: Relation;
  shape: TableShape;
  images: RowImages;
}

class ChangeStream {
  private readonly tables = new Map<number, OpenTable>();
  private signature = '';
  /** Tables that the index does not hold: told once. */
  private readonly leftOut = new Set<number>();

  constructor(private readonly session: Session, private readonly dbOid: number, private readonly wanted: WantedTables, private readonly findings: Findings, private readonly emit: (change: TableChange) => boolean | void) {}

  /** From here on the catalogs are those of `database`. */
  enter(database: DatabaseAt | undefined): void {
    this.signature = this.signatureOf(database);
    this.tables.clear();
    for (const relation of database ? this.wanted(database) : []) {
      if (!this.leftOut.has(relation.oid) && database!.held([relation], this.findings).length === 0) this.leftOut.add(relation.oid);
    }
    for (const relation of database ? this.relationsOf(database) : []) this.tables.set(relation.locator.relNumber, this.open(database!, relation));
  }

  /** The wanted tables have the same files and columns there, whose types print the same. */
  isSame(database: DatabaseAt | undefined): boolean {
    return this.signatureOf(database) === this.signature;
  }

  private relationsOf(database: DatabaseAt): Relation[] {
    return this.wanted(database).filter((relation) => relation.persistence === 'p' && relation.locator.relNumber !== 0 && !database.isLeftOut(relation));
  }

  private signatureOf(database: DatabaseAt | undefined): string {
    if (!database) return '';
    return JSON.stringify(this.relationsOf(database).map((r) => [r.oid, r.name, r.locator, database.catalog.columns(r.oid).map((c) => [c.attnum, c.name, c.typeOid, c.typmod, c.dropped, typeShape(database, c.typeOid)])]));
  }

  private open(database: DatabaseAt, relation: Relation): OpenTable {
    const table = database.open(relation);
    const shape = tableShape(undefined, { database, table });
    return { relation, shape, images: new RowImages(this.session.store, table, shape.columns, this.findings.add) };
  }

  /** The changes of transactions that ended in [from, to), between which no wanted table's definition changed. */
  read(from: Lsn, to: Lsn): boolean {
    const { store } = this.session;
    const rows = [...store.transactions.rows(from, to)].filter(isCommit);
    const ends = new Map<number, XactRow>();
    let oldest: number | undefined;
    for (const row of rows) {
      for (const xid of [row.xid, ...row.subxids]) ends.set(xid, row);
      if (row.xid !== 0 && (oldest === undefined || xidPrecedes(row.xid, oldest))) oldest = row.xid;
    }
    if (oldest === undefined || this.tables.size === 0) return true;
    const lsns = this.positions(store.changes.firstPossibleLsn({ xid: oldest, lsn: from }), to);
    const pending = new Map<XactRow, LoggedChange[]>();
    let next = 0;
    for (const row of rows) {
      for (; next < lsns.length && lsns[next]! < row.lsn; next++) {
        changesAt(store, lsns[next]!, this.findings.add, (change) => {
          const end = ends.get(change.xid);
          if (!end || !this.tables.has(change.ref.relNumber)) return;
          const list = pending.get(end);
          if (list) list.push(change);
          else pending.set(end, [change]);
        });
      }
      for (const change of pending.get(row) ?? []) if (!this.give(change, row)) return false;
      pending.delete(row);
    }
    return true;
  }

  /** Where records touch the tables' rows, ascending. */
  private positions(from: Lsn, to: Lsn): Lsn[] {
    const found = new Set<Lsn>();
    for (const { relation } of this.tables.values()) {
      this.session.store.pages.changes({ ...relation.locator, fork: ForkNumber.main }, 0, 0x1_0000_0000, from, to, (_, lsn) => found.add(lsn));
    }
    return [...found].sort((a, b) => a - b);
  }

  private give(change: LoggedChange, row: XactRow): boolean {
    if (change.isSuperDelete) return true;
    const { shape, images } = this.tables.get(change.ref.relNumber)!;
    // until its transaction ends, every version that it wrote or ended is on the pages
    const shown = readChange({ shape, oldImages: images, newImages: images }, change, row.lsn);
    return !shown || this.emit({ ...shown, shape, row, isMove: change.isMove }) !== false;
  }

  /** A transaction that changed the tables themselves; afterwards the catalogs are those of `after`. */
  cross(row: XactRow, after: DatabaseAt | undefined): boolean {
    const before = databaseByOid(this.session, this.dbOid, row.lsn, null);
    const was = new Map((before ? this.relationsOf(before) : []).map((relation) => [relation.oid, relation]));
    const is = new Map((after ? this.relationsOf(after) : []).map((relation) => [relation.oid, relation]));
    /** Row versions of the old files that the transaction itself ended, and began. */
    const ended = new Set<string>(), begun = new Map<string, { oid: number; values: RowValues }>();
    let goesOn = true;
    visitRows(this.session, row, { before, after }, this.findings, {
      unlogged: (table) => void (is.has(table.oid) && this.findings.add(unloggedMeanwhile(table, row))),
      change: (change, file) => {
        // those of a table that comes with its rows are told then
        if (!was.has(file.shape.oid) && (!is.has(file.shape.oid) || before?.catalog.relations.has(file.shape.oid))) return true;
        const shown = readChange(file, change, row.lsn);
        if (!shown) return true;
        const place = (at: { block: number; offnum: number }): string => `${change.ref.relNumber} ${at.block} ${at.offnum}`;
        if (change.before) {
          ended.add(place(change.before));
          begun.delete(place(change.before));
        }
        if (change.after && file.isOld) begun.set(place(change.after), { oid: file.shape.oid, values: shown.after! });
        return (goesOn = this.emit({ ...shown, shape: file.shape, row, isMove: change.isMove }) !== false);
      },
    });
    if (goesOn && before) goesOn = this.rowsGone(row, before, after, was, is, ended, begun);
    this.enter(after);
    return goesOn && this.rowsCome(row, before, after, was, is);
  }

  /** Rows that went with their table, its file, its place among the partitions, or its being logged. */
  private rowsGone(row: XactRow, before: DatabaseAt, after: DatabaseAt | undefined, was: Map<number, Relation>, is: Map<number, Relation>, ended: ReadonlySet<string>, begun: ReadonlyMap<string, { oid: number; values: RowValues }>): boolean {
    let copied: ReadonlySet<number> | undefined;
    for (const [oid, relation] of was) {
      const now = after?.catalog.relations.get(oid);
      if (now && is.has(oid) && sameRelation(now.locator, relation.locator)) continue;
      // SET TABLESPACE copies the file as it is
      if (now && is.has(oid) && now.tablespaceOid !== relation.tablespaceOid) continue;
      if (now && is.has(oid) && (copied ??= rewrittenRelations(before, new Set([row.xid, ...row.subxids]))).has(oid)) continue;
      const operation = !now ? 'drop' : is.has(oid) ? 'truncate' : 'detach';
      const { shape } = this.open(before, relation);
      let goesOn = true;
      const gone = (values: RowValues): boolean => (goesOn = this.emit({ operation, row, lsn: row.lsn, shape, before: values, after: null, isMove: false }) !== false);
      before.open(relation).scan((view) => ended.has(`${relation.locator.relNumber} ${view.block} ${view.offnum}`) || gone(view.values()), this.findings.add);
      for (const own of begun.values()) if (goesOn && own.oid === oid) gone(own.values);
      if (!goesOn) return false;
    }
    return true;
  }

  /** Rows that came with a table that became a partition, or is logged from now on. */
  private rowsCome(row: XactRow, before: DatabaseAt | undefined, after: DatabaseAt | undefined, was: Map<number, Relation>, is: Map<number, Relation>): boolean {
    for (const [oid, relation] of is) {
      if (was.has(oid) || !before?.catalog.relations.has(oid)) continue;
      const { shape } = this.tables.get(relation.locator.relNumber)!;
      let goesOn = true;
      after!.open(relation).scan((view) => (goesOn = this.emit({ operation: 'attach', row, lsn: row.lsn, shape, before: null, after: view.values(), isMove: false }) !== false), this.findings.add);
      if (!goesOn) return false;
    }
    return true;
  }
}
