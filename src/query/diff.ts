/**
 * What changed in a table between two moments. The work depends on the pages that changed in between: only blocks that a record
 * touched can hold rows that came or went, plus those that transactions still open at the first moment had touched before it.
 */
import type { Table } from '../catalog/table.js';
import { hasHeapStorage, type Relation } from '../catalog/relation.js';
import { ForkNumber, sameRelation } from '../pg/relFileLocator.js';
import type { PageAsOf } from '../store/pageStore.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import type { Lsn } from '../util/lsn.js';
import type { AsofColumn } from './asof.js';
import { differingTuples, type PageSide } from '../rows/pageDifference.js';
import { baseTypeName } from './baseType.js';
import { countingOf, type Counting, type Counts } from './diffCounts.js';
import { committedBetween, loggedChanges, span, type DiffSides } from './diffSpan.js';
import { primaryKeyColumns } from './primaryKey.js';
import { matchRows, type Change, type MatcherOptions, type RowMatcher } from './rowMatcher.js';
import { defaultTrees } from './schema.js';
import { Findings, type DatabaseAt } from './session.js';
import type { Tuple } from './tupleArena.js';

export type { Change } from './rowMatcher.js';

export interface RowChange {
  change: Change;
  /** Values in the order of `columns`; null before where the row was added, after where it was removed. */
  before: (string | null)[] | null;
  after: (string | null)[] | null;
}

export interface TableDiff {
  schema: string;
  name: string;
  /** Columns of both moments: those of the later one, then those that were dropped since. */
  columns: AsofColumn[];
  /** Names of the primary key's columns; empty: rows are compared by content. */
  key: string[];
  /** The table exists at only one of the moments. */
  only: 'before' | 'after' | undefined;
  /** Stops where `emit` gives false. */
  rows(emit: (change: RowChange) => boolean | void): void;
  /** How many rows rows() would give, by comparing them; countDiffs() does that only where nothing else tells. */
  count(): Counts;
  /** What else may tell. */
  counting(): Counting;
}

/** Prepares the comparison of one pair of tables; `only` these columns count and are given, where named. */
export function diffTable(sides: DiffSides, pair: { before: Relation | undefined; after: Relation | undefined }, findings: Findings, only?: string[]): TableDiff {
  const open = (database: DatabaseAt, relation: Relation | undefined): Table | undefined => (relation && hasHeapStorage(relation) ? database.open(relation) : undefined);
  const before = open(sides.before, pair.before);
  const after = open(sides.after, pair.after);
  const named = (after ?? before)!;
  const namedDatabase = after ? sides.after : sides.before;
  const columns: AsofColumn[] = [];
  const addColumns = (database: DatabaseAt, table: Table | undefined): void => {
    for (const { column } of table?.columns ?? []) {
      if (!columns.some((c) => c.name === column.name)) columns.push({ name: column.name, typeName: baseTypeName(database, column.typeOid) });
    }
  };
  addColumns(sides.after, after);
  addColumns(sides.before, before);
  const primary = primaryKeyColumns(namedDatabase, named.relation.oid) ?? [];
  const has = (table: Table | undefined, name: string): boolean => !table || table.columns.some((c) => c.column.name === name);
  // a key column that one side lacks identifies nothing
  const key = primary.every((name) => has(before, name) && has(after, name)) ? primary : [];
  const chosen = only ? columns.filter((column) => only.includes(column.name) || key.includes(column.name)) : columns;
  for (const name of only ?? []) {
    if (columns.some((column) => column.name === name)) continue;
    throw new WalscopeError('column.unknown', `column "${name}" does not exist in ${named.relation.name} at either moment`, {
      exitCode: ExitCode.usage, hint: `there are: ${columns.map((column) => column.name).join(', ')}`,
    });
  }
  return {
    schema: named.schema, name: named.relation.name, columns: chosen, key, only: before && after ? undefined : before ? 'before' : 'after',
    rows(emit) {
      compare(sides, before, after, chosen, key, findings, (matcher, change, was, is) =>
        emit({ change, before: was ? matcher.valuesBefore(was) : null, after: is ? matcher.valuesAfter(is) : null }));
    },
    count() {
      const counts = { added: 0, removed: 0, changed: 0 };
      compare(sides, before, after, chosen, key, findings, (_, change) => {
        counts[change]++;
      });
      return counts;
    },
    counting: () => (before && after && sameShape(sides, before, after) ? countingOf(sides, before, after, chosen, key) : { sides }),
  };
}

/** Whether any row differs. */
export function hasChanged(sides: DiffSides, pair: { before: Relation | undefined; after: Relation | undefined }): boolean {
  let found = false;
  diffTable(sides, pair, new Findings()).rows(() => {
    found = true;
    return false;
  });
  return found;
}

function compare(sides: DiffSides, before: Table | undefined, after: Table | undefined, columns: AsofColumn[], key: string[], findings: Findings, emit: MatcherOptions['emit']): void {
  const keyPlaces = key.map((name) => columns.findIndex((c) => c.name === name));
  const isSameShape = before !== undefined && after !== undefined && sameShape(sides, before, after);
  const blocks = isSameShape ? blocksToCompare(sides, before, after) : undefined;
  matchRows({ before, after, columns, keyPlaces, sameShape: isSameShape, emit }, (matcher, isFirst) => {
    // what cannot be read is told once
    const told = isFirst ? findings : new Findings();
    if (blocks) {
      comparePages(sides, before!, after!, blocks, told, matcher);
      return;
    }
    before?.scan(({ page, at, length }) => {
      matcher.addBefore({ bytes: page.bytes, at, length }, after === undefined);
      return !matcher.stopped;
    }, told.add);
    after?.scan(({ page, at, length }) => {
      matcher.addAfter({ bytes: page.bytes, at, length }, true);
      return !matcher.stopped;
    }, told.add);
  });
}

