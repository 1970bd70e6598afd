/** The log of transactions, newest first: when, who, which tables with how many rows, and what became of the schema. */
import { isCommit } from '../store/transactionLog.js';
import type { Relation } from '../catalog/relation.js';
import { shownText } from '../rows/types/encoding.js';
import { XactKind, type XactRow } from '../layerfile/deltaLayer.js';
import type { RelationChange } from '../pg/walScanChanges.js';
import type { Lsn } from '../util/lsn.js';
import { isSystemSchema, type DatabaseAt, type Findings, type Session } from './session.js';
import { withDescendants } from './children.js';
import { coveredParts, databaseByOid, type Span } from './databaseAt.js';
import { DDL_CATALOGS, ddlChanges, ddlText, rewrittenRelations, type DdlChange } from './ddl.js';
import { fileNames } from './fileNames.js';
import { parseTableName, type TableName } from './tableName.js';
import { countRows } from './transactionRows.js';
import { logEntries, type LogicalMessage } from './transactionScan.js';

/** Rows that a transaction changed in one table, under the table's name as of then. */
export interface TableCounts {
  /** Qualified and quoted as needed. */
  name: string;
  bareName: string;
  schema: string;
  oid: number;
  inserted: number;
  updated: number;
  deleted: number;
}

export interface TransactionEntry {
  kind: 'transaction';
  row: XactRow;
  committed: boolean;
  /** 0: it changed nothing in a database. */
  dbOid: number;
  database: string;
  tables: TableCounts[];
  ddl: DdlChange[];
  messages: LogicalMessage[];
  /** The database just before and just after, where the transaction changed its catalogs. */
  sides: { before: DatabaseAt | undefined; after: DatabaseAt | undefined } | undefined;
  /** A database whose catalogs name its tables; undefined where there is none. */
  namesAt: DatabaseAt | undefined;
}

export type LogEntry =
  | TransactionEntry
  | { kind: 'prepared'; row: XactRow }
  | { kind: 'restorePoint'; row: XactRow }
  | { kind: 'message'; message: LogicalMessage };

export interface LogOptions extends Span {
  table?: string;
  xid?: number;
  /** Aborted transactions too. */
  aborted?: boolean;
}

/** Entries newest first, given as they are found. */
export function* transactionLog(session: Session, options: LogOptions, findings: Findings): Generator<LogEntry> {
  const { table } = options;
  if (table !== undefined) parseTableName(table); // refuses what is no name
  const isOne = options.xid !== undefined || table !== undefined;
  const wanted = (row: XactRow): boolean =>
    (options.xid === undefined || row.xid === options.xid || row.subxids.includes(options.xid)) && (options.aborted === true || isCommit(row));
  for (const { since, until } of coveredParts(session, options, findings)) {
    const names = new NamesBackward(session, findings);
    for (const entry of logEntries(session.store, since.lsn, until.lsn, wanted)) {
      if (entry.kind !== 'transaction') {
        if (!isOne || (entry.kind === 'prepared' && entry.row.xid === options.xid)) yield entry;
        continue;
      }
      const described = names.describe(entry.row, entry.files, entry.messages);
      // each database holds names in its own encoding
      if (table === undefined || isAbout(described, entry.files, parseTableName(described.namesAt?.typed(table) ?? table))) yield described;
    }
  }
}

/** Whether a transaction changed a table's or its children's rows or definition, by the names that they had then; a file's number finds changes of rows alone. */
function isAbout({ tables, ddl, sides, namesAt }: TransactionEntry, files: readonly RelationChange[], name: TableName): boolean {
  if (name.kind === 'filenode') return files.some(({ relation }) => relation.relNumber === name.number);
  const isNamed = (oid: number, bareName: string, schema: string | undefined): boolean =>
    (name.kind === 'oid' ? oid === name.number : bareName === name.name && (name.schema === undefined || name.schema === schema));
  const schemaOf = ({ namespaceOid }: Relation): string | undefined => (sides?.before?.catalog ?? sides?.after?.catalog)?.namespaces.get(namespaceOid) ?? sides?.after?.catalog.namespaces.get(namespaceOid);
  const children = new Set([sides?.before, sides?.after ?? namesAt].flatMap((database) => (database ? database.once(families) : [])).flatMap(({ relation, schema, children }) => (isNamed(relation.oid, relation.name, schema) ? children : [])));
  return tables.some(({ oid, bareName, schema }) => children.has(oid) || isNamed(oid, bareName, schema))
    || ddl.some(({ relation }) => relation !== undefined && (children.has(relation.oid) || isNamed(relation.oid, relation.name, schemaOf(relation))));
}

/** Every parent with the OIDs of the tables that its name stands for. */
function families(database: DatabaseAt): { relation: Relation; schema: string; children: number[] }[] {
  return [...database.catalog.relations.values()].filter((relation) => relation.kind === 'p' || (relation.hasSubclass && relation.kind === 'r'))
    .map((relation) => ({ relation, schema: database.catalog.schemaOf(relation), children: withDescendants(database, relation).map(({ oid }) => oid) }));
}

/** What a transaction did to the schema, and its tables with their counts, for output in UTF-8. */
export function entryTexts({ ddl, tables, namesAt }: TransactionEntry): { ddl: string[]; tables: string[] } {
  const shown = (text: string): string => (namesAt ? shownText(namesAt.encoding, text) : text);
  return { ddl: ddl.map((change) => shown(ddlText(change))), tables: tables.map((table) => shown(countsText(table))) };
}

