/** One question's context: an opened case, a moment, a database, and the tables in it. Commands and the TUI both start here. */
import { Catalog, readDatabases, type Database } from '../catalog/catalog.js';
import { PG_CLASS } from '../catalog/catalogOids.js';
import { FIRST_NORMAL_OID, hasHeapStorage, type Relation } from '../catalog/relation.js';
import { Table, type RowView } from '../catalog/table.js';
import { TypeCatalog } from '../catalog/typeCatalog.js';
import { ForkNumber, type RelFork } from '../pg/relFileLocator.js';
import { textDecoding, typedText, type TextDecoding } from '../rows/types/encoding.js';
import { TypeOutputs } from '../rows/types/typeOutputs.js';
import type { StoredOutput, TypeInfo } from '../rows/types/typeInfo.js';
import type { CaseStore } from '../store/caseStore.js';
import type { Snapshot } from '../store/snapshot.js';
import { endsTransaction } from '../store/transactionLog.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import type { Finding } from '../util/finding.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import { formatTimestamptz } from '../util/pgTime.js';
import { qualifiedName, quoteIdentifier } from '../util/quote.js';
import { UTC, type TimeZone } from '../util/timeZone.js';
import { resolveMoment, type Moment } from './moment.js';
import { describeKind } from './describeKind.js';
import { formerColumns } from './droppedColumns.js';
import { findRelation, parseTableName, schemasWith, type TableName } from './tableName.js';

export class Session {
  private readonly databases = new Map<Lsn, DatabaseAt[]>();
  /** What the user should know of answers, beside what each of them says. */
  readonly notices = new Set<string>();
  /** Computes virtual columns; set by prepareVirtualColumns(), since what computes them is much to load. */
  virtual: ((database: DatabaseAt, table: Table) => (place: number, row: RowView) => string | null) | undefined;

  constructor(readonly store: CaseStore, readonly zone: TimeZone = UTC) {}

  moment(text: string): Moment {
    return resolveMoment(this.store, text, this.zone);
  }

  snapshot(moment: Moment): Snapshot {
    return this.store.snapshot(moment.lsn);
  }

  /** Every database at the moment, templates included. */
  databasesAt(moment: Moment): DatabaseAt[] {
    let list = this.databases.get(moment.lsn);
    if (!list) {
      const snapshot = this.snapshot(moment);
      list = readDatabases(snapshot).map((database) => new DatabaseAt(this, moment, snapshot, database));
      if (this.databases.size >= 8) this.databases.delete(this.databases.keys().next().value!);
      this.databases.set(moment.lsn, list);
    }
    return list;
  }

  /** Those among which -d chooses. */
  databasesWithTables(moment: Moment): DatabaseAt[] {
    return this.databasesAt(moment).filter((d) => !d.database.isTemplate && d.hasUserTables());
  }

  /** The database asked for; without a name the only one that is no template and holds user tables. */
  database(moment: Moment, name?: string): DatabaseAt {
    const list = this.databasesAt(moment);
    if (name !== undefined) {
      const found = list.find((d) => d.database.name === name);
      if (found) return found;
      throw new WalscopeError('database.unknown', `database "${name}" does not exist at this moment`, {
        exitCode: ExitCode.usage, hint: `there are: ${list.map((d) => d.database.name).join(', ')}`,
      });
    }
    const candidates = this.databasesWithTables(moment);
    if (candidates.length === 1) return candidates[0]!;
    if (candidates.length === 0) {
      const postgres = list.find((d) => d.database.name === 'postgres') ?? list.find((d) => !d.database.isTemplate);
      if (postgres) return postgres;
    }
    throw new WalscopeError('database.ambiguous', 'several databases hold user tables', {
      exitCode: ExitCode.usage, hint: `choose one with -d: ${candidates.map((d) => d.database.name).join(', ')}`,
    });
  }
}

/** A database as of a moment. */
export class DatabaseAt {
  readonly catalog: Catalog;
  readonly types: TypeCatalog;
  private readonly outputs: TypeOutputs;
  /** Types that were printed as bytes because no output function is known. */
  readonly unknownTypes = new Map<number, TypeInfo>();

