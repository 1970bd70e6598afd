/** Visibility map and free space map pages (visibilitymap.c; storage/freespace, fsm_internals.h, PG 13–18). */
import { BLCKSZ, SIZE_OF_PAGE_HEADER } from '../page.js';
import { HEAPBLOCKS_PER_VM_PAGE, VISIBILITYMAP_ALL_FROZEN, VISIBILITYMAP_ALL_VISIBLE, visibilitymapGetStatus } from '../visibilityMap.js';
import type { Fields, KindDescriber } from './types.js';

/** Runs of heap blocks whose bits are equal and not both clear. */
export const describeVisibilityMap: KindDescriber = (page, block) => {
  const entries: Fields[] = [];
  const first = block * HEAPBLOCKS_PER_VM_PAGE;
  let run: Fields | undefined;
  let runStatus = 0;
  for (let heapBlock = first; heapBlock < first + HEAPBLOCKS_PER_VM_PAGE; heapBlock++) {
    const status = visibilitymapGetStatus(page, heapBlock);
    if (status !== runStatus) run = undefined;
    runStatus = status;
    if (status === 0) continue;
    if (run) {
      run['last_block'] = heapBlock;
      continue;
    }
    run = {
      first_block: heapBlock,
      last_block: heapBlock,
      all_visible: (status & VISIBILITYMAP_ALL_VISIBLE) !== 0,
      all_frozen: (status & VISIBILITYMAP_ALL_FROZEN) !== 0,
    };
    entries.push(run);
  }
  return { type: 'map', special: {}, contents: { first_block: first, last_block: first + HEAPBLOCKS_PER_VM_PAGE - 1 }, entries };
};

const FSM_NODES_AT = SIZE_OF_PAGE_HEADER + 4;
const FSM_NON_LEAF_NODES = BLCKSZ / 2 - 1;
/** SlotsPerFSMPage */
const FSM_SLOTS = BLCKSZ - FSM_NODES_AT - FSM_NON_LEAF_NODES;
const FSM_CAT_STEP = BLCKSZ / 256;
/** MaxFSMRequestSize = MaxHeapTupleSize: what the highest category stands for. */
const FSM_MAX_REQUEST = BLCKSZ - 32;

/**
 * Where a page of the file stands in the tree: fsm_logical_to_physical() turned round. The root comes first; each page of level 1
 * is followed by its pages of level 0.
 */
function fsmAddress(block: number): { level: number; logpageno: number } {
  if (block === 0) return { level: 2, logpageno: 0 };
  const subtree = Math.floor((block - 1) / (FSM_SLOTS + 1));
  const within = (block - 1) % (FSM_SLOTS + 1);
  return within === 0 ? { level: 1, logpageno: subtree } : { level: 0, logpageno: subtree * FSM_SLOTS + within - 1 };
}

/** The slots that promise space: of heap blocks on level 0, else of the map's own pages below. */
export const describeFreeSpaceMap: KindDescriber = (page, block) => {
  const { level, logpageno } = fsmAddress(block);
  const entries: Fields[] = [];
  for (let slot = 0; slot < FSM_SLOTS; slot++) {
    const category = page.bytes[FSM_NODES_AT + FSM_NON_LEAF_NODES + slot]!;
    if (category === 0) continue;
    const available = category === 255 ? FSM_MAX_REQUEST : category * FSM_CAT_STEP;
    if (level === 0) entries.push({ slot, heap_block: logpageno * FSM_SLOTS + slot, category, available });
    else entries.push({ slot, child: level === 2 ? 1 + slot * (FSM_SLOTS + 1) : block + 1 + slot, category, available });
  }
  const contents = { level, logpageno, fp_next_slot: page.view.getInt32(SIZE_OF_PAGE_HEADER, true), root: page.bytes[FSM_NODES_AT]! };
  return { type: level === 0 ? 'bottom' : level === 2 ? 'root' : 'inner', special: {}, contents, entries };
};
