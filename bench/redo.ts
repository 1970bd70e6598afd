/**
 * How many heap records a second replay does on one core: records are built once and replayed over and over on pages in memory,
 * so reading and decoding WAL are not part of it.
 *
 *     npx tsx bench/redo.ts [SECONDS]
 */
import { Page } from '../src/pg/page.js';
import type { XLogRecord } from '../src/pg/xlogRecord.js';
import { replayRecord } from '../src/redo/replay.js';
import { RmgrId } from '../src/redo/rmgrlist.js';
import {
  XLOG_HEAP_DELETE, XLOG_HEAP_HOT_UPDATE, XLOG_HEAP_INSERT, XLOG_HEAP_LOCK, XLOG_HEAP_UPDATE, XLH_UPDATE_PREFIX_FROM_OLD, XLH_UPDATE_SUFFIX_FROM_OLD,
} from '../src/redo/heap/xlog.js';
import type { Lsn } from '../src/util/lsn.js';
import { buildRecord, bytes, u16, u32, u8 } from '../test/support/recordBuilder.js';

const REL = { spcOid: 1663, dbOid: 5, relNumber: 16384, fork: 0 };
const PAGES = 256;
const USER_DATA = new Uint8Array(61).fill(0x61);
/** xl_heap_header of a three-column row without nulls, the padding byte, and its columns. */
const TUPLE = bytes(u16(3), u16(0x0902), u8(24), u8(0), USER_DATA);
const TUPLES_PER_PAGE = 50;

const heap = (info: number, main: Uint8Array, block: number, data?: Uint8Array): XLogRecord =>
  buildRecord({ major: 18, rmid: RmgrId.heap, info, xid: 800, main, blocks: [{ id: 0, rel: REL, block, data }] });

/** One record, and how many times it can be replayed on a page before the page must be reset. */
interface Case { name: string; prepare(page: Page): void; records: XLogRecord[] }

function fill(page: Page, tuples: number): void {
  page.init();
  for (let n = 1; n <= tuples; n++) replay(heap(XLOG_HEAP_INSERT, bytes(u16(n), u8(0)), 0, TUPLE), page);
}

function replay(record: XLogRecord, page: Page): void {
  page.lsn = 0 as Lsn;
  replayRecord(record, REL, 0, page);
}

const offnums = Array.from({ length: TUPLES_PER_PAGE }, (_, i) => i + 1);
const update = (n: number, flags: number): Uint8Array => bytes(u32(800), u16(n), u8(0), u8(flags), u32(0), u16(TUPLES_PER_PAGE + n));
/** Prefix and suffix lengths, the header, the padding, and twelve changed bytes between 20 and 29 kept ones. */
const SHARED = bytes(u16(20), u16(29), u16(3), u16(0x2902), u8(24), u8(0), new Uint8Array(12).fill(0x62));

const CASES: Case[] = [
  { name: 'insert', prepare: (page) => page.init(), records: offnums.map((n) => heap(XLOG_HEAP_INSERT, bytes(u16(n), u8(0)), 0, TUPLE)) },
  { name: 'delete', prepare: (page) => fill(page, TUPLES_PER_PAGE), records: offnums.map((n) => heap(XLOG_HEAP_DELETE, bytes(u32(800), u16(n), u8(0x10), u8(0)), 0)) },
  { name: 'lock', prepare: (page) => fill(page, TUPLES_PER_PAGE), records: offnums.map((n) => heap(XLOG_HEAP_LOCK, bytes(u32(800), u16(n), u8(0x06), u8(0)), 0)) },
  {
    name: 'hot update, prefix and suffix', prepare: (page) => fill(page, TUPLES_PER_PAGE),
    records: offnums.slice(0, 30).map((n) => heap(XLOG_HEAP_HOT_UPDATE, update(n, XLH_UPDATE_PREFIX_FROM_OLD | XLH_UPDATE_SUFFIX_FROM_OLD), 0, SHARED)),
  },
  {
    name: 'update, whole tuple', prepare: (page) => fill(page, TUPLES_PER_PAGE),
    records: offnums.slice(0, 30).map((n) => heap(XLOG_HEAP_UPDATE, update(n, 0), 0, TUPLE)),
  },
];

/** Records a second; resetting the pages is not counted. */
function measure({ prepare, records }: Case, seconds: number): number {
  const template = new Page();
  prepare(template);
  template.lsn = 0 as Lsn;
  const pages = Array.from({ length: PAGES }, () => new Page());
  let done = 0, spent = 0;
  while (spent < seconds * 1000) {
    for (const page of pages) page.bytes.set(template.bytes);
    const began = performance.now();
    for (const page of pages) {
      for (let i = 0; i < records.length; i++) {
        // the records share one LSN: only the page's must stay below it
        page.view.setUint32(4, 0, true);
        replayRecord(records[i]!, REL, 0, page);
      }
    }
    spent += performance.now() - began;
    done += records.length * PAGES;
  }
  return (done / spent) * 1000;
}

const seconds = Number(process.argv[2] ?? 2);
for (const entry of CASES) measure(entry, 0.2);
for (const entry of CASES) console.log(`${entry.name.padEnd(32)} ${(measure(entry, seconds) / 1e6).toFixed(2)} million records/s`);
