/** Conditions over a table's columns as of a moment. */
import type { Table } from '../catalog/table.js';
import { isOrderedAsUnicode } from '../rows/types/encoding.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { baseTypeName } from './baseType.js';
import { bytewiseKeyTypes } from './keyTypes.js';
import type { DatabaseAt } from './session.js';
import { compileWhere, type CompiledWhere, type WhereColumn } from './where/index.js';
import type { ValueOrder } from './where/sqlType.js';

/** The columns as expressions see them. */
export function tableColumns(database: DatabaseAt, table: Table): WhereColumn[] {
  return table.columns.map(({ column }) => ({
    name: column.name, typeName: baseTypeName(database, column.typeOid), enumLabels: enumLabelsOf(database, column.typeOid), order: () => orderOf(database, column.typeOid, column.collationOid),
    // where text is ordered by bytes, an index on it can be searched by range
    collation: column.collationOid !== 0 && database.isCCollation(column.collationOid) && isOrderedAsUnicode(database.encoding) ? 'C' : undefined,
  }));
}

/** How values of a type, or of the elements of an array of it, are compared, through domains; undefined where that is not known here. */
export function orderOf(database: DatabaseAt, oid: number, collationOid: number): ValueOrder | undefined {
  const type = database.types.type(oid);
  if (type?.typtype === 'd') return orderOf(database, type.typbasetype, collationOid);
  const own = type?.typoutput === 'array_out' ? type.typelem : oid;
  const order = bytewiseKeyTypes(database).of(own, collationOid);
  return order && /^reg[a-z]+out$/.test(database.types.type(own)!.typoutput) ? byPrintedName(database, own, order) : order;
}

/** Of a reg* type: a name as it is printed may not be read again (a function's without its arguments), so that it is compared as it is. */
function byPrintedName(database: DatabaseAt, typeOid: number, { parse }: ValueOrder): ValueOrder {
  const print = database.printer(typeOid);
  return {
    isOrdered: false,
    parse: (text) => {
      const oid = parse(text);
      return oid instanceof Uint8Array ? print(oid, 0, oid.length) : text;
    },
    compare: (a, b) => (a === b ? 0 : 1),
  };
}

/** The labels of an enum, or of the elements of an array of one, through domains; undefined for any other type. */
export function enumLabelsOf(database: DatabaseAt, oid: number): string[] | undefined {
  const type = database.types.type(oid);
  if (type?.typtype === 'e') return database.types.enumLabels(oid);
  if (type?.typtype === 'd') return enumLabelsOf(database, type.typbasetype);
  const element = type && type.typelem !== 0 ? database.types.type(type.typelem) : undefined;
  return element?.typtype === 'e' ? database.types.enumLabels(element.oid) : undefined;
}

/** Said where a server would take texts of other bytes for equal. */
export function bytesNotice(column: string): string {
  return `${column} is compared byte by byte, though its collation is not deterministic: a server may find other rows equal`;
}

/** Compiles a condition against the table's columns as of then; `computed`: places of virtual columns whose values are at hand. */
export async function compileTableWhere(database: DatabaseAt, table: Table, text: string, computed: ReadonlySet<number> = new Set()): Promise<CompiledWhere> {
  const where = await compileWhere(database.typed(text), tableColumns(database, table), { zone: database.session.zone, encoding: database.encoding, tableName: table.relation.name, schemaName: table.schema });
  const missing = where.columnsUsed.find((i) => table.columns[i]!.column.generated === 'v' && !computed.has(i));
  if (missing !== undefined) {
    throw new WalscopeError('where.virtual', `${table.columns[missing]!.column.name} is computed when it is read: its values are stored nowhere`, { exitCode: ExitCode.usage, hint: 'write its expression instead (walscope schema shows it)' });
  }
  const loose = where.columnsUsed.filter((i) => !database.catalog.isDeterministicCollation(table.columns[i]!.column.collationOid)).map((i) => bytesNotice(table.columns[i]!.column.name));
  return loose.length === 0 ? where : { ...where, notices: [...where.notices, ...loose] };
}
