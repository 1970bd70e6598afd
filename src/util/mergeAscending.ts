/** Many ascending lists as one, without an object for each number. */

/** Calls `visit` with every number of the lists, each of which ascends, in ascending order, and with the place of its list. */
export function mergeAscending(lists: readonly (readonly number[])[], visit: (value: number, list: number) => void): void {
  const next = new Uint32Array(lists.length);
  // a binary heap of lists by the number that comes next in each
  const heap = new Uint32Array(lists.length);
  const heads = new Float64Array(lists.length);
  let size = 0;
  lists.forEach((list, i) => {
    if (list.length === 0) return;
    heads[i] = list[0]!;
    heap[size++] = i;
  });
  const sink = (from: number): void => {
    const list = heap[from]!, head = heads[list]!;
    let at = from;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= size) break;
      if (child + 1 < size && heads[heap[child + 1]!]! < heads[heap[child]!]!) child++;
      if (heads[heap[child]!]! >= head) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = list;
  };
  for (let i = (size >> 1) - 1; i >= 0; i--) sink(i);
  while (size > 0) {
    const i = heap[0]!, list = lists[i]!;
    visit(heads[i]!, i);
    const n = ++next[i]!;
    if (n < list.length) heads[i] = list[n]!;
    else heap[0] = heap[--size]!;
    sink(0);
  }
}
