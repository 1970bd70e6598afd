/** The last writer of each row. */
import type { XactRow } from '../layerfile/deltaLayer.js';
import type { Table } from '../catalog/table.js';
import { sameRelation } from '../pg/relFileLocator.js';
import { formatLsn } from '../util/lsn.js';
import { formatTimestamptz } from '../util/pgTime.js';
import { qualifiedName } from '../util/quote.js';
import { asof, chooseColumns, columnOf, type Asof, type AsofColumn } from './asof.js';
import { coverageOf, databaseByOid } from './databaseAt.js';
import { rewrittenRelations } from './ddl.js';
import { primaryKeyColumns } from './primaryKey.js';
import type { ScanSource } from './scanSource.js';
import type { DatabaseAt, Findings } from './session.js';
import { SYSTEM_COLUMNS } from './systemColumns.js';
import { readChange, visitRows } from './transactionRows.js';

export interface Blame {
  columns: AsofColumn[];
  notices: string[];
  rows(emit: (values: (string | null)[]) => boolean | void): void;
}

const WRITER_COLUMNS: AsofColumn[] = [{ name: 'written', typeName: 'timestamptz' }, { name: 'xid', typeName: 'xid' }, { name: 'lsn', typeName: 'pg_lsn' }];
const XMIN = SYSTEM_COLUMNS.findIndex((column) => column.name === 'xmin');

export interface BlameOptions {
  where?: string;
  /** Of the table's columns these. */
  columns?: readonly string[];
}

/** Finds the end of a transaction among those up to the moment, by its xid; null: before the archive. Each is looked up once. */
export function writerLookup(database: DatabaseAt): (xid: number) => XactRow | null {
  const { session, moment } = database;
  const range = coverageOf(session, moment.lsn)!;
  const writers = new Map<number, XactRow | null>();
  return (xid) => {
    let row = writers.get(xid);
    if (row === undefined) writers.set(xid, (row = session.store.transactions.findEnd(xid, range.run.startLsn, moment.lsn) ?? null));
    return row;
  };
}

/**
 * Every visible row with the transaction that wrote this version of it; time and LSN are NULL where that was before the archive. Rows that
 * an ALTER TABLE copied keep the writer that they had, found by their primary key; without one they are the ALTER's.
 */
export async function blame(database: DatabaseAt, source: ScanSource, { where, columns }: BlameOptions, findings: Findings): Promise<Blame> {
  const chosen = chooseColumns(source.table, columns?.map((name) => database.typed(name)));
  const isOne = source.parts.length === 1 && source.parts[0]!.table === source.table;
  const answers = await Promise.all(source.parts.map((part) => asof(database, { ...source, parts: [part], missing: [] }, { where, system: true }, findings)));
  for (const finding of source.missing) findings.add(finding);
  return {
    columns: [...WRITER_COLUMNS, ...(isOne ? [] : [{ name: 'tableoid', typeName: 'regclass' }]), ...chosen.map((i) => columnOf(database, source.table, i))],
    notices: [...new Set(answers.flatMap((answer) => answer.notices))],
    rows: (emit) => {
      let goesOn = true;
      for (const [p, { table }] of source.parts.entries()) {
        if (goesOn) blamePart(database, table, answers[p]!, findings, (writer, values) => (goesOn = emit([...writer, ...(isOne ? [] : [qualifiedName(table.schema, table.relation.name)]), ...chosen.map((i) => values[i]!)]) !== false));
      }
    },
  };
}

/** The rows of one table with their writers. */
function blamePart(database: DatabaseAt, table: Table, answer: Asof, findings: Findings, emit: (writer: (string | null)[], values: (string | null)[]) => boolean): void {
  const xmin = answer.columns.findIndex((column) => column.name === 'xmin');
  const own = xmin - XMIN + SYSTEM_COLUMNS.length;
  const writers = new Writers(database, table.relation.oid, findings);
  const key = writers.key.map((name) => answer.columns.findIndex((column, i) => i >= own && column.name === name));
  answer.rows((values) => {
    const { xid, row } = writers.writer(Number(values[xmin]), () => key.map((i) => values[i]!));
    return emit([row && formatTimestamptz(row.time, database.session.zone), String(row?.xid ?? xid), row && formatLsn(row.lsn)], values.slice(own));
  });
}

/** What a rewrite found: rows by key with their xmin, and the keys that its transaction changed itself. */
interface Rewrite {
  before: Map<string, number>;
  own: Set<string>;
}

class Writers {
  readonly key: string[];
  private readonly endOf: (xid: number) => XactRow | null;
  private readonly rewrites = new Map<number, Rewrite | undefined>();

  constructor(private readonly database: DatabaseAt, private readonly oid: number, private readonly findings: Findings) {
    this.key = primaryKeyColumns(database, oid) ?? [];
    this.endOf = writerLookup(database);
  }

  writer(xid: number, key: () => string[]): { xid: number; row: XactRow | null } {
    for (;;) {
      const row = this.endOf(xid);
      const rewrite = row && this.key.length > 0 ? this.rewriteBy(row) : undefined;
      const text = rewrite && JSON.stringify(key());
      const before = rewrite && !rewrite.own.has(text!) ? rewrite.before.get(text!) : undefined;
      if (before === undefined || before === xid) return { xid, row };
      xid = before;
    }
  }

  /** Set where the transaction copied the table's rows into a new file. */
  private rewriteBy(row: XactRow): Rewrite | undefined {
    if (!this.rewrites.has(row.xid)) this.rewrites.set(row.xid, this.readRewrite(row));
    return this.rewrites.get(row.xid);
  }

  private readRewrite(row: XactRow): Rewrite | undefined {
    const { session, database } = this.database;
    if (row.lsn < coverageOf(session, this.database.moment.lsn)!.firstLsn) return undefined;
    const [before, after] = [databaseByOid(session, database.oid, row.lsn, null), databaseByOid(session, database.oid, row.endLsn, row.time)];
    const [was, is] = [before, after].map((side) => side?.catalog.relations.get(this.oid));
    if (!before || was?.persistence !== 'p' || !is || sameRelation(was.locator, is.locator) || !rewrittenRelations(before, new Set([row.xid, ...row.subxids])).has(this.oid)) return undefined;
    const table = before.open(was);
    const places = this.key.map((name) => table.columns.findIndex((c) => c.column.name === name));
    if (places.includes(-1)) return undefined;
    const rewrite: Rewrite = { before: new Map(), own: new Set() };
    table.scan((view) => void rewrite.before.set(JSON.stringify(places.map((i) => view.value(i))), view.xmin), this.findings.add);
    visitRows(session, row, { before, after }, this.findings, {
      change: (change, file) => {
        if (file.shape.oid !== this.oid || !change.after) return;
        const values = readChange(file, change, row.lsn)?.after;
        if (values) rewrite.own.add(JSON.stringify(this.key.map((name) => values[file.shape.columns.findIndex((c) => c.name === name)])));
      },
    });
    return rewrite;
  }
}
