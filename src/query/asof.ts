/** Rows of a relation as of a moment. */
import type { RowView, Table } from '../catalog/table.js';
import type { TupleState } from '../rows/visibility.js';
import type { ByteSink, FieldForm } from '../util/byteSink.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import type { Finding } from '../util/finding.js';
import type { Findings, DatabaseAt } from './session.js';
import { baseTypeName } from './baseType.js';
import { indexForConditions, keyScan, type RowSource } from './indexScan.js';
import { ownRows, type ScanSource, type SourcePart } from './scanSource.js';
import { STATE_COLUMN, SYSTEM_COLUMNS, SystemColumns } from './systemColumns.js';
import { compileTableWhere } from './tableWhere.js';
import { virtualColumns, type VirtualColumns } from './virtualColumns.js';
import type { CompiledWhere } from './where/index.js';

type DeadState = Exclude<TupleState, 'live'>;

export interface AsofOptions {
  where?: string;
  /** Values of the primary key's columns, in its order. */
  key?: string[];
  columns?: string[];
  limit?: number;
  /** Adds ctid, xmin, xmax and the times at which they committed. */
  system?: boolean;
  /** Instead of the rows: the versions that the moment does not see any more, or never saw, with what became of each. */
  deleted?: boolean;
}

export interface AsofColumn {
  name: string;
  typeName: string;
  /** What fills the column when a row is inserted: its identity sequence, its generation expression; undefined: the row. */
  filledBy?: 'identity' | 'expression';
}

export interface Asof {
  columns: AsofColumn[];
  /** What the user should know of the answer. */
  notices: string[];
  /** How the rows are found, in words: for --explain. */
  plan: string;
  /** Calls `emit` with each row's values in PostgreSQL's output form. */
  rows(emit: (values: (string | null)[]) => boolean | void): void;
  /** As rows(), each row printed into the sink as fields of a text format; `done` follows each and may take the bytes away. */
  rowsInto(sink: ByteSink, form: FieldForm, done: () => boolean | void): void;
}

/** Prepares the question; the work is done by `rows`. A table alone stands for its own rows. */
export async function asof(database: DatabaseAt, from: Table | ScanSource, options: AsofOptions, findings: Findings): Promise<Asof> {
  const source = 'parts' in from ? from : ownRows(from);
  const { table, parts } = source;
  const chosen = chooseColumns(table, options.columns?.map((name) => database.typed(name)));
  const virtual = await virtualColumns(database, table);
  const where = options.where === undefined ? undefined : await compileTableWhere(database, table, options.where, virtual.places);
  for (const finding of source.missing) findings.add(finding);
  if (options.deleted && options.key) throw new WalscopeError('usage.deleted', 'dead row versions cannot be found by --key', { exitCode: ExitCode.usage, hint: 'use --where, which looks at all of them' });
  const scans = await Promise.all(parts.map((part) => scanOf(database, source, part, where, options)));
  const lead = leadColumns(database, source, options);
  const { outputCharset } = database.encoding;
  /** Gives `each` the rows that meet the condition, up to the limit. */
  const select = (each: (row: RowView, part: OpenPart, state?: DeadState) => boolean | void): void => {
    let left = options.limit ?? Infinity;
    const view = where ? new Array<string | null>(table.columns.length).fill(null) : [];
    for (const [p, source] of parts.entries()) {
      if (left <= 0) return;
      const places = source.places ?? table.columns.map((_, i) => i);
      const part: OpenPart = { source, places, value: readableValue(source.table, places, virtual, findings.add) };
      scans[p]!.scan((row, state) => {
        if (where) {
          for (const i of where.columnsUsed) view[i] = part.value(row, i);
          if (!where.test(view)) return true;
        }
        if (each(row, part, state) === false) left = 0;
        return --left > 0;
      }, findings.add);
    }
  };
  const valuesOf = (row: RowView, part: OpenPart, state: DeadState | undefined): (string | null)[] => {
    const values = lead.values(row, part.source, state);
    for (const i of chosen) values.push(part.value(row, i));
    return values;
  };
  return {
    columns: [...lead.columns, ...chosen.map((i) => columnOf(database, table, i))],
    notices: [...new Set([...source.notices, ...scans.flatMap((scan) => (scan.notice ? [scan.notice] : [])), ...(where?.notices ?? []), ...virtual.notices])],
    plan: scans.map((scan, i) => (scans.length > 1 ? `${parts[i]!.table.relation.name}: ${scan.plan}` : scan.plan)).join('\n'),
    rows: (emit) => select((row, part, state) => emit(valuesOf(row, part, state))),
    rowsInto: (sink, form, done) => select((row, part, state) => {
      const start = sink.length;
      if (virtual.places.size > 0) {
        textFields(valuesOf(row, part, state), sink, form, outputCharset);
        return done();
      }
      try {
        const led = lead.values(row, part.source, state);
        textFields(led, sink, form, outputCharset);
        for (let c = 0; c < chosen.length; c++) {
          if (c + led.length > 0) sink.byte(form.delimiter);
          const place = part.places[chosen[c]!]!;
          if (place < 0) sink.copy(form.nullText, 0, form.nullText.length);
          else row.fieldInto(place, sink, form);
        }
      } catch (error) {
        if (!(error instanceof WalscopeError)) throw error;
        // value by value, so that the rest of the row is given and the finding names its place
        sink.length = start;
        textFields(valuesOf(row, part, state), sink, form, outputCharset);
      }
      return done();
    }),
  };
}

