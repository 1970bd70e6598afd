/** Rebuilt pages, several versions of each: whoever goes to and fro between moments finds what he has seen, and a later moment begins at an earlier one. */
import { BLCKSZ } from '../pg/page.js';
import type { RelFork } from '../pg/relFileLocator.js';
import { LruCache } from '../util/lruCache.js';
import type { Lsn } from '../util/lsn.js';

export interface CachedPage {
  bytes: Uint8Array;
  /** The page is right for every moment in (lastLsn, upTo]. */
  lastLsn: Lsn;
  upTo: Lsn;
  unknown?: { lsn: Lsn; rmgr: string };
}

/** Of one page; the oldest goes first. */
const VERSIONS = 3;

export class PageCache {
  private readonly pages: LruCache<number, CachedPage[]>;
  private readonly relationIds = new Map<string, number>();

  constructor(bytes: number) {
    this.pages = new LruCache(Math.max(1, Math.floor(bytes / (BLCKSZ + 256))));
  }

  private key(rel: RelFork, block: number): number {
    const name = `${rel.spcOid}/${rel.dbOid}/${rel.relNumber}/${rel.fork}`;
    let id = this.relationIds.get(name);
    if (id === undefined) this.relationIds.set(name, (id = this.relationIds.size));
    return id * 0x1_0000_0000 + block;
  }

  /** The page as of `upTo`, if it is there. */
  at(rel: RelFork, block: number, upTo: Lsn): CachedPage | undefined {
    return this.pages.get(this.key(rel, block))?.find(({ lastLsn, upTo: until }) => upTo > lastLsn && upTo <= until);
  }

  /** The newest version of an earlier moment. */
  before(rel: RelFork, block: number, upTo: Lsn): CachedPage | undefined {
    let newest: CachedPage | undefined;
    for (const version of this.pages.get(this.key(rel, block)) ?? []) if (version.upTo <= upTo && (!newest || version.upTo > newest.upTo)) newest = version;
    return newest;
  }

  keep(rel: RelFork, block: number, page: CachedPage): void {
    const key = this.key(rel, block);
    // where no record lies between them it is one version, right for both moments
    const others = this.pages.get(key)?.filter(({ lastLsn }) => lastLsn !== page.lastLsn) ?? [];
    const versions = [...others.slice(1 - VERSIONS), page];
    this.pages.set(key, versions, versions.length);
  }
}
