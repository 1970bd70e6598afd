/** Rows found through a btree index by equality on its leading columns, as of a moment. */
import type { RowView, Table } from '../catalog/table.js';
import { ForkNumber, type RelFork } from '../pg/relFileLocator.js';
import { compareFunction } from '../rows/compare.js';
import { canReadKey, keyFromText } from '../rows/keyInput.js';
import { visibleVersion } from '../rows/heapFetch.js';
import { NbtreeSearch, type IndexColumn } from '../rows/nbtreeSearch.js';
import type { TypeInfo } from '../rows/types/typeInfo.js';
import { ExitCode, inputError, WalscopeError } from '../util/errors.js';
import { indexesOf, type IndexInfo } from './primaryKey.js';
import type { DatabaseAt } from './session.js';
import { compileWhere } from './where/index.js';

export interface RowSource {
  /** In words: for --explain. */
  plan: string;
  /** Something the user should know of the way chosen. */
  notice?: string;
  scan(emit: (row: RowView) => boolean): void;
}

const INDOPTION_DESC = 1;
const INDOPTION_NULLS_FIRST = 2;

/** Rows whose primary key (else a unique index's key, where that is the only one) has the given values. Falls back to a scan and says so. */
export async function keyScan(database: DatabaseAt, table: Table, values: string[]): Promise<RowSource> {
  const indexes = indexesOf(database, table.relation.oid).filter((index) => index.isUnique && index.isValid && !index.hasPredicate && !index.key.includes(0));
  const index = indexes.find((i) => i.isPrimary) ?? indexes[0];
  if (!index) {
    throw new WalscopeError('usage.key', `${table.relation.name} has no primary key at this moment`, { exitCode: ExitCode.usage, hint: 'use --where instead' });
  }
  if (values.length !== index.key.length) {
    const names = index.key.map((attnum) => columnName(table, attnum)).join(', ');
    throw new WalscopeError('usage.key', `the key of ${table.relation.name} is (${names}): ${index.key.length} values, not ${values.length}`, { exitCode: ExitCode.usage, hint: 'separate values with commas' });
  }
  const source = indexScan(database, table, index, values);
  return typeof source === 'string' ? scanByKey(database, table, index, values, source) : source;
}

/** The best index for equalities on some columns (attnum → value); undefined where none serves. */
export function indexForEqualities(database: DatabaseAt, table: Table, equalities: ReadonlyMap<number, string>): RowSource | undefined {
  let best: { index: IndexInfo; values: string[] } | undefined;
  for (const index of indexesOf(database, table.relation.oid)) {
    if (!index.isValid || index.hasPredicate) continue;
    const values: string[] = [];
    for (const attnum of index.key) {
      const value = equalities.get(attnum);
      if (value === undefined) break;
      values.push(value);
    }
    if (values.length > 0 && (!best || values.length > best.values.length || (values.length === best.values.length && index.isUnique && !best.index.isUnique))) best = { index, values };
  }
  if (!best) return undefined;
  const source = indexScan(database, table, best.index, best.values);
  return typeof source === 'string' ? undefined : source;
}

function columnName(table: Table, attnum: number): string {
  return table.columns.find((c) => c.column.attnum === attnum)?.column.name ?? `column ${attnum}`;
}

/** The scan through the index; a string says why the index cannot be used. */
function indexScan(database: DatabaseAt, table: Table, index: IndexInfo, values: string[]): RowSource | string {
  if (database.types.accessMethod(index.relation.amOid) !== 'btree') return `index ${index.relation.name} is no btree`;
  const columns = indexColumns(database, table, index, values.length);
  if (typeof columns === 'string') return columns;
  const equal: Uint8Array[] = [];
  for (let i = 0; i < values.length; i++) {
    const type = keyType(database, table, index.key[i]!)!;
    if (!canReadKey(type.typoutput)) return `values of type ${type.name} cannot be looked up in an index`;
    const stored = keyFromText(type.typoutput, values[i]!, {
      zone: database.session.zone, enumLabelOid: (label) => database.types.enumOid(type.oid, label),
      encodeText: (text) => new Uint8Array(Buffer.from(text, database.encoding.outputCharset)),
    });
    equal.push(stored);
  }
  const file: RelFork = { ...index.relation.locator, fork: ForkNumber.main };
  return {
    plan: `index scan using ${index.relation.name} on (${index.key.slice(0, values.length).map((attnum) => columnName(table, attnum)).join(', ')})`,
    scan(emit) {
      const search = new NbtreeSearch((block) => readPage(database, file, block), columns, index.key.length);
      const tids = [...search.tids({ equal })].sort((a, b) => a.block - b.block || a.offset - b.offset);
      const row = table.newRow();
      for (const tid of tids) {
        const found = fetchTuple(database, table, row, tid.block, tid.offset);
        if (found && !emit(row)) return;
      }
    },
  };
}

