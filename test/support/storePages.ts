/** Two stores over the same WAL, page by page. */
import { formatRelFork, type RelFork } from '../../src/pg/relFileLocator.js';
import type { CaseStore } from '../../src/store/caseStore.js';
import type { Lsn } from '../../src/util/lsn.js';

export interface Block {
  rel: RelFork;
  block: number;
}

/** Every block that any record touches. */
export function changedBlocks(store: CaseStore): Block[] {
  const blocks = new Map<string, Block>();
  store.layers.entries.forEach((_, i) => {
    for (const rel of store.layers.layer(i).relations) store.layers.layer(i).entries(rel, 0, 0x1_0000_0000, (block) => blocks.set(`${formatRelFork(rel)} ${block}`, { rel, block }));
  });
  return [...blocks.values()];
}

/** Compares the blocks as of a moment; gives how many there were. `onRead`: told after each read of the second store. Throws at a difference. */
export function comparePages(expected: CaseStore, store: CaseStore, blocks: readonly Block[], upTo: Lsn, onRead: () => void = () => undefined): number {
  let pages = 0;
  for (const { rel, block } of blocks) {
    const wanted = expected.pages.getPage(rel, block, upTo);
    const got = store.pages.getPage(rel, block, upTo);
    onRead();
    const what = `${formatRelFork(rel)} block ${block} at ${upTo}`;
    if (!wanted !== !got) throw new Error(`${what}: ${wanted ? 'is missing' : 'should not be there'}`);
    if (!wanted || !got) continue;
    if (!Buffer.from(got.page.bytes).equals(wanted.page.bytes)) throw new Error(`${what}: differs`);
    if (got.unknown?.lsn !== wanted.unknown?.lsn) throw new Error(`${what}: known in one and not in the other`);
    pages++;
  }
  return pages;
}
