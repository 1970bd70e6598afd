/** Rows found through an index, as of a moment: a btree by equality on its leading columns and a range on the next, a hash index by equality. */
import type { RowView, Table } from '../catalog/table.js';
import { ForkNumber, formatRelFork, type RelFork } from '../pg/relFileLocator.js';
import type { Page } from '../pg/page.js';
import { HashSearch } from '../rows/hashSearch.js';
import type { AnyKeyType } from '../rows/keys/keyType.js';
import { visibleVersion } from '../rows/heapFetch.js';
import { NbtreeSearch, type Bound, type HeapTid, type IndexColumn } from '../rows/nbtreeSearch.js';
import type { TypeInfo } from '../rows/types/typeInfo.js';
import type { TupleState } from '../rows/visibility.js';
import { ExitCode, inputError, WalscopeError } from '../util/errors.js';
import type { Finding } from '../util/finding.js';
import { quoteLiteral } from '../util/quote.js';
import { bytewiseKeyTypes, indexKeyTypes } from './keyTypes.js';
import { indexesOf, type IndexInfo } from './primaryKey.js';
import type { SourcePart } from './scanSource.js';
import type { DatabaseAt } from './session.js';
import { compileWhere, type ColumnRange, type CompiledWhere } from './where/index.js';
import { bytesNotice, enumLabelsOf, orderOf } from './tableWhere.js';
import { isKnownType, sqlType, type ValueOrder } from './where/sqlType.js';

export interface RowSource {
  /** In words: for --explain. */
  plan: string;
  /** Something the user should know of the way chosen. */
  notice?: string;
  /** `state` is given where the rows are dead versions. */
  scan(emit: (row: RowView, state?: Exclude<TupleState, 'live'>) => boolean, finding: (finding: Finding) => void): void;
}

const INDOPTION_DESC = 1;
const INDOPTION_NULLS_FIRST = 2;
/** pg_am: fixed OIDs. */
const BTREE_AM_OID = 403;
const HASH_AM_OID = 405;

/**
 * Rows of a part whose primary key (else a unique index's key, else the column of the only hash index) has the given values; `table` is the
 * relation asked for, whose key it is. Falls back to a scan and says so.
 */
export async function keyScan(database: DatabaseAt, table: Table, part: SourcePart, values: string[]): Promise<RowSource> {
  const indexes = indexesOf(database, table.relation.oid).filter(isPlain);
  const hashed = indexes.filter((index) => index.relation.amOid === HASH_AM_OID);
  const asked = indexes.find((i) => i.isPrimary) ?? indexes.find((i) => i.isUnique) ?? (hashed.length === 1 ? hashed[0] : undefined);
  if (!asked) {
    throw new WalscopeError('usage.key', `${table.relation.name} has no primary key at this moment`, { exitCode: ExitCode.usage, hint: 'use --where instead' });
  }
  const names = asked.key.map((attnum) => columnName(table, attnum));
  if (values.length !== names.length) {
    throw new WalscopeError('usage.key', `the key of ${table.relation.name} is (${names.join(', ')}): ${names.length} values, not ${values.length}`, { exitCode: ExitCode.usage, hint: 'separate values with commas' });
  }
  const own = indexesOf(database, part.table.relation.oid).filter((index) => isPlain(index) && index.key.length === names.length && index.key.every((attnum, n) => columnName(part.table, attnum) === names[n]));
  const found = keyByBtree(database, part.table, own.find((index) => index.indexOid === asked.indexOid) ?? own.find((index) => index.isUnique), values);
  if (typeof found !== 'string') return found;
  const hash = own.find((index) => index.relation.amOid === HASH_AM_OID);
  const tids = hash && hashTids(database, part.table, hash, values[0]!);
  const why = found === '' ? `${part.table.relation.name} has no unique index on (${names.join(', ')})` : found;
  // rows of other keys may have the same hash code
  if (tids) return withKey(database, part.table, names, values, tidScan(database, part.table, `index scan using ${hash!.relation.name} on (${names.join(', ')})`, tids));
  const plan = `sequential scan of ${database.blocks(part.table.relation) ?? 0} pages (${why})`;
  return withKey(database, part.table, names, values, { plan, notice: `${why}: the whole table is scanned`, scan: (emit, finding) => part.table.scan(emit, finding) });
}

/** Of every row, by its columns. */
function isPlain(index: IndexInfo): boolean {
  return index.isValid && !index.hasPredicate && !index.key.includes(0);
}

