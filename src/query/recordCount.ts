/** How many rows of a table differ between two moments, from the records in between: pages are read only for rows of which these do not tell. */
import { ALIGN_MASK } from '../rows/deform.js';
import type { Table } from '../catalog/table.js';
import { LP_NORMAL } from '../pg/page.js';
import { SIZE_OF_HEAP_TUPLE_HEADER } from '../pg/heapTuple.js';
import type { CaseStore } from '../store/caseStore.js';
import type { Lsn } from '../util/lsn.js';
import type { AsofColumn } from './asof.js';
import { placeOf, RowChains, type KeptRow } from './rowChains.js';
import { matchRows, type Change } from './rowMatcher.js';
import type { Tuple } from './tupleArena.js';

export interface RecordCountOptions {
  store: CaseStore;
  /** The same file at both moments, with the same columns. */
  earlier: Table;
  later: Table;
  from: Lsn;
  to: Lsn;
  /** No transaction that ended between the moments wrote before. */
  openSince: Lsn;
  /** The transaction committed between the moments. */
  committed: (xid: number) => boolean;
  columns: readonly AsofColumn[];
  /** Places of the primary key's columns; none: rows are compared by content. */
  keyPlaces: readonly number[];
  /** All columns count, and the primary key was the same one all the time: its index then tells of updates that leave it alone. */
  isWhole: boolean;
}

/** More records than these are not sorted. */
const MOST_RECORDS = 6_000_000;

/** From the earlier moment to the later one; undefined where the records do not tell. */
export function countByRecords(options: RecordCountOptions): Record<Change, number> | undefined {
  const chains = readChains(options);
  if (!chains) return undefined;
  const counts: Record<Change, number> = { added: 0, removed: 0, changed: 0 };
  const hasKey = options.keyPlaces.length > 0;
  const unsettled: KeptRow[] = [];
  for (const row of chains.kept()) {
    if (hasKey && options.isWhole && row.differs && !row.keyMayDiffer) counts.changed++;
    else unsettled.push(row);
  }
  const added = [...chains.added()];
  const mayPair = !hasKey || !options.isWhole || unsettled.some((row) => row.keyMayDiffer);
  // rows on one side alone have no partner
  if ((added.length === 0 || chains.removed.length === 0) && (unsettled.length === 0 || !mayPair)) {
    counts.added += added.length;
    counts.removed += chains.removed.length;
    return new Settling(options, chains, counts).run(unsettled, [], []);
  }
  return new Settling(options, chains, counts).run(unsettled, chains.removed, added);
}

function readChains({ store, later, to, openSince, committed }: RecordCountOptions): RowChains | undefined {
  let lsns = new Float64Array(4096), count = 0;
  store.pages.changes(later.file, 0, 0x1_0000_0000, openSince, to, (_, lsn) => {
    if (count === lsns.length && count < MOST_RECORDS) {
      const grown = new Float64Array(count * 2);
      grown.set(lsns);
      lsns = grown;
    }
    lsns[count++] = lsn;
  });
  if (count > lsns.length) return undefined;
  lsns = lsns.subarray(0, count).sort();
  const chains = new RowChains(committed, differingBytes(later));
  for (let i = 0; i < count && chains.isSure; i++) if (i === 0 || lsns[i] !== lsns[i - 1]) chains.take(store.wal.readRecord(lsns[i] as Lsn));
  return chains.isSure ? chains : undefined;
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

/** Reads the rows of which the records do not tell, and compares them. */
class Settling {
  private isSure = true;

  constructor(private readonly options: RecordCountOptions, private readonly chains: RowChains, private readonly counts: Record<Change, number>) {}

  run(rows: readonly KeptRow[], removed: readonly number[], added: readonly number[]): Record<Change, number> | undefined {
    const { options: { earlier, later, from, to, columns, keyPlaces }, chains: { patches }, counts } = this;
    const patchOf = new Map<number, number>(rows.map(({ was, patch }) => [was, patch]));
    const was = [...patchOf.keys(), ...removed], is = [...rows.filter(({ patch }) => patch === 0).map((row) => row.is), ...added];
    matchRows({ before: earlier, after: later, columns, keyPlaces, sameShape: true, emit: (_, change) => void counts[change]++ }, (matcher) => {
      this.read(earlier, from, was, (place, tuple) => {
        matcher.addBefore(tuple, false);
        const patch = patchOf.get(place) ?? 0;
        if (patch === 0) return;
        const newer = patches.apply(patch, tuple);
        if (newer) matcher.addAfter(newer, false);
        else this.isSure = false;
      });
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
    this.options.store.pages.scanBlocks(file, upTo, blocks, (block, { page, unknown }) => {
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