/** Compares blocks as of both moments: a row version that both see in the same place with the same bytes is not read. */
function comparePages(sides: DiffSides, before: Table, after: Table, blocks: readonly number[], findings: Findings, matcher: RowMatcher): void {
  const isForward = sides.before.moment.lsn <= sides.after.moment.lsn;
  const { from, to } = span(sides);
  const logged = loggedChanges(sides, before, after);
  const onlyAdds = logged !== undefined && logged.updated === 0 && logged.deleted === 0;
  const onlyRemoves = logged !== undefined && logged.updated === 0 && logged.inserted === 0;
  let left = blocks.length;
  const side = (table: Table, block: number, found: PageAsOf | undefined, emit: (tuple: Tuple) => void): PageSide => {
    if (found?.unknown) findings.add(table.unknownBlock(block, found.unknown));
    return {
      page: found?.unknown ? undefined : found?.page, visibility: table.visibility,
      emit: (at, length) => emit({ bytes: found!.page.bytes, at, length }),
      damaged: (offnum) => findings.add(table.damagedRow(block, offnum)),
    };
  };
  sides.after.session.store.pages.scanPairs(after.file, from, to, blocks, (pairs) => {
    const is: Tuple[] = [];
    for (const { block, earlier, later } of pairs) {
      const [was, now] = isForward ? [earlier, later] : [later, earlier];
      differingTuples(side(before, block, was, (tuple) => matcher.addBefore(tuple, onlyRemoves)), side(after, block, now, (tuple) => is.push(tuple)));
    }
    left -= pairs.length;
    if (left === 0) matcher.endBefore();
    for (const tuple of is) matcher.addAfter(tuple, onlyAdds || left === 0);
    return !matcher.stopped;
  });
}

/**
 * True where a tuple that nobody touched prints the same at both moments. It does not where a column was added, dropped, renamed or
 * given another type, nor where what its type prints depends on catalogs that changed.
 */
function sameShape(sides: DiffSides, before: Table, after: Table): boolean {
  const shape = (database: DatabaseAt, table: Table): string => JSON.stringify(table.columns.map(({ column, missing }) =>
    [column.attnum, column.name, column.typeOid, column.typmod, missing, typeShape(database, column.typeOid), column.generated === 'v' ? defaultTrees(database, table.relation.oid).get(column.attnum) : null]));
  return shape(sides.before, before) === shape(sides.after, after);
}

/** What the catalogs add to the stored bytes when values of a type are printed, at any depth: labels of enums, fields of row types. */
export function typeShape(database: DatabaseAt, oid: number, above: readonly number[] = []): unknown {
  const type = database.types.type(oid);
  if (!type || above.includes(oid)) return oid;
  const inner = (part: number | undefined): unknown => typeShape(database, part ?? 0, [...above, oid]);
  switch (type.typtype) {
    case 'e': return [...database.types.enumLabelsByOid(oid)];
    case 'd': return inner(type.typbasetype);
    case 'r': return inner(type.rangeSubtype);
    case 'm': return inner(type.rangeType);
    case 'c': return type.attributes?.map((attribute) => attribute.dropped || inner(attribute.typeOid));
    default:
      if (type.typelem !== 0) return inner(type.typelem);
      // names of relations, roles and the like: those of another moment may be others
      return /^(reg|aclitem)/.test(type.typoutput) ? database.moment.lsn : oid;
  }
}

/** Blocks whose visible rows may differ between the moments, ascending; undefined: all (the file is another one). */
function blocksToCompare(sides: DiffSides, before: Table, after: Table): number[] | undefined {
  const { file } = after;
  if (!sameRelation(before.file, file)) return undefined;
  const { store } = sides.after.session;
  const { from, to } = span(sides);
  const was = store.pages.relation(file, from);
  const is = store.pages.relation(file, to);
  if (was.floorLsn !== is.floorLsn) return undefined;
  const blocks = new Set<number>();
  store.pages.changes(file, 0, 0x1_0000_0000, committedBetween(sides).openSince, to, (block) => blocks.add(block));
  // no record names the blocks that were cut off
  for (const truncation of is.truncations.slice(was.truncations.length)) for (let block = truncation.blocks; block < was.blocks; block++) blocks.add(block);
  return [...blocks].sort((a, b) => a - b);
}

/** A block that records between the two moments changed. */
export interface ChangedBlock {
  block: number;
  records: number;
  firstLsn: Lsn;
  lastLsn: Lsn;
}

/** The blocks of a pair's main fork that changed between the moments, ascending; of both files where it was rewritten. */
export function changedBlocks(sides: DiffSides, pair: { before: Relation | undefined; after: Relation | undefined }): ChangedBlock[] {
  const { store } = sides.after.session;
  const { from, to } = span(sides);
  const files = [pair.before, pair.after].flatMap((relation) => (relation ? [{ ...relation.locator, fork: ForkNumber.main }] : []));
  const found = new Map<number, ChangedBlock>();
  files.filter((file, i) => i === 0 || !sameRelation(file, files[0]!)).forEach((file) => {
    store.pages.changes(file, 0, 0x1_0000_0000, from, to, (block, lsn) => {
      const known = found.get(block);
      if (!known) found.set(block, { block, records: 1, firstLsn: lsn, lastLsn: lsn });
      else {
        known.records++;
        known.firstLsn = Math.min(known.firstLsn, lsn) as Lsn;
        known.lastLsn = Math.max(known.lastLsn, lsn) as Lsn;
      }
    });
  });
  return [...found.values()].sort((a, b) => a.block - b.block);
}