/** The rows of a key through a unique btree, or why it cannot be searched; empty: there is none. */
function keyByBtree(database: DatabaseAt, table: Table, index: IndexInfo | undefined, values: string[]): RowSource | string {
  if (index?.relation.amOid !== BTREE_AM_OID) return '';
  const keys = indexKeys(database, table, index, values.length);
  if (typeof keys === 'string') return keys;
  const equal = values.map((value, i) => keys.types[i]!.parse(value));
  const unread = equal.indexOf(undefined);
  if (unread >= 0) return `"${values[unread]!}" is not a value of the key's type (${keyType(database, table, index.key[unread]!)!.name})`;
  try {
    const tids = [...btreeSearch(database, index, keys.columns).tids({ equal })];
    return tidScan(database, table, `index scan using ${index.relation.name} on (${index.key.map((attnum) => columnName(table, attnum)).join(', ')})`, tids);
  } catch (error) {
    if (error instanceof WalscopeError && error.code === 'key.collation') return error.message;
    throw error;
  }
}

interface Candidate {
  index: IndexInfo;
  /** Leading columns that must equal a value. */
  equal: string[];
  /** On the column after them. */
  range: ColumnRange | undefined;
}

/** The best index of a part for what a condition says of single columns; undefined where a scan serves better. */
export function indexForConditions(database: DatabaseAt, part: SourcePart, where: CompiledWhere): RowSource | undefined {
  const byAttnum = <T>(map: ReadonlyMap<number, T>): Map<number, T> =>
    new Map([...map].map(([i, value]) => [part.table.columns[part.places ? part.places[i]! : i]!.column.attnum, value]));
  if (where.equalities.size + where.ranges.size === 0) return undefined;
  const equalities = byAttnum(where.equalities), ranges = byAttnum(where.ranges);
  const candidates: Candidate[] = [];
  for (const index of indexesOf(database, part.table.relation.oid)) {
    if (!index.isValid || index.hasPredicate) continue;
    const equal: string[] = [];
    while (equal.length < index.key.length && equalities.has(index.key[equal.length]!)) equal.push(equalities.get(index.key[equal.length]!)!);
    const isBtree = index.relation.amOid === BTREE_AM_OID;
    const range = isBtree && equal.length < index.key.length ? ranges.get(index.key[equal.length]!) : undefined;
    if ((isBtree && (equal.length > 0 || range)) || (index.relation.amOid === HASH_AM_OID && equal.length === 1)) candidates.push({ index, equal, range });
  }
  const score = ({ index, equal, range }: Candidate): number => equal.length * 4 + (range ? (range.lower && range.upper ? 2 : 1) : 0) + (index.isUnique ? 0.5 : 0);
  candidates.sort((a, b) => score(b) - score(a));
  for (const candidate of candidates) {
    const source = conditionScan(database, part.table, candidate);
    if (source) return source;
  }
  return undefined;
}

/** Undefined where the index cannot be searched for this, or finds so much that reading the whole table costs less. */
function conditionScan(database: DatabaseAt, table: Table, { index, equal, range }: Candidate): RowSource | undefined {
  const names = index.key.slice(0, equal.length + (range ? 1 : 0)).map((attnum) => columnName(table, attnum)).join(', ');
  try {
    const found = index.relation.amOid === HASH_AM_OID ? hashTids(database, table, index, equal[0]!) : btreeTids(database, table, index, equal, range);
    if (!found) return undefined;
    const tids: HeapTid[] = [];
    const blocks = new Set<number>();
    const most = Math.max(MIN_BLOCKS_TO_SCAN, (database.blocks(table.relation) ?? 0) * MOST_OF_TABLE);
    for (const tid of found) {
      tids.push(tid);
      blocks.add(tid.block);
      if (blocks.size > most) return undefined;
    }
    return tidScan(database, table, `index scan using ${index.relation.name} on (${names})${range ? `, a range: ${blocks.size} pages of the table` : ''}`, tids);
  } catch (error) {
    // a value that the column's type cannot hold, or an index that cannot be read: the rows themselves decide
    if (error instanceof WalscopeError) return undefined;
    throw error;
  }
}

/** Pages are read faster in one run than one by one. */
const MOST_OF_TABLE = 0.3;
const MIN_BLOCKS_TO_SCAN = 16;

function btreeTids(database: DatabaseAt, table: Table, index: IndexInfo, equal: string[], range: ColumnRange | undefined): Iterable<HeapTid> | undefined {
  const keys = indexKeys(database, table, index, equal.length + (range ? 1 : 0));
  if (typeof keys === 'string') return undefined;
  const wanted = equal.map((value, i) => keys.types[i]!.parse(value));
  if (wanted.includes(undefined)) return undefined;
  // ends are taken in: a value that was rounded to the column's type must not lose rows, which are tested again anyway. One that the type cannot hold leaves the range open
  const bound = (end: { value: string } | undefined): Bound | undefined => {
    const value = end && keys.types[equal.length]!.parse(end.value);
    return value === undefined ? undefined : { value, inclusive: true };
  };
  const from = bound(range?.lower), to = bound(range?.upper);
  if (equal.length === 0 && !from && !to) return undefined;
  return btreeSearch(database, index, keys.columns).tids({ equal: wanted, from, to });
}

