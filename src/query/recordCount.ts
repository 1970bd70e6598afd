/** How many rows of a table differ between two moments, from the records in between: pages are read only for rows of which these do not tell. */
import { ALIGN_MASK } from '../rows/deform.js';
import type { Table } from '../catalog/table.js';
import { LP_NORMAL } from '../pg/page.js';
import { SIZE_OF_HEAP_TUPLE_HEADER } from '../pg/heapTuple.js';
import { ForkNumber, sameRelation, type RelFileLocator } from '../pg/relFileLocator.js';
import type { CommittedTransactions } from '../store/transactionChanges.js';
import type { CaseStore } from '../store/caseStore.js';
import type { Lsn } from '../util/lsn.js';
import type { AsofColumn } from './asof.js';
import { EarlierVersions } from './earlierVersions.js';
import { placeOf, RowChains, type KeptRow } from './rowChains.js';
import { matchRows, type Change } from './rowMatcher.js';
import type { Tuple } from './tupleArena.js';

/** What is the same for all tables of a question. */
export interface RecordSpan {
  store: CaseStore;
  from: Lsn;
  to: Lsn;
  /** The transactions between the moments. */
  committed: CommittedTransactions;
}

export interface CountedTable {
  /** The same file at both moments, with the same columns. */
  earlier: Table;
  later: Table;
  columns: readonly AsofColumn[];
  /** Places of the primary key's columns; none: rows are compared by content. */
  keyPlaces: readonly number[];
  /** All columns count, and the primary key was the same one all the time: its index then tells of updates that leave it alone. */
  isWhole: boolean;
}

/** More records than these are not sorted. */
const MOST_RECORDS = 6_000_000;
/** Tables with so many records together are read in one pass. */
const RECORDS_A_PASS = 1_000_000;

/**
 * Of each table, from the earlier moment to the later one; undefined where the records do not tell. `settled` is called with each as soon as it is
 * counted.
 */
export function countByRecords(span: RecordSpan, tables: readonly CountedTable[], settled: (table: CountedTable, counts: Record<Change, number> | undefined) => void): void {
  const pass = new Pass(span);
  for (const table of tables) {
    pass.add(table);
    if (pass.records >= RECORDS_A_PASS) pass.run(settled);
  }
  pass.run(settled);
}

/** `other`: a file of the same number in another tablespace. */
interface ChainsOfFile {
  file: RelFileLocator;
  chains: RowChains;
  other: ChainsOfFile | undefined;
}

/** The records of some tables, read once, in LSN order. */
class Pass {
  private lsns = new Float64Array(4096);
  records = 0;
  private tables: { table: CountedTable; chains: RowChains }[] = [];

  constructor(private readonly span: RecordSpan) {}

  add(table: CountedTable): void {
    const { store, to, committed } = this.span;
    const chains = new RowChains(committed.has, differingBytes(table.later));
    this.tables.push({ table, chains });
    const before = this.records;
    store.pages.changes(table.later.file, 0, 0x1_0000_0000, committed.openSince, to, (_, lsn) => {
      if (this.records === this.lsns.length && this.records < MOST_RECORDS) {
        const grown = new Float64Array(this.records * 2);
        grown.set(this.lsns);
        this.lsns = grown;
      }
      this.lsns[this.records++] = lsn;
    });
    if (this.records <= this.lsns.length) return;
    chains.isSure = false;
    this.records = before;
  }

  /** Counts the tables, and forgets them. */
  run(settled: (table: CountedTable, counts: Record<Change, number> | undefined) => void): void {
    const { span, tables } = this;
    const lsns = this.lsns.subarray(0, this.records).sort();
    const byNumber = new Map<number, ChainsOfFile>();
    for (const { table: { later: { file } }, chains } of tables) byNumber.set(file.relNumber, { file, chains, other: byNumber.get(file.relNumber) });
    const chainsOf = (ref: RelFileLocator): RowChains | undefined => {
      let found = byNumber.get(ref.relNumber);
      while (found && !sameRelation(found.file, ref)) found = found.other;
      return found?.chains.isSure ? found.chains : undefined;
    };
    const plain = span.store.newPlainHeapReader();
    for (let i = 0; i < lsns.length; i++) {
      const lsn = lsns[i] as Lsn;
      if (lsn === lsns[i - 1]) continue;
      const kind = plain.read(lsn);
      if (kind === 'plain') {
        chainsOf(plain)?.takePlain(plain);
        continue;
      }
      const record = kind === 'other' ? plain.record() : span.store.wal.readRecord(lsn);
      let last: RowChains | undefined;
      for (const ref of record.blocks) {
        const chains = ref.fork === ForkNumber.main ? chainsOf(ref) : undefined;
        if (chains && chains !== last) chains.take(record);
        last = chains ?? last;
      }
    }
    this.tables = [];
    this.records = 0;
    for (const { table, chains } of tables) settled(table, chains.isSure ? new Settling(span, table, chains).run() : undefined);
  }
}

/** Types of fixed length whose values print the same only where they are stored with the same bytes: bool, "char", int8, int2, int4, oid, xid, cid, date, time, timestamp, timestamptz, uuid. */
const EXACT_TYPES: ReadonlySet<number> = new Set([16, 18, 20, 21, 23, 26, 28, 29, 1082, 1083, 1114, 1184, 2950]);

