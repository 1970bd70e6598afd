/**
 * The system catalogs of one database as of a moment. They are tables like any other: found through the relation map, read with
 * the visibility of the moment; so dropped tables, dropped columns, old types and former names are simply there.
 */
import { ForkNumber, GLOBALTABLESPACE_OID, type RelFork } from '../pg/relFileLocator.js';
import type { Page } from '../pg/page.js';
import { compareFunction } from '../rows/compare.js';
import type { AttributeLayout } from '../rows/deform.js';
import { visibleVersion } from '../rows/heapFetch.js';
import { NbtreeSearch, type IndexColumn } from '../rows/nbtreeSearch.js';
import { detoast } from '../rows/toast.js';
import type { Lsn } from '../util/lsn.js';
import { PG_UTF8, textDecoding, type TextDecoding } from '../rows/types/encoding.js';
import { visibleTuples, Visibility } from '../rows/visibility.js';
import type { Snapshot } from '../store/snapshot.js';
import { inputError } from '../util/errors.js';
import { pgAttributeLayout, pgClassLayout } from './bootstrap.js';
import { PG_ATTRIBUTE, PG_CATALOG, PG_CLASS, PG_DATABASE, PG_PROC, PG_TYPE } from './catalogOids.js';
import { CatalogLayout, CatalogRow } from './catalogRow.js';
import type { Column, Relation } from './relation.js';
import { ToastReader } from './toastReader.js';

/** attmissingval is a one-element array; its element begins here in the payload. */
const ARRAY_DATA_OFFSET = 20;

/** Indexes of mapped catalogs, by their fixed OIDs (catalog/pg_*.h). */
export const CatalogIndex = { attributeByRelation: 2659, classByOid: 2662, classByName: 2663, procByOid: 2690, typeByOid: 2703 } as const;
export type CatalogIndex = (typeof CatalogIndex)[keyof typeof CatalogIndex];
/** Catalogs that the relation maps lead to, so that pg_class need not be asked. */
const MAPPED: Readonly<Record<string, number>> = { pg_attribute: PG_ATTRIBUTE, pg_class: PG_CLASS, pg_database: PG_DATABASE, pg_proc: PG_PROC, pg_type: PG_TYPE };

const OID_COLUMN: IndexColumn = { attlen: 4, attalign: 'i', compare: compareFunction('btoidcmp', { cCollation: true }) };
/** Of type name; indexes hold these as cstring. */
const NAME_COLUMN: IndexColumn = { attlen: -2, attalign: 'c', compare: compareFunction('btnamecmp', { cCollation: true }) };
const INDEX_COLUMNS: Record<CatalogIndex, IndexColumn[]> = {
  [CatalogIndex.attributeByRelation]: [OID_COLUMN, { attlen: 2, attalign: 's', compare: compareFunction('btint2cmp', { cCollation: true }) }],
  [CatalogIndex.classByOid]: [OID_COLUMN],
  [CatalogIndex.classByName]: [NAME_COLUMN, OID_COLUMN],
  [CatalogIndex.procByOid]: [OID_COLUMN],
  [CatalogIndex.typeByOid]: [OID_COLUMN],
};

/** The database that a catalog belongs to. */
export interface Database {
  oid: number;
  name: string;
  /** pg_database.dattablespace. */
  spcOid: number;
  /** pg_enc number. */
  encoding: number;
  isTemplate: boolean;
  allowsConnections: boolean;
  /** DROP DATABASE was at work on it: no server lets one connect. */
  isInvalid: boolean;
  collate: string;
  /** pg_database.datlocprovider: c libc, i ICU, b builtin; always c before 15. */
  localeProvider: string;
}

export class Catalog {
  /** Out-of-line values are read as of here: later than the catalogs where rows of a later moment are read through them. */
  toastUpTo: Lsn;
  private relationsByOid: Map<number, Relation> | undefined;
  /** Those that were asked for one by one. */
  private readonly found = new Map<number, Relation | undefined>();
  private readonly classLayout: CatalogLayout;
  private readonly columnsByRelation = new Map<number, Column[]>();
  private attributeLayout: CatalogLayout | undefined;
  readonly visibility: Visibility;
  private readonly layouts = new Map<string, { file: RelFork; layout: CatalogLayout }>();
  private namespaceNames: Map<number, string> | undefined;

  readonly decode: TextDecoding['decode'];

  constructor(readonly snapshot: Snapshot, readonly database: Pick<Database, 'oid' | 'spcOid' | 'encoding'>) {
    const decoding = textDecoding(database.encoding);
    if (!decoding) throw inputError('database.encoding', `database ${database.oid} has encoding ${database.encoding}, which PostgreSQL does not have`, {}, 'check the base backup with walscope doctor');
    this.decode = decoding.decode;
    this.visibility = new Visibility(snapshot);
    this.toastUpTo = snapshot.upTo;
    this.classLayout = new CatalogLayout(pgClassLayout(snapshot.major));
  }

