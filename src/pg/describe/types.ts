/** What a description of a page is made of: plain values under PostgreSQL's own names, for printing as a table or as JSON. */
import type { Page } from '../page.js';
import type { PgMajor } from '../version.js';

export type FieldValue = string | number | boolean | null | string[];
export type Fields = Record<string, FieldValue>;

/** What a page's fork and its relation's access method make of it: pages do not say it themselves. */
export type PageKind = 'heap' | 'btree' | 'hash' | 'gin' | 'gist' | 'spgist' | 'brin' | 'sequence' | 'vm' | 'fsm';

export interface LinePointerDescription {
  offnum: number;
  off: number;
  flags: 'unused' | 'normal' | 'redirect' | 'dead';
  len: number;
  /** What lies there, decoded; empty where nothing does. */
  fields: Fields;
}

export interface PageDescription {
  kind: PageKind;
  /** What the page is within its kind: `meta`, `leaf`, `inner`, `revmap`…; `new` for a page of zeros. */
  type: string;
  /** As pageinspect's page_header(), pd_flags by name. */
  header: Fields;
  /** The special space. */
  special: Fields;
  /** What the page holds once: a metapage's data, a deletion xid. */
  contents: Fields;
  linePointers: LinePointerDescription[];
  /** What a page without line pointers holds in numbers: posting items, revmap items, map bits, free space. */
  entries: Fields[];
  /** What is wrong with the page, one clause each; all that could be decoded stands beside. */
  problems: string[];
}

/** One kind's part of the description. `item` is absent where the page holds no line pointers, whatever pd_lower says. */
export interface KindDescription {
  type: string;
  special: Fields;
  contents?: Fields;
  entries?: Fields[];
  /** Decodes what lies at `at` for `len` bytes, which are on the page. */
  item?: (at: number, len: number, offnum: number) => Fields;
}

/** Throws PageError or RangeError where the page is not of the kind. */
export type KindDescriber = (page: Page, block: number, major: PgMajor) => KindDescription;

/** The names of the bits of `flags`, lowest first; bits without one as a hexadecimal rest. */
export function flagNames(flags: number, names: readonly (string | undefined)[]): string[] {
  const found: string[] = [];
  let rest = flags;
  names.forEach((name, bit) => {
    if (name === undefined || (flags & (1 << bit)) === 0) return;
    found.push(name);
    rest &= ~(1 << bit);
  });
  if (rest !== 0) found.push(`0x${rest.toString(16)}`);
  return found;
}

/** Lower-case hexadecimal digits of the bytes `at…end`. */
export function hex(page: Page, at: number, end: number): string {
  return Buffer.from(page.bytes.buffer, page.bytes.byteOffset + at, Math.max(0, end - at)).toString('hex');
}

/** A block number that may be InvalidBlockNumber, as null. */
export function blockOrNull(block: number): number | null {
  return block === 0xffffffff ? null : block;
}
