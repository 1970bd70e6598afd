/**
 * Every row version that a catalog ever held within the coverage of a case, whoever sees it: what stood in its file when the coverage begins, and what
 * each record since put there. So it holds for all moments at once, and for transactions that are still open.
 */
import { CatalogRow, type CatalogLayout } from '../catalog/catalogRow.js';
import { ForkNumber, type RelFileLocator } from '../pg/relFileLocator.js';
import { LP_NORMAL, Page } from '../pg/page.js';
import { ENTRY_STARTS_CHAIN, SizeEventKind } from '../layerfile/deltaLayer.js';
import { PG_UTF8, textDecoding, type TextDecoding } from '../rows/types/encoding.js';
import { SIZE_OF_HEAP_TUPLE_HEADER } from '../pg/heapTuple.js';
import type { CaseStore, Coverage } from '../store/caseStore.js';
import type { ChainEntry } from '../store/pageStore.js';
import type { Lsn } from '../util/lsn.js';

const LAST_BLOCK = 0x1_0000_0000;

export interface CatalogFile {
  locator: RelFileLocator;
  layout: CatalogLayout;
  /** pg_enc number of the database. */
  encoding: number;
}

/** Calls `emit` for each row version, some more than once. Out-of-line values cannot be asked for. The row is filled again for the next. */
export function eachRowVersion(store: CaseStore, file: CatalogFile, emit: (row: CatalogRow) => void): void {
  for (const range of store.coverage) new FileWalk(store, file, range, emit).run();
}

class FileWalk {
  private readonly rel;
  private readonly row: CatalogRow;
  /** Positions at which the file, or a part of it, began anew. */
  private readonly breaks: Lsn[];
  private seen = new Set<string>();

  constructor(private readonly store: CaseStore, { locator, layout, encoding }: CatalogFile, private readonly range: Coverage, private readonly emit: (row: CatalogRow) => void) {
    this.rel = { ...locator, fork: ForkNumber.main };
    const { decode } = (textDecoding(encoding) ?? textDecoding(PG_UTF8)) as TextDecoding;
    this.row = new CatalogRow(layout, {
      decode,
      detoast: () => {
        throw new Error('no out-of-line value of a row version is needed');
      },
    });
    const sizes = store.layers.sizeEvents(this.rel, range.firstLsn, range.lastLsn).filter(({ kind }) => kind !== SizeEventKind.extend);
    const folders = store.directories.between(locator.spcOid, locator.dbOid, range.firstLsn, range.lastLsn);
    this.breaks = [...sizes, ...folders].map(({ lsn }) => lsn).sort((a, b) => a - b);
  }

  run(): void {
    const { store, rel, range } = this;
    for (const from of [range.firstLsn, ...this.breaks.map((lsn) => (lsn + 8) as Lsn)]) {
      if (from <= range.lastLsn) store.pages.scan(rel, from, 0, LAST_BLOCK, (_, { page }) => this.take(page));
    }
    const changes = new Map<number, ChainEntry[]>();
    store.pages.changes(rel, 0, LAST_BLOCK, range.firstLsn, range.lastLsn, (block, lsn, bits) => {
      const list = changes.get(block);
      if (list) list.push({ lsn, bits });
      else changes.set(block, [{ lsn, bits }]);
    });
    for (const [block, entries] of changes) this.block(block, entries);
  }

  private block(block: number, entries: readonly ChainEntry[]): void {
    const { store, rel } = this;
    const page = new Page();
    this.seen = new Set();
    let next = 0;
    for (const [i, entry] of entries.entries()) {
      const began = next;
      while (next < this.breaks.length && this.breaks[next]! < entry.lsn) next++;
      if ((entry.bits & ENTRY_STARTS_CHAIN) !== 0) page.bytes.fill(0);
      else if (i === 0 || next > began) page.bytes.set(store.pages.getPage(rel, block, entry.lsn)?.page.bytes ?? new Page().bytes);
      store.pages.apply(entry, rel, block, page, {});
      this.take(page);
    }
  }

  private take(page: Page): void {
    for (let offnum = 1; offnum <= page.maxOffset; offnum++) {
      const length = page.lpLen(offnum);
      if (page.lpFlags(offnum) !== LP_NORMAL || length < SIZE_OF_HEAP_TUPLE_HEADER) continue;
      const at = page.itemAt(offnum);
      const key = `${offnum} ${at} ${page.view.getUint32(at, true)}`; // with xmin: pages change by a tuple or two at a time
      if (this.seen.has(key)) continue;
      this.seen.add(key);
      this.emit(this.row.fill(page.bytes, page.view, at, length));
    }
  }
}
