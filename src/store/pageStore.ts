/**
 * Pages as of an LSN: chain = the block's entries before the moment, newest first, to the first that starts a chain, or the base
 * page or the nearest image that compaction made; fetch the records in LSN order, replay each. Rebuilt pages stay in a bounded cache and serve as bases for later moments.
 */
import { chainKeys, type ChainPart } from '../layerfile/chainKeys.js';
import { ENTRY_STARTS_CHAIN } from '../layerfile/deltaLayer.js';
import { BLCKSZ, Page } from '../pg/page.js';
import { formatRelFork, type RelFork } from '../pg/relFileLocator.js';
import { replayRecord } from '../redo/replay.js';
import { rmgrName } from '../redo/rmgrlist.js';
import { ExitCode, WalscopeError } from '../util/errors.js';
import { LruCache } from '../util/lruCache.js';
import { INVALID_LSN, type Lsn } from '../util/lsn.js';
import { replayChains } from './chainReplay.js';
import type { Directories } from './layerEvents.js';
import type { FoundImage, ImageMap } from './imageMap.js';
import type { LayerMap } from './layerMap.js';
import { PageCache, type CachedPage } from './pageCache.js';
import { blockFloor, relationState, type RelationState } from './relationState.js';
import { SLRU_FOLDER, SLRU_SPC_OID, slruFile, type Slru } from './slruKeys.js';
import { replaySlruRecord } from './slruReplay.js';
import type { UsableBackup, WalStore } from './sources.js';
import { stretches } from './stretches.js';

/** A page as of a moment. The bytes belong to the caller's view only until the next call on the store: copy what must last. */
export interface PageAsOf {
  page: Page;
  /** Set where a record could not be replayed: the page is not known from this LSN on. */
  unknown?: { lsn: Lsn; rmgr: string };
}

/** One record of a page's history. */
export interface ChainEntry {
  lsn: Lsn;
  bits: number;
}

/** Work of the process so far, for `--timing`. */
export interface PageCounters {
  pagesRead: number;
  pagesCached: number;
  recordsReplayed: number;
}

/**
 * Blocks that a scan rebuilds at a time: few at first, so that the first rows come soon, then twice as many each time, up to 64 MB of pages: the more
 * there are, the less often the WAL is walked.
 */
const FIRST_SCAN_BLOCKS = 256;
const MOST_SCAN_BLOCKS = 8192;
/** Forks of so many blocks stay in the cache when they are scanned. */
const KEPT_SCAN_BLOCKS = 256;
/** Blocks that a scan of two moments rebuilds at a time: 64 MB of pages. The more there are, the less often the WAL is walked. */
const PAIR_BATCH_BLOCKS = 4096;

export interface PageStoreOptions {
  /** XLogHintBitIsNeeded() at a position. */
  hintBitsLogged: (lsn: Lsn) => boolean;
  /** Bytes of rebuilt pages to keep. */
  cacheBytes: number;
  /** Forks whose records a selection left out of the index: their pages are not known; only where there are any. */
  leftOut?: { forks: readonly RelFork[]; only: readonly string[] };
  /** Images that compaction made; without them every chain goes back to a record that starts it, or to the base. */
  images?: ImageMap;
}

/** Where the records of a block begin to count, and on what. */
interface BlockStart {
  floorLsn: Lsn;
  usesBase: boolean;
  image?: FoundImage;
}

export class PageStore {
  readonly counters: PageCounters = { pagesRead: 0, pagesCached: 0, recordsReplayed: 0 };
  private readonly cache: PageCache;
  private readonly states = new LruCache<string, RelationState>(4096);
  private readonly leftOut: Set<string> | undefined;

  constructor(
    readonly layers: LayerMap,
    private readonly directories: Directories,
    private readonly wal: WalStore,
    private readonly backupFor: (upTo: Lsn) => UsableBackup,
    private readonly options: PageStoreOptions,
  ) {
    const { leftOut } = options;
    if (leftOut && leftOut.forks.length > 0) this.leftOut = new Set(leftOut.forks.map(formatRelFork));
    this.cache = new PageCache(options.cacheBytes);
  }

