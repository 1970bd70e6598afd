import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeGinPostingLists, encodeGinPostingList, itemBlock, itemOffset, mergeItems, sizeOfGinPostingList } from '../../src/pg/ginPostingList.js';

const view = new DataView(new ArrayBuffer(8192));
/** Items as a posting list counts them: block × 2^11 + offset, ascending. */
const items = fc.uniqueArray(fc.tuple(fc.nat(0xfffffffe), fc.integer({ min: 1, max: 2047 })).map(([block, offset]) => block * 2048 + offset), { minLength: 1, maxLength: 200 })
  .map((list) => list.sort((a, b) => a - b));

describe('GIN posting lists', () => {
  it('come back as they went in, in an even number of bytes', () => {
    fc.assert(fc.property(items, (list) => {
      const size = encodeGinPostingList(list, view, 100, 8192);
      expect(size % 2).toBe(0);
      expect(sizeOfGinPostingList(view, 100, 8192)).toBe(size);
      expect(decodeGinPostingLists(view, 100, 100 + size)).toEqual(list);
    }));
  });

  it('are encoded as PostgreSQL does', () => {
    // (1,2), (1,3), (1,130), (3,1): distances 1, 127, and 2 blocks less 129, two bytes of seven bits
    const size = encodeGinPostingList([2050, 2051, 2178, 6145], view, 0, 8192);
    expect(Buffer.from(view.buffer, 0, size).toString('hex')).toBe('000001000200' + '0400' + '01' + '7f' + 'ff1e');
    expect([itemBlock(6145), itemOffset(6145)]).toEqual([3, 1]);
  });

  it('merge without duplicates', () => {
    fc.assert(fc.property(items, items, (a, b) => {
      expect(mergeItems(a, b)).toEqual([...new Set([...a, ...b])].sort((x, y) => x - y));
    }));
  });

  it('are refused where they are cut, unfinished, out of order or too large', () => {
    const size = encodeGinPostingList([2050, 2051, 6145], view, 0, 8192);
    expect(() => decodeGinPostingLists(view, 0, size - 2)).toThrow('does not fit');
    expect(() => decodeGinPostingLists(view, 0, 6)).toThrow('cut short');
    view.setUint16(6, 2, true);
    expect(() => decodeGinPostingLists(view, 0, size)).toThrow('unfinished number');
    expect(() => encodeGinPostingList([5, 5], view, 0, 8192)).toThrow('do not ascend');
    expect(() => encodeGinPostingList([1, 2], view, 0, 8)).toThrow('no room');
    view.setUint16(4, 2048, true);
    expect(() => decodeGinPostingLists(view, 0, size)).toThrow('too large');
  });
});
