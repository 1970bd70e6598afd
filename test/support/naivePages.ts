/** The pages of the naive recovery: relation forks in memory over an optional plain base backup. */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { BLCKSZ, Page } from '../../src/pg/page.js';
import { formatRelFork, type RelFork } from '../../src/pg/relFileLocator.js';
import { relationPath } from '../../src/pg/relPath.js';
import type { PgMajor } from '../../src/pg/version.js';

const BLOCKS_PER_SEGMENT_FILE = 131072;

interface ForkState {
  rel: RelFork;
  pages: Map<number, Page>;
  /** The fork whose file in the base backup lies below: the fork's own, or that of the database it was copied from. */
  base: RelFork;
  /** Base blocks from here on are gone (truncated, dropped): they read as zeros. */
  baseLimit: number;
  /** True where all that is not in `pages` or the base is known to be zeros. */
  complete: boolean;
}

export class NaivePages {
  private readonly forks = new Map<string, ForkState>();
  /** `spc/db` of a database copied by file → where its base files are. */
  private readonly aliases = new Map<string, { spcOid: number; dbOid: number }>();

  constructor(private readonly major: PgMajor, private readonly backupDir: string | undefined) {}

  private fork(rel: RelFork): ForkState {
    const key = formatRelFork(rel);
    let state = this.forks.get(key);
    if (!state) {
      const { spcOid, dbOid, relNumber, fork } = rel;
      const own = { spcOid, dbOid, relNumber, fork };
      const base = { ...own, ...this.aliases.get(`${spcOid}/${dbOid}`) };
      state = { rel: own, pages: new Map(), base, baseLimit: Infinity, complete: this.backupDir !== undefined };
      this.forks.set(key, state);
    }
    return state;
  }

  /** The page, from memory or the base; undefined where nothing is known about it. */
  get(rel: RelFork, block: number): Page | undefined {
    const state = this.fork(rel);
    const page = state.pages.get(block) ?? this.readBase(state, block) ?? (state.complete ? new Page() : undefined);
    if (page) state.pages.set(block, page);
    return page;
  }

  put(rel: RelFork, block: number, page: Page): void {
    this.fork(rel).pages.set(block, page);
  }

  private readBase(state: ForkState, block: number): Page | undefined {
    if (this.backupDir === undefined || block >= state.baseLimit) return undefined;
    const file = this.baseFile(state.base, block);
    if (!existsSync(file)) return undefined;
    const fd = openSync(file, 'r');
    const bytes = new Uint8Array(BLCKSZ);
    const got = readSync(fd, bytes, 0, BLCKSZ, (block % BLOCKS_PER_SEGMENT_FILE) * BLCKSZ);
    closeSync(fd);
    return got === BLCKSZ ? new Page(bytes) : undefined;
  }

  private baseFile(rel: RelFork, block: number): string {
    const segment = Math.floor(block / BLOCKS_PER_SEGMENT_FILE);
    return join(this.backupDir!, relationPath(rel, this.major) + (segment === 0 ? '' : `.${segment}`));
  }

  /** A created fork begins empty, unless the (fuzzy) backup has it already. */
  create(rel: RelFork): void {
    const state = this.fork(rel);
    state.complete = true;
    if (this.backupDir === undefined || !existsSync(this.baseFile(state.base, 0))) state.baseLimit = 0;
  }

  truncate(rel: RelFork, blocks: number): void {
    const state = this.fork(rel);
    state.baseLimit = Math.min(state.baseLimit, blocks);
    for (const block of [...state.pages.keys()]) if (block >= blocks) state.pages.delete(block);
  }

  /** All forks of a relation. */
  drop(rel: Omit<RelFork, 'fork'>): void {
    for (let fork = 0; fork < 4; fork++) this.truncate({ ...rel, fork }, 0);
  }

  dropDatabase(spcOid: number, dbOid: number): void {
    for (const state of this.forks.values()) if (state.rel.spcOid === spcOid && state.rel.dbOid === dbOid) this.truncate(state.rel, 0);
  }

  copyDatabase(from: { spcOid: number; dbOid: number }, to: { spcOid: number; dbOid: number }): void {
    this.dropDatabase(to.spcOid, to.dbOid);
    const base = this.aliases.get(`${from.spcOid}/${from.dbOid}`) ?? from;
    this.aliases.set(`${to.spcOid}/${to.dbOid}`, base);
    for (const state of [...this.forks.values()]) {
      if (state.rel.spcOid !== from.spcOid || state.rel.dbOid !== from.dbOid) continue;
      const rel = { ...state.rel, ...to };
      const pages = new Map([...state.pages].map(([block, page]) => [block, new Page(page.bytes.slice())]));
      this.forks.set(formatRelFork(rel), { ...state, rel, pages });
    }
  }
}