  /** XLogHintBitIsNeeded() at a position. */
  hintBitsLogged(lsn: Lsn): boolean {
    return this.options.hintBitsLogged(lsn);
  }

  /** Whether the index leaves the records of a fork out; existence and size are known all the same. */
  isLeftOut(rel: RelFork): boolean {
    return this.leftOut?.has(formatRelFork(rel)) === true;
  }

  private requireKeys(rel: RelFork): void {
    if (!this.leftOut || !this.isLeftOut(rel)) return;
    throw new WalscopeError('relation.untracked', `relation ${formatRelFork(rel)} is not in this index, which holds only ${this.options.leftOut!.only.join(', ')}`, {
      exitCode: ExitCode.outsideCoverage, hint: 'take its table in with walscope track DB.SCHEMA.TABLE',
    });
  }

  /** Existence and size of a relation fork for all records that begin before `upTo`; `backup`: the one to count from, instead of the nearest. */
  relation(rel: RelFork, upTo: Lsn, backup?: UsableBackup): RelationState {
    const key = `${rel.spcOid}/${rel.dbOid}/${rel.relNumber}/${rel.fork}@${upTo}${backup ? ` from ${backup.redoLsn}` : ''}`;
    let state = this.states.get(key);
    if (!state) {
      state = rel.spcOid === SLRU_SPC_OID ? this.slruState(upTo) : relationState(rel, upTo, backup ?? this.backupFor(upTo), this.layers, this.directories);
      this.states.set(key, state);
    }
    return state;
  }

  private slruState(upTo: Lsn): RelationState {
    const backup = this.backupFor(upTo);
    return { exists: true, blocks: 0x1_0000_0000, base: { kind: 'backup', backup }, floorLsn: backup.redoLsn, truncations: [] };
  }

  /** The page as of `upTo`; undefined where the fork has no such block then. `backup`: the one to begin at, instead of the nearest. */
  getPage(rel: RelFork, block: number, upTo: Lsn, backup?: UsableBackup): PageAsOf | undefined {
    this.requireKeys(rel);
    const state = this.relation(rel, upTo, backup);
    if (block >= state.blocks) return undefined;
    const cached = this.cache.at(rel, block, upTo);
    if (cached) {
      this.counters.pagesCached++;
      return { page: new Page(cached.bytes), unknown: cached.unknown };
    }
    const before = this.cache.before(rel, block, upTo);
    const known = before && new Map([[block, { ...before, page: new Page(before.bytes) }]]);
    const built = this.buildBatch(rel, state, [block], upTo, [], known)[0]!;
    // before the backup is consistent its pages may be newer than the moment: another backup may answer for that one
    if (!backup || upTo >= backup.consistentLsn) this.cache.keep(rel, block, versionOf(built, upTo));
    return { page: built.page, unknown: built.unknown };
  }

  /** The records that make the page as of `upTo`, oldest first: from the last that starts a chain, or from the base. */
  chain(rel: RelFork, block: number, upTo: Lsn): { entries: ChainEntry[]; usesBase: boolean } {
    this.requireKeys(rel);
    const state = this.relation(rel, upTo);
    const { floorLsn, usesBase } = blockFloor(state, block);
    return this.collectChain(rel, block, floorLsn, upTo, usesBase);
  }

  /** Calls `emit` with each entry of the blocks [from, to), of those alone that are `wanted`, whose record begins in [since, upTo): what changed between two moments. */
  changes(rel: RelFork, from: number, to: number, since: Lsn, upTo: Lsn, emit: (block: number, lsn: Lsn, bits: number) => void, wanted?: (block: number) => boolean): void {
    this.requireKeys(rel);
    for (const i of this.layers.withKeys(rel, from, to, since, upTo)) {
      this.layers.layer(i).entries(rel, from, to, (block, lsn, bits) => {
        if (lsn >= since && lsn < upTo) emit(block, lsn, bits);
      }, wanted);
    }
  }

