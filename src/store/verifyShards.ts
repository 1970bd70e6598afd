/**
 * How a verification is divided among threads. Replay of a page needs that page alone, so each thread takes its share of the pages, by a
 * hash of their numbers, and follows all of the WAL for them; of a base backup each takes its share of the block ranges.
 */
import type { RelFork } from '../pg/relFileLocator.js';

export interface Shard {
  index: number;
  count: number;
}

/** Whether the shard is the one that counts what all of them see. */
export function countsOnce(shard: Shard): boolean {
  return shard.index === 0;
}

/** Multiplicative hashing: neighbouring blocks and relations spread evenly. */
export function isOfShard(shard: Shard, rel: RelFork, block: number): boolean {
  if (shard.count === 1) return true;
  const hash = Math.imul(rel.relNumber * 4 + rel.fork + Math.imul(block, 0x85eb_ca6b), 0x9e37_79b1) >>> 8;
  return hash % shard.count === shard.index;
}
