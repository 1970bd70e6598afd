/** Blocks that lie no further apart are looked up together: their entries share blocks of the layers. */
const STRETCH_GAP = 256;

/** The places in `blocks`, which are ascending, from and to which no gap is wide. */
export function* stretches(blocks: readonly number[]): Generator<[first: number, last: number]> {
  for (let first = 0; first < blocks.length;) {
    let last = first + 1;
    while (last < blocks.length && blocks[last]! - blocks[last - 1]! <= STRETCH_GAP) last++;
    yield [first, last];
    first = last;
  }
}
