/** Virtual generated columns (PG 18), which are stored nowhere: computed from the row by the expression of then. */
import { deparseText } from '../catalog/deparse.js';
import type { Table } from '../catalog/table.js';
import { WalscopeError } from '../util/errors.js';
import { defaultTrees } from './schema.js';
import type { DatabaseAt } from './session.js';
import { tableColumns } from './tableWhere.js';
import { compileExpression, type CompiledExpression } from './where/index.js';

export interface VirtualColumns {
  /** The value of a column in `places`, from the row's other values. */
  value(place: number, stored: (place: number) => string | null): string | null;
  /** Places of columns that are computed. */
  places: ReadonlySet<number>;
  notices: readonly string[];
}

const NONE: VirtualColumns = { value: () => null, places: new Set(), notices: [] };

/**
 * Compiles the expressions of a table's virtual columns; one that cannot be computed here is told by a notice, and reads as NULL. A query
 * of a parent computes its own expression over the rows of all children (expand_virtual_generated_columns(), rewrite/rewriteHandler.c).
 */
export async function virtualColumns(database: DatabaseAt, table: Table): Promise<VirtualColumns> {
  const wanted = table.columns.flatMap(({ column }, place) => (column.generated === 'v' ? [{ column, place }] : []));
  if (wanted.length === 0) return NONE;
  const trees = defaultTrees(database, table.relation.oid);
  const compiled = new Map<number, CompiledExpression>();
  const notices: string[] = [];
  for (const { column, place } of wanted) {
    const deparsed = deparseText(database, trees.get(column.attnum) ?? '', { relOid: table.relation.oid });
    const refuse = (why: string): void => void notices.push(`${column.name}: computed when read (GENERATED … VIRTUAL), stored nowhere, and not computed here (${why}): shown as NULL`);
    if (deparsed.sql === undefined) {
      refuse(deparsed.unknown);
      continue;
    }
    try {
      const text = `(${deparsed.sql})::${database.types.formatType(column.typeOid, column.typmod)}`;
      const expression = await compileExpression(text, tableColumns(database, table), { zone: database.session.zone, tableName: table.relation.name, schemaName: table.schema });
      if (expression.notices.length > 0) refuse(expression.notices[0]!);
      else compiled.set(place, expression);
    } catch (error) {
      if (!(error instanceof WalscopeError)) throw error;
      refuse(error.message.split('\n')[0]!);
    }
  }
  const view = new Array<string | null>(table.columns.length).fill(null);
  return {
    places: new Set(compiled.keys()), notices,
    value: (place, stored) => {
      const expression = compiled.get(place)!;
      for (const i of expression.columnsUsed) view[i] = stored(i);
      return expression.value(view);
    },
  };
}
