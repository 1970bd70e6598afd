/** Row versions by their place on a page, printed with the schema of a moment. */
import type { Table } from '../catalog/table.js';
import { SIZE_OF_HEAP_TUPLE_HEADER } from '../pg/heapTuple.js';
import { LP_NORMAL } from '../pg/page.js';
import { formatRelFork } from '../pg/relFileLocator.js';
import type { CaseStore } from '../store/caseStore.js';
import { WalscopeError } from '../util/errors.js';
import type { Finding } from '../util/finding.js';
import { formatLsn, type Lsn } from '../util/lsn.js';
import type { AsofColumn } from './asof.js';
import { baseTypeName } from './baseType.js';
import type { TuplePlace } from './heapChanges.js';
import { primaryKeyColumns } from './primaryKey.js';
import type { DatabaseAt } from './session.js';

export type RowValues = (string | null)[];

/** A table's columns over two moments: those of the later one, then those that are gone there. */
export interface TableShape {
  name: string;
  schema: string;
  oid: number;
  columns: AsofColumn[];
  /** Names of the primary key's columns; empty: there is none. */
  key: string[];
}

export function tableShape(before: { database: DatabaseAt; table: Table } | undefined, after: { database: DatabaseAt; table: Table } | undefined): TableShape {
  const columns: AsofColumn[] = [];
  for (const side of [after, before]) {
    for (const { column } of side?.table.columns ?? []) {
      if (!columns.some((c) => c.name === column.name)) columns.push({ name: column.name, typeName: baseTypeName(side!.database, column.typeOid) });
    }
  }
  const named = (after ?? before)!;
  return { name: named.table.relation.name, schema: named.table.schema, oid: named.table.relation.oid, columns, key: primaryKeyColumns(named.database, named.table.relation.oid) ?? [] };
}

/** Reads row versions of one table's file into the order of a shape's columns. */
export class RowImages {
  private readonly places: number[];
  private readonly row;

  constructor(private readonly store: CaseStore, readonly table: Table, columns: readonly AsofColumn[], private readonly finding: (finding: Finding) => void) {
    this.places = columns.map((column) => table.columns.findIndex((c) => c.column.name === column.name));
    this.row = table.newRow();
  }

  /**
   * The version at a place on the page as of `upTo`; undefined (with a finding) where it cannot be read, null where there is none:
   * a speculative insertion that was taken back.
   */
  read(place: TuplePlace, upTo: Lsn): RowValues | null | undefined {
    const { file } = this.table;
    const where = `${formatRelFork(file)} block ${place.block}`;
    const found = this.store.pages.getPage(file, place.block, upTo);
    if (!found || found.unknown) {
      this.finding({ code: 'page.unknown', message: `${where} cannot be read as of ${formatLsn(upTo)}: a row of ${this.table.relation.name} is missing`, place: { block: where } });
      return undefined;
    }
    const { page } = found;
    const isThere = place.offnum <= page.maxOffset && page.lpFlags(place.offnum) === LP_NORMAL && page.lpLen(place.offnum) >= SIZE_OF_HEAP_TUPLE_HEADER;
    if (!isThere) {
      this.finding({ code: 'row.gone', message: `line pointer ${place.offnum} of ${where} holds no row as of ${formatLsn(upTo)}: a row of ${this.table.relation.name} is missing`, place: { block: where } });
      return undefined;
    }
    const row = this.row.fill(page, place.block, place.offnum, page.itemAt(place.offnum), page.lpLen(place.offnum));
    if (row.xmin === 0) return null;
    this.table.catalog.toastUpTo = upTo;
    try {
      return this.places.map((i) => (i < 0 ? null : row.value(i)));
    } catch (error) {
      if (!(error instanceof WalscopeError)) throw error;
      this.finding({ code: error.code, message: `a row of ${this.table.relation.name} is missing: ${error.message}`, place: { block: where } });
      return undefined;
    }
  }
}