  constructor(readonly session: Session, readonly moment: Moment, readonly snapshot: Snapshot, readonly database: Database) {
    this.catalog = new Catalog(snapshot, database);
    this.types = new TypeCatalog(this.catalog);
    this.outputs = new TypeOutputs({
      lookup: this.types, major: snapshot.major, timeZone: session.zone, encoding: this.encoding,
      detoast: this.catalog.detoast, unknownType: (type) => this.unknownTypes.set(type.oid, type),
    });
  }

  /** The catalog has refused encodings that do not exist. */
  get encoding(): TextDecoding {
    return textDecoding(this.database.encoding)!;
  }

  /** What somebody typed, in the form in which values and names of this database are held. */
  typed(text: string): string {
    return typedText(this.encoding, text);
  }

  private readonly readOnce = new Map<unknown, unknown>();

  /** What a function reads from the catalogs of the moment, read once. */
  once<T>(read: (database: DatabaseAt) => T): T {
    if (!this.readOnce.has(read)) this.readOnce.set(read, read(this));
    return this.readOnce.get(read) as T;
  }

  /** How values of a type print. */
  printer(typeOid: number): StoredOutput {
    return this.outputs.ofType(typeOid);
  }

  isCCollation(oid: number): boolean {
    return this.catalog.isCCollation(oid, this.database);
  }

  hasUserTables(): boolean {
    if (!this.snapshot.relMap(this.database.spcOid, this.database.oid)) return false;
    for (const relation of this.catalog.relations.values()) {
      if (relation.oid >= FIRST_NORMAL_OID && 'rpm'.includes(relation.kind) && !isSystemSchema(this.catalog.schemaOf(relation))) return true;
    }
    return false;
  }

  /** Finds a relation by what the user wrote; a name that is not there now but was or will be says when. */
  relation(text: string): Relation {
    const name = parseTableName(this.typed(text));
    const relation = findRelation(this.catalog, name);
    if (relation) return relation;
    throw this.missing(text, name);
  }

  private missing(text: string, name: TableName): WalscopeError {
    const elsewhere = name.kind === 'name' && name.schema === undefined ? schemasWith(this.catalog, name.name) : [];
    const hint = elsewhere.length > 0
      ? `did you mean ${elsewhere.map((schema) => qualifiedName(schema, (name as { name: string }).name)).join(' or ')}?`
      : (this.existedWhen(name) ?? 'list what there is with walscope tables');
    return new WalscopeError('table.unknown', `relation "${text}" does not exist at this moment in database "${this.database.name}"`, { exitCode: ExitCode.usage, hint });
  }

  /** Looks for the name just before and after each transaction that changed pg_class. */
  private existedWhen(name: TableName): string | undefined {
    const { store, zone } = this.session;
    const range = store.coverage.find((c) => this.moment.lsn >= c.firstLsn && this.moment.lsn <= c.lastLsn);
    if (!range) return undefined;
    const file = this.catalog.relations.get(PG_CLASS)!.locator;
    const changed: Lsn[] = [];
    store.pages.changes({ ...file, fork: ForkNumber.main }, 0, 0x1_0000_0000, range.firstLsn, range.lastLsn, (_, lsn) => changed.push(lsn));
    changed.sort((a, b) => a - b);
    let last: { from: Lsn; to: Lsn | undefined; before: Lsn } | undefined;
    let next = 0;
    let exists = false;
    const check = (lsn: Lsn, before: Lsn): void => {
      const catalog = new Catalog(store.snapshot(lsn), this.database);
      const now = store.snapshot(lsn).relMap(this.database.spcOid, this.database.oid) !== null && findRelation(catalog, name) !== undefined;
      if (now && !exists) last = { from: lsn, to: undefined, before };
      if (!now && exists && last) last = { ...last, to: lsn, before };
      exists = now;
    };
    check(range.firstLsn, range.firstLsn);
    for (const row of store.transactions.rows(range.firstLsn, range.lastLsn)) {
      if (!endsTransaction(row)) continue;
      if (next >= changed.length || changed[next]! > row.lsn) continue;
      while (next < changed.length && changed[next]! < row.lsn) next++;
      check(row.endLsn, row.lsn);
    }
    if (!last) return undefined;
    const when = (lsn: Lsn): string => {
      const moment = resolveMoment(store, formatLsn(lsn), zone);
      return moment.time === null ? formatLsn(lsn) : `${formatTimestamptz(moment.time, zone)} (LSN ${formatLsn(lsn)})`;
    };
    return last.to === undefined ? `it exists from ${when(last.from)} on` : `it existed from ${when(last.from)} until ${when(last.to)}: ask --at ${formatLsn(last.before)}, just before`;
  }