function textFields(values: readonly (string | null)[], sink: ByteSink, form: FieldForm, charset: 'utf8' | 'latin1'): void {
  values.forEach((value, i) => {
    if (i > 0) sink.byte(form.delimiter);
    const from = sink.length;
    if (value === null) sink.copy(form.nullText, 0, form.nullText.length);
    else {
      sink.text(value, charset);
      form.escape(sink, from);
    }
  });
}

/** A part under the reader's hands. */
interface OpenPart {
  source: SourcePart;
  places: readonly number[];
  /** Of a column of the source. */
  value: (row: RowView, i: number) => string | null;
}

/** The value of a column of a part, virtual ones computed; one that cannot be read is a finding, and NULL. */
export function readableValue(table: Table, places: readonly number[], virtual: VirtualColumns, finding: (finding: Finding) => void): (row: RowView, i: number) => string | null {
  // a partition may be younger than a dropped column of its parent
  const stored = (row: RowView, i: number): string | null => (places[i]! < 0 ? null : row.value(places[i]!));
  return (row, i) => {
    try {
      return virtual.places.has(i) ? virtual.value(i, (k) => stored(row, k), table.relation.oid) : stored(row, i);
    } catch (error) {
      if (!(error instanceof WalscopeError)) throw error;
      finding({ code: error.code, message: `${table.columns[places[i]!]!.column.name} of row ${row.ctid} of ${table.relation.name} cannot be read: ${error.message}` });
      return null;
    }
  };
}

/** How the rows of one part are found. */
async function scanOf(database: DatabaseAt, source: ScanSource, part: SourcePart, where: CompiledWhere | undefined, options: AsofOptions): Promise<RowSource> {
  if (options.key) return keyScan(database, source.table, part, options.key.map((value) => database.typed(value)));
  const { table } = part;
  const pages = `${database.blocks(table.relation) ?? 0} pages`;
  if (options.deleted) return { plan: `sequential scan of ${pages} for dead row versions`, scan: (emit, finding) => table.scanDead(emit, finding) };
  return (where && indexForConditions(database, part, where)) ?? { plan: `sequential scan of ${pages}`, scan: (emit, finding) => table.scan(emit, finding) };
}

/** The columns before the table's own. */
function leadColumns(database: DatabaseAt, source: ScanSource, options: AsofOptions): { columns: AsofColumn[]; values(row: RowView, part: SourcePart, state?: DeadState): (string | null)[] } {
  if (!options.system && !options.deleted) return { columns: [], values: () => [] };
  const system = new SystemColumns(database);
  const isParent = source.parts.length > 1 || source.parts[0]?.table !== source.table;
  return {
    columns: [...(isParent ? [{ name: 'tableoid', typeName: 'regclass' }] : []), ...(options.deleted ? [STATE_COLUMN] : []), ...SYSTEM_COLUMNS],
    values: (row, part, state) => [
      ...(isParent ? [database.types.regName('regclass', part.table.relation.oid) ?? String(part.table.relation.oid)] : []),
      ...(state ? system.deadValues(row, state) : system.values(row)),
    ],
  };
}

/** A column of a table as answers give it. */
export function columnOf(database: DatabaseAt, table: Table, i: number): AsofColumn {
  const { column } = table.columns[i]!;
  const filledBy = column.generated !== '' ? 'expression' : column.identity !== '' ? 'identity' : undefined;
  return { name: column.name, typeName: baseTypeName(database, column.typeOid), filledBy };
}

/** Places of columns by name, all without names; refuses a name that is none. */
export function chooseColumns(table: Table, names: string[] | undefined): number[] {
  if (!names) return table.columns.map((_, i) => i);
  return names.map((name) => {
    const i = table.columns.findIndex((c) => c.column.name === name);
    if (i >= 0) return i;
    throw new WalscopeError('column.unknown', `column "${name}" does not exist in ${table.relation.name} at this moment`, {
      exitCode: ExitCode.usage, hint: `there are: ${table.columns.map((c) => c.column.name).join(', ')}`,
    });
  });
}
