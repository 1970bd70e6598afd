/** Rows of a table as of a moment. */
import type { RowView, Table } from '../catalog/table.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { formatTimestamptz } from '../util/pgTime.js';
import type { XactRow } from '../layerfile/deltaLayer.js';
import type { Findings, DatabaseAt } from './session.js';
import { indexForEqualities, keyScan, type RowSource } from './indexScan.js';
import { compileWhere, type CompiledWhere } from './where/index.js';

export interface AsofOptions {
  where?: string;
  /** Values of the primary key's columns, in its order. */
  key?: string[];
  columns?: string[];
  limit?: number;
  /** Adds ctid, xmin, xmax and the times at which they committed. */
  system?: boolean;
}

export interface AsofColumn {
  name: string;
  typeName: string;
}

export interface Asof {
  columns: AsofColumn[];
  /** What the user should know of the answer. */
  notices: string[];
  /** How the rows are found, in words: for --explain. */
  plan: string;
  /** Calls `emit` with each row's values in PostgreSQL's output form. */
  rows(emit: (values: (string | null)[]) => boolean | void): void;
}

const SYSTEM_COLUMNS: AsofColumn[] = [
  { name: 'ctid', typeName: 'tid' }, { name: 'xmin', typeName: 'xid' }, { name: 'xmin_time', typeName: 'timestamptz' },
  { name: 'xmax', typeName: 'xid' }, { name: 'xmax_time', typeName: 'timestamptz' },
];

/** Prepares the question; the work is done by `rows`. */
export async function asof(database: DatabaseAt, table: Table, options: AsofOptions, findings: Findings): Promise<Asof> {
  const chosen = chooseColumns(table, options.columns);
  const where = options.where === undefined ? undefined : await compileTableWhere(database, table, options.where);
  const system = options.system ? new SystemColumns(database) : undefined;
  const columns = [...(system ? SYSTEM_COLUMNS : []), ...chosen.map((i) => columnOf(database, table, i))];
  const source = options.key ? await keyScan(database, table, options.key) : where && indexFor(database, table, where);
  return {
    columns, notices: [...(source?.notice ? [source.notice] : []), ...(where?.notices ?? [])],
    plan: source ? source.plan : `sequential scan of ${database.blocks(table.relation) ?? 0} pages`,
    rows(emit) {
      let left = options.limit ?? Infinity;
      if (left <= 0) return;
      const view = where ? new Array<string | null>(table.columns.length).fill(null) : [];
      const one = (row: RowView): boolean => {
        if (where) {
          for (const i of where.columnsUsed) view[i] = row.value(i);
          if (!where.test(view)) return true;
        }
        const values = chosen.map((i) => row.value(i));
        if (emit(system ? [...system.values(row), ...values] : values) === false) return false;
        return --left > 0;
      };
      if (source) source.scan(one);
      else table.scan(one, findings.add);
    },
  };
}

/** An index whose leading columns the condition fixes, where there is one. */
function indexFor(database: DatabaseAt, table: Table, where: CompiledWhere): RowSource | undefined {
  if (where.equalities.size === 0) return undefined;
  return indexForEqualities(database, table, new Map([...where.equalities].map(([i, value]) => [table.columns[i]!.column.attnum, value])));
}

function columnOf(database: DatabaseAt, table: Table, i: number): AsofColumn {
  const { column } = table.columns[i]!;
  return { name: column.name, typeName: baseTypeName(database, column.typeOid) };
}

/** The name of the type, of a domain its base type's: what decides how values look. */
export function baseTypeName(database: DatabaseAt, oid: number): string {
  let type = database.types.type(oid);
  while (type && type.typtype === 'd') type = database.types.type(type.typbasetype);
  return type?.name ?? 'unknown';
}

function chooseColumns(table: Table, names: string[] | undefined): number[] {
  if (!names) return table.columns.map((_, i) => i);
  return names.map((name) => {
    const i = table.columns.findIndex((c) => c.column.name === name);
    if (i >= 0) return i;
    throw new WalscopeError('column.unknown', `column "${name}" does not exist in ${table.relation.name} at this moment`, {
      exitCode: ExitCode.usage, hint: `there are: ${table.columns.map((c) => c.column.name).join(', ')}`,
    });
  });
}

/** Compiles a condition against the table's columns as of then. */
export function compileTableWhere(database: DatabaseAt, table: Table, text: string): Promise<CompiledWhere> {
  return compileWhere(text, table.columns.map(({ column }) => {
    const typeName = baseTypeName(database, column.typeOid);
    const type = database.types.type(column.typeOid);
    return { name: column.name, typeName, enumLabels: type?.typtype === 'e' ? database.types.enumLabels(type.oid) : undefined };
  }), { zone: database.session.zone });
}

/** Who wrote a row version, and when that committed. */
class SystemColumns {
  private readonly times = new Map<number, string | null>();

  constructor(private readonly database: DatabaseAt) {}

  values(row: RowView): (string | null)[] {
    const { xmin, xmax } = row;
    return [row.ctid, String(xmin), this.time(xmin), String(xmax), xmax === 0 ? null : this.time(xmax)];
  }

  private time(xid: number): string | null {
    let time = this.times.get(xid);
    if (time === undefined) {
      const row = this.end(xid);
      time = row ? formatTimestamptz(row.time, this.database.session.zone) : null;
      this.times.set(xid, time);
    }
    return time;
  }

  private end(xid: number): XactRow | undefined {
    const { session, moment } = this.database;
    const range = session.store.coverage.find((c) => moment.lsn >= c.firstLsn && moment.lsn <= c.lastLsn);
    return range && session.store.transactions.findEnd(xid, range.run.startLsn, moment.lsn);
  }
}
