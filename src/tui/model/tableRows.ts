/** Rows of a table as the screen asks for them: a few before or after a place, so that only pages that are seen are read. */
import type { RowView } from '../../catalog/table.js';
import { readableValue } from '../../query/asof.js';
import type { RowMarks } from '../../query/rowMarks.js';
import type { ScanSource, SourcePart } from '../../query/scanSource.js';
import type { DatabaseAt } from '../../query/session.js';
import type { VirtualColumns } from '../../query/virtualColumns.js';
import type { CompiledWhere } from '../../query/where/index.js';
import type { Finding } from '../../util/finding.js';
import type { Direction, GridRow, Place } from '../protocol.js';
import type { Work } from './work.js';

/** Rows in an order, addressed by place. */
export interface RowSource {
  /** Up to `count` rows from the place on (`inclusive`: with the row at it); undefined: from the start. */
  from(place: Place | undefined, inclusive: boolean, count: number): GridRow[];
  /** Up to `count` rows that end just before the place, ascending; undefined: the last ones. */
  before(place: Place | undefined, count: number): GridRow[];
  /** The nearest row after (before) the place that the step marks; undefined: none. */
  marked(place: Place | undefined, direction: Direction): Place | undefined;
}

export interface RowFilter {
  where: CompiledWhere | undefined;
  /** Columns that are computed when they are read. */
  virtual: VirtualColumns;
  /** Part by part; undefined where no step is to be marked. */
  marks: readonly RowMarks[] | undefined;
}

const CHUNK_BLOCKS = 4;
const KEPT_CHUNKS = 128;
/** Blocks that are read at a time where all are. */
const RUN_BLOCKS = 64;

interface Chunk {
  part: number;
  from: number;
  to: number;
}

export function comparePlaces(a: Place, b: Place): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/** Rows in physical order, part by part. */
export class TableRows implements RowSource {
  private readonly chunks: Chunk[] = [];
  private readonly kept = new Map<number, GridRow[]>();
  /** Chunks in which no row passes the filter: need not be read again. */
  private readonly empty = new Set<number>();

  constructor(
    database: DatabaseAt, private readonly source: ScanSource, private readonly filter: RowFilter, private readonly work: Work,
    private readonly finding: (finding: Finding) => void,
  ) {
    source.parts.forEach((part, p) => {
      const blocks = database.blocks(part.table.relation) ?? 0;
      for (let from = 0; from < blocks; from += CHUNK_BLOCKS) this.chunks.push({ part: p, from, to: Math.min(blocks, from + CHUNK_BLOCKS) });
    });
  }

  from(place: Place | undefined, inclusive: boolean, count: number): GridRow[] {
    const rows: GridRow[] = [];
    for (let c = place ? this.chunkOf(place) : 0; c < this.chunks.length && rows.length < count; c++) {
      for (const row of this.chunk(c)) {
        const order = place ? comparePlaces(row.place, place) : 1;
        if ((order > 0 || (inclusive && order === 0)) && rows.length < count) rows.push(row);
      }
    }
    return rows;
  }

  before(place: Place | undefined, count: number): GridRow[] {
    const parts: GridRow[][] = [];
    let found = 0;
    for (let c = place ? Math.min(this.chunkOf(place), this.chunks.length - 1) : this.chunks.length - 1; c >= 0 && found < count; c--) {
      const part = place ? this.chunk(c).filter((row) => comparePlaces(row.place, place) < 0) : this.chunk(c);
      parts.unshift(part);
      found += part.length;
    }
    const rows = parts.flat();
    return rows.slice(Math.max(0, rows.length - count));
  }

  /** All rows, one after the other. */
  all(emit: (row: GridRow) => void): void {
    for (let c = 0; c < this.chunks.length;) {
      const { part, from } = this.chunks[c]!;
      this.work.progress('reading block', c * CHUNK_BLOCKS, this.chunks.length * CHUNK_BLOCKS);
      let { to } = this.chunks[c++]!;
      while (this.chunks[c]?.part === part && to - from < RUN_BLOCKS) ({ to } = this.chunks[c++]!);
      this.read({ part, from, to }).forEach(emit);
    }
  }

