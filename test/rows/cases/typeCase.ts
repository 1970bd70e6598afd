import type { PgMajor } from '../../../src/pg/version.js';

/** A pseudo-random source that gives the same numbers in every run. */
export class Random {
  private state: number;
  constructor(seed: number) { this.state = seed >>> 0; }
  /** mulberry32 */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number { return low + Math.floor(this.next() * (high - low + 1)); }
  uint32(): number { return Math.floor(this.next() * 0x1_0000_0000); }
  /** A random 64-bit pattern. */
  bits64(): bigint { return (BigInt(this.uint32()) << 32n) | BigInt(this.uint32()); }
  pick<T>(items: readonly T[]): T { return items[this.int(0, items.length - 1)]!; }
  /** Text of up to `max` characters out of `alphabet`. */
  text(max: number, alphabet: readonly string[]): string {
    return Array.from({ length: this.int(0, max) }, () => this.pick(alphabet)).join('');
  }
}

/** A value: the text of a literal, or an SQL expression. */
export type CaseValue = string | { sql: string };

/** A table with one column of a type, and what it holds. */
export interface TypeCase {
  name: string;
  type: string;
  values: readonly CaseValue[];
  /** Further literals. */
  random?: (random: Random) => string;
  randomCount?: number;
  /** Run before the table is made. */
  setup?: string;
  since?: PgMajor;
  until?: PgMajor;
  /** Compare under these TimeZone settings. */
  zones?: readonly string[];
}

/** Characters that quoting, escaping and encodings stumble over. */
export const AWKWARD = ['a', 'b', 'Z', '0', ' ', '"', "'", '\\', ',', '{', '}', '(', ')', '[', ']', '\t', '\n', '\r', '\v', '\f', '\b', ':', ';', '|', '&', '!', '<', '>', '=', '@', '.', '-', '/', 'ä', 'ß', '€', '日', '𝄞', 'NULL', 'null'] as const;

export function sqlLiteral(value: CaseValue, type: string): string {
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'::${type}` : `(${value.sql})::${type}`;
}
