/** Conditions over a table's columns as of a moment. */
import type { Table } from '../catalog/table.js';
import { isOrderedAsUnicode } from '../rows/types/encoding.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { baseTypeName } from './baseType.js';
import type { DatabaseAt } from './session.js';
import { compileWhere, type CompiledWhere, type WhereColumn } from './where/index.js';

/** The columns as expressions see them. */
export function tableColumns(database: DatabaseAt, table: Table): WhereColumn[] {
  return table.columns.map(({ column }) => {
    const type = database.types.type(column.typeOid);
    return {
      name: column.name, typeName: baseTypeName(database, column.typeOid), enumLabels: type?.typtype === 'e' ? database.types.enumLabels(type.oid) : undefined,
      // where text is ordered by bytes, an index on it can be searched by range
      collation: column.collationOid !== 0 && database.isCCollation(column.collationOid) && isOrderedAsUnicode(database.encoding) ? 'C' : undefined,
    };
  });
}

/** Compiles a condition against the table's columns as of then; `computed`: places of virtual columns whose values are at hand. */
export async function compileTableWhere(database: DatabaseAt, table: Table, text: string, computed: ReadonlySet<number> = new Set()): Promise<CompiledWhere> {
  const where = await compileWhere(database.typed(text), tableColumns(database, table), { zone: database.session.zone, tableName: table.relation.name, schemaName: table.schema });
  const missing = where.columnsUsed.find((i) => table.columns[i]!.column.generated === 'v' && !computed.has(i));
  if (missing !== undefined) {
    throw new WalscopeError('where.virtual', `${table.columns[missing]!.column.name} is computed when it is read: its values are stored nowhere`, { exitCode: ExitCode.usage, hint: 'write its expression instead (walscope schema shows it)' });
  }
  return where;
}
