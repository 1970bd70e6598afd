/** The chunks of out-of-line values of one TOAST relation, as of a moment, found through its index (toast_fetch_datum()). */
import { ForkNumber, type RelFork } from '../pg/relFileLocator.js';
import { HEAP_XMIN_FROZEN, HEAP_XMIN_INVALID, SIZE_OF_HEAP_TUPLE_HEADER, T_INFOMASK, T_XMIN } from '../pg/heapTuple.js';
import { LP_NORMAL, type Page } from '../pg/page.js';
import { compareFunction } from '../rows/compare.js';
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

  /**
   * The chunks of a value by chunk_seq; empty where the value is not there. The bytes are copies. Like HeapTupleSatisfiesToast() this looks at
   * no transaction status: whoever holds a pointer may follow it, and so values of deleted row versions can be read while the pages hold them.
   */
  chunks(valueId: number): ToastChunk[] {
    const key = new Uint8Array(4);
    new DataView(key.buffer).setUint32(0, valueId, true);
    const search = new NbtreeSearch((block) => this.page(this.indexFile, block), INDEX_COLUMNS, INDEX_COLUMNS.length);
    const chunks: ToastChunk[] = [];
    for (const { block, offset } of [...search.tids({ equal: [key] })]) {
      const page = this.page(this.file, block);
      if (!isReadable(page, offset)) continue;
      const chunk = readToastChunk(page.bytes, page.itemAt(offset), page.lpLen(offset));
      // an index entry may outlive its row: what stands there now can be another value's chunk
      if (chunk.valueId !== valueId) continue;
      chunks.push({ ...chunk, data: chunk.data.slice() });
    }
    return chunks.sort((a, b) => a.chunkSeq - b.chunkSeq);
  }

  private page(file: RelFork, block: number): Page {
    const found = this.catalog.snapshot.pageAt(file, block, this.catalog.toastUpTo);
    if (!found) throw inputError('row.toast', `block ${block} of TOAST relation ${this.relation.name} does not exist at this moment`);
    if (found.unknown) {
      throw inputError('page.unknown', `block ${block} of TOAST relation ${this.relation.name} is unknown after ${formatLsn(found.unknown.lsn)} (${found.unknown.rmgr})`);
    }
    return found.page;
  }
}

/** HeapTupleSatisfiesToast(), heapam_visibility.c: all but insertions known to have failed and speculative ones taken back. */
function isReadable(page: Page, offnum: number): boolean {
  if (offnum > page.maxOffset || page.lpFlags(offnum) !== LP_NORMAL) return false;
  if (page.lpLen(offnum) < SIZE_OF_HEAP_TUPLE_HEADER) throw inputError('row.damaged', `line pointer ${offnum} of a TOAST relation is damaged`);
  const at = page.itemAt(offnum);
  const isInvalid = (page.view.getUint16(at + T_INFOMASK, true) & HEAP_XMIN_FROZEN) === HEAP_XMIN_INVALID;
  return !isInvalid && page.view.getUint32(at + T_XMIN, true) !== 0;
}
