/** Virtual generated columns (PG 18), which are stored nowhere: computed from the row by the expression of then. */
import { deparse } from '../catalog/deparse.js';
import { isNode, NodeTreeError, parseNodeTree, type TreeValue } from '../catalog/ruleutils/nodeTree.js';
import type { RowView, Table } from '../catalog/table.js';
import type { RegKind } from '../rows/types/typeInfo.js';
import { WalscopeError } from '../util/errors.js';
import { defaultTrees } from './schema.js';
import type { DatabaseAt, Session } from './session.js';
import { tableColumns } from './tableWhere.js';
import { compileExpression, isParserLoaded, loadParser, type CompiledExpression } from './where/index.js';

export interface VirtualColumns {
  /** The value of a column in `places`, from the row's other values; `tableOid` is that of the table that holds the row. */
  value(place: number, stored: (place: number) => string | null, tableOid: number): string | null;
  /** Places of columns that are computed. */
  places: ReadonlySet<number>;
  notices: readonly string[];
}

const NONE: VirtualColumns = { value: () => null, places: new Set(), notices: [] };
const OIDOID = '26';
/** Types that print the name of what an OID means. */
const REG_TYPES = /^reg(class|type|role|namespace|proc|procedure|oper|operator|collation|config|dictionary)$/;

function isVirtual(database: DatabaseAt): boolean {
  let found = false;
  database.catalog.scan('pg_attribute', (row) => {
    found ||= row.char('attgenerated') === 'v';
  });
  return found;
}

/** Makes virtual columns readable in every table that is opened from now on; the databases tell whether there are any. */
export async function prepareVirtualColumns(session: Session, ...databases: (DatabaseAt | undefined)[]): Promise<void> {
  session.virtual = virtualValue;
  if (databases.some((database) => database && database.snapshot.major >= 18 && database.once(isVirtual))) await loadParser();
}

/**
 * Compiles the expressions of a table's virtual columns; one that cannot be computed here is told by a notice, and reads as NULL. A query
 * of a parent computes its own expression over the rows of all children (expand_virtual_generated_columns(), rewrite/rewriteHandler.c).
 */
export async function virtualColumns(database: DatabaseAt, table: Table): Promise<VirtualColumns> {
  if (!table.columns.some(({ column }) => column.generated === 'v')) return NONE;
  await loadParser();
  return compileVirtual(database, table);
}

/** The value of a table's virtual column in one of its rows. What cannot be computed is told by a notice of the session. */
function virtualValue(database: DatabaseAt, table: Table): (place: number, row: RowView) => string | null {
  let compiled: VirtualColumns | undefined;
  return (place, row) => {
    if (!compiled) {
      compiled = compileVirtual(database, table);
      for (const text of compiled.notices) database.session.notices.add(text);
    }
    return compiled.places.has(place) ? compiled.value(place, (i) => row.value(i), table.relation.oid) : null;
  };
}

function compileVirtual(database: DatabaseAt, table: Table): VirtualColumns {
  const wanted = table.columns.flatMap(({ column }, place) => (column.generated === 'v' ? [{ column, place }] : []));
  const trees = defaultTrees(database, table.relation.oid);
  const compiled = new Map<number, { expression: CompiledExpression; regKind: RegKind | undefined }>();
  const notices: string[] = [];
  // the OID of the row's own table stands behind its columns
  const tableOidPlace = table.columns.length;
  const columns = [...tableColumns(database, table), { name: 'tableoid', typeName: 'oid' }];
  for (const { column, place } of wanted) {
    const refuse = (why: string): void => void notices.push(`${column.name}: computed when read (GENERATED … VIRTUAL), stored nowhere, and not computed here (${why}): shown as NULL`);
    const typeName = database.types.type(column.typeOid)?.name ?? '';
    const regKind = REG_TYPES.test(typeName) ? (typeName as RegKind) : undefined;
    const deparsed = withoutNames(trees.get(column.attnum) ?? '', (tree) => deparse(database, tree, { relOid: table.relation.oid }));
    if (deparsed.sql === undefined || !isParserLoaded()) {
      refuse(deparsed.sql === undefined ? deparsed.unknown : 'the column is not there at either moment');
      continue;
    }
    try {
      const text = `(${deparsed.sql})::${regKind ? 'oid' : database.types.formatType(column.typeOid, column.typmod)}`;
      const expression = compileExpression(text, columns, { zone: database.session.zone, encoding: database.encoding, tableName: table.relation.name, schemaName: table.schema });
      if (expression.notices.length > 0) refuse(expression.notices[0]!);
      else compiled.set(place, { expression, regKind });
    } catch (error) {
      if (!(error instanceof WalscopeError)) throw error;
      refuse(error.message.split('\n')[0]!);
    }
  }
  const view = new Array<string | null>(columns.length).fill(null);
  return {
    places: new Set(compiled.keys()), notices,
    value: (place, stored, tableOid) => {
      const { expression, regKind } = compiled.get(place)!;
      for (const i of expression.columnsUsed) view[i] = i === tableOidPlace ? String(tableOid) : stored(i);
      const value = expression.value(view);
      return regKind && value !== null ? (database.types.regName(regKind, Number(value)) ?? value) : value;
    },
  };
}

/** A tree whose constants of reg* types are plain OIDs: what they are, and what can be compared. */
function withoutNames<T>(text: string, write: (tree: TreeValue) => T): T | { sql: undefined; unknown: string } {
  const REGCLASSOID = '2205';
  const changed = (value: TreeValue): TreeValue => {
    if (Array.isArray(value)) return value.map(changed);
    if (!isNode(value)) return value;
    const fields = new Map([...value.fields].map(([field, each]) => [field, changed(each)]));
    if (value.type === 'CONST' && fields.get('consttype') === REGCLASSOID) fields.set('consttype', OIDOID);
    if (value.type === 'RELABELTYPE' && fields.get('resulttype') === REGCLASSOID) fields.set('resulttype', OIDOID);
    return { type: value.type, fields };
  };
  try {
    return write(changed(parseNodeTree(text)));
  } catch (error) {
    if (!(error instanceof NodeTreeError)) throw error;
    return { sql: undefined, unknown: error.message };
  }
}