function readPage(database: DatabaseAt, file: RelFork, block: number) {
  const found = database.snapshot.page(file, block);
  if (!found) throw inputError('index.page', `block ${block} of an index does not exist at this moment`, {}, 'ask with --where instead of --key');
  if (found.unknown) throw inputError('page.unknown', `block ${block} of an index is unknown after a record of ${found.unknown.rmgr} that cannot be replayed`, {}, 'ask with --where instead of --key');
  return found.page;
}

function fetchTuple(database: DatabaseAt, table: Table, row: RowView, block: number, offset: number): boolean {
  const found = database.snapshot.page(table.file, block);
  if (!found) return false;
  const offnum = visibleVersion(found.page, offset, database.catalog.visibility);
  if (offnum === 0) return false;
  row.fill(found.page, block, offnum, found.page.itemAt(offnum), found.page.lpLen(offnum));
  return true;
}

/** The type whose order a key column has: a domain's base type. */
function keyType(database: DatabaseAt, table: Table, attnum: number): TypeInfo | undefined {
  let type = database.types.type(table.columns.find((c) => c.column.attnum === attnum)?.column.typeOid ?? 0);
  while (type?.typtype === 'd') type = database.types.type(type.typbasetype);
  return type;
}

function indexColumns(database: DatabaseAt, table: Table, index: IndexInfo, keysUsed: number): IndexColumn[] | string {
  const attributes = database.catalog.columns(index.relation.oid);
  const columns: IndexColumn[] = [];
  for (const [i, attribute] of attributes.entries()) {
    const option = index.options[i] ?? 0;
    const column: IndexColumn = {
      attlen: attribute.attlen, attalign: attribute.attalign,
      descending: (option & INDOPTION_DESC) !== 0, nullsFirst: (option & INDOPTION_NULLS_FIRST) !== 0,
    };
    if (i < keysUsed) {
      const type = keyType(database, table, index.key[i]!);
      const symbol = database.types.orderFunction(index.opclasses[i]!);
      if (!type || symbol === undefined) return `column ${columnName(table, index.key[i]!)} has an order that is not known here`;
      const enumOrder = database.types.enumOrder(type.oid);
      column.compare = compareFunction(symbol, { cCollation: database.isCCollation(index.collations[i]!), enumSortOrder: (oid) => enumOrder.get(oid) });
      if (!column.compare) return `index ${index.relation.name} orders ${columnName(table, index.key[i]!)} by a collation other than C`;
    }
    columns.push(column);
  }
  return columns;
}

/** Where the index cannot be searched: the same question by a scan. */
async function scanByKey(database: DatabaseAt, table: Table, index: IndexInfo, values: string[], why: string): Promise<RowSource> {
  const places = index.key.map((attnum) => table.columns.findIndex((c) => c.column.attnum === attnum));
  const wanted = await Promise.all(places.map(async (place, i) => {
    const type = keyType(database, table, index.key[i]!)!;
    const enumLabels = type.typtype === 'e' ? database.types.enumLabels(type.oid) : undefined;
    const literal = `'${values[i]!.replaceAll("'", "''")}'`;
    return { place, where: await compileWhere(`k = ${literal}`, [{ name: 'k', typeName: type.name, enumLabels }], { zone: database.session.zone }) };
  }));
  return {
    plan: `sequential scan of ${database.blocks(table.relation) ?? 0} pages (${why})`,
    notice: `${why}: the whole table is scanned`,
    scan(emit) {
      let going = true;
      table.scan((row) => {
        if (wanted.every(({ place, where }) => where.test([row.value(place)]))) going = emit(row);
        return going;
      }, (finding) => { throw inputError(finding.code, finding.message, finding.place); });
    },
  };
}
