/** The operations of bufpage.c, at their edges and on damaged pages. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLCKSZ, LP_DEAD, LP_NORMAL, LP_UNUSED, Page, PageError, PD_HAS_FREE_LINES, SIZE_OF_PAGE_HEADER } from '../../src/pg/page.js';
import { PG_MAJORS, type PgMajor } from '../../src/pg/version.js';

/** Item n is filled with the byte n. */
const item = (n: number, length: number): Uint8Array => new Uint8Array(length).fill(n);

function pageWith(lengths: number[], special = 16, major: PgMajor = 18): Page {
  const page = new Page().init(special);
  page.major = major;
  lengths.forEach((length, i) => page.addItem(item(i + 1, length), i + 1));
  return page;
}

/** Offset and first byte of every line pointer's item. */
const layout = (page: Page): [number, number][] =>
  Array.from({ length: page.maxOffset }, (_, i) => [page.lpOff(i + 1), page.lpLen(i + 1) === 0 ? 0 : page.bytes[page.lpOff(i + 1)]!]);

describe('PageAddItemExtended()', () => {
  it('moves line pointers to insert, and overwrites unused ones only', () => {
    const page = pageWith([16, 16]);
    page.addItem(item(9, 12), 2);
    expect(layout(page).map(([, byte]) => byte)).toEqual([1, 9, 2]);
    expect(() => page.addItem(item(8, 8), 2, true)).toThrow('will not overwrite a used ItemId');
    page.setItemId(2, 0, LP_UNUSED, 0);
    page.addItem(item(8, 8), 2, true);
    expect(layout(page).map(([, byte]) => byte)).toEqual([1, 8, 2]);
    expect(() => page.addItem(item(7, 8), 5)).toThrow('specified item offset is too large');
  });

  it('finds the first unused line pointer, and mends the hint where there is none', () => {
    const page = pageWith([16, 16, 16]);
    page.setItemId(2, 0, LP_UNUSED, 0);
    expect(page.addItem(item(4, 8), 0)).toBe(4);
    page.pdFlags |= PD_HAS_FREE_LINES;
    expect(page.addItem(item(5, 8), 0)).toBe(2);
    expect(page.addItem(item(6, 8), 0)).toBe(5);
    expect(page.pdFlags & PD_HAS_FREE_LINES).toBe(0);
  });

  it('fills a page to its last byte and not beyond', () => {
    const page = new Page().init();
    page.addItem(item(1, BLCKSZ - SIZE_OF_PAGE_HEADER - 8), 1);
    expect([page.pdUpper - page.pdLower, page.pdUpper]).toEqual([4, SIZE_OF_PAGE_HEADER + 8]);
    expect(() => page.addItem(item(2, 8), 2)).toThrow(PageError);
    expect(page.exactFreeSpace).toBe(4);
  });

  it('keeps a heap page to MaxHeapTuplesPerPage', () => {
    const page = new Page().init();
    for (let n = 1; n <= 291; n++) page.addItem(item(n, 8), n, true, true);
    expect(() => page.addItem(item(1, 8), 292, true, true)).toThrow('MaxHeapTuplesPerPage');
    page.addItem(item(1, 8), 292, true);
  });
});

describe('PageIndexTupleDelete() and its kin', () => {
  it.each([1, 2, 3])('closes the gap of item %i', (offnum) => {
    const page = pageWith([16, 24, 8]);
    const bytes = [1, 2, 3].filter((n) => n !== offnum);
    page.indexTupleDelete(offnum);
    expect(layout(page).map(([, byte]) => byte)).toEqual(bytes);
    expect(page.pdUpper).toBe(page.pdSpecial - (48 - [16, 24, 8][offnum - 1]!));
    bytes.forEach((byte, i) => expect(page.item(i + 1)).toEqual(item(byte, [16, 24, 8][byte - 1]!)));
  });

  it('keeps numbers without compacting, but drops the last one', () => {
    const page = pageWith([16, 24, 8]);
    page.indexTupleDeleteNoCompact(2);
    expect([page.maxOffset, page.lpFlags(2), page.lpLen(2)]).toEqual([3, LP_UNUSED, 0]);
    expect(page.item(3)).toEqual(item(3, 8));
    page.indexTupleDeleteNoCompact(3);
    expect(page.maxOffset).toBe(2);
    expect(page.item(1)).toEqual(item(1, 16));
  });

  it.each([8, 16, 40])('overwrites an item of 16 bytes with one of %i', (length) => {
    const page = pageWith([8, 16, 24]);
    page.setItemId(2, page.lpOff(2), LP_DEAD, 16);
    page.indexTupleOverwrite(2, item(9, length));
    expect([page.item(1), page.item(2), page.item(3)]).toEqual([item(1, 8), item(9, length), item(3, 24)]);
    expect(page.lpFlags(2)).toBe(LP_DEAD);
    expect(page.pdUpper).toBe(page.pdSpecial - 32 - length);
  });

  it('refuses to overwrite where there is no room', () => {
    const page = pageWith([8, 8000]);
    expect(() => page.indexTupleOverwrite(1, item(9, 200))).toThrow('no room');
  });

  /** Items 1 to 6 whose bytes lie in the order 6, 2, 1, 3, 4, 5 from the top: 6 was inserted first. */
  const shuffled = (major: PgMajor): Page => {
    const page = pageWith([8], 16, major);
    page.addItem(item(2, 8), 1);
    page.addItem(item(3, 8), 1);
    for (const n of [4, 5, 6]) page.addItem(item(n, 8), page.maxOffset + 1);
    return page;
  };

  it.each(PG_MAJORS)('compacts in line pointer order from 14 on, in the order of the bytes before (%i)', (major) => {
    const page = shuffled(major);
    expect(layout(page).map(([, byte]) => byte)).toEqual([3, 2, 1, 4, 5, 6]);
    page.indexMultiDelete([4, 5, 6]);
    const top = page.pdSpecial;
    const order = major >= 14 ? [3, 2, 1] : [1, 2, 3];
    expect([top - 8, top - 16, top - 24].map((at) => page.bytes[at])).toEqual(order);
    expect(layout(page).map(([, byte]) => byte)).toEqual([3, 2, 1]);
  });

  it('deletes one by one where there are at most two', () => {
    const page = shuffled(18);
    page.indexMultiDelete([2, 5]);
    // what stays keeps the order in which it lies
    const top = page.pdSpecial;
    expect([top - 8, top - 16, top - 24, top - 32].map((at) => page.bytes[at])).toEqual([1, 3, 4, 6]);
    expect(() => page.indexMultiDelete([1, 2, 9])).toThrow('incorrect index offsets supplied');
  });

  it('empties a page', () => {
    const page = pageWith([8, 16, 24]);
    page.indexMultiDelete([1, 2, 3]);
    expect([page.maxOffset, page.pdUpper]).toEqual([0, page.pdSpecial]);
  });
});