  /** Every row of pg_class, by OID. */
  get relations(): Map<number, Relation> {
    if (this.relationsByOid) return this.relationsByOid;
    const relations = new Map<number, Relation>();
    this.scanFile(this.mappedFile(PG_CLASS), this.classLayout, (row) => {
      const relation = this.readRelation(row);
      relations.set(relation.oid, relation);
    });
    if (!relations.has(PG_CLASS)) throw inputError('catalog.damaged', `pg_class of database ${this.database.oid} lacks its own row: its file is not whole`, {}, 'check the base backup with walscope doctor');
    return (this.relationsByOid = relations);
  }

  /** A row of pg_class by its OID, found through the index unless all of them were read. */
  relation(oid: number): Relation | undefined {
    if (this.relationsByOid) return this.relationsByOid.get(oid);
    if (!this.found.has(oid)) {
      this.found.set(oid, undefined);
      this.lookupFile(this.mappedFile(PG_CLASS), this.classLayout, CatalogIndex.classByOid, oidKey(oid), (row) => this.found.set(oid, this.readRelation(row)));
    }
    return this.found.get(oid);
  }

  /** The rows of pg_class of this name, in any schema; found through the index unless all of them were read. */
  relationsNamed(name: string): Relation[] {
    // the bytes of other names depend on the encoding, and of one that is not found all are read, to say so
    if (!this.relationsByOid && /^[\x20-\x7e]+$/.test(name)) {
      const found: Relation[] = [];
      this.lookupFile(this.mappedFile(PG_CLASS), this.classLayout, CatalogIndex.classByName, Buffer.from(name, 'latin1'), (row) => found.push(this.readRelation(row)));
      if (found.length > 0) return found;
    }
    return [...this.relations.values()].filter((relation) => relation.name === name);
  }

  private readRelation(row: CatalogRow): Relation {
    const oid = row.oid('oid');
    const kind = row.char('relkind');
    const isShared = row.bool('relisshared');
    const tablespaceOid = row.oid('reltablespace');
    const spcOid = isShared ? GLOBALTABLESPACE_OID : tablespaceOid || this.database.spcOid;
    const dbOid = isShared ? 0 : this.database.oid;
    let relNumber = row.oid('relfilenode');
    if (relNumber === 0 && 'rimtS'.includes(kind)) relNumber = this.snapshot.mappedRelNumber(spcOid, dbOid, oid);
    return {
      oid, kind, isShared, tablespaceOid, name: row.name('relname'), namespaceOid: row.oid('relnamespace'), typeOid: row.oid('reltype'),
      ownerOid: row.oid('relowner'), amOid: row.oid('relam'), locator: { spcOid, dbOid, relNumber }, toastOid: row.oid('reltoastrelid'),
      relPages: row.int4('relpages'), relTuples: row.float4('reltuples'), hasIndex: row.bool('relhasindex'),
      persistence: row.char('relpersistence'), natts: row.int2('relnatts'), isPartition: row.bool('relispartition'), hasSubclass: row.bool('relhassubclass'), isPopulated: row.bool('relispopulated'),
    };
  }

  private mappedFile(relOid: number): RelFork {
    const { spcOid, oid: dbOid } = relOid === PG_DATABASE ? { spcOid: GLOBALTABLESPACE_OID, oid: 0 } : this.database;
    return { spcOid, dbOid, relNumber: this.snapshot.mappedRelNumber(spcOid, dbOid, relOid), fork: ForkNumber.main };
  }

  /** Columns of a relation in order of attnum, dropped ones included; found through pg_attribute's index. */
  columns(relOid: number): Column[] {
    let columns = this.columnsByRelation.get(relOid);
    if (!columns) this.columnsByRelation.set(relOid, (columns = this.readColumns(relOid)));
    return columns;
  }

  private readColumns(relOid: number): Column[] {
    const columns: Column[] = [];
    this.attributeLayout ??= new CatalogLayout(pgAttributeLayout(this.snapshot.major));
    this.lookupFile(this.mappedFile(PG_ATTRIBUTE), this.attributeLayout, CatalogIndex.attributeByRelation, oidKey(relOid), (row) => {
      const column = this.readColumn(row);
      if (column) columns.push(column);
    });
    return columns.sort((a, b) => a.attnum - b.attnum);
  }

