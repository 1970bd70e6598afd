/**
 * Which relation files an index of some tables only may leave out. A table is chosen by any name that it ever had in the archive, and with it what it
 * needs: TOAST, indexes, partitions, and the transient heaps of rewrites; catalogs and sequences are always held. Files that no catalog names
 * (their transaction's row of pg_class is still to come) stay in. docs/adr/0018-selective-index.md
 */
import { Catalog, readDatabases } from '../catalog/catalog.js';
import { PG_CLASS, PG_DATABASE, PG_INDEX, PG_INHERITS, PG_NAMESPACE } from '../catalog/catalogOids.js';
import { CatalogLayout, type CatalogRow } from '../catalog/catalogRow.js';
import { FIRST_NORMAL_OID } from '../catalog/relation.js';
import { GLOBALTABLESPACE_OID, type RelFork } from '../pg/relFileLocator.js';
import { PG_UTF8 } from '../rows/types/encoding.js';
import type { CaseStore } from '../store/caseStore.js';
import { EventKind } from '../store/layerEvents.js';
import type { Selection } from '../store/selection.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import type { Lsn } from '../util/lsn.js';
import { quoteIdentifier } from '../util/quote.js';
import { eachRowVersion, type CatalogFile } from './catalogVersions.js';
import { nameParts } from './tableName.js';

/** DB, DB.SCHEMA or DB.SCHEMA.TABLE, sorted, each once, in the form in which it is kept. Throws `usage.only`. */
export function selectionNames(texts: readonly string[]): string[] {
  return [...new Set(texts.map((text) => {
    const parts = nameParts(text);
    if (parts && parts.length <= 3) return parts.map(quoteIdentifier).join('.');
    throw new WalscopeError('usage.only', `"${text}" names no table, schema or database`, { exitCode: ExitCode.usage, hint: 'write DB, DB.SCHEMA or DB.SCHEMA.TABLE' });
  }))].sort();
}

/** A version of a row of pg_class. */
interface ClassRow {
  oid: number;
  name: string;
  schemaOid: number;
  relNumber: number;
  toastOid: number;
  /** The table that a transient heap is to replace; 0: it is none. */
  rewrites: number;
  kind: string;
}

/** A database in all versions. */
interface DatabaseFiles {
  oid: number;
  names: Set<string>;
  /** Files of pg_class. */
  classFiles: CatalogFile[];
  encoding: number;
  spcOids: Set<number>;
}

/** What the index of a case may leave out where it is to hold `only` these. */
export function chooseFiles(store: CaseStore, only: readonly string[]): Selection {
  if (store.coverage.length === 0) return { isLeftOut: () => false, unmatched: [] };
  return new Choice(store, only).choose();
}

class Choice {
  private readonly layouts = new Map<number, CatalogLayout>();
  private readonly patterns: { text: string; parts: string[] }[];
  private readonly matched = new Set<string>();
  /** Moments between which the relation maps and folders of databases stay as they are. */
  private readonly moments: Lsn[];

  constructor(private readonly store: CaseStore, only: readonly string[]) {
    this.patterns = only.map((text) => ({ text, parts: nameParts(text)! }));
    const changes = store.layers.events.filter(({ kind }) => kind === EventKind.relmap || kind === EventKind.databaseCopy || kind === EventKind.databaseCreate || kind === EventKind.databaseDrop);
    this.moments = store.coverage.flatMap(({ firstLsn, lastLsn }) => {
      const within = changes.flatMap(({ lsn }) => [lsn, (lsn + 8) as Lsn]).filter((lsn) => lsn > firstLsn && lsn < lastLsn);
      return [firstLsn, ...within, lastLsn];
    });
  }

  choose(): Selection {
    const leftOut = new Map<number, Set<number>>();
    for (const database of this.databases()) leftOut.set(database.oid, this.unwanted(database));
    this.keepSources(leftOut);
    return {
      isLeftOut: ({ dbOid, relNumber }: RelFork) => leftOut.get(dbOid)?.has(relNumber) === true,
      unmatched: this.patterns.filter(({ text }) => !this.matched.has(text)).map(({ text }) => text),
    };
  }

  private layout(catalogOid: number): CatalogLayout {
    let layout = this.layouts.get(catalogOid);
    if (!layout) {
      const snapshot = this.store.snapshot(this.store.coverage[0]!.firstLsn);
      const database = readDatabases(snapshot).find(({ oid, spcOid }) => snapshot.relMap(spcOid, oid) !== null)!;
      this.layouts.set(catalogOid, (layout = new CatalogLayout(Catalog.layout(new Catalog(snapshot, database).columns(catalogOid)))));
    }
    return layout;
  }

  /** The files of a mapped catalog at any moment. */
  private mapped(spcOid: number, dbOid: number, catalogOid: number, encoding: number): CatalogFile[] {
    const numbers = new Set<number>();
    for (const lsn of this.moments) {
      const relNumber = this.store.snapshot(lsn).relMap(spcOid, dbOid)?.get(catalogOid);
      if (relNumber !== undefined) numbers.add(relNumber);
    }
    return [...numbers].map((relNumber) => ({ locator: { spcOid, dbOid, relNumber }, layout: this.layout(catalogOid), encoding }));
  }

