/** hstore: hstore_out(), contrib/hstore/hstore_io.c, hstore.h, PG 13–18. */
import { uint32At } from '../../bytes.js';
import { valueError } from '../valueError.js';
import type { OutputFunction } from '../typeInfo.js';

const HS_FLAG_NEWVERSION = 0x8000_0000;
const HS_COUNT_MASK = 0x0fff_ffff;
const HENTRY_ISFIRST = 0x8000_0000;
const HENTRY_ISNULL = 0x4000_0000;
const HENTRY_POSMASK = 0x3fff_ffff;

/** Each key and each value has an entry with the position where it ends; it begins where the one before ends. */
export const hstoreOut: OutputFunction = (bytes, at, length, _type, output) => {
  const head = uint32At(bytes, at);
  const count = head & HS_COUNT_MASK;
  if (count === 0) return '';
  const textAt = at + 4 + count * 8;
  if (head < HS_FLAG_NEWVERSION || textAt > at + length) throw valueError('hstore', 'its layout is that of before 9.0, or its entries do not fit its bytes');
  const pairs: string[] = [];
  let previousEnd = 0;
  const part = (i: number): string => {
    const entry = uint32At(bytes, at + 4 + i * 4);
    const begin = entry >= HENTRY_ISFIRST ? 0 : previousEnd, end = entry & HENTRY_POSMASK;
    previousEnd = end;
    if (end < begin || textAt + end > at + length) throw valueError('hstore', "an entry reaches past the value's end");
    if ((entry & HENTRY_ISNULL) !== 0) return 'NULL';
    return `"${output.context.encoding.decode(bytes, textAt + begin, end - begin).replace(/["\\]/g, '\\$&')}"`;
  };
  for (let i = 0; i < count; i++) {
    const key = part(i * 2);
    pairs.push(`${key}=>${part(i * 2 + 1)}`);
  }
  return pairs.join(', ');
};