describe('PageRepairFragmentation() and PageTruncateLinePointerArray()', () => {
  it.each(PG_MAJORS)('packs tuples, and drops unused line pointers at the end from 15 on (%i)', (major) => {
    const page = pageWith([16, 30, 16, 16], 0, major);
    page.setItemId(1, 0, LP_UNUSED, 0);
    page.setItemId(4, page.lpOff(4), LP_UNUSED, 16);
    page.repairFragmentation();
    expect(page.maxOffset).toBe(major >= 15 ? 3 : 4);
    expect([page.item(2), page.item(3)]).toEqual([item(2, 30), item(3, 16)]);
    expect(page.pdUpper).toBe(BLCKSZ - 48);
    expect(page.pdFlags & PD_HAS_FREE_LINES).toBe(PD_HAS_FREE_LINES);
  });

  it('never drops the first line pointer by itself', () => {
    const page = pageWith([16, 16, 16], 0);
    for (let n = 1; n <= 3; n++) page.setItemId(n, 0, LP_UNUSED, 0);
    page.truncateLinePointerArray();
    expect([page.maxOffset, page.pdFlags & PD_HAS_FREE_LINES]).toEqual([1, PD_HAS_FREE_LINES]);
    const dead = pageWith([16, 16], 0);
    dead.setItemId(1, 0, LP_DEAD, 0);
    dead.setItemId(2, 0, LP_UNUSED, 0);
    dead.truncateLinePointerArray();
    expect([dead.maxOffset, dead.pdFlags & PD_HAS_FREE_LINES]).toEqual([1, 0]);
  });
});

describe('damaged pages', () => {
  const operations: [string, (page: Page, n: number) => void][] = [
    ['addItem', (page, n) => { page.addItem(item(1, n * 37), n % 5); }],
    ['addItem over', (page, n) => { page.addItem(item(1, n * 37), n, true, true); }],
    ['indexTupleDelete', (page, n) => page.indexTupleDelete(n)],
    ['indexTupleDeleteNoCompact', (page, n) => page.indexTupleDeleteNoCompact(n)],
    ['indexTupleOverwrite', (page, n) => page.indexTupleOverwrite(n, item(2, n * 11))],
    ['indexMultiDelete', (page, n) => page.indexMultiDelete([1, 2, 2 + n])],
    ['repairFragmentation', (page) => page.repairFragmentation()],
    ['truncateLinePointerArray', (page) => page.truncateLinePointerArray()],
    ['item', (page, n) => { page.item(n); }],
  ];

  it.each(operations)('%s throws PageError alone, and writes nothing outside the page', (_name, operate) => {
    const pointer = fc.record({ off: fc.integer({ min: 0, max: 0x7fff }), flags: fc.integer({ min: 0, max: 3 }), len: fc.integer({ min: 0, max: 0x7fff }) });
    const header = fc.oneof(fc.nat(BLCKSZ), fc.nat(0xffff), fc.constantFrom(0, 24, 28, 8176, 8192));
    fc.assert(fc.property(
      fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 12 }), fc.array(fc.tuple(fc.nat(11), pointer), { maxLength: 3 }),
      fc.option(fc.tuple(fc.constantFrom(12, 14, 16), header)), fc.integer({ min: 0, max: 14 }), fc.constantFrom<PgMajor>(13, 15),
      (lengths, pointers, damage, n, major) => {
        const guarded = new Uint8Array(3 * BLCKSZ).fill(0xa5);
        const page = new Page(guarded.subarray(BLCKSZ, 2 * BLCKSZ));
        page.bytes.set(pageWith(lengths).bytes);
        page.major = major;
        for (const [at, { off, flags, len }] of pointers) page.setItemId(at + 1, off, flags, len);
        if (damage) page.view.setUint16(damage[0], damage[1], true);
        try {
          operate(page, n);
        } catch (error) {
          expect(error).toBeInstanceOf(PageError);
        }
        expect(guarded.subarray(0, BLCKSZ).every((byte) => byte === 0xa5)).toBe(true);
        expect(guarded.subarray(2 * BLCKSZ).every((byte) => byte === 0xa5)).toBe(true);
      },
    ), { numRuns: 300 });
  });

  it('knows a normal item from one that is not on the page', () => {
    const page = pageWith([16]);
    page.setItemId(1, 8190, LP_NORMAL, 16);
    expect(() => page.item(1)).toThrow(PageError);
    page.setItemId(1, 8, LP_NORMAL, 16);
    expect(() => page.item(1)).toThrow(PageError);
  });
});