  /** What a row of pg_attribute describes; undefined for a system column. */
  readColumn(row: CatalogRow): Column | undefined {
    const attnum = row.int2('attnum');
    if (attnum <= 0) return undefined;
    const hasMissing = row.bool('atthasmissing');
    return {
      attnum, name: row.name('attname'), typeOid: row.oid('atttypid'), typmod: row.int4('atttypmod'), attlen: row.int2('attlen'),
      attalign: row.char('attalign') as Column['attalign'], attbyval: row.bool('attbyval'), storage: row.char('attstorage'),
      ndims: this.snapshot.major >= 16 ? row.int2('attndims') : row.int4('attndims'), notNull: row.bool('attnotnull'),
      hasDefault: row.bool('atthasdef'), isLocal: row.bool('attislocal'), identity: row.char('attidentity'), generated: row.char('attgenerated'), dropped: row.bool('attisdropped'),
      collationOid: row.oid('attcollation'), missing: hasMissing ? (row.varlena('attmissingval')?.subarray(ARRAY_DATA_OFFSET) ?? null) : null,
    };
  }

  /** The deformer of a relation's tuples. */
  static layout(columns: readonly Column[]): (AttributeLayout & { name: string })[] {
    return columns.map((c) => ({ name: c.dropped ? `........pg.dropped.${c.attnum}........` : c.name, attlen: c.attlen, attalign: c.attalign, hasMissing: c.missing !== null }));
  }

  /** A catalog of pg_catalog by its name; throws where this major or moment has none. */
  private catalogTable(name: string): { file: RelFork; layout: CatalogLayout } {
    let table = this.layouts.get(name);
    if (!table) {
      const mapped = MAPPED[name];
      const relation = mapped === undefined ? this.relationsNamed(name).find(({ namespaceOid, kind }) => namespaceOid === PG_CATALOG && kind === 'r') : undefined;
      const oid = mapped ?? relation?.oid;
      if (oid === undefined) throw inputError('catalog.missing', `catalog ${name} does not exist at this moment`);
      table = { file: relation ? { ...relation.locator, fork: ForkNumber.main } : this.mappedFile(oid), layout: new CatalogLayout(Catalog.layout(this.columns(oid))) };
      this.layouts.set(name, table);
    }
    return table;
  }

  /** Calls `emit` for every visible row of a catalog. The row is filled again for the next one. */
  scan(catalogName: string, emit: (row: CatalogRow) => void): void {
    this.scanFile(this.fileOf(catalogName), this.catalogTable(catalogName).layout, emit);
  }

  /** The file of a catalog. */
  fileOf(catalogName: string): RelFork {
    return this.catalogTable(catalogName).file;
  }

  /** As scan(), for the rows of some blocks. */
  scanBlocks(catalogName: string, blocks: readonly number[], emit: (row: CatalogRow) => void): void {
    const file = this.fileOf(catalogName), row = new CatalogRow(this.catalogTable(catalogName).layout, this);
    for (const block of blocks) this.eachRow(block, this.catalogPage(file, block), row, emit);
  }

  /** Calls `emit` for the visible rows of a mapped catalog whose index has this OID as its first key. */
  lookup(catalogName: string, index: CatalogIndex, oid: number, emit: (row: CatalogRow) => void): void {
    this.lookupFile(this.fileOf(catalogName), this.catalogTable(catalogName).layout, index, oidKey(oid), emit);
  }

  private lookupFile(file: RelFork, layout: CatalogLayout, index: CatalogIndex, key: Uint8Array, emit: (row: CatalogRow) => void): void {
    const indexFile = this.mappedFile(index);
    const search = new NbtreeSearch((block) => this.catalogPage(indexFile, block), INDEX_COLUMNS[index], INDEX_COLUMNS[index].length);
    const row = new CatalogRow(layout, this);
    for (const { block, offset } of [...search.tids({ equal: [key] })]) {
      const page = this.catalogPage(file, block);
      const offnum = visibleVersion(page, offset, this.visibility);
      if (offnum !== 0) emit(row.fill(page.bytes, page.view, page.itemAt(offnum), page.lpLen(offnum)));
    }
  }

  private catalogPage(file: RelFork, block: number): Page {
    const found = this.snapshot.page(file, block);
    if (!found) throw inputError('page.absent', `block ${block} of a catalog does not exist at this moment`);
    if (found.unknown) throw inputError('page.unknown', `a catalog page (block ${block}) is unknown after a record of ${found.unknown.rmgr} that cannot be replayed`);
    return found.page;
  }

  private scanFile(file: RelFork, layout: CatalogLayout, emit: (row: CatalogRow) => void): void {
    const row = new CatalogRow(layout, this);
    this.snapshot.scan(file, (block, { page, unknown }) => {
      if (unknown) throw inputError('page.unknown', `a catalog page (block ${block}) is unknown after a record of ${unknown.rmgr} that cannot be replayed`);
      this.eachRow(block, page, row, emit);
    });
  }

