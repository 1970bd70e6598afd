/** A least-recently-used cache bounded by total weight. */
export class LruCache<K, V> {
  private readonly entries = new Map<K, { value: V; weight: number }>();
  private total = 0;

  /** `onEvict` is called for each value that leaves for want of room or by replacement (not by `clear`). */
  constructor(readonly capacity: number, private readonly onEvict?: (key: K, value: V) => void) {}

  get size(): number {
    return this.entries.size;
  }

  get(key: K): V | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

  set(key: K, value: V, weight = 1): void {
    const old = this.entries.get(key);
    if (old) {
      this.total -= old.weight;
      this.entries.delete(key);
      if (old.value !== value) this.onEvict?.(key, old.value);
    }
    this.entries.set(key, { value, weight });
    this.total += weight;
    for (const [oldestKey, oldest] of this.entries) {
      if (this.total <= this.capacity || this.entries.size === 1) break;
      this.entries.delete(oldestKey);
      this.total -= oldest.weight;
      this.onEvict?.(oldestKey, oldest.value);
    }
  }

  delete(key: K): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.entries.delete(key);
    this.total -= entry.weight;
  }

  clear(): void {
    this.entries.clear();
    this.total = 0;
  }

  values(): IterableIterator<V> {
    const inner = this.entries.values();
    return (function* () { for (const entry of inner) yield entry.value; })();
  }
}