/** As RowChains wants it: the leading columns of fixed length. None where a tuple without NULLs need not hold all columns, or holds dropped ones. */
function differingBytes(table: Table): Uint16Array {
  const columns = table.catalog.columns(table.relation.oid);
  if (columns.some((column) => column.dropped || column.missing)) return new Uint16Array(0);
  const found: number[] = [];
  for (const [i, { attlen, attalign, typeOid }] of columns.entries()) {
    if (attlen <= 0) break;
    const mask = ALIGN_MASK[attalign];
    for (const end = (found.length + mask) & ~mask; found.length < end;) found.push(0);
    for (let n = 0; n < attlen; n++) found.push(EXACT_TYPES.has(typeOid) ? i + 1 : 0);
  }
  return Uint16Array.from(found);
}

/** Counts the rows of a table's chains; pages are read where these do not tell. */
class Settling {
  private isSure = true;
  private readonly counts: Record<Change, number> = { added: 0, removed: 0, changed: 0 };

  constructor(private readonly span: RecordSpan, private readonly table: CountedTable, private readonly chains: RowChains) {}

  run(): Record<Change, number> | undefined {
    const { counts, chains, table: { keyPlaces, isWhole } } = this;
    const hasKey = keyPlaces.length > 0;
    const unsettled = hasKey && isWhole ? this.unsettled() : [...chains.kept()];
    const added = [...chains.added()], { removed } = chains;
    const mayPair = !hasKey || !isWhole || unsettled.some((row) => row.keyMayDiffer);
    // rows on one side alone have no partner
    if (mayPair || (added.length > 0 && removed.length > 0)) return this.compare(unsettled, removed, added);
    counts.added += added.length;
    counts.removed += removed.length;
    return unsettled.length > 0 ? this.compare(unsettled, [], []) : counts;
  }

  /** Counts the rows that are known to have changed, and gives the others. */
  private unsettled(): KeptRow[] {
    const { counts, span: { store, from }, table: { earlier }, chains: { patches, differsAt } } = this;
    const left: KeptRow[] = [], open: KeptRow[] = [];
    const hasChanged = ({ base, patch }: KeptRow): boolean => base !== 0 && patch !== 0 && patches.tellApart(base, patch, differsAt);
    for (const row of this.chains.kept()) {
      if (row.keyMayDiffer || row.patch === 0) left.push(row);
      else if (row.differs || hasChanged(row)) counts.changed++;
      else if (row.base === 0) open.push(row);
      else left.push(row);
    }
    const versions = new EarlierVersions(store, earlier.file, patches);
    for (const { was, since } of open) versions.want(was, since);
    versions.read(from);
    for (const row of open) {
      row.base = versions.at(row.was);
      if (hasChanged(row)) counts.changed++;
      else left.push(row);
    }
    return left;
  }

  private compare(rows: readonly KeptRow[], removed: readonly number[], added: readonly number[]): Record<Change, number> | undefined {
    const { counts, span: { from, to }, table: { earlier, later, columns, keyPlaces }, chains: { patches } } = this;
    // by place: rows of which the earlier version must be read
    const unread = new Map<number, KeptRow>();
    const is = [...added];
    for (const row of rows) {
      if (row.base === 0 || !patches.isWhole(row.base)) unread.set(row.was, row);
      if (row.patch === 0) is.push(row.is);
    }
    matchRows({ before: earlier, after: later, columns, keyPlaces, sameShape: true, emit: (_, change) => void counts[change]++ }, (matcher) => {
      const take = (tuple: Tuple | undefined, row: KeptRow | undefined): void => {
        const newer = tuple && row && row.patch !== 0 ? patches.apply(row.patch, tuple) : undefined;
        if (!tuple || (row && row.patch !== 0 && !newer)) {
          this.isSure = false;
          return;
        }
        matcher.addBefore(tuple, false);
        if (newer) matcher.addAfter(newer, false);
      };
      for (const row of rows) if (!unread.has(row.was)) take(patches.apply(row.base), row);
      this.read(earlier, from, [...unread.keys(), ...removed], (place, tuple) => take(tuple, unread.get(place)));
      this.read(later, to, is, (_, tuple) => matcher.addAfter(tuple, false));
      if (!this.isSure) matcher.stopped = true;
    });
    return this.isSure ? counts : undefined;
  }

  /** The row versions at these places. */
  private read({ file }: Table, upTo: Lsn, places: number[], emit: (place: number, tuple: Tuple) => void): void {
    const sorted = Float64Array.from(places).sort();
    const blocks: number[] = [];
    for (const place of sorted) {
      const { block } = placeOf(place);
      if (blocks.at(-1) !== block) blocks.push(block);
    }
    let next = 0;
    this.span.store.pages.scanBlocks(file, upTo, blocks, (block, { page, unknown }) => {
      for (; next < sorted.length && placeOf(sorted[next]!).block === block; next++) {
        const { offnum } = placeOf(sorted[next]!);
        const isThere = !unknown && offnum <= page.maxOffset && page.lpFlags(offnum) === LP_NORMAL && page.lpLen(offnum) >= SIZE_OF_HEAP_TUPLE_HEADER;
        if (!isThere) return false;
        emit(sorted[next]!, { bytes: page.bytes, at: page.itemAt(offnum), length: page.lpLen(offnum) });
      }
      return this.isSure;
    });
    if (next < sorted.length) this.isSure = false;
  }
}