  private eachRow(block: number, page: Page, row: CatalogRow, emit: (row: CatalogRow) => void): void {
    visibleTuples(page, this.visibility, (_offnum, at, length) => emit(row.fill(page.bytes, page.view, at, length)), (offnum) => {
      throw inputError('row.damaged', `line pointer ${offnum} of block ${block} of a catalog is damaged`);
    });
  }

  private readonly toastReaders = new Map<number, ToastReader>();

  /** The plain value of a compressed or out-of-line one. */
  readonly detoast = (bytes: Uint8Array, at: number, length: number): Uint8Array =>
    detoast(bytes, at, length, (toastOid, valueId) => this.toastReader(toastOid).chunks(valueId));

  /** Out-of-line values of a TOAST relation. */
  toastReader(toastOid: number): ToastReader {
    let reader = this.toastReaders.get(toastOid);
    if (!reader) {
      const relation = this.relation(toastOid);
      if (!relation) throw inputError('row.toast', `TOAST relation ${toastOid} does not exist at this moment`);
      this.toastReaders.set(toastOid, (reader = new ToastReader(this, relation)));
    }
    return reader;
  }

  /** pg_namespace: OID → name. */
  get namespaces(): Map<number, string> {
    if (this.namespaceNames) return this.namespaceNames;
    const names = new Map<number, string>();
    this.scan('pg_namespace', (row) => names.set(row.oid('oid'), row.name('nspname')));
    return (this.namespaceNames = names);
  }

  /** True where a collation orders by bytes: C and POSIX of libc, and the builtin provider's. */
  isCCollation(oid: number, database: Database): boolean {
    const DEFAULT_COLLATION = 100;
    const isC = (provider: string, locale: string): boolean => provider === 'b' || (provider === 'c' && (locale === 'C' || locale === 'POSIX'));
    if (oid === 0) return true;
    if (oid === DEFAULT_COLLATION) return isC(database.localeProvider, database.collate);
    let found = false;
    this.scan('pg_collation', (row) => {
      if (row.oid('oid') === oid) found = isC(row.char('collprovider'), this.snapshot.major >= 15 ? (row.text('collcollate') ?? '') : row.name('collcollate'));
    });
    return found;
  }

  /** pg_collation.collisdeterministic: equal text has equal bytes. A database's own collation always is. */
  isDeterministicCollation(oid: number): boolean {
    const DEFAULT_COLLATION = 100;
    let found = oid === 0 || oid === DEFAULT_COLLATION;
    if (!found) {
      this.scan('pg_collation', (row) => {
        if (row.oid('oid') === oid) found = row.bool('collisdeterministic');
      });
    }
    return found;
  }

  schemaOf(relation: Relation): string {
    return this.namespaces.get(relation.namespaceOid) ?? `oid:${relation.namespaceOid}`;
  }
}

function oidKey(oid: number): Uint8Array {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, oid, true);
  return key;
}

/** What DROP DATABASE writes before it removes the files (catalog/pg_database.h; minor releases of August 2023 and later). */
const DATCONNLIMIT_INVALID_DB = -2;

/** Every database of the cluster as of the moment: pg_database is shared, so that any database's folder names it. */
export function readDatabases(snapshot: Snapshot): Database[] {
  const databases: Database[] = [];
  const catalog = new Catalog(snapshot, anyDatabase(snapshot));
  catalog.scan('pg_database', (row) => {
    databases.push({
      oid: row.oid('oid'), name: row.name('datname'), spcOid: row.oid('dattablespace'), encoding: row.int4('encoding'),
      isTemplate: row.bool('datistemplate'), allowsConnections: row.bool('datallowconn'),
      isInvalid: row.int4('datconnlimit') === DATCONNLIMIT_INVALID_DB,
      localeProvider: row.has('datlocprovider') ? row.char('datlocprovider') : 'c',
      collate: snapshot.major >= 15 ? (row.text('datcollate') ?? '') : row.name('datcollate'),
    });
  });
  return databases.sort((a, b) => a.oid - b.oid);
}

/** template1 has OID 1 in every cluster; where somebody dropped it, template0 or postgres serve (their OIDs differ by major). */
function anyDatabase(snapshot: Snapshot): Pick<Database, 'oid' | 'spcOid' | 'encoding'> {
  const DEFAULT_TABLESPACE = 1663;
  // names in shared catalogs are in the encoding of whoever wrote them; most are ASCII
  for (const oid of snapshot.candidateDatabases()) if (snapshot.relMap(DEFAULT_TABLESPACE, oid)) return { oid, spcOid: DEFAULT_TABLESPACE, encoding: PG_UTF8 };
  throw inputError('catalog.no_database', 'the base backup holds no database to read pg_database from', {}, 'check the backup with walscope doctor');
}