/** Undefined where the index cannot be searched for this value. */
function hashTids(database: DatabaseAt, table: Table, index: IndexInfo, text: string): Iterable<HeapTid> | undefined {
  const type = keyType(database, table, index.key[0]!);
  if (!type) return undefined;
  const { order } = database.types.operatorClasses.defaultFunctions(type.oid);
  const key = bytewiseKeyTypes(database).of(type.oid, index.collations[0]!, { order, hash: database.types.orderFunction(index.opclasses[0]!) });
  const value = key?.parse(text);
  return key?.hash && value !== undefined ? new HashSearch((block) => readPage(database, indexFile(index), block)).tids(key.hash(value)) : undefined;
}

function btreeSearch(database: DatabaseAt, index: IndexInfo, columns: IndexColumn[]): NbtreeSearch {
  return new NbtreeSearch((block) => readPage(database, indexFile(index), block), columns, index.key.length);
}

function indexFile(index: IndexInfo): RelFork {
  return { ...index.relation.locator, fork: ForkNumber.main };
}

/** The visible rows that index entries lead to, in physical order. */
function tidScan(database: DatabaseAt, table: Table, plan: string, found: Iterable<HeapTid>): RowSource {
  return {
    plan,
    scan(emit, finding) {
      const tids = [...found].sort((a, b) => a.block - b.block || a.offset - b.offset);
      const row = table.newRow();
      let unknownBlock = -1;
      for (const { block, offset } of tids) {
        const at = database.snapshot.page(table.file, block);
        if (!at) {
          finding({ code: 'page.absent', message: `block ${block} of ${table.relation.name} does not exist at this moment, though its index leads there: its file in the base backup is cut off`, place: { block: `${formatRelFork(table.file)} block ${block}` } });
          continue;
        }
        if (at.unknown) {
          if (block !== unknownBlock) finding(table.unknownBlock(block, at.unknown));
          unknownBlock = block;
          continue;
        }
        const offnum = visibleVersion(at.page, offset, database.catalog.visibility);
        if (offnum !== 0 && !emit(row.fill(at.page, block, offnum, at.page.itemAt(offnum), at.page.lpLen(offnum)))) return;
      }
    },
  };
}

/** The visible rows of a table whose leading columns have the given values, in the order of a btree index that is known to serve. */
export function* rowsInIndexOrder(database: DatabaseAt, table: Table, indexOid: number, values: string[]): Generator<RowView> {
  const index = indexesOf(database, table.relation.oid).find((each) => each.indexOid === indexOid);
  const keys = index ? indexKeys(database, table, index, values.length) : `${table.relation.name} has no index ${indexOid}`;
  if (!index || typeof keys === 'string') throw inputError('index.missing', `cannot search: ${String(keys)}`);
  const row = table.newRow();
  const equal = values.map((value, i) => keys.types[i]!.parse(value));
  for (const { block, offset } of btreeSearch(database, index, keys.columns).tids({ equal })) {
    const at = database.snapshot.page(table.file, block);
    if (!at) throw inputError('page.absent', `block ${block} of ${table.relation.name} does not exist at this moment`);
    if (at.unknown) throw inputError('page.unknown', table.unknownBlock(block, at.unknown).message);
    const offnum = visibleVersion(at.page, offset, database.catalog.visibility);
    if (offnum !== 0) yield row.fill(at.page, block, offnum, at.page.itemAt(offnum), at.page.lpLen(offnum));
  }
}

function columnName(table: Table, attnum: number): string {
  return table.columns.find((c) => c.column.attnum === attnum)?.column.name ?? `column ${attnum}`;
}

function readPage(database: DatabaseAt, file: RelFork, block: number): Page {
  const found = database.snapshot.page(file, block);
  if (!found) throw inputError('index.page', `block ${block} of an index does not exist at this moment`, {}, 'ask with --where instead of --key');
  if (found.unknown) throw inputError('page.unknown', `block ${block} of an index is unknown after a record of ${found.unknown.rmgr} that cannot be replayed`, {}, 'ask with --where instead of --key');
  return found.page;
}

