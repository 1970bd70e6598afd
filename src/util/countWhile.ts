/** Of `length` elements in order, the number of those at the front for which `isBefore` holds: a binary search. */
export function countWhile(length: number, isBefore: (index: number) => boolean): number {
  let low = 0, high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