  /** The base page of a block, before any record: null where there is none. */
  basePage(rel: RelFork, block: number, upTo: Lsn): Uint8Array | null {
    const bytes = new Uint8Array(BLCKSZ);
    return this.readBase(this.relation(rel, upTo), rel, block, bytes, {}) ? bytes : null;
  }

  /** The entries of a block in [floorLsn, upTo), from the last that starts a chain on. */
  collectChain(rel: RelFork, block: number, floorLsn: Lsn, upTo: Lsn, usesBase: boolean): { entries: ChainEntry[]; usesBase: boolean } {
    const part: ChainPart = { since: floorLsn, isStarted: false, runs: [] };
    for (const i of this.layers.withKeys(rel, block, block + 1, floorLsn, upTo).reverse()) {
      if (!part.isStarted) this.layers.layer(i).chains(rel, block, block + 1, upTo, () => part);
    }
    return { entries: chainKeys(part).map((key) => ({ lsn: Math.floor(key / 4) as Lsn, bits: key & 3 })), usesBase: usesBase && !part.isStarted };
  }

  /** Where a block begins for a moment: at its floor, or at the image above that. */
  private blockStart(state: RelationState, block: number, images: Map<number, FoundImage> | undefined): BlockStart {
    const floor = blockFloor(state, block);
    const image = images?.get(block);
    return image && image.lsn > floor.floorLsn ? { floorLsn: image.lsn, usesBase: false, image } : floor;
  }

  /** Replays an entry's record on its page. `into.unknown` tells where it could not be. */
  apply(entry: ChainEntry, rel: RelFork, block: number, page: Page, into: Pick<PageAsOf, 'unknown'>): void {
    const record = this.wal.readRecord(entry.lsn);
    this.counters.recordsReplayed++;
    if (rel.spcOid === SLRU_SPC_OID) {
      replaySlruRecord(record, rel.relNumber as Slru, block, page.bytes);
      return;
    }
    if ((entry.bits & ENTRY_STARTS_CHAIN) !== 0) into.unknown = undefined;
    if (into.unknown) return;
    if (replayRecord(record, rel, block, page, { hintBitsLogged: this.options.hintBitsLogged(entry.lsn) }) === 'unknown') into.unknown = { lsn: entry.lsn, rmgr: rmgrName(record.rmid) };
  }

  /** Reads a block's base page, as before any record, into `bytes`; false where there is none. `into.unknown` tells where it is not known. */
  readBase(state: RelationState, rel: RelFork, block: number, bytes: Uint8Array, into: Pick<PageAsOf, 'unknown'>): boolean {
    const base = state.base;
    if (!base) return false;
    if (base.kind === 'copy') {
      const source = this.getPage(base.rel, block, base.upTo, base.backup);
      if (!source) return false;
      bytes.set(source.page.bytes);
      into.unknown = source.unknown;
      return true;
    }
    if (rel.spcOid !== SLRU_SPC_OID) return base.backup.images.readBlock(rel, block, bytes);
    const { path, offset } = slruFile(SLRU_FOLDER[rel.relNumber as Slru], block);
    const file = base.backup.images.readFile(path);
    if (!file || file.length <= offset) return false;
    bytes.set(file.subarray(offset, offset + BLCKSZ));
    return true;
  }

  /**
   * Rebuilds every block of [from, to) as of `upTo` and hands each to `emit` in block order. The blocks are taken in batches whose
   * records are read from the WAL once, in LSN order. The page given is overwritten after `emit` returns; `emit` may stop the scan by
   * returning false.
   */
  scan(rel: RelFork, upTo: Lsn, from: number, to: number, emit: (block: number, page: PageAsOf) => boolean | void): void {
    this.requireKeys(rel);
    const state = this.relation(rel, upTo);
    const end = Math.min(to, state.blocks);
    const pool: Page[] = [];
    if (end - from <= KEPT_SCAN_BLOCKS) {
      this.scanKept(rel, state, from, end, upTo, emit);
      return;
    }
    for (let first = from, count = FIRST_SCAN_BLOCKS; first < end; first += count, count = Math.min(count * 2, MOST_SCAN_BLOCKS)) {
      const blocks = Array.from({ length: Math.min(end - first, count) }, (_, i) => first + i);
      for (const built of this.buildBatch(rel, state, blocks, upTo, pool)) if (emit(built.block, built) === false) return;
    }
  }