  /** The nearest row after (before) the place that the step marks. */
  marked(place: Place | undefined, direction: Direction): Place | undefined {
    const by = direction === 'next' ? 1 : -1;
    const first = place ? Math.min(this.chunkOf(place), this.chunks.length - 1) : direction === 'next' ? 0 : this.chunks.length - 1;
    for (let c = first; c >= 0 && c < this.chunks.length; c += by) {
      const { part, from, to } = this.chunks[c]!;
      this.work.progress('looking at block', from, this.chunks.length * CHUNK_BLOCKS);
      if (!this.filter.marks?.[part]!.mayMark(from, to)) continue;
      const rows = this.chunk(c).filter((row) => row.change !== undefined && (!place || Math.sign(comparePlaces(row.place, place)) === by));
      if (rows.length > 0) return rows.at(by > 0 ? 0 : -1)!.place;
    }
    return undefined;
  }

  /** The chunk that holds the place, or the first one after it. */
  private chunkOf([part, block]: Place): number {
    let low = 0, high = this.chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1, chunk = this.chunks[middle]!;
      if (chunk.part < part || (chunk.part === part && chunk.to <= block)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private chunk(c: number): GridRow[] {
    const known = this.kept.get(c);
    if (known) return known;
    if (this.empty.has(c)) return [];
    this.work.progress('reading block', c * CHUNK_BLOCKS, this.chunks.length * CHUNK_BLOCKS);
    const rows = this.read(this.chunks[c]!);
    if (rows.length === 0) this.empty.add(c);
    else {
      if (this.kept.size >= KEPT_CHUNKS) this.kept.delete(this.kept.keys().next().value!);
      this.kept.set(c, rows);
    }
    return rows;
  }

  private read({ part: p, from, to }: Chunk): GridRow[] {
    const part = this.source.parts[p]!;
    const marks = this.filter.marks?.[p];
    const rows: GridRow[] = [];
    const take = rowReader(part, p, this.source.table.columns.length, this.filter, this.finding);
    part.table.scan((row) => {
      const taken = take(row);
      if (!taken) return;
      taken.change = marks?.of(row);
      rows.push(taken);
    }, this.finding, from, to);
    if (!marks?.mayMark(from, to)) return rows;
    const gone: GridRow[] = [];
    part.table.scanDead((row) => {
      if (!marks.hasRemoved(row)) return;
      const taken = take(row);
      if (taken) gone.push({ ...taken, change: 'removed', isGone: true });
    }, this.finding, from, to);
    return gone.length === 0 ? rows : [...rows, ...gone].sort((a, b) => comparePlaces(a.place, b.place));
  }
}

/** Reads a row of a part into the order of the answer's columns; undefined for one that the filter leaves out. */
export function rowReader(part: SourcePart, p: number, columns: number, { where, virtual }: Pick<RowFilter, 'where' | 'virtual'>, finding: (finding: Finding) => void): (row: RowView) => GridRow | undefined {
  const value = readableValue(part.table, part.places ?? Array.from({ length: columns }, (_, i) => i), virtual, finding);
  const tested = where ? new Array<string | null>(columns).fill(null) : [];
  return (row) => {
    if (where) {
      for (const i of where.columnsUsed) tested[i] = value(row, i);
      if (!where.test(tested)) return undefined;
    }
    const values = Array.from({ length: columns }, (_, i) => value(row, i));
    return { place: [p, row.block, row.offnum], values, change: undefined, isGone: false, block: row.block, offnum: row.offnum, oid: part.table.relation.oid, xmin: row.xmin };
  };
}

/** Rows that are all known, in the order given: sorted, or found through an index. */
export class ListedRows implements RowSource {
  constructor(private readonly rows: readonly GridRow[]) {
    rows.forEach((row, i) => (row.place = [i, 0, 0]));
  }

  get count(): number { return this.rows.length; }

  all(emit: (row: GridRow) => void): void {
    this.rows.forEach(emit);
  }

  from(place: Place | undefined, inclusive: boolean, count: number): GridRow[] {
    const at = place === undefined ? 0 : place[0] + (inclusive ? 0 : 1);
    return this.rows.slice(at, at + count);
  }

  before(place: Place | undefined, count: number): GridRow[] {
    const end = place === undefined ? this.rows.length : place[0];
    return this.rows.slice(Math.max(0, end - count), end);
  }

  marked(place: Place | undefined, direction: Direction): Place | undefined {
    const isMarked = (row: GridRow): boolean => row.change !== undefined && (!place || (direction === 'next' ? row.place[0] > place[0] : row.place[0] < place[0]));
    return (direction === 'next' ? this.rows.find(isMarked) : this.rows.findLast(isMarked))?.place;
  }
}
