/** The chunks of out-of-line values of one TOAST relation, as of a moment. */
import { ForkNumber, type RelFork } from '../pg/relFileLocator.js';
import { readToastChunk, type ToastChunk } from '../rows/toast.js';
import { visibleTuples } from '../rows/visibility.js';
import { inputError } from '../util/errors.js';
import type { Catalog } from './catalog.js';
import type { Relation } from './relation.js';

interface ChunkPlace {
  block: number;
  offnum: number;
  seq: number;
}

export class ToastReader {
  private readonly file: RelFork;
  private places: Map<number, ChunkPlace[]> | undefined;

  constructor(private readonly catalog: Catalog, relation: Relation) {
    this.file = { ...relation.locator, fork: ForkNumber.main };
  }

  /** The chunks of a value by chunk_seq; empty where the value is not there. The bytes are copies. */
  chunks(valueId: number): ToastChunk[] {
    const places = (this.places ??= this.locate()).get(valueId) ?? [];
    return places.map(({ block, offnum }) => {
      const page = this.catalog.snapshot.page(this.file, block)!.page;
      const chunk = readToastChunk(page.bytes, page.itemAt(offnum), page.lpLen(offnum));
      return { ...chunk, data: chunk.data.slice() };
    });
  }

  private locate(): Map<number, ChunkPlace[]> {
    const places = new Map<number, ChunkPlace[]>();
    this.catalog.snapshot.scan(this.file, (block, { page }) => {
      visibleTuples(page, this.catalog.visibility, (offnum, at, length) => {
        const chunk = readToastChunk(page.bytes, at, length);
        const place = { block, offnum, seq: chunk.chunkSeq };
        const list = places.get(chunk.valueId);
        if (list) list.push(place);
        else places.set(chunk.valueId, [place]);
      }, (offnum) => {
        throw inputError('row.damaged', `line pointer ${offnum} of block ${block} of a TOAST relation is damaged`);
      });
    });
    for (const list of places.values()) list.sort((a, b) => a.seq - b.seq);
    return places;
  }
}
