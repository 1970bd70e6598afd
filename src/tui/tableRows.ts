/** Rows of a table as the screen asks for them: a few before or after a place, so that only pages that are seen are read. */
import type { Table } from '../catalog/table.js';
import type { CompiledWhere } from '../query/where/index.js';
import type { Finding } from '../util/finding.js';

/** A row version on the screen. */
export interface GridRow {
  block: number;
  offnum: number;
  values: (string | null)[];
}

export type Place = Pick<GridRow, 'block' | 'offnum'>;

const CHUNK_BLOCKS = 4;
const KEPT_CHUNKS = 64;
const SLICE_MS = 20;

export class TableRows {
  private readonly chunks = new Map<number, GridRow[]>();
  private readonly chunkCount: number;

  constructor(private readonly table: Table, blocks: number, private readonly where: CompiledWhere | undefined, private readonly finding: (finding: Finding) => void) {
    this.chunkCount = Math.ceil(blocks / CHUNK_BLOCKS);
  }

  /** Up to `count` rows from the place on (`inclusive`: with the row at it); undefined: from the start. Throws where `signal` is aborted. */
  async from(place: Place | undefined, inclusive: boolean, count: number, signal: AbortSignal): Promise<GridRow[]> {
    const rows: GridRow[] = [];
    const pause = new Pause(signal);
    for (let c = place ? Math.floor(place.block / CHUNK_BLOCKS) : 0; c < this.chunkCount && rows.length < count; c++) {
      for (const row of this.chunk(c)) {
        const order = place ? comparePlaces(row, place) : 1;
        if ((order > 0 || (inclusive && order === 0)) && rows.length < count) rows.push(row);
      }
      await pause.ifDue();
    }
    return rows;
  }

  /** Up to `count` rows that end just before the place, ascending; undefined: the last ones. */
  async before(place: Place | undefined, count: number, signal: AbortSignal): Promise<GridRow[]> {
    const parts: GridRow[][] = [];
    let found = 0;
    const pause = new Pause(signal);
    for (let c = place ? Math.min(Math.floor(place.block / CHUNK_BLOCKS), this.chunkCount - 1) : this.chunkCount - 1; c >= 0 && found < count; c--) {
      const part = place ? this.chunk(c).filter((row) => comparePlaces(row, place) < 0) : this.chunk(c);
      parts.unshift(part);
      found += part.length;
      await pause.ifDue();
    }
    const rows = parts.flat();
    return rows.slice(Math.max(0, rows.length - count));
  }

  private chunk(c: number): GridRow[] {
    const known = this.chunks.get(c);
    if (known) return known;
    const kept: GridRow[] = [];
    const tested = this.where ? new Array<string | null>(this.table.columns.length).fill(null) : [];
    this.table.scan((row) => {
      if (this.where) {
        for (const i of this.where.columnsUsed) tested[i] = row.value(i);
        if (!this.where.test(tested)) return;
      }
      kept.push({ block: row.block, offnum: row.offnum, values: row.values() });
    }, this.finding, c * CHUNK_BLOCKS, (c + 1) * CHUNK_BLOCKS);
    if (this.chunks.size >= KEPT_CHUNKS) this.chunks.delete(this.chunks.keys().next().value!);
    this.chunks.set(c, kept);
    return kept;
  }
}

function comparePlaces(a: Place, b: Place): number {
  return a.block - b.block || a.offnum - b.offnum;
}

/** Lets keys in between slices of long work, and stops it once it is no longer wanted. */
export class Pause {
  private since = performance.now();

  constructor(private readonly signal: AbortSignal) {}

  async ifDue(): Promise<void> {
    if (performance.now() - this.since < SLICE_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.signal.throwIfAborted();
    this.since = performance.now();
  }
}