  /** As scan(), through the cache: of a small fork that is asked for again as of a near moment, a catalog, only the pages that changed are rebuilt. */
  private scanKept(rel: RelFork, state: RelationState, from: number, end: number, upTo: Lsn, emit: (block: number, page: PageAsOf) => boolean | void): void {
    const missing: number[] = [];
    const found: CachedPage[] = [];
    const known = new Map<number, EarlierPage>();
    for (let block = from; block < end; block++) {
      const cached = this.cache.at(rel, block, upTo);
      if (cached) {
        found[block] = cached;
        continue;
      }
      missing.push(block);
      const before = this.cache.before(rel, block, upTo);
      if (before) known.set(block, { ...before, page: new Page(before.bytes) });
    }
    this.counters.pagesCached += end - from - missing.length;
    for (const built of this.buildBatch(rel, state, missing, upTo, [], known)) this.cache.keep(rel, built.block, (found[built.block] = versionOf(built, upTo)));
    for (let block = from; block < end; block++) if (emit(block, { page: new Page(found[block]!.bytes), unknown: found[block]!.unknown }) === false) return;
  }

  /** Rebuilds the given blocks, which must be ascending, as scan() does; one that the fork has not then is left out. */
  scanBlocks(rel: RelFork, upTo: Lsn, blocks: readonly number[], emit: (block: number, page: PageAsOf) => boolean | void): void {
    this.requireKeys(rel);
    const state = this.relation(rel, upTo);
    const pool: Page[] = [];
    for (let first = 0; first < blocks.length; first += PAIR_BATCH_BLOCKS) {
      const some = blocks.slice(first, first + PAIR_BATCH_BLOCKS).filter((block) => block < state.blocks);
      for (const built of this.buildBatch(rel, state, some, upTo, pool)) if (emit(built.block, built) === false) return;
    }
  }

  /**
   * Rebuilds the given blocks, which must be ascending, as of two moments and hands a batch at a time to `emit`, in block order; the
   * later page is made from the earlier one. A page is undefined where the fork has no such block then. The pages are overwritten
   * after `emit` returns; it may stop the scan by returning false.
   */
  scanPairs(rel: RelFork, earlier: Lsn, later: Lsn, blocks: readonly number[], emit: (pairs: PagePair[]) => boolean | void): void {
    const states = [this.relation(rel, earlier), this.relation(rel, later)] as const;
    const pools: [Page[], Page[]] = [[], []];
    for (let first = 0; first < blocks.length; first += PAIR_BATCH_BLOCKS) {
      const some = blocks.slice(first, first + PAIR_BATCH_BLOCKS);
      const there = (state: RelationState): number[] => some.filter((block) => block < state.blocks);
      const was = new Map(this.buildBatch(rel, states[0], there(states[0]), earlier, pools[0]).map((built) => [built.block, built]));
      const known = new Map([...was].map(([block, { page, unknown }]) => [block, { page, unknown, lastLsn: earlier, upTo: earlier }]));
      const is = new Map(this.buildBatch(rel, states[1], there(states[1]), later, pools[1], known).map((built) => [built.block, built]));
      if (emit(some.map((block) => ({ block, earlier: was.get(block), later: is.get(block) }))) === false) return;
    }
  }

