/** PostgreSQL's own compression: pglz_decompress(), common/pg_lzcompress.c, PG 13–18. */

/**
 * Decompresses `source[at, at + length)` into `into[0, rawSize)` and gives the number of bytes written; -1 where the data is corrupt.
 * With `complete`, anything but an exact fit of both sides is corruption; without it a prefix may be asked for.
 */
export function pglzDecompress(source: Uint8Array, at: number, length: number, into: Uint8Array, rawSize: number, complete = true): number {
  const end = at + length;
  let out = 0;
  while (at < end && out < rawSize) {
    // a control byte governs the next eight items: a set bit is a match, a clear one a literal
    let control = source[at++]!;
    for (let bit = 0; bit < 8 && at < end && out < rawSize; bit++, control >>= 1) {
      if ((control & 1) === 0) {
        into[out++] = source[at++]!;
        continue;
      }
      if (at + 2 > end) return -1;
      let matchLength = (source[at]! & 0x0f) + 3;
      const distance = ((source[at]! & 0xf0) << 4) | source[at + 1]!;
      at += 2;
      if (matchLength === 18) {
        if (at >= end) return -1;
        matchLength += source[at++]!;
      }
      if (distance === 0 || distance > out) return -1;
      const stop = Math.min(out + matchLength, rawSize);
      // byte by byte: a match may overlap what it writes
      for (; out < stop; out++) into[out] = into[out - distance]!;
    }
  }
  return complete && (out !== rawSize || at !== end) ? -1 : out;
}
