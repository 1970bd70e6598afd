/**
 * Pages on a walk through the WAL: each as the walk has it, in a bounded pool. A page that is not there comes from the index, as of the
 * record that asks for it; so one that had to leave can come back at any time.
 */
import { BLCKSZ, Page } from '../pg/page.js';
import type { RelFork } from '../pg/relFileLocator.js';
import type { Lsn } from '../util/lsn.js';
import type { PageStore } from './pageStore.js';

/** A page in the pool. It may leave at the next call: use it at once. */
export interface ForwardPage {
  page: Page;
  /** Set where a record could not be replayed: what follows is not known until the next image. */
  unknown: boolean;
}

interface Slot extends ForwardPage {
  fork: Fork | undefined;
  block: number;
  /** Asked for since the hand last passed. */
  referenced: boolean;
}

interface Fork {
  rel: RelFork;
  blocks: Map<number, Slot>;
}

const SMALLEST_POOL = 64;

export class ForwardPages {
  private readonly forks = new Map<number, Fork[]>();
  private readonly slots: Slot[] = [];
  private readonly free: Slot[] = [];
  private readonly capacity: number;
  private hand = 0;
  private last: Fork | undefined;
  /** Pages that were fetched from the index. */
  loaded = 0;

  /** `store`: answers from one base backup on; its own cache may be small. */
  constructor(private readonly store: PageStore, memoryBytes: number) {
    this.capacity = Math.max(SMALLEST_POOL, Math.floor(memoryBytes / BLCKSZ));
  }

  /** The page as before the record at `lsn`; zeros where there is none. `startsChain`: the caller overwrites it, its contents do not matter. */
  get(rel: RelFork, block: number, lsn: Lsn, startsChain: boolean): ForwardPage {
    const fork = this.fork(rel);
    const known = fork.blocks.get(block);
    if (known) {
      known.referenced = true;
      return known;
    }
    const slot = this.takeSlot();
    slot.fork = fork;
    slot.block = block;
    slot.referenced = true;
    slot.unknown = false;
    const before = startsChain ? undefined : this.store.getPage(rel, block, lsn);
    if (before) {
      slot.page.bytes.set(before.page.bytes);
      slot.unknown = before.unknown !== undefined;
      this.loaded++;
    } else {
      slot.page.bytes.fill(0);
    }
    fork.blocks.set(block, slot);
    return slot;
  }

  private fork(rel: RelFork): Fork {
    const { last } = this;
    if (last && isSame(last.rel, rel)) return last;
    const key = rel.relNumber * 4 + rel.fork;
    let list = this.forks.get(key);
    if (!list) this.forks.set(key, (list = []));
    let fork = list.find((each) => isSame(each.rel, rel));
    if (!fork) list.push((fork = { rel: { spcOid: rel.spcOid, dbOid: rel.dbOid, relNumber: rel.relNumber, fork: rel.fork }, blocks: new Map() }));
    this.last = fork;
    return fork;
  }

  /** A free page, or the next one that nobody has asked for since the hand last passed. */
  private takeSlot(): Slot {
    const free = this.free.pop();
    if (free) return free;
    if (this.slots.length < this.capacity) {
      const slot: Slot = { page: new Page(new Uint8Array(BLCKSZ)), unknown: false, fork: undefined, block: 0, referenced: false };
      this.slots.push(slot);
      return slot;
    }
    for (;;) {
      const slot = this.slots[this.hand]!;
      this.hand = (this.hand + 1) % this.slots.length;
      if (slot.referenced) {
        slot.referenced = false;
        continue;
      }
      slot.fork?.blocks.delete(slot.block);
      return slot;
    }
  }

  /** Forgets the blocks of a fork from `blocks` on: they are cut off, or their file is gone. */
  forget(rel: RelFork, blocks: number): void {
    const fork = this.fork(rel);
    for (const [block, slot] of fork.blocks) if (block >= blocks) this.release(fork, block, slot);
  }

  /** Forgets all pages of a database's folder. */
  forgetDatabase(spcOid: number, dbOid: number): void {
    for (const list of this.forks.values()) {
      for (const fork of list) {
        if (fork.rel.spcOid !== spcOid || fork.rel.dbOid !== dbOid) continue;
        for (const [block, slot] of fork.blocks) this.release(fork, block, slot);
      }
    }
  }

  private release(fork: Fork, block: number, slot: Slot): void {
    fork.blocks.delete(block);
    slot.fork = undefined;
    slot.referenced = false;
    this.free.push(slot);
  }
}

function isSame(a: RelFork, b: RelFork): boolean {
  return a.relNumber === b.relNumber && a.fork === b.fork && a.dbOid === b.dbOid && a.spcOid === b.spcOid;
}
