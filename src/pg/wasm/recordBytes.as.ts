/** The bytes of a record that may leave its page (AssemblyScript, a part of walScan.as.ts): `start` is where it begins in `buffer`, which begins with a page. */
import { HEADERS, PAGE } from './memory.as';

const XLP_LONG_HEADER: u32 = 0x02;

/** Of the page at `page`. */
@inline
export function headerSize(page: usize): u32 {
  return (load<u16>(page, 2) & XLP_LONG_HEADER) != 0 ? 40 : 24;
}

/** Copies the first `length` bytes (HEADERS_MAX at most) of a record to HEADERS. */
export function gatherBytes(buffer: usize, start: u32, length: u32): void {
  let p = start;
  let rest = length;
  let out = HEADERS;
  while (rest != 0) {
    const fragment = min(PAGE - (p & (PAGE - 1)), rest);
    memory.copy(out, buffer + p, fragment);
    out += fragment;
    p += fragment;
    rest -= fragment;
    if (rest != 0) p += headerSize(buffer + p);
  }
}

/** The byte at `offset` of a record. */
export function recordByte(buffer: usize, start: u32, offset: u32): u32 {
  let p = start;
  while (true) {
    const here = PAGE - (p & (PAGE - 1));
    if (offset < here) return load<u8>(buffer + p + offset);
    offset -= here;
    p += here;
    p += headerSize(buffer + p);
  }
}
