/** Data checksums of pages. Follows pg_checksum_page(), storage/checksum_impl.h, PG 13–18. */
import { BLCKSZ, type Page } from './page.js';

const FNV_PRIME = 16777619;
const BASE_OFFSETS = Uint32Array.of(
  0x5b1f36e9, 0xb8525960, 0x02ab50aa, 0x1de66d2a, 0x79ff467a, 0x9bb9f8a3, 0x217e7cd2, 0x83e13d2c, 0xf8d4474f, 0xe39eb970, 0x42c6ae16, 0x993216fa,
  0x7b093b5d, 0x98daff3c, 0xf718902a, 0x0b1c9cdb, 0xe58f764b, 0x187636bc, 0x5d7b3bb1, 0xe73de7de, 0x92bec979, 0xcca6c0b2, 0x304a0979, 0x85aa43d4,
  0x783125bb, 0x6ca8eaa2, 0xe407eac6, 0x4b5cfc3e, 0x9fbf8c76, 0x15ca20be, 0xf2ca9fd3, 0x959bd756,
);
const SUMS = BASE_OFFSETS.length;
/** Rounds of zeros at the end, for mixing. */
const EXTRA_ROUNDS = 2;
/** The word of the header whose low half is the checksum itself, which counts as zero. */
const CHECKSUM_WORD = 2;

function mix(sum: number, value: number): number {
  const mixed = sum ^ value;
  return Math.imul(mixed, FNV_PRIME) ^ (mixed >>> 17);
}

/** What pd_checksum must be, of a page that is not new; `block`: its number in the fork. */
export function checksumOfPage({ view }: Page, block: number): number {
  const sums = Uint32Array.from(BASE_OFFSETS);
  for (let word = 0; word < BLCKSZ / 4; word++) {
    const value = view.getUint32(word * 4, true);
    sums[word % SUMS] = mix(sums[word % SUMS]!, word === CHECKSUM_WORD ? value & 0xffff_0000 : value);
  }
  let result = block;
  for (let sum of sums) {
    for (let round = 0; round < EXTRA_ROUNDS; round++) sum = mix(sum, 0);
    result ^= sum;
  }
  return ((result >>> 0) % 0xffff) + 1;
}