  /**
   * `blocks`: ascending. `pool` holds pages of batches before, whose bytes nobody needs any more. `known`: pages of an earlier moment: they are
   * gone on from, unless they began anew since.
   */
  private buildBatch(rel: RelFork, state: RelationState, blocks: readonly number[], upTo: Lsn, pool: Page[], known?: ReadonlyMap<number, EarlierPage>): BatchPage[] {
    const batch: BatchPage[] = [];
    for (const [first, last] of stretches(blocks)) this.gatherChains(rel, state, blocks, first, last, upTo, pool, known, batch);
    for (const built of batch) {
      const { block, page, chain, start } = built;
      const starts = startsChain(chain);
      if (!starts && start.earlier) {
        page.bytes.set(start.earlier.page.bytes);
        built.unknown = start.earlier.unknown;
      } else if (!starts && start.image) page.bytes.set(start.image.page());
      else if (starts || !start.usesBase || !this.readBase(state, rel, block, page.bytes, built)) page.bytes.fill(0);
    }
    const entry: ChainEntry = { lsn: INVALID_LSN, bits: 0 };
    const plain = replayChains(rel, batch, this.wal, (built, lsn, bits) => {
      entry.lsn = lsn;
      entry.bits = bits;
      this.apply(entry, rel, built.block, built.page, built);
    });
    this.counters.recordsReplayed += plain;
    this.counters.pagesRead += batch.length;
    return batch;
  }

  /** Adds the pages of blocks[first … last) to the batch, each with the entries that make it. */
  private gatherChains(
    rel: RelFork, state: RelationState, blocks: readonly number[], first: number, last: number, upTo: Lsn, pool: Page[],
    known: ReadonlyMap<number, EarlierPage> | undefined, batch: BatchPage[],
  ): void {
    const from = blocks[first]!, to = blocks[last - 1]! + 1;
    const images = this.options.images?.newest(rel, from, to, state.floorLsn, upTo);
    let lowest = upTo;
    for (let i = first; i < last; i++) {
      const block = blocks[i]!;
      let start: BatchPage['start'] = this.blockStart(state, block, images);
      const earlier = known?.get(block);
      if (earlier && start.floorLsn < earlier.upTo) start = { floorLsn: earlier.upTo, usesBase: false, earlier };
      lowest = Math.min(lowest, start.floorLsn) as Lsn;
      batch.push({ block, page: (pool[i] ??= new Page(new Uint8Array(BLCKSZ))), start, chain: [], unknown: undefined });
    }
    // the newest layer first: where all chains have their start, older ones do not matter
    const parts = batch.slice(first).map(({ start }): ChainPart => ({ since: start.floorLsn, isStarted: false, runs: [] }));
    const places = new Map(parts.map((_, n) => [blocks[first + n]!, n]));
    for (const layer of this.layers.withKeys(rel, from, to, lowest, upTo).reverse()) {
      this.layers.layer(layer).chains(rel, from, to, upTo, (block) => parts[places.get(block) ?? -1]);
      if (parts.every(({ isStarted }) => isStarted)) break;
    }
    parts.forEach((part, n) => (batch[first + n]!.chain = chainKeys(part)));
  }
}

/** A page as the cache keeps it. */
function versionOf({ page, chain, start, unknown }: BatchPage, upTo: Lsn): CachedPage {
  const last = chain.at(-1);
  const lastLsn = last !== undefined ? Math.floor(last / 4) : start.earlier ? start.earlier.lastLsn : start.image ? start.floorLsn - 1 : start.floorLsn;
  return { bytes: page.bytes, lastLsn: lastLsn as Lsn, upTo, unknown };
}

function startsChain(chain: readonly number[]): boolean {
  return chain.length > 0 && (chain[0]! & ENTRY_STARTS_CHAIN) !== 0;
}

/** A block as of two moments. */
export interface PagePair {
  block: number;
  earlier: PageAsOf | undefined;
  later: PageAsOf | undefined;
}

/** A page that a later one is made from; what is known of it as of a CachedPage. */
interface EarlierPage extends PageAsOf {
  lastLsn: Lsn;
  upTo: Lsn;
}

interface BatchPage extends PageAsOf {
  block: number;
  start: BlockStart & { earlier?: EarlierPage };
  /** LSN × 4 + bits. */
  chain: number[];
  unknown: { lsn: Lsn; rmgr: string } | undefined;
}
