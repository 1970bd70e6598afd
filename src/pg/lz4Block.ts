/** The LZ4 block format (no frame), as LZ4_decompress_safe() reads it: full-page images and TOAST values hold bare blocks. */

const MIN_MATCH = 4;
/** From here on a call to the engine's own copy is cheaper than a loop. */
const LONG_COPY = 48;

/**
 * Decompresses `source[at, at + length)` into `into` and gives the number of bytes written, at most `capacity`;
 * -1 where the data is corrupt or does not fit. With `prefix`, stops without error once `capacity` bytes are there.
 * Output begins at `into[base]`; what lies before is what earlier blocks of the same stream left, to which matches may reach back.
 */
export function lz4BlockDecompress(
  source: Uint8Array, at: number, length: number, into: Uint8Array, capacity: number, prefix = false, base = 0,
): number {
  const end = at + length;
  const limit = base + capacity;
  let out = base;
  while (at < end) {
    const token = source[at++]!;
    let literals = token >>> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255) {
        if (at >= end) return -1;
        more = source[at++]!;
        literals += more;
      }
    }
    if (at + literals > end) return -1;
    if (out + literals > limit) {
      if (!prefix) return -1;
      into.set(source.subarray(at, at + limit - out), out);
      return capacity;
    }
    if (literals > LONG_COPY) {
      into.set(source.subarray(at, at + literals), out);
      out += literals;
      at += literals;
    } else {
      for (let i = 0; i < literals; i++) into[out++] = source[at++]!;
    }
    if (at === end) return out - base; // the last sequence has literals only

    if (at + 2 > end) return -1;
    const distance = source[at]! | (source[at + 1]! << 8);
    at += 2;
    if (distance === 0 || distance > out) return -1;
    let matchLength = token & 15;
    if (matchLength === 15) {
      let more = 255;
      while (more === 255) {
        if (at >= end) return -1;
        more = source[at++]!;
        matchLength += more;
      }
    }
    matchLength += MIN_MATCH;
    if (out + matchLength > limit) {
      if (!prefix) return -1;
      matchLength = limit - out;
    }
    if (matchLength > LONG_COPY && distance >= matchLength) {
      into.copyWithin(out, out - distance, out - distance + matchLength);
      out += matchLength;
    } else {
      for (const stop = out + matchLength; out < stop; out++) into[out] = into[out - distance]!;
    }
    if (prefix && out === limit) return capacity;
  }
  return -1;
}