  private databases(): DatabaseFiles[] {
    const databases = new Map<number, DatabaseFiles>();
    for (const file of this.mapped(GLOBALTABLESPACE_OID, 0, PG_DATABASE, PG_UTF8)) {
      eachRowVersion(this.store, file, (row) => {
        const oid = row.oid('oid');
        let database = databases.get(oid);
        if (!database) databases.set(oid, (database = { oid, names: new Set(), classFiles: [], encoding: row.int4('encoding'), spcOids: new Set() }));
        database.names.add(row.name('datname'));
        database.spcOids.add(row.oid('dattablespace'));
      });
    }
    for (const database of databases.values()) {
      database.classFiles = [...database.spcOids].flatMap((spcOid) => this.mapped(spcOid, database.oid, PG_CLASS, database.encoding));
    }
    return [...databases.values()];
  }

  /** The patterns that name a database, its schemas or its tables. */
  private patternsOf({ names }: DatabaseFiles): { text: string; parts: string[] }[] {
    return this.patterns.filter(({ parts }) => names.has(parts[0]!));
  }

  /** Numbers of the files that nothing that is wanted needs. */
  private unwanted(database: DatabaseFiles): Set<number> {
    const patterns = this.patternsOf(database);
    for (const { text, parts } of patterns) if (parts.length === 1) this.matched.add(text);
    if (patterns.some(({ parts }) => parts.length === 1)) return new Set();
    const rows = this.classRows(database);
    const wanted = patterns.length > 0 ? this.wanted(database, rows, patterns) : new Set<number>();
    const isKept = ({ oid }: ClassRow): boolean => oid < FIRST_NORMAL_OID || wanted.has(oid);
    const kept = new Set(rows.filter(isKept).map(({ relNumber }) => relNumber));
    return new Set(rows.filter((row) => row.relNumber !== 0 && !isKept(row) && !kept.has(row.relNumber)).map(({ relNumber }) => relNumber));
  }

  private classRows({ classFiles }: DatabaseFiles): ClassRow[] {
    const rows = new Map<string, ClassRow>();
    for (const file of classFiles) {
      eachRowVersion(this.store, file, (row) => {
        const found: ClassRow = {
          oid: row.oid('oid'), name: row.name('relname'), schemaOid: row.oid('relnamespace'), relNumber: row.oid('relfilenode'), toastOid: row.oid('reltoastrelid'),
          rewrites: row.oid('relrewrite'), kind: row.char('relkind'),
        };
        rows.set(JSON.stringify(found), found);
      });
    }
    return [...rows.values()];
  }

  /** Row versions of a catalog of a database that is not mapped. */
  private each({ encoding, classFiles }: DatabaseFiles, rows: readonly ClassRow[], catalogOid: number, emit: (row: CatalogRow) => void): void {
    const numbers = new Set(rows.filter(({ oid }) => oid === catalogOid).map(({ relNumber }) => relNumber));
    for (const { spcOid, dbOid } of new Set(classFiles.map(({ locator }) => locator))) {
      for (const relNumber of numbers) eachRowVersion(this.store, { locator: { spcOid, dbOid, relNumber }, layout: this.layout(catalogOid), encoding }, emit);
    }
  }

  /** OIDs of the relations that the patterns name, and of all that these need. */
  private wanted(database: DatabaseFiles, rows: readonly ClassRow[], patterns: { text: string; parts: string[] }[]): Set<number> {
    const schemas = new Map<string, Set<number>>();
    this.each(database, rows, PG_NAMESPACE, (row) => {
      const name = row.name('nspname');
      schemas.set(name, (schemas.get(name) ?? new Set()).add(row.oid('oid')));
    });
    const wanted = new Set<number>();
    for (const { text, parts: [, schema, table] } of patterns) {
      const schemaOids = schemas.get(schema!);
      if (schemaOids && table === undefined) this.matched.add(text);
      for (const row of rows) {
        if (!schemaOids?.has(row.schemaOid) || (table !== undefined && row.name !== table)) continue;
        wanted.add(row.oid);
        this.matched.add(text);
      }
    }
    for (const row of rows) if (row.kind === 'S') wanted.add(row.oid);
    const needs: [number, number][] = rows.flatMap((row): [number, number][] => [[row.oid, row.toastOid], [row.rewrites, row.oid]]);
    this.each(database, rows, PG_INDEX, (row) => void needs.push([row.oid('indrelid'), row.oid('indexrelid')]));
    this.each(database, rows, PG_INHERITS, (row) => void needs.push([row.oid('inhparent'), row.oid('inhrelid')]));
    for (let before = -1; before !== wanted.size;) {
      before = wanted.size;
      for (const [by, needed] of needs) if (by !== 0 && needed !== 0 && wanted.has(by)) wanted.add(needed);
    }
    return wanted;
  }

  /** A database that was created as a copy of files begins with those of its source. */
  private keepSources(leftOut: Map<number, Set<number>>): void {
    for (const { kind, args } of this.store.layers.events.toReversed()) {
      if (kind !== EventKind.databaseCopy) continue;
      const copy = leftOut.get(args[1]!);
      const source = leftOut.get(args[3]!);
      for (const relNumber of source ?? []) if (!copy?.has(relNumber)) source!.delete(relNumber);
    }
  }
}
