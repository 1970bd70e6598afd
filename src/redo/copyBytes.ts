/** Copies between pages and records. Redo copies few bytes at a time: a subarray for each would cost more than the copy. */

interface Bytes { readonly bytes: Uint8Array; readonly view: DataView }

/** Above this length one memmove wins over a loop (bench/redo.ts). */
const LOOP_LIMIT = 96;

/**
 * Copies `length` bytes; the ranges must not overlap. Both ends are checked: a RangeError, and nothing outside `to` is written.
 */
export function copyBytes(to: Bytes, toAt: number, from: Bytes, fromAt: number, length: number): void {
  if (length > LOOP_LIMIT) {
    if (fromAt + length > from.bytes.length) throw new RangeError('copy from beyond the end');
    to.bytes.set(from.bytes.subarray(fromAt, fromAt + length), toAt);
    return;
  }
  const toView = to.view, fromView = from.view;
  let i = 0;
  for (; i + 4 <= length; i += 4) toView.setUint32(toAt + i, fromView.getUint32(fromAt + i, true), true);
  for (; i < length; i++) toView.setUint8(toAt + i, fromView.getUint8(fromAt + i));
}
