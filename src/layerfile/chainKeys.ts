/** The compiled decoder of runs of keys (wasm/chainKeys.as.ts): a busy page has hundreds of thousands of entries, few of which are wanted. */
import { instantiate } from '../pg/webAssembly.js';
import { countWhile } from '../util/countWhile.js';
import type { Section } from './blockFile.js';
import { CHAIN_KEYS_WASM } from './wasm/chainKeysBytes.js';

/** The entries of a page from `since` on, from the last that starts a chain: what is newer comes first, and nothing is added once it has started. */
export interface ChainPart {
  since: number;
  isStarted: boolean;
  /** LSN × 4 + bits, ascending in each. */
  runs: number[][];
}

/** All entries of a chain, ascending. */
export function chainKeys({ runs }: ChainPart): number[] {
  const keys = runs.at(-1) ?? [];
  for (let i = runs.length - 2; i >= 0; i--) for (const key of runs[i]!) keys.push(key);
  return keys;
}

interface KernelExports {
  memory: { readonly buffer: ArrayBuffer };
  block(length: number): number;
  chains(length: number, relation: number, from: number, to: number, startLsn: number, stop: number): number;
  keysAt(): number;
  runsAt(): number;
}

const DAMAGED = 0xffff_ffff;
let shared: KernelExports | undefined;

/**
 * Adds the entries of blocks [from, to) of a relation that are before `upTo` to the chains that `chainOf` gives for each of them, from a block of keys of a
 * layer that begins at `startLsn`. Throws a RangeError where the block is damaged.
 */
export function collectChains(payload: Uint8Array, relation: number, from: number, to: number, startLsn: number, upTo: number, chainOf: (block: number) => ChainPart | undefined): void {
  const kernel = (shared ??= instantiate<KernelExports>(CHAIN_KEYS_WASM));
  const at = kernel.block(payload.length);
  new Uint8Array(kernel.memory.buffer, at, payload.length).set(payload);
  const count = kernel.chains(payload.length, relation, from, to, startLsn, upTo) >>> 0;
  if (count === DAMAGED) throw new RangeError('a block of keys ends within a run');
  const { buffer } = kernel.memory;
  const runs = new Uint32Array(buffer, kernel.runsAt(), count * 4), entries = new Float64Array(buffer, kernel.keysAt());
  for (let i = runs.length - 4; i >= 0; i -= 4) {
    const chain = chainOf(runs[i]!), first = runs[i + 1]!, end = first + runs[i + 2]!, starts = runs[i + 3]!;
    if (!chain || chain.isStarted) continue;
    let next = first + countWhile(end - first, (n) => entries[first + n]! < chain.since * 4);
    if (starts !== DAMAGED && starts >= next) {
      chain.isStarted = true;
      next = starts;
    }
    if (next === end) continue;
    const keys: number[] = [];
    while (next < end) keys.push(entries[next++]!);
    chain.runs.push(keys);
  }
}

/** A block of keys by its place in section 2; `only`: the page that alone is in it, where that is known. */
interface KeyBlockPlace {
  index: number;
  only: number | undefined;
}

/** The blocks of keys that can hold entries of pages [from, to) of a relation; -1: none has any. */
export function keyBlocksOf({ fences, blocks }: Section, relation: number, from: number, to: number): KeyBlockPlace[] {
  const isOf = (index: number, page: number): boolean => index < blocks && fences[index * 2] === relation && fences[index * 2 + 1] === page;
  const isBefore = (index: number, page: number): boolean => fences[index * 2]! < relation || (fences[index * 2] === relation && fences[index * 2 + 1]! < page);
  const found: KeyBlockPlace[] = [];
  // the block before the first that begins at or behind the page may hold its first entries
  for (let index = Math.max(0, countWhile(blocks, (i) => isBefore(i, from)) - 1); relation >= 0 && index < blocks && isBefore(index, to); index++) {
    const page = fences[index * 2 + 1]!;
    found.push({ index, only: isOf(index, page) && isOf(index + 1, page) ? page : undefined });
  }
  return found;
}