/** The type whose order a key column has: a domain's base type. */
function keyType(database: DatabaseAt, table: Table, attnum: number): TypeInfo | undefined {
  let type = database.types.type(table.columns.find((c) => c.column.attnum === attnum)?.column.typeOid ?? 0);
  while (type?.typtype === 'd') type = database.types.type(type.typbasetype);
  return type;
}

interface IndexKeys {
  /** All attributes of the index; the first ones, as many as are used, can be compared with values that `types` read. */
  columns: IndexColumn[];
  types: AnyKeyType[];
}

/** How the first `keysUsed` columns of a btree are searched; or why they cannot be. */
function indexKeys(database: DatabaseAt, table: Table, index: IndexInfo, keysUsed: number): IndexKeys | string {
  const types: AnyKeyType[] = [];
  const columns: IndexColumn[] = [];
  for (const [i, attribute] of database.catalog.columns(index.relation.oid).entries()) {
    const option = index.options[i] ?? 0;
    const column: IndexColumn = {
      attlen: attribute.attlen, attalign: attribute.attalign,
      descending: (option & INDOPTION_DESC) !== 0, nullsFirst: (option & INDOPTION_NULLS_FIRST) !== 0,
    };
    columns.push(column);
    if (i >= keysUsed) continue;
    const type = keyType(database, table, index.key[i]!), name = columnName(table, index.key[i]!);
    const order = database.types.orderFunction(index.opclasses[i]!);
    if (!type || order === undefined) return `column ${name} has an order that is not known here`;
    const key = indexKeyTypes(database).of(type.oid, index.collations[i]!, { order, hash: undefined });
    if (!key) return `index ${index.relation.name} orders ${name} as type ${type.name} does, which is not known here`;
    types.push(key);
    column.compare = (wanted, stored) => {
      try {
        return key.compare(wanted, key.decode(stored));
      } catch (error) {
        if (!(error instanceof WalscopeError) || error.code !== 'key.collation') throw error;
        throw new WalscopeError(error.code, `index ${index.relation.name} orders ${name} by a collation other than C`, { exitCode: error.exitCode });
      }
    };
  }
  return { columns, types };
}

/** The rows of a source that have the key. */
async function withKey(database: DatabaseAt, table: Table, names: string[], values: string[], { plan, notice, scan }: RowSource): Promise<RowSource> {
  const key = await keyTest(database, table, names, values);
  const places = names.map((name) => table.columns.findIndex((c) => c.column.name === name));
  const notices = [...(notice === undefined ? [] : [notice]), ...key.notices];
  return {
    plan, ...(notices.length > 0 ? { notice: notices.join('; ') } : {}),
    scan: (emit, finding) => scan((row) => !key.test(places.map((place) => row.value(place))) || emit(row), finding),
  };
}

export interface KeyTest {
  notices: string[];
  /** Whether values in output form, one a key column, are the key. */
  test(values: readonly (string | null)[]): boolean;
}

/**
 * What tells whether columns of a row hold the values given as text (as database.typed() has it): by their types' equality, else by how they are
 * printed. A text that is no value of the column's type, as before an ALTER, is not the key.
 */
export async function keyTest(database: DatabaseAt, table: Table, names: readonly string[], values: readonly string[]): Promise<KeyTest> {
  const notices: string[] = [];
  const tests = await Promise.all(names.map(async (name, i): Promise<(text: string | null) => boolean> => {
    const text = values[i]!;
    const { column } = table.columns.find((c) => c.column.name === name)!;
    const type = keyType(database, table, column.attnum)!;
    const enumLabels = enumLabelsOf(database, type.oid);
    if (!database.catalog.isDeterministicCollation(column.collationOid)) notices.push(bytesNotice(name));
    const order = (): ValueOrder | undefined => orderOf(database, type.oid, column.collationOid);
    if (!isKnownType(sqlType(type.name, enumLabels, order))) {
      notices.push(`${name} is compared as it is printed, since values of type ${type.name} are not read here`);
      return (other) => other === text;
    }
    const refused = (): WalscopeError => new WalscopeError('key.value', `"${text}" is not a value of the key's type (${type.name})`, { exitCode: ExitCode.usage, hint: `write ${name} as asof prints it` });
    let where: CompiledWhere;
    try {
      where = await compileWhere(`k = ${quoteLiteral(text)}`, [{ name: 'k', typeName: type.name, enumLabels, order }], { zone: database.session.zone });
    } catch (error) {
      if (error instanceof WalscopeError) throw refused();
      throw error;
    }
    return (other) => {
      try {
        return other === text || (other !== null && where.test([other]));
      } catch (error) {
        if (error instanceof WalscopeError) return false;
        throw error;
      }
    };
  }));
  return { notices, test: (row) => tests.every((test, i) => test(row[i]!)) };
}
