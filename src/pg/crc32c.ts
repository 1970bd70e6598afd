/**
 * CRC-32C (Castagnoli), the checksum of WAL records, pg_control and relation maps: slicing by eight, long spans in WebAssembly.
 * The counterpart of port/pg_crc32c_sb8.c. Values are finished (inverted) unsigned 32-bit numbers.
 */
import { CRC_SPAN_WASM } from './wasm/crcSpanBytes.js';
import { instantiate } from './webAssembly.js';

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

/** From here on the kernel is faster, though the bytes must be copied to it; what it takes at the most. */
const LONG_MIN = 640;
const LONG_MAX = 512 * 1024;

interface Kernel {
  memory: { readonly buffer: ArrayBuffer };
  begin(): number;
  crcSpan(at: number, length: number): number;
}

let kernel: { exports: Kernel; at: number; memory: Uint8Array } | undefined;

/** crc32cUpdate(-1, …) */
function beginCrc(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length < LONG_MIN || length > LONG_MAX) return crc32cUpdate(-1, bytes, start, end);
  if (!kernel) {
    const exports = instantiate<Kernel>(CRC_SPAN_WASM);
    const at = exports.begin();
    kernel = { exports, at, memory: new Uint8Array(exports.memory.buffer) };
  }
  kernel.memory.set(bytes.subarray(start, end), kernel.at);
  return kernel.exports.crcSpan(kernel.at, length);
}

/** The CRC-32C of `bytes[start, end)`. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  return ~beginCrc(bytes, start, end) >>> 0;
}

/** The checksum that xl_crc must hold: the record's data first, then its header up to xl_crc (ValidXLogRecord(), xlogreader.c). */
export function xlogRecordCrc(bytes: Uint8Array, start: number, totLen: number): number {
  const data = beginCrc(bytes, start + 24, start + totLen);
  return ~crc32cUpdate(data, bytes, start, start + 20) >>> 0;
}
