/**
 * Whether the tables of a base backup are as long as they were: a file that was cut off at a page's end looks like a smaller table, and nothing
 * but a backup_manifest has its size. The visibility map, a file of its own, speaks of heap pages by number.
 */
import { ForkNumber, formatRelFork, type RelFork } from '../pg/relFileLocator.js';
import { heapBlockToMapBlock, HEAPBLOCKS_PER_VM_PAGE, visibilitymapGetStatus } from '../pg/visibilityMap.js';
import type { CaseStore } from './caseStore.js';
import type { PageStore } from './pageStore.js';
import type { UsableBackup } from './sources.js';

/** A table of which the map knows a page behind its end. */
export interface ShortTable {
  rel: RelFork;
  blocks: number;
  /** The last page that the map speaks of. */
  lastKnown: number;
}

const CACHE_BYTES = 4 * 1024 * 1024;
/** Tables between two looks at the clock. */
const STEP_TABLES = 500;

/** The tables that are too short once the backup is consistent; yields the number that was looked at, now and then. */
export function* shortTables(store: CaseStore, backup: UsableBackup, found: (table: ShortTable) => void): Generator<number> {
  const pages = store.pagesFrom(backup, CACHE_BYTES);
  const forks = backup.images.forks();
  const unlogged = new Set(forks.filter(({ fork }) => fork === ForkNumber.init).map((rel) => formatRelFork({ ...rel, fork: ForkNumber.main })));
  const maps = forks.filter(({ fork }) => fork === ForkNumber.vm);
  for (const [i, map] of maps.entries()) {
    const heap = { ...map, fork: ForkNumber.main };
    if (!unlogged.has(formatRelFork(heap)) && !pages.isLeftOut(heap)) {
      const { blocks } = pages.relation(heap, backup.consistentLsn);
      const lastKnown = lastBlockOfMap(pages, map, blocks, backup);
      if (lastKnown !== undefined) found({ rel: heap, blocks, lastKnown });
    }
    if ((i + 1) % STEP_TABLES === 0) yield i + 1;
  }
}

/** The last heap page from `blocks` on that the map has a bit of. */
function lastBlockOfMap(pages: PageStore, map: RelFork, blocks: number, { consistentLsn }: UsableBackup): number | undefined {
  const first = heapBlockToMapBlock(blocks);
  for (let mapBlock = pages.relation(map, consistentLsn).blocks - 1; mapBlock >= first; mapBlock--) {
    const page = pages.getPage(map, mapBlock, consistentLsn)?.page;
    if (!page || page.isNew) continue;
    const start = mapBlock * HEAPBLOCKS_PER_VM_PAGE;
    for (let block = start + HEAPBLOCKS_PER_VM_PAGE - 1; block >= Math.max(start, blocks); block--) if (visibilitymapGetStatus(page, block) !== 0) return block;
  }
  return undefined;
}