  /** Opens a relation that has rows of its own; anything else is refused by what it is. */
  table(text: string, options: { withDropped?: boolean } = {}): Table {
    return this.open(this.relation(text), options);
  }

  open(relation: Relation, options: { withDropped?: boolean } = {}): Table {
    const name = qualifiedName(this.catalog.schemaOf(relation), relation.name);
    if (!hasHeapStorage(relation)) {
      throw new WalscopeError('table.kind', describeKind(this, relation), { exitCode: ExitCode.usage, hint: `see walscope schema ${name}` });
    }
    this.refuseUnlogged(relation);
    if (this.isLeftOut(relation)) throw this.untracked(relation);
    this.snapshot.requireFork({ ...relation.locator, fork: ForkNumber.main });
    return this.describe(relation, options);
  }

  /** Refuses a relation whose contents are in no WAL, unlogged or temporary. */
  refuseUnlogged(relation: Relation): void {
    const name = qualifiedName(this.catalog.schemaOf(relation), relation.name);
    if (relation.persistence === 'u') {
      throw new WalscopeError('table.unlogged', `${name} is unlogged: its contents are not in the WAL`, { exitCode: ExitCode.partial, hint: 'only its definition can be shown, with walscope schema' });
    }
    if (relation.persistence === 't') {
      throw new WalscopeError('table.temporary', `${name} is temporary: its contents were never written to the WAL`, { exitCode: ExitCode.partial, hint: 'it cannot be recovered' });
    }
  }

  /** Whether the index is one of other tables only. */
  isLeftOut(relation: Relation): boolean {
    return this.session.store.pages.isLeftOut({ ...relation.locator, fork: ForkNumber.main });
  }

  /** What to say of a table that is left out. */
  untracked(relation: Relation): WalscopeError {
    const schema = this.catalog.schemaOf(relation);
    return new WalscopeError('table.untracked', `${qualifiedName(schema, relation.name)} is not in this index, which holds only ${this.session.store.manifest.only?.join(', ') ?? 'some tables'}`, {
      exitCode: ExitCode.outsideCoverage, hint: `take it in with walscope track ${[this.database.name, schema, relation.name].map((part) => quoteIdentifier(part)).join('.')}`,
    });
  }

  /** The relations that the index holds; the others are named in a finding each. */
  held(relations: readonly Relation[], findings: Findings): Relation[] {
    return relations.filter((relation) => {
      const isLeftOut = this.isLeftOut(relation);
      if (isLeftOut) findings.add(this.untracked(relation));
      return !isLeftOut;
    });
  }

  /** A relation's columns, whether or not it has rows. */
  describe(relation: Relation, options: { withDropped?: boolean } = {}): Table {
    return new Table(this.catalog, relation, this.outputs, {
      ...(this.session.virtual ? { virtual: (table) => this.session.virtual!(this, table) } : {}), ...(options.withDropped ? { dropped: formerColumns(this, relation) } : {}),
    });
  }

  /** Size of a relation's main fork in blocks; undefined where it has no file. */
  blocks(relation: Relation): number | undefined {
    if (relation.locator.relNumber === 0) return undefined;
    const fork: RelFork = { ...relation.locator, fork: ForkNumber.main };
    return this.snapshot.blocks(fork);
  }
}

export function isSystemSchema(schema: string): boolean {
  return schema === 'pg_catalog' || schema === 'information_schema' || schema.startsWith('pg_toast') || schema.startsWith('pg_temp');
}

/** Collects what could not be read, so that an answer in part says which part is missing. */
export class Findings {
  readonly list: Finding[] = [];
  readonly add = (finding: Finding): void => {
    this.list.push(finding);
  };
}
