/** The chunks of out-of-line values of one TOAST relation, as of a moment, found through its index (toast_fetch_datum()). */
import { ForkNumber, type RelFork } from '../pg/relFileLocator.js';
import type { Page } from '../pg/page.js';
import { compareFunction } from '../rows/compare.js';
import { visibleVersion } from '../rows/heapFetch.js';
import { NbtreeSearch, type IndexColumn } from '../rows/nbtreeSearch.js';
import { readToastChunk, type ToastChunk } from '../rows/toast.js';
import { inputError } from '../util/errors.js';
import { formatLsn } from '../util/lsn.js';
import type { Catalog } from './catalog.js';
import type { Relation } from './relation.js';

/** Every TOAST index is on (chunk_id oid, chunk_seq int4): catalog/toasting.c. */
const INDEX_COLUMNS: IndexColumn[] = [
  { attlen: 4, attalign: 'i', compare: compareFunction('btoidcmp', { cCollation: true }) },
  { attlen: 4, attalign: 'i', compare: compareFunction('btint4cmp', { cCollation: true }) },
];

export class ToastReader {
  private readonly file: RelFork;
  private readonly indexFile: RelFork;

  constructor(private readonly catalog: Catalog, private readonly relation: Relation) {
    this.file = { ...relation.locator, fork: ForkNumber.main };
    this.indexFile = { ...this.findIndex().locator, fork: ForkNumber.main };
  }

  private findIndex(): Relation {
    let index: Relation | undefined;
    this.catalog.scan('pg_index', (row) => {
      if (row.oid('indrelid') === this.relation.oid && row.bool('indisvalid')) index = this.catalog.relations.get(row.oid('indexrelid'));
    });
    if (!index) throw inputError('row.toast', `TOAST relation ${this.relation.name} has no valid index at this moment`);
    return index;
  }

  /** The chunks of a value by chunk_seq; empty where the value is not there. The bytes are copies. */
  chunks(valueId: number): ToastChunk[] {
    const key = new Uint8Array(4);
    new DataView(key.buffer).setUint32(0, valueId, true);
    const search = new NbtreeSearch((block) => this.page(this.indexFile, block), INDEX_COLUMNS, INDEX_COLUMNS.length);
    const chunks: ToastChunk[] = [];
    for (const { block, offset } of [...search.tids({ equal: [key] })]) {
      const page = this.page(this.file, block);
      const offnum = visibleVersion(page, offset, this.catalog.visibility);
      if (offnum === 0) continue;
      const chunk = readToastChunk(page.bytes, page.itemAt(offnum), page.lpLen(offnum));
      chunks.push({ ...chunk, data: chunk.data.slice() });
    }
    return chunks.sort((a, b) => a.chunkSeq - b.chunkSeq);
  }

  private page(file: RelFork, block: number): Page {
    const found = this.catalog.snapshot.page(file, block);
    if (!found) throw inputError('row.toast', `block ${block} of TOAST relation ${this.relation.name} does not exist at this moment`);
    if (found.unknown) {
      throw inputError('page.unknown', `block ${block} of TOAST relation ${this.relation.name} is unknown after ${formatLsn(found.unknown.lsn)} (${found.unknown.rmgr})`);
    }
    return found.page;
  }
}
