/** How values of a type are read, ordered and hashed by an operator class: for searching an index, and for comparing values that are printed. */

/** `V`: a value taken apart, so that two can be compared; of a plain type, its plain bytes (see compare.ts). */
export interface KeyType<V> {
  /** A stored value without its header, decompressed. */
  decode(stored: Uint8Array): V;
  /** What the type's input function makes of a text; undefined where it is no value, or not in a form that is read here. */
  parse(text: string): V | undefined;
  /** Below zero, zero or above. Throws `key.collation` where the order would be that of a collation that is not known here. */
  compare(a: V, b: V): number;
  /** The type has an order, not only equality. */
  isOrdered: boolean;
  /** An unsigned 32-bit hash code; undefined where the type has none, or none that is known here. */
  hash?(value: V): number;
}

/** A key type whose values are nobody else's to look into. */
export type AnyKeyType = KeyType<unknown>;

/** hash_array() and its kin: a hash code added to those before it, by multiplication with 31. */
export function combineHash(before: number, code: number): number {
  return (Math.imul(before, 31) + code) >>> 0;
}

/** pg_rotate_left32() by one. */
export function rotateLeft(value: number): number {
  return ((value << 1) | (value >>> 31)) >>> 0;
}
