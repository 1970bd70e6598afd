/** Heap pages and sequences (access/htup_details.h, commands/sequence.h; contrib/pageinspect/heapfuncs.c, PG 13–18). */
import { HEAP_HASNULL, HEAP_NATTS_MASK, SIZE_OF_HEAP_TUPLE_HEADER, T_CID, T_CTID, T_HOFF, T_INFOMASK, T_INFOMASK2, T_XMAX, T_XMIN } from '../heapTuple.js';
import { formatItemPointer } from '../itemPointer.js';
import { PageError, type Page } from '../page.js';
import { flagNames, hex, type Fields, type KindDescriber } from './types.js';

const INFOMASK_NAMES = [
  'HEAP_HASNULL', 'HEAP_HASVARWIDTH', 'HEAP_HASEXTERNAL', 'HEAP_HASOID_OLD', 'HEAP_XMAX_KEYSHR_LOCK', 'HEAP_COMBOCID', 'HEAP_XMAX_EXCL_LOCK',
  'HEAP_XMAX_LOCK_ONLY', 'HEAP_XMIN_COMMITTED', 'HEAP_XMIN_INVALID', 'HEAP_XMAX_COMMITTED', 'HEAP_XMAX_INVALID', 'HEAP_XMAX_IS_MULTI',
  'HEAP_UPDATED', 'HEAP_MOVED_OFF', 'HEAP_MOVED_IN',
];
const INFOMASK2_NAMES: (string | undefined)[] = [];
INFOMASK2_NAMES[13] = 'HEAP_KEYS_UPDATED';
INFOMASK2_NAMES[14] = 'HEAP_HOT_UPDATED';
INFOMASK2_NAMES[15] = 'HEAP_ONLY_TUPLE';

/** Pairs of bits that mean something of their own when both are set. */
const COMBINED: readonly [string, string, string][] = [
  ['HEAP_XMAX_SHR_LOCK', 'HEAP_XMAX_EXCL_LOCK', 'HEAP_XMAX_KEYSHR_LOCK'],
  ['HEAP_XMIN_FROZEN', 'HEAP_XMIN_COMMITTED', 'HEAP_XMIN_INVALID'],
  ['HEAP_MOVED', 'HEAP_MOVED_IN', 'HEAP_MOVED_OFF'],
];

/** The bits of t_infomask and t_infomask2 by name, as heap_tuple_infomask_flags(); a combined mask takes the place of its bits. */
export function infomaskNames(infomask: number, infomask2: number): string[] {
  let names = [...flagNames(infomask, INFOMASK_NAMES), ...flagNames(infomask2 & ~HEAP_NATTS_MASK, INFOMASK2_NAMES)];
  for (const [name, a, b] of COMBINED) {
    if (!names.includes(a) || !names.includes(b)) continue;
    names = names.filter((n) => n !== a && n !== b);
    names.push(name);
  }
  return names;
}

/** The null bitmap as pageinspect prints it: one digit an attribute, the first attribute first, whole bytes. */
function bitsText(page: Page, at: number, bytes: number): string {
  let text = '';
  for (let i = 0; i < bytes * 8; i++) text += (page.bytes[at + (i >> 3)]! >> (i & 7)) & 1;
  return text;
}

/** A heap tuple's header, as heap_page_items() gives it, the flags by name beside. */
export function describeHeapTuple(page: Page, at: number, len: number): Fields {
  if (len < SIZE_OF_HEAP_TUPLE_HEADER) throw new PageError(`a heap tuple of ${len} bytes`);
  const { view } = page;
  const infomask = view.getUint16(at + T_INFOMASK, true);
  const infomask2 = view.getUint16(at + T_INFOMASK2, true);
  const hoff = view.getUint8(at + T_HOFF);
  const natts = infomask2 & HEAP_NATTS_MASK;
  const bitmapLength = (infomask & HEAP_HASNULL) === 0 ? 0 : Math.ceil(natts / 8);
  if (hoff < SIZE_OF_HEAP_TUPLE_HEADER + bitmapLength || hoff > len) throw new PageError(`a heap tuple of ${len} bytes whose data begin at ${hoff}`);
  return {
    t_xmin: view.getUint32(at + T_XMIN, true),
    t_xmax: view.getUint32(at + T_XMAX, true),
    t_field3: view.getUint32(at + T_CID, true),
    t_ctid: formatItemPointer(view, at + T_CTID),
    t_infomask2: infomask2,
    t_infomask: infomask,
    flags: infomaskNames(infomask, infomask2),
    natts,
    t_hoff: hoff,
    t_bits: bitmapLength === 0 ? null : bitsText(page, at + SIZE_OF_HEAP_TUPLE_HEADER, bitmapLength),
    t_data: hex(page, at + hoff, at + len),
  };
}

export const describeHeap: KindDescriber = (page) => ({
  type: 'heap',
  special: {},
  item: (at, len) => describeHeapTuple(page, at, len),
});

/** FormData_pg_sequence_data behind the header: last_value, log_cnt, is_called. */
export const describeSequence: KindDescriber = (page) => ({
  type: 'sequence',
  special: { magic: `0x${page.view.getUint32(page.pdSpecial, true).toString(16)}` },
  item: (at, len) => {
    const header = describeHeapTuple(page, at, len);
    const data = at + Number(header['t_hoff']);
    if (data + 17 > at + len) throw new PageError(`a sequence tuple of ${len} bytes`);
    return {
      ...header,
      last_value: String(page.view.getBigInt64(data, true)),
      log_cnt: String(page.view.getBigInt64(data + 8, true)),
      is_called: page.bytes[data + 16] !== 0,
    };
  },
});
