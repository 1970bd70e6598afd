/**
 * CRC-32C (Castagnoli), the checksum of WAL records, pg_control and relation maps: slicing by eight.
 * The counterpart of port/pg_crc32c_sb8.c. Values are finished (inverted) unsigned 32-bit numbers.
 */

const POLYNOMIAL = 0x82f63b78;
const SLICES = 8;

function makeTables(): Uint32Array {
  const t = new Uint32Array(SLICES * 256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = (c & 1) !== 0 ? (c >>> 1) ^ POLYNOMIAL : c >>> 1;
    t[n] = c;
  }
  for (let n = 0; n < 256; n++) {
    for (let s = 1; s < SLICES; s++) {
      const c = t[(s - 1) * 256 + n]!;
      t[s * 256 + n] = (c >>> 8) ^ t[c & 0xff]!;
    }
  }
  return t;
}

const T = makeTables();

/** COMP_CRC32C() over an unfinished value: start with -1 (INIT_CRC32C) and invert at the end (FIN_CRC32C). */
export function crc32cUpdate(crc: number, bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  for (; at + 8 <= end; at += 8) {
    crc =
      T[1792 + ((crc ^ bytes[at]!) & 0xff)]! ^
      T[1536 + (((crc >>> 8) ^ bytes[at + 1]!) & 0xff)]! ^
      T[1280 + (((crc >>> 16) ^ bytes[at + 2]!) & 0xff)]! ^
      T[1024 + ((crc >>> 24) ^ bytes[at + 3]!)]! ^
      T[768 + bytes[at + 4]!]! ^
      T[512 + bytes[at + 5]!]! ^
      T[256 + bytes[at + 6]!]! ^
      T[bytes[at + 7]!]!;
  }
  for (; at < end; at++) crc = T[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return crc;
}

/** The CRC-32C of `bytes[start, end)`. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  return ~crc32cUpdate(-1, bytes, start, end) >>> 0;
}

/** The checksum that xl_crc must hold: the record's data first, then its header up to xl_crc (ValidXLogRecord(), xlogreader.c). */
export function xlogRecordCrc(bytes: Uint8Array, start: number, totLen: number): number {
  const data = crc32cUpdate(-1, bytes, start + 24, start + totLen);
  return ~crc32cUpdate(data, bytes, start, start + 20) >>> 0;
}