/** Gives files their tables' names while walking back in time: a catalog is read again only past a transaction that changed it. */
export class NamesBackward {
  /** By database: the catalogs as of a moment after which, up to where the walk has come, nothing changed them. */
  private readonly current = new Map<number, DatabaseAt>();

  /** `readRewrites`: tell rows that a rewrite copied from rows that its transaction inserted, which takes its records. */
  constructor(private readonly session: Session, private readonly findings: Findings, private readonly readRewrites = true) {}

  describe(row: XactRow, files: RelationChange[], messages: LogicalMessage[]): TransactionEntry {
    const dbOid = row.dbOid !== 0 ? row.dbOid : (files.find(({ relation }) => relation.dbOid !== 0)?.relation.dbOid ?? 0);
    const committed = isCommit(row);
    const entry: TransactionEntry = { kind: 'transaction', row, committed, dbOid, database: '', tables: [], ddl: [], messages, sides: undefined, namesAt: undefined };
    if (dbOid === 0) return entry;
    const after = this.after(dbOid, row);
    entry.database = after?.database.name ?? '';
    const catalogs = new Set<string>();
    const known = after && fileNames(after);
    let unknown = false;
    for (const { relation } of files) {
      const name = known?.get(relation.relNumber);
      if (!name) unknown = true;
      else if (name.schema === 'pg_catalog') catalogs.add(name.bareName);
    }
    const changesCatalogs = committed && ([...catalogs].some((name) => DDL_CATALOGS.has(name)) || !after);
    let before = after;
    if (changesCatalogs || unknown) {
      before = databaseByOid(this.session, dbOid, row.lsn, null);
      if (before) this.current.set(dbOid, before);
      else this.current.delete(dbOid);
      if (entry.database === '') entry.database = before?.database.name ?? `oid:${dbOid}`;
    }
    if (changesCatalogs) {
      entry.sides = { before, after };
      if (before && after) entry.ddl = ddlChanges({ before, after, xids: new Set([row.xid, ...row.subxids]), since: this.session.store.changes.firstPossibleLsn(row), catalogs });
    }
    entry.namesAt = before ?? after;
    entry.tables = this.tables(row, files, before, after);
    return entry;
  }

  private after(dbOid: number, row: XactRow): DatabaseAt | undefined {
    let database = this.current.get(dbOid);
    if (!database) {
      database = databaseByOid(this.session, dbOid, row.endLsn, row.time);
      if (database) this.current.set(dbOid, database);
    }
    return database;
  }

  private tables(row: XactRow, files: RelationChange[], before: DatabaseAt | undefined, after: DatabaseAt | undefined): TableCounts[] {
    const tables = new Map<number, TableCounts>();
    const was = before && fileNames(before), is = after && fileNames(after);
    let copied: ReadonlySet<number> | undefined;
    for (const { relation, inserted, updated, deleted } of files) {
      const name = is?.get(relation.relNumber) ?? was?.get(relation.relNumber);
      if (!name || isSystemSchema(name.schema) || !'rm'.includes(name.relation.kind)) continue;
      const { oid } = name.relation;
      const old = before?.catalog.relations.get(oid);
      if (before && old && old.locator.relNumber !== relation.relNumber) copied ??= rewrittenRelations(before, new Set([row.xid, ...row.subxids]));
      const sum = tables.get(oid);
      if (sum) {
        sum.inserted += inserted;
        sum.updated += updated;
        sum.deleted += deleted;
      } else {
        tables.set(oid, { name: name.name, bareName: name.bareName, schema: name.schema, oid, inserted, updated, deleted });
      }
    }
    if (this.readRewrites && copied && [...tables.keys()].some((oid) => copied.has(oid))) {
      // rows that a rewrite copies into its new file are no insertions, those that follow are: only the records tell
      const counts = countRows(this.session, row, { before, after }, this.findings);
      for (const [oid, table] of tables) Object.assign(table, counts.get(oid) ?? { inserted: 0, updated: 0, deleted: 0 });
    }
    return [...tables.values()].filter((t) => t.inserted + t.updated + t.deleted > 0).sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** `orders +3 ~2 -1` */
export function countsText(table: TableCounts): string {
  const parts = [table.inserted > 0 ? ` +${table.inserted}` : '', table.updated > 0 ? ` ~${table.updated}` : '', table.deleted > 0 ? ` -${table.deleted}` : ''];
  return `${table.name}${parts.join('')}`;
}

/** Where an entry stands and what it is called. */
export function headOf(entry: LogEntry): { time: number | null; xid: number | null; lsn: Lsn; event: string; detail: string } {
  if (entry.kind === 'message') return { time: null, xid: null, lsn: entry.message.lsn, event: 'message', detail: `${entry.message.prefix}: ${entry.message.text}` };
  const { row } = entry;
  const head = { time: row.time, xid: row.xid, lsn: row.lsn };
  if (entry.kind === 'restorePoint') return { ...head, xid: null, event: 'restore point', detail: row.name };
  if (entry.kind === 'prepared') return { ...head, event: 'prepare', detail: row.name };
  const subs = row.subxids.length > 0 ? [`${row.subxids.length} subtransaction${row.subxids.length > 1 ? 's' : ''}`] : [];
  const gid = row.kind === XactKind.commitPrepared || row.kind === XactKind.abortPrepared ? [`prepared as ${row.name}`] : [];
  return { ...head, event: entry.committed ? 'commit' : 'abort', detail: [...gid, ...subs, ...entry.messages.map((m) => `message ${m.prefix}: ${m.text}`)].join('; ') };
}
