/**
 * Headers of variable-length values, little endian: the macros of varatt.h (postgres.h before 16), PG 13–18.
 *
 *   xxxxxx00  4-byte header, plain: length in the upper 30 bits, header included
 *   xxxxxx10  4-byte header, compressed inline; the raw size and the method follow
 *   00000001  1-byte header of a pointer: a tag byte, then the pointer
 *   xxxxxxx1  1-byte header, plain: length in the upper 7 bits, header included; never aligned
 */
import { int32At } from './bytes.js';

/** vartag_external of a value that lies in a TOAST relation. The other tags exist in memory only. */
export const VARTAG_ONDISK = 18;
/** VARHDRSZ_EXTERNAL + sizeof(varatt_external). */
export const TOAST_POINTER_SIZE = 18;

/** VARSIZE_ANY(): bytes that the value at `at` takes, its header included; 0 where the header is no valid one. */
export function varsizeAny(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if ((first & 1) === 0) return int32At(bytes, at) >>> 2;
  if (first !== 1) return first >>> 1;
  return bytes[at + 1] === VARTAG_ONDISK ? TOAST_POINTER_SIZE : 0;
}

/** True where the value is stored out of line or compressed, so that its payload is not simply what follows the header. */
export function isExtended(firstByte: number): boolean {
  return firstByte === 1 || (firstByte & 3) === 2;
}

/** Bytes of a plain value's header: 1 or 4. */
export function plainHeaderSize(firstByte: number): number {
  return firstByte & 1 ? 1 : 4;
}
